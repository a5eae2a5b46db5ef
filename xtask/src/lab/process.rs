//! A process that cannot be mistaken for another one: held by a descriptor (Linux), then looked at, then killed.

use std::path::Path;

/// A process that was there when it was opened.
#[derive(Debug)]
pub(crate) struct Process {
    pid: i32,
    #[cfg(target_os = "linux")]
    handle: std::os::fd::OwnedFd,
}

/// The ids of all processes.
pub(super) fn all() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

impl Process {
    /// Holds on to a process.
    #[cfg(target_os = "linux")]
    pub(super) fn open(pid: i32) -> Option<Self> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let handle = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        Some(Self { pid, handle })
    }

    /// Elsewhere there is no handle, and nothing is killed that is not certain.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn open(_: i32) -> Option<Self> {
        None
    }

    /// Kills it with SIGKILL. False when it was gone already.
    #[cfg(target_os = "linux")]
    pub(crate) fn kill(&self) -> bool {
        use rustix::process::{Signal, pidfd_send_signal};
        pidfd_send_signal(&self.handle, Signal::KILL).is_ok()
    }

    /// Nothing to be killed.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn kill(&self) -> bool {
        false
    }

    /// Its id.
    pub(crate) const fn pid(&self) -> i32 {
        self.pid
    }

    /// True when its environment holds exactly this `NAME=value`. A dead one that nobody has waited for has none.
    pub(super) fn has_variable(&self, variable: &str) -> bool {
        self.words("environ").iter().any(|word| word == variable)
    }

    /// The argument of its command line that is a path below this directory.
    pub(super) fn argument_below(&self, directory: &Path) -> Option<String> {
        let words = self.words("cmdline");
        // The agent itself may have such a path in its arguments too; a host is named so.
        words.get(1).filter(|word| *word == "agent-host")?;
        let below = |word: &&String| Path::new(word.as_str()).parent() == Some(directory);
        words.iter().find(below).cloned()
    }

    /// The process that started this one. None while it is a copy of its host that is yet to become the agent.
    pub(super) fn agents_parent(&self) -> Option<i32> {
        let words = self.words("cmdline");
        words.get(1).filter(|word| *word != "agent-host")?;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let (_, after) = stat.rsplit_once(')')?;
        after.split_whitespace().nth(1)?.parse().ok()
    }

    /// Its program's name, when it works in this directory.
    pub(super) fn program_in(&self, directory: &Path) -> Option<String> {
        let works_in = std::fs::read_link(format!("/proc/{}/cwd", self.pid)).ok()?;
        let first = self.words("cmdline").into_iter().next();
        first.filter(|_| works_in == directory)
    }

    /// What a file of `/proc` says of it, split at zero bytes.
    fn words(&self, file: &str) -> Vec<String> {
        let bytes = std::fs::read(format!("/proc/{}/{file}", self.pid)).unwrap_or_default();
        let words = bytes
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty());
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }
}
