//! Calls that Claude Code announces before it does anything with them: its `PreToolUse` hook, asked of us over the stream.
//!
//! 1. `initialize` registers one callback for every tool.
//! 2. Before each call that its own checks of the input have let through, in every permission mode, by sub-agents too,
//!    it sends `hook_callback` and waits.
//! 3. It is told `{}` (go on as usual: it may ask for permission, or not), to ask for permission whatever its mode and its own
//!    settings say, or that the call is denied. A denial and an "ask" beat what any other hook says.
//!
//! What was measured with 2.1.330, and what follows from it:
//! - A callback without a matcher is called for every tool: built in, of MCP servers, of sub-agents (with their `agent_id`), also
//!   in `bypassPermissions` and `dontAsk`; and again for the call that a resumed process repeats. `disableAllHooks` in settings
//!   does not switch it off.
//! - Without an answer in time the call is **not** executed and the request is withdrawn; a call that waits when stdin ends is
//!   cancelled. So nothing runs while nobody answers; the long timeout is for calls to survive the time without a daemon.
//! - An error, or an answer of another form, counts as `{}`: the call **runs**. So no callback is ever answered with an error: one
//!   that is not understood is denied.
//! - Not announced: what a slash command runs by itself (`` !`command` ``), files that a message mentions (`@file`), reads and
//!   edits that a rule in Claude Code's own settings denies. That is why denials go into its settings as well
//!   (see [`launch`](crate::launch)).

use betcode_core::event::PermissionRequest;
use betcode_core::id::{RequestId, ToolCallId};
use betcode_core::observation::{Observation, Observations};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Claude;
use super::state::MOST;
use super::tools::describe;
use super::wire::{Text, read};

/// The one event that is registered.
const EVENT: &str = "PreToolUse";
/// Seconds; some three weeks. The most that fits into its timer, which counts milliseconds in 31 bits, is little more.
const TIMEOUT: u64 = 2_000_000;
/// What the model is told about a call that cannot be judged.
const NOT_UNDERSTOOD: &str = "This call could not be compared with the rules of the user.";

#[derive(Debug, Deserialize)]
struct HookCallback<'a> {
    #[serde(borrow)]
    input: HookInput<'a>,
}

#[derive(Debug, Deserialize)]
struct HookInput<'a> {
    #[serde(borrow)]
    hook_event_name: Text<'a>,
    #[serde(borrow)]
    tool_name: Option<Text<'a>>,
    #[serde(default)]
    tool_input: Value,
    #[serde(borrow)]
    tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    agent_id: Option<Text<'a>>,
}

/// What `initialize` registers.
pub(super) fn registration() -> Value {
    json!({EVENT: [{"hookCallbackIds": ["rules"], "timeout": TIMEOUT}]})
}

/// The answer that lets an announced call go on.
pub(super) fn go_on(ask: bool) -> Value {
    if ask {
        json!({"hookSpecificOutput": {"hookEventName": EVENT, "permissionDecision": "ask"}})
    } else {
        json!({})
    }
}

/// The answer that denies an announced call.
pub(super) fn denied(reason: &str, interrupt: bool) -> Value {
    let mut output = json!({"hookSpecificOutput": {
        "hookEventName": EVENT,
        "permissionDecision": "deny",
        "permissionDecisionReason": reason,
    }});
    if let (Some(output), true) = (output.as_object_mut(), interrupt) {
        output.insert("continue".to_owned(), Value::Bool(false));
        output.insert("stopReason".to_owned(), Value::from(reason));
    }
    output
}

impl Claude {
    /// A `hook_callback`. Every one is answered: by the session, or here.
    pub(super) fn hook_callback(
        &mut self,
        id: &str,
        request: &str,
        out: &mut Observations,
    ) -> Option<()> {
        let Some(HookCallback { input }) = read(request) else {
            self.reply(id, &denied(NOT_UNDERSTOOD, false));
            return None;
        };
        if &*input.hook_event_name != EVENT {
            self.reply(id, &go_on(false));
            return Some(());
        }
        let Some(tool) = input.tool_name else {
            self.reply(id, &denied(NOT_UNDERSTOOD, false));
            return None;
        };
        // To forget one of them would let it run: its denial would have the form of another request's.
        if self.state.announced.len() >= MOST && !self.state.announced.contains(id) {
            self.reply(id, &denied(NOT_UNDERSTOOD, false));
            return Some(());
        }
        self.state.announced.insert(id.to_owned());
        self.changed = true;
        let call = input.tool_use_id.as_deref();
        let parent = self.state.owner(call, input.agent_id.as_deref());
        let announced = PermissionRequest {
            id: RequestId::from(id),
            tool: tool.to_string(),
            tool_call: call.map(ToolCallId::from),
            description: describe(&tool, &input.tool_input),
            input: input.tool_input,
            suggested_rules: Vec::new(),
            expires_at: None,
            is_replay: false,
            note: String::new(),
        };
        out.push(parent, Observation::ToolAnnounced(announced));
        Some(())
    }

    /// Forgets an announced call; true if it waited for an answer.
    pub(super) fn forget_announced(&mut self, id: &str) -> bool {
        let waited = self.state.announced.remove(id);
        self.changed |= waited;
        waited
    }
}
