//! Where a message is written: an editor of several lines with undo, chips and the prompts sent before. No keys (who binds
//! them calls [`Composer::act`]), no I/O, no clock.
//!
//! It is our own because the editors there are for ratatui know lines of characters: no chips that are one place for the
//! cursor, no undo in steps a person would call one, no cursor by grapheme, and work that grows with the whole text.
//!
//! States: the text and the cursor in it; the steps to take back; what was cut last; where in the history one is and the
//! draft that waits meanwhile.
//! Laws: the cursor is on a border of graphemes; undoing everything gives the beginning; a row is never wider than asked
//! for; nothing but [`Composer::take`] sends, so a paste never does; what is sent holds every paste whole.

mod burst;
mod document;
mod layout;
mod trigger;
mod undo;
mod vim;

use std::ops::Range;
use std::sync::Arc;

use ratatui::buffer::CellWidth as _;

pub use burst::Burst;
pub use document::{Attachment, Chip, Part};
pub use trigger::{Trigger, file_reference};
pub use vim::{CTRL_R, Heard, Mode};

use crate::text::row::{Joint, Row};
use crate::theme::Theme;
use document::{Document, Piece};
use layout::Layout;
use undo::{Change, Kind, Undo};
use vim::Vim;

/// A paste with more lines is folded.
const FOLD_LINES: usize = 10;
/// A paste with more characters is folded.
const FOLD_CHARACTERS: usize = 2_000;
/// The columns before the text.
const SIGN_WIDTH: u16 = 2;

/// Something to do with the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Moves the cursor by one character.
    Left,
    /// Moves the cursor by one character.
    Right,
    /// Moves the cursor to the beginning of a word.
    WordLeft,
    /// Moves the cursor to the end of a word.
    WordRight,
    /// Moves the cursor to the beginning of the line.
    LineStart,
    /// Moves the cursor to the end of the line.
    LineEnd,
    /// Moves the cursor to the beginning of everything.
    Start,
    /// Moves the cursor to the end of everything.
    End,
    /// Moves the cursor a row up, and from the first one to the prompt before.
    Up,
    /// Moves the cursor a row down, and from the last one to the prompt behind.
    Down,
    /// Makes a new line.
    Newline,
    /// Removes the character before the cursor.
    Backspace,
    /// Removes the character behind the cursor.
    Delete,
    /// Cuts from the beginning of the word.
    CutWordLeft,
    /// Cuts to the end of the word.
    CutWordRight,
    /// Cuts from the beginning of the line, or joins it with the one before.
    CutToLineStart,
    /// Cuts to the end of the line, or joins it with the next.
    CutToLineEnd,
    /// Puts in what was cut last.
    Yank,
    /// Takes the last step back.
    Undo,
    /// Does it again.
    Redo,
    /// Unfolds the paste under the cursor, or the nearest one before it, or else behind it.
    Unfold,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The rows.
    pub rows: Vec<Row>,
    /// The cursor's column and row among them.
    pub cursor: (u16, u16),
}

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The most rows.
    pub height: u16,
    /// One column in front of the text.
    pub sign: &'a str,
    /// What stands there while nothing is written.
    pub placeholder: &'a str,
}

/// A place in the history of prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Walk {
    index: usize,
    /// What was being written.
    draft: Piece,
    /// Neither text nor cursor was touched since the prompt came.
    untouched: bool,
}

/// The editor.
#[derive(Debug, Clone, Default)]
pub struct Composer {
    document: Document,
    cursor: usize,
    /// The column that moves up and down keep to.
    column: Option<usize>,
    undo: Undo,
    cut: Piece,
    /// It was cut as whole lines.
    cut_lines: bool,
    /// The last thing done was a cut, so the next one adds to it.
    cutting: bool,
    /// Keys are vim's.
    vim: Option<Box<Vim>>,
    walk: Option<Walk>,
    width: u16,
    /// Counts the changes.
    revision: u64,
}

impl Composer {
    /// An empty one for a width in columns.
    pub fn new(width: u16) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    /// There is another width now.
    pub fn set_width(&mut self, width: u16) {
        self.width = width;
        self.column = None;
    }

    /// Nothing is written.
    pub fn is_empty(&self) -> bool {
        self.document.len() == 0
    }

    /// Another number whenever something else is written.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What is written, with one placeholder character for each chip: what [`Trigger`]s count bytes of.
    pub fn text(&self) -> &str {
        self.document.text()
    }

