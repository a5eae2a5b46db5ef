//! How the text being written stands on the screen: wrapped at words by display width. Not what the text is.
//!
//! Only the lines around the cursor are looked at, so a draft of any length is drawn in the same time. One column is kept
//! free at the right, where the cursor stands behind a full row; a place between two rows belongs to the second one.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::CellWidth as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::document::Document;

const TAB: usize = 4;

/// A row: a range of the text that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) range: Range<usize>,
    /// The line goes on in the next row.
    pub(super) continues: bool,
}

/// The text as rows of a width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'a> {
    document: &'a Document,
    width: usize,
}

impl<'a> Layout<'a> {
    /// For a width in columns, of which the last one is kept free.
    pub(super) fn new(document: &'a Document, width: usize) -> Self {
        Self {
            document,
            width: width.saturating_sub(1).max(1),
        }
    }

    /// What is drawn for the grapheme or chip between two borders, and its width there.
    pub(super) fn drawn(&self, from: usize, to: usize, column: usize) -> (Cow<'a, str>, usize) {
        let text = self.document.slice(from..to);
        let (shown, width) = if let Some(chip) = self.document.chip_at(from) {
            let label = cut(&visible(&chip.label()), self.width);
            let width = usize::from(label.as_str().cell_width());
            (Cow::Owned(label), width)
        } else if text == "\t" {
            let width = (TAB - column % TAB).min(self.width);
            (Cow::Owned(" ".repeat(width)), width)
        } else if text.len() == 1 && !text.contains(char::is_control) {
            (Cow::Borrowed(text), 1)
        } else {
            let shown = visible(text);
            let width = usize::from(shown.as_ref().cell_width());
            (shown, width)
        };
        if width > self.width {
            return (Cow::Borrowed("…"), 1);
        }
        (shown, width)
    }

    /// The rows of the line that begins and ends there; an empty line has one.
    pub(super) fn rows(&self, line: Range<usize>) -> Vec<Line> {
        let mut rows = Vec::new();
        let (mut start, mut column, mut at) = (line.start, 0, line.start);
        // Where the row may end: behind its last blank, and the column there.
        let mut word = (line.start, 0);
        while at < line.end {
            let next = self.document.next(at).max(at + 1);
            let mut width = self.drawn(at, next, column).1;
            while column + width > self.width && at > start {
                let end = if word.0 > start { word } else { (at, column) };
                rows.push(Line {
                    range: start..end.0,
                    continues: true,
                });
                start = end.0;
                column = self.column(start, at);
                width = self.drawn(at, next, column).1;
            }
            column += width;
            if self.document.slice(at..next).ends_with([' ', '\t']) {
                word = (next, column);
            }
            at = next;
        }
        rows.push(Line {
            range: start..line.end,
            continues: false,
        });
        rows
    }

    /// The rows of the line that a place is in, and which of them it is in.
    pub(super) fn around(&self, at: usize) -> (Vec<Line>, usize) {
        let rows = self.rows(self.document.line_start(at)..self.document.line_end(at));
        let index = rows.partition_point(|row| row.range.start <= at);
        (rows, index.saturating_sub(1))
    }

    /// The rows of the line before the one that begins there.
    pub(super) fn before(&self, start: usize) -> Option<Vec<Line>> {
        let end = start.checked_sub(1)?;
        Some(self.rows(self.document.line_start(end)..end))
    }

    /// The rows of the line behind the one that ends there.
    pub(super) fn behind(&self, end: usize) -> Option<Vec<Line>> {
        let start = end + 1;
        (start <= self.document.len()).then(|| self.rows(start..self.document.line_end(start)))
    }

    /// How far a place is from the beginning of its row.
    pub(super) fn column(&self, row_start: usize, at: usize) -> usize {
        let (mut column, mut here) = (0, row_start);
        while here < at {
            let next = self.document.next(here).max(here + 1);
            column += self.drawn(here, next, column).1;
            here = next;
        }
        column
    }

    /// The place in a row that is nearest to a column.
    pub(super) fn place(&self, row: &Line, wanted: usize) -> usize {
        let (mut column, mut here) = (0, row.range.start);
        while here < row.range.end {
            let next = self.document.next(here).max(here + 1);
            let width = self.drawn(here, next, column).1;
            // The place behind the last grapheme of a wrapped row is drawn in the next row.
            let last = row.continues && next >= row.range.end;
            if column + width > wanted || last {
                break;
            }
            column += width;
            here = next;
        }
        here
    }

    /// At most `height` rows with the cursor's row among them, and which it is.
    pub(super) fn window(&self, cursor: usize, height: usize) -> (Vec<Line>, usize) {
        let height = height.max(1);
        let (around, index) = self.around(cursor);
        let mut rows = std::collections::VecDeque::from(around);
        let mut index = index;
        while index < height
            && let Some(before) = rows.front().and_then(|row| self.before(row.range.start))
        {
            index += before.len();
            for row in before.into_iter().rev() {
                rows.push_front(row);
            }
        }
        while rows.len() - index <= height
            && let Some(behind) = rows.back().and_then(|row| self.behind(row.range.end))
        {
            rows.extend(behind);
        }
        let last = rows.len().saturating_sub(height);
        let top = index.saturating_sub(height / 2).min(last);
        let rows = rows.into_iter().skip(top).take(height).collect();
        (rows, index - top)
    }
}

/// The text with what cannot be seen made visible, and nothing in it that steers a terminal.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let steers = |character: char| {
        character.is_control()
            || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|character| match character {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or(' '),
        '\u{7f}' => '\u{2421}',
        _ if steers(character) => '\u{fffd}',
        _ => character,
    });
    Cow::Owned(shown.collect())
}

/// The beginning of a text that fits, with a sign that there is more.
pub(super) fn cut(text: &str, width: usize) -> String {
    if usize::from(text.cell_width()) <= width {
        return text.to_owned();
    }
    let mut fits = String::new();
    let mut column = 0;
    for grapheme in text.graphemes(true) {
        let wide = usize::from(grapheme.cell_width());
        if column + wide >= width {
            break;
        }
        column += wide;
        fits.push_str(grapheme);
    }
    fits.push('…');
    fits
}
