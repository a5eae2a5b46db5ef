//! Which lines of a transcript belong to its conversation. Lines form a tree: whoever goes back and says something else begins
//! another branch, and the file keeps both.
//!
//! What was measured (2.1.330): a conversation goes on from the newest line below the one that the last `last-prompt` line
//! names, and without such a line from the newest one of all. Calls of tools that run side by side hang below each other, and
//! their results below their own calls, so that all but one of those are beside the way from the end to the beginning.
//! A compaction begins a new tree and names where it goes on from.

use std::collections::HashMap;

/// No line.
const NONE: u32 = u32::MAX;

/// What an entry is to the branch that it is on or beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A message of the user.
    Prompt,
    /// A part of a message of the model.
    Answer,
    /// Results of tools.
    Results,
    /// Anything else.
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Which line of the file.
    line: u32,
    /// Which entry comes before it.
    parent: u32,
    class: Class,
    /// Its message, for parts of one.
    message: u64,
}

/// The tree as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: Vec<Entry>,
    known: HashMap<u128, u32>,
    /// The entry that the last word about it names.
    named: Option<u128>,
}

/// What a line says of its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) line: u32,
    pub(super) id: &'a str,
    pub(super) parent: Option<&'a str>,
    pub(super) class: Class,
    pub(super) message: Option<&'a str>,
}

/// The lines of the conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Branch {
    lines: Vec<u64>,
    /// Messages of the user.
    pub(super) prompts: u64,
    /// Messages of the model.
    pub(super) answers: u64,
}

impl Branch {
    pub(super) fn has(&self, line: u32) -> bool {
        let word = self.lines.get(line as usize / 64);
        word.is_some_and(|word| word >> (line % 64) & 1 == 1)
    }

    fn add(&mut self, line: u32) {
        let at = line as usize / 64;
        if self.lines.len() <= at {
            self.lines.resize(at + 1, 0);
        }
        if let Some(word) = self.lines.get_mut(at) {
            *word |= 1 << (line % 64);
        }
    }
}

impl Tree {
    /// Adds a line. One whose id was there before is a copy and does not count.
    pub(super) fn add(&mut self, place: Place<'_>) {
        let Ok(index) = u32::try_from(self.entries.len()) else {
            return;
        };
        let id = hash(place.id);
        if self.known.contains_key(&id) {
            return;
        }
        let parent = match place.parent {
            None => NONE,
            // A line that was lost leaves a gap, not an end.
            Some(parent) => self
                .known
                .get(&hash(parent))
                .copied()
                .unwrap_or_else(|| index.checked_sub(1).unwrap_or(NONE)),
        };
        self.known.insert(id, index);
        self.entries.push(Entry {
            line: place.line,
            parent,
            class: place.class,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "half of a hash is enough to tell neighbours apart"
            )]
            message: place.message.map_or(0, |message| hash(message) as u64),
        });
    }

    /// Takes note of what the file says is its end.
    pub(super) fn name(&mut self, id: &str) {
        self.named = Some(hash(id));
    }

    /// True when an entry has this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.known.contains_key(&hash(id))
    }

    /// The conversation.
    pub(super) fn branch(&self) -> Branch {
        let mut on = vec![false; self.entries.len()];
        let mut at = self.leaf();
        while let Some(entry) = self.entries.get(at as usize) {
            if let Some(on) = on.get_mut(at as usize) {
                *on = true;
            }
            at = entry.parent;
        }
        self.take_in_what_is_beside(&mut on);
        let mut branch = Branch::default();
        let mut message = 0;
        for (entry, _) in self.entries.iter().zip(on).filter(|(_, on)| *on) {
            branch.add(entry.line);
            match entry.class {
                Class::Prompt => branch.prompts += 1,
                Class::Answer if entry.message != message || message == 0 => {
                    branch.answers += 1;
                    message = entry.message;
                }
                Class::Answer | Class::Results | Class::Other => {}
            }
        }
        branch
    }

    /// The newest entry at or below the named one.
    fn leaf(&self) -> u32 {
        let last = u32::try_from(self.entries.len())
            .ok()
            .and_then(|count| count.checked_sub(1))
            .unwrap_or(NONE);
        let Some(named) = self.named.and_then(|named| self.known.get(&named)) else {
            return last;
        };
        let mut below = vec![false; self.entries.len()];
        let mut leaf = *named;
        for (index, entry) in (0_u32..).zip(&self.entries) {
            // What comes before an entry stands before it.
            let is_below = index == *named || below.get(entry.parent as usize) == Some(&true);
            if let (true, Some(place)) = (is_below, below.get_mut(index as usize)) {
                *place = true;
                leaf = index;
            }
        }
        leaf
    }

    /// Results of calls that are on the branch, and the other parts of messages of which one is.
    fn take_in_what_is_beside(&self, on: &mut [bool]) {
        let answers = |on: &[bool]| -> std::collections::HashSet<u64> {
            let marked = self.entries.iter().zip(on);
            marked
                .filter(|(entry, on)| **on && entry.class == Class::Answer && entry.message != 0)
                .map(|(entry, _)| entry.message)
                .collect()
        };
        let messages = answers(on);
        for index in 0..self.entries.len() {
            let Some(entry) = self.entries.get(index) else {
                continue;
            };
            let beside = match entry.class {
                Class::Answer => messages.contains(&entry.message),
                Class::Results => {
                    let call = self.entries.get(entry.parent as usize);
                    call.is_some_and(|call| call.class == Class::Answer)
                        && on.get(entry.parent as usize) == Some(&true)
                }
                Class::Prompt | Class::Other => false,
            };
            if let (true, Some(place)) = (beside, on.get_mut(index)) {
                *place = true;
            }
        }
    }
}

