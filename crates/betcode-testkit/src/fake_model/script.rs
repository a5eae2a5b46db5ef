//! What the fake model answers, and how an answer is found in a request.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

/// One answer of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Text in these pieces, with a pause before each.
    Text {
        /// The pieces.
        pieces: Vec<String>,
        /// The pause.
        pause: Duration,
    },
    /// A call of a tool.
    Tool {
        /// Its name.
        name: String,
        /// Its input.
        input: Value,
    },
}

impl Reply {
    /// Text at once, a word a piece.
    pub fn text(text: impl AsRef<str>) -> Self {
        let pieces = text.as_ref().split_inclusive(' ').map(str::to_owned);
        Self::Text {
            pieces: pieces.collect(),
            pause: Duration::ZERO,
        }
    }

    /// Text that takes its time.
    pub fn slow(pieces: impl IntoIterator<Item = String>, pause: Duration) -> Self {
        Self::Text {
            pieces: pieces.into_iter().collect(),
            pause,
        }
    }

    /// A call of a tool.
    pub fn tool(name: &str, input: Value) -> Self {
        Self::Tool {
            name: name.to_owned(),
            input,
        }
    }
}

/// What goes wrong in the middle of an answer, after its first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends.
    Cut,
    /// The service says that it is overloaded.
    Overloaded,
    /// Nothing more comes for so long; then the connection ends.
    Stalls(Duration),
}

/// What is answered to messages that contain a cue.
#[derive(Debug, Clone)]
pub struct Scene {
    cue: String,
    failure: Option<Failure>,
    fault: Option<(Fault, Option<u32>)>,
    replies: Vec<Reply>,
}

#[derive(Debug, Clone)]
struct Failure {
    status: u16,
    retry_after: Option<u32>,
    times: Option<u32>,
}

/// Which of the counts of a scene is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Count {
    Failures,
    Faults,
}

impl Scene {
    /// A scene for messages that contain `cue`.
    pub fn new(cue: &str) -> Self {
        Self {
            cue: cue.to_owned(),
            failure: None,
            fault: None,
            replies: Vec::new(),
        }
    }

    /// The first `times` answers that are streamed break in the middle, or all of them.
    pub fn breaks(mut self, fault: Fault, times: Option<u32>) -> Self {
        self.fault = Some((fault, times));
        self
    }

    /// The next answer.
    pub fn reply(mut self, reply: Reply) -> Self {
        self.replies.push(reply);
        self
    }

    /// The first `times` requests fail with this status, or all of them. `retry_after` is the header of that name, in
    /// seconds.
    pub fn fails(mut self, status: u16, retry_after: Option<u32>, times: Option<u32>) -> Self {
        self.failure = Some(Failure {
            status,
            retry_after,
            times,
        });
        self
    }
}

/// All scenes.
#[derive(Debug, Default)]
pub struct Script {
    scenes: Vec<Scene>,
    failed: Mutex<BTreeMap<(String, Count), u32>>,
}

impl Script {
    /// A script of these scenes; the first whose cue is found counts.
    pub fn new(scenes: impl IntoIterator<Item = Scene>) -> Self {
        Self {
            scenes: scenes.into_iter().collect(),
            failed: Mutex::default(),
        }
    }

    /// What to answer to a request, given as its JSON.
    pub(super) fn choose(&self, request: &Value) -> Chosen {
        if let Some(aside) = aside(request) {
            return Chosen::Aside(aside);
        }
        let none = Vec::new();
        let messages = request
            .get("messages")
            .and_then(Value::as_array)
            .unwrap_or(&none);
        let mut answered = 0;
        for message in messages.iter().rev() {
            let role = message.get("role").and_then(Value::as_str);
            if role == Some("assistant") {
                answered += 1;
                continue;
            }
            let said = text_of(message.get("content"));
            let Some(scene) = self.scenes.iter().find(|scene| said.contains(&scene.cue)) else {
                continue;
            };
            let streamed = request.get("stream").and_then(Value::as_bool) == Some(true);
            return self.play(scene, answered, streamed);
        }
        Chosen::Reply {
            cue: String::new(),
            reply: Reply::text("The script has no answer to this."),
            fault: None,
        }
    }

    /// Whether something that happens so often at most happens once more.
    fn once_more(&self, cue: &str, count: Count, times: Option<u32>) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = failed.entry((cue.to_owned(), count)).or_default();
        let more = times.is_none_or(|times| *so_far < times);
        *so_far += u32::from(more);
        more
    }

    fn play(&self, scene: &Scene, answered: usize, streamed: bool) -> Chosen {
        let cue = scene.cue.clone();
        if let Some(failure) = &scene.failure
            && self.once_more(&cue, Count::Failures, failure.times)
        {
            return Chosen::Failure {
                cue,
                status: failure.status,
                retry_after: failure.retry_after,
            };
        }
        let fault = scene
            .fault
            .filter(|(_, times)| streamed && self.once_more(&cue, Count::Faults, *times));
        let reply = scene.replies.get(answered).cloned();
        Chosen::Reply {
            cue,
            reply: reply.unwrap_or_else(|| Reply::text("Done.")),
            fault: fault.map(|(fault, _)| fault),
        }
    }
}

