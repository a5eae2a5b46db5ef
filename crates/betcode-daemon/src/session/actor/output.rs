//! The agent's output: from spool bytes to recorded events.

use std::io::ErrorKind;

use betcode_core::event::EventBody;
use betcode_core::observation::{Observation, Observations};
use betcode_core::time::Timestamp;
use betcode_proto::convert::reading::SessionReading;
use betcode_proto::v1::feed_entry;

use super::{Actor, Life};

/// While a batch of this size waits for the store, nothing more is read: the host's window then holds the agent back.
const BATCH_LIMIT: usize = 512 * 1024;

impl Actor {
    /// True when more of the agent's output may be taken in.
    pub(super) fn can_read(&self) -> bool {
        self.batch.events.len() < BATCH_LIMIT
            && (!self.life.is_stopping() || self.life == Life::StoppingAgent)
    }

    /// Takes in one chunk of what the spool holds.
    pub(super) fn read_output(&mut self) {
        let mut seen = Observations::new();
        let parser = &mut self.parser;
        let lines = match self.host.read_lines(|line| parser.line(line, &mut seen)) {
            Ok(lines) => lines,
            Err(error) if error.kind() == ErrorKind::NotFound => return self.output_gone(),
            Err(error) => {
                tracing::error!(session = %self.log.id(), %error, "the spool of an agent cannot be read");
                self.pause();
                return;
            }
        };
        self.take_observations(seen);
        for reply in self.parser.replies() {
            self.frame(reply, None);
        }
        if lines.lost > 0 {
            let text = format!(
                "{} bytes of what the agent said are lost: its output and the log are not of the same time",
                lines.lost
            );
            let now = self.now();
            self.record(vec![EventBody::Notice { text }.into()], now);
        }
        if let Some(taken) = lines.taken {
            self.batch.taken = Some(taken);
        }
    }

    /// The host lives, and what it has written was removed: what the agent does meanwhile would be in no log. It is ended like one
    /// that has died, and its turn goes on with another one if it can.
    fn output_gone(&mut self) {
        let Some(place) = self.host.give_up() else {
            return;
        };
        let place = place.display();
        tracing::error!(session = %self.log.id(), %place, "what an agent has said was removed; its host is ended");
        let text = format!(
            "what the agent has said is not in {place} any more: somebody has removed it. The agent is ended"
        );
        let now = self.now();
        self.record(vec![EventBody::Notice { text }.into()], now);
    }

    /// The agent is gone, and everything that it said is taken in: what it was saying ends here.
    pub(super) fn end_messages(&mut self) {
        let mut seen = Observations::new();
        self.parser.ended(&mut seen);
        self.take_observations(seen);
    }

    fn take_observations(&mut self, mut seen: Observations) {
        let now = self.now();
        for observed in seen.take() {
            self.feed_reading(&observed.observation, now);
            self.context_said(&observed.observation);
            let ruling = self.ruling_on(&observed.observation);
            let announced = match &observed.observation {
                Observation::ToolAnnounced(request) => Some(request.id.clone()),
                _ => None,
            };
            let (progress, terms) = (&mut self.progress, &self.terms);
            let drafts = self
                .session
                .observe(progress, terms, now, observed, &ruling);
            self.record(drafts, now);
            if let Some(id) = announced {
                self.let_proceed(id, &ruling);
            }
        }
    }

    /// What the agent says about its plan goes to the machine's feed: in the transaction of the checkpoint behind it, so that
    /// it is there once, whatever dies.
    fn feed_reading(&mut self, observation: &Observation, now: Timestamp) {
        if let Observation::PlanUsage(reading) = observation {
            let info = self.session.info();
            let entry = SessionReading {
                session_id: self.log.id(),
                agent: info.agent.clone(),
                account: info.account.clone(),
                observed_at: now,
                reading: (**reading).clone(),
            };
            self.batch
                .feed
                .push(feed_entry::Body::UsageReading(entry.into()));
        }
    }
}
