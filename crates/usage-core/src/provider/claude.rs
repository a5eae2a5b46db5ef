//! What Claude Code and its service say about a plan.
//!
//! | source | scale | resets |
//! |---|---|---|
//! | [`rate_limit_event`], [`headers`] | 0–1 | seconds since the epoch |
//! | [`statusline`] | 0–100 | seconds since the epoch |
//! | `get_usage`, [`cached_file`], the endpoint | 0–100 | RFC 3339 |
//!
//! Windows are read by an allow-list: the service lights up code names of plans to come, which mean nothing to a person.

mod usage;

use betcode_core::reading::UsageReading;
use betcode_core::time::Timestamp;
use serde_json::Value;

use super::json::{moment, number, text};
use super::{Program, Provider, Reply, Request, check_status, origin, some};
use crate::credentials::{self, Credentials};
use crate::failure::Failure;
use crate::reading::{Account, Kind, Origin, Percent, ProviderId, Reading, Severity, Source};

pub use usage::cached_file;

/// Five hours, in seconds.
const SESSION: u64 = 5 * 3_600;
/// Seven days, in seconds.
const WEEK: u64 = 7 * 86_400;

/// Asks for the usage without looking through old conversations for what used it.
const GET_USAGE: &str = concat!(
    r#"{"type":"control_request","request_id":"usage","request":{"subtype":"get_usage","skip_behaviors":true}}"#,
    "\n"
);

/// A process without a turn, without tools, and without a trace on disk.
const ARGUMENTS: &[&str] = &[
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--no-session-persistence",
    "--setting-sources",
    "",
    "--tools",
    "",
];

/// Claude's plans.
#[derive(Debug)]
pub struct Claude;

impl Provider for Claude {
    fn id(&self) -> ProviderId {
        ProviderId::Claude
    }

    fn sources(&self) -> &'static [Source] {
        &[Source::GetUsage, Source::OauthUsage]
    }

    fn program(&self, source: Source) -> Option<Program> {
        (source == Source::GetUsage).then_some(Program {
            arguments: ARGUMENTS,
            without: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
            question: GET_USAGE,
        })
    }

    fn request(&self, source: Source) -> Option<Request> {
        (source == Source::OauthUsage).then_some(Request {
            url: "https://api.anthropic.com/api/oauth/usage",
            headers: &[
                ("accept", "application/json"),
                ("anthropic-beta", "oauth-2025-04-20"),
            ],
        })
    }

    fn is_answer(&self, line: &[u8]) -> bool {
        usage::is_answer(line)
    }

    fn read(
        &self,
        source: Source,
        account: &Account,
        reply: Reply<'_>,
        now: Timestamp,
    ) -> Result<Vec<Reading>, Failure> {
        let origin = origin(ProviderId::Claude, account, source, now);
        match reply {
            Reply::Output(output) => usage::get_usage(output, &origin),
            Reply::Http {
                status,
                retry_after,
                body,
            } => {
                check_status(status, retry_after, body, now)?;
                usage::body(body, &origin)
            }
        }
    }

    fn credentials(&self, bytes: &[u8]) -> Credentials {
        credentials::read_claude(bytes)
    }
}

/// Kind, length and label of the windows that are known by a name.
fn named(name: &str) -> Option<(Kind, u64, Option<&'static str>)> {
    Some(match name {
        "five_hour" | "5h" => (Kind::Session, SESSION, None),
        "seven_day" | "7d" => (Kind::Weekly, WEEK, None),
        "seven_day_opus" | "7d-opus" => (Kind::WeeklyScoped, WEEK, Some("Opus")),
        "seven_day_sonnet" | "7d-sonnet" => (Kind::WeeklyScoped, WEEK, Some("Sonnet")),
        _ => return None,
    })
}

fn window(origin: &Origin, name: &str, percent: Percent) -> Option<Reading> {
    let (kind, seconds, label) = named(name)?;
    Some(Reading::new(origin, kind, Some(seconds), percent).with_label(label))
}

