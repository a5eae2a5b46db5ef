//! A list to choose from by typing a few letters of what is meant: files, commands, earlier prompts, sessions. Pure; where
//! the items come from and how they are drawn is elsewhere.
//!
//! States: the items, the query, the items that match it in their order, and which one is chosen.
//! Laws: without a query every item matches, in the given order; the chosen item stays chosen while it matches and the
//! query stays, whatever items come and go; after a change of the query the best one is chosen.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use unicode_segmentation::UnicodeSegmentation as _;

/// How many matches are put in order: nobody looks at more.
const ORDERED: usize = 1_000;
/// Of more items the best are first looked for in a hasty way, and then put in order properly.
const EXACT: usize = 5_000;

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is matched and, chosen, written. No two items have the same.
    pub label: Arc<str>,
    /// What it is, beside it.
    pub detail: Arc<str>,
    /// What it takes: the arguments of a command.
    pub hint: Arc<str>,
}

impl Item {
    /// An item with a label only.
    pub fn new(label: impl Into<Arc<str>>) -> Self {
        Self {
            label: label.into(),
            detail: Arc::default(),
            hint: Arc::default(),
        }
    }
}

/// An item that matches.
#[derive(Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The item.
    pub item: &'a Item,
    /// Where it stands among the items.
    pub index: usize,
    /// The bytes of its label that the query was found in.
    pub found: Vec<Range<usize>>,
    /// It is the chosen one.
    pub chosen: bool,
}

/// The list.
pub struct List {
    items: Vec<Item>,
    query: String,
    pattern: Pattern,
    /// The items that match: the best [`ORDERED`] in order, then the others.
    matches: Vec<usize>,
    chosen: usize,
    matcher: RefCell<Matcher>,
}

impl std::fmt::Debug for List {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("List")
            .field("items", &self.items.len())
            .field("matches", &self.matches.len())
            .field("chosen", &self.chosen)
            .finish_non_exhaustive()
    }
}

impl List {
    /// A list of items.
    pub fn new(items: Vec<Item>) -> Self {
        Self::with(items, Config::DEFAULT)
    }

    /// A list of paths, which are matched by their parts.
    pub fn of_paths(items: Vec<Item>) -> Self {
        Self::with(items, Config::DEFAULT.match_paths())
    }

    fn with(items: Vec<Item>, config: Config) -> Self {
        Self {
            matches: (0..items.len()).collect(),
            items,
            query: String::new(),
            pattern: Pattern::default(),
            chosen: 0,
            matcher: RefCell::new(Matcher::new(config)),
        }
    }

    /// What is asked for.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// How many items match.
    pub fn len(&self) -> usize {
        self.matches.len()
    }

    /// Nothing matches.
    pub fn is_empty(&self) -> bool {
        self.matches.is_empty()
    }

    /// Asks for something else.
    pub fn ask(&mut self, query: &str) {
        if query == self.query {
            return;
        }
        // What did not match cannot match more letters, but more may change what a capital letter means.
        let narrower = query.starts_with(&self.query)
            && !self.query.is_empty()
            && !query
                .contains(|character: char| character.is_whitespace() || character.is_uppercase());
        query.clone_into(&mut self.query);
        self.pattern = Pattern::new(
            query,
            CaseMatching::Smart,
            Normalization::Smart,
            AtomKind::Fuzzy,
        );
        let candidates = if narrower {
            std::mem::take(&mut self.matches)
        } else {
            (0..self.items.len()).collect()
        };
        self.rank(candidates);
        self.chosen = 0;
    }

    /// There are other items now.
    pub fn set_items(&mut self, items: Vec<Item>) {
        let kept = self.chosen().map(|item| Arc::clone(&item.label));
        self.items = items;
        self.rank((0..self.items.len()).collect());
        let place = kept.and_then(|label| {
            let is_it = |index: &usize| {
                self.items
                    .get(*index)
                    .is_some_and(|item| item.label == label)
            };
            self.matches.iter().position(is_it)
        });
        self.chosen = place.unwrap_or(self.chosen.min(self.matches.len().saturating_sub(1)));
    }

