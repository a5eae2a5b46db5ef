//! An agent that dies in its turn is started again, and the turn goes on.

use super::*;

const KILLED: AgentExit = AgentExit::Signal { signal: 9 };
const NOTHING: [&str; 0] = [];

/// An agent that can resume works on message 1, and has said something.
fn working() -> Bench {
    let mut bench = Bench::working();
    bench.say(can_resume());
    bench.say(text("let me see"));
    bench
}

fn can_resume() -> Observation {
    Observation::Described(Box::new(AgentDescription {
        capabilities: Some(vec![Capability::Resume]),
        ..AgentDescription::default()
    }))
}

fn pass_ms(bench: &mut Bench, milliseconds: u64) -> Vec<String> {
    bench.now = bench.now.plus(Duration::from_millis(milliseconds));
    bench.expire()
}

/// The agent died; waits, and comes back as far as working again.
fn back_after(bench: &mut Bench, milliseconds: u64) {
    assert_eq!(pass_ms(bench, milliseconds - 1), NOTHING);
    let events = pass_ms(bench, 1);
    assert!(events[0].starts_with("starting resumed"), "{events:?}");
    bench.started();
    bench.say(Observation::Idle);
    assert_eq!(bench.status(), Status::Starting);
    bench.say(Observation::Working);
    assert_eq!(bench.status(), Status::Thinking);
}

#[test]
fn a_turn_goes_on_when_its_agent_died() {
    let mut bench = working();
    bench.exited(KILLED);
    assert_eq!(bench.status(), Status::Starting);
    assert!(bench.session.turn().is_some(), "its turn has not ended");
    assert_eq!(
        bench.session.next_deadline(bench.hold),
        Some(bench.now.plus(Duration::from_millis(500)))
    );
    assert!(bench.session.goes_on(), "the agent is told to take it up");
    back_after(&mut bench, 500);
    assert!(bench.session.agent().is_present());
    bench.say(text("done"));
    bench.say(result(StopReason::EndTurn));
    bench.say(Observation::Idle);
    assert_eq!(bench.last_end().stop_reason, StopReason::EndTurn);
    assert_eq!((bench.session.turns(), bench.status()), (1, Status::Idle));
    assert_eq!(bench.session.next_deadline(bench.hold), None);
}

#[test]
fn each_death_doubles_the_wait_and_the_fifth_within_a_minute_ends_the_turn() {
    let mut bench = working();
    for wait in [500, 1_000, 2_000, 4_000] {
        bench.exited(KILLED);
        back_after(&mut bench, wait);
    }
    bench.exited(KILLED);
    let end = bench.last_end();
    assert_eq!(
        (end.stop_reason, bench.status()),
        (StopReason::AgentExited, Status::Crashed)
    );
    let message = end.error.unwrap().message;
    assert!(
        message.contains("died too often") && message.contains("last words"),
        "{message}"
    );
    assert_eq!(bench.session.next_deadline(bench.hold), None);
    assert_eq!(
        bench.message(2).unwrap()[0],
        "starting resumed",
        "a message starts it again"
    );
}

#[test]
fn an_agent_that_dies_now_and_then_is_started_again_and_not_for_ever() {
    let mut bench = working();
    for wait in [
        500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ] {
        bench.pass_hours(1);
        bench.exited(KILLED);
        back_after(&mut bench, wait);
    }
    bench.pass_hours(1);
    bench.exited(KILLED);
    assert_eq!(bench.last_end().stop_reason, StopReason::AgentExited);
}

#[test]
fn a_death_after_it_was_started_again_and_before_it_worked_is_one_more() {
    let mut bench = working();
    bench.exited(KILLED);
    pass_ms(&mut bench, 500);
    bench.exited(KILLED);
    assert!(bench.session.turn().is_some());
    assert!(
        !bench
            .log
            .iter()
            .any(|event| matches!(event.body, EventBody::DeliveryUnknown { .. }))
    );
    back_after(&mut bench, 1_000);
}

#[test]
fn a_message_that_an_agent_at_work_of_its_own_had_not_read_is_of_unknown_delivery() {
    for (says, unknown) in [(true, 1), (false, 0)] {
        let mut bench = Bench::working();
        bench.say(can_resume());
        if says {
            bench.say(Observation::Delivery {
                message_id: message_id(1),
                state: Delivery::Started,
            });
        }
        bench.say(result(StopReason::EndTurn));
        bench.say(Observation::Idle);
        // It begins by itself just before the second message is written, and dies.
        bench.message(2).unwrap();
        bench.say(Observation::Working);
        bench.say(text("a task has ended"));
        bench.exited(KILLED);
        assert!(bench.session.turn().is_some(), "what it did goes on");
        assert_eq!(bench.session.messages().unknown().count(), unknown);
        back_after(&mut bench, 500);
        bench.exited(KILLED);
        assert_eq!(bench.session.messages().unknown().count(), unknown);
    }
}

