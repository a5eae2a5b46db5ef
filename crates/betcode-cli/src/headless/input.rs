//! What comes on stdin: the prompt, a part of it, or with `--input-format stream-json` one message a line.

use std::io::{self, Read as _};
use std::time::Duration;

use betcode_core::event::Attachment;
use betcode_core::visible::visible;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::control::{Ask, Control};
use super::image;
use crate::error::Failure;

/// How long to wait for the first byte on stdin when there is a prompt already: whoever started us may have left a pipe
/// open that nobody ever writes to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The longest prompt. A message to the daemon has a limit, and no model reads as much.
const LONGEST_PROMPT: usize = 32 * 1024 * 1024;

/// The longest line: the longest text and as many images as a message may have, as JSON writes them.
pub(super) const LONGEST_LINE: usize = 128 * 1024 * 1024;

/// The prompt, and what to tell about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// The text.
    pub(crate) text: String,
    /// Said on stderr.
    pub(crate) note: Option<String>,
}

/// What was found on stdin.
#[derive(Debug, Default)]
pub(crate) struct Piped {
    /// All of it; none when it is a terminal or stayed silent.
    bytes: Option<Vec<u8>>,
    /// Said on stderr.
    note: Option<String>,
}

/// The prompt from the argument, from stdin, or from both; none when there is none.
pub(crate) fn prompt(
    argument: Option<&str>,
    stdin: impl FnOnce(bool) -> Result<Piped, Failure>,
) -> Result<Option<Prompt>, Failure> {
    // `-` is the usual word for stdin.
    let argument = argument.filter(|argument| *argument != "-");
    let Piped { bytes, mut note } = stdin(argument.is_some())?;
    let piped = bytes.map(|bytes| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            note = Some(
                "note: stdin is not UTF-8 text throughout: what could not be read was replaced"
                    .to_owned(),
            );
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
    });
    let piped = piped
        .as_deref()
        .map(str::trim_end)
        .filter(|text| !text.trim().is_empty());
    let argument = argument.filter(|text| !text.trim().is_empty());
    let text = match (argument, piped) {
        (Some(argument), Some(piped)) => format!("{argument}\n{piped}"),
        (Some(argument), None) => argument.to_owned(),
        (None, Some(piped)) => piped.to_owned(),
        (None, None) => return Ok(None),
    };
    if text.len() > LONGEST_PROMPT {
        return Err(too_long());
    }
    Ok(Some(Prompt { text, note }))
}

fn too_long() -> Failure {
    let most = LONGEST_PROMPT >> 20;
    Failure::usage(format!("the prompt is longer than {most} MiB"))
        .hint("put it into a file and ask the agent to read that")
}

/// What is told when there is none.
pub(crate) fn no_prompt() -> Failure {
    Failure::usage("a prompt is needed, as an argument or on stdin")
        .hint("betcode -p \"what to do\", or: git diff | betcode -p \"review this\"")
}

/// Reads all of stdin unless it is a terminal. With `optional`, waits for the first byte only so long.
pub(crate) fn stdin(optional: bool) -> Result<Piped, Failure> {
    let descriptor = rustix::stdio::stdin();
    if rustix::termios::isatty(descriptor) {
        return Ok(Piped::default());
    }
    if optional {
        let patience = Timespec {
            tv_sec: PATIENCE.as_secs().cast_signed(),
            tv_nsec: 0,
        };
        let ready = poll(
            &mut [PollFd::new(&descriptor, PollFlags::IN)],
            Some(&patience),
        );
        if matches!(ready, Ok(0)) {
            let seconds = PATIENCE.as_secs();
            let note = format!(
                "note: nothing came on stdin within {seconds} s; going on without it (use </dev/null)"
            );
            return Ok(Piped {
                bytes: None,
                note: Some(note),
            });
        }
    }
    let mut bytes = Vec::new();
    // What never ends is not read to its end.
    io::stdin()
        .lock()
        .take(LONGEST_PROMPT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io("cannot read stdin", &error))?;
    if bytes.len() > LONGEST_PROMPT {
        return Err(too_long());
    }
    Ok(Piped {
        bytes: Some(bytes),
        note: None,
    })
}

/// A message for the agent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its text.
    pub(crate) text: String,
    /// Its images.
    pub(crate) images: Vec<Attachment>,
    /// By which whoever sent it knows it.
    pub(crate) uuid: Option<Uuid>,
}

impl Message {
    /// How much memory it takes, roughly.
    pub(super) fn weight(&self) -> u64 {
        let images: u64 = self.images.iter().map(|image| image.size).sum();
        self.text.len() as u64 + images
    }
}

