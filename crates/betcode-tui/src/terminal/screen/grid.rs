//! What stands in the cells of a screen. Two of them are kept: what is wanted and what the terminal shows.
//!
//! Law: a cell is `Covered` exactly when a wide symbol begins to its left and reaches it.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use ratatui::buffer::{Cell, CellWidth as _};

use super::pen::Pen;
use crate::theme::Depth;

/// What a cell shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) enum Symbol {
    /// Nothing.
    #[default]
    Blank,
    /// The rest of a wide symbol to the left.
    Covered,
    /// A character of one column.
    Plain(char),
    /// Everything else, with its width.
    Other(Arc<str>, u16),
}

impl Symbol {
    fn of(text: &str) -> Self {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (None | Some(' '), None) => Self::Blank,
            (Some(first), _) if first.is_control() => Self::Blank,
            (Some(only), None) if text.cell_width() == 1 => Self::Plain(only),
            _ => match text.cell_width() {
                0 => Self::Blank,
                width => Self::Other(text.into(), width),
            },
        }
    }

    pub(super) fn width(&self) -> u16 {
        match self {
            Self::Other(_, width) => *width,
            _ => 1,
        }
    }

    /// How many columns it may take in a terminal that does not know how characters join into one.
    pub(super) fn most(&self) -> u16 {
        match self {
            Self::Other(text, width) => {
                let mut buffer = [0; 4];
                let each = text.chars().map(|character| {
                    let alone: &str = character.encode_utf8(&mut buffer);
                    alone.cell_width()
                });
                each.sum::<u16>().max(*width)
            }
            _ => 1,
        }
    }

    /// Terminals do not agree on its width.
    pub(super) fn unsure(&self) -> bool {
        match self {
            Self::Other(text, width) => {
                self.most() != *width || text.contains(['\u{fe0e}', '\u{fe0f}', '\u{200d}'])
            }
            _ => false,
        }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Slot {
    pub(super) symbol: Symbol,
    pub(super) pen: Pen,
    pub(super) link: Option<Arc<str>>,
}

impl Slot {
    /// It looks like a cell that was erased.
    pub(super) fn is_empty(&self) -> bool {
        self.symbol == Symbol::Blank && self.pen == Pen::default() && self.link.is_none()
    }
}

/// A screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Grid {
    pub(super) rows: Vec<Vec<Slot>>,
    width: u16,
    /// The rows that have links.
    linked: BTreeSet<u16>,
}

impl Grid {
    pub(super) fn new(width: u16, height: u16) -> Self {
        let mut grid = Self {
            rows: Vec::new(),
            width,
            linked: BTreeSet::new(),
        };
        grid.set_height(height);
        grid
    }

    pub(super) fn width(&self) -> u16 {
        self.width
    }

