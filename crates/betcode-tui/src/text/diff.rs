//! Changes of files become rows: unified, or side by side where there is room.
//!
//! A person decides by what is seen here, so hidden characters are written out (`betcode_core::visible`), signs are always
//! there, and nothing is left out: long lines wrap.

mod draw;
mod pair;
mod spoken;

use betcode_core::event::{FileDiff, Hunk as FileHunk};
use betcode_core::visible::visible;
use serde_json::Value;
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices, group_diff_ops};

use super::highlight::{Code, CodeId, Highlights};
use super::row::Row;
use super::sanitize;
use pair::Words;

pub use draw::SIDE_BY_SIDE;

/// How many unchanged lines are around changes.
const CONTEXT: usize = 3;
/// More lines are not compared: all the old ones go, all the new ones come.
const MOST_LINES: usize = 4000;

/// A change of one file, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Diff {
    path: String,
    note: Option<&'static str>,
    language: String,
    hunks: Vec<Hunk>,
    added: usize,
    removed: usize,
}

/// Rows of a change.
#[derive(Debug, Clone, Default)]
pub struct DiffRows {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where hunks begin in them.
    pub hunks: Vec<usize>,
    /// How many coloured lines there were: with another number ([`Diff::known`]), drawing it anew shows more.
    pub known: usize,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Same,
    Added,
    Removed,
    /// A remark of who made the diff.
    Note,
}

/// One line.
#[derive(Debug, Clone)]
struct Line {
    sign: Sign,
    text: String,
    /// Its number in the file it is of, if that is known.
    number: Option<u32>,
    /// Its number in the old file, for a line that is in both.
    old_number: Option<u32>,
    /// Which line of its side's code it is.
    at: usize,
    /// The words that are other than in the line it replaces, or that replaces it.
    words: Words,
}

/// One hunk.
#[derive(Debug, Clone)]
struct Hunk {
    lines: Vec<Line>,
    old: Side,
    new: Side,
}

/// The code of one side, for its colours.
#[derive(Debug, Clone)]
struct Side {
    id: CodeId,
    text: String,
    lines: usize,
}

impl Side {
    fn new() -> Self {
        Self {
            id: CodeId::fresh(),
            text: String::new(),
            lines: 0,
        }
    }

    fn push(&mut self, line: &str) -> usize {
        self.text.push_str(line);
        self.text.push('\n');
        self.lines += 1;
        self.lines - 1
    }

    fn code<'a>(&'a self, language: &'a str) -> Code<'a> {
        Code {
            id: self.id,
            language,
            text: &self.text,
            whole: true,
        }
    }
}

impl Diff {
    /// What a tool call has changed in a file.
    pub fn of(file: &FileDiff) -> Self {
        let note = file.created.then_some("new file");
        let hunks = file.hunks.iter().map(|hunk| {
            let numbers = (hunk.old_start, hunk.new_start);
            Hunk::new(signed(hunk), Some(numbers))
        });
        Self::new(&file.path, note, hunks.collect())
    }

    /// What becomes of a text, wherever in the file it is.
    pub fn between(path: &str, old: &str, new: &str) -> Self {
        Self::new(path, None, compare(old, new, false))
    }

    /// What a tool would change, by its input: texts to replace, or a whole file. Nothing for other inputs.
    pub fn of_input(input: &Value) -> Option<Self> {
        let path = ["file_path", "notebook_path", "path"];
        let path = path.iter().find_map(|name| input.get(*name)?.as_str())?;
        let edit = |edit: &Value| {
            let old = edit.get("old_string")?.as_str()?;
            let new = edit.get("new_string")?.as_str()?;
            let everywhere = edit.get("replace_all").and_then(Value::as_bool) == Some(true);
            Some((compare(old, new, false), everywhere))
        };
        if let Some((hunks, everywhere)) = edit(input) {
            let note = everywhere.then_some("every occurrence");
            return Some(Self::new(path, note, hunks));
        }
        if let Some(edits) = input.get("edits").and_then(Value::as_array) {
            // An edit that is not understood must not be left out of what is decided about.
            let edits: Option<Vec<_>> = edits.iter().map(edit).collect();
            let edits = edits?;
            let note = edits.iter().any(|(_, everywhere)| *everywhere);
            let note = note.then_some("every occurrence of some");
            let hunks = edits.into_iter().flat_map(|(hunks, _)| hunks);
            return Some(Self::new(path, note, hunks.collect()));
        }
        let content = input.get("content")?.as_str()?;
        Some(Self::new(
            path,
            Some("whole content"),
            compare("", content, true),
        ))
    }

