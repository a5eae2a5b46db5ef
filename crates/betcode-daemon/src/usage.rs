//! The use of plans: a task with one planner for each account ([`usage_core::planner`]), which runs what they want to be done, takes
//! in what sessions and status lines say, and tells of it: to clients, to the feed, and, as entries of the feed, to the
//! notifications. It decides nothing by itself.
//!
//! What it remembers (`memory`) holds how far it has read the feed, and is written in one transaction with the entries that
//! follow: every alert and notice is in the feed exactly once, also when the daemon is killed, and the notifications take every entry
//! of the feed exactly once.
//!
//! Laws:
//! - what is asked of it is answered from memory: no source, no program and no file is waited for, but where a client wants that;
//! - nothing is done that a planner wants before what led to it is on disk;
//! - no timer while nothing is due, and no part in whether the daemon is needed;
//! - where it is switched off, or there is nothing to ask, no program is started;
//! - a token is read for the one request that needs it, and is nowhere else.

mod doctor;
mod driver;
mod errands;
pub mod host;
pub mod http;
mod memory;
mod news;
mod past;
mod place;
mod process;
mod task;

use std::sync::Arc;
use std::time::Duration;

use betcode_core::time::Timestamp;
use betcode_proto::convert::usage::{UsageAccount, UsageFinding, UsageHistory};
use betcode_proto::status::{Refusal, reason};
use tokio::sync::{OnceCell, mpsc, oneshot, watch};
use tonic::Code;

use crate::machine::Machine;

/// How many calls wait at most before callers have to.
const MAILBOX: usize = 64;
/// How long a refresh waits for sources: as long as one may take, and a little.
const PATIENCE: Duration = Duration::from_secs(45);

/// What clients see.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct View {
    /// What was written down by an earlier daemon has been read.
    is_known: bool,
    /// All accounts.
    pub(crate) accounts: Vec<UsageAccount>,
}

/// Whom a call is about: empty for all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whose {
    pub(crate) provider: String,
    pub(crate) account: String,
}

impl Whose {
    /// Whether this is meant.
    pub(crate) fn means(&self, provider: &str, account: &str) -> bool {
        (self.provider.is_empty() || self.provider == provider)
            && (self.account.is_empty() || self.account == account)
    }
}

/// What the task is asked.
enum Ask {
    /// To ask the sources, and to say when they have answered.
    Refresh(Whose, oneshot::Sender<()>),
    /// To take in what a status line was given.
    Statusline {
        json: Vec<u8>,
        /// Empty for the default.
        directory: String,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// How everything stands.
    Examine(oneshot::Sender<Vec<doctor::Examined>>),
}

/// The way to the task. Copies are the same.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    machine: Arc<Machine>,
    asks: mpsc::Sender<Ask>,
    view: watch::Receiver<Arc<View>>,
    watchers: watch::Sender<usize>,
    client: Arc<OnceCell<http::Client>>,
}

/// Somebody looks, for as long as this is held.
#[derive(Debug)]
pub(crate) struct Watching(watch::Sender<usize>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Usage {
    /// Starts the task. Must be called inside a runtime.
    pub(crate) fn start(machine: &Arc<Machine>) -> Self {
        let (asks, asked) = mpsc::channel(MAILBOX);
        let (shown, view) = watch::channel(Arc::default());
        let watchers = watch::Sender::new(0);
        let client: Arc<OnceCell<http::Client>> = Arc::default();
        let outside = (watchers.subscribe(), Arc::clone(&client));
        let task = task::Task::new(Arc::clone(machine), asked, shown, outside);
        machine.tasks().spawn("usage", task.run());
        Self {
            machine: Arc::clone(machine),
            asks,
            view,
            watchers,
            client,
        }
    }

    /// What clients see, now and from now on. Waits until that is known, which takes no longer than reading it from disk.
    pub(crate) async fn view(&self) -> Result<watch::Receiver<Arc<View>>, Refusal> {
        let mut view = self.view.clone();
        view.wait_for(|view| view.is_known)
            .await
            .map_err(|_| ended())?;
        Ok(view)
    }

    /// What clients see now.
    pub(crate) async fn accounts(&self) -> Result<Vec<UsageAccount>, Refusal> {
        Ok(self.view().await?.borrow().accounts.clone())
    }

    /// Counts somebody who looks.
    pub(crate) fn watching(&self) -> Watching {
        self.watchers.send_modify(|count| *count += 1);
        Watching(self.watchers.clone())
    }

    /// Asks the sources, and waits until they have answered, but not for ever.
    pub(crate) async fn refresh(&self, whose: Whose) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Refresh(whose, reply)).await?;
        // Who does not answer in time says nothing; what is known is known.
        let _late = tokio::time::timeout(PATIENCE, answer).await;
        Ok(())
    }

    /// Takes in what a status line was given.
    pub(crate) async fn statusline(&self, json: Vec<u8>, directory: String) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Statusline {
            json,
            directory,
            reply,
        };
        self.ask(ask).await?;
        answer.await.map_err(|_| ended())?
    }

    /// How windows were used.
    pub(crate) async fn history(&self, since: Timestamp) -> Result<Vec<UsageHistory>, Refusal> {
        let stored = self.machine.store().points_since(since.0).await;
        let stored = stored.map_err(|error| unavailable(error.to_string()))?;
        Ok(past::histories(stored))
    }

    /// What is wrong, and what to do.
    pub(crate) async fn findings(&self) -> Result<Vec<UsageFinding>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Examine(reply)).await?;
        let examined = answer.await.map_err(|_| ended())?;
        let client = errands::connected(&self.machine, &self.client);
        Ok(doctor::findings(&self.machine, examined, client).await)
    }

    async fn ask(&self, ask: Ask) -> Result<(), Refusal> {
        self.asks.send(ask).await.map_err(|_| ended())
    }
}

fn ended() -> Refusal {
    unavailable("the daemon is going down")
}

fn unavailable(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Unavailable, reason::UNAVAILABLE, message)
}
