//! Where one looks in the conversation, and what is chosen there.

use betcode_core::id::Sequence;

use crate::composer::Composer;
use crate::key::Key;
use crate::keymap::Do;
use crate::layers::Layer;
use crate::model::{Focus, Model, Step};
use crate::msg::Effect;
use crate::transcript::{Body, Transcript};

use super::{Work, input};

pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, what: Option<Do>, key: Key) -> bool {
    let half = i32::try_from(model.look.rows / 2).unwrap_or(1).max(1);
    match what {
        Some(Do::Next) => choose(model, 1),
        Some(Do::Previous) => choose(model, -1),
        Some(Do::HalfDown) => scroll(model, half),
        Some(Do::HalfUp) => scroll(model, -half),
        Some(Do::First) => to_top(model),
        Some(Do::Last) => to_end(model),
        Some(Do::Toggle) => toggle(model),
        Some(Do::SideBySide) => {
            model.look.side_by_side = !model.look.side_by_side;
        }
        Some(Do::NextChange) => to_change(model, Step::Next),
        Some(Do::PreviousChange) => to_change(model, Step::Previous),
        Some(Do::Search) => model.layers.push(Layer::Search(Composer::new(model.width))),
        Some(Do::SearchNext) => search(model, true),
        Some(Do::SearchPrevious) => search(model, false),
        Some(Do::Copy) => copy(model, work),
        Some(Do::Keys) => model.layers.push(Layer::Help { scroll: 0 }),
        // Whoever begins to write wants to write.
        None if key.text().is_some() && !model.observes() => {
            model.focus = Focus::Input;
            return input::key(model, work, None, key);
        }
        Some(_) | None => return false,
    }
    true
}

/// To another change of a file. Where it is, is known when it is drawn.
fn to_change(model: &mut Model, step: Step) {
    let is_change = |body: &Body| matches!(body, Body::Tool(tool) if !tool.diff.is_empty());
    let list = model.transcript.list();
    if list.iter().any(|entry| is_change(&entry.body)) {
        model.look.step = Some(step);
    } else {
        model.say("no file is changed in what is loaded");
    }
}

/// Moves what is shown by so many rows at the next drawing.
pub(super) fn scroll(model: &mut Model, rows: i32) {
    model.look.by = model.look.by.saturating_add(rows);
}

pub(super) fn to_top(model: &mut Model) {
    if !model.at_beginning && model.inline.is_none() {
        // The window is read again from the beginning of the log.
        model.transcript = Transcript::after(Sequence(0));
        model.at_beginning = true;
        model.look.top = Some((Sequence(0), 0));
        model.look.by = 0;
        model.look.chosen = None;
        return;
    }
    let first = model.transcript.list().first().map(|entry| entry.first);
    model.look.top = first.map(|first| (first, 0));
    model.look.by = 0;
    model.look.chosen = first;
}

/// To the end, and stay there.
pub(super) fn to_end(model: &mut Model) {
    if !model.is_at_head() && model.inline.is_none() {
        // The window is read again from its end.
        model.transcript = Transcript::after(model.head);
        model.at_beginning = model.head == Sequence(0);
    }
    model.look.top = None;
    model.look.by = 0;
    model.look.unseen = 0;
    model.look.chosen = model
        .transcript
        .list()
        .iter()
        .next_back()
        .map(|entry| entry.first);
}

/// Chooses the entry after this one or before it, and brings it into sight.
fn choose(model: &mut Model, by: isize) {
    let list = model.transcript.list();
    let visible = model.look.visible.clone();
    let chosen = model.look.chosen.and_then(|name| list.place(name).ok());
    let place = match chosen.filter(|place| visible.contains(place)) {
        Some(place) => place.saturating_add_signed(by),
        None if by < 0 => visible.end.saturating_sub(1),
        None => visible.start,
    };
    let place = place.min(list.len().saturating_sub(1));
    let Some(entry) = list.at(place) else {
        return;
    };
    model.look.chosen = Some(entry.first);
    let inside = place > visible.start && place + 1 < visible.end;
    if !inside {
        // A long entry is read row by row before the next one is chosen.
        scroll(model, if by < 0 { -3 } else { 3 });
    }
}

fn toggle(model: &mut Model) {
    let folded = model.look.chosen.is_some_and(|name| fold(model, name));
    if !folded {
        model.say("nothing is chosen: j and k choose");
    }
}

/// Folds an entry, or unfolds it. False if there is none.
pub(super) fn fold(model: &mut Model, name: Sequence) -> bool {
    let unfolded = model.look.unfolded;
    let Some(entry) = model.transcript.list_mut().get_mut(name) else {
        return false;
    };
    let now = entry.unfolded.unwrap_or(unfolded);
    entry.unfolded = Some(!now);
    entry.drawn.forget();
    true
}

/// The next place of what is looked for, from what is chosen or seen.
pub(super) fn search(model: &mut Model, forwards: bool) {
    if model.look.search.is_empty() {
        model.say("nothing is looked for yet: / asks what");
        return;
    }
    let wanted = model.look.search.to_lowercase();
    let list = model.transcript.list();
    let count = list.len();
    let from = model.look.chosen.and_then(|name| list.place(name).ok());
    let from = from.unwrap_or(model.look.visible.end.saturating_sub(1));
    let step = |by: usize| {
        if forwards {
            (from + by) % count
        } else {
            (from + count - by % count) % count
        }
    };
    let found = (1..=count).map(step).find(|place| {
        let entry = list.at(*place);
        entry.is_some_and(|entry| plain(&entry.body).to_lowercase().contains(&wanted))
    });
    let found = found
        .and_then(|place| list.at(place))
        .map(|entry| entry.first);
    if let Some(name) = found {
        model.look.chosen = Some(name);
        model.look.top = Some((name, 0));
        model.look.by = -2;
    } else {
        let text = format!("`{}` is nowhere in what is loaded", model.look.search);
        model.say(text);
    }
}

fn copy(model: &mut Model, work: &mut Work<'_, '_>) {
    let list = model.transcript.list();
    let chosen = model.look.chosen.and_then(|name| list.get(name));
    let entry = chosen.or_else(|| {
        list.iter()
            .rev()
            .find(|entry| matches!(entry.body, Body::Answer(_)))
    });
    if let Some(entry) = entry {
        work.ask(Effect::Copy(plain(&entry.body)));
    }
}

/// The text of an entry as it was said.
pub(crate) fn plain(body: &Body) -> String {
    match body {
        Body::User(said) => said.text.clone(),
        Body::Answer(message) | Body::Thinking(message) => message.text().to_owned(),
        Body::Trace(trace) => trace.text.clone(),
        Body::Tool(tool) => {
            let input = match tool
                .input
                .get("command")
                .and_then(serde_json::Value::as_str)
            {
                Some(command) => command.to_owned(),
                None => tool.description.clone(),
            };
            format!("{} {input}\n{}", tool.name, tool.output)
        }
    }
}
