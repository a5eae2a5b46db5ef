//! The agent's process: starting, changing how it is started, its end.

use super::*;

#[test]
fn a_change_of_options_ends_an_idle_agent_and_the_next_message_waits_for_the_new_one() {
    let mut bench = Bench::idle();
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stay);
    assert_eq!(bench.command(model("other")).unwrap(), ["launch_change"]);
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    assert_eq!(
        bench.exited(AgentExit::Code { code: 1 }),
        [
            "agent_exited",
            "dequeued 2",
            "starting resumed",
            "input 2",
            "status starting"
        ]
    );
    assert!(bench.session.agent().resumes());
    assert_eq!(bench.session.agent().launch().unwrap().model, "other");
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stay);
}

#[test]
fn a_change_of_options_waits_for_the_end_of_the_turn() {
    let mut bench = Bench::working();
    bench
        .command(Action::SetModel {
            model: "other".into(),
        })
        .unwrap();
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stay);
    bench.message(2).unwrap();
    assert_eq!(
        bench.say(Observation::Idle),
        ["status idle", "end end_turn"]
    );
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
}

#[test]
fn an_agent_that_can_change_its_model_and_mode_is_told_and_goes_on() {
    let mut bench = Bench::working();
    bench.say(Observation::Described(Box::new(AgentDescription {
        capabilities: Some(vec![Capability::Models, Capability::Modes]),
        ..AgentDescription::default()
    })));
    let told = |bench: &mut Bench, action: Action| {
        let before = bench.session.clone();
        bench.command(action).unwrap();
        let change = &bench.log.last().unwrap().body;
        before.agent_requests(change)
    };
    let mode = |mode: &str| Action::SetPermissionMode { mode: mode.into() };
    let requests = told(&mut bench, model("other"));
    assert_eq!(requests, [AgentRequest::SetModel("other".into())]);
    let requests = told(&mut bench, mode("acceptEdits"));
    assert_eq!(
        requests,
        [AgentRequest::SetPermissionMode("acceptEdits".into())]
    );
    bench.say(Observation::Idle);
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stay);
    assert_eq!(bench.session.agent().launch(), Some(bench.session.launch()));

    // This one cannot be told to somebody who may ask; it is started anew.
    assert_eq!(told(&mut bench, mode("bypassPermissions")), []);
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    // Nor is one told anything that is about to end.
    assert_eq!(told(&mut bench, model("third")), []);
}

#[test]
fn an_agent_that_was_told_to_end_gets_no_message_even_when_the_reason_has_gone() {
    let mut bench = Bench::idle();
    bench.command(model("other")).unwrap();
    bench.command(model("")).unwrap();
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    bench.exited(AgentExit::Signal { signal: 15 });
    assert!(matches!(bench.session.agent(), AgentState::Starting { .. }));
}

#[test]
fn work_that_an_ending_agent_begins_by_itself_ends_with_it() {
    let mut bench = Bench::idle();
    bench.command(model("other")).unwrap();
    assert_eq!(bench.say(Observation::Working), ["status thinking"]);
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    assert_eq!(
        bench.exited(AgentExit::Code { code: 143 }),
        ["agent_exited", "status idle", "end agent_exited"]
    );
}

#[test]
fn the_same_options_again_change_nothing() {
    let mut bench = Bench::idle();
    assert_eq!(bench.command(model("")).unwrap(), [""; 0]);
    assert_eq!(
        bench
            .command(Action::SetModel {
                model: String::new()
            })
            .unwrap(),
        [""; 0]
    );
    assert_eq!(
        bench
            .command(Action::SetPermissionMode {
                mode: String::new()
            })
            .unwrap(),
        [""; 0]
    );
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stay);
}

#[test]
fn an_agent_that_ends_in_mid_turn_ends_the_turn_once_and_says_how() {
    for (exit, status, message) in [
        (
            AgentExit::Code { code: 0 },
            "crashed",
            "the agent ended with exit code 0: last words",
        ),
        (
            AgentExit::Code { code: 3 },
            "crashed",
            "the agent ended with exit code 3: last words",
        ),
        (
            AgentExit::Signal { signal: 9 },
            "crashed",
            "the agent was ended by signal 9: last words",
        ),
        (
            AgentExit::HostLost,
            "crashed",
            "the agent's host was killed, and the agent with it: last words",
        ),
        (
            AgentExit::NotStarted {
                reason: "gone".into(),
            },
            "error",
            "gone: last words",
        ),
    ] {
        let mut bench = Bench::working();
        bench.say(permission("p", "Bash"));
        bench.pass(2_000_000);
        assert_eq!(
            bench.exited(exit),
            [
                "withdrawn p by agent".to_owned(),
                "agent_exited".into(),
                format!("status {status}"),
                "end agent_exited".into()
            ]
        );
        let error = bench.last_end().error.unwrap();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (TurnErrorKind::AgentExited, message)
        );
        assert_eq!(bench.last_end().duration_ms, 2_000);
        assert_eq!(bench.progress, Progress::default());
        assert_eq!(
            bench.message(2).unwrap()[1..],
            ["input 2", "status starting"]
        );
    }
}

