//! The running turn: from a message of the user until the agent is idle again.

use serde::{Deserialize, Serialize};

use crate::event::TurnPolicy;
use crate::id::MessageId;
use crate::time::Timestamp;

/// A turn that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// When it began.
    pub started: Timestamp,
    /// The messages that it answers; none when the agent began it by itself.
    pub messages: Vec<MessageId>,
    /// What may be done without asking.
    pub policy: TurnPolicy,
    /// Somebody asked that it be stopped.
    pub cancelled: bool,
    /// Tool calls that have begun and not ended.
    pub open_tools: u32,
}

impl Turn {
    /// A turn that begins now.
    pub fn new(started: Timestamp, message: Option<MessageId>, policy: TurnPolicy) -> Self {
        Self {
            started,
            messages: message.into_iter().collect(),
            policy,
            cancelled: false,
            open_tools: 0,
        }
    }
}
