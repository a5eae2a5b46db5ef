//! Tests of the terminal as a device, on a pseudo terminal.

use rustix::fs::{Mode as FileMode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcsetwinsize};

use super::*;

/// Both ends: where the terminal program is, and where we are.
fn pair() -> (OwnedFd, OwnedFd) {
    let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo terminal");
    grantpt(&outer).expect("granted");
    unlockpt(&outer).expect("unlocked");
    let name = ptsname(&outer, Vec::new()).expect("its name");
    let inner = open(
        name.as_c_str(),
        OFlags::RDWR | OFlags::NOCTTY,
        FileMode::empty(),
    );
    (outer, inner.expect("its other end"))
}

fn lines_and_echo(device: &OwnedFd) -> bool {
    let modes = tcgetattr(device).expect("its settings").local_modes;
    modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
}

fn written(outer: &OwnedFd) -> String {
    let mut bytes = [0; 1_024];
    let count = rustix::io::read(outer, &mut bytes).expect("what was written");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[test]
fn a_terminal_is_given_back_as_it_was_found_and_once() {
    let (outer, inner) = pair();
    let watched = inner.try_clone().expect("a descriptor");
    assert!(lines_and_echo(&watched));
    let tty = Tty::new(inner).expect("a terminal");
    let bytes = tty.enter(&[Mode::Alternate, Mode::Paste]).expect("entered");
    assert_eq!(bytes, b"\x1b[?1049h\x1b[?2004h");
    assert!(!lines_and_echo(&watched));
    assert_eq!(tty.leave(b"bye"), [Mode::Alternate, Mode::Paste]);
    assert!(lines_and_echo(&watched));
    assert_eq!(written(&outer), "\x18bye\x1b[?2004l\x1b[?1049l");
    assert_eq!(tty.leave(b"bye"), []);
    let again = tty.enter(&[Mode::Focus]).expect("entered");
    assert_eq!(again, b"\x1b[?1004h");
    drop(tty);
    assert!(lines_and_echo(&watched));
    assert_eq!(written(&outer), "\x18\x1b[?1004l");
}

#[test]
fn a_mode_that_was_left_is_not_left_again() {
    let (outer, inner) = pair();
    let tty = Tty::new(inner).expect("a terminal");
    assert_eq!(tty.leave_mode(Mode::Bar), "");
    tty.enter(&[Mode::Bar, Mode::Progress]).expect("entered");
    assert_eq!(tty.leave_mode(Mode::Bar), "\x1b[0 q");
    assert_eq!(tty.leave(b""), [Mode::Progress]);
    assert_eq!(written(&outer), "\x18\x1b]9;4;0\x1b\\");
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_up_the_way_out() {
    let (_outer, inner) = pair();
    let watched = inner.try_clone().expect("a descriptor");
    let tty = Tty::new(inner).expect("a terminal");
    tty.enter(&[Mode::Paste]).expect("entered");
    rustix::io::ioctl_fionbio(&watched, true).expect("set");
    while rustix::io::write(&watched, &[b'x'; 4_096]).is_ok() {}
    rustix::io::ioctl_fionbio(&watched, false).expect("set");
    assert_eq!(tty.leave(b"bye"), [Mode::Paste]);
    assert!(lines_and_echo(&watched));
}

#[test]
fn its_size_is_what_it_says_or_the_usual_one() {
    let (outer, inner) = pair();
    let tty = Tty::new(inner).expect("a terminal");
    assert_eq!(tty.size(), Size::new(80, 24));
    let size = Winsize {
        ws_row: 50,
        ws_col: 200,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&outer, size).expect("set");
    assert_eq!(tty.size(), Size::new(200, 50));
}

#[test]
fn a_pipe_is_no_terminal() {
    let (reading, _writing) = rustix::pipe::pipe().expect("a pipe");
    assert!(Tty::new(reading).is_err());
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let (outer, inner) = pair();
    let watched = inner.try_clone().expect("a descriptor");
    let tty = Tty::new(inner).expect("a terminal");
    tty.enter(&[Mode::Paste]).expect("entered");
    tty.set_last_words("come back\n".to_owned());
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (sender, told) = std::sync::mpsc::channel();
    tty.leave_on_panic(move || sender.send(()).unwrap_or_default());
    let panicked = std::thread::spawn(|| panic!("on purpose")).join();
    assert!(panicked.is_err());
    assert!(told.try_recv().is_ok(), "whoever draws is told");
    assert!(lines_and_echo(&watched));
    assert_eq!(written(&outer), "\x18\x1b[m\x1b[?25h\r\n\x1b[?2004l");
    tty.enter(&[Mode::Paste]).expect("entered");
    tty.set_last_words("come back\n".to_owned());
    let panicked = std::panic::catch_unwind(|| panic!("on purpose"));
    std::panic::set_hook(usual);
    assert!(panicked.is_err());
    assert!(lines_and_echo(&watched));
    let text = written(&outer);
    assert_eq!(text, "\x18\x1b[m\x1b[?25h\r\n\x1b[?2004lcome back\r\n");
}
