//! What one whole control sequence of a terminal means. Where it begins and ends is known already.

use super::event::{Code, Event, Key, Mods, Mouse, MouseAct, Reply};
use crate::theme::Ground;

/// A sequence that begins with `ESC [`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Csi<'a> {
    /// `<`, `=`, `>` or `?` at the beginning.
    pub(super) mark: Option<u8>,
    /// The numbers, as they are written.
    pub(super) parameters: &'a str,
    pub(super) intermediate: &'a [u8],
    pub(super) last: u8,
}

impl Csi<'_> {
    /// The parts of a parameter: `97:65` are two.
    fn part(&self, index: usize, part: usize) -> Option<u32> {
        let parameter = self.parameters.split(';').nth(index)?;
        parameter.split(':').nth(part)?.parse().ok()
    }

    fn number(&self, index: usize) -> Option<u32> {
        self.part(index, 0)
    }

    fn numbers(&self) -> Vec<u32> {
        let numbers = self.parameters.split(';');
        numbers.filter_map(|number| number.parse().ok()).collect()
    }

    /// What it means, if anything.
    pub(super) fn event(&self) -> Option<Event> {
        match (self.mark, self.intermediate, self.last) {
            (Some(b'<'), b"", b'M' | b'm') => self.mouse().map(Event::Mouse),
            (Some(b'?'), b"", b'u') => Some(Event::Reply(Reply::Keyboard(self.number(0)?))),
            (Some(b'?'), b"", b'c') => Some(Event::Reply(Reply::Attributes(self.numbers()))),
            (Some(b'?'), b"$", b'y') => {
                Some(Event::Reply(Reply::Mode(self.number(0)?, self.number(1)?)))
            }
            (Some(b'?'), b"", b'n') if self.number(0) == Some(997) => match self.number(1) {
                Some(1) => Some(Event::Ground(Ground::Dark)),
                Some(2) => Some(Event::Ground(Ground::Light)),
                _ => None,
            },
            (None, b"", b'I') => Some(Event::Focus(true)),
            (None, b"", b'O') => Some(Event::Focus(false)),
            // The third function key with nothing held says no number.
            (None, b"", b'R') if self.number(1) == Some(1) => {
                let row = self.number(0)?.saturating_sub(1);
                Some(Event::Reply(Reply::Row(u16::try_from(row).ok()?)))
            }
            (None, b"", _) => self.key().map(Event::Key),
            _ => None,
        }
    }

    fn key(&self) -> Option<Key> {
        // The third kind of event is that a key went up.
        if self.part(1, 1) == Some(3) {
            return None;
        }
        let mods = Mods::of(self.number(1).unwrap_or(1));
        let code = match self.last {
            b'u' => return self.unicode(mods),
            b'~' | b'^' | b'@' => return self.numbered(mods),
            b'Z' => {
                return Some(Key {
                    code: Code::Tab,
                    mods: mods.with(Mods::SHIFT),
                });
            }
            // With other numbers it is the cursor's place, which nobody asked for.
            b'R' if self.number(0).unwrap_or(1) != 1 => return None,
            letter => lettered(letter)?,
        };
        Some(Key { code, mods })
    }

    fn numbered(&self, mods: Mods) -> Option<Key> {
        let mods = match self.last {
            b'^' => mods.with(Mods::CTRL),
            b'@' => mods.with(Mods::CTRL).with(Mods::SHIFT),
            _ => mods,
        };
        let number = self.number(0)?;
        let code = match number {
            27 => return character(self.number(2)?, None, mods),
            1 | 7 => Code::Home,
            2 => Code::Insert,
            3 => Code::Delete,
            4 | 8 => Code::End,
            5 => Code::PageUp,
            6 => Code::PageDown,
            11..=15 => function(number - 10)?,
            17..=21 => function(number - 11)?,
            23..=26 => function(number - 12)?,
            28 => function(15)?,
            29 => Code::Menu,
            31..=34 => function(number - 14)?,
            _ => return None,
        };
        Some(Key { code, mods })
    }

    /// The keyboard protocol's own form: the key, what it is with Shift, and the text it makes.
    fn unicode(&self, mods: Mods) -> Option<Key> {
        let shifted = self.part(0, 1).or_else(|| self.number(2));
        character(self.number(0)?, shifted, mods)
    }

    fn mouse(&self) -> Option<Mouse> {
        let bits = self.number(0)?;
        let place =
            |index| Some(u16::try_from(self.number(index)?.saturating_sub(1)).unwrap_or(u16::MAX));
        let mods = [(4, Mods::SHIFT), (8, Mods::ALT), (16, Mods::CTRL)];
        let held = mods.into_iter().filter(|(bit, _)| bits & bit != 0);
        let mods = held.fold(Mods::NONE, |sum, (_, held)| sum.with(held));
        let button = u8::try_from(bits & 3).ok()?;
        let act = match (bits & (32 | 64 | 128), button) {
            (64, 0) => MouseAct::ScrollUp,
            (64, 1) => MouseAct::ScrollDown,
            (64, 2) => MouseAct::ScrollLeft,
            (64, _) => MouseAct::ScrollRight,
            (32, 3) => MouseAct::Move,
            (32, button) => MouseAct::Drag(button),
            (0, 3) => return None,
            (0, button) if self.last == b'M' => MouseAct::Press(button),
            (0, button) => MouseAct::Release(button),
            _ => return None,
        };
        Some(Mouse {
            act,
            x: place(1)?,
            y: place(2)?,
            mods,
        })
    }
}

