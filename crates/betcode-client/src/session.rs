//! A handle to one session: its events without gap or double across any number of lost connections, and commands that
//! are answered once.
//!
//! Commands travel on the same stream as the events. One without an answer when the connection breaks is sent again on
//! the next, before attaching and in the same order, with the same key, so it takes effect once. A handle opened before
//! its session exists is given the command that makes it first.

mod source;

use std::collections::VecDeque;
use std::time::Duration;

use betcode_core::command::Command;
use betcode_core::event::{ClientInfo, Event};
use betcode_core::id::{IdempotencyKey, LogEpoch, Sequence, SessionId};
pub use betcode_core::resume::Position;
use betcode_proto::convert::session::Summary;
use betcode_proto::convert::{WireError, event_entries, read_id};
use betcode_proto::status::Refusal;
use betcode_proto::v1;
use bytes::Bytes;
use tokio::time::timeout;

pub use betcode_proto::convert::lock::{Lock, Standing};

pub use crate::follow::End;
use crate::follow::{Follow, Step};
use crate::{Accepted, CallError, ConnectError, Connection, Connector, Occasion};
use source::Conversation;

/// What happens on a handle.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Attached, for the first time or again.
    Attached {
        /// The log's epoch.
        epoch: LogEpoch,
        /// The number of the last event in the log at this moment.
        head: Sequence,
        /// The session as it is at the head.
        session: Option<Box<Summary>>,
        /// The requests that wait at this moment, and the input lock: what a client shows that has just come.
        standing: Box<Standing>,
    },
    /// Drop every event received so far: the log starts anew.
    Reset {
        /// Why, for people.
        reason: String,
    },
    /// Events up to this number exist no more; drop what was received, the next event is the one after it.
    Trimmed {
        /// The last removed number.
        up_to: Sequence,
    },
    /// The next events.
    Events(Batch),
    /// A command was answered.
    Outcome {
        /// Its key.
        key: IdempotencyKey,
        /// Done, or refused without any effect.
        outcome: Result<Accepted, Refusal>,
    },
    /// The daemon cannot record anything at present, for this reason; `None` when it can again. Until then nothing new comes.
    Trouble(Option<String>),
    /// The connection is lost and the handle works on it. Nothing to do but say so.
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

/// Consecutive events, still encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    first: Sequence,
    last: Sequence,
    /// True when some events before `first` are in the bytes too.
    partial: bool,
    bytes: Bytes,
}

impl Batch {
    /// The number of the first event.
    pub const fn first(&self) -> Sequence {
        self.first
    }

    /// The number of the last event.
    pub const fn last(&self) -> Sequence {
        self.last
    }

    /// The events.
    pub fn events(&self) -> Result<Vec<Event>, WireError> {
        let mut events = Vec::new();
        for entry in event_entries(&self.bytes) {
            let entry = entry?;
            if !self.partial || entry.sequence()? >= self.first {
                events.push(entry.decode()?);
            }
        }
        Ok(events)
    }
}

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Which session.
    pub session: SessionId,
    /// What is here already.
    pub after: Position,
    /// Stay and receive what comes; otherwise the handle ends when it has everything up to the head.
    pub follow: bool,
    /// Who attaches; the same again after every loss.
    pub client: ClientInfo,
    /// Only looks: never gets the input lock by attaching.
    pub observe: bool,
}

/// One session, followed.
pub struct Handle {
    follow: Follow,
    conversation: Conversation,
    /// What came while the answer to a command was awaited.
    set_aside: VecDeque<Update>,
}

impl Handle {
    /// Connects. The attachment itself is made as [`Handle::next`] is awaited, so that commands sent before travel first.
    pub async fn open(
        mut connector: impl Connector + 'static,
        open: Open,
    ) -> Result<Self, ConnectError> {
        let connection = connector.connect(Occasion::First).await?;
        Ok(Self::on(connection, connector, open))
    }

    /// The same on a connection that is there already; the connector is for when it is lost.
    pub fn on(connection: Connection, connector: impl Connector + 'static, open: Open) -> Self {
        Self {
            follow: Follow::new(Box::new(connector), connection, open.after, open.follow),
            conversation: Conversation::new(open),
            set_aside: VecDeque::new(),
        }
    }

