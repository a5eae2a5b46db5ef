//! The line at the bottom: the keys that work right now. A remark stands before them for a while; a long one has rows of its
//! own, for a remark hides neither the first keys nor a part of itself.

use crate::keymap::Do;
use crate::layers::{Layer, What};
use crate::model::{Focus, Link, Model};
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};

/// So many rows a remark may have, where there is room for as many, and so many keys stand behind it.
const REMARK_ROWS: usize = 3;
const FIRST_KEYS: usize = 2;

/// The line, and above it the rows of a remark that is too long for it.
pub(super) fn rows(model: &Model, width: u16) -> Vec<Row> {
    let keys = row(model, width);
    let Some((remark, _)) = &model.remark else {
        return vec![keys];
    };
    let theme = &model.theme;
    let columns = usize::from(width);
    let mut rows = Vec::new();
    let indent = Row::styled(" ", theme.text).decorated();
    let frame = Frame::plain(width).with(indent);
    wrap_text(&sanitize::line(remark), theme.text, &frame, &mut rows);
    let most = usize::from(model.height / 6).clamp(1, REMARK_ROWS);
    if rows.len() > most {
        rows.truncate(most);
        if let Some(last) = rows.last_mut() {
            *last = last.cut(columns.saturating_sub(1));
            last.push("…", theme.text);
        }
    }
    let [first] = rows.as_slice() else {
        rows.push(keys);
        return rows;
    };
    // Together with the keys, if the first of those have room.
    let mut line = mode(model);
    line.extend(first);
    line.push(" ·", theme.faint);
    let shown = hints(model, &mut line, columns);
    if shown < FIRST_KEYS.min(wanted(model).len()) {
        rows.push(keys);
        return rows;
    }
    vec![line]
}

/// The line without a remark.
fn row(model: &Model, width: u16) -> Row {
    let theme = &model.theme;
    let width = usize::from(width);
    let mode = mode(model);
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
    hints(model, &mut row, width);
    row
}

/// Adds as many keys as there is room for; says how many.
fn hints(model: &Model, row: &mut Row, width: usize) -> usize {
    let theme = &model.theme;
    // Escape leaves insert first.
    let inserts = model.composer.vim().is_some() && model.composer.writes();
    let useless = |action: Do| match action {
        Do::Focus => model.inline.is_some(),
        Do::Back => inserts && model.focus == Focus::Input && model.session.is_working(),
        _ => false,
    };
    let mut shown = 0;
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
        shown += 1;
    }
    shown
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
    if let Some(layer) = model.layers.last() {
        return of_layer(layer);
    }
    if model.prompt.is_some() && model.observes() {
        return &[
            (Do::Back, "close"),
            (Do::AskForLock, "ask for the input"),
            (Do::Help, "all keys"),
        ];
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
        // What is written is not sent as long as one watches.
        Focus::Input if model.observes() && !model.composer.is_empty() => &[
            (Do::Send, "ask for the input"),
            (Do::Interrupt, "clear"),
            (Do::Focus, "scroll"),
        ],
        Focus::Input if model.observes() && model.waiting() > 0 => &[
            (Do::Answer, "look at what is asked"),
            (Do::AskForLock, "ask for the input"),
            (Do::Focus, "scroll"),
            (Do::Leave, "leave"),
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

/// What is worth a hint while something is open.
fn of_layer(layer: &Layer) -> &'static [(Do, &'static str)] {
    match layer {
        Layer::Help { .. } => &[(Do::ListDown, "scrolls"), (Do::Back, "closes")],
        Layer::Usage { .. } => &[
            (Do::UsageRefresh, "asks anew"),
            (Do::UsageDown, "scrolls"),
            (Do::CopyLogin, "copies the login"),
            (Do::Back, "closes"),
        ],
        Layer::Notices(_) => &[
            (Do::OpenNotice, "opens"),
            (Do::DismissNotice, "takes it away"),
            (Do::NoticeDown, "next"),
            (Do::Back, "closes"),
            (Do::Help, "all keys"),
        ],
        Layer::Lock { .. } => &[(Do::Back, "later")],
        Layer::Pick(pick) if pick.what == What::Sessions => &[
            (Do::Choose, "opens it"),
            (Do::ListDown, "next"),
            (Do::ListUp, "previous"),
            (Do::Back, "closes"),
            (Do::Everywhere, "this directory or all"),
        ],
        Layer::Pick(pick) if pick.what == What::Queue => &[
            (Do::Choose, "take"),
            (Do::LetGo, "let it go"),
            (Do::ListDown, "down"),
            (Do::Back, "close"),
        ],
        Layer::Pick(_) | Layer::Search(_) => &[
            (Do::Choose, "takes it"),
            (Do::ListDown, "next"),
            (Do::ListUp, "previous"),
            (Do::Back, "closes"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use crate::scene::screen;

    #[test]
    fn a_remark_hides_no_keys_and_is_told_whole() {
        let mut scene = screen(80, 24);
        scene.model.say("it waits: ctrl-y opens it again");
        let text = scene.text();
        let line = "it waits: ctrl-y opens it again · enter send  shift-enter new line";
        assert!(text.contains(line), "{text}");

        let long = "a remark of many words ".repeat(6);
        scene.model.say(long.as_str());
        let text = scene.text();
        let rows: Vec<&str> = text.lines().rev().skip(1).take(3).collect();
        assert!(rows[0].contains("enter send"), "{text}");
        let shown = format!("{} {}", rows[2].trim(), rows[1].trim());
        assert_eq!(shown, long.trim(), "{text}");

        scene.model.say("a remark that has no end ".repeat(60));
        let text = scene.text();
        assert_eq!(text.matches("no end").count(), 9, "{text}");
        assert!(text.contains('…') && text.contains("enter send"), "{text}");
        scene.wait(6_000);
        assert!(!scene.text().contains("a remark"));
    }
}
