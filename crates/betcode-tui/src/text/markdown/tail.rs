//! What is not finished of a text: its last block, as a rule. Of some blocks only what is new is looked at ([`Open`]).

use super::block::{Child, CodeBlock};
use super::body::{Before, wants_gap};
use super::fence::{CodeRows, OpenCode};
use super::layout::{Pen, blank, each_code_mut};
use super::mend;
use super::nested::OpenNested;
use super::open_table::OpenTable;
use super::paragraph::OpenText;
use super::parse::{self, Seam, Within};
use crate::text::highlight::{CodeId, Highlights};
use crate::text::row::Row;
use crate::text::wrap::Frame;
use crate::theme::Theme;

/// Up to here, each new line is a reason to search for a seam.
const SHORT: usize = 4096;

/// What is not finished.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) source: String,
    pub(super) within: Within,
    /// There is a blank line before it.
    pub(super) gap: bool,
    /// How much of it was searched for seams.
    pub(super) searched: usize,
    /// What it is, where that is known.
    pub(super) open: Open,
    /// The blocks of code in it, in order.
    codes: Vec<CodeId>,
    /// Its rows; those of what is nested come behind them.
    rows: Vec<Row>,
    pub(super) fresh: bool,
}

/// What the tail is: of some blocks only what is new is looked at.
#[derive(Debug, Default)]
pub(super) enum Open {
    /// Not known yet.
    #[default]
    NotYet,
    /// A block of code.
    Code(OpenCode),
    /// A paragraph.
    Text(OpenText),
    /// A table.
    Table(OpenTable),
    /// A quotation, or an item of a list.
    Nested(OpenNested),
    /// Anything: it is parsed as a whole.
    Any,
}

impl Tail {
    /// Goes on behind a seam.
    pub(super) fn begin(&mut self, seam: Seam) {
        self.source.drain(..seam.at);
        let codes = std::mem::take(&mut self.codes);
        *self = Self {
            source: std::mem::take(&mut self.source),
            within: seam.within,
            gap: seam.gap,
            codes,
            ..Self::default()
        };
    }

    pub(super) fn drop_blank_lines(&mut self) {
        let source = &self.source;
        let blank = source.len() - source.trim_start_matches(parse::BLANKS).len();
        let lines = source.get(..blank).and_then(|blank| blank.rfind('\n'));
        if let Some(feed) = lines {
            self.gap = true;
            self.source.drain(..=feed);
            self.searched = self.searched.saturating_sub(feed + 1);
        }
    }

    /// The end of its whole lines.
    pub(super) fn stable(&self) -> usize {
        self.source.rfind('\n').map_or(0, |feed| feed + 1)
    }

    /// True if there is a new whole line. A block that is long and has no end is searched ever more seldom: where it is cut
    /// makes no difference, how often it is parsed does.
    pub(super) fn is_worth_a_search(&self) -> bool {
        let patience = if self.searched > SHORT {
            self.searched / 8
        } else {
            0
        };
        self.stable() > self.searched + patience
    }

    /// Sees what it is.
    pub(super) fn recognize(&mut self, depth: u8) {
        let name = || self.codes.first().copied().unwrap_or_else(CodeId::fresh);
        if self.within.list {
            let nested = OpenNested::open(&self.source, self.within, depth);
            self.open = nested.map_or(Open::NotYet, Open::Nested);
        } else if let Some(code) = OpenCode::open(&self.source, name) {
            self.codes = vec![code.id()];
            self.open = Open::Code(code);
        } else if OpenText::begins(&self.source) {
            self.open = Open::Text(OpenText::new());
        } else if let Some(table) = OpenTable::open(&self.source) {
            self.open = Open::Table(table);
        } else if let Some(nested) = OpenNested::open(&self.source, self.within, depth) {
            self.open = Open::Nested(nested);
        }
    }

    /// It is perhaps not what it seemed to be.
    pub(super) fn give_up(&mut self) {
        self.codes = self.codes();
        self.open = Open::Any;
    }

    /// The blocks of code in it, in order.
    pub(super) fn codes(&self) -> Vec<CodeId> {
        match &self.open {
            Open::Nested(nested) => nested.body.codes(),
            _ => self.codes.clone(),
        }
    }

