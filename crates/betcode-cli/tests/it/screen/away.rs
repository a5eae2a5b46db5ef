//! The daemon is killed while somebody works: nothing is lost, nothing is doubled, and little is said about it.

use std::time::Duration;

use betcode_testkit::{Profile, Screen, kill, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use super::{ENTER, answered, events, numbers, of, opened_with, say};
use crate::profile;

fn texts(events: &[Value]) -> Vec<String> {
    let said = of(events, "user_input").into_iter();
    said.map(|event| event["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Waits for so many turns to be over, and gives all events.
fn turns(profile: &Profile, count: usize) -> Vec<Value> {
    let all = wait_until(Duration::from_secs(30), "the turns have ended", || {
        let events = events(profile);
        (of(&events, "turn_complete").len() >= count).then_some(events)
    });
    let numbers: Vec<u64> = all
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap_or_default())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
    all
}

/// All numbers from one on are in the text, in their order, and nothing else.
fn counted(text: &str, last: u64) {
    let all = numbers(text);
    let from = all.iter().position(|number| *number == 1).unwrap_or(0);
    let counted = &all[from..];
    let wanted: Vec<u64> = (1..=last).collect();
    assert_eq!(counted, wanted, "{text}");
}

pub(super) fn kill_daemon(profile: &Profile) -> u32 {
    let pid = profile.daemon_pid().expect("a daemon");
    kill(pid, Signal::KILL);
    pid
}

#[test]
fn what_streams_goes_on_where_it_was_and_what_is_typed_meanwhile_is_sent_once() {
    let profile = profile();
    let mut screen = opened_with(profile.betcode(["--fullscreen"]));
    say(&mut screen, "/demo count n=150 rate=50 row=150");
    screen.wait_for("1 2 3");
    kill_daemon(&profile);
    say(&mut screen, "/demo say text=\"sent once\"");
    screen.send(b"typed while away");
    screen.wait_for("typed while away");
    screen.until("everything has come", |text| {
        text.contains("148 149 150") && text.contains("sent once\n")
    });
    let all = turns(&profile, 2);
    assert_eq!(
        texts(&all),
        [
            "/demo count n=150 rate=50 row=150",
            "/demo say text=\"sent once\""
        ]
    );
    screen.wait_for("> typed while away");
    let text = screen.text();
    let streamed = text.split("sent once").next().unwrap_or_default();
    counted(&streamed.replace("n=150", "").replace("rate=50", ""), 150);
    is_quiet(&screen);
    screen.send(ENTER);
    assert_eq!(turns(&profile, 3).len(), events(&profile).len());
    assert_eq!(
        texts(&events(&profile)).last().map(String::as_str),
        Some("typed while away")
    );
}

/// It is over without a trace: no error, nothing in the conversation. A daemon that is back at once was never said to be away.
fn is_quiet(screen: &Screen) {
    let text = screen.text();
    assert!(
        !text.contains("reconnecting") && !text.contains("rror"),
        "{text}"
    );
}

#[test]
fn a_daemon_that_is_killed_again_and_again_loses_nothing() {
    let profile = profile();
    let mut screen = opened_with(profile.betcode(["--fullscreen"]));
    say(&mut screen, "/demo count n=250 rate=50 row=250");
    screen.wait_for("1 2 3");
    for seen in ["30 31", "80 81", "130 131", "180 181"] {
        screen.wait_for(seen);
        let gone = kill_daemon(&profile);
        wait_until(Duration::from_secs(30), "another daemon runs", || {
            profile.daemon_pid().filter(|pid| *pid != gone)
        });
    }
    let text = answered(&screen, "248 249 250");
    counted(&text.replace("n=250", "").replace("rate=50", ""), 250);
    turns(&profile, 1);
}

#[test]
fn inline_nothing_is_printed_twice_when_the_daemon_and_the_size_change_in_a_stream() {
    let profile = profile();
    let mut screen = opened_with(profile.betcode(["--inline"]));
    say(&mut screen, "/demo flood n=120 size=30 rate=40");
    screen.wait_for(" 5 ....");
    for (seen, height) in [(" 20 ....", 20), (" 50 ....", 36), (" 80 ....", 24)] {
        screen.wait_for(seen);
        kill_daemon(&profile);
        screen.resize(100, height);
    }
    answered(&screen, "120 ....");
    screen.send(b"\x03");
    screen.wait_for("ctrl-c again leaves");
    screen.send(b"\x03");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.is_given_back(), "{:?}", screen.changed());
    let text = screen.with_scrollback();
    let printed: Vec<u64> = numbers(&text.replace("n=120", ""));
    let wanted: Vec<u64> = (1..=120).collect();
    assert_eq!(printed, wanted, "{text}");
}
