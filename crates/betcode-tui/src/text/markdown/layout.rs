//! Blocks become rows of a width.

use ratatui::style::{Modifier, Style};

use super::block::{Block, Child, CodeBlock, Inline, Item, Marks, Piece};
use super::table;
use crate::text::highlight::{Code, Highlights, Tints, tinted};
use crate::text::row::Row;
use crate::text::sanitize::columns;
use crate::text::wrap::{Frame, Span, wrap, wrap_text};
use crate::theme::Theme;

/// The longest rule.
const RULE: usize = 60;

/// What rows are made with.
pub(super) struct Pen<'a> {
    pub(super) theme: &'a Theme,
    pub(super) highlights: &'a mut dyn Highlights,
    /// How many coloured lines there were.
    pub(super) known: usize,
}

impl Pen<'_> {
    /// Blocks one after the other.
    pub(super) fn children(&mut self, children: &[Child], frame: &Frame, rows: &mut Vec<Row>) {
        let mut frame = frame.clone();
        for (at, child) in children.iter().enumerate() {
            if at > 0 && child.gap {
                rows.push(blank(&frame));
            }
            self.block(&child.block, &frame, rows);
            if at == 0 {
                frame = frame.going_on();
            }
        }
        if children.is_empty() {
            wrap(&[], &frame, rows);
        }
    }

    /// One block.
    pub(super) fn block(&mut self, block: &Block, frame: &Frame, rows: &mut Vec<Row>) {
        match block {
            Block::Text(text) => wrap(&self.spans(text, Style::new()), frame, rows),
            Block::Heading(text) => wrap(&self.spans(text, self.theme.heading), frame, rows),
            Block::Quote(children) => {
                self.children(children, &quote_frame(frame, self.theme), rows);
            }
            Block::List(items) => self.list(items, frame, rows),
            Block::Code(code) => {
                let frame = own_rows(frame, rows);
                self.code(code, &frame, rows);
            }
            Block::Table(table) => {
                let frame = own_rows(frame, rows);
                table::rows(self, table, &frame, rows);
            }
            Block::Rule => {
                let rule = "─".repeat(frame.room().min(RULE));
                wrap_text(&rule, self.theme.faint, frame, rows);
            }
            Block::Raw(text) => {
                let frame = Frame {
                    verbatim: true,
                    ..own_rows(frame, rows)
                };
                wrap_text(text, Style::new(), &frame, rows);
            }
        }
    }

    fn list(&mut self, items: &[Item], frame: &Frame, rows: &mut Vec<Row>) {
        let mut frame = frame.clone();
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                frame = frame.going_on();
                if item.gap {
                    rows.push(blank(&frame));
                }
            }
            let frame = item_frame(&item.marker, &frame, self.theme);
            self.children(&item.children, &frame, rows);
        }
    }

    fn code(&mut self, code: &CodeBlock, frame: &Frame, rows: &mut Vec<Row>) {
        rows.extend(label(code, frame, self.theme));
        let tints = self.highlights.lines(&asked(code));
        self.known += tints.len();
        let frame = code_frame(frame, self.theme);
        for (at, line) in lines(&code.text).enumerate() {
            code_line(line, tints.get(at), &frame, self.theme, rows);
        }
    }

    /// Styled text for wrapping.
    pub(super) fn spans<'a>(&self, text: &'a Inline, base: Style) -> Vec<Span<'a>> {
        text.parts()
            .map(|(text, piece)| Span {
                text,
                style: self.style(piece, base),
                link: piece.link.clone(),
            })
            .collect()
    }

    fn style(&self, piece: &Piece, base: Style) -> Style {
        let mut style = base;
        for (mark, added) in [
            (Marks::STRONG, self.theme.strong),
            (Marks::EMPHASIS, self.theme.emphasis),
            (
                Marks::STRIKE,
                Style::new().add_modifier(Modifier::CROSSED_OUT),
            ),
            (Marks::CODE, self.theme.code),
            (Marks::FAINT, self.theme.faint),
        ] {
            if piece.marks.has(mark) {
                style = style.patch(added);
            }
        }
        if piece.link.is_some() {
            style = style.patch(self.theme.link);
        }
        style
    }
}

