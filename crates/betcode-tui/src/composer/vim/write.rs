//! Commands that bring text: writing and what repeats it, putting back, other characters, joined lines.

use std::ops::Range;

use super::super::Composer;
use super::super::document::{Piece, normalised};
use super::super::undo::Kind;
use super::{Change, Command, Mode, Start};

impl Composer {
    pub(super) fn begin(&mut self, start: Start) {
        let (text, here) = (&self.document, self.cursor);
        let (line, end) = (text.line_start(here), text.line_end(here));
        self.cursor = match start {
            Start::After if here < end => text.next(here),
            Start::Before | Start::After | Start::LineAbove => here,
            Start::LineText => {
                let text = text.slice(line..end);
                line + (text.len() - text.trim_start().len())
            }
            Start::LineEnd | Start::LineBelow => end,
        };
        match start {
            Start::LineBelow => {
                self.replace(end..end, Piece::plain("\n"), Kind::Other);
            }
            Start::LineAbove => {
                self.replace(line..line, Piece::plain("\n"), Kind::Other);
                self.cursor = line;
            }
            _ => {}
        }
        self.cursor = self.document.aligned(self.cursor);
        self.enter(Mode::Insert);
    }

    pub(super) fn put(&mut self, before: bool, times: usize) {
        let mut piece = Piece::default();
        for time in 0..times {
            if time > 0 && self.cut_lines {
                piece.push(Piece::plain("\n"));
            }
            piece.push(self.cut.clone());
        }
        let chosen = self.selection();
        self.enter(Mode::Normal);
        if let Some(range) = chosen {
            let cut = self.document.piece(range.clone());
            let start = range.start;
            self.replace(range, piece, Kind::Other);
            (self.cut, self.cut_lines) = (cut, false);
            self.cursor = start;
            return;
        }
        let (here, line) = (self.cursor, self.document.line_start(self.cursor));
        let end = self.document.line_end(here);
        if self.cut_lines {
            let mut whole = Piece::default();
            let (at, first) = if before { (line, line) } else { (end, end + 1) };
            if before {
                whole.push(piece);
                whole.push(Piece::plain("\n"));
            } else {
                whole.push(Piece::plain("\n"));
                whole.push(piece);
            }
            self.replace(at..at, whole, Kind::Other);
            self.cursor = self.document.line_text(first);
            return;
        }
        let at = if before || here == end {
            here
        } else {
            self.document.next(here)
        };
        let of_lines = piece.text.contains('\n');
        if self.replace(at..at, piece, Kind::Other) {
            self.cursor = if of_lines {
                self.document.aligned(at)
            } else {
                self.document.previous(self.cursor)
            };
        }
    }

    /// Replaces every character of a range but for line ends and chips, as one change.
    pub(super) fn each(&mut self, range: Range<usize>, with: impl Fn(&str) -> String) {
        let piece = self.document.piece(range.clone());
        let mut text = String::new();
        let mut at = range.start;
        while at < range.end {
            let next = self.document.next(at).max(at + 1);
            let old = self.document.slice(at..next);
            let stays = old == "\n" || self.document.chip_at(at).is_some();
            if stays {
                text.push_str(old);
            } else {
                text.push_str(&normalised(&with(old)));
            }
            at = next;
        }
        let start = range.start;
        let chips = piece.chips;
        self.replace(range, Piece { text, chips }, Kind::Other);
        self.cursor = self.document.previous(self.cursor).max(start);
    }

    /// Joins the line with so many below it.
    pub(super) fn join(&mut self, times: usize) {
        let chosen = self.selection();
        let mut times = times;
        if let Some(range) = chosen {
            let lines = self.document.slice(range.clone()).matches('\n').count();
            times = lines.max(1);
            self.cursor = range.start;
            self.enter(Mode::Normal);
        }
        for _ in 0..times {
            let end = self.document.line_end(self.cursor);
            if end == self.document.len() {
                return;
            }
            let line = self.document.slice(self.document.line_start(end)..end);
            let next = self
                .document
                .slice(end + 1..self.document.line_end(end + 1));
            let blank = next.len() - next.trim_start().len();
            let rest = next.trim_start();
            let apart = !rest.is_empty()
                && !rest.starts_with(')')
                && !line.is_empty()
                && !line.ends_with([' ', '\t']);
            let with = if apart { " " } else { "" };
            let nothing_behind = rest.is_empty();
            self.replace(end..end + 1 + blank, Piece::plain(with), Kind::Other);
            self.cursor = if apart || nothing_behind {
                end
            } else {
                self.document.aligned(end)
            };
        }
    }

    /// What was written since the cursor came here.
    fn written(&self) -> Piece {
        let from = self.vim.as_ref().map_or(self.cursor, |vim| vim.from);
        let from = self.document.aligned(from.min(self.cursor));
        self.document.piece(from.min(self.cursor)..self.cursor)
    }

    /// Insert is left: what was written is written as often as was asked for.
    pub(super) fn stop_writing(&mut self) {
        let written = self.written();
        let writing = self.vim.as_mut().and_then(|vim| vim.writing.take());
        if let Some((command, count)) = writing {
            if let Command::Insert(start) = command {
                let times = count.unwrap_or(1).max(1);
                self.write_again(start, &written, times - 1);
            }
            if let Some(vim) = &mut self.vim {
                vim.last = Some(Change {
                    command,
                    count,
                    written,
                });
            }
        }
        self.undo.ungroup();
        self.undo.close();
        self.column = None;
        let line = self.document.line_start(self.cursor);
        if self.cursor > line {
            self.cursor = self.document.previous(self.cursor).max(line);
        }
    }

    fn write_again(&mut self, start: Start, written: &Piece, times: usize) {
        for _ in 0..times {
            if matches!(start, Start::LineBelow | Start::LineAbove) {
                let end = self.document.line_end(self.cursor);
                self.replace(end..end, Piece::plain("\n"), Kind::Other);
            }
            self.replace(self.cursor..self.cursor, written.clone(), Kind::Other);
        }
    }

    /// Makes the last change again.
    pub(super) fn repeat(&mut self, count: Option<usize>) {
        let Some(change) = self.vim.as_ref().and_then(|vim| vim.last.clone()) else {
            return;
        };
        self.enter(Mode::Normal);
        self.command(change.command, count.or(change.count), &[]);
        if self.mode() == Mode::Insert {
            let cursor = self.cursor;
            self.replace(cursor..cursor, change.written, Kind::Other);
            self.escape();
        }
    }
}

/// The other case of a character.
pub(super) fn turned(text: &str) -> String {
    let turn = |character: char| -> String {
        if character.is_lowercase() {
            character.to_uppercase().collect()
        } else {
            character.to_lowercase().collect()
        }
    };
    text.chars().map(turn).collect()
}
