//! A fenced block of code that is open: it is not parsed again and again, and the rows of its lines stay.

use super::block::CodeBlock;
use super::layout::{asked, code_frame, code_line, label};
use super::parse::language;
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

/// Rows of code that grows: lines that are drawn stay, until there are colours for them.
#[derive(Debug)]
pub(super) struct OpenCode {
    fence: Fence,
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
    pub(super) fn new(fence: Fence, id: CodeId) -> Self {
        let block = CodeBlock {
            id,
            language: fence.language.clone(),
            text: String::new(),
            whole: false,
        };
        Self {
            taken: fence.code,
            fence,
            block,
            drawn: Drawn::default(),
        }
    }

    /// Draws everything anew the next time.
    pub(super) fn restart(&mut self) {
        self.drawn = Drawn::default();
    }

    /// The end of the block in the source, if its last line is there.
    pub(super) fn end(&self, source: &str) -> Option<usize> {
        let mut at = self.taken;
        while let Some(rest) = source.get(at..)
            && let Some(feed) = rest.find('\n')
        {
            if self.fence.closes(rest.get(..feed).unwrap_or_default()) {
                return Some(at + feed + 1);
            }
            at += feed + 1;
        }
        None
    }

    /// Takes the whole lines that have come.
    pub(super) fn take(&mut self, source: &str) {
        while let Some(rest) = source.get(self.taken..)
            && let Some(feed) = rest.find('\n')
        {
            let line = rest.get(..feed).unwrap_or_default();
            let line = sanitize::plain(self.fence.unindented(line));
            self.block.text.push_str(&line);
            self.block.text.push('\n');
            self.taken += feed + 1;
        }
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
        if !last.is_empty() && !self.fence.may_close(last) {
            let last = sanitize::plain(self.fence.unindented(last));
            code_line(&last, None, &frame, theme, rows);
        }
    }
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
