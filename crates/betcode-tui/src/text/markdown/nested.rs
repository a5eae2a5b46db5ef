//! A quotation or an item of a list that is open: what is in it is a text of its own ([`Body`]), to which each line goes without
//! the marks before it. So what is finished in it stays, and only its open end is looked at.
//!
//! It is careful: a line that may not belong to it, or has a tab, whose width depends on where it stands, makes it something
//! that is parsed as a whole.
//!
//! Law: the rows are those of the whole block, parsed and laid out at once.

use super::body::Body;
use super::layout::{blank, item_frame, quote_frame};
use super::parse::{BLANKS, Within};
use super::scan::{Known, begins_text};
use crate::text::highlight::Highlights;
use crate::text::row::Row;
use crate::text::wrap::{Frame, wrap};
use crate::theme::Theme;

/// Blocks that are deeper within others are parsed as a whole.
const DEEPEST: u8 = 6;
/// How far what begins a block may be indented.
const INDENT: usize = 3;
/// The longest numbers that items have.
const DIGITS: usize = 9;

/// The block.
#[derive(Debug)]
pub(super) struct OpenNested {
    kind: Kind,
    pub(super) body: Box<Body>,
    /// How much of the source is in the body, or is marks before it.
    taken: usize,
    /// The marks before the line are taken.
    within_line: bool,
}

#[derive(Debug)]
enum Kind {
    Quote,
    /// An item with its marker as it is shown, and how far its lines are indented.
    Item {
        marker: String,
        indent: usize,
    },
}

/// How a line begins.
enum Begin {
    /// With so many bytes that are no text of it.
    Line(usize),
    /// More has to be there.
    NotYet,
    Ended,
    Else,
}

impl OpenNested {
    /// The block that a source begins with, if that is certain.
    pub(super) fn open(source: &str, within: Within, depth: u8) -> Option<Self> {
        if depth >= DEEPEST {
            return None;
        }
        let (kind, taken) = if let Some((kind, taken)) = item(source, within) {
            let text = source.get(taken..).unwrap_or_default();
            (begins_text(text) == Some(true)).then_some((kind, taken))
        } else {
            quote(source).filter(|_| !within.list)
        }?;
        Some(Self {
            kind,
            body: Box::new(Body::within(depth + 1)),
            taken,
            within_line: true,
        })
    }

    /// Takes what has come. Says where in the source the block has ended.
    pub(super) fn look(&mut self, source: &str) -> Known {
        let known = self.take(source);
        if known == Known::Goes {
            self.body.settle();
        }
        known
    }

    fn take(&mut self, source: &str) -> Known {
        while let Some(rest) = source.get(self.taken..).filter(|rest| !rest.is_empty()) {
            if !self.within_line {
                let begin = match &self.kind {
                    Kind::Quote => quoted(rest),
                    Kind::Item { indent, .. } => indented(rest, *indent),
                };
                match begin {
                    Begin::Line(marks) => {
                        let blank = rest.get(..marks).unwrap_or_default().matches('\n').count();
                        self.body.source().extend(std::iter::repeat_n('\n', blank));
                        self.taken += marks;
                        self.within_line = true;
                        continue;
                    }
                    Begin::NotYet => return Known::Goes,
                    Begin::Ended => return Known::Ended(self.taken),
                    Begin::Else => return Known::Else,
                }
            }
            let end = rest.find('\n').map_or(rest.len(), |feed| feed + 1);
            let line = rest.get(..end).unwrap_or_default();
            if line.contains('\t') {
                return Known::Else;
            }
            self.body.source().push_str(line);
            self.taken += end;
            self.within_line = !line.ends_with('\n');
        }
        Known::Goes
    }

    /// True if it may follow text without a blank row.
    pub(super) const fn follows_closely(&self) -> bool {
        matches!(self.kind, Kind::Item { .. })
    }

    /// Brings the rows up to date; says how many there are, with those of the body.
    pub(super) fn draw(
        &mut self,
        gap: bool,
        frame: &Frame,
        theme: &Theme,
        highlights: &mut dyn Highlights,
        rows: &mut Vec<Row>,
    ) -> usize {
        rows.clear();
        rows.extend(gap.then(|| blank(frame)));
        let frame = match &self.kind {
            Kind::Quote => quote_frame(frame, theme),
            Kind::Item { marker, .. } => item_frame(marker, frame, theme),
        };
        let count = self.body.layout(&frame, theme, highlights);
        if count == 0 {
            wrap(&[], &frame, rows);
        }
        rows.len() + count
    }
}

/// A quotation, and where its text begins.
fn quote(source: &str) -> Option<(Kind, usize)> {
    match quoted(source) {
        Begin::Line(marks) => {
            let text = source.get(marks..).unwrap_or_default();
            let is_empty = text.trim_matches(BLANKS).is_empty();
            (!is_empty).then_some((Kind::Quote, marks))
        }
        _ => None,
    }
}

/// How a line of a quotation begins.
fn quoted(rest: &str) -> Begin {
    let text = rest.trim_start_matches(' ');
    let blanks = rest.len() - text.len();
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some('\n'), _) => Begin::Ended,
        (None, _) => Begin::NotYet,
        (Some('>'), next) if blanks <= INDENT => match next {
            None => Begin::NotYet,
            Some(' ') => Begin::Line(blanks + 2),
            Some(_) => Begin::Line(blanks + 1),
        },
        (Some(_), _) => Begin::Else,
    }
}

/// An item, and where its text begins.
fn item(source: &str, within: Within) -> Option<(Kind, usize)> {
    let marks = source.trim_start_matches(' ');
    let before = source.len() - marks.len();
    let digits = marks.len() - marks.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (digits, behind) = marks.split_at_checked(digits)?;
    let mark = behind.chars().next()?;
    let is_mark = match digits.len() {
        0 => matches!(mark, '-' | '*' | '+'),
        length => length <= DIGITS && matches!(mark, '.' | ')'),
    };
    let behind = behind.get(mark.len_utf8()..)?;
    let text = behind.trim_start_matches(' ');
    let blanks = behind.len() - text.len();
    if !is_mark || before > INDENT || !(1..=4).contains(&blanks) {
        return None;
    }
    let number = if within.list {
        within.number
    } else {
        digits.parse().ok()
    };
    let marker = number.map_or_else(|| "• ".to_owned(), |number: u64| format!("{number}. "));
    let indent = source.len() - text.len();
    Some((Kind::Item { marker, indent }, indent))
}

/// How a line of an item begins, with the blank lines before it.
fn indented(rest: &str, indent: usize) -> Begin {
    let mut at = 0;
    while let Some(line) = rest.get(at..) {
        let text = line.trim_start_matches(' ');
        let blanks = line.len() - text.len();
        match text.chars().next() {
            None => return Begin::NotYet,
            Some('\n') => at += blanks + 1,
            Some(_) if blanks >= indent => return Begin::Line(at + indent),
            Some(_) => return Begin::Else,
        }
    }
    Begin::NotYet
}
