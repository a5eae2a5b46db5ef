//! When which source of an account is asked, and what a person is told about it. One machine for each account; it knows no
//! provider. It does not ask, read files or show anything: that is what its [`Effect`]s are for.
//!
//! ```text
//!            Pull                Finished                 credentials read: a new token
//!   waiting ──────▶ in flight ──────────▶ waiting     ┌──────────────────────────────────┐
//!                       │ nobody is logged in         │                                  ▼
//!                       └──────────────▶ confirming ──┴─ the same ─▶ login needed ──▶ waiting
//!                                        (reads the credentials)     a new token: asks at once
//! ```
//!
//! What the driver does: it runs effects in order; it answers every [`Effect::Pull`] with one [`Input::Finished`], also after
//! an [`Effect::Cancel`]; it stores [`Planner::memory`] at every [`Effect::Save`] before it goes on. A [`Notice`] is given
//! before the `Save` behind it, so it may come twice after an interruption and is never lost.
//!
//! Laws:
//! - at most one pull is in flight, from its `Pull` to its `Finished` or ten seconds after its `Cancel`;
//! - the endpoint is called at most once in five minutes with one token, and not at all while a token rests;
//! - nothing but a new reading replaces a good reading;
//! - a token that has expired, or was refused, is never used over HTTP; it is the agent that renews it, by being asked once;
//! - while the host reports no network there is no timer for a pull, unless a person wants one all the same, and none while
//!   somebody must log in.

mod choose;
mod cooldown;
mod due;
mod login;
mod notice;
mod outcome;
mod state;
mod timing;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::credentials::{Login, TokenHash};
use crate::failure::{Failure, Unreachable};
use crate::reading::{Reading, Source};
use crate::readings::Readings;
use cooldown::Cooldowns;
pub use cooldown::HTTP_EVERY;
use due::Due;
pub use notice::Notice;
pub use state::State;

/// Somebody looks, and something changes.
const WATCHED: Duration = Duration::from_mins(1);
/// Nobody looks, and something changes.
const UNWATCHED: Duration = Duration::from_mins(5);
/// Nothing changes.
const IDLE: Duration = Duration::from_mins(30);
/// So long after a reset there are new values.
const AFTER_RESET: Duration = Duration::from_secs(30);
/// A person asks at most this often.
const BY_HAND: Duration = Duration::from_secs(10);
/// The agent answers from memory within this time, so nothing new is learnt.
const AFRESH: Duration = Duration::from_mins(1);
/// Networks come and go in bursts.
const BURST: Duration = Duration::from_secs(2);
/// A pull that does not end when it is cancelled is taken for ended.
const GRACE: Duration = Duration::from_secs(10);
/// Readings that are older are out of date: longer than the longest interval.
const STALE: Duration = Duration::from_mins(35);
/// A store of credentials that cannot be watched is looked at this often while somebody must log in.
const LOOK: Duration = Duration::from_secs(5);
/// A source that has no answer is left out for so long when there is another.
const REST: Duration = Duration::from_mins(30);

/// What is known of an account beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The sources that may be asked, best first.
    pub sources: Vec<Source>,
    /// Whether the driver tells by itself when the credentials change; otherwise they are looked at while that matters.
    pub credentials_are_watched: bool,
}

/// The number of a pull.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A pull has ended.
    Finished {
        /// Which.
        job: Job,
        /// What it gave.
        result: Result<Vec<Reading>, Failure>,
    },
    /// Readings came without being asked for. What the agent remembers is given in the same way; it says nothing about
    /// whether the service is reached.
    Pushed(Vec<Reading>),
    /// This is what the store of credentials says: at the start, when it changed, and when it was asked for.
    Credentials(Login),
    /// A turn of this account has ended.
    TurnEnded,
    /// The host woke up.
    Woke,
    /// The host reports a network.
    NetworkUp,
    /// The host reports that it has none.
    NetworkDown,
    /// A person wants it now.
    Refresh,
    /// Somebody looks at it, or nobody does any more.
    Watched(bool),
    /// The person chose otherwise.
    Settings(Settings),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask a source, and report [`Input::Finished`].
    Pull {
        /// With this number.
        job: Job,
        /// This source.
        source: Source,
        /// Over HTTP with this token and no other: if the store has another one by now, nothing is sent and the answer is
        /// [`Failure::TokenChanged`].
        token: Option<TokenHash>,
        /// It may take so long; the machine cancels it then.
        timeout: Duration,
    },
    /// End a pull, with everything it has started, and report [`Input::Finished`].
    Cancel {
        /// Which.
        job: Job,
    },
    /// Read the credentials, and report [`Input::Credentials`].
    ReadCredentials,
    /// Tell a person.
    Notify(Notice),
    /// Store the memory.
    Save,
    /// What [`Planner::view`] gives has changed.
    Changed,
}

/// What must be kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    readings: Readings,
    cooldowns: Cooldowns,
    /// The token that was refused.
    refused: Option<String>,
    /// The token that may not read the usage.
    without_scope: Option<String>,
    /// The token of which it was said that somebody must log in.
    told_login: Option<String>,
    told_offline: bool,
}

