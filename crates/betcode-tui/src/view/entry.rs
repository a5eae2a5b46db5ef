//! One entry of the conversation as rows. They are made once for a width and kept; only a text that still grows is laid out
//! again, and of it only what has grown.

use betcode_core::event::MessageEnd;
use betcode_core::id::Sequence;
use ratatui::style::Style;

use crate::text::diff::Diff;
use crate::text::highlight::Highlights;
use crate::text::markdown::Markdown;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, Span, wrap, wrap_text};
use crate::theme::{MadeFor, Theme};
use crate::transcript::{Body, Entry, Message, Said, Trace, TraceKind};

use super::thinking::Thinking;
use super::viewer::Viewer;
use super::{tool, words};

/// A message of the user is folded beyond so many rows.
const SAID_ROWS: usize = 12;

/// How entries are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// Columns.
    pub width: u16,
    /// The palette.
    pub theme: &'a Theme,
    /// Everything is unfolded.
    pub unfolded: bool,
    /// Changes are shown side by side.
    pub side_by_side: bool,
    /// Where the session works: paths in it are shown from there.
    pub cwd: &'a str,
    /// The name of who looks: what others said is marked.
    pub viewer: &'a Viewer,
}

/// What is kept of an entry's rows.
#[derive(Debug, Default)]
pub struct Drawn {
    made_for: Option<Made>,
    rows: Vec<Row>,
    /// In which of them changes begin.
    hunks: Vec<usize>,
    text: Option<Box<Markdown>>,
    /// Changes of files, and how much of their colours was known.
    diffs: Vec<Diff>,
    known: usize,
    /// How many bytes of the message the text has got.
    fed: usize,
    /// How far thinking has come.
    thinking: Thinking,
}

/// What rows were made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    width: u16,
    theme: MadeFor,
    unfolded: bool,
    side_by_side: bool,
}

impl Drawn {
    /// What they show has changed.
    pub fn forget(&mut self) {
        self.made_for = None;
    }

    /// They are far from where one looks: the memory is given back.
    pub fn release(&mut self) {
        // Most of a long conversation has been released before.
        if self.made_for.is_some() || self.text.is_some() || self.rows.capacity() > 0 {
            *self = Self::default();
        }
    }
}

impl Entry {
    /// Sees to it that there are rows; says how many.
    pub fn layout(&mut self, manner: &Manner<'_>, highlights: &mut dyn Highlights) -> usize {
        let unfolded = self.unfolded.unwrap_or(manner.unfolded);
        let made = Made {
            width: manner.width,
            theme: manner.theme.made_for(),
            unfolded,
            side_by_side: manner.side_by_side,
        };
        if let Body::Answer(message) = &self.body {
            return answer(&mut self.drawn, message, manner, highlights);
        }
        if let Body::Tool(call) = &self.body {
            if self.drawn.diffs.len() != call.diff.len() {
                self.drawn.diffs = call.diff.iter().map(Diff::of).collect();
            }
            let known = self
                .drawn
                .diffs
                .iter()
                .map(|diff| diff.known(highlights))
                .sum();
            if std::mem::replace(&mut self.drawn.known, known) != known {
                self.drawn.forget();
            }
        }
        let is_kept = self.drawn.made_for == Some(made);
        if is_kept && !grows(&self.body) {
            return self.drawn.rows.len();
        }
        if let Body::Thinking(message) = &self.body {
            let Drawn { thinking, rows, .. } = &mut self.drawn;
            if !is_kept {
                *thinking = Thinking::default();
                rows.clear();
            }
            thinking.draw(message, manner, unfolded, rows);
            self.drawn.made_for = Some(made);
            return self.drawn.rows.len();
        }
        self.drawn.rows = match &self.body {
            Body::User(said) => user(said, self.first, manner, unfolded),
            Body::Answer(_) | Body::Thinking(_) => Vec::new(),
            Body::Tool(call) => {
                let tool = tool::rows(call, &self.drawn.diffs, manner, self.unfolded, highlights);
                self.drawn.hunks = tool.hunks;
                tool.rows
            }
            Body::Trace(trace) => remark(trace, self.first, manner),
        };
        self.drawn.made_for = Some(made);
        self.drawn.rows.len()
    }

    /// How many blocks of a text are finished. It needs no layout.
    pub fn finished_blocks(&mut self) -> usize {
        match &self.body {
            Body::Answer(message) => fed(&mut self.drawn, message).blocks(),
            _ => 0,
        }
    }

    /// Some blocks of a text as lines to be read aloud, and what is not finished if they go on without end.
    pub fn spoken_blocks(&mut self, blocks: std::ops::Range<usize>) -> Vec<String> {
        match &self.body {
            Body::Answer(message) => fed(&mut self.drawn, message).spoken(blocks),
            _ => Vec::new(),
        }
    }

    /// The rows of the last layout of some of its blocks, and of what is not finished if they go on without end. What is no
    /// text is one block.
    pub fn block_rows(
        &self,
        blocks: std::ops::Range<usize>,
    ) -> Box<dyn Iterator<Item = &Row> + '_> {
        match &self.drawn.text {
            Some(text) => Box::new(text.block_rows(blocks)),
            None => Box::new(self.drawn.rows.iter()),
        }
    }

    /// The rows of the last layout, from one on.
    pub fn rows(&self, from: usize) -> Box<dyn Iterator<Item = &Row> + '_> {
        match &self.drawn.text {
            Some(text) => Box::new(text.rows(from)),
            None => Box::new(self.drawn.rows.iter().skip(from)),
        }
    }
}

