//! Every form, at a Thursday noon in UTC.

use std::time::Duration;

use super::*;
use crate::failure::Unreachable;
use crate::forecast::Day;
use crate::reading::{Account, Amount, Origin, Percent, Source};

/// 2026-11-19T12:00:00Z
const NOW: Timestamp = Timestamp(1_795_089_600_000_000);
const HOUR: u64 = 3_600;

fn reading(kind: Kind, seconds: u64, percent: f64, resets_in: Option<u64>) -> Reading {
    let origin = Origin {
        provider: ProviderId::Claude,
        account: Account("default".into()),
        source: Source::GetUsage,
        observed_at: NOW,
    };
    let percent = Percent::new(percent).unwrap();
    let resets_at = resets_in.map(|seconds| NOW.plus(Duration::from_secs(seconds)));
    Reading::new(&origin, kind, Some(seconds), percent).with_reset(resets_at)
}

fn session() -> Reading {
    Reading {
        binding: true,
        ..reading(Kind::Session, 5 * HOUR, 62.0, Some(4_799))
    }
}

fn week() -> Reading {
    reading(Kind::Weekly, 7 * 24 * HOUR, 41.4, Some(3 * 24 * HOUR))
}

fn fable() -> Reading {
    reading(Kind::WeeklyScoped, 7 * 24 * HOUR, 93.0, None).with_label(Some("Fable"))
}

struct Case {
    state: State,
    readings: Vec<Reading>,
    paces: BTreeMap<Window, Pace>,
    waiting: usize,
    zone: TimeZone,
}

impl Case {
    fn new(state: State, readings: &[Reading]) -> Self {
        Self {
            state,
            readings: readings.to_vec(),
            paces: BTreeMap::new(),
            waiting: 0,
            zone: TimeZone::UTC,
        }
    }

    fn shown(&self) -> Shown<'_> {
        Shown {
            state: &self.state,
            readings: &self.readings,
            paces: &self.paces,
            chosen: None,
            waiting: self.waiting,
            now: NOW,
            zone: &self.zone,
        }
    }
}

fn ok(readings: &[Reading]) -> Case {
    Case::new(State::Ok, readings)
}

#[test]
fn a_tooltip_says_how_much_when_and_what_waits() {
    let mut case = ok(&[session(), week()]);
    assert_eq!(
        tooltip(&case.shown()),
        "betcode: 62.0% | 5h resets in 1h 20m"
    );
    case.waiting = 1;
    assert_eq!(
        tooltip(&case.shown()),
        "betcode: 62.0% | 5h resets in 1h 20m | 1 waiting"
    );
    case.readings[0].amount = Some(Amount {
        used: 310.0,
        limit: Some(500.0),
        unit: "requests".into(),
    });
    case.waiting = 0;
    assert_eq!(
        tooltip(&case.shown()),
        "betcode: 62.0% | 310/500 requests | Reset in 1h 20m"
    );
}

#[test]
fn a_tooltip_is_never_longer_than_it_may_be_and_keeps_what_waits() {
    let label = "A model with a name that nobody can remember and few can read";
    let mut case = Case::new(
        State::TlsIntercepted {
            issuer: "x".repeat(99),
        },
        &[reading(Kind::WeeklyScoped, 7 * 24 * HOUR, 93.0, Some(HOUR)).with_label(Some(label))],
    );
    case.waiting = usize::MAX;
    let text = tooltip(&case.shown());
    assert!(text.encode_utf16().count() <= 64, "{text}");
    assert_eq!(
        text,
        "betcode: tls intercepted | 93.0% | 18446744073709551615 waiting"
    );
}

#[test]
fn a_tooltip_without_good_readings_says_so_first() {
    let offline = State::Offline {
        cause: Unreachable::Dns,
    };
    let text = tooltip(&Case::new(offline, &[week()]).shown());
    assert_eq!(text, "betcode: offline | 41.4% | 7d resets in 3d");
    let over = reading(Kind::Session, 5 * HOUR, 62.0, Some(0));
    assert_eq!(
        tooltip(&Case::new(State::Stale, &[over]).shown()),
        "betcode: stale"
    );
    assert_eq!(
        tooltip(&Case::new(State::Loading, &[]).shown()),
        "betcode: loading"
    );
}

