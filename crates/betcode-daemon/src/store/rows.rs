//! What the rows around the log hold, as the rest of the daemon sees it, and how they are read. Writing is the writer's.

use betcode_core::event::{Preview, Status, Usage};
use betcode_core::id::{
    AgentName, FrameNumber, HostEpoch, IdempotencyKey, MessageId, RequestId, Sequence, SessionId,
};
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use bytes::Bytes;
use rusqlite::Row;
use rusqlite::types::Type;
use uuid::Uuid;

use super::schema::number;

/// What a list shows of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryRow {
    /// Which session.
    pub id: SessionId,
    /// Its agent.
    pub agent: AgentName,
    /// Its working directory.
    pub cwd: String,
    /// Its title; empty for none.
    pub title: String,
    /// Its model; empty when unknown.
    pub model: String,
    /// What it is doing.
    pub status: Status,
    /// When it was made.
    pub created: Timestamp,
    /// When something last happened in it.
    pub updated: Timestamp,
    /// How many turns it has had.
    pub turns: u64,
    /// The agent's own id for the conversation; empty when unknown.
    pub agent_session: String,
    /// Events up to this number have been removed.
    pub trimmed_up_to: Sequence,
    /// Totals over its life.
    pub totals: Usage,
    /// When what it waits for is tried again.
    pub retry_at: Option<Timestamp>,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSession {
    /// What the list shows.
    pub summary: SummaryRow,
    /// The number of its last event.
    pub head: Sequence,
}

/// How far the agent's output is committed, and what its parser and driver knew there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Of which host.
    pub host: HostEpoch,
    /// The spool segment: the stream offset of its first byte.
    pub spool_segment: u64,
    /// Everything below this stream offset is committed.
    pub spool_offset: u64,
    /// The number of the next stdin frame.
    pub next_frame: FrameNumber,
    /// State of parser and driver; it carries its own version.
    pub agent_state: String,
}

/// Bytes for the agent's stdin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxFrame {
    /// For which host.
    pub host: HostEpoch,
    /// Its number.
    pub frame: FrameNumber,
    /// The message of the user that it carries.
    pub message: Option<MessageId>,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// A command that was accepted, so that the same key has no second effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedCommand {
    /// Its key.
    pub key: IdempotencyKey,
    /// In which session.
    pub session: SessionId,
    /// What was asked for.
    pub payload_hash: [u8; 32],
    /// The first event that followed; 0 when none did.
    pub sequence: Sequence,
    /// Lines that the user should read.
    pub notices: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// Where an agent host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostState {
    /// About to be started, or just started.
    Starting,
    /// It has answered.
    Running,
    /// It is gone and everything of it is committed.
    Ended,
}

impl HostState {
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Starting => 0,
            Self::Running => 1,
            Self::Ended => 2,
        }
    }
}

/// One life of one agent host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    /// Which host.
    pub epoch: HostEpoch,
    /// Of which session.
    pub session: SessionId,
    /// Where it stands.
    pub state: HostState,
    /// When it was decided to start it.
    pub created: Timestamp,
}

/// The folded state of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The version of its form. One of another version is worthless.
    pub version: u32,
    /// The last event that is in it.
    pub sequence: Sequence,
    /// The state.
    pub state: Vec<u8>,
}

/// A directory that the user trusts, as it was when they said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRow {
    /// The directory.
    pub directory: String,
    /// Its device.
    pub device: u64,
    /// Its inode.
    pub inode: u64,
    /// Since when.
    pub since: Timestamp,
}

/// A part of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadPart {
    /// The bytes from the offset on; not all that there are.
    pub bytes: Bytes,
    /// How many bytes are stored of the payload.
    pub stored: u64,
}

/// What the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions, without deleted ones.
    pub sessions: u64,
    /// Size of the database in bytes, without its write-ahead log.
    pub bytes: u64,
}

/// The columns that [`summary`] reads.
pub(super) const SUMMARY_COLUMNS: &str = "id, agent, cwd, title, model, status, created_us, updated_us, turns, \
                                          agent_session, trimmed_up_to, totals, retry_us";

pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<SummaryRow> {
    Ok(SummaryRow {
        id: SessionId(id(row, 0)?),
        agent: AgentName(row.get(1)?),
        cwd: row.get(2)?,
        title: row.get(3)?,
        model: row.get(4)?,
        status: serde_json::from_value(serde_json::Value::String(row.get(5)?))
            .map_err(|error| bad(5, error))?,
        created: Timestamp(row.get(6)?),
        updated: Timestamp(row.get(7)?),
        turns: number(row.get(8)?),
        agent_session: row.get(9)?,
        trimmed_up_to: Sequence(number(row.get(10)?)),
        totals: serde_json::from_str(row.get_ref(11)?.as_str()?).map_err(|error| bad(11, error))?,
        retry_at: row.get::<_, Option<i64>>(12)?.map(Timestamp),
    })
}

pub(super) fn status_text(status: Status) -> String {
    match serde_json::to_value(status) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

pub(super) fn checkpoint(row: &Row<'_>) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint {
        host: HostEpoch(id(row, 0)?),
        spool_segment: number(row.get(1)?),
        spool_offset: number(row.get(2)?),
        next_frame: FrameNumber(number(row.get(3)?)),
        agent_state: row.get(4)?,
    })
}

pub(super) fn outbox_frame(row: &Row<'_>) -> rusqlite::Result<OutboxFrame> {
    Ok(OutboxFrame {
        host: HostEpoch(id(row, 0)?),
        frame: FrameNumber(number(row.get(1)?)),
        message: match row.get_ref(2)?.as_blob_or_null()? {
            Some(_) => Some(MessageId(id(row, 2)?)),
            None => None,
        },
        bytes: row.get(3)?,
    })
}

pub(super) fn host(row: &Row<'_>) -> rusqlite::Result<HostRow> {
    Ok(HostRow {
        epoch: HostEpoch(id(row, 0)?),
        session: SessionId(id(row, 1)?),
        state: match row.get::<_, i64>(2)? {
            0 => HostState::Starting,
            1 => HostState::Running,
            _ => HostState::Ended,
        },
        created: Timestamp(row.get(3)?),
    })
}

pub(super) fn command(row: &Row<'_>) -> rusqlite::Result<AcceptedCommand> {
    Ok(AcceptedCommand {
        key: IdempotencyKey(id(row, 0)?),
        session: SessionId(id(row, 1)?),
        payload_hash: row.get(2)?,
        sequence: Sequence(number(row.get(3)?)),
        notices: serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(|error| bad(4, error))?,
        at: Timestamp(row.get(5)?),
    })
}

pub(super) fn trust(row: &Row<'_>) -> rusqlite::Result<TrustRow> {
    Ok(TrustRow {
        directory: row.get(0)?,
        device: row.get::<_, i64>(1)?.cast_unsigned(),
        inode: row.get::<_, i64>(2)?.cast_unsigned(),
        since: Timestamp(row.get(3)?),
    })
}

pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    Uuid::from_slice(row.get_ref(column)?.as_blob()?).map_err(|error| bad(column, error))
}

pub(super) fn bad(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestChange {
    /// It was asked.
    Asked(RequestRow),
    /// It waits longer.
    Extended {
        /// Which one.
        id: RequestId,
        /// Until when.
        expires_at: Timestamp,
    },
    /// It came to its end.
    Ended {
        /// Which one.
        id: RequestId,
        /// How, in a word.
        state: String,
        /// By whom or what, for people.
        decided_by: String,
        /// When.
        at: Timestamp,
    },
}

/// A request as it was asked, with previews of what is long.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRow {
    /// The event that asked.
    pub sequence: Sequence,
    /// When.
    pub asked: Timestamp,
    /// The request.
    pub pending: Pending,
    /// Which of its fields are previews.
    pub previews: Vec<Preview>,
}

/// One decision, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub time: Timestamp,
    /// In which session.
    pub session: SessionId,
    /// The tool.
    pub tool: String,
    /// The beginning of the input, without secrets.
    pub input_preview: String,
    /// SHA-256 of the whole input in its canonical form.
    pub input_sha256: String,
    /// How, in a word.
    pub outcome: String,
    /// By whom or what, for people.
    pub by: String,
    /// The request.
    pub request: RequestId,
}
