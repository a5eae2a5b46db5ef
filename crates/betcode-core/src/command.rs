//! Commands: everything that a client can ask of a session, and why it may be refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Answer, Attachment, ClientInfo, PermissionScope, TurnPolicy};
use crate::id::{AgentName, ClientId, IdempotencyKey, MessageId, RequestId, SessionId};

/// One thing that a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Of which session.
    pub session: SessionId,
    /// Made when the user acted.
    pub key: IdempotencyKey,
    /// By whom.
    pub client: ClientInfo,
    /// What.
    pub action: Action,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make the session.
    Start(Box<StartSession>),
    /// Change how the agent is started from its next start on; a running idle agent is started anew.
    Configure(Box<LaunchOptions>),
    /// Say something to the agent.
    Message {
        /// The text.
        text: String,
        /// What is attached.
        attachments: Vec<Attachment>,
        /// What may be done without asking.
        policy: TurnPolicy,
    },
    /// Send a message again whose delivery is unknown.
    SendAgain {
        /// Which one.
        message_id: MessageId,
    },
    /// Take a message out of the queue.
    RemoveQueued {
        /// Which one.
        message_id: MessageId,
    },
    /// Change a message that waits in the queue.
    EditQueued {
        /// Which one.
        message_id: MessageId,
        /// Its new text.
        text: String,
    },
    /// Answer a request for permission.
    AnswerPermission {
        /// Which request.
        id: RequestId,
        /// The answer.
        answer: PermissionAnswer,
    },
    /// Answer a question, or approve a plan.
    AnswerQuestion {
        /// Which question.
        id: RequestId,
        /// The answer.
        answer: QuestionAnswer,
    },
    /// Ask for the input lock.
    RequestLock,
    /// Give the input lock back, or no longer ask for it.
    ReleaseLock,
    /// Say to somebody who asks for the input lock whether they get it.
    AnswerLock {
        /// Who asks.
        client: ClientId,
        /// Whether they get it.
        grant: bool,
    },
    /// Have the agent compact its context.
    Compact {
        /// Remove the log before that, too.
        trim: bool,
    },
    /// Have the agent forget everything, and remove the log so far.
    Clear,
    /// Make a closed session usable again.
    Reopen {
        /// The agent's whole environment; kept outside the log.
        environment: Environment,
    },
    /// Stop the running turn.
    Cancel,
    /// Stop something that the agent does in the background.
    StopTask {
        /// The agent's id of it.
        id: String,
    },
    /// Change the model.
    SetModel {
        /// The model; empty means the agent's default.
        model: String,
    },
    /// Change the permission mode.
    SetPermissionMode {
        /// The mode in the agent's own word.
        mode: String,
    },
    /// Change the title.
    Rename {
        /// The new title.
        title: String,
    },
    /// End the agent; the log stays and can be read.
    Close,
    /// Close and remove the session with its log.
    Delete,
}

/// The answer to a request for permission.
#[derive(Debug, Clone, PartialEq)]
pub enum PermissionAnswer {
    /// The tool may run.
    Allow {
        /// For how long.
        scope: PermissionScope,
        /// What runs instead of the agent's own input.
        input: Option<Value>,
    },
    /// It may not.
    Deny {
        /// What the agent is told.
        message: String,
        /// The turn ends as well.
        interrupt: bool,
    },
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionAnswer {
    /// These are the answers; none approve a plan.
    Answered(Vec<Answer>),
    /// No answer, or the plan is not approved.
    Declined {
        /// What the agent is told.
        message: String,
    },
}

/// What a new session is.
#[derive(Debug, Clone, PartialEq)]
pub struct StartSession {
    /// The agent; the daemon has resolved which one.
    pub agent: AgentName,
    /// The working directory, absolute.
    pub cwd: String,
    /// A title; empty for none.
    pub title: String,
    /// How its agent is started.
    pub launch: LaunchOptions,
    /// The agent's whole environment; kept outside the log.
    pub environment: Environment,
}

/// How an agent is started. Kept with the session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaunchOptions {
    /// The model; empty means the agent's default.
    pub model: String,
    /// The permission mode; empty means the agent's default.
    pub permission_mode: String,
    /// Added to the agent's system prompt.
    pub append_system_prompt: String,
    /// Most rounds with the model in a turn.
    pub max_turns: Option<u32>,
    /// Tools that the agent may use without asking.
    pub allowed_tools: Vec<String>,
    /// Tools that the agent does not get.
    pub disallowed_tools: Vec<String>,
    /// A command instead of the agent's own, for this session.
    pub command: Vec<String>,
    /// What else it is told.
    #[serde(skip_serializing_if = "AgentFlags::are_none")]
    pub flags: AgentFlags,
}

