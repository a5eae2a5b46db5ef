//! What happens changes the state and asks for effects. Pure: time comes with the message, new ids from whoever calls.
//!
//! - `keys`: who gets a key; `input`: what is written; `conversation`: where one looks; `prompts`: answers;
//!   `layers`: what is open; `mouse`: what is marked; `vim`: vim's keys of the input; `drafts`: what is kept of the input;
//!   `history`: prompts of before; [`waiting`]: messages that wait;
//!   `elsewhere`: other sessions that wait; `usage`, `notices`: the use of plans and notifications; [`images`]: what is sent along; `tour`: a guided one; [`lines`]: what lines mean
//!   where there are no keys; [`commands`]: what begins with a slash; `stream`: what the session says.

pub mod commands;
mod conversation;
mod drafts;
mod elsewhere;
pub(crate) use conversation::{plain, searched};
mod history;
pub mod images;
mod input;
mod keys;
mod layers;
pub mod lines;
mod mouse;
pub(crate) mod notices;
mod prompts;
mod seek;
mod stream;
mod tour;
mod usage;
mod vim;
pub mod waiting;

use betcode_core::command::Action;
use betcode_core::id::IdempotencyKey;
use betcode_core::time::Timestamp;
use uuid::Uuid;

use crate::composer::Part;
use crate::model::Model;
use crate::msg::{Effect, Msg, Towards};

/// What a message comes with.
pub struct Circumstances<'a> {
    /// The time.
    pub now: Timestamp,
    /// Makes new ids.
    pub fresh: &'a mut dyn FnMut() -> Uuid,
}

/// Effects in the making.
struct Work<'a, 'b> {
    fresh: &'a mut dyn FnMut() -> Uuid,
    effects: &'b mut Vec<Effect>,
}

impl Work<'_, '_> {
    fn ask(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn send(&mut self, action: Action) -> IdempotencyKey {
        let key = IdempotencyKey((self.fresh)());
        self.ask(Effect::Send(key, Box::new(action)));
        key
    }
}

/// Takes a message.
pub fn update(model: &mut Model, circumstances: Circumstances<'_>, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    let Circumstances { now, fresh } = circumstances;
    model.now = now;
    let mut work = Work {
        fresh,
        effects: &mut effects,
    };
    match msg {
        Msg::Key(key) => keys::key(model, &mut work, key),
        Msg::Paste(text) => keys::paste(model, &mut work, text),
        Msg::Say(text) => input::message(model, &mut work, vec![Part::Text(text)]),
        Msg::Mouse(event) => mouse::mouse(model, &mut work, event),
        Msg::Resize { width, height } => {
            model.width = width;
            model.height = height;
            model.look.marking.clear();
            model.composer.set_width(width);
        }
        Msg::Focus(focused) => {
            if std::mem::replace(&mut model.focused, focused) != focused {
                work.ask(Effect::Look);
            }
        }
        Msg::Reached(Ok(())) => model.link = crate::model::Link::Connected,
        Msg::Reached(Err(problem)) => model.link = crate::model::Link::Ended(problem),
        Msg::Opened(opened) => stream::opened(model, &mut work, opened),
        Msg::Session(said) => stream::session(model, &mut work, said),
        Msg::Page { towards, events } => stream::page(model, towards, events),
        Msg::ChooseSession => {
            let here = Some(model.session.cwd.clone());
            layers::ask_for_sessions(model, &mut work, "", here);
        }
        Msg::Sessions(sessions) => layers::sessions(model, sessions),
        Msg::Elsewhere(what) => elsewhere::take(model, &mut work, what),
        Msg::Usage(news) => usage::come(model, &mut work, news),
        Msg::Notices(news) => notices::come(model, &mut work, news),
        Msg::Image(of, image) => images::come(model, &of, image),
        Msg::Draft(of, text) => drafts::recalled(model, &of, &text),
        Msg::Past { of, prompts } => history::come(model, &of, prompts),
        Msg::Found { words, answer } => layers::found(model, &words, answer),
        Msg::Scanned { after, events } => seek::scanned(model, &mut work, after, events),
        Msg::Agents(agents) => layers::agents(model, agents),
        Msg::Files(files) => input::files(model, files),
        Msg::Edited(text) => input::edited(model, &mut work, text),
        Msg::Shell { command, output } => input::shell_ended(model, &command, &output),
        Msg::Plain(said) => lines::said(model, &mut work, said),
        Msg::StuntEnded(ended) => tour::stunt_ended(model, ended),
        Msg::Wake => {}
    }
    if model
        .remark
        .as_ref()
        .is_some_and(|(_, until)| *until <= now)
    {
        model.remark = None;
    }
    layers::settle(model, &mut work);
    prompts::settle(model, &mut work);
    drafts::settle(model, &mut work);
    tour::settle(model);
    effects
}

/// Takes events as they come from the session.
#[cfg(any(test, feature = "bench"))]
pub fn events(
    model: &mut Model,
    circumstances: Circumstances<'_>,
    events: &[betcode_core::event::Event],
) -> Vec<Effect> {
    let mut effects = Vec::new();
    let Circumstances { now, fresh } = circumstances;
    model.now = now;
    let mut work = Work {
        fresh,
        effects: &mut effects,
    };
    stream::take(model, &mut work, events);
    effects
}

/// What the state holds has been given to the terminal.
pub fn seen(model: &mut Model, now: Timestamp) {
    prompts::seen(model, now);
}

/// What is wanted after drawing: parts of the log that one is about to see.
pub fn after_drawing(model: &mut Model) -> Vec<Effect> {
    if model.reading || !model.exists {
        return Vec::new();
    }
    let visible = &model.look.visible;
    let count = model.transcript.list().len();
    // What is printed once is not printed from its beginning later.
    let more = model
        .plain
        .as_ref()
        .is_some_and(crate::plain::Plain::wants_more);
    let backwards = model.inline.is_none() || model.transcript.list().is_empty() || more;
    let wanted = if model.look.goal.is_some() && !model.is_at_head() {
        Some(Towards::End(model.transcript.to()))
    } else if backwards && visible.start < NEAR && !model.at_beginning && model.head.0 > 0 {
        Some(Towards::Start(model.transcript.before()))
    } else if count - visible.end.min(count) < NEAR && !model.is_at_head() {
        Some(Towards::End(model.transcript.to()))
    } else {
        None
    };
    model.reading = wanted.is_some();
    wanted.map(Effect::Read).into_iter().collect()
}

/// How near the end of the window one may come before more is read.
const NEAR: usize = 30;

#[cfg(test)]
mod tests;
