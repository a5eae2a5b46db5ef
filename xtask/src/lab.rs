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

/// An agent host that lives.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) epoch: String,
    pub(crate) process: Process,
    /// It has begun to start its agent.
    #[cfg_attr(
        not(feature = "clients"),
        expect(dead_code, reason = "only torture tells the two apart")
    )]
    pub(crate) started: bool,
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

    /// The variable of this name that was set.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let mut set = self.variables.iter().rev();
        let (_, value) = set.find(|(known, _)| known == name)?;
        Some(value)
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
        self.program(&self.betcode, arguments)
    }

    /// Another program in the same place.
    pub(crate) fn program<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
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
            // Nothing here asks an agent how much of a plan is used.
            .env("BETCODE_USAGE", "false")
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

    /// The agent hosts of this profile that live, sorted by epoch.
    ///
    /// A child of a host has its parent's command line until it has become the agent, so the file in which a host
    /// writes its id decides: the file is there before the first child is.
    pub(crate) fn hosts(&self) -> Vec<Host> {
        let directory = self.state().join("hosts");
        let mut hosts: Vec<Host> = process::all()
            .filter_map(|pid| {
                let process = Process::open(pid)?;
                let path = PathBuf::from(process.argument_below(&directory)?);
                let epoch = path.file_name()?.to_str()?.to_owned();
                let started = std::fs::read(path.join("started")).ok();
                if let Some(started) = &started {
                    let started: serde_json::Value = serde_json::from_slice(started).ok()?;
                    (started.get("pid")?.as_i64()? == i64::from(pid)).then_some(())?;
                }
                Some(Host {
                    epoch,
                    process,
                    started: started.is_some(),
                })
            })
            .collect();
        hosts.sort_by(|a, b| a.epoch.cmp(&b.epoch));
        hosts
    }

    /// The agents of this profile that live, each with the epoch of its host.
    pub(crate) fn agents(&self) -> Vec<(String, Process)> {
        let hosts = self.hosts();
        let mut agents: Vec<_> = process::all()
            .filter_map(|pid| {
                let process = Process::open(pid)?;
                let parent = process.agents_parent()?;
                let host = hosts.iter().find(|host| host.process.pid() == parent)?;
                Some((host.epoch.clone(), process))
            })
            .collect();
        agents.sort_by(|(a, _), (b, _)| a.cmp(b));
        agents
    }

    /// Whether a program of this name runs in this directory.
    pub(crate) fn runs(&self, program: &str, below: &str) -> bool {
        let directory = self.path(below);
        process::all()
            .filter_map(|pid| Process::open(pid)?.program_in(&directory))
            .any(|name| name == program)
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
            for host in &hosts {
                host.process.kill();
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
