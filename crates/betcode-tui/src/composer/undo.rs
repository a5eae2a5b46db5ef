//! What was changed, in steps that a person would call one. Not what the changes are made to.
//!
//! States: the steps done, the steps undone, and whether the next change may join the last step.
//! Laws: undoing every step gives the beginning; changes that were said to be one step are undone and done again together; a new change forgets what was undone; no more than [`MOST`] steps are kept.

use std::collections::VecDeque;
use std::ops::Range;

use super::document::{Document, Piece};

/// How many steps are kept.
const MOST: usize = 1_000;

/// One change: what was at a place, and what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) at: usize,
    pub(super) removed: Piece,
    pub(super) inserted: Piece,
    /// Where the cursor was.
    pub(super) cursor: usize,
    /// It is one step with the change before it.
    pub(super) goes_on: bool,
}

/// What kind of change it is: changes of a kind that come one after another are one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Characters typed.
    Typing,
    /// Characters removed before the cursor.
    Erasing,
    /// Everything else: a step of its own.
    #[default]
    Other,
}

/// Whether changes are one step because somebody said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Group {
    #[default]
    None,
    /// The next change is its first.
    Fresh,
    /// The next change is one step with the last one.
    Begun,
}

/// The steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Undo {
    done: VecDeque<Change>,
    undone: Vec<Change>,
    open: Kind,
    group: Group,
}

impl Undo {
    /// The next change is a new step.
    pub(super) fn close(&mut self) {
        self.open = Kind::Other;
        if self.group == Group::Begun {
            self.group = Group::Fresh;
        }
    }

    /// All changes from now on are one step.
    pub(super) fn group(&mut self) {
        self.group = Group::Fresh;
    }

    /// That step has ended.
    pub(super) fn ungroup(&mut self) {
        self.group = Group::None;
    }

    /// A change has been made.
    pub(super) fn record(&mut self, mut change: Change, kind: Kind) {
        self.undone.clear();
        change.goes_on = self.group == Group::Begun;
        if self.group == Group::Fresh {
            self.group = Group::Begun;
        }
        let joined = match (kind, self.done.back_mut()) {
            (_, Some(last)) if kind == self.open => join(last, &change, kind),
            _ => false,
        };
        if !joined {
            self.done.push_back(change);
        }
        if self.done.len() > MOST {
            self.done.pop_front();
        }
        self.open = kind;
    }

    /// Takes the last step back: the cursor's place before it.
    pub(super) fn undo(&mut self, document: &mut Document) -> Option<usize> {
        self.close();
        let mut cursor = None;
        while let Some(change) = self.done.pop_back() {
            let end = change.at + change.inserted.text.len();
            document.splice(change.at..end, change.removed.clone());
            cursor = Some(change.cursor);
            let goes_on = change.goes_on;
            self.undone.push(change);
            if !goes_on {
                break;
            }
        }
        cursor
    }

    /// Does again what was taken back: where it begins, and where it ends.
    pub(super) fn redo(&mut self, document: &mut Document) -> Option<Range<usize>> {
        self.close();
        let mut place: Option<Range<usize>> = None;
        while let Some(change) = self.undone.pop() {
            let end = change.at + change.removed.text.len();
            document.splice(change.at..end, change.inserted.clone());
            let start = place.map_or(change.at, |place| place.start);
            place = Some(start..change.at + change.inserted.text.len());
            self.done.push_back(change);
            if !self.undone.last().is_some_and(|next| next.goes_on) {
                break;
            }
        }
        place
    }
}

/// Adds a change to the step before it where the two are one: typing goes on up to the beginning of the next word.
fn join(last: &mut Change, change: &Change, kind: Kind) -> bool {
    match kind {
        Kind::Typing => {
            let end = last.at + last.inserted.text.len();
            let ends_word = last.inserted.text.ends_with(char::is_whitespace);
            let begins_word = !change.inserted.text.starts_with(char::is_whitespace);
            let goes_on = end == change.at && !(ends_word && begins_word);
            if goes_on {
                last.inserted.push(change.inserted.clone());
            }
            goes_on
        }
        Kind::Erasing => {
            let goes_on = change.at + change.removed.text.len() == last.at
                && last.inserted.text.is_empty()
                && change.inserted.text.is_empty();
            if goes_on {
                let mut removed = change.removed.clone();
                removed.push(std::mem::take(&mut last.removed));
                last.removed = removed;
                last.at = change.at;
            }
            goes_on
        }
        Kind::Other => false,
    }
}
