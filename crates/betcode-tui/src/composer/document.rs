//! What is being written: text with chips in it, and where a cursor may stand. Not how it is laid out or undone.
//!
//! A chip (a folded paste, an image) is one character of the text, [`MARK`], and the n-th mark stands for the n-th chip.
//! Text from outside can therefore hold no mark: it becomes the replacement character, which looks and means the same.
//!
//! Laws: there are as many marks as chips; a border is never inside a grapheme, and a chip has one on either side.

use std::ops::Range;
use std::sync::Arc;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

/// The character that stands for a chip.
pub(super) const MARK: char = '\u{fffc}';

/// Something that takes one place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chip {
    /// A long paste, folded.
    Paste(Arc<str>),
    /// Something whose content is kept elsewhere.
    Attachment(Attachment),
}

/// What is sent along with the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// By which its content is found.
    pub id: u64,
    /// Whether it is drawn as an image.
    pub image: bool,
    /// What it is called.
    pub name: Arc<str>,
}

impl Chip {
    /// What is drawn for it.
    pub fn label(&self) -> String {
        match self {
            Self::Paste(text) => {
                let lines = text.lines().count();
                if lines > 1 {
                    format!("[pasted {lines} lines]")
                } else {
                    format!("[pasted {} characters]", text.chars().count())
                }
            }
            Self::Attachment(Attachment { image, name, .. }) => {
                let kind = if *image { "image" } else { "file" };
                format!("[{kind}: {name}]")
            }
        }
    }
}

/// What is sent: text and attachments in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text, with pastes at their places.
    Text(String),
    /// An attachment.
    Attachment(Attachment),
}

/// Text with the chips in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) chips: Vec<Chip>,
}

impl Piece {
    /// Text from outside: one kind of line end, no marks.
    pub(super) fn plain(text: &str) -> Self {
        Self {
            text: normalised(text),
            chips: Vec::new(),
        }
    }

    pub(super) fn chip(chip: Chip) -> Self {
        Self {
            text: MARK.to_string(),
            chips: vec![chip],
        }
    }

    pub(super) fn push(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.chips.extend(other.chips);
    }
}

/// One kind of line end, no marks.
pub(super) fn normalised(text: &str) -> String {
    if !text.contains(['\r', MARK]) {
        return text.to_owned();
    }
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace(MARK, "\u{fffd}")
}

/// The text being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    text: String,
    chips: Vec<Chip>,
}

impl Document {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    fn chips_before(&self, at: usize) -> usize {
        if self.chips.is_empty() {
            return 0;
        }
        self.slice(0..at).matches(MARK).count()
    }

    /// The chip that begins at a border.
    pub(super) fn chip_at(&self, at: usize) -> Option<&Chip> {
        self.slice(at..self.len())
            .starts_with(MARK)
            .then(|| self.chips.get(self.chips_before(at)))
            .flatten()
    }

    /// The folded paste at a place, the nearest one before it, or else the nearest behind it.
    pub(super) fn paste_near(&self, place: usize) -> Option<(usize, Arc<str>)> {
        let marks = self.text.match_indices(MARK).zip(&self.chips);
        let pastes = marks.filter_map(|((at, _), chip)| match chip {
            Chip::Paste(text) => Some((at, text)),
            Chip::Attachment(_) => None,
        });
        let (before, behind): (Vec<_>, Vec<_>) = pastes.partition(|(at, _)| *at <= place);
        let nearest = before.last().or(behind.first());
        nearest.map(|(at, text)| (*at, Arc::clone(text)))
    }

    /// What is in a range.
    pub(super) fn piece(&self, range: Range<usize>) -> Piece {
        let first = self.chips_before(range.start);
        let text = self.slice(range).to_owned();
        let chips = self.chips.iter().skip(first);
        let chips = chips.take(text.matches(MARK).count()).cloned().collect();
        Piece { text, chips }
    }

