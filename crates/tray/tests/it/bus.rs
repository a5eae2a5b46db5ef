//! A session bus of one test.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what a test needs fails by panicking, and what it leaves out is said"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = "dbus-daemon";

/// A bus that ends with the test.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
}

impl Bus {
    /// A bus; nothing where the program for it is missing, which is said, and is an error where everything has to be there.
    pub(crate) fn start() -> Option<Self> {
        let daemon = Command::new(PROGRAM)
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut daemon) = daemon else {
            let in_ci = std::env::var_os("CI").is_some_and(|it| it == "true");
            assert!(!in_ci, "{PROGRAM} is missing");
            println!("skipped: {PROGRAM} is missing");
            return None;
        };
        let mut address = String::new();
        let mut stdout = BufReader::new(daemon.stdout.take().unwrap());
        stdout.read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "the bus says where it is");
        Some(Self { daemon, address })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // One that is gone already is gone.
        let _gone = self.daemon.kill();
        let _ended = self.daemon.wait();
    }
}
