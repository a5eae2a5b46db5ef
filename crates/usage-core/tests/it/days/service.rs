//! A service with windows, tokens and a temper, the network before it, and an agent that renews its token.

use std::collections::HashMap;
use std::time::Duration;

use betcode_core::time::Timestamp;
use usage_core::credentials::{Login, TokenHash, TokenInfo};
use usage_core::failure::{Failure, RetryAfter, Unreachable};
use usage_core::planner::HTTP_EVERY;
use usage_core::reading::{Account, Kind, Origin, Percent, ProviderId, Reading, Source};

use super::{HOUR, MINUTE, SECOND};
use crate::random::Random;

/// One window as it truly is.
#[derive(Debug, Clone)]
struct Window {
    ends: Option<Timestamp>,
    length: i64,
    percent: f64,
    /// How many have ended.
    number: u64,
}

impl Window {
    fn pass(&mut self, now: Timestamp) {
        if self.ends.is_some_and(|ends| ends <= now) {
            self.ends = None;
            self.percent = 0.0;
            self.number += 1;
        }
    }

    fn work(&mut self, now: Timestamp, percent: f64) {
        self.pass(now);
        self.ends.get_or_insert(Timestamp(now.0 + self.length));
        self.percent += percent;
    }
}

pub(super) struct Service {
    session: Window,
    week: Window,
    online: bool,
    /// The agent is logged in, and can renew its token.
    logged_in: bool,
    token: u64,
    expires: Timestamp,
    /// When the endpoint was called last with a token.
    called: HashMap<u64, Timestamp>,
    /// Nobody may ask with a token before.
    forbidden: HashMap<u64, Timestamp>,
    /// The endpoint refuses until then.
    refuses_until: Timestamp,
    /// Which number a window had when it was read.
    numbers: HashMap<(Kind, Timestamp), u64>,
    calls: u64,
    refusals: u64,
    /// Nothing goes wrong any more.
    pub(super) is_calm: bool,
}

impl Service {
    pub(super) fn new(now: Timestamp, random: &mut Random) -> Self {
        let window = |length| Window {
            ends: None,
            length,
            percent: 0.0,
            number: 0,
        };
        let mut service = Self {
            session: window(5 * HOUR),
            week: window(7 * 24 * HOUR),
            online: true,
            logged_in: true,
            token: 0,
            expires: Timestamp(now.0 + 8 * HOUR),
            called: HashMap::new(),
            forbidden: HashMap::new(),
            refuses_until: Timestamp(0),
            numbers: HashMap::new(),
            calls: 0,
            refusals: 0,
            is_calm: false,
        };
        service.work(now, random);
        service
    }

    pub(super) fn pass(&mut self, now: Timestamp) {
        self.session.pass(now);
        self.week.pass(now);
    }

    pub(super) fn work(&mut self, now: Timestamp, random: &mut Random) {
        #[expect(clippy::cast_precision_loss, reason = "it is below a thousand")]
        let percent = random.below(200) as f64 / 10.0;
        self.session.work(now, percent);
        self.week.work(now, percent / 10.0);
    }

    pub(super) const fn is_online(&self) -> bool {
        self.online
    }

