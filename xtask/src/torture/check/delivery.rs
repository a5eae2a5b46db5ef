//! Compares the log with the journal of the agents' standard input.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Findings, History};
use crate::torture::log::Frame;

/// Checks that every frame arrived as often as it had to.
pub(super) fn check(evidence: &Evidence<'_>, history: &History, findings: &mut Findings) {
    findings.frames += evidence.journal.len() as u64;
    let mut delivered: BTreeMap<&str, u64> = BTreeMap::new();
    let mut of_life: BTreeSet<&str> = BTreeSet::new();
    let mut lives = 0;
    // The turns are in the order of the journal, so it is enough to look onwards from the last one that was found.
    let mut position = 0;
    for frame in evidence.journal {
        match frame {
            Frame::Initialize => {
                lives += 1;
                of_life.clear();
            }
            Frame::Message(id) => {
                let count = delivered.entry(id).or_default();
                *count += 1;
                match history.turns.iter().position(|turn| turn.message == *id) {
                    None => findings
                        .unaccounted(format!("message {id} was delivered but is not in the log")),
                    Some(at) if at < position && *count == 1 => {
                        findings.unaccounted(format!("message {id} was delivered out of order"));
                    }
                    Some(at) => position = at,
                }
            }
            Frame::Request(id) => {
                if !of_life.insert(id) {
                    findings.doubled(format!("request {id} was delivered twice to one agent"));
                }
            }
            Frame::Answer { id, .. } | Frame::Proceed(id) => {
                findings.unaccounted(format!("the agent was answered {id}, which nobody asked"));
            }
            Frame::Strange(line) => findings.unaccounted(format!("the agent was sent {line:?}")),
        }
    }
    if lives > history.hosts.len() {
        let hosts = history.hosts.len();
        findings.doubled(format!(
            "{lives} agents were told to begin, {hosts} hosts were started"
        ));
    }
    for turn in &history.turns {
        let message = &turn.message;
        let count = delivered.get(message.as_str()).copied().unwrap_or(0);
        if count > 1 {
            findings.doubled(format!("message {message} was delivered {count} times"));
        }
        let unknown = history.unknown.contains(message);
        let told = unknown || history.not_started.contains(message);
        let finished = turn.stop_reason == "end_turn";
        if count == 0 && finished {
            findings.lost(format!(
                "message {message} has an answer but was never delivered"
            ));
        }
        if count == 0 && !finished && !told {
            findings.lost(format!(
                "message {message} was never delivered, and nobody says so"
            ));
        }
        if unknown && finished {
            findings.unaccounted(format!(
                "the delivery of {message} is called unknown though it was answered"
            ));
        }
    }
}
