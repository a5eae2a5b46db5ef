//! The lines of Claude Code's stream-json as serde types: only what is read, borrowed from the line where possible.
//!
//! Unknown keys are skipped. Large parts (`message`, tool inputs and outputs) stay raw here and are parsed where they are used.

#![expect(clippy::struct_field_names, reason = "the names are the protocol's")]

mod scalar;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

pub(super) use scalar::{Number, Text};

/// What every line may have, and all of a stream event: one pass is enough for the lines that come by the thousand.
/// What those do not have is boxed, because moving it about, though empty, took a quarter of the time.
#[derive(Debug, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) subtype: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) parent_tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) api_message_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) event: Option<StreamEvent<'a>>,
    #[serde(borrow)]
    pub(super) abandoned_blocks: Option<Box<AbandonedBlocks<'a>>>,
}

/// Only the kind of a line.
#[derive(Debug, Deserialize)]
pub(super) struct Label<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) subtype: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) parent_tool_use_id: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamEvent<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(default)]
    pub(super) index: u64,
    #[serde(borrow)]
    pub(super) delta: Option<StreamBlock<'a>>,
    #[serde(borrow)]
    pub(super) content_block: Option<Box<StreamBlock<'a>>>,
    #[serde(borrow)]
    pub(super) message: Option<Box<StreamMessage<'a>>>,
    pub(super) usage: Option<Box<TokenUsage>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamBlock<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamMessage<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AbandonedBlocks<'a> {
    #[serde(borrow)]
    pub(super) api_message_id: Option<Text<'a>>,
    #[serde(default)]
    pub(super) from_block_index: u64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenUsage {
    pub(super) input_tokens: Number,
    pub(super) output_tokens: Number,
    pub(super) cache_read_input_tokens: Number,
    pub(super) cache_creation_input_tokens: Number,
}

#[derive(Debug, Deserialize)]
pub(super) struct AssistantLine<'a> {
    #[serde(borrow)]
    pub(super) message: AssistantMessage<'a>,
    // A transcript has another name for it.
    #[serde(default, alias = "isAbortedMidStream")]
    pub(super) aborted: bool,
    #[serde(borrow)]
    pub(super) error: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AssistantMessage<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: &'a RawValue,
    pub(super) usage: Option<TokenUsage>,
}

/// A block of content, of an assistant or a user.
#[derive(Debug, Deserialize)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    pub(super) input: Option<Value>,
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    pub(super) is_error: Option<bool>,
    #[serde(borrow)]
    pub(super) source: Option<BlockSource<'a>>,
    #[serde(borrow)]
    pub(super) tool_name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlockSource<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) media_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct UserLine<'a> {
    #[serde(borrow)]
    pub(super) message: UserMessage<'a>,
    #[serde(alias = "toolUseResult", borrow)]
    pub(super) tool_use_result: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct UserMessage<'a> {
    #[serde(borrow)]
    pub(super) content: &'a RawValue,
}

