//! Commands: everything that a client can ask of a session, and why it may be refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Attachment, ClientInfo, TurnPolicy};
use crate::id::{AgentName, IdempotencyKey, MessageId, SessionId};

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
    /// Stop the running turn.
    Cancel,
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
