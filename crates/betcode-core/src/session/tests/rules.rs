//! A stand-in for the rule engine: texts that are compared word for word. The machine is told rulings and never asks whose.

use super::*;
use crate::ruling::{RuleName, Ruling, Verdict};

/// What a rule about this call looks like here; none for what no rule can stand for.
pub(super) fn text_of(request: &PermissionRequest) -> Option<String> {
    let command = request
        .input
        .get("command")
        .and_then(|value| value.as_str());
    match command {
        Some(command) if command.contains('$') => None,
        Some(command) => Some(format!("{}({command})", request.tool)),
        None => Some(request.tool.clone()),
    }
}

impl Bench {
    /// What the rules say about a call.
    pub(super) fn ruling(&self, request: &PermissionRequest) -> Ruling {
        let policy = self.session.present_policy();
        let text = text_of(request);
        let names = |rule: &str| rule == request.tool || Some(rule) == text.as_deref();
        let by = |rule: &str, place: &str| {
            Some(RuleName {
                rule: rule.to_owned(),
                place: place.to_owned(),
            })
        };
        let has = |list: &[String]| list.iter().find(|rule| names(rule)).cloned();
        let grants: Vec<String> = self
            .session
            .requests()
            .grants()
            .map(str::to_owned)
            .collect();
        let (verdict, by) = if let Some(rule) = has(&policy.disallowed_tools) {
            let rule = format!("--disallowed-tools {rule}");
            (Verdict::Deny, by(&rule, ""))
        } else if let Some(rule) = has(&self.denied) {
            (Verdict::Deny, by(&rule, "settings"))
        } else if let Some(rule) = has(&grants) {
            (Verdict::Allow, by(&rule, FOR_THE_SESSION))
        } else if let Some(rule) = has(&policy.allowed_tools) {
            let rule = format!("--allowed-tools {rule}");
            (Verdict::Allow, by(&rule, ""))
        } else if let Some(rule) = has(&self.asked) {
            (Verdict::Ask, by(&rule, "settings"))
        } else if let Some(rule) = has(&self.allowed) {
            (Verdict::Allow, by(&rule, ""))
        } else {
            (Verdict::Ask, None)
        };
        Ruling {
            verdict,
            by,
            reason: format!("the rules say {verdict:?}"),
            proposed: text.into_iter().collect(),
        }
    }

    /// What the rules say about the call that this is about, if it is about one.
    pub(super) fn ruling_on(&self, observation: &Observation) -> Ruling {
        match observation {
            Observation::PermissionAsked(request) | Observation::ToolAnnounced(request) => {
                self.ruling(request)
            }
            _ => Ruling::default(),
        }
    }

    /// Requests that wait for what is allowed by now.
    pub(super) fn allow_meanwhile(&mut self) {
        let waiting: Vec<_> = self.session.requests().permissions().cloned().collect();
        for request in waiting {
            let ruling = self.ruling(&request);
            let drafts = self.session.allowed_meanwhile(&request.id, &ruling);
            self.record_and_settle(drafts);
        }
    }
}

fn announced(id: &str, command: &str) -> Observation {
    Observation::ToolAnnounced(PermissionRequest {
        input: json!({"command": command}),
        ..asked(id, "Bash")
    })
}

#[test]
fn what_is_announced_and_forbidden_is_denied_and_recorded() {
    let mut bench = Bench::working();
    bench.denied = vec!["Bash(rm)".into()];
    assert_eq!(
        bench.say(announced("h", "rm")),
        ["asks h", "denied h by Bash(rm), settings"]
    );
    let denied = AgentRequest::Deny {
        id: "h".into(),
        message: "the rules say Deny".into(),
        interrupt: false,
    };
    assert_eq!(bench.told.last(), Some(&denied));
    assert!(bench.session.requests().is_empty());
    assert_eq!(bench.session.info().status, Status::Thinking);
}

#[test]
fn what_is_announced_and_not_forbidden_leaves_no_trace() {
    let mut bench = Bench::working();
    bench.asked = vec!["Bash(rm)".into()];
    bench.allowed = vec!["Bash(ls)".into()];
    let told = bench.told.len();
    for command in ["rm", "ls", "id"] {
        let nothing: [&str; 0] = [];
        assert_eq!(bench.say(announced("h", command)), nothing);
    }
    assert_eq!(bench.told.len(), told);
}

#[test]
fn a_rule_that_denies_beats_what_was_granted_and_what_was_answered_before() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    let grant = allow_for("p", PermissionScope::Session);
    bench.command(grant).unwrap();
    bench.denied = vec!["Bash(ls)".into()];
    assert_eq!(
        bench.say(permission("q", "Bash"))[1],
        "denied q by Bash(ls), settings"
    );
}

#[test]
fn a_rule_that_asks_says_so_and_a_grant_beats_it() {
    let mut bench = Bench::working();
    bench.asked = vec!["Bash(ls)".into()];
    bench.say(permission("p", "Bash"));
    let note = bench
        .session
        .requests()
        .iter()
        .next()
        .map(|(_, pending)| match pending {
            Pending::Permission(request) => request.note.clone(),
            Pending::Question(_) => String::new(),
        });
    assert_eq!(note.unwrap(), "the rules say Ask (settings)");
    let grant = allow_for("p", PermissionScope::Session);
    bench.command(grant).unwrap();
    assert_eq!(
        bench.say(permission("q", "Bash"))[1],
        "allowed q by Bash(ls), allowed for this session"
    );
}

#[test]
fn what_no_rule_can_stand_for_is_granted_by_its_input_and_never_always() {
    let with = |id: &str, command: &str| {
        Observation::PermissionAsked(PermissionRequest {
            input: json!({"command": command}),
            ..asked(id, "Bash")
        })
    };
    let mut bench = Bench::working();
    bench.say(with("p", "echo $HOME"));
    bench.say(with("q", "echo $HOME"));
    bench.say(with("r", "echo $PATH"));
    let refused = bench.command(allow_for("p", PermissionScope::Always));
    assert!(
        matches!(
            refused,
            Err(Rejected::Invalid {
                field: "allow.scope",
                ..
            })
        ),
        "{refused:?}"
    );
    let events = bench
        .command(allow_for("p", PermissionScope::Session))
        .unwrap();
    assert!(
        events[1].starts_with("allowed q by Bash with exactly this input ("),
        "{events:?}"
    );
    assert!(
        events[1].ends_with(", allowed for this session"),
        "{events:?}"
    );
    assert_eq!(events.len(), 2, "something else still waits");
    bench.restart();
    assert!(bench.say(with("s", "echo $HOME"))[1].starts_with("allowed s by "));
}

#[test]
fn a_rule_made_meanwhile_ends_what_waits_for_it() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    bench.say(permission("q", "Bash"));
    bench.say(permission("r", "Write"));
    assert_eq!(
        bench
            .command(allow_for("q", PermissionScope::Always))
            .unwrap(),
        [
            "allowed q by test",
            "allowed p by Bash(ls), allowed for this session"
        ]
    );
    assert_eq!(bench.session.requests().iter().count(), 1);
}
