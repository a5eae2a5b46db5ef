//! The line at the bottom: a remark while there is one, otherwise the keys that work right now.

use crate::keymap::Do;
use crate::layers::{Layer, What};
use crate::model::{Focus, Link, Model};
use crate::text::row::Row;
use crate::text::sanitize;

/// The line.
pub(super) fn row(model: &Model, width: u16) -> Row {
    let theme = &model.theme;
    let width = usize::from(width);
    let mode = mode(model);
    if let Some((remark, _)) = &model.remark {
        let mut row = mode;
        row.push(" ", theme.text);
        row.push(&sanitize::line(remark), theme.text);
        return row.cut(width);
    }
    if let Some(trouble) = &model.trouble {
        let mut row = Row::styled(" ", theme.text);
        row.push(&sanitize::line(trouble), theme.failure);
        return row.cut(width);
    }
    if let Link::Ended(why) | Link::Reconnecting { cause: why, .. } = &model.link {
        let mut row = Row::styled(" ", theme.text);
        row.push(&sanitize::line(why), theme.needs_you);
        return row.cut(width);
    }
    let mut row = mode;
    if let (Some(seek), true) = (&model.seek, model.layers.is_empty()) {
        let remark = seek.remark(model.look.chosen, model.head);
        row.push(&sanitize::line(&remark), theme.chosen);
    }
    // Escape leaves insert first.
    let inserts = model.composer.vim().is_some() && model.composer.writes();
    let useless = |action: Do| match action {
        Do::Focus => model.inline.is_some(),
        Do::Back => inserts && model.focus == Focus::Input && model.session.is_working(),
        _ => false,
    };
    for (action, what) in wanted(model) {
        if useless(*action) {
            continue;
        }
        let Some(key) = model.keymap.key(*action) else {
            continue;
        };
        let hint = format!(" {key} {what} ");
        if row.width() + Row::styled(hint.as_str(), theme.faint).width() > width {
            break;
        }
        row.push(&format!(" {key} "), theme.text);
        row.push(&format!("{what} "), theme.faint);
    }
    row
}

/// What keys mean in the input, where they are vim's.
fn mode(model: &Model) -> Row {
    let mut row = Row::default();
    let is_input = model.focus == Focus::Input && model.prompt.is_none() && model.layers.is_empty();
    if let Some((mode, keys)) = model.composer.vim().filter(|_| is_input) {
        row.push(&format!(" {}", mode.name()), model.theme.strong);
        if !keys.is_empty() {
            row.push(&format!(" {}", sanitize::line(keys)), model.theme.accent);
        }
        row.push(" ·", model.theme.faint);
    }
    row
}

/// What is worth a hint now.
fn wanted(model: &Model) -> &'static [(Do, &'static str)] {
    match model.layers.last() {
        Some(Layer::Help { .. }) => return &[(Do::ListDown, "scrolls"), (Do::Back, "closes")],
        Some(Layer::Lock { .. }) => return &[(Do::Back, "later")],
        Some(Layer::Pick(pick)) if pick.what == What::Sessions => {
            return &[
                (Do::Choose, "opens it"),
                (Do::ListDown, "next"),
                (Do::ListUp, "previous"),
                (Do::Back, "closes"),
                (Do::Everywhere, "this directory or all"),
            ];
        }
        Some(Layer::Pick(pick)) if pick.what == What::Queue => {
            return &[
                (Do::Choose, "take"),
                (Do::LetGo, "let it go"),
                (Do::ListDown, "down"),
                (Do::Back, "close"),
            ];
        }
        Some(Layer::Pick(_) | Layer::Search(_)) => {
            return &[
                (Do::Choose, "takes it"),
                (Do::ListDown, "next"),
                (Do::ListUp, "previous"),
                (Do::Back, "closes"),
            ];
        }
        None => {}
    }
    if model.prompt.is_some() {
        // The choices stand in the prompt.
        return &[
            (Do::Back, "later"),
            (Do::Interrupt, "interrupt"),
            (Do::Help, "all keys"),
        ];
    }
    match model.focus {
        Focus::Conversation if model.seek.is_some() => &[
            (Do::SearchNext, "next place"),
            (Do::SearchPrevious, "place before"),
            (Do::Search, "other words"),
            (Do::Toggle, "unfold"),
            (Do::Last, "end"),
            (Do::Back, "to the input"),
        ],
        Focus::Conversation => &[
            (Do::Next, "down"),
            (Do::Previous, "up"),
            (Do::Toggle, "unfold"),
            (Do::Search, "search"),
            (Do::Copy, "copy"),
            (Do::Last, "end"),
            (Do::Back, "to the input"),
        ],
        Focus::Input if model.observes() => &[
            (Do::AskForLock, "ask for the input"),
            (Do::Focus, "scroll"),
            (Do::Sessions, "sessions"),
            (Do::Leave, "leave"),
        ],
        Focus::Input if model.waiting() > 0 => &[
            (Do::Answer, "look at what waits for you"),
            (Do::Send, "send"),
            (Do::Focus, "scroll"),
            (Do::Help, "all keys"),
        ],
        Focus::Input if model.session.is_working() => &[
            (Do::Back, "interrupt"),
            (Do::Send, "send after this turn"),
            (Do::Focus, "scroll"),
            (Do::Help, "all keys"),
        ],
        Focus::Input => &[
            (Do::Send, "send"),
            (Do::Newline, "new line"),
            (Do::Focus, "scroll"),
            (Do::Palette, "everything"),
            (Do::Sessions, "sessions"),
            (Do::Help, "all keys"),
        ],
    }
}
