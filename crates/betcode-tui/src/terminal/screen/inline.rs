//! The inline screen: rows below what was printed before, drawn with relative moves alone.
//!
//! The size of the terminal may be another one already when a frame comes to it, and nobody has told us: a multiplexer tells
//! it a quarter of a second later. The terminal has wrapped the rows anew then, or cut them, or shoved some into its
//! scrollback. So a frame takes as little for granted as it can:
//!
//! - While the screen is *parked*, the terminal's cursor is at the beginning of the first row between frames, and the one
//!   that is seen is drawn as a cell. Terminals keep it where the text is, so it is at the first row of ours whatever they
//!   make of them: what is above is finished, and what is below can be erased.
//! - Just after the size has changed, rows that are left above are written whole, where nothing stands, and may wrap; rows of ours are written where nothing wraps
//!   ([`Mode::Cut`](crate::terminal::modes::Mode::Cut)), so that they take one row each.
//! - Rows that the terminal may not have are made with line feeds from the first one, and it is gone back to before anything
//!   is drawn. A frame goes back by the place that the terminal has kept, not by counting.
//!
//! Law: parked, whatever sizes a terminal has had that we do not know of, what was left above is there once and whole, and
//! the next frame after we know the size leaves nothing of the old rows, unless they had no room on its screen.

use std::borrow::Cow;
use std::io::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::grid::{Grid, Slot, Symbol};
use super::{At, Place, Screen, csi};
use crate::text::link::safe;
use crate::text::row::Row;

/// A prompt of the user begins, and what comes of it. There is no end of that (`D`), which would be taken for the end of the
/// command that the shell has begun.
const PROMPT_BEGINS: &[u8] = b"\x1b]133;A\x1b\\";
const PROMPT_ENDS: &[u8] = b"\x1b]133;C\x1b\\";
/// Rows that are too long wrap, and do not.
const WRAP: &[u8] = b"\x1b[?7h";
const CUT: &[u8] = b"\x1b[?7l";
/// The terminal keeps the cursor's place, and gives it back.
const KEEP: &[u8] = b"\x1b7";
const BACK: &[u8] = b"\x1b8";

/// Where the terminal's cursor is between frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rest {
    /// Where one writes.
    #[default]
    Cursor,
    /// It is parked.
    Parked,
    /// It is parked, and the terminal may well have another size by now.
    Unsure,
}

/// The first row.
const TOP: At = At {
    x: Some(0),
    y: Some(0),
};

impl Screen {
    /// Where the terminal's cursor is between frames from now on.
    pub fn rest(&mut self, rest: Rest) {
        self.rest = rest;
    }

    /// The rows above the cursor may take another number of rows in another width: they, or what stands in the cursor's own,
    /// are longer than so much.
    pub fn above_cursor(&self, length: usize) -> bool {
        let above = self.wanted.rows.iter().take(self.cursor.y.into());
        let long = |row: &Vec<Slot>| row.iter().skip(length).any(|slot| !slot.is_empty());
        self.cursor_wanted && above.into_iter().any(long)
    }

    /// The cursor is in this row of the terminal, which has so many, and nothing stands below. The next frame begins with
    /// moving down what is there, so that nothing is left below the screen. (Rows that tmux wraps anew go to its scrollback
    /// though there is room below.)
    pub fn begin_at(&mut self, row: u16, rows: u16) {
        let below = rows.saturating_sub(row.saturating_add(self.wanted.height()));
        if self.place == Place::Inline && self.lost && below > 0 {
            self.lower = Some((row, below));
        }
    }

    /// Moves down what is above, by inserting rows at the top of the terminal.
    pub(super) fn move_down(&mut self) {
        let Some((row, by)) = self.lower.take() else {
            return;
        };
        self.put(b"\x1b[H");
        csi(&mut self.out, by, b'L');
        // Writing to memory cannot fail.
        let _ = write!(self.out, "\x1b[{}H", u32::from(row) + u32::from(by) + 1);
    }

    /// Erases everything from here on: the cursor is at the beginning of a row. (In its first row, tmux takes erasing
    /// everything below for keeping it in the scrollback.)
    pub(super) fn erase_below(&mut self) {
        self.put(b"\x1b[K\x1b[C\x1b[J\r");
    }

