//! How a turn ended and what it used, and how an agent's process ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::ToolCallId;

/// Tokens, cost, context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, without those from the cache.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the cache.
    pub cache_write_tokens: u64,
    /// Cost in US dollars, where the agent says it.
    #[serde(with = "amount")]
    pub cost_usd: f64,
    /// The model, where one is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Time spent.
    #[serde(default)]
    pub duration_ms: u64,
    /// Tokens in the model's context now; 0 when unknown.
    #[serde(default)]
    pub context_tokens: u64,
    /// Size of the model's context; 0 when unknown.
    #[serde(default)]
    pub context_window: u64,
}

impl Usage {
    /// Adds the tokens and the cost of another count; time, model and context are not sums.
    pub fn add(&mut self, other: &Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_tokens = self
            .cache_read_tokens
            .saturating_add(other.cache_read_tokens);
        self.cache_write_tokens = self
            .cache_write_tokens
            .saturating_add(other.cache_write_tokens);
        // Endless amounts, which no text can hold, would make the state unreadable.
        self.cost_usd = (self.cost_usd + other.cost_usd).min(f64::MAX);
    }

    /// Takes over what is known now of the model and its context.
    pub fn know_context(&mut self, other: &Self) {
        if !other.model.is_empty() {
            self.model.clone_from(&other.model);
        }
        if other.context_tokens > 0 {
            self.context_tokens = other.context_tokens;
        }
        if other.context_window > 0 {
            self.context_window = other.context_window;
        }
    }
}

/// Amounts in JSON, which knows only finite numbers: anything else is written as 0, and null is read as 0.
mod amount {
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(amount: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(if amount.is_finite() { *amount } else { 0.0 })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or_default())
    }
}

/// The agent is idle again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnComplete {
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// What went wrong, when something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TurnError>,
    /// Rounds with the model.
    pub num_turns: u32,
    /// Wall-clock time.
    pub duration_ms: u64,
    /// Time spent waiting for the model.
    #[serde(default)]
    pub duration_api_ms: u64,
    /// Tokens and cost of this turn.
    #[serde(default)]
    pub usage: Usage,
    /// The agent's final answer, where it repeats it (a slash command's output, an error's text).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result: String,
    /// Tool uses that were not allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permission_denials: Vec<PermissionDenial>,
    /// What began it, in the agent's word, when that was no message of the user: such as `task-notification`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// The agent's result as it came, for output in its own format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

/// A tool use that was not allowed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionDenial {
    /// The tool.
    pub tool: String,
    /// The call.
    pub tool_call: ToolCallId,
    /// Its input.
    pub input: Value,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The agent had finished.
    EndTurn,
    /// Somebody stopped it.
    Cancelled,
    /// It reached the allowed number of rounds.
    MaxTurns,
    /// It reached the allowed cost.
    MaxBudget,
    /// The model refused.
    Refusal,
    /// The model ran into its output limit.
    MaxTokens,
    /// It failed; see `error`.
    Error,
    /// The agent's process ended in the middle of it.
    AgentExited,
}

/// What went wrong in a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnError {
    /// What kind of failure.
    pub kind: TurnErrorKind,
    /// What the agent says of it.
    pub message: String,
    /// The HTTP status of the model's API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// When it makes sense to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// What kind of failure ended a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnErrorKind {
    /// Too many requests.
    RateLimit,
    /// Not logged in, or the login is not accepted.
    Authentication,
    /// The model's service has a fault.
    Server,
    /// The prompt does not fit.
    PromptTooLong,
    /// The request itself was refused.
    InvalidRequest,
    /// The agent's process ended.
    AgentExited,
    /// Anything else.
    Other,
}

/// How an agent's process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum AgentExit {
    /// With an exit code.
    Code {
        /// The code.
        code: i32,
    },
    /// By a signal.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It could not be started.
    NotStarted {
        /// Why.
        reason: String,
    },
    /// Its host died, so nobody knows.
    HostLost,
}
