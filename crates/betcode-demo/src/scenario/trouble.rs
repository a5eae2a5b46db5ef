//! Scenarios in which something goes wrong.

use std::time::Duration;

use serde_json::json;

use super::Fault;
use crate::clock;
use crate::command::Command;
use crate::turn::{Failure, Stop, Turn};

/// `unknown`: a message type that nobody knows, between two pieces of a text.
pub(super) fn unknown(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let garbage = command.switch("garbage")?;
    turn.begin()?;
    turn.open_text()?;
    turn.delta("Now comes a message ")?;
    turn.session
        .line(json!({"type": "hologram", "projection": {"colour": "blue", "angle": 42}}))?;
    if garbage {
        turn.session
            .out
            .pending()
            .extend_from_slice(b"%% this line is not JSON {\n");
    }
    turn.delta("that nobody knows.")?;
    turn.close_text()?;
    Ok(turn.end("end_turn")?)
}

/// `error`: the model API fails with a status.
pub(super) fn error(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let code = command.number("code", 500)?;
    if !(400..=599).contains(&code) {
        return Err(Fault::Key(format!(
            "code={code} is not an HTTP status of an error"
        )));
    }
    Ok(turn.fail(Failure::api(code))?)
}

/// `ratelimit`: one retry is announced, then the limit is final.
pub(super) fn ratelimit(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let seconds = command.number("retry", 180)?;
    Ok(turn.fail_after_retry(seconds.saturating_mul(1000), Failure::api(429))?)
}

/// `usage`: says how much of a plan is used; a plan that is used up refuses the request.
pub(super) fn usage(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let status = command.text("status").unwrap_or("allowed_warning");
    let percent = command.number("percent", 92)?.min(1000);
    let resets = clock::wall().as_secs() + command.number("resets", 3600)?;
    let share = f64::from(u32::try_from(percent).unwrap_or(u32::MAX)) / 100.0;
    turn.session.line(json!({
        "type": "rate_limit_event",
        "rate_limit_info": {
            "status": status, "resetsAt": resets, "rateLimitType": "five_hour", "utilization": share,
            "isUsingOverage": false, "surpassedThreshold": 0.9,
            "unifiedWindows": {"five_hour": {"utilization": share, "resetsAt": resets, "status": status}},
        },
    }))?;
    if status == "rejected" {
        return Ok(turn.fail(Failure {
            text: "You've hit your 5-hour limit".to_owned(),
            ..Failure::api(429)
        })?);
    }
    turn.begin()?;
    turn.open_text()?;
    turn.delta(&format!("{percent} percent of the plan are used."))?;
    turn.close_text()?;
    Ok(turn.end("end_turn")?)
}

/// `stall`: silence in the middle of a text; an interrupt ends it.
pub(super) fn stall(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let seconds = command.number("secs", 60)?.min(u64::from(u32::MAX));
    turn.begin()?;
    turn.open_text()?;
    turn.delta("I'll be quiet for a while … ")?;
    turn.session
        .sleep_until(clock::now() + Duration::from_secs(seconds))?;
    turn.delta("and here I am again.")?;
    turn.close_text()?;
    Ok(turn.end("end_turn")?)
}

/// `crash`: the process ends in the middle of a text; when told how often, the one that comes after so many ends the text.
pub(super) fn crash(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let after = command.number("after", 100)?;
    let times = command.number("times", u64::MAX)?;
    turn.begin()?;
    turn.open_text()?;
    for number in 1..=after {
        turn.delta(&format!("{number} "))?;
        if number % 256 == 0 {
            turn.poll()?;
        }
    }
    if turn.deaths() >= times {
        turn.close_text()?;
        return Ok(turn.end("end_turn")?);
    }
    turn.session.out.flush()?;
    Turn::complain("Error: the demo agent crashes, as it was asked to");
    Err(Fault::Stop(Stop::Exit(1)))
}
