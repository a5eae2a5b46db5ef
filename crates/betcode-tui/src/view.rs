//! Drawing: functions of the state into a buffer. Nothing here changes what is shown, only what is kept of it.
//!
//! From the top: the status line, the conversation, what there is to do, what the agent is doing, then the input or what waits
//! for an answer in its place, and the keys that work now. What is open lies over the conversation.

mod activity;
mod asked;
mod conversation;
pub mod entry;
mod hints;
pub mod inline;
mod input;
mod layers;
mod notices;
pub mod plain;
mod print;
mod prompt;
mod status;
mod thinking;
mod tool;
mod usage;
mod viewer;
pub mod words;

pub(crate) use input::STEADY;
pub(crate) use usage::below as usage_below;

use betcode_core::event::Status;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::Model;
use crate::terminal::notify::Progress;
use crate::text::highlight::Highlights;
use crate::text::row::{Link, Row};
use crate::theme::Theme;
use viewer::Viewer;

/// What was drawn beside the buffer.
#[derive(Debug, Default)]
pub struct Frame {
    /// Where the cursor is; none to hide it.
    pub cursor: Option<Position>,
    /// The links on the screen.
    pub links: Vec<Link>,
}

/// Draws everything.
pub fn draw(
    model: &mut Model,
    area: Rect,
    highlights: &mut dyn Highlights,
    buffer: &mut Buffer,
) -> Frame {
    let mut frame = Frame::default();
    if area.is_empty() {
        return frame;
    }
    let mut left = area;
    let status = status::row(model, area.width);
    put(&mut left, Edge::Top, 1, |line| {
        status.draw(line, model.theme.text, buffer, &mut frame.links);
    });
    let small = area.height < 8;
    if !small {
        let hints = hints::rows(model, area.width);
        let height = u16::try_from(hints.len()).unwrap_or(1);
        put(&mut left, Edge::Bottom, height, |lines| {
            for (row, y) in hints.iter().zip(lines.y..lines.bottom()) {
                let line = Rect::new(lines.x, y, lines.width, 1);
                row.draw(line, model.theme.faint, buffer, &mut frame.links);
            }
        });
    }
    // In a low window what is asked needs every row.
    let low = if model.prompt.is_some() { 16 } else { 12 };
    let above = if area.height < low { 0 } else { 2 };
    let room = left.height.saturating_sub(above);
    let foot = match &model.prompt {
        Some(_) => prompt::draw(model, area.width, room, highlights),
        None => input::draw(model, area.width, room.min(area.height / 2).max(1)),
    };
    let height = u16::try_from(foot.rows.len())
        .unwrap_or(u16::MAX)
        .min(left.height);
    put(&mut left, Edge::Bottom, height, |area| {
        for (row, y) in foot.rows.iter().zip(area.y..area.bottom()) {
            row.draw(
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                model.theme.text,
                buffer,
                &mut frame.links,
            );
        }
        frame.cursor = foot.cursor.map(|(x, y)| Position {
            x: area.x + x.min(area.width.saturating_sub(1)),
            y: area.y + y.min(area.height.saturating_sub(1)),
        });
    });
    let mut above = activity::rows(model, area.width);
    // The most important is at the end.
    let room = usize::from(left.height.saturating_sub(3));
    above.drain(..above.len().saturating_sub(room));
    put(
        &mut left,
        Edge::Bottom,
        u16::try_from(above.len()).unwrap_or(0),
        |area| {
            for (row, y) in above.iter().zip(area.y..area.bottom()) {
                row.draw(
                    Rect {
                        y,
                        height: 1,
                        ..area
                    },
                    model.theme.text,
                    buffer,
                    &mut frame.links,
                );
            }
        },
    );
    conversation::draw(model, left, highlights, buffer, &mut frame.links);
    match layers::draw(model, left, buffer, &mut frame.links) {
        layers::Cursor::Elsewhere => {}
        layers::Cursor::Hidden => frame.cursor = None,
        layers::Cursor::At(position) => frame.cursor = Some(position),
    }
    frame
}

