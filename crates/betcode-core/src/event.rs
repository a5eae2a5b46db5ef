//! Events: the entries of a session's log, and the JSON form in which people and scripts read them.
//!
//! An event says what happened and never asks for anything. Laws:
//! - events of a session are numbered 1, 2, 3 … without gaps; a number never has two meanings within one log epoch;
//! - deltas may be merged before a number is given, never afterwards; a *coalesced read* may join finished ones and then
//!   carries `first_sequence`;
//! - a long text is cut to a preview (see [`Preview`]); the whole is kept beside the log and fetched on demand.
//!
//! Kinds are only ever added. Fields are only ever added, with a default for the logs that lack them.

mod attachment;
mod body;
mod coalesce;
mod info;
mod message;
mod preview;
mod request;
mod tool;
mod turn;

pub use attachment::{Attachment, Base64, IMAGE_LIMIT, IMAGE_TYPES, IMAGES_LIMIT};
pub use body::EventBody;
pub use coalesce::coalesce;
pub use info::{BackgroundTask, Capability, McpServer, SessionInfo, Status};
pub use message::{ClientInfo, ClientKind, MessageEnd, TextPiece, TurnPolicy, UserInput};
pub use preview::{
    PREVIEW_BYTES, PREVIEW_LIMIT, Payload, Preview, put_back, restore_payload, split_payloads,
};
pub use request::{
    Answer, Decider, LockOutcome, PermissionDecision, PermissionOutcome, PermissionRequest,
    PermissionScope, Question, QuestionItem, QuestionOption, QuestionOutcome,
};
pub use tool::{FileDiff, Hunk, TodoItem, TodoState};
pub use turn::{
    AgentExit, PermissionDenial, StopReason, TurnComplete, TurnError, TurnErrorKind, Usage,
};

use serde::{Deserialize, Serialize};

use crate::id::{Sequence, SessionId, ToolCallId};
use crate::time::Timestamp;

/// One entry of a session's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number.
    pub sequence: Sequence,
    /// Set on a coalesced event: the number of the first event that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_sequence: Option<Sequence>,
    /// When the daemon decided it.
    pub timestamp: Timestamp,
    /// The tool call of the sub-agent that it comes from.
    #[serde(
        default,
        rename = "parent_tool_call_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub parent: Option<ToolCallId>,
    /// Which of its fields are cut to a preview.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previews: Vec<Preview>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

impl Event {
    /// The event as one line of JSON, as `session events` and `--output-format events` print it.
    pub fn to_json(&self, session: SessionId) -> serde_json::Result<String> {
        let mut line = Vec::new();
        self.append_json(session, &mut line)?;
        String::from_utf8(line).map_err(serde::ser::Error::custom)
    }

    /// The same, appended to `lines` without a copy. After an error `lines` is as it was before.
    pub fn append_json(&self, session: SessionId, lines: &mut Vec<u8>) -> serde_json::Result<()> {
        let start = lines.len();
        lines.extend_from_slice(b"{\"session_id\":\"");
        let mut id = uuid::Uuid::encode_buffer();
        lines.extend_from_slice(session.0.hyphenated().encode_lower(&mut id).as_bytes());
        lines.push(b'"');
        let event = lines.len();
        if let Err(error) = serde_json::to_writer(&mut *lines, self) {
            lines.truncate(start);
            return Err(error);
        }
        // The event's own object goes on where the one with the session began.
        if let Some(brace) = lines.get_mut(event) {
            *brace = b',';
        }
        Ok(())
    }
}

/// An event that has not been given its number yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The tool call of the sub-agent that it comes from.
    pub parent: Option<ToolCallId>,
    /// What happened.
    pub body: EventBody,
}

impl From<EventBody> for Draft {
    fn from(body: EventBody) -> Self {
        Self { parent: None, body }
    }
}

#[cfg(test)]
mod tests;
