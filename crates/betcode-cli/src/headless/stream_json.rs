//! `--output-format stream-json`: Claude Code's line types, built from our events, each with the `sequence` of the event
//! that completed it.
//!
//! Order of lines: `system/init` first; an `assistant` line for every block (text, thinking, tool use) once it is whole; a
//! `user` line for every tool result; `result` last. Text becomes a line when its message ends or when the next block
//! begins. What an agent gives up before that, or was saying when it died and says again, never becomes one. Pieces come only with
//! `--include-partial-messages`; those of a block that becomes no line are taken back by `system/betcode_pieces_void`.

mod block;

use betcode_core::event::{
    Event, EventBody, MessageEnd, PermissionDecision, PermissionOutcome, SessionInfo, Status,
};
use betcode_core::id::{RequestId, Sequence, SessionId, ToolCallId};
use serde_json::{Map, Value, json};

use self::block::{Block, Blocks, Kind, Place};
use super::format::line;
use super::turn::{TurnReport, is_restart};
use super::{image, json};
use crate::error::Report;

/// The `init` line of an event stands before all its others.
const FIRST: u16 = 0xfff;

/// What the stream must remember between events.
#[derive(Debug)]
pub(crate) struct StreamJson {
    info: SessionInfo,
    begun: bool,
    pieces: bool,
    replay: bool,
    blocks: Blocks,
    /// What was asked for and is not decided: the tool and its call.
    asked: Vec<(RequestId, String, Option<ToolCallId>)>,
    /// Messages of the user that are said back once there is an `init` before them.
    replayed: Vec<Event>,
    /// Ends of messages that were cut short: whether they are said again is told by what follows.
    cut_short: Vec<Event>,
}

impl StreamJson {
    /// `info` is what is known of the session before the turn.
    pub(crate) fn new(info: SessionInfo, pieces: bool, replay: bool) -> Self {
        Self {
            info,
            begun: false,
            pieces,
            replay,
            blocks: Blocks::default(),
            asked: Vec::new(),
            replayed: Vec::new(),
            cut_short: Vec::new(),
        }
    }

    /// Adds the lines that this event completes.
    pub(crate) fn event(&mut self, session: SessionId, event: &Event, data: &mut Vec<u8>) {
        if self.holds_back(session, event, data) {
            return;
        }
        let mut lines = Lines {
            session,
            event,
            data,
            count: 0,
        };
        match &event.body {
            EventBody::SessionInfo(info) => {
                self.info = (**info).clone();
                // Before it has named its tools, an agent has not said what it is.
                if !self.info.tools.is_empty() {
                    self.begin(&mut lines);
                }
            }
            EventBody::UserInput(_) if self.replay => {
                self.replayed.push(event.clone());
                // Until the agent has said what it is, there is no `init` to stand before it.
                if self.begun || !self.info.tools.is_empty() {
                    self.begin(&mut lines);
                }
            }
            EventBody::TextDelta(piece) => {
                self.piece(Kind::Text, &piece.message_id, &piece.text, &mut lines);
            }
            EventBody::ThinkingDelta(piece) => {
                self.piece(Kind::Thinking, &piece.message_id, &piece.text, &mut lines);
            }
            EventBody::MessageComplete {
                message_id,
                model,
                end,
            } => self.message_end(message_id, model.as_deref(), *end, &mut lines),
            EventBody::ToolCallStart {
                id, tool, input, ..
            } => self.tool(id, tool, input, &mut lines),
            body @ EventBody::ToolCallResult { .. } => {
                self.begin(&mut lines);
                lines.tool_result(body);
            }
            EventBody::PermissionRequest(request) => {
                let asked = (
                    request.id.clone(),
                    request.tool.clone(),
                    request.tool_call.clone(),
                );
                self.asked.push(asked);
            }
            EventBody::PermissionResolved(decision) => self.decided(decision, &mut lines),
            EventBody::StatusChange {
                status,
                detail,
                retry_at,
            } => {
                if matches!(status, Status::RateLimited | Status::Retrying) {
                    self.begin(&mut lines);
                    let delay = retry_at.map(|at| {
                        u64::try_from(at.since(event.timestamp).as_millis()).unwrap_or(u64::MAX)
                    });
                    lines.put(api_retry(*status, detail, delay));
                }
            }
            EventBody::Compacted {
                trigger,
                before_tokens,
                ..
            } => {
                self.begin(&mut lines);
                let data = json!({"trigger": trigger, "pre_tokens": before_tokens});
                lines.put(json!({"type": "system", "subtype": "compact_boundary", "compact_metadata": data}));
            }
            EventBody::Notice { text } => {
                self.begin(&mut lines);
                lines.put(json!({"type": "system", "subtype": "informational", "content": text}));
            }
            EventBody::PermissionModeChange { mode } => self.info.permission_mode.clone_from(mode),
            EventBody::ModelChange { model } => self.info.model.clone_from(model),
            _ => {}
        }
    }

