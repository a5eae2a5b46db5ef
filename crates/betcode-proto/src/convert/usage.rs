//! The use of plans as it travels.
//!
//! A word that this version does not know comes from a newer peer. A window that it cannot name is shown as one of another kind; a
//! reading from a provider or source that it does not know is left out, as a number that could not be explained.

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use usage_core::forecast::Pace;
use usage_core::history::Point;
use usage_core::planner::State;
use usage_core::reading::{Account, Amount, Kind, Percent, ProviderId, Reading, Source, Window};

use super::{Problem, WireError, filled};
use crate::v1;

/// What is known of one account. Its JSON is in the feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsageAccount {
    /// Who sells the plan.
    pub provider: ProviderId,
    /// A name that is stable on this machine.
    pub account: Account,
    /// How it stands.
    #[serde(flatten)]
    pub state: State,
    /// The last good readings.
    pub readings: Vec<Reading>,
    /// How their use goes on, where that is known.
    #[serde(skip)]
    pub paces: BTreeMap<Window, Pace>,
    /// When a source is asked next, if nothing happens before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The source that was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Source>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// The command that logs in to it: variables that it needs, and then its words.
    pub login_command: Vec<String>,
}

/// How the use of one window went. Its JSON is an entry of `usage --history --json`.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageHistory {
    /// Which window.
    pub window: Window,
    /// The oldest first.
    pub points: Vec<Point>,
}

/// One thing that was looked at. Its JSON is an entry of `usage doctor --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageFinding {
    /// What.
    pub about: String,
    /// `ok`, `info`, `warning` or `error`.
    pub level: String,
    /// What was found.
    pub found: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

/// The word in a table of `snake_case` names.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

impl From<UsageAccount> for v1::UsageAccount {
    fn from(account: UsageAccount) -> Self {
        let UsageAccount {
            readings, paces, ..
        } = account;
        let limits = readings.into_iter().map(|reading| {
            let pace = paces.get(&reading.window()).copied();
            limit(reading, pace)
        });
        Self {
            provider: account.provider.name().to_owned(),
            account: account.account.0,
            state: Some(account.state.into()),
            limits: limits.collect(),
            next_at_us: account.next_at.map(|at| at.0),
            asked: account
                .asked
                .map(|it| it.name().to_owned())
                .unwrap_or_default(),
            asked_at_us: account.asked_at.map(|at| at.0),
            login_command: account.login_command,
        }
    }
}

impl TryFrom<v1::UsageAccount> for UsageAccount {
    type Error = WireError;

    fn try_from(wire: v1::UsageAccount) -> Result<Self, WireError> {
        let provider = ProviderId::of_name(&wire.provider)
            .ok_or(WireError::new("provider", Problem::UnknownKind))?;
        let account = Account(wire.account);
        let mut readings = Vec::new();
        let mut paces = BTreeMap::new();
        for limit in wire.limits {
            let pace = limit.pace.map(Into::into);
            let Some(reading) = reading(provider, &account, limit) else {
                continue;
            };
            if let Some(pace) = pace {
                paces.insert(reading.window(), pace);
            }
            readings.push(reading);
        }
        Ok(Self {
            provider,
            account,
            state: wire.state.map(Into::into).unwrap_or_default(),
            readings,
            paces,
            next_at: wire.next_at_us.map(Timestamp),
            asked: word(&wire.asked),
            asked_at: wire.asked_at_us.map(Timestamp),
            login_command: wire.login_command,
        })
    }
}

/// The accounts of a list; one of a provider that this version does not know is left out.
pub fn accounts(wire: Vec<v1::UsageAccount>) -> Vec<UsageAccount> {
    let accounts = wire.into_iter().map(UsageAccount::try_from);
    accounts.filter_map(Result::ok).collect()
}

fn limit(reading: Reading, pace: Option<Pace>) -> v1::UsageLimit {
    v1::UsageLimit {
        kind: reading.kind.name().to_owned(),
        label: reading.label.unwrap_or_default(),
        duration_s: reading.duration_s,
        percent: reading.percent.get(),
        resets_at_us: reading.resets_at.map(|at| at.0),
        severity: reading.severity.name().to_owned(),
        binding: reading.binding,
        amount: reading.amount.map(|amount| v1::UsageAmount {
            used: amount.used,
            limit: amount.limit,
            unit: amount.unit,
        }),
        source: reading.source.name().to_owned(),
        observed_at_us: reading.observed_at.0,
        pace: pace.map(Into::into),
    }
}