    /// The cursor's byte in [`Composer::text`].
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// What would be sent.
    pub fn parts(&self) -> Vec<Part> {
        self.document.parts()
    }

    /// What the text asks for.
    pub fn trigger(&self) -> Option<Trigger> {
        trigger::trigger(self.text(), self.cursor)
    }

    /// Takes everything out to be sent, and begins anew.
    pub fn take(&mut self) -> Vec<Part> {
        let parts = self.parts();
        *self = Self {
            cut: std::mem::take(&mut self.cut),
            revision: self.revision + 1,
            cut_lines: self.cut_lines,
            vim: self.vim.take().map(|vim| Box::new(vim.anew())),
            ..Self::new(self.width)
        };
        self.begin_message();
        parts
    }

    /// Writes something else, as one step: an edited draft, an earlier prompt that was chosen.
    pub fn set(&mut self, text: &str) {
        self.touch();
        self.walk = None;
        self.replace(0..self.document.len(), folded(text), Kind::Other);
    }

    /// Puts something in the place of a part of the text, as one step: what was chosen for a [`Trigger`].
    pub fn complete(&mut self, range: Range<usize>, with: &str) {
        let range = self.document.aligned(range.start)..self.document.aligned(range.end);
        if range.start <= range.end {
            self.touch();
            self.replace(range, Piece::plain(with), Kind::Other);
        }
    }

    /// Characters were typed.
    pub fn type_in(&mut self, text: &str) {
        self.touch();
        self.replace(self.cursor..self.cursor, Piece::plain(text), Kind::Typing);
    }

    /// Something was pasted.
    pub fn paste(&mut self, text: &str) {
        self.touch();
        self.replace(self.cursor..self.cursor, folded(text), Kind::Other);
    }

    /// Something is sent along.
    pub fn attach(&mut self, attachment: Attachment) {
        self.touch();
        let chip = Piece::chip(Chip::Attachment(attachment));
        self.replace(self.cursor..self.cursor, chip, Kind::Other);
    }

