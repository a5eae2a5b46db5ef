//! What is shown of the use of plans, and when it changes by itself. The time is 10 s after the epoch, as everywhere in tests.

use std::collections::BTreeMap;

use betcode_client::{UsageAccount, UsageHistory};
use proptest::prelude::*;
use usage_core::failure::Unreachable;
use usage_core::forecast::Pace;
use usage_core::history::Point;
use usage_core::reading::{Account, Kind, Origin, Source};

use super::*;
use crate::scene::screen;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
/// A whole number of hours, so that clocks are easily read: a Thursday noon.
pub(crate) const NOON: Timestamp = Timestamp(1_795_089_600 * SECOND);

pub(crate) fn reading(
    provider: ProviderId,
    kind: Kind,
    seconds: u64,
    percent: f64,
    resets_in: i64,
) -> Reading {
    let origin = Origin {
        provider,
        account: Account("default".into()),
        source: Source::GetUsage,
        observed_at: NOON,
    };
    let mut reading = Reading::new(&origin, kind, Some(seconds), Percent::new(percent).unwrap());
    reading.resets_at = Some(Timestamp(NOON.0 + resets_in * SECOND));
    reading
}

pub(crate) fn account(provider: ProviderId, state: State, readings: Vec<Reading>) -> UsageAccount {
    UsageAccount {
        provider,
        account: Account("default".into()),
        state,
        readings,
        paces: BTreeMap::new(),
        next_at: None,
        asked: None,
        asked_at: None,
        login_command: [
            "CLAUDE_CONFIG_DIR=/home/user/my claude",
            "claude",
            "auth",
            "login",
        ]
        .map(str::to_owned)
        .into(),
    }
}

/// Claude with three windows, and Codex with one.
pub(crate) fn accounts() -> Vec<UsageAccount> {
    let mut session = reading(ProviderId::Claude, Kind::Session, 18_000, 62.4, 4_790);
    session.binding = true;
    let week = reading(ProviderId::Claude, Kind::Weekly, 604_800, 41.0, 259_200);
    let mut fable = reading(
        ProviderId::Claude,
        Kind::WeeklyScoped,
        604_800,
        93.0,
        259_200,
    );
    fable.label = Some("Fable".into());
    fable.severity = usage_core::reading::Severity::Critical;
    let pace = Pace {
        even: 73.0,
        ahead: 12.0,
        per_hour: 20.0,
        at_reset: 118.0,
        limit_at: Some(Timestamp(NOON.0 + HOUR / 2)),
        before_reset: Some(Duration::from_mins(50)),
    };
    let slow = Pace {
        ahead: -16.0,
        at_reset: 71.0,
        limit_at: None,
        before_reset: None,
        ..pace
    };
    let paces = [(session.window(), pace), (week.window(), slow)];
    let mut claude = account(ProviderId::Claude, State::Ok, vec![session, week, fable]);
    claude.paces = paces.into();
    let mut codex = reading(ProviderId::Codex, Kind::Weekly, 604_800, 7.0, -60);
    codex.source = Source::CodexRead;
    vec![
        claude,
        account(ProviderId::Codex, State::Stale, vec![codex]),
    ]
}

/// How the windows of Claude went.
pub(crate) fn history() -> Vec<UsageHistory> {
    let windows = accounts()[0]
        .readings
        .iter()
        .map(Reading::window)
        .collect::<Vec<_>>();
    let points = |step: i64, count: i64| {
        let point = |number: i64| Point {
            at: Timestamp(NOON.0 - (count - number) * step),
            percent: Percent::new(f64::from(i32::try_from(number * 7 % 100).unwrap())).unwrap(),
        };
        (0..count).map(point).collect()
    };
    vec![
        UsageHistory {
            window: windows[0].clone(),
            points: points(HOUR / 4, 90),
        },
        UsageHistory {
            window: windows[1].clone(),
            points: points(6 * HOUR, 40),
        },
    ]
}

fn offline() -> State {
    State::Offline {
        cause: Unreachable::Dns,
    }
}

fn known(accounts: Vec<UsageAccount>) -> Usage {
    let mut usage = Usage::default();
    usage.know(accounts);
    usage
}

#[test]
fn the_tightest_window_is_that_of_the_agents_own_plan() {
    let usage = known(accounts());
    let percent = |agent| {
        let tightest = usage.tightest(agent, NOON);
        tightest.map(|it| (it.reading.provider, it.percent.get(), it.fresh))
    };
    let session = Some((ProviderId::Claude, 62.4, true));
    assert_eq!(percent("claude"), session);
    assert_eq!(percent("demo"), session);
    assert_eq!(percent("codex"), None, "what began anew is not known");
    let nobody = account(ProviderId::Claude, State::NoSubscription, Vec::new());
    assert_eq!(known(vec![nobody]).tightest("claude", NOON), None);
}

