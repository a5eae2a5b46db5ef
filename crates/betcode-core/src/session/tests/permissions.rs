//! Answers to requests for permission: what each does, what it is told that comes second, and what is not asked again.

use super::*;
use crate::command::PermissionAnswer;

const NONE: [&str; 0] = [];

fn command(id: &str, command: &str) -> Observation {
    Observation::PermissionAsked(PermissionRequest {
        input: json!({"command": command}),
        ..asked(id, "Bash")
    })
}

fn edited(id: &str, input: serde_json::Value) -> Action {
    let (scope, input) = (PermissionScope::Once, Some(input));
    answer(id, PermissionAnswer::Allow { scope, input })
}

fn deny_and_interrupt(id: &str) -> Action {
    let (message, interrupt) = ("stop".into(), true);
    answer(id, PermissionAnswer::Deny { message, interrupt })
}

fn told_deny(id: &str, message: &str, interrupt: bool) -> AgentRequest {
    AgentRequest::Deny {
        id: id.into(),
        message: message.into(),
        interrupt,
    }
}

fn told_allow(id: &str, input: Option<serde_json::Value>) -> AgentRequest {
    AgentRequest::Allow {
        id: id.into(),
        input,
    }
}

/// How the last request ended.
fn last_decision(bench: &Bench) -> PermissionDecision {
    let last = bench.log.iter().rev().find_map(|event| match &event.body {
        EventBody::PermissionResolved(decision) => Some(decision.clone()),
        _ => None,
    });
    last.expect("a request has ended")
}

fn can_edit() -> Observation {
    Observation::Described(Box::new(AgentDescription {
        capabilities: Some(vec![Capability::EditedInput]),
        ..AgentDescription::default()
    }))
}

#[test]
fn allowed_once_means_that_the_same_is_asked_again() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    assert_eq!(
        bench.command(allow("p")).unwrap(),
        ["allowed p by test", "status thinking"]
    );
    assert_eq!(bench.told.last(), Some(&told_allow("p", None)));
    assert_eq!(
        bench.say(permission("q", "Bash")),
        ["asks q", "status waiting_for_user"]
    );
}

#[test]
fn what_is_allowed_for_the_session_is_not_asked_again_and_something_else_is() {
    let mut bench = Bench::working();
    bench.say(command("p", "ls"));
    bench
        .command(allow_for("p", PermissionScope::Session))
        .unwrap();
    assert_eq!(last_decision(&bench).rules, ["Bash(ls)"]);
    assert_eq!(
        bench.say(command("q", "ls")),
        ["asks q", "allowed q by Bash(ls), allowed for this session"]
    );
    assert_eq!(bench.told.last(), Some(&told_allow("q", None)));
    assert_eq!(
        bench.say(command("r", "ls -l")),
        ["asks r", "status waiting_for_user"]
    );
    assert_eq!(bench.session.requests().unwritten().count(), 0);
}

#[test]
fn what_is_always_allowed_is_not_asked_again_and_waits_to_be_written_once() {
    let mut bench = Bench::working();
    bench.say(command("p", "ls"));
    bench
        .command(allow_for("p", PermissionScope::Always))
        .unwrap();
    assert_eq!(
        bench.say(command("q", "ls"))[1],
        "allowed q by Bash(ls), allowed for this session"
    );
    let unwritten: Vec<_> = bench.session.requests().unwritten().collect();
    assert_eq!(
        unwritten,
        [(&RequestId::from("p"), &["Bash(ls)".to_owned()][..])]
    );
    bench.restart();
    assert_eq!(bench.session.requests().unwritten().count(), 1);
    for error in ["disk full", ""] {
        let written = EventBody::RulesWritten {
            id: "p".into(),
            rules: vec!["Bash(ls)".into()],
            file: "config.local.toml".into(),
            error: error.into(),
            untrusted: false,
        };
        bench.record(vec![written.into()]);
        assert_eq!(
            bench.session.requests().unwritten().count(),
            0,
            "a write that failed is told and not repeated for ever"
        );
    }
}

