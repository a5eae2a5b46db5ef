//! What is marked with the mouse in the conversation, to be copied. Pure: spots come from what was drawn last.
//!
//! States: nothing, a button down somewhere, a stretch that grows with the mouse, a stretch that stays until the next key or
//! press. Laws: a spot is a place in the conversation, not on the screen, so what is marked stays so while the conversation
//! moves; a press without a movement marks nothing; what is marked is the same from whichever end one began.

use std::ops::RangeInclusive;
use std::time::Duration;

use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;

/// Two presses within this time on one spot are one double-click.
const DOUBLE: Duration = Duration::from_millis(400);

/// A cell of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The entry.
    pub entry: Sequence,
    /// The row in it.
    pub row: usize,
    /// The column.
    pub column: usize,
}

/// A row of the screen that shows one of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The row of the screen.
    pub y: u16,
    /// The entry.
    pub entry: Sequence,
    /// The row in it.
    pub row: usize,
}

/// What the mouse is doing, and what is marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marking {
    pressed: Option<(Spot, Timestamp)>,
    /// The button is down.
    held: bool,
    stretch: Option<(Spot, Spot)>,
}

/// What a press was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// One.
    Single,
    /// The second one on the same spot.
    Double,
}

/// What letting go of the button means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Nothing.
    Nothing,
    /// This was clicked.
    Click(Spot),
    /// Something is marked, and wants to be copied.
    Marked,
}

impl Marking {
    /// The button goes down.
    pub fn press(&mut self, spot: Spot, now: Timestamp) -> Press {
        let again = self
            .pressed
            .is_some_and(|(before, at)| before == spot && now.since(at) <= DOUBLE);
        *self = Self {
            // A third press is a first one again.
            pressed: Some((spot, if again { Timestamp(0) } else { now })),
            held: true,
            stretch: None,
        };
        if again { Press::Double } else { Press::Single }
    }

    /// The mouse moves with the button down.
    pub fn drag(&mut self, to: Spot) {
        if let Some((from, _)) = self.pressed.filter(|_| self.held)
            && (self.stretch.is_some() || to != from)
        {
            self.stretch = Some((from, to));
        }
    }

    /// This is marked, from the first cell to the last.
    pub fn mark(&mut self, from: Spot, to: Spot) {
        self.stretch = Some((from, to));
    }

    /// The button goes up.
    pub fn release(&mut self) -> Release {
        if !std::mem::take(&mut self.held) {
            return Release::Nothing;
        }
        match (self.stretch, self.pressed) {
            (Some(_), _) => Release::Marked,
            (None, Some((spot, _))) => Release::Click(spot),
            (None, None) => Release::Nothing,
        }
    }

    /// Nothing is marked any more. True if something was.
    pub fn clear(&mut self) -> bool {
        self.held = false;
        self.stretch.take().is_some()
    }

    /// Whether the button is down.
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// The first and the last cell that are marked.
    pub fn ends(&self) -> Option<(Spot, Spot)> {
        self.stretch
            .map(|(one, other)| (one.min(other), one.max(other)))
    }

    /// The columns that are marked in a row.
    pub fn columns(&self, entry: Sequence, row: usize) -> Option<RangeInclusive<usize>> {
        let (from, to) = self.ends()?;
        let here = (entry, row);
        if here < (from.entry, from.row) || here > (to.entry, to.row) {
            return None;
        }
        let first = if here == (from.entry, from.row) {
            from.column
        } else {
            0
        };
        let last = if here == (to.entry, to.row) {
            to.column
        } else {
            usize::MAX
        };
        Some(first..=last)
    }
}

