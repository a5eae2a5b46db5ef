//! Two screens at one session: who may write, who asks, and that both show the same.

use std::time::Duration;

use betcode_testkit::{Profile, Screen};

use super::{ENTER, answered, conversation, events, opened, opened_with, say};
use crate::profile;

/// Two screens: the first holds the input, the second watches.
fn two(profile: &Profile) -> (Screen, Screen) {
    let mut first = opened(profile);
    say(&mut first, "/demo say text=\"hello both\"");
    answered(&first, "hello both\n");
    let id = events(profile)[0]["session_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let second = profile.betcode(["--resume", &id]).on_screen(100, 30);
    second.wait_for("hello both");
    second.wait_for("watching");
    (first, second)
}

/// Both show the same conversation, and nothing changes any more.
fn same(first: &Screen, second: &Screen) {
    for screen in [first, second] {
        screen.rests(Duration::from_millis(300));
    }
    assert_eq!(conversation(&first.text()), conversation(&second.text()));
}

#[test]
fn the_input_is_handed_over_and_both_show_the_same() {
    let profile = profile();
    let (mut first, mut second) = two(&profile);
    // What is written by whoever watches waits until it can be sent.
    second.send(b"xyzr");
    second.wait_for("> xyzr");
    second.wait_for("enter asks for the input");
    second.send(ENTER);
    first.wait_for("asks for the input");
    let text = first.text();
    // Which of the terminals it is.
    assert!(text.contains(", pts/") || text.contains(", tty"), "{text}");
    first.wait_for("they get it in");
    first.wait_for_ready("give it to them");
    first.send(b"y");
    first.wait_for("watching");
    second.until("it may write", |text| !text.contains("watching"));
    second.wait_for("> xyzr");
    second.send(b"\x15");
    second.wait_for("say something to");
    say(
        &mut second,
        "/demo tool command=\"echo from the other one\"",
    );
    for screen in [&first, &second] {
        screen.until("the turn has ended", |text| {
            text.contains("has run") && !text.contains("running a tool")
        });
    }
    same(&first, &second);
    // And back.
    first.send(b"r");
    second.wait_for_ready("give it to them");
    second.send(b"y");
    second.wait_for("watching");
    say(&mut first, "/demo say text=\"back again\"");
    for screen in [&first, &second] {
        screen.wait_for("back again\n");
    }
    same(&first, &second);
}

#[test]
fn a_refusal_keeps_the_input_and_silence_gives_it_away() {
    let profile = profile();
    let (mut first, mut second) = two(&profile);
    second.send(b"r");
    second.wait_for("asked for the input");
    first.wait_for_ready("keep it");
    first.send(b"n");
    first.until("it is closed", |text| !text.contains("keep it"));
    first.wait_for("say something to");
    second.wait_for("keeps the input");
    assert!(second.text().contains("watching"), "{}", second.text());
    // The seconds run down before everybody's eyes, and then it moves, whatever is being written.
    first.send(b"a draft that is not done");
    first.wait_for("not done");
    second.send(b"r");
    first.wait_for("in 9 s betcode");
    first.wait_for("in 5 s betcode");
    second.wait_for("say something to");
    first.wait_for("watching");
    say(&mut second, "/demo say text=\"mine now\"");
    for screen in [&first, &second] {
        screen.wait_for("mine now\n");
    }
    same(&first, &second);
    // What was being written is there all the time.
    first.wait_for("> a draft that is not done");
    first.send(ENTER);
    second.wait_for_ready("give it to them");
    second.send(b"y");
    first.wait_for("> a draft that is not done");
}

#[test]
fn a_permission_is_answered_by_whoever_holds_the_input_and_closes_for_all() {
    let profile = profile();
    let (mut first, second) = two(&profile);
    say(&mut first, "/demo permission command=\"echo ran >> ran\"");
    first.wait_for_ready("yes, once");
    second.wait_for("wants to use Bash");
    first.send(b"y");
    for screen in [&first, &second] {
        screen.wait_for("with your permission");
        screen.until("nothing waits", |text| !text.contains("wants to use"));
    }
    same(&first, &second);
    assert_eq!(
        std::fs::read_to_string(profile.work().join("ran")).unwrap_or_default(),
        "ran\n"
    );
}

#[test]
fn what_one_types_and_the_agent_says_is_the_same_for_an_inline_screen() {
    let profile = profile();
    let mut first = opened_with(profile.betcode(["--fullscreen"]));
    say(&mut first, "/demo say text=\"hello both\"");
    answered(&first, "hello both\n");
    let id = events(&profile)[0]["session_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let second = profile
        .betcode(["--inline", "--resume", &id])
        .on_screen(100, 30);
    second.wait_for("watching");
    say(&mut first, "/demo count n=100 rate=100 row=100");
    for screen in [&first, &second] {
        screen.wait_for("98 99 100");
    }
    for screen in [&first, &second] {
        screen.rests(Duration::from_millis(300));
    }
    let text = second.with_scrollback();
    let shown = conversation(&first.text());
    for row in shown.lines().filter(|row| !row.trim().is_empty()) {
        assert!(text.contains(row.trim()), "{row}: {text}");
    }
}
