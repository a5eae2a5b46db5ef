//! What a replay writes down: everything that was said and written, by all processes that played one recording. One JSON object a
//! line, appended, so that whoever watches can read it at any time.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The step that was next.
    pub next: usize,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A process began, with these arguments.
    Began(Vec<String>),
    /// It said this; text if it is no JSON.
    Said(Value),
    /// This was written to it.
    Got(Value),
    /// It waits.
    Waits(String),
    /// Something was written that must not be.
    Problem(String),
    /// It ends, with this exit code, or by this signal if it is negative.
    Ends(i32),
}

/// Everything that is on record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record(pub Vec<Entry>);

impl Record {
    /// What there is so far. A line that is still being written is left out.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines = text
            .lines()
            .map_while(|line| serde_json::from_str(line).ok());
        Self(lines.collect())
    }

    /// The step that is next.
    pub fn next(&self) -> usize {
        self.0.last().map_or(0, |entry| entry.next)
    }

    /// Whether the player waits at this step, or has passed it.
    pub fn waits_at(&self, step: usize) -> bool {
        let waits = |entry: &Entry| {
            entry.next > step || entry.next == step && matches!(entry.what, What::Waits(_))
        };
        self.0.iter().any(waits)
    }

    /// What was said, in order.
    pub fn said(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter_map(|entry| match &entry.what {
            What::Said(line) => Some(line),
            _ => None,
        })
    }

    /// What was written, in order.
    pub fn got(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter_map(|entry| match &entry.what {
            What::Got(line) => Some(line),
            _ => None,
        })
    }

    /// What must not have been written.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|entry| match &entry.what {
            What::Problem(problem) => Some(problem.as_str()),
            _ => None,
        })
    }
}

/// Where a process writes its part.
#[derive(Debug)]
pub(super) struct Writer(Option<File>);

impl Writer {
    /// Appends to this file, if there is one.
    pub(super) fn open(path: Option<&Path>) -> std::io::Result<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(path.map(open).transpose()?))
    }

    /// One line more.
    pub(super) fn write(&mut self, next: usize, what: What) -> std::io::Result<()> {
        let Some(file) = &mut self.0 else {
            return Ok(());
        };
        let mut line = serde_json::to_vec(&Entry { next, what })?;
        line.push(b'\n');
        file.write_all(&line)
    }
}
