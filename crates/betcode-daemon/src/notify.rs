//! Notifications: a task that follows the machine feed, tells [`betcode_core::notify`] what there is to tell, and carries out what
//! follows: entries of the feed, and what the user wants to be run. It decides nothing, and shows nothing.
//!
//! What it remembers (`memory`) holds how far it has read the feed, and is written in one transaction with the entries that
//! follow: every entry is taken exactly once, also when the daemon is killed. A program or address of the user's is started
//! after that, so once at most.
//!
//! Laws:
//! - nothing is offered, claimed, shown, paused or over before that is on disk;
//! - what could not be written has not happened, and is tried again from the feed, or refused to the client that asked;
//! - no timer while nothing is due;
//! - nobody waits for a program of the user's.

mod action;
mod local;
mod memory;
mod news;
mod task;
mod told;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use betcode_core::event::ClientInfo;
use betcode_core::id::{ClientId, IdempotencyKey, RequestId, SessionId};
use betcode_core::notify::{Choice, Input, Notice, Notification, NotificationId, Snooze, State};
use betcode_core::time::Timestamp;
use betcode_proto::convert::notify::{ListedNotification, NotificationList};
use betcode_proto::status::{Refusal, reason};
use tokio::sync::{mpsc, oneshot, watch};
use tonic::Code;

use crate::machine::Machine;

/// How many calls wait at most before callers have to.
const MAILBOX: usize = 64;

/// What clients see.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct View {
    /// What was written down by an earlier daemon has been read.
    pub(crate) is_known: bool,
    /// What stands, the oldest first.
    pub(crate) standing: Vec<(Notification, State)>,
    /// What is held back, and until when where that is known.
    pub(crate) held: Vec<(Notice, Option<Timestamp>)>,
    /// The pause.
    pub(crate) snooze: Option<Snooze>,
}

impl View {
    /// As it travels.
    pub(crate) fn list(&self) -> NotificationList {
        let standing = self.standing.iter();
        let standing = standing.map(|(it, state)| ListedNotification::standing(it, *state));
        let held = self.held.iter();
        let held = held.map(|(notice, until)| ListedNotification::held(notice, *until));
        NotificationList {
            notifications: standing.chain(held).collect(),
            snooze: self.snooze.map(Into::into),
        }
    }
}

/// A choice of the user's in a notification.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) id: NotificationId,
    pub(crate) choice: Choice,
    /// The same choice under the same key has no second effect.
    pub(crate) key: IdempotencyKey,
}

/// What is to be done for a choice, beside what has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing; or whatever the client does in this session.
    Nothing(Option<SessionId>),
    /// This request is answered.
    Answer {
        session: SessionId,
        request: RequestId,
    },
}

type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// What the task is asked.
enum Ask {
    /// To take this in.
    Input(Input, Reply<()>),
    /// To do what was chosen.
    Choose(Chosen, Reply<Rest>),
}

/// The way to the task. Copies are the same.
#[derive(Debug, Clone)]
pub(crate) struct Notifier {
    asks: mpsc::Sender<Ask>,
    view: watch::Receiver<Arc<View>>,
}

impl Notifier {
    /// Starts the task. Must be called inside a runtime.
    pub(crate) fn start(machine: &Arc<Machine>) -> Self {
        let (asks, asked) = mpsc::channel(MAILBOX);
        let (shown, view) = watch::channel(Arc::default());
        let task = task::Task::new(Arc::clone(machine), asked, shown);
        machine.tasks().spawn("notifications", task.run());
        Self { asks, view }
    }

    /// What clients see, now and from now on. Waits until that is known.
    pub(crate) async fn view(&self) -> Result<watch::Receiver<Arc<View>>, Refusal> {
        let mut view = self.view.clone();
        view.wait_for(|view| view.is_known)
            .await
            .map_err(|_| ended())?;
        Ok(view)
    }

    /// Takes something in that comes from a client.
    pub(crate) async fn input(&self, input: Input) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Input(input, reply)).await?;
        answer.await.map_err(|_| ended())?
    }

    /// Claims a notification for a client.
    pub(crate) async fn claim(
        &self,
        id: NotificationId,
        by: ClientId,
    ) -> Result<(Notification, Timestamp), Refusal> {
        self.input(Input::Claim { id, by }).await?;
        let view = Arc::clone(&self.view.borrow());
        let found = view.standing.iter().find(|(it, _)| it.id == id);
        match found {
            Some((notification, State::Claimed { by: holder, until })) if *holder == by => {
                Ok((notification.clone(), *until))
            }
            // It was withdrawn in the same moment.
            _ => Err(betcode_core::notify::Refused::Unknown(id.0).into()),
        }
    }

    /// Does what was chosen. An answer to a request is given by whoever asks, in the name of `client`.
    pub(crate) async fn choose(&self, chosen: Chosen) -> Result<Rest, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Choose(chosen, reply)).await?;
        answer.await.map_err(|_| ended())?
    }

    async fn ask(&self, ask: Ask) -> Result<(), Refusal> {
        self.asks.send(ask).await.map_err(|_| ended())
    }
}

/// The answer to a request that a choice in a notification is.
pub(crate) fn answer(
    (session, request): (SessionId, RequestId),
    chosen: &Chosen,
    client: ClientInfo,
) -> betcode_core::command::Command {
    use betcode_core::command::{Action, Command, PermissionAnswer};
    let answer = if chosen.choice == Choice::Allow {
        PermissionAnswer::Allow {
            scope: betcode_core::event::PermissionScope::Once,
            input: None,
        }
    } else {
        PermissionAnswer::Deny {
            message: String::new(),
            interrupt: false,
        }
    };
    Command {
        session,
        key: chosen.key,
        client,
        action: Action::AnswerPermission {
            id: request,
            answer,
        },
    }
}

fn ended() -> Refusal {
    unavailable("the daemon is going down")
}

fn unavailable(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Unavailable, reason::UNAVAILABLE, message)
}
