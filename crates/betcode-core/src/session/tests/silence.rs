//! Agents that say nothing: when that is a stall, what ends it, and what is done about it.

use super::*;

const NOTHING: [&str; 0] = [];

fn working() -> Bench {
    let mut bench = Bench::working();
    bench.say(text("let me see"));
    bench
}

fn stalled() -> Bench {
    let mut bench = working();
    assert_eq!(bench.pass_seconds(119), NOTHING);
    assert_eq!(bench.pass_seconds(1), ["status stalled"]);
    bench
}

/// A stall is to be interrupted after five minutes.
fn impatient(mut bench: Bench) -> Bench {
    bench.terms.interrupt_stalled_after = Some(Duration::from_mins(5));
    bench
}

fn detail(bench: &Bench) -> String {
    match &bench.log.last().unwrap().body {
        EventBody::StatusChange { detail, .. } => detail.clone(),
        other => panic!("{other:?}"),
    }
}

fn due(bench: &Bench) -> Option<Duration> {
    let (session, progress) = (&bench.session, &bench.progress);
    bench.silence.due(session, progress, &bench.terms)
}

#[test]
fn two_minutes_without_a_byte_are_a_stall_and_are_said_once_with_what_to_do() {
    let bench = &mut stalled();
    let detail = detail(bench);
    let id = bench.session.id();
    assert_eq!(
        detail,
        format!(
            "the agent has said nothing for 2m (since 00:16:40 UTC): wait, or stop the turn with betcode session cancel {id}"
        )
    );
    assert_eq!(due(bench), None, "nothing wakes the daemon any more");
    assert_eq!(bench.pass_seconds(36_000), NOTHING);
}

#[test]
fn any_byte_ends_a_stall_and_the_next_silence_is_another_one() {
    let mut bench = stalled();
    assert_eq!(bench.heard(), ["status thinking"]);
    assert_eq!(bench.pass_seconds(119), NOTHING);
    assert_eq!(bench.heard(), NOTHING, "a byte costs no event");
    assert_eq!(bench.pass_seconds(119), NOTHING);
    assert_eq!(bench.pass_seconds(1), ["status stalled"]);
    assert_eq!(bench.say(text("here")), ["text_delta"]);
    assert_eq!(bench.status(), Status::Thinking);
}

#[test]
fn who_waits_for_a_tool_or_an_answer_or_compacts_or_has_nothing_to_do_is_not_stalled() {
    let mut in_tool = working();
    in_tool.say(tool_started("t"));
    let mut asks = working();
    asks.say(permission("p", "Bash"));
    let mut compacts = working();
    compacts.say(Observation::Compacting);
    let idle = Bench::idle();
    let mut dies = working();
    dies.say(Observation::Described(Box::new(AgentDescription {
        capabilities: Some(vec![Capability::Resume]),
        ..AgentDescription::default()
    })));
    dies.exited(AgentExit::HostLost);
    for mut bench in [in_tool, asks, compacts, idle, dies] {
        assert_eq!(due(&bench), None);
        bench.uptime += Duration::from_hours(1);
        assert_eq!(bench.silent(), NOTHING);
    }
}

#[test]
fn silence_counts_from_the_answer_and_not_from_the_question() {
    let mut bench = working();
    bench.say(permission("p", "Bash"));
    assert_eq!(bench.pass_seconds(600), NOTHING);
    bench.command(allow("p")).unwrap();
    assert_eq!(bench.pass_seconds(119), NOTHING);
    assert_eq!(bench.pass_seconds(1), ["status stalled"]);
}

#[test]
fn who_has_said_when_it_tries_again_is_waited_for_until_then() {
    let mut bench = working();
    bench.say(retrying(529, 600_000));
    assert_eq!(bench.pass_seconds(719), NOTHING);
    assert_eq!(bench.status(), Status::Retrying);
    assert_eq!(bench.pass_seconds(1), ["status stalled"]);
}

#[test]
fn a_clock_that_jumps_forward_stalls_nothing() {
    let mut bench = working();
    bench.pass_hours(5);
    assert_eq!(bench.silent(), NOTHING);
    assert_eq!(bench.pass_seconds(119), NOTHING);
    assert_eq!(bench.pass_seconds(1), ["status stalled"]);
}

