//! What the parser and driver of one process keep between two lines. All of it is in the checkpoint.
//!
//! Laws:
//! - restoring a written state and going on gives the same observations and frames as going on without;
//! - a delta changes nothing here unless it is the first of its block, so a flood of them needs no new checkpoint;
//! - everything here is bounded, whatever the agent says.

use std::collections::{BTreeMap, BTreeSet};

use betcode_core::id::ToolCallId;
use serde::{Deserialize, Serialize};

use super::tasks::Tasks;
use crate::StateError;

/// Raised when an older program could not use the new form.
const VERSION: u32 = 1;
/// The most sub-agents, open calls, announced calls, background tasks or unanswered requests that are remembered.
pub(super) const MOST: usize = 1024;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    version: u32,
    /// The number of the last control request.
    pub(super) last_request: u64,
    /// Control requests that have no answer yet.
    pub(super) outstanding: BTreeMap<String, Asked>,
    /// Requests that announce a call and have no answer yet.
    pub(super) announced: BTreeSet<String>,
    /// Frames that nobody has taken yet.
    pub(super) replies: Vec<String>,
    /// The process says by itself when it is busy and idle.
    pub(super) announces: bool,
    /// It was said to be working, and not to be idle since.
    pub(super) busy: bool,
    /// It compacts its context.
    pub(super) compacting: bool,
    pub(super) model: Option<String>,
    pub(super) mode: Option<String>,
    /// The newest message of the main conversation and of each sub-agent.
    pub(super) messages: Vec<Message>,
    /// Open calls of sub-agents, and whose they are.
    pub(super) nested_calls: BTreeMap<String, String>,
    /// Sub-agents by their own ids, and the calls that started them.
    pub(super) agents: BTreeMap<String, String>,
    /// Background tasks and what they are.
    pub(super) background: BTreeMap<String, String>,
    pub(super) tasks: Tasks,
    /// The delay before the last repeated try in this turn.
    pub(super) retry_delay_ms: Option<u64>,
    /// The word for the last API error in this turn.
    pub(super) api_error: Option<String>,
    /// Tokens in the context after the last message.
    pub(super) context_tokens: u64,
    /// What the process had used at its last result.
    pub(super) totals: Totals,
}

/// Whole numbers only: they survive JSON exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Totals {
    pub(super) tokens: [u64; 4],
    pub(super) cost_nanodollars: u64,
}

/// What a control request of ours was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    Initialize,
    Interrupt,
    SetModel,
    SetPermissionMode,
    ContextUsage,
    StopTask,
    Rename,
}

/// A message of the model, from its first line to its end and until the next one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    /// The sub-agent that speaks.
    pub(super) parent: Option<String>,
    pub(super) id: String,
    pub(super) model: Option<String>,
    /// It came with a `message_start`, so it ends with a `message_stop`.
    pub(super) streamed: bool,
    /// Blocks whose text came in pieces and not yet as a whole.
    pub(super) pending: Vec<Piece>,
    /// How many of its blocks came as a whole.
    pub(super) whole: u64,
    pub(super) aborted: bool,
    /// Its end was told.
    pub(super) done: bool,
}

/// A block that comes in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) index: u64,
    pub(super) thinking: bool,
}

impl Message {
    /// Takes note of a block that comes in pieces; true when it was not known.
    pub(super) fn note(&mut self, piece: Piece) -> bool {
        let new = !self.pending.contains(&piece) && self.pending.len() < MOST;
        if new {
            self.pending.push(piece);
        }
        new
    }
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            version: VERSION,
            ..Self::default()
        }
    }

    pub(super) fn read(json: &str) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(json)?;
        if version != VERSION {
            return Err(StateError::Version {
                found: version,
                known: VERSION,
            });
        }
        Ok(serde_json::from_str(json)?)
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The newest message of a speaker.
    pub(super) fn message(&mut self, parent: Option<&str>) -> Option<&mut Message> {
        self.messages
            .iter_mut()
            .find(|message| message.parent.as_deref() == parent)
    }

    /// Makes room for one more entry.
    pub(super) fn bound(&mut self) {
        if self.messages.len() >= MOST
            && let Some(oldest) = self
                .messages
                .iter()
                .position(|message| message.parent.is_some())
        {
            self.messages.remove(oldest);
        }
        for map in [
            &mut self.nested_calls,
            &mut self.agents,
            &mut self.background,
        ] {
            if map.len() >= MOST {
                map.pop_first();
            }
        }
        if self.outstanding.len() >= MOST {
            self.outstanding.pop_first();
        }
        if self.replies.len() >= MOST {
            self.replies.remove(0);
        }
    }

    /// The call of the sub-agent that makes a call. The line with the call itself may come after what is asked about it.
    pub(super) fn owner(&self, call: Option<&str>, agent: Option<&str>) -> Option<ToolCallId> {
        let known = call.and_then(|call| self.nested_calls.get(call));
        known
            .or_else(|| self.agents.get(agent?))
            .map(|owner| ToolCallId::from(owner.as_str()))
    }
}
