//! What is open over the conversation: help, lists, a search, somebody who asks for the input lock.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use betcode_client::FoundKind;
use betcode_core::event::ClientInfo;
use betcode_core::time::Timestamp;

use crate::completion::Match;
use crate::composer::Look;
use crate::finds::Find;
use crate::keymap::{ACTIONS, Place};
use crate::layers::{Layer, Pick};
use crate::model::Model;
use crate::text::row::{Link, Row};
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};
use crate::theme::Theme;
use crate::view::prompt::not_yet;

use super::words;

/// Where the cursor is because of what is open.
pub(super) enum Cursor {
    /// Nothing is open.
    Elsewhere,
    /// Nowhere.
    Hidden,
    /// Where something is written.
    At(Position),
}

/// Draws what is uppermost. The cursor is there if something is written in it, and nowhere otherwise.
pub(super) fn draw(
    model: &Model,
    area: Rect,
    buffer: &mut Buffer,
    links: &mut Vec<Link>,
) -> Cursor {
    let Some((rows, cursor)) = rows(model, area) else {
        return Cursor::Elsewhere;
    };
    if area.is_empty() {
        return Cursor::Hidden;
    }
    let height = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .min(area.height);
    let area = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    for y in area.y..area.bottom() {
        let blank = " ".repeat(usize::from(area.width));
        buffer.set_string(area.x, y, blank, Style::reset());
    }
    for (row, y) in rows.iter().zip(area.y..area.bottom()) {
        let line = Rect {
            y,
            height: 1,
            ..area
        };
        row.draw(line, Style::default(), buffer, links);
    }
    cursor.map_or(Cursor::Hidden, |(x, y)| {
        Cursor::At(Position {
            x: (area.x + x).min(area.right().saturating_sub(1)),
            y: (area.y + y).min(area.bottom().saturating_sub(1)),
        })
    })
}

/// Rows, and where the cursor is among them.
pub(super) type Rows = (Vec<Row>, Option<(u16, u16)>);

/// The rows of what is uppermost, below a line across, for an area of this size. None when nothing is open.
pub(super) fn rows(model: &Model, area: Rect) -> Option<Rows> {
    let theme = &model.theme;
    let width = area.width;
    let (mut rows, cursor) = match model.layers.last()? {
        Layer::Help { scroll } => (help(model, *scroll, area), None),
        Layer::Pick(pick) => list(pick, theme, area),
        Layer::Search(words) => {
            let drawn = words.rows(
                Look {
                    height: 1,
                    sign: "/",
                    placeholder: "a word to look for in the conversation",
                },
                theme,
            );
            (drawn.rows, Some(drawn.cursor))
        }
        Layer::Usage { scroll } => (super::usage::pane(model, *scroll, area), None),
        Layer::Notices(pane) => (super::notices::pane(model, pane, area), None),
        Layer::Lock { asker, listens } => (lock(model, asker, *listens, width), None),
    };
    let line = Row::styled("─".repeat(usize::from(width)), theme.accent);
    rows.insert(0, line);
    rows.truncate(area.height.into());
    Some((rows, cursor.map(|(x, y)| (x, y + 1))))
}

/// All keys, place by place.
fn help(model: &Model, scroll: usize, area: Rect) -> Vec<Row> {
    let theme = &model.theme;
    let mut rows = Vec::new();
    let column = usize::from(area.width / 3).min(26);
    for place in Place::ALL {
        rows.push(Row::styled(format!(" {}", place.name()), theme.heading));
        for entry in ACTIONS.iter().filter(|entry| entry.place == place) {
            let keys: Vec<_> = model
                .keymap
                .keys(entry.action)
                .map(|key| key.to_string())
                .collect();
            let keys = format!("   {:<column$} ", keys.join(", "));
            let first = Row::styled(keys, theme.accent);
            let mut frame = Frame::plain(area.width);
            frame.rest = Row::styled(" ".repeat(column + 4), theme.text).decorated();
            frame.first = first;
            wrap_text(entry.about, theme.text, &frame, &mut rows);
        }
    }
    let room = usize::from(area.height.saturating_sub(2));
    let from = scroll.min(rows.len().saturating_sub(room));
    rows.into_iter().skip(from).take(room).collect()
}

fn list(pick: &Pick, theme: &Theme, area: Rect) -> (Vec<Row>, Option<(u16, u16)>) {
    let title = match &pick.here {
        Some(here) => format!(" Sessions in {}", words::directory(here)),
        None => format!(" {}", pick.what.title()),
    };
    let count = format!("  {}", pick.list.len());
    let mut head = Row::styled(sanitize::line(&title).into_owned(), theme.heading);
    head.push(&count, theme.faint);
    let drawn = pick.query.rows(
        Look {
            height: 1,
            sign: ">",
            placeholder: "write to find",
        },
        theme,
    );
    let cursor = (drawn.cursor.0, drawn.cursor.1 + 1);
    let mut rows = vec![head.cut(usize::from(area.width))];
    rows.extend(drawn.rows);
    let remark = pick.finds.remark();
    if pick.waiting {
        rows.push(Row::styled("   …", theme.faint));
    } else if pick.list.is_empty() && pick.finds.all().is_empty() && remark.is_empty() {
        let here = if pick.here.is_some() && pick.query.is_empty() {
            "   no session in this directory yet"
        } else {
            "   nothing like that"
        };
        rows.push(Row::styled(here, theme.faint));
    }
    let room = usize::from(area.height).saturating_sub(rows.len() + 2);
    let below = finds(pick, &remark, theme, area.width, room);
    let room = room.saturating_sub(below.len());
    let is_find = pick.chosen_find().is_some();
    for mut found in pick.list.window(room) {
        found.chosen &= !is_find;
        rows.push(item(&found, theme, area.width));
    }
    rows.extend(below);
    (rows, Some(cursor))
}