#[test]
fn a_rule_of_the_settings_allows_exactly_what_it_says() {
    let mut bench = Bench::working();
    bench.allowed = vec!["Bash(ls)".into()];
    assert_eq!(bench.say(command("p", "ls"))[1], "allowed p by Bash(ls)");
    assert_eq!(
        bench.say(command("q", "ls -l"))[1],
        "status waiting_for_user"
    );
}

#[test]
fn a_rule_that_is_a_tools_name_allows_the_tool_and_is_the_one_that_is_named() {
    let mut bench = Bench::working();
    bench.allowed = vec!["Bash".into()];
    assert_eq!(bench.say(command("p", "ls -l"))[1], "allowed p by Bash");
    assert_eq!(
        bench.say(permission("q", "Write"))[1],
        "status waiting_for_user"
    );
}

#[test]
fn another_input_is_allowed_once_and_makes_no_rule() {
    for scope in [PermissionScope::Session, PermissionScope::Always] {
        let mut bench = Bench::working();
        bench.say(Observation::Described(Box::new(AgentDescription {
            capabilities: Some(vec![Capability::EditedInput]),
            ..AgentDescription::default()
        })));
        bench.say(command("p", "rm"));
        let input = Some(json!({"command": "ls"}));
        let answer = Action::AnswerPermission {
            id: "p".into(),
            answer: PermissionAnswer::Allow { scope, input },
        };
        assert!(matches!(
            bench.command(answer),
            Err(Rejected::Invalid {
                field: "allow.scope",
                ..
            })
        ));
        assert!(bench.session.requests().contains(&"p".into()));
    }
}

#[test]
fn rules_and_grants_allow_in_an_unattended_run_too_and_a_denied_tool_stays_denied() {
    let unattended = TurnPolicy {
        unattended: true,
        disallowed_tools: vec!["Write".into()],
        ..TurnPolicy::default()
    };
    let mut bench = Bench::working_with(unattended);
    bench.allowed = vec!["Bash(ls)".into(), "Write(ls)".into()];
    assert_eq!(bench.say(command("p", "ls"))[1], "allowed p by Bash(ls)");
    assert_eq!(bench.say(command("q", "id"))[1], "denied q by unattended");
    assert_eq!(
        bench.say(permission("r", "Write"))[1],
        "denied r by --disallowed-tools Write"
    );
}

#[test]
fn an_edited_input_is_what_runs() {
    let mut bench = Bench::working();
    bench.say(can_edit());
    bench.say(command("p", "rm -r /"));
    let input = json!({"command": "ls"});
    bench.command(edited("p", input.clone())).unwrap();
    assert_eq!(
        bench.told.last(),
        Some(&told_allow("p", Some(input.clone())))
    );
    assert_eq!(last_decision(&bench).input, Some(input));
}

#[test]
fn an_agent_that_takes_no_edited_input_gets_none() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    let refused = bench.command(edited("p", json!({})));
    assert!(matches!(refused, Err(Rejected::Unsupported(_))));
    assert!(bench.session.requests().contains(&"p".into()));
}

#[test]
fn a_denial_says_why_to_the_agent_and_never_nothing() {
    for (message, told) in [
        ("use ls", "use ls"),
        (" ", "The user does not want this."),
        ("", "The user does not want this."),
    ] {
        let mut bench = Bench::working();
        bench.say(permission("p", "Bash"));
        assert_eq!(
            bench.command(deny("p", message)).unwrap(),
            ["denied p by test", "status thinking"]
        );
        assert_eq!(bench.told.last(), Some(&told_deny("p", told, false)));
    }
}

#[test]
fn deny_and_interrupt_ends_the_turn_as_cancelled() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    bench.command(deny_and_interrupt("p")).unwrap();
    assert_eq!(bench.told.last(), Some(&told_deny("p", "stop", true)));
    bench.say(result(StopReason::Error));
    bench.say(Observation::Idle);
    assert_eq!(bench.last_end().stop_reason, StopReason::Cancelled);
}

