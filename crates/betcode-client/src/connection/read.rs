//! Reading a part of a log, page by page, as fast as it is asked for.

use betcode_core::event::Event;
use betcode_core::id::{LogEpoch, Sequence, SessionId};
use betcode_proto::convert::{WireError, decode_event_list, id_bytes, read_optional_id};
use betcode_proto::v1;
use bytes::Bytes;
use tonic::Streaming;

use super::{in_time, present};
use crate::CallError;

/// Which part of a log to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEvents {
    /// Of which session.
    pub session: SessionId,
    /// The epoch that the numbers belong to, if it matters.
    pub epoch: Option<LogEpoch>,
    /// From where and which way.
    pub from: Direction,
    /// At most so many events; 0 for all.
    pub limit: u32,
    /// Join the deltas of finished messages into one event each.
    pub coalesced: bool,
}

/// From where and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Forwards: events after this number.
    After(Sequence),
    /// Backwards: the newest events before this number.
    Before(Sequence),
    /// Backwards from the newest event.
    Newest,
}

impl ReadEvents {
    pub(super) fn request(self) -> v1::ReadEventsRequest {
        use v1::read_events_request::From;
        v1::ReadEventsRequest {
            session_id: id_bytes(self.session.0),
            epoch: self
                .epoch
                .map(|epoch| id_bytes(epoch.0))
                .unwrap_or_default(),
            from: Some(match self.from {
                Direction::After(sequence) => From::After(sequence.0),
                Direction::Before(sequence) => From::Before(sequence.0),
                Direction::Newest => From::Before(0),
            }),
            limit: self.limit,
            coalesced: self.coalesced,
        }
    }
}

/// The pages of a read, in the order of reading: backwards, the newest page comes first; numbers rise inside a page.
#[derive(Debug)]
pub struct EventPages {
    stream: Streaming<v1::ReadEventsResponse>,
}

impl EventPages {
    pub(super) const fn new(stream: Streaming<v1::ReadEventsResponse>) -> Self {
        Self { stream }
    }

    /// The next page; none at the end.
    pub async fn next(&mut self) -> Result<Option<Page>, CallError> {
        let Some(response) = in_time(self.stream.message()).await? else {
            return Ok(None);
        };
        let batch = present("batch", response.batch)?;
        Ok(Some(Page {
            epoch: read_optional_id("epoch", &response.epoch)?.map(LogEpoch),
            first: Sequence(batch.first_sequence),
            last: Sequence(batch.last_sequence),
            bytes: batch.events,
        }))
    }
}

/// Some events that follow on each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The log's epoch.
    pub epoch: Option<LogEpoch>,
    /// The number of the first event.
    pub first: Sequence,
    /// The number of the last event.
    pub last: Sequence,
    bytes: Bytes,
}

impl Page {
    /// The events.
    pub fn events(&self) -> Result<Vec<Event>, WireError> {
        decode_event_list(&self.bytes)
    }
}
