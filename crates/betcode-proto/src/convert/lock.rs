//! The input lock, and messages that are not settled: what a session tells beside its log.

use betcode_core::event::{ClientInfo, PermissionRequest, Question, UserInput};
use betcode_core::time::Timestamp;
use serde::Serialize;

use super::part::{client, list};
use super::{Problem, WireError};
use crate::v1;

/// Who holds the input lock of a session, and who asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// Who holds it; none when nobody does.
    pub holder: Option<ClientInfo>,
    /// Who asks for it, in the order of asking, and when each gets it without an answer.
    pub requests: Vec<(ClientInfo, Timestamp)>,
}

impl From<Lock> for v1::InputLock {
    fn from(lock: Lock) -> Self {
        let request = |(by, expires_at): (ClientInfo, Timestamp)| v1::InputLockRequested {
            by: Some(by.into()),
            expires_at_us: expires_at.0,
        };
        Self {
            holder: lock.holder.map(Into::into),
            requests: lock.requests.into_iter().map(request).collect(),
        }
    }
}

impl From<v1::InputLock> for Lock {
    fn from(lock: v1::InputLock) -> Self {
        let request = |request: v1::InputLockRequested| {
            (client(request.by), Timestamp(request.expires_at_us))
        };
        Self {
            holder: lock.holder.map(Into::into),
            requests: lock.requests.into_iter().map(request).collect(),
        }
    }
}

/// What waits in a session for somebody to act, beside its log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// Requests for permission without an answer.
    pub permissions: Vec<PermissionRequest>,
    /// Questions without an answer.
    pub questions: Vec<Question>,
    /// The input lock.
    pub lock: Lock,
}

impl Standing {
    /// Takes it out of the answer to an attachment, where every request is one that is shown again.
    pub fn take(attached: &mut v1::Attached) -> Self {
        let mut standing = Self {
            permissions: list(std::mem::take(&mut attached.permissions)),
            questions: list(std::mem::take(&mut attached.questions)),
            lock: attached.lock.take().unwrap_or_default().into(),
        };
        for permission in &mut standing.permissions {
            permission.is_replay = true;
        }
        for question in &mut standing.questions {
            question.is_replay = true;
        }
        standing
    }

    /// Puts it into the answer to an attachment.
    pub fn put(self, attached: &mut v1::Attached) {
        attached.permissions = list(self.permissions);
        attached.questions = list(self.questions);
        attached.lock = Some(self.lock.into());
    }
}

/// A message that is not settled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitingMessage {
    /// The message.
    pub message: UserInput,
    /// True when it cannot be known whether the agent received it; otherwise it waits in the queue.
    pub delivery_unknown: bool,
}

impl From<WaitingMessage> for v1::WaitingMessage {
    fn from(waiting: WaitingMessage) -> Self {
        Self {
            message: Some(waiting.message.into()),
            delivery_unknown: waiting.delivery_unknown,
        }
    }
}

impl TryFrom<v1::WaitingMessage> for WaitingMessage {
    type Error = WireError;

    fn try_from(waiting: v1::WaitingMessage) -> Result<Self, WireError> {
        Ok(Self {
            message: waiting
                .message
                .ok_or(WireError::new("message", Problem::Missing))?
                .try_into()?,
            delivery_unknown: waiting.delivery_unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    //! What stands beside the log survives the wire.

    use betcode_core::event::ClientKind;
    use betcode_core::id::{ClientId, IdempotencyKey, MessageId};
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn client(number: u128) -> ClientInfo {
        ClientInfo {
            name: format!("client {number}"),
            place: "here".into(),
            id: ClientId(Uuid::from_u128(number)),
            kind: ClientKind::Run,
        }
    }

    #[test]
    fn what_stands_is_the_same_after_the_wire_except_that_requests_are_shown_again() {
        let mut standing = Standing {
            permissions: vec![PermissionRequest {
                id: "r".into(),
                tool: "Bash".into(),
                tool_call: None,
                input: Value::Null,
                description: "ls".into(),
                suggested_rules: vec![],
                expires_at: None,
                is_replay: false,
                note: "again".into(),
            }],
            questions: vec![Question {
                id: "q".into(),
                tool_call: None,
                items: vec![],
                plan: None,
                input: Value::Null,
                expires_at: Some(Timestamp(7)),
                is_replay: false,
                note: String::new(),
            }],
            lock: Lock {
                holder: Some(client(1)),
                requests: vec![(client(3), Timestamp(5)), (client(2), Timestamp(6))],
            },
        };
        let mut attached = v1::Attached::default();
        standing.clone().put(&mut attached);
        standing.permissions[0].is_replay = true;
        standing.questions[0].is_replay = true;
        assert_eq!(Standing::take(&mut attached), standing);
    }

    #[test]
    fn a_daemon_that_says_nothing_of_a_lock_has_none() {
        assert_eq!(
            Standing::take(&mut v1::Attached::default()),
            Standing::default()
        );
    }

    #[test]
    fn a_waiting_message_is_the_same_after_the_wire() {
        let waiting = WaitingMessage {
            message: UserInput {
                message_id: MessageId(Uuid::from_u128(1)),
                idempotency_key: IdempotencyKey(Uuid::from_u128(2)),
                text: "hi".into(),
                attachments: vec![],
                client: client(3),
                policy: betcode_core::event::TurnPolicy::default(),
                then_trim: true,
            },
            delivery_unknown: true,
        };
        assert_eq!(
            WaitingMessage::try_from(v1::WaitingMessage::from(waiting.clone())),
            Ok(waiting)
        );
        assert!(WaitingMessage::try_from(v1::WaitingMessage::default()).is_err());
    }
}
