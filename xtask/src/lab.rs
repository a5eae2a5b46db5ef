//! A profile of its own for a task that runs `betcode`: state, settings, home and temporary files below one directory,
//! an environment with nothing else in it, and the processes that belong to it.
//!
//! What is killed here was started here: a process counts only when its own command line or environment names this
//! profile's state directory, asked after the kernel has given a handle that cannot mean another process any more.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::{clock, workspace};

mod process;

pub(crate) use process::Process;

/// The directory and the executable.
#[derive(Debug)]
pub(crate) struct Lab {
    root: PathBuf,
    betcode: PathBuf,
    variables: Vec<(String, String)>,
}

impl Lab {
    /// Makes a fresh one. `name` becomes part of its directory's name.
    pub(crate) fn new(name: &str, betcode: PathBuf) -> Result<Self> {
        let base = workspace::target().join(name);
        std::fs::create_dir_all(&base)?;
        let directory = tempfile::Builder::new().prefix("run-").tempdir_in(&base)?;
        let lab = Self {
            root: directory.keep(),
            betcode,
            variables: Vec::new(),
        };
        for below in ["state", "config", "home", "tmp", "work", "out", "run"] {
            std::fs::create_dir(lab.path(below))
                .with_context(|| format!("cannot make a directory in {}", lab.root.display()))?;
        }
        Ok(lab)
    }

    /// Sets a variable for everything that is run from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// A path below the directory.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Where the daemon keeps its state.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// `betcode` with these arguments, in the working directory of the lab, with empty stdin.
    pub(crate) fn betcode<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(&self.betcode);
        command
            .args(arguments)
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("BETCODE_STATE_DIR", self.state())
            .env("BETCODE_CONFIG_DIR", self.path("config"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// The daemon that says it serves this profile, if it lives.
    pub(crate) fn daemon(&self) -> Option<Process> {
        let text = std::fs::read(self.state().join("endpoint.json")).ok()?;
        let endpoint: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let pid = i32::try_from(endpoint.get("pid")?.as_i64()?).ok()?;
        let process = Process::open(pid)?;
        let variable = format!("BETCODE_STATE_DIR={}", self.state().display());
        process.has_variable(&variable).then_some(process)
    }

    /// The agent hosts of this profile that live, with their epochs, sorted by epoch.
    pub(crate) fn hosts(&self) -> Vec<(String, Process)> {
        let directory = self.state().join("hosts");
        let mut hosts: Vec<(String, Process)> = process::all()
            .filter_map(|pid| {
                let process = Process::open(pid)?;
                let named = process.argument_below(&directory)?;
                let epoch = Path::new(&named).file_name()?.to_str()?.to_owned();
                Some((epoch, process))
            })
            .collect();
        hosts.sort_by(|a, b| a.0.cmp(&b.0));
        hosts
    }

    /// Ends every process of this profile: the daemon in an orderly way if it can, then whatever is left.
    pub(crate) fn stop(&self) {
        let _ = self
            .betcode(["daemon", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let gone = || {
            let daemon = self.daemon();
            let hosts = self.hosts();
            if let Some(daemon) = &daemon {
                daemon.kill();
            }
            for (_, host) in &hosts {
                host.kill();
            }
            (daemon.is_none() && hosts.is_empty()).then_some(())
        };
        clock::poll(Duration::from_secs(5), Duration::from_millis(10), gone);
    }

    /// Removes the directory.
    pub(crate) fn remove(self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }

    /// Where everything is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}
