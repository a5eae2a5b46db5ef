//! Every trap of the sources of Claude.

#![expect(
    clippy::float_cmp,
    reason = "numbers come through unchanged, so they are exactly equal"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_core::reading::UsageWindow;
use serde_json::json;

use super::*;
use crate::failure::RetryAfter;

const NOW: Timestamp = Timestamp(1_795_280_000_000_000);
const RESET: Timestamp = Timestamp(1_795_292_536_000_000);

fn account() -> Account {
    Account("default".into())
}

fn output(lines: &[Value]) -> Result<Vec<Reading>, Failure> {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    let output = lines.join("\n");
    let reply = Reply::Output(output.as_bytes());
    Claude.read(Source::GetUsage, &account(), reply, NOW)
}

fn answered(answer: &Value) -> Result<Vec<Reading>, Failure> {
    let response = json!({"subtype": "success", "request_id": "usage", "response": answer});
    output(&[
        json!({"type": "system", "subtype": "init"}),
        json!({"type": "control_response", "response": response}),
    ])
}

fn http(status: u16, retry_after: Option<&str>, body: &Value) -> Result<Vec<Reading>, Failure> {
    let body = body.to_string();
    let reply = Reply::Http {
        status,
        retry_after,
        body: body.as_bytes(),
    };
    Claude.read(Source::OauthUsage, &account(), reply, NOW)
}

fn usage() -> Value {
    json!({
        "five_hour": {"utilization": 11, "resets_at": "2026-11-21T20:22:16.999766+00:00", "limit_dollars": null, "locked_reason": null},
        "seven_day": {"utilization": 70, "resets_at": null},
        "seven_day_opus": null, "seven_day_sonnet": null, "seven_day_omelette": null,
        "tangelo": null, "nimbus_quill": {"utilization": 0, "resets_at": null}, "cinder_cove": {"utilization": 99},
        "limits": [
            {"kind": "session", "group": "session", "percent": 11, "severity": "normal",
             "resets_at": "2026-11-21T20:22:16.999766+00:00", "scope": null, "is_active": false},
            {"kind": "weekly_all", "group": "weekly", "percent": 70, "severity": "warning", "resets_at": null, "scope": null, "is_active": true},
            {"kind": "weekly_scoped", "group": "weekly", "percent": 0, "severity": "normal", "resets_at": null,
             "scope": {"model": {"id": null, "display_name": "Fable"}, "surface": null}, "is_active": false},
            {"kind": "lunar_all", "percent": 5, "scope": null},
        ],
        "extra_usage": {"is_enabled": true, "monthly_limit": 10000, "used_credits": 5824, "utilization": 58.24, "currency": "USD", "decimal_places": 2},
    })
}

fn shown(readings: &[Reading]) -> Vec<(Kind, Option<&str>, f64, Severity, bool)> {
    let shown = readings.iter().map(|it| {
        let label = it.label.as_deref();
        (it.kind, label, it.percent.get(), it.severity, it.binding)
    });
    shown.collect()
}

#[test]
fn the_list_is_preferred_and_code_names_are_left_out() {
    let readings = http(200, None, &usage()).unwrap();
    assert_eq!(
        shown(&readings),
        [
            (Kind::Session, None, 11.0, Severity::Normal, false),
            (Kind::Weekly, None, 70.0, Severity::Warning, true),
            (
                Kind::WeeklyScoped,
                Some("Fable"),
                0.0,
                Severity::Normal,
                false
            ),
            (Kind::Extra, None, 58.24, Severity::Normal, false),
        ]
    );
    assert_eq!(
        readings[0].resets_at,
        Some(Timestamp(1_795_292_536_999_766))
    );
    assert_eq!(readings[1].resets_at, None);
    let amount = readings[3].amount.as_ref().unwrap();
    assert_eq!((amount.used, amount.limit), (58.24, Some(100.0)));
}

