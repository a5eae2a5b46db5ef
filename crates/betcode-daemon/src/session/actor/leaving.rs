//! When an actor leaves memory: its session is dormant, nobody watches, and nothing is under way here. It stays a while, because
//! who has just asked often asks again.
//!
//! Law: what this looks at is either in the log or means that the actor stays; the rest (rules that were read, keys that were
//! accepted) is read again by whoever comes next.

use std::time::Duration;

use super::Actor;
use super::hosting::Host;

impl Actor {
    /// True when nothing of the session is here alone.
    fn is_free(&self) -> bool {
        let nobody = self.readers == 0 && !self.presence.is_anybody_here();
        let nothing_waits = self.waiting.is_empty() && self.context_asked.is_empty();
        let nothing_recorded = self.in_flight.is_none() && self.batch.is_empty();
        self.exists
            && nobody
            && nothing_waits
            && nothing_recorded
            && self.pause.is_none()
            && !self.life.is_stopping()
            && matches!(self.host, Host::None)
            && self.session.is_dormant()
    }

    /// Takes note of since when it has been free. Called between two steps.
    pub(super) fn watch_leaving(&mut self) {
        self.free_since = match self.free_since {
            _ if !self.is_free() => None,
            None => Some(self.machine.clock().uptime()),
            since => since,
        };
    }

    /// When it may leave, in real time since the daemon's start.
    pub(super) fn leaves_at(&self) -> Option<Duration> {
        let stays = self.machine.settings().stays_in_memory;
        self.free_since.map(|since| since + stays)
    }

    /// Leaves, unless somebody has just come.
    pub(super) fn leave(&mut self) {
        let (mailbox, heard) = (&self.mailbox, &self.heard);
        let free = || mailbox.is_empty() && heard.is_empty();
        if self.machine.put_away(self.log.id(), free) {
            self.life.stop();
        } else {
            // Who holds it up does not say when it ends: asked again after the same time.
            self.free_since = None;
        }
    }
}
