//! Calls of tools that have begun. Not the place that says what a running tool does to the session's status.
//!
//! Laws:
//! - a call that has begun gets exactly one result: its own, or one that says that it was lost and that nobody knows whether
//!   it took effect;
//! - no call outlives its agent, and none of the main conversation its turn; a sub-agent in the background goes on working,
//!   and its calls with it;
//! - a result that comes after that (an agent that takes up its conversation again may report it) is not given a second time.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::observe::nested;
use crate::event::{Draft, EventBody};
use crate::id::ToolCallId;

/// How many ended calls are remembered, for results that come late.
const REMEMBERED: usize = 128;
/// Sub-agents of sub-agents are followed so far.
const DEEPEST: usize = 16;

/// Why a call has no result of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The agent died.
    Died,
    /// The agent was ended.
    Ended,
    /// The turn ended first.
    TurnEnded,
    /// The session was closed.
    Closed,
}

impl Lost {
    const fn words(self) -> &'static str {
        match self {
            Self::Died => "The agent died while this ran: it is not known whether it took effect.",
            Self::Ended => {
                "The agent was ended while this ran: it is not known whether it took effect."
            }
            Self::TurnEnded => {
                "The turn ended before this had a result: it is not known whether it took effect."
            }
            Self::Closed => {
                "The session was closed while this ran: it is not known whether it took effect."
            }
        }
    }
}

/// The calls that are open, and those that ended lately.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Calls {
    /// Each open call, and the call of the sub-agent that makes it.
    open: BTreeMap<ToolCallId, Option<ToolCallId>>,
    ended: VecDeque<ToolCallId>,
}

impl Calls {
    pub(super) fn began(&mut self, id: &ToolCallId, parent: Option<&ToolCallId>) {
        self.ended.retain(|ended| ended != id);
        self.open
            .entry(id.clone())
            .or_insert_with(|| parent.cloned());
    }

    pub(super) fn ended(&mut self, id: &ToolCallId) {
        self.open.remove(id);
        if self.has_ended(id) {
            return;
        }
        if self.ended.len() >= REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(id.clone());
    }

    /// True for a call that has had its result lately.
    pub(super) fn has_ended(&self, id: &ToolCallId) -> bool {
        self.ended.contains(id)
    }

    /// Logs of earlier versions have calls that never got a result.
    pub(super) fn forget_all(&mut self) {
        self.open.clear();
    }

    pub(super) fn forget_of_turn(&mut self) {
        let of_turn: Vec<_> = self.of_turn().cloned().collect();
        for id in of_turn {
            self.open.remove(&id);
        }
    }

    /// A result for each open call.
    pub(super) fn lose_all(&self, why: Lost) -> Vec<Draft> {
        self.lose(self.open.keys(), why)
    }

    /// A result for each open call that ends with the turn.
    pub(super) fn lose_of_turn(&self) -> Vec<Draft> {
        self.lose(self.of_turn(), Lost::TurnEnded)
    }

    fn of_turn(&self) -> impl Iterator<Item = &ToolCallId> {
        self.open.keys().filter(|id| self.is_of_turn(id))
    }

    /// A call of the main conversation, or of a sub-agent whose own call is still open: one in the background has its result.
    fn is_of_turn(&self, id: &ToolCallId) -> bool {
        let mut call = id;
        for _ in 0..DEEPEST {
            match self.open.get(call) {
                Some(Some(parent)) if parent != call => call = parent,
                Some(_) => return true,
                None => return false,
            }
        }
        false
    }

    fn lose<'a>(&self, calls: impl Iterator<Item = &'a ToolCallId>, why: Lost) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for id in calls {
            let result = EventBody::ToolCallResult {
                id: id.clone(),
                output: why.words().to_owned(),
                is_error: true,
                duration_ms: None,
                diff: Vec::new(),
                attachments: Vec::new(),
            };
            let parent = self.open.get(id).cloned().flatten();
            nested(parent, result, &mut drafts);
        }
        drafts
    }
}
