//! Turns: beginning, cancelling, results, rest, and what they add up to.

use super::*;
use crate::reading::UsageReading;

fn took(number: u128, state: Delivery) -> Observation {
    Observation::Delivery {
        message_id: message_id(number),
        state,
    }
}

#[test]
fn a_rest_before_the_work_has_begun_does_not_end_the_turn() {
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    bench.started();
    assert_eq!(bench.say(Observation::Idle), [""; 0]);
    bench.say(Observation::Working);
    assert_eq!(
        bench.say(Observation::Idle),
        ["status idle", "end end_turn"]
    );
    assert_eq!(bench.say(Observation::Idle), [""; 0]);
}

#[test]
fn a_result_is_no_end_until_the_agent_rests() {
    let mut bench = Bench::working();
    assert_eq!(bench.say(result(StopReason::MaxTokens)), [""; 0]);
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    assert_eq!(
        bench.say(Observation::Idle)[..2],
        ["status idle", "end max_tokens"]
    );
}

#[test]
fn several_results_in_one_turn_are_one_with_the_sum_of_what_they_used() {
    let denial = |call: &str| PermissionDenial {
        tool: "Bash".into(),
        tool_call: call.into(),
        input: json!({}),
    };
    let outcome = |stop_reason, denials: &[&str]| {
        let permission_denials = denials.iter().map(|call| denial(call)).collect();
        Observation::Result(Box::new(TurnComplete {
            permission_denials,
            ..end(stop_reason)
        }))
    };
    let mut bench = Bench::working();
    bench.say(outcome(StopReason::MaxTokens, &["a", "b"]));
    bench.say(outcome(StopReason::EndTurn, &["b", "c"]));
    bench.say(Observation::Idle);
    let end = bench.last_end();
    assert_eq!(end.stop_reason, StopReason::EndTurn);
    assert_eq!(
        (end.num_turns, end.duration_ms, end.duration_api_ms),
        (2, 20, 10)
    );
    assert_eq!((end.usage.input_tokens, end.usage.output_tokens), (200, 40));
    assert!((end.usage.cost_usd - 0.2).abs() < 1e-12);
    let calls: Vec<_> = end
        .permission_denials
        .iter()
        .map(|denial| denial.tool_call.0.as_str())
        .collect();
    assert_eq!(calls, ["a", "b", "c"]);
}

#[test]
fn a_turn_is_cancelled_while_it_runs_and_again_if_need_be() {
    let mut bench = Bench::idle();
    assert_eq!(bench.command(Action::Cancel).unwrap(), [""; 0]);
    let mut bench = Bench::working();
    for _ in 0..2 {
        assert_eq!(bench.command(Action::Cancel).unwrap(), ["cancel_requested"]);
        assert_eq!(bench.told.last(), Some(&AgentRequest::Interrupt));
    }
    bench.say(Observation::Idle);
    assert_eq!(bench.last_end().stop_reason, StopReason::Cancelled);
}

#[test]
fn a_cancel_that_came_too_early_is_repeated_when_the_agent_begins() {
    let mut bench = Bench::new();
    bench.message(1).unwrap();
    assert_eq!(bench.command(Action::Cancel).unwrap(), ["cancel_requested"]);
    bench.started();
    assert_eq!(bench.say(Observation::Working), ["cancel_requested"]);
    assert_eq!(bench.say(Observation::Working), [""; 0]);
    let interrupts = bench
        .told
        .iter()
        .filter(|told| **told == AgentRequest::Interrupt);
    assert_eq!(interrupts.count(), 2);
}

#[test]
fn what_a_cancelled_turn_came_to_is_cancelled_unless_it_was_done() {
    let failed = || {
        let error = TurnError {
            kind: TurnErrorKind::Other,
            message: "aborted".into(),
            http_status: None,
            retry_after_ms: None,
        };
        Observation::Result(Box::new(TurnComplete {
            error: Some(error),
            ..end(StopReason::Error)
        }))
    };
    for (outcome, expected) in [
        (failed(), StopReason::Cancelled),
        (result(StopReason::Cancelled), StopReason::Cancelled),
        (result(StopReason::EndTurn), StopReason::EndTurn),
    ] {
        let mut bench = Bench::working();
        bench.command(Action::Cancel).unwrap();
        bench.say(outcome);
        bench.say(Observation::Idle);
        assert_eq!(
            (bench.last_end().stop_reason, bench.last_end().error),
            (expected, None)
        );
    }
}

