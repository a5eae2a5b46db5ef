//! Recorded sessions as they are in files. What their lines mean is not known here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// A recorded session.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// The name of its file.
    pub name: String,
    /// What happened, in order.
    pub rows: Vec<Row>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A line of the agent.
    Out(Value),
    /// A line of its host.
    In(Value),
    /// Something that the agent wrote to stdout or its host to stdin and that is no JSON.
    Raw {
        /// The agent wrote it.
        out: bool,
        /// What.
        text: String,
    },
    /// A line on stderr.
    Err(String),
    /// The process was sent a signal.
    Signal,
    /// A remark of whoever recorded it.
    Remark(String),
    /// The end, with an exit code; a negative one is a signal.
    Exit(i32),
}

#[derive(Deserialize)]
struct Line {
    dir: String,
    #[serde(default)]
    msg: Value,
}

impl Transcript {
    /// Reads one.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text).with_context(|| path.display().to_string())
    }

    /// The same from its text.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut rows = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("line {} is no line of a recording", number + 1))?;
            rows.extend(row(line));
        }
        ensure!(!rows.is_empty(), "nothing is recorded here");
        Ok(Self {
            name: name.to_owned(),
            rows,
        })
    }
}

fn row(line: Line) -> Option<Row> {
    let Line { dir, msg } = line;
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let raw = msg.get("__raw__").map(text);
    Some(match (dir.as_str(), raw) {
        ("out" | "in", Some(text)) => Row::Raw {
            out: dir == "out",
            text,
        },
        ("out", None) => Row::Out(msg),
        ("in", None) => Row::In(msg),
        ("err", raw) => Row::Err(raw.unwrap_or_else(|| text(&msg))),
        ("signal", _) => Row::Signal,
        ("meta", _) => Row::Remark(text(&msg)),
        ("exit", _) => {
            let code = msg.get("code").and_then(Value::as_i64);
            Row::Exit(code.and_then(|code| i32::try_from(code).ok()).unwrap_or(1))
        }
        _ => return None,
    })
}

/// The recordings at these paths: files themselves, and every `.ndjson` in a directory, sorted.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
            let file = entry?.path();
            if file
                .extension()
                .is_some_and(|extension| extension == "ndjson")
            {
                files.push(file);
            }
        }
        ensure!(!files.is_empty(), "no .ndjson in {}", path.display());
        files.sort();
        found.append(&mut files);
    }
    Ok(found)
}
