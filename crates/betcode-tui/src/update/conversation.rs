//! Where one looks in the conversation, and what is chosen there.

use betcode_core::id::Sequence;

use crate::composer::Composer;
use crate::key::Key;
use crate::keymap::Do;
use crate::layers::Layer;
use crate::model::{Focus, Model, Step};
use crate::msg::{Effect, Towards};
use crate::transcript::{Body, Entry, Transcript};

use super::{Work, input, seek};

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
        Some(Do::Search) => model
            .layers
            .push(Layer::Search(Box::new(Composer::new(model.width)))),
        Some(Do::SearchNext) => seek::step(model, work, true),
        Some(Do::SearchPrevious) => seek::step(model, work, false),
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
    model.look.goal = None;
    model.look.by = 0;
    model.look.unseen = 0;
    model.look.chosen = model
        .transcript
        .list()
        .iter()
        .next_back()
        .map(|entry| entry.first);
}

/// Goes to an entry by its number, wherever in the log it is. What is not in memory is read from there on.
pub(super) fn go_to(model: &mut Model, work: &mut Work<'_, '_>, goal: Sequence) {
    if model.inline.is_some() {
        return;
    }
    model.focus = Focus::Conversation;
    model.look.goal = Some(goal);
    if model.transcript.list().place(goal).is_ok() {
        return land(model);
    }
    let before = Sequence(goal.0.saturating_sub(1));
    model.transcript = Transcript::after(before);
    model.at_beginning = before == Sequence(0);
    model.reading = true;
    work.ask(Effect::Read(Towards::End(before)));
}

/// Looks at the entry that one is on the way to, as soon as it is here with a screenful behind it.
pub(super) fn land(model: &mut Model) {
    /// More entries than this are never needed to fill a screen.
    const SCREENFUL: usize = 100;
    let Some(goal) = model.look.goal else {
        return;
    };
    let list = model.transcript.list();
    let (Ok(place) | Err(place)) = list.place(goal);
    // An entry that has gone on since its beginning stands before what it is looked for in.
    let exact = list.place(goal).is_ok();
    let place = if exact {
        place
    } else {
        place.saturating_sub(1)
    };
    if let Some(entry) = list.at(place) {
        model.look.chosen = Some(entry.first);
        model.look.top = Some((entry.first, 0));
        model.look.by = -2;
    }
    if model.is_at_head() || list.len() - place.min(list.len()) > SCREENFUL {
        model.look.goal = None;
    }
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
    let mut place = place.min(list.len().saturating_sub(1));
    // What has nothing to be seen is not chosen.
    let is_nothing = |place| {
        let entry: Option<&Entry> = list.at(place);
        visible.contains(&place) && entry.is_some_and(|entry| entry.rows(0).next().is_none())
    };
    while is_nothing(place)
        && let Some(next) = place.checked_add_signed(by)
        && next < list.len()
    {
        place = next;
    }
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

/// Everything of an entry in which words are looked for: what is copied of it, and of a call all that was asked and changed.
pub(crate) fn searched(body: &Body) -> String {
    let mut text = plain(body);
    if let Body::Tool(tool) = body {
        strings(&tool.input, &mut text);
        for line in tool
            .diff
            .iter()
            .flat_map(|file| &file.hunks)
            .flat_map(|hunk| &hunk.lines)
        {
            text.extend(["\n", line]);
        }
    }
    text
}

/// The texts in a value.
fn strings(value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::String(string) => text.extend(["\n", string]),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, text)),
        serde_json::Value::Object(fields) => fields.values().for_each(|item| strings(item, text)),
        _ => {}
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
