//! What a host directory tells without its host: whether the host lives, whether it ever started its agent, how the
//! agent ended. Asking changes nothing, and never disturbs a host that is just starting.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::process::{Flock, FlockType, fcntl_getlk};
use serde::{Deserialize, Serialize};

use crate::directory;

/// How an agent ended: `exit.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The file's version, 1.
    pub version: u32,
    /// The exit code, if it exited by itself.
    #[serde(default)]
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Why it could not be started at all, as a sentence for people.
    #[serde(default)]
    pub error: Option<String>,
    /// The end of its stdout.
    pub stdout_end: u64,
    /// The last stdin frame that was written in full.
    pub stdin_written: u64,
}

impl Exit {
    /// The version this crate writes.
    pub const VERSION: u32 = 1;
}

/// How the agent ended; `None` while it runs, or when its host died before it could say.
pub fn read_exit(directory: &Path) -> io::Result<Option<Exit>> {
    match std::fs::read(directory.join(directory::EXIT)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The end of the agent's stderr (at most 64 KiB); empty while it runs.
pub fn stderr_tail(directory: &Path) -> io::Result<Vec<u8>> {
    match std::fs::read(directory.join(directory::STDERR)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// Whether a host holds this directory's lock. A host that was just spawned may not hold it yet.
pub fn is_alive(directory: &Path) -> io::Result<bool> {
    Ok(holder(directory)?.is_some())
}

/// The process id of the host that holds this directory's lock.
pub fn holder(directory: &Path) -> io::Result<Option<u32>> {
    let file = match OpenOptions::new()
        .read(true)
        .open(directory.join(directory::LOCK))
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Asking who would be in the way takes nothing, so a host that starts at this moment is not turned away.
    let lock = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))?;
    // A holder in another process namespace has no id here, but it is there.
    Ok(lock.map(|lock| {
        lock.pid
            .map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs())
    }))
}

/// Whether a host came as far as starting its agent. Such a directory never starts a second one.
pub fn was_started(directory: &Path) -> io::Result<bool> {
    directory.join(directory::STARTED).try_exists()
}

/// Makes a directory that says what that of a host says which was killed with its machine: it was started, and no more is
/// known. Nothing when the directory is there.
pub fn bury(directory: &Path) -> io::Result<()> {
    if directory.try_exists()? {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    directory::write_whole(directory, directory::STARTED, b"")
}