    fn rank(&mut self, mut candidates: Vec<usize>) {
        if self.query.is_empty() {
            candidates.sort_unstable();
            self.matches = candidates;
            return;
        }
        let matcher = self.matcher.get_mut();
        let hasty = candidates.len() > EXACT;
        let ignore_case = !self.query.contains(char::is_uppercase);
        let (items, pattern) = (&self.items, &self.pattern);
        let mut letters = Vec::new();
        let mut score = |index: usize, hasty: bool| {
            let label = &items.get(index)?.label;
            let text = Utf32Str::new(label, &mut letters);
            let score = if hasty {
                matcher.config.ignore_case = ignore_case;
                matcher.config.normalize = true;
                let words = pattern.atoms.iter();
                let scores = words.map(|word| matcher.fuzzy_match_greedy(text, word.needle_text()));
                scores
                    .map(|score| score.map(u32::from))
                    .sum::<Option<u32>>()
            } else {
                pattern.score(text, matcher)
            };
            Some((u32::MAX - score?, label.len(), index))
        };
        let candidates = candidates.into_iter();
        let mut scored: Vec<_> = candidates.filter_map(|index| score(index, hasty)).collect();
        if scored.len() > ORDERED {
            scored.select_nth_unstable(ORDERED);
        }
        let best = scored.len().min(ORDERED);
        if let Some(best) = scored.get_mut(..best) {
            if hasty {
                for entry in best.iter_mut() {
                    *entry = score(entry.2, false).unwrap_or(*entry);
                }
            }
            best.sort_unstable();
        }
        self.matches = scored.into_iter().map(|(_, _, index)| index).collect();
    }

    /// The first ones of what is found.
    pub fn first(&self, count: usize) -> Vec<&Item> {
        let found = self.matches.iter().take(count);
        found.filter_map(|index| self.items.get(*index)).collect()
    }

    /// The chosen item.
    pub fn chosen(&self) -> Option<&Item> {
        self.items.get(*self.matches.get(self.chosen)?)
    }

    /// Where the chosen item stands among the items.
    pub fn chosen_index(&self) -> Option<usize> {
        self.matches.get(self.chosen).copied()
    }

    /// Which of the matches is chosen.
    pub fn chosen_place(&self) -> usize {
        self.chosen
    }

    /// Chooses another one, so many places further; beyond an end comes the other one.
    pub fn step(&mut self, places: isize) {
        let count = isize::try_from(self.matches.len()).unwrap_or(isize::MAX);
        if count > 0 {
            let place = isize::try_from(self.chosen).unwrap_or_default();
            let place = place.saturating_add(places).rem_euclid(count);
            self.chosen = usize::try_from(place).unwrap_or_default();
        }
    }

    /// Chooses the match at a place, if there is one.
    pub fn choose(&mut self, place: usize) {
        if place < self.matches.len() {
            self.chosen = place;
        }
    }

    /// At most so many matches, the chosen one among them.
    pub fn window(&self, height: usize) -> Vec<Match<'_>> {
        let last = self.matches.len().saturating_sub(height);
        let top = self.chosen.saturating_sub(height / 2).min(last);
        let window = self.matches.iter().enumerate().skip(top).take(height);
        window
            .filter_map(|(place, index)| {
                let item = self.items.get(*index)?;
                Some(Match {
                    item,
                    index: *index,
                    found: self.found(&item.label),
                    chosen: place == self.chosen,
                })
            })
            .collect()
    }

    fn found(&self, label: &str) -> Vec<Range<usize>> {
        let Ok(mut matcher) = self.matcher.try_borrow_mut() else {
            return Vec::new();
        };
        let (mut letters, mut places) = (Vec::new(), Vec::new());
        let text = Utf32Str::new(label, &mut letters);
        if self.query.is_empty()
            || self
                .pattern
                .indices(text, &mut matcher, &mut places)
                .is_none()
        {
            return Vec::new();
        }
        places.sort_unstable();
        places.dedup();
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut places = places.into_iter().peekable();
        // The matcher counts characters in plain text and graphemes in other text.
        for (place, (at, grapheme)) in (0_u32..).zip(label.grapheme_indices(true)) {
            if places.next_if_eq(&place).is_none() {
                continue;
            }
            match found.last_mut() {
                Some(last) if last.end == at => last.end += grapheme.len(),
                _ => found.push(at..at + grapheme.len()),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
