//! Which removed line an added one replaces, and which words differ.

use std::ops::Range;

use similar::{ChangeTag, TextDiff};

use super::{Line, Sign};

/// Ranges of a line's bytes.
pub(super) type Words = Vec<Range<usize>>;

/// Longer lines are not compared by words.
const LONGEST: usize = 1000;
/// Lines that have less in common are other lines.
const ALIKE: f32 = 0.5;

/// A run of removed lines and the run of added ones behind it: `lines[removed]`, `lines[added]`.
pub(super) struct Change {
    pub(super) removed: Range<usize>,
    pub(super) added: Range<usize>,
}

/// The change that begins at a line, if one does.
pub(super) fn change_at(lines: &[Line], at: usize) -> Option<Change> {
    let run = |from: usize, sign: Sign| {
        let rest = lines.get(from..).unwrap_or_default();
        from..from + rest.iter().take_while(|line| line.sign == sign).count()
    };
    let removed = run(at, Sign::Removed);
    let added = run(removed.end, Sign::Added);
    (at < added.end).then_some(Change { removed, added })
}

/// Marks the words that differ in lines that replace each other.
pub(super) fn mark_words(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        let Some(change) = change_at(lines, at) else {
            at += 1;
            continue;
        };
        at = change.added.end;
        for (old, new) in change.removed.zip(change.added) {
            let (Some(before), Some(after)) = (lines.get(old), lines.get(new)) else {
                continue;
            };
            let (old_words, new_words) = words(&before.text, &after.text);
            if let Some(line) = lines.get_mut(old) {
                line.words = old_words;
            }
            if let Some(line) = lines.get_mut(new) {
                line.words = new_words;
            }
        }
    }
}

/// The words of each that the other has not; none if the two have little in common.
fn words(old: &str, new: &str) -> (Words, Words) {
    let (mut gone, mut come) = (Words::new(), Words::new());
    if old.len().max(new.len()) > LONGEST {
        return (gone, come);
    }
    let diff = TextDiff::from_words(old, new);
    if diff.ratio() < ALIKE {
        return (gone, come);
    }
    let (mut old_at, mut new_at) = (0, 0);
    for change in diff.iter_all_changes() {
        let length = change.value().len();
        match change.tag() {
            ChangeTag::Equal => {
                old_at += length;
                new_at += length;
            }
            ChangeTag::Delete => {
                join(&mut gone, old_at..old_at + length);
                old_at += length;
            }
            ChangeTag::Insert => {
                join(&mut come, new_at..new_at + length);
                new_at += length;
            }
        }
    }
    (gone, come)
}

fn join(words: &mut Words, word: Range<usize>) {
    match words.last_mut() {
        Some(last) if last.end == word.start => last.end = word.end,
        _ => words.push(word),
    }
}
