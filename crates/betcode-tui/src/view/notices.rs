//! The notifications: what stands, with what can be chosen in it, what is held back, and the pause.

use betcode_client::ListedNotification;
use betcode_core::notify::Choice;
use ratatui::layout::Rect;
use usage_core::format::{clock, left};

use crate::keymap::Do;
use crate::model::Model;
use crate::notices::{Known, Pane};
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};
use crate::update::notices::{harmless, has};
use crate::view::prompt::{not_yet, packed, shortened};

use super::words;

/// With fewer rows, the keys of the pause are only where all keys are.
const LOW: u16 = 12;
/// So many rows of a body are shown.
const BODY: usize = 4;

/// The pane, for an area of this size.
pub(super) fn pane(model: &Model, pane: &Pane, area: Rect) -> Vec<Row> {
    let theme = &model.theme;
    let width = area.width;
    let mut rows = head(model, width);
    let foot = if area.height < LOW {
        Vec::new()
    } else {
        pauses(model, width)
    };
    let (list, chosen) = list(model, pane, area);
    // A row is taken by the line across.
    let room = usize::from(area.height).saturating_sub(rows.len() + foot.len() + 1);
    if list.len() <= room {
        rows.extend(list);
    } else {
        let room = room.saturating_sub(1);
        // What is chosen is seen whole, or from its beginning.
        let from = chosen.end.saturating_sub(room).min(chosen.start);
        let from = from.min(list.len().saturating_sub(room));
        let below = words::counted(list.len().saturating_sub(from + room), "row");
        rows.extend(list.into_iter().skip(from).take(room));
        let remark = format!("   … {from} above, {below} below");
        rows.push(Row::styled(remark, theme.faint).cut(width.into()));
    }
    rows.extend(foot);
    rows
}

fn head(model: &Model, width: u16) -> Vec<Row> {
    let theme = &model.theme;
    let count = model.notices.standing().count();
    let mut row = Row::styled(" Notifications", theme.heading);
    if matches!(model.notices.known, Known::Here(_)) {
        row.push(&format!("  {count}"), theme.faint);
    }
    let mut rows = vec![row];
    if let Some(text) = paused(model) {
        let mut row = Row::styled(format!("   {text}"), theme.needs_you);
        if let Some(key) = model.keymap.key(Do::EndPause) {
            row.push(&format!("  {key} ends it"), theme.faint);
        }
        rows.push(row.cut(width.into()));
    }
    rows
}

/// Until when nothing is told, in words.
pub(super) fn paused(model: &Model) -> Option<String> {
    let pause = model.notices.pause()?;
    Some(match pause.until {
        Some(until) => format!(
            "paused until {} ({})",
            clock(until, model.now, &model.usage.zone),
            left(until, model.now)
        ),
        None => "paused until a quota begins anew".to_owned(),
    })
}

/// The keys that hold everything back.
fn pauses(model: &Model, width: u16) -> Vec<Row> {
    let theme = &model.theme;
    let choices = [
        (Do::Pause5, "pause 5 min"),
        (Do::Pause15, "15"),
        (Do::Pause30, "30"),
        (Do::PauseUntilReset, "until a reset"),
        (Do::EndPause, "end the pause"),
    ];
    packed(
        &model.keymap,
        &choices,
        (theme.text, theme.faint),
        theme,
        width,
    )
}

/// All of them, and which rows are those of the chosen one.
fn list(model: &Model, pane: &Pane, area: Rect) -> (Vec<Row>, std::ops::Range<usize>) {
    let theme = &model.theme;
    let (width, low) = (area.width, area.height < LOW);
    let mut rows = Vec::new();
    let mut chosen = 0..0;
    match &model.notices.known {
        Known::Nothing => rows.push(Row::styled("   …", theme.faint)),
        Known::Lacking(lack) => said(&lack.clone().said(), model, width, &mut rows),
        Known::Here(list) if list.notifications.is_empty() => {
            rows.push(Row::styled("   nothing stands there for you", theme.faint));
        }
        Known::Here(list) => {
            for listed in &list.notifications {
                let id = listed.notification.id;
                let is_chosen = id.is_some() && id == pane.chosen();
                let from = rows.len();
                if is_chosen {
                    this(model, pane, listed, (width, low), &mut rows);
                } else {
                    another(model, listed, width, &mut rows);
                }
                if is_chosen {
                    chosen = from..rows.len();
                }
            }
        }
    }
    (rows, chosen)
}