#[test]
fn a_used_up_plan_says_when_it_serves_again_in_later_turns_too() {
    let reading = |status: &str, resets_at: Timestamp| {
        Observation::PlanUsage(Box::new(UsageReading {
            status: status.into(),
            resets_at: Some(resets_at),
            ..UsageReading::default()
        }))
    };
    let limited = || {
        Observation::Result(Box::new(TurnComplete {
            error: Some(TurnError {
                kind: TurnErrorKind::RateLimit,
                message: "hit".into(),
                http_status: Some(429),
                retry_after_ms: Some(500),
            }),
            ..end(StopReason::Error)
        }))
    };
    let mut bench = Bench::working();
    let served = bench.now.plus(Duration::from_hours(2));
    let entries = bench.log.len();
    assert_eq!(bench.say(reading("rejected", served)), [""; 0]);
    assert_eq!(bench.log.len(), entries, "it is no event of the session");
    let wait = |bench: &mut Bench| {
        bench.say(limited());
        bench.say(Observation::Idle);
        bench.last_end().error.unwrap().retry_after_ms
    };
    assert_eq!(wait(&mut bench), Some(7_200_000));
    bench.pass_hours(1);
    bench.restart();
    bench.message(2).unwrap();
    bench.say(Observation::Working);
    assert_eq!(wait(&mut bench), Some(3_600_000));
    bench.pass_hours(1);
    bench.message(3).unwrap();
    bench.say(Observation::Working);
    assert_eq!(wait(&mut bench), Some(500), "it serves again by now");
    bench.say(reading("rejected", bench.now.plus(Duration::from_secs(9))));
    bench.say(reading("allowed", bench.now.plus(Duration::from_secs(9))));
    bench.message(4).unwrap();
    bench.say(Observation::Working);
    assert_eq!(wait(&mut bench), Some(500));
}

#[test]
fn a_rate_limit_says_when_to_try_again_as_the_agent_last_said() {
    let mut bench = Bench::working();
    bench.say(retrying(500, 1_000));
    assert_eq!(bench.status(), Status::Retrying);
    assert_eq!(bench.say(retrying(429, 180_000)), ["status rate_limited"]);
    let EventBody::StatusChange {
        retry_at, detail, ..
    } = &bench.log.last().unwrap().body
    else {
        panic!("the last event is the status");
    };
    assert_eq!(*retry_at, Some(Timestamp(bench.now.0 + 180_000_000)));
    assert_eq!(bench.session.retry_at(), *retry_at);
    assert_eq!(detail, "rate_limit: attempt 1 of 10");
    let error = |retry_after_ms| {
        let kind = TurnErrorKind::RateLimit;
        Some(TurnError {
            kind,
            message: "429".into(),
            http_status: Some(429),
            retry_after_ms,
        })
    };
    let failed = TurnComplete {
        error: error(None),
        ..end(StopReason::Error)
    };
    bench.say(Observation::Result(Box::new(failed)));
    assert_eq!(bench.say(Observation::Idle), ["status idle", "end error"]);
    assert_eq!(bench.last_end().error, error(Some(180_000)));
    bench.message(2).unwrap();
    bench.say(Observation::Working);
    let failed = TurnComplete {
        error: error(None),
        ..end(StopReason::Error)
    };
    bench.say(Observation::Result(Box::new(failed)));
    bench.say(Observation::Idle);
    assert_eq!(
        bench.last_end().error,
        error(None),
        "the delay was that of the turn before"
    );
}

#[test]
fn an_answer_shows_that_the_agent_is_no_longer_held_up() {
    let mut bench = Bench::working();
    bench.say(retrying(529, 1));
    assert_eq!(bench.say_from(Some("task"), text("x")), ["text_delta"]);
    assert!(bench.session.retry_at().is_some());
    assert_eq!(bench.say(text("x")), ["status thinking", "text_delta"]);
    assert_eq!(bench.session.retry_at(), None);
    assert_eq!(bench.say(text("x")), ["text_delta"]);
}

#[test]
fn work_that_nobody_asked_for_is_a_turn_that_ends() {
    let mut bench = Bench::idle();
    assert_eq!(
        bench.say_from(Some("task"), tool_started("t")),
        ["tool_call_start"]
    );
    assert_eq!(
        bench.status(),
        Status::Idle,
        "the background is not the session"
    );
    assert_eq!(
        bench.say(Observation::Working),
        ["status thinking", "status running_tool"]
    );
    assert_eq!(bench.session.turns(), 2);
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    bench.say(result(StopReason::EndTurn));
    assert_eq!(
        bench.say(Observation::Idle)[..3],
        ["status idle", "end end_turn", "dequeued 2"]
    );
}

#[test]
fn a_result_out_of_nothing_is_a_turn_too_and_does_not_end_the_next_one() {
    let mut bench = Bench::idle();
    assert_eq!(bench.say(result(StopReason::Error)), ["status thinking"]);
    assert_eq!(bench.say(Observation::Idle), ["status idle", "end error"]);
    bench.message(2).unwrap();
    assert_eq!(bench.say(Observation::Idle), [""; 0]);
}

