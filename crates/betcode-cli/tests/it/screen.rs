//! The interactive screen: the real program on a pseudo terminal, read through an emulator.

use std::time::Duration;

use betcode_testkit::{Profile, Screen, kill, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::profile;

/// The key that sends.
const ENTER: &[u8] = b"\r";

/// Opens the screen, and waits until something can be written.
fn opened(profile: &Profile) -> Screen {
    let screen = profile.betcode([]).on_screen(100, 30);
    screen.wait_for("say something to");
    screen
}

/// Writes something and sends it. It comes as a paste: keys that come this fast are taken for one.
fn say(screen: &mut Screen, text: &str) {
    screen.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    screen.wait_for(text.get(..text.len().min(60)).unwrap_or_default());
    screen.send(ENTER);
}

/// The events of the only session.
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
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
    screen.wait_for("yes, once");
    // Keys of the first moment answer nothing.
    screen.is_seen();
    screen.send(b"y");
    screen.wait_for("with your permission");
    assert_eq!(
        std::fs::read_to_string(profile.work().join("ran")).unwrap(),
        "ran\n"
    );
}

#[test]
fn what_is_typed_while_the_daemon_is_away_is_sent_once() {
    let profile = profile();
    let mut screen = opened(&profile);
    say(&mut screen, "/demo count n=60 rate=20");
    screen.wait_for("1 2 3");
    kill(profile.daemon_pid().unwrap(), Signal::KILL);
    say(&mut screen, "/demo say text=\"sent once\"");
    screen.wait_for("sent once\n");
    let all = wait_until(Duration::from_secs(30), "the second turn has ended", || {
        let events = events(&profile);
        (of(&events, "turn_complete").len() == 2).then_some(events)
    });
    assert_eq!(of(&all, "user_input").len(), 2);
    let numbers: Vec<u64> = all
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    let profile = profile();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 143)] {
        let mut screen = opened(&profile);
        screen.send(b"a draft");
        screen.wait_for("a draft");
        screen.signal(signal);
        assert_eq!(screen.end().code(), Some(code), "{signal:?}");
        assert!(screen.is_given_back(), "{signal:?}: {}", screen.text());
    }
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
fn sequences_in_what_is_pasted_and_said_do_nothing_to_the_terminal() {
    let profile = profile();
    let mut screen = opened(&profile);
    screen
        .send(b"\x1b[200~/demo say text=\"\x1b]0;evil\x07\x1b[31mred\x1b[2J\x1b[?1049l\"\x1b[201~");
    screen.wait_for("red");
    screen.send(ENTER);
    screen.until("the turn has ended", |text| {
        text.matches("red").count() >= 2 && text.contains("say something to")
    });
    screen.look(|terminal| {
        assert!(terminal.alternate_screen());
        let rows = terminal.size().0;
        let red = (0..rows).any(|row| {
            let cell = (0..100)
                .filter_map(|column| terminal.cell(row, column))
                .find(|cell| cell.contents() == "r");
            cell.is_some_and(|cell| cell.fgcolor() == vt100::Color::Idx(1))
        });
        assert!(!red, "nobody but us chooses colours");
    });
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(!raw.contains("\x1b]0;evil") && !raw.contains("\x1b[2J\x1b[?1049l"));
}

#[test]
fn sizes_that_change_while_text_streams_leave_a_whole_screen() {
    let profile = profile();
    let mut screen = opened(&profile);
    say(&mut screen, "/demo count n=300 rate=200");
    screen.wait_for("1 2 3");
    for round in 0_u16..40 {
        screen.resize(20 + round * 37 % 180, 4 + round * 13 % 56);
        let before = screen.bytes();
        wait_until(Duration::from_secs(10), "it is drawn again", || {
            (screen.bytes() > before).then_some(())
        });
    }
    screen.resize(90, 28);
    let text = screen.until("everything is there", |text| {
        text.contains("298 299 300") && text.contains("say something to")
    });
    assert!(
        text.lines().all(|line| line.chars().count() <= 90),
        "{text}"
    );
    assert_eq!(text.matches("298 299 300").count(), 1, "{text}");
}

#[test]
fn two_screens_show_the_same_and_hand_the_input_over() {
    let profile = profile();
    let mut first = opened(&profile);
    say(&mut first, "/demo say text=\"hello both\"");
    first.wait_for("hello both\n");
    let id = events(&profile)[0]["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut second = profile.betcode(["--resume", &id]).on_screen(100, 30);
    second.wait_for("hello both");
    second.wait_for("watching");
    second.send(b"r");
    first.wait_for("asks for the input");
    first.send(b"y");
    first.wait_for("watching");
    second.wait_for("say something to");
    say(&mut second, "/demo say text=\"from the other one\"");
    for screen in [&first, &second] {
        screen.wait_for("from the other one\n");
    }
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
    say(&mut screen, "/demo count n=300 rate=300");
    screen.wait_for("1 2 3");
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
