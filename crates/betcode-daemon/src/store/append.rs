//! What is written in one transaction for one session, and what can go wrong. Only data: the writer thread does it.

use std::sync::Arc;

use betcode_core::id::{FrameNumber, HostEpoch, Sequence};
use betcode_core::time::Timestamp;
use betcode_proto::v1::feed_entry;

use super::chunk::Chunk;
use super::log::SessionLog;
use super::rows::{
    AcceptedCommand, AuditRow, Checkpoint, HostRow, OutboxFrame, RequestChange, Snapshot,
    SummaryRow,
};

/// What must be survived once an append is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// The death of the daemon.
    #[default]
    Process,
    /// The loss of power: for whatever a user was told has succeeded.
    PowerLoss,
}

/// Whether a session can be found. One that is written in several appends is hidden until the last of them: a daemon that
/// dies in between leaves nothing of it, because its next start removes what is hidden.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Visibility {
    /// As it is; a new one can be found at once.
    #[default]
    Unchanged,
    /// For a new one: it cannot be found, and its id is still free.
    Hidden,
    /// From here on it can be found; `summary` must be there.
    Shown,
}

/// The whole of a field that its event shows as a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayload {
    /// Of which event.
    pub sequence: Sequence,
    /// The field's name.
    pub field: String,
    /// What is kept of it.
    pub bytes: Vec<u8>,
}

/// Everything that one decision of one session writes. It is in the database wholly or not at all.
#[derive(Debug)]
pub struct Append {
    /// Of which session.
    pub log: Arc<SessionLog>,
    /// When it was decided.
    pub at: Timestamp,
    /// True for the first append of a new session; `summary` must be there.
    pub create: bool,
    /// Whether the session can be found.
    pub visibility: Visibility,
    /// Removes the session: it can no longer be found, its rows go in the background.
    pub delete: bool,
    /// Its events; they begin right behind the head.
    pub chunk: Option<Chunk>,
    /// The wholes of what the events only show the beginning of.
    pub payloads: Vec<StoredPayload>,
    /// How far the agent's output is committed.
    pub checkpoint: Option<Checkpoint>,
    /// Frames to be written to the agent's stdin.
    pub outbox_add: Vec<OutboxFrame>,
    /// This host has written every frame up to this one.
    pub outbox_written: Option<(HostEpoch, FrameNumber)>,
    /// Drops all frames that were there before; done before `outbox_add`.
    pub outbox_clear: bool,
    /// Commands that were accepted.
    pub accepted: Vec<AcceptedCommand>,
    /// What a list shows of the session, when it changed.
    pub summary: Option<SummaryRow>,
    /// The agent's environment as text that only the daemon reads, when it changed.
    pub environment: Option<String>,
    /// Agent hosts that were made or changed.
    pub hosts: Vec<HostRow>,
    /// The folded state, when a new one is due.
    pub snapshot: Option<Snapshot>,
    /// The session's next deadline, when it changed.
    pub deadline: Option<Option<Timestamp>>,
    /// Requests that were asked, wait longer, or came to their end; in the order in which that happened.
    pub requests: Vec<RequestChange>,
    /// What was decided, for the record, which outlives the session.
    pub audit: Vec<AuditRow>,
    /// Removes the events up to this one, those of this append too, and the wholes of what they show; but never the last
    /// event of the log.
    pub trim: Option<Sequence>,
    /// What the machine feed says of it.
    pub feed: Vec<feed_entry::Body>,
    /// What must be survived.
    pub durability: Durability,
}

impl Append {
    /// An append that writes nothing yet.
    pub fn new(log: Arc<SessionLog>, at: Timestamp) -> Self {
        Self {
            log,
            at,
            create: false,
            visibility: Visibility::default(),
            delete: false,
            chunk: None,
            payloads: Vec::new(),
            checkpoint: None,
            outbox_add: Vec::new(),
            outbox_written: None,
            outbox_clear: false,
            accepted: Vec::new(),
            summary: None,
            environment: None,
            hosts: Vec::new(),
            snapshot: None,
            deadline: None,
            requests: Vec::new(),
            audit: Vec::new(),
            trim: None,
            feed: Vec::new(),
            durability: Durability::default(),
        }
    }
}

/// Why nothing of an append was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// There is no space left.
    #[error("the disk is full")]
    DiskFull,
    /// The events do not follow the head of the log.
    #[error("events from {found} on do not follow event {head}")]
    OutOfOrder {
        /// The last event of the log.
        head: Sequence,
        /// The first event of the append.
        found: Sequence,
    },
    /// The database said no.
    #[error("cannot write to the database: {0}")]
    Database(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl From<&rusqlite::Error> for CommitError {
    fn from(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Database(error.to_string()),
        }
    }
}