#[test]
fn a_rest_while_the_message_still_waits_at_the_agent_ends_other_work() {
    let mut bench = Bench::idle();
    bench.message(2).unwrap();
    bench.say(Observation::Working);
    bench.say(took(2, Delivery::Queued));
    bench.say(result(StopReason::Error));
    assert_eq!(bench.say(Observation::Idle), [""; 0]);
    bench.say(took(2, Delivery::Started));
    bench.say(Observation::Working);
    bench.say(result(StopReason::EndTurn));
    assert_eq!(
        bench.say(Observation::Idle),
        ["status idle", "end end_turn"]
    );
    assert_eq!(
        bench.last_end().num_turns,
        2,
        "what the other work used is not lost"
    );
}

#[test]
fn a_turn_ends_when_the_agent_drops_its_message_unseen() {
    let mut bench = Bench::idle();
    bench.message(2).unwrap();
    bench.say(took(2, Delivery::Queued));
    bench.command(Action::Cancel).unwrap();
    assert_eq!(
        bench.say(took(2, Delivery::Cancelled)),
        ["status idle", "end cancelled"]
    );
    assert_eq!(bench.say(Observation::Idle), [""; 0]);
}

#[test]
fn a_tool_shows_in_the_status_and_has_a_duration() {
    let mut bench = Bench::working();
    assert_eq!(
        bench.say(tool_started("a")),
        ["tool_call_start", "status running_tool"]
    );
    bench.pass(1_500_000);
    assert_eq!(bench.say(tool_started("b")), ["tool_call_start"]);
    assert_eq!(bench.session.turn().unwrap().open_tools, 2);
    assert_eq!(bench.say(tool_finished("a")), ["tool_call_result"]);
    let EventBody::ToolCallResult { duration_ms, .. } = &bench.log.last().unwrap().body else {
        panic!("the last event is the result");
    };
    assert_eq!(*duration_ms, Some(1_500));
    assert_eq!(
        bench.say(tool_finished("b")),
        ["tool_call_result", "status thinking"]
    );
    assert_eq!(
        bench.say(tool_finished("never began")),
        ["tool_call_result"]
    );
    assert_eq!(bench.session.turn().unwrap().open_tools, 0);
}

#[test]
fn garbage_and_retries_at_rest_do_not_wake_the_session() {
    let mut bench = Bench::idle();
    assert_eq!(
        bench.say(Observation::Unknown {
            raw: "garbage".into()
        }),
        ["unknown"]
    );
    assert_eq!(bench.say(retrying(429, 1)), [""; 0]);
    bench.say_from(Some("task"), tool_started("t"));
    assert_eq!(bench.say(Observation::Idle), [""; 0]);
    assert_eq!((bench.status(), bench.session.turn()), (Status::Idle, None));
    assert_eq!(bench.progress, Progress::default());
}

#[test]
fn totals_add_up_what_each_turn_used_and_know_the_context() {
    let mut bench = Bench::idle();
    bench.message(2).unwrap();
    bench.say(Observation::Working);
    let usage = |context_tokens| Usage {
        model: "m".into(),
        cost_usd: 0.2,
        input_tokens: 7,
        context_tokens,
        context_window: 200_000,
        ..Usage::default()
    };
    bench.say(Observation::UsageReport(Usage {
        cost_usd: 99.0,
        ..usage(50)
    }));
    assert_eq!(bench.session.info().totals.context_tokens, 50);
    bench.say(Observation::Result(Box::new(TurnComplete {
        usage: usage(70),
        ..end(StopReason::EndTurn)
    })));
    bench.say(Observation::Idle);
    let totals = &bench.session.info().totals;
    assert_eq!(
        (
            totals.input_tokens,
            totals.output_tokens,
            totals.duration_ms
        ),
        (107, 20, 20)
    );
    assert!((totals.cost_usd - 0.3).abs() < 1e-12);
    assert_eq!(
        (
            totals.context_tokens,
            totals.context_window,
            totals.model.as_str()
        ),
        (70, 200_000, "m")
    );
    bench.say(Observation::Compacted {
        trigger: "auto".into(),
        before_tokens: 70,
        after_tokens: 5,
    });
    assert_eq!(bench.session.info().totals.context_tokens, 5);
}

#[test]
fn a_login_that_is_refused_ends_the_turn_at_the_first_try() {
    let retrying = |attempt| Observation::Retrying {
        attempt,
        max_attempts: 10,
        delay_ms: 500,
        http_status: Some(401),
        error: "authentication_failed".into(),
    };
    let mut bench = Bench::working();
    let first = bench.say(retrying(1));
    assert!(
        first.iter().any(|event| event.contains("cancel")),
        "{first:?}"
    );
    let second = bench.say(retrying(2));
    assert!(
        second.iter().all(|event| !event.contains("cancel")),
        "{second:?}"
    );
    bench.say(result(StopReason::Error));
    bench.say(Observation::Idle);
    let end = bench.last_end();
    assert_eq!(end.stop_reason, StopReason::Error);
    assert_eq!(end.error.unwrap().kind, TurnErrorKind::Authentication);
}
