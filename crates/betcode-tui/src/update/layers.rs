//! What is open over everything: keys, what is chosen, and what the lists are of.

use betcode_client::Summary;
use betcode_core::command::Action;
use betcode_core::config::ThemeChoice;
use betcode_core::event::UserInput;

use crate::completion::Item;
use crate::key::Key;
use crate::keymap::{ACTIONS, Do};
use crate::layers::{Layer, Pick, What};
use crate::model::Model;
use crate::msg::Effect;
use crate::prompt::is_deaf;
use crate::view::words;

use super::{Work, conversation, elsewhere, history, input, keys, prompts};

pub(super) fn palette(model: &mut Model) {
    let pick = Pick::palette(&model.keymap, &model.session.commands, model.width);
    model.layers.push(Layer::Pick(pick));
}

pub(super) fn history(model: &mut Model) {
    let items = history::prompts(model).into_iter().rev().map(Item::new);
    let pick = Pick::new(What::History, items.collect(), model.width);
    model.layers.push(Layer::Pick(pick));
}

/// Other colours, by the name of what they are for; without a name there is a list.
pub(super) fn theme(model: &mut Model, work: &mut Work<'_, '_>, name: &str) {
    if name.is_empty() {
        let items = ThemeChoice::ALL.map(|choice| Item {
            label: choice.name().into(),
            detail: choice.about().into(),
            hint: "".into(),
        });
        let pick = Pick::new(What::Themes, items.into(), model.width);
        return model.layers.push(Layer::Pick(pick));
    }
    match ThemeChoice::named(name) {
        Some(choice) => {
            work.ask(Effect::Theme(choice));
            model.say(format!("colours: {}, also the next time", choice.about()));
        }
        None => model.say(format!(
            "there is no theme `{name}`, but {}",
            ThemeChoice::names()
        )),
    }
}

/// Messages that wait: those that may not have reached the agent first.
pub(super) fn queue(model: &mut Model) {
    let item = |message: &UserInput, detail: &str| Item {
        label: message.text.as_str().into(),
        detail: detail.into(),
        hint: message.message_id.to_string().into(),
    };
    let session = &model.session;
    let unknown = session.undelivered.iter();
    let unknown = unknown.map(|lost| item(lost, "may not have arrived: enter sends it again"));
    let queued = session.queue.iter();
    let queued = queued.map(|queued| item(queued, "enter takes it back into the input"));
    let items: Vec<_> = unknown.chain(queued).collect();
    if items.is_empty() {
        return model.say("no message waits");
    }
    let pick = Pick::new(What::Queue, items, model.width);
    model.layers.push(Layer::Pick(pick));
}

pub(super) fn ask_for_sessions(model: &mut Model, work: &mut Work<'_, '_>) {
    model
        .layers
        .push(Layer::Pick(Pick::waiting(What::Sessions, model.width)));
    work.ask(Effect::Sessions);
}

/// The sessions have come. Those that wait for somebody stand first.
pub(super) fn sessions(model: &mut Model, sessions: Result<Vec<Summary>, String>) {
    let now = model.now;
    let place = model
        .layers
        .iter()
        .position(|layer| matches!(layer, Layer::Pick(pick) if pick.what == What::Sessions));
    let Some(place) = place else {
        return;
    };
    let mut sessions = match sessions {
        Ok(sessions) => sessions,
        Err(problem) => {
            model.layers.remove(place);
            return model.say(problem);
        }
    };
    sessions.sort_by_key(|session| session.status != betcode_core::event::Status::WaitingForUser);
    if let Some(Layer::Pick(pick)) = model.layers.get_mut(place) {
        let item = |session: &Summary| Item {
            label: format!(
                "{}  {}",
                words::title(&session.title),
                words::short(&session.id.to_string())
            )
            .into(),
            detail: format!(
                "{} · {} · {}",
                words::status(session.status),
                session.cwd,
                words::ago(now.since(session.updated))
            )
            .into(),
            hint: "".into(),
        };
        pick.list.set_items(sessions.iter().map(item).collect());
        pick.waiting = false;
        pick.sessions = sessions;
    }
}

pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    if what == Some(Do::Back) {
        if let Some(Layer::Lock { asker, .. }) = model.layers.pop() {
            model.put_off_asker = Some(asker.id);
        }
        return true;
    }
    let typed = input::key_of_input(model, key);
    let rows = model.look.rows;
    match model.layers.last_mut() {
        Some(Layer::Help { scroll }) => match what {
            Some(Do::ListDown) => *scroll += 1,
            Some(Do::ListUp) => *scroll = scroll.saturating_sub(1),
            Some(Do::PageDown) => *scroll += rows.max(1),
            Some(Do::PageUp) => *scroll = scroll.saturating_sub(rows.max(1)),
            Some(Do::Interrupt | Do::Leave | Do::Suspend | Do::Redraw) => return false,
            _ => {
                model.layers.pop();
            }
        },
        Some(Layer::Search(words)) => {
            if what == Some(Do::Choose) {
                model.look.search = input::text_of(&words.take());
                model.layers.pop();
                conversation::search(model, false);
            } else {
                return input::write(words, typed, key);
            }
        }
        Some(Layer::Lock { asker, listens }) => {
            let client = asker.id;
            let deaf = is_deaf(*listens, model.now);
            match (key.text(), what) {
                (Some(c), _) if deaf => {
                    // Somebody was about to write: nothing is lost, and nothing is answered.
                    model.layers.pop();
                    prompts::to_the_input(model, c.encode_utf8(&mut [0; 4]));
                }
                (Some(c @ ('y' | 'n')), _) => {
                    let grant = c == 'y';
                    model.layers.pop();
                    work.send(Action::AnswerLock { client, grant });
                }
                _ => return matches!(what, Some(Do::Choose)),
            }
        }
        Some(Layer::Pick(pick)) => match what {
            Some(Do::ListDown) => pick.list.step(1),
            Some(Do::ListUp) => pick.list.step(-1),
            Some(Do::PageDown) => pick.list.step(isize::try_from(rows / 2).unwrap_or(1)),
            Some(Do::PageUp) => pick.list.step(-isize::try_from(rows / 2).unwrap_or(1)),
            Some(Do::Choose) => choose(model, work),
            Some(Do::LetGo) if pick.what == What::Queue => let_go(model, work),
            _ => {
                if !input::write(&mut pick.query, typed, key) {
                    return false;
                }
                pick.list.ask(pick.query.text());
            }
        },
        None => return false,
    }
    true
}

/// The message that is chosen is not sent any more.
fn let_go(model: &mut Model, work: &mut Work<'_, '_>) {
    if let Some(Layer::Pick(pick)) = model.layers.pop()
        && let Some(item) = pick.list.chosen()
        && let Ok(message_id) = item.hint.parse()
    {
        work.send(Action::RemoveQueued { message_id });
    }
}

/// Takes what is chosen.
pub(super) fn choose(model: &mut Model, work: &mut Work<'_, '_>) {
    let Some(Layer::Pick(pick)) = model.layers.pop() else {
        return;
    };
    let Some(item) = pick.list.chosen() else {
        return;
    };
    match pick.what {
        What::Sessions => {
            let chosen = pick
                .list
                .chosen_index()
                .and_then(|index| pick.sessions.get(index));
            if let Some(summary) = chosen {
                elsewhere::open(model, work, summary);
            }
        }
        What::Palette => {
            if item.label.starts_with('/') {
                model.composer.set(&format!("{} ", item.label));
            } else if let Some(entry) = ACTIONS.iter().find(|entry| *entry.name == *item.hint) {
                keys::everywhere(model, work, entry.action, None);
            }
        }
        What::History => model.composer.set(&item.label),
        What::Models => {
            work.send(Action::SetModel {
                model: item.label.to_string(),
            });
        }
        What::Themes => theme(model, work, &item.label),
        What::Queue => {
            let Ok(message_id) = item.hint.parse() else {
                return;
            };
            let unknown = &model.session.undelivered;
            if unknown.iter().any(|lost| lost.message_id == message_id) {
                work.send(Action::SendAgain { message_id });
            } else {
                work.send(Action::RemoveQueued { message_id });
                model.composer.set(&item.label);
            }
        }
    }
}