    /// Writes what was taken out before, behind what there is.
    pub fn put_back(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Text(text) => self.paste(text),
                Part::Attachment(attachment) => self.attach(attachment.clone()),
            }
        }
    }

    /// Enter was pressed: a backslash before the cursor becomes a new line, and then nothing is to be sent.
    pub fn continues(&mut self) -> bool {
        let before = self.document.slice(0..self.cursor);
        let escaped = before.ends_with('\\');
        if escaped {
            self.touch();
            let from = self.cursor - 1;
            self.replace(from..self.cursor, Piece::plain("\n"), Kind::Other);
        }
        escaped
    }

    /// Does something; `history` are the prompts sent before, the latest at the end. Says whether anything happened.
    pub fn act(&mut self, action: Action, history: &[Arc<str>]) -> bool {
        let cutting = std::mem::take(&mut self.cutting);
        match action {
            Action::Up => return self.up(history),
            Action::Down => return self.down(history),
            _ => self.touch(),
        }
        let (here, document) = (self.cursor, &self.document);
        let (line_start, line_end) = (document.line_start(here), document.line_end(here));
        match action {
            Action::Left => self.go(document.previous(here)),
            Action::Right => self.go(document.next(here)),
            Action::WordLeft => self.go(document.word_start(here)),
            Action::WordRight => self.go(document.word_end(here)),
            Action::LineStart => self.go(line_start),
            Action::LineEnd => self.go(line_end),
            Action::Start => self.go(0),
            Action::End => self.go(document.len()),
            Action::Newline => self.replace(here..here, Piece::plain("\n"), Kind::Typing),
            Action::Backspace => self.replace(
                document.previous(here)..here,
                Piece::default(),
                Kind::Erasing,
            ),
            Action::Delete => {
                self.replace(here..document.next(here), Piece::default(), Kind::Other)
            }
            Action::CutWordLeft => self.cut(document.word_start(here)..here, cutting),
            Action::CutWordRight => self.cut(here..document.word_end(here), cutting),
            Action::CutToLineStart if line_start < here => self.cut(line_start..here, cutting),
            Action::CutToLineStart => self.cut(document.previous(here)..here, cutting),
            Action::CutToLineEnd if here < line_end => self.cut(here..line_end, cutting),
            Action::CutToLineEnd => self.cut(here..document.next(here), cutting),
            Action::Yank => self.replace(here..here, self.cut.clone(), Kind::Other),
            Action::Undo => {
                let cursor = self.undo.undo(&mut self.document);
                self.jump(cursor)
            }
            Action::Redo => {
                let place = self.undo.redo(&mut self.document);
                // Vim goes to where it begins.
                let writes = self.writes();
                self.jump(place.map(|place| if writes { place.end } else { place.start }))
            }
            Action::Unfold => self.unfold(),
            Action::Up | Action::Down => false,
        }
    }

    /// What is done next is no walk through the history and keeps to no column.
    fn touch(&mut self) {
        self.column = None;
        if let Some(walk) = &mut self.walk {
            walk.untouched = false;
        }
    }

    fn go(&mut self, to: usize) -> bool {
        self.undo.close();
        let moved = to != self.cursor;
        self.cursor = to;
        if let Some(vim) = &mut self.vim {
            vim.from = to;
        }
        moved
    }

    fn jump(&mut self, to: Option<usize>) -> bool {
        if let Some(to) = to {
            self.revision += 1;
            self.cursor = self.document.aligned(to);
        }
        to.is_some()
    }

    fn replace(&mut self, range: Range<usize>, with: Piece, kind: Kind) -> bool {
        self.cutting = false;
        if range.is_empty() && with.text.is_empty() {
            return false;
        }
        self.revision += 1;
        let (at, end) = (range.start, range.start + with.text.len());
        let removed = self.document.splice(range, with.clone());
        let change = Change {
            at,
            removed,
            inserted: with,
            cursor: self.cursor,
            goes_on: false,
        };
        self.undo.record(change, kind);
        self.cursor = self.document.aligned(end);
        true
    }

    fn cut(&mut self, range: Range<usize>, goes_on: bool) -> bool {
        if range.is_empty() {
            return false;
        }
        let to_the_left = range.end == self.cursor;
        let piece = self.document.piece(range.clone());
        let before = std::mem::take(&mut self.cut);
        self.cut_lines = false;
        self.cut = match (goes_on, to_the_left) {
            (false, _) => piece,
            (true, true) => joined(piece, before),
            (true, false) => joined(before, piece),
        };
        let done = self.replace(range, Piece::default(), Kind::Other);
        self.cutting = true;
        done
    }

    fn unfold(&mut self) -> bool {
        let Some((at, text)) = self.document.paste_near(self.cursor) else {
            return false;
        };
        let (range, cursor) = (at..self.document.next(at), self.cursor);
        let (end, length) = (range.end, self.document.len());
        self.replace(range, Piece::plain(&text), Kind::Other);
        // Elsewhere it does not take the cursor along.
        if cursor > end {
            self.cursor = self.document.len() - (length - cursor);
        } else if cursor < at {
            self.cursor = cursor;
        }
        true
    }

    /// How many columns the sign takes: none where there is hardly room for the text.
    fn left(&self) -> u16 {
        if self.width > SIGN_WIDTH + 1 {
            SIGN_WIDTH
        } else {
            0
        }
    }

    fn layout(&self) -> Layout<'_> {
        Layout::new(
            &self.document,
            usize::from(self.width.saturating_sub(self.left())),
        )
    }

    fn up(&mut self, history: &[Arc<str>]) -> bool {
        if self.walking() {
            return self.earlier(history);
        }
        let layout = self.layout();
        let (rows, index) = layout.around(self.cursor);
        let previous = index
            .checked_sub(1)
            .and_then(|above| rows.get(above).cloned());
        let first = rows.first().map_or(0, |row| row.range.start);
        let target = previous.or_else(|| layout.before(first).and_then(|mut rows| rows.pop()));
        match target {
            Some(row) => self.vertically(&row),
            None => self.earlier(history),
        }
    }

    fn down(&mut self, history: &[Arc<str>]) -> bool {
        if self.walking() {
            return self.later(history);
        }
        let layout = self.layout();
        let (rows, index) = layout.around(self.cursor);
        let last = rows.last().map_or(0, |row| row.range.end);
        let behind = || layout.behind(last).and_then(|rows| rows.into_iter().next());
        let target = rows.get(index + 1).cloned().or_else(behind);
        match target {
            Some(row) => self.vertically(&row),
            None => self.later(history),
        }
    }

    fn vertically(&mut self, row: &layout::Line) -> bool {
        if let Some(walk) = &mut self.walk {
            walk.untouched = false;
        }
        let column = self.column.unwrap_or_else(|| {
            let layout = self.layout();
            let (rows, index) = layout.around(self.cursor);
            let start = rows.get(index).map_or(0, |row| row.range.start);
            layout.column(start, self.cursor)
        });
        let place = self.layout().place(row, column);
        self.go(place);
        self.column = Some(column);
        true
    }

    fn walking(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.untouched)
    }

    fn earlier(&mut self, history: &[Arc<str>]) -> bool {
        let index = self.walk.as_ref().map_or(history.len(), |walk| walk.index);
        let Some(index) = index.min(history.len()).checked_sub(1) else {
            return false;
        };
        let Some(text) = history.get(index) else {
            return false;
        };
        let old = self.swap(folded(text));
        let draft = self.walk.take().map_or(old, |walk| walk.draft);
        self.walk = Some(Walk {
            index,
            draft,
            untouched: true,
        });
        true
    }

    fn later(&mut self, history: &[Arc<str>]) -> bool {
        let Some(walk) = self.walk.take() else {
            return false;
        };
        let index = walk.index + 1;
        if let Some(text) = history.get(index) {
            self.swap(folded(text));
            self.walk = Some(Walk {
                index,
                untouched: true,
                ..walk
            });
        } else {
            self.swap(walk.draft);
        }
        true
    }

    /// Everything is something else: gives what was there.
    fn swap(&mut self, with: Piece) -> Piece {
        let range = 0..self.document.len();
        let old = self
            .document
            .clone()
            .splice(range.clone(), Piece::default());
        self.column = None;
        self.replace(range, with, Kind::Other);
        old
    }

    /// The rows with the cursor's among them, none wider than the width.
    pub fn rows(&self, look: Look<'_>, theme: &Theme) -> Drawn {
        let left = self.left();
        if self.is_empty() {
            let mut row = self.decoration(look.sign, theme);
            let width = usize::from(self.width.saturating_sub(left).max(1));
            let text = layout::visible(look.placeholder);
            row.push(&layout::cut(&text, width), theme.faint);
            return Drawn {
                rows: vec![row],
                cursor: (left, 0),
            };
        }
        let layout = self.layout();
        let (lines, index) = layout.window(self.cursor, usize::from(look.height));
        let row_of_cursor = lines.get(index).map_or(0, |line| line.range.start);
        let column = layout.column(row_of_cursor, self.cursor);
        let chosen = self.selection().unwrap_or_default();
        let rows = lines.iter().map(|line| {
            let sign = if line.range.start == 0 { look.sign } else { "" };
            let mut row = self.decoration(sign, theme);
            row.joint = if line.continues {
                Joint::Tight
            } else {
                Joint::Line
            };
            let (mut at, mut column) = (line.range.start, 0);
            while at < line.range.end {
                let next = self.document.next(at).max(at + 1);
                let (text, width) = layout.drawn(at, next, column);
                let chip = self.document.chip_at(at).is_some();
                let style = if chip { theme.accent } else { theme.text };
                let is_chosen = chosen.contains(&at);
                row.push(
                    &text,
                    if is_chosen {
                        style.patch(theme.chosen)
                    } else {
                        style
                    },
                );
                (at, column) = (next, column + width);
            }
            row
        });
        let column = left.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
        Drawn {
            rows: rows.collect(),
            cursor: (
                column.min(self.width.saturating_sub(1)),
                u16::try_from(index).unwrap_or(u16::MAX),
            ),
        }
    }

    fn decoration(&self, sign: &str, theme: &Theme) -> Row {
        let left = usize::from(self.left());
        let sign = if left > 0 { sign } else { "" };
        let blanks = left.saturating_sub(usize::from(sign.cell_width()));
        Row::styled(format!("{sign}{}", " ".repeat(blanks)), theme.accent).decorated()
    }
}

/// A paste as it is written: folded when it is long.
fn folded(text: &str) -> Piece {
    let plain = Piece::plain(text);
    let lines = plain.text.lines().nth(FOLD_LINES).is_some();
    if lines || plain.text.chars().nth(FOLD_CHARACTERS).is_some() {
        Piece::chip(Chip::Paste(plain.text.into()))
    } else {
        plain
    }
}

fn joined(mut first: Piece, second: Piece) -> Piece {
    first.push(second);
    first
}

#[cfg(test)]
mod tests;
