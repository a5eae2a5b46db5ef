//! A block of code that is open, fenced or indented: it is not parsed again and again, and the rows of its lines stay
//! ([`CodeRows`]), also when it is finished. A line that gets its colours takes as many rows as before: only those are made
//! anew.

use super::block::CodeBlock;
use super::layout::{asked, blank, code_frame, code_line, label, own_rows};
use super::parse::language;
use super::scan::Known;
use crate::text::highlight::{CodeId, Highlights, Tints};
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::Frame;
use crate::theme::Theme;

/// What a block of code is fenced by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fence {
    mark: char,
    length: usize,
    indent: usize,
    language: String,
    /// Where the code begins in the source.
    pub(super) code: usize,
}

impl Fence {
    /// The fence that a source begins with, if its line is whole.
    pub(super) fn open(source: &str) -> Option<Self> {
        let (line, _) = source.split_once('\n')?;
        let marks = line.trim_start_matches(' ');
        let indent = line.len() - marks.len();
        let mark = marks
            .chars()
            .next()
            .filter(|mark| matches!(mark, '`' | '~'))?;
        let info = marks.trim_start_matches(mark);
        let length = marks.len() - info.len();
        if indent > 3 || length < 3 || mark == '`' && info.contains('`') {
            return None;
        }
        Some(Self {
            mark,
            length,
            indent,
            language: language(info),
            code: line.len() + 1,
        })
    }

    /// True for the line that ends the block; as the parser sees it, which takes blanks behind the marks and no tabs.
    pub(super) fn closes(&self, line: &str) -> bool {
        let marks = line.trim_start_matches(' ');
        let rest = marks.trim_start_matches(self.mark);
        line.len() - marks.len() <= 3
            && marks.len() - rest.len() >= self.length
            && rest.trim_matches(' ').is_empty()
    }

    /// True for what may become the line that ends the block.
    fn may_close(&self, line: &str) -> bool {
        let line = line.trim();
        !line.is_empty() && line.trim_start_matches(self.mark).is_empty()
    }

    /// A line without the indentation that the fence has.
    fn unindented<'a>(&self, line: &'a str) -> &'a str {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        line.get(blanks.min(self.indent)..).unwrap_or_default()
    }
}

/// How far indented code is indented.
const INDENT: usize = 4;

/// What makes the block one of code.
#[derive(Debug)]
enum Kind {
    Fenced(Fence),
    Indented,
}

/// Rows of code that grows.
#[derive(Debug)]
pub(super) struct OpenCode {
    kind: Kind,
    block: CodeBlock,
    /// How much of the source is in the block.
    taken: usize,
    drawn: CodeRows,
}

/// The rows of lines of code.
#[derive(Debug, Default)]
pub(super) struct CodeRows {
    begun: bool,
    /// How much of the text is drawn.
    bytes: usize,
    /// For each line, where it begins in the text and its first row.
    lines: Vec<(usize, usize)>,
    /// How many of the first lines have their colours.
    coloured: usize,
    /// The rows of whole lines, with what is before them.
    rows: usize,
}

impl OpenCode {
    /// The block that a source begins with, if that is certain. The name is used if it may be new.
    pub(super) fn open(source: &str, id: impl FnOnce() -> CodeId) -> Option<Self> {
        let (kind, language, taken) = if let Some(fence) = Fence::open(source) {
            let (language, code) = (fence.language.clone(), fence.code);
            (Kind::Fenced(fence), language, code)
        } else if indented(source).is_some_and(|code| !code.starts_with('\n')) {
            (Kind::Indented, String::new(), 0)
        } else {
            return None;
        };
        Some(Self {
            kind,
            block: CodeBlock {
                id: id(),
                language,
                text: String::new(),
                whole: false,
            },
            taken,
            drawn: CodeRows::default(),
        })
    }

    /// Draws everything anew the next time.
    pub(super) fn restart(&mut self) {
        self.drawn = CodeRows::default();
    }

    /// The name of the block.
    pub(super) const fn id(&self) -> CodeId {
        self.block.id
    }

