//! Inputs that are a conversation: lines of the agent, and between them deeds, which are lines that begin with `>`. A letter
//! says what is done, for most a character chooses among what is there, and the rest is text.

use std::collections::BTreeMap;

use betcode_core::event::Answer;
use serde_json::{Value, json};

/// One line of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Line<'a> {
    /// The agent says it.
    Said(&'a [u8]),
    /// Somebody does it.
    Deed(Deed<'a>),
}

/// Something that is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    /// What.
    pub(crate) what: u8,
    /// To which of several.
    pub(crate) which: usize,
    /// The rest of the line.
    rest: &'a [u8],
}

impl Deed<'_> {
    /// The rest of the line as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.rest).into_owned()
    }

    /// The rest of the line as JSON, if it is that.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.rest).ok()
    }

    /// The rest of the line as a number.
    pub(crate) fn number(&self) -> u32 {
        self.text().trim().parse().unwrap_or_default()
    }

    /// The rest of the line as answers: lists of label and text, by question.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        let Some(Value::Object(given)) = self.json() else {
            return Vec::new();
        };
        let texts = |value: &Value| match value {
            Value::Array(labels) => labels
                .iter()
                .filter_map(|label| Some(label.as_str()?.to_owned()))
                .collect(),
            _ => Vec::new(),
        };
        let answer = |(question, said): (String, Value)| Answer {
            question,
            selected: texts(&said),
            text: said.as_str().unwrap_or_default().to_owned(),
        };
        given.into_iter().map(answer).collect()
    }

    /// One of these, if there are any.
    pub(crate) fn choose<'b, T>(&self, among: &'b [T]) -> Option<&'b T> {
        among.get(self.which.checked_rem(among.len())?)
    }
}

/// The lines of an input.
pub(crate) fn lines(data: &[u8]) -> impl Iterator<Item = Line<'_>> {
    data.split(|byte| *byte == b'\n').map(|line| match line {
        [b'>', what, which, rest @ ..] => Line::Deed(Deed {
            what: *what,
            which: usize::from(*which),
            rest,
        }),
        [b'>', what] => Line::Deed(Deed {
            what: *what,
            which: 0,
            rest: &[],
        }),
        said => Line::Said(said),
    })
}

/// What a recorded host did, as a deed.
pub(crate) fn of_recorded(line: &Value, asked: &BTreeMap<String, Value>) -> Option<String> {
    match line["type"].as_str()? {
        "user" => {
            let text = line["message"]["content"].as_str().unwrap_or("hello");
            Some(format!(">m {}", text.replace('\n', " ")))
        }
        "control_request" => {
            let request = &line["request"];
            let word = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
            match request["subtype"].as_str()? {
                "initialize" => Some(">i".to_owned()),
                "interrupt" => Some(">x".to_owned()),
                "set_model" => Some(format!(">s {}", word("model"))),
                "set_permission_mode" => Some(format!(">o {}", word("mode"))),
                _ => None,
            }
        }
        "control_response" => {
            let answer = &line["response"]["response"];
            let asked = asked.get(line["response"]["request_id"].as_str()?)?;
            if asked["subtype"] == "hook_callback" {
                return Some(">p ".to_owned());
            }
            match answer["behavior"].as_str()? {
                "allow" if asked["tool_name"] == "AskUserQuestion" => {
                    Some(format!(">q {}", answer["updatedInput"]["answers"]))
                }
                "allow" => Some(format!(">a {}", answer["updatedInput"])),
                _ => Some(format!(
                    ">d {}",
                    answer["message"].as_str().unwrap_or_default()
                )),
            }
        }
        _ => None,
    }
}

/// The request that a line of the agent makes: one that is well formed enough for an answer.
pub(crate) fn asks(line: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let is_request = value["type"] == json!("control_request");
    is_request.then(|| value["request_id"].as_str().map(str::to_owned))?
}
