//! Commands of the program itself, which come as prompts and never reach the model: the conversation made short, or new.

use serde_json::{Value, json};

use super::result::set;
use super::{Stop, Turn};
use crate::clock;
use crate::session::{Prompt, Session, State};

/// What a compaction leaves of the context.
const LEFT: u64 = 100;

/// Such a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slash {
    Clear,
    Compact,
}

impl Slash {
    /// The command that a prompt is, if it is one.
    pub(crate) fn of(prompt: &str) -> Option<Self> {
        match prompt.split_whitespace().next()? {
            "/clear" => Some(Self::Clear),
            // What follows says what the summary should keep.
            "/compact" => Some(Self::Compact),
            _ => None,
        }
    }
}

impl<'a> Turn<'a> {
    /// Does what the program itself is asked to do; never fails.
    pub(crate) fn obey(
        session: &'a mut Session,
        prompts: Vec<Prompt>,
        slash: Slash,
    ) -> Result<bool, Stop> {
        let mut turn = Self::new(session, prompts);
        turn.input_tokens = 0;
        turn.session.set_state(State::Running)?;
        for uuid in turn.fates() {
            turn.session.lifecycle(Some(&uuid), "started")?;
        }
        let name = match slash {
            Slash::Clear => {
                turn.clear()?;
                "clear"
            }
            Slash::Compact => {
                turn.compact()?;
                "compact"
            }
        };
        let mut line = turn.result("success", false);
        set(&mut line, "num_turns", 0.into());
        set(&mut line, "stop_reason", Value::Null);
        set(&mut line, "result", "".into());
        set(&mut line, "local_command", name.into());
        turn.session.line(line)?;
        turn.close()?;
        Ok(false)
    }

    /// Everything is forgotten; the next session has another id, which `init` tells.
    fn clear(&mut self) -> Result<(), Stop> {
        let reset = self.session.ids.uuid();
        let mut line = json!({
            "type": "conversation_reset",
            "new_conversation_id": reset,
            "trigger": "clear",
            "timestamp": clock::timestamp(),
        });
        if let Some(uuid) = self.uuids().pop() {
            set(&mut line, "user_message_uuid", uuid.into());
        }
        self.session.line(line)?;
        self.session.background.clear();
        self.session.tell_background()?;
        let session = &mut *self.session;
        session.id = session.ids.uuid();
        session.options.resumed = false;
        (session.input_tokens, session.output_tokens) = (0, 0);
        (session.compacted, session.counted) = (0, 0);
        session.todos.clear();
        self.introduce()
    }

    /// The conversation so far is replaced by a summary of it.
    fn compact(&mut self) -> Result<(), Stop> {
        let status =
            |status: Option<&str>| json!({"type": "system", "subtype": "status", "status": status});
        self.session.line(status(Some("compacting")))?;
        let before = self.session.context_tokens();
        let after = before.min(LEFT);
        self.session.compacted += before - after;
        let mut done = status(None);
        set(&mut done, "compact_result", "success".into());
        self.session.line(done)?;
        self.introduce()?;
        let boundary = self.session.ids.uuid();
        self.session.line(json!({
            "type": "system",
            "subtype": "compact_boundary",
            "compact_metadata": {
                "trigger": "manual",
                "pre_tokens": before,
                "post_tokens": after,
                "cumulative_dropped_tokens": self.session.compacted,
                "duration_ms": clock::millis_since(self.started),
            },
            "logical_parent_uuid": boundary,
        }))?;
        let summary = "This session is being continued from a previous conversation. There is no model, so the summary of it is \
            this sentence.";
        for (text, mark) in [
            (summary, "isSynthetic"),
            (
                "<local-command-stdout>Compacted </local-command-stdout>",
                "isReplay",
            ),
        ] {
            let mut line = json!({
                "type": "user",
                "message": {"role": "user", "content": text},
                "parent_tool_use_id": null,
                "timestamp": clock::timestamp(),
            });
            set(&mut line, mark, true.into());
            self.session.line(line)?;
        }
        Ok(())
    }
}
