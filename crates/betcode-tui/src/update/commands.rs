//! What begins with a slash: commands of the client, and those of the agent, which are sent to it as they are.

use betcode_core::command::Action;
use betcode_core::event::Capability;
use betcode_core::id::SessionId;

use crate::completion::Item;
use crate::composer::Part;
use crate::keymap::{ACTIONS, Do, Place};
use crate::layers::{Layer, Pick, What};
use crate::model::Model;
use crate::msg::Effect;
use crate::session::Session;

use super::{Work, drafts, images, keys, layers, notices, usage, vim};

/// A command of the client.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Its name, without the slash.
    pub name: &'static str,
    /// What it takes.
    pub hint: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// All of them.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        hint: "",
        about: "all keys",
    },
    Command {
        name: "sessions",
        hint: "[WORDS]",
        about: "another session, by its title or what was said in it",
    },
    Command {
        name: "agent",
        hint: "",
        about: "a new session with another agent",
    },
    Command {
        name: "new",
        hint: "",
        about: "a new session in this directory",
    },
    Command {
        name: "model",
        hint: "[MODEL]",
        about: "another model",
    },
    Command {
        name: "mode",
        hint: "[MODE]",
        about: "another permission mode",
    },
    Command {
        name: "rename",
        hint: "TITLE",
        about: "another title",
    },
    Command {
        name: "queue",
        hint: "",
        about: "messages that wait",
    },
    Command {
        name: "image",
        hint: "FILE",
        about: "send an image along",
    },
    Command {
        name: "compact",
        hint: "",
        about: "have the agent compact its context",
    },
    Command {
        name: "clear",
        hint: "",
        about: "a conversation from the beginning, in this session",
    },
    Command {
        name: "theme",
        hint: "[THEME]",
        about: "other colours",
    },
    Command {
        name: "usage",
        hint: "",
        about: "how much of the plan is used",
    },
    Command {
        name: "notifications",
        hint: "",
        about: "what stands there for you, and the pause",
    },
    Command {
        name: "vim",
        hint: "",
        about: "vim's keys for the input, or no longer",
    },
    Command {
        name: "lock",
        hint: "",
        about: "ask for the input lock, or give it back",
    },
    Command {
        name: "quit",
        hint: "",
        about: "leave; the session goes on",
    },
];

/// The permission modes, in the order in which a key goes through them.
const MODES: &[&str] = &["default", "acceptEdits", "plan"];

/// Actions that the palette offers, because they mean something anywhere.
pub fn is_general(action: Do) -> bool {
    let place = ACTIONS
        .iter()
        .find(|entry| entry.action == action)
        .map(|entry| entry.place);
    place == Some(Place::Everywhere)
        && !matches!(action, Do::Back | Do::Palette | Do::Interrupt | Do::Focus)
}

/// All commands as things to choose.
pub(super) fn items(agents: &[String]) -> Vec<Item> {
    let ours = COMMANDS.iter().map(|command| Item {
        label: format!("/{}", command.name).into(),
        detail: command.about.into(),
        hint: command.hint.into(),
    });
    let known = |name: &&String| !COMMANDS.iter().any(|command| command.name == name.as_str());
    let agents = agents.iter().filter(known).map(|name| Item {
        label: format!("/{name}").into(),
        detail: "the agent's".into(),
        hint: "".into(),
    });
    ours.chain(agents).collect()
}

/// Whether a command is whole without anything behind it.
pub(super) fn takes_nothing(label: &str) -> bool {
    let name = label.trim_start_matches('/');
    COMMANDS
        .iter()
        .any(|command| command.name == name && !command.hint.starts_with(char::is_uppercase))
}

