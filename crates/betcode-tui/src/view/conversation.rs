//! The conversation: only what is visible is laid out, from where one looks.

mod hunks;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::marking::Shown;
use crate::model::{Look, Model};
use crate::text::highlight::Highlights;
use crate::text::row::{Link, Row};
use crate::text::sanitize;
use crate::transcript::{Body, Entry, List};

use super::entry::Manner;
use super::viewer::Viewer;
use super::words;

/// Entries so far from what is visible give their rows back.
const NEAR: usize = 60;

/// Draws it, and settles where one looks: what was asked to be moved is moved now, when heights are known.
pub(super) fn draw(
    model: &mut Model,
    area: Rect,
    highlights: &mut dyn Highlights,
    buffer: &mut Buffer,
    links: &mut Vec<Link>,
) {
    let theme = model.theme.clone();
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let manner = Manner {
        width: area.width,
        ..super::manner(model, &theme, &cwd, &viewer)
    };
    let marking = model.look.marking;
    let mut shown = Vec::new();
    let height = usize::from(area.height);
    let pending = pending(model, &manner);
    let is_at_head = model.is_at_head();
    model.look.rows = height;
    let list = model.transcript.list_mut();
    let mut pages = Pages {
        list,
        manner: &manner,
        highlights,
    };
    let end = pages.end(height.saturating_sub(pending.len()));
    let wanted = model.look.top.map(|(name, row)| pages.find(name, row));
    let mut top = wanted.unwrap_or(end);
    if model.look.by != 0 {
        model.look.change = None;
        top = pages.moved(top, std::mem::take(&mut model.look.by));
    }
    if let Some(step) = model.look.step.take()
        && let Some(found) = pages.change(step, top, &model.look)
    {
        top = found.top;
        model.look.change = Some((found.entry, found.index));
        model.look.chosen = Some(found.entry);
    }
    // The end of what is in memory is the end of the conversation only at its head.
    let follows = top >= end && (model.look.top.is_none() || is_at_head);
    top = top.min(end);
    let mut y = area.y;
    let (mut place, mut skip) = top;
    let first = place;
    let base = Style::default();
    while y < area.bottom() && place < pages.list.len() {
        if pages.height(place) == 0 {
            (place, skip) = (place + 1, 0);
            continue;
        }
        let gap = pages.gap(place);
        let chosen = pages
            .list
            .at(place)
            .is_some_and(|entry| Some(entry.first) == model.look.chosen);
        if let Some(entry) = pages.list.at(place) {
            let blank = gap.saturating_sub(skip);
            y = y.saturating_add(u16::try_from(blank).unwrap_or(0));
            let rows_above = skip.saturating_sub(gap);
            for (row, at) in entry.rows(rows_above).zip(rows_above..) {
                if y >= area.bottom() {
                    break;
                }
                let line = Rect {
                    y,
                    height: 1,
                    ..area
                };
                row.draw(line, base, buffer, links);
                shown.push(Shown {
                    y,
                    entry: entry.first,
                    row: at,
                });
                if let Some(columns) = marking.columns(entry.first, at) {
                    highlight(row, columns, line, &theme, buffer);
                }
                if chosen && area.width > 0 {
                    let sign = bar(&model.look, entry, at);
                    mark(line, sign, &theme, buffer);
                }
                y += 1;
            }
        }
        (place, skip) = (place + 1, 0);
    }
    for (row, y) in pending.iter().zip(y..area.bottom()) {
        row.draw(Rect::new(area.x, y, area.width, 1), base, buffer, links);
    }
    let end_of_visible = place.max(first);
    pages.release(first.saturating_sub(NEAR)..end_of_visible + NEAR);
    model.look.visible = first..end_of_visible;
    model.look.top = if follows {
        model.look.unseen = 0;
        None
    } else {
        let list = model.transcript.list();
        let place = list.at(top.0).map(|entry| (entry.first, top.1));
        place.or(model.look.top)
    };
    model.look.shown = shown;
    model.look.more = if model.look.top.is_some() {
        more(model, area, buffer)
    } else {
        Rect::ZERO
    };
}

/// What is marked of a row stands out.
fn highlight(
    row: &Row,
    columns: std::ops::RangeInclusive<usize>,
    line: Rect,
    theme: &crate::theme::Theme,
    buffer: &mut Buffer,
) {
    let Some(columns) = row.copied_columns(columns) else {
        return;
    };
    let column = |column: usize| {
        line.x
            .saturating_add(u16::try_from(column).unwrap_or(u16::MAX))
    };
    let x = column(columns.start);
    let marked = Rect {
        x,
        width: column(columns.end).saturating_sub(x),
        ..line
    };
    buffer.set_style(marked.intersection(line), theme.chosen);
}

/// What stands at the left of a row of the chosen entry.
fn bar(look: &Look, entry: &Entry, row: usize) -> &'static str {
    let change = look.change.filter(|(name, _)| *name == entry.first);
    let begins = change.and_then(|(_, index)| entry.drawn.hunks().get(index));
    if begins == Some(&row) { "▶" } else { "▌" }
}

/// The chosen entry has a bar at its left, and the change that was gone to an arrow.
fn mark(line: Rect, sign: &str, theme: &crate::theme::Theme, buffer: &mut Buffer) {
    let cell = buffer.cell_mut((line.x, line.y));
    if let Some(cell) = cell {
        if cell.symbol() == " " {
            cell.set_symbol(sign);
        }
        cell.set_style(theme.accent);
    }
}