/// The keys that are told by a letter, behind `ESC [` or `ESC O`.
pub(super) fn lettered(letter: u8) -> Option<Code> {
    let code = match letter {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'F' => Code::End,
        b'H' => Code::Home,
        b'P' => Code::F(1),
        b'Q' => Code::F(2),
        b'R' => Code::F(3),
        b'S' => Code::F(4),
        _ => return None,
    };
    Some(code)
}

fn function(number: u32) -> Option<Code> {
    u8::try_from(number).ok().map(Code::F)
}

/// A key by its number in Unicode, or in the block that the keyboard protocol uses for keys without a character.
fn character(number: u32, shifted: Option<u32>, mods: Mods) -> Option<Key> {
    let code = match number {
        8 | 127 => Code::Backspace,
        9 => Code::Tab,
        13 | 57414 => Code::Enter,
        27 => Code::Escape,
        57363 => Code::Menu,
        57376..=57398 => function(number - 57363)?,
        57399..=57408 => Code::Char(char::from_digit(number - 57399, 10)?),
        57409 | 57416 => Code::Char('.'),
        57410 => Code::Char('/'),
        57411 => Code::Char('*'),
        57412 => Code::Char('-'),
        57413 => Code::Char('+'),
        57415 => Code::Char('='),
        57417 => Code::Left,
        57418 => Code::Right,
        57419 => Code::Up,
        57420 => Code::Down,
        57421 => Code::PageUp,
        57422 => Code::PageDown,
        57423 => Code::Home,
        57424 => Code::End,
        57425 => Code::Insert,
        57426 => Code::Delete,
        57344..=63743 => return None,
        _ => {
            let plain = char::from_u32(number).filter(|character| !character.is_control())?;
            return Some(typed(plain, shifted.and_then(char::from_u32), mods));
        }
    };
    Some(Key { code, mods })
}

/// A character with what is held: Shift goes where the character says it.
fn typed(plain: char, shifted: Option<char>, mods: Mods) -> Key {
    if !mods.has(Mods::SHIFT) {
        return Key {
            code: Code::Char(plain),
            mods,
        };
    }
    let mut upper = plain.to_uppercase();
    let shifted = shifted.filter(|shifted| *shifted != plain && !shifted.is_control());
    let large = match (shifted, upper.next(), upper.next()) {
        (Some(shifted), ..) => Some(shifted),
        (None, Some(large), None) if large != plain => Some(large),
        _ => None,
    };
    // A character that has no other form and is upper case came as it is typed.
    let says_it = large.is_some() || plain.is_uppercase();
    Key {
        code: Code::Char(large.unwrap_or(plain)),
        mods: if says_it {
            mods.without(Mods::SHIFT)
        } else {
            mods
        },
    }
}

/// What `ESC ] … ST` means.
pub(super) fn system(body: &[u8]) -> Option<Event> {
    let body = std::str::from_utf8(body).ok()?;
    let (number, value) = body.split_once(';')?;
    let (red, green, blue) = colour(value)?;
    let reply = match number {
        "10" => Reply::Foreground(red, green, blue),
        "11" => Reply::Background(red, green, blue),
        _ => return None,
    };
    Some(Event::Reply(reply))
}

/// What `ESC P … ST` means.
pub(super) fn device(body: &[u8]) -> Option<Event> {
    let version = std::str::from_utf8(body).ok()?.strip_prefix(">|")?;
    let harmless = version.chars().filter(|character| !character.is_control());
    Some(Event::Reply(Reply::Version(harmless.take(100).collect())))
}

/// `rgb:ffff/8080/0000`, with one to four digits for each part, or `#rrggbb`.
fn colour(text: &str) -> Option<(u8, u8, u8)> {
    let part = |digits: &str| {
        let value = u32::from_str_radix(digits, 16).ok()?;
        let most = (1_u32 << (4 * u32::try_from(digits.len()).ok()?)) - 1;
        u8::try_from((value * 255 + most / 2) / most).ok()
    };
    let (body, alpha) = match (text.strip_prefix("rgb:"), text.strip_prefix("rgba:")) {
        (Some(body), _) => (body, 0),
        (None, Some(body)) => (body, 1),
        (None, None) => {
            let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
            return Some((
                part(hex.get(..2)?)?,
                part(hex.get(2..4)?)?,
                part(hex.get(4..)?)?,
            ));
        }
    };
    let parts: Vec<&str> = body.split('/').collect();
    let fits = parts.iter().all(|digits| (1..=4).contains(&digits.len()));
    match parts.as_slice() {
        [red, green, blue, rest @ ..] if fits && rest.len() == alpha => {
            Some((part(red)?, part(green)?, part(blue)?))
        }
        _ => None,
    }
}
