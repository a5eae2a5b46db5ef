//! Prompts: when they open and close, and the answers that keys give.

use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::time::Timestamp;

use crate::key::{Code, Key};
use crate::keymap::{Do, Place, is_of};
use crate::layers::Layer;
use crate::model::{Focus, Model};
use crate::msg::Effect;
use crate::prompt::permission::Outcome;
use crate::prompt::{DEAF, PermissionPrompt, Prompt, QUIET, QuestionPrompt};

use super::{Work, input, tour, waiting};

/// Opens and closes what has to be, after anything that happened.
pub(super) fn settle(model: &mut Model, work: &mut Work<'_, '_>) {
    let open = model.prompt.as_ref().map(|prompt| prompt.id().clone());
    if let Some(id) = open {
        let waits = model
            .session
            .permissions
            .iter()
            .any(|request| request.id == id)
            || model
                .session
                .questions
                .iter()
                .any(|question| question.id == id);
        if !waits {
            model.prompt = None;
        }
    }
    if model.observes()
        && let Some(prompt) = &mut model.prompt
    {
        prompt.close_ears();
    }
    let questions = &model.session.questions;
    model
        .half_answered
        .take_if(|half| !questions.iter().any(|question| question.id == half.id));
    model.put_off = model.put_off.min(model.waiting());
    if model.may_be_asked() && model.now.since(model.last_key) >= QUIET {
        open_at(model, None);
        if model.notifies() {
            work.ask(Effect::Notify(format!("{} waits for you", name(model))));
        }
    }
    lock_requests(model);
}

fn name(model: &Model) -> &str {
    if model.session.title.is_empty() {
        &model.session.agent
    } else {
        &model.session.title
    }
}

/// Opens what waits longest; with nothing that waits, a guided tour goes on.
pub(super) fn go_on(model: &mut Model, work: &mut Work<'_, '_>) {
    if model.waiting() > 0 || !tour::go_on(model, work) {
        open(model);
    }
}

/// Opens what waits longest, because somebody asked for it. What was read before may be answered at once.
pub(super) fn open(model: &mut Model) {
    if let Some(asker) = model.asker().cloned() {
        let listens = Some(model.now);
        model.heard = model.now;
        model.put_off_asker = None;
        return model.layers.push(Layer::Lock { asker, listens });
    }
    if model.waiting() == 0 || model.prompt.is_some() {
        return;
    }
    let permission = model.permissions().next().map(|request| &request.id);
    let next = permission.or_else(|| model.questions().next().map(|question| &question.id));
    let listens = (next == model.read.as_ref()).then_some(model.now);
    model.heard = listens.unwrap_or(model.heard);
    open_at(model, listens);
}

/// What is open is on the screen now.
pub(super) fn seen(model: &mut Model, now: Timestamp) {
    let at = now.plus(model.lag);
    if let Some(Layer::Lock { listens, .. }) = model.layers.last_mut() {
        listens.get_or_insert(at.plus(DEAF));
    } else if let Some(Layer::Notices(pane)) = model.layers.last_mut() {
        pane.listens.get_or_insert(at.plus(DEAF));
    } else if model.layers.is_empty()
        && !model.observes()
        && let Some(prompt) = &mut model.prompt
    {
        prompt.seen(at);
    }
}

fn open_at(model: &mut Model, listens: Option<Timestamp>) {
    let permission = model.permissions().next();
    let permission =
        permission.map(|request| Prompt::Permission(PermissionPrompt::new(request, listens)));
    model.prompt = permission.or_else(|| {
        let question = model.questions().next()?.clone();
        let half = model.half_answered.take_if(|half| half.id == question.id);
        let prompt = half.unwrap_or_else(|| QuestionPrompt::new(&question, listens));
        Some(Prompt::Question(QuestionPrompt { listens, ..prompt }))
    });
}

/// Closes what still waits. What was answered of a question stays answered.
fn put_aside(model: &mut Model) {
    if let Some(Prompt::Question(prompt)) = model.prompt.take() {
        model.half_answered = Some(prompt);
    }
}

