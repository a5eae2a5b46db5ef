//! Markdown that grows: pieces go in, rows come out.
//!
//! The text is cut at seams: before a block or a list's item that has begun with a whole line, everything before is
//! finished. A finished part is parsed once and laid out once for a width; only the open rest is parsed again. Seams are
//! where the parse of the parts is the parse of the whole, so how the text came makes no difference to the end result.
//!
//! The machine: *growing* (`push`), *finished* (`finish`; more text is then a new beginning of nothing: it is ignored).
//! Laws: any pieces of a text give the rows of the whole; no row is wider than asked for; no row has a control character.
//!
//! References are seen only within their part, so links name where they lead in their place.

mod block;
mod fence;
mod layout;
mod mend;
mod open_table;
mod paragraph;
mod parse;
mod scan;
mod spoken;
mod table;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use block::{Block, Child, CodeBlock, Inline};
use fence::OpenCode;
use layout::Pen;
use open_table::OpenTable;
use paragraph::OpenText;
use parse::{Seam, Within};
use scan::Known;

use super::highlight::{CodeId, Highlights};
use super::row::Row;
use super::sanitize;
use super::wrap::Frame;
use crate::theme::Theme;

/// Up to here, each new line is a reason to search for a seam.
const SHORT: usize = 4096;

/// A text in markdown.
#[derive(Debug, Default)]
pub struct Markdown {
    stream: sanitize::Stream,
    /// The finished parts.
    parts: Vec<Part>,
    /// The source behind them.
    tail: Tail,
    finished: bool,
    /// What the rows were made for.
    made_for: Option<(u16, u64)>,
}

/// A finished block, or one item of a list.
#[derive(Debug)]
struct Part {
    block: Block,
    gap: bool,
    rows: Option<Vec<Row>>,
    /// How many coloured lines there were.
    known: usize,
    has_code: bool,
}

/// What is not finished.
#[derive(Debug, Default)]
struct Tail {
    source: String,
    within: Within,
    /// There is a blank line before it.
    gap: bool,
    /// How much of it was searched for seams.
    searched: usize,
    /// What it is, where that is known.
    open: Open,
    /// The blocks of code in it, in order.
    codes: Vec<CodeId>,
    rows: Vec<Row>,
    fresh: bool,
}

/// What the tail is: of some blocks only what is new is looked at.
#[derive(Debug, Default)]
enum Open {
    /// Not known yet.
    #[default]
    NotYet,
    /// A block of code.
    Code(OpenCode),
    /// A paragraph.
    Text(OpenText),
    /// A table.
    Table(OpenTable),
    /// Anything: it is parsed as a whole.
    Any,
}

impl Markdown {
    /// A text that has nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A text that is whole.
    pub fn whole(text: &str) -> Self {
        let mut markdown = Self::new();
        markdown.push(text);
        markdown.finish();
        markdown
    }

    /// More of it.
    pub fn push(&mut self, piece: &str) {
        if self.finished {
            return;
        }
        self.stream.push(piece, &mut self.tail.source);
        self.tail.fresh = false;
        self.settle();
    }

    /// There is no more.
    pub fn finish(&mut self) {
        if !std::mem::replace(&mut self.finished, true) {
            let end = self.tail.source.len();
            self.take(end);
            self.tail = Tail::default();
        }
    }

    /// True if nothing will be added.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Sees to it that there are rows for a width; says how many.
    pub fn layout(&mut self, width: u16, theme: &Theme, highlights: &mut dyn Highlights) -> usize {
        let mut hasher = DefaultHasher::new();
        theme.hash(&mut hasher);
        let wanted = (width, hasher.finish());
        if self.made_for != Some(wanted) {
            self.forget_rows();
            self.made_for = Some(wanted);
        }
        let mut count = 0;
        for (at, part) in self.parts.iter_mut().enumerate() {
            count += part.layout(at > 0, width, theme, highlights);
        }
        self.tail
            .layout(self.parts.last(), width, theme, highlights);
        count + self.tail.rows.len()
    }