    /// Adds the `result`.
    pub(crate) fn finish(
        &mut self,
        session: SessionId,
        report: &TurnReport,
        error: Option<&Report>,
        data: &mut Vec<u8>,
    ) {
        self.end_cut_short(session, MessageEnd::Aborted, data);
        if !self.begun && report.first.0 > 0 {
            self.begun = true;
            line(data, &init(session, &self.info, report.first));
        }
        self.say_again(session, data);
        let mut result = json::result(session, report, error);
        result.insert("sequence".into(), report.last.0.into());
        line(data, &Value::Object(result));
        self.begun = false;
        self.blocks = Blocks::default();
    }

    /// What was asked for is decided; a denial is told.
    fn decided(&mut self, decision: &PermissionDecision, lines: &mut Lines<'_>) {
        let place = self.asked.iter().position(|(id, ..)| *id == decision.id);
        let Some((_, tool, call)) = place.map(|place| self.asked.swap_remove(place)) else {
            return;
        };
        if matches!(
            decision.outcome,
            PermissionOutcome::Denied | PermissionOutcome::Expired
        ) {
            self.begin(lines);
            lines.put(json!({
                "type": "system", "subtype": "permission_denied", "tool_name": tool, "tool_use_id": call,
                "message": decision.message,
            }));
        }
    }

    fn begin(&mut self, lines: &mut Lines<'_>) {
        if !self.begun {
            self.begun = true;
            let first = self.replayed.first().unwrap_or(lines.event).sequence;
            line(lines.data, &init(lines.session, &self.info, first));
        }
        self.say_again(lines.session, lines.data);
    }

    /// Says back what the user said.
    fn say_again(&mut self, session: SessionId, data: &mut Vec<u8>) {
        for event in self.replayed.drain(..) {
            let mut lines = Lines {
                session,
                event: &event,
                data,
                count: 0,
            };
            lines.message(&event.body);
        }
    }

    fn piece(&mut self, kind: Kind, message: &str, text: &str, lines: &mut Lines<'_>) {
        self.begin(lines);
        let parent = lines.event.parent.as_ref();
        let previous = self.blocks.interrupted_by(parent, message, kind);
        self.block(previous, lines);
        let place = self.blocks.add(parent, message, kind, text);
        if self.pieces {
            if place.new_message {
                lines.message_start(message, &self.info.model);
            }
            if place.new_block {
                lines.stream(json!({"type": "content_block_start", "index": place.index, "content_block": kind.content("")}));
            }
            lines.stream(json!({"type": "content_block_delta", "index": place.index, "delta": kind.delta(text)}));
        }
    }

    fn tool(&mut self, id: &ToolCallId, tool: &str, input: &Value, lines: &mut Lines<'_>) {
        self.begin(lines);
        let previous = self.blocks.take(lines.event.parent.as_ref());
        self.block(previous, lines);
        let place = self.blocks.count(lines.event.parent.as_ref(), id);
        if self.pieces {
            lines.tool_pieces(&place, id, tool, input, &self.info.model);
        }
        let content = json!({"type": "tool_use", "id": id, "name": tool, "input": input});
        self.assistant(&place.message, &content, lines);
        if self.pieces {
            lines.stream(json!({"type": "content_block_stop", "index": place.index}));
        }
    }

