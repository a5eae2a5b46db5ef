//! What the agent thinks, as rows: how much it is, and unfolded what it is. While it grows, only its last line is counted and
//! laid out again.

use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};
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
    /// The lines before this place of the text are laid out, and take so many rows.
    taken: usize,
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
        rows.truncate(self.head + self.rows);
        if !unfolded {
            return;
        }
        let frame = Frame::plain(manner.width).with(Row::styled("  ", theme.faint).decorated());
        let style = theme.faint.patch(theme.emphasis);
        let rest = message.text().get(self.taken..).unwrap_or_default();
        let whole = rest.rfind('\n').map_or(0, |feed| feed + 1);
        let (lines, last) = rest.split_at(whole);
        if let Some(lines) = lines.strip_suffix('\n') {
            wrap_text(&sanitize::plain(lines), style, &frame, rows);
            self.taken += whole;
            self.rows = rows.len() - self.head;
        }
        wrap_text(&sanitize::plain(last), style, &frame, rows);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;
    use crate::view::viewer::Viewer;

    #[test]
    fn it_makes_no_difference_how_it_comes() {
        let text = "one two\n\nthree four-five  six\n\u{1b}[31mseven 漢字 eight nine ten\n\nend";
        let theme = Theme::default();
        let viewer = Viewer::of(&crate::scene::screen(80, 24).model);
        for width in [3, 9, 40] {
            let manner = Manner {
                width,
                theme: &theme,
                unfolded: true,
                side_by_side: false,
                cwd: "",
                viewer: &viewer,
            };
            let (mut message, mut thinking, mut rows) =
                (Message::new("m"), Thinking::default(), Vec::new());
            for c in text.chars() {
                message.push(c.encode_utf8(&mut [0; 4]));
                thinking.draw(&message, &manner, true, &mut rows);
                let mut whole = Vec::new();
                Thinking::default().draw(&message, &manner, true, &mut whole);
                assert_eq!(rows, whole);
            }
            let text = crate::text::row::copied(&rows);
            assert!(
                text.starts_with("thinking … 11 words\none two\n\nthree"),
                "{text}"
            );
        }
    }
}
