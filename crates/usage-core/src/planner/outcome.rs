//! What follows from the answer of a source.

use std::time::Duration;

use betcode_core::backoff::Backoff;
use betcode_core::time::Timestamp;

use super::due::Due;
use super::{
    BURST, Condition, Effect, Flight, GRACE, IDLE, Job, Network, Notice, Planner, REST, State,
};
use crate::credentials::{Login, TokenInfo};
use crate::failure::{Failure, RetryAfter, Unreachable};
use crate::reading::{Reading, Source};

/// Retries of a source that is not reached.
const OFFLINE: &[Duration] = &[
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
];

/// Retries of an agent that does not say why it has no numbers: offline it would help to hurry, refused it would not.
const UNEXPLAINED: &[Duration] = &[Duration::from_secs(8), Duration::from_secs(32)];
/// After so many such answers in a row a token that has expired is one that the agent cannot renew.
const CONVINCED: usize = 3;

/// A timer that comes later than this was held up by sleep.
const LATE: Duration = Duration::from_secs(2);

const TIMEOUT: Failure = Failure::Offline {
    cause: Unreachable::Timeout,
};

impl Planner {
    /// A pull has ended.
    pub(super) fn finished(
        &mut self,
        now: Timestamp,
        job: Job,
        result: Result<Vec<Reading>, Failure>,
    ) {
        let Some(flight) = self.flight.take_if(|flight| flight.job == job) else {
            return;
        };
        match result {
            Ok(readings) if readings.is_empty() => {
                self.failed(now, &flight, Failure::unavailable("no numbers"));
            }
            Ok(readings) => self.succeeded(now, &flight, readings),
            Err(failure) if flight.cancelled && !is_word_of_the_service(&failure) => {
                self.failed(now, &flight, TIMEOUT);
            }
            Err(failure) => self.failed(now, &flight, failure),
        }
        self.effects.push_back(Effect::Save);
    }

    /// A pull that takes too long is cancelled, and one that does not end then is taken for ended.
    pub(super) fn end_flight(&mut self, now: Timestamp) {
        let Some(flight) = &mut self.flight else {
            return;
        };
        if !flight.deadline.is_over(now) {
            return;
        }
        if now.since(flight.deadline.at) > LATE {
            // The host slept, and what runs slept with it.
            flight.deadline = Due::after(now, GRACE);
            return;
        }
        let job = flight.job;
        if flight.cancelled {
            self.finished(now, job, Err(TIMEOUT));
        } else {
            flight.cancelled = true;
            flight.deadline = Due::after(now, GRACE);
            self.effects.push_back(Effect::Cancel { job });
        }
    }

    fn succeeded(&mut self, now: Timestamp, flight: &Flight, readings: Vec<Reading>) {
        let changed = self.memory.readings.merge(readings);
        self.memory.readings.forget();
        self.changed |= changed;
        self.memory.cooldowns.of(&flight.token).served();
        self.memory.told_login = None;
        self.rests.remove(&flight.source);
        self.unexplained = 0;
        self.condition = Condition::Good;
        self.online();
        let was_bad = flight.login.token().is_some_and(|it| self.is_bad(it, now));
        if was_bad && !flight.source.is_http() {
            // The agent has renewed its token.
            self.effects.push_back(Effect::ReadCredentials);
        }
        let interval = self.step(changed);
        self.schedule(now, interval);
    }

    fn failed(&mut self, now: Timestamp, flight: &Flight, failure: Failure) {
        let was_bad = flight.login.token().is_some_and(|it| self.is_bad(it, now));
        if was_bad && !flight.source.is_http() && is_no_help(&failure) {
            return self.token_trouble(now, flight);
        }
        if flight.source.is_http() && failure.is_unsent() {
            let cooldown = self.memory.cooldowns.of(&flight.token);
            cooldown.uncall(flight.before);
        }
        // An agent does not say that its token may not read the usage; what is written beside the token does.
        let lacks_scope = flight
            .login
            .token()
            .is_some_and(TokenInfo::lacks_usage_scope);
        let is_mute = matches!(failure, Failure::Unavailable { .. } | Failure::Unexplained);
        // Who never was logged in uses another agent, and is not asked to.
        let is_stranger = matches!(self.login, Login::LoggedOut) && self.memory.readings.is_empty();
        let failure = match failure {
            _ if is_mute && lacks_scope && !flight.source.is_http() => Failure::ScopeMissing,
            Failure::NotLoggedIn if is_stranger => Failure::NoSubscription,
            failure => failure,
        };
        match failure {
            Failure::RateLimited { retry_after } => self.limited(now, flight, retry_after),
            Failure::TokenRejected => {
                if !flight.token.is_empty() {
                    self.memory.refused = Some(flight.token.clone());
                }
                self.token_trouble(now, flight);
            }
            Failure::TokenChanged => {
                self.effects.push_back(Effect::ReadCredentials);
                self.schedule(now, BURST);
            }
            Failure::NotLoggedIn => self.token_trouble(now, flight),
            Failure::ScopeMissing => {
                self.memory.without_scope = Some(flight.token.clone());
                self.condition = Condition::Bad(State::ScopeMissing);
                self.fall_back(now, flight.source, State::ScopeMissing);
            }
            Failure::NoSubscription => {
                self.interval = IDLE;
                self.fall_back(now, flight.source, State::NoSubscription);
            }
            Failure::Offline { cause } => {
                self.offline(now, State::Offline { cause }, Notice::Offline);
            }
            Failure::TlsIntercepted { issuer } => {
                let notice = Notice::TlsIntercepted {
                    issuer: issuer.clone(),
                };
                self.offline(now, State::TlsIntercepted { issuer }, notice);
            }
            Failure::Unexplained => self.unexplained(now, flight, was_bad),
            Failure::Server { .. } | Failure::Unreadable { .. } => {
                let what = failure.to_string();
                self.fall_back(now, flight.source, State::Error { what });
            }
            Failure::Unavailable { why } => {
                self.fall_back(now, flight.source, State::Unavailable { why });
            }
        }
    }

