//! What is announced and what is not.

use super::*;
use crate::reading::{Account, Origin, ProviderId, Source};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

fn at(micros: i64) -> Timestamp {
    Timestamp(1_795_089_600_000_000 + micros)
}

fn of(kind: Kind, provider: ProviderId, now: i64, percent: f64, reset: Option<i64>) -> Reading {
    let origin = Origin {
        provider,
        account: Account("default".into()),
        source: Source::GetUsage,
        observed_at: at(now),
    };
    let percent = Percent::new(percent).unwrap();
    let seconds = if kind == Kind::Session {
        18_000
    } else {
        604_800
    };
    Reading {
        resets_at: reset.map(at),
        ..Reading::new(&origin, kind, Some(seconds), percent)
    }
}

fn session(now: i64, percent: f64, reset: i64) -> Reading {
    of(Kind::Session, ProviderId::Claude, now, percent, Some(reset))
}

fn machine() -> Alerts {
    Alerts::new(Settings::default(), Memory::default())
}

/// Keeps and restores the memory, as after an interruption.
fn interrupted(alerts: &Alerts) -> Alerts {
    let json = serde_json::to_string(alerts.memory()).unwrap();
    Alerts::new(Settings::default(), serde_json::from_str(&json).unwrap())
}

fn kinds(alerts: &mut Alerts) -> Vec<AlertKind> {
    std::iter::from_fn(|| alerts.poll_effect())
        .map(|alert| alert.kind)
        .collect()
}

fn read(alerts: &mut Alerts, reading: Reading) -> Vec<AlertKind> {
    let now = reading.observed_at;
    alerts.handle(now, Input::Readings(vec![reading]));
    *alerts = interrupted(alerts);
    kinds(alerts)
}

#[test]
fn a_threshold_is_announced_once_when_the_use_rises_across_it() {
    let mut alerts = machine();
    for (minute, percent, expected) in [
        (0, 70.0, None),
        (1, 74.9, None),
        (2, 75.0, Some(AlertKind::Warning)),
        (3, 74.0, None),
        (4, 80.0, None),
        (5, 90.0, Some(AlertKind::Critical)),
        (6, 89.0, None),
        (7, 100.0, None),
    ] {
        let found = read(&mut alerts, session(minute * MINUTE, percent, 5 * HOUR));
        assert_eq!(found, Vec::from_iter(expected), "{percent}");
    }
}

#[test]
fn of_two_thresholds_crossed_at_once_the_serious_one_is_announced() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 10.0, 5 * HOUR));
    assert_eq!(
        read(&mut alerts, session(1, 95.0, 5 * HOUR)),
        [AlertKind::Critical]
    );
    assert_eq!(read(&mut alerts, session(2, 80.0, 5 * HOUR)), []);
}

#[test]
fn the_first_reading_is_where_it_stands_unless_it_is_critical() {
    let mut alerts = machine();
    assert_eq!(read(&mut alerts, session(0, 80.0, 5 * HOUR)), []);
    assert_eq!(read(&mut alerts, session(1, 85.0, 5 * HOUR)), []);
    assert_eq!(
        read(&mut alerts, session(2, 91.0, 5 * HOUR)),
        [AlertKind::Critical]
    );
    assert_eq!(
        read(&mut machine(), session(0, 91.0, 5 * HOUR)),
        [AlertKind::Critical]
    );
}

#[test]
fn a_reset_that_jitters_or_creeps_repeats_nothing() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 10.0, 5 * HOUR));
    read(&mut alerts, session(1, 95.0, 5 * HOUR));
    for (round, jitter) in (2..).zip([-700_000, 900_000, 59 * MINUTE / 60, -MINUTE]) {
        let found = read(&mut alerts, session(round, 95.0, 5 * HOUR + jitter));
        assert_eq!(found, [], "{jitter}");
    }
    let codex =
        |now: i64, percent, reset| of(Kind::Weekly, ProviderId::Codex, now, percent, Some(reset));
    let week = 7 * 24 * HOUR;
    read(&mut alerts, codex(0, 10.0, week));
    assert_eq!(
        read(&mut alerts, codex(1, 95.0, week)),
        [AlertKind::Critical]
    );
    for step in 2..200 {
        let found = read(&mut alerts, codex(step, 95.0, week + step * 3 * MINUTE));
        assert_eq!(found, [], "{step}");
    }
}