/// What was found.
#[derive(Debug, PartialEq)]
pub(super) enum Chosen {
    /// The request is no part of a conversation: a probe, or a question that wants JSON.
    Aside(String),
    Reply {
        cue: String,
        reply: Reply,
        fault: Option<Fault>,
    },
    Failure {
        cue: String,
        status: u16,
        retry_after: Option<u32>,
    },
}

impl Chosen {
    pub(super) fn cue(&self) -> &str {
        match self {
            Self::Aside(_) => "",
            Self::Reply { cue, .. } | Self::Failure { cue, .. } => cue,
        }
    }
}

/// Answers what a client asks for its own purposes: whether there is quota, and titles and the like in a given shape.
fn aside(request: &Value) -> Option<String> {
    if request.get("max_tokens").and_then(Value::as_u64) == Some(1) {
        return Some("ok".to_owned());
    }
    let format = request
        .pointer("/output_config/format")
        .or_else(|| request.get("output_format"))?;
    if format.get("type").and_then(Value::as_str) != Some("json_schema") {
        return None;
    }
    let properties = format
        .pointer("/schema/properties")
        .and_then(Value::as_object)?;
    let answer: Map<String, Value> = properties
        .iter()
        .map(|(name, schema)| (name.clone(), example(schema)))
        .collect();
    Some(Value::Object(answer).to_string())
}

/// The simplest value that fits a schema.
fn example(schema: &Value) -> Value {
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => json!("example"),
        Some("boolean") => json!(false),
        Some("number" | "integer") => json!(0),
        Some("array") => json!([]),
        _ => json!({}),
    }
}

/// The text of every tool result of a conversation.
pub(super) fn tool_results(request: &Value) -> Vec<String> {
    let messages = request.get("messages").and_then(Value::as_array);
    let contents = messages
        .into_iter()
        .flatten()
        .filter_map(|message| message.get("content")?.as_array());
    contents
        .flatten()
        .filter(|block| block.get("type").and_then(Value::as_str) == Some("tool_result"))
        .map(|block| match block.get("content") {
            Some(Value::String(text)) => text.clone(),
            content => text_of(content),
        })
        .collect()
}

/// The text of a message, without what the client itself has put around the user's words.
fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            let texts = blocks
                .iter()
                .filter_map(|block| block.get("text")?.as_str());
            let own = texts.filter(|text| !text.trim_start().starts_with("<system-reminder>"));
            own.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        Script::new([
            Scene::new("#tool")
                .reply(Reply::tool("Bash", json!({"command": "ls"})))
                .reply(Reply::text("done")),
            Scene::new("#busy")
                .fails(429, Some(1), Some(1))
                .reply(Reply::text("at last")),
        ])
    }

    fn said(chosen: &Chosen) -> Option<&Reply> {
        match chosen {
            Chosen::Reply { reply, .. } => Some(reply),
            Chosen::Aside(_) | Chosen::Failure { .. } => None,
        }
    }

    #[test]
    fn a_tool_round_brings_the_next_reply() {
        let script = script();
        let first = json!({"messages": [{"role": "user", "content": "do #tool"}]});
        assert_eq!(
            said(&script.choose(&first)),
            Some(&Reply::tool("Bash", json!({"command": "ls"})))
        );
        let second = json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "do #tool"}]},
            {"role": "assistant", "content": []},
            {"role": "user", "content": [{"type": "tool_result", "content": "x"}]},
        ]});
        assert_eq!(said(&script.choose(&second)), Some(&Reply::text("done")));
    }

    #[test]
    fn what_tools_gave_back_is_found_in_both_of_its_forms() {
        let request = json!({"messages": [
            {"role": "user", "content": "do #tool"},
            {"role": "user", "content": [{"type": "tool_result", "content": "one"}, {"type": "text", "text": "x"}]},
            {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "two"}]}]},
        ]});
        assert_eq!(tool_results(&request), ["one", "two"]);
    }

    #[test]
    fn a_newer_message_counts_more_and_a_reminder_does_not_count() {
        let script = script();
        let request = json!({"messages": [
            {"role": "user", "content": "#busy"},
            {"role": "assistant", "content": "at last"},
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>#busy</system-reminder>"},
                {"type": "text", "text": "now #tool"},
            ]},
        ]});
        assert_eq!(script.choose(&request).cue(), "#tool");
    }

    #[test]
    fn a_failure_comes_as_often_as_the_scene_says() {
        let script = script();
        let request = json!({"messages": [{"role": "user", "content": "#busy"}]});
        let failure = Chosen::Failure {
            cue: "#busy".into(),
            status: 429,
            retry_after: Some(1),
        };
        assert_eq!(script.choose(&request), failure);
        assert_eq!(
            said(&script.choose(&request)),
            Some(&Reply::text("at last"))
        );
    }

    #[test]
    fn what_a_client_asks_for_itself_is_answered_in_the_shape_it_wants() {
        let script = script();
        let schema = json!({"properties": {"title": {"type": "string"}, "new": {"type": "boolean"}, "kind": {"enum": ["a", "b"]}}});
        let request = json!({
            "messages": [{"role": "user", "content": "#tool"}],
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
        });
        let Chosen::Aside(text) = script.choose(&request) else {
            panic!("not recognised")
        };
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            answer,
            json!({"title": "example", "new": false, "kind": "a"})
        );
        assert_eq!(
            script.choose(&json!({"max_tokens": 1})),
            Chosen::Aside("ok".into())
        );
    }
}
