//! Tables: as wide as what is in them, without lines between rows. One that is too wide has its cells wrapped, and if that
//! leaves too little, each row is told as `key: value`.

use pulldown_cmark::Alignment;
use ratatui::style::Style;

use super::block::{Inline, Table};
use super::layout::{Pen, blank};
use crate::text::row::Row;
use crate::text::sanitize::columns;
use crate::text::wrap::{Frame, Span, wrap, wrap_text};

/// Between columns.
const BETWEEN: &str = "  ";
/// How narrow a column may get before rows are told as records.
const NARROWEST: usize = 8;

/// The rows of a table.
pub(super) fn rows(pen: &Pen<'_>, table: &Table, frame: &Frame, rows: &mut Vec<Row>) {
    let natural: Vec<usize> = (0..table.header.len())
        .map(|column| {
            let cells = table.rows.iter().filter_map(|row| row.get(column));
            let cells = cells.chain(table.header.get(column));
            cells.map(|cell| columns(&cell.text)).max().unwrap_or(0)
        })
        .collect();
    match fit(&natural, frame.room()) {
        Some(widths) => grid(pen, table, &widths, frame, rows),
        None => records(pen, table, frame, rows),
    }
    if table.more > 0 {
        let more = format!("… {} more rows", table.more);
        wrap_text(&more, pen.theme.faint, &frame.going_on(), rows);
    }
}

/// How wide columns are: what they need, or if that is too much, the wide ones share what the narrow ones leave.
fn fit(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    let between = BETWEEN.len() * natural.len().saturating_sub(1);
    let mut left = room.checked_sub(between)?;
    let mut widths: Vec<usize> = vec![0; natural.len()];
    let mut order: Vec<usize> = (0..natural.len()).collect();
    order.sort_by_key(|column| natural.get(*column));
    for (done, column) in order.iter().enumerate() {
        let share = left / (natural.len() - done);
        let (need, width) = (natural.get(*column)?, widths.get_mut(*column)?);
        *width = (*need).min(share);
        if *width < *need && *width < NARROWEST {
            return None;
        }
        left -= *width;
    }
    Some(widths)
}

fn grid(pen: &Pen<'_>, table: &Table, widths: &[usize], frame: &Frame, rows: &mut Vec<Row>) {
    let mut frame = frame.clone();
    let mut draw = |cells: &[Inline], base: Style, rows: &mut Vec<Row>| {
        grid_row(pen, cells, base, (table, widths), &frame, rows);
        frame = frame.going_on();
    };
    draw(&table.header, pen.theme.strong, rows);
    for row in &table.rows {
        draw(row, Style::new(), rows);
    }
}

fn grid_row(
    pen: &Pen<'_>,
    cells: &[Inline],
    base: Style,
    (table, widths): (&Table, &[usize]),
    frame: &Frame,
    rows: &mut Vec<Row>,
) {
    let cells: Vec<Vec<Row>> = widths
        .iter()
        .enumerate()
        .map(|(column, width)| {
            let mut wrapped = Vec::new();
            let spans = cells.get(column).map(|cell| pen.spans(cell, base));
            let frame = Frame::plain(u16::try_from(*width).unwrap_or(u16::MAX));
            wrap(&spans.unwrap_or_default(), &frame, &mut wrapped);
            wrapped
        })
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..height {
        let mut row = frame.fitting(if line == 0 { &frame.first } else { &frame.next });
        let mut owed = 0;
        for (column, width) in widths.iter().enumerate() {
            if column > 0 {
                owed += BETWEEN.len();
            }
            let cell = cells.get(column).and_then(|cell| cell.get(line));
            let taken = cell.map_or(0, Row::width);
            let spare = width.saturating_sub(taken);
            let before = match table.alignments.get(column) {
                Some(Alignment::Right) => spare,
                Some(Alignment::Center) => spare / 2,
                _ => 0,
            };
            if let Some(cell) = cell.filter(|cell| !cell.text().is_empty()) {
                row.push(&" ".repeat(owed + before), Style::new());
                for (text, run) in cell.runs() {
                    row.push_linked(text, run.style, run.link.as_ref());
                }
                owed = spare - before;
            } else {
                owed += width;
            }
        }
        rows.push(row);
    }
}

fn records(pen: &Pen<'_>, table: &Table, frame: &Frame, rows: &mut Vec<Row>) {
    let indent = Row::styled("  ", Style::new()).decorated();
    let nothing = Row::default();
    let mut inner = frame.nested(&nothing, &nothing, &indent);
    if table.rows.is_empty() {
        for header in &table.header {
            wrap(&pen.spans(header, pen.theme.strong), &inner, rows);
            inner = inner.going_on();
        }
    }
    for (at, row) in table.rows.iter().enumerate() {
        if at > 0 {
            rows.push(blank(frame));
        }
        for (header, cell) in table.header.iter().zip(row) {
            if cell.text.is_empty() {
                continue;
            }
            let mut spans = pen.spans(header, pen.theme.strong);
            if !header.text.is_empty() {
                spans.push(Span::new(": ", pen.theme.strong));
            }
            spans.extend(pen.spans(cell, Style::new()));
            wrap(&spans, &inner, rows);
            inner = inner.going_on();
        }
    }
}
