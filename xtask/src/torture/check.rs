//! Whether a session's log is whole: a function of what was written down by everybody, without any process.
//!
//! The laws:
//! 1. The sequences of a session are 1..head.
//! 2. Each numbered line of the agent is in the log once and in order: all of them when the turn ended by itself, the
//!    first so many of an agent that was killed. The agent that takes its place says them all again, from the first.
//! 3. Each message was delivered once while its host lived, at most once over the host's death; one that was not
//!    delivered is marked so. Nothing else reached the agent, and no request reached it twice.
//! 4. Each accepted message has one turn, and each turn one end. A turn that had begun goes on after its agent's death,
//!    unless agents died too often.
//! 5. Each agent that ended was killed by us, or with its host, or had been asked to end, or its session was closed by us.
//! 6. What a client printed is what the log says of its turn, without what an agent was saying when it died: the whole when
//!    the client lived, the beginning when it was killed.
//!
//! Files: `history` walks the log, `delivery` compares it with the journal, `printed` with the clients; `people` has laws of
//! its own, for sessions in which people take part.

mod delivery;
mod history;
pub(super) mod people;
mod printed;

use std::collections::BTreeSet;

use super::log::{Entry, Frame};
use super::plan::Format;

pub(super) use history::{History, Turn};

/// Everything that is known about one session.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) log: &'a [Entry],
    pub(super) journal: &'a [Frame],
    pub(super) clients: &'a [Client],
    /// Epochs of the hosts that were killed, of all sessions.
    pub(super) killed_hosts: &'a BTreeSet<String>,
    /// Epochs of the hosts whose agent was killed.
    pub(super) killed_agents: &'a BTreeSet<String>,
    /// The session was closed.
    pub(super) closed: bool,
}

/// A client and what became of it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) prompt: String,
    pub(super) format: Format,
    pub(super) end: ClientEnd,
    pub(super) printed: String,
    /// The end of its stderr, for messages.
    pub(super) said: String,
}

/// How a client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientEnd {
    /// It was killed.
    Killed,
    /// By itself, with this exit code; none is another's signal.
    Exited(Option<i32>),
    /// It did not.
    Hung,
}

/// What kind of law was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Lost,
    Doubled,
    Unaccounted,
}

/// One broken law at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    pub(super) what: String,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// Numbered lines that were compared.
    pub(super) lines: u64,
    /// Frames of standard input that were compared.
    pub(super) frames: u64,
    /// Clients whose prompt was not accepted, and that said why: no connection, or another client uses the session.
    pub(super) turned_away: u64,
    /// Events that were compared with what people were told, and commands of people.
    pub(super) told: u64,
    pub(super) commands: u64,
    /// Requests of agents, those of them that still waited, answers that were the decision, and tools that ran.
    pub(super) requests: u64,
    pub(super) pending: u64,
    pub(super) answers: u64,
    pub(super) ran: u64,
    /// Messages of people, and how often somebody asked for the lock.
    pub(super) messages: u64,
    pub(super) locks: u64,
    /// How often a turn went on with a new agent.
    pub(super) went_on: u64,
    pub(super) violations: Vec<Violation>,
}

impl Findings {
    fn lost(&mut self, what: impl Into<String>) {
        self.add(Kind::Lost, what.into());
    }

    fn doubled(&mut self, what: impl Into<String>) {
        self.add(Kind::Doubled, what.into());
    }

    fn unaccounted(&mut self, what: impl Into<String>) {
        self.add(Kind::Unaccounted, what.into());
    }

    fn add(&mut self, kind: Kind, what: String) {
        self.violations.push(Violation { kind, what });
    }
}

/// Checks a settled session against every law.
pub(super) fn check(evidence: &Evidence<'_>) -> Findings {
    let mut findings = Findings::default();
    let history = history::read(evidence, &mut findings);
    delivery::check(evidence, &history, &mut findings);
    printed::check(evidence, &history, &mut findings);
    findings
}

#[cfg(test)]
mod tests;
