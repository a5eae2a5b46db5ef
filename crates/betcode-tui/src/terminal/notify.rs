//! Bytes that tell the terminal something besides the screen: copied text, notifications, progress, a title. No I/O.
//!
//! Law: whatever the text, nothing in it ends the sequence it is in or begins another one.

use betcode_core::event::Base64;

use super::environment::{Multiplexer, Notices};
use crate::text::sanitize;

/// The most that is copied: terminals drop more than 100,000 characters, and text grows by a third.
const MOST_COPIED: usize = 74_994;
/// The most characters of a title or a notification.
const MOST_TEXT: usize = 200;
/// GNU screen drops longer strings.
const SCREEN_PART: usize = 512;

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is going on.
    None,
    /// Something is, and nobody knows how long.
    Busy,
    /// So many hundredths are done.
    Percent(u8),
    /// Something went wrong.
    Failed,
    /// Someone is waited for.
    Waiting,
}

/// Puts text into the clipboard: OSC 52. None: it is too long for that.
pub fn copy(text: &str, between: Option<Multiplexer>) -> Option<Vec<u8>> {
    if text.len() > MOST_COPIED {
        return None;
    }
    let sequence = format!("\x1b]52;c;{}\x1b\\", Base64::of(text.as_bytes()).text());
    let mut bytes = Vec::new();
    if between != Some(Multiplexer::Screen) {
        bytes.extend_from_slice(sequence.as_bytes());
    }
    // tmux takes one of the two, by its settings; the same text twice does no harm.
    if between.is_some() {
        bytes.extend(through(sequence.as_bytes(), between));
    }
    Some(bytes)
}

/// Says something outside the window.
pub fn notify(notices: Notices, title: &str, text: &str, between: Option<Multiplexer>) -> Vec<u8> {
    let (title, text) = (harmless(title), harmless(text));
    let sequence = match notices {
        Notices::Bell => return vec![7],
        Notices::Text => format!("\x1b]9;{title}: {text}\x1b\\"),
        Notices::Titled => format!("\x1b]777;notify;{};{text}\x1b\\", title.replace(';', ",")),
        Notices::Protocol => {
            format!("\x1b]99;i=betcode:d=0;{title}\x1b\\\x1b]99;i=betcode:d=1:p=body;{text}\x1b\\")
        }
    };
    through(sequence.as_bytes(), between)
}

/// Shows how far something is: OSC 9;4.
pub fn progress(progress: Progress) -> Vec<u8> {
    let state = match progress {
        Progress::None => "0".to_owned(),
        Progress::Percent(percent) => format!("1;{}", percent.min(100)),
        Progress::Failed => "2;100".to_owned(),
        Progress::Busy => "3".to_owned(),
        Progress::Waiting => "4;100".to_owned(),
    };
    format!("\x1b]9;4;{state}\x1b\\").into_bytes()
}

/// The title of the window: OSC 2.
pub fn title(text: &str) -> Vec<u8> {
    format!("\x1b]2;{}\x1b\\", harmless(text)).into_bytes()
}

/// The beginning of a text in one line.
fn harmless(text: &str) -> String {
    sanitize::line(text).chars().take(MOST_TEXT).collect()
}

/// A sequence for the terminal outside, by way of what is in between.
fn through(sequence: &[u8], between: Option<Multiplexer>) -> Vec<u8> {
    match between {
        None => sequence.to_vec(),
        Some(Multiplexer::Tmux) => {
            let mut bytes = b"\x1bPtmux;".to_vec();
            for byte in sequence {
                if *byte == 0x1b {
                    bytes.push(0x1b);
                }
                bytes.push(*byte);
            }
            bytes.extend_from_slice(b"\x1b\\");
            bytes
        }
        Some(Multiplexer::Screen) => {
            // An end inside would be the end of the outer one, so it is divided between two.
            let mut bytes = Vec::new();
            for part in sequence.split_inclusive(|byte| *byte == 0x1b) {
                for chunk in part.chunks(SCREEN_PART) {
                    bytes.extend_from_slice(b"\x1bP");
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\x1b\\");
                }
            }
            bytes
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn copied_text_goes_as_it_is_and_through_tmux_as_well() {
        assert_eq!(
            copy("hé\n", None).as_deref(),
            Some(b"\x1b]52;c;aMOpCg==\x1b\\".as_slice())
        );
        assert_eq!(
            copy("a", Some(Multiplexer::Tmux)).as_deref(),
            Some(b"\x1b]52;c;YQ==\x1b\\\x1bPtmux;\x1b\x1b]52;c;YQ==\x1b\x1b\\\x1b\\".as_slice())
        );
        assert!(copy(&"x".repeat(MOST_COPIED), None).is_some_and(|bytes| bytes.len() < 100_008));
        assert_eq!(copy(&"x".repeat(MOST_COPIED + 1), None), None);
    }

    #[test]
    fn titles_and_notifications_are_one_line_without_control_characters() {
        assert_eq!(title("a\n\x1b]0;evil\x07b"), b"\x1b]2;a b\x1b\\");
        assert_eq!(notify(Notices::Bell, "a", "b", None), [7]);
        assert_eq!(
            notify(Notices::Titled, "a;b", "c", None),
            b"\x1b]777;notify;a,b;c\x1b\\"
        );
        assert_eq!(notify(Notices::Text, "a", "b", None), b"\x1b]9;a: b\x1b\\");
        assert_eq!(progress(Progress::Percent(200)), b"\x1b]9;4;1;100\x1b\\");
    }

    proptest! {
        #[test]
        fn nothing_in_a_text_ends_its_sequence(text in any::<String>()) {
            for notices in [Notices::Text, Notices::Titled, Notices::Protocol] {
                let plain = notify(notices, "", "", None);
                let control = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().filter(|c| c.is_control()).count();
                prop_assert_eq!(control(&notify(notices, &text, &text, None)), control(&plain));
                prop_assert_eq!(control(&title(&text)), 2);
            }
        }
    }
}
