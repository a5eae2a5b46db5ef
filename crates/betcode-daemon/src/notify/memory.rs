//! What is remembered over a restart, as it is written down.

use std::collections::{BTreeMap, BTreeSet};

use betcode_core::id::{IdempotencyKey, LogEpoch, RequestId, Sequence, SessionId};
use betcode_core::notify::{Choice, MEMORY, NotificationId, Notify};
use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// Of which log the cursor is.
    pub(super) epoch: Option<LogEpoch>,
    /// Entries of the feed up to this one have been taken.
    pub(super) cursor: Sequence,
    /// What is told.
    pub(super) notify: Notify,
    /// Sessions whose trouble is known: told, or seen by somebody who was there.
    pub(super) troubled: BTreeSet<SessionId>,
    /// What was chosen, under which key.
    pub(super) acted: BTreeMap<IdempotencyKey, Acted>,
}

/// A choice that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Acted {
    pub(super) id: NotificationId,
    pub(super) choice: Choice,
    pub(super) session: Option<SessionId>,
    /// The request that it answers.
    pub(super) request: Option<RequestId>,
    pub(super) at: Timestamp,
}

impl Memory {
    /// True when nothing is remembered here that is not remembered there. How far the feed was read does not count: to read on
    /// from an earlier entry comes to the same.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.notify == other.notify
            && self.troubled == other.troubled
            && self.acted == other.acted
            && self.epoch == other.epoch
    }

    /// Forgets choices of long ago.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.acted.retain(|_, acted| now.since(acted.at) < MEMORY);
    }
}
