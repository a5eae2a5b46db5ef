//! What a line looks like, without what it says: its label and its keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Objects whose keys are data.
const DATA: [&str; 11] = [
    "input",
    "tool_input",
    "modelUsage",
    "model_usage_since_last_result",
    "by_type",
    "answers",
    "annotations",
    "commands",
    "models",
    "memory_paths",
    "categories",
];

/// One line of a recorded transcript.
pub(crate) struct Recorded {
    pub(crate) direction: String,
    pub(crate) message: Value,
}

pub(crate) fn transcripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/agents/claude-code-2.1.330")
}

pub(crate) fn recorded(name: &str) -> Vec<Recorded> {
    let text = fs::read_to_string(transcripts().join(format!("{name}.ndjson"))).unwrap();
    text.lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            Recorded {
                direction: line["dir"].as_str().unwrap().to_owned(),
                message: line["msg"].take(),
            }
        })
        .collect()
}

/// What the real program said in a transcript.
pub(crate) fn output(name: &str) -> Vec<Value> {
    let lines = recorded(name)
        .into_iter()
        .filter(|line| line.direction == "out");
    lines.map(|line| line.message).collect()
}

/// The kind of a line.
pub(crate) fn label(line: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&line["type"]);
    let detail = match kind.as_str() {
        "stream_event" => {
            let event = &line["event"];
            let inner = [&event["delta"]["type"], &event["content_block"]["type"]];
            format!(
                "{} {}{}",
                text(&event["type"]),
                text(inner[0]),
                text(inner[1])
            )
        }
        "assistant" | "user" => {
            let content = &line["message"]["content"][0]["type"];
            let nested = if line["parent_tool_use_id"].is_string() {
                " nested"
            } else {
                ""
            };
            format!("{}{nested}", text(content))
        }
        "control_request" => text(&line["request"]["subtype"]),
        "control_response" => text(&line["response"]["subtype"]),
        "system" if line["subtype"] == "status" => format!("status {}", line["status"]),
        _ => text(&line["subtype"]) + &text(&line["state"]),
    };
    format!("{kind} {detail}").trim_end().to_owned()
}

/// The labels of lines, runs of equal ones taken for one.
pub(crate) fn labels(lines: &[Value]) -> Vec<String> {
    let mut labels: Vec<_> = lines.iter().map(label).collect();
    labels.retain(|label| label != "system thinking_tokens");
    labels.dedup();
    labels
}

/// All keys of a line as paths.
fn keys(line: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    let path = format!("{path}.{key}");
                    into.insert(path.clone());
                    if !DATA.contains(&key.as_str()) {
                        walk(value, &path, into);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, path, into)),
            _ => {}
        }
    }
    let mut into = BTreeSet::new();
    walk(line, "", &mut into);
    into
}

/// Every key that the real program was ever seen to use, by label.
pub(crate) fn known_keys() -> BTreeMap<String, BTreeSet<String>> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(transcripts()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "ndjson")
        {
            for line in output(path.file_stem().unwrap().to_str().unwrap()) {
                known.entry(label(&line)).or_default().extend(keys(&line));
            }
        }
    }
    known
}

/// Fails if a line has a label or a key that the real program was never seen to use.
pub(crate) fn assert_nothing_invented(lines: &[Value]) {
    let known = known_keys();
    for line in lines {
        let label = label(line);
        let known = known
            .get(&label)
            .unwrap_or_else(|| panic!("unknown line {label}: {line}"));
        let invented: Vec<_> = keys(line).difference(known).cloned().collect();
        assert!(invented.is_empty(), "{label} has {invented:?}");
    }
}

/// Fails if lines lack a key that all lines with their label in this transcript have. What the
/// program says about itself at the start may be shorter here.
pub(crate) fn assert_nothing_missing(lines: &[Value], transcript: &[Value]) {
    let mut always: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in transcript {
        let here = keys(line);
        always
            .entry(label(line))
            .and_modify(|all| all.retain(|key| here.contains(key)))
            .or_insert(here);
    }
    for line in lines {
        let label = label(line);
        if label == "system init" || line["response"]["response"].get("commands").is_some() {
            continue;
        }
        let Some(always) = always.get(&label) else {
            continue;
        };
        let here = keys(line);
        let missing: Vec<_> = always.difference(&here).collect();
        assert!(missing.is_empty(), "{label} lacks {missing:?}");
    }
}
