//! The state a terminal is brought into and out of again, as bytes. No I/O: see [`super::tty`].
//!
//! States: the modes that were entered, in their order.
//! Laws: leaving undoes exactly what was entered, in reverse, and leaving again does nothing; nothing clears the
//! scrollback.

const NO_PROGRESS: &str = "\x1b]9;4;0\x1b\\";

/// A state of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The screen without scrollback.
    Alternate,
    /// Pastes are marked.
    Paste,
    /// It tells when it gets the focus or loses it.
    Focus,
    /// It tells when it turns dark or light.
    Scheme,
    /// Keys by the newer protocol, as far as they could not be told apart.
    Keyboard,
    /// Keys by the older way to the same end.
    OtherKeys,
    /// It tells what the mouse does.
    Mouse,
    /// The title is ours; the old one comes back.
    Title,
    /// What is longer than a row is cut, and does not go on in the next one.
    Cut,
    /// The cursor is a bar.
    Bar,
    /// It shows progress, none at first, and none when it is left.
    Progress,
}

impl Mode {
    fn enter(self) -> &'static str {
        match self {
            Self::Alternate => "\x1b[?1049h",
            Self::Paste => "\x1b[?2004h",
            Self::Focus => "\x1b[?1004h",
            Self::Scheme => "\x1b[?2031h",
            Self::Keyboard => "\x1b[>1u",
            Self::OtherKeys => "\x1b[>4;2m",
            Self::Mouse => "\x1b[?1002;1006h",
            Self::Title => "\x1b[22;2t",
            Self::Cut => "\x1b[?7l",
            Self::Bar => "\x1b[6 q",
            Self::Progress => NO_PROGRESS,
        }
    }

    fn leave(self) -> &'static str {
        match self {
            Self::Alternate => "\x1b[?1049l",
            Self::Paste => "\x1b[?2004l",
            Self::Focus => "\x1b[?1004l",
            Self::Scheme => "\x1b[?2031l",
            Self::Keyboard => "\x1b[<1u",
            Self::OtherKeys => "\x1b[>4m",
            Self::Mouse => "\x1b[?1002;1006l",
            Self::Title => "\x1b[23;2t",
            // Whatever ends it: the rows of ours are from here on, and what is said last is not written over them.
            Self::Cut => "\r\x1b[J\x1b[?7h",
            Self::Bar => "\x1b[0 q",
            Self::Progress => NO_PROGRESS,
        }
    }
}

/// The modes that were entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes {
    entered: Vec<Mode>,
}

impl Modes {
    /// Enters a mode: the bytes, none if it was entered before.
    pub fn enter(&mut self, mode: Mode) -> &'static str {
        if self.entered.contains(&mode) {
            return "";
        }
        self.entered.push(mode);
        mode.enter()
    }

    /// Leaves a mode: the bytes, none if it was not entered.
    pub fn leave(&mut self, mode: Mode) -> &'static str {
        let Some(place) = self.entered.iter().position(|entered| *entered == mode) else {
            return "";
        };
        self.entered.remove(place);
        mode.leave()
    }

    /// Leaves all of them: the bytes, and the modes to enter again later.
    pub fn leave_all(&mut self) -> (String, Vec<Mode>) {
        let entered = std::mem::take(&mut self.entered);
        let bytes = entered.iter().rev().map(|mode| mode.leave()).collect();
        (bytes, entered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Mode; 11] = [
        Mode::Title,
        Mode::Alternate,
        Mode::Keyboard,
        Mode::OtherKeys,
        Mode::Paste,
        Mode::Focus,
        Mode::Scheme,
        Mode::Mouse,
        Mode::Cut,
        Mode::Bar,
        Mode::Progress,
    ];

    #[test]
    fn what_was_entered_is_left_in_reverse_and_once() {
        let mut modes = Modes::default();
        let entered: Vec<&str> = ALL.into_iter().map(|mode| modes.enter(mode)).collect();
        assert!(entered.iter().all(|bytes| !bytes.is_empty()));
        assert_eq!(modes.enter(Mode::Paste), "");
        assert_eq!(modes.leave(Mode::Mouse), "\x1b[?1002;1006l");
        let (bytes, again) = modes.leave_all();
        assert_eq!(
            bytes,
            "\x1b]9;4;0\x1b\\\x1b[0 q\r\x1b[J\x1b[?7h\x1b[?2031l\x1b[?1004l\x1b[?2004l\x1b[>4m\x1b[<1u\x1b[?1049l\x1b[23;2t"
        );
        assert_eq!(again.len(), ALL.len() - 1);
        assert_eq!(modes.leave_all(), (String::new(), Vec::new()));
    }

    #[test]
    fn a_terminal_is_as_before_when_all_is_left() {
        let mut parser = vt100::Parser::new(5, 20, 10);
        parser.process(b"before\r\n");
        let state = |parser: &vt100::Parser| {
            let screen = parser.screen();
            (
                screen.contents(),
                screen.alternate_screen(),
                screen.bracketed_paste(),
                screen.mouse_protocol_mode(),
                screen.mouse_protocol_encoding(),
                screen.hide_cursor(),
            )
        };
        let before = state(&parser);
        let mut modes = Modes::default();
        for mode in ALL {
            parser.process(modes.enter(mode).as_bytes());
        }
        parser.process(b"\x1b[H\x1b[Jour screen");
        assert_ne!(state(&parser), before);
        parser.process(modes.leave_all().0.as_bytes());
        assert_eq!(state(&parser), before);
    }
}