/// Does what a command says. False when it is none of the client's.
pub(super) fn run(model: &mut Model, work: &mut Work<'_, '_>, text: &str) -> bool {
    let Some(line) = text.trim().strip_prefix('/') else {
        return false;
    };
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if name == "skip" && model.tour.is_some() {
        model.composer.take();
        model.popup = None;
        return super::tour::skip(model, work);
    }
    if !COMMANDS.iter().any(|command| command.name == name) {
        return false;
    }
    // A command takes no image along: they stay for what is said next.
    let mut images = model.composer.take();
    images.retain(|part| matches!(part, Part::Attachment(_)));
    model.composer.put_back(&images);
    model.popup = None;
    let needs_session = matches!(
        name,
        "model" | "mode" | "rename" | "compact" | "clear" | "lock"
    );
    if needs_session && !model.exists {
        model.say("there is no session yet: it begins with the first message");
        return true;
    }
    match name {
        "help" => model.layers.push(Layer::Help { scroll: 0 }),
        "sessions" => layers::ask_for_sessions(model, work, rest, None),
        "agent" => layers::ask_for_agents(model, work),
        "new" => new_session(model, work),
        "quit" => keys::leave(model, work),
        "queue" => layers::queue(model),
        "model" if rest.is_empty() => models(model),
        "model" => {
            work.send(Action::SetModel {
                model: rest.to_owned(),
            });
        }
        "mode" if rest.is_empty() => next_mode(model, work),
        "mode" => {
            work.send(Action::SetPermissionMode {
                mode: rest.to_owned(),
            });
        }
        "rename" if rest.is_empty() => model.say("/rename needs a title"),
        "rename" => {
            work.send(Action::Rename {
                title: rest.to_owned(),
            });
        }
        "image" if rest.is_empty() => {
            model.say("/image needs a file; ctrl-v takes what is in the clipboard");
        }
        "image" => images::ask_for_file(work, rest.to_owned(), None),
        "compact" => {
            work.send(Action::Compact { trim: false });
        }
        "clear" => {
            work.send(Action::Clear);
        }
        "theme" => layers::theme(model, work, rest),
        "usage" => usage::open(model, work),
        "notifications" => notices::open(model, work),
        "vim" => vim::switch(model),
        "lock" => lock(model, work),
        _ => {}
    }
    true
}

fn lock(model: &mut Model, work: &mut Work<'_, '_>) {
    if model.observes() {
        work.send(Action::RequestLock);
        model.say("asked for the input lock");
    } else {
        work.send(Action::ReleaseLock);
        model.say("the input lock is free for others");
    }
}

fn models(model: &mut Model) {
    if model.session.models.is_empty() {
        model.say("the agent has not said which models it has: /model NAME takes any");
        return;
    }
    let items = model
        .session
        .models
        .iter()
        .map(|name| Item {
            label: name.as_str().into(),
            detail: if *name == model.session.model {
                "now"
            } else {
                ""
            }
            .into(),
            hint: "".into(),
        })
        .collect();
    let mut pick = Pick::new(What::Models, items, model.width);
    let now = |name: &String| *name == model.session.model;
    let now = model.session.models.iter().position(now);
    pick.list.choose(now.unwrap_or(0));
    model.layers.push(Layer::Pick(Box::new(pick)));
}

/// The next of the permission modes.
pub(super) fn next_mode(model: &mut Model, work: &mut Work<'_, '_>) {
    let has_modes = model.session.capabilities.contains(&Capability::Modes);
    if !model.exists || !has_modes {
        model.say("permission modes can be changed as soon as an agent runs that has some");
        return;
    }
    let place = MODES
        .iter()
        .position(|mode| *mode == model.session.mode)
        .unwrap_or(0);
    let next = MODES
        .get((place + 1) % MODES.len())
        .copied()
        .unwrap_or("default");
    work.send(Action::SetPermissionMode {
        mode: next.to_owned(),
    });
}

/// A new session in the same directory with the same agent.
pub(super) fn new_session(model: &mut Model, work: &mut Work<'_, '_>) {
    let id = SessionId((work.fresh)());
    let session = Session::new(id, &model.session.agent, &model.session.cwd);
    drafts::leave(model, work);
    model.switch(session, false);
    work.ask(Effect::Close);
    work.ask(Effect::Recall(model.draft_of()));
    model.say("a new session: it begins with the first message");
}
