//! Tests of reading lines, on a pseudo terminal that edits them as terminals do.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;

const LONG: Duration = Duration::from_secs(20);

/// Where somebody types, a reader, and what it gives.
fn reading() -> (OwnedFd, LineReader, Receiver<Line>) {
    let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo terminal");
    grantpt(&outer).expect("granted");
    unlockpt(&outer).expect("unlocked");
    let name = ptsname(&outer, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let inner = open(name.as_c_str(), flags, Mode::empty()).expect("its other end");
    let (sender, given) = channel();
    let reader = LineReader::new(inner, move |line| sender.send(line).is_ok());
    (outer, reader.expect("a thread"), given)
}

fn types(outer: &OwnedFd, text: &str) {
    rustix::io::write(outer, text.as_bytes()).expect("typed");
}

/// Waits until the terminal has echoed it: then it is in its input.
fn echoed(outer: &OwnedFd, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        let mut bytes = [0; 256];
        let count = rustix::io::read(outer, &mut bytes).expect("an echo");
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
}

fn whole(given: &Receiver<Line>) -> Vec<String> {
    match given.recv_timeout(LONG) {
        Ok(Line::Whole(lines)) => lines,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_comes_when_it_is_finished_and_as_the_terminal_edited_it() {
    let (outer, _reader, given) = reading();
    types(&outer, "helo\x7flo\n");
    assert_eq!(whole(&given), ["hello"]);
    types(&outer, "\n");
    assert_eq!(whole(&given), [""]);
}

#[test]
fn lines_of_a_paste_come_together() {
    let (outer, _reader, given) = reading();
    types(&outer, "one\ntwo\n\nfour\n");
    assert_eq!(whole(&given), ["one", "two", "", "four"]);
}

#[test]
fn what_had_been_begun_is_taken_out_and_the_rest_comes_by_itself() {
    let (outer, reader, given) = reading();
    types(&outer, "whole\nhalf a li");
    echoed(&outer, "half a li");
    reader.take_out(7);
    assert_eq!(whole(&given), ["whole"]);
    let begun = Line::Begun(7, "half a li".to_owned());
    assert_eq!(given.recv_timeout(LONG), Ok(begun));
    types(&outer, "ne\n");
    assert_eq!(whole(&given), ["ne"], "it is edited by the terminal again");
    reader.take_out(8);
    let nothing = Line::Begun(8, String::new());
    assert_eq!(given.recv_timeout(LONG), Ok(nothing));
}

#[test]
fn the_end_of_the_input_is_told() {
    let (outer, _reader, given) = reading();
    types(&outer, "\x04");
    assert_eq!(given.recv_timeout(LONG), Ok(Line::End));
}