    /// Keeps the end of a message that was cut short until it is known whether it is said again.
    fn holds_back(&mut self, session: SessionId, event: &Event, data: &mut Vec<u8>) -> bool {
        match &event.body {
            EventBody::MessageComplete {
                end: MessageEnd::Aborted,
                ..
            } => {
                self.cut_short.push(event.clone());
                return true;
            }
            body if is_restart(body) => self.end_cut_short(session, MessageEnd::Abandoned, data),
            EventBody::TextDelta(_)
            | EventBody::ThinkingDelta(_)
            | EventBody::ToolCallStart { .. }
            | EventBody::ToolCallResult { .. } => {
                self.end_cut_short(session, MessageEnd::Aborted, data);
            }
            _ => {}
        }
        false
    }

    /// Now it is known how the messages end that were cut short.
    fn end_cut_short(&mut self, session: SessionId, how: MessageEnd, data: &mut Vec<u8>) {
        for event in std::mem::take(&mut self.cut_short) {
            let EventBody::MessageComplete {
                message_id, model, ..
            } = &event.body
            else {
                continue;
            };
            let mut lines = Lines {
                session,
                event: &event,
                data,
                count: 0,
            };
            self.message_end(message_id, model.as_deref(), how, &mut lines);
        }
    }

    fn message_end(
        &mut self,
        message: &str,
        model: Option<&str>,
        end: MessageEnd,
        lines: &mut Lines<'_>,
    ) {
        let parent = lines.event.parent.as_ref();
        let usual = self.info.model.clone();
        if let Some(model) = model {
            model.clone_into(&mut self.info.model);
        }
        let last = self.blocks.take(parent);
        match end {
            MessageEnd::Finished | MessageEnd::Aborted => self.block(last, lines),
            MessageEnd::Abandoned => {
                if let Some(last) = last.filter(|_| self.pieces) {
                    lines.put(json!({
                        "type": "system", "subtype": "betcode_pieces_void", "message_id": message,
                        "index": last.index, "parent_tool_use_id": parent,
                    }));
                    lines.stream(json!({"type": "content_block_stop", "index": last.index}));
                }
            }
        }
        if self.blocks.end(parent, message) && self.pieces {
            lines.stream(json!({"type": "message_stop"}));
        }
        // The next message is by neither a sub-agent's model nor the agent itself.
        if parent.is_some() || self.info.model.starts_with('<') {
            self.info.model = usual;
        }
    }

    fn block(&self, block: Option<Block>, lines: &mut Lines<'_>) {
        let Some(block) = block else { return };
        self.assistant(&block.message, &block.kind.content(&block.text), lines);
        if self.pieces {
            lines.stream(json!({"type": "content_block_stop", "index": block.index}));
        }
    }

    fn assistant(&self, message: &str, content: &Value, lines: &mut Lines<'_>) {
        let message = json!({
            "id": message, "type": "message", "role": "assistant", "model": self.info.model, "content": [content],
            "stop_reason": null, "stop_sequence": null,
        });
        lines.put(json!({"type": "assistant", "message": message}));
    }
}

/// The line that tells of an attempt more. What it is about stands in the detail: `rate_limit: attempt 1 of 10`.
fn api_retry(status: Status, detail: &str, delay: Option<u64>) -> Value {
    let (error, attempts) = detail.split_once(": attempt ").unwrap_or((detail, ""));
    let (attempt, most) = attempts.split_once(" of ").unwrap_or_default();
    let number = |text: &str| text.parse::<u32>().ok();
    let error = if status == Status::RateLimited {
        "rate_limit"
    } else {
        error
    };
    let error_status = match error {
        "rate_limit" => Some(429),
        "overloaded" => Some(529),
        "authentication_failed" => Some(401),
        _ => None,
    };
    json!({
        "type": "system", "subtype": "api_retry", "attempt": number(attempt), "max_retries": number(most),
        "retry_delay_ms": delay, "error_status": error_status, "error": error,
    })
}

