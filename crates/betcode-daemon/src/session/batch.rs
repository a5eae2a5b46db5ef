//! One group of decisions: everything that is committed in one transaction, and what may happen only after it.

use betcode_core::command::Rejected;
use betcode_core::event::Event;
use betcode_core::id::{FrameNumber, HostEpoch, RequestId, Sequence};
use betcode_core::session::Session;
use betcode_proto::v1::feed_entry;
use tokio::sync::oneshot;

use crate::store::{AcceptedCommand, AuditRow, HostRow, OutboxFrame, RequestChange, StoredPayload};

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

/// Where a view of the session goes, and the view.
pub(crate) type View = (oneshot::Sender<Box<Session>>, Box<Session>);

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
    /// Answers that wait for the commit: what was done, and refusals because of something that is committed with this.
    pub(super) replies: Vec<(Reply, Result<Accepted, Rejected>)>,
    /// Views of the state that wait for the commit of what they show.
    pub(super) views: Vec<View>,
    /// A host that is to be started after the commit.
    pub(super) start: Option<HostEpoch>,
    /// A host whose end is recorded here and whose directory may go after the commit.
    pub(super) ended: Option<HostEpoch>,
    /// Requests that were asked or came to their end.
    pub(super) requests: Vec<RequestChange>,
    /// What was decided, for the record.
    pub(super) audit: Vec<AuditRow>,
    /// What the machine feed says of them.
    pub(super) feed: Vec<feed_entry::Body>,
    /// Rules to be written to the project's local settings after the commit.
    pub(super) rules: Vec<(RequestId, Vec<String>)>,
    /// Everything up to here is removed from the log.
    pub(super) trim: Option<Sequence>,
    /// The agent's environment, when it is a new one.
    pub(super) environment: Option<String>,
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