#[test]
fn without_the_list_the_windows_beside_it_count_and_null_is_not_zero() {
    let mut usage = usage();
    usage.as_object_mut().unwrap().remove("limits");
    usage["seven_day"] = Value::Null;
    usage["seven_day_opus"] = json!({"utilization": 101.5});
    usage["model_scoped"] = json!([{"display_name": "Fable", "utilization": 40}]);
    usage["extra_usage"]["is_enabled"] = json!(false);
    assert_eq!(
        shown(&http(200, None, &usage).unwrap()),
        [
            (Kind::Session, None, 11.0, Severity::Normal, false),
            (
                Kind::WeeklyScoped,
                Some("Opus"),
                101.5,
                Severity::Critical,
                false
            ),
            (
                Kind::WeeklyScoped,
                Some("Fable"),
                40.0,
                Severity::Normal,
                false
            ),
        ]
    );
}

#[test]
fn one_percent_and_all_of_it_are_told_apart_by_their_source() {
    let body = json!({"five_hour": {"utilization": 1}});
    assert_eq!(http(200, None, &body).unwrap()[0].percent.get(), 1.0);
    let line = json!({"rate_limits": {"five_hour": {"used_percentage": 1}}}).to_string();
    let readings = statusline(line.as_bytes(), &account(), NOW).unwrap();
    assert_eq!(readings[0].percent.get(), 1.0);
    let event = event("five_hour", &[("five_hour", 1.0)]);
    let readings = rate_limit_event(&event, &account(), NOW);
    assert_eq!(readings[0].percent.get(), 100.0);
    let pairs = [("anthropic-ratelimit-unified-5h-utilization", "1")];
    let readings = headers(pairs, &account(), NOW);
    assert_eq!(readings[0].percent.get(), 100.0);
}

#[test]
fn a_plan_without_numbers_is_unavailable_and_not_zero() {
    for body in [
        json!({"five_hour": null, "limits": []}),
        json!({"five_hour": {"utilization": null}, "seven_day": null}),
        json!({"limits": [{"kind": "session", "percent": null}, {"kind": "weekly_all"}]}),
        json!({"limits": [{"kind": "weekly_scoped", "percent": 3, "scope": null}]}),
        json!({}),
    ] {
        let read = http(200, None, &body);
        assert!(
            matches!(read, Err(Failure::Unavailable { .. })),
            "{body}: {read:?}"
        );
    }
}

#[test]
fn numbers_in_another_form_are_not_understood_which_is_another_thing() {
    for body in [
        json!({"five_hour": {"utilization": null}, "seven_day": {"utilization": "12 %"}}),
        json!({"limits": [{"kind": "session", "percent": -3}, {"kind": "weekly_all"}]}),
    ] {
        let read = http(200, None, &body);
        assert!(matches!(read, Err(Failure::Unreadable { .. })), "{read:?}");
        let answer =
            json!({"subscription_type": "max", "rate_limits_available": true, "rate_limits": body});
        let read = answered(&answer);
        assert!(matches!(read, Err(Failure::Unreadable { .. })), "{read:?}");
    }
}

#[test]
fn every_status_says_what_it_means() {
    let scope = json!({"error": {"type": "permission_error", "message": "OAuth token does not meet scope requirement user:profile"}});
    let limited = |retry_after| Failure::RateLimited { retry_after };
    for (status, header, body, expected) in [
        (401, None, json!({}), Failure::TokenRejected),
        (403, None, scope, Failure::ScopeMissing),
        (403, None, json!("blocked"), Failure::Server { status: 403 }),
        (429, None, json!({}), limited(RetryAfter::Absent)),
        (429, Some("0"), json!({}), limited(RetryAfter::Zero)),
        (
            429,
            Some("3117"),
            json!({}),
            limited(RetryAfter::Wait(Duration::from_secs(3_117))),
        ),
        (
            429,
            Some("Thu, 01 Jan 1970 00:00:00 GMT"),
            json!({}),
            limited(RetryAfter::Zero),
        ),
        (500, None, json!({}), Failure::Server { status: 500 }),
        (302, None, json!({}), Failure::Server { status: 302 }),
    ] {
        assert_eq!(
            http(status, header, &body),
            Err(expected),
            "{status} {header:?}"
        );
    }
    let reply = Reply::Http {
        status: 200,
        retry_after: None,
        body: b"<html>",
    };
    let read = Claude.read(Source::OauthUsage, &account(), reply, NOW);
    assert!(matches!(read, Err(Failure::Unreadable { .. })));
}

