//! Directories of one test: nobody else's settings, sessions, daemon or home.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_core::endpoint::{ENDPOINT_FILE, Endpoint};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{Betcode, kill};

/// A user's directories, removed at the end together with what runs in them.
#[derive(Debug)]
pub struct Profile {
    program: PathBuf,
    root: TempDir,
    follows_usage: bool,
}

impl Profile {
    /// New and empty; `program` is the `betcode` to run.
    ///
    /// # Panics
    /// When directories cannot be made.
    #[expect(clippy::expect_used, reason = "tests fail by panicking")]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        // Short, because sockets lie in it.
        let root = tempfile::Builder::new()
            .prefix("bc")
            .tempdir_in("/tmp")
            .expect("a temporary directory");
        for name in ["home", "work"] {
            std::fs::create_dir(root.path().join(name)).expect("a directory");
        }
        Self {
            program: program.into(),
            root,
            follows_usage: false,
        }
    }

    /// With a daemon that follows how much of plans is used. Without, no `claude` of the machine is asked for it.
    #[must_use]
    pub fn following_usage(mut self) -> Self {
        self.follows_usage = true;
        self
    }

    /// Whether its daemon follows how much of plans is used.
    pub(crate) const fn follows_usage(&self) -> bool {
        self.follows_usage
    }

    /// The program under test.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The home directory.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The directory in which commands are run.
    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// `BETCODE_CONFIG_DIR`.
    pub fn config_dir(&self) -> PathBuf {
        self.root.path().join("config")
    }

    /// `BETCODE_STATE_DIR`.
    pub fn state_dir(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// A command in this profile.
    pub fn betcode<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Betcode {
        Betcode::program(&self.program, self, args)
    }

    /// A line for bash in this profile.
    pub fn shell(&self, line: &str) -> Betcode {
        Betcode::program("bash", self, ["-c", line])
    }

    /// How the daemon of this profile says it can be reached.
    pub fn endpoint(&self) -> Option<Endpoint> {
        let text = std::fs::read(self.state_dir().join(ENDPOINT_FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The process of the daemon that says it runs.
    pub fn daemon_pid(&self) -> Option<u32> {
        self.endpoint().map(|endpoint| endpoint.pid)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let last = self.daemon_pid();
        if last.is_some() {
            // Agents too: nobody takes them over any more. A daemon that does not listen to that is killed.
            let stop = self.betcode(["daemon", "stop", "--agents"]).spawn();
            let _late = catch_unwind(AssertUnwindSafe(|| stop.wait(Duration::from_secs(20))));
        }
        if let Some(pid) = self.daemon_pid().filter(|pid| last == Some(*pid)) {
            kill(pid, Signal::KILL);
        }
    }
}