fn reading(provider: ProviderId, account: &Account, wire: v1::UsageLimit) -> Option<Reading> {
    Some(Reading {
        provider,
        account: account.clone(),
        kind: word(&wire.kind).unwrap_or(Kind::Other),
        label: filled(wire.label),
        duration_s: wire.duration_s,
        percent: Percent::new(wire.percent)?,
        resets_at: wire.resets_at_us.map(Timestamp),
        severity: word(&wire.severity).unwrap_or_default(),
        binding: wire.binding,
        amount: wire.amount.map(|amount| Amount {
            used: amount.used,
            limit: amount.limit,
            unit: amount.unit,
        }),
        source: word(&wire.source)?,
        observed_at: Timestamp(wire.observed_at_us),
    })
}

impl From<Pace> for v1::UsagePace {
    fn from(pace: Pace) -> Self {
        let before = pace.before_reset.map(|it| it.as_millis());
        Self {
            even: pace.even,
            ahead: pace.ahead,
            per_hour: pace.per_hour,
            at_reset: pace.at_reset,
            limit_at_us: pace.limit_at.map(|at| at.0),
            before_reset_ms: before.map(|it| u64::try_from(it).unwrap_or(u64::MAX)),
        }
    }
}

impl From<v1::UsagePace> for Pace {
    fn from(wire: v1::UsagePace) -> Self {
        Self {
            even: wire.even,
            ahead: wire.ahead,
            per_hour: wire.per_hour,
            at_reset: wire.at_reset,
            limit_at: wire.limit_at_us.map(Timestamp),
            before_reset: wire.before_reset_ms.map(Duration::from_millis),
        }
    }
}

impl From<State> for v1::UsageState {
    fn from(state: State) -> Self {
        let name = state.name().to_owned();
        let (until_us, detail) = match state {
            State::RateLimited { until } => (Some(until.0), String::new()),
            State::Offline { cause } => (None, cause.name().to_owned()),
            State::TlsIntercepted { issuer } => (None, issuer),
            State::Error { what } => (None, what),
            State::Unavailable { why } => (None, why),
            _ => (None, String::new()),
        };
        Self {
            state: name,
            until_us,
            detail,
        }
    }
}

impl From<v1::UsageState> for State {
    fn from(wire: v1::UsageState) -> Self {
        let v1::UsageState {
            state,
            until_us,
            detail,
        } = wire;
        // Those without content have their names alone.
        let mut object = serde_json::Map::new();
        object.insert("state".to_owned(), state.clone().into());
        match state.as_str() {
            "rate_limited" => {
                let until = Timestamp(until_us.unwrap_or_default());
                Self::RateLimited { until }
            }
            "offline" => match word(&detail) {
                Some(cause) => Self::Offline { cause },
                None => Self::Error { what: detail },
            },
            "tls_intercepted" => Self::TlsIntercepted { issuer: detail },
            "error" => Self::Error { what: detail },
            "unavailable" => Self::Unavailable { why: detail },
            _ => serde_json::from_value(object.into()).unwrap_or(Self::Error { what: state }),
        }
    }
}

impl From<UsageHistory> for v1::UsageHistory {
    fn from(history: UsageHistory) -> Self {
        let points = history.points.into_iter().map(|point| v1::UsagePoint {
            at_us: point.at.0,
            percent: point.percent.get(),
        });
        Self {
            provider: history.window.provider.name().to_owned(),
            account: history.window.account.0,
            kind: history.window.kind.name().to_owned(),
            label: history.window.label.unwrap_or_default(),
            duration_s: history.window.duration_s,
            points: points.collect(),
        }
    }
}

impl TryFrom<v1::UsageHistory> for UsageHistory {
    type Error = WireError;