/// What a tool gave back besides its text. The whole former file, which can be huge, is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ToolUseResult<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) file_path: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) structured_patch: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) new_todos: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) task: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tasks: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) success: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PatchHunk {
    pub(super) old_start: Number,
    pub(super) old_lines: Number,
    pub(super) new_start: Number,
    pub(super) new_lines: Number,
    pub(super) lines: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolProgressLine<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
    #[serde(default)]
    pub(super) elapsed_time_seconds: Number,
    #[serde(default)]
    pub(super) heartbeat: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct ControlRequestLine<'a> {
    #[serde(borrow)]
    pub(super) request_id: Text<'a>,
    #[serde(borrow)]
    pub(super) request: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ControlSubtype<'a> {
    #[serde(borrow)]
    pub(super) subtype: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CanUseTool<'a> {
    #[serde(borrow)]
    pub(super) tool_name: Text<'a>,
    #[serde(default)]
    pub(super) input: Value,
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) agent_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) description: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) decision_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) blocked_path: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ControlResponseLine<'a> {
    #[serde(borrow)]
    pub(super) response: ControlResponse<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ControlResponse<'a> {
    #[serde(borrow)]
    pub(super) subtype: Text<'a>,
    #[serde(borrow)]
    pub(super) request_id: Text<'a>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) error_code: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Initialized {
    pub(super) claude_code_version: Option<String>,
    pub(super) current_permission_mode: Option<String>,
    pub(super) commands: Option<Vec<NamedCommand>>,
    pub(super) models: Option<Vec<OfferedModel>>,
    pub(super) account: Option<Account>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedCommand {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct OfferedModel {
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Account {
    pub(super) api_key_source: Option<String>,
    pub(super) token_source: Option<String>,
    pub(super) subscription_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContextAnswer {
    pub(super) total_tokens: Number,
    pub(super) max_tokens: Number,
    #[serde(default)]
    pub(super) model: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) categories: Option<Vec<ContextPart>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ContextPart {
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) tokens: Number,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChosenModel {
    pub(super) model: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChosenMode {
    pub(super) mode: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CancelLine<'a> {
    #[serde(borrow)]
    pub(super) request_id: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LifecycleLine<'a> {
    #[serde(borrow)]
    pub(super) command_uuid: Text<'a>,
    #[serde(borrow)]
    pub(super) state: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RateLimitLine {
    pub(super) rate_limit_info: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResetLine {
    pub(super) new_conversation_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InitLine {
    pub(super) session_id: Option<String>,
    pub(super) model: Option<String>,
    #[serde(rename = "permissionMode")]
    pub(super) permission_mode: Option<String>,
    pub(super) claude_code_version: Option<String>,
    pub(super) tools: Option<Vec<String>>,
    pub(super) slash_commands: Option<Vec<String>>,
    #[serde(rename = "apiKeySource")]
    pub(super) api_key_source: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) mcp_servers: Option<Vec<Value>>,
    #[serde(flatten)]
    pub(super) particulars: Particulars,
}

/// What is kept of an `init` as it is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Particulars {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agents: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) skills: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plugins: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_style: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusLine<'a> {
    #[serde(borrow)]
    pub(super) status: Option<Text<'a>>,
    #[serde(rename = "permissionMode", borrow)]
    pub(super) permission_mode: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) compact_result: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) compact_error: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StateLine<'a> {
    #[serde(borrow)]
    pub(super) state: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RetryLine {
    pub(super) attempt: Number,
    pub(super) max_retries: Number,
    pub(super) retry_delay_ms: Number,
    pub(super) error_status: Option<u16>,
    pub(super) error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BoundaryLine {
    pub(super) compact_metadata: CompactMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CompactMetadata {
    pub(super) trigger: Option<String>,
    pub(super) pre_tokens: Number,
    pub(super) post_tokens: Number,
}

#[derive(Debug, Deserialize)]
pub(super) struct TitleLine {
    pub(super) title: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct InformationLine {
    // Each kind of line has another name for it.
    #[serde(alias = "message", alias = "text")]
    pub(super) content: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WritesLostLine {
    pub(super) error_code: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) lost: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LateAllowLine {
    pub(super) tool_use_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TaskStartedLine {
    pub(super) task_id: String,
    #[serde(default)]
    pub(super) task_type: String,
    pub(super) tool_use_id: Option<String>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) is_backgrounded: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct TaskProgressLine<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) description: Option<Text<'a>>,
    pub(super) usage: Option<TaskUsage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TaskUsage {
    pub(super) duration_ms: Number,
}

#[derive(Debug, Deserialize)]
pub(super) struct BackgroundLine {
    pub(super) tasks: Vec<BackgroundTaskLine>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BackgroundTaskLine {
    pub(super) task_id: String,
    #[serde(default)]
    pub(super) task_type: String,
    pub(super) description: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TaskNotificationLine<'a> {
    #[serde(borrow)]
    pub(super) task_id: Text<'a>,
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) status: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResultLine {
    pub(super) subtype: String,
    #[serde(default)]
    pub(super) is_error: bool,
    pub(super) stop_reason: Option<String>,
    pub(super) terminal_reason: Option<String>,
    pub(super) api_error_status: Option<u16>,
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) errors: Vec<String>,
    #[serde(default)]
    pub(super) num_turns: Number,
    #[serde(default)]
    pub(super) duration_ms: Number,
    #[serde(default)]
    pub(super) duration_api_ms: Number,
    #[serde(default)]
    pub(super) total_cost_usd: Number,
    pub(super) usage: Option<TokenUsage>,
    #[serde(rename = "modelUsage")]
    pub(super) model_usage: Option<BTreeMap<String, ModelUsage>>,
    pub(super) model_usage_since_last_result: Option<BTreeMap<String, ModelUsage>>,
    #[serde(default)]
    pub(super) permission_denials: Vec<Denial>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) origin: Option<Origin>,
}

/// What began a turn that no message of the user began.
#[derive(Debug, Deserialize)]
pub(super) struct Origin {
    pub(super) kind: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ModelUsage {
    pub(super) input_tokens: Number,
    pub(super) output_tokens: Number,
    pub(super) cache_read_input_tokens: Number,
    pub(super) cache_creation_input_tokens: Number,
    #[serde(rename = "costUSD")]
    pub(super) cost_usd: Number,
    pub(super) context_window: Number,
}

#[derive(Debug, Deserialize)]
pub(super) struct Denial {
    pub(super) tool_name: String,
    pub(super) tool_use_id: String,
    #[serde(default)]
    pub(super) tool_input: Value,
}

/// A part that must not spoil the whole: absent when it is of another form.
fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// A part of a line as the type that it should be; `None` when it is something else.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}
