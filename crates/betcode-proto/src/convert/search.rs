//! What was found when somebody looked for words in all sessions.

use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;
use serde::Serialize;

use super::session::Summary;
use super::{Problem, WireError};
use crate::v1;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchAnswer {
    /// The sessions, best first.
    pub sessions: Vec<FoundSession>,
    /// In so many sessions something was found.
    pub total: u64,
    /// So many sessions have not been looked at yet, wholly or in part.
    pub behind: u64,
}

/// A session in which something was found. Its JSON is what `session search --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundSession {
    /// The session.
    #[serde(flatten)]
    pub session: Summary,
    /// In so many of its entries.
    pub count: u64,
    /// Some of them, best first.
    pub entries: Vec<FoundEntry>,
}

/// An entry of a conversation that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundEntry {
    /// Its first event; 0 for the title.
    pub sequence: Sequence,
    /// When it began.
    pub timestamp: Timestamp,
    /// What it is.
    pub kind: FoundKind,
    /// A line of it around what was found.
    pub line: Vec<FoundPiece>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundKind {
    /// The session's title. It has no number.
    Title,
    /// What a person said.
    Message,
    /// What the agent answered.
    Answer,
    /// A call of a tool, with its result.
    Tool,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundPiece {
    /// The text.
    pub text: String,
    /// It is what was looked for.
    pub hit: bool,
}

impl From<FoundKind> for v1::FoundKind {
    fn from(kind: FoundKind) -> Self {
        match kind {
            FoundKind::Title => Self::Title,
            FoundKind::Message => Self::Message,
            FoundKind::Answer => Self::Answer,
            FoundKind::Tool => Self::Tool,
        }
    }
}

impl From<v1::FoundKind> for FoundKind {
    fn from(kind: v1::FoundKind) -> Self {
        match kind {
            v1::FoundKind::Title => Self::Title,
            v1::FoundKind::Message => Self::Message,
            v1::FoundKind::Answer | v1::FoundKind::Unspecified => Self::Answer,
            v1::FoundKind::Tool => Self::Tool,
        }
    }
}

impl From<FoundEntry> for v1::FoundEntry {
    fn from(entry: FoundEntry) -> Self {
        let piece = |FoundPiece { text, hit }| v1::FoundPiece { text, hit };
        Self {
            sequence: entry.sequence.0,
            timestamp_us: entry.timestamp.0,
            kind: v1::FoundKind::from(entry.kind).into(),
            line: entry.line.into_iter().map(piece).collect(),
        }
    }
}

impl From<v1::FoundEntry> for FoundEntry {
    fn from(entry: v1::FoundEntry) -> Self {
        let piece = |v1::FoundPiece { text, hit }| FoundPiece { text, hit };
        Self {
            sequence: Sequence(entry.sequence),
            timestamp: Timestamp(entry.timestamp_us),
            kind: entry.kind().into(),
            line: entry.line.into_iter().map(piece).collect(),
        }
    }
}

impl From<FoundSession> for v1::FoundSession {
    fn from(found: FoundSession) -> Self {
        Self {
            session: Some(found.session.into()),
            count: found.count,
            entries: found.entries.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::FoundSession> for FoundSession {
    type Error = WireError;

    fn try_from(found: v1::FoundSession) -> Result<Self, WireError> {
        let session = found.session.ok_or(WireError {
            field: "session",
            problem: Problem::Missing,
        })?;
        Ok(Self {
            session: session.try_into()?,
            count: found.count,
            entries: found.entries.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<SearchAnswer> for v1::SearchSessionsResponse {
    fn from(answer: SearchAnswer) -> Self {
        Self {
            sessions: answer.sessions.into_iter().map(Into::into).collect(),
            total: answer.total,
            behind: answer.behind,
        }
    }
}

impl TryFrom<v1::SearchSessionsResponse> for SearchAnswer {
    type Error = WireError;

    fn try_from(answer: v1::SearchSessionsResponse) -> Result<Self, WireError> {
        let sessions = answer.sessions.into_iter().map(FoundSession::try_from);
        Ok(Self {
            sessions: sessions.collect::<Result<_, _>>()?,
            total: answer.total,
            behind: answer.behind,
        })
    }
}
