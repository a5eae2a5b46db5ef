//! Calls to the daemon, each in a task of its own, and what came of them.

use betcode_client::{CallError, Connection};
use betcode_core::command::{Action, Command, PermissionAnswer};
use betcode_core::event::{ClientInfo, ClientKind, PermissionScope};
use betcode_core::id::{ClientId, IdempotencyKey, RequestId, SessionId};
use betcode_proto::status::reason;
use uuid::Uuid;

use super::Runtime;
use crate::model::{Effect, Msg};
use crate::platform::Desktop;
use crate::toast::{Abilities, Toast};

/// What came of a call.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Something that the model has to know.
    Msg(Msg),
    /// It failed, and the person who asked for it should know.
    Failed {
        /// What was to be done.
        doing: &'static str,
        /// What happened.
        why: String,
    },
}

impl Runtime {
    /// Makes a call, if there is a daemon.
    pub(super) fn call(&mut self, effect: Effect) {
        let results = self.results.clone();
        let Some(daemon) = self.connection.clone() else {
            if let Some(doing) = asked_for(&effect) {
                let why = "the daemon is not running".to_owned();
                // When nobody listens the program is ending; the same below.
                let _ending = results.send(Outcome::Failed { doing, why });
            }
            return;
        };
        let (desktop, abilities, me) = (self.desktop.clone(), self.model.abilities, self.me);
        self.tasks.spawn(async move {
            let doing = asked_for(&effect);
            if let Effect::Claim { id, instead } = effect {
                let shown = show(&daemon, &desktop, abilities, me, (id, instead)).await;
                let _ending = results.send(Outcome::Msg(Msg::Shown { id, desktop: shown }));
                return;
            }
            let failed = make(&daemon, me, effect).await.err();
            if let (Some(error), Some(doing)) = (failed.filter(is_worth_telling), doing) {
                let why = error.to_string();
                let _ending = results.send(Outcome::Failed { doing, why });
            }
        });
    }
}

/// What a person has asked for, in words.
const fn asked_for(effect: &Effect) -> Option<&'static str> {
    match effect {
        Effect::Act { .. } => Some("what you chose in a notification was not done"),
        Effect::Answer { allow: true, .. } => Some("it was not allowed"),
        Effect::Answer { allow: false, .. } => Some("it was not denied"),
        Effect::Snooze(_) | Effect::Unsnooze => Some("the snooze is as it was"),
        Effect::Refresh => Some("the usage was not read"),
        _ => None,
    }
}

/// Not what somebody else has done meanwhile, and not what an older daemon does not know.
fn is_worth_telling(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => {
            refusal.reason != reason::NOTIFICATION_UNKNOWN && !refusal.is_unimplemented()
        }
        CallError::Lost(_) | CallError::Silent(_) | CallError::Unreadable(_) => true,
    }
}

/// Claims a notification, shows it and confirms that. Gives the desktop's number for it.
async fn show(
    daemon: &Connection,
    desktop: &Desktop,
    abilities: Option<Abilities>,
    me: ClientId,
    (id, instead): (u64, Option<u32>),
) -> Option<u32> {
    let (notification, _) = daemon.claim_notification(id, me).await.ok()?;
    let toast = Toast::of(&notification, abilities?);
    let shown = desktop.notify(&toast, instead).await?;
    if daemon.confirm_notification(id, me).await.is_err() {
        // Whoever shows it next would show it twice.
        desktop.close(shown).await;
        return None;
    }
    Some(shown)
}

async fn make(daemon: &Connection, me: ClientId, effect: Effect) -> Result<(), CallError> {
    match effect {
        Effect::Dismiss(id) => daemon.dismiss_notification(id).await,
        Effect::Act { id, choice } => {
            let acted = daemon.act_on_notification(id, choice.word(), key(), client(me));
            acted.await.map(drop)
        }
        Effect::Answer {
            session,
            request,
            allow,
        } => {
            let command = answer(session, request, allow, client(me));
            daemon.submit(command).await.map(drop)
        }
        Effect::Snooze(minutes) => daemon.snooze(minutes).await.map(drop),
        Effect::Unsnooze => daemon.unsnooze().await.map(drop),
        Effect::Refresh => daemon.refresh_usage("", "").await.map(drop),
        _ => Ok(()),
    }
}

/// A yes or no, to this one call.
fn answer(session: SessionId, id: RequestId, allow: bool, client: ClientInfo) -> Command {
    let answer = if allow {
        PermissionAnswer::Allow {
            scope: PermissionScope::Once,
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
        key: key(),
        client,
        action: Action::AnswerPermission { id, answer },
    }
}

fn key() -> IdempotencyKey {
    IdempotencyKey(Uuid::now_v7())
}

/// Who this is: a client that does one thing and gives back what it took.
fn client(id: ClientId) -> ClientInfo {
    let machine = rustix::system::uname();
    ClientInfo {
        name: "betcode-tray".to_owned(),
        place: machine.nodename().to_string_lossy().into_owned(),
        id,
        kind: ClientKind::OneShot,
    }
}
