//! What is open over everything: keys, what is chosen, and what the lists are of.

use betcode_client::{Agent, SearchAnswer, Summary};
use betcode_core::command::Action;
use betcode_core::config::ThemeChoice;
use betcode_core::event::UserInput;
use betcode_core::id::shortest_prefix;
use betcode_core::time::Timestamp;

use crate::completion::Item;
use crate::key::Key;
use crate::keymap::{ACTIONS, Do};
use crate::layers::{Layer, Pick, What};
use crate::model::Model;
use crate::msg::Effect;
use crate::view::words;

use super::{Work, conversation, elsewhere, history, input, keys, notices, prompts, seek, usage};

pub(super) fn palette(model: &mut Model) {
    let pick = Pick::palette(&model.keymap, &model.session.commands, model.width);
    model.layers.push(Layer::Pick(Box::new(pick)));
}

pub(super) fn history(model: &mut Model) {
    let items = history::prompts(model).into_iter().rev().map(Item::new);
    let pick = Pick::new(What::History, items.collect(), model.width);
    model.layers.push(Layer::Pick(Box::new(pick)));
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
        return model.layers.push(Layer::Pick(Box::new(pick)));
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
    model.layers.push(Layer::Pick(Box::new(pick)));
}

/// Sessions, those of a directory or all, and what is looked for in them.
pub(super) fn ask_for_sessions(
    model: &mut Model,
    work: &mut Work<'_, '_>,
    words: &str,
    here: Option<String>,
) {
    let mut pick = Pick::waiting(What::Sessions, model.width);
    pick.here = here;
    if !words.is_empty() {
        pick.query.set(words);
        asked(&mut pick, model.now);
    }
    model.layers.push(Layer::Pick(Box::new(pick)));
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
        pick.waiting = false;
        pick.known = sessions;
        fill(pick, now);
    }
}