/// The title of the window: which session, and whether it works or waits.
pub fn window_title(model: &Model) -> String {
    let session = &model.session;
    let title = if model.exists {
        words::title(&session.title)
    } else {
        "new session"
    };
    let mark = match session.status {
        _ if session.waiting() > 0 => "▲ ",
        _ if session.is_working() => "● ",
        _ => "",
    };
    format!("{mark}{title} · betcode")
}

/// What is marked, as text: no gutters, and lines as they were before they were wrapped.
pub fn marked(model: &mut Model, highlights: &mut dyn Highlights) -> String {
    let marking = model.look.marking;
    let Some((from, to)) = marking.ends() else {
        return String::new();
    };
    let theme = model.theme.clone();
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let manner = manner(model, &theme, &cwd, &viewer);
    let mut rows = Vec::new();
    for entry in model.transcript.list_mut().iter_mut() {
        if entry.first < from.entry || entry.first > to.entry {
            continue;
        }
        entry.layout(&manner, highlights);
        let parts = entry.rows(0).enumerate().filter_map(|(place, row)| {
            let columns = marking.columns(entry.first, place)?;
            Some(row.part(columns))
        });
        if !rows.is_empty() {
            rows.push(Row::default());
        }
        rows.extend(parts);
    }
    let text = crate::text::row::copied(&rows);
    // A stretch within one line is copied without its end.
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// Whether a turn runs, waits for somebody, or has failed.
pub fn progress(model: &Model) -> Progress {
    let session = &model.session;
    match session.status {
        _ if session.waiting() > 0 => Progress::Waiting,
        _ if session.is_working() => Progress::Busy,
        Status::Crashed | Status::Error => Progress::Failed,
        _ if session.failed => Progress::Failed,
        _ => Progress::None,
    }
}

/// The end of the conversation as text, to be left in the terminal.
pub fn tail(model: &mut Model, highlights: &mut dyn Highlights) -> Vec<String> {
    /// So many rows are left.
    const TAIL: usize = 40;
    let theme = model.theme.clone();
    let cwd = model.session.cwd.clone();
    let viewer = Viewer::of(model);
    let manner = entry::Manner {
        unfolded: false,
        side_by_side: false,
        ..manner(model, &theme, &cwd, &viewer)
    };
    let mut tail = Vec::new();
    for entry in model.transcript.list_mut().iter_mut().rev() {
        if tail.len() >= TAIL {
            break;
        }
        entry.layout(&manner, highlights);
        let rows: Vec<_> = entry
            .rows(0)
            .map(|row| row.text().trim_end().to_owned())
            .collect();
        if !tail.is_empty() && !rows.is_empty() {
            tail.push(String::new());
        }
        tail.extend(rows.into_iter().rev());
    }
    tail.truncate(TAIL);
    tail.reverse();
    tail
}

/// How entries are drawn now, over the whole width.
fn manner<'a>(
    model: &Model,
    theme: &'a Theme,
    cwd: &'a str,
    viewer: &'a Viewer,
) -> entry::Manner<'a> {
    entry::Manner {
        cwd,
        width: model.width,
        theme,
        unfolded: model.look.unfolded,
        side_by_side: model.look.side_by_side,
        viewer,
    }
}

/// Rows, and where the cursor is among them.
struct Foot {
    rows: Vec<Row>,
    cursor: Option<(u16, u16)>,
}

#[derive(Clone, Copy)]
enum Edge {
    Top,
    Bottom,
}

/// Takes rows from an edge of what is left, and draws there.
fn put(left: &mut Rect, edge: Edge, height: u16, draw: impl FnOnce(Rect)) {
    let height = height.min(left.height);
    let area = match edge {
        Edge::Top => Rect { height, ..*left },
        Edge::Bottom => Rect {
            y: left.bottom() - height,
            height,
            ..*left
        },
    };
    left.height -= height;
    if matches!(edge, Edge::Top) {
        left.y += height;
    }
    draw(area);
}

#[cfg(test)]
mod colours;
#[cfg(test)]
mod tests;