    /// The bytes for an inline screen, whose beginning is known.
    pub(super) fn inline_frame(&mut self) {
        let parked = self.rest != Rest::Cursor || !self.cursor_wanted;
        self.print_rows_above();
        let height = self.wanted.height();
        if self.reached.saturating_add(1) < height {
            self.go(0, 0);
            self.plain();
            self.out
                .resize(self.out.len() + usize::from(height - 1), b'\n');
            csi(&mut self.out, height - 1, b'A');
            self.reached = height - 1;
        }
        let dressed: Vec<Option<Vec<Slot>>> = (0..height).map(|y| self.changed(y)).collect();
        let shrinks = self.shown.height() > height;
        let draws = shrinks || dressed.iter().any(Option::is_some);
        if draws && parked {
            self.go(0, 0);
            self.plain();
            self.put(KEEP);
        }
        if !shrinks {
            self.shown.set_height(height);
        }
        for (y, wanted) in (0..height).zip(dressed) {
            if let Some(wanted) = wanted {
                self.draw_inline_row(y, wanted);
            }
        }
        // Downwards alone: a terminal that is lower than is known has stopped at its last row.
        if shrinks {
            self.plain();
            self.go(0, height);
            self.put(b"\x1b[J");
            self.shown.set_height(height);
        }
        if !parked {
            self.place_cursor();
            return;
        }
        if draws {
            self.plain();
            self.put(BACK);
            self.at = TOP;
        } else {
            self.go(0, 0);
        }
        self.show_cursor_if(false);
    }

    /// A row as it is to be shown, if it is not.
    fn changed(&self, y: u16) -> Option<Vec<Slot>> {
        let mut row = Cow::Borrowed(self.wanted.row(y));
        let drawn = self.rest != Rest::Cursor && self.cursor_wanted;
        if drawn && self.cursor.y.min(self.wanted.height() - 1) == y {
            let x = self.cursor.x.min(self.wanted.width().saturating_sub(1));
            if let Some(slot) = row.to_mut().get_mut(usize::from(x)) {
                slot.pen.modifier.toggle(Modifier::REVERSED);
            }
        }
        let shown = self.shown.rows.get(usize::from(y));
        let same = match shown {
            Some(shown) => *shown == *row,
            None => row.iter().all(Slot::is_empty),
        };
        (!same).then(|| row.into_owned())
    }

    /// A row that becomes shorter is written anew: what is only erased behind it counts as text when the terminal wraps it.
    fn draw_inline_row(&mut self, y: u16, wanted: Vec<Slot>) {
        let mut shown = self.shown.row(y).to_vec();
        shown.resize(wanted.len(), Slot::default());
        let used = |row: &[Slot]| row.iter().rposition(|slot| !slot.is_empty());
        if used(&shown) > used(&wanted) {
            self.go(0, y);
            self.plain();
            self.put(b"\x1b[K");
            shown.fill(Slot::default());
        }
        self.draw_cells(y, &shown, &wanted);
        if let Some(row) = self.shown.rows.get_mut(usize::from(y)) {
            *row = wanted;
        }
    }

    fn print_rows_above(&mut self) {
        let rows = std::mem::take(&mut self.above);
        if rows.is_empty() {
            return;
        }
        self.go(0, 0);
        let unsure = self.rest == Rest::Unsure;
        if unsure {
            self.plain();
            self.erase_below();
            self.shown.clear();
            self.put(WRAP);
        }
        for row in rows {
            let line = self.line(&row);
            self.mark(row.prompt.begins, PROMPT_BEGINS);
            if unsure {
                self.write_whole(&line);
            } else {
                self.draw_inline_row(0, line);
            }
            self.go_on();
            self.mark(row.prompt.ends, PROMPT_ENDS);
        }
        if unsure {
            self.put(CUT);
        }
    }

    /// What stands in the first row is finished: the next one is the first.
    fn go_on(&mut self) {
        self.plain();
        self.put(b"\r\n");
        self.at = TOP;
        self.reached = self.reached.saturating_sub(1);
        if !self.shown.rows.is_empty() {
            self.shown.rows.remove(0);
        }
    }

    /// The cells of a row.
    fn line(&self, row: &Row) -> Vec<Slot> {
        let width = self.wanted.width();
        let area = Rect::new(0, 0, width, 1);
        let mut links = Vec::new();
        let mut buffer = Buffer::empty(area);
        row.draw(area, ratatui::style::Style::new(), &mut buffer, &mut links);
        let mut line = Grid::new(width, 1);
        for (x, cell) in (0..width).zip(&buffer.content) {
            // What a wide symbol covers is no cell of its own.
            if line
                .row(0)
                .get(usize::from(x))
                .is_none_or(|slot| slot.symbol != Symbol::Covered)
            {
                line.put(x, 0, cell, self.abilities.depth);
            }
        }
        for link in links.iter().filter(|_| self.abilities.links) {
            if let Some(target) = safe(&link.target) {
                line.link(0, link.from, link.to, &target);
            }
        }
        line.row(0).to_vec()
    }

    /// Writes a row from its beginning, cell by cell: where it is wrapped unknown to us, moves would lead somewhere else.
    fn write_whole(&mut self, line: &[Slot]) {
        let end = line.iter().rposition(|slot| !slot.is_empty());
        let cells = (0..).zip(line).take(end.map_or(0, |last| last + 1));
        for (x, slot) in cells.filter(|(_, slot)| slot.symbol != Symbol::Covered) {
            if self.at.x != Some(x) {
                self.column(x);
            }
            self.write(slot, line.len());
        }
    }

    fn mark(&mut self, is: bool, mark: &[u8]) {
        if is && self.abilities.prompts {
            self.put(mark);
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
