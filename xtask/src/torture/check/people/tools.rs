//! Compares what was allowed with what ran: every tool appends a line of its own to a file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::requests::{Asked, End};
use super::{Log, Scene};
use crate::torture::check::Findings;

/// The line that a tool writes with this input.
fn line(input: &Value) -> Option<&str> {
    let command = input.get("command")?.as_str()?;
    Some(command.strip_prefix("echo ")?.split_once(' ')?.0)
}

/// What ran in place of what was asked for.
fn effective<'a>(asked: &'a Asked, end: &'a End) -> Option<&'a str> {
    line(end.content.get("input").unwrap_or(&asked.input))
}

pub(super) fn check(
    scene: &Scene<'_>,
    log: &Log<'_>,
    requests: &BTreeMap<String, Asked>,
    findings: &mut Findings,
) {
    let mut allowed: BTreeMap<&str, u64> = BTreeMap::new();
    for asked in requests.values() {
        if let Some(end) = asked.end.as_ref().filter(|end| end.outcome == "allowed")
            && let Some(line) = effective(asked, end)
        {
            *allowed.entry(line).or_default() += 1;
        }
    }
    let mut ran: BTreeMap<&str, u64> = BTreeMap::new();
    for line in scene.ran_before {
        *ran.entry(line).or_default() += 1;
    }
    findings.ran += ran.len() as u64;
    for (line, count) in &ran {
        if *count > 1 {
            findings.doubled(format!("tool {line} ran {count} times"));
        }
        if !allowed.contains_key(line) {
            findings.unaccounted(format!("tool {line} ran and was never allowed"));
        }
    }
    for (id, asked) in requests {
        if let Some(end) = asked.end.as_ref().filter(|end| end.outcome == "allowed") {
            must_run(scene, log, id, asked, end, findings);
        }
    }
}

/// What was allowed runs, unless something that the log names came in between.
fn must_run(
    scene: &Scene<'_>,
    log: &Log<'_>,
    id: &str,
    asked: &Asked,
    end: &End,
    findings: &mut Findings,
) {
    let Some(line) = effective(asked, end) else {
        return;
    };
    let ran = scene.ran_after.iter().any(|ran| ran == line);
    if ran {
        return;
    }
    let result = log.0.iter().find(|fact| {
        fact.kind == "tool_call_result"
            && fact.sequence > end.sequence
            && fact.text("id") == asked.call
    });
    let heard = asked.host.is_some() && asked.host == end.host;
    if let Some(result) =
        result.filter(|result| heard && result.value.get("is_error") == Some(&Value::Bool(false)))
    {
        findings.lost(format!(
            "tool {line} has a result at {} and did not run ({id})",
            result.sequence
        ));
        return;
    }
    // Whatever ends the turn first says why it did not run.
    let Some(complete) = log.first_after(end.sequence, "turn_complete") else {
        return;
    };
    // A request that is taken back while its answer is under way is not heard of again.
    let taken_back = asked
        .input
        .get("command")
        .and_then(Value::as_str)
        .is_some_and(|command| command.contains("echo w"));
    let stopped = log.between(asked.sequence, complete.sequence, |fact| match fact.kind {
        "agent_exited" => fact.sequence > end.sequence,
        "cancel_requested" => true,
        "permission_resolved" => fact.value.get("interrupt") == Some(&Value::Bool(true)),
        "error" => fact.text("code") == "answer_not_used",
        _ => false,
    });
    if !taken_back && !stopped && complete.text("stop_reason") == "end_turn" {
        findings.lost(format!(
            "tool {line} was allowed at {} ({id}) and did not run by {}",
            end.sequence, complete.sequence
        ));
    }
}
