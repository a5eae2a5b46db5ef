//! Untrusted text made harmless: what agents, tools and files say never steers the terminal.
//!
//! Escape sequences go as a whole (also strings as of OSC and DCS, up to their end or the end of the line), control
//! characters, marks that reorder text and invisible ones go, too. What is left is seen as it is. Text that a person
//! decides about is not for this module: there nothing may vanish (`betcode_core::visible`).
//!
//! The machine `Filter`: `Text`; `Escape` (after ESC), `Middle` (after ESC and a blank or the like), `Control` (CSI),
//! `Words` (OSC, DCS, SOS, PM, APC), `WordsEscape` (ESC within them).
//! Laws: the output of [`plain`] has no control character but line feeds; clean text is not copied; how a text is cut
//! into pieces makes no difference to [`Stream`].

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How far apart tab stops are.
const TAB: usize = 4;
/// How many characters without a width may follow each other: more only slow a terminal down.
const MARKS: u8 = 16;

/// Text of many lines: tabs become blanks, of what a line was in turn (carriage returns) the last is left, and a backspace
/// takes a character away.
pub fn plain(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return text.into();
    }
    let mut filter = Filter::default();
    let mut lines = Lines::default();
    for c in text.chars() {
        if let Some(c) = filter.next(c) {
            lines.push(c);
        }
    }
    lines.out.into()
}

/// Text of one line, for titles and paths: line breaks become blanks.
pub fn line(text: &str) -> Cow<'_, str> {
    match plain(text) {
        text if text.contains('\n') => text.trim_end_matches('\n').replace('\n', " ").into(),
        text => text,
    }
}

/// True if there is nothing to change.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
        || !text
            .chars()
            .any(|c| c != '\n' && (c.is_control() || is_hidden(c) || is_break(c)))
            && !has_pile(text)
}

/// True if more marks follow each other than can be told apart.
fn has_pile(text: &str) -> bool {
    let mut marks = 0;
    text.chars().any(|c| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        marks > MARKS
    })
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.width() == Some(0)
}

/// A line break that is no line feed.
fn is_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Characters that are not seen, or that change the order of others. Joiners stay: scripts and emoji are written with them.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Text that comes in pieces and keeps its tabs, for a parser that knows them: each kind of line break becomes a line feed.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    filter: Filter,
    after_return: bool,
}

impl Stream {
    /// Takes a piece and adds what is harmless of it.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        for c in piece.chars() {
            let Some(c) = self.filter.next(c) else {
                continue;
            };
            let feed = c == '\n' && self.after_return;
            self.after_return = c == '\r';
            match c {
                '\r' => out.push('\n'),
                '\n' if feed => {}
                '\u{8}' => {}
                c => out.push(c),
            }
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Middle,
    Control,
    Words,
    WordsEscape,
}

/// Lets through what is text, line feeds, tabs, carriage returns and backspaces.
#[derive(Debug, Clone, Default)]
struct Filter {
    state: State,
    marks: u8,
}

impl Filter {
    fn next(&mut self, c: char) -> Option<char> {
        match self.state {
            State::Text => self.text(c),
            State::Escape => self.escape(c),
            State::Middle => match c {
                ' '..='/' => None,
                '0'..='~' => self.to(State::Text),
                _ => self.text(c),
            },
            State::Control => match c {
                ' '..='?' => None,
                '@'..='~' => self.to(State::Text),
                _ => self.text(c),
            },
            State::Words => match c {
                '\u{7}' | '\u{18}' | '\u{1a}' | '\u{9c}' => self.to(State::Text),
                '\u{1b}' => self.to(State::WordsEscape),
                '\n' | '\r' => self.text(c),
                _ => None,
            },
            State::WordsEscape => match c {
                '\\' => self.to(State::Text),
                _ => self.escape(c),
            },
        }
    }

    fn to(&mut self, state: State) -> Option<char> {
        self.state = state;
        None
    }

    fn escape(&mut self, c: char) -> Option<char> {
        match c {
            '[' => self.to(State::Control),
            ']' | 'P' | 'X' | '^' | '_' => self.to(State::Words),
            ' '..='/' => self.to(State::Middle),
            '0'..='~' => self.to(State::Text),
            _ => self.text(c),
        }
    }

    fn text(&mut self, c: char) -> Option<char> {
        self.state = State::Text;
        match c {
            ' '..='~' | '\n' | '\t' | '\r' => {
                self.marks = 0;
                Some(c)
            }
            // It may lay bare a pile that is full.
            '\u{8}' => {
                self.marks = MARKS;
                Some(c)
            }
            '\u{1b}' => self.to(State::Escape),
            '\u{9b}' => self.to(State::Control),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => self.to(State::Words),
            c if is_break(c) => Some('\n'),
            c if c.is_control() || is_hidden(c) => None,
            c if is_mark(c) => {
                self.marks = self.marks.saturating_add(1);
                (self.marks <= MARKS).then_some(c)
            }
            c => {
                self.marks = 0;
                Some(c)
            }
        }
    }
}

/// Lines as they look in the end.
#[derive(Default)]
struct Lines {
    out: String,
    /// Where the line begins.
    start: usize,
    /// The next character writes over the line.
    over: bool,
}

