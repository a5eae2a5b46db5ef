//! The use of plans and notifications: errands to the daemon, and the stream that says that somebody looks.
//!
//! The stream is open while the daemon is there and the terminal has the focus. Otherwise the feed says what changes, and the
//! sources are asked no oftener than for anybody else. Lines are read when they come, so line mode has no stream.

use std::pin::Pin;

use betcode_client::{CallError, Connection, UsageAccount};
use futures_util::{Stream, StreamExt as _};

use super::engine::Engine;
use super::{Brought, Owned, link::Calls};
use crate::msg::{Effect, Msg};
use crate::notices::{self, Wish};
use crate::usage::{self, Lack};

/// What is known, now and whenever that changes.
pub(super) type Watch = Pin<Box<dyn Stream<Item = Result<Vec<UsageAccount>, CallError>> + Send>>;

/// How far looking has come.
#[derive(Default)]
pub(super) struct Looking {
    /// There is a daemon, as the feed says.
    there: bool,
    /// The stream is being opened.
    opening: bool,
    watch: Option<Watch>,
}

impl Looking {
    /// What the stream says next; never, without one. None: it has ended.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<UsageAccount>, CallError>> {
        match &mut self.watch {
            Some(watch) => watch.next().await,
            None => std::future::pending().await,
        }
    }
}

impl Engine {
    /// The feed is attached, for the first time or again: what the stream said before may be old.
    pub(super) fn attached(&mut self) {
        self.looking.there = true;
        self.looking.watch = None;
        self.look();
        if !self.looks() {
            self.errands.push(known(&self.calls));
        }
    }

    /// The feed is lost, and so is the daemon.
    pub(super) fn detached(&mut self) -> Vec<Effect> {
        self.looking.there = false;
        self.looking.watch = None;
        self.take(Msg::Usage(usage::News::Lost))
    }

    fn looks(&self) -> bool {
        self.model.focused && self.model.plain.is_none()
    }

    /// Opens the stream when somebody looks, and closes it when nobody does.
    fn look(&mut self) {
        if !self.looks() {
            self.looking.watch = None;
        } else if self.looking.there && self.looking.watch.is_none() && !self.looking.opening {
            self.looking.opening = true;
            self.errands.push(opened(&self.calls));
        }
    }

    /// The stream is open, or cannot be opened.
    pub(super) fn looking(&mut self, opened: Result<Watch, Lack>) -> Vec<Effect> {
        self.looking.opening = false;
        match opened {
            Ok(watch) => {
                self.looking.watch = Some(watch).filter(|_| self.looks());
                Vec::new()
            }
            Err(Lack::Unsupported) => self.take(Msg::Usage(usage::News::Unsupported)),
            // The feed tells when the daemon is there again.
            Err(Lack::Problem(_)) => Vec::new(),
        }
    }

    /// What the stream has said.
    pub(super) fn looked(
        &mut self,
        said: Option<Result<Vec<UsageAccount>, CallError>>,
    ) -> Vec<Effect> {
        if let Some(Ok(accounts)) = said {
            return self.take(Msg::Usage(usage::News::All(accounts)));
        }
        self.looking.watch = None;
        Vec::new()
    }

    /// The feed says that an account has changed. The stream says the same.
    pub(super) fn usage_changed(&mut self, account: Box<UsageAccount>) -> Vec<Effect> {
        if self.looking.watch.is_some() {
            return Vec::new();
        }
        self.take(Msg::Usage(usage::News::Changed(account)))
    }

    /// Begins what is to be done about plans and notifications. What is about something else comes back.
    pub(super) fn begin_plans(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Look => self.look(),
            Effect::RefreshUsage => self.errands.push(refreshed(&self.calls)),
            Effect::UsageHistory => self.errands.push(history(&self.calls)),
            Effect::Notices => self.errands.push(listed(&self.calls)),
            Effect::Notice(wish) => {
                let me = self.model.me.clone();
                self.errands.push(done(&self.calls, wish, me));
            }
            other => return Some(other),
        }
        None
    }
}

fn opened(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let open = |connection: Connection| async move {
            let watch = connection.watch_usage().await?;
            Ok(Box::pin(watch) as Watch)
        };
        Brought::Looking(calls.try_ask(open).await)
    })
}

fn known(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let ask = |connection: Connection| async move { connection.usage().await };
        Brought::Msg(Msg::Usage(match calls.try_ask(ask).await {
            Ok(accounts) => usage::News::All(accounts),
            Err(Lack::Unsupported) => usage::News::Unsupported,
            // Nothing is known then, and nobody has asked.
            Err(Lack::Problem(_)) => return Brought::Nothing,
        }))
    })
}

fn refreshed(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let ask = |connection: Connection| async move { connection.refresh_usage("", "").await };
        let refreshed = calls.try_ask(ask).await;
        Brought::Msg(Msg::Usage(usage::News::Refreshed(refreshed)))
    })
}

fn history(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let ask = |connection: Connection| async move { connection.usage_history(None).await };
        Brought::Msg(Msg::Usage(usage::News::History(calls.try_ask(ask).await)))
    })
}

fn listed(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let ask = |connection: Connection| async move { connection.list_notifications().await };
        Brought::Msg(Msg::Notices(notices::News::Listed(
            calls.try_ask(ask).await,
        )))
    })
}

/// Everything that can be wanted may be asked for twice: a choice has its key.
fn done(calls: &Calls, wish: Wish, me: betcode_core::event::ClientInfo) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let ask = |connection: Connection| {
            let (wish, me) = (wish.clone(), me.clone());
            async move {
                match wish {
                    Wish::Snooze(minutes) => connection.snooze(minutes).await.map(|_| None),
                    Wish::Unsnooze => connection.unsnooze().await.map(|_| None),
                    Wish::Dismiss(id) => connection.dismiss_notification(id).await.map(|()| None),
                    Wish::Act { id, choice, key } => {
                        connection.act_on_notification(id, choice, key, me).await
                    }
                }
            }
        };
        let outcome = calls.try_ask(ask).await;
        Brought::Msg(Msg::Notices(notices::News::Done(wish, outcome)))
    })
}