#[test]
fn the_next_run_of_a_window_is_announced_anew_and_so_is_its_beginning() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 10.0, 5 * HOUR));
    assert_eq!(
        read(&mut alerts, session(HOUR, 80.0, 5 * HOUR)),
        [AlertKind::Warning]
    );
    let next = 5 * HOUR + MINUTE;
    // The service still tells the old window: it is over, and says nothing.
    assert_eq!(read(&mut alerts, session(next, 80.0, 5 * HOUR)), []);
    assert_eq!(
        read(&mut alerts, session(next + 1, 1.0, 10 * HOUR)),
        [AlertKind::Reset]
    );
    assert_eq!(
        read(&mut alerts, session(next + 2, 76.0, 10 * HOUR)),
        [AlertKind::Warning]
    );
}

#[test]
fn a_window_that_begins_anew_early_is_another_run() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 10.0, 5 * HOUR));
    read(&mut alerts, session(1, 92.0, 5 * HOUR));
    assert_eq!(
        read(&mut alerts, session(2, 0.0, 5 * HOUR + 10 * MINUTE)),
        [AlertKind::Reset]
    );
    assert_eq!(
        read(&mut alerts, session(3, 92.0, 5 * HOUR + 10 * MINUTE)),
        [AlertKind::Critical]
    );
}

#[test]
fn a_window_without_a_reset_begins_anew_when_its_use_falls() {
    let mut alerts = machine();
    let weekly = |now, percent, reset| of(Kind::Weekly, ProviderId::Claude, now, percent, reset);
    read(&mut alerts, weekly(0, 0.0, None));
    assert_eq!(
        read(&mut alerts, weekly(1, 76.0, None)),
        [AlertKind::Warning]
    );
    // Its reset becomes known: the same run.
    assert_eq!(read(&mut alerts, weekly(2, 77.0, Some(100 * HOUR))), []);
    assert_eq!(read(&mut alerts, weekly(3, 0.0, None)), [AlertKind::Reset]);
    assert_eq!(
        read(&mut alerts, weekly(4, 76.0, None)),
        [AlertKind::Warning]
    );
}

#[test]
fn a_reset_that_moves_while_the_use_rises_is_the_same_run_and_what_is_used_again_is_not_fresh() {
    let mut alerts = machine();
    assert_eq!(read(&mut alerts, session(0, 70.0, 3 * HOUR)), []);
    let risen = session(HOUR / 60, 80.0, 6 * HOUR);
    assert_eq!(read(&mut alerts, risen), [AlertKind::Warning]);
    assert_eq!(read(&mut alerts, session(HOUR / 30, 82.0, 10 * HOUR)), []);
    // It has passed, and most of the next one is used already.
    let next = session(11 * HOUR, 60.0, 15 * HOUR);
    assert_eq!(read(&mut alerts, next), []);
}

#[test]
fn a_reset_of_a_window_that_was_hardly_used_is_no_news() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 30.0, HOUR));
    assert_eq!(alerts.poll_timeout(), None);
    assert_eq!(read(&mut alerts, session(2 * HOUR, 1.0, 7 * HOUR)), []);
}

/// Runs the timer up to a moment, as a driver would.
fn run(alerts: &mut Alerts, until: i64) -> Vec<(i64, u32)> {
    let mut found = Vec::new();
    while let Some(due) = alerts.poll_timeout().filter(|due| *due <= at(until)) {
        alerts.handle_timeout(due);
        assert_ne!(alerts.poll_timeout(), Some(due), "nothing is due twice");
        while let Some(alert) = alerts.poll_effect() {
            let AlertKind::ResetSoon { minutes } = alert.kind else {
                panic!("{alert:?}");
            };
            found.push(((due.0 - at(0).0) / MINUTE, minutes));
        }
    }
    found
}

#[test]
fn a_reset_is_announced_thirty_fifteen_and_five_minutes_before() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 60.0, 2 * HOUR));
    let found = run(&mut alerts, 3 * HOUR);
    assert_eq!(found, [(90, 30), (105, 15), (115, 5)]);
}

