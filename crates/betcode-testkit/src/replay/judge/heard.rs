//! What the lines of an agent say, read one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::accept::word;
use super::super::made::PLAYED;
use super::super::plan::is_system;
use super::super::record::{Record, What};

/// Something that has a place in the order of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// The first piece of a message.
    Message(String),
    /// A call of a tool.
    Call(String),
    /// Its result.
    Result(String),
    /// A request.
    Ask(String),
}

/// A call of a tool.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) owner: String,
    pub(super) tool: String,
    pub(super) input: Value,
}

/// Text of one message.
#[derive(Debug, Default)]
struct Piece {
    /// What was said before it was taken back and told anew.
    before: String,
    streamed: String,
    whole: String,
}

impl Piece {
    /// The same text comes in pieces and then whole.
    fn text(&self) -> String {
        let again = if self.streamed.is_empty() {
            &self.whole
        } else {
            &self.streamed
        };
        format!("{}{again}", self.before)
    }
}

/// Whose text, of which message, and whether it is thinking.
type Key = (String, String, bool);

/// Everything that was said.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) calls: BTreeMap<String, Call>,
    pub(super) results: BTreeMap<String, bool>,
    /// Requests for permission and questions, with their tools.
    pub(super) asks: BTreeMap<String, String>,
    /// Calls that were announced.
    pub(super) announced: BTreeSet<String>,
    /// How each turn ended.
    pub(super) turns: Vec<String>,
    pub(super) order: Vec<Mark>,
    pieces: BTreeMap<Key, Piece>,
    /// The message that each speaker is in.
    streams: BTreeMap<String, String>,
    announces: bool,
    result: Option<String>,
    refused: bool,
}

impl Heard {
    pub(super) fn of(record: &Record) -> Self {
        let mut heard = Self {
            announces: record
                .said()
                .any(|line| is_system(line, "session_state_changed")),
            ..Self::default()
        };
        for entry in &record.0 {
            match &entry.what {
                What::Said(line) => heard.line(line),
                // Whoever has told the outcome of a turn and then dies has ended it.
                What::Ends(_) => heard.end(),
                _ => {}
            }
        }
        heard
    }

    /// The text of each message, thinking apart.
    pub(super) fn texts(&self) -> BTreeMap<Key, String> {
        let all = self
            .pieces
            .iter()
            .map(|(key, piece)| (key.clone(), piece.text()));
        all.filter(|(_, text)| !text.is_empty()).collect()
    }

