//! Pages, lines and JSON, at a Thursday noon in UTC.

use std::time::Duration;

use usage_core::failure::Unreachable;
use usage_core::reading::{Amount, Origin, Percent, Source};

use super::*;

/// 2026-11-19T12:00:00Z
const NOW: Timestamp = Timestamp(1_795_089_600_000_000);
const HOUR: u64 = 3_600;
const WEEK: u64 = 7 * 24 * HOUR;

fn reading(provider: ProviderId, kind: Kind, percent: f64, resets_in: Option<u64>) -> Reading {
    let origin = Origin {
        provider,
        account: Account("default".into()),
        source: Source::GetUsage,
        observed_at: Timestamp(NOW.0 - 180_000_000),
    };
    let seconds = match kind {
        Kind::Session => 5 * HOUR,
        _ => WEEK,
    };
    let percent = Percent::new(percent).unwrap();
    let mut reading = Reading::new(&origin, kind, Some(seconds), percent);
    reading.resets_at = resets_in.map(|seconds| NOW.plus(Duration::from_secs(seconds)));
    reading
}

fn claude() -> UsageAccount {
    let session = Reading {
        binding: true,
        ..reading(ProviderId::Claude, Kind::Session, 62.0, Some(4_799))
    };
    let fable = Reading {
        label: Some("Fable".into()),
        ..reading(ProviderId::Claude, Kind::WeeklyScoped, 93.0, None)
    };
    let week = reading(ProviderId::Claude, Kind::Weekly, 41.4, Some(3 * 24 * HOUR));
    let extra = Reading {
        duration_s: None,
        amount: Some(Amount {
            used: 58.24,
            limit: Some(100.0),
            unit: "USD".into(),
        }),
        ..reading(ProviderId::Claude, Kind::Extra, 58.24, None)
    };
    let mut account = account_of(vec![session, week, fable, extra]);
    let pace = Pace {
        even: 73.3,
        ahead: 11.3,
        per_hour: 30.0,
        at_reset: 102.0,
        limit_at: Some(NOW.plus(Duration::from_mins(70))),
        before_reset: Some(Duration::from_mins(10)),
    };
    account.paces.insert(account.readings[0].window(), pace);
    let pace = Pace {
        ahead: -16.0,
        at_reset: 72.4,
        limit_at: None,
        before_reset: None,
        ..pace
    };
    account.paces.insert(account.readings[1].window(), pace);
    account
}

fn named(account: &UsageAccount, name: &str) -> UsageAccount {
    let mut account = account.clone();
    account.account = Account(name.into());
    account.paces.clear();
    for reading in &mut account.readings {
        reading.account = Account(name.into());
    }
    account
}

fn codex() -> UsageAccount {
    account_of(vec![reading(
        ProviderId::Codex,
        Kind::Weekly,
        12.0,
        Some(50 * HOUR),
    )])
}

