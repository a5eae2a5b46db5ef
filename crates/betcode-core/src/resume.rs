//! The client's side of following a log: a session's, or the machine feed's. It decides what to attach to, which of the
//! received events are new, when to try again, and when what was received so far is worth nothing. It moves no bytes.
//!
//! ```text
//!            Attached                 Batch (new: Deliver)
//! Attaching ──────────▶ Attached ◀──┐────────────────────┘
//!   ▲  ▲ │  Reset: Discard, Attach  │
//!   │  └─┼──────────────────────────┤ Reset: Discard, Attach
//!   │    │ Disconnected             │ gap, another epoch, nonsense
//!   │    ▼                          ▼
//!   └─ Waiting ◀─────────────── Closing      (Attached ── Disconnected ──▶ Waiting as well)
//!  deadline     Disconnected     (asked to close)
//! ```
//!
//! What the driver does: it runs effects in order. [`Effect::Attach`] opens a new attachment and drops the former one;
//! of a dropped one nothing is fed in any more. After [`Effect::Close`] it reports [`Input::Disconnected`].
//!
//! Laws:
//! - between two `Discard`s the delivered numbers follow the starting position without gap or double;
//! - a batch that would leave a gap is never delivered: the attachment is closed and made again;
//! - a `Reset` is obeyed at once, a second one without an attachment in between only after a delay;
//! - there is a deadline exactly while waiting, and it is never further away than the delay that was chosen.

use std::collections::VecDeque;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::id::{LogEpoch, Sequence};
use crate::time::Timestamp;

/// An attachment that lasted this long was a success even if nothing happened meanwhile.
const STABLE: Duration = Duration::from_secs(5);

/// How far a client has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The log that the number belongs to; none until it has attached once.
    pub epoch: Option<LogEpoch>,
    /// The number of the last event received; 0 before the first.
    pub last: Sequence,
}

/// What happened to the attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The daemon accepted the attachment.
    Attached {
        /// Its log's epoch.
        epoch: LogEpoch,
        /// The number of the last event in its log.
        head: Sequence,
    },
    /// The daemon refused the position: its log is another one, or shorter. The attachment is over.
    Reset {
        /// Its log's epoch.
        epoch: LogEpoch,
    },
    /// Consecutive events came.
    Batch {
        /// The number of the first.
        first: Sequence,
        /// The number of the last.
        last: Sequence,
    },
    /// The attachment ended, or could not be made.
    Disconnected {
        /// Uniform over all of `u32`; spreads the attempts of many clients.
        random: u32,
    },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Attach, asking for what comes after `after`.
    Attach {
        /// The epoch that `after` belongs to; none: whichever there is.
        epoch: Option<LogEpoch>,
        /// The number of the last event that is here already.
        after: Sequence,
    },
    /// Hand on the events `first..=last` of the batch just given, and no others of it.
    Deliver {
        /// The number of the first new event.
        first: Sequence,
        /// The number of the last new event.
        last: Sequence,
    },
    /// Drop everything received so far: the log starts anew.
    Discard,
    /// Close the attachment, the peer broke the protocol; then report [`Input::Disconnected`].
    Close {
        /// How it did.
        violation: Violation,
    },
    /// Nothing to do until then; a good moment to say "reconnecting…".
    Wait {
        /// When the next attempt is due; also told by [`Resume::poll_timeout`].
        until: Timestamp,
    },
}

/// How a peer broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Events are missing.
    #[error("events {expected} to {} are missing", found.0.saturating_sub(1))]
    Gap {
        /// The number that was due.
        expected: Sequence,
        /// The number that came.
        found: Sequence,
    },
    /// A batch that ends before it begins, or begins at 0.
    #[error("a batch of events {first} to {last} makes no sense")]
    BadBatch {
        /// Its first number.
        first: Sequence,
        /// Its last number.
        last: Sequence,
    },
    /// Events before the attachment was confirmed, or a second confirmation.
    #[error("a message came out of turn")]
    OutOfTurn,
    /// It went on with a log that does not continue what is here, without saying so.
    #[error("the log changed without a reset")]
    SilentReset,
    /// It refuses even the start of the log that it named itself.
    #[error("the log was reset twice in a row")]
    RepeatedReset,
}

/// Where the attachment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Asked for, not confirmed.
    Attaching,
    /// Events are coming.
    Attached {
        /// The number of the last event in the log when it was confirmed.
        head: Sequence,
    },
    /// Being closed because the peer broke the protocol.
    Closing,
    /// Lost; the next attempt is due then.
    Waiting {
        /// When.
        until: Timestamp,
    },
}

