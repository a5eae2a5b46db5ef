//! Commands as messages. Reading one is strict: a field that is missing or of an unknown kind refuses the whole command.

use betcode_core::command::{
    Action, Command, Environment, PermissionAnswer, QuestionAnswer, StartSession,
};
use betcode_core::id::{AgentName, ClientId, IdempotencyKey, MessageId, RequestId, SessionId};
use serde_json::Value;

use super::part::{
    answer_text, json_text, list, message_text, read_answers, read_attachments, read_client, short,
};
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
            client: read_client(command.client)?,
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
            Action::EditQueued { message_id, text } => Self::EditQueued(v1::EditQueued {
                message_id: id_bytes(message_id.0),
                text,
            }),
            Action::AnswerPermission { id, answer } => {
                Self::AnswerPermission(v1::AnswerPermission {
                    id: id.0,
                    answer: Some(answer.into()),
                })
            }
            Action::AnswerQuestion { id, answer } => Self::AnswerQuestion(v1::AnswerQuestion {
                id: id.0,
                answer: Some(answer.into()),
            }),
            Action::RequestLock => Self::RequestLock(v1::RequestLock {}),
            Action::ReleaseLock => Self::ReleaseLock(v1::ReleaseLock {}),
            Action::AnswerLock { client, grant } => Self::AnswerLock(v1::AnswerLock {
                client_id: id_bytes(client.0),
                grant,
            }),
            Action::Compact { trim } => Self::Compact(v1::Compact { trim }),
            Action::Clear => Self::Clear(v1::Clear {}),
            Action::Reopen { environment } => Self::Reopen(v1::Reopen {
                environment: environment.0.into_iter().collect(),
            }),
            Action::Cancel => Self::Cancel(v1::Cancel {}),
            Action::StopTask { id } => Self::StopTask(v1::StopTask { id }),
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
                text: message_text("text", message.text)?,
                attachments: read_attachments(message.attachments)?,
                policy: message.policy.unwrap_or_default().into(),
            },
            Wire::SendAgain(message) => Self::SendAgain {
                message_id: MessageId(read_id("message_id", &message.message_id)?),
            },
            Wire::RemoveQueued(message) => Self::RemoveQueued {
                message_id: MessageId(read_id("message_id", &message.message_id)?),
            },
            Wire::EditQueued(edit) => Self::EditQueued {
                message_id: MessageId(read_id("message_id", &edit.message_id)?),
                text: message_text("text", edit.text)?,
            },
            Wire::AnswerPermission(answer) => Self::AnswerPermission {
                id: request_id(answer.id)?,
                answer: answer
                    .answer
                    .ok_or(WireError::new("answer", Problem::UnknownKind))?
                    .try_into()?,
            },
            Wire::AnswerQuestion(answer) => Self::AnswerQuestion {
                id: request_id(answer.id)?,
                answer: answer
                    .answer
                    .ok_or(WireError::new("answer", Problem::UnknownKind))?
                    .try_into()?,
            },
            Wire::RequestLock(_) => Self::RequestLock,
            Wire::ReleaseLock(_) => Self::ReleaseLock,
            Wire::AnswerLock(answer) => Self::AnswerLock {
                client: ClientId(read_id("client_id", &answer.client_id)?),
                grant: answer.grant,
            },
            Wire::Compact(compact) => Self::Compact { trim: compact.trim },
            Wire::Clear(_) => Self::Clear,
            Wire::Reopen(reopen) => Self::Reopen {
                environment: Environment(reopen.environment.into_iter().collect()),
            },
            Wire::Cancel(_) => Self::Cancel,
            Wire::StopTask(stop) => Self::StopTask { id: stop.id },
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

impl From<PermissionAnswer> for v1::answer_permission::Answer {
    fn from(answer: PermissionAnswer) -> Self {
        match answer {
            PermissionAnswer::Allow { scope, input } => Self::Allow(v1::AllowTool {
                scope: v1::PermissionScope::from(scope).into(),
                input_json: input.as_ref().map(json_text).unwrap_or_default(),
            }),
            PermissionAnswer::Deny { message, interrupt } => {
                Self::Deny(v1::DenyTool { message, interrupt })
            }
        }
    }
}

impl TryFrom<v1::answer_permission::Answer> for PermissionAnswer {
    type Error = WireError;

    fn try_from(answer: v1::answer_permission::Answer) -> Result<Self, WireError> {
        use v1::answer_permission::Answer;
        Ok(match answer {
            Answer::Allow(allow) => Self::Allow {
                scope: v1::PermissionScope::try_from(allow.scope)
                    .map_err(|_| WireError::new("allow.scope", Problem::UnknownKind))?
                    .into(),
                input: object("allow.input_json", allow.input_json)?,
            },
            Answer::Deny(deny) => Self::Deny {
                message: answer_text("deny.message", deny.message)?,
                interrupt: deny.interrupt,
            },
        })
    }
}

impl From<QuestionAnswer> for v1::answer_question::Answer {
    fn from(answer: QuestionAnswer) -> Self {
        match answer {
            QuestionAnswer::Answered(answers) => Self::Answered(v1::Answers {
                answers: list(answers),
            }),
            QuestionAnswer::Declined { message } => Self::Declined(v1::DeclineQuestion { message }),
        }
    }
}

impl TryFrom<v1::answer_question::Answer> for QuestionAnswer {
    type Error = WireError;

    fn try_from(answer: v1::answer_question::Answer) -> Result<Self, WireError> {
        use v1::answer_question::Answer;
        Ok(match answer {
            Answer::Answered(answered) => {
                Self::Answered(read_answers("answered.answers", answered.answers)?)
            }
            Answer::Declined(declined) => Self::Declined {
                message: answer_text("declined.message", declined.message)?,
            },
        })
    }
}

/// The id of a request, which must be there.
fn request_id(id: String) -> Result<RequestId, WireError> {
    if id.is_empty() {
        return Err(WireError::new("id", Problem::Missing));
    }
    short("id", id).map(RequestId)
}

/// A JSON object that may be absent.
fn object(field: &'static str, text: String) -> Result<Option<Value>, WireError> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&answer_text(field, text)?)
        .ok()
        .filter(Value::is_object)
        .map(Some)
        .ok_or(WireError::new(field, Problem::NotAnObject))
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
