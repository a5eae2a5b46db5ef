//! When the cursor of an inline screen is parked: kept at the first row by the terminal, and drawn where it is seen. The
//! terminal's own cursor is where one writes whenever that is safe. Pure.
//!
//! States: when a key came last, when the size changed last, whether it is parked, and when it was asked where it begins.
//! Laws: while rows that may be wrapped anew are above the cursor, it is parked unless somebody writes; after a change of
//! the size it is in any case, since more of them may come. So it is parked before such rows are there: the way to the
//! first row is sure then.

use std::time::Duration;

use tokio::time::Instant;

use crate::terminal::input::Code;
use crate::terminal::screen::Rest;

/// Whoever writes has done nothing else for so long.
const WRITES: Duration = Duration::from_secs(2);
/// After a change of the size others may follow that are not told at once: tmux tells them every 250 ms.
const CHANGES: Duration = Duration::from_millis(600);
/// So long nothing is drawn, for a reply.
const PATIENCE: Duration = Duration::from_millis(150);

/// When the cursor is parked.
#[derive(Debug, Default)]
pub(super) struct Parking {
    typed: Option<Instant>,
    resized: Option<Instant>,
    asked: Option<Instant>,
    /// When it may have to be another way by itself.
    due: Option<Instant>,
}

impl Parking {
    /// A key came. With enter, writing is over.
    pub(super) fn typed(&mut self, code: Code, now: Instant) {
        self.typed = (code != Code::Enter).then_some(now);
    }

    /// A paste came.
    pub(super) fn pasted(&mut self, now: Instant) {
        self.typed = Some(now);
    }

    /// The size is another one.
    pub(super) fn resized(&mut self, now: Instant) {
        (self.resized, self.typed) = (Some(now), None);
    }

    /// The terminal was asked where the screen begins.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
        self.due = Some(now + PATIENCE);
    }

    /// It has said so. False: nobody waits for it.
    pub(super) fn told(&mut self, now: Instant) -> bool {
        let waits = self.waits(now);
        self.asked = None;
        waits
    }

    /// Nothing is drawn yet, since it may still say so.
    pub(super) fn waits(&self, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now < asked + PATIENCE)
    }

    /// The size may well be another one than it was said to be.
    pub(super) fn changes(&self, now: Instant) -> bool {
        self.resized.is_some_and(|resized| now < resized + CHANGES)
    }

    /// Where the cursor is after the next frame.
    pub(super) fn rest(&mut self, now: Instant, may_wrap: bool) -> Rest {
        let until = |since: Option<Instant>, long| {
            let end = since.map(|since| since + long);
            end.filter(|end| now < *end)
        };
        let changes = until(self.resized, CHANGES);
        let writes = until(self.typed, WRITES);
        self.due = match (changes, writes) {
            (None, Some(end)) if may_wrap => Some(end),
            (changes, _) => changes,
        };
        match (changes, writes) {
            (Some(_), _) => Rest::Unsure,
            (None, None) if may_wrap => Rest::Parked,
            _ => Rest::Cursor,
        }
    }

    /// When it may have to be another way though nothing comes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_parked_while_long_rows_are_above_unless_somebody_writes() {
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        let mut parking = Parking::default();
        assert_eq!(parking.rest(begin, false), Rest::Cursor);
        assert_eq!(parking.rest(begin, true), Rest::Parked);
        assert_eq!(parking.due(), None);
        parking.typed(Code::Char('a'), begin);
        assert_eq!(parking.rest(after(1), true), Rest::Cursor);
        // Nothing may come, and it is to be parked all the same.
        assert_eq!(parking.due(), Some(begin + WRITES));
        assert_eq!(parking.rest(begin + WRITES, true), Rest::Parked);
        assert_eq!(parking.due(), None);
        parking.typed(Code::Char('a'), after(5_000));
        parking.typed(Code::Enter, after(5_001));
        assert_eq!(parking.rest(after(5_001), true), Rest::Parked);
        parking.pasted(after(6_000));
        assert_eq!(parking.rest(after(6_001), true), Rest::Cursor);
    }

    #[test]
    fn after_a_change_of_the_size_it_is_parked_and_comes_back_by_itself() {
        let begin = Instant::now();
        let mut parking = Parking::default();
        parking.typed(Code::Char('a'), begin);
        parking.resized(begin);
        assert!(parking.changes(begin));
        assert_eq!(parking.rest(begin, false), Rest::Unsure);
        let end = parking.due().expect("an end");
        assert!(!parking.changes(end));
        assert_eq!(parking.rest(end, false), Rest::Cursor);
        assert_eq!(parking.due(), None);
    }

    #[test]
    fn a_reply_is_waited_for_and_not_for_long() {
        let begin = Instant::now();
        let mut parking = Parking::default();
        assert!(!parking.told(begin) && !parking.waits(begin));
        parking.asked(begin);
        assert!(parking.waits(begin) && parking.due().is_some());
        assert!(parking.told(begin) && !parking.waits(begin));
        parking.asked(begin);
        assert!(!parking.waits(begin + PATIENCE) && !parking.told(begin + PATIENCE));
    }
}