#[test]
fn a_line_has_the_windows_for_everything_and_the_one_that_bites() {
    let case = ok(&[session(), week(), fable()]);
    assert_eq!(line(&case.shown(), Paint::Plain), "5h 62% 1h 20m · 7d 41%");
    assert_eq!(
        line(&case.shown(), Paint::Tmux),
        "5h #[fg=yellow]62%#[default] 1h 20m · 7d #[fg=green]41%#[default]"
    );
    assert_eq!(
        line(&case.shown(), Paint::Ansi),
        "5h \u{1b}[33m62%\u{1b}[0m 1h 20m · 7d \u{1b}[32m41%\u{1b}[0m"
    );
    let case = ok(&[week(), fable().with_label(Some("F#{x}"))]);
    assert_eq!(line(&case.shown(), Paint::Plain), "7d 41% · 7d F#{x} 93%");
    assert!(line(&case.shown(), Paint::Tmux).contains("7d F##{x} "));
    let case = Case::new(State::LoginNeeded, &[week()]);
    assert_eq!(
        line(&case.shown(), Paint::Plain),
        "7d 41% 3d · login needed"
    );
    let case = Case::new(State::Loading, &[]);
    assert_eq!(line(&case.shown(), Paint::Plain), "loading");
}

#[test]
fn waybar_gets_text_tooltip_classes_and_a_number() {
    let case = ok(&[session(), fable().with_label(Some("<b>"))]);
    let value = waybar(&case.shown());
    assert_eq!(
        (&value["text"], &value["percentage"]),
        (&json!("62%"), &json!(62.0))
    );
    assert_eq!(value["class"], json!(["busy"]));
    assert!(
        value["tooltip"].as_str().unwrap().contains("&lt;b&gt;"),
        "{value}"
    );
    let stale = Case::new(
        State::Stale,
        &[reading(Kind::Session, 5 * HOUR, 140.0, None)],
    );
    let value = waybar(&stale.shown());
    assert_eq!(
        (&value["text"], &value["percentage"]),
        (&json!("140%"), &json!(100.0))
    );
    assert_eq!(value["class"], json!(["critical", "stale"]));
    let nothing = waybar(&Case::new(State::LoginNeeded, &[]).shown());
    assert_eq!(
        (&nothing["text"], &nothing["class"]),
        (&json!("–"), &json!(["login_needed"]))
    );
}

#[test]
fn bars_show_resets_money_and_where_it_leads() {
    let mut case = ok(&[
        session(),
        fable(),
        Reading {
            amount: Some(Amount {
                used: 58.24,
                limit: Some(100.0),
                unit: "USD".into(),
            }),
            duration_s: None,
            ..reading(Kind::Extra, 0, 58.24, None)
        },
    ]);
    case.paces.insert(
        session().window(),
        Pace {
            even: 73.3,
            ahead: -11.3,
            per_hour: 30.0,
            at_reset: 102.0,
            limit_at: Some(NOW.plus(Duration::from_mins(70))),
            before_reset: Some(Duration::from_mins(10)),
        },
    );
    assert_eq!(
        bars(&case.shown(), Paint::Plain),
        "\
Claude
  5h        ████████████░░░░░░░░   62%◂ resets 13:20 (in 1h 20m) · 11 points under pace · limit reached at 13:10, 10m before the reset
  7d Fable  ███████████████████░   93%
  extra     ████████████░░░░░░░░   58%  58.24/100 USD
"
    );
}

#[test]
fn bars_fit_into_every_width_and_leave_out_no_number() {
    let name = "a model with a very long name";
    let long = reading(Kind::WeeklyScoped, 7 * 24 * HOUR, 9_999.0, Some(80 * HOUR));
    let mut case = Case::new(
        State::TlsIntercepted {
            issuer: "Some Proxy".into(),
        },
        &[session(), week(), long.with_label(Some(name))],
    );
    let pace = Pace {
        even: 73.3,
        ahead: 1.2,
        per_hour: 30.0,
        at_reset: 102.0,
        limit_at: None,
        before_reset: None,
    };
    case.paces.insert(week().window(), pace);
    let pace = Pace {
        limit_at: Some(NOW.plus(Duration::from_hours(100))),
        before_reset: Some(Duration::from_hours(30)),
        ..pace
    };
    case.paces.insert(session().window(), pace);
    for width in [40, 59, 60, 80, 120, 200] {
        for paint in [Paint::Plain, Paint::Ansi] {
            let text = bars_within(&case.shown(), paint, width);
            let plain = text.replace("\u{1b}[0m", "");
            let plain = ["32", "33", "38;5;208", "31"]
                .iter()
                .fold(plain, |text, it| text.replace(&format!("\u{1b}[{it}m"), ""));
            for line in plain.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            let words: Vec<&str> = plain.split_whitespace().collect();
            let words = words.join(" ");
            for part in [
                "62%◂",
                "resets 13:20 (in 1h 20m)",
                "1 point ahead of pace",
                "limit reached at Mon 16:00, 1d 6h before the reset",
                "102% at the reset",
                "9999%",
                "intercepted by Some Proxy · last read just now",
            ] {
                assert!(words.contains(part), "{width}: {text}");
            }
        }
    }
    assert_eq!(
        bars_within(&case.shown(), Paint::Plain, 40),
        "\
Claude
  5h                   ██████░░░░   62%◂
    resets 13:20 (in 1h 20m)
    1 point ahead of pace
    limit reached at Mon 16:00, 1d 6h
    before the reset
  7d                   ████░░░░░░   41%
    resets Sun 12:00 (in 3d)
    1 point ahead of pace
    102% at the reset
  7d a model with a …  ██████████ 9999%
    resets Sun 20:00 (in 3d 8h)
the connection is intercepted by Some
    Proxy · last read just now
"
    );
}

