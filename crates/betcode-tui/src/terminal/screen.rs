//! What is on the terminal's screen, and the fewest bytes that make it what it should be. Bytes only: who writes them to
//! the terminal is elsewhere.
//!
//! It is a backend for ratatui: drawing changes what is wanted, and [`Screen::frame`] gives the bytes from what is shown to
//! what is wanted *now*. So a frame can be skipped when the terminal is slow, and the next one holds everything.
//!
//! The screen is either the whole of the terminal ([`Place::Whole`]), or some rows below what was printed before
//! ([`Place::Inline`]); then only relative moves are used, and [`Screen::print_above`] leaves finished rows in the
//! terminal's own scrollback (see `inline`). The scrollback is never cleared.
//!
//! States: what is shown (or that it is not known), what is wanted, where the terminal's cursor is (as far as known), the
//! look and the link it writes with; inline, whether the cursor is parked between frames.
//! Law: whatever was drawn before, a terminal that has got all frames shows what was drawn last.

mod backend;
mod grid;
mod inline;
mod motion;
mod pen;
mod reflow;
mod scroll;

use std::io::Write as _;
use std::sync::Arc;

use ratatui::layout::{Position, Size};

use crate::text::link::safe;
use crate::text::row::{Link, Row};
use crate::theme::Depth;
use grid::{Grid, Slot, Symbol};
pub use inline::Rest;
use motion::csi;
use pen::Pen;
pub use reflow::Narrowing;

/// A frame with fewer bytes is not marked as one: it arrives whole anyway, and the marks would cost as much.
const MARKED: usize = 512;
/// So many changed blanks at the end of a row are erased, not written.
const ERASED: usize = 4;

/// Where the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// All of the terminal.
    Whole,
    /// Rows below what was printed before.
    Inline,
}

/// What the terminal can do, as far as drawing needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Its colours.
    pub depth: Depth,
    /// It takes a marked frame as one: mode 2026.
    pub synchronized: bool,
    /// It knows links: OSC 8.
    pub links: bool,
    /// It knows marks of prompts, or ignores them as it should: OSC 133.
    pub prompts: bool,
    /// What it does with rows that are too long for another width.
    pub narrowing: Narrowing,
}

/// Where the terminal's cursor is, as far as known. A column behind the last one: the next character would wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct At {
    x: Option<u16>,
    y: Option<u16>,
}

/// The screen.
#[derive(Debug)]
pub struct Screen {
    place: Place,
    abilities: Abilities,
    wanted: Grid,
    shown: Grid,
    /// What is shown is not known.
    lost: bool,
    at: At,
    /// Where it was among the rows when they were shown last.
    left_at: At,
    pen: Pen,
    link: Option<Arc<str>>,
    cursor: Position,
    cursor_wanted: bool,
    cursor_shown: Option<bool>,
    /// The lowest row that the terminal certainly has, counted from the first one (inline only).
    reached: u16,
    /// Where the terminal's cursor is between frames (inline only).
    rest: Rest,
    /// Before the next frame everything is moved down so far: from this row, by so many (inline only).
    lower: Option<(u16, u16)>,
    above: Vec<Row>,
    out: Vec<u8>,
}

impl Screen {
    /// A screen on which nothing is known yet. The cursor is taken to be at the beginning of a line when it is inline.
    pub fn new(place: Place, size: Size, abilities: Abilities) -> Self {
        Self {
            place,
            abilities,
            wanted: Grid::new(size.width, size.height),
            shown: Grid::new(size.width, size.height),
            lost: true,
            at: At::default(),
            left_at: At::default(),
            pen: Pen::default(),
            link: None,
            cursor: Position::ORIGIN,
            cursor_wanted: true,
            cursor_shown: None,
            reached: 0,
            rest: Rest::default(),
            lower: None,
            above: Vec::new(),
            out: Vec::new(),
        }
    }

    /// The terminal turned out to be able to do something else: what is drawn from now on uses it.
    pub fn set_abilities(&mut self, abilities: Abilities) {
        if abilities.depth != self.abilities.depth || abilities.links != self.abilities.links {
            self.forget();
        }
        self.abilities = abilities;
    }

    /// What is shown is not known any more: the next frame draws everything.
    pub fn forget(&mut self) {
        if !std::mem::replace(&mut self.lost, true) {
            self.left_at = self.at;
        }
    }

    /// There is another size now. What the terminal has made of the rows is not known then, except for inline rows when
    /// only their number changes.
    pub fn resize(&mut self, size: Size) {
        if self.place == Place::Inline && size.width == self.wanted.width() {
            self.wanted.set_height(size.height);
            return;
        }
        self.forget();
        if self.place == Place::Inline {
            // From the rows as they were shown, whatever sizes came in between.
            let narrowing = self.abilities.narrowing;
            self.at = reflow::follow(&self.shown, self.left_at, size.width, narrowing);
        }
        self.wanted = Grid::new(size.width, size.height);
    }

