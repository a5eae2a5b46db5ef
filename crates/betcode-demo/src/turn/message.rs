//! A message of the model that is not there, streamed block by block. The order of lines is the
//! recorded one: `message_start`; per block its start, its deltas, the whole `assistant` line,
//! its stop; then `message_delta` and `message_stop`.

use serde_json::{Value, json};

use super::{Failure, Stop, Turn, tokens};
use crate::{clock, lines};

/// How many bytes of a tool's input go into one delta.
const INPUT_PIECE: usize = 24;

/// A message that has been started.
pub(super) struct Message {
    pub(super) id: String,
    request: String,
    /// Index of the open block, or of the next one.
    pub(super) index: u64,
    pub(super) block: Block,
    output_tokens: u64,
    delta_sent: bool,
    first_of_turn: bool,
}

/// The block that is open.
pub(super) enum Block {
    None,
    Text(String),
    Other,
}

/// In which order a tool's question and the end of its message come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The question comes while its block is still open.
    InBlock,
    /// The question comes before the last line of its message.
    InMessage,
    /// The question comes when its message has ended.
    AfterMessage,
}

/// The constant parts of a text delta's line, for who writes many: everything before the text,
/// and everything after it, with the place of the uuid's counting digits in the latter.
pub(crate) struct DeltaFrame {
    pub(crate) prefix: Vec<u8>,
    /// Stands in the place of `prefix` for a piece of thinking in the block after the open one.
    pub(crate) thinking: Vec<u8>,
    pub(crate) suffix: Vec<u8>,
    /// Where the twelve hexadecimal digits stand that count up.
    pub(crate) digits: std::ops::Range<usize>,
}