/// The spot under the mouse. Between rows, above and below them it is the nearest: the end of the row before, or the beginning
/// of the first.
pub fn spot(shown: &[Shown], x: u16, y: u16) -> Option<Spot> {
    let at = |shown: &Shown, column| Spot {
        entry: shown.entry,
        row: shown.row,
        column,
    };
    match shown.iter().rev().find(|shown| shown.y <= y) {
        Some(row) if row.y == y => Some(at(row, usize::from(x))),
        Some(row) => Some(at(row, usize::MAX)),
        None => shown.first().map(|row| at(row, 0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spot_at(entry: u64, row: usize, column: usize) -> Spot {
        Spot {
            entry: Sequence(entry),
            row,
            column,
        }
    }

    #[test]
    fn a_press_without_a_movement_is_a_click_and_marks_nothing() {
        let mut marking = Marking::default();
        let here = spot_at(1, 0, 4);
        assert_eq!(marking.press(here, Timestamp(1_000_000)), Press::Single);
        marking.drag(here);
        assert_eq!(marking.release(), Release::Click(here));
        assert_eq!(marking.ends(), None);
        assert_eq!(marking.release(), Release::Nothing);
    }

    #[test]
    fn a_movement_marks_until_the_next_press() {
        let mut marking = Marking::default();
        marking.press(spot_at(2, 1, 4), Timestamp(0));
        marking.drag(spot_at(1, 0, 7));
        assert_eq!(marking.release(), Release::Marked);
        marking.drag(spot_at(9, 9, 9));
        assert_eq!(marking.ends(), Some((spot_at(1, 0, 7), spot_at(2, 1, 4))));
        assert_eq!(marking.columns(Sequence(1), 0), Some(7..=usize::MAX));
        assert_eq!(marking.columns(Sequence(1), 3), Some(0..=usize::MAX));
        assert_eq!(marking.columns(Sequence(2), 1), Some(0..=4));
        assert_eq!(marking.columns(Sequence(2), 2), None);
        marking.press(spot_at(5, 0, 0), Timestamp(9));
        assert_eq!(marking.ends(), None);
    }

    #[test]
    fn the_second_press_in_time_on_one_spot_is_a_double_one_and_the_third_is_not() {
        let mut marking = Marking::default();
        let mut press =
            |column, at_ms: i64| marking.press(spot_at(1, 0, column), Timestamp(at_ms * 1000));
        assert_eq!(press(3, 10_000), Press::Single);
        assert_eq!(press(3, 10_300), Press::Double);
        assert_eq!(press(3, 10_500), Press::Single);
        assert_eq!(press(4, 20_000), Press::Single);
        assert_eq!(press(4, 20_500), Press::Single);
        assert_eq!(press(5, 20_600), Press::Single);
    }

    #[test]
    fn between_the_rows_the_nearest_spot_is_taken() {
        let shown = [(3, 0), (4, 1), (6, 0)].map(|(y, row)| Shown {
            y,
            entry: Sequence(u64::from(y)),
            row,
        });
        assert_eq!(spot(&shown, 5, 4), Some(spot_at(4, 1, 5)));
        assert_eq!(spot(&shown, 5, 5), Some(spot_at(4, 1, usize::MAX)));
        assert_eq!(spot(&shown, 5, 0), Some(spot_at(3, 0, 0)));
        assert_eq!(spot(&shown, 5, 60), Some(spot_at(6, 0, usize::MAX)));
        assert_eq!(spot(&[], 5, 60), None);
    }

    proptest! {
        #[test]
        fn what_is_marked_does_not_depend_on_where_one_began(
            one in (0_u64..4, 0_usize..4, 0_usize..9),
            other in (0_u64..4, 0_usize..4, 0_usize..9),
        ) {
            let (one, other) = (spot_at(one.0, one.1, one.2), spot_at(other.0, other.1, other.2));
            let marked = |from, to| {
                let mut marking = Marking::default();
                marking.press(from, Timestamp(0));
                marking.drag(to);
                let _ = marking.release();
                let rows = (0..4).flat_map(|entry| (0..4).map(move |row| (entry, row)));
                rows.map(|(entry, row)| marking.columns(Sequence(entry), row)).collect::<Vec<_>>()
            };
            prop_assert_eq!(marked(one, other), marked(other, one));
        }
    }
}