    /// The rows of the last layout, from one on.
    pub fn rows(&self, from: usize) -> impl Iterator<Item = &Row> {
        let mut skip = from;
        let parts = self.parts.iter().filter_map(|part| part.rows.as_deref());
        parts
            .chain([self.tail.rows.as_slice()])
            .flat_map(move |rows| {
                let left_out = skip.min(rows.len());
                skip -= left_out;
                rows.get(left_out..).unwrap_or_default()
            })
    }

    /// How many blocks are finished: they do not change any more, whatever comes.
    pub fn blocks(&self) -> usize {
        self.parts.len()
    }

    /// The rows of some finished blocks of the last layout; of the rest too, if they go on without end.
    pub fn block_rows(&self, blocks: std::ops::Range<usize>) -> impl Iterator<Item = &Row> {
        let rest = (blocks.end == usize::MAX).then_some(self.tail.rows.as_slice());
        let count = blocks.end.saturating_sub(blocks.start);
        let parts = self.parts.iter().skip(blocks.start).take(count);
        parts
            .filter_map(|part| part.rows.as_deref())
            .chain(rest)
            .flatten()
    }

    /// Some finished blocks as lines to be read aloud; the rest too, if they go on without end. They need no layout.
    pub fn spoken(&self, blocks: std::ops::Range<usize>) -> Vec<String> {
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

    /// Drops all rows, to have the memory.
    pub fn forget_rows(&mut self) {
        self.made_for = None;
        for part in &mut self.parts {
            part.rows = None;
        }
        self.tail.rows = Vec::new();
        self.tail.fresh = false;
        match &mut self.tail.open {
            Open::Code(code) => code.restart(),
            Open::Text(text) => text.restart(),
            Open::Table(_) | Open::NotYet | Open::Any => {}
        }
    }

    /// Takes what is finished out of the tail.
    fn settle(&mut self) {
        loop {
            if matches!(self.tail.open, Open::NotYet) {
                self.drop_blank_lines();
                self.tail.recognize();
            }
            let is_worth_a_search = self.tail.is_worth_a_search();
            let known = match &mut self.tail.open {
                Open::Text(text) => text.look(&self.tail.source),
                Open::Code(code) => code.look(&self.tail.source),
                Open::Table(table) => table.look(&self.tail.source),
                Open::NotYet | Open::Any if is_worth_a_search => Known::Else,
                Open::NotYet | Open::Any => return,
            };
            let seam = match (known, &self.tail.open) {
                (Known::Goes, _) => return,
                (Known::Ended(end), _) => Some(Seam::after(end)),
                (Known::Else, Open::Text(_) | Open::Code(_) | Open::Table(_)) => {
                    self.tail.open = Open::Any;
                    continue;
                }
                (Known::Else, Open::NotYet | Open::Any) => {
                    let whole = self.tail.source.get(..self.tail.stable());
                    parse::last_seam(whole.unwrap_or_default(), self.tail.within)
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

    fn drop_blank_lines(&mut self) {
        let source = &self.tail.source;
        let blank = source.len() - source.trim_start_matches(parse::BLANKS).len();
        let lines = source.get(..blank).and_then(|blank| blank.rfind('\n'));
        if let Some(feed) = lines {
            self.tail.gap = true;
            self.tail.source.drain(..=feed);
            self.tail.searched = self.tail.searched.saturating_sub(feed + 1);
        }
    }

    /// Makes parts of the tail's beginning.
    fn take(&mut self, end: usize) {
        let source = self.tail.source.get(..end).unwrap_or_default();
        let mut children = parse::blocks(source, self.tail.within);
        self.tail.name_codes(&mut children, true);
        let mut within = std::mem::take(&mut self.tail.within);
        let mut gap = self.tail.gap;
        for child in children {
            let before = self.parts.last().map(|part| &part.block);
            let gap = if within.list {
                gap
            } else {
                wants_gap(before, &child.block, std::mem::take(&mut gap) || child.gap)
            };
            within = Within::default();
            match child.block {
                Block::List(items) => {
                    for (at, item) in items.into_iter().enumerate() {
                        let gap = if at == 0 { gap } else { item.gap };
                        self.parts.push(Part::new(Block::List(vec![item]), gap));
                    }
                }
                block => self.parts.push(Part::new(block, gap)),
            }
        }
    }
}

/// True if there is a blank row between blocks: always, but where text and what belongs to it are written without one.
fn wants_gap(before: Option<&Block>, block: &Block, blank: bool) -> bool {
    let close = before.is_some_and(Block::introduces) && block.follows_closely();
    before.is_some() && (blank || !close)
}

impl Part {
    fn new(block: Block, gap: bool) -> Self {
        let mut has_code = false;
        layout::each_code(&block, &mut |_| has_code = true);
        Self {
            block,
            gap,
            rows: None,
            known: 0,
            has_code,
        }
    }

    fn layout(
        &mut self,
        follows: bool,
        width: u16,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) -> usize {
        if let Some(rows) = &self.rows
            && (!self.has_code || layout::known(&self.block, highlights) == self.known)
        {
            return rows.len();
        }
        let mut pen = Pen {
            theme,
            highlights,
            known: 0,
        };
        let mut rows = Vec::new();
        if self.gap && follows {
            rows.push(Row::default());
        }
        pen.block(&self.block, &Frame::plain(width), &mut rows);
        self.known = pen.known;
        rows.shrink_to_fit();
        self.rows.insert(rows).len()
    }
}

impl Tail {
    /// Goes on behind a seam.
    fn begin(&mut self, seam: Seam) {
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

    /// Gives blocks of code the names they have had; those that are taken away take theirs with them.
    fn name_codes(&mut self, children: &mut [Child], take: bool) {
        let ends = self.source.ends_with('\n');
        let mut count = 0;
        for child in &mut *children {
            layout::each_code_mut(&mut child.block, &mut |code| {
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
            layout::each_code_mut(&mut child.block, &mut |code: &mut CodeBlock| {
                if code.text.ends_with('\n') {
                    code.text.pop();
                }
            });
        }
    }

    /// The end of its whole lines.
    fn stable(&self) -> usize {
        self.source.rfind('\n').map_or(0, |feed| feed + 1)
    }

    /// True if there is a new whole line. A block that is long and has no end is searched ever more seldom: where it is cut
    /// makes no difference, how often it is parsed does.
    fn is_worth_a_search(&self) -> bool {
        let patience = if self.searched > SHORT {
            self.searched / 8
        } else {
            0
        };
        self.stable() > self.searched + patience
    }

    /// Sees what it is.
    fn recognize(&mut self) {
        let name = || self.codes.first().copied().unwrap_or_else(CodeId::fresh);
        if self.within.list {
            return;
        }
        if let Some(code) = OpenCode::open(&self.source, name) {
            self.codes = vec![code.id()];
            self.open = Open::Code(code);
        } else if OpenText::begins(&self.source) {
            self.open = Open::Text(OpenText::new());
        } else if let Some(table) = OpenTable::open(&self.source) {
            self.open = Open::Table(table);
        }
    }

    fn layout(
        &mut self,
        before: Option<&Part>,
        width: u16,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) {
        if let Open::Code(code) = &mut self.open {
            code.draw(
                &self.source,
                before.is_some(),
                width,
                theme,
                highlights,
                &mut self.rows,
            );
            return;
        }
        if self.fresh && self.codes.is_empty() {
            return;
        }
        self.fresh = true;
        if let Open::Table(table) = &mut self.open {
            table.draw(&self.source, before.is_some(), width, theme, &mut self.rows);
            return;
        }
        if let Open::Text(text) = &mut self.open {
            let block = Block::Text(Inline::default());
            let gap = wants_gap(before.map(|part| &part.block), &block, self.gap);
            if text.draw(&self.source, gap, width, theme, &mut self.rows) {
                return;
            }
            self.open = Open::Any;
        }
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
        let mut before = before.map(|part| &part.block);
        for (at, child) in children.iter().enumerate() {
            let gap = if at == 0 { self.gap } else { child.gap };
            let gap = if at == 0 && self.within.list {
                gap
            } else {
                wants_gap(before, &child.block, gap)
            };
            if gap {
                self.rows.push(Row::default());
            }
            pen.block(&child.block, &Frame::plain(width), &mut self.rows);
            before = Some(&child.block);
        }
    }
}

#[cfg(test)]
mod tests;
