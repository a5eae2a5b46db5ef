//! Looking for words in the whole conversation: the log is read from its beginning, and one goes from place to place.

use betcode_core::event::Event;
use betcode_core::id::Sequence;

use crate::model::Model;
use crate::msg::Effect;
use crate::seek::Seek;

use super::{Work, conversation};

/// Begins to look for words. The nearest place before where one looks is gone to at once if it is in memory.
pub(super) fn begin(model: &mut Model, work: &mut Work<'_, '_>, words: &str) {
    if words.trim().is_empty() {
        model.seek = None;
        return;
    }
    let mut seek = Seek::new(words);
    let list = model.transcript.list();
    let end = list.place(here(model, false)).unwrap_or_else(|place| place);
    let near = (0..end)
        .rev()
        .filter_map(|place| list.at(place))
        .find(|entry| seek.is_in(&entry.body));
    let near = near.map(|entry| entry.first);
    match near {
        Some(name) => conversation::go_to(model, work, name),
        None => seek.wish(false),
    }
    model.seek = Some(seek);
    go_on(model, work);
}

/// The next place, or the one before.
pub(super) fn step(model: &mut Model, work: &mut Work<'_, '_>, forwards: bool) {
    let from = here(model, forwards);
    let Some(seek) = &mut model.seek else {
        return model.say("nothing is looked for yet: / asks what");
    };
    match seek.next(from, forwards) {
        Some(name) => conversation::go_to(model, work, name),
        None => seek.wish(forwards),
    }
    go_on(model, work);
}

/// A part of the log has been read.
pub(super) fn scanned(
    model: &mut Model,
    work: &mut Work<'_, '_>,
    after: Sequence,
    events: Result<Vec<Event>, String>,
) {
    let Some(seek) = &mut model.seek else {
        return;
    };
    match events {
        Ok(events) => {
            seek.take(after, &events);
            if !events.is_empty() {
                go_on(model, work);
            }
        }
        Err(problem) => {
            seek.give_up();
            return model.say(problem);
        }
    }
    let wished = model.seek.as_mut().and_then(Seek::wished);
    if let Some(forwards) = wished {
        let from = here(model, forwards);
        let next = model
            .seek
            .as_ref()
            .and_then(|seek| seek.next(from, forwards));
        if let Some(name) = next {
            conversation::go_to(model, work, name);
        }
    }
}

/// Reads what has not been looked at.
fn go_on(model: &mut Model, work: &mut Work<'_, '_>) {
    let head = model.head;
    if let Some(after) = model.seek.as_mut().and_then(|seek| seek.read(head)) {
        work.ask(Effect::Scan(after));
    }
}

/// Where one looks: at what is chosen, otherwise before or behind what is seen.
fn here(model: &Model, forwards: bool) -> Sequence {
    let list = model.transcript.list();
    let visible = &model.look.visible;
    let seen = if forwards {
        list.at(visible.start)
            .map(|entry| Sequence(entry.first.0.saturating_sub(1)))
    } else {
        list.at(visible.end.saturating_sub(1))
            .map(|entry| entry.first.next())
    };
    let end = if forwards {
        Sequence(0)
    } else {
        model.head.next()
    };
    model.look.chosen.or(seen).unwrap_or(end)
}
