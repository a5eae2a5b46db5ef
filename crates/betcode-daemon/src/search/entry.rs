//! What of a log can be found: its events as entries. An entry is what a person sees as one thing (a message, an answer, a call of a
//! tool with its result), and is named by the number of its first event, as in the interactive screen. Pure.
//!
//! Thinking, notices, requests and what is only about the session are no entries.

use betcode_core::event::{Event, EventBody, MessageEnd};
use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;
use betcode_proto::convert::search::FoundKind as Kind;
use serde_json::Value;

/// Of a longer entry, the beginning can be found.
pub(crate) const LONGEST: usize = 256 * 1024;
/// So much of a tool's input …
const INPUT: usize = 4 * 1024;
/// … and of its result.
const RESULT: usize = 4 * 1024;

/// The number of a kind in the database.
pub(crate) const fn code(kind: Kind) -> i64 {
    match kind {
        Kind::Title => 0,
        Kind::Message => 1,
        Kind::Answer => 2,
        Kind::Tool => 3,
    }
}

/// The kind with this number.
pub(crate) const fn kind(code: i64) -> Kind {
    match code {
        0 => Kind::Title,
        1 => Kind::Message,
        3 => Kind::Tool,
        _ => Kind::Answer,
    }
}

/// An entry, or as much of it as there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its first event.
    pub(crate) first: Sequence,
    /// When it began.
    pub(crate) at: Timestamp,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its text.
    pub(crate) text: String,
}

/// What an event does to the entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// An entry by itself.
    Whole(Entry),
    /// The next piece of the entry with this key, which begins with it if there is none.
    Piece(String, Entry),
    /// The entry with this key ends, with this text at its end. It does not count if it was given up.
    End {
        /// Its key.
        key: String,
        /// The end of its text.
        tail: String,
        /// It counts.
        counts: bool,
    },
    /// Every entry that has not ended does so.
    EndAll,
}

impl Step {
    /// What an event does, if it does anything.
    pub(crate) fn of(event: Event) -> Option<Self> {
        let first = event.first_sequence.unwrap_or(event.sequence);
        let entry = |kind, text| Entry {
            first,
            at: event.timestamp,
            kind,
            text,
        };
        Some(match event.body {
            EventBody::UserInput(input) => {
                Self::Whole(entry(Kind::Message, cut(input.text, LONGEST)))
            }
            EventBody::TextDelta(piece) => Self::Piece(
                message_key(&piece.message_id),
                entry(Kind::Answer, piece.text),
            ),
            EventBody::MessageComplete {
                message_id, end, ..
            } => Self::End {
                key: message_key(&message_id),
                tail: String::new(),
                counts: end != MessageEnd::Abandoned,
            },
            EventBody::ToolCallStart {
                id,
                tool,
                input,
                description,
            } => Self::Piece(
                tool_key(&id.0),
                entry(Kind::Tool, call(&tool, &description, &input)),
            ),
            EventBody::ToolCallResult { id, output, .. } => Self::End {
                key: tool_key(&id.0),
                tail: format!("\n{}", cut(output, RESULT)),
                counts: true,
            },
            EventBody::AgentExited { .. } => Self::EndAll,
            _ => return None,
        })
    }
}

fn message_key(id: &str) -> String {
    format!("message {id}")
}

fn tool_key(id: &str) -> String {
    format!("tool {id}")
}

/// A call as text: the tool, what it is for, and what it was given.
fn call(tool: &str, description: &str, input: &Value) -> String {
    let mut given = String::new();
    strings(input, &mut given);
    let given = cut(given, INPUT);
    if description.is_empty() || given.contains(description) {
        format!("{tool}{given}")
    } else {
        format!("{tool} {}{given}", cut(description.to_owned(), INPUT))
    }
}

/// The texts in a value, each behind a line break, until there are enough of them.
fn strings(value: &Value, text: &mut String) {
    if text.len() > INPUT {
        return;
    }
    match value {
        Value::String(string) => {
            text.push('\n');
            text.push_str(string);
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, text)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The beginning of a text.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
    }
    text
}

#[cfg(test)]
mod tests {
    use betcode_core::id::ToolCallId;
    use serde_json::json;

    use super::*;

    fn step(body: EventBody) -> Option<Step> {
        Step::of(Event {
            sequence: Sequence(7),
            first_sequence: None,
            timestamp: Timestamp(3),
            parent: None,
            previews: Vec::new(),
            body,
        })
    }

    #[test]
    fn a_call_is_its_tool_its_input_and_the_beginning_of_its_result() {
        let input =
            json!({"command": "cargo test", "timeout": 5, "more": ["-p", {"a": "betcode"}]});
        let start = |description: &str, input: &Value| {
            let body = EventBody::ToolCallStart {
                id: ToolCallId("1".into()),
                tool: "Bash".into(),
                input: input.clone(),
                description: description.into(),
            };
            match step(body) {
                Some(Step::Piece(key, entry)) => (key, entry.text),
                other => panic!("{other:?}"),
            }
        };
        let expected = "Bash run the tests\ncargo test\n-p\nbetcode";
        assert_eq!(
            start("run the tests", &input),
            ("tool 1".into(), expected.into())
        );
        assert_eq!(
            start("cargo test", &input).1,
            "Bash\ncargo test\n-p\nbetcode"
        );
        let (_, long) = start("", &json!(["é".repeat(INPUT), "more"]));
        assert!(long.len() <= INPUT + 4, "{}", long.len());
        let result = EventBody::ToolCallResult {
            id: ToolCallId("1".into()),
            output: "x".repeat(RESULT * 2),
            is_error: false,
            duration_ms: None,
            diff: Vec::new(),
            attachments: Vec::new(),
        };
        let Some(Step::End { key, tail, counts }) = step(result) else {
            panic!("no end");
        };
        assert_eq!(
            (key.as_str(), tail.len(), counts),
            ("tool 1", RESULT + 1, true)
        );
    }

    #[test]
    fn an_answer_that_was_given_up_does_not_count() {
        let ends = [
            MessageEnd::Finished,
            MessageEnd::Aborted,
            MessageEnd::Abandoned,
        ];
        let counts = ends.map(|end| {
            let body = EventBody::MessageComplete {
                message_id: "m".into(),
                model: None,
                end,
            };
            matches!(step(body), Some(Step::End { counts: true, .. }))
        });
        assert_eq!(counts, [true, true, false]);
        let notice = EventBody::Notice { text: "no".into() };
        assert_eq!(step(notice), None);
    }

    #[test]
    fn a_kind_comes_back_from_the_database() {
        let all = [Kind::Title, Kind::Message, Kind::Answer, Kind::Tool];
        assert_eq!(all.map(|one| kind(code(one))), all);
    }
}