    /// Replaces a range, and gives what was there.
    pub(super) fn splice(&mut self, range: Range<usize>, with: Piece) -> Piece {
        let first = self.chips_before(range.start);
        let removed = self.slice(range.clone()).to_owned();
        let count = removed.matches(MARK).count();
        let chips = self.chips.splice(first..first + count, with.chips);
        let chips = chips.collect();
        self.text.replace_range(range, &with.text);
        Piece {
            text: removed,
            chips,
        }
    }

    /// What is sent.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut chips = self.chips.iter();
        for (index, stretch) in self.text.split(MARK).enumerate() {
            if index > 0 {
                match chips.next() {
                    Some(Chip::Paste(paste)) => text.push_str(paste),
                    Some(Chip::Attachment(attachment)) => {
                        if !text.is_empty() {
                            parts.push(Part::Text(std::mem::take(&mut text)));
                        }
                        parts.push(Part::Attachment(attachment.clone()));
                    }
                    None => {}
                }
            }
            text.push_str(stretch);
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts
    }

    /// The part of a line without chips around a place.
    fn stretch(&self, at: usize) -> Range<usize> {
        let border = |character: char| character == MARK || character == '\n';
        let from = self.slice(0..at).rfind(border).map_or(0, |found| {
            found + self.text.get(found..).map_or(1, first_length)
        });
        let to = self
            .slice(at..self.len())
            .find(border)
            .map_or(self.len(), |found| at + found);
        from..to
    }

    /// The same place or, inside a grapheme, the end of it.
    pub(super) fn aligned(&self, at: usize) -> usize {
        let mut at = at.min(self.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        let stretch = self.stretch(at);
        let (from, text) = (stretch.start, self.slice(stretch));
        let mut cursor = GraphemeCursor::new(at - from, text.len(), true);
        if cursor.is_boundary(text, 0).unwrap_or(true) {
            return at;
        }
        let next = cursor.next_boundary(text, 0).ok().flatten();
        next.map_or(from + text.len(), |next| from + next)
    }

    /// The border behind this one.
    pub(super) fn next(&self, at: usize) -> usize {
        let rest = self.slice(at..self.len());
        if rest.is_empty() {
            return at;
        }
        if rest.starts_with([MARK, '\n']) {
            return at + first_length(rest);
        }
        let end = rest.find([MARK, '\n']).unwrap_or(rest.len());
        let stretch = rest.get(..end).unwrap_or_default();
        at + stretch.graphemes(true).next().map_or(0, str::len)
    }

    /// The border before this one.
    pub(super) fn previous(&self, at: usize) -> usize {
        let before = self.slice(0..at);
        let Some(last) = before.chars().next_back() else {
            return 0;
        };
        if last == MARK || last == '\n' {
            return at - last.len_utf8();
        }
        let stretch = self.slice(self.stretch(at).start..at);
        at - stretch.graphemes(true).next_back().map_or(0, str::len)
    }

    /// Where the line begins that a place is in.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.slice(0..at).rfind('\n').map_or(0, |found| found + 1)
    }

    /// Where it ends.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.slice(at..self.len());
        rest.find('\n').map_or(self.len(), |found| at + found)
    }

    fn is_word(&self, from: usize, to: usize) -> bool {
        let is_word =
            |character: char| character.is_alphanumeric() || "_\u{fffc}".contains(character);
        self.slice(from..to).chars().next().is_some_and(is_word)
    }

    /// Where the word ends that is here or comes next.
    pub(super) fn word_end(&self, mut at: usize) -> usize {
        let mut inside = false;
        while at < self.len() {
            let next = self.next(at);
            let word = self.is_word(at, next);
            if inside && !word {
                break;
            }
            inside = word;
            at = next;
        }
        at
    }

    /// Where the word begins that is here or came last.
    pub(super) fn word_start(&self, mut at: usize) -> usize {
        let mut inside = false;
        while at > 0 {
            let previous = self.previous(at);
            let word = self.is_word(previous, at);
            if inside && !word {
                break;
            }
            inside = word;
            at = previous;
        }
        at
    }
}

fn first_length(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}
