//! A message as what happened. Only an id of a wrong length is an error, and the caller makes a note of it.

use betcode_core::event::{
    AgentExit, EventBody, PermissionDecision, PermissionRequest, Question, TurnComplete,
};
use betcode_core::id::{HostEpoch, MessageId, Sequence};
use betcode_core::time::Timestamp;

use crate::convert::part::{client, decider, json_value, list};
use crate::convert::{WireError, filled, read_id};
use crate::v1;
use crate::v1::event::Body;

impl TryFrom<Body> for EventBody {
    type Error = WireError;

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of event")]
    fn try_from(body: Body) -> Result<Self, WireError> {
        Ok(match body {
            Body::SessionInfo(info) => Self::SessionInfo(Box::new(info.into())),
            Body::UserInput(input) => Self::UserInput(input.try_into()?),
            Body::MessageQueued(input) => Self::MessageQueued(input.try_into()?),
            Body::MessageDequeued(message) => Self::MessageDequeued {
                message_id: MessageId(read_id("message_id", &message.message_id)?),
                removed: message.removed,
            },
            Body::MessageEdited(input) => Self::MessageEdited(input.try_into()?),
            Body::DeliveryUnknown(message) => Self::DeliveryUnknown {
                message_id: MessageId(read_id("message_id", &message.message_id)?),
            },
            Body::TextDelta(piece) => Self::TextDelta(piece.into()),
            Body::ThinkingDelta(piece) => Self::ThinkingDelta(piece.into()),
            Body::MessageComplete(message) => Self::MessageComplete {
                end: message.end().into(),
                message_id: message.message_id,
                model: filled(message.model),
            },
            Body::ToolCallStart(call) => Self::ToolCallStart {
                id: call.id.into(),
                tool: call.tool,
                input: json_value(call.input_json),
                description: call.description,
            },
            Body::ToolCallProgress(call) => Self::ToolCallProgress {
                id: call.id.into(),
                elapsed_ms: call.elapsed_ms,
                output: call.output,
            },
            Body::ToolCallResult(call) => Self::ToolCallResult {
                id: call.id.into(),
                output: call.output,
                is_error: call.is_error,
                duration_ms: call.duration_ms,
                diff: list(call.diff),
                attachments: list(call.attachments),
            },
            Body::PermissionRequest(request) => Self::PermissionRequest(request.into()),
            Body::PermissionResolved(resolved) => Self::PermissionResolved(resolved.into()),
            Body::Question(question) => Self::Question(question.into()),
            Body::QuestionAnswered(answered) => Self::QuestionAnswered {
                outcome: answered.outcome().into(),
                id: answered.id.into(),
                answers: list(answered.answers),
                by: decider(answered.by),
                message: answered.message,
            },
            Body::RequestExtended(extended) => Self::RequestExtended {
                id: extended.id.into(),
                expires_at: Timestamp(extended.expires_at_us),
            },
            Body::RequestReminder(reminder) => Self::RequestReminder {
                id: reminder.id.into(),
                hours: reminder.hours,
            },
            Body::RulesWritten(written) => Self::RulesWritten {
                id: written.id.into(),
                rules: written.rules,
                file: written.file,
                error: written.error,
                untrusted: written.untrusted,
            },
            Body::TodoUpdate(update) => Self::TodoUpdate {
                items: list(update.items),
            },
            Body::BackgroundTasks(all) => Self::BackgroundTasks {
                tasks: list(all.tasks),
            },
            Body::PermissionModeChange(change) => Self::PermissionModeChange { mode: change.mode },
            Body::ModelChange(change) => Self::ModelChange {
                model: change.model,
            },
            Body::LaunchChange(options) => Self::LaunchChange(options.into()),
            Body::TitleChange(change) => Self::TitleChange {
                title: change.title,
                by: decider(change.by),
            },
            Body::StatusChange(change) => Self::StatusChange {
                status: change.status().into(),
                detail: change.detail,
                retry_at: change.retry_at_us.map(Timestamp),
            },
            Body::InputLockChanged(change) => Self::InputLockChanged {
                holder: change.holder.map(Into::into),
            },
            Body::InputLockRequested(request) => Self::InputLockRequested {
                by: client(request.by),
                expires_at: Timestamp(request.expires_at_us),
            },
            Body::InputLockRequestEnded(request) => Self::InputLockRequestEnded {
                outcome: request.outcome().into(),
                by: client(request.by),
            },
            Body::SessionReopened(reopened) => Self::SessionReopened {
                by: client(reopened.by),
            },
            Body::CancelRequested(request) => Self::CancelRequested {
                by: client(request.by),
            },
            Body::TaskStopRequested(request) => Self::TaskStopRequested {
                id: request.id,
                by: client(request.by),
            },
            Body::UsageReport(usage) => Self::UsageReport(usage.into()),
            Body::TurnComplete(turn) => Self::TurnComplete(turn.into()),
            Body::Compacted(compacted) => Self::Compacted {
                trigger: compacted.trigger,
                before_tokens: compacted.before_tokens,
                after_tokens: compacted.after_tokens,
            },
            Body::HistoryTrimmed(trimmed) => Self::HistoryTrimmed {
                up_to: Sequence(trimmed.up_to),
                state: json_value(trimmed.state_json),
            },
            Body::AgentStarting(agent) => Self::AgentStarting {
                host: HostEpoch(read_id("host", &agent.host)?),
                resume: agent.resume,
            },
            Body::AgentStarted(agent) => Self::AgentStarted {
                host: HostEpoch(read_id("host", &agent.host)?),
                pid: agent.pid,
            },
            Body::AgentStopping(agent) => Self::AgentStopping {
                host: HostEpoch(read_id("host", &agent.host)?),
            },
            Body::AgentExited(agent) => Self::AgentExited {
                host: HostEpoch(read_id("host", &agent.host)?),
                exit: agent_exit(agent.how),
                stderr: agent.stderr,
            },
            Body::Notice(notice) => Self::Notice { text: notice.text },
            Body::Error(error) => Self::Error {
                code: error.code,
                message: error.message,
                hint: error.hint,
                fatal: error.fatal,
            },
            Body::Unknown(message) => Self::Unknown { raw: message.raw },
        })
    }
}