#[test]
fn get_usage_gives_the_same_object_in_an_envelope() {
    let answer = json!({"session": {"total_cost_usd": 0}, "subscription_type": "max", "rate_limits_available": true, "rate_limits": usage()});
    let readings = answered(&answer).unwrap();
    assert_eq!(readings.len(), 4);
    assert!(
        readings
            .iter()
            .all(|it| it.source == Source::GetUsage && it.observed_at == NOW)
    );
}

#[test]
fn get_usage_says_why_there_are_no_numbers() {
    let key =
        json!({"subscription_type": null, "rate_limits_available": false, "rate_limits": null});
    assert_eq!(answered(&key), Err(Failure::NoSubscription));
    for answer in [
        json!({"subscription_type": "max", "rate_limits_available": false, "rate_limits": null}),
        json!({"subscription_type": "enterprise", "rate_limits_available": true, "rate_limits": {"five_hour": null}}),
    ] {
        assert!(matches!(
            answered(&answer),
            Err(Failure::Unavailable { .. })
        ));
    }
    // As 2.1.330 answers without a network, when it is refused, and when it cannot renew its token.
    let silent =
        json!({"subscription_type": "max", "rate_limits_available": true, "rate_limits": null});
    assert_eq!(answered(&silent), Err(Failure::Unexplained));
    let refused = |error: &str| {
        output(&[
            json!({"type": "control_response", "response": {"subtype": "error", "request_id": "usage", "error": error}}),
        ])
    };
    let unsupported = refused("Unsupported control request subtype: get_usage");
    assert!(matches!(unsupported, Err(Failure::Unavailable { .. })));
    assert_eq!(
        refused("Not logged in · Please run /login"),
        Err(Failure::NotLoggedIn)
    );
    assert!(matches!(
        refused("rate_limit_error"),
        Err(Failure::RateLimited { .. })
    ));
    for lines in [
        vec![],
        vec![json!({"type": "result"})],
        vec![json!({"type": "control_response"})],
    ] {
        assert!(
            matches!(output(&lines), Err(Failure::Unreadable { .. })),
            "{lines:?}"
        );
    }
}

