//! How long a token rests: after being asked too often, and between calls over HTTP.
//!
//! A rest belongs to a token and not to a source: whoever asks with the token prolongs what the service holds against it. A
//! new login has a new token, and so none of the rests of the old one.
//!
//! Laws: a rest is never shorter than the service asked for, up to a day; a call over HTTP is noted before it is made.

use std::time::Duration;

use betcode_core::backoff::Backoff;
use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::due::Due;
use crate::failure::RetryAfter;

/// Between two calls over HTTP with one token.
pub const HTTP_EVERY: Duration = Duration::from_mins(5);
/// Nobody rests longer than this, whatever the service says.
const LONGEST: Duration = Duration::from_hours(24);
/// More tokens than this are not remembered.
const MOST_TOKENS: usize = 8;

/// Of sources without a ladder of their own.
const STANDARD: &[Duration] = &[
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// Of the endpoint, when it says how long.
const TOLD: &[Duration] = &[
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(20),
    Duration::from_mins(40),
    Duration::from_hours(1),
];
/// Of the endpoint, when it does not say how long: retrying inside its window prolongs the window.
const UNTOLD: &[Duration] = &[
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(6),
];

/// What is remembered of one token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cooldown {
    token: String,
    until: Option<Due>,
    /// The next call over HTTP.
    http_from: Option<Due>,
    /// How often in a row the endpoint refused.
    http_refusals: usize,
    /// How often in a row another source refused.
    refusals: usize,
    /// The person was told.
    pub(super) told: bool,
}

impl Cooldown {
    /// When a source may be asked, as far as this token goes.
    pub(super) fn free_from(&self, http: bool) -> Option<Timestamp> {
        let http_from = self.http_from.filter(|_| http);
        self.until.max_by_at(http_from).map(|due| due.at)
    }

    /// Until when it rests because it was asked too often.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until.map(|due| due.at)
    }

    /// A call over HTTP begins. Gives what held before, for [`Cooldown::uncall`].
    pub(super) fn call(&mut self, now: Timestamp) -> Option<Due> {
        self.http_from.replace(Due::after(now, HTTP_EVERY))
    }

    /// The call never came to the other side.
    pub(super) const fn uncall(&mut self, before: Option<Due>) {
        self.http_from = before;
    }

    /// The endpoint refused.
    pub(super) fn http_refused(&mut self, now: Timestamp, retry_after: RetryAfter) -> Timestamp {
        let rungs = match retry_after {
            RetryAfter::Wait(_) => TOLD,
            RetryAfter::Absent | RetryAfter::Zero => UNTOLD,
        };
        let rung = Backoff::ladder(rungs, self.http_refusals).next(0);
        self.http_refusals = self.http_refusals.saturating_add(1);
        self.rest(now, rung, retry_after)
    }

    /// Another source refused. The ladder is short; behind it `interval` is waited, and it says so by the second value.
    pub(super) fn refused(
        &mut self,
        now: Timestamp,
        retry_after: RetryAfter,
        interval: Duration,
    ) -> (Timestamp, bool) {
        let is_exhausted = self.refusals >= STANDARD.len();
        let rung = if is_exhausted {
            interval
        } else {
            Backoff::ladder(STANDARD, self.refusals).next(0)
        };
        self.refusals = self.refusals.saturating_add(1);
        (self.rest(now, rung, retry_after), is_exhausted)
    }

    fn rest(&mut self, now: Timestamp, rung: Duration, retry_after: RetryAfter) -> Timestamp {
        let wait = rung
            .max(retry_after.wait().unwrap_or_default())
            .min(LONGEST);
        let until = Due::after(now, wait);
        self.until = self.until.max_by_at(Some(until));
        self.until.map_or(until.at, |due| due.at)
    }

    /// It answered.
    pub(super) const fn served(&mut self) {
        self.until = None;
        self.http_refusals = 0;
        self.refusals = 0;
        self.told = false;
    }

    fn settle(&mut self, now: Timestamp) {
        let both = [&mut self.until, &mut self.http_from];
        both.into_iter().flatten().for_each(|due| due.settle(now));
    }
}

