//! Requests whose agent has died: they wait, their answers are kept, and the next agent is told once.

use super::*;
use crate::command::PermissionAnswer;

const NONE: [&str; 0] = [];

fn bash(id: &str, command: &str) -> Observation {
    let Observation::PermissionAsked(request) = permission(id, "Bash") else {
        unreachable!("it is a permission")
    };
    Observation::PermissionAsked(PermissionRequest {
        input: json!({"command": command}),
        ..request
    })
}

/// An agent that can be resumed and takes edits has asked this and died.
fn orphaned(asked: &[Observation]) -> Bench {
    let mut bench = Bench::working();
    bench.say(text("hello"));
    bench.say(Observation::Described(Box::new(AgentDescription {
        capabilities: Some(vec![Capability::EditedInput]),
        ..AgentDescription::default()
    })));
    for asked in asked {
        bench.say(asked.clone());
    }
    bench.exited(AgentExit::HostLost);
    bench
}

/// The agent that was started for an answer takes up its turn.
fn resumed(bench: &mut Bench) {
    bench.started();
    bench.say(Observation::Idle);
    bench.say(Observation::Working);
}

fn allows(bench: &Bench) -> Vec<String> {
    let told = bench.told.iter().filter_map(|told| match told {
        AgentRequest::Allow { id, .. } => Some(id.0.clone()),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_request_outlives_an_agent_that_can_be_resumed() {
    let mut bench = Bench::working();
    bench.say(text("hello"));
    bench.say(permission("p", "Bash"));
    assert_eq!(
        bench.exited(AgentExit::HostLost),
        ["agent_exited", "status crashed", "end agent_exited"]
    );
    assert!(bench.session.requests().contains(&"p".into()));
}

#[test]
fn a_request_ends_with_an_agent_that_dies_in_a_turn_that_was_stopped() {
    let mut bench = Bench::working();
    bench.say(text("hello"));
    bench.say(permission("p", "Bash"));
    bench.command(Action::Cancel).unwrap();
    assert_eq!(
        bench.exited(AgentExit::HostLost)[..2],
        ["withdrawn p by agent", "agent_exited"]
    );
    assert!(bench.session.requests().is_empty());
}

#[test]
fn a_request_ends_with_an_agent_that_cannot_be_resumed_or_was_told_to_end() {
    let mut fresh = Bench::working();
    fresh.say(permission("p", "Bash"));
    assert_eq!(fresh.exited(AgentExit::HostLost)[0], "withdrawn p by agent");
    let mut told = Bench::idle();
    told.say_from(Some("task"), permission("p", "Bash"));
    told.command(model("other")).unwrap();
    assert_eq!(
        told.exited(AgentExit::Code { code: 143 })[0],
        "withdrawn p by agent"
    );
    let mut missing = orphaned(&[bash("p", "ls"), bash("q", "id")]);
    missing.command(allow("q")).unwrap();
    let reason = "no such program".into();
    assert_eq!(
        missing.exited(AgentExit::NotStarted { reason }),
        [
            "withdrawn p by agent",
            "agent_exited",
            "error",
            "status error"
        ]
    );
}

#[test]
fn a_message_instead_of_an_answer_ends_what_a_dead_agent_asked() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    assert_eq!(
        bench.message(2).unwrap()[..2],
        ["withdrawn p by agent", "starting resumed"]
    );
    assert!(!bench.session.goes_on());
}

#[test]
fn an_agent_that_dies_before_it_asks_again_leaves_a_word_about_the_answer() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    bench.command(allow("p")).unwrap();
    assert!(bench.session.goes_on());
    bench.started();
    assert_eq!(
        bench.exited(AgentExit::Code { code: 1 }),
        ["agent_exited", "error", "status crashed"]
    );
    assert!(!bench.session.goes_on());
}

#[test]
fn what_a_sub_agent_asked_ends_with_the_agent() {
    let mut bench = Bench::working();
    bench.say(text("hello"));
    bench.say(permission("own", "Bash"));
    bench.say_from(Some("task"), permission("nested", "Bash"));
    assert_eq!(
        bench.exited(AgentExit::HostLost)[..2],
        ["withdrawn nested by agent", "agent_exited"]
    );
    assert!(bench.session.requests().contains(&"own".into()));
}

#[test]
fn an_answer_to_a_dead_agent_starts_it_and_is_applied_once_when_it_asks_the_same_again() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    assert_eq!(
        bench.command(allow("p")).unwrap(),
        ["allowed p by test", "starting resumed", "status starting"]
    );
    assert_eq!(allows(&bench), [""; 0], "nobody heard it yet");
    assert_eq!(bench.started(), ["agent_started", "status idle"]);
    assert_eq!(bench.say(Observation::Idle), NONE);
    assert_eq!(bench.say(Observation::Working), ["status thinking"]);
    assert_eq!(bench.say(bash("n", "ls")), ["asks n", "allowed n by test"]);
    assert_eq!(allows(&bench), ["n"]);
    assert_eq!(
        bench.say(bash("m", "ls")),
        ["asks m", "status waiting_for_user"]
    );
    assert_eq!(allows(&bench), ["n"]);
}