#[test]
fn the_same_answer_again_changes_nothing_whoever_gives_it() {
    for (first, again) in [
        (allow("p"), allow("p")),
        (deny("p", "no"), deny("p", "no")),
        (
            allow_for("p", PermissionScope::Always),
            allow_for("p", PermissionScope::Always),
        ),
    ] {
        let mut bench = Bench::working();
        bench.say(permission("p", "Bash"));
        bench.command(first).unwrap();
        let told = bench.told.clone();
        for who in [client(), person(2), shot(4), ClientInfo::default()] {
            assert_eq!(bench.command_by(&who, again.clone()).unwrap(), NONE);
        }
        assert_eq!(bench.told, told);
    }
}

#[test]
fn another_answer_is_told_how_the_request_ended_and_by_whom() {
    for other in [
        deny("p", ""),
        allow_for("p", PermissionScope::Session),
        edited("p", json!({"command": "ls"})),
    ] {
        let mut bench = Bench::working();
        bench.say(can_edit());
        bench.say(permission("p", "Bash"));
        bench.command(allow("p")).unwrap();
        let ended = Rejected::RequestEnded {
            id: "p".into(),
            how: "allowed by test".into(),
            outcome: "allowed".into(),
        };
        assert_eq!(bench.command_by(&shot(4), other), Err(ended));
    }
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    let by = ClientInfo {
        place: "laptop · terminal".into(),
        ..client()
    };
    bench.command_by(&by, deny("p", "a")).unwrap();
    for other in [deny("p", "b"), deny_and_interrupt("p"), allow("p")] {
        let Err(Rejected::RequestEnded { how, outcome, .. }) = bench.command(other) else {
            panic!("it has ended");
        };
        assert_eq!(how, "denied by test (laptop · terminal)");
        assert_eq!(outcome, "denied");
    }
}

#[test]
fn who_answers_after_the_end_is_told_how_it_ended() {
    let withdraw = Observation::RequestWithdrawn { id: "p".into() };
    let mut withdrawn = Bench::working();
    withdrawn.say(permission("p", "Bash"));
    withdrawn.say(withdraw);
    let mut expired = Bench::working();
    expired.say(permission("p", "Bash"));
    expired.pass_hours(7 * 24);
    expired.expire();
    let mut by_rule = Bench::working();
    by_rule.allowed = vec!["Bash(ls)".into()];
    by_rule.say(permission("p", "Bash"));
    for (mut bench, expected) in [
        (withdrawn, "withdrawn by the agent"),
        (expired, "expired: nobody was there to answer"),
        (by_rule, "allowed by Bash(ls)"),
    ] {
        let told = bench.told.clone();
        for late in [allow("p"), deny("p", "")] {
            let Err(Rejected::RequestEnded { how, .. }) = bench.command(late) else {
                panic!("it has ended");
            };
            assert_eq!(how, expected);
        }
        assert_eq!(bench.told, told);
    }
}

#[test]
fn a_request_that_nobody_asked_is_unknown_and_a_question_is_no_permission() {
    let mut bench = Bench::working();
    let unknown = Rejected::UnknownRequest("x".into());
    assert_eq!(bench.command(allow("x")), Err(unknown.clone()));
    assert_eq!(bench.command(decline("x", "")), Err(unknown));
    bench.say(question("q"));
    bench.say(permission("p", "Bash"));
    for (action, field) in [
        (allow("q"), "answer_permission.id"),
        (decline("p", ""), "answer_question.id"),
    ] {
        match bench.command(action) {
            Err(Rejected::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_session_goes_on_when_the_last_of_several_requests_is_answered() {
    let mut bench = Bench::working();
    bench.say(tool_started("t"));
    bench.say(permission("p", "Bash"));
    bench.say_from(Some("task"), permission("q", "Bash"));
    assert_eq!(bench.command(allow("q")).unwrap(), ["allowed q by test"]);
    assert_eq!(
        bench.log.last().unwrap().parent,
        Some("task".into()),
        "an end belongs where its request was"
    );
    assert_eq!(
        bench.command(allow("p")).unwrap(),
        ["allowed p by test", "status running_tool"]
    );
}

#[test]
fn an_answer_to_what_a_sub_agent_asks_at_rest_leaves_the_session_idle() {
    let mut bench = Bench::working();
    bench.say_from(Some("task"), permission("q", "Bash"));
    bench.say(Observation::Idle);
    assert_eq!(
        bench.command(allow("q")).unwrap(),
        ["allowed q by test", "status idle"]
    );
}
