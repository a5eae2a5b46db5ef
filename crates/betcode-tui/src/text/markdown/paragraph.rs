//! A paragraph that is open: only the words behind the last place from which it can be read alone ([`super::scan`]) are
//! parsed again, and only its last row is wrapped again.
//!
//! Law: the rows are those of the whole source, parsed and wrapped at once.

use ratatui::style::Style;

use super::block::{Inline, Marks};
use super::layout::{Pen, blank};
use super::scan::{Known, Scan, begins_text};
use super::{mend, parse};
use crate::text::highlight::NoHighlights;
use crate::text::row::Row;
use crate::text::wrap::{Frame, wrap, wrap_open};
use crate::theme::Theme;

/// The paragraph.
#[derive(Debug)]
pub(super) struct OpenText {
    scan: Scan,
    drawn: Drawn,
}

/// What is drawn.
#[derive(Debug, Default)]
struct Drawn {
    begun: bool,
    /// How much of the source is parsed for good.
    taken: usize,
    /// Of that, what stands in the last row, to which more may come.
    line: Inline,
    /// It is the end of a line, which nothing shows until something follows.
    ended: bool,
    /// The rows before that one, and of those the ones before the text.
    rows: usize,
    above: usize,
}

impl OpenText {
    /// True if a source without blank lines before it begins with text, certainly.
    pub(super) fn begins(source: &str) -> bool {
        let text = source.trim_start_matches(' ');
        source.len() - text.len() <= 3 && begins_text(text) == Some(true)
    }

    pub(super) const fn new() -> Self {
        Self {
            scan: Scan::new(),
            drawn: Drawn {
                begun: false,
                taken: 0,
                line: Inline {
                    text: String::new(),
                    pieces: Vec::new(),
                },
                ended: false,
                rows: 0,
                above: 0,
            },
        }
    }

    /// Draws everything anew the next time.
    pub(super) fn restart(&mut self) {
        self.drawn = Drawn::default();
    }

    /// Looks at what has come.
    pub(super) fn look(&mut self, source: &str) -> Known {
        self.scan.go_on(source)
    }

    /// Brings the rows up to date. False if it is no paragraph after all.
    pub(super) fn draw(
        &mut self,
        source: &str,
        gap: bool,
        frame: &Frame,
        theme: &Theme,
        rows: &mut Vec<Row>,
    ) -> bool {
        let next = Frame {
            first: frame.rest.clone(),
            ..frame.clone()
        };
        let pen = Pen {
            theme,
            highlights: &mut NoHighlights,
            known: 0,
        };
        let drawn = &mut self.drawn;
        if !std::mem::replace(&mut drawn.begun, true) {
            rows.clear();
            rows.extend(gap.then(|| blank(frame)));
            (drawn.rows, drawn.above) = (rows.len(), rows.len());
        }
        rows.truncate(drawn.rows);
        let clean = self.scan.clean;
        if clean > drawn.taken {
            let part = source.get(drawn.taken..clean).unwrap_or_default();
            let Some(text) = parse::text(part) else {
                return false;
            };
            drawn.line.append(&text);
            // The blank, or the end of the line, that the parser leaves out at the end.
            let end = end_of(part, &text);
            drawn.ended = end == "\n";
            drawn.line.push(end, Marks::default(), None);
            let frame = if drawn.rows > drawn.above {
                &next
            } else {
                frame
            };
            let last = wrap_open(&pen.spans(&drawn.line, Style::new()), frame, rows);
            rows.pop();
            drawn.rows = rows.len();
            drawn.line = drawn.line.from(last);
            drawn.taken = clean;
        }
        let shown = mend::without_riddle(source);
        let rest = mend::closed(shown.get(drawn.taken..).unwrap_or_default());
        let mut line = drawn.line.clone();
        if !rest.trim_matches(parse::BLANKS).is_empty() {
            let Some(rest) = parse::text(&rest) else {
                return false;
            };
            line.append(&rest);
        } else if drawn.taken == 0 {
            // There is nothing to be seen yet.
            self.restart();
            rows.clear();
            return true;
        } else if drawn.ended {
            return true;
        }
        let frame = if drawn.rows > drawn.above {
            &next
        } else {
            frame
        };
        wrap(&pen.spans(&line, Style::new()), frame, rows);
        true
    }
}

/// What stands between a part and what follows it.
fn end_of(part: &str, text: &Inline) -> &'static str {
    let content = part.trim_end_matches(parse::BLANKS);
    let ends_line = part.get(content.len()..).unwrap_or_default().contains('\n');
    // The line that ends with the tag for it is broken once.
    let is_broken = content.ends_with('>') && text.text.ends_with('\n');
    match (ends_line, is_broken) {
        (true, true) => "",
        (true, false) => "\n",
        (false, _) => " ",
    }
}
