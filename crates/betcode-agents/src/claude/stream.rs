//! Messages of the model: pieces of text as they stream, whole `assistant` lines, and where a message ends.
//!
//! The same text comes up to twice: in pieces (`stream_event`) and then whole (an `assistant` line for each finished block).
//! Laws:
//! - a block's text is told once: in pieces where it came so, else from its `assistant` line;
//! - a message that said or did anything ends once: at its `message_stop`, or, when it has none, at the next line that can no
//!   longer belong to it (another message of the same speaker, a line of the user, the result of the turn);
//! - text that Claude Code takes back (`abandoned_blocks`, or a stream that broke off before any whole block) ends as abandoned,
//!   and the same message may then be told anew;
//! - a message that was still coming when the process ended ends as aborted.
//!
//! Messages are followed for each speaker (the main conversation, each sub-agent), because their lines interleave.

use betcode_core::event::MessageEnd;
use betcode_core::id::ToolCallId;
use betcode_core::observation::{Observation, Observations};
use serde_json::value::RawValue;

use super::Claude;
use super::state::{Message, Piece};
use super::wire::{AbandonedBlocks, AssistantLine, Block, Head, StreamEvent, TokenUsage, read};

impl Claude {
    pub(super) fn stream_event(
        &mut self,
        head: &Head<'_>,
        event: &StreamEvent<'_>,
        out: &mut Observations,
    ) -> Option<()> {
        let parent = head.parent_tool_use_id.as_deref();
        let named = head.api_message_id.as_deref();
        match &*event.kind {
            "content_block_delta" => {
                let delta = event.delta.as_ref()?;
                if let Some(text) = &delta.text {
                    self.piece(
                        parent,
                        named,
                        Piece {
                            index: event.index,
                            thinking: false,
                        },
                        text,
                        out,
                    );
                } else if let Some(thinking) = &delta.thinking {
                    self.piece(
                        parent,
                        named,
                        Piece {
                            index: event.index,
                            thinking: true,
                        },
                        thinking,
                        out,
                    );
                }
            }
            "content_block_start" => {
                let block = event.content_block.as_ref()?;
                if let Some(text) = &block.text {
                    self.piece(
                        parent,
                        named,
                        Piece {
                            index: event.index,
                            thinking: false,
                        },
                        text,
                        out,
                    );
                } else if let Some(thinking) = &block.thinking {
                    self.piece(
                        parent,
                        named,
                        Piece {
                            index: event.index,
                            thinking: true,
                        },
                        thinking,
                        out,
                    );
                }
            }
            "content_block_stop" | "ping" => {}
            "message_start" => {
                let message = event.message.as_ref()?;
                self.working(out);
                self.begin(parent, &message.id, message.model.as_deref(), true, out);
            }
            "message_delta" => {
                if let (None, Some(usage)) = (parent, &event.usage) {
                    self.context(**usage);
                }
            }
            "message_stop" => self.message_stop(parent, head.abandoned_blocks.as_deref(), out),
            _ => return None,
        }
        Some(())
    }

    fn piece(
        &mut self,
        parent: Option<&str>,
        named: Option<&str>,
        piece: Piece,
        text: &str,
        out: &mut Observations,
    ) {
        if text.is_empty() {
            return;
        }
        let current = self
            .state
            .message(parent)
            .map(|message| message.id.as_str());
        if current.is_none() || named.is_some_and(|id| current != Some(id)) {
            self.begin(parent, named.unwrap_or_default(), None, true, out);
        }
        let Some(message) = self.state.message(parent) else {
            return;
        };
        if message.pending.last() != Some(&piece) && message.note(piece) {
            self.changed = true;
        }
        if piece.thinking {
            out.thinking(parent, &message.id, text);
        } else {
            out.text(parent, &message.id, text);
        }
    }

    fn message_stop(
        &mut self,
        parent: Option<&str>,
        abandoned: Option<&AbandonedBlocks<'_>>,
        out: &mut Observations,
    ) {
        let Some(message) = self.state.message(parent) else {
            return;
        };
        let Some(abandoned) = abandoned else {
            let end = if message.aborted {
                MessageEnd::Aborted
            } else {
                MessageEnd::Finished
            };
            return self.end(parent, end, out);
        };
        if abandoned
            .api_message_id
            .as_ref()
            .is_some_and(|id| **id != message.id)
        {
            return;
        }
        // Blocks before the named one stand: only a message without any is taken back as a whole.
        let loose = message
            .pending
            .iter()
            .any(|piece| piece.index >= abandoned.from_block_index);
        let end = match (message.aborted || loose, abandoned.from_block_index) {
            (_, 0) if !message.aborted => MessageEnd::Abandoned,
            (true, _) => MessageEnd::Aborted,
            (false, _) => MessageEnd::Finished,
        };
        self.end(parent, end, out);
    }

