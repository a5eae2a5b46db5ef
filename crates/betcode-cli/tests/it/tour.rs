//! The guided tour: the real program on a pseudo terminal, from its first step to its last.

use std::fmt::Write as _;
use std::time::Duration;

use betcode_testkit::{Profile, Screen};

use crate::profile;

/// What stands above the input and below it while a step is told.
fn pane(screen: &Screen, step: usize) -> String {
    let mark = format!(" {step}/8 ");
    let text = screen.until(&mark, |text| {
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&mark));
        lines.next().is_some() && lines.any(|line| line.trim_start().starts_with("enter "))
    });
    let lines = text.lines().skip_while(|line| !line.starts_with(&mark));
    // Numbers of processes are others each time.
    let lines = lines.filter(|line| !line.contains("(process "));
    lines.fold(String::new(), |pane, line| pane + line.trim_end() + "\n")
}

fn started(profile: &Profile, args: &[&str], term: &str) -> Screen {
    profile
        .betcode([&["demo"], args].concat())
        .env("TMPDIR", profile.home())
        .env("TERM", term)
        .on_screen(80, 30)
}

/// Nothing is left, and nothing of the user's was touched.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn nothing_is_left(profile: &Profile) {
    let left = std::fs::read_dir(profile.home()).unwrap();
    assert_eq!(left.count(), 0);
    for directory in [profile.state_dir(), profile.config_dir()] {
        assert!(!directory.exists(), "{} was made", directory.display());
    }
}

#[test]
fn the_tour_is_walked_through_with_enter_and_answers() {
    let profile = profile();
    let mut screen = started(&profile, &[], "xterm-256color");
    let mut panes = String::new();
    let mut told = |screen: &Screen, step: usize| {
        let _ = writeln!(panes, "{}", pane(screen, step));
    };
    told(&screen, 1);
    screen.send(b"\r");
    told(&screen, 2);
    screen.wait_for("58 59 60");
    screen.send(b"\r");
    told(&screen, 3);
    screen.send(b"\r");
    told(&screen, 4);
    screen.wait_for("+ changed by an edit");
    screen.send(b"\r");
    screen.wait_for_ready("yes, once");
    screen.send(b"y");
    told(&screen, 5);
    screen.send(b"\r");
    screen.wait_for_ready("A blue button");
    screen.send(b"2");
    screen.wait_for("Desktop and server");
    screen.send(b"1\r");
    screen.wait_for("send these answers");
    screen.send(b"\r");
    told(&screen, 6);
    screen.send(b"\r");
    screen.wait_for("a second terminal");
    screen.wait_for("asks for the input");
    screen.wait_for_ready("give it to them");
    screen.send(b"y");
    told(&screen, 7);
    screen.wait_for("Hello from a second terminal.");
    screen.send(b"\r");
    screen.wait_for("61 62 63");
    told(&screen, 8);
    let text = screen.text();
    let numbers: Vec<String> = (61..=140).map(|number| number.to_string()).collect();
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said.matches(&numbers.join(" ")).count(), 1, "{text}");
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(raw.contains("reconnecting"), "it is seen");
    assert!(text.contains("was killed; another one"), "{text}");
    screen.send(b"\r");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.is_given_back());
    assert!(screen.text().contains("What to run next:"));
    nothing_is_left(&profile);
    insta::assert_snapshot!(panes);
}

#[test]
fn the_tour_is_walked_through_in_lines() {
    let profile = profile();
    let mut screen = started(&profile, &[], "dumb");
    let goes_on = |screen: &Screen, step: usize| {
        screen.until("it waits", |text| {
            let told = text.rsplit("Step ").next().unwrap_or_default();
            told.starts_with(&format!("{step} of 8")) && told.contains("Now enter")
        });
    };
    for step in 1..=3 {
        goes_on(&screen, step);
        screen.send(b"\n");
    }
    screen.wait_for("added 2: changed by an edit");
    goes_on(&screen, 4);
    screen.send(b"\n");
    screen.wait_for("7 change it");
    screen.rests(Duration::from_millis(350));
    screen.send(b"4\n");
    goes_on(&screen, 5);
    screen.send(b"/skip\n");
    goes_on(&screen, 6);
    screen.send(b"\n");
    screen.wait_for("asks for the input");
    screen.rests(Duration::from_millis(350));
    screen.send(b"1\n");
    goes_on(&screen, 7);
    screen.send(b"\n");
    screen.wait_for("Reconnecting");
    goes_on(&screen, 8);
    screen.send(b"\n");
    assert_eq!(screen.end().code(), Some(0));
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(!raw.contains('\x1b'), "{raw}");
    assert!(raw.contains("What to run next:"));
    nothing_is_left(&profile);
}

#[test]
fn the_tour_can_be_left_anywhere() {
    let profile = profile();
    let mut screen = started(&profile, &["--inline"], "xterm-256color");
    pane(&screen, 1);
    screen.send(b"\r");
    screen.wait_for("1 2 3");
    screen.send(b"\x03");
    screen.wait_for("interrupting");
    screen.send(b"\x03");
    assert_eq!(screen.end().code(), Some(0));
    nothing_is_left(&profile);
}
