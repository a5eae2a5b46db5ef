//! What is known of the use of plans, and what of it is worth a place on the screen: the window that bites first, and a line
//! when the sources say nothing. How it is drawn is `view`'s, how it comes is [`crate::runtime`]'s.
//!
//! States of what is known: nothing yet; not to be had (a daemon that does not know usage); accounts.
//! Laws:
//! - a number that is not good any more is never shown as if it were: it has an age and no colour;
//! - the line is shown once an episode: hidden, it stays away until that account has been in another state;
//! - no timer runs but that of a time that is shown and runs down, once a minute at most and only while somebody looks.

use std::collections::BTreeSet;
use std::time::Duration;

use betcode_client::{UsageAccount, UsageHistory};
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use usage_core::format;
use usage_core::planner::State;
use usage_core::reading::{Percent, ProviderId, Reading};
use usage_core::readings::binding;

const MINUTE: Duration = Duration::from_mins(1);

/// What becomes known of the use of plans.
#[derive(Debug)]
pub enum News {
    /// All accounts.
    All(Vec<UsageAccount>),
    /// One account.
    Changed(Box<UsageAccount>),
    /// The daemon does not know usage.
    Unsupported,
    /// The daemon is gone: what is known may be old.
    Lost,
    /// The sources were asked.
    Refreshed(Result<Vec<UsageAccount>, Lack>),
    /// How the use of windows went.
    History(Result<Vec<UsageHistory>, Lack>),
}

/// Why something is not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// The daemon is older than that.
    Unsupported,
    /// This happened.
    Problem(String),
}

impl Lack {
    /// In words.
    pub fn said(self) -> String {
        match self {
            Self::Unsupported => OLDER.to_owned(),
            Self::Problem(what) => what,
        }
    }
}

/// What is said of a daemon that does not know something, and what helps.
pub const OLDER: &str = "the daemon that runs is older than that; `betcode daemon restart` starts the new one, and sessions go on";

/// What is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Known {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The daemon does not know usage.
    Unsupported,
    /// What stands with these accounts.
    Accounts(Vec<UsageAccount>),
}

/// An account in a state, until it is in another one.
type Episode = (ProviderId, String, &'static str);

/// What is known of the use of plans.
#[derive(Debug)]
pub struct Usage {
    /// Where the person is.
    pub zone: TimeZone,
    /// What is known.
    pub known: Known,
    /// How the use of windows went, or why that is not known.
    pub history: Option<Result<Vec<UsageHistory>, Lack>>,
    /// The daemon is gone that has said it.
    lost: bool,
    /// The sources are being asked because somebody wants it.
    pub asking: bool,
    hidden: BTreeSet<Episode>,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            known: Known::Nothing,
            history: None,
            lost: false,
            asking: false,
            hidden: BTreeSet::new(),
        }
    }
}

/// The window that bites first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tightest<'a> {
    /// It.
    pub reading: &'a Reading,
    /// How much of it is used.
    pub percent: Percent,
    /// It was read lately, and the source would say if it were otherwise.
    pub fresh: bool,
}

/// What somebody can do about an account whose sources say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Ask again.
    Retry,
    /// Wait.
    Wait,
    /// Log in.
    LogIn,
}

impl Usage {
    /// All accounts, Claude before Codex.
    pub fn accounts(&self) -> &[UsageAccount] {
        match &self.known {
            Known::Accounts(accounts) => accounts,
            Known::Nothing | Known::Unsupported => &[],
        }
    }

    /// Takes in what became known.
    pub(crate) fn know(&mut self, accounts: Vec<UsageAccount>) {
        self.known = Known::Accounts(accounts);
        self.lost = false;
        let now: BTreeSet<Episode> = self.accounts().iter().map(episode).collect();
        self.hidden.retain(|hidden| now.contains(hidden));
    }

    /// Nobody says any more what changes.
    pub(crate) const fn lose(&mut self) {
        self.lost = true;
        self.asking = false;
    }

    /// Takes in what became known of one account.
    pub(crate) fn know_one(&mut self, account: UsageAccount) {
        let mut accounts = self.accounts().to_vec();
        let is_it = |it: &&mut UsageAccount| {
            (it.provider, &it.account) == (account.provider, &account.account)
        };
        match accounts.iter_mut().find(is_it) {
            Some(known) => *known = account,
            None => accounts.push(account),
        }
        self.know(accounts);
    }

    /// The accounts that an agent uses; all, where none is known to be its.
    fn of_agent(&self, agent: &str) -> impl Iterator<Item = &UsageAccount> {
        let provider = ProviderId::of_name(agent);
        let accounts = self.accounts();
        let its = move |account: &&UsageAccount| provider == Some(account.provider);
        let has = accounts.iter().any(|account| its(&account));
        accounts.iter().filter(move |account| !has || its(account))
    }

