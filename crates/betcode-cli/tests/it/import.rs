//! Claude Code's own conversations become sessions: what is listed, what is recorded, what is refused, and what a daemon that
//! is killed in the middle leaves behind.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_testkit::{Profile, kill, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::profile;

const PLAIN: &str = "3e0fe03b-224b-46fa-b13e-c931907837a3";
const LARGE: &str = "0f000000-0000-4000-8000-000000000001";

/// Where Claude Code keeps the conversations of a directory.
fn place_in(base: &Path, directory: &Path) -> PathBuf {
    let name = directory.to_str().unwrap();
    let name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let place = base.join("projects").join(name);
    fs::create_dir_all(&place).unwrap();
    place
}

fn place(profile: &Profile) -> PathBuf {
    place_in(&profile.home().join(".claude"), &profile.work())
}

/// Puts a recorded conversation where Claude Code would have put it.
fn had(from: &str, to: &Path, directory: &Path) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/claude-sessions");
    copy(&fixtures.join(from), to, directory.to_str().unwrap());
}

fn copy(from: &Path, to: &Path, directory: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &to, directory);
        } else {
            let text = fs::read_to_string(&entry).unwrap();
            fs::write(to, text.replace("/workspace", directory)).unwrap();
        }
    }
}

fn listed(profile: &Profile) -> Vec<Value> {
    let list = profile.betcode(["session", "import", "--json"]).run();
    list.expect(0).json().as_array().unwrap().clone()
}

fn sessions(profile: &Profile) -> Vec<Value> {
    let list = profile.betcode(["session", "list", "--json"]).run();
    list.expect(0).json().as_array().unwrap().clone()
}

fn imported(profile: &Profile, arguments: &[&str]) -> Value {
    let whole = ["session", "import", "--json"].into_iter();
    let output = profile.betcode(whole.chain(arguments.iter().copied()));
    output.run().expect(0).json()
}

fn events(profile: &Profile, session: &str) -> Vec<Value> {
    let output = profile.betcode(["session", "events", session]).run();
    output.expect(0).json_lines()
}

fn of<'a>(events: &'a [Value], kind: &'a str) -> Vec<&'a Value> {
    let fitting = events.iter().filter(|event| event["type"] == kind);
    fitting.collect()
}