/// What an agent is told with its start that neither restrains it nor makes a session another: handed over as it is, as far as
/// the agent has something of the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentFlags {
    /// Models for when the first one is busy, comma separated.
    pub fallback_model: String,
    /// How hard the model thinks, in the agent's own word.
    pub effort: String,
    /// Instead of the agent's own system prompt.
    pub system_prompt: String,
    /// The built-in tools that it gets, comma separated: an empty text is none of them, nothing at all its usual ones.
    pub tools: Option<String>,
    /// What it may spend, in millionths of a dollar.
    pub max_budget_microdollars: Option<u64>,
    /// Directories beside the working directory, absolute.
    pub add_dirs: Vec<String>,
    /// Files that name MCP servers, absolute.
    pub mcp_configs: Vec<String>,
    /// Only the MCP servers of these files.
    pub strict_mcp_config: bool,
    /// Sub-agents, as JSON in the agent's own form.
    pub agents: String,
    /// The one of its sub-agents that it is itself.
    pub persona: String,
    /// The form of its answer, as a JSON Schema.
    pub json_schema: String,
}

impl AgentFlags {
    /// True when nothing is told.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Environment variables. They may hold secrets: printing shows names only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Environment(pub BTreeMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment([redacted], {} variables)", self.0.len())
    }
}

/// Why a command was refused. A refusal changes nothing and is not remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// There is no such session.
    #[error("there is no session {0}")]
    UnknownSession(SessionId),
    /// The session was closed.
    #[error("session {0} is closed")]
    SessionClosed(SessionId),
    /// A session with this id exists.
    #[error("session {0} exists already")]
    SessionExists(SessionId),
    /// There is no such message in the place where it must be.
    #[error("message {id} is not {expected}")]
    WrongMessage {
        /// Which one.
        id: MessageId,
        /// Where it should be: `queued`, `of unknown delivery`.
        expected: &'static str,
    },
    /// The request for permission or the question is none that this session knows.
    #[error("there is no request {0} that waits for an answer")]
    UnknownRequest(RequestId),
    /// The request has come to its end, and not by this answer.
    #[error("request {id} has ended: {how}")]
    RequestEnded {
        /// Which one.
        id: RequestId,
        /// How and by whom, for people.
        how: String,
        /// How, for programs.
        outcome: String,
    },
    /// Somebody else holds the input lock.
    #[error("{holder} holds the input lock{}", if *.refused { " and did not hand it over" } else { "" })]
    NotHolder {
        /// In which session.
        session: SessionId,
        /// Who.
        holder: String,
        /// They were asked and said no.
        refused: bool,
    },
    /// Nobody asks for the input lock under this id, or the sender does not hold it.
    #[error("{0}")]
    NoLockRequest(String),
    /// The sender runs inside an agent.
    #[error("this comes from inside an agent's own process tree: an agent may not {0}")]
    InsideAgent(&'static str),
    /// A turn is running, and this has to wait until it has ended.
    #[error("a turn is running: {0}")]
    TurnRunning(&'static str),
    /// Too many requests.
    #[error("too many {what}: {limit} in {per} are allowed; try again in {} s", .retry_after_ms.div_ceil(1000))]
    Limited {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: u32,
        /// In what time, for people.
        per: &'static str,
        /// When it makes sense to try again.
        retry_after_ms: u64,
        /// When the whole allowance is back.
        reset_ms: u64,
    },
    /// A field has a value that makes no sense.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The key was used for another command.
    #[error("idempotency key {0} was already used for a different command")]
    KeyReused(IdempotencyKey),
    /// The agent cannot be used.
    #[error("{message}")]
    Agent {
        /// What is wrong.
        message: String,
        /// What to run or do.
        hint: String,
    },
    /// The agent cannot do this.
    #[error("{0}")]
    Unsupported(String),
    /// The daemon is going down, or could not write.
    #[error("{0}")]
    Unavailable(String),
}
