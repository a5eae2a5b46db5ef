//! Notifications: the list that is open, and what is done with what stands in it.

use betcode_client::Notification;
use betcode_core::id::{IdempotencyKey, SessionId};
use betcode_core::notify::Choice;

use crate::key::Key;
use crate::keymap::Do;
use crate::layers::Layer;
use crate::model::Model;
use crate::msg::Effect;
use crate::notices::{News, Pane, Wish};
use crate::plain::Wanted;
use crate::usage::login;
use crate::view::words;

use super::{Work, elsewhere, usage};

pub(super) fn come(model: &mut Model, work: &mut Work<'_, '_>, news: News) {
    match news {
        News::Listed(listed) => {
            if model.notices.come(listed) {
                work.ask(Effect::Notices);
            }
            if let Some(plain) = &mut model.plain
                && std::mem::take(&mut plain.awaits_notices)
            {
                plain.wanted.push(Wanted::Notices);
            }
        }
        News::Changed => {
            if pane(model).is_some() {
                ask(model, work);
            }
        }
        News::Done(wish, Ok(session)) => done(model, work, &wish, session),
        News::Done(_, Err(lack)) => {
            model.say(lack.said());
            ask(model, work);
        }
    }
    settle(model);
}

/// Reads what there is.
pub(super) fn ask(model: &mut Model, work: &mut Work<'_, '_>) {
    if model.notices.ask() {
        work.ask(Effect::Notices);
    }
}

fn pane(model: &mut Model) -> Option<&mut Pane> {
    let mut layers = model.layers.iter_mut();
    layers.find_map(|layer| match layer {
        Layer::Notices(pane) => Some(&mut **pane),
        _ => None,
    })
}

fn settle(model: &mut Model) {
    let mut layers = model.layers.iter_mut();
    let pane = layers.find_map(|layer| match layer {
        Layer::Notices(pane) => Some(pane),
        _ => None,
    });
    if let Some(pane) = pane {
        pane.settle(&model.notices);
    }
}

/// Opens the list.
pub(super) fn open(model: &mut Model, work: &mut Work<'_, '_>) {
    if pane(model).is_none() {
        model.layers.push(Layer::Notices(Box::default()));
        settle(model);
        ask(model, work);
    }
}

/// Something that was wanted is done.
fn done(model: &mut Model, work: &mut Work<'_, '_>, wish: &Wish, session: Option<SessionId>) {
    match wish {
        Wish::Snooze(0) => {
            model.say("nothing but what waits for you is told until a quota begins anew");
        }
        Wish::Snooze(minutes) => {
            let minutes = words::counted(usize::try_from(*minutes).unwrap_or_default(), "minute");
            model.say(format!(
                "nothing but what waits for you is told for {minutes}"
            ));
        }
        Wish::Unsnooze => model.say("the pause is over"),
        Wish::Dismiss(_) => {}
        Wish::Act { choice, .. } => match Choice::of_word(choice) {
            Some(Choice::Open) => {
                if let Some(session) = session {
                    model
                        .layers
                        .retain(|layer| !matches!(layer, Layer::Notices(_)));
                    elsewhere::open_id(model, work, session);
                }
            }
            Some(Choice::RetryNow) => usage::refresh(model, work),
            Some(Choice::LogIn) => log_in(model, work),
            Some(Choice::Allow) => model.say("allowed, this once"),
            Some(Choice::Deny) => model.say("denied"),
            Some(Choice::Snooze5 | Choice::Snooze15 | Choice::Snooze30) | None => {}
        },
    }
    ask(model, work);
}

/// Logging in is the user's: the command is shown, and copied.
fn log_in(model: &mut Model, work: &mut Work<'_, '_>) {
    match model.usage.accounts().iter().find_map(login) {
        Some(command) => {
            model.say(format!("to log in: {command}"));
            work.ask(Effect::Copy(command));
        }
        None => model.say("no command is known that logs in"),
    }
}

/// What enter does: what takes nobody's decision away.
pub(crate) fn harmless(notification: &Notification) -> Option<Choice> {
    let choices = [Choice::Open, Choice::RetryNow, Choice::LogIn];
    choices
        .into_iter()
        .find(|choice| has(notification, *choice))
}

/// Whether this can be chosen in it.
pub(crate) fn has(notification: &Notification, choice: Choice) -> bool {
    notification
        .choices
        .iter()
        .any(|word| word == choice.word())
}

/// Chooses something in a notification.
pub(super) fn act(model: &mut Model, work: &mut Work<'_, '_>, id: u64, choice: Choice) {
    let Some(notification) = model.notices.get(id) else {
        return model.say("that notification is over");
    };
    if !has(notification, choice) {
        let what = choice.label().to_lowercase();
        return model.say(format!("`{what}` cannot be chosen in this one"));
    }
    let key = IdempotencyKey((work.fresh)());
    let choice = choice.word();
    work.ask(Effect::Notice(Wish::Act { id, choice, key }));
}

/// A key in the list.
pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    let screenful = isize::try_from(model.look.rows / 3).unwrap_or(1).max(1);
    let Some(Layer::Notices(pane)) = model.layers.last_mut() else {
        return false;
    };
    let (chosen, listens) = (pane.chosen(), pane.listens);
    let wish = |wish| Effect::Notice(wish);
    let steps = match what {
        Some(Do::NoticeDown) => Some(1),
        Some(Do::NoticeUp) => Some(-1),
        Some(Do::PageDown) => Some(screenful),
        Some(Do::PageUp) => Some(-screenful),
        _ => None,
    };
    if let Some(steps) = steps {
        pane.step(&model.notices, steps);
        return true;
    }
    match (what, chosen) {
        (Some(Do::Notifications), _) => {
            model.layers.pop();
        }
        (Some(Do::Pause5), _) => work.ask(wish(Wish::Snooze(5))),
        (Some(Do::Pause15), _) => work.ask(wish(Wish::Snooze(15))),
        (Some(Do::Pause30), _) => work.ask(wish(Wish::Snooze(30))),
        (Some(Do::PauseUntilReset), _) => work.ask(wish(Wish::Snooze(0))),
        (Some(Do::EndPause), _) => work.ask(wish(Wish::Unsnooze)),
        (Some(Do::OpenNotice | Do::AllowNotice | Do::DenyNotice | Do::DismissNotice), None) => {
            model.say("there is no notification to be chosen");
        }
        // Whoever typed this may have meant what stood there before.
        (Some(Do::AllowNotice | Do::DenyNotice), Some(_)) if model.is_deaf(listens) => {}
        (Some(Do::AllowNotice), Some(id)) => act(model, work, id, Choice::Allow),
        (Some(Do::DenyNotice), Some(id)) => act(model, work, id, Choice::Deny),
        (Some(Do::DismissNotice), Some(id)) => work.ask(wish(Wish::Dismiss(id))),
        (Some(Do::OpenNotice), Some(id)) => match model.notices.get(id).and_then(harmless) {
            Some(choice) => act(model, work, id, choice),
            None => model.say("there is nothing to open; d takes it away"),
        },
        (Some(_), _) => return false,
        (None, _) => return usage::typed(model, key),
    }
    true
}
