//! When there is something to do though nothing comes.

use std::time::Duration;

use tokio::time::Instant;

use super::engine::Engine;
use super::progress::Shown;
use super::{Client, FRAME};

impl Client {
    /// What is asked takes answers only after everything was taken in that had been typed by then: whoever reads keys may have
    /// been kept from it.
    pub(super) fn hear(&mut self) {
        let now = (self.engine.clock)();
        if self.engine.model.listens_at(now) && !self.tty.is_readable() && self.incoming.is_empty()
        {
            self.engine.model.heard = now;
        }
    }

    /// When there is something to do though nothing comes.
    pub(super) fn due(&self) -> Option<Instant> {
        let wake = until(&self.engine);
        // Another frame can be drawn.
        let next = self.writer.idle().then(|| self.drawn + FRAME);
        let frame = next.filter(|_| self.dirty && !self.parking.waits(Instant::now()));
        let progress = self.progress.as_ref().and_then(Shown::due);
        let parking = self.parking.due().and_then(|due| Some(due.max(next?)));
        [wake, frame, progress, parking].into_iter().flatten().min()
    }
}

/// When something changes by itself.
pub(super) fn until(engine: &Engine) -> Option<Instant> {
    engine.model.deadline().map(|moment| {
        let wait = moment.since((engine.clock)());
        Instant::now() + wait.max(Duration::from_millis(1))
    })
}

pub(super) fn far() -> Instant {
    Instant::now() + Duration::from_hours(24)
}
