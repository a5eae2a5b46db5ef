//! Looking for words in the whole conversation: the log is read page by page from its beginning, and only what is being looked
//! at is in memory. Pure; who reads is elsewhere.
//!
//! Laws:
//! - what is found is named by the entries' numbers, in their order, and what was found stays found;
//! - an entry is looked at again for as long as something of it may still come;
//! - it counts as searched up to the last page that came, and can go on from there when the log has grown.

use std::collections::BTreeSet;

use betcode_core::event::Event;
use betcode_core::id::Sequence;

use crate::transcript::{Body, Transcript};

/// So many entries stay to be looked at again.
const KEPT: usize = 64;

/// A search.
#[derive(Debug)]
pub struct Seek {
    /// What is looked for.
    words: String,
    wanted: String,
    window: Transcript,
    hits: BTreeSet<Sequence>,
    /// A page has been asked for.
    reading: bool,
    /// Whether to go to the first place that is found, and which way.
    eager: Option<bool>,
}

impl Seek {
    /// Looks for this, and goes to the nearest place before where one looks.
    pub fn new(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            wanted: words.to_lowercase(),
            window: Transcript::default(),
            hits: BTreeSet::new(),
            reading: false,
            eager: None,
        }
    }

    /// What is looked for.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether the text has it.
    pub fn is_in(&self, body: &Body) -> bool {
        super::update::searched(body)
            .to_lowercase()
            .contains(&self.wanted)
    }

    /// The page to be read next, if something is to be read.
    pub fn read(&mut self, head: Sequence) -> Option<Sequence> {
        if self.reading || self.window.to() >= head {
            return None;
        }
        self.reading = true;
        Some(self.window.to())
    }

    /// A page has come that follows on this event. Empty ones say that there is no more.
    pub fn take(&mut self, after: Sequence, events: &[Event]) {
        if !self.reading || after != self.window.to() {
            return;
        }
        self.reading = false;
        if let Some(first) = events.first() {
            let before = first.first_sequence.unwrap_or(first.sequence).0 - 1;
            if before > after.0 {
                // The beginning of the log has been removed.
                self.window = Transcript::after(Sequence(before));
            }
        }
        for event in events {
            self.window.append(event);
        }
        let list = self.window.list();
        let found = list.iter().filter(|entry| self.is_in(&entry.body));
        let found: Vec<Sequence> = found.map(|entry| entry.first).collect();
        self.hits.extend(found);
        self.window.shorten_front(KEPT);
    }

    /// It could not be read.
    pub fn give_up(&mut self) {
        self.reading = false;
        self.eager = None;
    }

    /// It is being looked for.
    pub const fn is_reading(&self) -> bool {
        self.reading
    }

    /// The next place from here, or the one before; beyond an end comes the other one, if that is known.
    pub fn next(&self, from: Sequence, forwards: bool) -> Option<Sequence> {
        if forwards {
            let behind = self.hits.range(Sequence(from.0 + 1)..).next();
            let wrapped = || self.hits.first().filter(|_| !self.reading);
            behind.or_else(wrapped).copied()
        } else {
            let before = self.hits.range(..from).next_back();
            let wrapped = || self.hits.last().filter(|_| !self.reading);
            before.or_else(wrapped).copied()
        }
    }

    /// Goes to a place as soon as one is known.
    pub const fn wish(&mut self, forwards: bool) {
        self.eager = Some(forwards);
    }

    /// Which way to go, once it is known where to.
    pub const fn wished(&mut self) -> Option<bool> {
        if self.reading {
            None
        } else {
            self.eager.take()
        }
    }

    /// What stands before the keys.
    pub fn remark(&self, chosen: Option<Sequence>, head: Sequence) -> String {
        let count = self.hits.len();
        let words: String = self.words.chars().take(20).collect();
        if self.reading {
            let part = self.window.to().0.min(head.0).saturating_mul(100) / head.0.max(1);
            return format!(" {words}: searching … {part}%, {count} so far ");
        }
        let place = chosen
            .filter(|chosen| self.hits.contains(chosen))
            .map(|chosen| self.hits.range(..=chosen).count());
        match (count, place) {
            (0, _) => format!(" {words}: nowhere in this session "),
            (_, Some(place)) => format!(" {words}: {place} of {count} "),
            (1, None) => format!(" {words}: 1 place "),
            (_, None) => format!(" {words}: {count} places "),
        }
    }
}

#[cfg(test)]
mod tests;
