//! One row of the screen: text that fits, with its styles and links. Rows are made once for a width and kept.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::sanitize::{Graphemes, columns};

/// A styled stretch of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How many bytes of the row's text it covers.
    pub bytes: usize,
    /// How it looks.
    pub style: Style,
    /// Where it leads.
    pub link: Option<Arc<str>>,
}

/// How a row goes on, for what is copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Joint {
    /// The line ends here.
    #[default]
    Line,
    /// The line goes on behind a blank that is not drawn.
    Blank,
    /// The line goes on at once. What has only decoration and this joint is not copied at all.
    Tight,
}

/// Where a prompt is, for whoever goes from one to the next with a key of the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// It begins with this row.
    pub begins: bool,
    /// It ends with this row.
    pub ends: bool,
}

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    text: String,
    runs: Vec<Run>,
    /// How many bytes at the beginning are decoration (a gutter, an indentation), which is not copied.
    decoration: usize,
    /// How it goes on in the next row.
    pub joint: Joint,
    /// How the rest of the area behind the text looks, if that is not left alone.
    pub fill: Option<Style>,
    /// What it is of a prompt, where it is printed.
    pub prompt: Prompt,
}

/// A link on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The row of the screen.
    pub y: u16,
    /// The first column.
    pub from: u16,
    /// The column behind the last one.
    pub to: u16,
    /// Where it leads.
    pub target: Arc<str>,
}

impl Row {
    /// A row of one style.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        let mut row = Self::default();
        row.push(&text.into(), style);
        row
    }

    /// Adds text at the end.
    pub fn push(&mut self, text: &str, style: Style) {
        self.push_linked(text, style, None);
    }

    /// Adds text that leads somewhere.
    pub fn push_linked(&mut self, text: &str, style: Style, link: Option<&Arc<str>>) {
        if text.is_empty() {
            return;
        }
        self.text.push_str(text);
        match self.runs.last_mut() {
            Some(run) if run.style == style && run.link.as_ref() == link => run.bytes += text.len(),
            _ => self.runs.push(Run {
                bytes: text.len(),
                style,
                link: link.cloned(),
            }),
        }
    }

    /// Adds another row's text at the end; as long as there is nothing else, its decoration stays decoration.
    pub fn extend(&mut self, other: &Self) {
        let decorated = self.decoration == self.text.len();
        for (text, run) in other.runs() {
            self.push_linked(text, run.style, run.link.as_ref());
        }
        if decorated {
            self.decoration += other.decoration;
        }
        self.fill = other.fill.or(self.fill);
    }

    /// The beginning of it, of no more than these columns.
    pub fn cut(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let mut row = Self {
            joint: self.joint,
            fill: self.fill,
            ..Self::default()
        };
        let mut room = columns;
        'runs: for (text, run) in self.runs() {
            for grapheme in text.graphemes(true) {
                let width = grapheme.width();
                if width > room {
                    break 'runs;
                }
                room -= width;
                row.push_linked(grapheme, run.style, run.link.as_ref());
            }
        }
        row.decoration = self.decoration.min(row.text.len());
        row
    }

    /// What there is so far is decoration.
    pub fn decorated(mut self) -> Self {
        self.decoration = self.text.len();
        self
    }

    /// The text, with its decoration.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text to be copied.
    pub fn content(&self) -> &str {
        self.text.get(self.decoration..).unwrap_or_default()
    }

    /// The columns from which something is copied when these are marked.
    pub fn copied_columns(&self, marked: RangeInclusive<usize>) -> Option<Range<usize>> {
        let mut cells = self.cells(&marked);
        let (first, _) = cells.next()?;
        let end = cells.last().map_or(first.end, |(last, _)| last.end);
        Some(first.start..end)
    }

    /// What of it is copied when these columns are marked. It goes on in the next row only if it is marked to its end.
    pub fn part(&self, marked: RangeInclusive<usize>) -> Self {
        let text: String = self.cells(&marked).map(|(_, text)| text).collect();
        let is_decoration = self.content().is_empty();
        let mut part = Self::styled(text, Style::new());
        if is_decoration || *marked.end() == usize::MAX {
            part.joint = self.joint;
        }
        part
    }

    /// What can be copied of these columns, character by character with its columns.
    fn cells<'a>(
        &'a self,
        marked: &'a RangeInclusive<usize>,
    ) -> impl Iterator<Item = (Range<usize>, &'a str)> {
        let mut at = columns(self.text.get(..self.decoration).unwrap_or_default());
        let cells = Graphemes(self.content()).map(move |(text, width)| {
            let from = at;
            at += width;
            (from..at, text)
        });
        cells.filter(|(cell, _)| cell.start <= *marked.end() && cell.end > *marked.start())
    }

    /// The columns of the word at this one.
    pub fn word_at(&self, column: usize) -> Option<RangeInclusive<usize>> {
        let first = columns(self.text.get(..self.decoration).unwrap_or_default());
        let mut from = first;
        for word in self.content().split_word_bounds() {
            let to = from + columns(word);
            if (from..to).contains(&column) {
                return Some(from..=to - 1);
            }
            from = to;
        }
        None
    }

    /// How many columns it takes, drawn run by run.
    pub fn width(&self) -> usize {
        self.runs().map(|(text, _)| columns(text)).sum()
    }

    /// True if its line goes on in the next row.
    pub fn continues(&self) -> bool {
        self.joint != Joint::Line
    }

    /// A row that is drawn and never copied.
    pub fn uncopied(self) -> Self {
        let mut row = self.decorated();
        row.joint = Joint::Tight;
        row
    }

    /// The stretches with their text.
    pub fn runs(&self) -> impl Iterator<Item = (&str, &Run)> {
        let mut at = 0;
        self.runs.iter().map(move |run| {
            let from = at;
            at += run.bytes;
            (self.text.get(from..at).unwrap_or_default(), run)
        })
    }

    /// Puts it at the beginning of an area, cut to its width, over a style of the whole area's first row.
    pub fn draw(&self, area: Rect, base: Style, buffer: &mut Buffer, links: &mut Vec<Link>) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let (mut x, end) = (area.x, area.right());
        for (text, run) in self.runs() {
            if x >= end {
                break;
            }
            let room = usize::from(end - x);
            let next = put((x, area.y), text, room, base.patch(run.style), buffer);
            if let Some(target) = run.link.as_ref().filter(|_| next > x) {
                links.push(Link {
                    y: area.y,
                    from: x,
                    to: next,
                    target: Arc::clone(target),
                });
            }
            x = next;
            if columns(text) > room {
                break;
            }
        }
        if let Some(fill) = self.fill
            && x < end
        {
            let rest = Rect::new(x, area.y, end - x, 1);
            buffer.set_style(rest, base.patch(fill));
        }
    }
}

