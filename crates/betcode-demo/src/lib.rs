//! The demo agent: a program without a model that speaks Claude Code's stream-json on its
//! standard input and output and plays scenarios.
//!
//! A prompt `/demo NAME key=value key="quoted value"` plays the scenario NAME (see
//! [`scenario`]); any other prompt gets a short guided answer that lists the working directory
//! with a tool that really runs.
//!
//! It needs no account and no network, never calls a model, and never invents a line that the
//! real program does not have (the scenario `unknown` is the one that does, on purpose).
//!
//! A driver that registers a `PreToolUse` hook hears of every call before it is made, and decides (see `turn::announce`).
//!
//! Environment: `CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS=1` adds the session state lines, as in
//! the real program; `BETCODE_DEMO_JOURNAL=FILE` appends every line of standard input to FILE
//! as it arrives, one write a line, so that a test can count what was delivered.
//!
//! A turn is kept in a file from its beginning until it ends (in `BETCODE_DEMO_STATE`, else `betcode-demo` in
//! `XDG_STATE_HOME`, else `~/.local/state/betcode-demo`). A process that is started with `--resume` and
//! `CLAUDE_CODE_RESUME_INTERRUPTED_TURN=1` after that turn died goes on with it by itself once it is initialized, as the real
//! program does: it says again what it has to say, asks again, under a new id, and what has run already does not run again.

#![expect(
    clippy::needless_pass_by_value,
    reason = "parts of lines are built to be given away, but `json!` only borrows what it embeds"
)]

mod args;
mod clock;
mod command;
mod ids;
mod input;
mod lines;
mod memory;
mod output;
pub mod scenario;
mod session;
mod tool;
mod turn;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

/// Runs the demo agent on this process's standard input and output until its input ends.
///
/// `args` are the arguments after the program's name: the flags that a driver passes to Claude
/// Code. Unknown ones are ignored.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = args::Options::parse(args);
    if options.version {
        let line = concat!(
            "BetCode demo agent ",
            env!("CARGO_PKG_VERSION"),
            " (demo: no model)\n"
        );
        return match std::io::stdout().write_all(line.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let journal = std::env::var_os("BETCODE_DEMO_JOURNAL").filter(|path| !path.is_empty());
    let state_events = std::env::var_os("CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS")
        .is_some_and(|value| value == "1" || value == "true");
    let inbox = match input::Inbox::open(journal) {
        Ok(inbox) => inbox,
        Err(error) => {
            let _ = writeln!(
                std::io::stderr(),
                "Error: cannot read standard input: {error}"
            );
            return ExitCode::FAILURE;
        }
    };
    let variable = |name: &str| std::env::var_os(name);
    let goes_on = variable("CLAUDE_CODE_RESUME_INTERRUPTED_TURN").is_some_and(|value| value == "1");
    let memory = memory::Memory::of(variable);
    let keeps = session::Keeps { memory, goes_on };
    session::Session::new(options, inbox, state_events, keeps).run()
}
