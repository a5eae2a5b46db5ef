//! Styled text becomes rows of a width: broken at blanks and between wide characters where it can be, within words where it
//! must be, never within a grapheme. Text stays in its logical order.
//!
//! What it gets is harmless already ([`super::sanitize`]).
//! Laws: no row is wider than the width; copied, the rows are the text again (but for blanks that prose has at breaks).

use std::ops::Range;
use std::sync::Arc;

use super::row::{Joint, Row};
use super::sanitize::{Graphemes, columns};
use ratatui::style::Style;

/// How many columns text gets at least, however deep it is nested, as long as there are as many.
const LEAST: usize = 12;
/// What is drawn for a grapheme that is wider than the screen.
const TOO_WIDE: &str = "·";

/// A stretch of text of one style; line feeds end lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<'a> {
    /// The text.
    pub text: &'a str,
    /// How it looks.
    pub style: Style,
    /// Where it leads.
    pub link: Option<Arc<str>>,
}

impl<'a> Span<'a> {
    /// Text that leads nowhere.
    pub fn new(text: &'a str, style: Style) -> Self {
        Self {
            text,
            style,
            link: None,
        }
    }
}

/// What is around the text.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// How many columns there are.
    pub width: u16,
    /// What the first row begins with.
    pub first: Row,
    /// What the first row of what follows begins with: here an indentation may be copied.
    pub next: Row,
    /// What every other row begins with.
    pub rest: Row,
    /// Blanks have a meaning (code): none is left out.
    pub verbatim: bool,
}

impl Frame {
    /// Nothing but a width.
    pub fn plain(width: u16) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    /// For code and output: every blank counts.
    pub fn verbatim(width: u16) -> Self {
        Self {
            verbatim: true,
            ..Self::plain(width)
        }
    }

    /// The same beginning for every row.
    pub fn with(mut self, prefix: Row) -> Self {
        self.first = prefix.clone();
        self.next = prefix.clone();
        self.rest = prefix;
        self
    }

    /// The frame within this one, with what it adds to each beginning.
    pub fn nested(&self, first: &Row, next: &Row, rest: &Row) -> Self {
        let joined = |outer: &Row, inner: &Row| {
            let mut row = outer.clone();
            row.extend(inner);
            row
        };
        Self {
            width: self.width,
            first: joined(&self.first, first),
            next: joined(&self.next, next),
            rest: joined(&self.rest, rest),
            verbatim: self.verbatim,
        }
    }

    /// The frame for what follows the first block.
    pub fn going_on(&self) -> Self {
        Self {
            first: self.next.clone(),
            ..self.clone()
        }
    }

    /// The frame in which nothing of the beginnings is copied.
    pub fn uncopied(&self) -> Self {
        Self {
            verbatim: self.verbatim,
            ..Self::plain(self.width).with(self.rest.clone().decorated())
        }
    }

    /// The columns for text.
    pub fn room(&self) -> usize {
        let (first, rest) = (self.fitting(&self.first), self.fitting(&self.rest));
        usize::from(self.width).saturating_sub(first.width().max(rest.width()))
    }

    /// A prefix, cut so that text has room.
    pub(crate) fn fitting(&self, prefix: &Row) -> Row {
        let width = usize::from(self.width);
        prefix.cut(width - width.min(LEAST))
    }
}