    /// Gives blocks of code the names they have had; those that are taken away take theirs with them.
    pub(super) fn name_codes(&mut self, children: &mut [Child], take: bool) {
        self.codes = self.codes();
        let ends = self.source.ends_with('\n');
        let mut count = 0;
        for child in &mut *children {
            each_code_mut(&mut child.block, &mut |code| {
                if self.codes.len() == count {
                    self.codes.push(code.id);
                }
                code.id = self.codes.get(count).copied().unwrap_or(code.id);
                code.whole = take;
                count += 1;
            });
        }
        if take {
            self.codes.drain(..count);
        } else if !ends && let Some(child) = children.last_mut() {
            // The last line may go on: it is no whole line to the colours.
            each_code_mut(&mut child.block, &mut |code: &mut CodeBlock| {
                if code.text.ends_with('\n') {
                    code.text.pop();
                }
            });
        }
    }

    /// If it is code that is drawn: the block, its lines and rows, to be kept when it is finished.
    pub(super) fn take_code(&mut self) -> Option<(CodeBlock, CodeRows, Vec<Row>)> {
        let Open::Code(code) = std::mem::take(&mut self.open) else {
            return None;
        };
        let (block, lines) = code.into_drawn()?;
        let mut rows = std::mem::take(&mut self.rows);
        rows.truncate(lines.rows());
        Some((block, lines, rows))
    }

    /// The rows of the last layout, from one on.
    pub(super) fn rows(&self, from: usize) -> Box<dyn Iterator<Item = &Row> + '_> {
        let own = self.rows.get(from..).unwrap_or_default().iter();
        match &self.open {
            Open::Nested(nested) => {
                let from = from.saturating_sub(self.rows.len());
                Box::new(own.chain(nested.body.rows(from)))
            }
            _ => Box::new(own),
        }
    }

    pub(super) fn forget_rows(&mut self) {
        self.rows = Vec::new();
        self.fresh = false;
        match &mut self.open {
            Open::Code(code) => code.restart(),
            Open::Text(text) => text.restart(),
            Open::Nested(nested) => nested.body.forget_rows(),
            Open::Table(_) | Open::NotYet | Open::Any => {}
        }
    }

    /// Brings the rows up to date; says how many there are.
    pub(super) fn layout(
        &mut self,
        before: Before<'_>,
        frame: &Frame,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) -> usize {
        let rows = &mut self.rows;
        match &mut self.open {
            Open::Code(code) => {
                let gap = wants_gap(before, false, self.gap);
                code.draw(&self.source, gap, frame, theme, highlights, rows);
                return rows.len();
            }
            Open::Nested(nested) => {
                let gap = if self.within.list {
                    self.gap
                } else {
                    wants_gap(before, nested.follows_closely(), self.gap)
                };
                return nested.draw(gap, frame, theme, highlights, rows);
            }
            _ => {}
        }
        if self.fresh && self.codes.is_empty() {
            return rows.len();
        }
        self.fresh = true;
        if let Open::Table(table) = &mut self.open {
            let gap = wants_gap(before, false, self.gap);
            table.draw(&self.source, gap, frame, theme, rows);
            return rows.len();
        }
        if let Open::Text(text) = &mut self.open {
            let gap = wants_gap(before, true, self.gap);
            if text.draw(&self.source, gap, frame, theme, rows) {
                return rows.len();
            }
            self.open = Open::Any;
        }
        self.draw_anything(before, frame, theme, highlights);
        self.rows.len()
    }

    /// Parses everything, and draws it.
    fn draw_anything(
        &mut self,
        (mut before, depth): Before<'_>,
        frame: &Frame,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) {
        self.rows.clear();
        let source = mend::mend(&self.source);
        let mut children = parse::blocks(&source, self.within);
        drop(source);
        self.name_codes(&mut children, false);
        let mut pen = Pen {
            theme,
            highlights,
            known: 0,
        };
        let next = frame.going_on();
        for (at, child) in children.iter().enumerate() {
            let gap = if at == 0 { self.gap } else { child.gap };
            let gap = if at == 0 && self.within.list {
                gap
            } else {
                wants_gap((before, depth), child.block.follows_closely(), gap)
            };
            self.rows.extend(gap.then(|| blank(frame)));
            let frame = if at == 0 { frame } else { &next };
            pen.block(&child.block, frame, &mut self.rows);
            before = Some(&child.block);
        }
    }
}