/// What can be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// How it stands.
    pub state: State,
    /// The last good readings.
    pub readings: Vec<Reading>,
    /// When a source is asked next, if nothing happens before.
    pub next_at: Option<Timestamp>,
    /// The source that was asked last.
    pub asked: Option<Source>,
    /// When that was.
    pub asked_at: Option<Timestamp>,
    /// Until when the token rests.
    pub rests_until: Option<Timestamp>,
}

/// A pull on its way.
#[derive(Debug, Clone)]
struct Flight {
    job: Job,
    source: Source,
    /// The token it is made with.
    token: String,
    login: Login,
    deadline: Due,
    cancelled: bool,
    /// What held for the next call over HTTP before this one.
    before: Option<Due>,
}

/// How far it is with a token that is no longer good.
#[derive(Debug, Clone, Default, PartialEq)]
enum Phase {
    /// It is good, as far as is known.
    #[default]
    Fine,
    /// The credentials are read to see whether the agent has renewed it.
    Confirming { blamed: Login, until: Due },
    /// It has not.
    LoginNeeded { blamed: Login, look: Option<Due> },
}

/// Why a pull that is wanted is not made.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Hold {
    #[default]
    None,
    /// Not before this moment.
    Until(Due),
    /// Not before something happens.
    Parked,
}

/// What the host reports of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Up,
    Down,
    /// There is none, but a person wants one pull all the same.
    Doubted,
}

/// What the last answer was.
#[derive(Debug, Clone, Default, PartialEq)]
enum Condition {
    #[default]
    Unknown,
    Good,
    Bad(State),
}

/// The machine of one account.
#[derive(Debug, Clone)]
pub struct Planner {
    settings: Settings,
    memory: Memory,
    login: Login,
    network: Network,
    watched: bool,
    flight: Option<Flight>,
    phase: Phase,
    condition: Condition,
    /// When a pull is wanted.
    due: Option<Due>,
    hold: Hold,
    interval: Duration,
    offline_failures: usize,
    /// How often in a row the agent did not say why it has no numbers.
    unexplained: usize,
    rests: BTreeMap<Source, Due>,
    last: Option<(Source, Timestamp)>,
    jobs: Job,
    published: State,
    /// The newest observation that was published.
    published_newest: Option<Timestamp>,
    changed: bool,
    effects: VecDeque<Effect>,
}

impl Planner {
    /// Goes on from what was kept, and asks at once.
    pub fn new(now: Timestamp, settings: Settings, memory: Memory, login: Login) -> Self {
        let mut planner = Self {
            settings,
            memory,
            login,
            network: Network::Up,
            watched: false,
            flight: None,
            phase: Phase::Fine,
            condition: Condition::Unknown,
            due: Some(Due::after(now, Duration::ZERO)),
            hold: Hold::None,
            interval: UNWATCHED,
            offline_failures: 0,
            unexplained: 0,
            rests: BTreeMap::new(),
            last: None,
            jobs: Job(0),
            published: State::Loading,
            published_newest: None,
            changed: true,
            effects: VecDeque::new(),
        };
        planner.go_on(now);
        planner
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.settle(now);
        self.hold = Hold::None;
        match input {
            Input::Finished { job, result } => self.finished(now, job, result),
            Input::Pushed(readings) => self.pushed(now, readings),
            Input::Credentials(login) => self.credentials(now, login),
            Input::TurnEnded => {
                self.interval = self.base();
                self.want(now, AFRESH);
            }
            Input::Woke => self.reconnect(now),
            Input::NetworkUp => {
                let was_up = self.network == Network::Up;
                self.network = Network::Up;
                // That there still is one is no news for whoever reaches the source.
                if !was_up || matches!(self.condition, Condition::Bad(_)) {
                    self.reconnect(now);
                }
            }
            Input::NetworkDown => self.network = Network::Down,
            Input::Refresh => self.refresh(now),
            Input::Watched(watched) => {
                self.watched = watched;
                if watched {
                    self.interval = self.base();
                    self.want(now, WATCHED);
                }
            }
            Input::Settings(settings) => {
                self.settings = settings;
                self.rests.clear();
                self.want(now, BY_HAND);
            }
        }
        self.go_on(now);
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.settle(now);
        self.end_flight(now);
        self.pass_login(now);
        self.go_on(now);
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// What must be kept.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What can be shown.
    pub fn view(&self, now: Timestamp) -> View {
        View {
            state: self.state(now),
            readings: self.memory.readings.iter().cloned().collect(),
            next_at: self.wanted().filter(|_| self.flight.is_none()),
            asked: self.last.map(|(source, _)| source),
            asked_at: self.last.map(|(_, at)| at),
            rests_until: self.rests_until(now),
        }
    }

    /// Until when the token rests because the service was asked too often.
    fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        let cooldown = self.memory.cooldowns.get(&self.token());
        let until = cooldown.and_then(cooldown::Cooldown::until);
        until.filter(|until| *until > now)
    }