    /// The links of what is drawn.
    pub fn set_links(&mut self, links: &[Link]) {
        self.wanted.unlink();
        if !self.abilities.links {
            return;
        }
        for link in links {
            if let Some(target) = safe(&link.target) {
                self.wanted.link(link.y, link.from, link.to, &target);
            }
        }
    }

    /// Leaves rows above the screen, in the terminal's own scrollback. Of a whole screen there is no above.
    pub fn print_above(&mut self, rows: impl IntoIterator<Item = Row>) {
        if self.place == Place::Inline {
            self.above.extend(rows);
        }
    }

    /// The bytes that make the terminal show what is wanted. None: it does already.
    pub fn frame(&mut self) -> Option<Vec<u8>> {
        self.out.clear();
        if self.lost {
            self.start_anew();
        }
        if self.place == Place::Inline {
            self.inline_frame();
        } else {
            self.scroll();
            for y in 0..self.wanted.height() {
                if self.shown.row(y) != self.wanted.row(y) {
                    self.draw_row(y);
                }
            }
            self.place_cursor();
        }
        if self.out.is_empty() {
            return None;
        }
        let mut frame = std::mem::take(&mut self.out);
        if self.abilities.synchronized && frame.len() >= MARKED {
            frame.splice(0..0, *b"\x1b[?2026h");
            frame.extend_from_slice(b"\x1b[?2026l");
        }
        Some(frame)
    }

