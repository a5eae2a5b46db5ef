//! Why a source gave no reading, in the words in which the planner decides what to do.
//!
//! No failure carries a token or the body of an answer.

use std::time::Duration;

use betcode_core::time::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde::{Deserialize, Serialize};

/// Why a source gave no reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Asked too often (429).
    #[error("the source is rate limited")]
    RateLimited {
        /// How long it asks to wait.
        retry_after: RetryAfter,
    },
    /// The token is not accepted (401): revoked, malformed or expired.
    #[error("the token is not accepted")]
    TokenRejected,
    /// The token that was to be used is not there any more: another one is. Nothing was asked.
    #[error("the token has changed")]
    TokenChanged,
    /// The agent is not logged in.
    #[error("not logged in")]
    NotLoggedIn,
    /// The token may not read the usage (403): it was made for requests to models only.
    #[error("the token may not read the usage; log in again")]
    ScopeMissing,
    /// There is no plan: requests are paid one by one, or nobody is logged in.
    #[error("nobody is logged in with a plan that has limits")]
    NoSubscription,
    /// Not reached.
    #[error("not reached: {cause}")]
    Offline {
        /// How far it came.
        cause: Unreachable,
    },
    /// Something between here and there answered with a certificate of its own.
    #[error("the connection is intercepted: its certificate is from {issuer}")]
    TlsIntercepted {
        /// Who signed that certificate.
        issuer: String,
    },
    /// The other side failed (5xx), or refused in a way that means nothing here.
    #[error("the service answered with status {status}")]
    Server {
        /// The status.
        status: u16,
    },
    /// The agent has a login with a plan, and no numbers. It gives no reason: it may be offline, refused for a while, or unable
    /// to renew its token.
    #[error("the agent got no numbers, and does not say why")]
    Unexplained,
    /// The answer was not understood.
    #[error("the answer was not understood: {what}")]
    Unreadable {
        /// What is wrong with it.
        what: String,
    },
    /// This source does not exist here: the program is missing or too old, or it gives no numbers for this plan.
    #[error("not available: {why}")]
    Unavailable {
        /// Why.
        why: String,
    },
}

/// How far a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Unreachable {
    /// The host reports no network.
    #[error("no network")]
    NoNetwork,
    /// The name was not found.
    #[error("the name was not found")]
    Dns,
    /// No connection.
    #[error("no connection")]
    Connect,
    /// No secure connection.
    #[error("no secure connection")]
    Tls,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
}

impl Unreachable {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoNetwork => "no_network",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
        }
    }
}

impl Failure {
    /// Whether the request never came to the other side, so that it counts against no budget there.
    pub const fn is_unsent(&self) -> bool {
        match self {
            Self::Offline { cause } => !matches!(cause, Unreachable::Timeout),
            Self::TlsIntercepted { .. } | Self::TokenChanged => true,
            _ => false,
        }
    }

    pub(crate) fn unreadable(what: impl Into<String>) -> Self {
        Self::Unreadable { what: what.into() }
    }

    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into() }
    }
}

/// What a 429 says about waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Nothing, or nothing that can be understood.
    Absent,
    /// Not at all, which is not to be believed.
    Zero,
    /// So long.
    Wait(Duration),
}

impl RetryAfter {
    /// Reads the header `Retry-After`: seconds, or a date.
    pub fn read(header: Option<&str>, now: Timestamp) -> Self {
        let Some(header) = header.map(str::trim) else {
            return Self::Absent;
        };
        let wait = if let Ok(seconds) = header.parse::<u64>() {
            Duration::from_secs(seconds)
        } else {
            let parser = DateTimeParser::new().relaxed_weekday(true);
            let Ok(date) = parser.parse_timestamp(header) else {
                return Self::Absent;
            };
            Timestamp(date.as_microsecond()).since(now)
        };
        if wait.is_zero() {
            Self::Zero
        } else {
            Self::Wait(wait)
        }
    }

    /// How long, if it says so.
    pub const fn wait(self) -> Option<Duration> {
        match self {
            Self::Wait(wait) => Some(wait),
            Self::Absent | Self::Zero => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_absent_zero_seconds_or_a_date() {
        let now = Timestamp(784_111_777_000_000);
        let wait = |seconds| RetryAfter::Wait(Duration::from_secs(seconds));
        for (header, expected) in [
            (None, RetryAfter::Absent),
            (Some(""), RetryAfter::Absent),
            (Some("soon"), RetryAfter::Absent),
            (Some("-5"), RetryAfter::Absent),
            (Some("99999999999999999999999"), RetryAfter::Absent),
            (Some("0"), RetryAfter::Zero),
            (Some(" 3117 "), wait(3_117)),
            (Some("18446744073709551615"), wait(u64::MAX)),
            (Some("Sun, 06 Nov 1994 08:49:37 GMT"), RetryAfter::Zero),
            (Some("Sun, 06 Nov 1994 08:54:37 GMT"), wait(300)),
            (Some("Mon, 06 Nov 1994 08:54:37 GMT"), wait(300)),
            (Some("Sun, 06 Nov 1993 08:49:37 GMT"), RetryAfter::Zero),
        ] {
            assert_eq!(RetryAfter::read(header, now), expected, "{header:?}");
        }
    }

    #[test]
    fn only_what_never_came_to_the_other_side_is_unsent() {
        assert!(
            Failure::Offline {
                cause: Unreachable::Dns
            }
            .is_unsent()
        );
        assert!(Failure::TlsIntercepted { issuer: "x".into() }.is_unsent());
        assert!(
            !Failure::Offline {
                cause: Unreachable::Timeout
            }
            .is_unsent()
        );
        assert!(!Failure::Server { status: 500 }.is_unsent());
    }
}
