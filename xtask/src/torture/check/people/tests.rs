//! The checks find what they are for: every test plants one fault in a story that is right without it.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::torture::check::{Kind, Violation};
use crate::torture::log::{entries, frames};

/// Ann allows a tool while Bob asks for the lock and gets it; a second tool still waits, and a message in the queue.
#[derive(Clone)]
struct Story {
    log: Vec<Value>,
    journal: Vec<Value>,
    ran: Vec<&'static str>,
    said: Vec<Said>,
    told: bool,
    shown: Shown,
    killed: Vec<&'static str>,
}

fn client(id: &str) -> Value {
    json!({"name": id, "id": id})
}

fn by(id: &str) -> Value {
    json!({"kind": "client", "name": id, "id": id})
}

fn said(client: &str, key: &str, act: Act, outcome: Outcome) -> Said {
    Said {
        client: client.into(),
        key: key.into(),
        act,
        outcome,
        sitting: None,
    }
}

fn answer(request: &str, content: Value) -> Act {
    Act::Answer {
        request: request.into(),
        content,
    }
}

fn request(id: &str, line: &str) -> Value {
    json!({"type": "permission_request", "id": id, "tool_call": format!("call-{id}"),
        "input": {"command": format!("echo {line} >> file")}})
}

fn refused(reason: &str, key: &str, value: &str) -> Outcome {
    Outcome::Refused {
        reason: reason.into(),
        metadata: [(key.to_owned(), value.to_owned())].into(),
    }
}

fn story() -> Story {
    let log = vec![
        json!({"type": "session_info"}),
        json!({"type": "input_lock_changed", "holder": client("ann")}),
        json!({"type": "agent_starting", "host": "h1"}),
        json!({"type": "user_input", "message_id": "m1", "text": "do", "client": client("ann")}),
        json!({"type": "agent_started", "host": "h1"}),
        request("r1", "t1"),
        request("r2", "t2"),
        json!({"type": "status_change", "status": "waiting_for_user"}),
        json!({"type": "permission_resolved", "id": "r1", "outcome": "allowed", "by": by("ann")}),
        json!({"type": "tool_call_result", "id": "call-r1", "is_error": false}),
        json!({"type": "input_lock_requested", "by": client("bob")}),
        json!({"type": "input_lock_request_ended", "by": client("bob"), "outcome": "granted"}),
        json!({"type": "input_lock_changed", "holder": client("bob")}),
        json!({"type": "message_queued", "message_id": "m2", "text": "more", "client": client("bob")}),
        json!({"type": "message_edited", "message_id": "m2", "text": "less", "client": client("bob")}),
    ];
    let allowed = json!({"outcome": "allowed"});
    Story {
        log,
        journal: vec![
            json!({"type": "control_request", "request_id": "b", "request": {"subtype": "initialize"}}),
            json!({"type": "user", "uuid": "m1"}),
            json!({"type": "control_response", "response": {"subtype": "success", "request_id": "r1",
                "response": {"behavior": "allow"}}}),
        ],
        ran: vec!["t1"],
        said: vec![
            said(
                "ann",
                "m1",
                Act::Message { text: "do".into() },
                Outcome::Accepted(Some(3)),
            ),
            said(
                "ann",
                "k1",
                answer("r1", allowed.clone()),
                Outcome::Accepted(Some(9)),
            ),
            said("bob", "k2", answer("r1", allowed), Outcome::Accepted(None)),
            said(
                "bob",
                "k3",
                answer("r1", json!({"outcome": "denied", "message": "no"})),
                refused("REQUEST_ENDED", "outcome", "allowed"),
            ),
            said("bob", "k4", Act::Lock, Outcome::Accepted(Some(11))),
            said(
                "bob",
                "m2",
                Act::Message {
                    text: "more".into(),
                },
                Outcome::Accepted(Some(14)),
            ),
            said(
                "bob",
                "k5",
                Act::Edit {
                    message: "m2".into(),
                    text: "less".into(),
                },
                Outcome::Accepted(Some(15)),
            ),
        ],
        told: true,
        shown: Shown {
            requests: ["r2".to_owned()].into(),
            holder: Some("bob".into()),
            asking: Vec::new(),
            queued: vec!["m2".into()],
            unknown: Vec::new(),
            decisions: vec![("r1".into(), "allowed".into())],
        },
        killed: Vec::new(),
    }
}

impl Story {
    fn lines(&self) -> Vec<String> {
        let line = |(at, value): (usize, &Value)| {
            let mut value = value.clone();
            value["sequence"] = (at + 1).into();
            value["session_id"] = "s".into();
            value.to_string()
        };
        self.log.iter().enumerate().map(line).collect()
    }