/// A hash of any text (FNV-1a), so that an id of any form takes the same room.
fn hash(text: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `id<parent` with `p`, `a` or `r` in front for the class.
    fn tree(entries: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for (line, entry) in (0_u32..).zip(entries) {
            let (class, rest) = entry.split_at(1);
            let (id, parent) = rest.split_once('<').unwrap();
            tree.add(Place {
                line,
                id,
                parent: Some(parent).filter(|parent| !parent.is_empty()),
                class: match class {
                    "p" => Class::Prompt,
                    "a" => Class::Answer,
                    "r" => Class::Results,
                    _ => Class::Other,
                },
                message: Some(&id[..1]).filter(|_| class == "a"),
            });
        }
        tree
    }

    fn lines(tree: &Tree) -> Vec<u32> {
        let branch = tree.branch();
        (0..100).filter(|line| branch.has(*line)).collect()
    }

    #[test]
    fn the_newest_branch_counts_and_the_one_that_was_left_does_not() {
        let tree = tree(&["p1<", "aA<1", "p2<A", "aB<2", "p3<A", "aC<3"]);
        assert_eq!(lines(&tree), [0, 1, 4, 5]);
        let branch = tree.branch();
        assert_eq!((branch.prompts, branch.answers), (2, 2));
    }

    #[test]
    fn what_the_file_names_as_its_end_decides_with_all_that_came_below_it_later() {
        let mut tree = tree(&["p1<", "aA<1", "p2<A", "aB<2", "p3<A", "aC<3"]);
        tree.name("B");
        assert_eq!(lines(&tree), [0, 1, 2, 3]);
        tree.name("A");
        assert_eq!(lines(&tree), [0, 1, 4, 5]);
        tree.name("nobody");
        assert_eq!(lines(&tree), [0, 1, 4, 5]);
    }

    #[test]
    fn results_of_calls_side_by_side_all_count() {
        let tree = tree(&["p1<", "aA1<1", "aA2<A1", "rx<A1", "ry<A2", "aB<y"]);
        assert_eq!(lines(&tree), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_lost_line_leaves_a_gap_and_a_copy_is_no_second_one() {
        let tree = tree(&["p1<", "aA<1", "p2<lost", "aA<2", "aB<2"]);
        assert_eq!(lines(&tree), [0, 1, 2, 4]);
    }

    #[test]
    fn an_entry_that_names_itself_or_a_later_one_ends_nowhere_worse_than_before_it() {
        let tree = tree(&["p1<1", "aA<B", "aB<A"]);
        assert_eq!(lines(&tree), [0, 1, 2]);
        assert_eq!(lines(&Tree::default()), Vec::<u32>::new());
    }
}
