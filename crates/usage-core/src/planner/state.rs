//! What a person is told about the readings of an account: whether they are good, and if not, why.

use std::fmt;

use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Unreachable;

/// How it stands with the readings of an account. The last good ones are kept in every state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Nothing is known yet.
    #[default]
    Loading,
    /// They are good.
    Ok,
    /// They were good, and are old.
    Stale,
    /// The source was asked too often.
    RateLimited {
        /// It is not asked before this moment.
        until: Timestamp,
    },
    /// The source is not reached.
    Offline {
        /// How far it came.
        cause: Unreachable,
    },
    /// Something between here and the source answers with a certificate of its own.
    TlsIntercepted {
        /// Who signed it.
        issuer: String,
    },
    /// The token is no longer good; the agent is asked to renew it.
    TokenExpired,
    /// Somebody must log in.
    LoginNeeded,
    /// The token may not read the usage, and will not before somebody logs in anew.
    ScopeMissing,
    /// There is no plan with limits, or nobody is logged in.
    NoSubscription,
    /// The source failed, or was not understood.
    Error {
        /// What happened.
        what: String,
    },
    /// There is no source.
    Unavailable {
        /// Why.
        why: String,
    },
}

impl State {
    /// Its name in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::RateLimited { .. } => "rate_limited",
            Self::Offline { .. } => "offline",
            Self::TlsIntercepted { .. } => "tls_intercepted",
            Self::TokenExpired => "token_expired",
            Self::LoginNeeded => "login_needed",
            Self::ScopeMissing => "scope_missing",
            Self::NoSubscription => "no_subscription",
            Self::Error { .. } => "error",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// Whether the readings are as good as they can be.
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// The one state of several accounts: the one that most needs somebody to do something. One that is merely not there, or of
    /// which nothing is known yet, says nothing beside a good one: most people have one plan.
    pub fn of_all<'a>(states: impl IntoIterator<Item = &'a Self>) -> Self {
        let first = states.into_iter().max_by_key(|state| state.needs());
        first.map_or(Self::Loading, Self::clone)
    }

    /// How much it needs somebody.
    const fn needs(&self) -> u8 {
        match self {
            Self::Unavailable { .. } => 0,
            Self::NoSubscription => 1,
            Self::Loading => 2,
            Self::Ok => 3,
            Self::Stale => 4,
            Self::Error { .. } => 5,
            Self::RateLimited { .. } => 6,
            Self::Offline { .. } => 7,
            Self::TlsIntercepted { .. } => 8,
            Self::TokenExpired => 9,
            Self::ScopeMissing => 10,
            Self::LoginNeeded => 11,
        }
    }
}

/// For people, without the time until when: that needs a time zone (see [`format`](mod@crate::format)).
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loading => f.write_str("loading"),
            Self::Ok => f.write_str("up to date"),
            Self::Stale => f.write_str("out of date"),
            Self::RateLimited { .. } => f.write_str("rate limited"),
            Self::Offline { cause } => write!(f, "offline: {cause}"),
            Self::TlsIntercepted { issuer } => {
                write!(f, "the connection is intercepted by {issuer}")
            }
            Self::TokenExpired => f.write_str("the token has expired and is being renewed"),
            Self::LoginNeeded => f.write_str("log in to see the usage"),
            Self::ScopeMissing => f.write_str("this login may not read the usage; log in again"),
            Self::NoSubscription => f.write_str("nobody is logged in with a plan that has limits"),
            Self::Error { what } => f.write_str(what),
            Self::Unavailable { why } => write!(f, "not available: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_accounts_the_one_that_needs_somebody_speaks_and_one_that_is_not_there_does_not() {
        let missing = || State::Unavailable { why: "no".into() };
        for (accounts, expected) in [
            (vec![], State::Loading),
            (vec![State::Ok, missing()], State::Ok),
            (vec![State::NoSubscription, State::Ok], State::Ok),
            (vec![State::Ok, State::Loading], State::Ok),
            (vec![State::LoginNeeded, State::Ok], State::LoginNeeded),
            (vec![State::Ok, State::TokenExpired], State::TokenExpired),
            (vec![State::ScopeMissing, State::Ok], State::ScopeMissing),
            (vec![State::Loading, missing()], State::Loading),
            (vec![missing()], missing()),
        ] {
            assert_eq!(State::of_all(&accounts), expected, "{accounts:?}");
        }
    }
}
