//! Long texts leave the event and stand beside it: the event keeps a preview and says how much there is.
//!
//! Text and thinking deltas never come here: they are cut into several events instead, because their sum is the answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Attachment, Base64, EventBody};

/// A field longer than this is cut to a preview.
pub const PREVIEW_LIMIT: usize = 64 * 1024;
/// How much of it stays in the event.
pub const PREVIEW_BYTES: usize = 4 * 1024;
/// The field in which a trimmed log begins; what is cut out of it has the path to its place behind that.
const STATE: &str = "state";

/// Says that one field of an event is a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The field's name in the event's JSON.
    pub field: String,
    /// Size of the whole in bytes, as the agent or user gave it.
    pub size: u64,
    /// How much of it is stored; less than `size` when it was over the limit for storing.
    pub stored: u64,
}

/// The whole of a field that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The field's name in the event's JSON; for the content of an attachment, [`Attachment::field`]; for a text in a state, the
    /// path to it.
    pub field: String,
    /// Its bytes: the text itself, the content of an attachment, or JSON for a structured field.
    pub bytes: Vec<u8>,
}

/// Cuts every long field of `body` to a preview. `stored_limit` bounds what is kept of each.
pub fn split_payloads(body: &mut EventBody, stored_limit: usize) -> (Vec<Preview>, Vec<Payload>) {
    let mut cut = Cutter {
        stored_limit,
        previews: Vec::new(),
        payloads: Vec::new(),
    };
    match body {
        EventBody::UserInput(input)
        | EventBody::MessageQueued(input)
        | EventBody::MessageEdited(input) => {
            // What the user said is kept whole, whatever its size.
            cut.stored_limit = usize::MAX;
            cut.text("text", &mut input.text);
            cut.attachments(&mut input.attachments);
        }
        EventBody::ToolCallStart { input, .. } => cut.value("input", input),
        EventBody::ToolCallProgress { output, .. } => cut.text("output", output),
        EventBody::ToolCallResult {
            output,
            diff,
            attachments,
            ..
        } => {
            cut.text("output", output);
            cut.diff(diff);
            cut.attachments(attachments);
        }
        EventBody::PermissionRequest(request) => cut.value("input", &mut request.input),
        EventBody::PermissionResolved(decision) => {
            if let Some(input) = &mut decision.input {
                cut.value("input", input);
            }
        }
        EventBody::Question(question) => {
            cut.value("input", &mut question.input);
            if let Some(plan) = &mut question.plan {
                cut.text("plan", plan);
            }
        }
        EventBody::TurnComplete(turn) => {
            cut.text("result", &mut turn.result);
            if let Some(raw) = &mut turn.raw {
                cut.value("raw", raw);
            }
        }
        EventBody::Unknown { raw } => cut.text("raw", raw),
        EventBody::Notice { text } => cut.text("text", text),
        EventBody::Error { message, .. } => cut.text("message", message),
        EventBody::AgentExited { stderr, .. } => cut.text("stderr", stderr),
        EventBody::HistoryTrimmed { state, .. } => {
            // What waits in it was said by the user or is to be decided: it is kept whole.
            cut.stored_limit = usize::MAX;
            cut.state(STATE, state);
        }
        EventBody::SessionInfo(_)
        | EventBody::MessageDequeued { .. }
        | EventBody::DeliveryUnknown { .. }
        | EventBody::TextDelta(_)
        | EventBody::ThinkingDelta(_)
        | EventBody::MessageComplete { .. }
        | EventBody::QuestionAnswered { .. }
        | EventBody::RequestExtended { .. }
        | EventBody::RequestReminder { .. }
        | EventBody::RulesWritten { .. }
        | EventBody::TodoUpdate { .. }
        | EventBody::BackgroundTasks { .. }
        | EventBody::PermissionModeChange { .. }
        | EventBody::ModelChange { .. }
        | EventBody::LaunchChange(_)
        | EventBody::TitleChange { .. }
        | EventBody::StatusChange { .. }
        | EventBody::InputLockChanged { .. }
        | EventBody::InputLockRequested { .. }
        | EventBody::InputLockRequestEnded { .. }
        | EventBody::SessionReopened { .. }
        | EventBody::CancelRequested { .. }
        | EventBody::TaskStopRequested { .. }
        | EventBody::UsageReport(_)
        | EventBody::Compacted { .. }
        | EventBody::AgentStarting { .. }
        | EventBody::AgentStarted { .. }
        | EventBody::AgentStopping { .. } => {}
    }
    (cut.previews, cut.payloads)
}

/// Puts back what [`split_payloads`] took out of the state that a trimmed log begins with. False when that has no such place.
pub fn put_back(body: &mut EventBody, field: &str, text: String) -> bool {
    let EventBody::HistoryTrimmed { state, .. } = body else {
        return false;
    };
    let place = field.strip_prefix(STATE);
    match place.and_then(|place| state.pointer_mut(place)) {
        Some(Value::String(cut)) => {
            *cut = text;
            true
        }
        _ => false,
    }
}

