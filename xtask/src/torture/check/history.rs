//! Walks a log from its beginning: sequences, lives of agents, turns, numbered lines.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Findings};
use crate::torture::log::Entry;
use crate::torture::scenario::{Scenario, number};

/// What the log says happened.
#[derive(Debug, Default)]
pub(in crate::torture) struct History {
    /// Every turn, in order.
    pub(in crate::torture) turns: Vec<Turn>,
    /// Messages whose delivery is said to be unknown.
    pub(in crate::torture) unknown: BTreeSet<String>,
    /// Messages of turns that ended because no agent could be started for them: they say so.
    pub(in crate::torture) not_started: BTreeSet<String>,
    /// How often each host is said to have started.
    pub(in crate::torture) hosts: BTreeMap<String, u64>,
}

/// One turn.
#[derive(Debug, Default)]
pub(in crate::torture) struct Turn {
    pub(in crate::torture) message: String,
    pub(in crate::torture) prompt: String,
    /// The text of its answer, as the agent said it that said it last.
    pub(in crate::torture) text: String,
    /// What of its text counts: all but what was being said when an agent died that was started again.
    pub(in crate::torture) shown: String,
    /// What was said and has not ended yet, or ended as cut short.
    open: String,
    /// How many agents died in it and were followed by another.
    deaths: u64,
    /// A host died in it, and with it what the agent had said last and the host had not read.
    host_lost: bool,
    /// Why it ended; empty when it has not.
    pub(in crate::torture) stop_reason: String,
    /// Its host.
    pub(in crate::torture) host: String,
    /// Where it begins and ends in the log.
    pub(in crate::torture) range: std::ops::Range<usize>,
}

/// What a full disk is called in the log.
pub(super) const NO_ROOM: &str = "No space left on device";
/// An agent that dies so often is not started again by itself.
const TOO_OFTEN: u64 = 5;

struct Life {
    host: String,
    counted: u64,
    /// The last line of a dying agent may be cut: it is kept as something that nobody knows.
    cut: u64,
}

struct Walk<'a> {
    evidence: &'a Evidence<'a>,
    history: History,
    life: Option<Life>,
    /// The host that ended in the running turn.
    died: Option<String>,
    /// How many agents have died.
    deaths: u64,
    turn: Option<Turn>,
    queued: Vec<String>,
    /// Hosts whose agent was asked to end.
    stopping: BTreeSet<String>,
}

/// Reads the history and reports what is wrong in it.
pub(super) fn read(evidence: &Evidence<'_>, findings: &mut Findings) -> History {
    sequences(evidence.log, findings);
    let mut walk = Walk {
        evidence,
        history: History::default(),
        life: None,
        died: None,
        deaths: 0,
        turn: None,
        queued: Vec::new(),
        stopping: BTreeSet::new(),
    };
    for (at, entry) in evidence.log.iter().enumerate() {
        walk.step(at, entry, findings);
    }
    walk.finish(findings)
}

pub(super) fn sequences(log: &[Entry], findings: &mut Findings) {
    let mut head = 0;
    for entry in log {
        let sequence = entry.sequence;
        if sequence <= head {
            findings.doubled(format!("sequence {sequence} comes after {head}"));
        } else if sequence > head + 1 {
            findings.lost(format!("sequence {sequence} comes after {head}"));
        }
        head = head.max(sequence);
    }
}

