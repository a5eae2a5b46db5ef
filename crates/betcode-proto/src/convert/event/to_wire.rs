//! What happened, as a message. The match is exhaustive, so a new kind of event does not compile until it has a wire form.

use betcode_core::event::{
    AgentExit, EventBody, PermissionDecision, PermissionRequest, Question, TurnComplete,
};

use crate::convert::id_bytes;
use crate::convert::part::{json_text, list};
use crate::v1;
use crate::v1::event::Body;

impl From<EventBody> for Body {
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of event")]
    fn from(body: EventBody) -> Self {
        match body {
            EventBody::SessionInfo(info) => Self::SessionInfo((*info).into()),
            EventBody::UserInput(input) => Self::UserInput(input.into()),
            EventBody::MessageQueued(input) => Self::MessageQueued(input.into()),
            EventBody::MessageDequeued {
                message_id,
                removed,
            } => Self::MessageDequeued(v1::MessageDequeued {
                message_id: id_bytes(message_id.0),
                removed,
            }),
            EventBody::MessageEdited(input) => Self::MessageEdited(input.into()),
            EventBody::DeliveryUnknown { message_id } => {
                Self::DeliveryUnknown(v1::DeliveryUnknown {
                    message_id: id_bytes(message_id.0),
                })
            }
            EventBody::TextDelta(piece) => Self::TextDelta(piece.into()),
            EventBody::ThinkingDelta(piece) => Self::ThinkingDelta(piece.into()),
            EventBody::MessageComplete {
                message_id,
                model,
                end,
            } => Self::MessageComplete(v1::MessageComplete {
                message_id,
                model: model.unwrap_or_default(),
                end: v1::MessageEnd::from(end).into(),
            }),
            EventBody::ToolCallStart {
                id,
                tool,
                input,
                description,
            } => Self::ToolCallStart(v1::ToolCallStart {
                id: id.0,
                tool,
                input_json: json_text(&input),
                description,
            }),
            EventBody::ToolCallProgress {
                id,
                elapsed_ms,
                output,
            } => Self::ToolCallProgress(v1::ToolCallProgress {
                id: id.0,
                elapsed_ms,
                output,
            }),
            EventBody::ToolCallResult {
                id,
                output,
                is_error,
                duration_ms,
                diff,
                attachments,
            } => Self::ToolCallResult(v1::ToolCallResult {
                id: id.0,
                output,
                is_error,
                duration_ms,
                diff: list(diff),
                attachments: list(attachments),
            }),
            EventBody::PermissionRequest(request) => Self::PermissionRequest(request.into()),
            EventBody::PermissionResolved(decision) => Self::PermissionResolved(decision.into()),
            EventBody::Question(question) => Self::Question(question.into()),
            EventBody::QuestionAnswered {
                id,
                answers,
                outcome,
                by,
                message,
            } => Self::QuestionAnswered(v1::QuestionAnswered {
                id: id.0,
                answers: list(answers),
                outcome: v1::QuestionOutcome::from(outcome).into(),
                by: Some(by.into()),
                message,
            }),
            EventBody::RequestExtended { id, expires_at } => {
                Self::RequestExtended(v1::RequestExtended {
                    id: id.0,
                    expires_at_us: expires_at.0,
                })
            }
            EventBody::RequestReminder { id, hours } => {
                Self::RequestReminder(v1::RequestReminder { id: id.0, hours })
            }
            EventBody::RulesWritten {
                id,
                rules,
                file,
                error,
                untrusted,
            } => Self::RulesWritten(v1::RulesWritten {
                id: id.0,
                rules,
                file,
                error,
                untrusted,
            }),
            EventBody::BackgroundTasks { tasks } => {
                Self::BackgroundTasks(v1::BackgroundTasks { tasks: list(tasks) })
            }
            EventBody::TodoUpdate { items } => {
                Self::TodoUpdate(v1::TodoUpdate { items: list(items) })
            }
            EventBody::PermissionModeChange { mode } => {
                Self::PermissionModeChange(v1::PermissionModeChange { mode })
            }
            EventBody::ModelChange { model } => Self::ModelChange(v1::ModelChange { model }),
            EventBody::LaunchChange(options) => Self::LaunchChange(options.into()),
            EventBody::TitleChange { title, by } => Self::TitleChange(v1::TitleChange {
                title,
                by: Some(by.into()),
            }),
            EventBody::StatusChange {
                status,
                detail,
                retry_at,
            } => Self::StatusChange(v1::StatusChange {
                status: v1::SessionStatus::from(status).into(),
                detail,
                retry_at_us: retry_at.map(|time| time.0),
            }),
            EventBody::InputLockChanged { holder } => {
                Self::InputLockChanged(v1::InputLockChanged {
                    holder: holder.map(Into::into),
                })
            }
            EventBody::InputLockRequested { by, expires_at } => {
                Self::InputLockRequested(v1::InputLockRequested {
                    by: Some(by.into()),
                    expires_at_us: expires_at.0,
                })
            }
            EventBody::InputLockRequestEnded { by, outcome } => {
                Self::InputLockRequestEnded(v1::InputLockRequestEnded {
                    by: Some(by.into()),
                    outcome: v1::LockOutcome::from(outcome).into(),
                })
            }
            EventBody::SessionReopened { by } => Self::SessionReopened(v1::SessionReopened {
                by: Some(by.into()),
            }),
            EventBody::CancelRequested { by } => Self::CancelRequested(v1::CancelRequested {
                by: Some(by.into()),
            }),
            EventBody::TaskStopRequested { id, by } => {
                Self::TaskStopRequested(v1::TaskStopRequested {
                    id,
                    by: Some(by.into()),
                })
            }
            EventBody::UsageReport(usage) => Self::UsageReport(usage.into()),
            EventBody::TurnComplete(turn) => Self::TurnComplete(turn.into()),
            EventBody::Compacted {
                trigger,
                before_tokens,
                after_tokens,
            } => Self::Compacted(v1::Compacted {
                trigger,
                before_tokens,
                after_tokens,
            }),
            EventBody::HistoryTrimmed { up_to, state } => {
                Self::HistoryTrimmed(v1::HistoryTrimmed {
                    up_to: up_to.0,
                    state_json: if state.is_null() {
                        String::new()
                    } else {
                        json_text(&state)
                    },
                })
            }
            EventBody::AgentStarting { host, resume } => Self::AgentStarting(v1::AgentStarting {
                host: id_bytes(host.0),
                resume,
            }),
            EventBody::AgentStarted { host, pid } => Self::AgentStarted(v1::AgentStarted {
                host: id_bytes(host.0),
                pid,
            }),
            EventBody::AgentStopping { host } => Self::AgentStopping(v1::AgentStopping {
                host: id_bytes(host.0),
            }),
            EventBody::AgentExited { host, exit, stderr } => Self::AgentExited(v1::AgentExited {
                host: id_bytes(host.0),
                how: Some(exit.into()),
                stderr,
            }),
            EventBody::Notice { text } => Self::Notice(v1::Notice { text }),
            EventBody::Error {
                code,
                message,
                hint,
                fatal,
            } => Self::Error(v1::ErrorNotice {
                code,
                message,
                hint,
                fatal,
            }),
            EventBody::Unknown { raw } => Self::Unknown(v1::UnknownMessage { raw }),
        }
    }
}

