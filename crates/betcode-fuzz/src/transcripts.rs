//! Recorded sessions as seeds: the agent's lines as they came, and what the recorded host wrote as deeds (see `deeds`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;

/// What a recorded session is made of.
pub(crate) enum Step {
    /// A line of the agent.
    Out(Value),
    /// A line of the host.
    In(Value),
}

/// Where recordings and stored logs are.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Every recorded session, in the order of their names.
pub(crate) fn all() -> Vec<Vec<Step>> {
    let folder = fixtures().join("agents");
    let listed = |folder: &Path| {
        let entries = fs::read_dir(folder);
        let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.unwrap().path())
    };
    let mut paths: Vec<PathBuf> = listed(&folder)
        .filter(|path| path.is_dir())
        .flat_map(|folder| listed(&folder))
        .filter(|path| path.extension().is_some_and(|it| it == "ndjson"))
        .collect();
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Vec<Step> {
    let text = fs::read_to_string(path).unwrap();
    let steps = text.lines().filter_map(|line| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        let message = entry["msg"].take();
        match entry["dir"].as_str()? {
            "out" => Some(Step::Out(message)),
            "in" => Some(Step::In(message)),
            _ => None,
        }
    });
    steps.collect()
}

/// The agent's lines of each session, one text for each.
pub(crate) fn outputs() -> Vec<Vec<u8>> {
    let lines = |steps: &Vec<Step>| {
        let mut text = String::new();
        for step in steps {
            if let Step::Out(line) = step {
                text.push_str(&line.to_string());
                text.push('\n');
            }
        }
        text.into_bytes()
    };
    all().iter().map(lines).collect()
}

/// One line for each kind of line that was ever recorded: type, subtype, and what is in it.
pub(crate) fn kinds() -> Vec<Vec<u8>> {
    let mut kinds = BTreeMap::new();
    for step in all().iter().flatten() {
        if let Step::Out(line) = step {
            let word = |pointer: &str| {
                line.pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or("-")
                    .to_owned()
            };
            let kind = [
                "/type",
                "/subtype",
                "/event/type",
                "/event/delta/type",
                "/event/content_block/type",
                "/request/subtype",
                "/request/tool_name",
                "/message/content/0/type",
                "/message/content/0/name",
            ]
            .map(word);
            let line = line.to_string();
            let shortest: &mut String = kinds.entry(kind).or_insert_with(|| line.clone());
            if line.len() < shortest.len() {
                *shortest = line;
            }
        }
    }
    kinds.into_values().map(String::into_bytes).collect()
}

/// Words that mean something to somebody: every key and short value of the recordings, and the keys of our own settings.
pub fn words() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for step in all().iter().flatten() {
        let (Step::Out(line) | Step::In(line)) = step;
        collect(line, &mut words);
    }
    words.extend(
        betcode_core::config::keys()
            .iter()
            .map(|key| key.name.to_owned()),
    );
    words
}

fn collect(value: &Value, words: &mut BTreeSet<String>) {
    let is_word = |text: &str| {
        (3..=40).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    };
    match value {
        Value::String(text) if is_word(text) => {
            words.insert(format!("\"{text}\""));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(members) => {
            for (key, member) in members {
                if is_word(key) {
                    words.insert(format!("\"{key}\":"));
                }
                collect(member, words);
            }
        }
        _ => {}
    }
}

/// Each session as deeds and lines. Messages get the numbers 1, 2, 3 … and requests of the host the ids that our driver gives.
pub(crate) fn played(
    write: impl Fn(&Value, &BTreeMap<String, Value>) -> Option<String>,
) -> Vec<Vec<u8>> {
    all().iter().map(|steps| play(steps, &write)).collect()
}

fn play(
    steps: &[Step],
    write: &impl Fn(&Value, &BTreeMap<String, Value>) -> Option<String>,
) -> Vec<u8> {
    let mut text = String::new();
    let mut renamed: Vec<(String, String)> = Vec::new();
    let (mut messages, mut requests) = (0_u128, 0_u64);
    let mut asked = BTreeMap::new();
    for step in steps {
        match step {
            Step::Out(line) => {
                if let (Some("control_request"), Some(id)) =
                    (line["type"].as_str(), line["request_id"].as_str())
                {
                    asked.insert(id.to_owned(), line["request"].clone());
                }
                let mut line = line.to_string();
                for (theirs, ours) in &renamed {
                    line = line.replace(theirs, ours);
                }
                text.push_str(&line);
                text.push('\n');
            }
            Step::In(line) => {
                let Some(deed) = write(line, &asked) else {
                    continue;
                };
                if line["type"] == "user" {
                    messages += 1;
                    if let Some(id) = line["uuid"].as_str() {
                        renamed.push((id.to_owned(), Uuid::from_u128(messages).to_string()));
                    }
                } else if line["type"] == "control_request" {
                    requests += 1;
                    if let Some(id) = line["request_id"].as_str() {
                        renamed.push((format!("{id:?}"), format!("\"bc-{requests}\"")));
                    }
                }
                text.push_str(&deed);
                text.push('\n');
            }
        }
    }
    text.into_bytes()
}