/// What was said in sessions: below the items, which get at least half of the room if they need it.
fn finds(pick: &Pick, remark: &str, theme: &Theme, width: u16, room: usize) -> Vec<Row> {
    let all = pick.finds.all();
    let mut rows = Vec::new();
    if all.is_empty() && remark.is_empty() {
        return rows;
    }
    let room = room
        .saturating_sub(pick.list.len())
        .max(room / 2)
        .saturating_sub(1);
    let mut head = Row::styled("   said in them", theme.faint);
    if !remark.is_empty() {
        head.push(&format!("  {}", sanitize::line(remark)), theme.faint);
    }
    rows.push(head.cut(width.into()));
    let chosen = pick.chosen_find();
    let top = chosen
        .unwrap_or(0)
        .saturating_sub(room / 2)
        .min(all.len().saturating_sub(room));
    for (place, find) in all.iter().enumerate().skip(top).take(room) {
        rows.push(said(find, chosen == Some(place), theme, width));
    }
    rows
}

/// A line of a session around what was found, behind its title. The beginning of the line is cut so far that a hit is seen.
fn said(find: &Find, chosen: bool, theme: &Theme, width: u16) -> Row {
    let width = usize::from(width);
    let (sign, style) = if chosen {
        (" ❯ ", theme.strong)
    } else {
        ("   ", theme.text)
    };
    let mut row = Row::styled(sign, theme.accent);
    let title = words::first_line(words::title(&find.session.title));
    row.extend(&Row::styled(sanitize::line(&title).into_owned(), style).cut((width / 4).max(8)));
    let who = match find.entry.kind {
        FoundKind::Message => "you",
        FoundKind::Tool => "tool",
        FoundKind::Answer | FoundKind::Title => "agent",
    };
    row.push(&format!("  {who}: "), theme.faint);
    let before = width.saturating_sub(row.width()) / 3;
    for (place, piece) in find.entry.line.iter().enumerate() {
        let text = sanitize::line(&piece.text);
        let style = if piece.hit {
            style.patch(theme.accent)
        } else {
            theme.faint
        };
        let length = text.chars().count();
        if place == 0 && !piece.hit && length > before {
            let rest: String = text.chars().skip(length - before).collect();
            row.push(&format!("…{rest}"), style);
        } else {
            row.push(&text, style);
        }
    }
    row.cut(width)
}

/// One thing to choose, with what was found of it.
pub(super) fn item(found: &Match<'_>, theme: &Theme, width: u16) -> Row {
    let (sign, style) = if found.chosen {
        (" ❯ ", theme.strong)
    } else {
        ("   ", theme.text)
    };
    let mut row = Row::styled(sign, theme.accent);
    let label = &found.item.label;
    let line = label.lines().next().unwrap_or_default();
    let mut at = 0;
    for range in found.found.iter().filter(|range| range.end <= line.len()) {
        row.push(
            &sanitize::line(line.get(at..range.start).unwrap_or_default()),
            style,
        );
        row.push(
            &sanitize::line(line.get(range.clone()).unwrap_or_default()),
            style.patch(theme.accent),
        );
        at = range.end;
    }
    row.push(&sanitize::line(line.get(at..).unwrap_or_default()), style);
    if !found.item.hint.is_empty() && found.item.label.starts_with('/') {
        row.push(&format!(" {}", found.item.hint), theme.faint);
    }
    if !found.item.detail.is_empty() {
        // A long name leaves some room for what there is to know.
        let most = usize::from(width) * 3 / 5;
        row = row.cut(most.max(20));
        row.push(
            &format!("  {}", sanitize::line(&found.item.detail)),
            theme.faint,
        );
    }
    row.cut(usize::from(width))
}

/// Somebody asks for the input lock.
fn lock(model: &Model, asker: &ClientInfo, listens: Option<Timestamp>, width: u16) -> Vec<Row> {
    let theme = &model.theme;
    let until = model.session.lock.requests.first().map(|(_, until)| *until);
    let left = until.map_or(0, |until| until.since(model.now).as_secs());
    let title = format!(" ▲ {} asks for the input", sanitize::line(&asker.label()));
    let title = Row::styled(title, theme.needs_you);
    let until = format!("   they get it in {left} s");
    let until = Row::styled(until, theme.faint);
    let choice = |key: &str, what: &str| {
        let mut row = Row::styled(format!("   {key} "), theme.accent.patch(theme.strong));
        row.push(what, theme.text);
        row
    };
    let mut choices = vec![choice("y", "give it to them"), choice("n", "keep it")];
    if model.is_deaf(listens) {
        choices = not_yet(&choices, theme);
    }
    choices.insert(0, title.cut(usize::from(width)));
    choices.insert(1, until.cut(usize::from(width)));
    choices
}
