//! How windows were used: the points of late in memory, for paces, and what there is to write down of what has just come. The whole
//! history is in the store.

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_core::time::Timestamp;
use betcode_proto::convert::usage::UsageHistory;
use usage_core::forecast::{self, Pace};
use usage_core::history::{Point, thinned};
use usage_core::reading::{Percent, Reading, Window};

use crate::store::Points;

/// Paces look back no further than this: a part of the longest window.
const OF_LATE: Duration = Duration::from_hours(9 * 24);
/// Points of one window are no closer than this, unless the window began anew.
const APART: Duration = Duration::from_mins(1);
/// A use that falls by more than this began anew.
const FALLEN: f64 = 5.0;

/// What is known of the past.
#[derive(Debug, Default)]
pub(super) struct Past {
    points: BTreeMap<Window, Vec<Point>>,
    /// Not written down yet.
    fresh: Vec<(String, i64, f64)>,
}

impl Past {
    /// From when on it is to be read.
    pub(super) fn since(now: Timestamp) -> i64 {
        let micros = i64::try_from(OF_LATE.as_micros()).unwrap_or(i64::MAX);
        now.0.saturating_sub(micros)
    }

    /// What the store has.
    pub(super) fn load(&mut self, stored: Vec<(String, Points)>) {
        for UsageHistory { window, points } in histories(stored) {
            self.points.insert(window, points);
        }
    }

    /// A reading, which may be one that is known.
    pub(super) fn note(&mut self, reading: &Reading) {
        let window = reading.window();
        let points = self.points.entry(window).or_default();
        let point = Point {
            at: reading.observed_at,
            percent: reading.percent,
        };
        if let Some(last) = points.last() {
            let fallen = last.percent.get() - point.percent.get() > FALLEN;
            if point.at <= last.at || point.at.since(last.at) < APART && !fallen {
                return;
            }
        }
        points.push(point);
        let old = points
            .iter()
            .take_while(|it| point.at.since(it.at) > OF_LATE);
        let old = old.count();
        points.drain(..old);
        let name = name(&reading.window());
        self.fresh.push((name, point.at.0, point.percent.get()));
    }

    /// What is to be written down.
    pub(super) fn take_fresh(&mut self) -> Vec<(String, i64, f64)> {
        std::mem::take(&mut self.fresh)
    }

    /// How the use of a window goes on.
    pub(super) fn pace(&self, reading: &Reading, now: Timestamp) -> Option<Pace> {
        let past = self.points.get(&reading.window());
        let past = past.map_or(&[][..], Vec::as_slice);
        forecast::pace(reading, past, now)
    }
}

/// A window's name in the store.
fn name(window: &Window) -> String {
    serde_json::to_string(window).unwrap_or_default()
}

/// What the store has, without what this version does not understand.
pub(super) fn histories(stored: Vec<(String, Points)>) -> Vec<UsageHistory> {
    let histories = stored.into_iter().filter_map(|(name, points)| {
        let window = serde_json::from_str(&name).ok()?;
        let points = points.into_iter().filter_map(|(at, percent)| {
            Some(Point {
                at: Timestamp(at),
                percent: Percent::new(percent)?,
            })
        });
        Some(UsageHistory {
            window,
            points: points.collect(),
        })
    });
    histories.collect()
}

/// A window of which fewer points are worth keeping: its name, up to when, and which.
pub(super) fn thinner(history: &UsageHistory, now: Timestamp) -> Option<(String, i64, Points)> {
    let kept = thinned(&history.points, now);
    if kept.len() == history.points.len() {
        return None;
    }
    let up_to = history.points.last()?.at.0;
    let kept = kept.iter().map(|point| (point.at.0, point.percent.get()));
    Some((name(&history.window), up_to, kept.collect()))
}

#[cfg(test)]
mod tests {
    use usage_core::reading::{Account, Kind, Origin, ProviderId, Source};

    use super::*;

    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;

    fn reading(at: i64, percent: f64) -> Reading {
        let origin = Origin {
            provider: ProviderId::Claude,
            account: Account("default".into()),
            source: Source::GetUsage,
            observed_at: Timestamp(at),
        };
        let mut reading = Reading::new(
            &origin,
            Kind::Session,
            Some(18_000),
            Percent::new(percent).unwrap(),
        );
        reading.resets_at = Some(Timestamp(5 * HOUR));
        reading
    }

    #[test]
    fn points_come_a_minute_apart_and_whenever_a_window_began_anew() {
        let mut past = Past::default();
        for (at, percent) in [
            (0, 50.0),
            (0, 50.0),
            (1, 51.0),
            (MINUTE, 52.0),
            (MINUTE + 1, 1.0),
        ] {
            past.note(&reading(HOUR + at, percent));
        }
        let fresh = past.take_fresh();
        let percents: Vec<_> = fresh.iter().map(|(_, _, percent)| *percent).collect();
        assert_eq!(percents, [50.0, 52.0, 1.0]);
        assert!(past.take_fresh().is_empty());
    }

    #[test]
    fn a_pace_goes_by_points_that_were_written_down_before_a_restart() {
        let mut before = Past::default();
        for step in 0..=60 {
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            before.note(&reading(2 * HOUR + step * MINUTE, 10.0 + step as f64));
        }
        let stored = before.take_fresh().into_iter();
        let stored: Vec<(String, Points)> = stored
            .map(|(name, at, it)| (name, vec![(at, it)]))
            .collect();
        let mut merged: BTreeMap<String, Points> = BTreeMap::new();
        for (name, points) in stored {
            merged.entry(name).or_default().extend(points);
        }
        let mut after = Past::default();
        after.load(
            merged
                .into_iter()
                .chain([("nonsense".into(), vec![])])
                .collect(),
        );
        let last = reading(3 * HOUR, 70.0);
        let pace = after.pace(&last, Timestamp(3 * HOUR)).unwrap();
        assert!((pace.per_hour - 60.0).abs() < 1.0, "{pace:?}");
        let without = Past::default().pace(&last, Timestamp(3 * HOUR)).unwrap();
        assert!(without.per_hour < 30.0, "{without:?}");
    }

    #[test]
    fn only_a_history_with_too_many_points_is_written_anew() {
        let points = |count: i64| UsageHistory {
            window: reading(0, 1.0).window(),
            points: (0..count)
                .map(|second| Point {
                    at: Timestamp(second * 1_000_000),
                    percent: Percent::ZERO,
                })
                .collect(),
        };
        assert_eq!(thinner(&points(1), Timestamp(0)), None);
        let (_, up_to, kept) = thinner(&points(1_000), Timestamp(1_000_000_000)).unwrap();
        assert_eq!(up_to, 999_000_000);
        assert!(kept.len() < 30, "{}", kept.len());
    }
}