#[test]
fn windows_that_end_together_are_announced_each() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 60.0, 2 * HOUR));
    let week = of(Kind::Weekly, ProviderId::Claude, 0, 80.0, Some(2 * HOUR));
    read(&mut alerts, week);
    let found = run(&mut alerts, 3 * HOUR);
    assert_eq!(
        found,
        [(90, 30), (90, 30), (105, 15), (105, 15), (115, 5), (115, 5)]
    );
}

#[test]
fn what_was_missed_while_asleep_comes_once_with_the_time_that_is_left() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 60.0, 2 * HOUR));
    alerts.handle_timeout(at(108 * MINUTE));
    assert_eq!(kinds(&mut alerts), [AlertKind::ResetSoon { minutes: 12 }]);
    assert_eq!(run(&mut alerts, 3 * HOUR), [(115, 5)]);
    let mut alerts = machine();
    read(&mut alerts, session(0, 60.0, 2 * HOUR));
    alerts.handle_timeout(at(3 * HOUR));
    assert_eq!(kinds(&mut alerts), [], "it is over");
    assert_eq!(alerts.poll_timeout(), None, "and nothing of it is due");
}

#[test]
fn a_reset_that_becomes_known_late_is_not_announced_late() {
    let mut alerts = machine();
    assert_eq!(read(&mut alerts, session(0, 60.0, 12 * MINUTE)), []);
    assert_eq!(run(&mut alerts, HOUR), [(7, 5)]);
    // The same when the window becomes worth a word late.
    let mut alerts = machine();
    read(&mut alerts, session(0, 10.0, 12 * MINUTE));
    assert_eq!(read(&mut alerts, session(MINUTE, 60.0, 12 * MINUTE)), []);
    assert_eq!(run(&mut alerts, HOUR), [(7, 5)]);
}

#[test]
fn a_change_of_thresholds_announces_nothing_by_itself() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 10.0, 5 * HOUR));
    read(&mut alerts, session(1, 60.0, 5 * HOUR));
    let settings = Settings {
        warning: Percent::known(55.0),
        ..Settings::default()
    };
    alerts.handle(at(2), Input::Settings(settings));
    for (moment, percent) in [(3, 61.0), (4, 54.0), (5, 62.0)] {
        let reading = session(moment, percent, 5 * HOUR);
        alerts.handle(at(moment), Input::Readings(vec![reading]));
        assert_eq!(kinds(&mut alerts), [], "{percent}");
    }
}

#[test]
fn old_readings_and_readings_of_the_past_change_nothing() {
    let mut alerts = machine();
    read(&mut alerts, session(MINUTE, 10.0, 5 * HOUR));
    let old = session(0, 99.0, 5 * HOUR);
    alerts.handle(at(2 * MINUTE), Input::Readings(vec![old]));
    assert_eq!(kinds(&mut alerts), []);
    let over = session(0, 99.0, HOUR);
    alerts.handle(at(2 * HOUR), Input::Readings(vec![over]));
    assert_eq!(kinds(&mut alerts), []);
}

#[test]
fn what_was_not_taken_before_an_interruption_comes_after_it_with_the_same_key() {
    let mut alerts = machine();
    read(&mut alerts, session(0, 10.0, 5 * HOUR));
    alerts.handle(at(1), Input::Readings(vec![session(1, 95.0, 5 * HOUR)]));
    let mut again = interrupted(&alerts);
    let (one, other) = (alerts.poll_effect(), again.poll_effect());
    assert!(one.is_some());
    assert_eq!(one, other);
    assert_eq!(interrupted(&again).poll_effect(), None);
}

#[test]
fn an_alert_says_what_it_is_about() {
    let mut alerts = machine();
    let fable = Reading {
        kind: Kind::WeeklyScoped,
        ..of(Kind::Weekly, ProviderId::Claude, 0, 92.0, None).with_label(Some("Fable"))
    };
    alerts.handle(at(0), Input::Readings(vec![fable]));
    let alert = alerts.poll_effect().unwrap();
    assert_eq!(alert.title(), "Claude Usage Critical");
    assert_eq!(alert.body(), "You've used 92% of your weekly Fable quota!");
    let soon = Alert {
        kind: AlertKind::ResetSoon { minutes: 15 },
        window: session(0, 0.0, 0).window(),
        duration_s: Some(18_000),
        ..alert
    };
    assert_eq!(soon.body(), "Your 5-hour quota resets in 15 minutes.");
}
