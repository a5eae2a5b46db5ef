//! What waits for an answer, in the place of the input. When there is little room the text shrinks, never the title, the place
//! or the choices. Who only watches sees the same without choices.

mod question;

use betcode_core::event::{ClientInfo, PermissionRequest};
use ratatui::style::Style;

use crate::composer::Look;
use crate::keymap::{Do, Keymap};
use crate::model::Model;
use crate::prompt::{PermissionPrompt, Prompt};
use crate::text::highlight::Highlights;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};
use crate::theme::Theme;

use super::{Foot, words};

/// With fewer rows, the choices share some.
const ROOMY: u16 = 14;
/// A prompt takes at most this part of the screen when its text is long.
const MOST: u16 = 24;
/// With fewer rows for what is asked, no line is across.
const FEWEST: usize = 3;
/// Stands where there is no room for all choices.
const NOT_ALL: &str = "   … more choices in a higher window";

pub(super) fn draw(model: &Model, width: u16, room: u16, highlights: &mut dyn Highlights) -> Foot {
    let none = || Foot {
        rows: Vec::new(),
        cursor: None,
    };
    match &model.prompt {
        Some(Prompt::Permission(prompt)) => {
            let request = model
                .session
                .permissions
                .iter()
                .find(|request| request.id == prompt.id);
            request.map_or_else(none, |request| {
                permission(model, prompt, request, width, room, highlights)
            })
        }
        Some(Prompt::Question(prompt)) => {
            let question = model
                .session
                .questions
                .iter()
                .find(|question| question.id == prompt.id);
            question.map_or_else(none, |question| {
                question::question(model, prompt, question, width, room, highlights)
            })
        }
        None => none(),
    }
}

/// Everything around a text that may have to shrink.
struct Parts {
    head: Vec<Row>,
    text: Vec<Row>,
    scroll: usize,
    /// The keys that scroll the text.
    keys: String,
    foot: Vec<Row>,
}

/// Which keys scroll, as it stands behind how much there is to be scrolled.
fn scrolled_by(keymap: &Keymap, down: Do, up: Do) -> String {
    match (keymap.key(down), keymap.key(up)) {
        (Some(down), Some(up)) => format!(" ({down}, {up})"),
        _ => String::new(),
    }
}

/// Puts the parts together in the room there is. Says how many rows are above the foot.
fn fitted(parts: Parts, theme: &Theme, room: u16) -> (Vec<Row>, usize) {
    let Parts {
        mut head,
        mut text,
        scroll,
        keys,
        mut foot,
    } = parts;
    let room = usize::from(room.min(MOST.max(room / 2)));
    // What is asked has a row at least, and so has the title: the line across goes first, then what stands below the title.
    let wanted = foot.len() + usize::from(!text.is_empty());
    if head.len() > 1 && head.len() + foot.len() + text.len().min(FEWEST) > room {
        head.remove(0);
        head.truncate(room.saturating_sub(wanted).max(1));
    }
    let most = room.saturating_sub(head.len() + usize::from(!text.is_empty()));
    if foot.len() > most.max(1) {
        foot.truncate(most.max(1));
        if let Some(last) = foot.last_mut() {
            *last = Row::styled(NOT_ALL, theme.needs_you);
        }
    }
    let left = room.saturating_sub(head.len() + foot.len());
    if text.len() > left {
        // A single row is for the text itself.
        let shown = if left == 1 { 1 } else { left.saturating_sub(1) };
        let from = scroll.min(text.len().saturating_sub(shown));
        let below = text.len() - from - shown.min(text.len() - from);
        text = text.into_iter().skip(from).take(shown).collect();
        if left > 1 {
            let below = words::counted(below, "row");
            let remark = format!("    … {from} above, {below} below{keys}");
            text.push(Row::styled(remark, theme.faint));
        }
    }
    let mut rows = head;
    rows.append(&mut text);
    let above = rows.len();
    rows.extend(foot);
    (rows, above)
}