impl Lines {
    fn push(&mut self, c: char) {
        match c {
            '\n' => {
                self.out.push('\n');
                self.start = self.out.len();
                self.over = false;
            }
            '\r' => self.over = true,
            '\u{8}' => {
                if self.out.len() > self.start {
                    self.out.pop();
                }
            }
            c => {
                if std::mem::take(&mut self.over) {
                    self.out.truncate(self.start);
                }
                if c == '\t' {
                    let line = self.out.get(self.start..).unwrap_or_default();
                    let blanks = TAB - columns(line) % TAB;
                    self.out.extend(std::iter::repeat_n(' ', blanks));
                } else {
                    self.out.push(c);
                }
            }
        }
    }
}

/// True for a character that does not join a blank before it.
pub(crate) fn stands_alone(c: char) -> bool {
    c.is_ascii() || String::from_iter([' ', c]).graphemes(true).count() == 2
}

/// How many columns a text takes when it is drawn: one grapheme after the other.
pub(crate) fn columns(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    Graphemes(text).map(|(_, width)| width).sum()
}

/// The graphemes of a text with their widths; quick where it is plain ASCII.
pub(crate) struct Graphemes<'a>(pub(crate) &'a str);

impl<'a> Iterator for Graphemes<'a> {
    type Item = (&'a str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let is_ascii = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' '..=b'~'));
        let bytes = self.0.as_bytes();
        bytes.first()?;
        let (grapheme, width) = if is_ascii(bytes.first()) && is_ascii(bytes.get(1)) {
            (self.0.get(..1)?, 1)
        } else {
            let grapheme = self.0.graphemes(true).next()?;
            (grapheme, grapheme.width())
        };
        self.0 = self.0.get(grapheme.len()..)?;
        Some((grapheme, width))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_steer_a_terminal_goes_as_a_whole() {
        for (text, left) in [
            ("plain ä 🎉 漢字\nx", "plain ä 🎉 漢字\nx"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}[2J\u{1b}[H\u{1b}(Bb\u{1b}c!", "ab!"),
            ("\u{1b}]0;title\u{7}x\u{1b}]52;c;QQ==\u{1b}\\y", "xy"),
            ("\u{1b}Pq#0;2\u{1b}\\z\u{9b}5mC1\u{9d}8;;u\u{9c}", "zC1"),
            ("\u{1b}]never ended\nnext", "\nnext"),
            ("safe\u{202e}txt\u{2066}\u{200b}\u{feff}", "safetxt"),
            ("a\u{2028}b\u{7f}\u{0}\u{85}c", "a\nbc"),
            (
                "👨\u{200d}👩\u{200d}👧 e\u{301} می\u{200c}خواهم",
                "👨\u{200d}👩\u{200d}👧 e\u{301} می\u{200c}خواهم",
            ),
        ] {
            assert_eq!(plain(text), left, "{text:?}");
        }
    }

    #[test]
    fn lines_are_what_they_were_in_the_end() {
        for (text, left) in [
            ("a\tb\n\tc\nabcd\te", "a   b\n    c\nabcd    e"),
            ("漢\tb", "漢  b"),
            ("10%\r50%\r100%\ndone\r\n", "100%\ndone\n"),
            ("50%\r\u{1b}[Kdone\r", "done"),
            ("|\u{8}/\u{8}-\u{8}\u{8}\u{8}ok", "ok"),
        ] {
            assert_eq!(plain(text), left, "{text:?}");
        }
        assert_eq!(line("a\nb\n"), "a b");
    }

    #[test]
    fn marks_do_not_pile_up() {
        let pile = format!("e{}x", "\u{301}".repeat(1000));
        assert_eq!(plain(&pile), format!("e{}x", "\u{301}".repeat(16)));
    }

    #[test]
    fn clean_text_is_not_copied() {
        assert!(matches!(plain("ä 漢\nb"), Cow::Borrowed(_)));
    }

    /// Texts made of what terminals act on.
    fn nasty() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "\u{1b}", "[", "]", "0;", "m", "P", "\\", "\u{7}", "\u{9b}", "\u{9d}", "\u{9c}", "\r",
            "\n", "\t", "\u{8}", "a", " ", "漢", "\u{301}", "\u{200d}", "🎉", "\u{202e}", "\u{18}",
            "(", "\u{85}",
        ]);
        let any = any::<char>().prop_map(String::from);
        prop::collection::vec(
            prop_oneof![3 => pieces.prop_map(String::from), 1 => any],
            0..40,
        )
        .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_a_terminal_acts_on(text in nasty()) {
            let out = plain(&text);
            prop_assert!(out.chars().all(|c| c == '\n' || !c.is_control() && !is_hidden(c) && !is_break(c)));
            prop_assert!(matches!(plain(&out), Cow::Borrowed(_)));
        }

        #[test]
        fn pieces_give_what_the_whole_gives(text in nasty(), at in any::<prop::sample::Index>()) {
            let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let at = cuts[at.index(cuts.len())];
            let (mut whole, mut pieces) = (String::new(), String::new());
            Stream::default().push(&text, &mut whole);
            let mut stream = Stream::default();
            stream.push(&text[..at], &mut pieces);
            stream.push(&text[at..], &mut pieces);
            prop_assert_eq!(&whole, &pieces);
            prop_assert!(whole.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control() && !is_hidden(c)));
        }
    }
}