impl Walk<'_> {
    fn step(&mut self, at: usize, entry: &Entry, findings: &mut Findings) {
        let sequence = entry.sequence;
        match entry.kind.as_str() {
            "agent_starting" => self.starting(entry, findings),
            "agent_started" => self.started(entry, findings),
            "agent_stopping" => {
                self.stopping.insert(entry.host.clone());
            }
            "agent_exited" => self.exited(entry, findings),
            "user_input" => self.input(at, entry, findings),
            "text_delta" => match &mut self.turn {
                Some(turn) => {
                    turn.text.push_str(&entry.text);
                    turn.open.push_str(&entry.text);
                }
                None => findings.unaccounted(format!("text outside a turn at {sequence}")),
            },
            "message_complete" if entry.end.is_empty() || entry.end == "finished" => {
                if let Some(turn) = &mut self.turn {
                    turn.shown.push_str(&std::mem::take(&mut turn.open));
                }
            }
            "turn_complete" => self.complete(at, entry, findings),
            "message_queued" => self.queued.push(entry.message_id.clone()),
            "message_dequeued" => {
                self.queued.retain(|waiting| *waiting != entry.message_id);
                if entry.removed && !self.evidence.closed {
                    findings.lost(format!("message {} was removed", entry.message_id));
                }
            }
            "delivery_unknown" => self.unknown(entry, findings),
            "unknown" => match &mut self.life {
                Some(life) => life.cut += 1,
                None => {
                    findings.unaccounted(format!("an unknown line without agent at {sequence}"));
                }
            },
            "error" => findings.unaccounted(format!("an error in the log: {}", entry.line)),
            _ => {}
        }
    }

    fn unknown(&mut self, entry: &Entry, findings: &mut Findings) {
        if !self.history.unknown.insert(entry.message_id.clone()) {
            findings.doubled(format!("delivery_unknown twice for {}", entry.message_id));
        }
    }

    fn starting(&mut self, entry: &Entry, findings: &mut Findings) {
        if let Some(life) = &self.life {
            let (now, new) = (&life.host, &entry.host);
            findings.doubled(format!("host {new} is started while {now} lives"));
        }
        if self.history.hosts.insert(entry.host.clone(), 0).is_some() {
            findings.doubled(format!("host {} is started twice", entry.host));
        }
        self.go_on(&entry.host, findings);
        self.life = Some(Life {
            host: entry.host.clone(),
            counted: 0,
            cut: 0,
        });
    }

    /// An agent is started in the place of one that died in its turn: what that one had said is the first so many lines,
    /// and what it was saying does not count any more.
    fn go_on(&mut self, host: &str, findings: &mut Findings) {
        if self.died.take().is_none() {
            return;
        }
        let before = self.turn.as_ref().map(|turn| self.counted(turn));
        let (Some(turn), Some(counted)) = (&mut self.turn, before) else {
            return;
        };
        findings.went_on += 1;
        if let Some(scenario) = Scenario::parse(&turn.prompt) {
            compare(turn, &scenario.answer(counted).0, false, findings);
        }
        turn.deaths += 1;
        turn.text.clear();
        turn.open.clear();
        host.clone_into(&mut turn.host);
    }

    /// How far the agent of a turn that is over or dead had counted before it.
    fn counted(&self, turn: &Turn) -> u64 {
        let before = self.history.turns.iter().filter(|it| it.host == turn.host);
        let counted = before.filter_map(|it| match Scenario::parse(&it.prompt)? {
            Scenario::Count { n, .. } => Some(n),
            Scenario::Flood { .. } => None,
        });
        counted.sum()
    }

    fn started(&mut self, entry: &Entry, findings: &mut Findings) {
        match self.history.hosts.get_mut(&entry.host) {
            Some(0) => {}
            Some(_) => findings.doubled(format!("host {} has started twice", entry.host)),
            None => findings.unaccounted(format!("host {} was never to be started", entry.host)),
        }
        *self.history.hosts.entry(entry.host.clone()).or_default() += 1;
    }

    fn exited(&mut self, entry: &Entry, findings: &mut Findings) {
        let host = &entry.host;
        let how = entry.exit.as_ref().map_or("", |exit| exit.how.as_str());
        match self.life.take() {
            Some(life) if life.host == *host => {
                let killed = matches!(how, "host_lost" | "signal");
                if life.cut > u64::from(killed) {
                    findings
                        .unaccounted(format!("host {host}: {} lines that nobody knows", life.cut));
                }
            }
            Some(life) => {
                findings.unaccounted(format!("host {host} ended instead of {}", life.host));
            }
            None => findings.doubled(format!("host {host} ended without living")),
        }
        let killed = self.evidence.killed_hosts.contains(host);
        let expected = match how {
            "host_lost" => killed,
            // Killed before it could start its agent, or without room for what it needs. That a turn which had begun is not
            // given up for that is another law.
            "not_started" => {
                let message = self.turn.iter().map(|turn| turn.message.clone());
                self.history.not_started.extend(message);
                killed || entry.line.contains(NO_ROOM)
            }
            "signal" if self.evidence.killed_agents.contains(host) => true,
            _ => self.evidence.closed || self.stopping.contains(host),
        };
        self.deaths += u64::from(matches!(how, "host_lost" | "signal"));
        if !expected {
            let whom = if killed { "killed" } else { "not killed" };
            findings.unaccounted(format!("host {host}, {whom}, ended with {how}"));
        }
        if let Some(turn) = &mut self.turn {
            turn.host_lost |= how == "host_lost";
        }
        self.died = self.turn.is_some().then(|| host.clone());
    }

    fn input(&mut self, at: usize, entry: &Entry, findings: &mut Findings) {
        let message = &entry.message_id;
        if let Some(turn) = self.turn.take() {
            findings.unaccounted(format!(
                "message {message} comes in the turn of {}",
                turn.message
            ));
            self.history.turns.push(turn);
        }
        if self
            .history
            .turns
            .iter()
            .any(|turn| turn.message == *message)
        {
            findings.doubled(format!("message {message} was taken twice"));
        }
        if self
            .history
            .turns
            .iter()
            .any(|turn| turn.prompt == entry.text)
        {
            findings.doubled(format!("the prompt `{}` was accepted twice", entry.text));
        }
        let host = self.life.as_ref().map(|life| life.host.clone());
        if host.is_none() {
            findings.unaccounted(format!("message {message} was taken without an agent"));
        }
        self.died = None;
        self.turn = Some(Turn {
            message: message.clone(),
            prompt: entry.text.clone(),
            host: host.unwrap_or_default(),
            range: at..at,
            ..Turn::default()
        });
    }

    fn complete(&mut self, at: usize, entry: &Entry, findings: &mut Findings) {
        let Some(mut turn) = self.turn.take() else {
            findings.doubled(format!(
                "a turn ends at {} without a beginning",
                entry.sequence
            ));
            return;
        };
        turn.stop_reason.clone_from(&entry.stop_reason);
        turn.range.end = at + 1;
        turn.shown.push_str(&std::mem::take(&mut turn.open));
        let Some(scenario) = Scenario::parse(&turn.prompt) else {
            findings.unaccounted(format!("nobody asked `{}`", turn.prompt));
            return;
        };
        let died = self.died.take().is_some();
        let counted = match (&mut self.life, turn.stop_reason.as_str(), died) {
            (Some(life), "end_turn", false) => {
                let (text, counted) = scenario.answer(life.counted);
                compare(&turn, &text, true, findings);
                life.counted = counted;
                None
            }
            // The agent had come to its end, and nobody has heard it: there is nothing to be taken up.
            (Some(_), "agent_exited", false)
                if turn.host_lost && entry.line.contains("did not take up its turn") =>
            {
                Some(false)
            }
            (None, "agent_exited", true) => {
                let begun = !turn.text.is_empty() || turn.deaths > 0;
                let often = self.deaths >= TOO_OFTEN && entry.line.contains("died too often");
                if begun && !often && !self.evidence.closed {
                    findings.lost(format!(
                        "the turn of {} had begun and did not go on",
                        turn.message
                    ));
                }
                Some(false)
            }
            // The agent had said everything, its host died before it was idle.
            (None, "end_turn", true) => Some(true),
            (_, reason, _) => {
                findings.unaccounted(format!("the turn of {} ended with {reason}", turn.message));
                None
            }
        };
        if let Some(whole) = counted {
            let (text, _) = scenario.answer(self.counted(&turn));
            compare(&turn, &text, whole, findings);
        }
        self.history.turns.push(turn);
    }

    fn finish(mut self, findings: &mut Findings) -> History {
        if let Some(turn) = self.turn.take() {
            findings.lost(format!("the turn of {} has no end", turn.message));
            self.history.turns.push(turn);
        }
        for message in &self.queued {
            findings.lost(format!("message {message} is still queued"));
        }
        if let (Some(life), true) = (&self.life, self.evidence.closed) {
            findings.unaccounted(format!("host {} outlives its session", life.host));
        }
        self.history
    }
}

