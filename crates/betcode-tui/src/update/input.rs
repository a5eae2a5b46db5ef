//! What is being written: keys, completion, sending, the editor, the shell.

use std::sync::Arc;
use std::time::Duration;

use betcode_core::command::Action;
use betcode_core::event::TurnPolicy;

use crate::completion::{Item, List};
use crate::composer::{Action as Edit, Composer, Part, Trigger, file_reference};
use crate::key::Key;
use crate::keymap::Do;
use crate::model::{Model, Pending, Popup};
use crate::msg::{Effect, Image};
use crate::prompt::Prompt;

use super::{Work, commands, history, keys, layers, prompts, waiting};

/// What a key does to a text.
pub(super) const fn edit(what: Do) -> Option<Edit> {
    Some(match what {
        Do::Left => Edit::Left,
        Do::Right => Edit::Right,
        Do::Up => Edit::Up,
        Do::Down => Edit::Down,
        Do::WordLeft => Edit::WordLeft,
        Do::WordRight => Edit::WordRight,
        Do::LineStart => Edit::LineStart,
        Do::LineEnd => Edit::LineEnd,
        Do::Backspace => Edit::Backspace,
        Do::Delete => Edit::Delete,
        Do::CutWord => Edit::CutWordLeft,
        Do::CutWordRight => Edit::CutWordRight,
        Do::CutToStart => Edit::CutToLineStart,
        Do::CutToEnd => Edit::CutToLineEnd,
        Do::Yank => Edit::Yank,
        Do::Undo => Edit::Undo,
        Do::Redo => Edit::Redo,
        Do::Unfold => Edit::Unfold,
        Do::Newline => Edit::Newline,
        _ => return None,
    })
}

/// What a key means where something is written, whatever is open.
pub(super) fn key_of_input(model: &Model, key: Key) -> Option<Do> {
    model.keymap.get(crate::keymap::Place::Input, key)
}

/// A key in a text of its own, such as what a list is searched for. True when it meant something there.
pub(super) fn write(text: &mut Composer, what: Option<Do>, key: Key) -> bool {
    if let Some(edit) = what.and_then(edit) {
        return text.act(edit, &[]);
    }
    match key.text() {
        Some(c) => {
            text.type_in(c.encode_utf8(&mut [0; 4]));
            true
        }
        None => false,
    }
}

pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    if super::vim::key(model, work, key) {
        return true;
    }
    if model.popup.is_some() && popup(model, key) {
        return true;
    }
    match what {
        Some(Do::Send) => enter(model, work),
        Some(Do::LeaveEmpty) => {
            if model.composer.is_empty() {
                keys::leave(model, work);
            } else {
                model.composer.act(Edit::Delete, &[]);
            }
        }
        Some(Do::Editor) => {
            let text = text_of(&model.composer.parts());
            work.ask(Effect::Edit(text));
        }
        Some(Do::PasteImage) => work.ask(Effect::Image(Image::Clipboard)),
        Some(Do::History) => layers::history(model),
        Some(Do::Up) if waiting::take_back(model, work) => {}
        Some(what) => {
            let Some(edit) = edit(what) else {
                return false;
            };
            let prompts = match what {
                Do::Up | Do::Down => history::prompts(model),
                _ => Vec::new(),
            };
            let did = model.composer.act(edit, &prompts);
            if !did && what == Do::Unfold {
                model.say("there is no folded paste in the input");
            }
            if !did && what == Do::Down {
                return false;
            }
        }
        None => {
            let Some(c) = key.text() else {
                return false;
            };
            model.composer.type_in(c.encode_utf8(&mut [0; 4]));
        }
    }
    model.composer.rest();
    look_again(model);
    if matches!(model.composer.trigger(), Some(Trigger::File { .. })) && model.files.is_none() {
        model.files = Some(Vec::new());
        work.ask(Effect::Files);
    }
    true
}

/// Enter: a new line after a backslash or inside a burst, otherwise it is sent.
fn enter(model: &mut Model, work: &mut Work<'_, '_>) {
    let now = Duration::from_micros(u64::try_from(model.now.0).unwrap_or_default());
    if model.composer.continues() {
        return;
    }
    if !model.burst.enter_sends(now) {
        model.composer.act(Edit::Newline, &[]);
        return;
    }
    send(model, work);
}

/// The text with pastes at their places.
pub(super) fn text_of(parts: &[Part]) -> String {
    let text = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Attachment(_) => None,
    });
    text.collect()
}

/// Sends what is written.
pub(super) fn send(model: &mut Model, work: &mut Work<'_, '_>) {
    let parts = model.composer.parts();
    let text = text_of(&parts);
    let has_image = parts.iter().any(|part| matches!(part, Part::Attachment(_)));
    if text.trim().is_empty() && !has_image {
        // Enter with nothing written looks at what waits.
        prompts::go_on(model, work);
        return;
    }
    if let Some(command) = text.strip_prefix('!') {
        if command.trim().is_empty() {
            return;
        }
        model.composer.take();
        model.say(format!("running: {}", command.trim()));
        work.ask(Effect::Shell(command.trim().to_owned()));
        return;
    }
    if commands::run(model, work, &text) {
        return;
    }
    model.composer.take();
    message(model, work, parts);
}