    /// Takes the whole lines that have come. Says where in the source the block has ended.
    pub(super) fn look(&mut self, source: &str) -> Known {
        let mut at = self.taken;
        while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
            let end = rest.find('\n');
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            match (&self.kind, end) {
                (Kind::Fenced(_), None) => break,
                (Kind::Fenced(fence), Some(feed)) if fence.closes(line) => {
                    return Known::Ended(at + feed + 1);
                }
                (Kind::Fenced(_), Some(_)) => {}
                (Kind::Indented, _) => {
                    let text = line.trim_start_matches(' ');
                    if text.starts_with('\t') {
                        return Known::Else;
                    }
                    if !text.is_empty() && line.len() - text.len() < INDENT {
                        return Known::Ended(self.taken);
                    }
                }
            }
            let Some(feed) = end else { break };
            at += feed + 1;
            // Blank lines are in indented code when more of it follows.
            if matches!(self.kind, Kind::Fenced(_)) || !line.trim_start_matches(' ').is_empty() {
                let new = source.get(self.taken..at).unwrap_or_default();
                for line in new.lines() {
                    self.block
                        .text
                        .push_str(&sanitize::plain(self.kind.unindented(line)));
                    self.block.text.push('\n');
                }
                self.taken = at;
            }
        }
        Known::Goes
    }

    /// Brings the rows up to date.
    pub(super) fn draw(
        &mut self,
        source: &str,
        gap: bool,
        frame: &Frame,
        theme: &Theme,
        highlights: &mut dyn Highlights,
        rows: &mut Vec<Row>,
    ) {
        if self.drawn.begin() {
            *rows = begin_code(&self.block, gap, frame, theme);
            self.drawn.rows = rows.len();
        }
        rows.truncate(self.drawn.rows);
        let frame = code_frame(frame, theme);
        let tints = highlights.lines(&asked(&self.block));
        self.drawn
            .draw(&self.block.text, false, tints, &frame, theme, rows);
        let last = source.get(self.taken..).unwrap_or_default();
        for line in self.kind.open_lines(last) {
            let line = sanitize::plain(self.kind.unindented(line));
            code_line(&line, None, &frame, theme, rows);
        }
    }

    /// The block as far as it has come, and what is drawn of its whole lines, if it is.
    pub(super) fn into_drawn(self) -> Option<(CodeBlock, CodeRows)> {
        self.drawn.begun.then_some((self.block, self.drawn))
    }
}

impl Kind {
    /// A line without the indentation that the block has.
    fn unindented<'a>(&self, line: &'a str) -> &'a str {
        match self {
            Self::Fenced(fence) => fence.unindented(line),
            Self::Indented => {
                let blanks = line.len() - line.trim_start_matches(' ').len();
                line.get(blanks.min(INDENT)..).unwrap_or_default()
            }
        }
    }

    /// The lines behind those that are taken, as far as they are certainly of the block.
    fn open_lines<'a>(&self, rest: &'a str) -> impl Iterator<Item = &'a str> {
        let last = rest.rsplit('\n').next().unwrap_or_default();
        let shown = match self {
            Self::Fenced(fence) => !rest.is_empty() && !fence.may_close(rest),
            Self::Indented => indented(last).is_some(),
        };
        rest.split('\n').take_while(move |_| shown)
    }
}

/// What indented code begins with behind its indentation, if it is any; not for tabs.
fn indented(source: &str) -> Option<&str> {
    let code = source.trim_start_matches(' ');
    let is_code = source.len() - code.len() >= INDENT && !code.is_empty();
    (is_code && !code.starts_with('\t')).then_some(code)
}

/// What is before the lines of code.
pub(super) fn begin_code(code: &CodeBlock, gap: bool, frame: &Frame, theme: &Theme) -> Vec<Row> {
    let mut rows: Vec<Row> = gap.then(|| blank(frame)).into_iter().collect();
    let frame = own_rows(frame, &mut rows);
    rows.extend(label(code, &frame, theme));
    rows
}

impl CodeRows {
    /// True if nothing is drawn yet: what is before the lines is to be.
    pub(super) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    /// The rows of the lines that are drawn, with what is before them.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// Draws the lines that are new, and colours those that can be: of a text that is whole, the last one too that has no end.
    pub(super) fn draw(
        &mut self,
        text: &str,
        whole: bool,
        tints: &[Tints],
        frame: &Frame,
        theme: &Theme,
        rows: &mut Vec<Row>,
    ) {
        self.colour(text, tints, frame, theme, rows);
        while let Some(rest) = text.get(self.bytes..) {
            let feed = rest.find('\n');
            // There is one line at least.
            let last = whole && (!rest.is_empty() || self.lines.is_empty());
            let Some(end) = feed.or_else(|| last.then_some(rest.len())) else {
                break;
            };
            let tints = tints.get(self.lines.len());
            self.lines.push((self.bytes, rows.len()));
            code_line(
                rest.get(..end).unwrap_or_default(),
                tints,
                frame,
                theme,
                rows,
            );
            self.bytes += end + usize::from(feed.is_some());
        }
        self.coloured = self.coloured.max(tints.len().min(self.lines.len()));
        self.rows = rows.len();
    }

    /// Makes the rows of lines anew that have got colours. They are as many as before: where text is cut does not depend on
    /// what it looks like.
    fn colour(
        &mut self,
        text: &str,
        tints: &[Tints],
        frame: &Frame,
        theme: &Theme,
        rows: &mut [Row],
    ) {
        let mut made = Vec::new();
        let drawn = self.lines.iter().enumerate().skip(self.coloured);
        for ((_, (byte, row)), tints) in drawn.zip(tints.iter().skip(self.coloured)) {
            let Some(rest) = text.get(*byte..).filter(|_| !tints.is_empty()) else {
                continue;
            };
            let line = rest.split('\n').next().unwrap_or_default();
            code_line(line, Some(tints), frame, theme, &mut made);
            for (row, made) in rows.iter_mut().skip(*row).zip(made.drain(..)) {
                *row = made;
            }
        }
    }
}