    /// The window that bites first, of those that an agent uses. None where there is no plan, or nothing is known of now.
    pub fn tightest(&self, agent: &str, now: Timestamp) -> Option<Tightest<'_>> {
        let readings = self.of_agent(agent).flat_map(|account| &account.readings);
        let reading = binding(readings, now)?;
        let percent = reading.current(now)?;
        let mut accounts = self.accounts().iter();
        let account = accounts
            .find(|it| (it.provider, &it.account) == (reading.provider, &reading.account))?;
        Some(Tightest {
            reading,
            percent,
            fresh: account.state.is_ok() && !self.lost,
        })
    }

    /// The account whose sources say nothing, as long as nobody has hidden that.
    pub fn banner(&self, agent: &str) -> Option<(&UsageAccount, Remedy)> {
        let mut accounts = self.of_agent(agent);
        accounts.find_map(|account| {
            let remedy = remedy(&account.state)?;
            let hidden = self.hidden.contains(&episode(account));
            (!hidden).then_some((account, remedy))
        })
    }

    /// Nobody wants to see that line any more. Says whether there was one.
    pub(crate) fn hide(&mut self, agent: &str) -> bool {
        let Some(hidden) = self.banner(agent).map(|(account, _)| episode(account)) else {
            return false;
        };
        self.hidden.insert(hidden)
    }

    /// What there is to say of an account whose sources say nothing: how it stands, until when, and how to log in.
    pub fn sentence(&self, account: &UsageAccount, now: Timestamp) -> String {
        let name = account.provider.title();
        let state = self.state(account, now);
        if self.accounts().len() > 1 {
            format!("{name} ({}): {state}", account.account)
        } else {
            format!("{name}: {state}")
        }
    }

    /// The same without whose it is.
    pub fn state(&self, account: &UsageAccount, now: Timestamp) -> String {
        let mut text = account.state.to_string();
        if let State::RateLimited { until } = &account.state {
            text.extend([" until ", &format::clock(*until, now, &self.zone)]);
        }
        if remedy(&account.state) == Some(Remedy::LogIn)
            && let Some(command) = login(account)
        {
            text.extend([": ", &command]);
        }
        text
    }

    /// When the time left that is shown says something else.
    pub(crate) fn due(&self, agent: &str, now: Timestamp) -> Option<Timestamp> {
        let tightest = self.tightest(agent, now)?;
        let at = tightest.reading.resets_at.filter(|_| tightest.fresh);
        let rest = if let Some(at) = at {
            // Shown to the nearest minute.
            (at.since(now) + MINUTE / 2).as_micros() % MINUTE.as_micros()
        } else {
            let age = now.since(tightest.reading.observed_at).as_micros();
            MINUTE.as_micros() - age % MINUTE.as_micros()
        };
        let rest = u64::try_from(rest).unwrap_or_default();
        // A thousandth later it does.
        Some(now.plus(Duration::from_micros(rest) + Duration::from_millis(1)))
    }
}

fn episode(account: &UsageAccount) -> Episode {
    let name = account.account.0.clone();
    (account.provider, name, account.state.name())
}

/// What can be done about a state; none for those that nobody has to know of at once.
pub const fn remedy(state: &State) -> Option<Remedy> {
    match state {
        State::Offline { .. } | State::TlsIntercepted { .. } => Some(Remedy::Retry),
        State::RateLimited { .. } => Some(Remedy::Wait),
        State::LoginNeeded | State::ScopeMissing => Some(Remedy::LogIn),
        State::Loading
        | State::Ok
        | State::Stale
        | State::TokenExpired
        | State::NoSubscription
        | State::Error { .. }
        | State::Unavailable { .. } => None,
    }
}

/// The command that logs in, as a shell reads it; variables before it stay variables.
pub fn login(account: &UsageAccount) -> Option<String> {
    let mut variables = true;
    let words = account.login_command.iter().map(|word| {
        variables &= word.contains('=');
        match word.split_once('=').filter(|_| variables) {
            Some((name, value)) => format!("{name}={}", quoted(value)),
            None => quoted(word),
        }
    });
    let words: Vec<_> = words.collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=~".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(harmless) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// How the use of a window goes on, in a sentence.
pub fn pace(reading: &Reading, usage: &Usage, now: Timestamp) -> Option<String> {
    let accounts = usage.accounts().iter();
    let pace = accounts.filter_map(|account| account.paces.get(&reading.window()));
    let pace = pace.copied().next()?;
    let points = pace.ahead.abs();
    let even = if points < 1.0 {
        "at an even pace".to_owned()
    } else {
        let side = if pace.ahead > 0.0 {
            "ahead of"
        } else {
            "behind"
        };
        format!("{points:.0} points {side} an even pace")
    };
    let leads = match (pace.limit_at, pace.before_reset) {
        (Some(at), Some(before)) => {
            let at = format::clock(at, now, &usage.zone);
            let before = format::span(before);
            let late = if pace.ahead < 0.0 {
                "of late faster, and "
            } else {
                ""
            };
            format!("{late}the limit would be reached at {at}, {before} before the reset")
        }
        _ => format!("{:.0}% at the reset if it goes on like this", pace.at_reset),
    };
    Some(format!("{even}; {leads}"))
}

/// When a window begins anew, in a sentence.
pub fn reset(reading: &Reading, usage: &Usage, now: Timestamp) -> Option<String> {
    let at = reading.resets_at?;
    let clock = format::clock(at, now, &usage.zone);
    Some(if reading.is_over(now) {
        format!("began anew at {clock}, and was not read since")
    } else {
        format!("resets at {clock}, in {}", format::left(at, now))
    })
}

#[cfg(test)]
pub(crate) mod tests;