    fn try_from(wire: v1::UsageHistory) -> Result<Self, WireError> {
        let provider = ProviderId::of_name(&wire.provider)
            .ok_or(WireError::new("provider", Problem::UnknownKind))?;
        let points = wire.points.into_iter().filter_map(|point| {
            Some(Point {
                at: Timestamp(point.at_us),
                percent: Percent::new(point.percent)?,
            })
        });
        Ok(Self {
            window: Window {
                provider,
                account: Account(wire.account),
                kind: word(&wire.kind).unwrap_or(Kind::Other),
                label: filled(wire.label),
                duration_s: wire.duration_s,
            },
            points: points.collect(),
        })
    }
}

impl From<UsageFinding> for v1::UsageFinding {
    fn from(finding: UsageFinding) -> Self {
        Self {
            about: finding.about,
            level: finding.level,
            found: finding.found,
            advice: finding.advice,
        }
    }
}

impl From<v1::UsageFinding> for UsageFinding {
    fn from(wire: v1::UsageFinding) -> Self {
        Self {
            about: wire.about,
            level: wire.level,
            found: wire.found,
            advice: wire.advice,
        }
    }
}

#[cfg(test)]
mod tests {
    use usage_core::failure::Unreachable;
    use usage_core::reading::Severity;

    use super::*;

    fn reading(kind: Kind, percent: f64) -> Reading {
        Reading {
            provider: ProviderId::Claude,
            account: Account("default".to_owned()),
            kind,
            label: (kind == Kind::WeeklyScoped).then(|| "Fable".to_owned()),
            duration_s: Some(18_000),
            percent: Percent::new(percent).unwrap(),
            resets_at: Some(Timestamp(1_795_289_999_999_766)),
            severity: Severity::Warning,
            binding: kind == Kind::Session,
            amount: Some(Amount {
                used: 12.5,
                limit: None,
                unit: "USD".to_owned(),
            }),
            source: Source::GetUsage,
            observed_at: Timestamp(1_795_280_000_000_001),
        }
    }

    fn account(state: State) -> UsageAccount {
        let readings = vec![
            reading(Kind::Session, 62.1),
            reading(Kind::WeeklyScoped, 105.0),
        ];
        let pace = Pace {
            even: 40.0,
            ahead: 22.1,
            per_hour: 7.5,
            at_reset: 140.0,
            limit_at: Some(Timestamp(1_795_285_000_000_000)),
            before_reset: Some(Duration::from_secs(4_999)),
        };
        UsageAccount {
            provider: ProviderId::Claude,
            account: Account("default".to_owned()),
            state,
            paces: BTreeMap::from([(readings[0].window(), pace)]),
            readings,
            next_at: Some(Timestamp(1_795_280_060_000_000)),
            asked: Some(Source::GetUsage),
            asked_at: Some(Timestamp(1_795_280_000_000_000)),
            login_command: vec!["claude".to_owned(), "auth".to_owned(), "login".to_owned()],
        }
    }

    #[test]
    fn an_account_travels_whole_in_every_state() {
        let text = || "what".to_owned();
        for state in [
            State::Loading,
            State::Ok,
            State::Stale,
            State::RateLimited {
                until: Timestamp(1_795_290_000_000_000),
            },
            State::Offline {
                cause: Unreachable::Dns,
            },
            State::TlsIntercepted { issuer: text() },
            State::TokenExpired,
            State::LoginNeeded,
            State::ScopeMissing,
            State::NoSubscription,
            State::Error { what: text() },
            State::Unavailable { why: text() },
        ] {
            let account = account(state);
            let wire = v1::UsageAccount::from(account.clone());
            assert_eq!(UsageAccount::try_from(wire), Ok(account));
        }
    }

    #[test]
    fn words_of_a_newer_peer_hide_no_number_that_can_be_explained() {
        let mut wire = v1::UsageAccount::from(account(State::Ok));
        wire.limits[0].kind = "decade".to_owned();
        wire.limits[1].source = "telepathy".to_owned();
        wire.state.as_mut().unwrap().state = "dreaming".to_owned();
        let read = UsageAccount::try_from(wire.clone()).unwrap();
        assert_eq!(read.readings.len(), 1);
        assert_eq!(read.readings[0].kind, Kind::Other);
        assert_eq!(
            read.state,
            State::Error {
                what: "dreaming".to_owned()
            }
        );
        wire.provider = "somebody".to_owned();
        assert!(accounts(vec![wire]).is_empty());
    }
}
