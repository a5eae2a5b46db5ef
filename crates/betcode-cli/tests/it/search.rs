//! Finding what was said, with a real daemon: at once, after a restart, after trimming and deleting, and with an index that is
//! gone or spoilt.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::slice::from_ref;
use std::time::Duration;

use betcode_testkit::{Profile, wait_until};
use serde_json::Value;

use crate::profile;

const ENTER: &[u8] = b"\r";

fn say(profile: &Profile, name: &str, words: &str) -> String {
    let before = ids(profile);
    profile
        .betcode(["-p", "--name", name, words])
        .run()
        .expect(0);
    let after = ids(profile);
    after.into_iter().find(|id| !before.contains(id)).unwrap()
}

fn ids(profile: &Profile) -> Vec<String> {
    let rows = profile.betcode(["session", "list", "--json"]).run();
    let rows = rows.expect(0).json();
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(id).collect()
}

/// What is found once nothing is left to be looked at.
fn found(profile: &Profile, words: &str) -> Vec<Value> {
    wait_until(Duration::from_secs(30), "the index catches up", || {
        let output = profile
            .betcode(["session", "search", words, "--json"])
            .run()
            .expect(0);
        let behind = output.stderr.contains("not yet searched");
        (!behind).then(|| output.json().as_array().unwrap().clone())
    })
}

fn found_in(profile: &Profile, words: &str) -> Vec<String> {
    let rows = found(profile, words);
    let mut ids: Vec<_> = rows
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[test]
fn what_was_said_is_found_by_its_words_in_every_kind_of_entry() {
    let profile = profile();
    let one = say(&profile, "First", "/demo say text=\"The quick brown fox\"");
    let other = say(
        &profile,
        "Other",
        "/demo tool command=\"echo needlework 登录错误\"",
    );
    assert_eq!(found_in(&profile, "QUICK bro"), from_ref(&one));
    assert_eq!(found_in(&profile, "needlewo"), from_ref(&other));
    assert_eq!(found_in(&profile, "录错"), from_ref(&other));
    assert_eq!(found_in(&profile, "First"), from_ref(&one));
    assert_eq!(found_in(&profile, "\"brown quick\""), [""; 0]);
    assert_eq!(found_in(&profile, "quick needlework"), [""; 0]);
    let rows = found(&profile, "needlework");
    let entries = rows[0]["entries"].as_array().unwrap();
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"message") && kinds.contains(&"tool"),
        "{kinds:?}"
    );
    for entry in entries {
        let line = entry["line"].as_array().unwrap();
        let hits: Vec<_> = line.iter().filter(|piece| piece["hit"] == true).collect();
        assert!(
            hits.iter().all(|hit| hit["text"] == "needlework"),
            "{line:?}"
        );
        assert!(!hits.is_empty());
    }
    let plain = profile
        .betcode(["session", "search", "quick"])
        .run()
        .expect(0);
    assert!(plain.stdout.contains("  First\n"), "{}", plain.stdout);
    assert!(
        plain.stdout.contains("The [quick] brown fox"),
        "{}",
        plain.stdout
    );
}

#[test]
fn whatever_is_typed_is_plain_words() {
    let profile = profile();
    let one = say(
        &profile,
        "Odd",
        "/demo say text=\"a NEAR b: col*umn -x 🎉 (it's)\"",
    );
    for words in [
        "NEAR(a", "col*umn", "b: col", "\"", "it's", "🎉", "a AND", "a\" \"b", "--", "umn*",
        "\u{7f}x",
    ] {
        let output = profile.betcode(["session", "search", "--", words]).run();
        if words
            .chars()
            .any(|character| character.is_alphanumeric() || character == '🎉')
        {
            output.expect(0);
        } else {
            let output = output.expect(1);
            assert!(
                output.stderr.contains("there is no word in"),
                "{}",
                output.stderr
            );
        }
    }
    assert_eq!(found_in(&profile, "\"near b col umn x 🎉\""), [one]);
    profile.betcode(["session", "search"]).run().expect(64);
}

