//! A key as the terminal says it, and as people write it: `ctrl-x`, `shift-tab`, `alt-enter`, `A`.

use std::fmt;
use std::str::FromStr;

pub use crate::terminal::input::{Code, Key, Mods};

impl Key {
    /// The text that it writes, if it writes any.
    pub fn text(self) -> Option<char> {
        let held = [Mods::CTRL, Mods::ALT, Mods::SUPER];
        match self.code {
            Code::Char(c) if !held.iter().any(|held| self.mods.has(*held)) => Some(c),
            _ => None,
        }
    }
}

/// What is held down, in the order in which it is written.
const HELD: &[(Mods, &str)] = &[
    (Mods::CTRL, "ctrl-"),
    (Mods::ALT, "alt-"),
    (Mods::SHIFT, "shift-"),
    (Mods::SUPER, "super-"),
];

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
        for (held, name) in HELD {
            if self.mods.has(*held) {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            Code::Char(c) => write!(f, "{c}"),
            Code::F(number) => write!(f, "f{number}"),
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
        let (mut mods, mut rest) = (Mods::NONE, text);
        loop {
            let lower = rest.to_ascii_lowercase();
            let Some((held, name)) = HELD.iter().find(|(_, name)| lower.starts_with(name)) else {
                break;
            };
            mods = mods.with(*held);
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
                    (1..=24).contains(&number).then_some(Code::F(number))
                }),
        };
        let code = code.ok_or_else(|| NoKey(text.to_owned()))?;
        Ok(Self { code, mods }.settled())
    }
}

impl Key {
    /// The one form of a key that can be said in two: with control, letters are small; shift is in the character.
    #[must_use]
    fn settled(self) -> Self {
        let Self { code, mods } = self;
        match code {
            Code::Char(c) if mods.has(Mods::CTRL) => Self {
                code: Code::Char(c.to_ascii_lowercase()),
                mods,
            },
            Code::Char(c) if mods.has(Mods::SHIFT) => {
                let mut upper = c.to_uppercase();
                let upper = upper.next().filter(|_| upper.next().is_none());
                Self {
                    code: Code::Char(upper.unwrap_or(c)),
                    mods: mods.without(Mods::SHIFT),
                }
            }
            code => Self { code, mods },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        for text in [
            "x",
            "A",
            "enter",
            "f1",
            "f12",
            "ctrl-x",
            "alt-enter",
            "shift-tab",
            "space",
            "ctrl-alt-left",
            "minus",
            "é",
            "?",
        ] {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn what_can_be_said_in_two_ways_is_one_key() {
        for (one, other) in [
            ("Ctrl-X", "ctrl-x"),
            ("shift-a", "A"),
            ("Escape", "esc"),
            ("-", "minus"),
            (" ", "space"),
        ] {
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