#[derive(Debug, Clone, Copy)]
enum Link {
    Attaching { after_reset: bool },
    Attached { head: Sequence, since: Timestamp },
    Closing,
    Waiting { until: Timestamp, delay: Duration },
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Resume {
    position: Position,
    link: Link,
    backoff: Backoff,
    effects: VecDeque<Effect>,
}

impl Resume {
    /// Follows a log from `position`; [`Position::default`] is its beginning. The first effect attaches.
    #[must_use]
    pub fn new(position: Position) -> Self {
        let mut machine = Self {
            position,
            link: Link::Closing,
            backoff: Backoff::reconnect(),
            effects: VecDeque::new(),
        };
        machine.attach(false);
        machine
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Attached { epoch, head } => self.attached(now, epoch, head),
            Input::Reset { epoch } => self.reset(epoch),
            Input::Batch { first, last } => self.batch(first, last),
            Input::Disconnected { random } => self.disconnected(now, random),
        }
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let Link::Waiting { until, delay } = self.link else {
            return;
        };
        // More left than was chosen: the wall clock was set back, and the deadline means nothing any more.
        if now >= until || until.since(now) > delay {
            self.attach(false);
        }
    }

    /// When to call [`Resume::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.link {
            Link::Waiting { until, .. } => Some(until),
            Link::Attaching { .. } | Link::Attached { .. } | Link::Closing => None,
        }
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// How far it has come.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Where the attachment stands.
    pub const fn status(&self) -> Status {
        match self.link {
            Link::Attaching { .. } => Status::Attaching,
            Link::Attached { head, .. } => Status::Attached { head },
            Link::Closing => Status::Closing,
            Link::Waiting { until, .. } => Status::Waiting { until },
        }
    }

    /// Whether everything is here that was in the log when the attachment was confirmed.
    pub fn is_caught_up(&self) -> bool {
        matches!(self.link, Link::Attached { head, .. } if self.position.last >= head)
    }

    fn attached(&mut self, now: Timestamp, epoch: LogEpoch, head: Sequence) {
        match self.link {
            Link::Attaching { .. } => {
                let same_log = self.position.epoch.is_none_or(|known| known == epoch);
                if same_log && head >= self.position.last {
                    self.position.epoch = Some(epoch);
                    self.link = Link::Attached { head, since: now };
                } else {
                    self.start_over(epoch);
                    self.close(Violation::SilentReset);
                }
            }
            Link::Attached { .. } => self.close(Violation::OutOfTurn),
            Link::Closing | Link::Waiting { .. } => {}
        }
    }

    fn reset(&mut self, epoch: LogEpoch) {
        match self.link {
            Link::Attaching { after_reset: true } => {
                self.start_over(epoch);
                self.close(Violation::RepeatedReset);
            }
            Link::Attaching { after_reset: false } | Link::Attached { .. } => {
                self.start_over(epoch);
                self.attach(true);
            }
            Link::Closing | Link::Waiting { .. } => {}
        }
    }

    fn batch(&mut self, first: Sequence, last: Sequence) {
        match self.link {
            Link::Attached { .. } => {}
            Link::Attaching { .. } => return self.close(Violation::OutOfTurn),
            Link::Closing | Link::Waiting { .. } => return,
        }
        if first == Sequence(0) || last < first {
            return self.close(Violation::BadBatch { first, last });
        }
        if last <= self.position.last {
            return;
        }
        let expected = self.position.last.next();
        if first > expected {
            return self.close(Violation::Gap {
                expected,
                found: first,
            });
        }
        self.position.last = last;
        self.backoff.reset();
        self.effects.push_back(Effect::Deliver {
            first: expected,
            last,
        });
    }

    fn disconnected(&mut self, now: Timestamp, random: u32) {
        match self.link {
            Link::Attached { since, .. } if now.since(since) >= STABLE => self.backoff.reset(),
            Link::Attached { .. } | Link::Attaching { .. } | Link::Closing => {}
            Link::Waiting { .. } => return,
        }
        let delay = self.backoff.next(random);
        let until = now.plus(delay);
        self.link = Link::Waiting { until, delay };
        self.effects.push_back(Effect::Wait { until });
    }

    fn attach(&mut self, after_reset: bool) {
        self.link = Link::Attaching { after_reset };
        self.effects.push_back(Effect::Attach {
            epoch: self.position.epoch,
            after: self.position.last,
        });
    }

    fn close(&mut self, violation: Violation) {
        self.link = Link::Closing;
        self.effects.push_back(Effect::Close { violation });
    }

    fn start_over(&mut self, epoch: LogEpoch) {
        self.position = Position {
            epoch: Some(epoch),
            last: Sequence(0),
        };
        self.effects.push_back(Effect::Discard);
    }
}

#[cfg(test)]
mod tests;
