//! What is written on the screen and not sent is there again; and other sessions that wait are one key away.

use betcode_testkit::{Profile, Screen};

use crate::profile;

/// The id in the line that says how to come back.
fn id(screen: &Screen) -> String {
    let text = screen.text();
    let line = text.lines().find(|line| line.contains("betcode --resume "));
    assert!(line.is_some(), "it does not say how to come back:\n{text}");
    let id = line.and_then(|line| line.rsplit(' ').next());
    id.unwrap_or_default().to_owned()
}

fn paste(screen: &mut Screen, text: &str) {
    screen.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    screen.wait_for(text);
}

#[test]
fn what_was_written_is_in_the_input_when_one_comes_back() {
    let profile = profile();
    let mut screen = profile.betcode([]).on_screen(100, 30);
    screen.wait_for("say something to");
    paste(&mut screen, "for a new session");
    screen.send(b"\x11");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.text().contains("is in the input when you come back"));

    let mut screen = profile.betcode([]).on_screen(100, 30);
    screen.wait_for("> for a new session");
    screen.send(b"\x15");
    screen.wait_for("say something to");
    paste(&mut screen, "/demo say text=\"forty-two\"");
    screen.send(b"\r");
    screen.wait_for("forty-two\n");
    paste(&mut screen, "half a thought");
    screen.send(b"\x11");
    assert_eq!(screen.end().code(), Some(0));
    let id = id(&screen);

    let mut screen = profile.betcode(["--resume", &id]).on_screen(100, 30);
    screen.wait_for("> half a thought");
    screen.send(b"\x15");
    screen.wait_for("say something to");
    screen.send(b"\x11");
    assert_eq!(screen.end().code(), Some(0));
    assert!(!screen.text().contains("is in the input"));

    let screen = profile.betcode(["--resume", &id]).on_screen(100, 30);
    screen.wait_for("forty-two");
    screen.wait_for("say something to");
}

#[test]
fn a_message_that_is_sent_and_left_at_once_arrives_and_is_no_draft() {
    let profile = profile();
    let mut screen = profile.betcode([]).on_screen(100, 30);
    screen.wait_for("say something to");
    paste(&mut screen, "/demo say text=\"forty-two\"");
    screen.send(b"\r\x11");
    assert_eq!(screen.end().code(), Some(0));
    assert!(
        !screen.text().contains("is in the input"),
        "{}",
        screen.text()
    );
    let screen = profile
        .betcode(["--resume", &id(&screen)])
        .on_screen(100, 30);
    screen.wait_for("forty-two\n");
    screen.wait_for("say something to");
}

#[test]
fn another_session_that_waits_is_told_and_one_key_away() {
    let profile = profile();
    let mut here = profile.betcode([]).on_screen(100, 30);
    here.wait_for("say something to");
    paste(&mut here, "/demo say text=\"hello here\"");
    here.send(b"\r");
    here.wait_for("hello here\n");
    let mut there = profile.betcode([]).on_screen(100, 30);
    there.wait_for("say something to");
    paste(&mut there, "/demo permission");
    there.send(b"\r");
    there.wait_for("y yes, once");
    // Who is gone holds the input no more.
    there.send(b"\x11");
    assert_eq!(there.end().code(), Some(0));
    here.wait_for("waits for you  ctrl-y goes there");
    here.send(b"\x19");
    here.wait_for("/demo permission");
    here.wait_for("y yes, once");
}

/// A session in which something was said, and something else is being written.
fn half_a_thought(profile: &Profile) -> Screen {
    let mut screen = profile.betcode([]).on_screen(100, 30);
    screen.wait_for("say something to");
    paste(&mut screen, "/demo say text=\"forty-two\"");
    screen.send(b"\r");
    screen.wait_for("forty-two\n");
    screen.wait_for("say something to");
    paste(&mut screen, "half a thought");
    screen
}

#[test]
fn lines_keep_what_was_written_as_the_screen_does() {
    let profile = profile();
    let mut screen = half_a_thought(&profile);
    screen.send(b"\x11");
    assert_eq!(screen.end().code(), Some(0));
    let id = id(&screen);

    let lines = profile.betcode(["--screen-reader", "--resume", &id]);
    let mut lines = lines.on_screen(100, 30);
    lines.wait_for("Kept from before: `half a thought`");
    lines.send(b"/quit\n");
    assert_eq!(lines.end().code(), Some(0));
    assert!(lines.text().contains("is in the input when you come back"));
    let screen = profile.betcode(["--resume", &id]).on_screen(100, 30);
    screen.wait_for("> half a thought");
}

#[test]
fn a_draft_stays_with_its_session_while_one_looks_at_another() {
    let profile = profile();
    let mut screen = half_a_thought(&profile);
    screen.send(b"\x0e");
    screen.wait_for("a new session: it begins");
    screen.wait_for("say something to");
    screen.send(b"\x1b[115;5u");
    screen.wait_for("idle · ");
    screen.send(b"\r");
    screen.wait_for("> half a thought");
    screen.send(b"\x11");
    assert_eq!(screen.end().code(), Some(0));
    let screen = profile
        .betcode(["--resume", &id(&screen)])
        .on_screen(100, 30);
    screen.wait_for("> half a thought");
}
