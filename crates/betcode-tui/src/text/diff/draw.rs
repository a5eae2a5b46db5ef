//! The rows of a change: a header, then lines with their numbers (decoration) and signs.

use ratatui::style::Style;

use super::pair::change_at;
use super::{Diff, DiffRows, Hunk, Line, Sign};
use crate::text::highlight::{Highlights, Tints, tinted};
use crate::text::row::{Joint, Row};
use crate::text::wrap::{Frame, Span, wrap};
use crate::theme::Theme;

/// From how many columns on two sides are drawn.
pub const SIDE_BY_SIDE: u16 = 120;
/// Below this there are no line numbers.
const NUMBERS_FROM: u16 = 24;

impl Diff {
    /// The rows for a width; side by side if that is asked for and there is room.
    pub fn rows(
        &self,
        width: u16,
        side_by_side: bool,
        theme: &Theme,
        highlights: &mut dyn Highlights,
    ) -> DiffRows {
        let mut found = DiffRows::default();
        self.header(width, theme, &mut found.rows);
        for (at, hunk) in self.hunks.iter().enumerate() {
            found.hunks.push(found.rows.len());
            if at > 0 {
                found.rows.push(
                    Row::styled("⋮", theme.faint)
                        .cut(usize::from(width))
                        .uncopied(),
                );
            }
            let old = highlights.lines(&hunk.old.code(&self.language)).to_vec();
            let new = highlights.lines(&hunk.new.code(&self.language));
            found.known += old.len() + new.len();
            let pen = Pen {
                theme,
                digits: if width < NUMBERS_FROM {
                    0
                } else {
                    self.digits()
                },
                old: &old,
                new,
            };
            if side_by_side && width >= SIDE_BY_SIDE {
                pen.sides(hunk, width, &mut found.rows);
            } else {
                for line in &hunk.lines {
                    pen.line(line, line.number, width, &mut found.rows);
                }
            }
        }
        found
    }

    fn header(&self, width: u16, theme: &Theme, rows: &mut Vec<Row>) {
        let added = format!("+{}", self.added);
        let removed = format!("−{}", self.removed);
        let mut spans = vec![Span::new(&self.path, theme.strong)];
        for (text, style) in [(&added, theme.success), (&removed, theme.failure)] {
            spans.push(Span::new(" ", Style::new()));
            spans.push(Span::new(text, style));
        }
        if let Some(note) = self.note {
            spans.push(Span::new(" ", Style::new()));
            spans.push(Span::new(note, theme.faint));
        }
        wrap(&spans, &Frame::plain(width), rows);
    }

    /// How many digits line numbers have.
    fn digits(&self) -> usize {
        let lines = self.hunks.iter().flat_map(|hunk| &hunk.lines);
        let most = lines
            .filter_map(|line| line.number.max(line.old_number))
            .max();
        most.map_or(0, |most| most.to_string().len())
    }
}

/// What lines are drawn with.
struct Pen<'a> {
    theme: &'a Theme,
    digits: usize,
    old: &'a [Tints],
    new: &'a [Tints],
}

impl Pen<'_> {
    /// One line.
    fn line(&self, line: &Line, number: Option<u32>, width: u16, rows: &mut Vec<Row>) {
        let theme = self.theme;
        let (sign, base, word) = match line.sign {
            Sign::Same => (" ", Style::new(), Style::new()),
            Sign::Added => ("+", theme.added, theme.added_word),
            Sign::Removed => ("-", theme.removed, theme.removed_word),
            Sign::Note => ("\\", theme.faint, theme.faint),
        };
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        let digits = self.digits;
        let gutter = |number: &str| match digits {
            0 => Row::default(),
            _ => Row::styled(format!("{number:>digits$} "), theme.faint.patch(base)).decorated(),
        };
        let mut frame = Frame::verbatim(width);
        frame.first = gutter(&number);
        frame.first.push(sign, base);
        frame.first.push(" ", base);
        frame.rest = gutter("");
        frame.rest.push("  ", base);
        frame.rest = frame.rest.decorated();
        let from = rows.len();
        wrap(&self.spans(line, base, word), &frame, rows);
        let tint = base.bg.map(|_| base);
        for row in rows.iter_mut().skip(from) {
            row.fill = tint;
        }
    }

    /// A line's text with its colours, and with the words that differ.
    fn spans<'a>(&self, line: &'a Line, base: Style, word: Style) -> Vec<Span<'a>> {
        let tints = match line.sign {
            Sign::Same | Sign::Added => self.new.get(line.at),
            Sign::Removed => self.old.get(line.at),
            Sign::Note => None,
        };
        // Where a change is told by the text's colour, there is no other colour.
        let by_text = self.theme.tells_by_text();
        let tints = tints.filter(|_| line.sign == Sign::Same || !by_text);
        let mut spans = Vec::new();
        let mut at = 0;
        for span in tinted(&line.text, tints, self.theme) {
            let end = at + span.text.len();
            while at < end {
                let differs = line.words.iter().find(|word| word.end > at);
                let (stop, style) = match differs {
                    Some(range) if range.start <= at => (range.end.min(end), word),
                    Some(range) => (range.start.min(end), base),
                    None => (end, base),
                };
                let text = line.text.get(at..stop).unwrap_or_default();
                spans.push(Span::new(text, style.patch(span.style)));
                at = stop;
            }
        }
        spans
    }

    /// A hunk with the old text beside the new one.
    fn sides(&self, hunk: &Hunk, width: u16, rows: &mut Vec<Row>) {
        let mut at = 0;
        while let Some(line) = hunk.lines.get(at) {
            if let Some(change) = change_at(&hunk.lines, at) {
                at = change.added.end;
                let pairs = change.removed.len().max(change.added.len());
                for pair in 0..pairs {
                    let side = |range: &std::ops::Range<usize>| {
                        let at = range.start + pair;
                        range.contains(&at).then(|| hunk.lines.get(at)).flatten()
                    };
                    let (old, new) = (side(&change.removed), side(&change.added));
                    let old = old.map(|line| (line, line.number));
                    let new = new.map(|line| (line, line.number));
                    self.beside(old, new, width, rows);
                }
            } else {
                at += 1;
                let (old, new) = ((line, line.old_number), (line, line.number));
                self.beside(Some(old), Some(new), width, rows);
            }
        }
    }

    /// A line beside another: copied is what is on the new side.
    fn beside(
        &self,
        old: Option<(&Line, Option<u32>)>,
        new: Option<(&Line, Option<u32>)>,
        width: u16,
        rows: &mut Vec<Row>,
    ) {
        let half = (width - 3) / 2;
        let drawn = |side: Option<(&Line, Option<u32>)>, width: u16| {
            let mut rows = Vec::new();
            if let Some((line, number)) = side {
                self.line(line, number, width, &mut rows);
            }
            rows
        };
        let (old, new) = (drawn(old, half), drawn(new, width - 3 - half));
        for at in 0..old.len().max(new.len()) {
            let mut row = Row::default();
            let mut spare = usize::from(half);
            if let Some(old) = old.get(at) {
                spare -= old.width().min(spare);
                row.extend(old);
                row.push(&" ".repeat(spare), old.fill.unwrap_or_default());
            } else {
                row.push(&" ".repeat(spare), Style::new());
            }
            row.push(" │ ", self.theme.faint);
            row = row.decorated();
            if let Some(new) = new.get(at) {
                row.extend(new);
                row.joint = new.joint;
                row.fill = new.fill;
            } else {
                row.joint = Joint::Tight;
                // The other side has nothing here.
                row.fill = None;
            }
            rows.push(row);
        }
    }
}
