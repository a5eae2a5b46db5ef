//! Bytes from a terminal to events: keys in every encoding in use, pastes, mouse, focus, replies. No I/O and no clock.
//!
//! One parser of our own, because replies arrive among the keys at any time: the usual event readers know only the replies
//! they ask for themselves, and turn the others into keys.
//!
//! States: bytes that are the beginning of something, or a paste that has not ended.
//! Laws: every input gives events and never an error; how the bytes are split does not matter; sequences that mean nothing
//! are dropped whole and never become text (up to 4 kB, which no terminal's reply reaches); what is pasted is never a key. Only an Escape key needs time to be told from a
//! sequence: [`Input::waits`] says so, and [`Input::no_more`] that nothing came.

mod event;
mod sequence;

pub use event::{Code, Event, Key, Mods, Mouse, MouseAct, Reply};

use sequence::Csi;

/// A sequence that is longer is none.
const LONGEST: usize = 4_096;
/// More of a paste is another paste.
const LONGEST_PASTE: usize = 64 << 20;
const PASTE_END: &[u8] = b"\x1b[201~";

/// The parser.
#[derive(Debug, Default)]
pub struct Input {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What the beginning of some bytes is.
enum Step {
    /// Perhaps something, with more bytes.
    More,
    /// So many bytes that mean this.
    Took(usize, Option<Event>),
    /// So many bytes, behind which a paste begins.
    Paste(usize),
}

impl Input {
    /// Takes bytes in.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let rest = self.pending.get(at..).unwrap_or_default();
            if let Some(paste) = &mut self.paste {
                let (taken, ended) = pasted(paste, rest);
                at += taken;
                if ended || paste.len() >= LONGEST_PASTE {
                    let text = String::from_utf8_lossy(paste).into_owned();
                    events.push(Event::Paste(text));
                    self.paste = (!ended).then(Vec::new);
                }
                if !ended {
                    break;
                }
                continue;
            }
            if rest.is_empty() {
                break;
            }
            match step(rest) {
                Step::More if rest.len() <= LONGEST => break,
                Step::More => at = self.pending.len(),
                Step::Took(count, event) => {
                    at += count;
                    events.extend(event);
                }
                Step::Paste(count) => {
                    at += count;
                    self.paste = Some(Vec::new());
                }
            }
        }
        self.pending.drain(..at.min(self.pending.len()));
        events
    }

    /// What came last is a key, unless more comes soon: some 30 ms.
    pub fn waits(&self) -> bool {
        self.paste.is_none()
            && matches!(
                self.pending.as_slice(),
                [0x1b] | [0x1b, b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X']
            )
    }

    /// Nothing came soon.
    pub fn no_more(&mut self) -> Vec<Event> {
        if !self.waits() {
            return Vec::new();
        }
        let pending = std::mem::take(&mut self.pending);
        let key = match pending.get(1) {
            Some(letter) => Key {
                code: Code::Char(char::from(*letter)),
                mods: Mods::ALT,
            },
            None => Key {
                code: Code::Escape,
                mods: Mods::NONE,
            },
        };
        vec![Event::Key(key)]
    }
}

/// Moves bytes into a paste: how many, and whether it has ended. A beginning of the end stays.
fn pasted(paste: &mut Vec<u8>, bytes: &[u8]) -> (usize, bool) {
    let end = bytes
        .windows(PASTE_END.len())
        .position(|window| window == PASTE_END);
    if let Some(end) = end {
        paste.extend_from_slice(bytes.get(..end).unwrap_or_default());
        return (end + PASTE_END.len(), true);
    }
    let kept = (1..PASTE_END.len()).rev().find(|length| {
        let beginning = PASTE_END.get(..*length).unwrap_or_default();
        bytes.ends_with(beginning)
    });
    let taken = bytes.len() - kept.unwrap_or(0);
    paste.extend_from_slice(bytes.get(..taken).unwrap_or_default());
    (taken, false)
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [] | [0x1b] => Step::More,
        [0x1b, b'[', rest @ ..] => csi(rest),
        [0x1b, b'O', rest @ ..] => single_shift(rest),
        [0x1b, b']', rest @ ..] => string(rest, true, sequence::system),
        [0x1b, b'P', rest @ ..] => string(rest, false, sequence::device),
        [0x1b, b'_' | b'^' | b'X', rest @ ..] => string(rest, false, |_| None),
        // Escape was pressed, and then something else was.
        [0x1b, 0x1b, ..] => Step::Took(1, Some(Event::Key(plain(Code::Escape)))),
        [0x1b, rest @ ..] => match character(rest) {
            Step::Took(count, Some(Event::Key(key))) => Step::Took(
                count + 1,
                Some(Event::Key(Key {
                    mods: key.mods.with(Mods::ALT),
                    ..key
                })),
            ),
            Step::Took(count, other) => Step::Took(count + 1, other),
            other => other,
        },
        _ => character(bytes),
    }
}

fn plain(code: Code) -> Key {
    Key {
        code,
        mods: Mods::NONE,
    }
}

fn control(letter: char) -> Key {
    Key {
        code: Code::Char(letter),
        mods: Mods::CTRL,
    }
}

