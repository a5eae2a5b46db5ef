//! What a terminal can do, by asking it: the questions, and what the replies amount to. Nobody waits for them.
//!
//! The question that every terminal answers comes last, so its reply says that no other one will come.
//! States: which replies came. Laws: what was learnt is never unlearnt; without a single reply there is the plainest
//! terminal.

use super::input::Reply;
use crate::theme::Ground;

/// The questions, in one write: name, keyboard protocol, synchronized output, marked pastes, change of colours, the two
/// colours, and what kind of terminal it is. Terminals that do not know one may draw a letter, so they come before the
/// first frame.
pub const QUESTIONS: &[u8] =
    b"\x1b[>0q\x1b[?u\x1b[?2026$p\x1b[?2004$p\x1b[?2031$p\x1b]10;?\x1b\\\x1b]11;?\x1b\\\x1b[c";

/// In which row its cursor is. It must be at the beginning of it, or the reply might be taken for a key.
pub const WHERE: &[u8] = b"\x1b[6n";

/// Whether the terminal can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// It has not said.
    #[default]
    NotYet,
    /// It can.
    Yes,
    /// It cannot.
    No,
}

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The keyboard protocol.
    pub keyboard: Known,
    /// Synchronized output: mode 2026.
    pub synchronized: Known,
    /// Marked pastes: mode 2004.
    pub pastes: Known,
    /// It says when it turns dark or light: mode 2031.
    pub scheme: Known,
    /// What is behind the text.
    pub ground: Option<Ground>,
    /// Its name and version.
    pub version: Option<String>,
    foreground: Option<u32>,
}

impl Found {
    /// A reply came. Says whether anything is known now that was not.
    pub fn take(&mut self, reply: &Reply) -> bool {
        let before = self.clone();
        match reply {
            Reply::Keyboard(_) => self.keyboard = Known::Yes,
            Reply::Mode(2026, state) => self.synchronized = changeable(*state),
            Reply::Mode(2004, state) => self.pastes = changeable(*state),
            Reply::Mode(2031, state) => self.scheme = changeable(*state),
            Reply::Mode(..) | Reply::Row(_) => {}
            Reply::Foreground(red, green, blue) => {
                self.foreground = Some(brightness(*red, *green, *blue));
            }
            Reply::Background(red, green, blue) => {
                let brightness = brightness(*red, *green, *blue);
                // Where the text's colour is known, what is brighter decides; else the middle does.
                let light = brightness > self.foreground.unwrap_or(127_500);
                self.ground = Some(if light { Ground::Light } else { Ground::Dark });
            }
            Reply::Version(version) => self.version = Some(version.clone()),
            Reply::Attributes(_) => {
                let all = [
                    &mut self.keyboard,
                    &mut self.synchronized,
                    &mut self.pastes,
                    &mut self.scheme,
                ];
                for known in all.into_iter().filter(|known| **known == Known::NotYet) {
                    *known = Known::No;
                }
            }
        }
        *self != before
    }
}

/// A mode that can be set, by what the terminal says of it.
fn changeable(state: u32) -> Known {
    match state {
        1..=3 => Known::Yes,
        _ => Known::No,
    }
}

fn brightness(red: u8, green: u8, blue: u8) -> u32 {
    u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_knows_nothing_is_known_to_when_it_says_what_it_is() {
        let mut found = Found::default();
        assert!(found.take(&Reply::Attributes(vec![1, 2])));
        assert_eq!(found.keyboard, Known::No);
        assert_eq!(found.synchronized, Known::No);
        assert_eq!(found.ground, None);
        assert!(!found.take(&Reply::Attributes(vec![1, 2])));
    }

    #[test]
    fn what_it_said_before_stays() {
        let mut found = Found::default();
        found.take(&Reply::Keyboard(0));
        found.take(&Reply::Mode(2026, 2));
        found.take(&Reply::Mode(2031, 4));
        found.take(&Reply::Attributes(vec![62]));
        assert_eq!(found.keyboard, Known::Yes);
        assert_eq!(found.synchronized, Known::Yes);
        assert_eq!(found.scheme, Known::No);
        assert_eq!(found.pastes, Known::No);
    }

    #[test]
    fn dark_and_light_are_told_apart_by_text_and_background() {
        let ground = |foreground: Option<u8>, background: u8| {
            let mut found = Found::default();
            if let Some(grey) = foreground {
                found.take(&Reply::Foreground(grey, grey, grey));
            }
            found.take(&Reply::Background(background, background, background));
            found.ground
        };
        assert_eq!(ground(None, 20), Some(Ground::Dark));
        assert_eq!(ground(None, 250), Some(Ground::Light));
        assert_eq!(ground(Some(230), 140), Some(Ground::Dark));
        assert_eq!(ground(Some(10), 100), Some(Ground::Light));
    }
}