#[test]
fn a_conversation_becomes_a_session_once() {
    let profile = profile();
    had("plain", &place(&profile), &profile.work());
    let before = listed(&profile);
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0]["title"], "Say hello.");
    assert_eq!(before[0]["messages"], 4);
    assert_eq!(before[0]["session"], Value::Null);
    let first = imported(&profile, &["3e0f"]);
    assert_eq!(first["done"], "imported");
    assert_eq!(first["id"], PLAIN);
    assert_eq!(first["messages"], 4);
    assert_eq!(first["left_out"], 0);
    let again = imported(&profile, &["--last"]);
    assert_eq!(again["done"], "already_imported");
    assert_eq!(again["id"], PLAIN);
    assert_eq!(
        (&again["messages"], &again["left_out"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(listed(&profile)[0]["session"], PLAIN);
    let rows = sessions(&profile);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["title"], "Say hello.");
    assert_eq!(rows[0]["turns"], 2);
    assert_eq!(rows[0]["status"], "idle");
    assert_eq!(rows[0]["cwd"], profile.work().to_str().unwrap());
    assert_eq!(rows[0]["agent_session"], PLAIN);
    let events = events(&profile, PLAIN);
    let prompts: Vec<&Value> = of(&events, "user_input")
        .iter()
        .map(|event| &event["text"])
        .collect();
    assert_eq!(prompts, ["Say hello.", "And again."]);
    assert_eq!(of(&events, "user_input")[0]["client"]["name"], "imported");
    // The times are those of the conversation.
    assert_eq!(events[0]["timestamp"], "2026-11-22T07:10:30.082000Z");
    let text: String = of(&events, "text_delta")
        .iter()
        .map(|event| event["text"].as_str().unwrap())
        .collect();
    assert_eq!(text, "Hello from the model.Hello once more.");
    let ends: Vec<&Value> = of(&events, "turn_complete")
        .iter()
        .map(|event| &event["stop_reason"])
        .collect();
    assert_eq!(ends, ["end_turn", "end_turn"]);
}

#[test]
fn tools_edits_and_sub_agents_are_in_the_history() {
    let profile = profile();
    for case in ["tool", "edit", "agent-fg", "compact", "interrupted"] {
        had(case, &place(&profile), &profile.work());
    }
    for row in listed(&profile) {
        imported(&profile, &[row["id"].as_str().unwrap()]);
    }
    let all: Vec<Vec<Value>> = sessions(&profile)
        .iter()
        .map(|row| events(&profile, row["id"].as_str().unwrap()))
        .collect();
    assert_eq!(all.len(), 5);
    let found = |kind: &str, fits: &dyn Fn(&Value) -> bool| {
        let mut everywhere = all.iter().flat_map(|events| of(events, kind));
        assert!(everywhere.any(fits), "no {kind} fits");
    };
    found("tool_call_result", &|event| event["output"] == "created");
    found("tool_call_result", &|event| event["is_error"] == true);
    found("tool_call_result", &|event| {
        event["diff"][0]["hunks"][0]["lines"]
            == json!([" # Demo", " ", "-hello world", "+goodbye world", " bye"])
    });
    found("text_delta", &|event| {
        event["text"] == "I looked." && event["parent_tool_call_id"].is_string()
    });
    found("compacted", &|event| event["trigger"] == "manual");
    found("turn_complete", &|event| {
        event["stop_reason"] == "cancelled"
    });
}

#[test]
fn what_is_not_there_is_said_with_where_it_was_looked_for_and_where_it_is() {
    let profile = profile();
    let other = profile.home().join("other project");
    fs::create_dir(&other).unwrap();
    had(
        "plain",
        &place_in(&profile.home().join(".claude"), &other),
        &other,
    );
    let none = profile.betcode(["session", "import"]).run().expect(0);
    assert!(
        none.stderr.contains("Claude Code has no session in "),
        "{}",
        none.stderr
    );
    let unknown = profile
        .betcode(["session", "import", "ffff"])
        .run()
        .expect(1);
    let looked = profile.home().join(".claude/projects");
    assert!(
        unknown.stderr.contains("no session ffff"),
        "{}",
        unknown.stderr
    );
    assert!(
        unknown.stderr.contains(looked.to_str().unwrap()),
        "{}",
        unknown.stderr
    );
    assert!(
        unknown.stderr.contains(other.to_str().unwrap()),
        "{}",
        unknown.stderr
    );
    let elsewhere = profile
        .betcode(["session", "import", "3e0f"])
        .run()
        .expect(1);
    let command = format!("betcode session import {PLAIN} --cwd '{}'", other.display());
    assert!(elsewhere.stderr.contains(&command), "{}", elsewhere.stderr);
    let there = imported(&profile, &["3e0f", "--cwd", other.to_str().unwrap()]);
    assert_eq!(there["cwd"], other.to_str().unwrap());
}

#[test]
fn a_conversation_whose_directory_is_gone_needs_another_one() {
    let profile = profile();
    let gone = profile.home().join("gone");
    had("plain", &place(&profile), &gone);
    let refused = profile
        .betcode(["session", "import", PLAIN])
        .run()
        .expect(1);
    assert!(
        refused.stderr.contains("does not exist any more"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--cwd DIR"), "{}", refused.stderr);
    assert_eq!(sessions(&profile).len(), 0);
    let there = imported(&profile, &[PLAIN, "--cwd", "."]);
    assert_eq!(there["cwd"], profile.work().to_str().unwrap());
}

#[test]
fn another_place_of_claude_codes_is_honoured_and_what_has_no_answer_is_refused() {
    let profile = profile();
    let base = profile.home().join("elsewhere");
    had(
        "noanswer",
        &place_in(&base, &profile.work()),
        &profile.work(),
    );
    assert_eq!(listed(&profile).len(), 0);
    let here = |arguments: &[&str]| {
        let whole = ["session", "import"]
            .into_iter()
            .chain(arguments.iter().copied());
        profile.betcode(whole).env("CLAUDE_CONFIG_DIR", &base).run()
    };
    assert!(here(&[]).expect(0).stdout.contains("Say."));
    let refused = here(&["--last"]).expect(1);
    assert!(
        refused.stderr.contains("nothing was answered yet"),
        "{}",
        refused.stderr
    );
}

#[test]
fn only_plain_files_are_opened() {
    let profile = profile();
    let place = place(&profile);
    let elsewhere = profile.home().join("elsewhere");
    had("plain", &elsewhere, &profile.work());
    let name =
        |number: u32| place.join(format!("0000000{number}-0000-4000-8000-000000000000.jsonl"));
    symlink(elsewhere.join(format!("{PLAIN}.jsonl")), name(1)).unwrap();
    fs::create_dir(name(2)).unwrap();
    let pipe = name(3);
    profile
        .shell(&format!("mkfifo '{}'", pipe.display()))
        .run()
        .expect(0);
    symlink("/dev/zero", name(4)).unwrap();
    fs::write(place.join("notes.jsonl"), "{}\n").unwrap();
    let list = profile.betcode(["session", "import"]).run().expect(0);
    for problem in ["it is a link", "it is a directory", "it is not a file"] {
        assert!(list.stderr.contains(problem), "{}", list.stderr);
    }
    for number in 1..=4 {
        let id = format!("0000000{number}");
        let refused = profile.betcode(["session", "import", &id]).run().expect(1);
        assert!(
            refused.stderr.contains("is passed over"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(sessions(&profile).len(), 0);
}

/// A conversation of many messages.
fn large(place: &Path, directory: &Path, messages: usize, letters: usize) {
    let mut text = String::new();
    let mut parent = Value::Null;
    let said = "x".repeat(letters);
    for number in 0..messages {
        let uuid = format!("00000000-0000-4000-9000-{number:012}");
        let is_prompt = number % 2 == 0;
        let message = if is_prompt {
            json!({"role": "user", "content": format!("prompt {number}")})
        } else {
            json!({
                "role": "assistant", "id": format!("msg_{number}"), "model": "m", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": said}],
            })
        };
        let line = json!({
            "type": if is_prompt { "user" } else { "assistant" },
            "uuid": uuid, "parentUuid": parent, "cwd": directory, "message": message,
            "timestamp": "2026-01-01T00:00:00Z",
        });
        parent = Value::String(uuid);
        text.push_str(&line.to_string());
        text.push('\n');
    }
    fs::write(place.join(format!("{LARGE}.jsonl")), text).unwrap();
}

#[test]
fn a_daemon_that_is_killed_in_mid_import_leaves_nothing_and_the_next_one_imports_all() {
    const MESSAGES: usize = 4000;
    let profile = profile();
    large(&place(&profile), &profile.work(), MESSAGES, 40_000);
    // So that a daemon is there before.
    assert_eq!(sessions(&profile).len(), 0);
    let import = profile.betcode(["session", "import", LARGE]).spawn();
    let written = || {
        ["log.db", "log.db-wal"].iter().any(|name| {
            fs::metadata(profile.state_dir().join(name)).is_ok_and(|data| data.len() > 8 << 20)
        })
    };
    wait_until(Duration::from_mins(1), "a part of it is written", || {
        written().then_some(())
    });
    kill(profile.daemon_pid().unwrap(), Signal::KILL);
    let cut_off = import.wait(Duration::from_mins(1));
    assert!(
        !cut_off.stdout.contains("is imported"),
        "{}",
        cut_off.stdout
    );
    assert_eq!(sessions(&profile), Vec::<Value>::new());
    profile.betcode(["session", "show", LARGE]).run().expect(1);
    let again = imported(&profile, &[LARGE]);
    assert_eq!(again["done"], "imported");
    assert_eq!(again["messages"], MESSAGES);
    let events = events(&profile, LARGE);
    assert_eq!(of(&events, "user_input").len(), MESSAGES / 2);
    assert_eq!(of(&events, "message_complete").len(), MESSAGES / 2);
    let numbers = events
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap());
    assert!(numbers.eq(1..=events.len() as u64));
    assert_eq!(sessions(&profile).len(), 1);
}

#[test]
fn a_deleted_session_can_be_imported_again_at_once() {
    let profile = profile();
    had("plain", &place(&profile), &profile.work());
    for _ in 0..3 {
        assert_eq!(imported(&profile, &[PLAIN])["done"], "imported");
        profile
            .betcode(["session", "delete", PLAIN])
            .run()
            .expect(0);
    }
}

#[test]
fn a_torn_last_line_and_one_that_nobody_understands_are_left_out_and_told() {
    let profile = profile();
    let place = place(&profile);
    had("tool", &place, &profile.work());
    let path = fs::read_dir(&place)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("what is this\n{\"type\":\"assistant\",\"uu");
    fs::write(&path, text).unwrap();
    let whole = imported(&profile, &["--last"]);
    assert_eq!(
        (&whole["messages"], &whole["left_out"]),
        (&json!(4), &json!(1))
    );
    let notices = whole["notices"].to_string();
    for notice in [
        "another process may still use",
        "the last line of the conversation's file is not whole",
    ] {
        assert!(notices.contains(notice), "{notices}");
    }
}

#[test]
fn a_file_in_which_nothing_can_be_read_is_refused_with_that_reason() {
    let profile = profile();
    let path = place(&profile).join(format!("{LARGE}.jsonl"));
    for (content, problem) in [
        (&b""[..], "it is empty"),
        (
            b"{\"type\":\"user\",\"uu",
            "it ends in the middle of a line",
        ),
        (b"\xff\xfe\0\n", "1 line was not understood"),
        (b"this is\nno conversation\n", "2 lines were not understood"),
    ] {
        fs::write(&path, content).unwrap();
        let refused = profile
            .betcode(["session", "import", LARGE])
            .run()
            .expect(1);
        let stderr = &refused.stderr;
        assert!(
            stderr.contains("there is no answer of a model in"),
            "{stderr}"
        );
        assert!(stderr.contains(problem), "{stderr}");
    }
    assert_eq!(sessions(&profile).len(), 0);
}
