//! How the use of a window went, in blocks: a column for every stretch of time, as high as the most that was used in it. A stretch of
//! which nothing is known is empty, unless it lies shortly behind one that is known.

use std::time::Duration;

use betcode_core::time::Timestamp;
use usage_core::history::Point;

/// Eighths of a row, from none to all.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// What is plotted, and how large.
pub(super) struct Plot<'a> {
    /// The oldest first.
    pub(super) points: &'a [Point],
    /// The beginning.
    pub(super) from: Timestamp,
    /// The end.
    pub(super) to: Timestamp,
    /// Columns.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
}

/// How much time is plotted of a window of so many seconds: its length and more.
const fn span(seconds: Option<u64>) -> u64 {
    match seconds {
        Some(0..=DAY) => DAY,
        Some(..=691_200) => 14 * DAY,
        Some(_) | None => 60 * DAY,
    }
}

/// That time in words.
pub(super) fn span_name(seconds: Option<u64>) -> String {
    match span(seconds) {
        DAY => "24 hours".to_owned(),
        seconds => format!("{} days", seconds / DAY),
    }
}

/// Where the plot of such a window begins.
pub(super) fn beginning(seconds: Option<u64>, now: Timestamp) -> Timestamp {
    let before = Duration::from_secs(span(seconds));
    let before = i64::try_from(before.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(before))
}

impl Plot<'_> {
    /// The rows, the uppermost first; none when there are not two points.
    pub(super) fn rows(&self) -> Option<Vec<String>> {
        let heights = self.heights()?;
        let row = |above: usize| {
            let cells = heights.iter().map(|height| {
                let here = height.saturating_sub(above * 8).min(8);
                EIGHTHS.get(here).copied().unwrap_or(' ')
            });
            cells.collect::<String>()
        };
        Some((0..self.height).rev().map(row).collect())
    }

    /// How high each column is, in eighths of a row.
    fn heights(&self) -> Option<Vec<usize>> {
        let span = self.to.0.saturating_sub(self.from.0).max(1);
        if self.width == 0 || self.height == 0 {
            return None;
        }
        let mut most: Vec<Option<f64>> = vec![None; self.width];
        let mut count = 0;
        for point in self.points {
            let at = point.at.0.saturating_sub(self.from.0);
            if !(0..=span).contains(&at) {
                continue;
            }
            count += 1;
            let column = i128::from(at) * i128::try_from(self.width).ok()? / (i128::from(span) + 1);
            if let Some(most) = usize::try_from(column).ok().and_then(|at| most.get_mut(at)) {
                *most = Some(most.map_or(point.percent.get(), |it| it.max(point.percent.get())));
            }
        }
        if count < 2 {
            return None;
        }
        let mut last = None;
        let mut since = 0;
        let columns = most.into_iter().map(|column| {
            if column.is_some() {
                (last, since) = (column, 0);
            } else {
                since += 1;
            }
            last.filter(|_| since <= self.width / 10)
        });
        Some(columns.map(|column| self.height_of(column)).collect())
    }

    fn height_of(&self, percent: Option<f64>) -> usize {
        let Some(percent) = percent.filter(|percent| *percent > 0.0) else {
            return 0;
        };
        let all = self.height * 8;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a few rows"
        )]
        let height = (percent.min(100.0) / 100.0 * all as f64).round() as usize;
        // Little is not nothing.
        height.clamp(1, all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use usage_core::reading::Percent;

    use super::*;

    fn plotted(points: &[(i64, f64)], width: usize, height: usize) -> Option<Vec<String>> {
        let points = points.iter().map(|(at, percent)| Point {
            at: Timestamp(*at),
            percent: Percent::new(*percent).unwrap(),
        });
        let points: Vec<_> = points.collect();
        let plot = Plot {
            points: &points,
            from: Timestamp(0),
            to: Timestamp(99),
            width,
            height,
        };
        plot.rows()
    }

    #[test]
    fn a_column_is_as_high_as_the_most_of_its_time() {
        let points = [(0, 0.0), (10, 25.0), (15, 10.0), (55, 100.0), (99, 0.4)];
        assert_eq!(plotted(&points, 10, 1).unwrap(), [" ▂▂  ██  ▁"]);
        assert_eq!(
            plotted(&points, 10, 2).unwrap(),
            ["     ██   ", " ▄▄  ██  ▁"]
        );
    }

    #[test]
    fn one_point_is_no_course() {
        assert_eq!(plotted(&[(5, 5.0)], 10, 1), None);
        assert_eq!(plotted(&[(5, 5.0), (-3, 1.0), (1_000, 1.0)], 10, 1), None);
    }

    proptest! {
        #[test]
        fn any_points_fit_into_any_size(
            points in prop::collection::vec((-50i64..150, 0.0..300.0f64), 0..50),
            width in 0usize..50,
            height in 0usize..6,
        ) {
            if let Some(rows) = plotted(&points, width, height) {
                prop_assert_eq!(rows.len(), height);
                for row in rows {
                    prop_assert_eq!(row.chars().count(), width);
                }
            }
        }
    }
}