    pub(super) const fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }

    pub(super) const fn refusals(&self) -> u64 {
        self.refusals
    }

    pub(super) fn refuse(&mut self, now: Timestamp, random: &mut Random) {
        self.refuses_until = Timestamp(now.0 + random.below(180).cast_signed() * MINUTE);
    }

    pub(super) fn log_out(&mut self, random: &mut Random) {
        self.logged_in = false;
        if random.chance(50) {
            // The token is revoked; it does not look so.
            self.expires = self.expires.max(Timestamp(0));
        } else {
            self.expires = Timestamp(0);
        }
    }

    pub(super) const fn log_in(&mut self, now: Timestamp) {
        self.logged_in = true;
        self.renew(now);
    }

    const fn renew(&mut self, now: Timestamp) {
        self.token += 1;
        self.expires = Timestamp(now.0 + 8 * HOUR);
    }

    pub(super) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.token.to_string())
    }

    pub(super) fn login(&self) -> Login {
        Login::Token(TokenInfo {
            hash: self.hash(),
            expires_at: Some(self.expires),
            scopes: None,
            plan: None,
        })
    }

    /// Somebody begins to ask: is it allowed? Gives the token that is used.
    pub(super) fn asked(&mut self, now: Timestamp, source: Source) -> u64 {
        self.calls += 1;
        let forbidden = self.forbidden.get(&self.token).copied();
        assert!(
            forbidden.is_none_or(|until| until <= now),
            "{source:?} asked at {now} with a token that rests until {forbidden:?}"
        );
        if source == Source::OauthUsage && self.online {
            assert!(self.expires > now, "an expired token was used");
            let before = self.called.insert(self.token, now);
            assert!(
                before.is_none_or(|before| now.since(before) >= HTTP_EVERY),
                "called at {before:?} and at {now}"
            );
        }
        self.token
    }

    /// What comes of it.
    pub(super) fn answer(
        &mut self,
        now: Timestamp,
        source: Source,
        token: u64,
        random: &mut Random,
    ) -> Result<Vec<Reading>, Failure> {
        self.pass(now);
        let is_agent = source == Source::GetUsage;
        if is_agent && !self.online && random.chance(70) {
            return Err(Failure::Unexplained);
        }
        if !self.online {
            // A call that was made while there was a network may have arrived.
            let called = self.called.get(&token);
            let arrived = called.is_some_and(|it| now.since(*it) < Duration::from_mins(1));
            let cause = match random.below(3) {
                _ if arrived => Unreachable::Timeout,
                0 => Unreachable::Dns,
                1 => Unreachable::Connect,
                _ => Unreachable::Timeout,
            };
            return Err(Failure::Offline { cause });
        }
        if is_agent {
            if !self.logged_in {
                return Err(match random.below(3) {
                    0 => Failure::NotLoggedIn,
                    1 => Failure::NoSubscription,
                    _ => Failure::Unexplained,
                });
            }
            if self.expires <= now {
                self.renew(now);
            }
        } else if now < self.refuses_until || token == self.token && self.expires <= now {
            return Err(self.refused(now, token, random));
        } else if !self.logged_in {
            return Err(Failure::TokenRejected);
        }
        let trouble = if self.is_calm { 100 } else { random.below(100) };
        match trouble {
            0..3 => Err(Failure::Server { status: 503 }),
            3..5 => Err(Failure::Unreadable {
                what: "html".into(),
            }),
            5 => Err(Failure::Unavailable {
                why: "too old".into(),
            }),
            6..8 if is_agent => Err(Failure::RateLimited {
                retry_after: RetryAfter::Absent,
            }),
            _ => Ok(self.readings(now, source, random)),
        }
    }

    fn refused(&mut self, now: Timestamp, token: u64, random: &mut Random) -> Failure {
        self.refusals += 1;
        let retry_after = match random.below(3) {
            0 => RetryAfter::Absent,
            1 => RetryAfter::Zero,
            _ => RetryAfter::Wait(Duration::from_secs(random.below(4_000) + 1)),
        };
        let least = match retry_after {
            RetryAfter::Wait(wait) => wait.max(Duration::from_mins(5)),
            RetryAfter::Absent | RetryAfter::Zero => Duration::from_mins(30),
        };
        // To an expired token the refusal means nothing else.
        if token != self.token || self.expires > now {
            self.forbidden.insert(token, now.plus(least));
        }
        Failure::RateLimited { retry_after }
    }

    pub(super) fn readings(
        &mut self,
        now: Timestamp,
        source: Source,
        random: &mut Random,
    ) -> Vec<Reading> {
        self.pass(now);
        let origin = Origin {
            provider: ProviderId::Claude,
            account: Account("default".into()),
            source,
            observed_at: now,
        };
        let windows = [(Kind::Session, &self.session), (Kind::Weekly, &self.week)];
        let mut readings = Vec::new();
        for (kind, window) in windows {
            let jitter = random.below(2_000_000).cast_signed() - SECOND;
            let seconds = u64::try_from(window.length / SECOND).unwrap();
            let percent = Percent::new(window.percent).unwrap();
            self.numbers.insert((kind, now), window.number);
            readings.push(Reading {
                resets_at: window.ends.map(|ends| Timestamp(ends.0 + jitter)),
                ..Reading::new(&origin, kind, Some(seconds), percent)
            });
        }
        readings
    }

    /// Which number a window had when it was read.
    pub(super) fn number(&self, reading: &Reading) -> u64 {
        self.numbers[&(reading.kind, reading.observed_at)]
    }
}
