//! What the agent thinks, as rows: how much it is, and unfolded what it is. While it grows, only what is new is counted, and
//! only its last row is laid out again.
//!
//! Law: the rows are those of the whole text, however it came.

use std::borrow::Cow;

use crate::text::row::Row;
use crate::text::sanitize::{self, stands_alone};
use crate::text::wrap::{Frame, Span, wrap_open, wrap_text};
use crate::transcript::Message;

use super::entry::{Manner, marked};
use super::words;

/// How far it has come.
#[derive(Debug, Default)]
pub(super) struct Thinking {
    /// The words before this place of the text are counted.
    counted: usize,
    words: usize,
    /// The rows of the head.
    head: usize,
    /// What is laid out for good: all lines before the last, and of that all rows but the last.
    done: Done,
    /// The same without the last line.
    lines: Done,
}

/// What is laid out for good: so much of the text, and its rows behind those of the head.
#[derive(Debug, Default, Clone, Copy)]
struct Done {
    bytes: usize,
    rows: usize,
}

impl Thinking {
    /// Brings the rows up to date.
    pub(super) fn draw(
        &mut self,
        message: &Message,
        manner: &Manner<'_>,
        unfolded: bool,
        rows: &mut Vec<Row>,
    ) {
        let theme = manner.theme;
        let count = self.count(message.text());
        let head = match message.end() {
            None => format!("thinking … {}", words::counted(count, "word")),
            Some(_) => format!("thought, {}", words::counted(count, "word")),
        };
        let head = marked("∴", &head, theme.faint, manner);
        let length = head.len();
        rows.splice(..std::mem::replace(&mut self.head, length), head);
        rows.truncate(self.head + self.done.rows);
        if !unfolded {
            return;
        }
        let frame = Frame::plain(manner.width).with(Row::styled("  ", theme.faint).decorated());
        let style = theme.faint.patch(theme.emphasis);
        if self.done.bytes > self.lines.bytes && !is_plain(self.rest(message)) {
            // What is hidden or written over is so in the whole line.
            self.done = self.lines;
            rows.truncate(self.head + self.done.rows);
        }
        let rest = self.rest(message);
        let whole = rest.rfind('\n').map_or(0, |feed| feed + 1);
        if let Some(lines) = rest.get(..whole).and_then(|lines| lines.strip_suffix('\n')) {
            wrap_text(&sanitize::plain(lines), style, &frame, rows);
            self.done = Done {
                bytes: self.done.bytes + whole,
                rows: rows.len() - self.head,
            };
            self.lines = self.done;
        }
        let last = self.rest(message);
        if let Some(blank) = last_blank(last).filter(|_| is_plain(last)) {
            let words = Span::new(last.get(..=blank).unwrap_or_default(), style);
            let begun = wrap_open(&[words], &frame, rows);
            rows.pop();
            self.done = Done {
                bytes: self.done.bytes + begun,
                rows: rows.len() - self.head,
            };
        }
        wrap_text(&sanitize::plain(self.rest(message)), style, &frame, rows);
    }

    /// What is not laid out for good.
    fn rest<'a>(&self, message: &'a Message) -> &'a str {
        message.text().get(self.done.bytes..).unwrap_or_default()
    }

    /// How many words there are. The last one may go on.
    fn count(&mut self, text: &str) -> usize {
        let rest = text.get(self.counted..).unwrap_or_default();
        let last = rest.rfind(char::is_whitespace).unwrap_or(0);
        let (whole, last) = rest.split_at(last);
        self.words += whole.split_whitespace().count();
        self.counted += whole.len();
        self.words + last.split_whitespace().count()
    }
}

/// The last blank behind which something begins that does not join it.
fn last_blank(text: &str) -> Option<usize> {
    let mut blanks = text.rmatch_indices(' ').map(|(at, _)| at);
    blanks.find(|at| {
        let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
        next.is_some_and(stands_alone)
    })
}

/// True if a text is seen as it is.
fn is_plain(text: &str) -> bool {
    matches!(sanitize::plain(text), Cow::Borrowed(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::theme::Theme;
    use crate::view::viewer::Viewer;

    fn manner<'a>(theme: &'a Theme, viewer: &'a Viewer, width: u16) -> Manner<'a> {
        Manner {
            width,
            theme,
            unfolded: true,
            side_by_side: false,
            cwd: "",
            viewer,
        }
    }

    /// The rows of a text that is wrapped as a whole, without those of the head.
    fn at_once(text: &str, manner: &Manner<'_>) -> Vec<Row> {
        let theme = manner.theme;
        let frame = Frame::plain(manner.width).with(Row::styled("  ", theme.faint).decorated());
        let mut rows = Vec::new();
        let style = theme.faint.patch(theme.emphasis);
        wrap_text(&sanitize::plain(text), style, &frame, &mut rows);
        rows
    }

    /// Draws a text that comes in pieces, and compares each time.
    fn compare<'a>(pieces: impl IntoIterator<Item = &'a str>, width: u16) -> Vec<Row> {
        let theme = Theme::default();
        let viewer = Viewer::of(&crate::scene::screen(80, 24).model);
        let manner = manner(&theme, &viewer, width);
        let (mut message, mut thinking, mut rows) =
            (Message::new("m"), Thinking::default(), Vec::new());
        for piece in pieces {
            message.push(piece);
            thinking.draw(&message, &manner, true, &mut rows);
            let whole = at_once(message.text(), &manner);
            assert_eq!(
                rows.get(thinking.head..),
                Some(&*whole),
                "{:?}",
                message.text()
            );
        }
        rows
    }

    #[test]
    fn it_makes_no_difference_how_it_comes() {
        let text = "one two\n\nthree four-five  six\n\u{1b}[31mseven 漢字 eight nine ten\n\nend";
        for width in [3, 9, 40] {
            let ends = text.char_indices().map(|(at, c)| at..at + c.len_utf8());
            let rows = compare(ends.map(|at| &text[at]), width);
            let text = crate::text::row::copied(&rows);
            assert!(
                text.starts_with("thinking … 11 words\none two\n\nthree"),
                "{text}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn any_pieces_give_the_rows_of_the_whole(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "a", "word ", "more words ", " ", "  ", "longer-than-a-row", "漢字 ", "字。", "e\u{301}", "\u{301}", "🎉",
                "\n", "\n\n", "\t", "\r", "\r\n", "\u{8}", "\u{1b}[1m", "\u{1b}", "\u{200d}", "\u{200b}", "-", "、",
            ]), 0..60),
            width in 1..30_u16,
        ) {
            compare(pieces, width);
        }
    }

    #[test]
    fn a_long_line_that_goes_on_keeps_its_rows() {
        let theme = Theme::default();
        let viewer = Viewer::of(&crate::scene::screen(80, 24).model);
        let manner = manner(&theme, &viewer, 40);
        let (mut message, mut thinking, mut rows) =
            (Message::new("m"), Thinking::default(), Vec::new());
        for _ in 0..200 {
            message.push("some words ");
            thinking.draw(&message, &manner, true, &mut rows);
            assert!(thinking.rest(&message).len() < 60);
        }
        assert!(rows.len() > 50);
    }
}
