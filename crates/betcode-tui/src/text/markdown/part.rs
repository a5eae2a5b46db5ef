//! A finished block, or one item of a list: it is laid out once for a frame. Colours that are known later change the rows of
//! their lines alone.

use super::block::{Block, CodeBlock};
use super::fence::{CodeRows, begin_code};
use super::layout::{self, Pen, asked, blank, code_frame};
use crate::text::highlight::Highlights;
use crate::text::row::Row;
use crate::text::wrap::Frame;
use crate::theme::Theme;

/// The block.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) block: Block,
    gap: bool,
    pub(super) rows: Option<Vec<Row>>,
    /// In which row of all it ends.
    pub(super) end: usize,
    pub(super) has_code: bool,
    /// How many coloured lines there were.
    known: usize,
    /// If it is code: its lines.
    lines: CodeRows,
}

impl Part {
    pub(super) fn new(block: Block, gap: bool) -> Self {
        let mut has_code = false;
        layout::each_code(&block, &mut |_| has_code = true);
        Self {
            block,
            gap,
            rows: None,
            end: 0,
            has_code,
            known: 0,
            lines: CodeRows::default(),
        }
    }

    /// What is drawn of a block of code that was open stays, if it is this one.
    pub(super) fn go_on(&mut self, open: &CodeBlock, lines: CodeRows, rows: Vec<Row>) {
        if let Block::Code(code) = &self.block
            && code.language == open.language
            && code.text.starts_with(&open.text)
        {
            self.lines = lines;
            self.rows = Some(rows);
        }
    }

    pub(super) fn forget_rows(&mut self) {
        self.rows = None;
        self.lines = CodeRows::default();
    }

    /// Takes up the colours that have become known. False if it has another number of rows now, or none.
    pub(super) fn recolour(
        &mut self,
        follows: bool,
        frame: &Frame,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) -> bool {
        let Some(rows) = &self.rows else {
            return false;
        };
        let is_code = matches!(self.block, Block::Code(_));
        if !is_code && layout::known(&self.block, highlights) == self.known {
            return true;
        }
        let before = rows.len();
        if !is_code {
            self.rows = None;
        }
        self.layout(follows, frame, theme, highlights) == before
    }

    /// Sees to it that there are rows; says how many.
    pub(super) fn layout(
        &mut self,
        follows: bool,
        frame: &Frame,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) -> usize {
        let gap = self.gap && follows;
        if let Block::Code(code) = &self.block {
            let tints = highlights.lines(&asked(code));
            let rows = self.rows.get_or_insert_default();
            if self.lines.begin() {
                *rows = begin_code(code, gap, frame, theme);
            }
            let frame = code_frame(frame, theme);
            self.lines
                .draw(&code.text, true, tints, &frame, theme, rows);
            return rows.len();
        }
        let mut pen = Pen {
            theme,
            highlights,
            known: 0,
        };
        let mut rows = Vec::new();
        rows.extend(gap.then(|| blank(frame)));
        pen.block(&self.block, frame, &mut rows);
        self.known = pen.known;
        rows.shrink_to_fit();
        self.rows.insert(rows).len()
    }
}
