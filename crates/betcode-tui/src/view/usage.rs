//! The use of plans: the window that bites first in the status line, the line that says why nothing is known, and the pane with
//! everything.

mod plot;

use betcode_client::{UsageAccount, UsageHistory};
use ratatui::layout::Rect;
use usage_core::format::{bar, left, short_name};
use usage_core::level::Level;
use usage_core::reading::{Amount, Reading};

use crate::keymap::Do;
use crate::model::Model;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};
use crate::usage::{Known, OLDER, Remedy, login, pace, remedy, reset};

use super::words;

/// Below so many columns, a bar has a row of its own.
const NARROW: u16 = 30;
/// Below so many columns, the line that says why nothing is known is in fewer words.
const ROOMY: u16 = 60;
/// The longest bar.
const LONGEST: usize = 40;
/// What stands before everything of a window.
const INDENT: &str = "   ";
/// With fewer rows, a plot has a single one.
const LOW: u16 = 16;
/// The rows of a plot.
const PLOT: usize = 4;

/// The window that bites first, for the status line: how full it is as a sign and a number, and the time left. What is not
/// good any more has an age instead.
pub(super) fn brief(model: &Model) -> Option<Row> {
    let theme = &model.theme;
    let tightest = model.usage.tightest(&model.session.agent, model.now)?;
    let reading = tightest.reading;
    let name = sanitize::line(&short_name(reading)).into_owned();
    let number = format!("{:.0}%", tightest.percent.get());
    if !tightest.fresh {
        let age = words::age(model.now.since(reading.observed_at));
        let age = if age == "now" {
            String::new()
        } else {
            format!(" · {age} old")
        };
        return Some(Row::styled(format!("{name} {number}{age} "), theme.faint));
    }
    let level = Level::of(tightest.percent);
    let mut row = Row::styled(format!("{} ", sign(level)), theme.level(level));
    row.push(&format!("{name} "), theme.faint);
    row.push(&number, theme.level(level));
    if let Some(at) = reading.resets_at {
        row.push(&format!(" · {}", left(at, model.now)), theme.faint);
    }
    row.push(" ", theme.faint);
    Some(row)
}

/// How full something is, without a colour.
const fn sign(level: Level) -> &'static str {
    match level {
        Level::Calm => "▂",
        Level::Busy => "▄",
        Level::High => "▆",
        Level::Critical => "█",
    }
}

/// The line that says why nothing is known, and what can be done.
pub(super) fn banner(model: &Model) -> Option<Row> {
    let theme = &model.theme;
    let (account, what) = model.usage.banner(&model.session.agent)?;
    let narrow = model.width < ROOMY;
    let sentence = if narrow {
        format!(" {}", account.state)
    } else {
        format!(" usage: {}", model.usage.sentence(account, model.now))
    };
    let mut row = Row::styled(sanitize::line(&sentence).into_owned(), theme.faint);
    let does = match what {
        Remedy::Retry if narrow => Some("retry"),
        Remedy::Retry => Some("tries again"),
        Remedy::LogIn if login(account).is_none() => None,
        Remedy::LogIn if narrow => Some("copy"),
        Remedy::LogIn => Some("copies it"),
        Remedy::Wait => None,
    };
    let hides = if narrow { "hide" } else { "hides this" };
    // The keys stay where the sentence has no room.
    let mut keys = Row::default();
    let hints = [
        does.map(|does| (Do::RetryUsage, does)),
        Some((Do::HideUsage, hides)),
    ];
    for (action, does) in hints.into_iter().flatten() {
        if let Some(key) = model.keymap.key(action) {
            keys.push(&format!("  {key} "), theme.text);
            keys.push(does, theme.faint);
        }
    }
    let width = usize::from(model.width);
    let room = width.saturating_sub(keys.width());
    if row.width() > room {
        row = row.cut(room.saturating_sub(1));
        row.push("…", theme.faint);
    }
    row.extend(&keys);
    Some(row)
}

/// How many rows of the pane are below what there is room for, when it is not scrolled.
pub(crate) fn below(model: &Model) -> usize {
    let room = model.look.rows.saturating_sub(2);
    body(model, model.width, model.height)
        .len()
        .saturating_sub(room)
}

/// The pane, for an area of this size.
pub(super) fn pane(model: &Model, scroll: usize, area: Rect) -> Vec<Row> {
    let theme = &model.theme;
    let rows = body(model, area.width, model.height);
    // A row is taken by the line across.
    let room = usize::from(area.height).saturating_sub(1);
    if rows.len() <= room {
        return rows;
    }
    let room = room.saturating_sub(1);
    let from = scroll.min(rows.len().saturating_sub(room));
    let below = words::counted(rows.len() - from - room, "row");
    let mut shown: Vec<Row> = rows.into_iter().skip(from).take(room).collect();
    let keys = [Do::UsageDown, Do::UsageUp].map(|action| {
        let key = model.keymap.key(action);
        key.map(|key| key.to_string()).unwrap_or_default()
    });
    let remark = format!("   … {from} above, {below} below ({})", keys.join(", "));
    shown.push(Row::styled(remark, theme.faint).cut(area.width.into()));
    shown
}