/// Whoever holds the lock is asked by whoever wants it, like by a prompt: not over something that is being written.
fn lock_requests(model: &mut Model) {
    let asker = model.asker().cloned();
    let put_off = model.put_off_asker;
    model.put_off_asker = put_off.filter(|id| asker.as_ref().is_some_and(|by| by.id == *id));
    let open = model
        .layers
        .iter()
        .position(|layer| matches!(layer, Layer::Lock { .. }));
    match (asker, open) {
        (Some(asker), None) if model.asker_waits() && model.now.since(model.last_key) >= QUIET => {
            let listens = None;
            model.layers.push(Layer::Lock { asker, listens });
        }
        (None, Some(place)) => {
            model.layers.remove(place);
        }
        _ => {}
    }
}

/// Text that was meant for the input goes there.
pub(super) fn to_the_input(model: &mut Model, text: &str) {
    model.focus = Focus::Input;
    model.composer.type_in(text);
    input::look_again(model);
}

pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    let deaf = model
        .prompt
        .as_ref()
        .is_some_and(|prompt| model.is_deaf(prompt.listens()));
    let Some(prompt) = &mut model.prompt else {
        return false;
    };
    if prompt.is_written_in() {
        return written(model, work, what, key);
    }
    if model.observes() {
        return watched(model, work, what, key);
    }
    let Some(prompt) = &mut model.prompt else {
        return false;
    };
    let is_steering = matches!(
        what,
        Some(Do::Interrupt | Do::Leave | Do::Suspend | Do::Redraw)
    );
    if deaf && !is_steering {
        // Somebody was about to write: nothing is lost, and nothing is answered.
        if key.text().is_some() {
            put_aside(model);
            model.focus = Focus::Input;
            input::meant(model, work, key);
        }
        return true;
    }
    if what == Some(Do::Back) {
        model.read = Some(prompt.id().clone());
        put_aside(model);
        model.say("it waits: ctrl-y opens it again");
        // It would open again by itself at once.
        model.put_off = model.waiting();
        return true;
    }
    let width = model.width;
    match prompt {
        Prompt::Permission(prompt) => {
            let Some(request) = model
                .session
                .permissions
                .iter()
                .find(|request| request.id == prompt.id)
            else {
                return true;
            };
            let Some(what) = what else {
                // What answers nothing is text, and not lost.
                if key.text().is_some_and(|c| c != ' ') {
                    model.prompt = None;
                    model.focus = Focus::Input;
                    input::meant(model, work, key);
                }
                return true;
            };
            if !is_of(what, Place::Permission) && !matches!(what, Do::PageUp | Do::PageDown) {
                return false;
            }
            let did = prompt.act(what, request, width);
            outcome(model, work, Ok(did));
        }
        Prompt::Question(prompt) => {
            let Some(question) = model
                .session
                .questions
                .iter()
                .find(|question| question.id == prompt.id)
            else {
                return true;
            };
            let digit = match key.code {
                Code::Char(c) => c.to_digit(10),
                _ => None,
            };
            if what == Some(Do::Confirm) && prompt.wants_marks(question) {
                let key = |action| model.keymap.key(action).map(|key| key.to_string());
                let mark = key(Do::Mark).unwrap_or_default();
                let own = key(Do::OwnWords).unwrap_or_default();
                model.say(format!(
                    "nothing is marked: {mark} marks an option, {own} answers in your own words"
                ));
                return true;
            }
            let action = match (digit, what) {
                (Some(digit), None) => prompt.digit(digit, question),
                (_, Some(what))
                    if is_of(what, Place::Question)
                        || matches!(what, Do::PageUp | Do::PageDown) =>
                {
                    prompt.act(what, question, width)
                }
                (_, Some(_)) => return false,
                (None, None) => None,
            };
            if let Some(action) = action {
                answer(model, work, action);
            }
        }
    }
    true
}

