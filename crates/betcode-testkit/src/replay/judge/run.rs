//! What a run of one prompt, with nobody to answer, must come to. Read from the lines of its turn.

use serde_json::Value;

use super::super::accept::word;
use super::super::plan::ends_turn;
use super::super::record::{Record, What};
use super::heard::Heard;

/// The exit codes that `betcode -p` may have, as the README says them: one, unless nobody can know what the agent has read.
pub fn exit_codes(record: &Record) -> Vec<i32> {
    let turn = first_turn(record);
    let refused = turn.said().any(|line| {
        word(line, "subtype") == "api_retry" && line.get("error_status") == Some(&401.into())
    });
    let interrupts = turn.got().filter(|line| asks(line, "interrupt")).count();
    // Nothing but the end of its time makes a run interrupt an agent, unless its login is refused: then it does so once before.
    if interrupts > usize::from(refused) {
        return vec![124];
    }
    let result = turn
        .said()
        .filter(|line| word(line, "type") == "result")
        .last();
    let denials = result.and_then(|result| result.get("permission_denials")?.as_array());
    let told: Vec<Option<bool>> = turn
        .said()
        .filter(|line| asks(line, "can_use_tool"))
        .map(|line| was_denied(&turn, word(line, "request_id")))
        .collect();
    let denied = told.contains(&Some(true)) || denials.is_some_and(|denials| !denials.is_empty());
    match Heard::of(&turn).turns.last().map(String::as_str) {
        Some("end_turn" | "cancelled") if denied => vec![3],
        Some("end_turn") if told.contains(&None) => vec![0, 3],
        Some("end_turn") => vec![0],
        Some("error") if rate_limited(&turn, result) => vec![4],
        _ => vec![1],
    }
}

fn asks(line: &Value, what: &str) -> bool {
    line.pointer("/request/subtype").and_then(Value::as_str) == Some(what)
}

/// Whether this request was answered with no; nothing when the agent has not read an answer.
fn was_denied(turn: &Record, id: &str) -> Option<bool> {
    let to =
        |line: &&Value| line.pointer("/response/request_id").and_then(Value::as_str) == Some(id);
    let answer = turn.got().find(to)?.pointer("/response/response/behavior");
    Some(answer.and_then(Value::as_str) == Some("deny"))
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
    let (mut over, mut told) = (false, false);
    let before = record.0.iter().take_while(|entry| {
        let goes_on = !over;
        match &entry.what {
            What::Said(line) => {
                told |= word(line, "type") == "result";
                over |= ends_turn(line, announces);
            }
            // Whoever has told the outcome of a turn and then dies has ended it.
            What::Ends(_) => over |= told,
            _ => {}
        }
        goes_on
    });
    Record(before.cloned().collect())
}
