//! What markdown is made of, parsed and not laid out: independent of width and theme.

use std::sync::Arc;

use pulldown_cmark::Alignment;

use crate::text::highlight::CodeId;
use crate::text::link;

/// Marks of a stretch of text, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    pub(super) const STRONG: Self = Self(1);
    pub(super) const EMPHASIS: Self = Self(2);
    pub(super) const STRIKE: Self = Self(4);
    pub(super) const CODE: Self = Self(8);
    pub(super) const FAINT: Self = Self(16);

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A stretch of text of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it ends in the text.
    pub(super) end: usize,
    pub(super) marks: Marks,
    pub(super) link: Option<Arc<str>>,
}

/// Text with its stretches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inline {
    pub(super) text: String,
    pub(super) pieces: Vec<Piece>,
}

impl Inline {
    pub(super) fn push(&mut self, text: &str, marks: Marks, link: Option<&Arc<str>>) {
        if text.is_empty() {
            return;
        }
        self.text.push_str(text);
        let end = self.text.len();
        match self.pieces.last_mut() {
            Some(last) if last.marks == marks && last.link.as_ref() == link => last.end = end,
            _ => self.pieces.push(Piece {
                end,
                marks,
                link: link.cloned(),
            }),
        }
    }

    /// Adds another text behind it.
    pub(super) fn append(&mut self, other: &Self) {
        for (text, piece) in other.parts() {
            self.push(text, piece.marks, piece.link.as_ref());
        }
    }

    /// What is behind so many bytes.
    pub(super) fn from(&self, at: usize) -> Self {
        let mut rest = Self::default();
        let mut from = 0;
        for (text, piece) in self.parts() {
            let text = text.get(at.saturating_sub(from)..).unwrap_or_default();
            rest.push(text, piece.marks, piece.link.as_ref());
            from = piece.end;
        }
        rest
    }

    /// Makes links of addresses that stand in the text without marks.
    pub(super) fn with_bare_links(self) -> Self {
        if !self.text.contains("http") {
            return self;
        }
        let mut linked = Self::default();
        for (mut text, piece) in self.parts() {
            let open = piece.link.is_none()
                && !piece.marks.has(Marks::CODE)
                && !piece.marks.has(Marks::FAINT);
            while open && let Some(at) = link::bare(text) {
                let (address, behind) = (text.get(at.clone()), text.get(at.end..));
                let (address, before) = (address.unwrap_or_default(), text.get(..at.start));
                linked.push(before.unwrap_or_default(), piece.marks, None);
                linked.push(address, piece.marks, link::safe(address).as_ref());
                text = behind.unwrap_or_default();
            }
            linked.push(text, piece.marks, piece.link.as_ref());
        }
        linked
    }

    /// The stretches with their text.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, &Piece)> {
        let mut from = 0;
        self.pieces.iter().map(move |piece| {
            let text = self.text.get(from..piece.end).unwrap_or_default();
            from = piece.end;
            (text, piece)
        })
    }
}

/// One block.
#[derive(Debug, Clone)]
pub(super) enum Block {
    Text(Inline),
    Heading(Inline),
    Code(CodeBlock),
    Quote(Vec<Child>),
    List(Vec<Item>),
    Table(Table),
    Rule,
    /// Lines shown as they are.
    Raw(String),
}

impl Block {
    /// True if a list may follow without a blank row.
    pub(super) fn introduces(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Heading(_))
    }

    /// True if it may follow text without a blank row.
    pub(super) fn follows_closely(&self) -> bool {
        matches!(self, Self::Text(_) | Self::List(_))
    }
}

/// A block among others.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) block: Block,
    /// There is a blank line before it.
    pub(super) gap: bool,
}

/// One item of a list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its number, bullet or box.
    pub(super) marker: String,
    /// There is a blank line before it.
    pub(super) gap: bool,
    pub(super) children: Vec<Child>,
}

/// A block of code.
#[derive(Debug, Clone)]
pub(super) struct CodeBlock {
    pub(super) id: CodeId,
    pub(super) language: String,
    pub(super) text: String,
    pub(super) whole: bool,
}

/// A table; each row has as many cells as the header.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) alignments: Vec<Alignment>,
    pub(super) header: Vec<Inline>,
    pub(super) rows: Vec<Vec<Inline>>,
    /// Rows that are not kept.
    pub(super) more: usize,
}
