//! Calls to the daemon, each in a task of its own, and what came of them.

use std::time::Duration;

use betcode_client::{CallError, Connection};
use betcode_core::command::{Action, Command, PermissionAnswer};
use betcode_core::event::{ClientInfo, ClientKind, PermissionScope};
use betcode_core::id::{ClientId, IdempotencyKey, RequestId, SessionId};
use betcode_core::notify::Choice;
use betcode_proto::status::reason;
use tokio::time::timeout;
use uuid::Uuid;

use super::Runtime;
use crate::model::{Effect, GONE, Msg};
use crate::platform::Desktop;
use crate::toast::{Abilities, Toast};

/// Whoever has clicked waits no longer than this until something is said.
const PATIENCE: Duration = Duration::from_secs(10);

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
            let opens = matches!(
                effect,
                Effect::Act {
                    choice: Choice::Open | Choice::LogIn,
                    ..
                }
            );
            let made = timeout(PATIENCE, make(&daemon, me, effect)).await;
            let failed = made.unwrap_or(Err(CallError::Silent(PATIENCE))).err();
            let why = failed.and_then(|error| reason_for(&error, opens));
            if let (Some(why), Some(doing)) = (why, doing) {
                let _ending = results.send(Outcome::Failed { doing, why });
            }
        });
    }
}

/// What a person has asked for, in words.
const fn asked_for(effect: &Effect) -> Option<&'static str> {
    match effect {
        Effect::Act { .. } => Some("Not done what you chose in a notification"),
        Effect::Answer { allow: true, .. } => Some("Not allowed"),
        Effect::Answer { allow: false, .. } => Some("Not denied"),
        Effect::Snooze(_) | Effect::Unsnooze => Some("The snooze is as it was"),
        Effect::Refresh => Some("The usage was not read"),
        _ => None,
    }
}

/// Why something was not done, as the person is told it; nothing where it `opens` something, which this program has done by
/// itself, and the notification is gone.
fn reason_for(error: &CallError, opens: bool) -> Option<String> {
    match error {
        CallError::Refused(refusal) if refusal.reason == reason::NOTIFICATION_UNKNOWN => {
            (!opens).then(|| GONE.to_owned())
        }
        CallError::Refused(refusal) if refusal.is_unimplemented() => {
            Some("the daemon is older than the tray: betcode daemon restart".to_owned())
        }
        CallError::Lost(_) | CallError::Silent(_) => {
            Some(format!("{error}; whether it was done is not known"))
        }
        CallError::Refused(_) | CallError::Unreadable(_) => Some(error.to_string()),
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

#[cfg(test)]
mod tests {
    use betcode_core::notify::Refused;

    use super::*;

    #[test]
    fn whoever_has_clicked_is_told_why_nothing_was_done() {
        let silent = CallError::Silent(PATIENCE);
        let why = reason_for(&silent, false).unwrap();
        assert_eq!(
            why,
            "the daemon did not answer within 10 s; whether it was done is not known"
        );
        // It has ended; what is only opened needs no daemon for that.
        let gone = CallError::Refused(Refused::Unknown(7).into());
        assert_eq!(reason_for(&gone, false).as_deref(), Some(GONE));
        assert_eq!(reason_for(&gone, true), None);
    }
}
