//! The past of a window as a plot for a terminal. Pure.
//!
//! Laws: no line is longer than the plot is wide; a time of which nothing is known stays empty, and a known nothing does not;
//! every fall of the use is marked where it was noticed.

use std::time::Duration;

use betcode_client::UsageHistory;
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use usage_core::format::{Paint, clock, flowed, window_name};
use usage_core::history::began_anew;
use usage_core::level::Level;
use usage_core::reading::Percent;

use crate::output::printable;

/// The rows above the axis.
const ROWS: usize = 5;
/// The parts of a cell that can be filled.
const PARTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// What stands left of the plot.
const MARGIN: usize = 5;
/// So long a reading says something where there is no other.
const HOLDS: Duration = Duration::from_hours(24);
/// The same where nobody knows how long the window is.
const HOLDS_BRIEFLY: Duration = Duration::from_hours(5);

/// A column of the plot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Column {
    percent: Option<Percent>,
    began_anew: bool,
}

/// The plot, with what it is of above and its times below.
pub(super) fn plot(
    history: &UsageHistory,
    with_account: bool,
    (from, to): (Timestamp, Timestamp),
    zone: &TimeZone,
    width: usize,
    paint: Paint,
) -> String {
    let columns = columns(history, from, to, width.saturating_sub(MARGIN).max(1));
    let mut text = heading(history, with_account, width, paint);
    for row in (0..ROWS).rev() {
        let label = match row {
            it if it == ROWS - 1 => "100 ┤",
            it if it == ROWS / 2 => " 50 ┤",
            _ => "    │",
        };
        let mut line = label.to_owned();
        line.push_str(&cells(&columns, row, paint));
        text.extend([line.trim_end(), "\n"]);
    }
    text.push_str("  0 └");
    text.extend(
        columns
            .iter()
            .map(|it| if it.began_anew { '┴' } else { '─' }),
    );
    text.push('\n');
    let begin = clock(from, to, zone);
    let gap = width.saturating_sub(MARGIN + begin.chars().count() + 3);
    text.extend([
        &" ".repeat(MARGIN),
        &*begin,
        &" ".repeat(gap.max(1)),
        "now\n",
    ]);
    text
}

/// `Claude weekly Fable · 62% at last, 95% at most, ┴ began anew 3 times`
fn heading(history: &UsageHistory, with_account: bool, width: usize, paint: Paint) -> String {
    let window = &history.window;
    let provider = window.provider.title();
    let name = window_name(window, window.duration_s);
    let name = if with_account {
        format!("{provider} ({}) {name}", window.account)
    } else {
        format!("{provider} {name}")
    };
    let name = printable(&name.replace(['\n', '\r', '\t'], " ")).into_owned();
    let mut percents = history.points.iter().map(|it| it.percent.get());
    let most = percents.clone().fold(0.0, f64::max);
    let last = percents.next_back().unwrap_or_default();
    let pairs = history.points.iter().zip(history.points.iter().skip(1));
    let times = pairs
        .filter(|(one, other)| began_anew(**one, **other))
        .count();
    let times = match times {
        0 => String::new(),
        1 => ", ┴ began anew once".to_owned(),
        times => format!(", ┴ began anew {times} times"),
    };
    let said = format!("{last:.0}% at last, {most:.0}% at most{times}");
    let text = flowed("", &[&name, &said], width);
    match (paint, text.strip_prefix(&name)) {
        (Paint::Ansi, Some(rest)) => format!("\u{1b}[1m{name}\u{1b}[0m{rest}"),
        _ => text,
    }
}

/// What is known in each part of the time.
fn columns(history: &UsageHistory, from: Timestamp, to: Timestamp, count: usize) -> Vec<Column> {
    let mut columns = vec![Column::default(); count];
    let length = i128::from(to.0) - i128::from(from.0);
    let wide = i128::try_from(count).unwrap_or(1);
    if length <= 0 {
        return columns;
    }
    // Nothing for a time before the plot begins.
    let place = |at: Timestamp| {
        let passed = i128::from(at.0) - i128::from(from.0);
        let place = usize::try_from((passed * wide).div_euclid(length));
        place.ok().map(|place| place.min(count - 1))
    };
    let duration = history.window.duration_s.map(Duration::from_secs);
    let holds = duration.unwrap_or(HOLDS_BRIEFLY).min(HOLDS);
    let mut last: Option<usage_core::history::Point> = None;
    for point in &history.points {
        let Some(here) = place(point.at) else {
            last = Some(*point);
            continue;
        };
        if let Some(last) = last {
            fill(
                &mut columns,
                place(last.at).unwrap_or(0),
                place(last.at.plus(holds)),
                here,
                last.percent,
            );
        }
        if let Some(column) = columns.get_mut(here) {
            let fell = last.is_some_and(|last| began_anew(last, *point));
            column.began_anew |= fell;
            // The peak of a part of the time is what matters in it.
            let peak = column.percent.filter(|before| *before > point.percent);
            column.percent = Some(peak.unwrap_or(point.percent));
        }
        last = Some(*point);
    }
    if let Some(last) = last {
        fill(
            &mut columns,
            place(last.at).unwrap_or(0),
            place(last.at.plus(holds)),
            count,
            last.percent,
        );
    }
    columns
}