#[test]
fn the_question_is_one_line_that_asks_for_no_look_through_conversations() {
    let program = Claude.program(Source::GetUsage).unwrap();
    let question = program.question;
    let line: Value = serde_json::from_str(question.strip_suffix('\n').unwrap()).unwrap();
    assert_eq!(
        line["request"],
        json!({"subtype": "get_usage", "skip_behaviors": true})
    );
    assert!(program.without.contains(&"ANTHROPIC_API_KEY"));
    assert_eq!(Claude.program(Source::OauthUsage), None);
    assert_eq!(Claude.request(Source::GetUsage), None);
    assert!(Claude.request(Source::OauthUsage).is_some());
    assert!(Claude.is_answer(br#"{"type":"control_response","response":{}}"#));
    assert!(!Claude.is_answer(br#"{"type":"system"}"#) && !Claude.is_answer(b"{"));
}

#[test]
fn the_remembered_values_have_their_age_and_end_with_their_window() {
    let hour_ago = NOW.0 / 1_000 - 3_600_000;
    let file = json!({"numStartups": 3, "cachedUsageUtilization": {"fetchedAtMs": hour_ago, "accountUuid": "x", "utilization": usage()}});
    let read = |now| cached_file(file.to_string().as_bytes(), &account(), now);
    let readings = read(NOW).unwrap();
    // The week has no reset, so nobody knows whether it is still the same.
    assert_eq!(
        shown(&readings),
        [(Kind::Session, None, 11.0, Severity::Normal, false)]
    );
    assert_eq!(readings[0].age(NOW), Duration::from_hours(1));
    let over = read(NOW.plus(Duration::from_hours(6)));
    assert!(matches!(over, Err(Failure::Unavailable { .. })), "{over:?}");
    for nothing in [
        json!({}),
        json!({"cachedUsageUtilization": null}),
        json!({"cachedUsageUtilization": {"fetchedAtMs": 0}}),
    ] {
        let read = cached_file(nothing.to_string().as_bytes(), &account(), NOW);
        assert!(matches!(read, Err(Failure::Unavailable { .. })));
    }
}

#[test]
fn what_was_remembered_in_the_future_is_of_now() {
    let later = NOW.0 / 1_000 + 3_600_000;
    let file = json!({"cachedUsageUtilization": {"fetchedAtMs": later, "utilization": usage()}});
    let readings = cached_file(file.to_string().as_bytes(), &account(), NOW).unwrap();
    assert_eq!(readings[0].observed_at, NOW);
}

#[test]
fn the_status_line_has_percents_and_seconds() {
    let line = json!({"session_id": "x", "rate_limits": {
        "five_hour": {"used_percentage": 105, "resets_at": 1_795_292_536},
        "seven_day": {"used_percentage": 41.5, "resets_at": 1_795_292_536},
        "harbor_lantern": {"used_percentage": 7},
    }});
    let readings = statusline(line.to_string().as_bytes(), &account(), NOW).unwrap();
    assert_eq!(
        shown(&readings),
        [
            (Kind::Session, None, 105.0, Severity::Critical, false),
            (Kind::Weekly, None, 41.5, Severity::Normal, false),
        ]
    );
    assert!(readings.iter().all(|it| it.resets_at == Some(RESET)));
    for nothing in [
        &b"{}"[..],
        br#"{"rate_limits":null}"#,
        br#"{"rate_limits":{}}"#,
    ] {
        let read = statusline(nothing, &account(), NOW);
        assert!(matches!(read, Err(Failure::Unavailable { .. })));
    }
    assert!(matches!(
        statusline(b"{", &account(), NOW),
        Err(Failure::Unreadable { .. })
    ));
}

fn event(limit: &str, windows: &[(&str, f64)]) -> UsageReading {
    let windows = windows.iter().map(|(name, share)| {
        let window = UsageWindow {
            utilization: Some(*share),
            resets_at: Some(RESET),
            ..UsageWindow::default()
        };
        ((*name).to_owned(), window)
    });
    UsageReading {
        limit: limit.into(),
        windows: windows.collect::<BTreeMap<_, _>>(),
        ..UsageReading::default()
    }
}

#[test]
fn an_event_names_the_window_that_bites() {
    let event = event(
        "seven_day",
        &[
            ("five_hour", 0.07),
            ("seven_day", 1.02),
            ("seven_day_overage_included", 0.5),
        ],
    );
    let readings = rate_limit_event(&event, &account(), NOW);
    assert_eq!(
        shown(&readings),
        [
            (Kind::Session, None, 7.0, Severity::Normal, false),
            (Kind::Weekly, None, 102.0, Severity::Critical, true),
        ]
    );
    assert_eq!(readings[0].resets_at, Some(RESET));
}

#[test]
fn an_event_without_windows_still_says_what_it_is_about() {
    let mut reading = UsageReading {
        status: "allowed_warning".into(),
        utilization: Some(0.6),
        resets_at: Some(RESET),
        ..event("seven_day_sonnet", &[])
    };
    let readings = rate_limit_event(&reading, &account(), NOW);
    assert_eq!(
        shown(&readings),
        [(
            Kind::WeeklyScoped,
            Some("Sonnet"),
            60.0,
            Severity::Warning,
            true
        )]
    );
    reading.utilization = None;
    assert_eq!(
        rate_limit_event(&reading, &account(), NOW),
        [],
        "not said is not zero"
    );
}

#[test]
fn headers_have_shares_seconds_and_name_the_window_that_bites() {
    let prefix = "anthropic-ratelimit-unified-";
    let pairs = [
        ("status", "allowed"),
        ("representative-claim", "five_hour"),
        ("5h-utilization", "0.93"),
        ("5h-reset", "1795292536"),
        ("5h-status", "rejected"),
        ("7d-utilization", "NaN"),
        ("7d_oi-utilization", "0.2"),
    ]
    .map(|(name, value)| (format!("{prefix}{name}"), value));
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), *value));
    let readings = headers(pairs, &account(), NOW);
    assert_eq!(
        shown(&readings),
        [(Kind::Session, None, 93.0, Severity::Critical, true)]
    );
    assert_eq!(readings[0].resets_at, Some(RESET));
}
