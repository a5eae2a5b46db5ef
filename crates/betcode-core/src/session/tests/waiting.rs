//! How long requests wait: their time, what prolongs it, reminders, and clocks that jump.

use super::*;

const NONE: [&str; 0] = [];

fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

/// The agent asks for permission `p`. The holder's attachment is over, so that no lock expires beside.
fn asked() -> Bench {
    asked_under(TurnPolicy::default())
}

fn asked_under(policy: TurnPolicy) -> Bench {
    let mut bench = Bench::working_with(policy);
    bench.say(permission("p", "Bash"));
    bench
}

fn expires_at(bench: &Bench) -> Option<Timestamp> {
    let mut requests = bench.session.requests().iter();
    requests
        .next()
        .and_then(|(_, pending)| pending.expires_at())
}

/// Somebody is active.
fn touch(bench: &mut Bench) -> Vec<String> {
    let drafts = bench.session.touch(bench.now, &bench.terms);
    bench.record(drafts)
}

#[test]
fn a_request_waits_as_long_as_the_settings_say() {
    for lifetime in [hours(1), hours(7 * 24), hours(30 * 24)] {
        let mut bench = Bench::working();
        bench.terms.request_lifetime = lifetime;
        bench.say(permission("p", "Bash"));
        assert_eq!(expires_at(&bench), Some(bench.now.plus(lifetime)));
    }
}

#[test]
fn activity_gives_a_request_its_full_time_again_at_most_once_an_hour() {
    let mut bench = asked();
    bench.pass_hours(1);
    bench.pass(-1);
    assert_eq!(touch(&mut bench), NONE);
    bench.pass(1);
    assert_eq!(touch(&mut bench), ["extended p"]);
    assert_eq!(expires_at(&bench), Some(bench.now.plus(hours(7 * 24))));
    bench.pass(30 * 60 * 1_000_000);
    assert_eq!(touch(&mut bench), NONE);
    bench.pass(30 * 60 * 1_000_000);
    assert_eq!(touch(&mut bench), ["extended p"]);
}

#[test]
fn a_client_that_comes_or_does_something_is_activity() {
    let mut bench = asked();
    bench.pass_hours(2);
    assert_eq!(bench.arrive(&person(2)), ["extended p"]);
    bench.pass_hours(2);
    assert_eq!(bench.message(2).unwrap(), ["queued 2", "extended p"]);
    bench.say(question("q"));
    bench.pass_hours(2);
    assert_eq!(
        bench.command(allow("p")).unwrap(),
        ["allowed p by test", "extended q"]
    );
}

#[test]
fn a_lasting_attachment_is_noted_once_an_hour() {
    let mut bench = asked();
    let asked_at = bench.now;
    let next = |bench: &Bench| bench.session.next_touch(&bench.terms);
    assert_eq!(next(&bench), Some(asked_at.plus(hours(1))));
    bench.pass_hours(1);
    touch(&mut bench);
    assert_eq!(next(&bench), Some(asked_at.plus(hours(2))));
}

#[test]
fn nothing_prolongs_a_request_past_thirty_days_after_it_was_asked() {
    let mut bench = asked();
    let last = bench.now.plus(hours(30 * 24));
    for _ in 0..29 {
        bench.pass_hours(24);
        touch(&mut bench);
        assert!(expires_at(&bench).unwrap() <= last);
    }
    assert_eq!(expires_at(&bench), Some(last));
    assert_eq!(bench.session.next_touch(&bench.terms), None);
    bench.pass_hours(24);
    assert_eq!(touch(&mut bench), NONE);
    assert_eq!(
        bench.expire(),
        ["expired p by unattended", "status thinking"]
    );
}

#[test]
fn a_longer_time_in_the_settings_shortens_nothing_and_a_shorter_one_neither() {
    let mut bench = asked();
    let before = expires_at(&bench);
    bench.terms.request_lifetime = hours(1);
    bench.pass_hours(2);
    assert_eq!(touch(&mut bench), NONE);
    assert_eq!(expires_at(&bench), before);
}

#[test]
fn the_requests_of_a_run_that_waits_for_a_given_time_are_not_prolonged() {
    let mut bench = asked_under(TurnPolicy {
        wait_ms: Some(3 * 60 * 60 * 1_000),
        ..TurnPolicy::default()
    });
    let due = bench.now.plus(hours(3));
    assert_eq!(expires_at(&bench), Some(due));
    assert_eq!(bench.session.next_touch(&bench.terms), None);
    bench.pass_hours(2);
    assert_eq!(touch(&mut bench), NONE);
    bench.pass_hours(1);
    assert_eq!(
        bench.expire(),
        ["expired p by unattended", "status thinking"]
    );
}

