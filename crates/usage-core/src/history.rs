//! Which readings of the past are worth keeping, for plots and forecasts. It keeps nothing itself.
//!
//! Laws: thinning keeps the first and the last point and every point at which a window began anew; thinning what is thinned
//! changes nothing; what is older than [`KEPT`] goes.

use std::time::Duration;

use betcode_core::time::Timestamp;

use crate::reading::Percent;

/// So long a history is.
pub const KEPT: Duration = Duration::from_hours(90 * 24);

/// From an age on, at most one point for every so long.
const STEPS: &[(Duration, Duration)] = &[
    (Duration::from_hours(14 * 24), Duration::from_hours(2)),
    (Duration::from_hours(2 * 24), Duration::from_mins(30)),
    (Duration::from_hours(6), Duration::from_mins(5)),
    (Duration::ZERO, Duration::from_mins(1)),
];
/// A use that falls by more than this began anew.
const FALLEN: f64 = 5.0;

/// How much of a window was used at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub percent: Percent,
}

/// Which points to keep, oldest first; `points` are those of one window, oldest first.
pub fn thinned(points: &[Point], now: Timestamp) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        if now.since(point.at) > KEPT {
            continue;
        }
        let next = points.get(index + 1);
        let is_last = next.is_none();
        let is_peak = next.is_some_and(|next| began_anew(*point, *next));
        let is_wanted = kept.last().is_none_or(|last| {
            began_anew(*last, *point) || bucket(last.at, now) != bucket(point.at, now)
        });
        if is_wanted || is_peak || is_last {
            kept.push(*point);
        }
    }
    kept
}

/// Whether the window began anew between two points.
pub fn began_anew(one: Point, other: Point) -> bool {
    one.percent.get() - other.percent.get() > FALLEN
}

/// Points of the same bucket say the same.
fn bucket(at: Timestamp, now: Timestamp) -> (Duration, i128) {
    let age = now.since(at);
    let step = STEPS.iter().find(|(from, _)| age >= *from);
    let step = step.map_or(Duration::from_mins(1), |(_, step)| *step);
    let micros = i128::try_from(step.as_micros()).unwrap_or(1).max(1);
    (step, i128::from(at.0).div_euclid(micros))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000_000;
    const NOW: Timestamp = Timestamp(200 * 1_440 * MINUTE);

    fn points(ages: &[(i64, f64)]) -> Vec<Point> {
        let points = ages.iter().map(|(minutes, percent)| Point {
            at: Timestamp(NOW.0 - minutes * MINUTE),
            percent: Percent::new(*percent).unwrap(),
        });
        points.collect()
    }

    #[test]
    fn the_older_the_fewer_and_nothing_beyond_ninety_days() {
        let ages: Vec<_> = (0..100 * 1_440).rev().map(|age| (age, 10.0)).collect();
        let kept = thinned(&points(&ages), NOW);
        let younger = |days: u64| {
            let limit = Duration::from_hours(days * 24);
            kept.iter().filter(|it| NOW.since(it.at) < limit).count()
        };
        assert!(kept.iter().all(|it| NOW.since(it.at) <= KEPT));
        assert!((576..=580).contains(&younger(1)), "{}", younger(1));
        assert!(kept.len() < 2_400, "{}", kept.len());
    }

    #[test]
    fn the_peak_before_a_reset_stays() {
        let kept = thinned(
            &points(&[(9_003, 70.0), (9_002, 95.0), (9_001, 0.0), (9_000, 1.0)]),
            NOW,
        );
        let percents: Vec<_> = kept.iter().map(|it| it.percent.get()).collect();
        assert_eq!(percents, [70.0, 95.0, 0.0, 1.0]);
    }

    proptest! {
        #[test]
        fn thinning_twice_is_thinning_once(mut ages in prop::collection::vec((0i64..150_000, 0.0..100.0f64), 0..60)) {
            ages.sort_by_key(|(age, _)| -age);
            let once = thinned(&points(&ages), NOW);
            prop_assert_eq!(thinned(&once, NOW), once);
        }
    }
}