    fn check(&self) -> Vec<Violation> {
        let lines = self.lines();
        let events = (1..).zip(lines.clone()).collect();
        let told = Told {
            client: "ann".into(),
            events: if self.told { events } else { Vec::new() },
            attached: vec![(8, ["r1".to_owned(), "r2".to_owned()].into())],
        };
        self.check_told(&[told])
    }

    fn check_told(&self, told: &[Told]) -> Vec<Violation> {
        let journal: Vec<_> = self.journal.iter().map(Value::to_string).collect();
        let ran: Vec<String> = self.ran.iter().map(|line| (*line).to_owned()).collect();
        let killed: BTreeSet<String> = self.killed.iter().map(|host| (*host).to_owned()).collect();
        check(&Scene {
            log: &entries(&self.lines().join("\n")).unwrap(),
            journal: &frames(&journal.join("\n")),
            ran_before: &ran,
            ran_after: &ran,
            said: &self.said,
            told,
            shown: Some(&self.shown),
            killed_hosts: &killed,
            killed_agents: &BTreeSet::new(),
            closed: false,
        })
        .violations
    }

    fn finds(&self, kind: Kind, piece: &str) {
        let found = self.check();
        let hit = |violation: &Violation| violation.kind == kind && violation.what.contains(piece);
        assert!(found.iter().any(hit), "{found:?}");
    }

    fn at(&mut self, kind: &str) -> &mut Value {
        let at = self.log.iter().position(|event| event["type"] == kind);
        &mut self.log[at.expect("the story has such an event")]
    }

    fn remove(&mut self, kind: &str) {
        self.at(kind)["type"] = "notice".into();
    }
}

#[test]
fn a_story_without_fault_has_no_findings() {
    assert_eq!(story().check(), []);
}

#[test]
fn a_tool_that_ran_twice_or_without_permission_is_found() {
    let mut twice = story();
    twice.ran = vec!["t1", "t1"];
    twice.finds(Kind::Doubled, "t1 ran 2 times");
    let mut unasked = story();
    unasked.ran.push("t2");
    unasked.finds(Kind::Unaccounted, "t2 ran and was never allowed");
}

#[test]
fn a_tool_that_was_allowed_and_did_not_run_is_lost_unless_the_log_says_why() {
    let mut story = story();
    story.ran.clear();
    story.finds(Kind::Lost, "t1 has a result at 10 and did not run");
    story.remove("tool_call_result");
    assert_eq!(story.check(), [], "it may be under way");
    story
        .log
        .push(json!({"type": "turn_complete", "stop_reason": "end_turn"}));
    story.finds(Kind::Lost, "t1 was allowed at 9 (r1) and did not run by 16");
    let mut died = story.clone();
    died.killed.push("h1");
    let exit = json!({"type": "agent_exited", "host": "h1", "exit": {"how": "host_lost"}});
    died.log.insert(15, exit);
    assert!(died.check().iter().all(|it| !it.what.contains("t1")));
}

#[test]
fn a_request_that_ends_twice_or_is_asked_twice_is_doubled() {
    let mut ended = story();
    let end = ended.at("permission_resolved").clone();
    ended.log.push(end);
    ended.finds(Kind::Doubled, "r1 ends at 9 (allowed) and at 16");
    let mut asked = story();
    asked.log.push(request("r2", "t2"));
    asked.finds(Kind::Doubled, "r2 is asked at 7 and at 16");
}

#[test]
fn a_request_that_is_not_shown_is_lost() {
    let mut story = story();
    story.shown.requests.clear();
    story.finds(Kind::Lost, "the log has {\"r2\"}");
    let told = Told {
        attached: vec![(8, BTreeSet::new())],
        ..Told::default()
    };
    let found = story.check_told(&[told]);
    assert!(
        found
            .iter()
            .any(|it| it.what.contains("r2 waits since 7 and was not shown"))
    );
}

#[test]
fn an_answer_that_was_acknowledged_is_the_decision() {
    let mut other = story();
    other.at("permission_resolved")["outcome"] = "denied".into();
    other.finds(
        Kind::Unaccounted,
        "ann was told that their answer to r1 is the decision",
    );
    let mut stolen = story();
    stolen.at("permission_resolved")["by"] = by("bob");
    stolen.finds(Kind::Unaccounted, "ann was told that their answer to r1");
    let mut lost = story();
    lost.remove("permission_resolved");
    lost.finds(Kind::Unaccounted, "it is None");
}