#[test]
fn the_kept_answer_says_everything_that_was_answered() {
    let mut bench = orphaned(&[bash("p", "ls"), bash("q", "id"), bash("r", "date")]);
    let input = Some(json!({"command": "pwd"}));
    let allow = |scope, input| PermissionAnswer::Allow { scope, input };
    let edited = allow(PermissionScope::Once, input.clone());
    bench.command(answer("p", edited)).unwrap();
    let always = allow(PermissionScope::Always, None);
    bench.command(answer("r", always)).unwrap();
    bench.command(deny("q", "not you")).unwrap();
    resumed(&mut bench);
    bench.say(bash("m", "id"));
    assert_eq!(
        bench.told.last(),
        Some(&AgentRequest::Deny {
            id: "m".into(),
            message: "not you".into(),
            interrupt: false,
        })
    );
    bench.say(bash("n", "ls"));
    assert_eq!(
        bench.told.last(),
        Some(&AgentRequest::Allow {
            id: "n".into(),
            input,
        })
    );
    bench.say(bash("o", "date"));
    assert_eq!(
        bench.session.requests().unwritten().count(),
        1,
        "the rule is written once, for the request that was answered"
    );
}

#[test]
fn the_order_of_keys_does_not_make_another_input() {
    let with = |id: &str, input: &str| {
        let Observation::PermissionAsked(request) = permission(id, "Bash") else {
            unreachable!("it is a permission")
        };
        let input = serde_json::from_str(input).unwrap();
        Observation::PermissionAsked(PermissionRequest { input, ..request })
    };
    let mut bench = orphaned(&[with("p", r#"{"a": 1, "b": 2}"#)]);
    bench.command(allow("p")).unwrap();
    resumed(&mut bench);
    assert_eq!(
        bench.say(with("n", r#"{"b": 2, "a": 1}"#))[1],
        "allowed n by test"
    );
}

#[test]
fn another_input_or_another_tool_is_asked_about_and_the_input_with_a_note() {
    for (asked, has_note) in [
        (bash("n", "ls -l"), true),
        (permission("n", "Write"), false),
    ] {
        let mut bench = orphaned(&[bash("p", "ls")]);
        bench.command(allow("p")).unwrap();
        resumed(&mut bench);
        assert_eq!(bench.say(asked), ["asks n", "status waiting_for_user"]);
        let noted = bench.session.requests().iter().any(|(_, pending)| {
            matches!(pending, Pending::Permission(request) if !request.note.is_empty())
        });
        assert_eq!(noted, has_note);
        assert_eq!(allows(&bench), [""; 0]);
    }
}

#[test]
fn a_kept_answer_to_a_question_is_applied_too() {
    let mut bench = orphaned(&[question("q")]);
    bench.command(answer_question("q", vec![])).unwrap();
    resumed(&mut bench);
    assert_eq!(bench.say(question("n")), ["asks n", "answered n by test"]);
    assert!(matches!(
        bench.told.last(),
        Some(AgentRequest::Answer { id, .. }) if *id == "n".into()
    ));
}

#[test]
fn two_answers_to_the_same_are_applied_to_two_requests() {
    let mut bench = orphaned(&[bash("p", "ls"), bash("q", "ls")]);
    bench.command(allow("p")).unwrap();
    bench.command(deny("q", "once is enough")).unwrap();
    resumed(&mut bench);
    assert_eq!(bench.say(bash("m", "ls"))[1], "allowed m by test");
    assert_eq!(bench.say(bash("n", "ls"))[1], "denied n by test");
    assert_eq!(bench.say(bash("o", "ls"))[1], "status waiting_for_user");
}

#[test]
fn an_orphan_that_nobody_answered_is_asked_anew_in_its_place() {
    let mut bench = orphaned(&[bash("p", "ls"), bash("q", "id")]);
    bench.command(allow("q")).unwrap();
    resumed(&mut bench);
    assert_eq!(
        bench.say(bash("n", "ls")),
        ["withdrawn p by agent", "asks n", "status waiting_for_user"]
    );
    let late = bench.command(allow("p"));
    assert!(matches!(late, Err(Rejected::RequestEnded { .. })));
    bench.command(allow("n")).unwrap();
    assert_eq!(allows(&bench), ["n"]);
}

#[test]
fn an_agent_that_works_is_not_shown_as_waiting_because_of_an_orphan() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    bench.message(2).unwrap();
    bench.started();
    bench.say(Observation::Working);
    assert_eq!(bench.status(), Status::Thinking);
    assert_eq!(bench.say(Observation::WaitingForUser), NONE);
    bench.say(bash("n", "id"));
    assert_eq!(bench.status(), Status::WaitingForUser);
    assert_eq!(
        bench.command(allow("n")).unwrap(),
        ["allowed n by test", "status thinking"]
    );
}

#[test]
fn an_orphan_that_the_resumed_turn_did_not_ask_again_ends_with_it() {
    let mut bench = orphaned(&[bash("p", "ls"), bash("q", "id")]);
    bench.command(allow("q")).unwrap();
    resumed(&mut bench);
    bench.say(bash("m", "id"));
    assert_eq!(
        bench.say(Observation::Idle),
        ["withdrawn p by agent", "status idle", "end end_turn"]
    );
}

#[test]
fn an_answer_that_the_resumed_turn_did_not_ask_for_is_dropped_and_the_user_is_told() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    bench.command(allow("p")).unwrap();
    resumed(&mut bench);
    let events = bench.say(Observation::Idle);
    assert_eq!(events, ["error", "status idle", "end end_turn"]);
    bench.message(2).unwrap();
    bench.say(Observation::Working);
    assert_eq!(bench.say(bash("n", "ls"))[1], "status waiting_for_user");
}

#[test]
fn a_kept_answer_outlives_another_death_of_the_agent() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    bench.command(allow("p")).unwrap();
    resumed(&mut bench);
    bench.exited(AgentExit::HostLost);
    bench.message(2).unwrap();
    bench.started();
    bench.say(Observation::Working);
    assert_eq!(bench.say(bash("n", "ls"))[1], "allowed n by test");
}

#[test]
fn a_kept_answer_outlives_the_daemon_and_belongs_to_whoever_gave_it() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    bench.restart();
    bench.arrive(&person(2));
    let events = bench.command_by(&person(2), allow("p")).unwrap();
    assert_eq!(events[..2], ["lock person 2", "allowed p by person 2"]);
    bench.restart();
    resumed(&mut bench);
    bench.restart();
    assert_eq!(bench.say(bash("n", "ls"))[1], "allowed n by person 2");
    assert_eq!(allows(&bench), ["n"]);
}

#[test]
fn a_tool_that_the_run_denies_stays_denied_whatever_was_answered_before() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    let denying = TurnPolicy {
        disallowed_tools: vec!["Bash".into()],
        ..TurnPolicy::default()
    };
    bench.command(allow("p")).unwrap();
    bench.exited(AgentExit::HostLost);
    bench.send(2, denying).unwrap();
    bench.started();
    bench.say(Observation::Working);
    assert_eq!(
        bench.say(bash("n", "ls"))[1],
        "denied n by --disallowed-tools Bash"
    );
}

