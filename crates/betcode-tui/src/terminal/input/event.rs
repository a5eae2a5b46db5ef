//! What comes from a terminal: keys, pastes, the mouse, focus, and replies to what it was asked.

use crate::theme::Ground;

/// Something that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A key.
    Key(Key),
    /// Text that was pasted, as it came.
    Paste(String),
    /// The terminal got the focus or lost it.
    Focus(bool),
    /// The mouse.
    Mouse(Mouse),
    /// The terminal has turned dark or light.
    Ground(Ground),
    /// A reply.
    Reply(Reply),
}

/// Which keys are held with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Mods(u8);

impl Mods {
    /// None.
    pub const NONE: Self = Self(0);
    /// Shift. Never with a character that says it itself: Shift and a are `A`.
    pub const SHIFT: Self = Self(1);
    /// Alt, or Option.
    pub const ALT: Self = Self(2);
    /// Control.
    pub const CTRL: Self = Self(4);
    /// Super, Windows or Command.
    pub const SUPER: Self = Self(8);

    /// From the number in a sequence, which is one more than its bits. Locks do not count.
    pub(super) fn of(number: u32) -> Self {
        let bits = number.saturating_sub(1);
        // Meta, where it is told apart, is what Alt is elsewhere.
        let meta = if bits & 32 == 0 { 0 } else { Self::ALT.0 };
        Self(u8::try_from(bits & 15).unwrap_or_default() | meta)
    }

    /// These and others.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// All of the others are among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A key with what is held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The key.
    pub code: Code,
    /// What is held.
    pub mods: Mods,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character, as it is typed.
    Char(char),
    /// Enter.
    Enter,
    /// Tab; backwards with Shift.
    Tab,
    /// The key that removes what is before the cursor.
    Backspace,
    /// Escape.
    Escape,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Insert.
    Insert,
    /// The key that removes what is behind the cursor.
    Delete,
    /// A function key.
    F(u8),
    /// The key for a menu.
    Menu,
}

/// What the mouse did, and where: columns and rows begin with 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mouse {
    /// What it did.
    pub act: MouseAct,
    /// The column.
    pub x: u16,
    /// The row.
    pub y: u16,
    /// What is held.
    pub mods: Mods,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MouseAct {
    /// A button (0 is the left one) went down.
    Press(u8),
    /// A button went up.
    Release(u8),
    /// It moved, with a button down.
    Drag(u8),
    /// It moved.
    Move,
    /// The wheel turned up.
    ScrollUp,
    /// The wheel turned down.
    ScrollDown,
    /// The wheel was pushed.
    ScrollLeft,
    /// The wheel was pushed.
    ScrollRight,
}

/// What a terminal says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// What kind of terminal it is, in numbers. Every terminal replies to this one.
    Attributes(Vec<u32>),
    /// It has the keyboard protocol, with these of its flags set.
    Keyboard(u32),
    /// A mode: 1 set, 2 not set, 3 and 4 for ever so, 0 not known.
    Mode(u32, u32),
    /// The colour of its text.
    Foreground(u8, u8, u8),
    /// The colour behind it.
    Background(u8, u8, u8),
    /// The cursor is at the beginning of this row; the first one is 0.
    Row(u16),
    /// Its name and version.
    Version(String),
}