/// Wraps text, at least one row.
pub fn wrap(spans: &[Span<'_>], frame: &Frame, rows: &mut Vec<Row>) {
    wrap_open(spans, frame, rows);
}

/// Wraps text to which more will come: says where in it the last row begins. The rows before that one stay as they are if
/// the text ends with a blank.
pub(crate) fn wrap_open(spans: &[Span<'_>], frame: &Frame, rows: &mut Vec<Row>) -> usize {
    let (mut first, rest) = (frame.fitting(&frame.first), frame.fitting(&frame.rest));
    let width = usize::from(frame.width);
    let mut line = Line::default();
    let mut lines = Vec::new();
    for span in spans {
        for (at, part) in span.text.split('\n').enumerate() {
            if at > 0 {
                lines.push(std::mem::take(&mut line));
            }
            line.push(part, span);
        }
    }
    lines.push(line);
    let (mut from, mut last) = (0, 0);
    for line in lines {
        let rooms = [&first, &rest].map(|prefix| width - prefix.width().min(width));
        for cut in cuts(&line.text, rooms, frame.verbatim) {
            let mut row = std::mem::replace(&mut first, rest.clone());
            let room = width - row.width().min(width);
            line.fill(&mut row, &cut.range, room);
            row.joint = cut.joint;
            rows.push(row);
            last = from + cut.range.start;
        }
        from += line.text.len() + 1;
    }
    last
}

/// Wraps one text of one style.
pub fn wrap_text(text: &str, style: Style, frame: &Frame, rows: &mut Vec<Row>) {
    wrap(&[Span::new(text, style)], frame, rows);
}

/// A line with its stretches: where each ends.
#[derive(Default)]
struct Line<'a> {
    text: String,
    runs: Vec<(usize, &'a Span<'a>)>,
}

impl<'a> Line<'a> {
    fn push(&mut self, part: &str, span: &'a Span<'a>) {
        if !part.is_empty() {
            self.text.push_str(part);
            self.runs.push((self.text.len(), span));
        }
    }

    /// Adds a range of it to a row; a grapheme has the style it begins with.
    fn fill(&self, row: &mut Row, range: &Range<usize>, room: usize) {
        let text = self.text.get(range.clone()).unwrap_or_default();
        let from = self.runs.partition_point(|(end, _)| *end <= range.start);
        let mut runs = self.runs.get(from..).unwrap_or_default().iter();
        let Some(&(mut end, mut span)) = runs.next() else {
            return;
        };
        if columns(text) > room {
            if room > 0 {
                row.push_linked(TOO_WIDE, span.style, span.link.as_ref());
            }
            return;
        }
        if end >= range.end {
            row.push_linked(text, span.style, span.link.as_ref());
            return;
        }
        let (mut from, mut at) = (range.start, range.start);
        for (grapheme, _) in Graphemes(text) {
            if at >= end {
                self.add(row, from..at, span);
                from = at;
                while at >= end {
                    let Some(&next) = runs.next() else { break };
                    (end, span) = next;
                }
            }
            at += grapheme.len();
        }
        self.add(row, from..at, span);
    }

    fn add(&self, row: &mut Row, range: Range<usize>, span: &Span<'_>) {
        let text = self.text.get(range).unwrap_or_default();
        row.push_linked(text, span.style, span.link.as_ref());
    }
}

/// What one row gets of a line.
struct Cut {
    range: Range<usize>,
    joint: Joint,
}

/// Cuts a line for rooms of these widths: the first row's and the others'.
fn cuts(text: &str, rooms: [usize; 2], verbatim: bool) -> Vec<Cut> {
    let text_end = if verbatim {
        text.len()
    } else {
        text.trim_end_matches(' ').len()
    };
    let text = text.get(..text_end).unwrap_or_default();
    let mut cutter = Cutter {
        cuts: Vec::new(),
        start: 0,
        end: 0,
        column: 0,
        room: rooms[0],
        rest: rooms[1],
    };
    if columns(text) > rooms[0] {
        let mut gap = 0;
        for atom in Atoms::new(text) {
            if atom.blank && !verbatim && atom.at.start > 0 {
                gap = atom.width;
                continue;
            }
            cutter.put(text, &atom, std::mem::take(&mut gap));
        }
    } else {
        cutter.end = text.len();
    }
    cutter.cut(Joint::Line, 0);
    cutter.cuts
}

struct Cutter {
    cuts: Vec<Cut>,
    /// Where the row begins, and ends so far.
    start: usize,
    end: usize,
    column: usize,
    room: usize,
    rest: usize,
}

impl Cutter {
    fn cut(&mut self, joint: Joint, next: usize) {
        self.cuts.push(Cut {
            range: self.start..self.end.max(self.start),
            joint,
        });
        (self.start, self.end, self.column) = (next, next, 0);
        self.room = self.rest;
    }

    fn put(&mut self, text: &str, atom: &Atom, gap: usize) {
        let need = self.column + gap + atom.width;
        if need <= self.room {
            (self.end, self.column) = (atom.at.end, need);
            return;
        }
        let fits_later = !atom.blank && atom.width <= self.rest;
        let little_left = self.column + gap > self.room / 2;
        if self.end > self.start && (fits_later || little_left) && !atom.blank
            || self.column + gap >= self.room && self.end > self.start
        {
            let joint = if gap > 0 { Joint::Blank } else { Joint::Tight };
            self.cut(joint, atom.at.start);
        } else {
            self.column += gap;
        }
        if self.column + atom.width <= self.room {
            (self.end, self.column) = (atom.at.end, self.column + atom.width);
            return;
        }
        let word = text.get(atom.at.clone()).unwrap_or_default();
        let mut at = atom.at.start;
        for (grapheme, width) in Graphemes(word) {
            if self.column + width > self.room && self.end > self.start {
                self.cut(Joint::Tight, at);
            }
            at += grapheme.len();
            self.end = at;
            self.column += width;
        }
    }
}

/// What stays together: a word, blanks, a wide character with the punctuation that may not begin a row.
struct Atom {
    at: Range<usize>,
    width: usize,
    blank: bool,
}

struct Atoms<'a> {
    at: usize,
    graphemes: std::iter::Peekable<Graphemes<'a>>,
}

impl<'a> Atoms<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            at: 0,
            graphemes: Graphemes(text).peekable(),
        }
    }
}

impl Iterator for Atoms<'_> {
    type Item = Atom;

    fn next(&mut self) -> Option<Atom> {
        let start = self.at;
        let (first, mut width) = self.graphemes.next()?;
        let (blank, wide) = (first == " ", width > 1);
        self.at += first.len();
        while let Some((grapheme, next)) = self.graphemes.peek() {
            let together = if clings(grapheme) {
                !blank
            } else {
                (*grapheme == " ") == blank && *next <= 1 && !wide
            };
            if !together {
                break;
            }
            width += next;
            self.at += grapheme.len();
            self.graphemes.next();
        }
        Some(Atom {
            at: start..self.at,
            width,
            blank,
        })
    }
}

/// Punctuation that stays with what is before it.
fn clings(grapheme: &str) -> bool {
    let first = grapheme.chars().next().filter(|c| !c.is_ascii());
    first.is_some_and(|c| "、。，．！？：；）」』】》〉］｝ー々…".contains(c))
}

#[cfg(test)]
mod tests;
