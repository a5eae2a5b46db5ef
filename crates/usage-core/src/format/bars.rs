//! Every window as a bar, for a terminal.

use std::fmt::Write as _;

use super::{Paint, Shown, clock, left, owners, short_name, span};
use crate::forecast::{Day, Pace};
use crate::level::Level;
use crate::planner::State;
use crate::reading::{Amount, Reading};

/// The cells of a bar.
const CELLS: usize = 20;

/// Every window as a bar with its reset and where its use leads, and how it stands below.
pub fn bars(shown: &Shown<'_>, paint: Paint) -> String {
    let owners = owners(shown.readings);
    let widest = shown.readings.iter().map(|it| width(&short_name(it)));
    let widest = widest.max().unwrap_or(0);
    let mut text = String::new();
    for (provider, account) in &owners {
        let several = owners.iter().filter(|(other, _)| other == provider).count() > 1;
        let name = if several {
            format!("{} ({account})", provider.title())
        } else {
            provider.title().to_owned()
        };
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "{name}");
        let of_owner = shown
            .readings
            .iter()
            .filter(|it| it.provider == *provider && it.account.0 == *account);
        for reading in of_owner {
            text.push_str(&row(shown, reading, widest, paint));
        }
    }
    if !shown.state.is_ok() || shown.readings.is_empty() {
        let _ = writeln!(text, "{}", state_line(shown));
    }
    text
}

fn row(shown: &Shown<'_>, reading: &Reading, widest: usize, paint: Paint) -> String {
    let name = short_name(reading);
    let gap = " ".repeat(widest.saturating_sub(width(&name)));
    let mut row = format!("  {name}{gap}  ");
    let now = shown.now;
    let Some(percent) = reading.current(now) else {
        let reset = reading.resets_at.unwrap_or(now);
        let _ = writeln!(
            row,
            "{}    –   began anew at {}, not read since",
            "░".repeat(CELLS),
            clock(reset, now, shown.zone)
        );
        return row;
    };
    let mark = if reading.binding { '◂' } else { ' ' };
    let bar = paint.paint(Level::of(percent), &bar(percent.get()));
    let _ = write!(row, "{bar} {:>4.0}%{mark}", percent.get());
    if let Some(amount) = &reading.amount {
        let _ = write!(row, " {}", money(amount));
    }
    if let Some(at) = reading.resets_at {
        let _ = write!(
            row,
            " resets {} (in {})",
            clock(at, now, shown.zone),
            left(at, now)
        );
    }
    if let Some(pace) = shown.paces.get(&reading.window())
        && let Some(sentence) = limit_sentence(shown, pace)
    {
        let _ = write!(row, " · {sentence}");
    }
    let text = row.trim_end().len();
    row.truncate(text);
    row.push('\n');
    row
}

/// `limit reached at 16:40, 1h 10m before the reset`
fn limit_sentence(shown: &Shown<'_>, pace: &Pace) -> Option<String> {
    let at = clock(pace.limit_at?, shown.now, shown.zone);
    let before = span(pace.before_reset?);
    Some(format!("limit reached at {at}, {before} before the reset"))
}

/// How it stands, in a sentence, with the age of what is shown.
pub fn state_line(shown: &Shown<'_>) -> String {
    let mut line = shown.state.to_string();
    if let State::RateLimited { until } = shown.state {
        let _ = write!(line, " until {}", clock(*until, shown.now, shown.zone));
    }
    if let Some(newest) = shown.readings.iter().map(|it| it.observed_at).max() {
        let _ = write!(line, " · last read {} ago", left(shown.now, newest));
    }
    line
}

fn bar(percent: f64) -> String {
    let full = (0..CELLS).filter(|cell| {
        #[expect(clippy::cast_precision_loss, reason = "there are few cells")]
        let middle = (*cell as f64 + 0.5) * 100.0 / CELLS as f64;
        percent >= middle
    });
    let full = full.count();
    "█".repeat(full) + &"░".repeat(CELLS - full)
}

/// What was used of a day's share, with a mark where an even pace would be: `today ███│░░░░░ 6.1 of 14.3 points`.
pub fn day_line(day: &Day) -> String {
    let share = |part: f64| {
        if day.budget > 0.0 {
            part * 100.0 / day.budget
        } else {
            100.0
        }
    };
    let mark = bar(share(day.mark)).chars().filter(|it| *it == '█').count();
    let bar = bar(share(day.used));
    let bar = bar.chars().enumerate().map(|(cell, it)| {
        if cell == mark.min(CELLS - 1) {
            '│'
        } else {
            it
        }
    });
    let bar: String = bar.collect();
    format!("today {bar} {:.1} of {:.1} points", day.used, day.budget)
}

pub(super) fn money(amount: &Amount) -> String {
    let number = |value: f64| {
        if value.fract() == 0.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.2}")
        }
    };
    match amount.limit {
        Some(limit) => format!("{}/{} {}", number(amount.used), number(limit), amount.unit),
        None => format!("{} {}", number(amount.used), amount.unit),
    }
}

/// Labels are names of models: a character is a cell.
fn width(text: &str) -> usize {
    text.chars().count()
}
