//! Every way out of the screen: the terminal is as it was found, how to come back is said, and the session lives.

use std::time::Duration;

use betcode_testkit::{Profile, Screen, wait_until};
use rustix::process::Signal;

use super::{answered, numbers, opened_with, say};
use crate::profile;

/// A screen on a terminal that can do everything, with a session that has had a turn.
fn at_work(profile: &Profile, flags: &[&str], panics: &str) -> Screen {
    let command = profile.betcode(flags.iter().copied());
    let mut screen = opened_with(command.env("BETCODE_TEST_PANIC", panics));
    // Every mode that there is gets entered.
    screen.send(b"\x1b[?0u\x1b[?2026;2$y\x1b[?2004;2$y\x1b[?2031;2$y\x1b[?62c");
    say(&mut screen, "/demo say text=\"the answer is 42\"");
    answered(&screen, "the answer is 42\n");
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    for entered in ["\x1b[>1u", "\x1b[?2031h", "\x1b[?2004h", "\x1b[?1004h"] {
        assert!(raw.contains(entered), "{entered:?}");
    }
    screen
}

/// It has ended, the terminal is as it was, and the way back is said and leads back.
fn is_over(profile: &Profile, screen: &mut Screen, code: i32) -> String {
    assert_eq!(screen.end().code(), Some(code), "{}", screen.text());
    assert_eq!(screen.changed(), [""; 0], "{}", screen.text());
    let text = screen.with_scrollback();
    let rows: Vec<_> = text
        .lines()
        .filter(|row| row.contains("betcode --resume "))
        .collect();
    assert_eq!(rows.len(), 1, "{text}");
    let id = rows[0].rsplit(' ').next().unwrap_or_default();
    let resumed = profile.betcode(["--resume", id]).on_screen(80, 24);
    resumed.wait_for("the answer is 42");
    text
}

#[test]
fn leaving_and_signals_give_the_terminal_back_and_say_how_to_come_back() {
    let profile = profile();
    for flags in [&["--fullscreen"][..], &["--inline"]] {
        for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 143)] {
            let mut screen = at_work(&profile, flags, "");
            screen.send(b"a draft");
            screen.wait_for("a draft");
            screen.signal(signal);
            is_over(&profile, &mut screen, code);
        }
        let mut screen = at_work(&profile, flags, "");
        screen.send(b"\x03");
        screen.wait_for("ctrl-c again leaves");
        screen.send(b"\x03");
        is_over(&profile, &mut screen, 0);
    }
}

#[test]
fn a_panic_anywhere_gives_the_terminal_back_and_says_how_to_come_back() {
    let profile = profile();
    for flags in [&["--fullscreen"][..], &["--inline"]] {
        for (place, code) in [("here", 101), ("elsewhere", 1)] {
            let file = profile.home().join("panic");
            let mut screen = at_work(&profile, flags, &format!("{place} {}", file.display()));
            std::fs::write(&file, "").unwrap();
            screen.send(b"\x1b[115;5u");
            screen.wait_for("idle · ");
            screen.send(b"\r");
            let text = is_over(&profile, &mut screen, code);
            assert!(text.contains("a test asked for this"), "{text}");
            std::fs::remove_file(&file).unwrap();
        }
    }
}

#[test]
fn a_stop_in_the_middle_of_a_stream_leaves_nothing_behind_and_the_rest_is_there_afterwards() {
    let profile = profile();
    let shell = "exec bash --norc --noprofile --noediting -i";
    let mut screen = profile.shell(shell).on_screen(100, 30);
    let program = profile.program().display();
    screen.send(format!("{program}\n").as_bytes());
    screen.wait_for("say something to");
    say(&mut screen, "/demo count n=300 rate=100 row=300");
    screen.wait_for("1 2 3");
    for _ in 0..3 {
        screen.send(b"\x1a");
        wait_until(
            Duration::from_secs(30),
            "the terminal is given back",
            || screen.changed().is_empty().then_some(()),
        );
        screen.wait_for("Stopped");
        screen.send(b"fg\n");
        screen.wait_for("f1 all keys");
    }
    let text = answered(&screen, "299 300");
    assert_eq!(numbers(&text).last(), Some(&300), "{text}");
}

#[test]
fn a_terminal_that_goes_away_ends_the_screen_and_not_the_session() {
    let profile = profile();
    for flags in [&["--fullscreen"][..], &["--inline"]] {
        let before = of_all(&profile, "turn_complete");
        let mut screen = opened_with(profile.betcode(flags.iter().copied()));
        say(&mut screen, "/demo count n=200 rate=100 row=200");
        screen.wait_for("1 2 3");
        let pid = screen.pid();
        screen.hang_up();
        let code = screen.end().code();
        assert!(matches!(code, Some(1 | 143)), "{code:?}");
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        wait_until(Duration::from_secs(30), "the turn has ended", || {
            (of_all(&profile, "turn_complete") > before).then_some(())
        });
        let again = profile
            .betcode(["--continue", "--fullscreen"])
            .on_screen(100, 30);
        answered(&again, "199 200");
    }
}

/// How many events of this kind there are in the newest session.
fn of_all(profile: &Profile, kind: &str) -> usize {
    let rows = profile.betcode(["session", "list", "--json"]).run();
    let rows = rows.expect(0).json();
    if rows.as_array().is_none_or(Vec::is_empty) {
        return 0;
    }
    rows.as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let id = row["id"].as_str().unwrap_or_default();
            let events = profile.betcode(["session", "events", id]).run().expect(0);
            let kind = format!("\"type\":\"{kind}\"");
            events
                .stdout
                .lines()
                .filter(|line| line.contains(&kind))
                .count()
        })
        .sum()
}