    fn new(path: &str, note: Option<&'static str>, hunks: Vec<Hunk>) -> Self {
        let count = |sign| {
            let lines = hunks.iter().flat_map(|hunk| &hunk.lines);
            lines.filter(|line| line.sign == sign).count()
        };
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let language = name.rsplit('.').next().unwrap_or_default().to_owned();
        Self {
            path: shown(path).replace('\n', "⟨U+000A⟩"),
            note,
            language,
            added: count(Sign::Added),
            removed: count(Sign::Removed),
            hunks,
        }
    }

    /// How many lines are added and removed.
    pub fn counts(&self) -> (usize, usize) {
        (self.added, self.removed)
    }

    /// How many coloured lines there are by now.
    pub fn known(&self, highlights: &mut dyn Highlights) -> usize {
        let sides = self.hunks.iter().flat_map(|hunk| [&hunk.old, &hunk.new]);
        sides
            .map(|side| highlights.lines(&side.code(&self.language)).len())
            .sum()
    }
}

/// The lines of a hunk with what their signs say.
fn signed(hunk: &FileHunk) -> Vec<(Sign, &str)> {
    let lines = hunk.lines.iter().map(|line| {
        let signs = [
            (' ', Sign::Same),
            ('+', Sign::Added),
            ('-', Sign::Removed),
            ('\\', Sign::Note),
        ];
        let mut signs = signs.into_iter();
        signs
            .find_map(|(mark, sign)| Some((sign, line.strip_prefix(mark)?)))
            .unwrap_or((Sign::Same, line.as_str()))
    });
    lines.collect()
}

/// The hunks of a comparison; numbered from the first line if these are whole files.
fn compare(old: &str, new: &str, numbered: bool) -> Vec<Hunk> {
    let both_end = old.ends_with('\n') && new.ends_with('\n') || old.is_empty() || new.is_empty();
    let lines = |text: &'_ str| -> Vec<String> {
        if text.is_empty() {
            return Vec::new();
        }
        let text = if both_end {
            text.strip_suffix('\n').unwrap_or(text)
        } else {
            text
        };
        text.split('\n').map(str::to_owned).collect()
    };
    let (old, new) = (lines(old), lines(new));
    let ops = if old.len() + new.len() > MOST_LINES {
        vec![DiffOp::Replace {
            old_index: 0,
            old_len: old.len(),
            new_index: 0,
            new_len: new.len(),
        }]
    } else {
        capture_diff_slices(Algorithm::Myers, &old, &new)
    };
    let groups = group_diff_ops(ops, CONTEXT);
    let hunks = groups.iter().map(|ops| {
        let changes = ops.iter().flat_map(|op| op.iter_changes(&old, &new));
        let lines: Vec<(Sign, String)> = changes
            .map(|change| {
                let sign = match change.tag() {
                    ChangeTag::Equal => Sign::Same,
                    ChangeTag::Insert => Sign::Added,
                    ChangeTag::Delete => Sign::Removed,
                };
                (sign, change.value())
            })
            .collect();
        let lines = lines.iter().map(|(sign, line)| (*sign, line.as_str()));
        Hunk::new(lines.collect(), numbered.then_some((1, 1)))
    });
    hunks.collect()
}

impl Hunk {
    fn new(lines: Vec<(Sign, &str)>, numbers: Option<(u32, u32)>) -> Self {
        let code = lines.iter().filter(|(sign, _)| *sign != Sign::Note);
        // Where all lines end like this, it tells nothing.
        let returns = code.clone().all(|(_, line)| line.ends_with('\r'));
        let mut hunk = Self {
            lines: Vec::with_capacity(lines.len()),
            old: Side::new(),
            new: Side::new(),
        };
        let (mut old, mut new) = (numbers.map(|(old, _)| old), numbers.map(|(_, new)| new));
        let step = |number: &mut Option<u32>| {
            let now = *number;
            *number = now.map(|number| number.saturating_add(1));
            now
        };
        for (sign, line) in lines {
            let line = if returns {
                line.strip_suffix('\r').unwrap_or(line)
            } else {
                line
            };
            let text = shown(line).replace('\n', "⟨U+000A⟩");
            let (number, old_number, at) = match sign {
                Sign::Same => {
                    hunk.old.push(&text);
                    (step(&mut new), step(&mut old), hunk.new.push(&text))
                }
                Sign::Added => (step(&mut new), None, hunk.new.push(&text)),
                Sign::Removed => (step(&mut old), None, hunk.old.push(&text)),
                Sign::Note => (None, None, 0),
            };
            hunk.lines.push(Line {
                sign,
                text,
                number,
                old_number,
                at,
                words: Words::default(),
            });
        }
        pair::mark_words(&mut hunk.lines);
        hunk
    }
}

/// A text with nothing hidden, and blanks for tabs.
fn shown(text: &str) -> String {
    sanitize::plain(&visible(text)).into_owned()
}

#[cfg(test)]
mod tests;