#[test]
fn bars_say_what_is_over_and_how_it_stands() {
    let until = NOW.plus(Duration::from_hours(30));
    let old = Reading {
        observed_at: Timestamp(NOW.0 - 7_200_000_000),
        resets_at: Some(Timestamp(NOW.0 - 3_600_000_000)),
        ..session()
    };
    let case = Case::new(State::RateLimited { until }, &[old]);
    assert_eq!(
        bars(&case.shown(), Paint::Plain),
        "\
Claude
  5h  ░░░░░░░░░░░░░░░░░░░░    –   began anew at 11:00, not read since
rate limited until Fri 18:00 · last read 2h ago
"
    );
    let nothing = Case::new(State::NoSubscription, &[]);
    assert_eq!(
        bars(&nothing.shown(), Paint::Plain),
        "nobody is logged in with a plan that has limits\n"
    );
}

#[test]
fn several_accounts_are_told_apart() {
    let other = Reading {
        account: Account("work".into()),
        ..session()
    };
    let codex = Reading {
        provider: ProviderId::Codex,
        ..session()
    };
    let text = bars(&ok(&[session(), other, codex]).shown(), Paint::Plain);
    let heads: Vec<_> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(heads, ["Claude (default)", "Claude (work)", "Codex"]);
    let codex = Reading {
        provider: ProviderId::Codex,
        binding: false,
        ..week()
    };
    let both = ok(&[session(), week(), codex]);
    assert_eq!(
        line(&both.shown(), Paint::Plain),
        "Claude 5h 62% 1h 20m · 7d 41% · Codex 7d 41%"
    );
}

#[test]
fn json_has_the_state_and_the_readings() {
    let value = json(&State::Ok, &[session()]);
    assert_eq!(value["state"], "ok");
    assert_eq!(value["readings"][0]["kind"], "session");
    assert_eq!(value.as_object().unwrap().len(), 2);
    let value = json(
        &State::RateLimited {
            until: Timestamp(0),
        },
        &[],
    );
    assert_eq!(value["until"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(value["message"], "rate limited");
}

#[test]
fn times_are_said_as_people_say_them() {
    let spans = [0, 29, 61, 3_570, 3_600, 4_799, 86_400, 97_200]
        .map(|seconds| span(Duration::from_secs(seconds)));
    assert_eq!(
        spans,
        ["1m", "1m", "1m", "1h", "1h", "1h 20m", "1d", "1d 3h"]
    );
    let clocks = [4_799, 86_400, 10 * 86_400]
        .map(|seconds| clock(NOW.plus(Duration::from_secs(seconds)), NOW, &TimeZone::UTC));
    assert_eq!(clocks, ["13:20", "Fri 12:00", "29 Nov 12:00"]);
    assert_eq!(clock(Timestamp(i64::MAX), NOW, &TimeZone::UTC), "far away");
}

#[test]
fn windows_have_names_for_sentences_and_for_little_room() {
    let names = [
        session(),
        week(),
        fable(),
        reading(Kind::Other, 3 * 86_400, 0.0, None),
        reading(Kind::Extra, 0, 0.0, None),
    ]
    .map(|it| (window_name(&it.window(), it.duration_s), short_name(&it)));
    let names = names
        .each_ref()
        .map(|(long, short)| (long.as_str(), short.as_str()));
    assert_eq!(
        names,
        [
            ("5-hour", "5h"),
            ("weekly", "7d"),
            ("weekly Fable", "7d Fable"),
            ("3-day", "3d"),
            ("extra usage", "extra"),
        ]
    );
}

#[test]
fn a_day_has_a_mark_where_an_even_pace_would_be() {
    let day = |used, budget| Day {
        used,
        budget,
        mark: budget / 2.0,
    };
    assert_eq!(
        day_line(&day(3.0, 12.0)),
        "today █████░░░░░│░░░░░░░░░ 3.0 of 12.0 points"
    );
    assert_eq!(
        day_line(&day(20.0, 12.0)),
        "today ██████████│█████████ 20.0 of 12.0 points"
    );
    assert!(day_line(&day(1.0, 0.0)).starts_with("today ███████████████████│ "));
}
