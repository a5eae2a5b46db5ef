//! `betcode keys --watch`: keys come in raw, and each is told as it arrived, with what it does in each place.
//!
//! States of [`Watch`]: watching, asked once to end, ended.
//! Laws: ctrl-d ends it, and so does a second ctrl-c with nothing between; every line can be shown on a terminal as it is;
//! the terminal is given back on every way out.

use std::io::{IsTerminal as _, Write as _};

use betcode_tui::key::{Code, Key, Mods};
use betcode_tui::keymap::{ACTIONS, Keymap, Place};
use betcode_tui::runtime::signals::Signals;
use betcode_tui::terminal::input::{Event, Input};
use betcode_tui::terminal::modes::Mode;
use betcode_tui::terminal::probe::{Found, Known, QUESTIONS};
use betcode_tui::terminal::reader::{Read, Reader};
use betcode_tui::terminal::tty::Tty;
use rustix::process::Signal;
use tokio::sync::mpsc::unbounded_channel;

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::interactive::terminal;
use crate::link::block_on;
use crate::output::printable;

/// Where what a key does begins on its line.
const COLUMN: usize = 16;
const BEGINNING: &str = "Press keys: each is shown as it arrives, with what it does where. ctrl-c twice or ctrl-d ends this.";

/// What was learnt from what came.
struct Watch {
    keymap: Keymap,
    found: Found,
    /// The last key was one that ends this when it comes again.
    armed: bool,
    ended: bool,
}

impl Watch {
    fn new(keymap: Keymap) -> Self {
        Self {
            keymap,
            found: Found::default(),
            armed: false,
            ended: false,
        }
    }

    /// What to say about something that came.
    fn on(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Key(key) => self.key(*key),
            Event::Paste(text) => {
                self.armed = false;
                vec![format!("a paste of {} characters", text.chars().count())]
            }
            Event::Reply(reply) => {
                let before = self.found.keyboard;
                self.found.take(reply);
                if self.found.keyboard == before {
                    Vec::new()
                } else {
                    self.keyboard()
                }
            }
            Event::Focus(_) | Event::Mouse(_) | Event::Ground(_) => Vec::new(),
        }
    }

    fn key(&mut self, key: Key) -> Vec<String> {
        let control = |c| Key {
            code: Code::Char(c),
            mods: Mods::CTRL,
        };
        let again = std::mem::replace(&mut self.armed, key == control('c'));
        self.ended = key == control('d') || (again && self.armed);
        let mut line = format!("{:<COLUMN$}{}", key.to_string(), self.does(key));
        if self.armed && !self.ended {
            line.push_str(" (again: ends this)");
        }
        vec![printable(&line).into_owned()]
    }

    /// What a key does, in each place of its own.
    fn does(&self, key: Key) -> String {
        let bound = ACTIONS
            .iter()
            .filter(|entry| self.keymap.get(entry.place, key) == Some(entry.action));
        let bound: Vec<String> = bound
            .map(|entry| format!("{}: {}", entry.place.name(), entry.name))
            .collect();
        match (bound.is_empty(), key.text()) {
            (false, Some(_)) if self.keymap.get(Place::Input, key).is_none() => {
                format!("{}; elsewhere it is written", bound.join(", "))
            }
            (false, _) => bound.join(", "),
            (true, Some(_)) => "it is written".to_owned(),
            (true, None) => "nothing".to_owned(),
        }
    }

    /// What the terminal can tell apart.
    fn keyboard(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        if let Some(version) = &self.found.version {
            lines.push(format!("this terminal is {}", printable(version)));
        }
        match self.found.keyboard {
            Known::Yes => lines.push(
                "it knows the keyboard protocol: enter, shift-enter and ctrl-enter are different keys"
                    .to_owned(),
            ),
            Known::No => lines.extend(
                [
                    "it does not know the keyboard protocol: it may send the same for enter, shift-enter and ctrl-enter,",
                    "for tab and ctrl-i, and for esc and ctrl-[; what it shows here is what arrives",
                ]
                .map(str::to_owned),
            ),
            Known::NotYet => {}
        }
        lines
    }
}

/// Watches until somebody ends it.
pub(super) fn run(keymap: Keymap, context: &Context) -> Result<Exit, Failure> {
    if !std::io::stdin().is_terminal() || !context.output.is_terminal() {
        return Err(Failure::usage("betcode keys --watch needs a terminal")
            .hint("betcode keys lists the keys"));
    }
    let wrong = |error| Failure::io("the terminal cannot be used", &error);
    let tty = Tty::new(terminal()?).map_err(wrong)?;
    // Without its reader it ends by itself.
    tty.leave_on_panic(|| {});
    let ended = block_on(async {
        Box::pin(watch(&tty, Watch::new(keymap)))
            .await
            .map_err(wrong)
    });
    tty.leave(b"");
    ended
}

