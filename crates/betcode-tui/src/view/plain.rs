//! Line mode: what is to be printed now, as finished lines. Each is printed once and stays. Nothing is drawn, nothing moves, and
//! every line can be read aloud. What lines mean is [`crate::plain`]'s and [`crate::update::lines`]'s.

mod asked;
mod entry;
mod news;
mod told;
mod wanted;

use std::ops::Range;

use betcode_core::id::Sequence;

use crate::inline::Inline;
use crate::model::Model;
use crate::plain::topic;
use crate::text::sanitize;
use crate::transcript::{Body, Entry};

use super::print::{self, Paper};
use super::viewer::Viewer;
use super::words;
use entry::Voice;

/// So many entries of a conversation that is there already are printed, and so many more whenever they are wanted.
const ENTRIES: usize = 10;

/// What is to be printed now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// The lines.
    pub lines: Vec<String>,
    /// The number of what is asked with the last of them: when they have been printed, that is to be said.
    pub asked: Option<u64>,
}

/// What is to be printed now. It counts as printed from here on.
pub fn settle(model: &mut Model) -> Printed {
    printed(model, false)
}

/// What is to be printed when it is over: what is left of the conversation, as it stands.
pub fn farewell(model: &mut Model) -> Printed {
    printed(model, true)
}

fn printed(model: &mut Model, over: bool) -> Printed {
    let (Some(mut inline), Some(mut plain)) = (model.inline.take(), model.plain.take()) else {
        return Printed::default();
    };
    let mut lines = Vec::new();
    wanted::welcome(model, &mut plain, &mut lines);
    news::before(model, &mut plain.told, &mut lines);
    entries(model, &mut inline, &mut plain, &mut lines, over);
    let mut asked = None;
    if !over {
        news::after(model, &mut plain.told, &mut lines);
        wanted::print(model, &mut plain, &mut lines);
        let ended = plain.asked.as_ref().map(|asked| asked.topic.clone());
        asked = plain.ask(topic(model));
        let gone = ended.filter(|_| plain.asked.is_none());
        asked::ended(model, gone.as_ref(), &mut lines);
        if asked.is_some() {
            asked::lines(model, &mut lines);
        }
    }
    let end = model.transcript.list().len();
    let from = if plain.wants_more() { 0 } else { end };
    model.look.visible = from..end;
    model.look.top = None;
    model.inline = Some(inline);
    model.plain = Some(plain);
    let lines = lines.iter().map(|line| sanitize::line(line).into_owned());
    Printed {
        lines: lines.collect(),
        asked,
    }
}

/// Lines that are printed.
struct Speech<'a> {
    voice: Voice<'a>,
    lines: &'a mut Vec<String>,
    /// The first entry that was printed.
    first: Option<Sequence>,
}

impl Paper for Speech<'_> {
    fn blocks(&mut self, entry: &mut Entry) -> usize {
        entry.finished_blocks()
    }

    fn weight(&mut self, _: &mut Entry) -> usize {
        1
    }

    fn print(&mut self, entry: &mut Entry, blocks: Range<usize>, _: bool) -> bool {
        self.first.get_or_insert(entry.first);
        let before = self.lines.len();
        self.voice.entry(entry, blocks, self.lines);
        self.lines.len() > before
    }

    fn across(&mut self, text: &str, _: bool) {
        self.lines.push(format!("Note: {text}."));
    }

    fn left_out(&mut self, events: usize, _: bool) {
        let events = words::counted(events, "event");
        self.lines
            .push(format!("Earlier: {events}. /more prints what came before."));
    }
}

fn entries(
    model: &mut Model,
    inline: &mut Inline,
    plain: &mut crate::plain::Plain,
    lines: &mut Vec<String>,
    over: bool,
) {
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let mut paper = Speech {
        voice: Voice {
            cwd: &cwd,
            viewer: &viewer,
            whole: false,
        },
        lines,
        first: None,
    };
    print::settle(model, inline, &mut paper, ENTRIES, over);
    let id = model.session.id;
    let same = plain.earliest.is_some_and(|(session, _)| session == id);
    if let Some(first) = paper.first.filter(|_| !same) {
        plain.earliest = Some((id, first));
    }
}

/// Whether an entry has more than is printed of it.
const fn is_folded(body: &Body) -> bool {
    matches!(body, Body::Tool(_) | Body::Thinking(_))
}
