//! All moments at which something is due.

use std::time::Duration;

use betcode_core::time::Timestamp;

use super::due::Due;
use super::{AFTER_RESET, BY_HAND, Hold, IDLE, Network, Phase, Planner, STALE, UNWATCHED, WATCHED};

impl Planner {
    /// When to call [`Planner::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let flight = self.flight.as_ref().map(|flight| flight.deadline.at);
        let login = match &self.phase {
            Phase::Fine => None,
            Phase::Confirming { until, .. } => Some(until.at),
            Phase::LoginNeeded { look, .. } => look.map(|look| look.at),
        };
        let stale = self.good_until().filter(|_| self.published.is_ok());
        let wanted = self.wanted().filter(|_| self.flight.is_none());
        [flight, login, stale, wanted].into_iter().flatten().min()
    }

    /// When a pull is to start.
    pub(super) fn wanted(&self) -> Option<Timestamp> {
        let can_start = self.phase == Phase::Fine && self.network != Network::Down;
        if !can_start || self.hold == Hold::Parked {
            return None;
        }
        let due = self.due.map(|due| due.at);
        let wanted = due.into_iter().chain(self.reset_due()).min()?;
        match self.hold {
            Hold::Until(due) => Some(wanted.max(due.at)),
            Hold::None | Hold::Parked => Some(wanted),
        }
    }

    /// After the next reset of a window, once.
    fn reset_due(&self) -> Option<Timestamp> {
        let last = self.last.map(|(_, at)| at);
        let resets = self.memory.readings.iter().filter_map(|it| it.resets_at);
        let due = resets
            .map(|at| at.plus(AFTER_RESET))
            .filter(|at| last.is_none_or(|last| last < *at))
            .min()?;
        Some(due.max(last.map_or(due, |last| last.plus(BY_HAND))))
    }

    /// A pull is wanted, so long after the last one at the earliest.
    pub(super) fn want(&mut self, now: Timestamp, floor: Duration) {
        let at = self.last.map_or(now, |(_, last)| last.plus(floor).max(now));
        self.schedule(now, at.since(now));
    }

    /// A pull is wanted after this time, or when one was wanted already.
    pub(super) fn schedule(&mut self, now: Timestamp, delay: Duration) {
        let due = Due::after(now, delay);
        if self.due.is_none_or(|before| before.at > due.at) {
            self.due = Some(due);
        }
    }

    /// The interval while something changes.
    pub(super) const fn base(&self) -> Duration {
        if self.watched { WATCHED } else { UNWATCHED }
    }

    /// The next interval: it grows while nothing changes.
    pub(super) fn step(&mut self, changed: bool) -> Duration {
        self.interval = if changed {
            self.base()
        } else {
            (self.interval * 2).clamp(self.base(), IDLE)
        };
        self.interval
    }

    /// Until when the readings that are here say something about now.
    pub(super) fn good_until(&self) -> Option<Timestamp> {
        let readings = self.memory.readings.iter();
        let until = readings.map(|reading| {
            let stale = reading.observed_at.plus(STALE);
            reading.resets_at.map_or(stale, |at| at.min(stale))
        });
        until.max()
    }

    /// Nothing was later than now, and no delay is longer than it was chosen: the clock may have been set back.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.memory.readings.not_after(now);
        self.memory.cooldowns.settle(now);
        if let Some((_, last)) = &mut self.last {
            *last = (*last).min(now);
        }
        if let Some(flight) = &mut self.flight {
            flight.deadline.settle(now);
        }
        if let Some(due) = &mut self.due {
            due.settle(now);
        }
        if let Hold::Until(due) = &mut self.hold {
            due.settle(now);
        }
        self.rests.values_mut().for_each(|due| due.settle(now));
        match &mut self.phase {
            Phase::Fine => {}
            Phase::Confirming { until, .. } => until.settle(now),
            Phase::LoginNeeded { look, .. } => {
                if let Some(look) = look {
                    look.settle(now);
                }
            }
        }
    }
}
