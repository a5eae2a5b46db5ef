//! The programs of this package, as whoever starts them wrongly meets them. Because of this test cargo builds them with every
//! test of the workspace, and those that run them need not (see `betcode_testkit::program`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Command, Stdio};

fn run(program: &str) -> std::process::Output {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
fn a_replay_without_a_recording_says_what_is_missing() {
    let output = run(env!("CARGO_BIN_EXE_betcode-replay"));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "replay: no recording: --play FILE, or BETCODE_REPLAY\n"
    );
}

#[test]
fn a_host_without_a_directory_ends_like_any_that_was_called_wrongly() {
    let output = run(env!("CARGO_BIN_EXE_betcode-host-v1"));
    assert_eq!(output.status.code(), Some(64));
}
