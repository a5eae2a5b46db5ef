//! Pastes in terminals that do not mark them: keys that come faster than anyone types. A machine with time as an argument;
//! it holds no key back.
//!
//! States: how many keys came in a row without a pause, and when the last one did.
//! Laws: Enter sends unless at least [`FEW`] keys came just before it, each within [`PAUSE`] of the one before; once a
//! paste was marked, the terminal marks them all, and Enter always sends.

use std::time::Duration;

/// The longest time between two keys of a paste.
const PAUSE: Duration = Duration::from_millis(8);
/// How many keys in a row are no typing any more. Fewer can be a person on a slow line whose keys arrive together.
const FEW: u32 = 8;

/// The keys of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Burst {
    keys: u32,
    last: Option<Duration>,
    marked: bool,
}

impl Burst {
    /// A character came in, at a time since some beginning.
    pub fn key(&mut self, now: Duration) {
        let quick = self
            .last
            .is_some_and(|last| now.saturating_sub(last) <= PAUSE);
        self.keys = if quick {
            self.keys.saturating_add(1)
        } else {
            1
        };
        self.last = Some(now);
    }

    /// Enter came in: whether it sends, and is not a line end inside a paste.
    pub fn enter_sends(&mut self, now: Duration) -> bool {
        let before = self.keys;
        self.key(now);
        self.marked || before < FEW || self.keys <= before
    }

    /// The terminal marks pastes: it has marked one, or said that it does.
    pub fn marked(&mut self) {
        self.marked = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, gap: u64, burst: &mut Burst, from: u64) -> Vec<bool> {
        let mut sent = Vec::new();
        for (index, character) in (0..).zip(text.chars()) {
            let now = Duration::from_millis(from + index * gap);
            if character == '\n' {
                sent.push(burst.enter_sends(now));
            } else {
                burst.key(now);
            }
        }
        sent
    }

    #[test]
    fn enter_inside_a_paste_sends_nothing_and_after_a_pause_it_does() {
        let mut burst = Burst::default();
        let pasted = "let a = 1;\nlet b = 2;\n";
        assert_eq!(typed(pasted, 1, &mut burst, 0), [false, false]);
        assert_eq!(typed("\n", 1, &mut burst, 1_000), [true]);
    }

    #[test]
    fn a_fast_typist_and_a_few_keys_that_arrive_together_send() {
        assert_eq!(typed("git status\n", 30, &mut Burst::default(), 0), [true]);
        assert_eq!(typed("ls -l\n", 0, &mut Burst::default(), 0), [true]);
    }

    #[test]
    fn where_pastes_are_marked_enter_always_sends() {
        let mut burst = Burst::default();
        burst.marked();
        assert_eq!(typed("a long line of keys\n", 0, &mut burst, 0), [true]);
    }
}
