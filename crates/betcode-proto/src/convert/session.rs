//! A session as lists show it.

use betcode_core::event::{Status, Usage};
use betcode_core::id::{AgentName, Sequence, SessionId};
use betcode_core::time::Timestamp;

use serde::Serialize;

use super::{WireError, id_bytes, read_id};
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
            turns: summary.turns,
            agent_session: summary.agent_session,
            totals: summary.totals.unwrap_or_default().into(),
        })
    }
}
