//! The agent host as a small program of its own: `betcode-agent-host DIRECTORY`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(directory) => betcode_host::run(Path::new(&directory)),
        None => ExitCode::from(64),
    }
}