fn init(session: SessionId, info: &SessionInfo, sequence: Sequence) -> Value {
    let mut init = json!({
        "type": "system", "subtype": "init", "cwd": info.cwd, "session_id": session, "tools": info.tools,
        "mcp_servers": info.mcp_servers, "model": info.model, "permissionMode": info.permission_mode,
        "slash_commands": info.slash_commands, "apiKeySource": info.account,
        "claude_code_version": info.agent_version, "uuid": json::line_id(session, sequence, FIRST),
        "agents": [], "skills": [], "plugins": [], "output_style": "default",
        "betcode_agent": info.agent, "sequence": sequence,
    });
    if let (Some(init), Some(Value::Object(said))) = (init.as_object_mut(), &info.particulars) {
        init.extend(said.clone());
    }
    init
}

/// Where lines of one event go.
struct Lines<'a> {
    session: SessionId,
    event: &'a Event,
    data: &'a mut Vec<u8>,
    count: u16,
}

impl Lines<'_> {
    /// Adds the keys that every line has.
    fn put(&mut self, row: Value) {
        let Value::Object(mut row) = row else { return };
        let kind = row.get("type").and_then(Value::as_str).unwrap_or_default();
        let (of_model, of_message) = (kind != "system", matches!(kind, "assistant" | "user"));
        if of_model {
            row.insert("parent_tool_use_id".into(), json!(self.event.parent));
        }
        if of_message {
            row.insert("timestamp".into(), json!(self.event.timestamp));
        }
        row.insert("session_id".into(), json!(self.session));
        row.insert(
            "uuid".into(),
            json::line_id(self.session, self.event.sequence, self.count),
        );
        self.count += 1;
        row.insert("sequence".into(), json!(self.event.sequence));
        line(self.data, &Value::Object(row));
    }

    fn stream(&mut self, event: Value) {
        let mut row = Map::new();
        row.insert("type".into(), "stream_event".into());
        row.insert("event".into(), event);
        self.put(Value::Object(row));
    }

    fn message(&mut self, body: &EventBody) {
        let EventBody::UserInput(input) = body else {
            return;
        };
        let text = json!({"type": "text", "text": input.text});
        let has_text = !input.text.trim().is_empty();
        let shown = image::blocks("", &input.attachments);
        let content = if shown.is_empty() {
            json!(input.text)
        } else {
            has_text.then_some(text).into_iter().chain(shown).collect()
        };
        let message = json!({"role": "user", "content": content});
        self.put(json!({"type": "user", "message": message, "isReplay": true}));
    }

    fn tool_result(&mut self, body: &EventBody) {
        let EventBody::ToolCallResult {
            id,
            output,
            is_error,
            diff,
            attachments,
            ..
        } = body
        else {
            return;
        };
        let content = if attachments.is_empty() {
            json!(output)
        } else {
            json!(image::blocks(output, attachments))
        };
        let result = json!({
            "type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error,
        });
        let mut row = json!({"type": "user", "message": {"role": "user", "content": [result]}});
        if let Some(row) = row.as_object_mut().filter(|_| !diff.is_empty()) {
            row.insert("betcode_diff".into(), json!(diff));
        }
        self.put(row);
    }

    fn message_start(&mut self, id: &str, model: &str) {
        let message = json!({
            "id": id, "type": "message", "role": "assistant", "model": model, "content": [],
            "stop_reason": null, "stop_sequence": null,
        });
        self.stream(json!({"type": "message_start", "message": message}));
    }

    fn tool_pieces(
        &mut self,
        place: &Place,
        id: &ToolCallId,
        tool: &str,
        input: &Value,
        model: &str,
    ) {
        if place.new_message {
            self.message_start(&place.message, model);
        }
        let index = place.index;
        let block = json!({"type": "tool_use", "id": id, "name": tool, "input": {}});
        self.stream(json!({"type": "content_block_start", "index": index, "content_block": block}));
        let delta = json!({"type": "input_json_delta", "partial_json": input.to_string()});
        self.stream(json!({"type": "content_block_delta", "index": index, "delta": delta}));
    }
}