fn character(bytes: &[u8]) -> Step {
    let Some(first) = bytes.first().copied() else {
        return Step::More;
    };
    let key = match first {
        b'\r' => plain(Code::Enter),
        b'\t' => plain(Code::Tab),
        0x7f => plain(Code::Backspace),
        0 => control(' '),
        1..=26 => control(char::from(first + b'a' - 1)),
        27..=31 => control(char::from(first + b'@')),
        32..=126 => plain(Code::Char(char::from(first))),
        _ => return unicode(bytes, first),
    };
    Step::Took(1, Some(Event::Key(key)))
}

/// A character of several bytes; bytes that are none are dropped.
fn unicode(bytes: &[u8], first: u8) -> Step {
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Step::Took(1, None),
    };
    let text = bytes.get(..length.min(bytes.len())).unwrap_or_default();
    match std::str::from_utf8(text) {
        Ok(text) => {
            let character = text
                .chars()
                .next()
                .filter(|character| !character.is_control());
            Step::Took(
                length,
                character.map(|character| Event::Key(plain(Code::Char(character)))),
            )
        }
        Err(error) if error.error_len().is_none() && bytes.len() < length => Step::More,
        Err(error) => Step::Took(error.error_len().unwrap_or(1), None),
    }
}

fn csi(rest: &[u8]) -> Step {
    // The console of Linux says its function keys with a second bracket.
    if let [b'[', after @ ..] = rest {
        return match after.first() {
            None => Step::More,
            Some(letter @ b'A'..=b'E') => {
                Step::Took(4, Some(Event::Key(plain(Code::F(letter - b'A' + 1)))))
            }
            Some(_) => Step::Took(3, None),
        };
    }
    // The mouse without numbers: three bytes that can be any.
    if rest.first() == Some(&b'M') {
        return if rest.len() < 4 {
            Step::More
        } else {
            Step::Took(6, None)
        };
    }
    let parameters = rest
        .iter()
        .take_while(|byte| (0x30..=0x3f).contains(*byte))
        .count();
    let after = rest.get(parameters..).unwrap_or_default();
    let between = after
        .iter()
        .take_while(|byte| (0x20..=0x2f).contains(*byte))
        .count();
    let length = 2 + parameters + between;
    let Some(last) = after.get(between).copied() else {
        return Step::More;
    };
    if !(0x40..=0x7e).contains(&last) {
        // Broken off: what breaks it is something of its own.
        return Step::Took(length, None);
    }
    let text = rest.get(..parameters).unwrap_or_default();
    let mark = text
        .first()
        .copied()
        .filter(|first| (0x3c..=0x3f).contains(first));
    let text = text.get(usize::from(mark.is_some())..).unwrap_or_default();
    let sequence = Csi {
        mark,
        parameters: std::str::from_utf8(text).unwrap_or_default(),
        intermediate: after.get(..between).unwrap_or_default(),
        last,
    };
    if last == b'~' && text == b"200" && mark.is_none() {
        return Step::Paste(length + 1);
    }
    Step::Took(length + 1, sequence.event())
}

/// Behind `ESC O`: a letter, and before it perhaps the keys that are held.
fn single_shift(rest: &[u8]) -> Step {
    let digits = rest
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    let Some(letter) = rest.get(digits).copied() else {
        return Step::More;
    };
    let numbers = std::str::from_utf8(rest.get(..digits).unwrap_or_default()).unwrap_or_default();
    let mods = numbers
        .rsplit(';')
        .next()
        .and_then(|number| number.parse().ok());
    let code = match letter {
        0x20..=0x7e => sequence::lettered(letter).or(match letter {
            b'M' => Some(Code::Enter),
            b'j'..=b'y' => Some(Code::Char(char::from(letter - b'j' + b'*'))),
            b'X' => Some(Code::Char('=')),
            b' ' => Some(Code::Char(' ')),
            b'I' => Some(Code::Tab),
            _ => None,
        }),
        _ => return Step::Took(2 + digits, None),
    };
    let key = code.map(|code| Key {
        code,
        mods: Mods::of(mods.unwrap_or(1)),
    });
    Step::Took(3 + digits, key.map(Event::Key))
}

/// A string up to its end: `ESC \`, or also a bell.
fn string(rest: &[u8], bell: bool, meaning: impl Fn(&[u8]) -> Option<Event>) -> Step {
    let ends = |byte: &u8| *byte == 0x1b || (bell && *byte == 7) || *byte == 0x18 || *byte == 0x1a;
    let Some(end) = rest.iter().position(ends) else {
        return Step::More;
    };
    let body = rest.get(..end).unwrap_or_default();
    match rest.get(end..).unwrap_or_default() {
        [7, ..] => Step::Took(3 + end, meaning(body)),
        [0x1b, b'\\', ..] => Step::Took(4 + end, meaning(body)),
        [0x1b] => Step::More,
        // Broken off by another sequence, or cancelled.
        [0x1b, ..] => Step::Took(2 + end, None),
        _ => Step::Took(3 + end, None),
    }
}

#[cfg(test)]
mod tests;
