//! The agent's silence as the actor sees it: what was read last, and what waits to be read. What follows from silence is
//! decided by the session machine.

use std::time::Duration;

use super::Actor;

impl Actor {
    /// Takes note of what is expected of the agent now.
    pub(super) fn watch_silence(&mut self) {
        let clock = self.machine.clock();
        self.silence
            .watch(&self.session, &self.progress, || clock.uptime());
    }

    /// When something follows from the agent's silence, in real time since the daemon's start.
    pub(super) fn silence_due(&self) -> Option<Duration> {
        if self.life.is_stopping() {
            return None;
        }
        self.silence.due(&self.session, &self.progress, &self.terms)
    }

    /// The agent has written something, not even a line perhaps.
    pub(super) fn heard(&mut self) {
        self.silence.heard(self.machine.clock().uptime());
        let drafts = self.session.speaks(&self.progress);
        if !drafts.is_empty() {
            let now = self.now();
            self.record(drafts, now);
        }
    }

    pub(super) fn silent(&mut self) {
        let uptime = self.machine.clock().uptime();
        // It speaks, and is not read because the log cannot take more.
        if self.host.has_unread() || !self.can_read() {
            return self.silence.heard(uptime);
        }
        let now = self.now();
        let (progress, silence) = (&mut self.progress, &self.silence);
        let drafts = self
            .session
            .silent(progress, silence, &self.terms, now, uptime);
        self.record(drafts, now);
    }
}