#[test]
fn an_answer_does_not_outlive_the_conversation_that_it_was_given_in() {
    let forget = |bench: &mut Bench| drop(bench.command(Action::Clear).unwrap());
    let reset = |bench: &mut Bench| {
        bench.say(Observation::ConversationReset {
            agent_session: "new".into(),
        });
    };
    for end in [&forget as &dyn Fn(&mut Bench), &reset] {
        let mut bench = orphaned(&[bash("p", "ls")]);
        bench.command(allow("p")).unwrap();
        bench.started();
        end(&mut bench);
        bench.exited(AgentExit::HostLost);
        bench.message(2).unwrap();
        bench.started();
        bench.say(Observation::Working);
        assert_eq!(bench.say(bash("n", "ls"))[1], "status waiting_for_user");
    }
}

#[test]
fn to_deny_an_orphan_and_interrupt_starts_no_agent_and_stops_no_other_work() {
    let stop = || {
        let (message, interrupt) = ("stop".into(), true);
        answer("p", PermissionAnswer::Deny { message, interrupt })
    };
    let mut bench = orphaned(&[bash("p", "ls")]);
    assert_eq!(bench.command(stop()).unwrap(), ["denied p by test"]);
    assert!(!bench.session.agent().is_present());
    let mut bench = orphaned(&[bash("p", "ls"), bash("q", "id")]);
    bench.command(allow("q")).unwrap();
    resumed(&mut bench);
    bench.command(stop()).unwrap();
    assert_eq!(bench.session.turn().unwrap().cancelled, None);
}