/// What is remembered of tokens, the last one last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Cooldowns(Vec<Cooldown>);

impl Cooldowns {
    pub(super) fn get(&self, token: &str) -> Option<&Cooldown> {
        self.0.iter().find(|it| it.token == token)
    }

    pub(super) fn of(&mut self, token: &str) -> &mut Cooldown {
        let found = self.0.iter().position(|it| it.token == token);
        let cooldown = found.map(|at| self.0.remove(at)).unwrap_or(Cooldown {
            token: token.to_owned(),
            ..Cooldown::default()
        });
        if self.0.len() >= MOST_TOKENS {
            self.0.remove(0);
        }
        self.0.push_mut(cooldown)
    }

    pub(super) fn settle(&mut self, now: Timestamp) {
        self.0.iter_mut().for_each(|it| it.settle(now));
    }
}

/// The later of two moments that may be absent.
trait Later {
    fn max_by_at(self, other: Self) -> Self;
}

impl Later for Option<Due> {
    fn max_by_at(self, other: Self) -> Self {
        self.into_iter().chain(other).max_by_key(|due| due.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(waits: &[(Timestamp, Timestamp)]) -> Vec<u64> {
        let waits = waits.iter();
        waits
            .map(|(from, to)| to.since(*from).as_secs() / 60)
            .collect()
    }

    fn refuse(retry_after: RetryAfter, times: usize) -> Vec<u64> {
        let mut cooldown = Cooldown::default();
        let mut now = Timestamp(0);
        let mut waits = Vec::new();
        for _ in 0..times {
            let until = cooldown.http_refused(now, retry_after);
            waits.push((now, until));
            now = until;
        }
        minutes(&waits)
    }

    #[test]
    fn an_endpoint_that_says_how_long_is_waited_for_five_minutes_to_an_hour() {
        let short = RetryAfter::Wait(Duration::from_secs(272));
        assert_eq!(refuse(short, 6), [5, 10, 20, 40, 60, 60]);
        let long = RetryAfter::Wait(Duration::from_mins(52));
        assert_eq!(refuse(long, 6), [52, 52, 52, 52, 60, 60]);
        let mad = RetryAfter::Wait(Duration::MAX);
        assert_eq!(refuse(mad, 1), [24 * 60]);
    }

    #[test]
    fn an_endpoint_that_does_not_is_waited_for_half_an_hour_to_six() {
        for retry_after in [RetryAfter::Absent, RetryAfter::Zero] {
            assert_eq!(refuse(retry_after, 6), [30, 60, 120, 240, 360, 360]);
        }
    }

    #[test]
    fn others_are_retried_four_times_and_then_at_the_interval() {
        let mut cooldown = Cooldown::default();
        let interval = Duration::from_mins(10);
        let mut now = Timestamp(0);
        let mut waits = Vec::new();
        for _ in 0..6 {
            let (until, is_exhausted) = cooldown.refused(now, RetryAfter::Absent, interval);
            waits.push((until.since(now).as_secs(), is_exhausted));
            now = until;
        }
        let expected = [1, 2, 4, 8, 600, 600].map(|seconds| (seconds, seconds > 8));
        assert_eq!(waits, expected);
        cooldown.served();
        let told = RetryAfter::Wait(Duration::from_mins(5));
        assert_eq!(
            cooldown.refused(Timestamp(0), told, interval).0,
            Timestamp(300_000_000)
        );
    }

    #[test]
    fn a_rest_is_never_shortened_by_another_refusal() {
        let mut cooldown = Cooldown::default();
        let long = cooldown.http_refused(Timestamp(0), RetryAfter::Absent);
        let (until, _) = cooldown.refused(Timestamp(0), RetryAfter::Absent, Duration::ZERO);
        assert_eq!(until, long);
    }

    #[test]
    fn the_oldest_token_is_forgotten_first() {
        let mut cooldowns = Cooldowns::default();
        for token in 0..=MOST_TOKENS {
            cooldowns.of(&token.to_string());
        }
        assert_eq!(cooldowns.get("0"), None);
        assert!(cooldowns.get("1").is_some());
        assert_eq!(cooldowns.0.len(), MOST_TOKENS);
    }
}
