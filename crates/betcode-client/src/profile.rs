//! Which daemon is meant: the directories of one user. The variables that say so are read by the caller.

use std::path::{Path, PathBuf};

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

/// Why it is not known where a user's directories are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProfile {
    /// There is no home directory, and nothing names this one.
    #[error(
        "the home directory is not known, so there is no place for BetCode's files; set HOME or {variable} to an absolute path"
    )]
    NoHome {
        /// What could name it.
        variable: &'static str,
    },
    /// A relative path, and no directory that it is meant from.
    #[error("the working directory does not exist any more; change to a directory that exists")]
    NoWorkingDirectory,
}

impl Profile {
    /// `BETCODE_CONFIG_DIR`, `BETCODE_STATE_DIR` and `BETCODE_SOCKET`; without them the places of the XDG rules. The
    /// directories need not exist yet. `variable` gives a variable that is set and not empty, `home` is where the user is at
    /// home if `HOME` does not say, and relative paths are meant from `cwd`.
    pub fn find(
        variable: impl Fn(&str) -> Option<PathBuf>,
        home: impl Fn() -> Option<PathBuf>,
        cwd: Option<&Path>,
    ) -> Result<Self, NoProfile> {
        let absolute = |path: PathBuf| {
            if path.is_absolute() {
                return Ok(path);
            }
            cwd.map(|cwd| cwd.join(&path))
                .ok_or(NoProfile::NoWorkingDirectory)
        };
        let directory = |own: &'static str, xdg, below_home| {
            if let Some(directory) = variable(own) {
                return absolute(directory);
            }
            // The XDG rules say that a relative path is to be ignored.
            if let Some(base) = variable(xdg).filter(|base| base.is_absolute()) {
                return Ok(base.join("betcode"));
            }
            let home = variable("HOME").or_else(&home);
            home.filter(|home| home.is_absolute())
                .map(|home| home.join(below_home).join("betcode"))
                .ok_or(NoProfile::NoHome { variable: own })
        };
        Ok(Self {
            config_dir: directory("BETCODE_CONFIG_DIR", "XDG_CONFIG_HOME", ".config")?,
            state_dir: directory("BETCODE_STATE_DIR", "XDG_STATE_HOME", ".local/state")?,
            socket: variable("BETCODE_SOCKET").map(absolute).transpose()?,
        })
    }

    /// What an automatically started daemon wrote to stderr before it was ready.
    pub fn startup_log(&self) -> PathBuf {
        self.state_dir.join(LOG_DIRECTORY).join(STARTUP_LOG)
    }
}
