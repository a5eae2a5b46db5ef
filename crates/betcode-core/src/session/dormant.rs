//! A session in which nothing happens unless somebody asks: it need not be in memory. Who watches it, and what is about to be
//! recorded, is not known here.
//!
//! Laws:
//! - however much time passes, nothing becomes due in a dormant session;
//! - folded anew from its log it decides as before: what is in no log (who is attached, what the agent was about to say, how long
//!   it has been silent) makes no difference.

use super::{AgentState, Session};
use crate::steady::Hold;

impl Session {
    /// True when it may be forgotten and folded from its log when somebody asks for it: no agent, no turn, no message in the
    /// queue, nobody who waits or is waited for, nothing left to be written, and the input lock is free, because for how long
    /// a holder has been away is known in memory alone.
    pub fn is_dormant(&self) -> bool {
        self.agent == AgentState::Absent
            && self.turn.is_none()
            && !self.is_unsettled()
            && self.requests.is_empty()
            && self.requests.unwritten().next().is_none()
            && self.lock.holder().is_none()
            && self.lock.asking().is_empty()
            && self.next_deadline(Hold::default()).is_none()
    }
}