    /// Sends a command, now or as soon as there is a connection. Its outcome is an [`Update::Outcome`].
    pub fn send(&mut self, command: Command) {
        self.conversation.send(command.into());
    }

    /// Sends a command and waits for its outcome; what else happens meanwhile is kept for [`Handle::next`].
    pub async fn perform(&mut self, command: Command) -> Result<Accepted, CallError> {
        let wanted = command.key;
        self.send(command);
        loop {
            match self.advance().await {
                Update::Outcome { key, outcome } if key == wanted => {
                    return outcome.map_err(CallError::Refused);
                }
                Update::End(end) => {
                    return Err(match end {
                        End::Refused(refusal) => CallError::Refused(refusal),
                        End::Failed(error) => CallError::Lost(error.to_string()),
                        End::Complete => CallError::Lost("the stream is complete".to_owned()),
                    });
                }
                update => self.set_aside.push_back(update),
            }
        }
    }

    /// The next thing that happens. May be given up at any time without losing anything.
    pub async fn next(&mut self) -> Update {
        match self.set_aside.pop_front() {
            Some(update) => update,
            None => self.advance().await,
        }
    }

    /// How far the events have come.
    pub const fn position(&self) -> Position {
        self.follow.position()
    }

    /// Whether everything has come that was in the log when it was attached last.
    pub fn is_caught_up(&self) -> bool {
        self.follow.is_caught_up() && self.set_aside.is_empty()
    }

    /// Commands that have not been answered.
    pub fn unanswered(&self) -> usize {
        self.conversation.unanswered()
    }

    /// Leaves in good order, so that the daemon need not wait for this client to come back: closes its own side and waits,
    /// at most so long, until the daemon has closed the other.
    pub async fn leave(mut self, patience: Duration) {
        self.conversation.close();
        let gone = async {
            while !matches!(
                self.advance().await,
                Update::Reconnecting { .. } | Update::End(_)
            ) {}
        };
        // A daemon that says nothing notices when the connection ends.
        let _late = timeout(patience, gone).await;
    }

    async fn advance(&mut self) -> Update {
        loop {
            let step = self.follow.next(&mut self.conversation).await;
            return match step {
                Step::Attached {
                    epoch,
                    head,
                    session,
                    standing,
                } => Update::Attached {
                    epoch,
                    head,
                    session,
                    standing,
                },
                Step::Reset { reason } => Update::Reset { reason },
                Step::Trimmed { up_to } => Update::Trimmed { up_to },
                Step::Batch {
                    first,
                    last,
                    partial,
                    bytes,
                } => Update::Events(Batch {
                    first,
                    last,
                    partial,
                    bytes,
                }),
                Step::Outcome(outcome) => match self.answered(outcome) {
                    Some(update) => update,
                    None => continue,
                },
                Step::Trouble(message) => Update::Trouble((!message.is_empty()).then_some(message)),
                Step::Reconnecting {
                    attempt,
                    wait,
                    cause,
                } => Update::Reconnecting {
                    attempt,
                    wait,
                    cause,
                },
                Step::End(end) => Update::End(end),
            };
        }
    }

    /// None for an answer to something that was not asked.
    fn answered(&mut self, answer: v1::CommandOutcome) -> Option<Update> {
        use v1::command_outcome::Outcome;
        let key = IdempotencyKey(read_id("idempotency_key", &answer.idempotency_key).ok()?);
        if !self.conversation.answered(&answer.idempotency_key) {
            return None;
        }
        let outcome = match answer.outcome {
            Some(Outcome::Accepted(accepted)) => {
                Accepted::try_from(accepted).map_err(|error| unreadable(&error.to_string()))
            }
            Some(Outcome::Refused(refused)) => Err(refused.into()),
            None => Err(unreadable("it is neither accepted nor refused")),
        };
        Some(Update::Outcome { key, outcome })
    }
}

fn unreadable(why: &str) -> Refusal {
    Refusal::new(
        tonic::Code::Unknown,
        "",
        format!("the daemon's answer cannot be read: {why}"),
    )
}