#[test]
fn reminders_are_given_after_an_hour_and_after_a_day_once_each() {
    let mut bench = asked();
    bench.say(question("q"));
    let asked_at = bench.now;
    assert_eq!(bench.deadline(), Some(asked_at.plus(hours(1))));
    bench.pass_hours(1);
    assert_eq!(bench.expire(), ["reminder p 1 h", "reminder q 1 h"]);
    assert_eq!(bench.expire(), NONE);
    bench.restart();
    bench.arrive(&client());
    assert_eq!(bench.expire(), NONE);
    assert_eq!(bench.deadline(), Some(asked_at.plus(hours(24))));
    bench.pass_hours(23);
    assert_eq!(bench.expire(), ["reminder p 24 h", "reminder q 24 h"]);
    assert_eq!(bench.expire(), NONE);
    bench.pass_hours(24);
    assert_eq!(bench.expire(), NONE);
}

#[test]
fn reminders_that_were_slept_through_are_one() {
    let mut bench = asked();
    bench.pass_hours(3 * 24);
    assert_eq!(bench.expire(), ["reminder p 24 h"]);
    assert_eq!(bench.expire(), NONE);
    bench.pass_hours(1);
    assert_eq!(bench.expire(), NONE);
}

#[test]
fn a_request_that_has_ended_reminds_nobody() {
    let mut bench = asked();
    bench.command(allow("p")).unwrap();
    assert_eq!(bench.deadline(), None);
    bench.pass_hours(48);
    assert_eq!(bench.expire(), NONE);
}

#[test]
fn a_clock_that_jumped_forward_expires_nothing_before_it_has_been_steady() {
    let mut bench = asked();
    bench.pass_hours(30 * 24);
    let steady = bench.now.plus(Duration::from_mins(5));
    bench.hold = Hold {
        asked_until: bench.now,
        until: steady,
    };
    assert_eq!(bench.expire(), ["reminder p 24 h"]);
    assert_eq!(bench.deadline(), Some(steady));
    bench.now = Timestamp(steady.0 - 1);
    assert_eq!(bench.expire(), NONE);
    bench.pass(1);
    assert_eq!(
        bench.expire(),
        ["expired p by unattended", "status thinking"]
    );
}

#[test]
fn a_clock_that_is_set_right_again_has_expired_nothing() {
    let mut bench = asked();
    let before = bench.now;
    bench.pass_hours(365 * 24);
    bench.hold = Hold {
        asked_until: bench.now,
        until: bench.now.plus(Duration::from_mins(5)),
    };
    bench.expire();
    bench.now = before;
    bench.hold = Hold::default();
    assert_eq!(bench.expire(), NONE);
    assert_eq!(bench.command(allow("p")).unwrap()[0], "allowed p by test");
}

#[test]
fn what_is_asked_after_the_jump_is_not_held() {
    let mut bench = Bench::working();
    bench.terms.request_lifetime = Duration::from_mins(1);
    let jump = bench.now;
    bench.hold = Hold {
        asked_until: jump,
        until: jump.plus(Duration::from_mins(5)),
    };
    bench.pass(1);
    bench.say(permission("p", "Bash"));
    bench.pass(60_000_000);
    assert_eq!(
        bench.expire(),
        ["expired p by unattended", "status thinking"]
    );
}

#[test]
fn somebody_who_comes_while_a_jump_is_not_steady_saves_the_request() {
    let mut bench = asked();
    bench.pass_hours(8 * 24);
    bench.hold = Hold {
        asked_until: bench.now,
        until: bench.now.plus(Duration::from_mins(5)),
    };
    bench.expire();
    assert_eq!(bench.arrive(&person(2)), ["extended p"]);
    bench.hold = Hold::default();
    assert_eq!(bench.expire(), NONE);
}

#[test]
fn an_expired_request_tells_the_agent_that_it_may_ask_again() {
    let mut bench = asked();
    bench.pass_hours(7 * 24);
    bench.expire();
    assert!(matches!(
        bench.told.last(),
        Some(AgentRequest::Deny { message, interrupt: false, .. })
            if message.contains("expired") && message.contains("again")
    ));
    assert_eq!(bench.status(), Status::Thinking);
}
