//! Commands as messages. Reading one is strict: a field that is missing or of an unknown kind refuses the whole command.

use betcode_core::command::{Action, Command, Environment, StartSession};
use betcode_core::id::{AgentName, IdempotencyKey, MessageId, SessionId};

use super::part::{client, list};
use super::{Problem, WireError, id_bytes, read_id};
use crate::v1;
use crate::v1::command::Action as Wire;

impl From<Command> for v1::Command {
    fn from(command: Command) -> Self {
        Self {
            session_id: id_bytes(command.session.0),
            idempotency_key: id_bytes(command.key.0),
            client: Some(command.client.into()),
            action: Some(command.action.into()),
        }
    }
}

impl TryFrom<v1::Command> for Command {
    type Error = WireError;

    fn try_from(command: v1::Command) -> Result<Self, WireError> {
        Ok(Self {
            session: SessionId(read_id("session_id", &command.session_id)?),
            key: IdempotencyKey(read_id("idempotency_key", &command.idempotency_key)?),
            client: client(command.client),
            action: command
                .action
                .ok_or(WireError::new("action", Problem::UnknownKind))?
                .try_into()?,
        })
    }
}

impl From<Action> for Wire {
    fn from(action: Action) -> Self {
        match action {
            Action::Start(start) => Self::Start((*start).into()),
            Action::Configure(options) => Self::Configure((*options).into()),
            Action::Message {
                text,
                attachments,
                policy,
            } => Self::Message(v1::SendMessage {
                text,
                attachments: list(attachments),
                policy: Some(policy.into()),
            }),
            Action::SendAgain { message_id } => Self::SendAgain(v1::SendAgain {
                message_id: id_bytes(message_id.0),
            }),
            Action::RemoveQueued { message_id } => Self::RemoveQueued(v1::RemoveQueued {
                message_id: id_bytes(message_id.0),
            }),
            Action::Cancel => Self::Cancel(v1::Cancel {}),
            Action::SetModel { model } => Self::SetModel(v1::SetModel { model }),
            Action::SetPermissionMode { mode } => {
                Self::SetPermissionMode(v1::SetPermissionMode { mode })
            }
            Action::Rename { title } => Self::Rename(v1::Rename { title }),
            Action::Close => Self::Close(v1::Close {}),
            Action::Delete => Self::Delete(v1::Delete {}),
        }
    }
}

impl TryFrom<Wire> for Action {
    type Error = WireError;

    fn try_from(action: Wire) -> Result<Self, WireError> {
        Ok(match action {
            Wire::Start(start) => Self::Start(Box::new(start.into())),
            Wire::Configure(options) => Self::Configure(Box::new(options.into())),
            Wire::Message(message) => Self::Message {
                text: message.text,
                attachments: list(message.attachments),
                policy: message.policy.unwrap_or_default().into(),
            },
            Wire::SendAgain(message) => Self::SendAgain {
                message_id: MessageId(read_id("message_id", &message.message_id)?),
            },
            Wire::RemoveQueued(message) => Self::RemoveQueued {
                message_id: MessageId(read_id("message_id", &message.message_id)?),
            },
            Wire::Cancel(_) => Self::Cancel,
            Wire::SetModel(set) => Self::SetModel { model: set.model },
            Wire::SetPermissionMode(set) => Self::SetPermissionMode { mode: set.mode },
            Wire::Rename(rename) => Self::Rename {
                title: rename.title,
            },
            Wire::Close(_) => Self::Close,
            Wire::Delete(_) => Self::Delete,
        })
    }
}

impl From<StartSession> for v1::StartSession {
    fn from(start: StartSession) -> Self {
        Self {
            agent: start.agent.0,
            cwd: start.cwd,
            title: start.title,
            launch: Some(start.launch.into()),
            environment: start.environment.0.into_iter().collect(),
        }
    }
}

impl From<v1::StartSession> for StartSession {
    fn from(start: v1::StartSession) -> Self {
        Self {
            agent: AgentName(start.agent),
            cwd: start.cwd,
            title: start.title,
            launch: start.launch.unwrap_or_default().into(),
            environment: Environment(start.environment.into_iter().collect()),
        }
    }
}
