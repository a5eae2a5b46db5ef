//! Agents that would not begin: too old, or given what they do not know. People are told once what to do, and nothing is
//! started over and over.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;

use betcode_testkit::Profile;

use crate::crash::{events, session};
use crate::profile;

/// A program that tells this version, and does this when it is to begin.
fn claude(profile: &Profile, version: &str, begins: &str) -> String {
    let file = profile.home().join("claude");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo '{version} (Claude Code)' && exit\n{begins}\n"
    );
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file.display().to_string()
}

/// Runs a prompt with it, and gives stderr.
fn run(profile: &Profile, program: &str, exit: i32) -> String {
    let run = profile
        .betcode(["-p", "hello", "--agent", "claude"])
        .env("BETCODE_AGENT_CLAUDE_COMMAND", program)
        .run();
    run.expect(exit).stderr
}

#[test]
fn a_version_below_the_supported_range_is_refused_before_anything_is_made() {
    let profile = profile();
    let program = claude(&profile, "2.0.14", "echo ran >> ran");
    let stderr = run(&profile, &program, 1);
    assert!(
        stderr.contains("claude 2.0.14 is too old: BetCode needs 2.1.197 or newer")
            && stderr.contains("claude update"),
        "{stderr}"
    );
    let list = profile.betcode(["session", "list", "--json"]).run();
    assert_eq!(list.expect(0).json(), serde_json::json!([]));
    assert!(!profile.work().join("ran").exists());
}

#[test]
fn an_option_that_this_version_lacks_ends_the_turn_at_once_with_what_to_do() {
    let profile = profile();
    let begins = "echo \"error: unknown option '--add-dir=.'\" >&2; exit 1";
    let program = claude(&profile, "2.1.200", begins);
    let stderr = run(&profile, &program, 1);
    assert!(
        stderr.contains("does not know the option --add-dir=.")
            && stderr.contains("hint: update it: claude update"),
        "{stderr}"
    );
    let id = session(&profile);
    let events = events(&profile, &id);
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!((count("agent_exited"), count("turn_complete")), (1, 1));
    assert_eq!(count("delivery_unknown"), 0, "it never read it");
}