impl From<v1::PermissionRequest> for PermissionRequest {
    fn from(request: v1::PermissionRequest) -> Self {
        Self {
            id: request.id.into(),
            tool: request.tool,
            tool_call: filled(request.tool_call_id).map(Into::into),
            input: json_value(request.input_json),
            description: request.description,
            suggested_rules: request.suggested_rules,
            expires_at: request.expires_at_us.map(Timestamp),
            is_replay: request.is_replay,
            note: request.note,
        }
    }
}

impl From<v1::PermissionResolved> for PermissionDecision {
    fn from(resolved: v1::PermissionResolved) -> Self {
        Self {
            outcome: resolved.outcome().into(),
            scope: resolved.scope().into(),
            id: resolved.id.into(),
            by: decider(resolved.by),
            message: resolved.message,
            rules: resolved.rules,
            input: filled(resolved.input_json).map(json_value),
            interrupt: resolved.interrupt,
        }
    }
}

impl From<v1::Question> for Question {
    fn from(question: v1::Question) -> Self {
        Self {
            id: question.id.into(),
            tool_call: filled(question.tool_call_id).map(Into::into),
            items: list(question.items),
            plan: question.plan,
            input: json_value(question.input_json),
            expires_at: question.expires_at_us.map(Timestamp),
            is_replay: question.is_replay,
            note: question.note,
        }
    }
}

impl From<v1::TurnComplete> for TurnComplete {
    fn from(turn: v1::TurnComplete) -> Self {
        Self {
            stop_reason: turn.stop_reason().into(),
            error: turn.error.map(Into::into),
            num_turns: turn.num_turns,
            duration_ms: turn.duration_ms,
            duration_api_ms: turn.duration_api_ms,
            usage: turn.usage.unwrap_or_default().into(),
            result: turn.result,
            permission_denials: list(turn.permission_denials),
            origin: turn.origin,
            raw: filled(turn.raw_json).map(json_value),
        }
    }
}

/// How an agent ended. An end of which this version knows no name is one of which nobody knows.
fn agent_exit(how: Option<v1::agent_exited::How>) -> AgentExit {
    use v1::agent_exited::How;
    match how {
        Some(How::Code(code)) => AgentExit::Code { code },
        Some(How::Signal(signal)) => AgentExit::Signal { signal },
        Some(How::NotStarted(reason)) => AgentExit::NotStarted { reason },
        Some(How::HostLost(_)) | None => AgentExit::HostLost,
    }
}
