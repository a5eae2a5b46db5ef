//! Follows the input lock through a log.

use std::collections::BTreeSet;

use super::{Act, Fact, Log, Outcome, Scene};
use crate::torture::check::Findings;

#[derive(Default)]
struct Walk {
    holder: Option<String>,
    asking: Vec<String>,
    /// Who must hold the lock after the next change of it.
    next: Option<String>,
    /// Everybody who has held it, as people read it.
    labels: BTreeSet<String>,
    dequeued: Option<String>,
    unknown: BTreeSet<String>,
    /// Who wants the turn to stop.
    cancelled: Option<String>,
    /// Answers that were given, which need no lock when they are given again to an agent that asks again.
    given: BTreeSet<(String, String)>,
}

pub(super) fn check(scene: &Scene<'_>, log: &Log<'_>, findings: &mut Findings) {
    let mut walk = Walk::default();
    for fact in &log.0 {
        walk.step(fact, findings);
    }
    if let Some(next) = &walk.next {
        findings.lost(format!("{next} was granted the lock and did not get it"));
    }
    for said in scene.said {
        match (&said.act, &said.outcome) {
            (Act::Lock, Outcome::Accepted(Some(sequence))) => {
                let kind = log.at(*sequence).map_or("nothing", |fact| fact.kind);
                if !kind.starts_with("input_lock") {
                    findings.unaccounted(format!(
                        "{} was told that the lock changed at {sequence}, where {kind} is",
                        said.client
                    ));
                }
            }
            (_, Outcome::Refused { reason, metadata }) if reason == "LOCK_HELD" => {
                let holder = metadata.get("holder").cloned().unwrap_or_default();
                if !walk.labels.contains(&holder) {
                    findings.unaccounted(format!(
                        "{} was told that {holder:?} holds the lock, who never did",
                        said.client
                    ));
                }
            }
            _ => {}
        }
    }
    let Some(shown) = scene.shown else { return };
    if shown.holder != walk.holder || shown.asking != walk.asking {
        findings.unaccounted(format!(
            "the lock is shown as {:?} {:?}, the log has {:?} {:?}",
            shown.holder, shown.asking, walk.holder, walk.asking
        ));
    }
}

impl Walk {
    fn step(&mut self, fact: &Fact<'_>, findings: &mut Findings) {
        let sequence = fact.sequence;
        match fact.kind {
            "input_lock_changed" => self.changed(fact, findings),
            "input_lock_requested" => {
                let by = fact.client("by").unwrap_or_default().to_owned();
                if self.asking.contains(&by) {
                    findings.doubled(format!("{by} asks for the lock twice, at {sequence}"));
                }
                if self.holder.as_ref() == Some(&by) {
                    findings.unaccounted(format!("{by} asks for its own lock at {sequence}"));
                }
                findings.locks += 1;
                self.asking.push(by);
            }
            "input_lock_request_ended" => {
                let by = fact.client("by").unwrap_or_default().to_owned();
                match self.asking.iter().position(|asking| *asking == by) {
                    Some(at) => drop(self.asking.remove(at)),
                    None => findings.doubled(format!(
                        "{by} does not ask for the lock and is answered at {sequence}"
                    )),
                }
                if matches!(fact.text("outcome"), "granted" | "timed_out")
                    && let Some(other) = self.next.replace(by)
                {
                    findings.doubled(format!(
                        "the lock is granted to {other} and another at {sequence}"
                    ));
                }
            }
            "message_dequeued" => self.dequeued = Some(fact.text("message_id").to_owned()),
            "delivery_unknown" => {
                self.unknown.insert(fact.text("message_id").to_owned());
            }
            "user_input" => {
                let id = fact.text("message_id");
                let from_queue = self.dequeued.take().is_some_and(|queued| queued == id);
                if !from_queue && !self.unknown.contains(id) {
                    self.acts(fact, "client", findings);
                }
            }
            "message_queued" => self.acts(fact, "client", findings),
            // One that came too early is said to the agent again, by nobody new.
            "cancel_requested" => {
                let by = fact.client("by").map(str::to_owned);
                if by.is_none() || by != self.cancelled {
                    self.acts(fact, "by", findings);
                }
                self.cancelled = by;
            }
            "turn_complete" => self.cancelled = None,
            "permission_resolved" | "question_answered" => {
                let by = fact.value.get("by").cloned().unwrap_or_default();
                let client = fact.client("by").unwrap_or_default().to_owned();
                let again = !self
                    .given
                    .insert((client, by.to_string() + fact.text("outcome")));
                if by.get("kind").is_some_and(|kind| kind == "client") && !again {
                    self.acts(fact, "by", findings);
                }
            }
            _ => {}
        }
    }

    fn changed(&mut self, fact: &Fact<'_>, findings: &mut Findings) {
        let sequence = fact.sequence;
        let holder = fact.client("holder").map(str::to_owned);
        if holder == self.holder {
            findings.doubled(format!("the lock goes to {holder:?} twice, at {sequence}"));
        }
        if let Some(new) = &holder {
            if self.asking.contains(new) {
                findings.unaccounted(format!("{new} gets the lock at {sequence} and still asks"));
            }
            if let Some(client) = fact.value.get("holder") {
                let part = |key: &str| client.get(key).and_then(serde_json::Value::as_str);
                let name = part("name").unwrap_or_default();
                self.labels.insert(match part("place") {
                    Some(place) => format!("{name} ({place})"),
                    None => name.to_owned(),
                });
            }
        }
        if let Some(next) = self.next.take()
            && holder.as_ref() != Some(&next)
        {
            findings.unaccounted(format!(
                "{next} was granted the lock, and {holder:?} has it at {sequence}"
            ));
        }
        self.holder = holder;
    }

    /// Only the holder changes a session. A one-shot client may where nobody who holds the lock is here, which no log says.
    fn acts(&self, fact: &Fact<'_>, key: &str, findings: &mut Findings) {
        let Some(client) = fact.client(key) else {
            return;
        };
        if fact.client_kind(key) != "one_shot" && self.holder.as_deref() != Some(client) {
            findings.unaccounted(format!(
                "{client} did {} at {} while {:?} held the lock",
                fact.kind, fact.sequence, self.holder
            ));
        }
    }
}