    fn line(&mut self, line: &Value) {
        let owner = word(line, "parent_tool_use_id");
        match word(line, "type") {
            "stream_event" => self.stream(owner, line),
            "assistant" => self.assistant(owner, line),
            "user" => self.user(line),
            "result" => {
                let reason = self.reason(line);
                self.result = Some(reason);
                if !self.announces {
                    self.end();
                }
            }
            "control_request" => self.request(line),
            "system"
                if is_system(line, "session_state_changed") && word(line, "state") == "idle" =>
            {
                self.end();
            }
            "system" if is_system(line, "api_retry") => {
                let status = line.get("error_status").and_then(Value::as_u64);
                self.refused |= status == Some(401);
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        self.turns.extend(self.result.take());
        self.refused = false;
    }

    fn reason(&self, line: &Value) -> String {
        let is_error = line
            .get("is_error")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        match (word(line, "subtype"), word(line, "stop_reason")) {
            // A login that is refused ends the turn as such, whoever stopped it.
            _ if word(line, "terminal_reason").starts_with("aborted") => {
                if self.refused {
                    "error"
                } else {
                    "cancelled"
                }
            }
            ("error_max_turns", _) => "max_turns",
            ("error_max_budget_usd", _) => "max_budget",
            _ if is_error => "error",
            (_, "max_tokens") => "max_tokens",
            (_, "refusal") => "refusal",
            _ => "end_turn",
        }
        .to_owned()
    }

    fn request(&mut self, line: &Value) {
        let id = word(line, "request_id").to_owned();
        let request = line.get("request").unwrap_or(&Value::Null);
        match word(request, "subtype") {
            "can_use_tool" => {
                self.mark(Mark::Ask(id.clone()));
                self.asks.insert(id, word(request, "tool_name").to_owned());
            }
            "hook_callback" => drop(self.announced.insert(id)),
            _ => {}
        }
    }

    fn stream(&mut self, owner: &str, line: &Value) {
        let event = line.get("event").unwrap_or(&Value::Null);
        match word(event, "type") {
            "message_start" => {
                let message = event.get("message").unwrap_or(&Value::Null);
                self.streams
                    .insert(owner.to_owned(), word(message, "id").to_owned());
            }
            "content_block_start" => self.streamed(owner, line, event.get("content_block")),
            "content_block_delta" => self.streamed(owner, line, event.get("delta")),
            "message_stop" => {
                let Some(taken_back) = line.get("abandoned_blocks") else {
                    return;
                };
                let from = taken_back.get("from_block_index").and_then(Value::as_u64);
                if let (Some(message), Some(0)) = (self.streams.get(owner).cloned(), from) {
                    for thinking in [false, true] {
                        let key = (owner.to_owned(), message.clone(), thinking);
                        if let Some(piece) = self.pieces.get_mut(&key) {
                            let before = piece.text();
                            *piece = Piece {
                                before,
                                ..Piece::default()
                            };
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn streamed(&mut self, owner: &str, line: &Value, part: Option<&Value>) {
        let named = word(line, "api_message_id");
        let message = match self.streams.get(owner) {
            Some(message) if named.is_empty() || named == message => message.clone(),
            _ => named.to_owned(),
        };
        let part = part.unwrap_or(&Value::Null);
        for (name, thinking) in [("text", false), ("thinking", true)] {
            let text = word(part, name);
            if !text.is_empty() {
                self.piece(owner, &message, thinking)
                    .streamed
                    .push_str(text);
            }
        }
    }

    fn piece(&mut self, owner: &str, message: &str, thinking: bool) -> &mut Piece {
        let key = (owner.to_owned(), message.to_owned(), thinking);
        if !self.pieces.contains_key(&key) {
            self.mark(Mark::Message(message.to_owned()));
        }
        self.pieces.entry(key).or_default()
    }

    fn assistant(&mut self, owner: &str, line: &Value) {
        let message = line.get("message").unwrap_or(&Value::Null);
        let id = word(message, "id");
        for block in blocks(message) {
            match word(block, "type") {
                "text" | "thinking" => {
                    for (name, thinking) in [("text", false), ("thinking", true)] {
                        let text = word(block, name);
                        if !text.is_empty() {
                            self.piece(owner, id, thinking).whole.push_str(text);
                        }
                    }
                }
                _ if block.get("name").is_some() => {
                    let call = Call {
                        owner: owner.to_owned(),
                        tool: word(block, "name").to_owned(),
                        input: block.get("input").cloned().unwrap_or_default(),
                    };
                    let id = word(block, "id").to_owned();
                    self.mark(Mark::Call(id.clone()));
                    self.calls.insert(id, call);
                }
                _ => self.result_of(block),
            }
        }
    }

    fn user(&mut self, line: &Value) {
        let message = line.get("message").unwrap_or(&Value::Null);
        for block in blocks(message).filter(|block| word(block, "type") == "tool_result") {
            self.result_of(block);
        }
    }

    fn result_of(&mut self, block: &Value) {
        let id = word(block, "tool_use_id").to_owned();
        if !id.is_empty() {
            let is_error = block.get("is_error").and_then(Value::as_bool);
            self.mark(Mark::Result(id.clone()));
            self.results.insert(id, is_error.unwrap_or_default());
        }
    }

    fn mark(&mut self, mark: Mark) {
        if !self.order.contains(&mark) {
            self.order.push(mark);
        }
    }
}

/// Whether this event is the remark that everything was played.
pub(super) fn is_played(event: &Value) -> bool {
    word(event, "type") == "notice" && word(event, "text") == PLAYED
}

fn blocks(message: &Value) -> impl Iterator<Item = &Value> {
    message
        .get("content")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
