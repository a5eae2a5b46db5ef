//! A question or a plan in the place of the input. What stands around its text is [`super`]'s.

use betcode_core::event::{Question, QuestionItem};

use crate::keymap::Do;
use crate::model::Model;
use crate::prompt::QuestionPrompt;
use crate::text::highlight::Highlights;
use crate::text::markdown::Markdown;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};

use super::super::{Foot, words};
use super::{
    Parts, choice, closed_to, fitted, not_yet, place_in_line, rule, scrolled_by, with_words,
};

pub(super) fn question(
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
    let mut title = Row::styled(format!(" ▲ {title}"), theme.needs_you);
    title.extend(&place_in_line(model));
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
    if model.observes() {
        foot.extend(closed_to(model, width));
    } else if model.is_deaf(prompt.listens) {
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
    let choices = choices.into_iter().filter(|_| !model.observes());
    let choices = choices.flat_map(choice).collect();
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
    let choices = choices.into_iter().filter(|_| !model.observes());
    let choices = choices.flat_map(choice).collect();
    ("your answers".to_owned(), text, choices)
}

fn options(model: &Model, prompt: &QuestionPrompt, item: &QuestionItem, width: u16) -> Vec<Row> {
    let theme = &model.theme;
    let chosen = prompt.chosen.get(prompt.item);
    let mut rows = Vec::new();
    for (at, option) in item.options.iter().enumerate() {
        let here = at == prompt.cursor && !model.observes();
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
    if model.observes() {
        return rows;
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
