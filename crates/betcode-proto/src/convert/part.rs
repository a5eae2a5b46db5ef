//! The parts that events and commands are made of: one pair of conversions for each.

use betcode_core::command::{AgentFlags, LaunchOptions};
use betcode_core::event as core;
use betcode_core::id::{AgentName, ClientId, IdempotencyKey, MessageId, Sequence};
use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::{Problem, WireError, id_bytes, read_id, read_optional_id, word};
use crate::v1;

/// The longest message for the agent, in bytes.
const LONGEST_MESSAGE: usize = 32 << 20;
/// The longest answer to a request, in bytes.
const LONGEST_ANSWER: usize = 8 << 20;
/// The longest name or id that a client may give itself or a request, in bytes.
const LONGEST_NAME: usize = 1 << 10;

/// JSON as it travels. Absent JSON is empty text, which is no JSON document.
pub(super) fn json_text(value: &Value) -> String {
    value.to_string()
}

/// JSON that came; what is not JSON is kept as a string rather than lost.
pub(super) fn json_value(text: String) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

macro_rules! plain {
    ($name:ident { $($field:ident),+ }) => {
        plain!(core::$name => $name { $($field),+ });
    };
    ($core:ty => $name:ident { $($field:ident),+ }) => {
        impl From<$core> for v1::$name {
            fn from(part: $core) -> Self {
                Self { $($field: part.$field,)+ }
            }
        }

        impl From<v1::$name> for $core {
            fn from(part: v1::$name) -> Self {
                Self { $($field: part.$field,)+ }
            }
        }
    };
}

plain!(Preview {
    field,
    size,
    stored
});
plain!(TurnPolicy {
    unattended,
    allowed_tools,
    disallowed_tools,
    only_allowed,
    wait_ms
});
plain!(McpServer {
    name,
    status,
    source
});
plain!(BackgroundTask {
    id,
    kind,
    description
});
plain!(TextPiece { message_id, text });
plain!(Hunk {
    old_start,
    old_lines,
    new_start,
    new_lines,
    lines
});
plain!(QuestionOption { label, description });
plain!(Answer {
    question,
    selected,
    text
});
plain!(Usage {
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cost_usd,
    model,
    duration_ms,
    context_tokens,
    context_window
});

plain!(AgentFlags => AgentFlags {
    fallback_model,
    effort,
    system_prompt,
    tools,
    max_budget_microdollars,
    add_dirs,
    mcp_configs,
    strict_mcp_config,
    agents,
    persona,
    json_schema
});

impl From<core::Attachment> for v1::Attachment {
    fn from(attachment: core::Attachment) -> Self {
        Self {
            name: attachment.name,
            media_type: attachment.media_type,
            size: attachment.size,
            content: attachment.content.bytes().into(),
        }
    }
}

impl From<v1::Attachment> for core::Attachment {
    fn from(attachment: v1::Attachment) -> Self {
        Self {
            name: attachment.name,
            media_type: attachment.media_type,
            size: attachment.size,
            content: core::Base64::of(&attachment.content),
        }
    }
}

/// What a client attaches to a message. Strict: what has a content must be an image that an agent takes.
pub(super) fn read_attachments(
    attachments: Vec<v1::Attachment>,
) -> Result<Vec<core::Attachment>, WireError> {
    let all = attachments
        .iter()
        .map(|attachment| attachment.content.len());
    fits(core::IMAGES_LIMIT, "attachments", all.sum())?;
    let read = |mut attachment: v1::Attachment| {
        if !attachment.content.is_empty() {
            if !core::IMAGE_TYPES.contains(&attachment.media_type.as_str()) {
                return Err(WireError::new("attachments.media_type", Problem::NoImage));
            }
            let size = attachment.content.len();
            fits(core::IMAGE_LIMIT, "attachments.content", size)?;
            attachment.size = size as u64;
        }
        Ok(attachment.into())
    };
    attachments.into_iter().map(read).collect()
}

impl From<LaunchOptions> for v1::LaunchOptions {
    fn from(options: LaunchOptions) -> Self {
        let LaunchOptions {
            model,
            permission_mode,
            append_system_prompt,
            max_turns,
            allowed_tools,
            disallowed_tools,
            command,
            flags,
        } = options;
        Self {
            model,
            permission_mode,
            append_system_prompt,
            max_turns,
            allowed_tools,
            disallowed_tools,
            command,
            flags: (!flags.are_none()).then(|| flags.into()),
        }
    }
}