#[test]
fn an_outcome_that_was_said_before_the_end_counts() {
    for (exit, events) in [
        (
            AgentExit::Code { code: 0 },
            ["agent_exited", "status idle", "end max_turns"],
        ),
        (
            AgentExit::Code { code: 1 },
            ["agent_exited", "status crashed", "end max_turns"],
        ),
    ] {
        let mut bench = Bench::working();
        bench.say(result(StopReason::MaxTurns));
        assert_eq!(bench.exited(exit), events);
        assert_eq!(bench.last_end().error, None);
    }
}

#[test]
fn an_idle_agent_that_was_asked_to_end_has_not_crashed() {
    for (exit, events, stderr) in [
        (AgentExit::Code { code: 0 }, vec!["agent_exited"], ""),
        (AgentExit::Code { code: 143 }, vec!["agent_exited"], ""),
        (AgentExit::Signal { signal: 15 }, vec!["agent_exited"], ""),
        (
            AgentExit::Code { code: 1 },
            vec!["agent_exited", "status crashed"],
            "first\nlast words\n",
        ),
        (
            AgentExit::Signal { signal: 11 },
            vec!["agent_exited", "status crashed"],
            "first\nlast words\n",
        ),
        (
            AgentExit::HostLost,
            vec!["agent_exited", "status crashed"],
            "first\nlast words\n",
        ),
    ] {
        let mut bench = Bench::idle();
        assert_eq!(bench.exited(exit), events);
        let said = bench.log.iter().rev().find_map(|event| match &event.body {
            EventBody::AgentExited { stderr, .. } => Some(stderr.clone()),
            _ => None,
        });
        assert_eq!(said.as_deref(), Some(stderr));
        assert_eq!(
            bench.message(2).unwrap(),
            ["starting resumed", "input 2", "status starting"]
        );
    }
}

#[test]
fn news_about_another_host_say_nothing() {
    let mut bench = Bench::working();
    let before = (bench.session.clone(), bench.progress.clone());
    let host = HostEpoch(Uuid::from_u128(99));
    assert_eq!(bench.news(HostNews::Started { host, pid: 1 }), [""; 0]);
    let exit = AgentExit::Code { code: 0 };
    assert_eq!(
        bench.news(HostNews::Exited {
            host,
            exit,
            stderr: String::new(),
            refused: None,
        }),
        [""; 0]
    );
    assert_eq!((bench.session, bench.progress), before);
}

#[test]
fn an_agent_starts_once() {
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    assert_eq!(bench.started(), ["agent_started", "status thinking"]);
    assert_eq!(bench.started(), [""; 0]);
}

#[test]
fn only_a_conversation_that_has_begun_is_resumed() {
    let named = |tools: &[&str]| {
        Observation::Described(Box::new(AgentDescription {
            version: Some("1".into()),
            tools: Some(tools.iter().map(|tool| (*tool).to_owned()).collect()),
            ..AgentDescription::default()
        }))
    };
    for (said, expected) in [
        (vec![], "starting fresh"),
        (vec![named(&[])], "starting fresh"),
        (vec![named(&["Bash"])], "starting resumed"),
        (vec![text("hello")], "starting resumed"),
        (vec![tool_started("t")], "starting resumed"),
        (
            vec![
                text("hello"),
                Observation::ConversationReset {
                    agent_session: "new".into(),
                },
            ],
            "starting fresh",
        ),
        (
            vec![
                Observation::ConversationReset {
                    agent_session: "new".into(),
                },
                text("hello"),
            ],
            "starting resumed",
        ),
    ] {
        let mut bench = Bench::working();
        let story = format!("{said:?}");
        for said in said {
            bench.say(said);
        }
        bench.exited(AgentExit::HostLost);
        assert_eq!(bench.message(2).unwrap()[0], expected, "{story}");
    }
}

#[test]
fn an_agent_at_rest_may_end_and_the_next_message_starts_another() {
    let bench = Bench::working();
    assert_eq!(
        (bench.session.rests_since(), bench.session.rest()),
        (None, vec![])
    );
    let mut bench = Bench::idle();
    let half_an_hour = 30 * 60 * 1_000_000;
    assert_eq!(
        bench.session.rests_since(),
        Some(Timestamp(bench.now.0 + half_an_hour))
    );
    assert_eq!(bench.record(bench.session.rest()), ["agent_stopping"]);
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    assert_eq!(
        (bench.session.rests_since(), bench.session.rest()),
        (None, vec![])
    );
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    let events = bench.exited(AgentExit::Code { code: 1 });
    assert_eq!(
        events[..3],
        ["agent_exited", "dequeued 2", "starting resumed"]
    );
}

#[test]
fn after_an_unattended_turn_the_agent_rests_at_once_unless_something_still_waits() {
    let unattended = TurnPolicy {
        unattended: true,
        ..TurnPolicy::default()
    };
    let mut bench = Bench::working_with(unattended);
    bench.say(Observation::Idle);
    assert_eq!(bench.session.rests_since(), Some(bench.now));
    let mut bench = Bench::working();
    bench.say_from(Some("task"), permission("p", "Bash"));
    bench.say(Observation::Idle);
    assert_eq!(bench.session.rests_since(), None);
}
