//! Follows every request of the agent, and compares what was decided with what people were told of their answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Act, Fact, Log, Outcome, Said, Scene};
use crate::torture::check::Findings;
use crate::torture::log::Frame;

/// A request for permission or a question.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) sequence: u64,
    /// What the agent wants to run.
    pub(super) input: Value,
    /// The call that waits.
    pub(super) call: String,
    /// The agent's host.
    pub(super) host: Option<String>,
    pub(super) end: Option<End>,
}

/// How a request ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) sequence: u64,
    pub(super) outcome: String,
    /// The client that answered.
    by: Option<String>,
    /// Everything that the answer says.
    pub(super) content: Value,
    /// The host that lived then.
    pub(super) host: Option<String>,
}

/// What an answer says, in the words of the log. Keys that stand for nothing are left out.
fn content(fact: &Fact<'_>) -> Value {
    let keys = [
        "outcome",
        "scope",
        "message",
        "interrupt",
        "input",
        "answers",
    ];
    let mut content = json!({});
    for key in keys {
        if let (Some(value), Some(content)) = (fact.value.get(key), content.as_object_mut()) {
            content.insert(key.to_owned(), value.clone());
        }
    }
    content
}

pub(super) fn check(
    scene: &Scene<'_>,
    log: &Log<'_>,
    findings: &mut Findings,
) -> BTreeMap<String, Asked> {
    let mut asked: BTreeMap<String, Asked> = BTreeMap::new();
    let mut host = None;
    for fact in &log.0 {
        match fact.kind {
            "agent_starting" => host = Some(fact.text("host").to_owned()),
            "agent_exited" => host = None,
            "permission_request" | "question" => ask(fact, host.as_ref(), &mut asked, findings),
            "permission_resolved" | "question_answered" => {
                end(fact, host.as_ref(), &mut asked, findings);
            }
            _ => {}
        }
    }
    findings.requests += asked.len() as u64;
    given(scene, &asked, findings);
    for said in scene.said {
        if let Act::Answer { request, content } = &said.act {
            answered(said, asked.get(request), request, content, findings);
        }
    }
    attached(scene, &asked, findings);
    shown(scene, &asked, findings);
    sent(scene, &asked, findings);
    asked
}

fn ask(
    fact: &Fact<'_>,
    host: Option<&String>,
    asked: &mut BTreeMap<String, Asked>,
    findings: &mut Findings,
) {
    let id = fact.text("id").to_owned();
    if host.is_none() {
        findings.unaccounted(format!("request {id} comes from no agent"));
    }
    let new = Asked {
        sequence: fact.sequence,
        input: fact.value.get("input").cloned().unwrap_or_default(),
        call: fact.text("tool_call").to_owned(),
        host: host.cloned(),
        end: None,
    };
    if let Some(before) = asked.insert(id.clone(), new) {
        let (a, b) = (before.sequence, fact.sequence);
        findings.doubled(format!("request {id} is asked at {a} and at {b}"));
    }
}

fn end(
    fact: &Fact<'_>,
    host: Option<&String>,
    asked: &mut BTreeMap<String, Asked>,
    findings: &mut Findings,
) {
    let (id, sequence) = (fact.text("id"), fact.sequence);
    let Some(request) = asked.get_mut(id) else {
        findings.unaccounted(format!(
            "request {id} ends at {sequence} and was never asked"
        ));
        return;
    };
    if let Some(before) = &request.end {
        findings.doubled(format!(
            "request {id} ends at {} ({}) and at {sequence} ({})",
            before.sequence,
            before.outcome,
            fact.text("outcome")
        ));
        return;
    }
    request.end = Some(End {
        sequence,
        outcome: fact.text("outcome").to_owned(),
        by: fact.client("by").map(str::to_owned),
        content: content(fact),
        host: host.cloned(),
    });
}

/// Every decision of a person was given by that person, and they were not told otherwise.
fn given(scene: &Scene<'_>, asked: &BTreeMap<String, Asked>, findings: &mut Findings) {
    for (id, request) in asked {
        let Some(end) = &request.end else { continue };
        let Some(by) = &end.by else { continue };
        let same = |said: &&Said| matches!(&said.act, Act::Answer { request, content } if request == id && said.client == *by && *content == end.content);
        let mut answers = scene.said.iter().filter(same).peekable();
        if answers.peek().is_none() {
            // It was given to the agent's former life, and is given again to the one that asks the same.
            let again = asked.values().any(|other| {
                other.input == request.input
                    && other.end.as_ref().is_some_and(|earlier| {
                        earlier.sequence < end.sequence
                            && earlier.by == end.by
                            && earlier.outcome == end.outcome
                    })
            });
            if !again {
                findings.unaccounted(format!("{by} decided {id} and never said so"));
            }
        } else if answers.all(|said| matches!(said.outcome, Outcome::Refused { .. })) {
            findings.unaccounted(format!("{by} decided {id} and was told that they did not"));
        }
    }
}

