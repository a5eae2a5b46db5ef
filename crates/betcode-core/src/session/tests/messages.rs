//! Messages: taken, queued, removed, lost, sent again.

use super::*;

#[test]
fn a_session_is_started_once() {
    let mut bench = Bench::empty();
    assert_eq!(
        bench.command(start("")).unwrap(),
        ["session_info", "launch_change"]
    );
    let id = bench.session.id();
    assert_eq!(
        bench.command(start("again")),
        Err(Rejected::SessionExists(id))
    );
    assert_eq!(bench.session.info().agent_session, id.to_string());
}

#[test]
fn nothing_but_a_start_makes_a_session() {
    for action in [Action::Cancel, Action::Close, Action::Delete, model("x")] {
        let mut bench = Bench::empty();
        let id = bench.session.id();
        assert_eq!(bench.command(action), Err(Rejected::UnknownSession(id)));
        assert_eq!(bench.message(1), Err(Rejected::UnknownSession(id)));
    }
}

#[test]
fn an_empty_message_is_refused_unless_something_is_attached() {
    let mut bench = Bench::new();
    let say = |attachments| Action::Message {
        text: " \n".into(),
        attachments,
        policy: TurnPolicy::default(),
    };
    assert!(matches!(
        bench.command(say(vec![])),
        Err(Rejected::Invalid {
            field: "message.text",
            ..
        })
    ));
    let file = Attachment {
        name: "a.png".into(),
        media_type: "image/png".into(),
        size: 1,
        ..Attachment::default()
    };
    assert!(bench.command(say(vec![file])).is_ok());
}

#[test]
fn an_image_is_in_the_state_until_it_is_settled_and_never_in_the_log() {
    let image = Attachment::new("a.png", "image/png", b"\x89PNG");
    let look = |text: String| Action::Message {
        text,
        attachments: vec![image.clone()],
        policy: TurnPolicy::default(),
    };
    let mut bench = Bench::working();
    bench.command(look("look".into())).unwrap();
    bench.command(look("x".repeat(100_000))).unwrap();
    let (cut, whole) = super::replay::fold_stored(&bench);
    let contents = |session: &Session| -> Vec<Attachment> {
        let queued = session.messages().queued();
        queued.flat_map(|input| input.attachments.clone()).collect()
    };
    assert!(contents(&cut).iter().all(|image| image.content.is_empty()));
    assert_eq!(contents(&cut)[0].size, 4);
    assert_eq!(contents(&whole), [image.clone(), image.clone()]);
    assert_eq!(whole, bench.session);
    bench.say(result(StopReason::EndTurn));
    bench.say(Observation::Idle);
    let sent = bench.told.iter().any(|told| {
        matches!(told, AgentRequest::UserMessage { attachments, .. } if *attachments == [image.clone()])
    });
    assert!(sent, "the agent gets it with the message");
}

#[test]
fn the_first_message_starts_the_agent_and_tells_it_what_it_is_for() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.message(1).unwrap(),
        ["starting fresh", "input 1", "status starting"]
    );
    assert!(matches!(
        bench.told.as_slice(),
        [AgentRequest::Initialize, AgentRequest::UserMessage { message_id, .. }] if *message_id == super::message_id(1)
    ));
    assert_eq!(bench.session.title(), "message 1");
}

#[test]
fn a_message_to_an_idle_agent_goes_out_at_once() {
    let mut bench = Bench::idle();
    assert_eq!(bench.message(2).unwrap(), ["input 2", "status thinking"]);
}

#[test]
fn messages_wait_while_the_agent_starts_or_works_and_follow_one_by_one() {
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    bench.started();
    bench.say(Observation::Working);
    assert_eq!(bench.message(3).unwrap(), ["queued 3"]);
    bench.say(result(StopReason::EndTurn));
    assert_eq!(
        bench.say(Observation::Idle),
        [
            "status idle",
            "end end_turn",
            "dequeued 2",
            "input 2",
            "status thinking"
        ]
    );
    bench.say(Observation::Working);
    bench.say(result(StopReason::EndTurn));
    assert_eq!(
        bench.say(Observation::Idle),
        [
            "status idle",
            "end end_turn",
            "dequeued 3",
            "input 3",
            "status thinking"
        ]
    );
    assert_eq!(bench.rounds, 1);
}

#[test]
fn a_closed_session_takes_no_message() {
    let mut bench = Bench::new();
    bench.command(Action::Close).unwrap();
    let closed = Rejected::SessionClosed(bench.session.id());
    assert_eq!(bench.message(1), Err(closed.clone()));
    assert_eq!(bench.command(model("x")), Err(closed.clone()));
    assert_eq!(bench.command(Action::Cancel), Err(closed));
    assert_eq!(bench.command(Action::Close).unwrap(), [""; 0]);
    assert_eq!(
        bench.command(Action::Rename { title: "t".into() }).unwrap(),
        ["title_change"]
    );
    assert_eq!(bench.command(Action::Delete).unwrap(), [""; 0]);
}

