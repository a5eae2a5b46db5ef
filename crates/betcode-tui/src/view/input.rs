//! What is being written, with the list for it above.

use crate::composer::{Look, Mode};
use crate::model::{Focus, Model};
use crate::text::row::Row;
use crate::text::sanitize;

use super::Foot;

/// So many items of a list are shown.
const ITEMS: usize = 8;
/// Rows of so many columns are wrapped in no terminal that somebody works in.
pub(crate) const STEADY: usize = 20;

pub(super) fn draw(model: &Model, width: u16, room: u16) -> Foot {
    let theme = &model.theme;
    let mut rows = Vec::new();
    if let Some(popup) = &model.popup {
        let items = popup
            .list
            .window(ITEMS.min(usize::from(room.saturating_sub(3))));
        rows.extend(
            items
                .iter()
                .map(|item| super::layers::item(item, theme, width)),
        );
    }
    let line = if model.focus == Focus::Input {
        theme.accent
    } else {
        theme.faint
    };
    // Inline it is short: a terminal that becomes narrower does not wrap it.
    let rule = match model.inline {
        Some(_) => usize::from(width).min(STEADY),
        None => width.into(),
    };
    rows.push(Row::styled("─".repeat(rule), line));
    if model.observes() {
        // What is written stays until it can be sent, and then the key that sends asks.
        let asks = if model.composer.is_empty() {
            crate::keymap::Do::AskForLock
        } else {
            crate::keymap::Do::Send
        };
        let key = model.keymap.key(asks).map(|key| key.to_string());
        let mut row = Row::styled("  watching · ", theme.needs_you);
        let what = if model.has_asked() {
            "asked for the input: it comes unless whoever has it keeps it".to_owned()
        } else {
            format!("{} asks for the input", key.unwrap_or_default())
        };
        row.push(&what, theme.needs_you);
        rows.push(row.cut(usize::from(width)));
        if model.composer.is_empty() {
            return Foot { rows, cursor: None };
        }
    }
    let height = room
        .saturating_sub(u16::try_from(rows.len()).unwrap_or(u16::MAX))
        .max(1);
    let agent = sanitize::line(match model.session.agent.as_str() {
        "" => "the agent",
        agent => agent,
    });
    let placeholder = if model.session.is_working() {
        "write the next message: it waits for the turn to end".to_owned()
    } else {
        format!("say something to {agent}   (/ commands, @ files, ! shell)")
    };
    let drawn = model.composer.rows(
        Look {
            height,
            sign: sign(model),
            placeholder: &placeholder,
        },
        theme,
    );
    let above = u16::try_from(rows.len()).unwrap_or(0);
    let cursor = (model.focus == Focus::Input).then_some((drawn.cursor.0, drawn.cursor.1 + above));
    rows.extend(drawn.rows);
    Foot { rows, cursor }
}

/// Before the text: whether it goes to the shell, and what keys mean.
fn sign(model: &Model) -> &'static str {
    match model.composer.vim() {
        Some((Mode::Normal, _)) => "<",
        Some((Mode::Visual, _)) => "v",
        _ if model.composer.text().starts_with('!') => "!",
        _ => ">",
    }
}