async fn watch(tty: &Tty, mut watch: Watch) -> std::io::Result<Exit> {
    let mut signals = Signals::listen()?;
    let mut out = std::fs::File::from(tty.device()?);
    let mut bytes = format!("{BEGINNING}\r\n").into_bytes();
    bytes.extend(tty.enter(&[Mode::Paste])?);
    bytes.extend_from_slice(QUESTIONS);
    out.write_all(&bytes)?;
    let (sender, mut incoming) = unbounded_channel();
    let sink = move |read, ()| sender.send(read).is_ok();
    let _reader = Reader::new(tty.device()?, Input::default(), || (), sink)?;
    while !watch.ended {
        let events = tokio::select! {
            read = incoming.recv() => match read {
                Some(Read::Events(events)) => events,
                Some(Read::End) | None => break,
            },
            number = signals.next() => {
                let interrupted = number == Signal::INT.as_raw();
                return Ok(if interrupted { Exit::Interrupted } else { Exit::Terminated });
            }
        };
        let before = watch.found.keyboard;
        let mut bytes = Vec::new();
        for event in events {
            for line in watch.on(&event) {
                bytes.extend_from_slice(line.as_bytes());
                bytes.extend_from_slice(b"\r\n");
            }
            if watch.ended {
                break;
            }
        }
        if watch.found.keyboard != before {
            // As the screen does it, so that keys arrive here as they do there.
            let mode = match watch.found.keyboard {
                Known::Yes => Mode::Keyboard,
                Known::No | Known::NotYet => Mode::OtherKeys,
            };
            bytes.extend(tty.enter(&[mode])?);
        }
        out.write_all(&bytes)?;
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use betcode_tui::terminal::input::Reply;

    use super::*;

    fn pressed(watch: &mut Watch, key: &str) -> String {
        watch.on(&Event::Key(key.parse().unwrap())).join("\n")
    }

    #[test]
    fn a_key_is_told_with_what_it_does_in_each_place() {
        let mut watch = Watch::new(Keymap::default());
        assert_eq!(
            pressed(&mut watch, "ctrl-x"),
            "ctrl-x          input: unfold-paste"
        );
        assert_eq!(
            pressed(&mut watch, "tab"),
            "tab             everywhere: focus, permission: deny-with-message, question: own-words, list: choose"
        );
        assert_eq!(pressed(&mut watch, "f12"), "f12             nothing");
        assert_eq!(pressed(&mut watch, "Z"), "Z               it is written");
        assert!(
            pressed(&mut watch, "r").contains("observer: ask-for-lock, ")
                && pressed(&mut watch, "r").ends_with("; elsewhere it is written")
        );
    }

    #[test]
    fn the_second_of_two_ends_it_and_a_key_between_them_does_not() {
        let mut watch = Watch::new(Keymap::default());
        assert!(pressed(&mut watch, "ctrl-c").ends_with("(again: ends this)"));
        pressed(&mut watch, "x");
        pressed(&mut watch, "ctrl-c");
        assert!(!watch.ended);
        pressed(&mut watch, "ctrl-c");
        assert!(watch.ended);
        let mut watch = Watch::new(Keymap::default());
        pressed(&mut watch, "ctrl-d");
        assert!(watch.ended);
    }

    #[test]
    fn what_the_terminal_can_tell_apart_is_told_once() {
        let mut watch = Watch::new(Keymap::default());
        let told = watch.on(&Event::Reply(Reply::Keyboard(0))).join("\n");
        assert!(told.contains("are different keys"), "{told}");
        assert!(
            watch
                .on(&Event::Reply(Reply::Attributes(vec![62])))
                .is_empty()
        );
        let mut plain = Watch::new(Keymap::default());
        let told = plain
            .on(&Event::Reply(Reply::Attributes(vec![1])))
            .join("\n");
        assert!(
            told.contains("does not know the keyboard protocol"),
            "{told}"
        );
    }

    #[test]
    fn a_key_cannot_steer_the_terminal() {
        let mut watch = Watch::new(Keymap::default());
        let key = Key {
            code: Code::Char('\u{9b}'),
            mods: Mods::NONE,
        };
        let told = watch.on(&Event::Key(key)).join("\n");
        assert!(!told.contains('\u{9b}'), "{told:?}");
    }
}
