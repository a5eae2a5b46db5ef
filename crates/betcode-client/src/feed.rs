//! The machine feed, followed without gap or double across lost connections.

use std::time::Duration;

use betcode_core::id::{LogEpoch, Sequence};
pub use betcode_core::resume::Position;
use betcode_proto::convert::feed::decode_feed_list;
pub use betcode_proto::convert::feed::{FeedBody, FeedEntry, PendingRequest};
pub use betcode_proto::convert::reading::SessionReading;
use betcode_proto::convert::{WireError, id_bytes, read_id};
use betcode_proto::v1;
use futures_util::StreamExt as _;
use v1::watch_response::Response;

pub use crate::follow::End;
use crate::follow::{Follow, Incoming, Message, Owned, Source, Step};
use crate::{CallError, ConnectError, Connection, Connector, Occasion};

/// What happens on the feed.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedUpdate {
    /// Attached, for the first time or again.
    Attached {
        /// The feed's epoch.
        epoch: LogEpoch,
        /// The number of its last entry at this moment.
        head: Sequence,
    },
    /// Drop every entry received so far: the feed starts anew.
    Reset {
        /// Why, for people.
        reason: String,
    },
    /// The next entries.
    Entries(Vec<FeedEntry>),
    /// The connection is lost and the handle works on it.
    Reconnecting {
        /// How many attempts have failed; 0 when the first is being made.
        attempt: u32,
        /// How long until the next.
        wait: Duration,
        /// What happened, for people.
        cause: String,
    },
    /// It is over; asked again, the handle says the same.
    End(End),
}

impl Connection {
    /// Where the feed ends now, to be followed from there on.
    pub async fn feed_head(&self) -> Result<Position, CallError> {
        let mut watching = Watching { follow: false };
        let mut incoming = watching.open(self, None, Sequence(0)).await?;
        while let Some(message) = incoming.next().await {
            if let Message::Attached { epoch, head, .. } = message? {
                return Ok(Position {
                    epoch: Some(epoch),
                    last: head,
                });
            }
        }
        Ok(Position::default())
    }
}

/// The feed, followed.
pub struct Feed {
    follow: Follow,
    watching: Watching,
}

impl Feed {
    /// Connects. The feed is followed after `after`; without `follow` it ends at the head.
    pub async fn open(
        mut connector: impl Connector + 'static,
        after: Position,
        follow: bool,
    ) -> Result<Self, ConnectError> {
        let connection = connector.connect(Occasion::First).await?;
        Ok(Self {
            follow: Follow::new(Box::new(connector), connection, after, follow),
            watching: Watching { follow },
        })
    }

    /// The next thing that happens. May be given up at any time without losing anything.
    pub async fn next(&mut self) -> FeedUpdate {
        loop {
            return match self.follow.next(&mut self.watching).await {
                Step::Attached { epoch, head, .. } => FeedUpdate::Attached { epoch, head },
                Step::Reset { reason } => FeedUpdate::Reset { reason },
                Step::Batch { first, bytes, .. } => FeedUpdate::Entries(entries(first, &bytes)),
                Step::Reconnecting {
                    attempt,
                    wait,
                    cause,
                } => FeedUpdate::Reconnecting {
                    attempt,
                    wait,
                    cause,
                },
                Step::End(end) => FeedUpdate::End(end),
                Step::Trimmed { .. } | Step::Outcome(_) | Step::Trouble(_) => continue,
            };
        }
    }

    /// How far the entries have come.
    pub const fn position(&self) -> Position {
        self.follow.position()
    }
}

/// The entries from `first` on; what cannot be read at all is one entry that says so.
fn entries(first: Sequence, bytes: &[u8]) -> Vec<FeedEntry> {
    match decode_feed_list(bytes) {
        Ok(mut entries) => {
            entries.retain(|entry| entry.sequence >= first);
            entries
        }
        Err(error) => vec![FeedEntry {
            sequence: first,
            timestamp: betcode_core::time::Timestamp::default(),
            body: FeedBody::Unknown {
                note: error.to_string(),
            },
        }],
    }
}

struct Watching {
    follow: bool,
}

impl Source for Watching {
    fn open(
        &mut self,
        connection: &Connection,
        epoch: Option<LogEpoch>,
        after: Sequence,
    ) -> Owned<Result<Incoming, CallError>> {
        let mut service = connection.feed_service();
        let request = v1::WatchRequest {
            epoch: epoch.map(|epoch| id_bytes(epoch.0)).unwrap_or_default(),
            after: after.0,
            follow: self.follow,
        };
        Box::pin(async move {
            let responses = service.watch(request).await?.into_inner();
            let incoming = responses.map(|response| message(response?).map_err(Into::into));
            Ok(Box::pin(incoming) as Incoming)
        })
    }

    fn is_done(&self) -> bool {
        true
    }
}

fn message(response: v1::WatchResponse) -> Result<Message, WireError> {
    Ok(match response.response {
        Some(Response::Attached(attached)) => Message::Attached {
            epoch: LogEpoch(read_id("epoch", &attached.epoch)?),
            head: Sequence(attached.head),
            trimmed_up_to: Sequence(0),
            session: None,
            standing: Box::default(),
        },
        Some(Response::Reset(reset)) => Message::Reset {
            epoch: LogEpoch(read_id("epoch", &reset.epoch)?),
            reason: reset.reason,
        },
        Some(Response::Batch(batch)) => Message::Batch {
            first: Sequence(batch.first_sequence),
            last: Sequence(batch.last_sequence),
            bytes: batch.entries,
        },
        None => Message::Other,
    })
}