#[test]
fn a_daemon_that_starts_counts_anew_and_a_stall_is_not_told_twice() {
    let mut bench = working();
    bench.leave(&client(), true);
    bench.pass_seconds(119);
    bench.restart();
    assert_eq!(bench.pass_seconds(119), NOTHING);
    assert_eq!(bench.pass_seconds(1), ["status stalled"]);
    bench.restart();
    assert_eq!(bench.pass_seconds(600), NOTHING);
    assert_eq!(bench.heard(), ["status thinking"]);
}

#[test]
fn a_stall_is_interrupted_when_that_is_wished_and_the_turn_ends_with_an_error() {
    let mut bench = impatient(stalled());
    assert_eq!(bench.pass_seconds(179), NOTHING);
    assert_eq!(bench.pass_seconds(1), ["cancel_requested"]);
    assert_eq!(bench.told.last(), Some(&AgentRequest::Interrupt));
    bench.say(result(StopReason::Cancelled));
    bench.say(Observation::Idle);
    let end = bench.last_end();
    assert_eq!(end.stop_reason, StopReason::Error);
    assert_eq!(
        end.error.unwrap().message,
        "the agent said nothing for 5m and was interrupted"
    );
    assert_eq!((bench.status(), due(&bench)), (Status::Idle, None));
}

#[test]
fn an_agent_that_does_not_hear_the_interrupt_is_ended_and_not_started_again() {
    let mut bench = impatient(stalled());
    bench.pass_seconds(180);
    assert_eq!(bench.pass_seconds(29), NOTHING);
    assert_eq!(bench.pass_seconds(1), ["error", "agent_stopping"]);
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    assert_eq!(due(&bench), None);
    bench.exited(AgentExit::Signal { signal: 9 });
    let end = bench.last_end();
    assert_eq!(end.stop_reason, StopReason::Error);
    assert!(end.error.unwrap().message.contains("was interrupted"));
    assert_eq!(bench.status(), Status::Idle);
    assert_eq!(bench.pass_seconds(600), NOTHING);
}

#[test]
fn a_person_stops_an_agent_that_hears_nothing() {
    for bench in [working(), stalled()] {
        let mut bench = bench;
        bench.command(Action::Cancel).unwrap();
        assert_eq!(bench.pass_seconds(29), NOTHING);
        assert_eq!(bench.pass_seconds(1), ["error", "agent_stopping"]);
        bench.message(2).unwrap();
        bench.exited(AgentExit::Signal { signal: 9 });
        let end = bench.last_end();
        assert_eq!((end.stop_reason, end.error), (StopReason::Cancelled, None));
        assert_eq!(bench.status(), Status::Starting, "what waited goes on");
    }
}

#[test]
fn an_agent_that_is_ready_and_takes_up_nothing_ends_its_turn_soon() {
    let ready = || {
        Observation::Described(Box::new(AgentDescription {
            capabilities: Some(vec![Capability::Resume]),
            ..AgentDescription::default()
        }))
    };
    let again = || {
        let mut bench = Bench::working();
        bench.say(ready());
        bench.say(text("all is done"));
        bench.exited(AgentExit::HostLost);
        bench.pass_seconds(1);
        bench.started();
        bench
    };
    let mut bench = again();
    assert_eq!(due(&bench), None, "it may take its time until it is ready");
    bench.pass_seconds(20);
    bench.say(ready());
    assert_eq!(bench.pass_seconds(10), NOTHING);
    bench.say(Observation::Idle);
    assert_eq!(bench.pass_seconds(14), NOTHING);
    assert_eq!(
        bench.pass_seconds(1),
        ["status idle", "end agent_exited"],
        "fifteen seconds after its last word"
    );
    // One that says that it has begun with the message has all the time that it needs.
    let mut begins = again();
    begins.say(ready());
    begins.say(Observation::Delivery {
        message_id: message_id(1),
        state: Delivery::Started,
    });
    assert_eq!(begins.pass_seconds(30), NOTHING);
    begins.say(Observation::Working);
    assert_eq!(begins.status(), Status::Thinking);
}
