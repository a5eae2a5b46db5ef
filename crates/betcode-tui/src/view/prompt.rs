//! What waits for an answer, in the place of the input. When there is little room the text shrinks, never the title, the place
//! or the choices.

use betcode_core::event::{PermissionRequest, Question, QuestionItem};

use crate::composer::Look;
use crate::keymap::{Do, Keymap};
use crate::model::Model;
use crate::prompt::{PermissionPrompt, Prompt, QuestionPrompt};
use crate::text::highlight::Highlights;
use crate::text::markdown::Markdown;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};
use crate::theme::Theme;

use super::{Foot, words};

/// With fewer rows, the choices share some.
const ROOMY: u16 = 14;
/// A prompt takes at most this part of the screen when its text is long.
const MOST: u16 = 24;

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
                self::question(model, prompt, question, width, room, highlights)
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
        head,
        mut text,
        scroll,
        keys,
        foot,
    } = parts;
    let room = usize::from(room.min(MOST.max(room / 2)));
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
        rows.truncate(2);
        head.append(&mut rows);
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
    let mut foot = permission_choices(model, request, width, room);
    if model.is_deaf(prompt.listens) {
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
    let key = |action| {
        keymap
            .key(action)
            .map(|key| key.to_string())
            .unwrap_or_default()
    };
    let line = |choices: &[(Do, &str)]| {
        let mut row = Row::styled("  ", theme.text);
        for (action, what) in choices {
            row.push(
                &format!(" {} ", key(*action)),
                theme.accent.patch(theme.strong),
            );
            row.push(&format!("{what} "), theme.text);
        }
        row.cut(usize::from(width))
    };
    if room < ROOMY {
        let mut rows = vec![line(&[
            (Do::AllowOnce, "yes, once"),
            (Do::Deny, "no"),
            (Do::DenyAndStop, "no, and stop"),
        ])];
        if !rules.is_empty() {
            let mut others = line(&[(Do::AllowSession, "session"), (Do::AllowAlways, "always")]);
            let covered = Row::styled(rules.as_str(), theme.text);
            if others.width() + covered.width() <= usize::from(width) {
                others.extend(&covered);
                rows.push(others);
            } else {
                rows.push(others);
                let indent = Row::styled("     ", theme.text).decorated();
                let mut more = Vec::new();
                wrap_text(
                    &rules,
                    theme.text,
                    &Frame::plain(width).with(indent),
                    &mut more,
                );
                more.truncate(2);
                rows.append(&mut more);
            }
        }
        return rows;
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
    let mut others = Row::styled(" ", theme.faint);
    // Nothing goes on by itself then.
    let stop = if model.session.queue.is_empty() {
        "no, and stop"
    } else {
        "no, and stop: what waits comes back"
    };
    for (action, what) in [
        (Do::DenyWithMessage, "no, and say why"),
        (Do::DenyAndStop, stop),
        (Do::EditInput, "change it"),
    ] {
        others.push(&format!("  {} {what}", key(action)), theme.faint);
    }
    rows.push(others.cut(usize::from(width)));
    rows
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
    rows.truncate(3);
    rows
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

fn question(
    model: &Model,
    prompt: &QuestionPrompt,
    question: &Question,
    width: u16,
    room: u16,
    highlights: &mut dyn Highlights,
) -> Foot {
    let theme = &model.theme;
    let (title, text, mut foot) = if let Some(plan) = &question.plan {
        plan_to_approve(model, plan, width, highlights)
    } else if let Some(item) = question.items.get(prompt.item) {
        one_question(model, prompt, question.items.len(), item, width)
    } else {
        answers(model, prompt, question, width)
    };
    let title = Row::styled(format!(" ▲ {title}"), theme.needs_you);
    let head = vec![rule(theme, width), title.cut(usize::from(width))];
    if let Some(own) = &prompt.words {
        let hint = "in your own words, then enter; esc goes back";
        let parts = Parts {
            head,
            text,
            scroll: prompt.scroll,
            keys: String::new(),
            foot: Vec::new(),
        };
        return with_words(own, hint, parts, theme, room);
    }
    if model.is_deaf(prompt.listens) {
        foot = not_yet(&foot, theme);
    }
    let parts = Parts {
        head,
        text,
        scroll: prompt.scroll,
        keys: scrolled_by(&model.keymap, Do::PlanDown, Do::PlanUp),
        foot,
    };
    let (rows, _) = fitted(parts, theme, room);
    Foot { rows, cursor: None }
}

/// Choices of a prompt that takes no answer yet.
pub(super) fn not_yet(choices: &[Row], theme: &Theme) -> Vec<Row> {
    let row = |row: &Row| Row::styled(row.text(), theme.deaf);
    choices.iter().map(row).collect()
}

/// A title, a text, and what can be done.
type Shown = (String, Vec<Row>, Vec<Row>);

fn plan_to_approve(
    model: &Model,
    plan: &str,
    width: u16,
    highlights: &mut dyn Highlights,
) -> Shown {
    let theme = &model.theme;
    let mut plan = Markdown::whole(plan);
    plan.layout(width.saturating_sub(2), theme, highlights);
    let indented = |row: &Row| {
        let mut indented = Row::styled("  ", theme.text).decorated();
        indented.extend(row);
        indented
    };
    let choices = [
        (Do::Approve, "yes, go on"),
        (Do::Decline, "no, keep planning"),
        (Do::OwnWords, "no, and say what to change"),
    ];
    let choice = |(action, what)| choice(&model.keymap, action, what, theme, width);
    let choices = choices.into_iter().flat_map(choice).collect();
    (
        "a plan to approve".to_owned(),
        plan.rows(0).map(indented).collect(),
        choices,
    )
}

fn one_question(
    model: &Model,
    prompt: &QuestionPrompt,
    count: usize,
    item: &QuestionItem,
    width: u16,
) -> Shown {
    let theme = &model.theme;
    let heading = if item.header.is_empty() {
        "a question"
    } else {
        &item.header
    };
    let mut title = sanitize::line(heading).into_owned();
    if count > 1 {
        title.extend([" ", &(prompt.item + 1).to_string(), "/", &count.to_string()]);
    }
    let mut text = Vec::new();
    let frame = Frame::plain(width).with(Row::styled("   ", theme.text).decorated());
    wrap_text(
        &sanitize::plain(&item.question),
        theme.strong,
        &frame,
        &mut text,
    );
    (title, text, options(model, prompt, item, width))
}

/// All answers, before they are sent.
fn answers(model: &Model, prompt: &QuestionPrompt, question: &Question, width: u16) -> Shown {
    let theme = &model.theme;
    let mut text = Vec::new();
    for (item, chosen) in question.items.iter().zip(&prompt.chosen) {
        let options = chosen.options.iter().filter_map(|at| item.options.get(*at));
        let mut labels: Vec<_> = options.map(|option| option.label.as_str()).collect();
        if !chosen.text.is_empty() {
            labels.push(&chosen.text);
        }
        let line = format!(
            "{}: {}",
            words::first_line(&item.question),
            labels.join(", ")
        );
        let frame = Frame::plain(width).with(Row::styled("   ", theme.text).decorated());
        wrap_text(&sanitize::plain(&line), theme.text, &frame, &mut text);
    }
    let choices = [
        (Do::Confirm, "send these answers"),
        (Do::Decline, "answer nothing"),
    ];
    let choice = |(action, what)| choice(&model.keymap, action, what, theme, width);
    let choices = choices.into_iter().flat_map(choice).collect();
    ("your answers".to_owned(), text, choices)
}

fn options(model: &Model, prompt: &QuestionPrompt, item: &QuestionItem, width: u16) -> Vec<Row> {
    let theme = &model.theme;
    let chosen = prompt.chosen.get(prompt.item);
    let mut rows = Vec::new();
    for (at, option) in item.options.iter().enumerate() {
        let here = at == prompt.cursor;
        let is_chosen = chosen.is_some_and(|chosen| chosen.options.contains(&at));
        let box_ = match (item.multi_select, is_chosen) {
            (true, true) => "[x] ",
            (true, false) => "[ ] ",
            (false, _) => "",
        };
        let mut row = Row::styled(if here { " ❯ " } else { "   " }, theme.accent);
        row.push(&format!("{} ", at + 1), theme.accent.patch(theme.strong));
        row.push(
            &format!("{box_}{}", sanitize::line(&option.label)),
            if here { theme.strong } else { theme.text },
        );
        if !option.description.is_empty() {
            row.push(
                &format!("  {}", sanitize::line(&option.description)),
                theme.faint,
            );
        }
        rows.push(row.cut(usize::from(width)));
    }
    let mark: &[(Do, &str)] = &[(Do::Mark, "mark")];
    let take = if item.multi_select {
        "take what is marked"
    } else {
        "take it"
    };
    let others = [
        (Do::Confirm, take),
        (Do::OwnWords, "own words"),
        (Do::Decline, "decline"),
    ];
    let marks = mark.iter().filter(|_| item.multi_select);
    let hints = marks.chain(&others).filter_map(|(action, what)| {
        let key = model.keymap.key(*action)?;
        // A hint is not torn apart.
        Some(format!("{key} {what}").replace(' ', "\u{a0}"))
    });
    let hints: Vec<_> = hints.collect();
    let indent = Row::styled("   ", theme.faint).decorated();
    let mut keys = Vec::new();
    let frame = Frame::plain(width).with(indent);
    wrap_text(&hints.join("  "), theme.faint, &frame, &mut keys);
    rows.append(&mut keys);
    rows
}
