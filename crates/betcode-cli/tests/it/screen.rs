//! The interactive screen: the real program on a pseudo terminal, read through an emulator.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod away;
mod harmless;
mod inline;
mod plan;
mod race;
mod scripts;
mod sizes;
mod slow;
mod tmux;
mod together;
mod ways_out;

use std::time::Duration;

use betcode_testkit::{Betcode, Profile, Screen, wait_until};
use serde_json::Value;

use crate::profile;

/// The key that sends.
const ENTER: &[u8] = b"\r";

/// Opens the screen, and waits until something can be written.
fn opened(profile: &Profile) -> Screen {
    opened_with(profile.betcode([]))
}

/// The same for another command line.
fn opened_with(command: Betcode) -> Screen {
    let screen = command.on_screen(100, 30);
    screen.wait_for("say something to");
    screen
}

/// A turn with this text has ended, and its last words are there.
fn answered(screen: &Screen, words: &str) -> String {
    screen.until(
        &format!("{words:?} was said, and the turn has ended"),
        |text| text.contains(words) && text.contains("say something to"),
    )
}

/// What stands between the line at the top and the one above the input.
fn conversation(text: &str) -> String {
    let rows = text.lines().skip(1);
    let rows = rows.take_while(|row| !row.starts_with("────"));
    // From whom a message is, only the others are told.
    let rows = rows.filter(|row| !row.starts_with("  from betcode "));
    let rows: Vec<_> = rows.map(str::trim_end).collect();
    rows.join("\n").trim().to_owned()
}

/// All whole numbers in a text, in their order.
fn numbers(text: &str) -> Vec<u64> {
    let words = text.split_whitespace();
    words.filter_map(|word| word.parse().ok()).collect()
}

/// Writes something and sends it. It comes as a paste: keys that come this fast are taken for one.
fn say(screen: &mut Screen, text: &str) {
    screen.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    screen.wait_for(text.get(..text.len().min(60)).unwrap_or_default());
    screen.send(ENTER);
}

/// The events of the only session.
fn events(profile: &Profile) -> Vec<Value> {
    let rows = profile
        .betcode(["session", "list", "--json"])
        .run()
        .expect(0);
    let id = rows.json()[0]["id"].as_str().unwrap().to_owned();
    let events = profile.betcode(["session", "events", &id]).run().expect(0);
    events
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["type"] == kind)
        .collect()
}

#[test]
fn a_conversation_from_the_first_key_to_the_way_back() {
    let profile = profile();
    let mut screen = opened(&profile);
    say(&mut screen, "/demo say text=\"the answer is 42\"");
    screen.wait_for("the answer is 42\n");
    screen.until("the turn has ended", |text| {
        text.contains("say something to") && !text.contains("working")
    });
    screen.send(b"\x03");
    screen.wait_for("ctrl-c again leaves");
    screen.send(b"\x03");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.is_given_back(), "{}", screen.text());
    let text = screen.text();
    assert!(text.contains("the answer is 42"), "the tail stays: {text}");
    let back = text
        .lines()
        .find(|line| line.contains("betcode --resume "))
        .unwrap();
    let id = back.rsplit(' ').next().unwrap().to_owned();
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(!raw.contains("\x1b[3J"), "the scrollback is never cleared");

    let mut again = profile.betcode(["--resume", &id]).on_screen(80, 24);
    again.wait_for("the answer is 42");
    say(&mut again, "/demo say text=\"and once more\"");
    again.wait_for("and once more\n");
    assert_eq!(of(&events(&profile), "user_input").len(), 2);
}

#[test]
fn a_permission_is_given_with_one_key_and_the_tool_runs_once() {
    let profile = profile();
    let mut screen = opened(&profile);
    say(&mut screen, "/demo permission command=\"echo ran >> ran\"");
    // Keys of the first moment answer nothing.
    screen.wait_for_ready("yes, once");
    screen.send(b"y");
    screen.wait_for("with your permission");
    assert_eq!(
        std::fs::read_to_string(profile.work().join("ran")).unwrap(),
        "ran\n"
    );
}

#[test]
fn a_paste_of_ten_thousand_lines_is_folded_and_sent_whole() {
    let profile = profile();
    let mut screen = opened(&profile);
    let lines: Vec<String> = (1..=10_000).map(|line| format!("line {line}")).collect();
    let text = lines.join("\n");
    screen.send(b"\x1b[200~");
    for part in text.as_bytes().chunks(2_000) {
        screen.send(part);
    }
    screen.send(b"\x1b[201~");
    screen.wait_for("[pasted 10000 lines]");
    screen.send(ENTER);
    let said = wait_until(Duration::from_secs(30), "it is in the log", || {
        let listed = profile.betcode(["session", "list", "--json"]).run();
        listed
            .json()
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
            .then_some(())?;
        let events = events(&profile);
        of(&events, "user_input")
            .first()
            .map(|event| (event["sequence"].clone(), event["previews"].clone()))
    });
    let whole = &said.1[0];
    assert_eq!(whole["size"].as_u64(), Some(text.len() as u64), "{said:?}");
}

#[test]
fn nothing_is_written_while_nothing_happens() {
    let profile = profile();
    let mut screen = opened(&profile);
    say(&mut screen, "/demo say text=done");
    screen.until("the turn has ended", |text| {
        text.contains("\ndone\n") && text.contains("say something to")
    });
    screen.rests(Duration::from_secs(2));
}
