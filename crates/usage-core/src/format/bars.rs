//! Every window as a bar, for a terminal.
//!
//! Laws: no line is longer than the room that there is, as long as that is at least [`LEAST`] columns; what does not fit goes on
//! below, and nothing is left out but the ends of long names.

use std::fmt::Write as _;

use super::time::age;
use super::{Paint, Shown, clock, left, owners, short_name, span};
use crate::forecast::{Day, Pace};
use crate::level::Level;
use crate::planner::State;
use crate::reading::{Amount, Reading};

/// The cells of a bar.
const CELLS: usize = 20;
/// Those of one where there is little room.
const FEW_CELLS: usize = 10;
/// Less than this is little room.
const NARROW: usize = 60;
/// There is at least this much room.
const LEAST: usize = 30;
/// Longer names than this are cut.
const LONGEST_NAME: usize = 24;
/// What belongs to a line above begins here.
const INDENT: usize = 4;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// The columns of a line.
    pub width: usize,
    /// The columns of the names of windows, so that bars of several accounts stand below each other: see [`name_width`].
    pub names: usize,
}

/// The columns that the names of these windows take.
pub fn name_width<'a>(readings: impl IntoIterator<Item = &'a Reading>) -> usize {
    let names = readings.into_iter().map(|it| width(&short_name(it)));
    names.max().unwrap_or(0).min(LONGEST_NAME)
}

/// Every window as a bar with its reset and where its use leads, under the name of its owner, and how it stands below.
pub fn bars(shown: &Shown<'_>, paint: Paint) -> String {
    bars_within(shown, paint, usize::MAX)
}

/// The same in lines of so many columns.
pub fn bars_within(shown: &Shown<'_>, paint: Paint, width: usize) -> String {
    let owners = owners(shown.readings);
    let room = Room {
        width,
        names: name_width(shown.readings),
    };
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
        text.extend(of_owner.map(|reading| row(shown, reading, paint, room)));
    }
    if !shown.state.is_ok() || shown.readings.is_empty() {
        text.push_str(&flowed("", &[&state_line(shown)], width));
    }
    text
}

/// One window as a bar with its reset and where its use leads: a line, or several where there is little room.
pub fn row(shown: &Shown<'_>, reading: &Reading, paint: Paint, room: Room) -> String {
    let cells = cells(room.width);
    let names = room.names.min(room.width.max(LEAST) - FEW_CELLS - 11);
    let name = cut(&short_name(reading), names);
    let gap = " ".repeat(names.saturating_sub(width(&name)));
    let now = shown.now;
    let Some(percent) = reading.current(now) else {
        let reset = clock(reading.resets_at.unwrap_or(now), now, shown.zone);
        let head = format!("  {name}{gap}  {}    –  ", "░".repeat(cells));
        return flowed(
            &head,
            &[&format!("began anew at {reset}, not read since")],
            room.width,
        );
    };
    let mark = if reading.binding { '◂' } else { ' ' };
    let bar = paint.paint(Level::of(percent), &bar(percent.get(), cells));
    let head = format!("  {name}{gap}  {bar} {:>4.0}%{mark}", percent.get());
    let mut what = Vec::new();
    if let Some(amount) = &reading.amount {
        what.push(money(amount));
    }
    if let Some(at) = reading.resets_at {
        let (clock, left) = (clock(at, now, shown.zone), left(at, now));
        what.push(format!("resets {clock} (in {left})"));
    }
    if let Some(pace) = shown.paces.get(&reading.window()) {
        what.push(pace_words(pace));
        let leads = limit_sentence(shown, pace);
        what.push(leads.unwrap_or_else(|| format!("{:.0}% at the reset", pace.at_reset)));
    }
    let what: Vec<&str> = what.iter().map(String::as_str).collect();
    flowed(&head, &what, room.width)
}

/// Parts behind the beginning of a line, and below it where they do not fit; a part that is longer than a line is broken between
/// its words.
pub fn flowed(head: &str, parts: &[&str], most: usize) -> String {
    let mut text = head.to_owned();
    let mut column = seen(head);
    let mut between = if head.is_empty() { "" } else { " " };
    for part in parts {
        if column + width(between) + width(part) <= most {
            text.extend([between, *part]);
            column += width(between) + width(part);
        } else {
            if column > 0 {
                column = next_line(&mut text);
            }
            let mut blank = "";
            for word in part.split(' ') {
                if !blank.is_empty() && column + 1 + width(word) > most {
                    column = next_line(&mut text);
                    blank = "";
                }
                text.extend([blank, word]);
                column += blank.len() + width(word);
                blank = " ";
            }
        }
        between = " · ";
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Begins what belongs to the line above: the column.
fn next_line(text: &mut String) -> usize {
    text.truncate(text.trim_end().len());
    text.push('\n');
    text.push_str(&" ".repeat(INDENT));
    INDENT
}

/// `11 points under pace`
fn pace_words(pace: &Pace) -> String {
    let points = match format!("{:.0}", pace.ahead.abs()).as_str() {
        "0" => return "on pace".to_owned(),
        "1" => "1 point".to_owned(),
        apart => format!("{apart} points"),
    };
    let side = if pace.ahead > 0.0 {
        "ahead of"
    } else {
        "under"
    };
    format!("{points} {side} pace")
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
        let _ = write!(line, " · last read {}", age(newest, shown.now));
    }
    line
}

fn cells(width: usize) -> usize {
    if width < NARROW { FEW_CELLS } else { CELLS }
}

/// So much of so many cells is full.
pub fn bar(percent: f64, cells: usize) -> String {
    let full = (0..cells).filter(|cell| {
        #[expect(clippy::cast_precision_loss, reason = "there are few cells")]
        let middle = (*cell as f64 + 0.5) * 100.0 / cells as f64;
        percent >= middle
    });
    let full = full.count();
    "█".repeat(full) + &"░".repeat(cells - full)
}

/// What was used of a day's share, with a mark where an even pace would be: `today ███│░░░░░ 6.1 of 14.3 points`.
pub fn day_line(day: &Day) -> String {
    day_line_within(day, usize::MAX)
}

/// The same in a line of so many columns.
pub fn day_line_within(day: &Day, width: usize) -> String {
    let share = |part: f64| {
        if day.budget > 0.0 {
            part * 100.0 / day.budget
        } else {
            100.0
        }
    };
    let cells = cells(width);
    let mark = bar(share(day.mark), cells);
    let mark = mark.chars().filter(|it| *it == '█').count();
    let bar = bar(share(day.used), cells);
    let bar = bar.chars().enumerate().map(|(cell, it)| {
        if cell == mark.min(cells - 1) {
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

/// The columns of a text that may have the colours of terminals in it.
fn seen(text: &str) -> usize {
    let mut columns = 0;
    let mut in_mark = false;
    for it in text.chars() {
        match it {
            '\u{1b}' => in_mark = true,
            'm' if in_mark => in_mark = false,
            _ => columns += usize::from(!in_mark),
        }
    }
    columns
}

fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let kept = text.chars().take(most.saturating_sub(1));
    kept.chain(['…']).collect()
}