    /// The bytes before something else is written to the terminal: an inline screen is taken away, and the cursor shown.
    pub fn leave(&mut self) -> Vec<u8> {
        self.out.clear();
        self.plain();
        if self.place == Place::Inline && self.at.y.is_some() {
            self.go(0, 0);
            self.erase_below();
        }
        if self.cursor_shown == Some(false) {
            self.put(b"\x1b[?25h");
        }
        self.cursor_shown = None;
        (self.at, self.left_at) = (At::default(), At::default());
        self.reached = 0;
        self.lost = true;
        std::mem::take(&mut self.out)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn start_anew(&mut self) {
        // The look and the link are not known either.
        self.put(b"\x1b[m");
        if self.abilities.links && self.link.is_some() {
            self.put(b"\x1b]8;;\x1b\\");
        }
        (self.pen, self.link) = (Pen::default(), None);
        match self.place {
            Place::Whole => {
                self.put(b"\x1b[H\x1b[J");
            }
            Place::Inline => {
                self.put(b"\r");
                if let Some(y @ 1..) = self.at.y {
                    self.csi(y, b'A');
                }
                self.move_down();
                self.erase_below();
                self.reached = 0;
            }
        }
        self.at = At {
            x: Some(0),
            y: Some(0),
        };
        self.shown = Grid::new(self.wanted.width(), self.wanted.height());
        self.lost = false;
        self.cursor_shown = None;
    }

    fn scroll(&mut self) {
        let Some(scroll) = scroll::find(&self.shown, &self.wanted) else {
            return;
        };
        self.plain();
        let height = self.shown.rows.len();
        let part = scroll.top > 0 || scroll.bottom < height;
        if part {
            // Writing to memory cannot fail.
            let _ = write!(self.out, "\x1b[{};{}r", scroll.top + 1, scroll.bottom);
        }
        let count = u16::try_from(scroll.by.unsigned_abs()).unwrap_or(u16::MAX);
        self.csi(count, if scroll.by > 0 { b'S' } else { b'T' });
        if part {
            self.put(b"\x1b[r");
            self.at = At {
                x: Some(0),
                y: Some(0),
            };
        }
        self.shown.scroll(scroll.top, scroll.bottom, scroll.by);
    }

    fn draw_row(&mut self, y: u16) {
        let (shown, wanted) = (self.shown.row(y).to_vec(), self.wanted.row(y).to_vec());
        self.draw_cells(y, &shown, &wanted);
        if let Some(row) = self.shown.rows.get_mut(usize::from(y)) {
            *row = wanted;
        }
    }

    fn draw_cells(&mut self, y: u16, shown: &[Slot], wanted: &[Slot]) {
        let content = wanted
            .iter()
            .rposition(|slot| !slot.is_empty())
            .map_or(0, |last| last + 1);
        let tail = |row: &[Slot]| -> Vec<bool> {
            let rest = row.iter().skip(content);
            rest.map(|slot| !slot.is_empty()).collect()
        };
        let stale = tail(shown);
        let erase = stale.iter().filter(|stale| **stale).count() >= ERASED;
        let end = if erase { content } else { wanted.len() };
        // Cells up to here are written even if they seem to show the right thing.
        let mut again = 0;
        let mut x = 0;
        while x < end {
            let Some(slot) = wanted.get(x) else {
                break;
            };
            let width = usize::from(slot.symbol.width());
            let covered = slot.symbol == Symbol::Covered;
            let same = (x..x + width).all(|x| shown.get(x) == wanted.get(x));
            if covered || (same && x >= again) {
                x += 1;
                continue;
            }
            self.approach(u16::try_from(x).unwrap_or(u16::MAX), y, wanted);
            again = again.max(self.write(slot, wanted.len()));
            x += width;
        }
        if erase {
            let first = stale.iter().position(|stale| *stale).unwrap_or(0) + content;
            let here = self.at.x.map_or(usize::MAX, usize::from);
            self.plain();
            if self.at.y != Some(y) || !(content..=first).contains(&here) {
                self.go(u16::try_from(first).unwrap_or(u16::MAX), y);
            }
            self.put(b"\x1b[K");
        }
    }

    /// Goes to a cell: by writing what is between again, where that is shorter.
    fn approach(&mut self, x: u16, y: u16, wanted: &[Slot]) {
        let Some(here) = self.at.x.filter(|here| self.at.y == Some(y) && *here < x) else {
            self.go(x, y);
            return;
        };
        let between = wanted
            .get(usize::from(here)..usize::from(x))
            .unwrap_or_default();
        let Some(next) = wanted.get(usize::from(x)).filter(|_| between.len() <= 5) else {
            // Longer stretches are never shorter than a move.
            self.go(x, y);
            return;
        };
        let (pen, link) = (self.pen, self.link.clone());
        let text = match written(between, pen, link.as_ref()) {
            Some(text) => Some((false, text)),
            None => written(between, next.pen, next.link.as_ref()).map(|text| (true, text)),
        };
        match text {
            Some((changed, text)) if text.len() <= self.way(x, y).len() => {
                if changed {
                    self.look(next);
                }
                self.put(text.as_bytes());
                self.at.x = Some(x);
            }
            _ => self.go(x, y),
        }
    }

    /// Writes like a cell from now on.
    fn look(&mut self, slot: &Slot) {
        self.set_link(slot.link.as_ref());
        self.pen.change(slot.pen, &mut self.out);
        self.pen = slot.pen;
    }

    /// Writes a cell where the cursor is. Gives the column up to which the cells behind it may be spoilt.
    fn write(&mut self, slot: &Slot, row_width: usize) -> usize {
        self.look(slot);
        let x = self.at.x.unwrap_or(0);
        let width = slot.symbol.width();
        self.at.x = Some(x.saturating_add(width));
        match &slot.symbol {
            Symbol::Covered => {}
            Symbol::Blank => self.out.push(b' '),
            Symbol::Plain(character) => {
                let mut bytes = [0; 4];
                let text = character.encode_utf8(&mut bytes);
                self.out.extend_from_slice(text.as_bytes());
            }
            Symbol::Other(text, _) if !slot.symbol.unsure() => self.put(text.as_bytes()),
            Symbol::Other(text, _) => {
                let most = slot.symbol.most();
                // In a terminal that takes fewer columns the rest must not show what was there before.
                for _ in 0..width {
                    self.out.push(b' ');
                }
                self.at.x = None;
                self.column(x);
                if usize::from(x) + usize::from(most) <= row_width {
                    self.put(text.as_bytes());
                }
                self.at.x = None;
                return usize::from(x) + usize::from(most);
            }
        }
        0
    }

    fn set_link(&mut self, link: Option<&Arc<str>>) {
        if self.link.as_ref() == link {
            return;
        }
        self.put(b"\x1b]8;;");
        if let Some(target) = link {
            self.put(target.as_bytes());
        }
        self.put(b"\x1b\\");
        self.link = link.cloned();
    }

    /// The look of erased cells, outside of links.
    fn plain(&mut self) {
        self.set_link(None);
        self.pen.change(Pen::default(), &mut self.out);
        self.pen = Pen::default();
    }

    fn csi(&mut self, count: u16, letter: u8) {
        csi(&mut self.out, count, letter);
    }

    fn place_cursor(&mut self) {
        if self.cursor_wanted {
            let x = self.cursor.x.min(self.wanted.width().saturating_sub(1));
            let y = self.cursor.y.min(self.wanted.height().saturating_sub(1));
            self.go(x, y);
        }
        self.show_cursor_if(self.cursor_wanted);
    }

    fn show_cursor_if(&mut self, shown: bool) {
        if self.cursor_shown != Some(shown) {
            let letter = if shown { 'h' } else { 'l' };
            // Writing to memory cannot fail.
            let _ = write!(self.out, "\x1b[?25{letter}");
            self.cursor_shown = Some(shown);
        }
    }
}

/// The text of cells that all have one look.
fn written(slots: &[Slot], pen: Pen, link: Option<&Arc<str>>) -> Option<String> {
    let character = |slot: &Slot| {
        let same = slot.pen == pen && slot.link.as_ref() == link;
        match &slot.symbol {
            Symbol::Blank if same => Some(' '),
            Symbol::Plain(character) if same => Some(*character),
            _ => None,
        }
    };
    slots.iter().map(character).collect()
}

#[cfg(test)]
mod tests;
