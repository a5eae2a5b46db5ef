//! The guided tour: what going on does, and when a step has ended.

use betcode_core::command::Action;

use crate::composer::Part;
use crate::model::{Link, Model};
use crate::msg::Effect;

use super::{Work, input, keys};

/// Somebody goes on. False when there is no tour that waits for it.
pub(super) fn go_on(model: &mut Model, work: &mut Work<'_, '_>) -> bool {
    let Some(step) = model.tour.as_mut().and_then(crate::tour::Tour::go_on) else {
        return false;
    };
    if model.tour.as_ref().is_some_and(crate::tour::Tour::is_over) {
        keys::leave(model, work);
        return true;
    }
    if let Some(text) = step.say {
        input::message(model, work, vec![Part::Text(text)]);
    }
    if let Some(stunt) = step.stunt {
        if model.exists {
            work.ask(Effect::Stunt(stunt));
        } else if let Some(tour) = &mut model.tour {
            // There is nothing that could be handed over.
            tour.next();
        }
    }
    true
}

/// The next step. False when there is no tour.
pub(super) fn skip(model: &mut Model, work: &mut Work<'_, '_>) -> bool {
    let Some(tour) = &mut model.tour else {
        return false;
    };
    if model.session.is_working() && !tour.waits() {
        work.send(Action::Cancel);
    }
    tour.next();
    if tour.is_over() {
        keys::leave(model, work);
    }
    true
}

/// What was to be done beside the conversation has ended.
pub(super) fn stunt_ended(model: &mut Model, ended: Result<String, String>) {
    let (Ok(text) | Err(text)) = ended;
    if !text.is_empty() {
        model.say(text);
    }
    if let Some(tour) = &mut model.tour {
        tour.stunt_ended();
    }
}

/// Sees whether a step has ended.
pub(super) fn settle(model: &mut Model) {
    let works = model.session.is_working();
    let calm = model.link == Link::Connected && model.pending.is_empty() && !model.observes();
    if let Some(tour) = &mut model.tour {
        tour.watch(works, calm);
    }
}