fn permission(
    model: &Model,
    prompt: &PermissionPrompt,
    request: &PermissionRequest,
    width: u16,
    room: u16,
    highlights: &mut dyn Highlights,
) -> Foot {
    let theme = &model.theme;
    let columns = usize::from(width);
    let mut head = vec![rule(theme, width)];
    let tool = betcode_core::visible::visible(&request.tool).into_owned();
    let mut title = Row::styled(format!(" ▲ {tool}"), theme.needs_you);
    title.extend(&place_in_line(model));
    let mut place = where_it_runs(model);
    if let Some(expires) = request.expires_at {
        let left = expires.since(model.now).as_secs();
        if left < 3600 {
            place.extend(["  · denied in ", &words::duration_ms(left * 1000)]);
        }
    }
    let place = Row::styled(format!("  {place}"), theme.faint);
    if title.width() + place.width() <= columns {
        title.extend(&place);
        head.push(title);
    } else {
        head.push(title.cut(columns));
        let mut below = Row::styled(" ", theme.faint);
        below.extend(&place);
        head.push(below.cut(columns));
    }
    if model.session.cut.contains(&request.id) {
        // What is not seen here can be seen there, before it is answered.
        let id = words::short(&request.id.0);
        let text = format!("   only the beginning is shown: betcode permission show {id}");
        head.push(Row::styled(text, theme.needs_you).cut(columns));
    }
    if !request.note.is_empty() {
        let mut rows = Vec::new();
        let frame = Frame::plain(width).with(Row::styled("   ", theme.faint).decorated());
        wrap_text(
            &sanitize::plain(&request.note),
            theme.needs_you,
            &frame,
            &mut rows,
        );
        head.append(&mut shortened(rows, 2, theme, width));
    }
    let text = super::asked::rows(
        request,
        prompt.diff.as_ref(),
        theme,
        width,
        prompt.side_by_side,
        highlights,
    );
    if let Some(message) = &prompt.message {
        return with_words(
            message,
            "say why, then enter; esc goes back",
            Parts {
                head,
                text,
                scroll: prompt.scroll,
                keys: String::new(),
                foot: Vec::new(),
            },
            theme,
            room,
        );
    }
    let mut foot = if model.observes() {
        closed_to(model, width)
    } else {
        permission_choices(model, request, width, room)
    };
    if !model.observes() && model.is_deaf(prompt.listens) {
        foot = not_yet(&foot, theme);
    }
    let parts = Parts {
        head,
        text,
        scroll: prompt.scroll,
        keys: scrolled_by(&model.keymap, Do::ScrollDown, Do::ScrollUp),
        foot,
    };
    let (rows, _) = fitted(parts, theme, room);
    Foot { rows, cursor: None }
}

fn where_it_runs(model: &Model) -> String {
    format!(
        "{} · in {}",
        sanitize::line(&model.session.agent),
        sanitize::line(&model.session.cwd)
    )
}

/// The choices, each with its letter and what it covers; on two rows where there is little room.
fn permission_choices(
    model: &Model,
    request: &PermissionRequest,
    width: u16,
    room: u16,
) -> Vec<Row> {
    let theme = &model.theme;
    let rules = request
        .suggested_rules
        .iter()
        .map(|rule| betcode_core::visible::visible(rule).into_owned());
    let rules: Vec<_> = rules.collect();
    let rules = rules.join(", ");
    let keymap = &model.keymap;
    if room < ROOMY {
        return few_choices(keymap, &rules, theme, width);
    }
    let mut rows = choice(keymap, Do::AllowOnce, "yes, once", theme, width);
    if !rules.is_empty() {
        rows.extend(choice(
            keymap,
            Do::AllowSession,
            &format!("yes, {rules} for this session"),
            theme,
            width,
        ));
        rows.extend(choice(
            keymap,
            Do::AllowAlways,
            &format!("yes, {rules} always (this project)"),
            theme,
            width,
        ));
    }
    rows.extend(choice(keymap, Do::Deny, "no", theme, width));
    // Nothing goes on by itself then.
    let stop = if model.session.queue.is_empty() {
        "no, and stop"
    } else {
        "no, and stop: what waits comes back"
    };
    let others = [
        (Do::DenyWithMessage, "no, and say why"),
        (Do::DenyAndStop, stop),
        (Do::EditInput, "change it"),
    ];
    rows.extend(packed(
        keymap,
        &others,
        (theme.faint, theme.faint),
        theme,
        width,
    ));
    rows
}

/// The choices where they share rows: all of them, and what a rule would cover as far as two rows say it.
fn few_choices(keymap: &Keymap, rules: &str, theme: &Theme, width: u16) -> Vec<Row> {
    let styles = (theme.accent.patch(theme.strong), theme.text);
    let packed = |choices: &[(Do, &str)]| packed(keymap, choices, styles, theme, width);
    let mut rows = packed(&[
        (Do::AllowOnce, "yes, once"),
        (Do::Deny, "no"),
        (Do::DenyAndStop, "no, and stop"),
    ]);
    let others = [
        (Do::DenyWithMessage, "no, say why"),
        (Do::EditInput, "change it"),
    ];
    if rules.is_empty() {
        rows.extend(packed(&others));
        return rows;
    }
    let by_rule = [(Do::AllowSession, "session"), (Do::AllowAlways, "always")];
    let mut row = packed(&by_rule);
    let covered = Row::styled(format!("  {rules}"), theme.text);
    if let [row] = row.as_mut_slice()
        && row.width() + covered.width() <= usize::from(width)
    {
        row.extend(&covered);
        rows.push(row.clone());
        rows.extend(packed(&others));
        return rows;
    }
    let [session, always] = by_rule;
    rows.extend(packed(&[
        session,
        always,
        (Do::DenyWithMessage, "why"),
        (Do::EditInput, "edit"),
    ]));
    let indent = Row::styled("     ", theme.text).decorated();
    let mut covered = Vec::new();
    let frame = Frame::plain(width).with(indent);
    wrap_text(rules, theme.text, &frame, &mut covered);
    rows.extend(shortened(covered, 2, theme, width));
    rows
}