/// One answer against the decision.
fn answered(
    said: &Said,
    request: Option<&Asked>,
    id: &str,
    content: &Value,
    findings: &mut Findings,
) {
    let client = &said.client;
    let end = request.and_then(|request| request.end.as_ref());
    let decided = end.map(|end| (end.sequence, end.outcome.as_str()));
    match (&said.outcome, end) {
        (Outcome::Accepted(Some(sequence)), Some(end))
            if end.sequence == *sequence && end.by.as_ref() == Some(client) && end.content == *content =>
        {
            findings.answers += 1;
        }
        // The same answer as the decision: nothing more to do.
        (Outcome::Accepted(None), Some(end)) if end.content == *content => {}
        (Outcome::Accepted(sequence), _) => findings.unaccounted(format!(
            "{client} was told that their answer to {id} is the decision ({sequence:?}); it is {decided:?}, not {content}"
        )),
        (Outcome::Refused { reason, metadata }, Some(end))
            if reason == "REQUEST_ENDED" && metadata.get("outcome") != Some(&end.outcome) =>
        {
            findings.unaccounted(format!(
                "{client} was told that {id} has ended by {metadata:?}, it is {decided:?}"
            ));
        }
        (Outcome::Refused { reason, .. }, None) if reason == "REQUEST_ENDED" => {
            findings.lost(format!("{client} was told that {id} has ended, and it has not"));
        }
        (Outcome::Refused { reason, .. }, _) if reason == "REQUEST_UNKNOWN" && request.is_some() => {
            findings.lost(format!("{client} was told that nobody asked {id}"));
        }
        _ => {}
    }
}

/// What waited until the end was shown to everybody who attached in between.
fn attached(scene: &Scene<'_>, asked: &BTreeMap<String, Asked>, findings: &mut Findings) {
    for told in scene.told {
        for (head, shown) in &told.attached {
            for (id, request) in asked {
                let waits = request.sequence <= *head && request.end.is_none();
                if waits && !shown.contains(id) {
                    findings.lost(format!(
                        "request {id} waits since {} and was not shown at {head}",
                        request.sequence
                    ));
                }
            }
            for id in shown {
                match asked.get(id) {
                    None => findings.unaccounted(format!(
                        "request {id} was shown at {head}, and no log has it"
                    )),
                    Some(Asked { end: Some(end), .. }) if end.sequence <= *head => {
                        findings.unaccounted(format!(
                            "request {id} was shown at {head} and had ended at {}",
                            end.sequence
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// What stands there when nothing happens, and the record of decisions.
fn shown(scene: &Scene<'_>, asked: &BTreeMap<String, Asked>, findings: &mut Findings) {
    let Some(shown) = scene.shown else { return };
    let pending: BTreeSet<String> = asked
        .iter()
        .filter(|(_, request)| request.end.is_none())
        .map(|(id, _)| id.clone())
        .collect();
    findings.pending += pending.len() as u64;
    if shown.requests != pending {
        findings.lost(format!(
            "requests {:?} are shown, the log has {pending:?}",
            shown.requests
        ));
    }
    let mut recorded = BTreeMap::new();
    for (id, outcome) in &shown.decisions {
        if recorded.insert(id.clone(), outcome.clone()).is_some() {
            findings.doubled(format!("the decision about {id} is recorded twice"));
        }
    }
    for (id, request) in asked {
        let decided = request.end.as_ref().map(|end| &end.outcome);
        if recorded.get(id) != decided {
            findings.lost(format!(
                "the record says {:?} of {id}, the log {decided:?}",
                recorded.get(id)
            ));
        }
    }
}

/// What the agents were told is what was decided, once in each life.
fn sent(scene: &Scene<'_>, asked: &BTreeMap<String, Asked>, findings: &mut Findings) {
    let mut told = BTreeSet::new();
    for frame in scene.journal {
        match frame {
            Frame::Initialize => told.clear(),
            Frame::Proceed(id) if !told.insert(id.clone()) => {
                findings.doubled(format!("the agent was answered {id} twice"));
            }
            Frame::Answer { id, allowed } => {
                if !told.insert(id.clone()) {
                    findings.doubled(format!("the agent was answered {id} twice"));
                }
                let end = asked.get(id).and_then(|request| request.end.as_ref());
                let decided = end.map_or("nothing", |end| end.outcome.as_str());
                let right = if *allowed {
                    matches!(decided, "allowed" | "answered")
                } else {
                    matches!(decided, "denied" | "declined" | "expired")
                };
                if !right {
                    findings.unaccounted(format!(
                        "the agent was told {allowed} about {id}, the log has {decided}"
                    ));
                }
            }
            _ => {}
        }
    }
}
