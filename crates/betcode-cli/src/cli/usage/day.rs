//! What was used today of the windows of a week or a month, and what may be. Pure: the past comes from the daemon's history.

use betcode_client::{UsageAccount, UsageHistory};
use betcode_core::time::Timestamp;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use usage_core::forecast::{Day, day};
use usage_core::history::Point;
use usage_core::reading::{Kind, Percent, Reading, Window};

/// From when on the past is needed: with a day more, for what was read last before today began.
pub(super) fn since(now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    let (begins, _) = today(now, zone)?;
    Some(Timestamp(begins.0 - DAY))
}

/// Today's share of every window for everything that is longer than a day; `goal` is what a day may use of the week, in points.
pub(super) fn days(
    accounts: &[UsageAccount],
    past: &[UsageHistory],
    goal: Option<u32>,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<(Window, Day)> {
    let Some(today) = today(now, zone) else {
        return Vec::new();
    };
    let readings = accounts.iter().flat_map(|it| &it.readings);
    let long = readings.filter(|it| matches!(it.kind, Kind::Weekly | Kind::Monthly));
    let days = long.filter_map(|reading| {
        let window = reading.window();
        let points = past.iter().find(|it| it.window == window);
        let points = points.map_or(&[][..], |it| &it.points);
        let goal = goal.filter(|_| reading.kind == Kind::Weekly);
        let goal = goal.and_then(|goal| Percent::new(f64::from(goal)));
        let at_start = at_start(reading, points, today.0)?;
        let day = day(reading, at_start, goal, today, now)?;
        Some((window, day))
    });
    days.collect()
}

/// When today begins, and when it ends.
fn today(now: Timestamp, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let now = jiff::Timestamp::from_microsecond(now.0).ok()?;
    let begins = now.to_zoned(zone.clone()).start_of_day().ok()?;
    let tomorrow = begins.checked_add(1.day()).ok()?.start_of_day().ok()?;
    let micros = |it: jiff::Zoned| Timestamp(it.timestamp().as_microsecond());
    Some((micros(begins), micros(tomorrow)))
}

/// How much of the window was used when the day began; nothing where nobody knows.
fn at_start(reading: &Reading, points: &[Point], begins: Timestamp) -> Option<Percent> {
    let length = i64::try_from(reading.duration()?.as_micros()).ok()?;
    let began = reading
        .resets_at
        .map(|at| Timestamp(at.0.saturating_sub(length)));
    if began.is_some_and(|began| began >= begins) {
        return Some(Percent::ZERO);
    }
    let of_this_run = |point: &&Point| began.is_none_or(|began| point.at >= began);
    let mut run = points.iter().filter(of_this_run);
    let before = run.clone().rfind(|point| point.at <= begins);
    // Nothing was read last night: what was used before the first reading of today counts for yesterday.
    before.or_else(|| run.next()).map(|point| point.percent)
}

#[cfg(test)]
mod tests {
    use usage_core::reading::{Account, Origin, ProviderId, Source};

    use super::*;

    const HOUR: i64 = 3_600_000_000;
    /// 2026-11-19T12:00:00Z, a Thursday.
    const NOW: Timestamp = Timestamp(1_795_089_600_000_000);

    fn account(percent: f64, resets_in: i64) -> UsageAccount {
        let origin = Origin {
            provider: ProviderId::Claude,
            account: Account("default".into()),
            source: Source::GetUsage,
            observed_at: NOW,
        };
        let percent = Percent::new(percent).unwrap();
        let week = Some(7 * 24 * 3_600);
        let mut reading = Reading::new(&origin, Kind::Weekly, week, percent);
        reading.resets_at = Some(Timestamp(NOW.0 + resets_in * HOUR));
        super::super::overview::account_of(vec![reading])
    }

    fn past(of: &UsageAccount, points: &[(i64, f64)]) -> Vec<UsageHistory> {
        let points = points.iter().map(|(hours, percent)| Point {
            at: Timestamp(NOW.0 - hours * HOUR),
            percent: Percent::new(*percent).unwrap(),
        });
        vec![UsageHistory {
            window: of.readings[0].window(),
            points: points.collect(),
        }]
    }

    fn used(of: &UsageAccount, past: &[UsageHistory], goal: Option<u32>) -> Option<(f64, f64)> {
        let days = days(std::slice::from_ref(of), past, goal, NOW, &TimeZone::UTC);
        days.first().map(|(_, day)| (day.used, day.budget))
    }

    #[test]
    fn a_day_counts_from_what_was_read_last_before_midnight() {
        let week = account(50.0, 36);
        let known = past(&week, &[(20, 20.0), (13, 30.0), (2, 45.0)]);
        assert_eq!(used(&week, &known, None), Some((20.0, 35.0)));
        assert_eq!(used(&week, &known, Some(10)), Some((20.0, 10.0)));
    }

    #[test]
    fn a_window_that_began_today_began_with_nothing() {
        let week = account(5.0, 7 * 24 - 3);
        let known = past(&week, &[(13, 90.0), (2, 1.0)]);
        assert_eq!(used(&week, &known, Some(14)), Some((5.0, 14.0)));
    }

    #[test]
    fn a_day_that_nobody_has_seen_begin_counts_from_its_first_reading() {
        let week = account(50.0, 36);
        let known = past(&week, &[(200, 90.0), (2, 45.0)]);
        assert_eq!(used(&week, &known, Some(10)), Some((5.0, 10.0)));
        assert_eq!(used(&week, &[], None), None);
    }

    #[test]
    fn a_day_is_that_of_the_person() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let (begins, ends) = today(NOW, &zone).unwrap();
        assert_eq!(begins.0, NOW.0 - 13 * HOUR);
        assert_eq!(ends.0 - begins.0, 24 * HOUR);
    }
}
