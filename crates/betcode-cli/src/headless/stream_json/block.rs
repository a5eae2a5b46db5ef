//! The blocks of messages that are still being written: one message at a time for the assistant and for each sub-agent.

use betcode_core::id::ToolCallId;
use serde_json::{Value, json};

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Thinking,
}

impl Kind {
    /// The block as it stands in a message.
    pub(super) fn content(self, text: &str) -> Value {
        match self {
            Self::Text => json!({"type": "text", "text": text}),
            Self::Thinking => json!({"type": "thinking", "thinking": text, "signature": ""}),
        }
    }

    /// A piece of it.
    pub(super) fn delta(self, text: &str) -> Value {
        match self {
            Self::Text => json!({"type": "text_delta", "text": text}),
            Self::Thinking => json!({"type": "thinking_delta", "thinking": text}),
        }
    }
}

/// A block that is being written or has just become whole.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) message: String,
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) index: u32,
}

/// Where a new block or piece stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) message: String,
    pub(super) index: u32,
    /// Its message begins with it.
    pub(super) new_message: bool,
    /// The block begins with it.
    pub(super) new_block: bool,
}

/// All messages that are being written.
#[derive(Debug, Default)]
pub(super) struct Blocks(Vec<Open>);

#[derive(Debug)]
struct Open {
    parent: Option<ToolCallId>,
    message: String,
    ended: bool,
    next: u32,
    block: Option<Block>,
    /// What it is called as long as it has no name.
    alias: Option<String>,
}

impl Blocks {
    /// Takes the open block when a piece of this kind and message does not belong to it.
    pub(super) fn interrupted_by(
        &mut self,
        parent: Option<&ToolCallId>,
        message: &str,
        kind: Kind,
    ) -> Option<Block> {
        let open = self.find(parent)?;
        open.block
            .take_if(|block| block.message != message || block.kind != kind)
    }

    /// Takes the open block.
    pub(super) fn take(&mut self, parent: Option<&ToolCallId>) -> Option<Block> {
        self.find(parent)?.block.take()
    }

    /// Adds a piece to the open block, or begins one.
    pub(super) fn add(
        &mut self,
        parent: Option<&ToolCallId>,
        message: &str,
        kind: Kind,
        text: &str,
    ) -> Place {
        let (open, new_message) = self.message(parent, Some(message));
        let new_block = open.block.is_none();
        let next = &mut open.next;
        let block = open.block.get_or_insert_with(|| {
            *next += 1;
            Block {
                message: message.to_owned(),
                kind,
                text: String::new(),
                index: *next - 1,
            }
        });
        block.text.push_str(text);
        Place {
            message: String::new(),
            index: block.index,
            new_message,
            new_block,
        }
    }

    /// Counts the call of a tool, in the message that is being written. One that has said nothing yet has no name; it is called
    /// after its first call.
    pub(super) fn count(&mut self, parent: Option<&ToolCallId>, call: &ToolCallId) -> Place {
        let (open, new_message) = self.message(parent, None);
        open.next += 1;
        let message = if open.message.is_empty() {
            open.alias
                .get_or_insert_with(|| format!("msg_{call}"))
                .clone()
        } else {
            open.message.clone()
        };
        Place {
            message,
            index: open.next - 1,
            new_message,
            new_block: true,
        }
    }

    /// The message ended. True when it was known.
    pub(super) fn end(&mut self, parent: Option<&ToolCallId>, message: &str) -> bool {
        match self.find(parent) {
            Some(open) if !open.ended && (open.message == message || open.message.is_empty()) => {
                open.ended = true;
                true
            }
            Some(_) | None => false,
        }
    }

    fn find(&mut self, parent: Option<&ToolCallId>) -> Option<&mut Open> {
        self.0
            .iter_mut()
            .find(|open| open.parent.as_ref() == parent)
    }

    /// The message that is written, begun if it is another one than the last; `None` means the last, unless it has ended.
    fn message(&mut self, parent: Option<&ToolCallId>, id: Option<&str>) -> (&mut Open, bool) {
        let at = self
            .0
            .iter()
            .position(|open| open.parent.as_ref() == parent);
        let known = at
            .and_then(|at| self.0.get(at))
            .is_some_and(|open| id.map_or(!open.ended, |id| open.message == id));
        let at = match at {
            Some(at) if known => at,
            Some(at) => {
                self.0.swap_remove(at);
                self.0.len()
            }
            None => self.0.len(),
        };
        if at == self.0.len() {
            let message = id.unwrap_or_default().to_owned();
            let open = Open {
                parent: parent.cloned(),
                message,
                ended: false,
                next: 0,
                block: None,
                alias: None,
            };
            self.0.push(open);
            #[expect(
                clippy::indexing_slicing,
                reason = "an element was pushed at this place"
            )]
            return (&mut self.0[at], true);
        }
        #[expect(clippy::indexing_slicing, reason = "the place was found above")]
        (&mut self.0[at], false)
    }
}
