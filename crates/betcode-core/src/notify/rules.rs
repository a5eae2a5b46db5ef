//! When somebody wants to be left alone: switches, hours, a switch for all of it, and pauses.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::{Class, Kind};
use crate::time::Timestamp;

/// A minute of the day, from 0 to 1439.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Minute(pub u16);

const DAY: i64 = 24 * 60;

impl Minute {
    /// Reads `22:30`.
    pub fn read(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let is_number = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(hours) || !is_number(minutes) {
            return None;
        }
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(Self(hours * 60 + minutes))
    }
}

/// A time of every day in which nothing is shown. One that ends before it begins goes over midnight; one that ends when it
/// begins lasts all day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Its first minute.
    pub from: Minute,
    /// The first minute after it.
    pub to: Minute,
}

impl Hours {
    /// Reads `22:00-07:30`.
    pub fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        Some(Self {
            from: Minute::read(from.trim())?,
            to: Minute::read(to.trim())?,
        })
    }

    /// When it ends, if this moment is in it. `offset` is how far the local time is ahead of UTC, in seconds.
    fn end(self, now: Timestamp, offset: i32) -> Option<Timestamp> {
        let local = now.0.saturating_add(i64::from(offset) * 1_000_000);
        let minute = local.div_euclid(60_000_000);
        let (from, to) = (i64::from(self.from.0), i64::from(self.to.0));
        let length = match (to - from).rem_euclid(DAY) {
            0 => DAY,
            length => length,
        };
        let since = (minute.rem_euclid(DAY) - from).rem_euclid(DAY);
        (since < length).then(|| {
            let left = (minute + length - since).saturating_mul(60_000_000) - local;
            now.plus(Duration::from_micros(u64::try_from(left).unwrap_or(0)))
        })
    }
}

/// What the user has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Kinds that are not told at all.
    pub off: BTreeSet<Kind>,
    /// When nothing is shown.
    pub quiet: Vec<Hours>,
    /// Nothing is shown until this is switched off.
    pub focus: bool,
    /// A pause does not hold back permissions and questions.
    pub waiting_passes_snooze: bool,
    /// Quiet hours and focus do not hold back a critical usage, an expired token and an error.
    pub critical_passes_quiet: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            off: BTreeSet::new(),
            quiet: Vec::new(),
            focus: false,
            waiting_passes_snooze: true,
            critical_passes_quiet: false,
        }
    }
}

/// Until when something is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    /// Not at all.
    No,
    /// Until this moment.
    Until(Timestamp),
    /// Until something is switched.
    Open,
}

impl Rules {
    /// How long hours and focus hold back this kind.
    pub(super) fn holds(&self, kind: Kind, now: Timestamp, offset: i32) -> Held {
        let is_critical = matches!(
            kind,
            Kind::UsageCritical | Kind::TokenExpired | Kind::SessionError
        );
        if is_critical && self.critical_passes_quiet {
            return Held::No;
        }
        if self.focus {
            return Held::Open;
        }
        let ends = self.quiet.iter().filter_map(|hours| hours.end(now, offset));
        ends.max().map_or(Held::No, Held::Until)
    }
}

/// A pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// When it ends; none: with the next reset of a quota.
    pub until: Option<Timestamp>,
}

impl Snooze {
    /// How long it holds back this kind.
    pub(super) fn holds(self, kind: Kind, rules: &Rules, now: Timestamp) -> Held {
        if kind.class() == Class::Waiting && rules.waiting_passes_snooze {
            return Held::No;
        }
        match self.until {
            Some(until) if until <= now => Held::No,
            Some(until) => Held::Until(until),
            None => Held::Open,
        }
    }
}
