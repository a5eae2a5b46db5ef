//! From change to change: where the next one begins, below or above what is seen. Only entries with changes are laid out on
//! the way.

use betcode_core::id::Sequence;

use crate::model::{Look, Step};
use crate::transcript::Body;

use super::{At, Pages};

/// So many rows are seen above a change that was gone to.
const ABOVE: usize = 1;

/// A change of a file in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// What is at the top then.
    pub(super) top: At,
    /// The entry it is in.
    pub(super) entry: Sequence,
    /// Which of its changes it is.
    pub(super) index: usize,
}

impl Pages<'_> {
    /// The next change from the one that was gone to last, or from what is at the top.
    pub(super) fn change(&mut self, step: Step, top: At, look: &Look) -> Option<Found> {
        let gone_to = look.change.and_then(|(name, index)| {
            let place = self.list.place(name).ok()?;
            look.visible.contains(&place).then_some((place, index))
        });
        let (place, index) = match (gone_to, step) {
            (Some((place, index)), Step::Next) => (place, index + 1),
            (Some((place, index)), Step::Previous) => (place, index),
            (None, _) => (top.0, self.above(top)),
        };
        match step {
            Step::Next => {
                let here = self.changes(place).and_then(|count| {
                    let is_there = index < count;
                    is_there.then_some((place, index))
                });
                let mut behind = place + 1..self.list.len();
                here.or_else(|| {
                    behind
                        .find_map(|place| Some((place, self.changes(place)?)))
                        .map(|(place, _)| (place, 0))
                })
            }
            Step::Previous => {
                let here = index.checked_sub(1).map(|index| (place, index));
                let mut before = (0..place).rev();
                here.or_else(|| {
                    let found = before.find_map(|place| Some((place, self.changes(place)?)));
                    found.map(|(place, count)| (place, count - 1))
                })
            }
        }
        .and_then(|(place, index)| self.found(place, index))
    }

    /// How many changes an entry shows; none, when it shows none.
    fn changes(&mut self, place: usize) -> Option<usize> {
        let is_change = |body: &Body| matches!(body, Body::Tool(tool) if !tool.diff.is_empty());
        self.list.at(place).filter(|entry| is_change(&entry.body))?;
        self.height(place);
        let count = self.list.at(place)?.drawn.hunks().len();
        (count > 0).then_some(count)
    }

    /// How many changes of the entry at the top are above it.
    fn above(&mut self, (place, row): At) -> usize {
        if self.changes(place).is_none() {
            return 0;
        }
        let row = (row + ABOVE).saturating_sub(self.gap(place));
        let hunks = self.list.at(place).map(|entry| entry.drawn.hunks());
        hunks.map_or(0, |hunks| hunks.partition_point(|hunk| *hunk < row))
    }

    fn found(&self, place: usize, index: usize) -> Option<Found> {
        let entry = self.list.at(place)?;
        let row = *entry.drawn.hunks().get(index)?;
        Some(Found {
            top: (place, (self.gap(place) + row).saturating_sub(ABOVE)),
            entry: entry.first,
            index,
        })
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::event::{FileDiff, Hunk};
    use serde_json::json;

    use crate::scene::{Scene, screen};
    use crate::view::tests::{permission, result, tool};

    fn hunk(from: u32) -> Hunk {
        Hunk {
            old_start: from,
            old_lines: 2,
            new_start: from,
            new_lines: 2,
            lines: vec![
                format!(" line {from}"),
                format!("-old {from}"),
                format!("+new {from}"),
            ],
        }
    }

    fn edited(scene: &mut Scene, id: &str, hunks: Vec<Hunk>) {
        tool(scene, id, "Edit", "Edit a.rs", json!({"file_path": "a.rs"}));
        let diff = FileDiff {
            path: "a.rs".into(),
            created: false,
            hunks,
        };
        result(scene, id, "done", false, vec![diff]);
    }

    /// The line with the arrow.
    fn here(scene: &mut Scene) -> String {
        let text = scene.text();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix('▶'));
        let line = lines.next().unwrap_or_default();
        line.trim().to_owned()
    }

    #[test]
    fn keys_go_from_change_to_change_over_all_entries_and_back() {
        let mut scene = screen(60, 12);
        edited(&mut scene, "t1", vec![hunk(10), hunk(20)]);
        for _ in 0..3 {
            scene.answers("something that has no changes in it\n\nand more of it");
        }
        edited(&mut scene, "t2", vec![hunk(30)]);
        scene.answers("the end");
        scene.text();
        scene.keys("tab g");
        let mut found = Vec::new();
        for key in ["]", "]", "]", "]", "[", "[", "["] {
            scene.keys(key);
            found.push(here(&mut scene));
        }
        assert_eq!(
            found,
            [
                "10   line 10",
                "⋮",
                "30   line 30",
                "30   line 30",
                "⋮",
                "10   line 10",
                "10   line 10",
            ]
        );
    }

    #[test]
    fn without_changes_it_is_said() {
        let mut scene = screen(60, 12);
        scene.answers("nothing");
        scene.keys("tab ]");
        assert!(scene.text().contains("no file is changed"));
    }

    #[test]
    fn a_prompt_scrolls_from_change_to_change_and_a_letter_still_answers() {
        let mut scene = screen(60, 16);
        let lines = |first: &str, last: &str| {
            let between: Vec<_> = (0..30).map(|line| format!("line {line}\n")).collect();
            let between = between.concat();
            format!("{first}\n{between}{last}\n")
        };
        let input = json!({
            "file_path": "a.rs",
            "old_string": lines("first", "last"),
            "new_string": lines("FIRST", "LAST"),
        });
        scene.event(permission(input, "Edit", &[])).wait(1_000);
        assert!(!scene.text().contains("LAST"));
        scene.keys("]");
        assert!(scene.text().contains("LAST"), "{}", scene.text());
        scene.keys("]");
        assert!(scene.text().contains("no other change"));
        scene.keys("[");
        assert!(scene.text().contains("FIRST"));
        assert!(scene.effects.is_empty());
    }
}
