//! One window from one reset to the next: how far it is used and what was announced of it.
//!
//! When a new run begins: its reset has moved by more than jitter, and the old one has passed, or the use has fallen a good
//! deal, or it moved by a quarter of the window and the use has fallen at all. A reset that creeps from reading to reading, or that
//! moves while the use rises, belongs to the same run.

use std::time::Duration;

use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Alert, AlertKind, Settings, has_resets};
use crate::reading::{Percent, Reading, Window, same_reset};

/// A use that falls by more than this began anew: otherwise it falls only by rounding.
const FALLEN: f64 = 10.0;
/// Where a length is unknown, resets that are further apart than this are two.
const APART: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// One window from one reset to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// When it was first seen: its name.
    began: Timestamp,
    duration_s: Option<u64>,
    resets_at: Option<Timestamp>,
    percent: Percent,
    /// The most that was seen of it.
    peak: Percent,
    observed_at: Timestamp,
    warned: bool,
    /// Announced as critical.
    critical: bool,
    /// Of the announcements before the reset, those for so many minutes and more are behind it.
    soon_done: Option<u32>,
}

impl Run {
    /// The first run that is seen of a window.
    pub(super) fn first(
        now: Timestamp,
        reading: &Reading,
        settings: &Settings,
    ) -> (Self, Option<Alert>) {
        let mut run = Self::begin(reading);
        run.percent = reading.percent;
        run.peak = reading.percent;
        run.warned = reading.percent >= settings.warning;
        run.skip(now, settings);
        let critical = reading.percent >= settings.critical;
        run.critical = critical;
        let alert = critical.then(|| run.alert(now, &reading.window(), AlertKind::Critical));
        (run, alert)
    }

    fn begin(reading: &Reading) -> Self {
        Self {
            began: reading.observed_at,
            duration_s: reading.duration_s,
            resets_at: reading.resets_at,
            percent: Percent::ZERO,
            peak: Percent::ZERO,
            observed_at: reading.observed_at,
            warned: false,
            critical: false,
            soon_done: None,
        }
    }

    pub(super) const fn observed_at(&self) -> Timestamp {
        self.observed_at
    }

    /// Takes in a reading, which may be of the next run.
    pub(super) fn read(
        &mut self,
        now: Timestamp,
        reading: &Reading,
        settings: &Settings,
    ) -> Vec<Alert> {
        // What was observed while the clock stood in the future would hide everything after it.
        self.observed_at = self.observed_at.min(now);
        if reading.observed_at < self.observed_at {
            return Vec::new();
        }
        let window = reading.window();
        let mut alerts = Vec::new();
        if self.ended_before(reading) {
            // What is used again by now is not fresh.
            let is_fresh = reading.percent < settings.resets_from;
            if has_resets(window.kind) && is_fresh && self.peak >= settings.resets_from {
                let mut reset = self.alert(now, &window, AlertKind::Reset);
                reset.percent = reading.percent;
                reset.resets_at = reading.resets_at;
                alerts.push(reset);
            }
            *self = Self::begin(reading);
        }
        let before = self.percent;
        self.percent = reading.percent;
        if reading.percent > self.peak {
            self.peak = reading.percent;
        }
        self.observed_at = reading.observed_at;
        self.resets_at = reading.resets_at.or(self.resets_at);
        self.duration_s = reading.duration_s;
        if before < settings.resets_from {
            self.skip(now, settings);
        }
        alerts.extend(self.rise(now, &window, before, settings));
        alerts
    }

    /// The most serious threshold that the use has just risen across.
    fn rise(
        &mut self,
        now: Timestamp,
        window: &Window,
        before: Percent,
        settings: &Settings,
    ) -> Option<Alert> {
        let crossed = |at: Percent, done: bool| !done && before < at && self.percent >= at;
        let critical = crossed(settings.critical, self.critical);
        let warning = crossed(settings.warning, self.warned);
        self.critical |= self.percent >= settings.critical;
        self.warned |= self.critical || self.percent >= settings.warning;
        if critical {
            Some(self.alert(now, window, AlertKind::Critical))
        } else if warning {
            Some(self.alert(now, window, AlertKind::Warning))
        } else {
            None
        }
    }

    fn ended_before(&self, reading: &Reading) -> bool {
        let fallen = self.percent.get() - reading.percent.get() > FALLEN;
        let passed = self.resets_at.is_some_and(|it| it <= reading.observed_at);
        let (Some(before), Some(after)) = (self.resets_at, reading.resets_at) else {
            return passed || fallen;
        };
        if same_reset(reading.provider, before, after) {
            return false;
        }
        let far = reading.duration().map_or(APART, |it| it / 4);
        let moved = after.since(before) >= far && reading.percent < self.percent;
        passed || fallen || moved
    }

    /// Time has passed: what is due before the reset, merged into one.
    pub(super) fn pass(
        &mut self,
        now: Timestamp,
        window: &Window,
        settings: &Settings,
    ) -> Option<Alert> {
        if !self.is_worth_a_word(settings) {
            return None;
        }
        let due = self.marks(settings).filter(|(_, at)| *at <= now);
        let nearest = due.map(|(minutes, _)| minutes).min()?;
        self.soon_done = Some(nearest);
        // What the reset has passed over is not worth a word any more.
        let resets_at = self.resets_at.filter(|it| *it > now)?;
        let left = resets_at
            .since(now)
            .as_micros()
            .div_ceil(MINUTE.as_micros());
        let minutes = u32::try_from(left).unwrap_or(nearest);
        let mut alert = self.alert(now, window, AlertKind::ResetSoon { minutes });
        alert.key = self.key(window, &format!("soon-{nearest}"));
        Some(alert)
    }

    /// When something is due next.
    pub(super) fn due(&self, settings: &Settings) -> Option<Timestamp> {
        if !self.is_worth_a_word(settings) {
            return None;
        }
        self.marks(settings).map(|(_, at)| at).min()
    }

    fn is_worth_a_word(&self, settings: &Settings) -> bool {
        self.percent >= settings.resets_from
    }

    /// What is to be announced before the reset and was not: minutes, and when.
    fn marks(&self, settings: &Settings) -> impl Iterator<Item = (u32, Timestamp)> {
        let open = settings
            .soon
            .iter()
            .filter(|minutes| self.soon_done.is_none_or(|done| **minutes < done));
        let resets_at = self.resets_at;
        open.filter_map(move |minutes| Some((*minutes, before(resets_at?, *minutes))))
    }

    /// What was due before anybody could know is not announced late.
    fn skip(&mut self, now: Timestamp, settings: &Settings) {
        let late = self.marks(settings).filter(|(_, at)| *at <= now);
        if let Some(nearest) = late.map(|(minutes, _)| minutes).min() {
            self.soon_done = Some(nearest);
        }
    }

    fn alert(&self, now: Timestamp, window: &Window, kind: AlertKind) -> Alert {
        let what = match kind {
            AlertKind::Reset => "reset",
            AlertKind::ResetSoon { .. } => "soon",
            AlertKind::Warning => "warning",
            AlertKind::Critical => "critical",
        };
        Alert {
            key: self.key(window, what),
            kind,
            window: window.clone(),
            duration_s: self.duration_s,
            percent: self.percent,
            resets_at: self.resets_at,
            at: now,
        }
    }

    fn key(&self, window: &Window, what: &str) -> String {
        format!("{}/{}/{what}", window.slug(), self.began.0)
    }
}

fn before(moment: Timestamp, minutes: u32) -> Timestamp {
    let micros = i64::from(minutes) * 60_000_000;
    Timestamp(moment.0.saturating_sub(micros))
}
