//! What a run of one prompt, with nobody to answer, must come to. Read from the lines of its turn.

use serde_json::Value;

use super::super::accept::word;
use super::super::plan::ends_turn;
use super::super::record::{Record, What};
use super::heard::Heard;

/// The exit code of `betcode -p`, as the README says it.
pub fn exit_code(record: &Record) -> i32 {
    let turn = first_turn(record);
    let refused = turn.said().any(|line| {
        word(line, "subtype") == "api_retry" && line.get("error_status") == Some(&401.into())
    });
    let asks = |line: &&Value, what: &str| {
        line.pointer("/request/subtype").and_then(Value::as_str) == Some(what)
    };
    let interrupted = turn.got().any(|line| asks(&line, "interrupt"));
    let told = |id: &str| {
        let mut got = turn.got();
        let to = |line: &&Value| {
            line.pointer("/response/request_id").and_then(Value::as_str) == Some(id)
        };
        let answer = got.find(to)?.pointer("/response/response/behavior");
        Some(answer.and_then(Value::as_str) == Some("deny"))
    };
    let asked = turn.said().filter(|line| asks(line, "can_use_tool"));
    // An agent that dies may not have read what it was told.
    let died = turn
        .0
        .iter()
        .any(|entry| matches!(entry.what, What::Ends(_)));
    let denied = asked
        .map(|line| told(word(line, "request_id")))
        .any(|told| told.unwrap_or(died));
    let result = turn
        .said()
        .filter(|line| word(line, "type") == "result")
        .last();
    let denials = result.and_then(|result| result.get("permission_denials")?.as_array());
    let denied = denied || denials.is_some_and(|denials| !denials.is_empty());
    match Heard::of(&turn).turns.last().map(String::as_str) {
        // Nothing but the end of its time makes a run interrupt an agent that has a login.
        _ if interrupted && !refused => 124,
        Some("end_turn" | "cancelled") if denied => 3,
        Some("end_turn") => 0,
        Some("error") if rate_limited(&turn, result) => 4,
        _ => 1,
    }
}

/// The last words of the first turn, if they were said.
pub fn last_words(record: &Record) -> Option<String> {
    let turn = first_turn(record);
    let results = turn.said().filter(|line| word(line, "type") == "result");
    let text = word(results.last()?, "result").to_owned();
    (!text.is_empty()).then_some(text)
}

fn rate_limited(turn: &Record, result: Option<&Value>) -> bool {
    let status = result.and_then(|result| result.get("api_error_status")?.as_u64());
    let word = || {
        turn.said()
            .any(|line| word(line, "error") == "rate_limit" && word(line, "type") == "assistant")
    };
    status.map_or_else(word, |status| status == 429)
}

/// Everything up to the end of the first turn.
fn first_turn(record: &Record) -> Record {
    let announces = record
        .said()
        .any(|line| word(line, "subtype") == "session_state_changed");
    let mut over = false;
    let before = record.0.iter().take_while(|entry| {
        let goes_on = !over;
        over |= matches!(&entry.what, What::Said(line) if ends_turn(line, announces));
        goes_on
    });
    Record(before.cloned().collect())
}