    /// How it stands.
    pub fn state(&self, now: Timestamp) -> State {
        match self.phase {
            Phase::Fine if self.network != Network::Up => {
                return State::Offline {
                    cause: Unreachable::NoNetwork,
                };
            }
            Phase::Fine => {}
            Phase::Confirming { .. } => return State::TokenExpired,
            Phase::LoginNeeded { .. } => return State::LoginNeeded,
        }
        match &self.condition {
            Condition::Bad(state) => state.clone(),
            Condition::Unknown if self.memory.readings.is_empty() => State::Loading,
            Condition::Unknown | Condition::Good => match self.good_until() {
                Some(until) if until > now => State::Ok,
                _ => State::Stale,
            },
        }
    }

    fn refresh(&mut self, now: Timestamp) {
        if self.phase != Phase::Fine {
            self.doubt_login();
        }
        if self.network == Network::Down {
            self.network = Network::Doubted;
        }
        self.interval = self.base();
        self.want(now, BY_HAND);
    }

    /// There may be a network again.
    fn reconnect(&mut self, now: Timestamp) {
        self.offline_failures = 0;
        self.unexplained = 0;
        if matches!(self.phase, Phase::LoginNeeded { .. }) {
            // Without a network nobody could renew the token.
            self.doubt_login();
        }
        self.interval = self.base();
        self.want(now, BURST);
    }

    fn pushed(&mut self, now: Timestamp, readings: Vec<Reading>) {
        if readings.is_empty() {
            return;
        }
        let is_live = readings.iter().any(|it| it.source != Source::CachedFile);
        let changed = self.memory.readings.merge(readings);
        self.memory.readings.forget();
        if changed {
            self.changed = true;
            self.interval = self.base();
        }
        if is_live {
            self.is_served(now);
        }
        if changed {
            self.effects.push_back(Effect::Save);
        }
    }

    /// A session of this account has reached the service.
    fn is_served(&mut self, now: Timestamp) {
        if let Phase::LoginNeeded { .. } = self.phase {
            // Somebody is logged in: a session works.
            if self.login == Login::Unknown {
                self.phase = Phase::Fine;
                self.want(now, AFRESH);
            }
            self.effects.push_back(Effect::ReadCredentials);
        }
        self.condition = Condition::Good;
        self.online();
    }

    /// The source, or the service behind it, was reached.
    fn online(&mut self) {
        self.offline_failures = 0;
        if std::mem::take(&mut self.memory.told_offline) {
            self.effects.push_back(Effect::Notify(Notice::BackOnline));
            self.effects.push_back(Effect::Save);
        }
    }

    /// Starts what is due, and says whether something has changed.
    fn go_on(&mut self, now: Timestamp) {
        self.start_due(now);
        let state = self.state(now);
        let newest = self.memory.readings.newest();
        // The same values, read again, are younger: that is shown too, but need not be to the second.
        let is_younger = newest.is_some_and(|newest| {
            let before = self.published_newest;
            before.is_none_or(|before| newest.since(before) >= AFRESH)
        });
        if self.changed || is_younger || state != self.published {
            self.changed = false;
            self.published = state;
            self.published_newest = newest;
            self.effects.push_back(Effect::Changed);
        }
    }

    fn start_due(&mut self, now: Timestamp) {
        if self.flight.is_some() || self.wanted().is_none_or(|at| at > now) {
            return;
        }
        match self.choose(now) {
            choose::Choice::Ask(source) => self.start(now, source),
            choose::Choice::Wait(at) => {
                self.hold = Hold::Until(Due::after(now, at.since(now)));
                self.believe();
                if let Some(until) = self.rests_until(now)
                    && self.condition == Condition::Unknown
                {
                    self.condition = Condition::Bad(State::RateLimited { until });
                }
            }
            choose::Choice::Login => self.confirm(now, self.login.clone()),
            choose::Choice::Nothing(state) => {
                self.hold = Hold::Parked;
                if self.condition != Condition::Good || self.memory.readings.is_empty() {
                    self.condition = Condition::Bad(state);
                }
            }
        }
    }

    fn start(&mut self, now: Timestamp, source: Source) {
        self.jobs.0 += 1;
        let job = self.jobs;
        let token = self.token();
        let before = if source.is_http() {
            let before = self.memory.cooldowns.of(&token).call(now);
            self.effects.push_back(Effect::Save);
            before
        } else {
            None
        };
        let timeout = source.timeout();
        self.flight = Some(Flight {
            job,
            source,
            token,
            login: self.login.clone(),
            deadline: Due::after(now, timeout),
            cancelled: false,
            before,
        });
        self.last = Some((source, now));
        self.due = None;
        self.hold = Hold::None;
        self.believe();
        self.effects.push_back(Effect::Pull {
            job,
            source,
            token: self.login.hash().cloned().filter(|_| source.is_http()),
            timeout,
        });
    }

    /// What the host reports of the network counts again.
    fn believe(&mut self) {
        if self.network == Network::Doubted {
            self.network = Network::Down;
        }
    }

    /// The name of the token under which rests are remembered; empty when none is known.
    fn token(&self) -> String {
        let hash = self.login.hash();
        hash.map(ToString::to_string).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