    /// An `assistant` line: whole blocks of one message.
    pub(super) fn assistant(
        &mut self,
        parent: Option<&str>,
        line: &str,
        out: &mut Observations,
    ) -> Option<()> {
        let line: AssistantLine<'_> = read(line)?;
        let message = line.message;
        let blocks: Vec<&RawValue> = read(message.content.get())?;
        let blocks: Vec<(&str, Block<'_>)> = blocks
            .into_iter()
            .map(|block| Some((block.get(), read(block.get())?)))
            .collect::<Option<_>>()?;
        if parent.is_none() {
            self.working(out);
        }
        self.begin(parent, &message.id, message.model.as_deref(), false, out);
        if let (None, Some(error)) = (parent, line.error) {
            self.state.api_error = Some(error.to_string());
        }
        if let (None, Some(usage)) = (parent, message.usage) {
            self.context(usage);
        }
        self.changed = true;
        for (raw, block) in blocks {
            if let Some(known) = self.state.message(parent) {
                known.whole += 1;
                known.aborted |= line.aborted;
            }
            match &*block.kind {
                "text" => {
                    if !self.was_streamed(parent, false) {
                        out.text(
                            parent,
                            &message.id,
                            block.text.as_deref().unwrap_or_default(),
                        );
                    }
                }
                "thinking" => {
                    if !self.was_streamed(parent, true) {
                        out.thinking(
                            parent,
                            &message.id,
                            block.thinking.as_deref().unwrap_or_default(),
                        );
                    }
                }
                // Its content is for the model's service alone.
                "redacted_thinking" => {}
                _ => self.tool_block(parent, raw, block, out),
            }
        }
        Some(())
    }

    /// Takes note that a whole block came; true when its text has been told in pieces.
    fn was_streamed(&mut self, parent: Option<&str>, thinking: bool) -> bool {
        let Some(message) = self.state.message(parent) else {
            return false;
        };
        let at = message
            .pending
            .iter()
            .position(|piece| piece.thinking == thinking);
        at.map(|at| message.pending.remove(at)).is_some()
    }

    /// A message says something: the speaker's former one is over.
    fn begin(
        &mut self,
        parent: Option<&str>,
        id: &str,
        model: Option<&str>,
        streamed: bool,
        out: &mut Observations,
    ) {
        if let Some(message) = self.state.message(parent)
            && message.id == id
        {
            if message.model.is_none() && model.is_some() {
                message.model = model.map(str::to_owned);
                self.changed = true;
            }
            return;
        }
        self.close(parent, out);
        self.changed = true;
        self.state.bound();
        self.state
            .messages
            .retain(|message| message.parent.as_deref() != parent);
        self.state.messages.push(Message {
            parent: parent.map(str::to_owned),
            id: id.to_owned(),
            model: model.map(str::to_owned),
            streamed,
            ..Message::default()
        });
    }

    /// Something came after which a speaker's message without a `message_stop` cannot go on.
    pub(super) fn close_whole(&mut self, parent: Option<&str>, out: &mut Observations) {
        if self
            .state
            .message(parent)
            .is_some_and(|message| !message.streamed)
        {
            self.close(parent, out);
        }
    }

    /// A speaker's message is over, whether or not it had its end.
    pub(super) fn close(&mut self, parent: Option<&str>, out: &mut Observations) {
        let Some(message) = self.state.message(parent) else {
            return;
        };
        let end = match (message.whole, message.pending.is_empty()) {
            _ if message.aborted => MessageEnd::Aborted,
            // It began, and said nothing.
            (0, true) => {
                message.done = true;
                self.changed = true;
                return;
            }
            (0, false) => MessageEnd::Abandoned,
            (_, false) => MessageEnd::Aborted,
            (_, true) => MessageEnd::Finished,
        };
        self.end(parent, end, out);
    }

    /// A sub-agent is done.
    pub(super) fn close_nested(&mut self, parent: &str, out: &mut Observations) {
        self.close(Some(parent), out);
        let before = self.state.messages.len();
        self.state
            .messages
            .retain(|message| message.parent.as_deref() != Some(parent));
        self.changed |= before != self.state.messages.len();
    }

    /// The process is gone: what it was saying ends, for each speaker.
    pub(super) fn cut_short(&mut self, out: &mut Observations) {
        let open = |message: &&Message| !message.done;
        let speakers = self.state.messages.iter().filter(open);
        let speakers: Vec<_> = speakers.map(|message| message.parent.clone()).collect();
        for parent in speakers {
            let parent = parent.as_deref();
            let Some(message) = self.state.message(parent) else {
                continue;
            };
            let said_nothing = message.whole == 0 && message.pending.is_empty();
            if message.streamed && !said_nothing {
                self.end(parent, MessageEnd::Aborted, out);
            } else {
                self.close(parent, out);
            }
        }
    }

    fn end(&mut self, parent: Option<&str>, end: MessageEnd, out: &mut Observations) {
        let Some(message) = self.state.message(parent) else {
            return;
        };
        if message.done {
            return;
        }
        message.done = true;
        let ended = Observation::MessageComplete {
            message_id: message.id.clone(),
            model: message.model.clone(),
            end,
        };
        out.push(parent.map(ToolCallId::from), ended);
        if end == MessageEnd::Abandoned {
            self.state
                .messages
                .retain(|message| message.parent.as_deref() != parent);
        }
        self.changed = true;
    }

    fn context(&mut self, usage: TokenUsage) {
        let tokens = usage.input_tokens.whole()
            + usage.cache_read_input_tokens.whole()
            + usage.cache_creation_input_tokens.whole()
            + usage.output_tokens.whole();
        // A message that no model wrote says zero.
        if tokens != 0 && tokens != self.state.context_tokens {
            self.state.context_tokens = tokens;
            self.changed = true;
        }
    }
}