/// How much is below what is seen; says where it says so.
fn more(model: &Model, area: Rect, buffer: &mut Buffer) -> Rect {
    let text = match model.look.unseen {
        0 => " ↓ end ".to_owned(),
        count => format!(" {count} new ↓ end "),
    };
    let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
    if area.width <= width || area.height <= 2 {
        return Rect::ZERO;
    }
    let place = Rect::new(area.right() - width - 1, area.bottom() - 1, width, 1);
    buffer.set_string(place.x, place.y, text, model.theme.chosen);
    place
}

/// A daemon that is well answers sooner.
const SILENT: std::time::Duration = std::time::Duration::from_secs(3);

/// Messages that are on their way.
pub(super) fn pending(model: &Model, manner: &Manner<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for pending in &model.pending {
        rows.push(Row::default());
        let (mark, style, state) = match &pending.refused {
            None => {
                let waits = model.now.since(pending.at);
                let silent = waits >= SILENT && model.link == crate::model::Link::Connected;
                let state = if silent {
                    format!("the daemon has not answered for {} s", waits.as_secs())
                } else {
                    "sending …".to_owned()
                };
                ("❯", manner.theme.faint, state)
            }
            Some(why) => ("✗", manner.theme.failure, format!("not sent: {why}")),
        };
        let mut said = super::entry::marked(mark, &pending.text, style, manner);
        said.truncate(6);
        rows.append(&mut said);
        rows.extend(super::entry::marked(" ", &state, style, manner));
    }
    let unknown = model.session.undelivered.iter().map(|lost| {
        let what = "may not have reached the agent: /queue";
        (lost, "?", what, manner.theme.needs_you)
    });
    let queued = model.session.queue.iter().map(|queued| {
        // The text needs the room more.
        let what = match manner.width {
            ..60 => "queued",
            _ => "waits for the turn to end",
        };
        (queued, "…", what, manner.theme.faint)
    });
    for (message, mark, what, style) in unknown.chain(queued) {
        let room = usize::from(manner.width).saturating_sub(what.len() + 6);
        let said = words::first_line(&message.text);
        let said = sanitize::line(&said);
        let mut row = Row::styled(format!("{mark} "), style).decorated();
        row.extend(&Row::styled(said, style).cut(room.max(12)));
        row.push(&format!("  ({what})"), style);
        rows.push(row.cut(usize::from(manner.width)));
    }
    rows
}

/// A place in the conversation: an entry, and a row of it with the blank one before it.
type At = (usize, usize);

/// The entries with their heights, which are found as they are needed.
struct Pages<'a> {
    list: &'a mut List,
    manner: &'a Manner<'a>,
    highlights: &'a mut dyn Highlights,
}

impl Pages<'_> {
    /// How many blank rows are before an entry.
    fn gap(&self, place: usize) -> usize {
        let is_tool = |place: usize| {
            matches!(
                self.list.at(place).map(|entry| &entry.body),
                Some(Body::Tool(_))
            )
        };
        match place.checked_sub(1) {
            None => 0,
            Some(before) if is_tool(before) && is_tool(place) => 0,
            Some(_) => 1,
        }
    }

    /// How many rows an entry takes, with those before it.
    fn height(&mut self, place: usize) -> usize {
        let gap = self.gap(place);
        let rows = self
            .list
            .at_mut(place)
            .map_or(0, |entry| entry.layout(self.manner, self.highlights));
        if rows == 0 { 0 } else { rows + gap }
    }

    /// The place where the last rows begin that fit.
    fn end(&mut self, height: usize) -> At {
        let mut room = height;
        let mut place = self.list.len();
        while let Some(before) = place.checked_sub(1) {
            let rows = self.height(before);
            if rows > room {
                return (before, rows - room);
            }
            room -= rows;
            place = before;
        }
        (0, 0)
    }

    /// Where an entry is now; if it is gone, what is in its place.
    fn find(&mut self, name: betcode_core::id::Sequence, row: usize) -> At {
        match self.list.place(name) {
            Ok(place) => (place, row.min(self.height(place).saturating_sub(1))),
            Err(place) => (place.min(self.list.len().saturating_sub(1)), 0),
        }
    }

    /// So many rows further down, or up.
    fn moved(&mut self, (mut place, mut row): At, by: i32) -> At {
        let mut left = by.unsigned_abs() as usize;
        if by < 0 {
            while left > row {
                left -= row;
                let Some(before) = place.checked_sub(1) else {
                    return (0, 0);
                };
                place = before;
                row = self.height(place);
            }
            (place, row - left)
        } else {
            loop {
                let rest = self.height(place).saturating_sub(row);
                if left < rest || place >= self.list.len() {
                    return (place, row + left);
                }
                left -= rest;
                place += 1;
                row = 0;
            }
        }
    }

    /// Entries outside give their rows back.
    fn release(&mut self, near: std::ops::Range<usize>) {
        let far = |place: &usize| !near.contains(place);
        for place in (0..self.list.len()).filter(far) {
            if let Some(entry) = self.list.at_mut(place) {
                entry.drawn.release();
            }
        }
    }
}
