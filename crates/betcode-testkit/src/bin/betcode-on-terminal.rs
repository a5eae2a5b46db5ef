//! `betcode-on-terminal PROGRAM ARGUMENT…`: becomes the leader of a session whose terminal is stdin, and then the program. A test
//! cannot do that between fork and exec, and the shell's way to it is not everywhere.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use rustix::process::{ioctl_tiocsctty, setsid};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        return ExitCode::from(64);
    };
    // Who leads a session already keeps it.
    let _session = setsid();
    if ioctl_tiocsctty(rustix::stdio::stdin()).is_err() {
        return ExitCode::from(126);
    }
    let failed = Command::new(program).args(arguments).exec();
    ExitCode::from(if failed.kind() == std::io::ErrorKind::NotFound {
        127
    } else {
        126
    })
}