/// What an agent of this machine said by itself in a session.
pub fn rate_limit_event(
    event: &UsageReading,
    account: &Account,
    observed_at: Timestamp,
) -> Vec<Reading> {
    let origin = origin(
        ProviderId::Claude,
        account,
        Source::RateLimitEvent,
        observed_at,
    );
    let read = |name: &str, share: Option<f64>, status: &str, resets_at| {
        let percent = Percent::of_share(share?)?;
        let reading = window(&origin, name, percent)?.with_reset(resets_at);
        Some(Reading {
            severity: severity_of_status(status).unwrap_or(reading.severity),
            binding: name == event.limit,
            ..reading
        })
    };
    let windows = event.windows.iter();
    let mut readings: Vec<_> = windows
        .filter_map(|(name, it)| read(name, it.utilization, &it.status, it.resets_at))
        .collect();
    if !event.windows.contains_key(&event.limit) {
        let share = event.utilization;
        readings.extend(read(&event.limit, share, &event.status, event.resets_at));
    }
    readings
}

fn severity_of_status(status: &str) -> Option<Severity> {
    Some(match status {
        "allowed_warning" => Severity::Warning,
        "rejected" => Severity::Critical,
        _ => return None,
    })
}

/// What Claude Code gives to the command of its status line. Nothing at all before the first answer of a session, and for
/// logins without a plan.
pub fn statusline(
    bytes: &[u8],
    account: &Account,
    observed_at: Timestamp,
) -> Result<Vec<Reading>, Failure> {
    let line: Value = serde_json::from_slice(bytes)
        .map_err(|_| Failure::unreadable("the status line's input is no JSON"))?;
    let limits = line.get("rate_limits").unwrap_or(&Value::Null);
    let origin = origin(ProviderId::Claude, account, Source::Statusline, observed_at);
    let windows = limits.as_object().into_iter().flatten();
    some(
        windows
            .filter_map(|(name, it)| {
                let percent = Percent::new(number(it, "used_percentage")?)?;
                let resets_at = it.get("resets_at").and_then(moment);
                Some(window(&origin, name, percent)?.with_reset(resets_at))
            })
            .collect(),
    )
}

/// What stands in the headers of an answer of the model; names in lower case.
pub fn headers<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    account: &Account,
    observed_at: Timestamp,
) -> Vec<Reading> {
    let all: Vec<_> = headers
        .into_iter()
        .filter_map(|(name, value)| {
            Some((
                name.strip_prefix("anthropic-ratelimit-unified-")?,
                value.trim(),
            ))
        })
        .collect();
    let get = |name: &str| all.iter().find(|(it, _)| *it == name).map(|(_, it)| *it);
    let origin = origin(ProviderId::Claude, account, Source::Headers, observed_at);
    let claim = get("representative-claim");
    let windows = all.iter().filter_map(|(name, value)| {
        let short = name.strip_suffix("-utilization")?;
        let percent = Percent::of_share(value.parse().ok()?)?;
        let resets_at = get(&format!("{short}-reset"))
            .and_then(|it| it.parse::<f64>().ok())
            .and_then(|it| moment(&Value::from(it)));
        let reading = window(&origin, short, percent)?.with_reset(resets_at);
        let status = get(&format!("{short}-status")).unwrap_or_default();
        Some(Reading {
            severity: severity_of_status(status).unwrap_or(reading.severity),
            binding: claim.and_then(named) == named(short),
            ..reading
        })
    });
    windows.collect()
}

/// The label of a window of one model or place.
fn scope(limit: &Value) -> Option<&str> {
    let scope = limit.get("scope")?;
    let model = scope
        .get("model")
        .and_then(|model| text(model, "display_name"));
    model
        .or_else(|| text(scope, "label"))
        .or_else(|| text(scope, "surface"))
}

#[cfg(test)]
mod tests;