/// The sessions that are wanted, as items.
fn fill(pick: &mut Pick, now: Timestamp) {
    let wanted = |session: &&Summary| pick.here.as_ref().is_none_or(|here| session.cwd == *here);
    pick.sessions = pick.known.iter().filter(wanted).cloned().collect();
    // As much of an id as names it, also to a command.
    let ids: Vec<String> = pick.known.iter().map(|it| it.id.to_string()).collect();
    let shown = shortest_prefix(ids.iter().map(String::as_str));
    let item = |session: &Summary| Item {
        label: format!(
            "{}  {:.shown$}",
            words::title(&session.title),
            session.id.to_string()
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
    pick.list
        .set_items(pick.sessions.iter().map(item).collect());
}

/// Sessions of this directory, or of all.
fn widen(model: &mut Model) {
    let (now, cwd) = (model.now, model.session.cwd.clone());
    if let Some(Layer::Pick(pick)) = model.layers.last_mut() {
        pick.here = match pick.here.take() {
            Some(_) => None,
            None => Some(cwd),
        };
        fill(pick, now);
        pick.finds.again(now);
    }
}

/// Something else is asked for in a list.
pub(super) fn asked(pick: &mut Pick, now: Timestamp) {
    let words = pick.query.text().to_owned();
    look_for(pick, &words, now);
}

/// Looks for words in a list, and in what was said in sessions.
pub(super) fn look_for(pick: &mut Pick, words: &str, now: Timestamp) {
    pick.find = None;
    pick.list.ask(words);
    if pick.what == What::Sessions {
        pick.finds.look(words, now);
    }
}

/// What was said in sessions has come.
pub(super) fn found(model: &mut Model, words: &str, answer: Result<SearchAnswer, String>) {
    for layer in &mut model.layers {
        if let Layer::Pick(pick) = layer {
            pick.finds.take(words, answer);
            if let Some(plain) = &mut model.plain {
                plain.ask_again();
            }
            return;
        }
    }
}

/// Asks the daemon for what was said, when nobody types any more.
pub(super) fn settle(model: &mut Model, work: &mut Work<'_, '_>) {
    let now = model.now;
    if let Some(Layer::Pick(pick)) = model.layers.last_mut()
        && let Some(words) = pick.finds.ask(now)
    {
        let cwd = pick.here.clone();
        work.ask(Effect::Find { words, cwd });
    }
}

/// Asks for the agents that a new session could have.
pub(super) fn ask_for_agents(model: &mut Model, work: &mut Work<'_, '_>) {
    let pick = Pick::waiting(What::Agents, model.width);
    model.layers.push(Layer::Pick(Box::new(pick)));
    work.ask(Effect::Agents);
}

/// The agents have come.
pub(super) fn agents(model: &mut Model, agents: Result<Vec<Agent>, String>) {
    let is_it = |layer: &Layer| matches!(layer, Layer::Pick(pick) if pick.what == What::Agents);
    let Some(place) = model.layers.iter().position(is_it) else {
        return;
    };
    let agents = match agents {
        Ok(agents) => agents,
        Err(problem) => {
            model.layers.remove(place);
            return model.say(problem);
        }
    };
    if let Some(Layer::Pick(pick)) = model.layers.get_mut(place) {
        pick.waiting = false;
        pick.list.set_items(agents.iter().map(agent).collect());
        let usual = agents.iter().position(|agent| agent.chosen);
        pick.list.choose(usual.unwrap_or(0));
    }
}

/// An agent as an item. Where a command has its arguments stands why it cannot be used, and what to do.
fn agent(agent: &Agent) -> Item {
    let usable = agent.installed && agent.supported;
    let state = match (agent.installed, agent.supported) {
        _ if !agent.hint.is_empty() => agent.hint.as_str(),
        (_, false) => "this version of BetCode cannot drive it",
        (false, _) => "not installed",
        (true, true) if agent.version.is_empty() => "installed",
        (true, true) => agent.version.as_str(),
    };
    let detail = if agent.chosen && usable {
        format!("{state} · the usual one")
    } else {
        state.to_owned()
    };
    Item {
        label: agent.name.as_str().into(),
        detail: detail.into(),
        hint: if usable { "" } else { state }.into(),
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
    let (rows, now) = (model.look.rows, model.now);
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
                let words = input::text_of(&words.take());
                model.layers.pop();
                seek::begin(model, work, &words);
            } else {
                return input::write(words, typed, key);
            }
        }
        Some(Layer::Lock { asker, listens }) => {
            let client = asker.id;
            let listens = *listens;
            let deaf = model.is_deaf(listens);
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
            Some(Do::ListDown) => pick.step(1),
            Some(Do::ListUp) => pick.step(-1),
            Some(Do::PageDown) => pick.step(isize::try_from(rows / 2).unwrap_or(1)),
            Some(Do::PageUp) => pick.step(-isize::try_from(rows / 2).unwrap_or(1)),
            Some(Do::Everywhere) if pick.what == What::Sessions => widen(model),
            Some(Do::Choose) => choose(model, work),
            Some(Do::LetGo) if pick.what == What::Queue => let_go(model, work),
            _ => {
                if !input::write(&mut pick.query, typed, key) {
                    return false;
                }
                asked(pick, now);
            }
        },
        Some(Layer::Usage { .. }) => return usage::key(model, work, what, key),
        Some(Layer::Notices(_)) => return notices::key(model, work, what, key),
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
    if let Some(found) = pick.found() {
        let (summary, place) = (&found.session, found.entry.sequence);
        if model.exists && model.id() == summary.id {
            return conversation::go_to(model, work, place);
        }
        elsewhere::open(model, work, summary);
        model.look.goal = model.inline.is_none().then_some(place);
        return;
    }
    let Some(item) = pick.list.chosen() else {
        return;
    };
    match pick.what {
        What::Agents if !item.hint.is_empty() => {
            let text = format!("{} cannot be used: {}", item.label, item.hint);
            model.layers.push(Layer::Pick(pick));
            model.say(text);
        }
        What::Agents => {
            model.session.agent = item.label.to_string();
            super::commands::new_session(model, work);
        }
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