fn said(text: &str, model: &Model, width: u16, rows: &mut Vec<Row>) {
    let theme = &model.theme;
    let frame = Frame::plain(width).with(Row::styled("   ", theme.text).decorated());
    wrap_text(&sanitize::line(text), theme.faint, &frame, rows);
}

/// One of them in a row.
fn another(model: &Model, listed: &ListedNotification, width: u16, rows: &mut Vec<Row>) {
    let theme = &model.theme;
    let notification = &listed.notification;
    let mut row = Row::styled("   ", theme.text);
    row.push(&sanitize::line(&notification.title), theme.text);
    row.push(&format!("  {}", state(model, listed)), theme.faint);
    let first = words::first_line(&notification.body);
    row.push(&format!("  {}", sanitize::line(&first)), theme.faint);
    rows.push(row.cut(width.into()));
}

/// The chosen one with its words and what can be chosen in it.
fn this(
    model: &Model,
    pane: &Pane,
    listed: &ListedNotification,
    (width, low): (u16, bool),
    rows: &mut Vec<Row>,
) {
    let theme = &model.theme;
    let notification = &listed.notification;
    let mut row = Row::styled(" ❯ ", theme.accent);
    row.push(&sanitize::line(&notification.title), theme.strong);
    row.push(&format!("  {}", state(model, listed)), theme.faint);
    rows.push(row.cut(width.into()));
    let frame = Frame::plain(width).with(Row::styled("     ", theme.text).decorated());
    let mut body = Vec::new();
    wrap_text(
        &sanitize::plain(&notification.body),
        theme.text,
        &frame,
        &mut body,
    );
    // What a yes would be to is shown as far as it is known.
    let most = if low && !has(notification, Choice::Allow) {
        1
    } else {
        BODY
    };
    rows.extend(shortened(body, most, theme, width));
    let enter = harmless(notification).map(|choice| match choice {
        Choice::RetryNow => (Do::OpenNotice, "asks again"),
        Choice::LogIn => (Do::OpenNotice, "how to log in"),
        _ => (Do::OpenNotice, "go there"),
    });
    let answers = [
        (Choice::Allow, (Do::AllowNotice, "yes, once")),
        (Choice::Deny, (Do::DenyNotice, "no")),
    ];
    let answers = answers
        .into_iter()
        .filter(|(choice, _)| has(notification, *choice));
    let choices: Vec<_> = enter
        .into_iter()
        .chain(answers.map(|(_, choice)| choice))
        .chain([(Do::DismissNotice, "take it away")])
        .collect();
    let styles = (theme.accent.patch(theme.strong), theme.text);
    let mut choices = packed(&model.keymap, &choices, styles, theme, width);
    if model.is_deaf(pane.listens) {
        choices = not_yet(&choices, theme);
    }
    rows.extend(choices);
}

/// How it stands: how old it is, or until when it is held back.
fn state(model: &Model, listed: &ListedNotification) -> String {
    let at = listed.notification.at;
    let age = at.map(|at| words::ago(model.now.since(at)));
    match (listed.state.as_str(), listed.until, age) {
        ("held", Some(until), _) => {
            format!(
                "held back until {}",
                clock(until, model.now, &model.usage.zone)
            )
        }
        ("held", None, _) => "held back".to_owned(),
        (_, _, Some(age)) => age,
        (state, _, None) => state.to_owned(),
    }
}
