//! Follows every message: queued, edited, taken, removed, and what the agent was sent of it.

use std::collections::BTreeMap;

use super::{Act, Fact, Log, Outcome, Scene};
use crate::torture::check::Findings;
use crate::torture::log::Frame;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Queued,
    /// Out of the queue, on its way to the agent.
    Leaving,
    Taken,
    Unknown,
    Removed,
}

#[derive(Debug)]
struct Message {
    place: Place,
    text: String,
    /// How often it was taken.
    taken: u64,
    /// When it was queued.
    since: u64,
    answered: bool,
}

pub(super) fn check(scene: &Scene<'_>, log: &Log<'_>, findings: &mut Findings) {
    let mut messages: BTreeMap<String, Message> = BTreeMap::new();
    let mut current = None;
    for fact in &log.0 {
        step(fact, &mut messages, &mut current, findings);
    }
    findings.messages += messages.len() as u64;
    for (id, message) in &messages {
        if message.place == Place::Leaving {
            findings.lost(format!("message {id} left the queue and was not taken"));
        }
        if message.place == Place::Queued && scene.closed {
            findings.lost(format!("message {id} is queued in a closed session"));
        }
    }
    said(scene, log, &messages, findings);
    delivered(scene, &messages, findings);
    shown(scene, &messages, findings);
}

fn step(
    fact: &Fact<'_>,
    messages: &mut BTreeMap<String, Message>,
    current: &mut Option<String>,
    findings: &mut Findings,
) {
    let (id, sequence) = (fact.text("message_id").to_owned(), fact.sequence);
    let place = messages.get(&id).map(|message| message.place);
    match fact.kind {
        "message_queued" | "user_input" => {
            let queued = fact.kind == "message_queued";
            let right = match place {
                None => true,
                Some(Place::Leaving | Place::Unknown) => !queued,
                Some(_) => false,
            };
            if !right {
                findings.doubled(format!(
                    "message {id} is {place:?} and comes as {} at {sequence}",
                    fact.kind
                ));
            }
            let message = messages.entry(id.clone()).or_insert_with(|| Message {
                place: Place::Queued,
                text: fact.text("text").to_owned(),
                taken: 0,
                since: sequence,
                answered: false,
            });
            if message.text != fact.text("text") {
                findings.unaccounted(format!(
                    "message {id} is taken with another text at {sequence}"
                ));
            }
            if !queued {
                message.place = Place::Taken;
                message.taken += 1;
                *current = Some(id);
            }
        }
        "message_edited" => match messages.get_mut(&id) {
            Some(message) if message.place == Place::Queued => {
                fact.text("text").clone_into(&mut message.text);
            }
            _ => findings.unaccounted(format!(
                "message {id} is {place:?} and edited at {sequence}"
            )),
        },
        "message_dequeued" => match messages.get_mut(&id) {
            Some(message) if message.place == Place::Queued => {
                let removed = fact.value.get("removed") == Some(&true.into());
                message.place = if removed {
                    Place::Removed
                } else {
                    Place::Leaving
                };
            }
            _ => findings.doubled(format!(
                "message {id} is {place:?} and leaves the queue at {sequence}"
            )),
        },
        "delivery_unknown" => match messages.get_mut(&id) {
            Some(message) if message.place == Place::Taken => message.place = Place::Unknown,
            _ => findings.unaccounted(format!(
                "message {id} is {place:?} and of unknown delivery at {sequence}"
            )),
        },
        "turn_complete" if fact.text("stop_reason") == "end_turn" => {
            let message = current.take().and_then(|id| messages.get_mut(&id));
            if let Some(message) = message {
                message.answered = true;
            }
        }
        "turn_complete" => *current = None,
        _ => {}
    }
}

/// What clients were told of their messages.
fn said(
    scene: &Scene<'_>,
    log: &Log<'_>,
    messages: &BTreeMap<String, Message>,
    findings: &mut Findings,
) {
    for said in scene.said {
        let follows = |sequence: u64, kinds: [&str; 2], id: &str, text: Option<&str>| {
            log.following(sequence).any(|fact| {
                kinds.contains(&fact.kind)
                    && fact.text("message_id") == id
                    && text.is_none_or(|text| fact.text("text") == text)
            })
        };
        let right = match (&said.act, &said.outcome) {
            (Act::Message { text }, Outcome::Accepted(Some(sequence))) => {
                let kinds = ["user_input", "message_queued"];
                follows(*sequence, kinds, &said.key, Some(text))
            }
            (Act::Message { .. }, Outcome::Accepted(None)) => false,
            (Act::Message { .. }, Outcome::Refused { .. }) => !messages.contains_key(&said.key),
            (Act::Edit { message, text }, Outcome::Accepted(Some(sequence))) => {
                let kinds = ["message_edited", "message_edited"];
                follows(*sequence, kinds, message, Some(text))
            }
            (Act::Remove { message }, Outcome::Accepted(sequence)) => {
                let kinds = ["message_dequeued", "message_dequeued"];
                let removed = messages.get(message).map(|it| it.place) == Some(Place::Removed);
                removed && sequence.is_some_and(|at| follows(at, kinds, message, None))
            }
            (Act::Resend { message }, Outcome::Accepted(Some(sequence))) => {
                follows(*sequence, ["user_input", "user_input"], message, None)
            }
            _ => true,
        };
        if !right {
            findings.lost(format!(
                "{} was told {:?} of {:?}, and the log says otherwise",
                said.client, said.outcome, said.act
            ));
        }
    }
}

/// What the agents were sent.
fn delivered(scene: &Scene<'_>, messages: &BTreeMap<String, Message>, findings: &mut Findings) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for frame in scene.journal {
        if let Frame::Message(id) = frame {
            *counts.entry(id).or_default() += 1;
        }
    }
    for (id, count) in &counts {
        let taken = messages.get(*id).map_or(0, |message| message.taken);
        if *count > taken {
            findings.doubled(format!(
                "message {id} was taken {taken} times and delivered {count} times"
            ));
        }
    }
    for (id, message) in messages {
        if message.answered && !counts.contains_key(id.as_str()) {
            findings.lost(format!(
                "message {id} has an answer but was never delivered"
            ));
        }
    }
}

/// What a client is shown that comes when nothing happens.
fn shown(scene: &Scene<'_>, messages: &BTreeMap<String, Message>, findings: &mut Findings) {
    let Some(shown) = scene.shown else { return };
    let at = |place: Place| {
        let mut there: Vec<_> = messages
            .iter()
            .filter(|(_, message)| message.place == place)
            .collect();
        there.sort_by_key(|(_, message)| message.since);
        there
            .into_iter()
            .map(|(id, _)| id.clone())
            .collect::<Vec<_>>()
    };
    if shown.queued != at(Place::Queued) {
        findings.lost(format!(
            "the queue is shown as {:?}, the log has {:?}",
            shown.queued,
            at(Place::Queued)
        ));
    }
    let (mut unknown, mut expected) = (shown.unknown.clone(), at(Place::Unknown));
    unknown.sort();
    expected.sort();
    if unknown != expected {
        findings.lost(format!(
            "messages of unknown delivery are shown as {unknown:?}, the log has {expected:?}"
        ));
    }
}
