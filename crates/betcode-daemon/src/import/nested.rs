//! The transcripts of sub-agents, which stand in files of their own beside the conversation's. Their lines are told when the
//! conversation comes to a line that is later than they are, and not before the call that started them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use betcode_agents::history::{Tale, Teller, Told};
use betcode_core::observation::Observation;
use betcode_core::time::Timestamp;
use serde::Deserialize;

use super::find::{open, plain_files};
use super::lines::{Line, Lines};
use crate::text;

/// The most sub-agents that are told of.
const MOST: usize = 10_000;

/// Sub-agents of one conversation.
#[derive(Debug, Default)]
pub(super) struct Nested {
    /// The calls that were told to have begun.
    begun: BTreeSet<String>,
    waiting: Vec<SubAgent>,
    /// Files that could not be read.
    pub(super) left_out: u64,
}

/// One of them. Its file is open from its second line to its last, so that few are at a time.
#[derive(Debug)]
struct SubAgent {
    call: String,
    path: PathBuf,
    lines: Option<Lines>,
    next: Option<(Option<Timestamp>, Vec<u8>)>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(rename = "toolUseId")]
    call: String,
}

#[derive(Debug, Deserialize)]
struct Stamp {
    timestamp: Option<Timestamp>,
}

impl Nested {
    /// Those below the directory of a conversation.
    pub(super) fn of(directory: &Path) -> Self {
        let mut nested = Self::default();
        let files = plain_files(&directory.join("subagents"));
        for file in files
            .iter()
            .filter(|file| file.extension() == Some("jsonl".as_ref()))
        {
            match SubAgent::open(file) {
                Some(agent) if nested.waiting.len() < MOST => nested.waiting.push(agent),
                _ => nested.left_out += 1,
            }
        }
        nested
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes note of the calls that were told.
    pub(super) fn note(&mut self, told: &[Told]) {
        if self.is_empty() {
            return;
        }
        for told in told {
            if let Tale::Seen(seen) = &told.what
                && let Observation::ToolStarted { id, .. } = &seen.observation
            {
                self.begun.insert(id.0.clone());
            }
        }
    }

    /// Tells what was said up to this moment, or all of it.
    pub(super) fn tell(
        &mut self,
        until: Option<Timestamp>,
        teller: &mut Teller,
        out: &mut Vec<Told>,
    ) {
        loop {
            let due = self
                .waiting
                .iter_mut()
                .filter(|agent| self.begun.contains(&agent.call))
                .filter(|agent| match (&agent.next, until) {
                    (Some((Some(at), _)), Some(until)) => *at <= until,
                    (next, _) => next.is_some(),
                })
                .min_by_key(|agent| agent.next.as_ref().and_then(|(at, _)| *at));
            let Some(agent) = due else {
                return;
            };
            let call = agent.call.clone();
            let Some(line) = agent.take() else {
                return;
            };
            let before = out.len();
            teller.nested(&call, &line, out);
            let new = out.get(before..).unwrap_or_default().to_vec();
            self.note(&new);
        }
    }
}

impl SubAgent {
    fn open(path: &Path) -> Option<Self> {
        let meta = text::whole(&path.with_extension("meta.json")).ok()??;
        let Meta { call } = serde_json::from_str(&meta).ok()?;
        let next = next(&mut lines(path)?);
        Some(Self {
            call,
            path: path.to_owned(),
            lines: None,
            next,
        })
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let (_, taken) = self.next.take()?;
        if self.lines.is_none() {
            self.lines = lines(&self.path);
            // The first line is the one that is taken.
            if let Some(lines) = &mut self.lines {
                next(lines);
            }
        }
        self.next = self.lines.as_mut().and_then(next);
        if self.next.is_none() {
            self.lines = None;
        }
        Some(taken)
    }
}

fn lines(path: &Path) -> Option<Lines> {
    let (file, data) = open(path).ok()?;
    Lines::new(file, data.len()).ok()
}

/// The next line and its time.
fn next(lines: &mut Lines) -> Option<(Option<Timestamp>, Vec<u8>)> {
    loop {
        match lines.next() {
            Ok(Line::Whole(line) | Line::Torn(line)) => {
                let stamp = serde_json::from_slice::<Stamp>(line);
                let at = stamp.ok().and_then(|stamp| stamp.timestamp);
                return Some((at, line.to_vec()));
            }
            Ok(Line::TooLong) => {}
            Ok(Line::End) | Err(_) => return None,
        }
    }
}
