//! Where the cursor is below the first row of an inline screen when the terminal has made something of the rows for another
//! width. Pure.
//!
//! Most terminals wrap anew what is too long, and keep the cursor at the character where it was; others cut it.
//! Laws: at the beginning of the first row it is there still, whatever the width; in a terminal that cuts it is in the same
//! row still; where all rows fit, both kinds agree.

use super::At;
use super::grid::{Grid, Slot, Symbol};

/// What a terminal does with rows that are too long for another width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Narrowing {
    /// Their ends are lost. What is not known is taken for this: nothing can be erased then that is not ours.
    #[default]
    Cuts,
    /// They go on in rows below.
    Wraps,
}

/// Where the cursor is now.
pub(super) fn follow(rows: &Grid, at: At, width: u16, narrowing: Narrowing) -> At {
    let Some(y) = at.y else {
        return at;
    };
    if (at.x, y) == (Some(0), 0) || narrowing == Narrowing::Cuts {
        // A column that is not there any more is another one.
        let x = at.x.filter(|x| *x < width);
        return At { x, y: Some(y) };
    }
    let above = rows.rows.iter().take(usize::from(y));
    let above: usize = above.map(|row| pieces(used(row), width)).sum();
    let own = used(rows.row(y));
    let before = own.get(..usize::from(at.x.unwrap_or(0)).min(own.len()));
    let x = usize::from(at.x.unwrap_or(0));
    // Behind the text it stays with the end of it.
    let piece = if x < own.len() {
        pieces(own.get(..=x).unwrap_or(own), width)
    } else {
        pieces(before.unwrap_or(own), width)
    };
    At {
        x: None,
        y: Some(u16::try_from(above + piece - 1).unwrap_or(u16::MAX)),
    }
}

/// A row up to the last cell that shows something.
fn used(row: &[Slot]) -> &[Slot] {
    let end = row.iter().rposition(|slot| !slot.is_empty());
    let end = end.map_or(0, |last| last + 1);
    row.get(..end).unwrap_or(row)
}

/// How many rows of a width some cells take. A wide symbol is never divided.
fn pieces(cells: &[Slot], width: u16) -> usize {
    let (mut count, mut full) = (1, 0);
    for cell in cells.iter().filter(|cell| cell.symbol != Symbol::Covered) {
        let wide = cell.symbol.width();
        if full > 0 && full + wide > width {
            (count, full) = (count + 1, 0);
        }
        full += wide;
    }
    count
}