/// A key in a prompt of somebody who only watches: it is looked at, and nothing is answered.
fn watched(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    let asks = model.keymap.get(Place::Observer, key) == Some(Do::AskForLock);
    let is_digit = matches!(key.code, Code::Char(c) if c.is_ascii_digit());
    let width = model.width;
    let looks = matches!(
        what,
        Some(
            Do::ScrollDown
                | Do::ScrollUp
                | Do::ViewNextChange
                | Do::ViewPreviousChange
                | Do::ViewSideBySide
                | Do::PlanDown
                | Do::PlanUp
                | Do::PageDown
                | Do::PageUp
        )
    );
    if what == Some(Do::Back) {
        model.prompt = None;
    } else if looks && let Some(what) = what {
        match &mut model.prompt {
            Some(Prompt::Permission(prompt)) => {
                let mut requests = model.session.permissions.iter();
                if let Some(request) = requests.find(|request| request.id == prompt.id) {
                    prompt.act(what, request, width);
                }
            }
            Some(Prompt::Question(prompt)) => {
                let mut questions = model.session.questions.iter();
                if let Some(question) = questions.find(|question| question.id == prompt.id) {
                    prompt.act(what, question, width);
                }
            }
            None => {}
        }
    } else if asks && model.composer.is_empty() {
        work.send(Action::RequestLock);
        model.say("asked for the input lock");
    } else if is_digit
        || what.is_some_and(|what| is_of(what, Place::Permission) || is_of(what, Place::Question))
    {
        not_here(model);
    } else if what.is_none() && key.text().is_some_and(|c| c != ' ') {
        model.prompt = None;
        model.focus = Focus::Input;
        input::meant(model, work, key);
    } else {
        return what.is_none();
    }
    true
}

/// Nothing is answered by who watches.
fn not_here(model: &mut Model) {
    let key = model.keymap.key(Do::AskForLock);
    let asks = key.map(|key| format!(": {key} asks for the input"));
    let asks = asks.unwrap_or_default();
    model.say(format!("whoever has the input answers{asks}"));
}

/// A key while something is being written in a prompt.
fn written(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    let input = input::key_of_input(model, key);
    let sends = input == Some(Do::Send);
    let closes = what == Some(Do::Back);
    if sends && model.observes() {
        // What is written stays.
        not_here(model);
        return true;
    }
    let Some(prompt) = &mut model.prompt else {
        return false;
    };
    match prompt {
        Prompt::Permission(prompt) => {
            let Some(message) = &mut prompt.message else {
                return false;
            };
            if closes {
                prompt.message = None;
            } else if sends {
                let text = input::text_of(&message.take());
                let did = prompt.deny(text, false);
                outcome(model, work, Ok(did));
            } else {
                return input::write(message, input, key);
            }
        }
        Prompt::Question(prompt) => {
            let Some(words) = &mut prompt.words else {
                return false;
            };
            if closes {
                prompt.words = None;
            } else if sends {
                let text = input::text_of(&words.take());
                let question = model
                    .session
                    .questions
                    .iter()
                    .find(|question| question.id == prompt.id);
                if let Some(action) = question.and_then(|question| prompt.said(text, question)) {
                    answer(model, work, action);
                }
            } else {
                return input::write(words, input, key);
            }
        }
    }
    true
}

/// Does what a prompt for a permission came to.
pub(super) fn outcome(
    model: &mut Model,
    work: &mut Work<'_, '_>,
    outcome: Result<Outcome, String>,
) {
    match outcome {
        Ok(Outcome::Done) => {}
        Ok(Outcome::Cannot(why)) => model.say(why),
        Ok(Outcome::Edit(text)) => work.ask(Effect::Edit(text)),
        Ok(Outcome::Answer(action)) => answer(model, work, *action),
        Err(problem) => model.say(problem),
    }
}

/// Sends an answer. The prompt closes; should the answer be refused, the request still waits and opens again.
pub(super) fn answer(model: &mut Model, work: &mut Work<'_, '_>, action: Action) {
    let id = model.prompt.as_ref().map(|prompt| prompt.id().clone());
    let stops = matches!(
        &action,
        Action::AnswerPermission {
            answer: PermissionAnswer::Deny {
                interrupt: true,
                ..
            },
            ..
        }
    );
    if stops && let Some(said) = waiting::stopped(model, work) {
        model.say(said);
    }
    let key = work.send(action);
    if let Some(id) = id {
        model.answered.push((key, id));
    }
    model.prompt = None;
}