/// What was read holds for a while.
fn fill(columns: &mut [Column], after: usize, until: Option<usize>, end: usize, percent: Percent) {
    let Some(until) = until else {
        return;
    };
    let end = end.min(until.saturating_add(1));
    let empty = columns.iter_mut().take(end).skip(after);
    empty.for_each(|column| column.percent = column.percent.or(Some(percent)));
}

/// One row of the plot, the lowest is 0.
fn cells(columns: &[Column], row: usize, paint: Paint) -> String {
    let mut line = String::new();
    let mut run: (Option<Level>, String) = (None, String::new());
    for column in columns {
        let (level, cell) = match column.percent {
            Some(percent) => (Some(Level::of(percent)), cell(percent, row)),
            None => (None, ' '),
        };
        let level = level.filter(|_| cell != ' ');
        if level != run.0 {
            line.push_str(&painted(&run, paint));
            run = (level, String::new());
        }
        run.1.push(cell);
    }
    line.push_str(&painted(&run, paint));
    line
}

fn painted((level, text): &(Option<Level>, String), paint: Paint) -> String {
    match level {
        Some(level) => paint.paint(*level, text),
        None => text.clone(),
    }
}

fn cell(percent: Percent, row: usize) -> char {
    let parts = PARTS.len() - 1;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "there are few parts"
    )]
    let filled = (percent.get().min(100.0) / 100.0 * (ROWS * parts) as f64).round() as usize;
    let here = filled.max(1).saturating_sub(row * parts).min(parts);
    PARTS.get(here).copied().unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use usage_core::history::Point;
    use usage_core::reading::{Account, Kind, ProviderId, Window};

    use super::*;

    /// 2026-11-19T12:00:00Z, a Thursday.
    const NOW: Timestamp = Timestamp(1_795_089_600_000_000);
    const MINUTE: i64 = 60_000_000;

    fn history(points: &[(i64, f64)]) -> UsageHistory {
        let points = points.iter().map(|(minutes, percent)| Point {
            at: Timestamp(NOW.0 - minutes * MINUTE),
            percent: Percent::new(*percent).unwrap(),
        });
        UsageHistory {
            window: Window {
                provider: ProviderId::Claude,
                account: Account("default".into()),
                kind: Kind::Session,
                label: None,
                duration_s: None,
            },
            points: points.collect(),
        }
    }

    fn plotted(history: &UsageHistory, hours: i64, width: usize, paint: Paint) -> String {
        let from = Timestamp(NOW.0 - hours * 60 * MINUTE);
        plot(history, false, (from, NOW), &TimeZone::UTC, width, paint)
    }

    #[test]
    fn a_plot_shows_the_height_the_gaps_and_where_it_began_anew() {
        let points: Vec<(i64, f64)> = (0..10)
            .map(|it| {
                (
                    24 * 60 - it * 30,
                    f64::from(i32::try_from(it).unwrap()) * 10.0,
                )
            })
            .chain([(300, 0.0), (200, 55.0), (10, 3.0)])
            .collect();
        insta::assert_snapshot!(plotted(&history(&points), 24, 60, Paint::Plain));
    }

    #[test]
    fn a_plot_is_never_wider_than_the_terminal_and_colours_change_nothing_else() {
        let points: Vec<(i64, f64)> = (0..500)
            .map(|it| {
                (
                    (500 - it) * 20,
                    f64::from(i32::try_from(it * 7 % 130).unwrap()),
                )
            })
            .collect();
        let history = history(&points);
        for width in [40, 80, 200] {
            let plain = plotted(&history, 7 * 24, width, Paint::Plain);
            for line in plain.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
            let mut colours = plotted(&history, 7 * 24, width, Paint::Ansi);
            for mark in ["0", "1", "31", "32", "33", "38;5;208"] {
                colours = colours.replace(&format!("\u{1b}[{mark}m"), "");
            }
            let stripped: Vec<&str> = colours.lines().map(str::trim_end).collect();
            assert_eq!(stripped, plain.lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_used_is_not_the_same_as_nothing_known() {
        let known = plotted(&history(&[(30, 0.0)]), 10, 40, Paint::Plain);
        assert!(known.contains('▁'), "{known}");
        let old = plotted(&history(&[(9 * 60, 0.0)]), 10, 40, Paint::Plain);
        let bottom = old.lines().nth(ROWS).unwrap();
        assert!(
            bottom.ends_with('▁') && bottom.chars().count() < 30,
            "{old}"
        );
    }

    #[test]
    fn points_before_the_time_that_is_shown_hold_into_it() {
        let before = history(&[(11 * 60, 50.0)]);
        let bottom = plotted(&before, 10, 45, Paint::Plain);
        assert!(
            bottom.lines().nth(ROWS).unwrap().starts_with("    │██"),
            "{bottom}"
        );
    }
}
