//! Markdown that grows: pieces go in, rows come out.
//!
//! The text is cut at seams: before a block or a list's item that has begun with a whole line, everything before is
//! finished. A finished part is parsed once and laid out once for a width; only the open rest is parsed again. Seams are
//! where the parse of the parts is the parse of the whole, so how the text came makes no difference to the end result.
//!
//! Of what is open, only the end is looked at again, where it is known what it is: a paragraph, code, a table, or a
//! quotation or an item of a list with any of these in it (`body`, `nested`).
//!
//! The machine: *growing* (`push`), *finished* (`finish`; more text is then a new beginning of nothing: it is ignored).
//! Laws: any pieces of a text give the rows of the whole; no row is wider than asked for; no row has a control character.
//!
//! References are seen only within their part, so links name where they lead in their place.

mod block;
mod body;
mod fence;
mod layout;
mod mend;
mod nested;
mod open_table;
mod paragraph;
mod parse;
mod part;
mod scan;
mod spoken;
mod table;
mod tail;

use body::Body;

use super::highlight::Highlights;
use super::row::Row;
use super::sanitize;
use super::wrap::Frame;
use crate::theme::{MadeFor, Theme};

/// A text in markdown.
#[derive(Debug, Default)]
pub struct Markdown {
    stream: sanitize::Stream,
    body: Body,
    finished: bool,
    /// What the rows were made for.
    made_for: Option<(u16, MadeFor)>,
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
        if !self.finished {
            self.stream.push(piece, self.body.source());
            self.body.settle();
        }
    }

    /// There is no more.
    pub fn finish(&mut self) {
        if !std::mem::replace(&mut self.finished, true) {
            self.body.finish();
        }
    }

    /// True if nothing will be added.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Sees to it that there are rows for a width; says how many.
    pub fn layout(&mut self, width: u16, theme: &Theme, highlights: &mut dyn Highlights) -> usize {
        let wanted = Some((width, theme.made_for()));
        if self.made_for != wanted {
            self.forget_rows();
            self.made_for = wanted;
        }
        self.body.layout(&Frame::plain(width), theme, highlights)
    }

    /// The rows of the last layout, from one on.
    pub fn rows(&self, from: usize) -> impl Iterator<Item = &Row> {
        self.body.rows(from)
    }

    /// How many blocks are finished: they do not change any more, whatever comes.
    pub fn blocks(&self) -> usize {
        self.body.blocks()
    }

    /// The rows of some finished blocks of the last layout; of the rest too, if they go on without end.
    pub fn block_rows(&self, blocks: std::ops::Range<usize>) -> impl Iterator<Item = &Row> {
        self.body.block_rows(blocks)
    }

    /// Some finished blocks as lines to be read aloud; the rest too, if they go on without end. They need no layout.
    pub fn spoken(&self, blocks: std::ops::Range<usize>) -> Vec<String> {
        self.body.spoken(blocks)
    }

    /// Drops all rows, to have the memory.
    pub fn forget_rows(&mut self) {
        self.made_for = None;
        self.body.forget_rows();
    }
}

#[cfg(test)]
mod tests;
