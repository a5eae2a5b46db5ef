//! One group of decisions: everything that is committed in one transaction, and what may happen only after it.

use betcode_core::command::Rejected;
use betcode_core::event::Event;
use betcode_core::id::{FrameNumber, HostEpoch, Sequence};
use tokio::sync::oneshot;

use crate::store::{AcceptedCommand, HostRow, OutboxFrame, StoredPayload};

/// What a client is told about an accepted command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The first event that followed from it; 0 when none did.
    pub sequence: Sequence,
    /// Lines for the user.
    pub notices: Vec<String>,
}

/// Where the answer to a command goes.
pub(crate) type Reply = oneshot::Sender<Result<Accepted, Rejected>>;

/// What is collected until the next commit.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Encoded events, one after the other.
    pub(super) events: Vec<u8>,
    /// How many there are.
    pub(super) count: usize,
    pub(super) payloads: Vec<StoredPayload>,
    pub(super) frames: Vec<OutboxFrame>,
    pub(super) accepted: Vec<AcceptedCommand>,
    pub(super) hosts: Vec<HostRow>,
    pub(super) clear_outbox: bool,
    /// The end of the agent's output that these events cover.
    pub(super) taken: Option<u64>,
    /// A user was told, or will be told, that something succeeded.
    pub(super) power_loss: bool,
    /// Answers that wait for the commit.
    pub(super) replies: Vec<(Reply, Accepted)>,
    /// A host that is to be started after the commit.
    pub(super) start: Option<HostEpoch>,
    /// A host whose end is recorded here and whose directory may go after the commit.
    pub(super) ended: Option<HostEpoch>,
    /// The session was deleted with this batch.
    pub(super) delete: bool,
}

impl Batch {
    /// True when there is nothing to commit and nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
            && self.frames.is_empty()
            && self.accepted.is_empty()
            && self.hosts.is_empty()
            && self.taken.is_none()
            && self.replies.is_empty()
            && !self.delete
    }

    /// Adds an event that has its number.
    pub(super) fn event(&mut self, event: Event) {
        betcode_proto::convert::append_event(event, &mut self.events);
        self.count += 1;
    }

    /// The frames in a form that can be sent after the commit.
    pub(super) fn sendable_frames(&self) -> Vec<(FrameNumber, Vec<u8>)> {
        self.frames
            .iter()
            .map(|frame| (frame.frame, frame.bytes.clone()))
            .collect()
    }
}