    /// The service refuses for a while. To an expired token the endpoint says the same, and waiting would not help.
    fn limited(&mut self, now: Timestamp, flight: &Flight, retry_after: RetryAfter) {
        let is_http = flight.source.is_http();
        if is_http && flight.login.token().is_some_and(|it| it.is_expired(now)) {
            return self.token_trouble(now, flight);
        }
        let interval = self.interval;
        let cooldown = self.memory.cooldowns.of(&flight.token);
        let (until, is_long) = if is_http {
            (cooldown.http_refused(now, retry_after), true)
        } else {
            cooldown.refused(now, retry_after, interval)
        };
        if is_long && !std::mem::replace(&mut cooldown.told, true) {
            let notice = Notice::RateLimited { until };
            self.effects.push_back(Effect::Notify(notice));
        }
        if is_long {
            self.step(false);
        }
        self.condition = Condition::Bad(State::RateLimited { until });
        self.schedule(now, until.since(now));
    }

    /// The token is no longer good. The agent is asked, which renews it; if it was the agent that said so, it cannot.
    fn token_trouble(&mut self, now: Timestamp, flight: &Flight) {
        let is_renewed = self.login.hash() != flight.login.hash();
        let agent = self.settings.sources.iter().any(|it| !it.is_http());
        if is_renewed || flight.source.is_http() && agent {
            self.condition = Condition::Bad(State::TokenExpired);
            self.schedule(now, Duration::ZERO);
        } else {
            self.confirm(now, flight.login.clone());
        }
    }

    /// The source has no answer: another one may have.
    fn fall_back(&mut self, now: Timestamp, source: Source, state: State) {
        self.condition = Condition::Bad(state);
        let interval = self.step(false);
        let rested = self.rests.insert(source, Due::after(now, REST));
        let rests = |source: Source| self.rests.get(&source).is_some_and(|due| !due.is_over(now));
        let is_first = rested.is_none_or(|due| due.is_over(now));
        let sources = self.settings.sources.iter().copied();
        let has_other = sources
            .filter(|other| *other != source)
            .any(|other| !rests(other) && self.bar(other, now).is_none());
        if is_first && has_other {
            self.schedule(now, Duration::ZERO);
        } else {
            self.schedule(now, interval);
        }
    }

    /// The agent gives no reason. If its token has expired that may be the reason, or it may be offline: nobody is sent to log
    /// in for that before it has happened a few times.
    fn unexplained(&mut self, now: Timestamp, flight: &Flight, was_bad: bool) {
        let failures = self.unexplained;
        self.unexplained = failures.saturating_add(1);
        let what = Failure::Unexplained.to_string();
        let state = if was_bad {
            State::TokenExpired
        } else {
            State::Error { what }
        };
        if was_bad && self.unexplained >= CONVINCED {
            self.token_trouble(now, flight);
        } else if failures < UNEXPLAINED.len() {
            self.condition = Condition::Bad(state);
            let delay = Backoff::ladder(UNEXPLAINED, failures).next(0);
            self.schedule(now, delay);
        } else {
            self.fall_back(now, flight.source, state);
        }
    }

    fn offline(&mut self, now: Timestamp, state: State, notice: Notice) {
        self.condition = Condition::Bad(state);
        let failures = self.offline_failures;
        self.offline_failures = failures.saturating_add(1);
        let delay = if failures < OFFLINE.len() {
            Backoff::ladder(OFFLINE, failures).next(0)
        } else {
            if self.network == Network::Up
                && !std::mem::replace(&mut self.memory.told_offline, true)
            {
                self.effects.push_back(Effect::Notify(notice));
            }
            self.step(false)
        };
        self.schedule(now, delay);
    }
}

/// Whether somebody answered, however late: what a cancelled program leaves behind can look like any other failure.
const fn is_word_of_the_service(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::RateLimited { .. }
            | Failure::TokenRejected
            | Failure::NotLoggedIn
            | Failure::ScopeMissing
    )
}

/// Whether the agent's answer shows that it has not renewed a token that is no longer good.
const fn is_no_help(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::NoSubscription
            | Failure::ScopeMissing
            | Failure::Unavailable { .. }
            | Failure::Unreadable { .. }
    )
}