/// Two accounts of one provider, of which one wants a login, and one of another, which is not reached.
pub(in super::super) fn several() -> Vec<UsageAccount> {
    let work = UsageAccount {
        state: State::LoginNeeded,
        login_command: [
            "CLAUDE_CONFIG_DIR=/home/ann/my work",
            "claude",
            "auth",
            "login",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..named(&claude(), "work")
    };
    let codex = UsageAccount {
        state: State::Offline {
            cause: Unreachable::Dns,
        },
        ..codex()
    };
    vec![claude(), work, codex]
}

fn days(accounts: &[UsageAccount]) -> Vec<(Window, Day)> {
    let day = Day {
        used: 6.1,
        budget: 14.3,
        mark: 7.2,
    };
    vec![(accounts[0].readings[1].window(), day)]
}

fn text(accounts: &[UsageAccount], choice: Option<Choice>, look: Look) -> String {
    Overview {
        accounts,
        days: &days(&[claude()]),
        choice,
        now: NOW,
        zone: &TimeZone::UTC,
    }
    .text(look)
}

fn page(accounts: &[UsageAccount], width: usize) -> String {
    let paint = Paint::Plain;
    text(accounts, None, Look::Page { width, paint })
}

#[test]
fn a_page_at_the_width_of_a_usual_terminal() {
    insta::assert_snapshot!(page(&[claude()], 80));
}

#[test]
fn a_page_where_there_is_little_room() {
    insta::assert_snapshot!(page(&[claude()], 40));
}

#[test]
fn several_accounts_are_groups_with_what_is_wrong_and_how_to_log_in() {
    insta::assert_snapshot!(page(&several(), 120));
}

#[test]
fn a_page_fits_into_every_width() {
    for width in 40..=200 {
        for line in page(&several(), width).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn colours_change_nothing_else() {
    let paint = Paint::Ansi;
    let mut coloured = text(&several(), None, Look::Page { width: 80, paint });
    assert!(coloured.contains("\u{1b}[31m"));
    for mark in ["0", "1", "2", "31", "32", "33", "38;5;208"] {
        coloured = coloured.replace(&format!("\u{1b}[{mark}m"), "");
    }
    assert_eq!(coloured, page(&several(), 80));
}

fn unread(provider: ProviderId, name: &str, state: State) -> UsageAccount {
    UsageAccount {
        provider,
        account: Account(name.into()),
        state,
        ..account_of(Vec::new())
    }
}

fn missing(provider: ProviderId, name: &str) -> UsageAccount {
    let why = "it was not used yet".to_owned();
    unread(provider, name, State::Unavailable { why })
}

#[test]
fn a_provider_that_is_not_used_here_is_left_out_beside_one_that_is() {
    let both = [claude(), missing(ProviderId::Codex, "default")];
    assert_eq!(page(&both, 80), page(&[claude()], 80));
    assert_eq!(json(&both)["state"], "ok");
    assert_eq!(json(&both).get("message"), None);
    let alone = page(&both[1..], 80);
    assert_eq!(alone, "Codex\n  not available: it was not used yet\n");
    assert_eq!(page(&[], 80), "no plan is known on this machine\n");
}

#[test]
fn an_account_that_was_never_read_is_shown_with_what_it_needs() {
    let mut usual = unread(ProviderId::Claude, "default", State::LoginNeeded);
    usual.login_command = ["claude", "auth", "login"].map(str::to_owned).into();
    let accounts = [
        usual,
        named(
            &account_of(vec![reading(ProviderId::Claude, Kind::Weekly, 12.0, None)]),
            "~/work",
        ),
    ];
    assert_eq!(
        page(&accounts, 80).lines().take(4).collect::<Vec<_>>(),
        [
            "Claude (default)",
            "  log in to see the usage",
            "  log in with: claude auth login",
            "Claude (~/work)",
        ]
    );
    let value = json(&accounts);
    assert_eq!(value["state"], "login_needed");
    assert_eq!(
        value["message"],
        "Claude (default): log in to see the usage"
    );
    let panel: Value = serde_json::from_str(&text(&accounts, None, Look::Waybar)).unwrap();
    assert_eq!(panel["class"], serde_json::json!(["calm", "login_needed"]));
    let tooltip = panel["tooltip"].as_str().unwrap();
    assert!(
        tooltip.starts_with("Claude (default)\n  log in to see the usage\n"),
        "{tooltip}"
    );
    // One that somebody has set up and never used is shown too, and spoils nothing.
    let accounts = [claude(), missing(ProviderId::Claude, "~/work")];
    let page = page(&accounts, 80);
    assert!(page.starts_with("Claude (default)\n"), "{page}");
    assert!(
        page.contains("\nClaude (~/work)\n  not available: "),
        "{page}"
    );
    assert_eq!(json(&accounts)["state"], "ok");
}

#[test]
fn json_has_the_promised_keys_and_a_line_is_one_line() {
    let value = json(&[claude()]);
    let keys: Vec<&String> = value["readings"][0].as_object().unwrap().keys().collect();
    let promised = [
        "account",
        "binding",
        "duration_s",
        "kind",
        "observed_at",
        "percent",
        "provider",
        "resets_at",
        "severity",
        "source",
    ];
    let mut sorted: Vec<&str> = keys.into_iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, promised);
    assert_eq!(value.as_object().unwrap().len(), 2);
    assert_eq!(text(&several(), None, Look::Json).lines().count(), 1);
    assert_eq!(json(&several())["state"], "login_needed");
}

#[test]
fn a_line_may_be_of_one_window() {
    let line = |choice| text(&[claude()], choice, Look::Line(Paint::Plain));
    assert_eq!(line(None), "5h 62% 1h 20m · 7d 41%\n");
    assert_eq!(line(Some(Choice::Tightest)), line(None));
    assert_eq!(line(Some(Choice::Weekly)), "7d 41% 3d\n");
    let waybar = text(&[claude()], Some(Choice::Weekly), Look::Waybar);
    let value: Value = serde_json::from_str(&waybar).unwrap();
    assert_eq!(
        (&value["text"], &value["percentage"]),
        (&"41%".into(), &41.0.into())
    );
}

#[test]
fn nothing_of_others_steers_the_terminal() {
    let evil = "x\u{1b}]0;y\u{7}\nz\u{202e}";
    let mut account = named(&claude(), evil);
    account.state = State::Error { what: evil.into() };
    account.readings[2].label = Some(evil.into());
    account.login_command = vec![evil.into()];
    let both = [account, claude()];
    let paint = Paint::Plain;
    for look in [
        Look::Page { width: 80, paint },
        Look::Line(paint),
        Look::Waybar,
    ] {
        let text = text(&both, None, look);
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        assert!(!text.contains("\nz"), "{text}");
    }
}

#[test]
fn a_command_to_log_in_can_be_pasted() {
    let words = ["A=b c", "claude", "x=y z"].map(str::to_owned);
    assert_eq!(command_line(&words), "A='b c' claude 'x=y z'");
}
