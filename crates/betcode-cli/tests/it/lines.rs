//! Line mode: the real program on a pseudo terminal that only shows lines.

use std::time::Duration;

use betcode_testkit::{Profile, Screen, kill, wait_until};
use rustix::process::Signal;

use crate::profile;

/// Opens it on a terminal that cannot do anything.
fn opened(profile: &Profile, args: &[&str]) -> Screen {
    let screen = profile
        .betcode(args.iter().copied())
        .env("TERM", "dumb")
        .on_screen(100, 60);
    screen.wait_for("/help lists the commands");
    screen
}

fn say(screen: &mut Screen, line: &str) {
    screen.send(line.as_bytes());
    screen.send(b"\n");
}

/// Answers what is asked when a person has seen it.
fn answer(screen: &mut Screen, asked: &str, line: &str) {
    screen.wait_for(asked);
    screen.rests(Duration::from_millis(350));
    say(screen, line);
}

fn never_an_escape(screen: &Screen) {
    let raw = screen.raw();
    let at = raw.iter().position(|byte| *byte == 0x1b);
    assert_eq!(at, None, "{}", String::from_utf8_lossy(&raw));
}

#[test]
fn a_whole_session_on_a_dumb_terminal_without_one_escape() {
    let profile = profile();
    let mut screen = opened(&profile, &[]);
    say(&mut screen, "/demo say text=\"the answer is 42\"");
    screen.wait_for("Assistant: the answer is 42");
    screen.wait_for("Done. It is your turn.");
    say(&mut screen, "/demo permission command=\"echo ran >> ran\"");
    answer(&mut screen, "7 change it", "1");
    screen.wait_for("Done, with your permission");
    let ran = std::fs::read_to_string(profile.work().join("ran"));
    assert_eq!(ran.unwrap(), "ran\n");
    say(&mut screen, "/demo ask n=2");
    answer(&mut screen, "4 answer nothing", "2");
    answer(&mut screen, "5 answer nothing", "1 3");
    answer(&mut screen, "1 send them", "1");
    screen.wait_for("\"Which platforms?\"=\"Linux, Windows\"");
    say(&mut screen, "/demo edit file=ran text=more");
    screen.wait_for("added 2: more");
    say(&mut screen, "/demo count n=60 rate=20 row=60");
    screen.wait_for("You: /demo count");
    kill(profile.daemon_pid().unwrap(), Signal::KILL);
    screen.wait_for("Reconnecting");
    say(&mut screen, "/demo say text=\"sent once\"");
    screen.wait_for("Connected again.");
    screen.wait_for("Assistant: sent once");
    let raw = String::from_utf8_lossy(&screen.raw()).replace("\r\n", "\n");
    let numbers: Vec<String> = (1..=60).map(|number| number.to_string()).collect();
    let numbers = format!("Assistant: {}\n", numbers.join(" "));
    assert_eq!(raw.matches(&numbers).count(), 1, "the exact rest: {raw}");
    assert_eq!(raw.matches("You: /demo say text=\"sent once\"").count(), 1);
    screen.send(b"\x03");
    screen.wait_for("ctrl-c again leaves");
    screen.send(b"\x03");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.is_given_back());
    never_an_escape(&screen);
    screen.wait_for("betcode --resume ");
}

#[test]
fn what_is_being_written_when_a_request_comes_answers_nothing() {
    let profile = profile();
    let mut screen = opened(&profile, &[]);
    say(&mut screen, "/demo say text=first");
    screen.wait_for("Done. It is your turn.");
    say(&mut screen, "/demo permission command=\"touch never\"");
    // Half of a line is there before the request is.
    screen.send(b"add option ");
    screen.wait_for("you had begun to write `add option `");
    screen.rests(Duration::from_millis(350));
    say(&mut screen, "1");
    screen.wait_for("Kept: `add option 1`");
    assert!(!profile.work().join("never").exists());
    answer(&mut screen, "Kept: `add option 1`", "4");
    screen.wait_for("Decision: denied");
    say(&mut screen, "/send");
    screen.wait_for("You: add option 1");
    assert!(!profile.work().join("never").exists());
    never_an_escape(&screen);
}

#[test]
fn the_history_of_a_session_is_read_from_its_end() {
    let profile = profile();
    for number in 1..=8 {
        let prompt = format!("/demo say text=\"answer {number}\"");
        let run: &[&str] = if number == 1 {
            &["-p", &prompt]
        } else {
            &["-p", &prompt, "--continue"]
        };
        profile.betcode(run.iter().copied()).run().expect(0);
    }
    let mut screen = opened(&profile, &["--continue", "--screen-reader"]);
    let text = screen.wait_for("Assistant: answer 8");
    assert!(text.contains("/more prints what came before"), "{text}");
    assert!(!text.contains("Assistant: answer 1"), "{text}");
    say(&mut screen, "/more");
    screen.wait_for("Assistant: answer 2");
    screen.send(b"\x04");
    assert_eq!(screen.end().code(), Some(0));
}

#[test]
fn a_screen_reader_gets_lines_on_any_terminal() {
    let profile = profile();
    let mut screen = profile
        .betcode([])
        .env("BETCODE_SCREEN_READER", "1")
        .on_screen(80, 24);
    screen.wait_for("/help lists the commands");
    // It is ended with its profile only when it can be found there.
    wait_until(Duration::from_secs(30), "the daemon is there", || {
        profile.daemon_pid()
    });
    screen.send(b"\x04");
    assert_eq!(screen.end().code(), Some(0));
    never_an_escape(&screen);
}

#[test]
fn the_input_is_asked_for_and_given_in_lines() {
    let profile = profile();
    let mut first = opened(&profile, &[]);
    say(&mut first, "/demo say text=\"hello both\"");
    first.wait_for("Done. It is your turn.");
    let mut second = opened(&profile, &["--continue"]);
    second.wait_for("Watching: ");
    say(&mut second, "/lock");
    answer(&mut first, "asks for the input", "1");
    first.wait_for("Watching: ");
    second.wait_for("The input is yours.");
    say(&mut second, "/demo say text=\"from the other one\"");
    for screen in [&first, &second] {
        screen.wait_for("Assistant: from the other one");
    }
}
