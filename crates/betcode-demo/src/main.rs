//! The demo agent as a program of its own, for tests that do not need the whole of `betcode`.

use std::process::ExitCode;

fn main() -> ExitCode {
    betcode_demo::run(std::env::args_os().skip(1))
}
