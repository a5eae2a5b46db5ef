//! What a session is and what it is doing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Usage;
use crate::id::{AgentName, Sequence};

/// What a session is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The agent.
    pub agent: AgentName,
    /// Where it works.
    pub cwd: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// Its model; empty when the agent has not said.
    #[serde(default)]
    pub model: String,
    /// What it is doing.
    pub status: Status,
    /// The permission mode in the agent's own word.
    #[serde(default)]
    pub permission_mode: String,
    /// What the agent can do.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// The agent's version.
    #[serde(default)]
    pub agent_version: String,
    /// The agent's own id for this conversation.
    #[serde(default)]
    pub agent_session: String,
    /// Tools it may call.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Slash commands it understands.
    #[serde(default)]
    pub slash_commands: Vec<String>,
    /// Models it offers.
    #[serde(default)]
    pub models: Vec<String>,
    /// What its login is (an API key, a subscription), in its own words.
    #[serde(default)]
    pub account: String,
    /// Totals over the session's life.
    #[serde(default)]
    pub totals: Usage,
    /// Events up to this number have been removed.
    #[serde(default)]
    pub trimmed_up_to: Sequence,
    /// What else the agent says of itself, under its own names: its sub-agents, skills and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub particulars: Option<Value>,
    /// The servers from which it has tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<McpServer>,
    /// What its agent does in the background now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background_tasks: Vec<BackgroundTask>,
}

/// A server of tools that an agent uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpServer {
    /// Its name.
    pub name: String,
    /// How it is, in the agent's word, such as `connected` or `failed`.
    #[serde(default)]
    pub status: String,
    /// Where it is set up, in the agent's word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl McpServer {
    /// True when its tools cannot be used.
    pub fn has_failed(&self) -> bool {
        self.status == "failed"
    }
}

/// Something that an agent does in the background, also while its session is idle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackgroundTask {
    /// The agent's id of it.
    pub id: String,
    /// What kind of task, in the agent's word, such as `local_agent` or `local_bash`.
    #[serde(default)]
    pub kind: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
}

/// What an agent can do; clients offer only what works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Sends its answer in pieces.
    PartialText,
    /// Shows its thinking.
    Thinking,
    /// Asks before it uses tools.
    Permissions,
    /// Takes an edited input with a permission.
    EditedInput,
    /// Asks questions.
    Questions,
    /// Has permission modes.
    Modes,
    /// Can change its model.
    Models,
    /// Can resume a conversation after its process ended.
    Resume,
    /// Can compact its context.
    Compaction,
    /// Takes images.
    Images,
    /// Runs sub-agents.
    SubAgents,
    /// Reports usage.
    Usage,
    /// Heeds rules also for what it does without asking.
    RulesEnforced,
}

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The agent's process is being started.
    Starting,
    /// The agent works.
    Thinking,
    /// A tool runs.
    RunningTool,
    /// The agent waits for an answer.
    WaitingForUser,
    /// Nothing is going on.
    Idle,
    /// The agent compacts its context.
    Compacting,
    /// The agent waits because of a rate limit.
    RateLimited,
    /// The agent tries again after a failure.
    Retrying,
    /// The agent should be working but says nothing.
    Stalled,
    /// The agent died and is not restarted by itself.
    Crashed,
    /// The session cannot go on as it is.
    Error,
    /// The session was closed.
    Closed,
}
