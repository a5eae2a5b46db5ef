//! Bytes that mean nothing, or too much: nothing fails in another way than it may, and no number is made up.

use std::collections::BTreeMap;

use betcode_core::reading::{UsageReading, UsageWindow};
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};
use usage_core::alert::{self, Alerts};
use usage_core::credentials::{read_claude, read_codex};
use usage_core::failure::{Failure, RetryAfter};
use usage_core::forecast::{day, pace};
use usage_core::format::{self, Paint, Shown};
use usage_core::planner::State;
use usage_core::provider::{Reply, claude, codex, provider};
use usage_core::reading::{Account, Percent, ProviderId, Reading, Source};

fn account() -> Account {
    Account("default".into())
}

/// Every way in.
fn read(bytes: &[u8], now: Timestamp) -> Vec<Result<Vec<Reading>, Failure>> {
    let mut all = Vec::new();
    for id in [ProviderId::Claude, ProviderId::Codex] {
        let provider = provider(id);
        for source in provider.sources() {
            for reply in [
                Reply::Output(bytes),
                http(200, bytes),
                http(429, bytes),
                http(403, bytes),
            ] {
                all.push(provider.read(*source, &account(), reply, now));
            }
        }
        let _ = provider.credentials(bytes);
    }
    all.push(claude::statusline(bytes, &account(), now));
    all.push(claude::cached_file(bytes, &account(), now));
    let mut windows = codex::Windows::default();
    let _ = windows.read(bytes);
    all.push(Ok(windows.update(bytes, &account(), now)));
    all.push(Ok(windows.readings(&account(), Source::CodexRead, now)));
    let _ = (read_claude(bytes), read_codex(bytes));
    all
}

const fn http(status: u16, body: &[u8]) -> Reply<'_> {
    Reply::Http {
        status,
        retry_after: Some("Sun, 06 Nov 1994 08:49:37 GMT"),
        body,
    }
}

/// Everything that is done with readings.
fn show(readings: &[Reading], now: Timestamp) {
    for reading in readings {
        let percent = reading.percent.get();
        assert!(percent.is_finite() && percent >= 0.0, "{reading:?}");
        assert!(
            reading
                .label
                .as_ref()
                .is_none_or(|it| !it.contains(char::is_control))
        );
        let json = serde_json::to_string(reading).unwrap();
        assert_eq!(&serde_json::from_str::<Reading>(&json).unwrap(), reading);
        let _ = day(
            reading,
            Percent::ZERO,
            None,
            (now, reading.observed_at),
            now,
        );
    }
    let paces: BTreeMap<_, _> = readings
        .iter()
        .filter_map(|it| Some((it.window(), pace(it, &[], now)?)))
        .collect();
    let shown = Shown {
        state: &State::RateLimited {
            until: Timestamp(i64::MAX),
        },
        readings,
        paces: &paces,
        chosen: None,
        waiting: 3,
        now,
        zone: &TimeZone::UTC,
    };
    assert!(format::tooltip(&shown).encode_utf16().count() <= 64);
    for paint in [Paint::Plain, Paint::Ansi, Paint::Tmux] {
        let _ = (format::bars(&shown, paint), format::line(&shown, paint));
    }
    let _ = (format::waybar(&shown), format::json(shown.state, readings));
    let mut alerts = Alerts::new(alert::Settings::default(), alert::Memory::default());
    alerts.handle(now, alert::Input::Readings(readings.to_vec()));
    while let Some(alert) = alerts.poll_effect() {
        let _ = (alert.title(), alert.body());
    }
    alerts.handle_timeout(Timestamp(i64::MAX));
}

fn read_and_show(bytes: &[u8], now: Timestamp) {
    for readings in read(bytes, now).into_iter().flatten() {
        show(&readings, now);
    }
}

/// Numbers and other values that a field may hold.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0.0..120.0f64).prop_map(Value::from),
        (1_795_000_000i64..1_796_000_000).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("2026-11-21T20:22:16.999766+00:00")),
        Just(json!("-9999-01-01T00:00:00Z")),
        Just(json!("9999-12-31T23:59:59Z")),
        Just(json!({})),
        Just(json!([[]])),
    ]
}

