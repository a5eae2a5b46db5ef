//! Colours of code: what a block's lines are coloured like, found off the drawing thread.
//!
//! Who draws asks each time and takes what is known by then ([`Highlights`]); the rest is drawn plainly until it is known.
//! [`Highlighter`] keeps what is known, within bounds, and has a thread find the rest, started when there is first
//! something to find. A block that grows is coloured line by line: what has its colours keeps them.
//!
//! What was found in a burst is handed out over several frames ([`Highlighter::begin_frame`]), so that no frame has to colour
//! thousands of lines.
//!
//! Laws: asking never waits; a block that shrinks or is another one suddenly is only coloured anew; what is found is handed
//! out in the end.

mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use ratatui::style::Style;

use super::wrap::Span;
use crate::theme::{Syntax, Theme};
use worker::{Found, Job};

/// Larger blocks stay plain.
const LARGEST: usize = 256 * 1024;
/// So many lines get their colours in a frame.
const LINES: usize = 400;
/// How many bytes of colours are kept.
const KEPT: usize = 4 * 1024 * 1024;

/// One line's stretches: how many bytes, and what they are.
pub type Tints = Box<[(u32, Syntax)]>;

/// A line cut where its colours change.
pub(crate) fn tinted<'a>(line: &'a str, tints: Option<&Tints>, theme: &Theme) -> Vec<Span<'a>> {
    let mut spans = Vec::new();
    let mut rest = line;
    for (bytes, what) in tints.map(AsRef::as_ref).unwrap_or_default() {
        let bytes = usize::try_from(*bytes).unwrap_or(usize::MAX);
        let Some((text, behind)) = rest.split_at_checked(bytes) else {
            break;
        };
        spans.push(Span::new(text, theme.syntax(*what)));
        rest = behind;
    }
    spans.push(Span::new(rest, Style::new()));
    spans
}

/// One block of code: it only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeId(u64);

impl CodeId {
    /// One that no other block has.
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A block of code, as much as there is of it.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    /// Which.
    pub id: CodeId,
    /// The language's name, or a file's extension.
    pub language: &'a str,
    /// The lines so far, each with its line feed, but perhaps the last.
    pub text: &'a str,
    /// There will be no more.
    pub whole: bool,
}

/// Knows colours.
pub trait Highlights {
    /// The first lines of a block, as many as are known; sees to it that more will be.
    fn lines(&mut self, code: &Code<'_>) -> &[Tints];
}

/// Knows none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHighlights;

impl Highlights for NoHighlights {
    fn lines(&mut self, _: &Code<'_>) -> &[Tints] {
        &[]
    }
}

/// Called when more is known than before, from another thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Knows what the thread has found.
pub struct Highlighter {
    wake: Wake,
    thread: Option<Thread>,
    blocks: HashMap<CodeId, Known>,
    bytes: usize,
    kept: usize,
    clock: u64,
    /// How many more lines may get their colours in this frame.
    room: usize,
    /// Some have to wait for the next one.
    withheld: bool,
}

struct Thread {
    jobs: Sender<Job>,
    found: Receiver<Found>,
}

/// What is known of a block.
#[derive(Default)]
struct Known {
    lines: Vec<Tints>,
    /// How many of them were handed out.
    shown: usize,
    /// How much of the text the thread was given.
    given: usize,
    /// What tells answers about this text from those about one before it.
    round: u64,
    bytes: usize,
    used: u64,
}

impl std::fmt::Debug for Highlighter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Highlighter")
            .field("blocks", &self.blocks.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Highlighter {
    /// One that knows nothing yet.
    pub fn new(wake: Wake) -> Self {
        Self {
            wake,
            thread: None,
            blocks: HashMap::new(),
            bytes: 0,
            kept: KEPT,
            clock: 0,
            room: usize::MAX,
            withheld: false,
        }
    }

    /// A frame begins: it colours no more than so many lines. If there are more, there is reason for another one.
    pub fn begin_frame(&mut self) {
        self.room = LINES;
        self.withheld = false;
    }

    /// Takes in what the thread has found.
    fn absorb(&mut self) {
        let Some(thread) = &self.thread else { return };
        for found in thread.found.try_iter() {
            let Some(known) = self.blocks.get_mut(&found.id) else {
                continue;
            };
            if known.round != found.round {
                continue;
            }
            let Some(lines) = found.lines else {
                self.bytes -= known.bytes;
                self.blocks.remove(&found.id);
                continue;
            };
            for line in lines.each() {
                let bytes = size(&line);
                known.lines.push(line);
                known.bytes += bytes;
                self.bytes += bytes;
            }
        }
    }

    /// Forgets what was not asked for longest, but not the block that is asked for.
    fn make_room(&mut self, but: CodeId) {
        while self.bytes > self.kept {
            let others = self.blocks.iter().filter(|(id, _)| **id != but);
            let Some(oldest) = others
                .min_by_key(|(_, known)| known.used)
                .map(|(id, _)| *id)
            else {
                return;
            };
            let known = self.blocks.remove(&oldest);
            self.bytes -= known.map_or(0, |known| known.bytes);
        }
    }

    /// Gives work to the thread. Without one (it could not be started) everything stays plain.
    fn give(&mut self, job: Job) {
        if self.thread.is_none() {
            let (jobs, taken) = channel();
            let (telling, found) = channel();
            let wake = Arc::clone(&self.wake);
            let thread = std::thread::Builder::new().name("colours".to_owned());
            let started = thread.spawn(move || worker::run(&taken, &telling, &wake));
            self.thread = started.is_ok().then_some(Thread { jobs, found });
        }
        if let Some(thread) = &self.thread {
            // A thread that has ended leaves everything plain.
            let _ = thread.jobs.send(job);
        }
    }
}

/// How many bytes a line's colours take.
fn size(tints: &Tints) -> usize {
    size_of::<Tints>() + size_of_val::<[(u32, Syntax)]>(tints)
}

impl Highlights for Highlighter {
    fn lines(&mut self, code: &Code<'_>) -> &[Tints] {
        if code.language.is_empty() || code.text.len() > LARGEST {
            return &[];
        }
        self.absorb();
        self.make_room(code.id);
        self.clock += 1;
        let clock = self.clock;
        let known = self.blocks.entry(code.id).or_insert_with(|| Known {
            round: clock,
            ..Known::default()
        });
        known.used = clock;
        if known.given > code.text.len() {
            self.bytes -= known.bytes;
            *known = Known {
                round: clock,
                used: clock,
                ..Known::default()
            };
        }
        if known.given < code.text.len() {
            let job = Job {
                id: code.id,
                round: known.round,
                language: code.language.to_owned(),
                first: known.given == 0,
                text: code.text.get(known.given..).unwrap_or_default().to_owned(),
                last: code.whole,
            };
            known.given = code.text.len();
            self.give(job);
        }
        let Some(known) = self.blocks.get_mut(&code.id) else {
            return &[];
        };
        let more = known.lines.len() - known.shown;
        known.shown += more.min(self.room);
        self.room -= more.min(self.room);
        if known.shown < known.lines.len() && !std::mem::replace(&mut self.withheld, true) {
            (self.wake)();
        }
        known.lines.get(..known.shown).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
