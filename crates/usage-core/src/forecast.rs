//! Where the use of a window leads: whether it is ahead of an even pace, when the limit would be reached, and what a day may
//! use. Nothing here is certain, so nothing is said where there is too little to go by.

use std::time::Duration;

use betcode_core::time::Timestamp;

use crate::history::Point;
use crate::reading::{Percent, Reading};

/// Below this share of a window that has passed, and below this use, a pace says nothing.
const LEAST_SHARE: f64 = 0.02;
/// See [`LEAST_SHARE`].
const LEAST_USED: f64 = 1.0;
/// The pace of late is that of this share of the window …
const LATE_SHARE: f64 = 0.2;
/// … if points of so much of it are there.
const LEAST_LATE_SHARE: f64 = 0.05;
/// Further away than this nothing is told.
const FARTHEST: f64 = 400.0 * 86_400.0;

/// How a window is used over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// How much of the window's time has passed, 0–100.
    pub even: f64,
    /// How much more is used than at an even pace, in points; less than zero: less.
    pub ahead: f64,
    /// What is used in an hour, in points.
    pub per_hour: f64,
    /// How much would be used at the reset; may be above 100.
    pub at_reset: f64,
    /// When the limit would be reached, if that is before the reset.
    pub limit_at: Option<Timestamp>,
    /// By how much it would be before the reset.
    pub before_reset: Option<Duration>,
}

/// The pace of a window; `past` are points of it, oldest first, of any run. Nothing without a length and a reset, and nothing
/// at the beginning of a window.
pub fn pace(reading: &Reading, past: &[Point], now: Timestamp) -> Option<Pace> {
    let length = reading.duration().filter(|it| !it.is_zero())?.as_secs_f64();
    let resets_at = reading.resets_at.filter(|it| *it > now)?;
    let left = resets_at.since(now).as_secs_f64();
    let passed = length - left;
    let share = passed / length;
    let used = reading.percent.get();
    if share < LEAST_SHARE {
        return None;
    }
    let began = Timestamp(resets_at.0.saturating_sub(micros(length)));
    let average = used / passed;
    let rate = late(reading, past, began, length).unwrap_or(average);
    let to_limit = if rate > 0.0 && used >= LEAST_USED {
        Some(((100.0 - used).max(0.0) / rate).min(FARTHEST)).filter(|it| *it < left)
    } else {
        None
    };
    let limit_at = to_limit.map(|seconds| now.plus(Duration::from_secs_f64(seconds)));
    Some(Pace {
        even: share * 100.0,
        ahead: used - share * 100.0,
        per_hour: rate * 3_600.0,
        at_reset: used + rate * left,
        limit_at,
        before_reset: limit_at.map(|at| resets_at.since(at)),
    })
}

/// Points in a second, of late.
fn late(reading: &Reading, past: &[Point], began: Timestamp, length: f64) -> Option<f64> {
    let from = reading
        .observed_at
        .0
        .saturating_sub(micros(length * LATE_SHARE));
    let from = Timestamp(from.max(began.0));
    let first = past
        .iter()
        .find(|point| point.at >= from && point.at < reading.observed_at)?;
    let seconds = reading.observed_at.since(first.at).as_secs_f64();
    let risen = reading.percent.get() - first.percent.get();
    (seconds >= length * LEAST_LATE_SHARE && risen >= 0.0).then(|| risen / seconds)
}

/// A day's share of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// What was used since the day began, in points.
    pub used: f64,
    /// What may be used on this day, in points.
    pub budget: f64,
    /// What would be used by now at an even pace over the day, in points: where a bar has its mark.
    pub mark: f64,
}

impl Day {
    /// Whether more is used than the day allows.
    pub fn is_over(&self) -> bool {
        self.used > self.budget
    }
}

/// What a day may use of a window: the goal, in points a day, or else an even share of what was left when the day began.
/// `at_start` is what was used then; the day is from `begins` to `ends`, in the time zone of the person.
pub fn day(
    reading: &Reading,
    at_start: Percent,
    goal: Option<Percent>,
    (begins, ends): (Timestamp, Timestamp),
    now: Timestamp,
) -> Option<Day> {
    let used = (reading.current(now)?.get() - at_start.get()).max(0.0);
    let length = ends.since(begins).as_secs_f64();
    if length <= 0.0 {
        return None;
    }
    let budget = if let Some(goal) = goal {
        goal.get()
    } else {
        let days = reading.resets_at?.since(begins).as_secs_f64() / length;
        (100.0 - at_start.get()).max(0.0) / days.max(1.0)
    };
    let share = (now.since(begins).as_secs_f64() / length).clamp(0.0, 1.0);
    Some(Day {
        used,
        budget,
        mark: budget * share,
    })
}

fn micros(seconds: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float becomes the nearest whole number that there is"
    )]
    let micros = (seconds * 1e6) as i64;
    micros
}

#[cfg(test)]
mod tests;