/// Objects with the right names and any values.
fn usage() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        Just("session"),
        Just("weekly_all"),
        Just("weekly_scoped"),
        Just("x")
    ];
    let limit = (kind, value(), value(), value(), value()).prop_map(|(kind, percent, reset, label, is_active)| {
        json!({"kind": kind, "percent": percent, "utilization": percent, "used_percentage": percent, "resets_at": reset,
               "usedPercent": percent, "windowDurationMins": reset, "resetsAt": reset, "limitName": label,
               "severity": label, "is_active": is_active, "display_name": label,
               "scope": {"model": {"display_name": label}, "surface": label}, "is_enabled": true,
               "used_credits": percent, "monthly_limit": reset, "decimal_places": percent, "currency": label})
    });
    (prop::collection::vec(limit, 1..4), value()).prop_map(|(limits, any)| {
        let one = limits[0].clone();
        json!({"limits": limits, "five_hour": one, "seven_day": any, "model_scoped": [one], "extra_usage": one,
               "primary": one, "secondary": {"usedPercent": any, "windowDurationMins": 300}})
    })
}

/// The ways in which such an object comes.
fn envelopes(usage: &Value, any: &Value) -> Vec<String> {
    vec![
        usage.to_string(),
        json!({"type": "control_response", "response": {"subtype": any, "response": {"subscription_type": any, "rate_limits": usage}}}).to_string(),
        json!({"cachedUsageUtilization": {"fetchedAtMs": any, "utilization": usage}}).to_string(),
        json!({"rate_limits": usage}).to_string(),
        json!({"id": 1, "result": {"rateLimits": usage, "rateLimitsByLimitId": {"a": usage, "codex": any}}}).to_string(),
        json!({"method": "account/rateLimits/updated", "params": {"rateLimits": usage}}).to_string(),
        json!({"claudeAiOauth": {"accessToken": "x", "expiresAt": any, "scopes": [any]}}).to_string(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), now in any::<i64>()) {
        read_and_show(&bytes, Timestamp(now));
    }

    #[test]
    fn the_right_names_with_any_values_are_read_without_harm(usage in usage(), any in value(), now in any::<i64>()) {
        for now in [now, 1_795_280_000_000_000] {
            for text in envelopes(&usage, &any) {
                read_and_show(text.as_bytes(), Timestamp(now));
            }
        }
    }

    #[test]
    fn an_answer_that_is_cut_is_read_without_harm(usage in usage(), cut in 0.0..1.0f64) {
        for text in envelopes(&usage, &Value::Null) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a short length")]
            let end = (text.len() as f64 * cut) as usize;
            read_and_show(&text.as_bytes()[..end], Timestamp(1_795_280_000_000_000));
        }
    }

    #[test]
    fn any_event_of_an_agent_is_read_without_harm(share in any::<f64>(), reset in any::<i64>(), name in "five_hour|seven_day|x", now in any::<i64>()) {
        let window = UsageWindow { utilization: Some(share), resets_at: Some(Timestamp(reset)), ..UsageWindow::default() };
        let event = UsageReading { limit: name.clone(), windows: [(name, window)].into(), ..UsageReading::default() };
        show(&claude::rate_limit_event(&event, &account(), Timestamp(now)), Timestamp(now));
    }

    #[test]
    fn any_header_is_read_without_harm(value in ".{0,40}", now in any::<i64>()) {
        let _ = RetryAfter::read(Some(&value), Timestamp(now));
        let headers = [("anthropic-ratelimit-unified-5h-utilization", value.as_str()), ("anthropic-ratelimit-unified-5h-reset", &value)];
        show(&claude::headers(headers, &account(), Timestamp(now)), Timestamp(now));
    }
}

#[test]
fn no_window_that_is_missing_is_zero() {
    let now = Timestamp(1_795_280_000_000_000);
    for text in [
        "{}",
        "null",
        "[]",
        r#"{"five_hour":null,"seven_day":{"utilization":null}}"#,
        r#"{"rate_limits":{"five_hour":{}}}"#,
    ] {
        for readings in read(text.as_bytes(), now).into_iter().flatten() {
            assert_eq!(readings, [], "{text}");
        }
    }
}