#[test]
fn the_index_follows_restarts_titles_trimming_and_deleting() {
    let profile = profile();
    let one = say(&profile, "Alpha", "/demo say text=zebracrossing");
    let other = say(&profile, "Beta", "/demo say text=zebrafinch");
    let both = {
        let mut both = vec![one.clone(), other.clone()];
        both.sort();
        both
    };
    assert_eq!(found_in(&profile, "zebra"), both);
    profile
        .betcode(["daemon", "stop", "--agents"])
        .run()
        .expect(0);
    assert_eq!(found_in(&profile, "zebra"), both);
    profile
        .betcode(["session", "rename", &one, "Gamma zebra"])
        .run()
        .expect(0);
    assert_eq!(found_in(&profile, "gamma"), from_ref(&one));
    assert_eq!(found_in(&profile, "alpha"), [""; 0]);
    profile
        .betcode(["session", "compact", &one, "--trim"])
        .run()
        .expect(0);
    assert_eq!(found_in(&profile, "zebracrossing"), [""; 0]);
    profile
        .betcode(["session", "delete", &other])
        .run()
        .expect(0);
    assert_eq!(found_in(&profile, "zebra"), [one]);
}

#[test]
fn an_index_that_is_spoilt_or_gone_is_made_again_and_is_the_users_alone() {
    let profile = profile();
    let one = say(&profile, "Alpha", "/demo say text=zebracrossing");
    assert_eq!(found_in(&profile, "zebracrossing"), from_ref(&one));
    let file = profile.state_dir().join("search.db");
    for name in ["search.db", "search.db-wal"] {
        let mode = fs::metadata(profile.state_dir().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    for spoilt in [None, Some("no database ".repeat(1000))] {
        profile
            .betcode(["daemon", "stop", "--agents"])
            .run()
            .expect(0);
        match spoilt {
            None => fs::remove_file(&file).unwrap(),
            Some(text) => fs::write(&file, text).unwrap(),
        }
        profile.betcode(["daemon", "doctor"]).run().expect(0);
        assert_eq!(found_in(&profile, "zebracrossing"), from_ref(&one));
    }
    let backup = profile.work().join("copy");
    let backup = backup.to_str().unwrap();
    profile
        .betcode(["daemon", "backup", backup])
        .run()
        .expect(0);
    profile
        .betcode(["daemon", "stop", "--agents"])
        .run()
        .expect(0);
    let later = say(&profile, "Later", "/demo say text=zebrafinch");
    assert_eq!(found_in(&profile, "zebrafinch"), [later]);
    profile
        .betcode(["daemon", "stop", "--agents"])
        .run()
        .expect(0);
    profile
        .betcode(["daemon", "restore", backup])
        .run()
        .expect(0);
    assert_eq!(found_in(&profile, "zebra"), [one]);
}

#[test]
fn resuming_without_an_id_chooses_on_the_screen_and_opens_where_it_was_said() {
    let profile = profile();
    say(&profile, "Alpha", "/demo say text=zebracrossing");
    say(&profile, "Beta", "/demo say text=finch");
    profile.betcode(["-p", "--resume"]).run().expect(64);
    let mut screen = profile.betcode(["--resume"]).on_screen(80, 24);
    screen.wait_for("Beta");
    let text = screen.text();
    assert!(
        text.contains("Alpha") && text.contains("Sessions in work"),
        "{text}"
    );
    screen.send(b"zebra");
    screen.wait_for("agent: zebracrossing");
    screen.send(ENTER);
    screen.until("the session is open where it was said", |text| {
        text.starts_with(" Alpha") && text.contains("\nzebracrossing")
    });
    screen.send(b"/");
    screen.wait_for("a word to look for");
    screen.send(b"CROSS");
    screen.wait_for("/ CROSS");
    screen.send(ENTER);
    screen.wait_for("CROSS: 1 of 2");
    screen.send(b"n");
    screen.wait_for("CROSS: 2 of 2");
}