/// Everything there is to say.
fn body(model: &Model, width: u16, height: u16) -> Vec<Row> {
    let theme = &model.theme;
    let mut rows = Vec::new();
    let mut head = Row::styled(" Usage", theme.heading);
    if model.usage.asking {
        head.push("  asking …", theme.faint);
    }
    rows.push(head);
    match &model.usage.known {
        Known::Nothing => rows.push(Row::styled("   …", theme.faint)),
        Known::Unsupported => said(OLDER, model, width, &mut rows),
        Known::Accounts(accounts) if accounts.is_empty() => {
            said(
                "no plan with limits is known on this machine",
                model,
                width,
                &mut rows,
            );
        }
        Known::Accounts(accounts) => {
            for account in accounts {
                self::account(model, account, (width, height), &mut rows);
            }
        }
    }
    rows
}

/// Text of its own, wrapped.
fn said(text: &str, model: &Model, width: u16, rows: &mut Vec<Row>) {
    let theme = &model.theme;
    let frame = Frame::plain(width).with(Row::styled(INDENT, theme.text).decorated());
    wrap_text(&sanitize::line(text), theme.faint, &frame, rows);
}

fn account(model: &Model, account: &UsageAccount, size: (u16, u16), rows: &mut Vec<Row>) {
    let theme = &model.theme;
    let width = size.0;
    let several = model.usage.accounts().iter();
    let several = several.filter(|it| it.provider == account.provider).count() > 1;
    let title = account.provider.title();
    let name = if several {
        format!(" {title} ({})", account.account)
    } else {
        format!(" {title}")
    };
    let name = Row::styled(sanitize::line(&name).into_owned(), theme.strong);
    rows.push(name.cut(width.into()));
    if !account.state.is_ok() {
        let style = match remedy(&account.state) {
            Some(_) => theme.needs_you,
            None => theme.faint,
        };
        let sentence = model.usage.state(account, model.now);
        let frame = Frame::plain(width).with(Row::styled(INDENT, theme.text).decorated());
        wrap_text(&sanitize::line(&sentence), style, &frame, rows);
    }
    if account.readings.is_empty() && account.state.is_ok() {
        said("no window is known", model, width, rows);
    }
    let widest = account
        .readings
        .iter()
        .map(|it| short_name(it).chars().count());
    let widest = widest.max().unwrap_or(0);
    for reading in &account.readings {
        window(model, reading, widest, size, rows);
    }
}

/// One window: a bar, when it begins anew, where its use leads, where that comes from, and how it went.
fn window(model: &Model, reading: &Reading, widest: usize, size: (u16, u16), rows: &mut Vec<Row>) {
    let theme = &model.theme;
    let (width, height) = size;
    let name = sanitize::line(&short_name(reading)).into_owned();
    let mut row = Row::styled(format!("{INDENT}{name:<widest$}"), theme.text);
    let now = model.now;
    match reading.current(now) {
        Some(percent) => {
            let level = Level::of(percent);
            let number = format!(" {:>3.0}%", percent.get());
            let mark = if reading.binding {
                " ◂ the tightest"
            } else {
                ""
            };
            let room = usize::from(width).saturating_sub(row.width() + number.len() + 3);
            if width >= NARROW && room >= 8 {
                row.push(" ", theme.text);
                row.push(&bar(percent.get(), room.min(LONGEST)), theme.level(level));
            }
            row.push(&number, theme.level(level));
            if row.width() + mark.chars().count() <= usize::from(width) {
                row.push(mark, theme.faint);
            } else if reading.binding {
                row.push(" ◂", theme.faint);
            }
        }
        None => row.push("   –", theme.faint),
    }
    rows.push(row.cut(width.into()));
    let usage = &model.usage;
    let untold = || Some("nothing is told of when it begins anew".to_owned());
    let fresh = !reading.is_over(now);
    let money = reading.amount.as_ref().map(amount);
    let source = format!(
        "{} · from {} · read {}",
        reading.severity.name(),
        reading.source.name(),
        words::ago(now.since(reading.observed_at))
    );
    let lines = [
        reset(reading, usage, now).or_else(untold),
        money,
        pace(reading, usage, now).filter(|_| fresh),
        Some(source),
    ];
    for line in lines.into_iter().flatten() {
        said(&line, model, width, rows);
    }
    if let Some(Ok(history)) = &usage.history {
        went(model, reading, history, (width, height), rows);
    }
}

fn amount(amount: &Amount) -> String {
    let number = |value: f64| {
        if value.fract() == 0.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.2}")
        }
    };
    let used = number(amount.used);
    match amount.limit {
        Some(limit) => format!("{used} of {} {}", number(limit), amount.unit),
        None => format!("{used} {}", amount.unit),
    }
}

/// How the use of a window went, as a plot.
fn went(
    model: &Model,
    reading: &Reading,
    history: &[UsageHistory],
    (width, height): (u16, u16),
    rows: &mut Vec<Row>,
) {
    let theme = &model.theme;
    let window = reading.window();
    let Some(history) = history.iter().find(|it| it.window == window) else {
        return;
    };
    let plotted = plot::Plot {
        points: &history.points,
        from: plot::beginning(reading.duration_s, model.now),
        to: model.now,
        width: usize::from(width).saturating_sub(INDENT.len() + 6).min(120),
        height: if height < LOW { 1 } else { PLOT },
    };
    let Some(lines) = plotted.rows() else {
        return;
    };
    let last = lines.len() - 1;
    for (place, line) in lines.into_iter().enumerate() {
        let scale = match place {
            0 => " 100%",
            _ if place == last => "   0%",
            _ => "     ",
        };
        let mut row = Row::styled(format!("{INDENT}{line}"), theme.accent);
        row.push(scale, theme.faint);
        rows.push(row.cut(width.into()));
    }
    let span = plot::span_name(reading.duration_s);
    rows.push(Row::styled(format!("{INDENT}the last {span}"), theme.faint).cut(width.into()));
}
