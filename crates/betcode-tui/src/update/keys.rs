//! Who gets a key: what is open over everything, then a prompt, then the input or the conversation.

use crate::key::Key;
use crate::keymap::{Do, Place};
use crate::layers::Layer;
use crate::model::{Armed, Focus, Model, REMARK};
use crate::msg::Effect;
use crate::prompt::Prompt;

use super::{
    Work, conversation, elsewhere, images, input, layers, notices, prompts, usage, waiting,
};

pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, key: Key) {
    model.look.marking.clear();
    // What is not said any more does not count any more.
    let is_said = model.now.since(model.last_key) < REMARK;
    let armed = model.armed.take().filter(|_| is_said);
    if key.text().is_some() {
        let now = u64::try_from(model.now.0).unwrap_or_default();
        model.burst.key(std::time::Duration::from_micros(now));
    }
    let place = place(model);
    let what = model.keymap.get(place, key);
    let answered = match place {
        Place::List | Place::Usage | Place::Notices => layers::key(model, work, what, key),
        Place::Permission | Place::Question => prompts::key(model, work, what, key),
        Place::Observer if model.focus == Focus::Input => observer(model, work, what, key),
        Place::Conversation => conversation::key(model, work, what, key),
        _ => input::key(model, work, what, key),
    };
    if !answered && let Some(what) = what {
        everywhere(model, work, what, armed);
    }
    model.last_key = model.now;
}

pub(super) fn paste(model: &mut Model, work: &mut Work<'_, '_>, text: String) {
    model.armed = None;
    match model.layers.last_mut() {
        Some(Layer::Pick(pick)) => {
            pick.query.paste(&text);
            layers::asked(pick, model.now);
        }
        Some(Layer::Search(words)) => words.paste(&text),
        // A paste answers nothing.
        Some(Layer::Help { .. } | Layer::Lock { .. } | Layer::Usage { .. } | Layer::Notices(_)) => {
            model.layers.pop();
            model.focus = Focus::Input;
            model.composer.paste(&text);
            input::look_again(model);
        }
        None => match &mut model.prompt {
            Some(Prompt::Permission(prompt)) if prompt.message.is_some() => {
                if let Some(message) = &mut prompt.message {
                    message.paste(&text);
                }
            }
            Some(Prompt::Question(prompt)) if prompt.words.is_some() => {
                if let Some(words) = &mut prompt.words {
                    words.paste(&text);
                }
            }
            // A paste answers nothing.
            _ => {
                model.prompt = None;
                model.focus = Focus::Input;
                match images::dropped(&text) {
                    Some(path) => images::ask_for_file(work, path, Some(text)),
                    None => model.composer.paste(&text),
                }
                input::look_again(model);
            }
        },
    }
    model.last_key = model.now;
}

/// Where the keys go now.
pub(super) fn place(model: &Model) -> Place {
    match model.layers.last() {
        Some(Layer::Usage { .. }) => return Place::Usage,
        Some(Layer::Notices(_)) => return Place::Notices,
        Some(_) => return Place::List,
        None => {}
    }
    match &model.prompt {
        Some(Prompt::Permission(_)) => Place::Permission,
        Some(Prompt::Question(_)) => Place::Question,
        None if model.focus == Focus::Conversation => Place::Conversation,
        None if model.observes() => Place::Observer,
        None => Place::Input,
    }
}

/// Who watches may write what is to be said later. A key that asks for the input does so only while nothing is written.
fn observer(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    let writes = !model.composer.is_empty();
    let typed = input::key_of_input(model, key);
    let asks = if writes {
        typed == Some(Do::Send)
    } else {
        what == Some(Do::AskForLock)
    };
    if asks {
        work.send(betcode_core::command::Action::RequestLock);
        model.say("asked for the input lock");
        return true;
    }
    let is_text = key.text().is_some();
    // Elsewhere, keys mean what they mean to everybody.
    let edits = writes && typed.and_then(input::edit).is_some();
    (is_text || edits) && input::write(&mut model.composer, typed, key)
}