/// Puts the whole of a field back where [`split_payloads`] took it from. What does not fit there changes nothing; so does a
/// structured field of which only a part was stored.
pub fn restore_payload(body: &mut EventBody, field: &str, bytes: &[u8]) {
    let place = field.strip_prefix("attachments/");
    if let Some(place) = place.and_then(|place| place.parse::<usize>().ok()) {
        let attachments = match body {
            EventBody::UserInput(input)
            | EventBody::MessageQueued(input)
            | EventBody::MessageEdited(input) => &mut input.attachments,
            EventBody::ToolCallResult { attachments, .. } => attachments,
            _ => return,
        };
        if let Some(attachment) = attachments.get_mut(place) {
            attachment.content = Base64::of(bytes);
        }
        return;
    }
    let text = match (body, field) {
        (
            EventBody::UserInput(input)
            | EventBody::MessageQueued(input)
            | EventBody::MessageEdited(input),
            "text",
        ) => &mut input.text,
        (
            EventBody::ToolCallProgress { output, .. } | EventBody::ToolCallResult { output, .. },
            "output",
        ) => output,
        (EventBody::Notice { text }, "text") => text,
        (EventBody::Question(question), "plan") => question.plan.get_or_insert_default(),
        (EventBody::TurnComplete(turn), "result") => &mut turn.result,
        (body, _) => return restore_structure(body, field, bytes),
    };
    *text = String::from_utf8_lossy(bytes).into_owned();
}

fn restore_structure(body: &mut EventBody, field: &str, bytes: &[u8]) {
    let value = match (body, field) {
        (EventBody::ToolCallStart { input, .. }, "input") => input,
        (EventBody::PermissionRequest(request), "input") => &mut request.input,
        (EventBody::Question(question), "input") => &mut question.input,
        (EventBody::TurnComplete(turn), "raw") => turn.raw.get_or_insert_default(),
        (EventBody::ToolCallResult { diff, .. }, "diff") => {
            if let Ok(whole) = serde_json::from_slice(bytes) {
                *diff = whole;
            }
            return;
        }
        _ => return,
    };
    if let Ok(whole) = serde_json::from_slice(bytes) {
        *value = whole;
    }
}

struct Cutter {
    stored_limit: usize,
    previews: Vec<Preview>,
    payloads: Vec<Payload>,
}

impl Cutter {
    fn text(&mut self, field: &'static str, text: &mut String) {
        if text.len() <= PREVIEW_LIMIT {
            return;
        }
        let short = prefix(text, PREVIEW_BYTES).to_owned();
        let whole = std::mem::replace(text, short);
        self.keep(field, whole);
    }

    /// Takes every long string out of a state, whatever it is: texts, inputs and images of messages that wait. Each has the path
    /// to its place as its field.
    fn state(&mut self, place: &str, value: &mut Value) {
        match value {
            Value::String(text) if text.len() > PREVIEW_BYTES => {
                // The beginning of an encoded content is no content.
                let short = if place.contains("/attachments/") && place.ends_with("/content") {
                    ""
                } else {
                    prefix(text, PREVIEW_BYTES)
                };
                let short = short.to_owned();
                let whole = std::mem::replace(text, short);
                self.keep(place, whole);
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.state(&format!("{place}/{index}"), item);
                }
            }
            Value::Object(entries) => {
                for (key, item) in entries {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    self.state(&format!("{place}/{key}"), item);
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn value(&mut self, field: &'static str, value: &mut Value) {
        let whole = value.to_string();
        if whole.len() <= PREVIEW_LIMIT {
            return;
        }
        shorten(value, PREVIEW_BYTES);
        if value.to_string().len() > PREVIEW_LIMIT {
            *value = Value::String(prefix(&whole, PREVIEW_BYTES).to_owned());
        }
        self.keep(field, whole);
    }

    fn diff(&mut self, diff: &mut Vec<super::FileDiff>) {
        let size: usize = diff
            .iter()
            .flat_map(|file| &file.hunks)
            .flat_map(|hunk| &hunk.lines)
            .map(String::len)
            .sum();
        if size <= PREVIEW_LIMIT {
            return;
        }
        let whole = serde_json::to_string(diff).unwrap_or_default();
        for file in diff.iter_mut() {
            file.hunks.clear();
        }
        self.keep("diff", whole);
    }

    fn keep(&mut self, field: &str, whole: String) {
        let size = whole.len() as u64;
        let stored = prefix(&whole, self.stored_limit).len();
        let mut bytes = whole.into_bytes();
        bytes.truncate(stored);
        self.previews.push(Preview {
            field: field.to_owned(),
            size,
            stored: stored as u64,
        });
        let field = field.to_owned();
        self.payloads.push(Payload { field, bytes });
    }

    /// The content of an attachment never stays in the event, however small it is. It is stored whole or not at all: a part of
    /// an image is of no use.
    fn attachments(&mut self, attachments: &mut [Attachment]) {
        for (place, attachment) in attachments.iter_mut().enumerate() {
            let bytes = std::mem::take(&mut attachment.content).bytes();
            if bytes.is_empty() {
                continue;
            }
            let field = Attachment::field(place);
            let size = bytes.len() as u64;
            let fits = bytes.len() <= self.stored_limit;
            self.previews.push(Preview {
                field: field.clone(),
                size,
                stored: if fits { size } else { 0 },
            });
            if fits {
                self.payloads.push(Payload { field, bytes });
            }
        }
    }
}

/// Cuts the long strings inside a JSON value so that its shape stays readable.
fn shorten(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) => {
            let length = prefix(text, limit).len();
            text.truncate(length);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, limit)),
        Value::Object(entries) => entries.values_mut().for_each(|item| shorten(item, limit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The longest prefix of at most `limit` bytes that ends between characters.
fn prefix(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