/// A line of `--input-format stream-json`.
#[derive(Debug, PartialEq)]
pub(crate) enum InputLine {
    /// A message for the agent.
    Message(Message),
    /// Something beside messages.
    Control(Control),
    /// Nothing for us.
    Nothing,
    /// Nothing that is understood: what to say about it.
    Unknown(String),
}

/// Reads one line. `number` is for the error only.
pub(crate) fn line(number: u64, line: &str) -> Result<InputLine, Failure> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "type")]
        kind: Option<String>,
        uuid: Option<Value>,
        message: Option<Value>,
        request: Option<Value>,
        request_id: Option<Value>,
        response: Option<Value>,
    }
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_empty() {
        return Ok(InputLine::Nothing);
    }
    let wrong = |what: &str| {
        Failure::invalid("INPUT_LINE", format!("line {number} on stdin: {what}")).hint(
            r#"a line looks like {"type":"user","message":{"role":"user","content":"what to do"}}"#,
        )
    };
    if !line.starts_with('{') {
        return Err(wrong("this is no JSON object"));
    }
    let row: Row = serde_json::from_str(line).map_err(|error| {
        let text = error.to_string();
        // The position inside the line is told without the line number that serde counts itself.
        wrong(&text.replace(" at line 1 column", ", column"))
    })?;
    match row.kind.as_deref().unwrap_or_default() {
        "user" => {
            let message = row
                .message
                .ok_or_else(|| wrong("a user message has no `message`"))?;
            if message
                .get("role")
                .and_then(Value::as_str)
                .is_some_and(|role| role != "user")
            {
                return Err(wrong("the role of a user message is `user`"));
            }
            let content = message
                .get("content")
                .ok_or_else(|| wrong("a user message has no `content`"))?;
            let uuid = row.uuid.as_ref().and_then(Value::as_str);
            Ok(InputLine::Message(Message {
                uuid: uuid.and_then(|uuid| uuid.parse().ok()),
                ..content_of(content).map_err(|what| wrong(&what))?
            }))
        }
        "control_request" => {
            let Some(Value::String(id)) = row.request_id else {
                return Err(wrong("the `request_id` of a control request is a text"));
            };
            let ask = row.request.as_ref().and_then(Ask::of);
            let ask = ask.ok_or_else(|| wrong("a control request has no `subtype`"))?;
            Ok(InputLine::Control(Control::Request { id, ask }))
        }
        "control_response" => {
            let response = row.response.unwrap_or_default();
            let text = |key: &str| response.get(key).and_then(Value::as_str);
            let answer = match text("subtype") {
                Some("success") => Ok(response.get("response").cloned().unwrap_or_default()),
                Some("error") => Err(text("error").unwrap_or("it failed").to_owned()),
                _ => {
                    return Err(wrong(
                        "the `subtype` of a control response is success or error",
                    ));
                }
            };
            let id = text("request_id")
                .ok_or_else(|| wrong("the `request_id` of a control response is a text"))?;
            Ok(InputLine::Control(Control::Response {
                id: id.to_owned(),
                answer,
            }))
        }
        // What a driver of Claude Code sends beside messages and what needs no answer.
        "keep_alive" | "control_cancel_request" => Ok(InputLine::Nothing),
        // A driver may be newer than we are.
        "" => Ok(InputLine::Unknown(format!(
            "line {number} on stdin has no `type` and is passed over"
        ))),
        other => Ok(InputLine::Unknown(format!(
            "line {number} on stdin is passed over: the type `{}` is not known",
            visible(other)
        ))),
    }
}

fn content_of(content: &Value) -> Result<Message, String> {
    let mut images = Vec::new();
    let text = match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let mut parts = Vec::with_capacity(blocks.len());
            for block in blocks {
                let kind = block
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                match (kind, block.get("text").and_then(Value::as_str)) {
                    ("text", Some(text)) => parts.push(text),
                    ("text", None) => return Err("a text block has no `text`".to_owned()),
                    ("image", _) => images.push(image::from_block(block)?),
                    (other, _) => {
                        return Err(format!(
                            "blocks of type `{other}` are not supported, only `text` and `image`"
                        ));
                    }
                }
            }
            parts.join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err("`content` is a text or a list of blocks".to_owned());
        }
    };
    if text.trim().is_empty() && images.is_empty() {
        return Err("the message is empty".to_owned());
    }
    if text.len() > LONGEST_PROMPT {
        let most = LONGEST_PROMPT >> 20;
        return Err(format!("the text of a message is longer than {most} MiB"));
    }
    image::check(&images)?;
    Ok(Message {
        text,
        images,
        uuid: None,
    })
}

#[cfg(test)]
mod tests;
