//! A key as the terminal says it, and as people write it: `ctrl-x`, `shift-tab`, `alt-enter`, `A`.

use std::fmt;
use std::str::FromStr;

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character, as it would be written: shift is in it.
    Char(char),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Escape.
    Escape,
    /// Left.
    Left,
    /// Right.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key.
    Function(u8),
}

/// Which keys are held down with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Held {
    /// Control.
    pub control: bool,
    /// Alt, or Option.
    pub alt: bool,
    /// Shift, where it is not in the character already.
    pub shift: bool,
}

/// A key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// What is held down with it.
    pub held: Held,
}

impl Key {
    /// The key alone.
    pub const fn plain(code: Code) -> Self {
        Self {
            code,
            held: Held {
                control: false,
                alt: false,
                shift: false,
            },
        }
    }

    /// The text that it writes, if it writes any.
    pub fn text(self) -> Option<char> {
        match self {
            Self {
                code: Code::Char(c),
                held:
                    Held {
                        control: false,
                        alt: false,
                        ..
                    },
            } => Some(c),
            _ => None,
        }
    }
}

/// Names of keys that are no characters, the first of each kind being the one that is shown.
const NAMES: &[(&str, Code)] = &[
    ("enter", Code::Enter),
    ("return", Code::Enter),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("del", Code::Delete),
    ("insert", Code::Insert),
    ("esc", Code::Escape),
    ("escape", Code::Escape),
    ("left", Code::Left),
    ("right", Code::Right),
    ("up", Code::Up),
    ("down", Code::Down),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("space", Code::Char(' ')),
    ("minus", Code::Char('-')),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Held { control, alt, shift } = self.held;
        for (held, name) in [(control, "ctrl-"), (alt, "alt-"), (shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            Code::Char(c) => write!(f, "{c}"),
            Code::Function(number) => write!(f, "f{number}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key; keys are written like x, A, enter, f1, ctrl-x, alt-enter, shift-tab")]
pub struct NoKey(String);

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let (mut held, mut rest) = (Held::default(), text);
        loop {
            let lower = rest.to_ascii_lowercase();
            let (flag, name) = if lower.starts_with("ctrl-") {
                (&mut held.control, "ctrl-")
            } else if lower.starts_with("alt-") {
                (&mut held.alt, "alt-")
            } else if lower.starts_with("shift-") {
                (&mut held.shift, "shift-")
            } else {
                break;
            };
            *flag = true;
            rest = rest.get(name.len()..).unwrap_or_default();
        }
        let lower = rest.to_ascii_lowercase();
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(c), None) => Some(Code::Char(c)),
            _ => NAMES
                .iter()
                .find(|(name, _)| *name == lower)
                .map(|(_, code)| *code)
                .or_else(|| {
                    let number = lower.strip_prefix('f')?.parse().ok()?;
                    (1..=24).contains(&number).then_some(Code::Function(number))
                }),
        };
        let code = code.ok_or_else(|| NoKey(text.to_owned()))?;
        Ok(Self { code, held }.settled())
    }
}

impl Key {
    /// The one form of a key that can be said in two: with control, letters are small; shift is in the character.
    #[must_use]
    pub fn settled(self) -> Self {
        let Self { code, mut held } = self;
        let code = match code {
            Code::Char(c) if held.control => Code::Char(c.to_ascii_lowercase()),
            Code::Char(c) if held.shift => {
                held.shift = false;
                let mut upper = c.to_uppercase();
                match (upper.next(), upper.next()) {
                    (Some(upper), None) => Code::Char(upper),
                    _ => Code::Char(c),
                }
            }
            other => other,
        };
        Self { code, held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        for text in ["x", "A", "enter", "f1", "f12", "ctrl-x", "alt-enter", "shift-tab", "space", "ctrl-alt-left", "minus", "é", "?"] {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn what_can_be_said_in_two_ways_is_one_key() {
        for (one, other) in [("Ctrl-X", "ctrl-x"), ("shift-a", "A"), ("Escape", "esc"), ("-", "minus"), (" ", "space")] {
            assert_eq!(one.parse::<Key>(), other.parse::<Key>(), "{one}");
        }
    }

    #[test]
    fn what_is_no_key_is_told() {
        for text in ["", "ctrl-", "hyper-x", "f0", "f99", "abc"] {
            let error = text.parse::<Key>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no key")), "{error}");
        }
    }
}