    pub(super) fn height(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX)
    }

    pub(super) fn set_height(&mut self, height: u16) {
        let blank = vec![Slot::default(); usize::from(self.width)];
        self.rows.resize(usize::from(height), blank);
    }

    pub(super) fn row(&self, y: u16) -> &[Slot] {
        self.rows.get(usize::from(y)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.width, self.height());
    }

    /// Puts a cell of a buffer in its place. What it covers goes, and so does the half of a wide symbol beside it.
    pub(super) fn put(&mut self, x: u16, y: u16, cell: &Cell, depth: Depth) {
        let Some(row) = self.rows.get_mut(usize::from(y)) else {
            return;
        };
        let symbol = Symbol::of(cell.symbol());
        let (from, width) = (usize::from(x), usize::from(symbol.width()));
        // A symbol that does not fit into the row is none.
        let symbol = if from + width > row.len() {
            Symbol::Blank
        } else {
            symbol
        };
        let to = from + usize::from(symbol.width());
        erase_wide(row, from);
        for covered in from + 1..to {
            erase_wide(row, covered);
        }
        for covered in from + 1..to {
            if let Some(slot) = row.get_mut(covered) {
                *slot = Slot {
                    symbol: Symbol::Covered,
                    ..Slot::default()
                };
            }
        }
        if let Some(slot) = row.get_mut(from) {
            slot.pen = Pen::of(cell, symbol == Symbol::Blank, depth);
            slot.symbol = symbol;
        }
    }

    /// Blanks a part of a row.
    pub(super) fn erase(&mut self, y: u16, from: u16, to: u16) {
        for x in from..to.min(self.width) {
            self.put(x, y, &Cell::EMPTY, Depth::None);
        }
    }

    /// Forgets all links.
    pub(super) fn unlink(&mut self) {
        for y in std::mem::take(&mut self.linked) {
            for slot in self.rows.get_mut(usize::from(y)).into_iter().flatten() {
                slot.link = None;
            }
        }
    }

    /// Puts a link on a part of a row.
    pub(super) fn link(&mut self, y: u16, from: u16, to: u16, target: &Arc<str>) {
        if let Some(row) = self.rows.get_mut(usize::from(y)) {
            let part = row.iter_mut().take(usize::from(to)).skip(usize::from(from));
            for slot in part.filter(|slot| slot.symbol != Symbol::Covered) {
                slot.link = Some(Arc::clone(target));
            }
            self.linked.insert(y);
        }
    }

    /// Moves the rows of a range up (or down, by a negative number), and blanks what is left.
    pub(super) fn scroll(&mut self, top: usize, bottom: usize, by: isize) {
        let blank = vec![Slot::default(); usize::from(self.width)];
        let Some(region) = self.rows.get_mut(top..bottom) else {
            return;
        };
        let count = by.unsigned_abs().min(region.len());
        if by > 0 {
            region.rotate_left(count);
            let kept = region.len() - count;
            region
                .iter_mut()
                .skip(kept)
                .for_each(|row| row.clone_from(&blank));
        } else {
            region.rotate_right(count);
            region
                .iter_mut()
                .take(count)
                .for_each(|row| row.clone_from(&blank));
        }
    }

    /// What tells rows from each other, nearly always.
    pub(super) fn hashes(&self) -> Vec<u64> {
        self.rows.iter().map(|row| hash(row)).collect()
    }
}

/// A hash of cells that is quick, because every cell of the screen goes through it: looks and links count where they change.
/// Rows that are taken for the same by mistake only make a frame longer.
fn hash(row: &[Slot]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, value: u64| (hash.rotate_left(5) ^ value).wrapping_mul(ODD);
    let first = Slot::default();
    let (mut hash, mut before) = (0, &first);
    for slot in row {
        hash = match &slot.symbol {
            Symbol::Blank => mix(hash, 0),
            Symbol::Covered => mix(hash, 1),
            Symbol::Plain(character) => mix(hash, u64::from(u32::from(*character))),
            Symbol::Other(text, _) => text.bytes().fold(hash, |hash, byte| mix(hash, byte.into())),
        };
        if (slot.pen, &slot.link) != (before.pen, &before.link) {
            let mut hasher = DefaultHasher::new();
            (slot.pen, &slot.link).hash(&mut hasher);
            hash = mix(hash, hasher.finish());
        }
        before = slot;
    }
    hash
}

/// Blanks the whole of a wide symbol that has a part in a cell.
fn erase_wide(row: &mut [Slot], at: usize) {
    let is_covered = |row: &[Slot], at: usize| {
        row.get(at)
            .is_some_and(|slot| slot.symbol == Symbol::Covered)
    };
    let mut from = at;
    while from > 0 && is_covered(row, from) {
        from -= 1;
    }
    let mut to = from + 1;
    while is_covered(row, to) {
        to += 1;
    }
    if to - from > 1 {
        for slot in row.iter_mut().take(to).skip(from) {
            *slot = Slot::default();
        }
    }
}

/// How many cells of two rows are not the same.
pub(super) fn differences(one: &[Slot], other: &[Slot]) -> usize {
    one.iter()
        .zip(other)
        .filter(|(one, other)| one != other)
        .count()
}
