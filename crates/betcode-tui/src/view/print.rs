//! What is finished is printed once: which entries, which blocks of them, and where it begins. On what it is printed, rows or
//! spoken lines, is a [`Paper`]'s.

use std::ops::Range;

use crate::inline::{Divider, Inline, Last, Stage};
use crate::model::{Link, Model};
use crate::transcript::{Body, Entry, List, ToolState};

use super::words;

/// What entries are printed onto.
pub(super) trait Paper {
    /// How many blocks of an entry are finished.
    fn blocks(&mut self, entry: &mut Entry) -> usize;

    /// How much of the room at the beginning an entry takes, a gap before the next one included.
    fn weight(&mut self, entry: &mut Entry) -> usize;

    /// Prints some blocks of an entry, behind a gap if one is wanted. False: there was nothing to print.
    fn print(&mut self, entry: &mut Entry, blocks: Range<usize>, gap: bool) -> bool;

    /// Prints a line that stands between what was and what comes.
    fn across(&mut self, text: &str, gap: bool);

    /// Says that so many events came before and are not printed.
    fn left_out(&mut self, events: usize, gap: bool) {
        let text = format!(
            "{} came before; they are not printed here",
            words::counted(events, "event")
        );
        self.across(&text, gap);
    }
}

/// Prints what is finished and not printed yet. `over`: whatever there is, because nothing more will be printed. `room` is how
/// much of a conversation that is there already is printed, by weight.
pub(super) fn settle(
    model: &mut Model,
    inline: &mut Inline,
    paper: &mut dyn Paper,
    room: usize,
    over: bool,
) {
    if !inline.begun && (!model.knows_its_end() || !begin(model, inline, paper, room)) {
        return;
    }
    if let Some(Divider::Anew) = inline.divider.take() {
        across("the log begins anew", inline, paper);
    }
    let calm = over
        || (!model.session.is_working() && model.link == Link::Connected && model.is_at_head());
    let to = model.transcript.to();
    let list = model.transcript.list_mut();
    for name in inline.cursor.standing() {
        if let Some(entry) = list.get_mut(name)
            && has_ended(&entry.body)
            && let Some(portion) = inline.cursor.ended(name)
        {
            portion_of(entry, portion.from..usize::MAX, inline, paper);
        }
    }
    for place in behind(list, inline) {
        let superseded = is_superseded(list, place);
        let Some(entry) = list.at_mut(place) else {
            break;
        };
        let name = entry.first;
        let blocks = paper.blocks(entry);
        let stage = if superseded || has_ended(&entry.body) {
            Stage::Whole
        } else if over || (calm && entry.last < to) {
            Stage::Standing(blocks)
        } else {
            Stage::Growing(blocks)
        };
        if let Some(portion) = inline.cursor.take(name, stage) {
            let range = portion.from..portion.to.unwrap_or(usize::MAX);
            portion_of(entry, range, inline, paper);
        }
        if inline.cursor.printed < name {
            break;
        }
        entry.drawn.release();
    }
}

/// The places of the entries that are not wholly printed.
pub(super) fn behind(list: &List, inline: &Inline) -> Range<usize> {
    let first = match list.place(inline.cursor.printed) {
        Ok(place) => place + 1,
        Err(place) => place,
    };
    first..list.len()
}

/// Whether nothing more comes of it by itself.
fn has_ended(body: &Body) -> bool {
    match body {
        Body::User(_) | Body::Trace(_) => true,
        Body::Answer(message) | Body::Thinking(message) => message.end().is_some(),
        Body::Tool(tool) => matches!(tool.state, ToolState::Ended { .. }),
    }
}

/// Whether its message goes on in a later entry.
fn is_superseded(list: &List, place: usize) -> bool {
    let id = |entry: &Entry| match &entry.body {
        Body::Answer(message) | Body::Thinking(message) => Some(message.id.clone()),
        _ => None,
    };
    let Some(own) = list.at(place).and_then(id) else {
        return false;
    };
    (place + 1..list.len())
        .filter_map(|later| list.at(later))
        .any(|later| id(later).is_some_and(|other| other == own))
}

/// A part of an entry behind what was printed before.
fn portion_of(entry: &mut Entry, blocks: Range<usize>, inline: &mut Inline, paper: &mut dyn Paper) {
    let kind = kind(&entry.body);
    let gap = blocks.start == 0 && wants_gap(inline.last, kind);
    if paper.print(entry, blocks, gap) {
        inline.last = Some(kind);
    }
}

pub(super) fn kind(body: &Body) -> Last {
    match body {
        Body::Tool(_) => Last::Tool,
        _ => Last::Other,
    }
}

pub(super) fn wants_gap(before: Option<Last>, next: Last) -> bool {
    before.is_some_and(|before| before != Last::Tool || next != Last::Tool)
}

fn across(text: &str, inline: &mut Inline, paper: &mut dyn Paper) {
    paper.across(text, inline.last.is_some());
    inline.last = Some(Last::Other);
}

/// Decides where printing begins: of a conversation that is there already, with the end of it. False while the conversation
/// is not known.
fn begin(model: &mut Model, inline: &mut Inline, paper: &mut dyn Paper, room: usize) -> bool {
    inline.begun = true;
    if inline.divider.take() == Some(Divider::Session) {
        let title = if model.exists {
            format!("session: {}", words::title(&model.session.title))
        } else {
            "a new session".to_owned()
        };
        across(&title, inline, paper);
    }
    let known = inline.cursor.printed;
    let before = model.transcript.before();
    let list = model.transcript.list_mut();
    let mut first = list.len();
    if std::mem::replace(&mut inline.cursor.begun, true) {
        first = behind(list, inline).start;
    } else {
        let mut taken = 0;
        while let Some(place) = first.checked_sub(1) {
            let weight = list.at_mut(place).map_or(0, |entry| paper.weight(entry));
            if taken > 0 && taken + weight > room {
                break;
            }
            taken += weight;
            first = place;
        }
    }
    let unseen = match first.checked_sub(1).and_then(|place| list.at(place)) {
        Some(entry) if entry.first > known => {
            inline.cursor.skip(entry.first);
            list.at(first)
                .map_or(entry.last, |next| next.first)
                .0
                .saturating_sub(known.0 + 1)
        }
        _ => before.0.saturating_sub(known.0),
    };
    if unseen > 0 {
        paper.left_out(
            usize::try_from(unseen).unwrap_or(usize::MAX),
            inline.last.is_some(),
        );
        inline.last = Some(Last::Other);
    }
    true
}
