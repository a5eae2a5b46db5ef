//! A block of code that is open, fenced or indented: it is not parsed again and again, and the rows of its lines stay.

use super::block::CodeBlock;
use super::layout::{asked, code_frame, code_line, label};
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

/// Rows of code that grows: lines that are drawn stay, until there are colours for them.
#[derive(Debug)]
pub(super) struct OpenCode {
    kind: Kind,
    block: CodeBlock,
    /// How much of the source is in the block.
    taken: usize,
    drawn: Drawn,
}

/// What is drawn.
#[derive(Debug, Default)]
struct Drawn {
    begun: bool,
    /// How much of the text.
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
            drawn: Drawn::default(),
        })
    }

    /// Draws everything anew the next time.
    pub(super) fn restart(&mut self) {
        self.drawn = Drawn::default();
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
        width: u16,
        theme: &Theme,
        highlights: &mut dyn Highlights,
        rows: &mut Vec<Row>,
    ) {
        let frame = Frame::plain(width);
        if !std::mem::replace(&mut self.drawn.begun, true) {
            rows.clear();
            if gap {
                rows.push(Row::default());
            }
            rows.extend(label(&self.block, &frame, theme));
            self.drawn.rows = rows.len();
        }
        rows.truncate(self.drawn.rows);
        let frame = code_frame(&frame, theme);
        let tints = highlights.lines(&asked(&self.block));
        self.drawn
            .lines(&self.block.text, tints, &frame, theme, rows);
        let last = source.get(self.taken..).unwrap_or_default();
        for line in self.kind.open_lines(last) {
            let line = sanitize::plain(self.kind.unindented(line));
            code_line(&line, None, &frame, theme, rows);
        }
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

impl Drawn {
    /// Draws the lines that are new, and those that have got colours.
    fn lines(
        &mut self,
        text: &str,
        tints: &[Tints],
        frame: &Frame,
        theme: &Theme,
        rows: &mut Vec<Row>,
    ) {
        if tints.len() > self.coloured
            && let Some((byte, row)) = self.lines.get(self.coloured).copied()
        {
            self.lines.truncate(self.coloured);
            self.bytes = byte;
            rows.truncate(row);
        }
        while let Some(rest) = text.get(self.bytes..)
            && let Some(feed) = rest.find('\n')
        {
            let line = rest.get(..feed).unwrap_or_default();
            let tints = tints.get(self.lines.len());
            self.lines.push((self.bytes, rows.len()));
            code_line(line, tints, frame, theme, rows);
            self.bytes += feed + 1;
        }
        self.coloured = tints
            .len()
            .min(self.lines.len())
            .max(self.coloured.min(self.lines.len()));
        self.rows = rows.len();
    }
}
