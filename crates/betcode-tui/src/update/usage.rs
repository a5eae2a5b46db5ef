//! The use of plans: what comes, the pane of it, and the line that says why nothing comes.

use crate::key::Key;
use crate::keymap::Do;
use crate::layers::Layer;
use crate::model::Model;
use crate::msg::Effect;
use crate::usage::{Known, News, OLDER, Remedy, login};
use crate::view;

use super::{Work, prompts};

pub(super) fn come(model: &mut Model, work: &mut Work<'_, '_>, news: News) {
    let usage = &mut model.usage;
    match news {
        News::All(accounts) => usage.know(accounts),
        News::Changed(account) => usage.know_one(*account),
        News::Lost => usage.lose(),
        News::Unsupported => usage.known = Known::Unsupported,
        News::History(history) => usage.history = Some(history),
        News::Refreshed(refreshed) => {
            usage.asking = false;
            match refreshed {
                Ok(accounts) => {
                    usage.know(accounts);
                    if is_open(model) {
                        work.ask(Effect::UsageHistory);
                    }
                    let said = outcome(model);
                    model.say(said);
                }
                Err(lack) => model.say(lack.said()),
            }
        }
    }
}

/// What came of asking the sources, in a line.
fn outcome(model: &Model) -> String {
    let usage = &model.usage;
    match usage.banner(&model.session.agent) {
        Some((account, _)) => usage.sentence(account, model.now),
        None => "usage is up to date".to_owned(),
    }
}

fn is_open(model: &Model) -> bool {
    let mut layers = model.layers.iter();
    layers.any(|layer| matches!(layer, Layer::Usage { .. }))
}

/// Opens the pane.
pub(super) fn open(model: &mut Model, work: &mut Work<'_, '_>) {
    if is_open(model) {
        return;
    }
    model.layers.push(Layer::Usage { scroll: 0 });
    work.ask(Effect::UsageHistory);
}

/// Asks the sources, because somebody wants it.
pub(super) fn refresh(model: &mut Model, work: &mut Work<'_, '_>) {
    if model.usage.known == Known::Unsupported {
        return model.say(OLDER);
    }
    if !std::mem::replace(&mut model.usage.asking, true) {
        model.say("asking how much is used …");
        work.ask(Effect::RefreshUsage);
    }
}

/// Does what the line about usage offers; without one, asks the sources.
pub(super) fn retry(model: &mut Model, work: &mut Work<'_, '_>) {
    let banner = model.usage.banner(&model.session.agent);
    let command = banner.and_then(|(account, remedy)| match remedy {
        Remedy::LogIn => login(account),
        Remedy::Retry | Remedy::Wait => None,
    });
    match command {
        Some(command) => work.ask(Effect::Copy(command)),
        None => refresh(model, work),
    }
}

/// Hides the line about usage until something else is to be said.
pub(super) fn hide(model: &mut Model) {
    let agent = model.session.agent.clone();
    if !model.usage.hide(&agent) {
        model.say("there is nothing to hide");
    }
}

/// A key in the pane.
pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    let page = model.look.rows.saturating_sub(3).max(1);
    let most = view::usage_below(model);
    let Some(Layer::Usage { scroll }) = model.layers.last_mut() else {
        return false;
    };
    match what {
        Some(Do::UsageDown) => *scroll = scroll.saturating_add(1).min(most),
        Some(Do::UsageUp) => *scroll = scroll.saturating_sub(1),
        Some(Do::PageDown) => *scroll = scroll.saturating_add(page).min(most),
        Some(Do::PageUp) => *scroll = scroll.saturating_sub(page),
        Some(Do::Usage) => {
            model.layers.pop();
        }
        Some(Do::UsageRefresh) => refresh(model, work),
        Some(Do::CopyLogin) => match model.usage.accounts().iter().find_map(login) {
            Some(command) => work.ask(Effect::Copy(command)),
            None => model.say("no command is known that logs in"),
        },
        Some(_) => return false,
        None => return typed(model, key),
    }
    true
}

/// What means nothing in a pane was meant for the input.
pub(super) fn typed(model: &mut Model, key: Key) -> bool {
    if let Some(c) = key.text() {
        model.layers.pop();
        prompts::to_the_input(model, c.encode_utf8(&mut [0; 4]));
    }
    true
}
