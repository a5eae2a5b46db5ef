//! Blocks one after the other: those that are finished, and the open rest. It is what a whole text is, and what is within an
//! open quotation or item of a list.
//!
//! Law: the finished blocks are those of the whole source, and each is parsed once, and laid out once for a frame.

use std::ops::Range;

use super::block::Block;
use super::parse::{self, Seam, Within};
use super::part::Part;
use super::scan::Known;
use super::tail::{Open, Tail};
use super::{mend, spoken};
use crate::text::highlight::{CodeId, Highlights};
use crate::text::row::Row;
use crate::text::wrap::Frame;
use crate::theme::Theme;

/// Blocks that grow at their end.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// The finished parts.
    pub(super) parts: Vec<Part>,
    /// How many of them are laid out, from the first one on.
    laid: usize,
    /// Those with code: colours come later.
    coloured: Vec<usize>,
    /// The source behind them.
    pub(super) tail: Tail,
    /// How many open blocks it is within.
    depth: u8,
}

impl Body {
    /// What is within an open block of another one.
    pub(super) fn within(depth: u8) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }

    /// The source that is not finished, to be added to; then it is to be settled.
    pub(super) fn source(&mut self) -> &mut String {
        self.tail.fresh = false;
        &mut self.tail.source
    }

    /// There is no more.
    pub(super) fn finish(&mut self) {
        let end = self.tail.source.len();
        self.take(end);
        self.tail = Tail::default();
    }

    /// Sees to it that there are rows for a frame; says how many. Another frame needs rows to be forgotten before.
    pub(super) fn layout(
        &mut self,
        frame: &Frame,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) -> usize {
        let next = frame.going_on();
        for &at in self.coloured.iter().take_while(|at| **at < self.laid) {
            let frame = if at == 0 { frame } else { &next };
            if let Some(part) = self.parts.get_mut(at)
                && !part.recolour(at > 0, frame, theme, highlights)
            {
                self.laid = at;
                break;
            }
        }
        let mut end = self.end_before(self.laid);
        for (at, part) in self.parts.iter_mut().enumerate().skip(self.laid) {
            let frame = if at == 0 { frame } else { &next };
            end += part.layout(at > 0, frame, theme, highlights);
            part.end = end;
        }
        self.laid = self.parts.len();
        let before = self.parts.last().map(|part| &part.block);
        let frame = if before.is_none() { frame } else { &next };
        end + self
            .tail
            .layout((before, self.depth), frame, theme, highlights)
    }

    /// In which row the parts before this one end.
    fn end_before(&self, part: usize) -> usize {
        let before = part.checked_sub(1).and_then(|at| self.parts.get(at));
        before.map_or(0, |part| part.end)
    }

    /// The rows of the last layout, from one on.
    pub(super) fn rows(&self, from: usize) -> Box<dyn Iterator<Item = &Row> + '_> {
        let first = self.parts.partition_point(|part| part.end <= from);
        let skip = from - self.end_before(first).min(from);
        let parts = self.parts.iter().skip(first);
        let rows = parts.filter_map(|part| part.rows.as_deref()).flatten();
        if first < self.parts.len() {
            Box::new(rows.chain(self.tail.rows(0)).skip(skip))
        } else {
            self.tail.rows(skip)
        }
    }

    /// How many parts are finished.
    pub(super) fn blocks(&self) -> usize {
        self.parts.len()
    }

    /// The rows of some parts, and of the rest if they go on without end.
    pub(super) fn block_rows(&self, blocks: Range<usize>) -> impl Iterator<Item = &Row> {
        let rest = (blocks.end == usize::MAX).then(|| self.tail.rows(0));
        let count = blocks.end.saturating_sub(blocks.start);
        let parts = self.parts.iter().skip(blocks.start).take(count);
        parts
            .filter_map(|part| part.rows.as_deref())
            .flatten()
            .chain(rest.into_iter().flatten())
    }

    /// Some parts as lines to be read aloud, and the rest if they go on without end.
    pub(super) fn spoken(&self, blocks: Range<usize>) -> Vec<String> {
        let mut lines = Vec::new();
        let count = blocks.end.saturating_sub(blocks.start);
        for part in self.parts.iter().skip(blocks.start).take(count) {
            spoken::block(&part.block, &mut lines);
        }
        if blocks.end == usize::MAX {
            let source = mend::mend(&self.tail.source);
            for child in parse::blocks(&source, self.tail.within) {
                spoken::block(&child.block, &mut lines);
            }
        }
        lines
    }

    /// Drops all rows.
    pub(super) fn forget_rows(&mut self) {
        self.laid = 0;
        for part in &mut self.parts {
            part.forget_rows();
        }
        self.tail.forget_rows();
    }

    /// The blocks of code, in order.
    pub(super) fn codes(&self) -> Vec<CodeId> {
        let mut codes = Vec::new();
        for part in &self.parts {
            super::layout::each_code(&part.block, &mut |code| codes.push(code.id));
        }
        codes.extend(self.tail.codes());
        codes
    }

    /// Takes what is finished out of the tail.
    pub(super) fn settle(&mut self) {
        loop {
            if matches!(self.tail.open, Open::NotYet) {
                self.tail.drop_blank_lines();
                self.tail.recognize(self.depth);
            }
            let is_worth_a_search = self.tail.is_worth_a_search();
            let known = match &mut self.tail.open {
                Open::Text(text) => text.look(&self.tail.source),
                Open::Code(code) => code.look(&self.tail.source),
                Open::Table(table) => table.look(&self.tail.source),
                Open::Nested(nested) => nested.look(&self.tail.source),
                Open::NotYet | Open::Any if is_worth_a_search => Known::Else,
                Open::NotYet | Open::Any => return,
            };
            let seam = match (known, &self.tail.open) {
                (Known::Goes, _) => return,
                (Known::Ended(end), _) => Some(Seam::after(end)),
                (Known::Else, Open::NotYet | Open::Any) => {
                    let whole = self.tail.source.get(..self.tail.stable());
                    parse::last_seam(whole.unwrap_or_default(), self.tail.within)
                }
                (Known::Else, _) => {
                    self.tail.give_up();
                    continue;
                }
            };
            match seam {
                Some(seam) => {
                    self.take(seam.at);
                    self.tail.begin(seam);
                }
                None => self.tail.searched = self.tail.stable(),
            }
        }
    }

    /// Makes parts of the tail's beginning.
    fn take(&mut self, end: usize) {
        let source = self.tail.source.get(..end).unwrap_or_default();
        let mut children = parse::blocks(source, self.tail.within);
        self.tail.name_codes(&mut children, true);
        let mut within = std::mem::take(&mut self.tail.within);
        let mut gap = self.tail.gap;
        let code = self.tail.take_code();
        for child in children {
            let before = self.parts.last().map(|part| &part.block);
            let gap = if within.list {
                gap
            } else {
                let blank = std::mem::take(&mut gap) || child.gap;
                wants_gap((before, self.depth), child.block.follows_closely(), blank)
            };
            within = Within::default();
            match child.block {
                Block::List(items) => {
                    for (at, item) in items.into_iter().enumerate() {
                        let gap = if at == 0 { gap } else { item.gap };
                        self.add(Part::new(Block::List(vec![item]), gap));
                    }
                }
                block => self.add(Part::new(block, gap)),
            }
        }
        if let (Some((code, lines, rows)), Some(part)) = (code, self.parts.last_mut()) {
            part.go_on(&code, lines, rows);
        }
    }

    fn add(&mut self, part: Part) {
        if part.has_code {
            self.coloured.push(self.parts.len());
        }
        self.parts.push(part);
    }
}

/// What is before a block, and how many open blocks both are within.
pub(super) type Before<'a> = (Option<&'a Block>, u8);

/// True if there is a blank row between blocks: always, but where text and what belongs to it are written without one; within
/// other blocks only where a line is blank.
pub(super) fn wants_gap((before, depth): Before<'_>, follows_closely: bool, blank: bool) -> bool {
    let close = depth > 0 || before.is_some_and(Block::introduces) && follows_closely;
    before.is_some() && (blank || !close)
}