/// Choices with their keys, as many to a row as have room; none is torn apart.
pub(in crate::view) fn packed(
    keymap: &Keymap,
    choices: &[(Do, &str)],
    (of_key, of_text): (Style, Style),
    theme: &Theme,
    width: u16,
) -> Vec<Row> {
    let width = usize::from(width);
    let mut rows: Vec<Row> = Vec::new();
    for (action, what) in choices {
        let Some(key) = keymap.key(*action) else {
            continue;
        };
        let mut choice = Row::styled(format!("  {key} "), of_key);
        choice.push(what, of_text);
        match rows.last_mut() {
            Some(row) if row.width() + choice.width() <= width => row.extend(&choice),
            _ => {
                let mut row = Row::styled(" ", theme.text);
                row.extend(&choice);
                rows.push(row.cut(width));
            }
        }
    }
    rows
}

/// At most so many rows; the last one says that there is more.
pub(in crate::view) fn shortened(
    mut rows: Vec<Row>,
    most: usize,
    theme: &Theme,
    width: u16,
) -> Vec<Row> {
    if rows.len() > most {
        rows.truncate(most);
        if let Some(last) = rows.last_mut() {
            *last = last.cut(usize::from(width).saturating_sub(1));
            last.push("…", theme.text);
        }
    }
    rows
}

/// Which of those that wait this is: the first, and how many there are.
fn place_in_line(model: &Model) -> Row {
    match model.waiting() {
        0 | 1 => Row::default(),
        count => Row::styled(format!("  1 of {count} that wait"), model.theme.needs_you),
    }
}

/// For whoever watches: who answers, and how to become that.
fn closed_to(model: &Model, width: u16) -> Vec<Row> {
    let theme = &model.theme;
    let holder = model.session.lock.holder.as_ref();
    let holder = holder.map(ClientInfo::label);
    let holder = holder.unwrap_or_default();
    let text = format!("{} has the input, and answers", sanitize::line(&holder));
    let frame = Frame::plain(width).with(Row::styled("   ", theme.text).decorated());
    let mut rows = Vec::new();
    wrap_text(&text, theme.faint, &frame, &mut rows);
    shortened(rows, 2, theme, width)
}

/// A choice with its letter; what it covers is never cut off.
fn choice(keymap: &Keymap, action: Do, what: &str, theme: &Theme, width: u16) -> Vec<Row> {
    let key = keymap
        .key(action)
        .map(|key| key.to_string())
        .unwrap_or_default();
    let first = Row::styled(format!("   {key} "), theme.accent.patch(theme.strong)).decorated();
    let indent = Row::styled(" ".repeat(first.width()), theme.text).decorated();
    let mut frame = Frame::plain(width).with(indent);
    frame.first = first;
    let mut rows = Vec::new();
    wrap_text(what, theme.text, &frame, &mut rows);
    shortened(rows, 3, theme, width)
}

fn rule(theme: &Theme, width: u16) -> Row {
    Row::styled("─".repeat(usize::from(width)), theme.needs_you)
}

/// A prompt in which something is being written.
fn with_words(
    words: &crate::composer::Composer,
    placeholder: &str,
    parts: Parts,
    theme: &Theme,
    room: u16,
) -> Foot {
    let drawn = words.rows(
        Look {
            height: 4,
            sign: ">",
            placeholder,
        },
        theme,
    );
    let parts = Parts {
        foot: drawn.rows,
        ..parts
    };
    let (rows, above) = fitted(parts, theme, room);
    let above = u16::try_from(above).unwrap_or(u16::MAX);
    Foot {
        rows,
        cursor: Some((drawn.cursor.0, drawn.cursor.1.saturating_add(above))),
    }
}

/// Choices of a prompt that takes no answer yet.
pub(in crate::view) fn not_yet(choices: &[Row], theme: &Theme) -> Vec<Row> {
    let row = |row: &Row| Row::styled(row.text(), theme.deaf);
    choices.iter().map(row).collect()
}
