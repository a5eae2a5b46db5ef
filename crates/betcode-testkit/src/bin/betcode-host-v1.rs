//! The first agent host as a program: `betcode-host-v1 [--newer] DIRECTORY`. What it is for stands in
//! [`betcode_testkit::host_v1`].

use std::path::Path;
use std::process::ExitCode;

use betcode_testkit::host_v1::{Speech, run};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [directory] => run(Path::new(directory), Speech::First),
        [flag, directory] if flag == "--newer" => run(Path::new(directory), Speech::Newer),
        _ => ExitCode::from(64),
    }
}
