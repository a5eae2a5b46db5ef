//! Changes as lines that are read aloud: each says what it is and where, before what stands in it.

use super::{Diff, Sign};

impl Diff {
    /// What it is a change of, in one line.
    pub fn title(&self) -> String {
        let note = self.note.map(|note| format!(", {note}"));
        format!(
            "{}{}: {} added, {} removed",
            self.path,
            note.unwrap_or_default(),
            self.added,
            self.removed
        )
    }

    /// Its lines, each with its sign in words and its number.
    pub fn spoken(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (at, hunk) in self.hunks.iter().enumerate() {
            if at > 0 {
                out.push("next place:".to_owned());
            }
            for line in &hunk.lines {
                let sign = match line.sign {
                    Sign::Same => "line",
                    Sign::Added => "added",
                    Sign::Removed => "removed",
                    Sign::Note => "note",
                };
                let number = line.number.map(|number| format!(" {number}"));
                let number = number.unwrap_or_default();
                out.push(format!("{sign}{number}: {}", line.text));
            }
        }
        out
    }
}