#[test]
fn an_orphan_expires_and_reminds_like_any_request_and_tells_no_agent() {
    let mut bench = orphaned(&[bash("p", "ls")]);
    let told = bench.told.len();
    bench.pass_hours(24);
    assert_eq!(bench.expire(), ["reminder p 24 h"]);
    bench.pass_hours(6 * 24);
    assert_eq!(bench.expire(), ["expired p by unattended"]);
    assert_eq!(bench.told.len(), told);
    assert_eq!(bench.status(), Status::Crashed);
}

#[test]
fn the_answer_to_one_orphan_leaves_the_others_waiting() {
    let mut bench = orphaned(&[bash("p", "ls"), bash("q", "id")]);
    bench.command(allow("p")).unwrap();
    assert!(bench.session.requests().contains(&"q".into()));
    resumed(&mut bench);
    bench.say(bash("m", "ls"));
    assert_eq!(
        bench.say(bash("n", "id")),
        ["withdrawn q by agent", "asks n", "status waiting_for_user"]
    );
}

#[test]
fn a_long_input_and_a_long_edit_are_kept_whole_over_a_fold_of_the_stored_log() {
    let long = |letter: &str| json!({"command": format!("{} 1", letter.repeat(100_000))});
    let other_end = json!({"command": format!("{} 2", "a".repeat(100_000))});
    let ask = |id: &str, input: &serde_json::Value| {
        let Observation::PermissionAsked(request) = permission(id, "Bash") else {
            unreachable!("it is a permission")
        };
        let input = input.clone();
        Observation::PermissionAsked(PermissionRequest { input, ..request })
    };
    let mut bench = orphaned(&[ask("p", &long("a"))]);
    let (scope, input) = (PermissionScope::Once, Some(long("b")));
    bench
        .command(answer("p", PermissionAnswer::Allow { scope, input }))
        .unwrap();
    let (cut, whole) = super::replay::fold_stored(&bench);
    assert_ne!(cut, bench.session);
    assert_eq!(whole, bench.session);
    bench.session = whole;
    resumed(&mut bench);
    assert_eq!(
        bench.say(ask("m", &other_end))[1],
        "status waiting_for_user"
    );
    assert_eq!(bench.say(ask("n", &long("a")))[1], "allowed n by test");
    assert_eq!(
        bench.told.last(),
        Some(&AgentRequest::Allow {
            id: "n".into(),
            input: Some(long("b")),
        })
    );
}
