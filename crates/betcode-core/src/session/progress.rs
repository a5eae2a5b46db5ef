//! What the agent has said that is no event yet. It is kept with the parser's state in the checkpoint, so it has exactly
//! the age of the log: whatever is read again after a crash builds it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::TurnComplete;
use crate::id::{MessageId, ToolCallId};
use crate::time::Timestamp;

/// What the agent has said that is no event yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any may hold with any other"
)]
pub struct Progress {
    /// The outcome of the running turn; the turn ends when the agent is idle.
    pub result: Option<Box<TurnComplete>>,
    /// The agent has begun to work on the running turn.
    pub worked: bool,
    /// It is an agent that says what becomes of messages.
    pub reports: bool,
    /// Messages that the agent says it has.
    pub taken: BTreeSet<MessageId>,
    /// Messages that the agent says it has and has not begun with.
    pub waiting: BTreeSet<MessageId>,
    /// When the open tool calls began.
    pub tools: BTreeMap<ToolCallId, Timestamp>,
    /// How long the agent means to wait before it tries again.
    pub retry_delay_ms: Option<u64>,
    /// The model's service refused the agent's login: the turn was stopped, because trying again cannot help.
    pub login_refused: bool,
    /// From when on the limits of the agent's plan let requests through again. It outlives the turn: the agent says it once.
    pub served_from: Option<Timestamp>,
    /// It has said what it is, so it listens.
    pub ready: bool,
    /// How long it had been silent when its turn was interrupted because of that.
    pub stalled_ms: Option<u64>,
}

impl Progress {
    /// The turn is over: what it leaves behind is taken out.
    pub(super) fn end_turn(&mut self) -> Self {
        let next = Self {
            served_from: self.served_from,
            ready: self.ready,
            reports: self.reports,
            ..Self::default()
        };
        std::mem::replace(self, next)
    }
}
