//! Compares the log with what clients were told.

use super::{Outcome, Scene};
use crate::torture::check::Findings;
use crate::torture::log::beginning;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for told in scene.told {
        let client = &told.client;
        let mut last = 0;
        for (sequence, line) in &told.events {
            if *sequence != last + 1 {
                let what = format!("client {client} was told {sequence} after {last}");
                if *sequence <= last {
                    findings.doubled(what);
                } else {
                    findings.lost(what);
                }
            }
            last = *sequence;
            let at = usize::try_from(sequence.saturating_sub(1)).unwrap_or(usize::MAX);
            match scene.log.get(at) {
                Some(entry) if entry.line == *line => {}
                Some(entry) => findings.unaccounted(format!(
                    "client {client} was told {:?}, the log has {:?}",
                    beginning(line),
                    beginning(&entry.line)
                )),
                None => findings.lost(format!(
                    "client {client} was told {:?}, and the log ends before",
                    beginning(line)
                )),
            }
        }
        findings.told += told.events.len() as u64;
    }
    findings.commands += scene.said.len() as u64;
    for said in scene.said {
        let (client, act) = (&said.client, &said.act);
        match &said.outcome {
            Outcome::Open => {
                findings.lost(format!("client {client} has no answer to {act:?}"));
            }
            Outcome::Refused { reason, .. } if !is_expected(reason, scene.closed) => {
                findings.unaccounted(format!(
                    "client {client} was refused {act:?} because of {reason:?}"
                ));
            }
            _ => {}
        }
    }
}

/// Reasons that the acts of people may meet with.
fn is_expected(reason: &str, closed: bool) -> bool {
    match reason {
        "REQUEST_ENDED" | "REQUEST_UNKNOWN" | "TURN_RUNNING" | "LOCK_HELD"
        | "LOCK_NOT_REQUESTED" | "MESSAGE_STATE" | "UNAVAILABLE" => true,
        "SESSION_CLOSED" => closed,
        _ => false,
    }
}