/// Puts text into a buffer, as much as there is room for; says where it ends. It is quick where it is plain ASCII.
fn put((x, y): (u16, u16), text: &str, room: usize, style: Style, buffer: &mut Buffer) -> u16 {
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return buffer.set_stringn(x, y, text, room, style).0;
    }
    let mut next = x;
    for c in text.chars().take(room) {
        if let Some(cell) = buffer.cell_mut((next, y)) {
            cell.set_char(c).set_style(style);
        }
        next = next.saturating_add(1);
    }
    next
}

/// What is copied of rows: no decoration, and lines as they were before they were wrapped.
pub fn copied<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut text = String::new();
    for row in rows {
        text.push_str(row.content());
        match row.joint {
            Joint::Line => text.push('\n'),
            Joint::Blank => text.push(' '),
            Joint::Tight => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    fn row() -> Row {
        let mut row = Row::styled("│ ", Style::new()).decorated();
        row.push("漢字", Style::new().fg(Color::Red));
        row.push_linked("link", Style::new(), Some(&"https://example.org".into()));
        row
    }

    #[test]
    fn a_row_is_drawn_cut_to_its_area_with_its_links_and_fill() {
        let area = Rect::new(1, 0, 12, 1);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 14, 1));
        let mut links = Vec::new();
        let mut filled = row();
        filled.fill = Some(Style::new().bg(Color::Blue));
        filled.draw(area, Style::new(), &mut buffer, &mut links);
        let text: Vec<&str> = buffer
            .content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(text.concat(), " │ 漢 字 link   ");
        let blue: Vec<usize> = (0..14)
            .filter(|x| buffer.content()[*x].bg == Color::Blue)
            .collect();
        assert_eq!(blue, [11, 12]);
        assert_eq!((links[0].from, links[0].to), (7, 11));

        let mut links = Vec::new();
        row().draw(Rect::new(0, 0, 5, 1), Style::new(), &mut buffer, &mut links);
        assert!(links.is_empty());
        assert_eq!(
            buffer.content()[4].symbol(),
            " ",
            "a wide character is not cut in two"
        );
    }

    #[test]
    fn what_is_marked_of_a_row_is_what_its_columns_show_without_the_gutter() {
        let row = row();
        for (marked, text, columns) in [
            (0..=1, "", None),
            (0..=2, "漢", Some(2..4)),
            (3..=4, "漢字", Some(2..6)),
            (6..=usize::MAX, "link", Some(6..10)),
            (10..=20, "", None),
        ] {
            assert_eq!(row.part(marked.clone()).text(), text, "{marked:?}");
            assert_eq!(row.copied_columns(marked.clone()), columns, "{marked:?}");
        }
        assert_eq!(row.word_at(7), Some(6..=9));
        assert_eq!(row.word_at(0), None, "a gutter is no word");
        assert_eq!(row.word_at(10), None);
    }

    #[test]
    fn a_cut_row_is_a_beginning_of_it() {
        for (columns, text) in [
            (0, ""),
            (1, "│"),
            (3, "│ "),
            (4, "│ 漢"),
            (99, "│ 漢字link"),
        ] {
            let cut = row().cut(columns);
            assert_eq!(cut.text(), text);
            assert!(cut.width() <= columns);
        }
    }

    #[test]
    fn what_is_copied_has_no_decoration_and_lines_as_they_were() {
        let mut first = row();
        first.joint = Joint::Blank;
        let mut second = Row::styled("x", Style::new());
        second.joint = Joint::Tight;
        let label = Row::styled("┌ rust", Style::new()).uncopied();
        assert_eq!(
            copied(&[label, first, second, row()]),
            "漢字link x漢字link\n"
        );
    }
}
