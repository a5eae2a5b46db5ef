//! Between the conversation and the input: what there is to do, what runs in the background, what the agent is doing now,
//! why nothing is known of the plan, and what waits for an answer without being open.

use betcode_core::event::{Status, TodoState};

use crate::model::Model;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};

use super::{usage, words};

/// So many things to do are shown.
const SHOWN: usize = 6;
/// What turns while something runs.
const SPINNER: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇", "⠏", "⠛"];
/// How long each of them is shown, in microseconds.
const TURN_US: i64 = 125_000;

/// The rows, the most important at the end.
pub(super) fn rows(model: &Model, width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    tour(model, width, &mut rows);
    if model.prompt.is_none() && model.layers.is_empty() {
        rows.extend(usage::banner(model));
    }
    if model.todos {
        todos(model, &mut rows);
    }
    let theme = &model.theme;
    for task in &model.session.tasks {
        let text = format!("  in the background: {}", sanitize::line(&task.description));
        rows.push(Row::styled(text, theme.faint));
    }
    if model.session.is_working() {
        rows.push(doing(model));
    } else if matches!(
        model.session.status,
        Status::Crashed | Status::Error | Status::Closed
    ) {
        let text = format!(
            " ! {} {}",
            words::status(model.session.status),
            sanitize::line(&model.session.detail)
        );
        rows.push(Row::styled(text, theme.failure));
    }
    if model.layers.is_empty()
        && let Some(asked) = asked_for_the_input(model)
    {
        rows.push(asked);
    }
    if model.prompt.is_none()
        && let Some(waiting) = waiting(model).or_else(|| elsewhere(model))
    {
        rows.push(waiting);
    }
    rows.into_iter()
        .map(|row| row.cut(usize::from(width)))
        .collect()
}

/// The step of a guided tour, and how to go on.
fn tour(model: &Model, width: u16, rows: &mut Vec<Row>) {
    let Some(tour) = &model.tour else {
        return;
    };
    let Some((at, of, step)) = tour.told() else {
        return;
    };
    let theme = &model.theme;
    let mark = format!(" {at}/{of} ");
    let indent = " ".repeat(mark.len());
    let rest = Row::styled(indent.as_str(), theme.text).decorated();
    let frame = Frame {
        first: Row::styled(mark, theme.accent.patch(theme.strong)),
        ..Frame::plain(width).with(rest.clone())
    };
    wrap_text(&step.text, theme.strong, &frame, rows);
    if let Some(how) = tour.how() {
        let mut row = rest;
        row.push(how, theme.accent);
        rows.push(row);
    }
}

fn todos(model: &Model, rows: &mut Vec<Row>) {
    let theme = &model.theme;
    let todos = &model.session.todos;
    let open = todos
        .iter()
        .filter(|todo| todo.state != TodoState::Completed)
        .count();
    if open == 0 {
        return;
    }
    // What is being done is always among those shown.
    let first = todos
        .iter()
        .position(|todo| todo.state != TodoState::Completed)
        .unwrap_or(0);
    let from = first
        .saturating_sub(1)
        .min(todos.len().saturating_sub(SHOWN));
    for todo in todos.iter().skip(from).take(SHOWN) {
        let (mark, style) = match todo.state {
            TodoState::Completed => ("✓", theme.faint),
            TodoState::InProgress => ("▶", theme.accent),
            TodoState::Pending => ("·", theme.text),
        };
        let mut row = Row::styled(format!(" {mark} "), style);
        row.push(&sanitize::line(&todo.text), style);
        rows.push(row);
    }
    let hidden = todos.len().saturating_sub(from + SHOWN);
    if hidden > 0 {
        rows.push(Row::styled(format!("   … {hidden} more"), theme.faint));
    }
}

/// What the agent is doing, for how long, and how to stop it.
fn doing(model: &Model) -> Row {
    let theme = &model.theme;
    let session = &model.session;
    let at = usize::try_from(model.now.0 / TURN_US).unwrap_or(0) % SPINNER.len();
    let moving =
        model.focused && !model.taste.reduced_motion && session.status != Status::WaitingForUser;
    let sign = if moving {
        SPINNER.get(at).copied().unwrap_or("·")
    } else {
        "·"
    };
    let style = match session.status {
        Status::WaitingForUser | Status::RateLimited | Status::Retrying | Status::Stalled => {
            theme.needs_you
        }
        _ => theme.accent,
    };
    let mut row = Row::styled(format!(" {sign} "), style);
    let what = match session.status {
        Status::WaitingForUser if model.observes() => "waits for an answer",
        status => words::status(status),
    };
    row.push(what, style);
    if let Some(at) = session.retry_at {
        row.push(&format!(" in {} s", at.since(model.now).as_secs()), style);
    }
    if !session.detail.is_empty() {
        row.push(
            &format!(": {}", sanitize::line(&session.detail)),
            theme.faint,
        );
    }
    if let Some(since) = session.turn_since {
        let seconds = model.now.since(since).as_secs();
        if seconds > 0 {
            row.push(
                &format!(" · {}", words::duration_ms(seconds * 1000)),
                theme.faint,
            );
        }
    }
    row
}

/// Who asks for the input, when that is not open.
fn asked_for_the_input(model: &Model) -> Option<Row> {
    let theme = &model.theme;
    let asker = sanitize::line(&model.asker()?.label()).into_owned();
    let (_, until) = model.session.lock.requests.first()?;
    let left = until.since(model.now).as_secs();
    let mut row = Row::styled(
        format!(" ▲ in {left} s {asker} gets the input"),
        theme.needs_you,
    );
    let key = model.keymap.key(crate::keymap::Do::Answer);
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    row.push(&format!("  {key} answers"), theme.faint);
    Some(row)
}

/// What waits without being open.
fn waiting(model: &Model) -> Option<Row> {
    let theme = &model.theme;
    let session = &model.session;
    let what = match (model.permissions().next(), model.questions().next()) {
        (Some(request), _) => format!(
            "{} wants to use {}",
            session.agent,
            sanitize::line(&request.tool)
        ),
        (None, Some(question)) if question.plan.is_some() => {
            format!("{} has a plan for you", session.agent)
        }
        (None, Some(_)) => format!("{} asks you something", session.agent),
        (None, None) => return None,
    };
    let more = model.waiting() - 1;
    let mut row = Row::styled(format!(" ▲ {what}"), theme.needs_you);
    if more > 0 {
        row.push(&format!(" (and {more} more)"), theme.needs_you);
    }
    let does = if model.observes() {
        "shows it"
    } else {
        "answers"
    };
    let key = model.keymap.key(crate::keymap::Do::Answer);
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    row.push(&format!("  {key} {does}"), theme.faint);
    Some(row)
}

/// Another session waits.
fn elsewhere(model: &Model) -> Option<Row> {
    let mut waiting = model.waiting_elsewhere();
    let first = waiting.next()?;
    let theme = &model.theme;
    let title = sanitize::line(words::title(&first.title));
    let mut row = Row::styled(format!(" ▲ {title} waits for you"), theme.needs_you);
    let more = waiting.count();
    if more > 0 {
        row.push(&format!(" (and {more} more)"), theme.needs_you);
    }
    let key = model.keymap.key(crate::keymap::Do::Answer)?;
    row.push(&format!("  {key} goes there"), theme.faint);
    Some(row)
}
