//! What may be written to Claude Code at all, whatever it has said. Why: what was measured when each of these was wrong. A line
//! that is no JSON, or a message of another role, ends it at once; `updatedInput: null` and a denial without a message are refused
//! as invalid; a hook that is answered in another form counts as answered with "go on", so that the call runs.

use serde_json::{Map, Value};

/// Checks a line that was written. The error says what is wrong with it.
pub(super) fn line(line: &Value) -> Result<(), String> {
    match word(line, "type") {
        "user" => message(line),
        "control_request" => {
            not_empty(line, "request_id")?;
            let request = line.get("request").unwrap_or(&Value::Null);
            not_empty(request, "subtype").map(drop)
        }
        "control_response" => {
            let response = line.get("response").unwrap_or(&Value::Null);
            not_empty(response, "request_id").map(drop)
        }
        "keep_alive" | "update_environment_variables" => Ok(()),
        other => Err(format!("a line of type {other:?} means nothing")),
    }
}

fn message(line: &Value) -> Result<(), String> {
    let message = line.get("message").unwrap_or(&Value::Null);
    if word(message, "role") != "user" {
        return Err("the role of a message must be `user`".to_owned());
    }
    match message.get("content") {
        Some(Value::String(_)) => {}
        Some(Value::Array(blocks)) if !blocks.is_empty() => {
            for block in blocks {
                not_empty(block, "type")?;
            }
        }
        _ => return Err("the content of a message must be text or blocks".to_owned()),
    }
    let id =
        not_empty(line, "uuid").map_err(|why| format!("{why}: its fate cannot be followed"))?;
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let digits = id
        .chars()
        .all(|letter| letter == '-' || letter.is_ascii_hexdigit());
    if groups != [8, 4, 4, 4, 12] || !digits {
        return Err(format!("{id:?} is no uuid"));
    }
    Ok(())
}

/// Checks an answer to what the agent asked. `response` is the inside of the `control_response`.
pub(super) fn answer(asked: &Value, response: &Value) -> Result<(), String> {
    let subtype = word(asked, "subtype");
    match word(response, "subtype") {
        "error" => {
            not_empty(response, "error")?;
            match subtype {
                "hook_callback" => Err("an error in answer to a hook counts as `go on`".to_owned()),
                _ => Ok(()),
            }
        }
        "success" => {
            let Some(Value::Object(answer)) = response.get("response") else {
                return Err("an answer must be an object".to_owned());
            };
            match subtype {
                "can_use_tool" => permission(asked, answer),
                "hook_callback" => hook(asked, answer),
                "mcp_message" if !answer.contains_key("mcp_response") => {
                    Err("a message to a tool server needs `mcp_response`".to_owned())
                }
                _ => Ok(()),
            }
        }
        other => Err(format!("an answer is `success` or `error`, not {other:?}")),
    }
}

fn permission(asked: &Value, answer: &Map<String, Value>) -> Result<(), String> {
    let allowed: &[&str] = match answer.get("behavior").and_then(Value::as_str) {
        Some("allow") => {
            if answer
                .get("updatedInput")
                .is_some_and(|input| !input.is_object())
            {
                return Err("`updatedInput` must be an object or be left out".to_owned());
            }
            if word(asked, "tool_name") == "AskUserQuestion" {
                question(asked, answer)?;
            }
            permissions(answer)?;
            &["behavior", "updatedInput", "updatedPermissions"]
        }
        Some("deny") => {
            let message = answer
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if message.trim().is_empty() {
                return Err("a denial needs a message".to_owned());
            }
            if answer
                .get("interrupt")
                .is_some_and(|interrupt| !interrupt.is_boolean())
            {
                return Err("`interrupt` must be true or false".to_owned());
            }
            &["behavior", "message", "interrupt"]
        }
        other => return Err(format!("`behavior` must be allow or deny, not {other:?}")),
    };
    match answer.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => Err(format!("{key:?} means nothing in this answer")),
        None => Ok(()),
    }
}

/// Rules may be added. Anything else changes the mode of the agent, or what it may reach.
fn permissions(answer: &Map<String, Value>) -> Result<(), String> {
    let Some(updates) = answer.get("updatedPermissions") else {
        return Ok(());
    };
    let updates = updates
        .as_array()
        .ok_or("`updatedPermissions` must be a list")?;
    match updates
        .iter()
        .find(|update| word(update, "type") != "addRules")
    {
        Some(update) => Err(format!(
            "permissions may only be added as rules, not {update}"
        )),
        None => Ok(()),
    }
}

/// The answers to questions are part of the input: its questions as they were, and answers to these.
fn question(asked: &Value, answer: &Map<String, Value>) -> Result<(), String> {
    let Some(input) = answer.get("updatedInput") else {
        return Err("a question is answered in `updatedInput`".to_owned());
    };
    let questions = asked.pointer("/input/questions");
    if input.get("questions") != questions {
        return Err("the questions must be those that were asked".to_owned());
    }
    let texts: Vec<&str> = questions
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|question| word(question, "question"))
        .collect();
    for part in ["answers", "annotations"] {
        let Some(given) = input.get(part) else {
            continue;
        };
        let given = given
            .as_object()
            .ok_or_else(|| format!("`{part}` must be an object"))?;
        if let Some(other) = given.keys().find(|key| !texts.contains(&key.as_str())) {
            return Err(format!("{other:?} was not asked"));
        }
        if part == "answers" && given.values().any(|said| !said.is_string()) {
            return Err("an answer to a question must be text".to_owned());
        }
    }
    Ok(())
}

fn hook(asked: &Value, answer: &Map<String, Value>) -> Result<(), String> {
    let known = [
        "hookSpecificOutput",
        "continue",
        "stopReason",
        "suppressOutput",
        "systemMessage",
    ];
    if let Some(key) = answer.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!(
            "{key:?} means nothing in an answer to a hook, so the call would run"
        ));
    }
    let Some(output) = answer.get("hookSpecificOutput") else {
        return Ok(());
    };
    let event = asked.pointer("/input/hook_event_name");
    if output.get("hookEventName") != event {
        return Err("an answer to a hook must name its event".to_owned());
    }
    match word(output, "permissionDecision") {
        "" | "allow" | "ask" => Ok(()),
        "deny" => not_empty(output, "permissionDecisionReason").map(drop),
        other => Err(format!("{other:?} is no decision of a hook")),
    }
}

fn not_empty<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    match word(value, name) {
        "" => Err(format!("`{name}` is missing")),
        word => Ok(word),
    }
}

/// A text of an object; empty when there is none.
pub(super) fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
