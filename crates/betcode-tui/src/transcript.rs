//! The conversation as far as it is in memory: a window onto the session's log, folded into entries.
//!
//! Laws:
//! - the window covers the events `from..=to` without a gap, and is the same however they came: live, in pages from the front,
//!   in pages from the back, or again after they had been let go;
//! - an entry is named by the number of its first event, for ever, so what is scrolled to stays what it is;
//! - an event counts once: what an entry knows already changes nothing;
//! - the window is bounded: what is far from where somebody looks is let go and read again when it is wanted. It is cut where
//!   nothing goes on from one side to the other.

mod entry;
mod fold;
mod list;
mod trace;

pub use entry::{Body, Entry, Kind, Message, Said, Tool, ToolState, Trace, TraceKind};
pub use list::List;

use std::collections::HashMap;

use betcode_core::event::Event;
use betcode_core::id::{Sequence, ToolCallId};

/// A window of a log.
#[derive(Debug, Default)]
pub struct Transcript {
    list: List,
    /// The number before the first event of the window.
    before: Sequence,
    /// The number of the last event of the window.
    to: Sequence,
    /// Where each call of a tool is: the numbers of the entries that lead to it.
    calls: HashMap<ToolCallId, Vec<Sequence>>,
}

impl Transcript {
    /// An empty window behind this event.
    pub fn after(sequence: Sequence) -> Self {
        Self {
            before: sequence,
            to: sequence,
            ..Self::default()
        }
    }

    /// The entries.
    pub const fn list(&self) -> &List {
        &self.list
    }

    /// The entries, to be laid out or unfolded.
    pub const fn list_mut(&mut self) -> &mut List {
        &mut self.list
    }

    /// The number before the first event of the window.
    pub const fn before(&self) -> Sequence {
        self.before
    }

    /// The number of the last event of the window.
    pub const fn to(&self) -> Sequence {
        self.to
    }

    /// Takes the event if it is the next one. Others are in the window already, or not yet next to it.
    pub fn append(&mut self, event: &Event) -> bool {
        let first = event.first_sequence.unwrap_or(event.sequence);
        if first > self.to.next() || event.sequence <= self.to {
            return false;
        }
        self.to = event.sequence;
        self.apply(event);
        true
    }

    /// Takes the events that come before the window, up to the one next to it. True when they were taken.
    pub fn prepend(&mut self, events: &[Event]) -> bool {
        let Some((first, last)) = events.first().zip(events.last()) else {
            return false;
        };
        if last.sequence != self.before {
            return false;
        }
        let before = Sequence(
            first
                .first_sequence
                .unwrap_or(first.sequence)
                .0
                .saturating_sub(1),
        );
        let mut page = Self::after(before);
        for event in events {
            page.append(event);
        }
        let mut behind = std::mem::take(&mut self.list);
        for orphan in behind.take_orphans(&page.calls) {
            page.adopt(orphan);
        }
        page.list.join(behind);
        self.list = page.list;
        self.before = before;
        self.calls.clear();
        self.list.find_calls(&mut Vec::new(), &mut self.calls);
        true
    }

    /// Lets go of entries at the front, so that about so many are left.
    pub fn shorten_front(&mut self, keep: usize) {
        let Some(cut) = self.list.cut_at_most(self.list.len().saturating_sub(keep)) else {
            return;
        };
        let gone = self.list.split_front(cut);
        if let Some(first) = self.list.first() {
            self.before = Sequence(first.first.0.saturating_sub(1));
        }
        self.forget_calls(&gone);
    }

    /// Lets go of entries at the back, so that about so many are left. What is behind has to be read again.
    pub fn shorten_back(&mut self, keep: usize) {
        let Some(cut) = self.list.cut_at_least(keep) else {
            return;
        };
        let gone = self.list.split_back(cut);
        if let Some(first) = gone.first() {
            self.to = Sequence(first.first.0.saturating_sub(1));
        }
        self.forget_calls(&gone);
    }

    fn forget_calls(&mut self, gone: &List) {
        self.calls
            .retain(|_, path| path.first().is_some_and(|top| gone.place(*top).is_err()));
    }
}

#[cfg(test)]
pub(crate) mod tests;
