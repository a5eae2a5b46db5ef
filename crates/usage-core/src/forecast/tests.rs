//! Paces and days.

use super::*;
use crate::reading::{Account, Kind, Origin, ProviderId, Source};

const NOW: Timestamp = Timestamp(1_795_089_600_000_000);
const HOUR: Duration = Duration::from_hours(1);

/// Of a window of five hours, so many minutes before its reset.
fn session(percent: f64, minutes_left: u64) -> Reading {
    let origin = Origin {
        provider: ProviderId::Claude,
        account: Account("default".into()),
        source: Source::GetUsage,
        observed_at: NOW,
    };
    Reading {
        resets_at: Some(NOW.plus(Duration::from_mins(minutes_left))),
        ..Reading::new(
            &origin,
            Kind::Session,
            Some(18_000),
            Percent::new(percent).unwrap(),
        )
    }
}

fn point(minutes_ago: i64, percent: f64) -> Point {
    Point {
        at: Timestamp(NOW.0 - minutes_ago * 60_000_000),
        percent: Percent::new(percent).unwrap(),
    }
}

fn near(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-6, "{one} is not {other}");
}

#[test]
fn at_this_pace_the_limit_is_reached_before_the_reset() {
    let pace = pace(&session(80.0, 60), &[], NOW).unwrap();
    near(pace.even, 80.0);
    near(pace.ahead, 0.0);
    near(pace.per_hour, 20.0);
    assert_eq!(pace.limit_at, None, "exactly at the reset is not before it");
    let pace = super::pace(&session(80.0, 150), &[], NOW).unwrap();
    near(pace.ahead, 30.0);
    near(pace.at_reset, 160.0);
    let limit = NOW.plus(Duration::from_secs(2_250));
    assert!(pace.limit_at.unwrap().since(limit) < Duration::from_millis(1));
    let before = pace.before_reset.unwrap().as_secs_f64();
    near((before / 60.0).round(), 113.0);
}

#[test]
fn what_was_used_of_late_counts_more_than_the_average() {
    let past = [point(200, 1.0), point(59, 10.0), point(20, 30.0)];
    let pace = pace(&session(69.0, 60), &past, NOW).unwrap();
    near(pace.per_hour, 60.0);
    // A window that began anew in between has no pace of late.
    let past = [point(59, 90.0)];
    near(
        super::pace(&session(80.0, 60), &past, NOW)
            .unwrap()
            .per_hour,
        20.0,
    );
}

#[test]
fn where_there_is_too_little_to_go_by_nothing_is_said() {
    assert_eq!(pace(&session(3.0, 297), &[], NOW), None, "just begun");
    assert_eq!(pace(&session(3.0, 0), &[], NOW), None, "over");
    let nothing = pace(&session(0.0, 60), &[], NOW).unwrap();
    assert_eq!(nothing.limit_at, None);
    let unknown = Reading {
        duration_s: None,
        ..session(50.0, 60)
    };
    assert_eq!(pace(&unknown, &[], NOW), None);
    let unknown = Reading {
        resets_at: None,
        ..session(50.0, 60)
    };
    assert_eq!(pace(&unknown, &[], NOW), None);
}

#[test]
fn a_limit_that_is_passed_is_reached_now() {
    let pace = pace(&session(104.0, 60), &[], NOW).unwrap();
    assert_eq!(pace.limit_at, Some(NOW));
    assert_eq!(pace.before_reset, Some(HOUR));
}

#[test]
fn a_day_has_a_budget_and_a_mark() {
    let begins = Timestamp(NOW.0 - 12 * 3_600_000_000);
    let ends = begins.plus(24 * HOUR);
    let week = Reading {
        kind: Kind::Weekly,
        duration_s: Some(604_800),
        resets_at: Some(begins.plus(4 * 24 * HOUR)),
        ..session(55.0, 0)
    };
    let start = Percent::new(40.0).unwrap();
    let even = day(&week, start, None, (begins, ends), NOW).unwrap();
    near(even.used, 15.0);
    near(even.budget, 15.0);
    near(even.mark, 7.5);
    assert!(!even.is_over());
    let goal = day(&week, start, Percent::new(10.0), (begins, ends), NOW).unwrap();
    near(goal.mark, 5.0);
    assert!(goal.is_over());
    assert_eq!(day(&week, start, None, (ends, begins), NOW), None);
    let last = Reading {
        resets_at: Some(NOW.plus(HOUR)),
        ..week
    };
    near(
        day(&last, start, None, (begins, ends), NOW).unwrap().budget,
        60.0,
    );
}
