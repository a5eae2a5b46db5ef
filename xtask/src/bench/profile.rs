//! A profile of its own for each measurement: directories below `target/bench`, a daemon that is a child of this
//! process, and the commands of its clients.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::client::{Client, Printed};
use super::report::Report;
use super::{Options, calibrate, process};
use crate::{clock, workspace};

/// A measurement: it adds its figures to the report.
pub(super) type Measure = fn(&Place, &Options, calibrate::Raw, &mut Report) -> Result<()>;

/// How long a daemon may take to come up or go down.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where everything is done, and with which executable.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) betcode: PathBuf,
    root: tempfile::TempDir,
    profiles: AtomicU64,
}

impl Place {
    pub(super) fn new(betcode: PathBuf) -> Result<Self> {
        let parent = workspace::target().join("bench");
        fs::create_dir_all(&parent)?;
        let root = tempfile::Builder::new().prefix("run-").tempdir_in(parent)?;
        Ok(Self {
            betcode,
            root,
            profiles: AtomicU64::new(0),
        })
    }

    /// New, empty directories.
    pub(super) fn profile(&self) -> Result<Profile> {
        let number = self.profiles.fetch_add(1, Ordering::Relaxed);
        let profile = Profile {
            betcode: self.betcode.clone(),
            root: self.root.path().join(number.to_string()),
        };
        for directory in ["config", "work"] {
            fs::create_dir_all(profile.root.join(directory))?;
        }
        Ok(profile)
    }
}

/// The directories of one daemon.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    betcode: PathBuf,
    root: PathBuf,
}

#[derive(Deserialize)]
struct Endpoint {
    socket: PathBuf,
}

impl Profile {
    /// All its directories: whatever runs for this profile has them in its environment.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The state directory.
    pub(super) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// The same as the client library wants it.
    pub(super) fn for_client(&self) -> betcode_client::Profile {
        betcode_client::Profile {
            config_dir: self.root.join("config"),
            state_dir: self.state(),
            socket: None,
        }
    }

    /// `betcode` with these arguments in this profile, and nothing of this process's environment but where programs are.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.betcode);
        command
            .args(arguments)
            .current_dir(self.root.join("work"))
            .env_clear()
            .env("HOME", &self.root)
            .env("BETCODE_CONFIG_DIR", self.root.join("config"))
            .env("BETCODE_STATE_DIR", self.state())
            .stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Starts a daemon and waits until it listens. How long that took is measured without a pause between two looks.
    pub(super) fn start(&self) -> Result<Daemon> {
        let mut command = self.command(&["daemon", "run"]);
        let log = fs::File::create(self.root.join("daemon.stderr"))?;
        command.stdout(Stdio::null()).stderr(log);
        let begun = clock::now();
        let child = command.spawn().context("cannot start a daemon")?;
        let mut daemon = Daemon {
            child,
            profile: self.clone(),
            ready: Duration::ZERO,
            leaves_agents: false,
        };
        daemon.ready = daemon.wait(begun)?;
        Ok(daemon)
    }

    fn connect(&self) -> Option<UnixStream> {
        let text = fs::read(self.state().join("endpoint.json")).ok()?;
        let endpoint: Endpoint = serde_json::from_slice(&text).ok()?;
        UnixStream::connect(endpoint.socket).ok()
    }

    /// The hosts of this profile's agents.
    pub(super) fn hosts(&self) -> Result<Vec<u32>> {
        process::find("agent-host", &self.state())
    }

    /// A copy of this profile's state in new directories.
    pub(super) fn copy_state_to(&self, other: &Self) -> Result<()> {
        copy(&self.state(), &other.state())
    }
}

/// Copies files and directories; sockets are left out.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let permissions = fs::metadata(from)?.permissions();
    fs::create_dir_all(to)?;
    fs::set_permissions(to, permissions)?;
    for entry in fs::read_dir(from)? {
        let (entry, kind) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind)))?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A daemon that runs. It and its agents end with it.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    pub(super) profile: Profile,
    /// From its start until it listened.
    pub(super) ready: Duration,
    /// Its agents are for the next one.
    leaves_agents: bool,
}

impl Daemon {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait(&mut self, begun: Instant) -> Result<Duration> {
        loop {
            if self.profile.connect().is_some() {
                return Ok(begun.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                let said =
                    fs::read_to_string(self.profile.root.join("daemon.stderr")).unwrap_or_default();
                anyhow::bail!("the daemon ended with {status}: {}", said.trim());
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "the daemon was not ready in time"
            );
            std::thread::yield_now();
        }
    }

