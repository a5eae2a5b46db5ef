//! What is due at which time. Nothing here ticks: the poll sleeps until the next of these, or for ever.

use std::time::Instant;

use super::{Agent, DRAIN, GRACE, Host, PATIENCE, tree};

impl Host {
    /// When the host has to wake although nothing happens.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let agent = match &self.agent {
            Agent::Running { kill_at: None } => self.orphaned_at(),
            Agent::Running { kill_at } => *kill_at,
            // A window that is shut or a disk that is full may hold the end back for as long as it takes.
            Agent::Ended { drain_until, .. } => {
                let is_waiting =
                    self.retry_at.is_none() && (self.stdout.at_end() || self.is_reading());
                is_waiting.then_some(*drain_until)
            }
            Agent::Done { since, .. } => {
                self.current.is_none().then_some(self.patient_until(*since))
            }
        };
        agent.into_iter().chain(self.retry_at).min()
    }

    /// Until when a host whose agent is done waits for a daemon that is on its way.
    pub(super) fn patient_until(&self, since: Instant) -> Instant {
        since.max(self.alone_since) + PATIENCE
    }

    fn orphaned_at(&self) -> Option<Instant> {
        if self.current.is_some() {
            None
        } else {
            self.alone_since.checked_add(self.orphan_limit)
        }
    }

    fn is_reading(&self) -> bool {
        self.stdout.poll(self.current.is_some()).is_some()
    }

    pub(super) fn on_time(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|due| now >= due) {
            self.retry_at = None;
            if self.stdout.is_stuck() {
                let complete = self.stdout.retry().is_ok();
                self.after_spooling(complete, now);
            }
        }
        match &mut self.agent {
            Agent::Running { kill_at: Some(due) } if now >= *due => {
                tree::kill_all(self.pid);
                // A process that was forked meanwhile is met by the next round.
                *due = now + DRAIN;
            }
            Agent::Running { kill_at: None } => {
                if self.orphaned_at().is_some_and(|due| now >= due) {
                    self.stop(GRACE, now);
                }
            }
            Agent::Ended { drain_until, .. } if now >= *drain_until => {
                if self.is_reading() {
                    let result = self.stdout.read();
                    if matches!(result, Ok(false)) {
                        self.stdout.give_up();
                    }
                    self.after_spooling(result.is_ok(), now);
                }
            }
            Agent::Running { .. } | Agent::Ended { .. } | Agent::Done { .. } => {}
        }
    }
}
