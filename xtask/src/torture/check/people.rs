//! Whether people at a session were dealt with rightly: a function of the log, of what they were told, of what their tools
//! wrote, and of what the agent was sent. It shares nothing with the machines that decide: it reads lines and counts.
//!
//! The laws:
//! 1. A request is asked once and ends at most once; what has not ended is what stands there for everybody who attaches, and
//!    each end is in the record of decisions once.
//! 2. An answer that was acknowledged is the decision in the log, by whoever gave it; nobody else's was; one that was refused
//!    says what was decided.
//! 3. A tool runs at most once, and only if it was allowed; once if it was allowed, unless its agent died or its turn was
//!    stopped.
//! 4. The input lock has one holder, only the holder changes a session, and asking for it ends once.
//! 5. A message is in one place: queued, taken, or removed; an edited one is taken as it was edited last.
//! 6. What a client was told is in the log, without gap or double, and every command of a client that lives is answered.
//!
//! Files: `requests` and `tools`, `lock`, `queue`, `told`; `lives` for agents and turns.

mod lives;
mod lock;
mod queue;
mod requests;
#[cfg(test)]
mod tests;
mod told;
mod tools;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Findings;
use crate::torture::log::{Entry, Frame};

/// A command of somebody, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::torture) struct Said {
    /// The client's id.
    pub(in crate::torture) client: String,
    pub(in crate::torture) key: String,
    pub(in crate::torture) act: Act,
    pub(in crate::torture) outcome: Outcome,
    /// On which attachment it was sent; none for a call of its own.
    pub(in crate::torture) sitting: Option<u64>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::torture) enum Act {
    Start,
    Message {
        text: String,
    },
    /// An answer to a request. What it says stands in the words of the log.
    Answer {
        request: String,
        content: Value,
    },
    Edit {
        message: String,
        text: String,
    },
    Remove {
        message: String,
    },
    Resend {
        message: String,
    },
    /// Something about the input lock.
    Lock,
    Cancel,
}

/// What somebody was told of their command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::torture) enum Outcome {
    /// Nothing yet.
    Open,
    /// Nothing: the client was killed.
    Gone,
    /// It was done; the first event that follows from it.
    Accepted(Option<u64>),
    Refused {
        reason: String,
        metadata: BTreeMap<String, String>,
    },
}

/// What one attachment brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::torture) struct Told {
    pub(in crate::torture) client: String,
    /// The events as lines, in the order in which they came.
    pub(in crate::torture) events: Vec<(u64, String)>,
    /// The head and the requests that waited, each time that it was attached.
    pub(in crate::torture) attached: Vec<(u64, BTreeSet<String>)>,
}

/// What a client is shown that comes when nothing happens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::torture) struct Shown {
    pub(in crate::torture) requests: BTreeSet<String>,
    pub(in crate::torture) holder: Option<String>,
    pub(in crate::torture) asking: Vec<String>,
    pub(in crate::torture) queued: Vec<String>,
    pub(in crate::torture) unknown: Vec<String>,
    /// The record of decisions: request and outcome.
    pub(in crate::torture) decisions: Vec<(String, String)>,
}

/// Everything that is known about one session with people.
#[derive(Debug)]
pub(in crate::torture) struct Scene<'a> {
    pub(in crate::torture) log: &'a [Entry],
    pub(in crate::torture) journal: &'a [Frame],
    /// The lines that tools wrote, as they were before the log was read and after it.
    pub(in crate::torture) ran_before: &'a [String],
    pub(in crate::torture) ran_after: &'a [String],
    pub(in crate::torture) said: &'a [Said],
    pub(in crate::torture) told: &'a [Told],
    /// Set when nothing happened any more.
    pub(in crate::torture) shown: Option<&'a Shown>,
    /// Epochs of the hosts that were killed, of all sessions.
    pub(in crate::torture) killed_hosts: &'a BTreeSet<String>,
    /// Epochs of the hosts whose agent was killed.
    pub(in crate::torture) killed_agents: &'a BTreeSet<String>,
    pub(in crate::torture) closed: bool,
}

/// One event, whole.
#[derive(Debug)]
struct Fact<'a> {
    sequence: u64,
    kind: &'a str,
    value: Value,
}

impl Fact<'_> {
    fn text(&self, key: &str) -> &str {
        self.value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The id of the client under this key.
    fn client(&self, key: &str) -> Option<&str> {
        self.value.get(key)?.get("id")?.as_str()
    }

    /// How the client under this key takes part.
    fn client_kind(&self, key: &str) -> &str {
        let kind = self
            .value
            .get(key)
            .and_then(|client| client.get("client_kind"));
        kind.and_then(Value::as_str).unwrap_or("interactive")
    }
}

/// The log with the means to look things up in it.
#[derive(Debug)]
struct Log<'a>(Vec<Fact<'a>>);

impl Log<'_> {
    /// The events that may follow from a command whose first event this is.
    fn following(&self, sequence: u64) -> impl Iterator<Item = &Fact<'_>> {
        let from = usize::try_from(sequence.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.iter().skip(from).take(8)
    }

    fn at(&self, sequence: u64) -> Option<&Fact<'_>> {
        self.following(sequence).next()
    }

    /// The first event of this kind after a number.
    fn first_after(&self, sequence: u64, kind: &str) -> Option<&Fact<'_>> {
        let from = usize::try_from(sequence).unwrap_or(usize::MAX);
        self.0.iter().skip(from).find(|fact| fact.kind == kind)
    }

    /// True when an event between two numbers, both left out, fits.
    fn between(&self, after: u64, before: u64, fits: impl Fn(&Fact<'_>) -> bool) -> bool {
        let inside = |fact: &&Fact<'_>| fact.sequence > after && fact.sequence < before;
        self.0.iter().filter(inside).any(fits)
    }
}

/// Checks a session with people against every law.
pub(in crate::torture) fn check(scene: &Scene<'_>) -> Findings {
    let mut findings = Findings::default();
    super::history::sequences(scene.log, &mut findings);
    let facts = scene.log.iter().map(|entry| Fact {
        sequence: entry.sequence,
        kind: &entry.kind,
        value: serde_json::from_str(&entry.line).unwrap_or_default(),
    });
    let log = Log(facts.collect());
    lives::check(scene, &log, &mut findings);
    let requests = requests::check(scene, &log, &mut findings);
    tools::check(scene, &log, &requests, &mut findings);
    lock::check(scene, &log, &mut findings);
    queue::check(scene, &log, &mut findings);
    told::check(scene, &mut findings);
    findings
}
