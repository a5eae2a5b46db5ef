//! The object that the service gives about a plan, and the three ways in which it comes: over HTTP, in the answer to the
//! control request `get_usage`, and in the file in which Claude Code remembers it.
//!
//! The list `limits` is preferred; the windows beside it have been empty since it exists and are for older services.

use betcode_core::time::Timestamp;
use serde_json::Value;

use super::super::json::{milliseconds, moment, number, text};
use super::super::{origin, some};
use super::{WEEK, scope, window};
use crate::failure::{Failure, RetryAfter};
use crate::reading::{
    Account, Amount, Kind, Origin, Percent, ProviderId, Reading, Severity, Source,
};

/// The windows beside the list.
const FLAT: &[&str] = &[
    "five_hour",
    "seven_day",
    "seven_day_opus",
    "seven_day_sonnet",
];
/// No currency has more decimal places.
const MOST_DECIMALS: f64 = 9.0;

/// The body of an answer over HTTP.
pub(super) fn body(body: &[u8], origin: &Origin) -> Result<Vec<Reading>, Failure> {
    let usage: Value =
        serde_json::from_slice(body).map_err(|_| Failure::unreadable("the body is no JSON"))?;
    if !usage.is_object() {
        return Err(Failure::unreadable("the body is no JSON object"));
    }
    given(&usage, windows(&usage, origin))
}

/// Readings, or why there are none: this plan gives no numbers, or gives them in a form that is not known here.
fn given(usage: &Value, readings: Vec<Reading>) -> Result<Vec<Reading>, Failure> {
    let listed = usage.get("limits").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().map(|it| it.get("percent"));
    let flat = FLAT.iter().filter_map(|name| usage.get(*name));
    let mut used = listed.chain(flat.map(|it| it.get("utilization"))).flatten();
    let is_strange = |it: &Value| !it.is_null() && it.as_f64().and_then(Percent::new).is_none();
    if readings.is_empty() && used.any(is_strange) {
        return Err(Failure::unreadable("what is used is no number in it"));
    }
    some(readings)
}

/// Whether a line is the answer of `claude`.
pub(super) fn is_answer(line: &[u8]) -> bool {
    let line: Option<Value> = serde_json::from_slice(line).ok();
    line.is_some_and(|line| text(&line, "type") == Some("control_response"))
}

/// What `claude` printed: lines of JSON, one of which is the answer.
pub(super) fn get_usage(output: &[u8], origin: &Origin) -> Result<Vec<Reading>, Failure> {
    let lines = output.split(|byte| *byte == b'\n');
    let answer = lines
        .filter(|line| is_answer(line))
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|mut line| line.get_mut("response").map(Value::take))
        .ok_or_else(|| Failure::unreadable("claude gave no answer to get_usage"))?;
    if text(&answer, "subtype") == Some("error") {
        return Err(refused(text(&answer, "error").unwrap_or_default()));
    }
    let answer = answer.get("response").unwrap_or(&Value::Null);
    if !answer.is_object() {
        return Err(Failure::unreadable("the answer to get_usage is empty"));
    }
    let limits = answer.get("rate_limits").unwrap_or(&Value::Null);
    let readings = windows(limits, origin);
    if !readings.is_empty() {
        return Ok(readings);
    }
    let is_available = answer.get("rate_limits_available").and_then(Value::as_bool);
    match text(answer, "subscription_type") {
        None => Err(Failure::NoSubscription),
        Some(_) if limits.is_object() => given(limits, readings),
        Some(_) if is_available == Some(false) => some(readings),
        Some(_) => Err(Failure::Unexplained),
    }
}

/// A refusal has no codes, only a sentence.
fn refused(error: &str) -> Failure {
    let error = error.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["rate limit", "rate_limit", "429"]) {
        Failure::RateLimited {
            retry_after: RetryAfter::Absent,
        }
    } else if says(&["unsupported", "unknown", "not supported"]) {
        Failure::unavailable("this version of claude does not know get_usage")
    } else if says(&["logged", "log in", "login", "authenticat", "401", "expired"]) {
        Failure::NotLoggedIn
    } else {
        Failure::unreadable("claude refused get_usage")
    }
}

