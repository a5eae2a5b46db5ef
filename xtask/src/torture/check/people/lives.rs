//! Lives of agents, turns, and what must not be in a log at all.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, Log, Scene};
use crate::torture::check::Findings;
use crate::torture::check::history::NO_ROOM;
use crate::torture::log::Frame;

#[derive(Default)]
struct Walk {
    host: Option<String>,
    started: BTreeMap<String, u64>,
    stopping: BTreeSet<String>,
    /// The message of the turn that runs.
    turn: Option<String>,
    /// Something that can begin a turn without a message: an agent that was started.
    begun: bool,
    /// An agent died in it, and no other has been started.
    died: bool,
    status: String,
    queued: u64,
    cut: u64,
}

pub(super) fn check(scene: &Scene<'_>, log: &Log<'_>, findings: &mut Findings) {
    let mut walk = Walk::default();
    for fact in &log.0 {
        walk.step(scene, fact, findings);
    }
    let lives = scene
        .journal
        .iter()
        .filter(|frame| **frame == Frame::Initialize)
        .count();
    if lives > walk.started.len() {
        findings.doubled(format!(
            "{lives} agents were told to begin, {} hosts were started",
            walk.started.len()
        ));
    }
    for frame in scene.journal {
        if let Frame::Strange(line) = frame {
            findings.unaccounted(format!("the agent was sent {line:?}"));
        }
    }
    if let (Some(host), true) = (&walk.host, scene.closed) {
        findings.unaccounted(format!("host {host} outlives its session"));
    }
    if scene.shown.is_some()
        && walk.turn.is_none()
        && walk.queued > 0
        && walk.status != "waiting_for_user"
    {
        findings.lost(format!(
            "{} messages wait and no turn runs ({})",
            walk.queued, walk.status
        ));
    }
    if let (Some(turn), true) = (&walk.turn, scene.closed) {
        findings.lost(format!("the turn of {turn} has no end"));
    }
}

impl Walk {
    fn step(&mut self, scene: &Scene<'_>, fact: &Fact<'_>, findings: &mut Findings) {
        let sequence = fact.sequence;
        match fact.kind {
            "agent_starting" => {
                let host = fact.text("host").to_owned();
                findings.went_on += u64::from(self.turn.is_some() && self.died);
                self.died = false;
                if let Some(lives) = self.host.replace(host.clone()) {
                    findings.doubled(format!("host {host} is started while {lives} lives"));
                }
                if self.started.insert(host.clone(), 0).is_some() {
                    findings.doubled(format!("host {host} is started twice"));
                }
                self.begun = true;
                self.cut = 0;
            }
            "agent_started" => match self.started.get_mut(fact.text("host")) {
                Some(count @ 0) => *count = 1,
                _ => findings.doubled(format!(
                    "host {} has started, at {sequence}, twice or never",
                    fact.text("host")
                )),
            },
            "agent_stopping" => {
                self.stopping.insert(fact.text("host").to_owned());
            }
            "agent_exited" => self.exited(scene, fact, findings),
            "user_input" => {
                let message = fact.text("message_id").to_owned();
                if let Some(turn) = self.turn.replace(message.clone()) {
                    findings.unaccounted(format!("message {message} comes in the turn of {turn}"));
                }
            }
            "turn_complete" => {
                self.died = false;
                let begun = self.turn.take().is_some() || std::mem::take(&mut self.begun);
                self.ends(begun, sequence, findings);
            }
            "message_queued" => self.queued += 1,
            "message_dequeued" => self.queued = self.queued.saturating_sub(1),
            "status_change" => fact.text("status").clone_into(&mut self.status),
            "unknown" => self.cut += 1,
            "error" if fact.text("code") != "answer_not_used" => {
                findings.unaccounted(format!("an error in the log: {}", fact.value));
            }
            "rules_written" if !fact.text("error").is_empty() => {
                findings.unaccounted(format!("rules were not written: {}", fact.value));
            }
            _ => {}
        }
    }

    fn ends(&mut self, begun: bool, sequence: u64, findings: &mut Findings) {
        if !begun {
            findings.doubled(format!("a turn ends at {sequence} without a beginning"));
        }
        self.turn = None;
    }

    fn exited(&mut self, scene: &Scene<'_>, fact: &Fact<'_>, findings: &mut Findings) {
        let host = fact.text("host");
        if self.host.take().as_deref() != Some(host) {
            findings.doubled(format!("host {host} ended without living"));
        }
        let how = fact.value.get("exit").and_then(|exit| exit.get("how"));
        let how = how.and_then(serde_json::Value::as_str).unwrap_or_default();
        let killed = scene.killed_hosts.contains(host);
        let expected = match how {
            "host_lost" => killed,
            "not_started" => killed || fact.value.to_string().contains(NO_ROOM),
            "signal" if scene.killed_agents.contains(host) => true,
            _ => scene.closed || self.stopping.contains(host),
        };
        if !expected {
            let whom = if killed { "killed" } else { "not killed" };
            findings.unaccounted(format!("host {host}, {whom}, ended with {how}"));
        }
        self.died = self.turn.is_some();
        if self.cut > u64::from(matches!(how, "host_lost" | "signal")) {
            findings.unaccounted(format!("host {host}: {} lines that nobody knows", self.cut));
        }
    }
}
