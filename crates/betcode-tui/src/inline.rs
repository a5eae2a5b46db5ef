//! How far the conversation has been printed into the terminal's own scrollback. What is printed stays there as it is, so
//! an entry is printed when neither it nor anything before it changes any more; of a long text that still comes, the
//! blocks that are finished. Not here: rows and what is drawn below (see [`crate::view::inline`]).
//!
//! States: *waiting* for the end of a conversation that is there already, or *begun*; in a session a [`Cursor`]: the last
//! entry that is wholly printed, how many blocks of the next one are, and what was printed as it stood.
//! Laws:
//! - every entry of a session is printed once and in order, whatever comes: events, other sizes, other sessions meanwhile,
//!   a connection that is lost;
//! - a part of an entry is never printed behind a part of a later one.

use std::collections::HashMap;

use betcode_core::id::{Sequence, SessionId};

/// How far the sessions that were open have been printed.
#[derive(Debug, Default)]
pub struct Inline {
    /// The session that is open.
    pub(crate) cursor: Cursor,
    /// Sessions that were open before.
    left: HashMap<SessionId, Cursor>,
    /// Its end is known, so that printing has begun.
    pub(crate) begun: bool,
    /// What is to be said before anything else.
    pub(crate) divider: Option<Divider>,
    /// What was printed last; none at the beginning.
    pub(crate) last: Option<Last>,
}

/// Why there is a line across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Divider {
    /// Another session is open now.
    Session,
    /// The log of this one was begun anew.
    Anew,
}

/// What was printed last: it says whether a blank row comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// A call of a tool: calls stand close together.
    Tool,
    /// Anything else.
    Other,
}

/// How far a session has been printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// It is known where printing begins.
    pub(crate) begun: bool,
    /// The last entry that is wholly printed.
    pub printed: Sequence,
    /// The next one, and how many blocks of it are printed.
    open: Option<(Sequence, usize)>,
    /// Entries that were printed as they stood, and how many blocks of them.
    standing: Vec<(Sequence, usize)>,
}

/// How far an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It does not change any more.
    Whole,
    /// So many blocks at its beginning do not.
    Growing(usize),
    /// It has not ended, but nothing waits for its end: it is printed as it stands with so many finished blocks, and
    /// what comes of it afterwards when it ends.
    Standing(usize),
}

/// A part of an entry that is to be printed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion {
    /// Blocks before this one are printed.
    pub from: usize,
    /// Up to this block; none for everything.
    pub to: Option<usize>,
}

impl Cursor {
    /// Takes the next entry behind what is printed, and says what of it is to be printed now. What comes behind it may be
    /// printed only if it is wholly printed then.
    pub fn take(&mut self, name: Sequence, stage: Stage) -> Option<Portion> {
        if name <= self.printed {
            return None;
        }
        let from = self.blocks(name);
        let to = match stage {
            Stage::Growing(blocks) => {
                let more = blocks > from;
                if more {
                    self.open = Some((name, blocks));
                }
                return more.then_some(Portion {
                    from,
                    to: Some(blocks),
                });
            }
            Stage::Standing(blocks) => {
                self.standing.push((name, blocks));
                None
            }
            Stage::Whole => None,
        };
        self.skip(name);
        Some(Portion { from, to })
    }

    /// How many blocks of the entry behind what is printed are.
    pub fn blocks(&self, name: Sequence) -> usize {
        match self.open {
            Some((open, blocks)) if open == name => blocks,
            _ => 0,
        }
    }

    /// Whether something of this entry is printed.
    pub(crate) fn has_begun(&self, name: Sequence) -> bool {
        self.blocks(name) > 0
    }

    /// This entry and all before it count as printed.
    pub fn skip(&mut self, name: Sequence) {
        self.printed = self.printed.max(name);
        self.open = None;
    }

    /// The entries that were printed before their end.
    pub(crate) fn standing(&self) -> Vec<Sequence> {
        self.standing.iter().map(|(name, _)| *name).collect()
    }

    /// An entry that was printed before its end has ended: what of it is to be printed.
    pub(crate) fn ended(&mut self, name: Sequence) -> Option<Portion> {
        let place = self
            .standing
            .iter()
            .position(|(standing, _)| *standing == name)?;
        let (_, from) = self.standing.remove(place);
        Some(Portion { from, to: None })
    }
}

impl Inline {
    /// Another session takes the place of this one. Of one that was open before, only what is new will be printed.
    pub fn switch(&mut self, from: SessionId, to: SessionId) {
        self.left.insert(from, std::mem::take(&mut self.cursor));
        self.cursor = self.left.remove(&to).unwrap_or_default();
        self.begun = false;
        self.divider = Some(Divider::Session);
    }

    /// The log of the session begins anew: names mean other entries now.
    pub fn begin_anew(&mut self) {
        self.cursor = Cursor::default();
        self.divider = Some(Divider::Anew);
    }
}

#[cfg(test)]
mod tests;
