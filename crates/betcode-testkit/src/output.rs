//! What a program printed, and how it ended.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use serde_json::Value;

/// The end of a run.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code, or 128 and the signal, as a shell says it.
    pub code: i32,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

impl Output {
    pub(crate) fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        let signal = status.signal().map_or(-1, |signal| 128 + signal);
        Self {
            code: status.code().unwrap_or(signal),
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
        }
    }

    /// The same, once it is known that it ended with this code.
    ///
    /// # Panics
    /// When it ended otherwise; the message shows everything.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// stdout as one JSON value.
    ///
    /// # Panics
    /// When it is none.
    #[expect(clippy::panic, reason = "tests fail by panicking")]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }

    /// stdout as one JSON value a line.
    ///
    /// # Panics
    /// When a line is none.
    #[expect(clippy::panic, reason = "tests fail by panicking")]
    pub fn json_lines(&self) -> Vec<Value> {
        let value =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in:\n{line}"));
        self.stdout.lines().map(value).collect()
    }
}