/// The file in which Claude Code remembers the last answer, with the time at which that was. Windows that began anew since
/// are left out: what it says about them is over.
pub fn cached_file(
    bytes: &[u8],
    account: &Account,
    now: Timestamp,
) -> Result<Vec<Reading>, Failure> {
    let file: Value =
        serde_json::from_slice(bytes).map_err(|_| Failure::unreadable("the file is no JSON"))?;
    let cached = file.get("cachedUsageUtilization").unwrap_or(&Value::Null);
    let fetched = cached.get("fetchedAtMs").and_then(milliseconds);
    let fetched = fetched.ok_or_else(|| Failure::unavailable("claude remembers nothing"))?;
    let origin = origin(
        ProviderId::Claude,
        account,
        Source::CachedFile,
        fetched.min(now),
    );
    let mut readings = windows(cached.get("utilization").unwrap_or(cached), &origin);
    readings.retain(|reading| reading.resets_at.is_some_and(|resets_at| resets_at > now));
    some(readings)
}

/// Everything that is known of the object.
fn windows(usage: &Value, origin: &Origin) -> Vec<Reading> {
    let listed = usage.get("limits").and_then(Value::as_array);
    let mut readings: Vec<_> = listed
        .into_iter()
        .flatten()
        .filter_map(|limit| listed_window(limit, origin))
        .collect();
    let flat = FLAT.iter().filter_map(|name| {
        let it = usage.get(*name)?;
        flat_window(it, |percent| window(origin, name, percent))
    });
    let scoped = usage.get("model_scoped").and_then(Value::as_array);
    let scoped = scoped.into_iter().flatten().filter_map(|it| {
        let label = text(it, "display_name")?;
        flat_window(it, |percent| {
            let reading = Reading::new(origin, Kind::WeeklyScoped, Some(WEEK), percent);
            Some(reading.with_label(Some(label)))
        })
    });
    for reading in flat.chain(scoped).chain(extra(usage, origin)) {
        let known = reading.window();
        if !readings.iter().any(|it| it.window() == known) {
            readings.push(reading);
        }
    }
    readings
}

fn listed_window(limit: &Value, origin: &Origin) -> Option<Reading> {
    let percent = Percent::new(number(limit, "percent")?)?;
    let reading = match text(limit, "kind")? {
        "session" => window(origin, "five_hour", percent)?,
        "weekly_all" => window(origin, "seven_day", percent)?,
        "weekly_scoped" => Reading::new(origin, Kind::WeeklyScoped, Some(WEEK), percent)
            .with_label(Some(scope(limit)?)),
        _ => return None,
    };
    let reading = reading.with_reset(limit.get("resets_at").and_then(moment));
    Some(Reading {
        severity: severity(limit).unwrap_or(reading.severity),
        binding: limit.get("is_active").and_then(Value::as_bool) == Some(true),
        ..reading
    })
}

fn flat_window(object: &Value, window: impl FnOnce(Percent) -> Option<Reading>) -> Option<Reading> {
    let percent = Percent::new(number(object, "utilization")?)?;
    Some(window(percent)?.with_reset(object.get("resets_at").and_then(moment)))
}

fn severity(object: &Value) -> Option<Severity> {
    match text(object, "severity")? {
        "normal" => Some(Severity::Normal),
        "warning" => Some(Severity::Warning),
        "critical" => Some(Severity::Critical),
        _ => None,
    }
}

/// What is paid beyond the plan, if that is switched on. Amounts are in the smallest unit of the currency.
fn extra(usage: &Value, origin: &Origin) -> Option<Reading> {
    let extra = usage.get("extra_usage")?;
    if extra.get("is_enabled").and_then(Value::as_bool) != Some(true) {
        return None;
    }
    let percent = Percent::new(number(extra, "utilization")?)?;
    let decimals = number(extra, "decimal_places").unwrap_or(2.0);
    let unit = 10_f64.powf(decimals.clamp(0.0, MOST_DECIMALS).floor());
    let currency = text(extra, "currency").unwrap_or("credits").chars();
    let currency = currency.filter(|it| !it.is_control()).take(8);
    let amount = number(extra, "used_credits").map(|used| Amount {
        used: used / unit,
        limit: number(extra, "monthly_limit").map(|limit| limit / unit),
        unit: currency.collect(),
    });
    Some(Reading {
        amount,
        ..Reading::new(origin, Kind::Extra, None, percent)
    })
}
