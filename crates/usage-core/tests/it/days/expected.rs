//! Which alerts there must be: a second, simpler way to find out, from the true numbers of the windows.

use std::collections::HashMap;

use betcode_core::time::Timestamp;
use usage_core::alert::AlertKind;
use usage_core::reading::{Kind, Reading};

use super::service::Service;

#[derive(Debug, Clone)]
struct Seen {
    number: u64,
    at: Timestamp,
    percent: f64,
    warned: bool,
    critical: bool,
}

/// What was seen, and what had to be said.
#[derive(Debug, Default)]
pub(super) struct Expected {
    seen: HashMap<Kind, Seen>,
    pub(super) alerts: Vec<(Kind, AlertKind)>,
}

/// A state to come back to.
pub(super) struct Mark {
    seen: HashMap<Kind, Seen>,
    alerts: usize,
}

impl Expected {
    pub(super) fn mark(&self) -> Mark {
        Mark {
            seen: self.seen.clone(),
            alerts: self.alerts.len(),
        }
    }

    pub(super) fn back_to(&mut self, mark: &Mark) {
        self.seen.clone_from(&mark.seen);
        self.alerts.truncate(mark.alerts);
    }

    pub(super) fn see(&mut self, now: Timestamp, readings: &[Reading], service: &Service) {
        for reading in readings.iter().filter(|it| !it.is_over(now)) {
            self.see_one(reading, service.number(reading));
        }
    }

    fn see_one(&mut self, reading: &Reading, number: u64) {
        let (kind, percent) = (reading.kind, reading.percent.get());
        let is_first = !self.seen.contains_key(&kind);
        let seen = self.seen.entry(kind).or_insert(Seen {
            number,
            at: reading.observed_at,
            percent: 0.0,
            warned: is_first && percent >= 75.0,
            critical: false,
        });
        if reading.observed_at < seen.at {
            return;
        }
        if seen.number != number {
            // What is used again by now is not fresh.
            if seen.percent >= 50.0 && percent < 50.0 {
                self.alerts.push((kind, AlertKind::Reset));
            }
            (seen.number, seen.warned, seen.critical) = (number, false, false);
        }
        (seen.at, seen.percent) = (reading.observed_at, percent);
        if percent >= 90.0 && !seen.critical {
            (seen.warned, seen.critical) = (true, true);
            self.alerts.push((kind, AlertKind::Critical));
        } else if percent >= 75.0 && !seen.warned {
            seen.warned = true;
            self.alerts.push((kind, AlertKind::Warning));
        }
    }
}