/// What a key does wherever it is pressed.
pub(super) fn everywhere(
    model: &mut Model,
    work: &mut Work<'_, '_>,
    what: Do,
    armed: Option<Armed>,
) {
    match what {
        Do::Focus | Do::PageUp | Do::PageDown | Do::Top | Do::Bottom if model.inline.is_some() => {
            model.say("the conversation is above, in the terminal's own scrollback");
        }
        Do::Interrupt => interrupt(model, work, armed),
        Do::Back => back(model, work, armed),
        Do::Leave => leave(model, work),
        Do::Suspend => work.ask(Effect::Suspend),
        Do::Redraw => work.ask(Effect::Redraw),
        Do::Help => model.layers.push(Layer::Help { scroll: 0 }),
        Do::Palette => layers::palette(model),
        Do::Focus => {
            model.focus = match model.focus {
                Focus::Input => Focus::Conversation,
                Focus::Conversation => Focus::Input,
            };
        }
        Do::Answer if model.waiting() > 0 || model.asker().is_some() => {
            prompts::open(model);
        }
        Do::Answer => elsewhere::go(model, work),
        Do::Sessions => layers::ask_for_sessions(model, work, "", None),
        Do::NewSession => super::commands::new_session(model, work),
        Do::Usage => usage::open(model, work),
        Do::Notifications => notices::open(model, work),
        Do::HideUsage => usage::hide(model),
        Do::RetryUsage => usage::retry(model, work),
        Do::Mode => super::commands::next_mode(model, work),
        Do::UnfoldAll => {
            model.look.unfolded = !model.look.unfolded;
            model
                .transcript
                .list_mut()
                .iter_mut()
                .for_each(|entry| entry.unfolded = None);
        }
        Do::Todos => model.todos = !model.todos,
        Do::PageUp => conversation::scroll(model, -page(model)),
        Do::PageDown => conversation::scroll(model, page(model)),
        Do::Top => conversation::to_top(model),
        Do::Bottom => conversation::to_end(model),
        _ => {}
    }
}

fn page(model: &Model) -> i32 {
    i32::try_from(model.look.rows.saturating_sub(2).max(1)).unwrap_or(1)
}

/// Clears what is written; with nothing written interrupts, then leaves.
fn interrupt(model: &mut Model, work: &mut Work<'_, '_>, armed: Option<Armed>) {
    if !model.composer.is_empty() {
        model.composer.set("");
        input::look_again(model);
        model.say("cleared; undo brings it back");
        return;
    }
    if armed == Some(Armed::Leave)
        || (armed == Some(Armed::Interrupt) && !model.session.is_working())
    {
        return leave(model, work);
    }
    if model.session.is_working() && !model.observes() {
        model.armed = Some(Armed::Leave);
        stop(
            model,
            work,
            "interrupting; ctrl-c again leaves (the session goes on)",
        );
    } else {
        model.armed = Some(Armed::Leave);
        model.say("ctrl-c again leaves (the session goes on)");
    }
}

/// Interrupts the turn; what waited for its end does not go on by itself.
pub(super) fn stop(model: &mut Model, work: &mut Work<'_, '_>, otherwise: &str) {
    let said = waiting::stopped(model, work);
    work.send(betcode_core::command::Action::Cancel);
    model.say(said.map_or_else(
        || otherwise.to_owned(),
        |said| format!("interrupting; {said}"),
    ));
}

/// Closes what is open; with nothing open, interrupts the turn when it is pressed twice.
fn back(model: &mut Model, work: &mut Work<'_, '_>, armed: Option<Armed>) {
    if model.focus == Focus::Conversation {
        model.focus = Focus::Input;
        model.look.chosen = None;
        model.seek = None;
    } else if armed == Some(Armed::Interrupt) {
        if model.session.is_working() {
            stop(model, work, "interrupting");
        }
    } else if model.session.is_working() && !model.observes() {
        model.armed = Some(Armed::Interrupt);
        model.say("esc again interrupts the turn");
    }
}

pub(super) fn leave(model: &mut Model, work: &mut Work<'_, '_>) {
    model.left = true;
    work.ask(Effect::Leave);
}
