//! Lines that no recording has, in the form in which Claude Code says such things.

use serde_json::{Value, json};

/// What the replay says when it has played everything and its process goes on.
pub(super) const PLAYED: &str = "replay: everything was played";

/// A successful answer to a request of the host.
pub(super) fn success(id: &str, answer: &Value) -> Value {
    json!({"type": "control_response", "response": {"subtype": "success", "request_id": id, "response": answer}})
}

/// The answer to a request that the recorded program was never asked.
pub(super) fn unknown(id: &str, subtype: &str) -> Value {
    let error = format!("Unsupported control request subtype: {subtype}");
    json!({"type": "control_response", "response": {
        "subtype": "error", "request_id": id, "error": error, "error_code": "unsupported_request",
    }})
}

/// The answer to `initialize` where none is recorded.
pub(super) fn initialized(id: &str, version: &str) -> Value {
    success(
        id,
        &json!({
            "commands": [], "agents": [], "models": [], "output_style": "default",
            "account": {"tokenSource": "none", "apiKeySource": "ANTHROPIC_API_KEY"},
            "claude_code_version": version, "current_permission_mode": "default",
        }),
    )
}

/// A turn in which nothing is said.
pub(super) fn turn(session: &str, version: &str, announces: bool) -> Vec<Value> {
    let init = json!({
        "type": "system", "subtype": "init", "session_id": session, "claude_code_version": version,
        "permissionMode": "default", "apiKeySource": "ANTHROPIC_API_KEY", "tools": [], "uuid": uuid(1),
    });
    let mut result = result(session, "success");
    if let Some(result) = result.as_object_mut() {
        result.insert("result".to_owned(), Value::from(""));
        result.insert("stop_reason".to_owned(), Value::from("end_turn"));
        result.insert("terminal_reason".to_owned(), Value::from("completed"));
    }
    between(session, announces, vec![init, result])
}

/// The end of a turn that was interrupted while text was coming, and of the messages that it has.
pub(super) fn aborted(
    session: &str,
    taken: impl IntoIterator<Item = String>,
    announces: bool,
) -> Vec<Value> {
    let mut result = result(session, "error_during_execution");
    if let Some(result) = result.as_object_mut() {
        result.insert("is_error".to_owned(), Value::from(true));
        result.insert("stop_reason".to_owned(), Value::Null);
        result.insert(
            "terminal_reason".to_owned(),
            Value::from("aborted_streaming"),
        );
        let errors = json!(["[ede_diagnostic] the turn was interrupted"]);
        result.insert("errors".to_owned(), errors);
    }
    let cancelled = taken.into_iter().map(|message| {
        json!({
            "type": "command_lifecycle", "command_uuid": message, "state": "cancelled", "session_id": session, "uuid": uuid(5),
        })
    });
    let lines = std::iter::once(result).chain(cancelled).collect();
    let mut lines = between(session, announces, lines);
    if announces {
        lines.remove(0);
    }
    lines
}

/// A request of the agent is taken back.
pub(super) fn withdrawn(id: &str) -> Value {
    json!({"type": "control_cancel_request", "request_id": id})
}

/// A remark at the end of what there is to play.
pub(super) fn played(session: &str) -> Value {
    json!({
        "type": "system", "subtype": "informational", "content": PLAYED, "level": "info",
        "session_id": session, "uuid": uuid(3),
    })
}

fn result(session: &str, subtype: &str) -> Value {
    json!({
        "type": "result", "subtype": subtype, "is_error": false, "duration_ms": 0, "duration_api_ms": 0, "num_turns": 0,
        "total_cost_usd": 0, "usage": {"input_tokens": 0, "output_tokens": 0}, "modelUsage": {},
        "permission_denials": [], "session_id": session, "uuid": uuid(2),
    })
}

/// The lines, said by an agent that says when it is busy if this one does.
fn between(session: &str, announces: bool, lines: Vec<Value>) -> Vec<Value> {
    let state = |state: &str| {
        json!({
            "type": "system", "subtype": "session_state_changed", "state": state, "session_id": session, "uuid": uuid(4),
        })
    };
    if !announces {
        return lines;
    }
    let first = std::iter::once(state("running"));
    first.chain(lines).chain([state("idle")]).collect()
}

fn uuid(number: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{number:02}")
}
