//! A moment that was chosen as a delay, and stays one when the clock is set back.

use std::time::Duration;

use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// So long after a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Due {
    from: Timestamp,
    pub(super) at: Timestamp,
}

impl Due {
    pub(super) fn after(now: Timestamp, delay: Duration) -> Self {
        Self {
            from: now,
            at: now.plus(delay),
        }
    }

    /// A clock that stands before the moment at which the delay was chosen was set back: the delay counts from now on, so
    /// that it is never longer than it was.
    pub(super) fn settle(&mut self, now: Timestamp) {
        if now < self.from {
            *self = Self::after(now, self.at.since(self.from));
        }
    }

    pub(super) fn is_over(self, now: Timestamp) -> bool {
        now >= self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_stays_as_long_as_it_was_when_the_clock_is_set_back() {
        let mut due = Due::after(Timestamp(1_000_000_000), Duration::from_mins(1));
        due.settle(Timestamp(1_030_000_000));
        assert_eq!(due.at, Timestamp(1_060_000_000));
        due.settle(Timestamp(5_000_000));
        assert_eq!(due.at, Timestamp(65_000_000));
        assert!(!due.is_over(Timestamp(64_999_999)) && due.is_over(Timestamp(65_000_000)));
    }
}