impl From<v1::LaunchOptions> for LaunchOptions {
    fn from(options: v1::LaunchOptions) -> Self {
        Self {
            model: options.model,
            permission_mode: options.permission_mode,
            append_system_prompt: options.append_system_prompt,
            max_turns: options.max_turns,
            allowed_tools: options.allowed_tools,
            disallowed_tools: options.disallowed_tools,
            command: options.command,
            flags: options.flags.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<core::FileDiff> for v1::FileDiff {
    fn from(diff: core::FileDiff) -> Self {
        Self {
            path: diff.path,
            created: diff.created,
            hunks: list(diff.hunks),
        }
    }
}

impl From<v1::FileDiff> for core::FileDiff {
    fn from(diff: v1::FileDiff) -> Self {
        Self {
            path: diff.path,
            created: diff.created,
            hunks: list(diff.hunks),
        }
    }
}

impl From<core::QuestionItem> for v1::QuestionItem {
    fn from(item: core::QuestionItem) -> Self {
        Self {
            question: item.question,
            header: item.header,
            multi_select: item.multi_select,
            options: list(item.options),
        }
    }
}

impl From<v1::QuestionItem> for core::QuestionItem {
    fn from(item: v1::QuestionItem) -> Self {
        Self {
            question: item.question,
            header: item.header,
            multi_select: item.multi_select,
            options: list(item.options),
        }
    }
}

impl From<core::TodoItem> for v1::TodoItem {
    fn from(item: core::TodoItem) -> Self {
        Self {
            text: item.text,
            state: v1::TodoState::from(item.state).into(),
        }
    }
}

impl From<v1::TodoItem> for core::TodoItem {
    fn from(item: v1::TodoItem) -> Self {
        Self {
            state: item.state().into(),
            text: item.text,
        }
    }
}

impl From<core::ClientInfo> for v1::ClientInfo {
    fn from(client: core::ClientInfo) -> Self {
        Self {
            name: client.name,
            place: client.place,
            id: if client.id.is_nil() {
                Bytes::new()
            } else {
                id_bytes(client.id.0)
            },
            kind: v1::ClientKind::from(client.kind).into(),
        }
    }
}

impl From<v1::ClientInfo> for core::ClientInfo {
    /// A client in an event. One whose id cannot be read is one without identity: who decided something is still known by
    /// name.
    fn from(client: v1::ClientInfo) -> Self {
        Self {
            kind: client.kind().into(),
            id: Uuid::from_slice(&client.id)
                .map(ClientId)
                .unwrap_or_default(),
            name: client.name,
            place: client.place,
        }
    }
}

/// Who sends a command or attaches. Strict: the input lock belongs to what this says.
pub fn read_client(client: Option<v1::ClientInfo>) -> Result<core::ClientInfo, WireError> {
    let client = client.unwrap_or_default();
    let id = read_optional_id("client.id", &client.id)?;
    Ok(core::ClientInfo {
        id: ClientId(id.unwrap_or_default()),
        kind: v1::ClientKind::try_from(client.kind)
            .map_err(|_| WireError::new("client.kind", Problem::UnknownKind))?
            .into(),
        name: short("client.name", client.name)?,
        place: short("client.place", client.place)?,
    })
}

/// A name or id that came from a client.
pub(super) fn short(field: &'static str, text: String) -> Result<String, WireError> {
    at_most(LONGEST_NAME, field, text)
}

/// What a client has to say to the agent.
pub(super) fn message_text(field: &'static str, text: String) -> Result<String, WireError> {
    at_most(LONGEST_MESSAGE, field, text)
}

/// An answer of a client, or a part of one.
pub(super) fn answer_text(field: &'static str, text: String) -> Result<String, WireError> {
    at_most(LONGEST_ANSWER, field, text)
}

/// The answers to a question.
pub(super) fn read_answers(
    field: &'static str,
    answers: Vec<v1::Answer>,
) -> Result<Vec<core::Answer>, WireError> {
    let texts = answers.iter().flat_map(|answer| {
        let said = [&answer.question, &answer.text];
        said.into_iter().chain(&answer.selected)
    });
    fits(LONGEST_ANSWER, field, texts.map(String::len).sum())?;
    Ok(list(answers))
}

fn at_most(limit: usize, field: &'static str, text: String) -> Result<String, WireError> {
    fits(limit, field, text.len()).map(|()| text)
}

const fn fits(limit: usize, field: &'static str, size: usize) -> Result<(), WireError> {
    if size > limit {
        return Err(WireError::new(field, Problem::TooLarge { size, limit }));
    }
    Ok(())
}

impl From<core::Decider> for v1::Decider {
    fn from(decider: core::Decider) -> Self {
        use v1::decider::{Kind, TheAgent, Unattended};
        let (kind, rule_place) = match decider {
            core::Decider::Client(client) => (Kind::Client(client.into()), String::new()),
            core::Decider::Rule { rule, place } => (Kind::Rule(rule), place),
            core::Decider::Unattended => (Kind::Unattended(Unattended {}), String::new()),
            core::Decider::Agent => (Kind::Agent(TheAgent {}), String::new()),
        };
        Self {
            kind: Some(kind),
            rule_place,
        }
    }
}

/// Who decided. Somebody whom this version cannot name is a rule without a name.
pub(super) fn decider(decider: Option<v1::Decider>) -> core::Decider {
    use v1::decider::Kind;
    let decider = decider.unwrap_or_default();
    let place = decider.rule_place;
    match decider.kind {
        Some(Kind::Client(client)) => core::Decider::Client(client.into()),
        Some(Kind::Rule(rule)) => core::Decider::Rule { rule, place },
        Some(Kind::Unattended(_)) => core::Decider::Unattended,
        Some(Kind::Agent(_)) => core::Decider::Agent,
        None => core::Decider::Rule {
            rule: String::new(),
            place,
        },
    }
}

impl From<core::UserInput> for v1::UserInput {
    fn from(input: core::UserInput) -> Self {
        Self {
            message_id: id_bytes(input.message_id.0),
            idempotency_key: id_bytes(input.idempotency_key.0),
            text: input.text,
            attachments: list(input.attachments),
            client: Some(input.client.into()),
            policy: Some(input.policy.into()),
            then_trim: input.then_trim,
        }
    }
}

impl TryFrom<v1::UserInput> for core::UserInput {
    type Error = WireError;

    fn try_from(input: v1::UserInput) -> Result<Self, WireError> {
        Ok(Self {
            message_id: MessageId(read_id("message_id", &input.message_id)?),
            idempotency_key: IdempotencyKey(read_id("idempotency_key", &input.idempotency_key)?),
            text: input.text,
            attachments: list(input.attachments),
            client: client(input.client),
            policy: input.policy.unwrap_or_default().into(),
            then_trim: input.then_trim,
        })
    }
}

impl From<core::PermissionDenial> for v1::PermissionDenial {
    fn from(denial: core::PermissionDenial) -> Self {
        Self {
            tool: denial.tool,
            tool_call_id: denial.tool_call.0,
            input_json: json_text(&denial.input),
        }
    }
}

impl From<v1::PermissionDenial> for core::PermissionDenial {
    fn from(denial: v1::PermissionDenial) -> Self {
        Self {
            tool: denial.tool,
            tool_call: denial.tool_call_id.into(),
            input: json_value(denial.input_json),
        }
    }
}

impl From<core::TurnError> for v1::TurnError {
    fn from(error: core::TurnError) -> Self {
        Self {
            kind: v1::TurnErrorKind::from(error.kind).into(),
            message: error.message,
            http_status: error.http_status.unwrap_or_default().into(),
            retry_after_ms: error.retry_after_ms,
        }
    }
}

impl From<v1::TurnError> for core::TurnError {
    fn from(error: v1::TurnError) -> Self {
        Self {
            kind: error.kind().into(),
            message: error.message,
            http_status: u16::try_from(error.http_status)
                .ok()
                .filter(|status| *status != 0),
            retry_after_ms: error.retry_after_ms,
        }
    }
}

impl From<core::SessionInfo> for v1::SessionInfo {
    fn from(info: core::SessionInfo) -> Self {
        Self {
            agent: info.agent.0,
            cwd: info.cwd,
            title: info.title,
            model: info.model,
            status: v1::SessionStatus::from(info.status).into(),
            permission_mode: info.permission_mode,
            capabilities: info
                .capabilities
                .into_iter()
                .map(|one| v1::Capability::from(one).into())
                .collect(),
            agent_version: info.agent_version,
            agent_session: info.agent_session,
            tools: info.tools,
            slash_commands: info.slash_commands,
            models: info.models,
            account: info.account,
            totals: Some(info.totals.into()),
            trimmed_up_to: info.trimmed_up_to.0,
            particulars_json: info.particulars.as_ref().map(json_text).unwrap_or_default(),
            mcp_servers: list(info.mcp_servers),
            background_tasks: list(info.background_tasks),
        }
    }
}

impl From<v1::SessionInfo> for core::SessionInfo {
    fn from(info: v1::SessionInfo) -> Self {
        Self {
            status: info.status().into(),
            capabilities: info.capabilities().filter_map(word::capability).collect(),
            agent: AgentName(info.agent),
            cwd: info.cwd,
            title: info.title,
            model: info.model,
            permission_mode: info.permission_mode,
            agent_version: info.agent_version,
            agent_session: info.agent_session,
            tools: info.tools,
            slash_commands: info.slash_commands,
            models: info.models,
            account: info.account,
            totals: info.totals.unwrap_or_default().into(),
            trimmed_up_to: Sequence(info.trimmed_up_to),
            particulars: Some(info.particulars_json)
                .filter(|text| !text.is_empty())
                .map(json_value),
            mcp_servers: list(info.mcp_servers),
            background_tasks: list(info.background_tasks),
        }
    }
}

/// Who did something that an event tells of; a client that did not say who it is has no name.
pub(super) fn client(client: Option<v1::ClientInfo>) -> core::ClientInfo {
    client.unwrap_or_default().into()
}

/// Every element converted.
pub(super) fn list<From, To: std::convert::From<From>>(items: Vec<From>) -> Vec<To> {
    items.into_iter().map(To::from).collect()
}
