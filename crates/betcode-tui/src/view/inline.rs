//! The inline screen: what is to be printed into the terminal's scrollback now, and the rows below it that are drawn again
//! and again: what may still change, what there is to do, the input, the keys.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::inline::Inline;
use crate::model::{Link, Model};
use crate::text::highlight::Highlights;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::theme::Theme;
use crate::transcript::{Body, Entry};

use super::entry::{Manner, divider};
use super::print::{self, Paper, behind, kind, wants_gap};
use super::viewer::Viewer;
use super::{Frame, activity, conversation, hints, input, layers, prompt, status};

/// What may still change takes at most so many rows: a terminal that becomes lower must not push them into its scrollback.
const TAIL: usize = 12;
/// It takes at least so many, if it has them.
const FEWEST: usize = 2;
/// What is open takes at most so many.
const LAYER: u16 = 20;
/// Below so many rows there is no room for the lines at the bottom.
const SMALL: u16 = 8;

/// The rows that are drawn again and again.
#[derive(Debug, Default)]
pub struct Live {
    /// The rows, never more than the terminal has.
    pub rows: Vec<Row>,
    cursor: Option<(u16, u16)>,
}

impl Live {
    /// How many rows it has: at least one.
    pub fn height(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX).max(1)
    }

    /// Draws them.
    pub fn draw(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Frame {
        let mut frame = Frame::default();
        for (row, y) in self.rows.iter().zip(area.y..area.bottom()) {
            let line = Rect {
                y,
                height: 1,
                ..area
            };
            row.draw(line, theme.text, buffer, &mut frame.links);
        }
        frame.cursor = self.cursor.map(|(x, y)| Position {
            x: area.x + x.min(area.width.saturating_sub(1)),
            y: area.y + y.min(area.height.saturating_sub(1)),
        });
        frame
    }
}

/// What is to be printed now. It counts as printed from here on.
pub fn settle(model: &mut Model, highlights: &mut dyn Highlights) -> Vec<Row> {
    with(model, |model, inline| {
        print(model, inline, highlights, false)
    })
}

/// What is to be printed when it is over: everything that is left, as it stands.
pub fn farewell(model: &mut Model, highlights: &mut dyn Highlights) -> Vec<Row> {
    with(model, |model, inline| {
        let mut rows = print(model, inline, highlights, true);
        if inline.last.is_some() {
            rows.push(Row::default());
        }
        rows
    })
}

fn with(model: &mut Model, what: impl FnOnce(&mut Model, &mut Inline) -> Vec<Row>) -> Vec<Row> {
    let Some(mut inline) = model.inline.take() else {
        return Vec::new();
    };
    let rows = what(model, &mut inline);
    model.inline = Some(inline);
    rows
}

/// Rows for the scrollback.
struct Scroll<'a> {
    manner: Manner<'a>,
    highlights: &'a mut dyn Highlights,
    printed: Vec<Row>,
}

impl Paper for Scroll<'_> {
    fn blocks(&mut self, entry: &mut Entry) -> usize {
        entry.layout(&self.manner, self.highlights);
        entry.drawn.blocks()
    }

    fn weight(&mut self, entry: &mut Entry) -> usize {
        entry.layout(&self.manner, self.highlights) + 1
    }

    fn print(&mut self, entry: &mut Entry, blocks: Range<usize>, gap: bool) -> bool {
        entry.layout(&self.manner, self.highlights);
        let mut new = entry.block_rows(blocks).cloned().peekable();
        if new.peek().is_none() {
            return false;
        }
        self.printed.extend(gap.then(Row::default));
        let first = self.printed.len();
        self.printed.extend(new);
        if matches!(entry.body, Body::User(_)) {
            if let Some(row) = self.printed.get_mut(first) {
                row.prompt.begins = true;
            }
            if let Some(row) = self.printed.last_mut() {
                row.prompt.ends = true;
            }
        }
        true
    }

    fn across(&mut self, text: &str, gap: bool) {
        self.printed.extend(gap.then(Row::default));
        self.printed.extend(divider(text, &self.manner));
    }
}

fn print(
    model: &mut Model,
    inline: &mut Inline,
    highlights: &mut dyn Highlights,
    over: bool,
) -> Vec<Row> {
    let theme = model.theme.clone();
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let room = usize::from(model.height.saturating_sub(SMALL)).max(SMALL.into());
    let mut paper = Scroll {
        manner: super::manner(model, &theme, &cwd, &viewer),
        highlights,
        printed: Vec::new(),
    };
    print::settle(model, inline, &mut paper, room, over);
    paper.printed
}

