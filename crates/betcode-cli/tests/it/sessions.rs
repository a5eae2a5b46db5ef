//! Compacting, clearing, reopening, and the queue, as a person types them.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::{profile, session};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn compacting_tells_the_tokens_before_and_after_and_what_was_removed() {
    let profile = profile();
    let session = session(&profile);
    let plain = profile
        .betcode(["session", "compact", &session])
        .run()
        .expect(0);
    assert!(
        plain.stdout.contains("is compacted: ") && plain.stdout.contains(" tokens before, "),
        "{}",
        plain.stdout
    );
    let trimmed = profile
        .betcode(["session", "compact", &session, "--trim", "--json"])
        .run()
        .expect(0)
        .json();
    assert!(trimmed["removed_events"].as_u64().unwrap() > 0, "{trimmed}");
    assert!(
        trimmed["before_tokens"].is_u64() && trimmed["after_tokens"].is_u64(),
        "{trimmed}"
    );
}

#[test]
fn clearing_needs_a_yes_and_says_how_much_is_gone() {
    let profile = profile();
    let session = session(&profile);
    let asked = profile
        .betcode(["session", "clear", &session])
        .run()
        .expect(64);
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    let cleared = profile
        .betcode(["session", "clear", &session, "--yes", "--json"])
        .run()
        .expect(0)
        .json();
    assert!(cleared["removed_events"].as_u64().unwrap() > 3, "{cleared}");
}

#[test]
fn a_closed_session_says_how_to_resume_it_and_goes_on_then() {
    let profile = profile();
    let session = session(&profile);
    let open = profile
        .betcode(["session", "resume", &session])
        .run()
        .expect(0);
    assert_eq!(
        open.stdout,
        format!("session {session} is open\ngo on with: betcode -p --resume {session} \"…\"\n")
    );
    profile
        .betcode(["session", "close", &session])
        .run()
        .expect(0);
    let refused = profile
        .betcode(["-p", "--resume", &session, "hi"])
        .run()
        .expect(1);
    assert!(
        refused
            .stderr
            .contains(&format!("hint: betcode session resume {session}")),
        "{}",
        refused.stderr
    );
    let reopened = profile
        .betcode(["session", "resume", &session, "--json"])
        .run()
        .expect(0);
    assert_eq!(reopened.json()["done"], "reopened");
    let output = profile
        .betcode(["-p", "--resume", &session, "/demo say text=back"])
        .run()
        .expect(0);
    assert_eq!(output.stdout, "back\n");
}

#[test]
fn a_message_that_waits_is_listed_changed_and_removed() {
    let profile = profile();
    let session = session(&profile);
    let busy = profile
        .betcode([
            "-p",
            "--detach",
            "--resume",
            &session,
            "/demo stall secs=60",
        ])
        .run();
    busy.expect(0);
    let detached = |text: &str| {
        let line = ["-p", "--detach", "--resume", &session, text];
        profile.betcode(line).run().expect(0);
    };
    detached("/demo say text=one");
    detached("/demo say text=two");
    let queue = || -> Vec<Value> {
        let rows = profile
            .betcode(["session", "queue", &session, "--json"])
            .run()
            .expect(0);
        rows.json().as_array().unwrap().clone()
    };
    let texts = || -> Vec<String> {
        let texts = queue();
        texts
            .iter()
            .map(|row| row["text"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(texts(), ["/demo say text=one", "/demo say text=two"]);
    let busy = profile
        .betcode(["session", "clear", &session, "--yes"])
        .run()
        .expect(1);
    assert!(busy.stderr.contains("a turn is running"), "{}", busy.stderr);
    let ids: Vec<String> = queue()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    profile
        .betcode([
            "session",
            "queue",
            &session,
            "--edit",
            &ids[1],
            "/demo say text=three",
        ])
        .run()
        .expect(0);
    profile
        .betcode(["session", "queue", &session, "--remove", &ids[0]])
        .run()
        .expect(0);
    assert_eq!(texts(), ["/demo say text=three"]);
    let gone = profile
        .betcode(["session", "queue", &session, "--remove", &ids[0]])
        .run()
        .expect(1);
    assert!(
        gone.stderr.contains("waits in this session"),
        "{}",
        gone.stderr
    );
    let table = profile
        .betcode(["session", "queue", &session])
        .run()
        .expect(0)
        .stdout;
    assert!(
        table.starts_with("ID ") && table.contains("queued"),
        "{table}"
    );
}

#[test]
fn a_watcher_never_takes_the_lock() {
    let profile = profile();
    let session = session(&profile);
    let watcher = profile
        .betcode(["session", "events", &session, "--follow"])
        .spawn();
    watcher.wait_for("turn_complete");
    let status = || {
        let output = profile
            .betcode(["lock", "status", &session, "--json"])
            .run()
            .expect(0);
        output.json()["holder"].clone()
    };
    assert_eq!(status(), Value::Null);
    // Not an interrupt: what a shell runs in the background ignores that, and so do its children.
    watcher.signal(Signal::TERM);
    watcher.wait(SOON).expect(143);
}