#[test]
fn a_refusal_says_what_was_decided_and_a_decision_was_given_by_somebody() {
    let mut wrong = story();
    wrong.said[3].outcome = refused("REQUEST_ENDED", "outcome", "expired");
    wrong.finds(Kind::Unaccounted, "bob was told that r1 has ended by");
    let mut unknown = story();
    unknown.said[3].outcome = refused("REQUEST_UNKNOWN", "request", "r1");
    unknown.finds(Kind::Lost, "bob was told that nobody asked r1");
    let mut nobody = story();
    nobody.said.remove(1);
    nobody.finds(Kind::Unaccounted, "ann decided r1 and never said so");
    let mut denied = story();
    denied.said[1].outcome = refused("LOCK_HELD", "holder", "ann");
    denied.finds(
        Kind::Unaccounted,
        "ann decided r1 and was told that they did not",
    );
}

#[test]
fn what_the_agent_was_told_is_what_was_decided_once() {
    let mut twice = story();
    twice.journal.push(twice.journal[2].clone());
    twice.finds(Kind::Doubled, "the agent was answered r1 twice");
    let mut wrong = story();
    wrong.journal[2]["response"]["response"]["behavior"] = "deny".into();
    wrong.finds(Kind::Unaccounted, "the agent was told false about r1");
}

#[test]
fn the_record_of_decisions_has_each_once() {
    let mut missing = story();
    missing.shown.decisions.clear();
    missing.finds(Kind::Lost, "the record says None of r1");
    let mut double = story();
    double.shown.decisions.push(("r1".into(), "allowed".into()));
    double.finds(Kind::Doubled, "about r1 is recorded twice");
}

#[test]
fn faults_of_the_lock_are_found() {
    let mut unheld = story();
    unheld.at("message_queued")["client"] = client("ann");
    unheld.finds(
        Kind::Unaccounted,
        "ann did message_queued at 14 while Some(\"bob\")",
    );
    let mut unanswered = story();
    unanswered.remove("input_lock_request_ended");
    unanswered.finds(Kind::Unaccounted, "bob gets the lock at 13 and still asks");
    let mut unasked = story();
    unasked.remove("input_lock_requested");
    unasked.finds(Kind::Doubled, "bob does not ask for the lock");
    let mut other = story();
    other.log[12]["holder"] = client("cid");
    other.finds(
        Kind::Unaccounted,
        "bob was granted the lock, and Some(\"cid\") has it",
    );
    let mut shown = story();
    shown.shown.holder = None;
    shown.finds(Kind::Unaccounted, "the lock is shown as None");
    let mut never = story();
    never.said[4].outcome = refused("LOCK_HELD", "holder", "eve");
    never.finds(Kind::Unaccounted, "\"eve\" holds the lock, who never did");
}

#[test]
fn a_message_in_two_places_and_one_in_none_are_found() {
    let mut twice = story();
    twice.log.push(
        json!({"type": "user_input", "message_id": "m2", "text": "less", "client": client("bob")}),
    );
    twice.finds(Kind::Doubled, "m2 is Some(Queued) and comes as user_input");
    let mut nowhere = story();
    nowhere
        .log
        .push(json!({"type": "message_dequeued", "message_id": "m2"}));
    nowhere.finds(Kind::Lost, "m2 left the queue and was not taken");
    let mut old = nowhere.clone();
    old.log.push(
        json!({"type": "user_input", "message_id": "m2", "text": "more", "client": client("bob")}),
    );
    old.finds(Kind::Unaccounted, "m2 is taken with another text");
    let mut unsaid = story();
    unsaid.remove("message_queued");
    unsaid.finds(Kind::Lost, "bob was told Accepted(Some(14))");
    let mut hidden = story();
    hidden.shown.queued.clear();
    hidden.finds(Kind::Lost, "the queue is shown as []");
    let mut phantom = story();
    phantom.journal.push(json!({"type": "user", "uuid": "m2"}));
    phantom.finds(Kind::Doubled, "m2 was taken 0 times and delivered 1 times");
}

#[test]
fn what_was_told_is_in_the_log_and_every_command_is_answered() {
    let story = story();
    let told = |events: Vec<(u64, String)>| Told {
        client: "ann".into(),
        events,
        ..Told::default()
    };
    let lines = story.lines();
    let gap = told(vec![(1, lines[0].clone()), (3, lines[2].clone())]);
    assert_eq!(
        story.check_told(&[gap])[0].what,
        "client ann was told 3 after 1"
    );
    let other = story.check_told(&[told(vec![(1, "x".into())])]);
    assert!(other[0].what.contains("the log has"), "{other:?}");
    let mut hanging = story.clone();
    hanging.said[0].outcome = Outcome::Open;
    hanging.finds(Kind::Lost, "ann has no answer to Message");
    let mut strange = story;
    strange.said[4].outcome = refused("INTERNAL", "a", "b");
    strange.finds(Kind::Unaccounted, "because of \"INTERNAL\"");
}
