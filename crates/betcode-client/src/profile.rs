//! Which daemon is meant. Where the directories are is decided by the caller.

use std::path::PathBuf;

use betcode_core::endpoint::{LOG_DIRECTORY, STARTUP_LOG};

/// The directories of one user's daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Where the configuration is.
    pub config_dir: PathBuf,
    /// Where the daemon keeps its state, and says how it can be reached.
    pub state_dir: PathBuf,
    /// A socket to use instead of the one that the daemon names.
    pub socket: Option<PathBuf>,
}

impl Profile {
    /// What an automatically started daemon wrote to stderr before it was ready.
    pub fn startup_log(&self) -> PathBuf {
        self.state_dir.join(LOG_DIRECTORY).join(STARTUP_LOG)
    }
}