impl From<PermissionRequest> for v1::PermissionRequest {
    fn from(request: PermissionRequest) -> Self {
        Self {
            id: request.id.0,
            tool: request.tool,
            tool_call_id: request.tool_call.map(|call| call.0).unwrap_or_default(),
            input_json: json_text(&request.input),
            description: request.description,
            suggested_rules: request.suggested_rules,
            expires_at_us: request.expires_at.map(|time| time.0),
            is_replay: request.is_replay,
            note: request.note,
        }
    }
}

impl From<PermissionDecision> for v1::PermissionResolved {
    fn from(decision: PermissionDecision) -> Self {
        Self {
            id: decision.id.0,
            outcome: v1::PermissionOutcome::from(decision.outcome).into(),
            by: Some(decision.by.into()),
            message: decision.message,
            scope: v1::PermissionScope::from(decision.scope).into(),
            rules: decision.rules,
            input_json: decision.input.as_ref().map(json_text).unwrap_or_default(),
            interrupt: decision.interrupt,
        }
    }
}

impl From<Question> for v1::Question {
    fn from(question: Question) -> Self {
        Self {
            id: question.id.0,
            tool_call_id: question.tool_call.map(|call| call.0).unwrap_or_default(),
            items: list(question.items),
            plan: question.plan,
            input_json: json_text(&question.input),
            expires_at_us: question.expires_at.map(|time| time.0),
            is_replay: question.is_replay,
            note: question.note,
        }
    }
}

impl From<TurnComplete> for v1::TurnComplete {
    fn from(turn: TurnComplete) -> Self {
        Self {
            stop_reason: v1::StopReason::from(turn.stop_reason).into(),
            error: turn.error.map(Into::into),
            num_turns: turn.num_turns,
            duration_ms: turn.duration_ms,
            duration_api_ms: turn.duration_api_ms,
            usage: Some(turn.usage.into()),
            result: turn.result,
            permission_denials: list(turn.permission_denials),
            origin: turn.origin,
            raw_json: turn.raw.as_ref().map(json_text).unwrap_or_default(),
        }
    }
}

impl From<AgentExit> for v1::agent_exited::How {
    fn from(exit: AgentExit) -> Self {
        match exit {
            AgentExit::Code { code } => Self::Code(code),
            AgentExit::Signal { signal } => Self::Signal(signal),
            AgentExit::NotStarted { reason } => Self::NotStarted(reason),
            AgentExit::HostLost => Self::HostLost(v1::agent_exited::HostLost {}),
        }
    }
}
