//! A session as lists show it.

use betcode_core::event::{Status, Usage};
use betcode_core::id::{AgentName, Sequence, SessionId};
use betcode_core::time::Timestamp;

use serde::Serialize;

use super::{WireError, id_bytes, read_id, read_optional_id};
use crate::v1;

/// What a list shows of a session. Its JSON is what `session list --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Its id.
    pub id: SessionId,
    /// Its agent.
    pub agent: AgentName,
    /// Its working directory.
    pub cwd: String,
    /// Its title; when nobody has given one, the beginning of the first message.
    pub title: String,
    /// Its model; empty when the agent has not said.
    pub model: String,
    /// What it is doing.
    pub status: Status,
    /// When it was made.
    pub created: Timestamp,
    /// When something last happened in it.
    pub updated: Timestamp,
    /// The number of its last event.
    pub head: Sequence,
    /// How many turns it has had.
    pub turns: u64,
    /// The agent's own id for the conversation.
    pub agent_session: String,
    /// Totals over its life.
    pub totals: Usage,
    /// When what it waits for is tried again; none when it waits for nothing.
    pub retry_at: Option<Timestamp>,
}

impl From<Summary> for v1::SessionSummary {
    fn from(summary: Summary) -> Self {
        Self {
            id: id_bytes(summary.id.0),
            agent: summary.agent.0,
            cwd: summary.cwd,
            title: summary.title,
            model: summary.model,
            status: v1::SessionStatus::from(summary.status).into(),
            created_us: summary.created.0,
            updated_us: summary.updated.0,
            head: summary.head.0,
            turns: summary.turns,
            agent_session: summary.agent_session,
            totals: Some(summary.totals.into()),
            retry_at_us: summary.retry_at.map(|at| at.0),
        }
    }
}

impl TryFrom<v1::SessionSummary> for Summary {
    type Error = WireError;

    fn try_from(summary: v1::SessionSummary) -> Result<Self, WireError> {
        Ok(Self {
            id: SessionId(read_id("id", &summary.id)?),
            status: summary.status().into(),
            agent: AgentName(summary.agent),
            cwd: summary.cwd,
            title: summary.title,
            model: summary.model,
            created: Timestamp(summary.created_us),
            updated: Timestamp(summary.updated_us),
            head: Sequence(summary.head),
            retry_at: summary.retry_at_us.map(Timestamp),
            turns: summary.turns,
            agent_session: summary.agent_session,
            totals: summary.totals.unwrap_or_default().into(),
        })
    }
}

/// A conversation that an agent had by itself and that can be imported. Its JSON is what `session import --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Importable {
    /// The agent's id for it.
    pub id: String,
    /// Its title; when it has none, the beginning of the first message.
    pub title: String,
    /// Where it was begun.
    pub cwd: String,
    /// Its model; empty when none has answered.
    pub model: String,
    /// When it last changed.
    pub changed: Timestamp,
    /// How many messages of the user and of the model it has.
    pub messages: u64,
    /// The session here that goes on with it.
    pub session: Option<SessionId>,
    /// Another process seems to use it now.
    pub in_use: bool,
}

impl TryFrom<v1::ImportableSession> for Importable {
    type Error = WireError;

    fn try_from(found: v1::ImportableSession) -> Result<Self, WireError> {
        Ok(Self {
            id: found.id,
            title: found.title,
            cwd: found.cwd,
            model: found.model,
            changed: Timestamp(found.changed_us),
            messages: found.messages,
            session: read_optional_id("session_id", &found.session_id)?.map(SessionId),
            in_use: found.in_use,
        })
    }
}

impl From<Importable> for v1::ImportableSession {
    fn from(found: Importable) -> Self {
        Self {
            id: found.id,
            title: found.title,
            cwd: found.cwd,
            model: found.model,
            changed_us: found.changed.0,
            messages: found.messages,
            session_id: found.session.map(|id| id_bytes(id.0)).unwrap_or_default(),
            in_use: found.in_use,
        }
    }
}