/// Compares the numbered lines of a turn with those that the agent must have said: all of them, or the first so many.
fn compare(turn: &Turn, expected: &str, whole: bool, findings: &mut Findings) {
    let got: Vec<&str> = turn.text.split_inclusive('\n').collect();
    findings.lines += got.len() as u64;
    let right = if whole {
        turn.text == expected
    } else {
        expected.starts_with(&turn.text) && (turn.text.is_empty() || turn.text.ends_with('\n'))
    };
    if right {
        return;
    }
    let wanted: Vec<&str> = expected.split_inclusive('\n').collect();
    let place = format!("turn of {} (`{}`)", turn.message, turn.prompt);
    let mut seen = BTreeSet::new();
    let doubled: Vec<&&str> = got.iter().filter(|line| !seen.insert(**line)).collect();
    if let Some(first) = doubled.first() {
        let count = doubled.len();
        findings.doubled(format!(
            "{place}: {count} lines twice, the first is {first:?}"
        ));
    }
    // What was to come after the last line of a host that died is not lost.
    let last = got
        .iter()
        .filter_map(|line| number(line))
        .max()
        .unwrap_or(0);
    let due = |line: &&&str| whole || number(line).is_some_and(|number| number <= last);
    let missing: Vec<&&str> = wanted
        .iter()
        .filter(due)
        .filter(|line| !seen.contains(**line))
        .collect();
    if let Some(first) = missing.first() {
        let count = missing.len();
        findings.lost(format!(
            "{place}: {count} lines missing, the first is {first:?}"
        ));
    }
    if doubled.is_empty() && missing.is_empty() {
        let at = got
            .iter()
            .zip(&wanted)
            .position(|(a, b)| a != b)
            .unwrap_or(wanted.len());
        let line = got.get(at).copied().unwrap_or_default();
        findings.unaccounted(format!("{place}: line {} is {line:?}", at + 1));
    }
}
