//! Every trap of the sources of Codex.

use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp(1_787_400_000_000_000);

fn account() -> Account {
    Account("default".into())
}

fn answer(result: &Value) -> String {
    [
        json!({"id": 0, "result": {"userAgent": "codex"}}),
        json!({"method": "account/rateLimits/updated", "params": {"rateLimits": {"primary": {"usedPercent": 99, "windowDurationMins": 300}}}}),
        json!({"id": 1, "result": result}),
    ]
    .map(|line| format!("{line}\n"))
    .concat()
}

fn read(result: &Value) -> Result<Vec<Reading>, Failure> {
    let output = answer(result);
    let reply = Reply::Output(output.as_bytes());
    Codex.read(Source::CodexRead, &account(), reply, NOW)
}

fn shown(readings: &[Reading]) -> Vec<(Kind, Option<&str>, f64)> {
    let shown = readings
        .iter()
        .map(|it| (it.kind, it.label.as_deref(), it.percent.get()));
    shown.collect()
}

fn weekly_in_primary() -> Value {
    json!({
        "rateLimits": {"limitId": "codex", "limitName": null, "primary": {"usedPercent": 10, "windowDurationMins": 10080, "resetsAt": 1_787_802_784}, "secondary": null, "planType": "pro"},
        "rateLimitsByLimitId": {
            "codex_bengalfox": {"limitId": "codex_bengalfox", "limitName": "GPT-5.3-Codex-Spark",
                "primary": {"usedPercent": 0, "windowDurationMins": 300, "resetsAt": 1_787_463_418},
                "secondary": {"usedPercent": 3, "windowDurationMins": 10080, "resetsAt": 1_788_050_218}},
            "codex": {"limitId": "codex", "primary": {"usedPercent": 10, "windowDurationMins": 10080, "resetsAt": 1_787_802_784}, "secondary": null},
            "malformed": {"limitId": "bad", "primary": {"usedPercent": 101, "windowDurationMins": 0, "resetsAt": -1}},
        },
    })
}

#[test]
fn a_weekly_window_in_the_first_place_is_weekly() {
    let readings = read(&weekly_in_primary()).unwrap();
    assert_eq!(
        shown(&readings),
        [
            (Kind::Weekly, None, 10.0),
            (Kind::SessionScoped, Some("GPT-5.3-Codex-Spark"), 0.0),
            (Kind::WeeklyScoped, Some("GPT-5.3-Codex-Spark"), 3.0),
        ]
    );
    assert_eq!(
        readings[0].resets_at,
        Some(Timestamp(1_787_802_784_000_000))
    );
    assert_eq!(readings[0].duration_s, Some(604_800));
}

#[test]
fn both_windows_are_told_apart_by_their_lengths() {
    let result = json!({"rateLimits": {
        "primary": {"usedPercent": 104, "windowDurationMins": 300, "resetsAt": 1_787_463_418},
        "secondary": {"usedPercent": 1, "windowDurationMins": 10080, "resetsAt": null},
    }});
    assert_eq!(
        shown(&read(&result).unwrap()),
        [(Kind::Session, None, 104.0), (Kind::Weekly, None, 1.0)]
    );
}

#[test]
fn a_window_without_a_length_is_left_out() {
    let result = json!({"rateLimits": {"primary": {"usedPercent": 50, "windowDurationMins": null}, "secondary": null}});
    assert!(matches!(read(&result), Err(Failure::Unavailable { .. })));
}

#[test]
fn an_update_is_laid_over_what_was_known() {
    let mut windows = Windows::default();
    let result = json!({"rateLimits": {
        "primary": {"usedPercent": 20, "windowDurationMins": 300, "resetsAt": 1_787_463_418},
        "secondary": {"usedPercent": 30, "windowDurationMins": 10080, "resetsAt": 1_788_050_218},
    }});
    windows.read(answer(&result).as_bytes()).unwrap();
    let mut update = |params: Value| {
        let line = json!({"method": "account/rateLimits/updated", "params": params}).to_string();
        windows.update(line.as_bytes(), &account(), NOW)
    };
    // Only the percentage of one window: its length and reset stay, the other window is not spoken of.
    let readings =
        update(json!({"rateLimits": {"primary": {"usedPercent": 21}, "secondary": null}}));
    assert_eq!(shown(&readings), [(Kind::Session, None, 21.0)]);
    assert_eq!(
        readings[0].resets_at,
        Some(Timestamp(1_787_463_418_000_000))
    );
    // Another window in the same place is another window.
    let readings = update(
        json!({"rateLimits": {"primary": {"usedPercent": 31, "windowDurationMins": 10080}}}),
    );
    assert_eq!(shown(&readings), [(Kind::Weekly, None, 31.0)]);
    assert_eq!(
        readings[0].resets_at,
        Some(Timestamp(1_788_050_218_000_000))
    );
    assert_eq!(update(json!({"rateLimits": {}})), []);
    assert_eq!(update(json!(null)), []);
    let all = windows.readings(&account(), Source::CodexUpdate, NOW);
    assert_eq!(
        shown(&all),
        [(Kind::Session, None, 21.0), (Kind::Weekly, None, 31.0)]
    );
    let kept: Windows = serde_json::from_str(&serde_json::to_string(&windows).unwrap()).unwrap();
    assert_eq!(kept, windows);
}

#[test]
fn an_update_before_anything_is_known_counts_if_it_names_its_length() {
    let update = |window: Value| {
        let line = json!({"method": "account/rateLimits/updated", "params": {"rateLimits": {"primary": window}}});
        Windows::default().update(line.to_string().as_bytes(), &account(), NOW)
    };
    assert_eq!(update(json!({"usedPercent": 21})), []);
    let readings = update(json!({"usedPercent": 21, "windowDurationMins": 300}));
    assert_eq!(shown(&readings), [(Kind::Session, None, 21.0)]);
}

#[test]
fn a_refusal_says_what_it_means() {
    let refused = |message: &str| {
        let line = json!({"id": 1, "error": {"code": -32600, "message": message}}).to_string();
        let reply = Reply::Output(line.as_bytes());
        Codex
            .read(Source::CodexRead, &account(), reply, NOW)
            .unwrap_err()
    };
    let needs_plan = "chatgpt authentication required to read rate limits";
    assert_eq!(refused(needs_plan), Failure::NoSubscription);
    assert_eq!(refused("not logged in"), Failure::NotLoggedIn);
    assert!(matches!(
        refused("429 Too Many Requests"),
        Failure::RateLimited { .. }
    ));
    assert!(matches!(
        refused("unknown variant"),
        Failure::Unavailable { .. }
    ));
    assert!(matches!(refused("oops"), Failure::Unreadable { .. }));
    for output in [&b""[..], b"{}", b"{\"id\":1}", b"{\"id\":0,\"result\":{}}"] {
        let read = Codex.read(Source::CodexRead, &account(), Reply::Output(output), NOW);
        assert!(matches!(read, Err(Failure::Unreadable { .. })));
    }
}

#[test]
fn it_is_asked_in_three_lines_of_json() {
    let question = Codex.program(Source::CodexRead).unwrap().question;
    let lines: Vec<Value> = question
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["id"], READ_ID);
    assert!(Codex.is_answer(br#"{"id":1,"result":{}}"#));
    let others = [r#"{"id":0,"result":{}}"#, r#"{"id":1,"method":"x"}"#, "{"];
    assert!(others.iter().all(|line| !Codex.is_answer(line.as_bytes())));
}
