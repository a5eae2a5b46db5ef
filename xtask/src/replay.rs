//! `cargo xtask replay`: plays recorded sessions of Claude Code through the whole program, as the tests do with those in `fixtures`.
//! It is those tests: this only names the files.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::task::{Task, Usage};
use crate::workspace;

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "replay",
    about: "play recorded sessions of Claude Code through host, daemon and client",
    help: "usage: cargo xtask replay [--keep DIR] DIR|FILE…\n\n  \
           DIR|FILE      recordings: files, or directories with .ndjson files\n  \
           --keep DIR    keep what was said and written, and the logs, there\n\n\
           Prints a line for each: by `betcode -p`, attended with a killed agent, attended. Fails when one does not go as it was recorded.\n\
           The form of a recording and what is checked: docs/testing.md",
    run: replay,
};

/// The tests that play what they are given.
const TESTS: &str = "replay::";

fn replay(arguments: &[String]) -> Result<()> {
    let mut paths = Vec::new();
    let mut keep = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--keep" => keep = Some(rest.next().ok_or_else(|| Usage::unknown(argument))?),
            flag if flag.starts_with('-') => return Err(Usage::unknown(flag)),
            path => paths.push(absolute(path)?),
        }
    }
    if paths.is_empty() {
        return Err(Usage::missing("DIR|FILE"));
    }
    let files = std::env::join_paths(&paths).context("a path with a colon in it")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut test = Command::new(cargo);
    test.args([
        "test",
        "--quiet",
        "--package",
        "betcode-cli",
        "--test",
        "it",
        "--",
    ])
    .args([TESTS, "--nocapture", "--test-threads", "1"])
    .env("BETCODE_REPLAY_FILES", files)
    .current_dir(workspace::root());
    if let Some(keep) = keep {
        test.env("BETCODE_REPLAY_KEEP", absolute(keep)?);
    }
    let status = test.status().context("cannot run cargo")?;
    ensure!(status.success(), "not everything went as it was recorded");
    Ok(())
}

fn absolute(path: &str) -> Result<std::path::PathBuf> {
    let path = std::path::absolute(Path::new(path)).with_context(|| path.to_owned())?;
    Ok(path)
}
