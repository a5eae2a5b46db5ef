//! Agents that fall silent in the middle of a turn: what people are told, and what ends it. Time passes on a test clock.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]

use std::path::Path;
use std::time::Duration;

use betcode_testkit::{Profile, wait_until};
use serde_json::Value;

use crate::crash::{events, session, until};
use crate::durable::{pass, start_daemon};
use crate::profile;

const SOON: Duration = Duration::from_mins(1);
const STALL: &str = "/demo stall secs=600";

/// A daemon that calls a turn stalled after ten seconds, with what else is set.
fn impatient(set: &[(&str, &str)]) -> Profile {
    let profile = profile();
    for (key, value) in [("session.stalled_after", "10s")].iter().chain(set) {
        profile
            .betcode(["config", "set", key, value])
            .run()
            .expect(0);
    }
    start_daemon(&profile);
    profile
}

fn until_status(profile: &Profile, status: &str) {
    wait_until(SOON, status, || {
        let rows = profile.betcode(["session", "list", "--json"]).run().json();
        (rows[0]["status"] == status).then_some(())
    });
}

#[test]
fn a_silent_agent_is_called_stalled_and_a_person_stops_it() {
    let profile = impatient(&[]);
    profile.betcode(["-p", STALL, "--detach"]).run().expect(0);
    let id = session(&profile);
    until(&profile, &id, "text_delta", 1);
    pass(&profile, 11_000);
    until_status(&profile, "stalled");
    let shown = profile.betcode(["session", "list"]).run().expect(0);
    assert!(shown.stdout.contains("stalled"), "{}", shown.stdout);
    let stop = || profile.betcode(["session", "cancel", &id]).run().expect(0);
    assert_eq!(stop().stdout, format!("session {id} is being stopped\n"));
    let end = until(&profile, &id, "turn_complete", 1);
    assert_eq!(end[0]["stop_reason"], "cancelled");
    until_status(&profile, "idle");
    assert_eq!(stop().stdout, format!("session {id} is at rest\n"));
    let mut stalls = events(&profile, &id);
    stalls.retain(|event| event["status"] == "stalled");
    assert_eq!(stalls.len(), 1);
    let detail = stalls[0]["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the agent has said nothing for 1")
            && detail.ends_with(&format!("betcode session cancel {id}")),
        "{detail}"
    );
}

#[test]
fn a_run_says_once_that_its_agent_is_silent_and_fails_when_that_is_interrupted() {
    let profile = impatient(&[("session.interrupt_stalled_after", "30s")]);
    let running = profile.betcode(["-p", STALL]).spawn();
    let id = session(&profile);
    until(&profile, &id, "text_delta", 1);
    pass(&profile, 11_000);
    until_status(&profile, "stalled");
    pass(&profile, 31_000);
    let output = running.wait(SOON).expect(1);
    let note = "note: the agent has said nothing for 1";
    assert_eq!(output.stderr.matches(note).count(), 1, "{}", output.stderr);
    let last = output.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("Error: the agent said nothing for 3") && last.contains("interrupted"),
        "{last}"
    );
    until_status(&profile, "idle");
}

#[test]
fn a_run_with_a_timeout_ends_by_it_while_its_agent_is_silent() {
    let profile = impatient(&[]);
    let run = profile.betcode(["-p", STALL, "--timeout", "1"]);
    let output = run.run().expect(124);
    assert!(
        output.stderr.ends_with("Error: no answer within 1s\n"),
        "{}",
        output.stderr
    );
    until_status(&profile, "idle");
}

/// A program that says what was recorded of a stream that hangs, and then nothing, whatever it is told.
fn deaf(profile: &Profile) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/agents");
    let recorded = fixtures.join("claude-code-2.1.330/stream_hang.ndjson");
    let mut said = String::new();
    for line in std::fs::read_to_string(recorded).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["dir"] == "out" {
            said.push_str(&line["msg"].to_string());
            said.push('\n');
        }
    }
    let file = profile.home().join("said");
    std::fs::write(&file, said).unwrap();
    format!(
        "/bin/sh -c 'cat {}; trap \"\" INT; exec sleep 600'",
        file.display()
    )
}

#[test]
fn an_agent_that_does_not_listen_to_a_person_either_is_ended_and_its_turn_with_it() {
    let profile = impatient(&[]);
    let command = deaf(&profile);
    profile
        .betcode(["-p", "hello", "--detach", "--agent", "claude"])
        .env("BETCODE_AGENT_CLAUDE_COMMAND", command)
        .run()
        .expect(0);
    let id = session(&profile);
    until(&profile, &id, "text_delta", 1);
    pass(&profile, 11_000);
    until_status(&profile, "stalled");
    profile.betcode(["session", "cancel", &id]).run().expect(0);
    until(&profile, &id, "cancel_requested", 1);
    pass(&profile, 50_000);
    let end = until(&profile, &id, "turn_complete", 1);
    assert_eq!(end[0]["stop_reason"], "cancelled");
    let told = until(&profile, &id, "error", 1);
    assert_eq!(told[0]["code"], "agent_unresponsive");
    until(&profile, &id, "agent_exited", 1);
    until_status(&profile, "idle");
}
