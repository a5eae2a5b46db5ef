//! Finds what has only moved up or down, so that the terminal can move it itself. Not how it is told to.

use super::grid::{Grid, Slot, differences};

/// How many cells must be saved: the sequences cost that much.
const WORTH: usize = 24;

/// Rows that have moved: of the range, up by a number, or down by a negative one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scroll {
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) by: isize,
}

/// The move that saves most, if one is worth it.
pub(super) fn find(shown: &Grid, wanted: &Grid) -> Option<Scroll> {
    let rows = shown.rows.iter().zip(&wanted.rows);
    rows.filter(|(shown, wanted)| shown != wanted).nth(2)?;
    let (old, new) = (shown.hashes(), wanted.hashes());
    let height = isize::try_from(new.len()).ok()?;
    let runs = (1 - height..height).filter(|by| *by != 0);
    let longest = runs
        .filter_map(|by| longest_run(&old, &new, by))
        .max_by_key(|run| run.0)?;
    let (_, scroll) = longest;
    let blank = vec![Slot::default(); usize::from(wanted.width())];
    let region = scroll.top..scroll.bottom;
    let (mut stays, mut moves) = (0, 0);
    for (y, wanted) in wanted.rows.iter().enumerate() {
        if let (true, Some(row)) = (region.contains(&y), shown.rows.get(y)) {
            let source = y.checked_add_signed(scroll.by);
            let source = source.filter(|source| region.contains(source));
            let before = source.and_then(|source| shown.rows.get(source));
            stays += differences(row, wanted);
            moves += differences(before.unwrap_or(&blank), wanted);
        }
    }
    (stays > moves + WORTH).then_some(scroll)
}

/// The longest stretch of rows that were so many rows further down, by how many of them have changed where they are.
fn longest_run(old: &[u64], new: &[u64], by: isize) -> Option<(usize, Scroll)> {
    let mut best: Option<(usize, usize, usize)> = None;
    let (mut start, mut gain) = (0, 0);
    for y in 0..=new.len() {
        let source = y.checked_add_signed(by).and_then(|from| old.get(from));
        if y < new.len() && source.is_some() && source == new.get(y) {
            gain += usize::from(old.get(y) != new.get(y));
            continue;
        }
        if gain > best.map_or(0, |best| best.0) {
            best = Some((gain, start, y));
        }
        (start, gain) = (y + 1, 0);
    }
    let (gain, start, end) = best?;
    let (top, bottom) = if by > 0 {
        (start, end.checked_add_signed(by)?)
    } else {
        (start.checked_add_signed(by)?, end)
    };
    Some((gain, Scroll { top, bottom, by }))
}