impl Turn<'_> {
    /// Announces a request to the model, unless the turn has used up its requests.
    pub(crate) fn request(&mut self) -> Result<(), Stop> {
        self.poll()?;
        if self
            .session
            .options
            .max_turns
            .is_some_and(|most| self.requests >= most)
        {
            return Err(Stop::MaxTurns);
        }
        self.requests += 1;
        let mut status = json!({"type": "system", "subtype": "status", "status": "requesting"});
        let first = self.requests == 1;
        if first || self.is_resumed() {
            self.mark(&mut status, false);
        }
        self.session.line(status)?;
        if first && self.session.options.replay {
            self.replay()?;
        }
        Ok(())
    }

    /// Makes a request and starts the message that answers it.
    pub(crate) fn begin(&mut self) -> Result<(), Stop> {
        self.request()?;
        let message = self.new_message();
        let mut line = json!({
            "type": "stream_event",
            "event": {"type": "message_start", "message": {
                "id": message.id,
                "type": "message",
                "role": "assistant",
                "model": self.session.model,
                "content": [],
                "stop_reason": null,
                "stop_sequence": null,
                "usage": lines::message_usage(self.input_tokens, 1),
            }},
            "parent_tool_use_id": null,
            "ttft_ms": clock::millis_since(self.started),
            "thinking_display": "updates",
            "api_message_id": message.id,
        });
        if message.first_of_turn && !self.uuids().is_empty() {
            self.mark(&mut line, true);
            if let Value::Object(object) = &mut line {
                object.insert("owed_rows".to_owned(), json!([]));
            }
        }
        self.begun.push(message.id.clone());
        self.message = Some(message);
        self.first_token_ms
            .get_or_insert(clock::millis_since(self.started));
        self.partial(line)
    }

    /// Says a text, word by word.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Stop> {
        self.open_text()?;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find([' ', '\n']).map_or(rest.len(), |at| at + 1);
            let (word, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
            self.delta(word)?;
            rest = tail;
        }
        self.close_text()
    }

    /// Starts a block of text.
    pub(crate) fn open_text(&mut self) -> Result<(), Stop> {
        self.start_block(
            json!({"type": "text", "text": ""}),
            Block::Text(String::new()),
        )
    }

    /// Says a piece of the open text.
    pub(crate) fn delta(&mut self, piece: &str) -> Result<(), Stop> {
        let event = self.block_delta(json!({"type": "text_delta", "text": piece}));
        self.event(event)?;
        self.spoken(piece);
        Ok(())
    }

    /// Notes a piece of the open text that the caller has written itself.
    pub(crate) fn spoken(&mut self, piece: &str) {
        if let Some(Message {
            block: Block::Text(text),
            ..
        }) = &mut self.message
        {
            text.push_str(piece);
        }
    }

    /// Ends the open text: its whole `assistant` line, and the block.
    pub(crate) fn close_text(&mut self) -> Result<(), Stop> {
        let Some(Message { block, .. }) = &mut self.message else {
            return Ok(());
        };
        let Block::Text(text) = std::mem::replace(block, Block::Other) else {
            return Ok(());
        };
        self.assistant(
            json!({"type": "text", "text": text}),
            tokens(&text),
            json!({}),
        )?;
        self.last_text = text;
        self.close_block()
    }

    /// Thinks.
    pub(crate) fn think(&mut self, pieces: &[&str]) -> Result<(), Stop> {
        let started = clock::now();
        let shown = ("thinking_display", "updates");
        self.start_block(
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            Block::Other,
        )?;
        let mut estimated = 0;
        for piece in pieces {
            let count = tokens(piece);
            estimated += count;
            let mut line = json!({
                "type": "system",
                "subtype": "thinking_tokens",
                "estimated_tokens": estimated,
                "estimated_tokens_delta": count,
            });
            if let (Some(uuid), Value::Object(object)) = (self.uuids().pop(), &mut line) {
                object.insert("user_message_uuid".to_owned(), uuid.into());
            }
            self.session.line(line)?;
            let event = self.block_delta(json!({"type": "thinking_delta", "thinking": piece}));
            self.event_with(event, Some(shown))?;
        }
        let signature = "demo-signature";
        let event = self.block_delta(json!({"type": "signature_delta", "signature": signature}));
        self.event(event)?;
        self.assistant(
            json!({"type": "thinking", "thinking": pieces.concat(), "signature": signature}),
            estimated,
            json!({
                "thinking_duration_ms": clock::millis_since(started),
                "thinking_display": "updates",
            }),
        )?;
        self.close_block()
    }

    /// Asks for a tool; its block stays open.
    pub(super) fn tool_use(&mut self, name: &str, input: &Value) -> Result<String, Stop> {
        let id = self.session.ids.short("toolu");
        let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        self.start_block(block, Block::Other)?;
        let text = input.to_string();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let end = (INPUT_PIECE..rest.len()).find(|at| rest.is_char_boundary(*at));
            let (piece, tail) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .unwrap_or((rest, ""));
            let event =
                self.block_delta(json!({"type": "input_json_delta", "partial_json": piece}));
            self.event(event)?;
            rest = tail;
        }
        let block = json!({"type": "tool_use", "id": id, "name": name, "input": input});
        self.assistant(block, tokens(&text), json!({}))?;
        Ok(id)
    }

    /// Ends the open block.
    pub(super) fn close_block(&mut self) -> Result<(), Stop> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        if matches!(message.block, Block::None) {
            return Ok(());
        }
        message.block = Block::None;
        let index = message.index;
        message.index += 1;
        self.event(json!({"type": "content_block_stop", "index": index}))
    }

    /// Gives the reason why the message ends.
    pub(crate) fn stop_reason(&mut self, reason: &str) -> Result<(), Stop> {
        self.close_block()?;
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        if std::mem::replace(&mut message.delta_sent, true) {
            return Ok(());
        }
        let output = message.output_tokens.max(1);
        self.event(json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": lines::message_usage(self.input_tokens, output),
        }))
    }

    /// Ends the message for this reason, doing what is left to do.
    pub(crate) fn end(&mut self, reason: &str) -> Result<(), Stop> {
        self.stop_reason(reason)?;
        if self.message.is_some() {
            self.event(json!({"type": "message_stop"}))?;
        }
        self.message = None;
        Ok(())
    }

    /// Says a text in one `assistant` line, as the real program does when it could not stream.
    pub(crate) fn whole(&mut self, text: String) -> Result<(), Stop> {
        self.request()?;
        let message = self.new_message();
        self.begun.push(message.id.clone());
        self.message = Some(message);
        self.assistant(
            json!({"type": "text", "text": text}),
            tokens(&text),
            json!({}),
        )?;
        self.message = None;
        self.last_text = text;
        Ok(())
    }

    /// Ends a message that was interrupted while it was streamed.
    pub(super) fn abandon(&mut self) -> Result<(), Stop> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        let (id, index) = (message.id.clone(), message.index);
        let block = std::mem::replace(&mut message.block, Block::None);
        if let Block::Text(text) = &block
            && !text.is_empty()
        {
            let content = json!({"type": "text", "text": text});
            self.assistant(content, tokens(text), json!({"aborted": true}))?;
        }
        self.user_text("[Request interrupted by user]")?;
        if !matches!(block, Block::None) {
            self.event(json!({"type": "content_block_stop", "index": index}))?;
        }
        self.event(json!({
            "type": "message_delta",
            "context_management": null,
            "delta": {"container": null, "stop_details": null, "stop_reason": null, "stop_sequence": null},
            "usage": {
                "output_tokens_details": {"thinking_tokens": 0},
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "input_tokens": self.input_tokens,
                "iterations": [],
                "output_tokens": 1,
                "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
                "fallback_credit": null,
            },
        }))?;
        let line = json!({
            "type": "stream_event",
            "event": {"type": "message_stop"},
            "parent_tool_use_id": null,
            "api_message_id": id,
            "abandoned_blocks": {"api_message_id": id, "from_block_index": index + 1},
        });
        self.message = None;
        self.partial(line)
    }

    /// A `user` line that is text.
    pub(super) fn user_text(&mut self, text: &str) -> Result<(), Stop> {
        self.session.line(json!({
            "type": "user",
            "message": {"role": "user", "content": [{"type": "text", "text": text}]},
            "parent_tool_use_id": null,
            "timestamp": clock::timestamp(),
        }))
    }

    /// The `assistant` line that stands for an error of the model API.
    pub(super) fn synthetic(&mut self, failure: &Failure) -> Result<(), Stop> {
        let mut line = json!({
            "type": "assistant",
            "message": {
                "diagnostics": null,
                "id": self.session.ids.uuid(),
                "container": null,
                "model": "<synthetic>",
                "role": "assistant",
                "stop_details": null,
                "stop_reason": "stop_sequence",
                "stop_sequence": "",
                "type": "message",
                "usage": {
                    "output_tokens_details": null,
                    "input_tokens": 0,
                    "output_tokens": 0,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
                    "service_tier": null,
                    "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
                    "inference_geo": null,
                    "iterations": null,
                    "speed": null,
                    "fallback_credit": null,
                },
                "content": [{"type": "text", "text": failure.text}],
                "context_management": null,
            },
            "parent_tool_use_id": null,
            "timestamp": clock::timestamp(),
            "error": failure.kind,
            "request_id": self.session.ids.short("req"),
            "is_api_error_message": true,
        });
        failure.describe(&mut line);
        self.mark(&mut line, true);
        self.session.line(line)
    }

    /// The constant parts of a text delta's line in the open block. The uuids count on from
    /// here: tell [`crate::ids::Ids::skip`] how many were used.
    pub(crate) fn delta_frame(&mut self) -> Option<DeltaFrame> {
        let (index, message) = self.message.as_ref().map(|it| (it.index, it.id.clone()))?;
        let uuid = self.session.ids.uuid();
        // Written by hand: the key order is the real program's, which a map would not keep.
        let before = |index: u64, kind: &str, field: &str| {
            format!(
                "{{\"type\":\"stream_event\",\"event\":{{\"type\":\"content_block_delta\",\"index\":{index},\
                 \"delta\":{{\"type\":\"{kind}\",\"{field}\":\""
            )
        };
        let suffix = format!(
            "\"}}}},\"session_id\":{},\"parent_tool_use_id\":null,\"uuid\":\"{uuid}\",\"api_message_id\":\"{message}\"}}\n",
            Value::from(self.session.id.as_str())
        );
        let end = suffix.find(&uuid)? + uuid.len();
        Some(DeltaFrame {
            prefix: before(index, "text_delta", "text").into_bytes(),
            thinking: before(index + 1, "thinking_delta", "thinking").into_bytes(),
            suffix: suffix.into_bytes(),
            digits: end - 12..end,
        })
    }

    /// Whether partial messages are wanted at all.
    pub(crate) fn streams(&self) -> bool {
        self.session.options.partial_messages
    }

    fn new_message(&mut self) -> Message {
        Message {
            id: self.session.ids.short("msg"),
            request: self.session.ids.short("req"),
            index: 0,
            block: Block::None,
            output_tokens: 0,
            delta_sent: false,
            first_of_turn: self.requests == 1,
        }
    }

    fn start_block(&mut self, content: Value, block: Block) -> Result<(), Stop> {
        self.close_block()?;
        let thinking = content.get("type").and_then(Value::as_str) == Some("thinking");
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        message.block = block;
        let index = message.index;
        let event =
            json!({"type": "content_block_start", "index": index, "content_block": content});
        self.event_with(event, thinking.then_some(("thinking_display", "updates")))
    }

    fn block_delta(&self, delta: Value) -> Value {
        let index = self.message.as_ref().map_or(0, |message| message.index);
        json!({"type": "content_block_delta", "index": index, "delta": delta})
    }

    fn event(&mut self, event: Value) -> Result<(), Stop> {
        self.event_with(event, None)
    }

    fn event_with(&mut self, event: Value, extra: Option<(&str, &str)>) -> Result<(), Stop> {
        let id = self.message.as_ref().map(|message| message.id.clone());
        let mut line = json!({
            "type": "stream_event",
            "event": event,
            "parent_tool_use_id": null,
            "api_message_id": id,
        });
        if let (Some((key, value)), Value::Object(object)) = (extra, &mut line) {
            object.insert(key.to_owned(), value.into());
        }
        self.partial(line)
    }

    fn partial(&mut self, line: Value) -> Result<(), Stop> {
        if !self.streams() {
            return Ok(());
        }
        self.session.line(line)
    }

    /// The whole line of one finished block.
    fn assistant(&mut self, content: Value, output: u64, extra: Value) -> Result<(), Stop> {
        self.output_tokens += output;
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        message.output_tokens += output;
        let first = message.first_of_turn && message.index == 0;
        let mut line = json!({
            "type": "assistant",
            "message": {
                "id": message.id,
                "type": "message",
                "role": "assistant",
                "model": self.session.model,
                "content": [content],
                "stop_reason": null,
                "stop_sequence": null,
                "usage": lines::message_usage(self.input_tokens, 1),
                "context_management": null,
            },
            "parent_tool_use_id": null,
            "timestamp": clock::timestamp(),
            "request_id": message.request,
        });
        if let (Value::Object(line), Value::Object(extra)) = (&mut line, extra) {
            line.extend(extra);
        }
        if first {
            self.mark(&mut line, true);
        }
        self.session.line(line)
    }
}
