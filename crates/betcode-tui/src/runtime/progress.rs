//! What the terminal shows of a turn in its tab or taskbar. A machine with time as an argument; the bytes are `notify`'s.
//!
//! States: what was shown last, and when it was said.
//! Laws: what did not change is not said again, but that something goes on, every [`AGAIN`]: terminals take it away when they
//! hear nothing; where nothing goes on, nothing is due.

use std::time::Duration;

use tokio::time::Instant;

use crate::terminal::notify::{self, Progress};

/// Some terminals take it away after 15 seconds.
const AGAIN: Duration = Duration::from_secs(10);

/// What was shown last.
#[derive(Debug)]
pub(super) struct Shown {
    last: Progress,
    at: Instant,
}

impl Shown {
    /// Nothing is shown, which is how a terminal is entered.
    pub(super) const fn none(now: Instant) -> Self {
        Self {
            last: Progress::None,
            at: now,
        }
    }

    /// The bytes that are due; none when nothing is to be said.
    pub(super) fn show(&mut self, now: Instant, wanted: Progress) -> Vec<u8> {
        let again = self.due().is_some_and(|due| now >= due);
        if wanted == self.last && !again {
            return Vec::new();
        }
        *self = Self {
            last: wanted,
            at: now,
        };
        notify::progress(wanted)
    }

    /// When it has to be said again.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.last == Progress::Busy).then(|| self.at + AGAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_when_it_changes_and_again_while_something_goes_on() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut shown = Shown::none(begin);
        let mut said = Vec::new();
        for (seconds, wanted) in [
            (0, Progress::None),
            (100, Progress::None),
            (101, Progress::Busy),
            (102, Progress::Busy),
            (112, Progress::Busy),
            (113, Progress::Waiting),
            (200, Progress::Waiting),
            (201, Progress::Failed),
            (300, Progress::Failed),
            (301, Progress::None),
            (400, Progress::None),
        ] {
            let bytes = shown.show(after(seconds), wanted);
            if !bytes.is_empty() {
                said.push((seconds, String::from_utf8(bytes).unwrap()));
            }
        }
        let said: Vec<_> = said.iter().map(|(at, said)| (*at, said.as_str())).collect();
        assert_eq!(
            said,
            [
                (101, "\x1b]9;4;3\x1b\\"),
                (112, "\x1b]9;4;3\x1b\\"),
                (113, "\x1b]9;4;4;100\x1b\\"),
                (201, "\x1b]9;4;2;100\x1b\\"),
                (301, "\x1b]9;4;0\x1b\\"),
            ]
        );
        assert_eq!(
            shown.due(),
            None,
            "nothing is written while nothing goes on"
        );
    }
}