#[test]
fn a_line_is_hidden_for_an_episode() {
    let mut usage = known(vec![account(ProviderId::Claude, offline(), Vec::new())]);
    let shows = |usage: &Usage| usage.banner("claude").is_some();
    assert!(shows(&usage));
    assert!(usage.hide("claude"));
    assert!(!usage.hide("claude"));
    usage.know_one(account(ProviderId::Claude, offline(), Vec::new()));
    assert!(!shows(&usage), "it is the same one");
    usage.know_one(account(ProviderId::Claude, State::Ok, Vec::new()));
    usage.know_one(account(ProviderId::Claude, offline(), Vec::new()));
    assert!(shows(&usage), "it is another one");
}

#[test]
fn every_state_has_a_remedy_or_needs_none() {
    let until = NOON;
    for (state, wanted, told) in [
        (
            offline(),
            Some(Remedy::Retry),
            "Claude: offline: the name was not found",
        ),
        (
            State::TlsIntercepted {
                issuer: "Corp".into(),
            },
            Some(Remedy::Retry),
            "Claude: the connection is intercepted by Corp",
        ),
        (
            State::RateLimited { until },
            Some(Remedy::Wait),
            "Claude: rate limited until 12:00",
        ),
        (
            State::LoginNeeded,
            Some(Remedy::LogIn),
            "Claude: log in to see the usage: CLAUDE_CONFIG_DIR='/home/user/my claude' claude auth login",
        ),
        (
            State::TokenExpired,
            None,
            "Claude: the token has expired and is being renewed",
        ),
        (State::Loading, None, "Claude: loading"),
        (State::Ok, None, "Claude: up to date"),
    ] {
        let account = account(ProviderId::Claude, state, Vec::new());
        let usage = known(vec![account.clone()]);
        assert_eq!(usage.banner("claude").map(|(_, remedy)| remedy), wanted);
        assert_eq!(usage.sentence(&account, NOON), told);
    }
}

#[test]
fn the_time_left_changes_once_a_minute_and_only_while_somebody_looks() {
    let mut scene = screen(80, 24);
    scene.now = NOON;
    assert_eq!(scene.on(crate::msg::Msg::Wake).model.deadline(), None);
    scene.on(crate::msg::Msg::Usage(News::All(accounts())));
    let mut shown = scene.text();
    assert!(shown.contains("▄ 5h 62% · 1h 20m"), "{shown}");
    for _ in 0..5 {
        let due = scene.model.deadline().unwrap();
        let wait = due.since(scene.now);
        assert!(wait <= Duration::from_secs(61), "{wait:?}");
        let before = scene.now;
        scene.now = due;
        scene.on(crate::msg::Msg::Wake);
        let text = scene.text();
        assert_ne!(text, shown, "nothing to see since {before:?}");
        shown = text;
    }
    scene.on(crate::msg::Msg::Focus(false));
    assert_eq!(scene.model.deadline(), None);
}

#[test]
fn what_is_old_has_an_age_and_no_sign() {
    let mut scene = screen(80, 24);
    scene.now = Timestamp(NOON.0 + 12 * 60 * SECOND);
    let mut all = accounts();
    all[0].state = State::Stale;
    scene.on(crate::msg::Msg::Usage(News::All(all)));
    let text = scene.text();
    assert!(text.contains(" 5h 62% · 12 min old"), "{text}");
    assert!(!text.contains('▄'), "{text}");
}

#[test]
fn variables_before_a_login_stay_variables() {
    let mut account = account(ProviderId::Claude, State::LoginNeeded, Vec::new());
    assert_eq!(
        login(&account).unwrap(),
        "CLAUDE_CONFIG_DIR='/home/user/my claude' claude auth login"
    );
    account.login_command = ["claude", "--to=a b", "it's"].map(str::to_owned).into();
    assert_eq!(login(&account).unwrap(), r"claude '--to=a b' 'it'\''s'");
    account.login_command.clear();
    assert_eq!(login(&account), None);
}

proptest! {
    #[test]
    fn what_is_due_is_never_in_the_past_and_never_more_than_a_minute_away(later in 0i64..20 * HOUR) {
        let usage = known(accounts());
        let now = Timestamp(NOON.0 + later);
        if let Some(due) = usage.due("claude", now) {
            prop_assert!(due > now);
            prop_assert!(due.since(now) <= Duration::from_millis(60_001));
        }
    }
}

#[test]
fn what_a_daemon_said_that_is_gone_is_not_shown_as_if_it_were_so_now() {
    let mut usage = known(accounts());
    usage.lose();
    assert!(!usage.tightest("claude", NOON).unwrap().fresh);
    usage.know(accounts());
    assert!(usage.tightest("claude", NOON).unwrap().fresh);
}

#[test]
fn a_pace_that_is_behind_and_leads_to_the_limit_says_why() {
    let mut all = accounts();
    let session = all[0].readings[0].clone();
    let pace_of = all[0].paces.get_mut(&session.window()).unwrap();
    pace_of.ahead = -8.0;
    let told = pace(&session, &known(all), NOON).unwrap();
    assert_eq!(
        told,
        "8 points behind an even pace; of late faster, and the limit would be reached at 12:30, 50m before the reset"
    );
}
