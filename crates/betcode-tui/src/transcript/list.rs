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
        Self {
            entries: std::mem::replace(&mut self.entries, behind),
            ends: Vec::new(),
        }
    }

    /// Takes the entries from this place on away.
    pub(super) fn split_back(&mut self, place: usize) -> Self {
        Self {
            entries: self.entries.split_off(place.min(self.entries.len())),
            ends: Vec::new(),
        }
    }

    /// A message has ended. Nothing of it need be here.
    pub(super) fn complete(&mut self, id: &str, end: MessageEnd, at: Sequence) {
        let mut any = false;
        for entry in self.open_messages(id) {
            any = true;
            entry.end(end, at);
        }
        if !any {
            self.ends.push((id.to_owned(), end, at));
        }
    }

    /// The newest entry of a message that has not ended, if it is of this kind: a message goes on in it.
    pub(super) fn open_message(&mut self, kind: Kind, id: &str) -> Option<&mut Entry> {
        let newest = self.open_messages(id).next()?;
        let same = matches!(
            (&newest.body, kind),
            (Body::Answer(_), Kind::Text) | (Body::Thinking(_), Kind::Thinking)
        );
        same.then_some(newest)
    }

    /// The entries of a message that have not ended, the newest first.
    pub(super) fn open_messages(&mut self, id: &str) -> impl Iterator<Item = &mut Entry> {
        self.entries
            .iter_mut()
            .rev()
            .filter(move |entry| message(&entry.body).is_some_and(|message| message.is_open(id)))
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
        // What ended without a beginning may have it now, on whichever side.
        let ends = std::mem::take(&mut self.ends);
        for (id, end, at) in ends.into_iter().chain(other.ends) {
            self.complete(&id, end, at);
        }
    }

    /// Parts of messages find what they go on in, from the first to the last: only then is it known what stands between.
    fn mend(&mut self) {
        let mut open: HashMap<String, Vec<usize>> = HashMap::new();
        let mut mended = VecDeque::with_capacity(self.entries.len());
        for entry in std::mem::take(&mut self.entries) {
            let Some(id) = message(&entry.body).map(|message| message.id.clone()) else {
                mended.push_back(entry);
                continue;
            };
            let places = open.entry(id.clone()).or_default();
            let newest = places.last().copied();
            let before = newest.filter(|_| entry.headless);
            let before = before.and_then(|place| mended.get_mut(place));
            let (end, last) = (message(&entry.body).and_then(Message::ended), entry.last);
            if let Some(before) = before.filter(|before: &&mut Entry| before.is_same(&entry)) {
                before.absorb(entry);
            } else {
                places.push(mended.len());
                mended.push_back(entry);
            }
            if let Some((id, end)) = end {
                for place in open.remove(&id).unwrap_or_default() {
                    let earlier = mended.get_mut(place);
                    let is_open = |it: &&mut Entry| {
                        message(&it.body).is_some_and(|message| message.end().is_none())
                    };
                    if let Some(earlier) = earlier.filter(is_open) {
                        earlier.end(end, last);
                    }
                }
            }
        }
        self.entries = mended;
    }

    /// Puts an entry into its place.
    fn insert(&mut self, entry: Entry) {
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

fn message(body: &Body) -> Option<&Message> {
    match body {
        Body::Answer(message) | Body::Thinking(message) => Some(message),
        Body::User(_) | Body::Tool(_) | Body::Trace(_) => None,
    }
}