#[test]
fn only_a_queued_message_can_be_removed_and_only_once() {
    let mut bench = Bench::working();
    bench.message(2).unwrap();
    let remove = |number| Action::RemoveQueued {
        message_id: message_id(number),
    };
    assert_eq!(bench.command(remove(2)).unwrap(), ["removed 2"]);
    for number in [1, 2, 3] {
        let refused = Rejected::WrongMessage {
            id: message_id(number),
            expected: "queued",
        };
        assert_eq!(bench.command(remove(number)), Err(refused));
    }
    assert_eq!(
        bench.say(Observation::Idle),
        ["status idle", "end end_turn"]
    );
}

#[test]
fn closing_ends_the_turn_each_request_and_each_queued_message_once() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    bench.say_from(Some("agent"), question("q"));
    bench.message(2).unwrap();
    bench.message(3).unwrap();
    assert_eq!(
        bench.command(Action::Close).unwrap(),
        [
            "withdrawn p by agent",
            "withdrawn q by agent",
            "lock free",
            "removed 2",
            "removed 3",
            "end cancelled",
            "status closed"
        ]
    );
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    for said in [
        text("late"),
        Observation::Working,
        permission("late", "Bash"),
        Observation::Idle,
    ] {
        assert_eq!(bench.say(said), [""; 0]);
    }
    assert_eq!(
        bench.exited(AgentExit::Signal { signal: 9 }),
        ["agent_exited"]
    );
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stay);
    assert_eq!(bench.status(), Status::Closed);
}

#[test]
fn what_the_agent_had_not_said_to_have_is_of_unknown_delivery_when_it_ends() {
    let took = |state| Observation::Delivery {
        message_id: message_id(1),
        state,
    };
    for (said, unknown) in [
        (vec![], true),
        (
            vec![Observation::Idle, Observation::Unknown { raw: "?".into() }],
            true,
        ),
        (vec![took(Delivery::Cancelled)], false),
        (vec![took(Delivery::Queued)], false),
        (vec![took(Delivery::Started)], false),
        (vec![Observation::Working], false),
    ] {
        let mut bench = Bench::new();
        bench.message(1).unwrap();
        bench.started();
        let story = format!("{said:?}");
        for said in said {
            bench.say(said);
        }
        let events = bench.exited(AgentExit::HostLost);
        assert_eq!(
            events.contains(&"unknown 1".to_owned()),
            unknown,
            "{story}: {events:?}"
        );
        assert_eq!(
            bench
                .session
                .messages()
                .find_unknown(message_id(1))
                .is_some(),
            unknown
        );
    }
}

#[test]
fn a_message_of_unknown_delivery_can_be_sent_again_once() {
    let again = || Action::SendAgain {
        message_id: message_id(1),
    };
    let refused = Rejected::WrongMessage {
        id: message_id(1),
        expected: "of unknown delivery",
    };
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    assert_eq!(bench.command(again()), Err(refused.clone()));
    bench.exited(AgentExit::HostLost);
    assert_eq!(
        bench.command(again()).unwrap(),
        ["starting fresh", "input 1", "status starting"]
    );
    assert_eq!(bench.command(again()), Err(refused));
}

#[test]
fn a_message_of_unknown_delivery_can_be_let_go() {
    let remove = || Action::RemoveQueued {
        message_id: message_id(1),
    };
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    assert!(bench.command(remove()).is_err(), "it may still arrive");
    bench.exited(AgentExit::HostLost);
    assert_eq!(bench.command(remove()).unwrap(), ["removed 1"]);
    assert_eq!(bench.session.messages().unknown().count(), 0);
    assert!(bench.command(remove()).is_err());
}

#[test]
fn a_message_is_not_sent_again_into_a_running_turn() {
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    bench.exited(AgentExit::HostLost);
    bench.message(2).unwrap();
    let again = bench.command(Action::SendAgain {
        message_id: message_id(1),
    });
    assert!(matches!(again, Err(Rejected::TurnRunning(_))));
    assert!(
        bench
            .session
            .messages()
            .find_unknown(message_id(1))
            .is_some()
    );
}

#[test]
fn each_queued_message_starts_a_crashing_agent_once_and_no_more() {
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    bench.message(2).unwrap();
    let missing = || AgentExit::NotStarted {
        reason: "no such program".into(),
    };
    assert_eq!(
        bench.exited(missing()),
        [
            "agent_exited",
            "status error",
            "end agent_exited",
            "dequeued 2",
            "starting fresh",
            "input 2",
            "status starting"
        ]
    );
    assert_eq!(
        bench.exited(missing()),
        ["agent_exited", "status error", "end agent_exited"]
    );
    assert_eq!(bench.hosts, 2);
    assert_eq!(
        bench.session.messages().unknown().count(),
        0,
        "it is known that nobody got them"
    );
}
