//! `--output-format json`: one object at the end of the turn, with the keys of Claude Code's `result` and ours beside
//! them. Where the agent gave such an object itself, that is the ground on which ours is written.

use betcode_core::event::{PermissionDenial, StopReason, TurnComplete, Usage};
use betcode_core::id::{Sequence, SessionId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::turn::TurnReport;
use crate::error::Report;

/// The result of a turn.
pub(crate) fn result(
    session: SessionId,
    report: &TurnReport,
    error: Option<&Report>,
) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("type".into(), "result".into());
    let turn = report.complete.as_ref();
    if let Some(Value::Object(raw)) = turn.and_then(|turn| turn.raw.clone()) {
        object.extend(raw);
    }
    if let Some(turn) = turn {
        complete(&mut object, turn);
        add_denials(&mut object, &report.denials);
        if !object.contains_key("errors") || report.cut {
            object.insert("result".into(), answer(&object, report, turn).into());
        }
    } else {
        object.insert("subtype".into(), "error_during_execution".into());
        object.insert("is_error".into(), true.into());
        object.insert("num_turns".into(), 0.into());
        object.insert("duration_ms".into(), 0.into());
        object.insert("total_cost_usd".into(), json!(0.0));
        object.insert("usage".into(), usage(&Usage::default()));
        object.insert("permission_denials".into(), json!([]));
        if !report.answer.is_empty() {
            object.insert("result".into(), report.answer.as_str().into());
        }
    }
    object.insert("session_id".into(), session.to_string().into());
    default(&mut object, "uuid", || line_id(session, report.last, 0));
    if let Some(error) = error {
        if error.code != "PERMISSION_DENIED" {
            object.insert("is_error".into(), true.into());
            // A success that is an error has a text as its result, as Claude Code has it.
            if object.get("subtype").and_then(Value::as_str) != Some("success") {
                default(&mut object, "errors", || json!([error.message]));
            }
        }
        object.insert("error".into(), json!(error));
    }
    object.insert("first_sequence".into(), report.first.0.into());
    object.insert("last_sequence".into(), report.last.0.into());
    if let Some(turn) = turn {
        object.insert("betcode_stop_reason".into(), json!(turn.stop_reason));
    }
    if !report.denied.is_empty() {
        object.insert("betcode_denied_tools".into(), json!(report.denied));
    }
    object
}

/// What is known about a turn that ended, where the agent's own object does not say it.
fn complete(object: &mut Map<String, Value>, turn: &TurnComplete) {
    let (subtype, failed) = match turn.stop_reason {
        StopReason::EndTurn | StopReason::Refusal | StopReason::MaxTokens => {
            ("success", turn.error.is_some())
        }
        StopReason::MaxTurns => ("error_max_turns", true),
        StopReason::MaxBudget => ("error_max_budget_usd", true),
        StopReason::Cancelled | StopReason::Error | StopReason::AgentExited => {
            ("error_during_execution", true)
        }
    };
    default(object, "subtype", || subtype.into());
    default(object, "is_error", || failed.into());
    default(object, "num_turns", || turn.num_turns.into());
    default(object, "duration_ms", || turn.duration_ms.into());
    default(object, "duration_api_ms", || turn.duration_api_ms.into());
    default(object, "total_cost_usd", || json!(turn.usage.cost_usd));
    default(object, "usage", || usage(&turn.usage));
    default(object, "permission_denials", || {
        turn.permission_denials.iter().map(denial_row).collect()
    });
}

/// Adds what was denied here and is not in the agent's own list.
fn add_denials(object: &mut Map<String, Value>, denials: &[PermissionDenial]) {
    let Some(Value::Array(listed)) = object.get_mut("permission_denials") else {
        return;
    };
    for denial in denials {
        let known = |row: &Value| {
            let id = row.get("tool_use_id").and_then(Value::as_str);
            match denial.tool_call.0.as_str() {
                "" => row.get("tool_name") == Some(&json!(denial.tool)),
                call => id == Some(call),
            }
        };
        if !listed.iter().any(known) {
            listed.push(denial_row(denial));
        }
    }
}

fn denial_row(denial: &PermissionDenial) -> Value {
    json!({"tool_name": denial.tool, "tool_use_id": denial.tool_call, "tool_input": denial.input})
}

/// The agent's answer: as it repeats it, unless that was too long for the event; else its last message.
fn answer(object: &Map<String, Value>, report: &TurnReport, turn: &TurnComplete) -> String {
    let own = object
        .get("result")
        .and_then(Value::as_str)
        .filter(|own| !own.is_empty())
        .unwrap_or(&turn.result);
    let cut = report.cut && report.answer.starts_with(own);
    if own.is_empty() || cut {
        report.answer.clone()
    } else {
        own.to_owned()
    }
}

/// Tokens under Claude Code's names.
fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
    })
}

fn default(object: &mut Map<String, Value>, key: &str, value: impl FnOnce() -> Value) {
    if !object.contains_key(key) {
        object.insert(key.to_owned(), value());
    }
}

/// An id for a line that tells of this event: the same whenever it is printed, and another for every event.
/// `nth` tells its lines apart; 12 bits of it fit between the version and the variant of a UUID.
pub(super) fn line_id(session: SessionId, sequence: Sequence, nth: u16) -> Value {
    let nth = u128::from(nth & 0xfff) << 64;
    Uuid::from_u128(session.0.as_u128() ^ u128::from(sequence.0) ^ nth)
        .to_string()
        .into()
}

/// What `json` and `stream-json` print when there is no turn to tell of.
pub(crate) fn error_result(error: &Report) -> String {
    json!({
        "type": "result", "subtype": "error_during_execution", "is_error": true, "errors": [error.message],
        "num_turns": 0, "duration_ms": 0, "total_cost_usd": 0.0, "usage": usage(&Usage::default()),
        "permission_denials": [], "error": error,
    })
    .to_string()
}
