//! Sessions that nobody uses leave memory: their log has everything that they are.
//!
//! States of a session: *away* (in the store alone) → *in use* (a slot with a handle, an actor) → away again.
//!
//! Laws:
//! - it goes away in one step, under the lock under which everybody gets hold of a session: whoever has a handle, a seat or the
//!   log, or is just about to get one, keeps it here; whoever comes later finds nothing, and has it loaded anew;
//! - nothing is with its actor when it goes: nothing to be decided, recorded, or answered. What somebody has sent who did not wait
//!   for the answer counts too;
//! - so a session never has two actors, and nobody is told that it is being closed.

use std::sync::Arc;

use betcode_core::id::SessionId;

use super::{Handle, Machine};

/// The slot's own handle, and no other.
const HANDLES: usize = 1;
/// The slot's handle and the actor have the log, and tell the actor what they hear.
const HOLDERS: usize = 2;

impl Machine {
    /// Puts the session away if nobody but its actor has anything of it, and the actor is `free`. It must end then.
    pub(crate) fn put_away(&self, id: SessionId, free: impl FnOnce() -> bool) -> bool {
        let mut sessions = self.lock();
        let Some(slot) = sessions.get_mut(&id) else {
            return false;
        };
        // Nobody is between looking the slot up and taking a handle out of it.
        let handle = Arc::get_mut(slot).and_then(tokio::sync::OnceCell::get_mut);
        // Who has given its handle back has done so with everything that it has sent.
        let alone = handle.is_some_and(|handle| handle.is_alone()) && free();
        if alone {
            sessions.remove(&id);
        }
        alone
    }

    /// How many sessions are in use.
    pub(crate) fn sessions_in_use(&self) -> usize {
        self.lock().len()
    }
}

impl Handle {
    fn is_alone(&self) -> bool {
        self.mailbox.strong_count() == HANDLES
            && Arc::strong_count(&self.log) == HOLDERS
            && self.audience.holders() == HOLDERS
    }
}

#[cfg(test)]
mod tests;
