//! Entries in the order of their numbers: those of the conversation, or those of a sub-agent inside one.

use std::collections::{HashMap, HashSet, VecDeque};

use betcode_core::event::MessageEnd;
use betcode_core::id::{Sequence, ToolCallId};

use super::entry::{Body, Entry, Kind, Message};

/// Entries in their order.
#[derive(Debug, Default)]
pub struct List {
    entries: VecDeque<Entry>,
    /// How messages ended of which nothing else is here: their text may be before the window.
    ends: Vec<(String, MessageEnd, Sequence)>,
    /// The names of messages that had not ended when they came, in their order: nobody looks through a long list for them.
    open: Vec<Sequence>,
}

impl List {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The one at this place.
    pub fn at(&self, place: usize) -> Option<&Entry> {
        self.entries.get(place)
    }

    /// The one at this place, to be laid out or unfolded.
    pub fn at_mut(&mut self, place: usize) -> Option<&mut Entry> {
        self.entries.get_mut(place)
    }

    /// The first one.
    pub fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    /// All.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// All, to be laid out or unfolded.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Entry> + ExactSizeIterator {
        self.entries.iter_mut()
    }

    /// The place of the entry with this name, or where it would be.
    pub fn place(&self, name: Sequence) -> Result<usize, usize> {
        self.entries
            .binary_search_by_key(&name, |entry| entry.first)
    }

    /// The entry with this name.
    pub fn get(&self, name: Sequence) -> Option<&Entry> {
        self.entries.get(self.place(name).ok()?)
    }

    /// The entry with this name, to be changed.
    pub fn get_mut(&mut self, name: Sequence) -> Option<&mut Entry> {
        let place = self.place(name).ok()?;
        self.entries.get_mut(place)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        if is_open(&entry) {
            self.open.push(entry.first);
        }
        self.entries.push_back(entry);
    }

    /// The last place up to this one where nothing goes on from before it to behind it.
    pub(super) fn cut_at_most(&self, place: usize) -> Option<usize> {
        self.cuts().take_while(|cut| *cut <= place).last()
    }

    /// The first such place from this one on.
    pub(super) fn cut_at_least(&self, place: usize) -> Option<usize> {
        self.cuts().find(|cut| *cut >= place)
    }

    fn cuts(&self) -> impl Iterator<Item = usize> {
        let behind = self.entries.iter().skip(1);
        let reach = self.entries.iter().scan(Sequence(0), |reach, entry| {
            *reach = entry.last.max(*reach);
            Some(*reach)
        });
        let places = reach.zip(behind).enumerate();
        places.filter_map(|(place, (reach, next))| (reach < next.first).then_some(place + 1))
    }

    /// Takes the entries before this place away.
    pub(super) fn split_front(&mut self, place: usize) -> Self {
        let behind = self.entries.split_off(place.min(self.entries.len()));
        self.ends.clear();
        let front = std::mem::replace(&mut self.entries, behind);
        self.find_open();
        Self::of(front)
    }

    /// Takes the entries from this place on away.
    pub(super) fn split_back(&mut self, place: usize) -> Self {
        let behind = self.entries.split_off(place.min(self.entries.len()));
        self.find_open();
        Self::of(behind)
    }

    fn of(entries: VecDeque<Entry>) -> Self {
        let mut list = Self {
            entries,
            ..Self::default()
        };
        list.find_open();
        list
    }

    fn find_open(&mut self) {
        let open = self.entries.iter().filter(|entry| is_open(entry));
        self.open = open.map(|entry| entry.first).collect();
    }

    /// A message has ended. Nothing of it need be here.
    pub(super) fn complete(&mut self, id: &str, end: MessageEnd, at: Sequence) {
        let places: Vec<usize> = self.open_messages(id).collect();
        if places.is_empty() {
            self.ends.push((id.to_owned(), end, at));
        }
        for place in places {
            if let Some(entry) = self.entries.get_mut(place) {
                entry.end(end, at);
            }
        }
        let entries = &self.entries;
        self.open.retain(|name| {
            let place = entries.binary_search_by_key(name, |entry| entry.first);
            place.is_ok_and(|place| entries.get(place).is_some_and(is_open))
        });
    }

    /// The newest entry of a message that has not ended, if it is of this kind: a message goes on in it.
    pub(super) fn open_message(&mut self, kind: Kind, id: &str) -> Option<&mut Entry> {
        let newest = self.open_messages(id).next()?;
        let newest = self.entries.get_mut(newest)?;
        let same = matches!(
            (&newest.body, kind),
            (Body::Answer(_), Kind::Text) | (Body::Thinking(_), Kind::Thinking)
        );
        same.then_some(newest)
    }

    /// The places of a message's entries that have not ended, the newest first.
    pub(super) fn open_messages(&self, id: &str) -> impl Iterator<Item = usize> {
        let places = self.open.iter().rev().map(|name| self.place(*name));
        places.filter_map(Result::ok).filter(move |place| {
            let entry = self.entries.get(*place);
            entry
                .and_then(|entry| message(&entry.body))
                .is_some_and(|message| message.is_open(id))
        })
    }

    /// Puts what comes from another part of the log where it belongs. What has its beginning here and its end there becomes one.
    pub(super) fn join(&mut self, other: Self) {
        // A long list is not searched for each entry of another one.
        let mut calls: HashSet<ToolCallId> =
            self.entries.iter().filter_map(call).cloned().collect();
        for entry in other.entries {
            let is_known = call(&entry).is_some_and(|id| !calls.insert(id.clone()));
            let same = is_known
                .then(|| self.entries.iter().rposition(|it| it.is_same(&entry)))
                .flatten();
            let (first, second) = match same.and_then(|place| self.entries.remove(place)) {
                // What came of it later may have been here before its beginning.
                Some(same) if same.first > entry.first => (entry, Some(same)),
                Some(same) => (same, Some(entry)),
                None => (entry, None),
            };
            let mut whole = first;
            if let Some(second) = second {
                whole.absorb(second);
            }
            self.insert(whole);
        }
        self.mend();
        self.find_open();
        // What ended without a beginning may have it now, on whichever side.
        let ends = std::mem::take(&mut self.ends);
        for (id, end, at) in ends.into_iter().chain(other.ends) {
            self.complete(&id, end, at);
        }
    }

    /// Parts of messages find what they go on in, from the first to the last: only then is it known what stands between. Those
    /// that are whole are left alone.
    fn mend(&mut self) {
        let mut parts: HashMap<String, Vec<usize>> = HashMap::new();
        for entry in &self.entries {
            let part =
                message(&entry.body).filter(|message| entry.headless || message.end().is_none());
            if let Some(message) = part {
                parts.entry(message.id.clone()).or_default();
            }
        }
        if parts.is_empty() {
            return;
        }
        let places = self.entries.iter().enumerate().filter(|(_, entry)| {
            message(&entry.body).is_some_and(|message| parts.contains_key(&message.id))
        });
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        let mut gone = 0;
        for place in places {
            if self.mend_at(place - gone, &mut parts) {
                gone += 1;
            }
        }
    }

    /// The entry at this place finds what it goes on in, and what ends with it. True if it has gone into another one.
    fn mend_at(&mut self, place: usize, parts: &mut HashMap<String, Vec<usize>>) -> bool {
        let Some(entry) = self.entries.get(place) else {
            return false;
        };
        let Some(part) = message(&entry.body) else {
            return false;
        };
        let (end, last) = (part.end(), entry.last);
        let earlier = parts.entry(part.id.clone()).or_default();
        let before = earlier.last().copied().filter(|_| entry.headless);
        let before = before.filter(|before| {
            let before = self.entries.get(*before);
            before.is_some_and(|before| before.is_same(entry))
        });
        if let Some(before) = before {
            let later = self.entries.remove(place);
            if let Some((before, later)) = self.entries.get_mut(before).zip(later) {
                before.absorb(later);
            }
        } else {
            earlier.push(place);
        }
        if let Some(end) = end {
            for place in std::mem::take(earlier) {
                let earlier = self.entries.get_mut(place);
                if let Some(earlier) = earlier.filter(|earlier| is_open(earlier)) {
                    earlier.end(end, last);
                }
            }
        }
        before.is_some()
    }

    /// Puts an entry into its place.
    fn insert(&mut self, entry: Entry) {
        let last = self.entries.back().map(|last| last.first);
        if last.is_none_or(|last| last <= entry.first) {
            self.entries.push_back(entry);
            return;
        }
        let place = self
            .entries
            .partition_point(|other| other.first <= entry.first);
        self.entries.insert(place, entry);
    }

    /// Takes the calls away whose beginnings are among these.
    pub(super) fn take_orphans(
        &mut self,
        calls: &HashMap<ToolCallId, Vec<Sequence>>,
    ) -> Vec<Entry> {
        let is_orphan = |entry: &Entry| match &entry.body {
            Body::Tool(tool) => entry.headless && calls.contains_key(&tool.id),
            _ => false,
        };
        if !self.entries.iter().any(is_orphan) {
            return Vec::new();
        }
        let (orphans, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(is_orphan);
        self.entries = rest;
        orphans.into()
    }

    /// Where the calls of tools are, those of sub-agents included.
    pub(super) fn find_calls(
        &self,
        path: &mut Vec<Sequence>,
        calls: &mut HashMap<ToolCallId, Vec<Sequence>>,
    ) {
        for entry in &self.entries {
            if let Body::Tool(tool) = &entry.body {
                path.push(entry.first);
                calls.insert(tool.id.clone(), path.clone());
                tool.children.find_calls(path, calls);
                path.pop();
            }
        }
    }
}

/// The call that an entry is.
fn call(entry: &Entry) -> Option<&ToolCallId> {
    match &entry.body {
        Body::Tool(tool) => Some(&tool.id),
        _ => None,
    }
}

/// True for a message that has not ended.
fn is_open(entry: &Entry) -> bool {
    message(&entry.body).is_some_and(|message| message.end().is_none())
}

fn message(body: &Body) -> Option<&Message> {
    match body {
        Body::Answer(message) | Body::Thinking(message) => Some(message),
        Body::User(_) | Body::Tool(_) | Body::Trace(_) => None,
    }
}