#[test]
fn what_had_not_begun_or_was_to_stop_or_had_ended_does_not_go_on() {
    let mut not_begun = Bench::new();
    not_begun.message(1).unwrap();
    not_begun.started();
    not_begun.say(can_resume());
    let mut to_stop = working();
    to_stop.command(Action::Cancel).unwrap();
    let mut has_ended = working();
    has_ended.say(result(StopReason::EndTurn));
    let mut cannot_resume = Bench::working();
    cannot_resume.say(text("let me see"));
    for mut bench in [not_begun, to_stop, has_ended, cannot_resume] {
        bench.exited(KILLED);
        assert!(bench.session.turn().is_none());
        assert_eq!(bench.session.next_deadline(bench.hold), None);
    }
}

#[test]
fn a_turn_that_waits_for_its_agent_is_cancelled_at_once() {
    let mut bench = working();
    bench.exited(KILLED);
    bench.command(Action::Cancel).unwrap();
    assert_eq!(bench.last_end().stop_reason, StopReason::Cancelled);
    assert_eq!(
        (bench.status(), bench.session.agent().is_present()),
        (Status::Idle, false)
    );
    assert_eq!(pass_ms(&mut bench, 60_000), NOTHING);
}

#[test]
fn an_agent_that_does_not_take_up_its_turn_ends_it() {
    let mut bench = working();
    bench.exited(KILLED);
    pass_ms(&mut bench, 500);
    bench.started();
    bench.say(Observation::Idle);
    assert_eq!(pass_ms(&mut bench, 59_000), NOTHING);
    assert_eq!(
        pass_ms(&mut bench, 1_000).last().map(String::as_str),
        Some("end agent_exited")
    );
    assert_eq!(bench.status(), Status::Idle);
    let message = bench.last_end().error.unwrap().message;
    assert!(message.contains("did not take up its turn"), "{message}");
}

#[test]
fn a_daemon_that_was_down_meanwhile_goes_on_with_the_wait() {
    let mut bench = working();
    bench.exited(KILLED);
    bench.restart();
    assert_eq!(pass_ms(&mut bench, 499), NOTHING);
    bench.restart();
    back_after(&mut bench, 1);
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_wait_longer() {
    let mut bench = working();
    bench.exited(KILLED);
    bench.now = Timestamp(bench.now.0 - 3_600_000_000);
    let events = bench.expire();
    assert!(events[0].starts_with("starting resumed"), "{events:?}");
}

#[test]
fn an_answer_to_what_it_had_asked_starts_it_at_once_and_is_applied() {
    let mut bench = working();
    bench.say(permission("p", "Bash"));
    bench.exited(KILLED);
    let events = bench.command(allow("p")).unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.starts_with("starting resumed")),
        "{events:?}"
    );
    bench.started();
    bench.say(Observation::Working);
    assert_eq!(bench.say(permission("n", "Bash"))[1], "allowed n by test");
    bench.say(result(StopReason::EndTurn));
    bench.say(Observation::Idle);
    assert_eq!((bench.session.turns(), bench.status()), (1, Status::Idle));
}

#[test]
fn what_is_asked_again_takes_the_place_of_what_nobody_had_answered() {
    let mut bench = working();
    bench.say(permission("p", "Bash"));
    bench.exited(KILLED);
    assert!(
        bench.session.requests().contains(&"p".into()),
        "it can be answered meanwhile"
    );
    back_after(&mut bench, 500);
    bench.say(permission("n", "Bash"));
    let waiting: Vec<_> = bench
        .session
        .requests()
        .iter()
        .map(|(id, _)| id.clone())
        .collect();
    assert_eq!(waiting, ["n".into()]);
    bench.command(allow("n")).unwrap();
    assert_eq!(
        bench.told.last(),
        Some(&AgentRequest::Allow {
            id: "n".into(),
            input: None
        })
    );
}

#[test]
fn a_message_waits_until_the_turn_that_goes_on_has_ended() {
    let mut bench = working();
    bench.exited(KILLED);
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    back_after(&mut bench, 500);
    bench.say(result(StopReason::EndTurn));
    let events = bench.say(Observation::Idle);
    assert!(
        events.iter().any(|event| event.starts_with("dequeued 2")),
        "{events:?}"
    );
}

#[test]
fn an_agent_that_would_not_begin_is_not_started_again_and_the_turn_says_why_once() {
    let refuse = |bench: &mut Bench| {
        let (host, exit) = (bench.host(), AgentExit::Code { code: 1 });
        bench.news(HostNews::Exited {
            host,
            exit,
            stderr: "error: unknown option".into(),
            refused: Some(refused()),
        })
    };
    let mut fresh = Bench::new();
    fresh.message(1).unwrap();
    fresh.started();
    let mut resumed = working();
    resumed.exited(KILLED);
    pass_ms(&mut resumed, 500);
    resumed.started();
    for mut bench in [fresh, resumed] {
        // What it prints on the way out is not the outcome.
        bench.say(result(StopReason::Error));
        assert_eq!(
            refuse(&mut bench),
            ["agent_exited", "error", "status error", "end agent_exited"]
        );
        let error = bench.last_end().error.unwrap();
        assert_eq!(error.message, "it does not know --flag");
        assert_eq!(bench.session.next_deadline(bench.hold), None);
        assert!(!bench.session.agent().is_present());
        bench.message(2).unwrap();
        assert_eq!(bench.status(), Status::Starting, "a message tries it again");
    }
}