/// How many coloured lines there are by now.
pub(super) fn known(block: &Block, highlights: &mut dyn Highlights) -> usize {
    let mut all = 0;
    each_code(block, &mut |code| {
        all += highlights.lines(&asked(code)).len();
    });
    all
}

/// Visits all code in a block.
pub(super) fn each_code<'a>(block: &'a Block, visit: &mut impl FnMut(&'a CodeBlock)) {
    let children: &mut dyn Iterator<Item = &Child> = match block {
        Block::Code(code) => {
            visit(code);
            return;
        }
        Block::Quote(children) => &mut children.iter(),
        Block::List(items) => &mut items.iter().flat_map(|item| &item.children),
        _ => return,
    };
    for child in children {
        each_code(&child.block, visit);
    }
}

/// Visits all code in a block to change it.
pub(super) fn each_code_mut(block: &mut Block, visit: &mut impl FnMut(&mut CodeBlock)) {
    let children: &mut dyn Iterator<Item = &mut Child> = match block {
        Block::Code(code) => {
            visit(code);
            return;
        }
        Block::Quote(children) => &mut children.iter_mut(),
        Block::List(items) => &mut items.iter_mut().flat_map(|item| &mut item.children),
        _ => return,
    };
    for child in children {
        each_code_mut(&mut child.block, visit);
    }
}

/// What is asked for a block: only whole lines while it grows.
pub(super) fn asked(code: &CodeBlock) -> Code<'_> {
    let text = if code.whole {
        code.text.as_str()
    } else {
        let end = code.text.rfind('\n').map_or(0, |feed| feed + 1);
        code.text.get(..end).unwrap_or_default()
    };
    Code {
        id: code.id,
        language: &code.language,
        text,
        whole: code.whole,
    }
}

/// The row with a language's name.
pub(super) fn label(code: &CodeBlock, frame: &Frame, theme: &Theme) -> Option<Row> {
    if code.language.is_empty() {
        return None;
    }
    let mut row = frame.fitting(&frame.rest);
    row.push("┌ ", theme.faint);
    row.push(&code.language, theme.faint);
    Some(row.cut(usize::from(frame.width)).uncopied())
}

/// The frame of code within a frame.
pub(super) fn code_frame(frame: &Frame, theme: &Theme) -> Frame {
    let gutter = Row::styled("│ ", theme.faint).decorated();
    let frame = frame.uncopied();
    Frame {
        verbatim: true,
        ..frame.nested(&gutter, &gutter, &gutter)
    }
}

/// The frame within a quotation.
pub(super) fn quote_frame(frame: &Frame, theme: &Theme) -> Frame {
    let bar = Row::styled("▌ ", theme.faint).decorated();
    frame.nested(&bar, &bar, &bar)
}

/// The frame within an item of a list.
pub(super) fn item_frame(marker: &str, frame: &Frame, theme: &Theme) -> Frame {
    let indent = " ".repeat(columns(marker));
    let first = Row::styled(marker, theme.faint);
    let next = Row::styled(indent, Style::new());
    let rest = next.clone().decorated();
    frame.nested(&first, &next, &rest)
}

/// The lines of code; there is one at least.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix('\n').unwrap_or(text).split('\n')
}

/// One line of code with its colours.
pub(super) fn code_line(
    line: &str,
    tints: Option<&Tints>,
    frame: &Frame,
    theme: &Theme,
    rows: &mut Vec<Row>,
) {
    wrap(&tinted(line, tints, theme), frame, rows);
}

/// An empty row within a frame.
pub(super) fn blank(frame: &Frame) -> Row {
    frame.fitting(&frame.rest).decorated()
}

/// The frame for what cannot stand beside an item's marker: that gets a row of its own.
pub(super) fn own_rows(frame: &Frame, rows: &mut Vec<Row>) -> Frame {
    if frame.first.content().trim().is_empty() {
        return frame.clone();
    }
    wrap(&[], frame, rows);
    frame.going_on()
}