impl Drawn {
    /// In which rows of the last layout changes of files begin.
    pub fn hunks(&self) -> &[usize] {
        &self.hunks
    }

    /// How many blocks of a text are finished.
    pub fn blocks(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.blocks())
    }
}

/// Whether it may have changed without a word: thinking that comes.
fn grows(body: &Body) -> bool {
    matches!(body, Body::Thinking(message) if message.end().is_none())
}

/// Text of the agent: fed to its layout as it comes.
fn answer(
    drawn: &mut Drawn,
    message: &Message,
    manner: &Manner<'_>,
    highlights: &mut dyn Highlights,
) -> usize {
    if message.end() == Some(MessageEnd::Abandoned) {
        drawn.text = None;
        let remark = "(given up by the agent, which began anew)";
        drawn.rows = marked("·", remark, manner.theme.faint, manner);
        return drawn.rows.len();
    }
    fed(drawn, message).layout(manner.width, manner.theme, highlights)
}

/// The text with everything that has come of it.
fn fed<'a>(drawn: &'a mut Drawn, message: &Message) -> &'a mut Markdown {
    let text = drawn.text.get_or_insert_with(|| {
        drawn.fed = 0;
        Box::new(Markdown::new())
    });
    if let Some(more) = message
        .text()
        .get(drawn.fed..)
        .filter(|more| !more.is_empty())
    {
        text.push(more);
        drawn.fed = message.text().len();
    }
    if message.end().is_some() && !text.is_finished() {
        text.finish();
    }
    text
}

fn user(said: &Said, at: Sequence, manner: &Manner<'_>, unfolded: bool) -> Vec<Row> {
    let theme = manner.theme;
    let mut rows = marked_with("❯", theme.accent, &said.text, theme.user, manner);
    if rows.len() > SAID_ROWS && !unfolded {
        let hidden = rows.len() - SAID_ROWS;
        rows.truncate(SAID_ROWS);
        rows.push(indented(
            &format!("… {} more", words::counted(hidden, "row")),
            theme.faint,
        ));
    }
    if !said.attached.is_empty() {
        let names: Vec<_> = said
            .attached
            .iter()
            .map(|name| sanitize::line(name))
            .collect();
        rows.push(indented(&format!("[{}]", names.join("] [")), theme.accent));
    }
    if let Some(other) = manner.viewer.other(&said.from, at) {
        let from = format!("from {}", sanitize::line(&other));
        rows.push(indented(&from, theme.faint));
    }
    rows
}

fn remark(trace: &Trace, at: Sequence, manner: &Manner<'_>) -> Vec<Row> {
    let theme = manner.theme;
    let (mark, style) = match trace.kind {
        TraceKind::Note => ("·", theme.faint),
        TraceKind::Allowed => ("✓", theme.success),
        TraceKind::Denied => ("✗", theme.failure),
        TraceKind::Failure => ("!", theme.failure),
        TraceKind::Divider => {
            let hint = trace.hint(|by| manner.viewer.other(by, at));
            let text = [trace.text.as_str(), &hint].join(" ");
            return divider(text.trim_end(), manner);
        }
    };
    let hint = trace.hint(|by| manner.viewer.other(by, at));
    // The card of the call says it already.
    if trace.is_bare_denial() && hint.is_empty() {
        return Vec::new();
    }
    let mut rows = marked_with(mark, style, &trace.text, style, manner);
    if !hint.is_empty() {
        let frame = Frame::plain(manner.width).with(Row::styled("  ", theme.faint).decorated());
        wrap_text(&sanitize::plain(&hint), theme.faint, &frame, &mut rows);
    }
    rows
}

/// A line across, with words in it.
pub(super) fn divider(text: &str, manner: &Manner<'_>) -> Vec<Row> {
    let text = format!("── {} ", sanitize::line(text));
    let mut row = Row::styled(text, manner.theme.faint).cut(usize::from(manner.width));
    let rest = usize::from(manner.width).saturating_sub(row.width());
    row.push(&"─".repeat(rest), manner.theme.faint);
    vec![row.decorated()]
}

/// Text behind a mark.
pub(super) fn marked(mark: &str, text: &str, style: Style, manner: &Manner<'_>) -> Vec<Row> {
    marked_with(mark, style, text, style, manner)
}

fn marked_with(
    mark: &str,
    mark_style: Style,
    text: &str,
    style: Style,
    manner: &Manner<'_>,
) -> Vec<Row> {
    let first = Row::styled(format!("{mark} "), mark_style).decorated();
    let rest = Row::styled("  ", style).decorated();
    let frame = Frame {
        width: manner.width,
        first,
        next: rest.clone(),
        rest,
        verbatim: false,
    };
    let mut rows = Vec::new();
    wrap(
        &[Span::new(&sanitize::plain(text), style)],
        &frame,
        &mut rows,
    );
    rows
}

fn indented(text: &str, style: Style) -> Row {
    let mut row = Row::styled("  ", style).decorated();
    row.push(text, style);
    row
}