    /// Ends it in order, agents first.
    pub(super) fn stop(mut self) -> Result<()> {
        let stopped = self
            .profile
            .command(&["daemon", "stop", "--agents"])
            .stdout(Stdio::null())
            .status()?;
        ensure!(
            stopped.success(),
            "the daemon could not be stopped: {stopped}"
        );
        let child = &mut self.child;
        let ended = clock::poll(PATIENCE, Duration::from_millis(2), || {
            child.try_wait().ok().flatten()
        });
        ensure!(ended.is_some(), "the daemon did not end");
        Ok(())
    }

    /// Ends it without any warning.
    pub(super) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it without any warning, or in order, and leaves its agents to the next one.
    pub(super) fn leave(mut self, in_order: bool) -> Result<()> {
        self.leaves_agents = true;
        if in_order {
            let stopped = self
                .profile
                .command(&["daemon", "stop"])
                .stdout(Stdio::null())
                .status()?;
            ensure!(
                stopped.success(),
                "the daemon could not be stopped: {stopped}"
            );
        } else {
            self.child.kill()?;
        }
        self.child.wait()?;
        Ok(())
    }

    /// A new session, and the number of its last event.
    pub(super) fn session(&self) -> Result<Session> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = clock::nanoseconds().wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let id = format!(
            "{:08x}-{:04x}-4000-8000-{:012x}",
            number >> 32,
            number & 0xffff,
            number & 0xffff_ffff_ffff
        );
        let mut session = Session { id, head: 0 };
        let printed = self.prompt(&session, "/demo say text=hi", true)?.finish()?;
        session.read_head(&printed)?;
        Ok(session)
    }

    /// A client that says something in a session and prints the events that follow.
    pub(super) fn prompt(&self, session: &Session, prompt: &str, new: bool) -> Result<Client> {
        let flag = if new { "--session-id" } else { "--resume" };
        let arguments = [
            "-p",
            prompt,
            "--agent",
            "demo",
            flag,
            &session.id,
            "--output-format",
            "events",
        ];
        // What a resumed session's agent is, it knows itself.
        let arguments: Vec<_> = if new {
            arguments.to_vec()
        } else {
            [&arguments[..2], &arguments[4..]].concat()
        };
        Client::start(
            self.profile
                .command(&[&arguments[..], &["--no-daemon-start"]].concat()),
        )
    }

    /// A client that says something in a new session and stays to say more.
    pub(super) fn conversation(&self, prompt: &str) -> Result<Client> {
        let arguments = [
            "-p",
            "--agent",
            "demo",
            "--input-format",
            "stream-json",
            "--output-format",
            "events",
            "--no-daemon-start",
        ];
        Client::start_with(self.profile.command(&arguments), &spoken(prompt))
    }

    /// A client that follows a session and has already shown that it does.
    pub(super) fn follower(&self, session: &Session) -> Result<Client> {
        let after = session.head.saturating_sub(1).to_string();
        let arguments = [
            "session",
            "events",
            &session.id,
            "--after",
            &after,
            "--follow",
        ];
        let client = Client::start(self.profile.command(&arguments))?;
        client.wait_first()?;
        Ok(client)
    }
}

/// A message as a conversation takes it.
pub(super) fn spoken(prompt: &str) -> String {
    let message =
        serde_json::json!({"type": "user", "message": {"role": "user", "content": prompt}});
    format!("{message}\n")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // After an orderly end there is nothing left to kill.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if self.leaves_agents {
            return;
        }
        for host in self.profile.hosts().unwrap_or_default() {
            let pid = i32::try_from(host)
                .ok()
                .and_then(rustix::process::Pid::from_raw);
            if let Some(pid) = pid {
                rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
            }
        }
    }
}

/// A session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) id: String,
    /// Its last event.
    pub(super) head: u64,
}

#[derive(Deserialize)]
struct Numbered {
    sequence: u64,
}

impl Session {
    /// Takes the last event from what a client printed.
    pub(super) fn read_head(&mut self, printed: &Printed) -> Result<()> {
        let last = printed.lines().last().context("a client printed nothing")?;
        let event: Numbered = serde_json::from_str(last.text)
            .with_context(|| format!("not an event: {}", last.text))?;
        self.head = event.sequence;
        Ok(())
    }
}