/// The rows below what is printed.
pub fn live(model: &mut Model, highlights: &mut dyn Highlights) -> Live {
    below(model, highlights, true)
}

/// Only those that one works with: while the size of the terminal changes, it may shove others into its scrollback before it
/// says anything.
pub fn least(model: &mut Model, highlights: &mut dyn Highlights) -> Live {
    below(model, highlights, false)
}

fn below(model: &mut Model, highlights: &mut dyn Highlights, all: bool) -> Live {
    let (width, height) = (model.width, model.height.max(1));
    let mut left = height;
    let mut bottom = Vec::new();
    if height >= SMALL && all {
        bottom.push(status::row(model, width));
        bottom.extend(hints::rows(model, width));
        left = left.saturating_sub(u16::try_from(bottom.len()).unwrap_or(left));
    }
    let foot = match &model.prompt {
        Some(_) => prompt::draw(model, width, left, highlights),
        None => input::draw(model, width, left.min(height / 2).max(1)),
    };
    let mut foot_rows = foot.rows;
    foot_rows.truncate(left.into());
    left -= u16::try_from(foot_rows.len()).unwrap_or(left);
    let mut above = activity::rows(model, width);
    above.truncate(left.into());
    left -= u16::try_from(above.len()).unwrap_or(left);
    let layer = layers::rows(model, Rect::new(0, 0, width, left.min(LAYER)));
    let most = usize::from(left).min((usize::from(height) / 3).clamp(3, TAIL));
    let mut cursor = foot.cursor;
    let mut rows = Vec::new();
    if let Some((layer, at)) = layer {
        model.look.rows = usize::from(left.min(LAYER));
        rows = layer;
        cursor = at;
    } else if most > 0 && all {
        let others = above.iter().chain(&foot_rows).chain(&bottom);
        let others = others.map(|row| halved(row, width)).sum();
        rows = tail(model, highlights, most);
        fit(&mut rows, width, usize::from(height).saturating_sub(others));
    }
    let here = u16::try_from(rows.len()).unwrap_or(0);
    let is_foot = model.layers.is_empty();
    rows.append(&mut above);
    if is_foot {
        let down = u16::try_from(rows.len()).unwrap_or(0);
        cursor = cursor.map(|(x, y)| (x, y + down));
    } else {
        cursor = cursor.filter(|(_, y)| *y < here);
    }
    rows.append(&mut foot_rows);
    rows.append(&mut bottom);
    let end = model.transcript.list().len();
    model.look.visible = end..end;
    model.look.top = None;
    model.look.by = 0;
    Live { rows, cursor }
}

/// How many rows it becomes in a terminal that is made half as wide and wraps rows anew.
fn halved(row: &Row, width: u16) -> usize {
    let half = usize::from(width / 2).saturating_sub(1).max(1);
    row.width().div_ceil(half).max(1)
}

/// Keeps the last rows that have room even then: what the terminal shoves into its scrollback cannot be taken back.
fn fit(rows: &mut Vec<Row>, width: u16, room: usize) {
    let mut left = room;
    let fits = rows.iter().rev().take_while(|row| {
        let rest = left.checked_sub(halved(row, width));
        left = rest.unwrap_or(0);
        rest.is_some()
    });
    let kept = fits.count().max(FEWEST.min(rows.len()));
    rows.drain(..rows.len() - kept);
}

/// What may still change, and messages that are on their way: the last rows of it.
fn tail(model: &mut Model, highlights: &mut dyn Highlights, most: usize) -> Vec<Row> {
    let Some(inline) = model.inline.take() else {
        return Vec::new();
    };
    let theme = model.theme.clone();
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let manner = super::manner(model, &theme, &cwd, &viewer);
    let mut rows = Vec::new();
    if inline.begun {
        let mut before = inline.last;
        let list = model.transcript.list_mut();
        for place in behind(list, &inline) {
            let Some(entry) = list.at_mut(place) else {
                break;
            };
            entry.layout(&manner, highlights);
            let from = inline.cursor.blocks(entry.first);
            let mut new = entry.block_rows(from..usize::MAX).peekable();
            if new.peek().is_none() {
                continue;
            }
            let kind = kind(&entry.body);
            if !inline.cursor.has_begun(entry.first) && wants_gap(before, kind) {
                rows.push(Row::default());
            }
            rows.extend(new.cloned());
            before = Some(kind);
        }
    } else if model.exists && model.link != Link::Connecting {
        rows.push(Row::styled(
            sanitize::line(" reading the conversation …"),
            theme.faint,
        ));
    }
    rows.extend(conversation::pending(model, &manner));
    model.inline = Some(inline);
    rows.split_off(rows.len().saturating_sub(most))
}
