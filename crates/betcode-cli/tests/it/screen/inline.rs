//! The screen that leaves what is finished to the terminal's own scrollback.

use std::time::Duration;

use super::say;
use crate::profile;

#[test]
fn inline_everything_is_left_in_the_scrollback_once() {
    let profile = profile();
    let mut screen = profile.betcode(["--inline"]).on_screen(100, 30);
    screen.wait_for("say something to");
    for (round, height) in [30, 22, 40, 16, 35, 14].into_iter().enumerate() {
        say(&mut screen, &format!("/demo say text=\"answer {round}\""));
        screen.until("the turn has ended", |text| {
            text.contains(&format!("\nanswer {round}\n")) && text.contains("say something to")
        });
        screen.resize(100, height);
        screen.rests(Duration::from_millis(300));
    }
    say(&mut screen, "/demo count n=300 rate=300 row=300");
    screen.wait_for("working");
    screen.until("everything is there", |text| {
        text.contains("298 299 300") && text.contains("say something to")
    });
    screen.look(|terminal| assert!(!terminal.alternate_screen()));
    screen.send(b"\x0c");
    screen.rests(Duration::from_millis(300));
    screen.send(b"\x03");
    screen.wait_for("ctrl-c again leaves");
    screen.send(b"\x03");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.is_given_back(), "{}", screen.text());
    let text = screen.with_scrollback();
    let answers: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("answer "))
        .collect();
    let wanted: Vec<String> = (0..6).map(|round| format!("answer {round}")).collect();
    assert_eq!(answers, wanted, "{text}");
    assert_eq!(text.matches("1 2 3 4 5 6").count(), 1, "{text}");
    assert_eq!(text.matches("298 299 300").count(), 1, "{text}");
    assert!(
        !text.contains("say something to") && !text.contains("─────"),
        "{text}"
    );
    let end = text.split("298 299 300\n").last().unwrap();
    assert!(
        end.starts_with("\nThe session goes on in the daemon."),
        "{text}"
    );
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    for never in ["\x1b[3J", "\x1b[?1049h", "\x1b[?1002", "\x1b[2J"] {
        assert!(!raw.contains(never), "{never:?}");
    }
}

#[test]
fn the_way_that_was_used_last_is_used_again() {
    let profile = profile();
    let is_whole = |flags: &[&str]| {
        let mut screen = profile.betcode(flags.iter().copied()).on_screen(80, 24);
        screen.wait_for("say something to");
        let whole = screen.look(vt100::Screen::alternate_screen);
        screen.send(b"\x03");
        screen.wait_for("ctrl-c again leaves");
        screen.send(b"\x03");
        assert_eq!(screen.end().code(), Some(0));
        whole
    };
    assert!(is_whole(&[]));
    assert!(!is_whole(&["--inline"]));
    assert!(!is_whole(&[]));
    assert!(is_whole(&["--fullscreen"]));
    assert!(is_whole(&[]));
}