/// Says something to the agent.
pub(super) fn message(model: &mut Model, work: &mut Work<'_, '_>, parts: Vec<Part>) {
    let (text, attachments) = model.images.message(&parts);
    if !model.exists {
        model.exists = true;
        work.ask(Effect::Create(model.session.id));
    }
    let key = work.send(Action::Message {
        text: text.clone(),
        attachments,
        policy: TurnPolicy::default(),
    });
    model.pending.push(Pending {
        key,
        parts,
        text,
        at: model.now,
        refused: None,
    });
    super::conversation::to_end(model);
    model.look.chosen = None;
}

/// A key that was meant for the input, and came when something else had opened.
pub(super) fn meant(model: &mut Model, work: &mut Work<'_, '_>, key: Key) {
    if super::vim::key(model, work, key) {
        return;
    }
    if let Some(c) = key.text() {
        model.composer.type_in(c.encode_utf8(&mut [0; 4]));
        look_again(model);
    }
}

/// What is written has changed: a list for it opens, changes, or closes.
pub(super) fn look_again(model: &mut Model) {
    let trigger = model.composer.trigger().filter(|_| model.composer.writes());
    let (range, query, files) = match trigger {
        Some(Trigger::Command { range, query }) => (range, query, false),
        Some(Trigger::File { range, query, .. }) => (range, query, true),
        _ => {
            model.popup = None;
            return;
        }
    };
    if let Some(popup) = model.popup.as_mut().filter(|popup| popup.files == files) {
        popup.range = range;
        popup.list.ask(&query);
        return;
    }
    let list = if files {
        let files = model.files.iter().flatten();
        List::of_paths(files.map(|file| Item::new(file.as_str())).collect())
    } else {
        List::new(commands::items(&model.session.commands))
    };
    let mut popup = Popup { files, range, list };
    popup.list.ask(&query);
    model.popup = Some(popup);
}

/// A key while a list for what is written is open.
fn popup(model: &mut Model, key: Key) -> bool {
    use crate::keymap::Place;
    let Some(popup) = &mut model.popup else {
        return false;
    };
    if popup.list.is_empty() {
        return false;
    }
    match model.keymap.get(Place::List, key) {
        Some(Do::ListDown) => popup.list.step(1),
        Some(Do::ListUp) => popup.list.step(-1),
        Some(Do::Choose) => {
            let Some(item) = popup.list.chosen() else {
                return false;
            };
            let label = Arc::clone(&item.label);
            let range = popup.range.clone();
            let whole = model.composer.text().get(range.clone()) == Some(&*label);
            let text = if popup.files {
                format!("{} ", file_reference(&label))
            } else {
                format!("{label} ")
            };
            let is_enter = key.code == crate::key::Code::Enter;
            // A command that stands there whole is sent, not completed.
            if whole && is_enter {
                model.popup = None;
                return false;
            }
            model.composer.complete(range, &text);
            model.popup = None;
            // A command that takes nothing more is sent with the same key.
            if is_enter && !text.starts_with('@') && commands::takes_nothing(&label) {
                return false;
            }
        }
        Some(Do::Back) => model.popup = None,
        _ => return false,
    }
    true
}

pub(super) fn files(model: &mut Model, files: Vec<String>) {
    if let Some(popup) = model.popup.as_mut().filter(|popup| popup.files) {
        popup
            .list
            .set_items(files.iter().map(|file| Item::new(file.as_str())).collect());
    }
    model.files = Some(files);
}

/// The editor was left.
pub(super) fn edited(model: &mut Model, work: &mut Work<'_, '_>, text: Result<String, String>) {
    let text = match text {
        Ok(text) => text,
        Err(problem) => return model.say(problem),
    };
    if let Some(Prompt::Permission(prompt)) = &model.prompt {
        let request = model
            .session
            .permissions
            .iter()
            .find(|request| request.id == prompt.id);
        if let Some(outcome) = request.map(|request| prompt.edited(&text, request)) {
            prompts::outcome(model, work, outcome);
        }
        return;
    }
    // An editor knows texts only.
    let mut parts = model.composer.parts();
    parts.retain(|part| matches!(part, Part::Attachment(_)));
    model.composer.set(text.trim_end_matches('\n'));
    model.composer.put_back(&parts);
    look_again(model);
}

/// A command of the shell has ended: what it printed becomes part of what is written.
pub(super) fn shell_ended(model: &mut Model, command: &str, output: &str) {
    model.composer.paste(&format!("$ {command}\n{output}\n"));
    if let Some(plain) = &mut model.plain {
        plain.adds = true;
        plain.told.kept = (model.composer.revision(), text_of(&model.composer.parts()));
        let mut lines = vec![format!("Output of {command}:")];
        lines.extend(output.lines().map(str::to_owned));
        lines.push("End of the output. It goes with your next message; /drop drops it.".to_owned());
        plain.wanted.push(crate::plain::Wanted::Text(lines));
        return;
    }
    model.say("the output is in the input: add what you want to say about it, and send");
}
