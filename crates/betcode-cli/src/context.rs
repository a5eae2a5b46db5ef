//! What every command gets: the environment it was started in, and where to print.

use std::path::{Path, PathBuf};

use betcode_client::Profile;

use crate::environment::Environment;
use crate::error::Failure;
use crate::output::Output;
use crate::profile;

/// One run of the program.
pub(crate) struct Context {
    /// As it was at the start.
    pub(crate) environment: Environment,
    /// stdout and stderr.
    pub(crate) output: Output,
}

impl Context {
    /// Which directories to use.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        profile::resolve(&self.environment)
    }

    /// The working directory.
    pub(crate) fn cwd(&self) -> Result<PathBuf, Failure> {
        self.environment.cwd().ok_or_else(|| {
            Failure::general(
                "NO_WORKING_DIRECTORY",
                "the working directory does not exist any more",
            )
            .hint("change to a directory that exists")
        })
    }

    /// This program's own file, for starting more of it.
    pub(crate) fn executable() -> Result<PathBuf, Failure> {
        std::env::current_exe()
            .map_err(|error| Failure::io("this program cannot find its own file", &error))
    }

    /// A directory that must exist, absolute and with links resolved.
    pub(crate) fn directory(&self, path: &Path) -> Result<PathBuf, Failure> {
        let absolute = profile::absolute(&self.environment, path)?;
        let shown = path.display();
        let found = std::fs::canonicalize(&absolute).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::missing(
                "NO_DIRECTORY",
                format!("the directory {shown} does not exist"),
            ),
            _ => Failure::unusable(&format!("the directory {shown} cannot be used"), &error),
        })?;
        if found.is_dir() {
            Ok(found)
        } else {
            Err(Failure::missing(
                "NO_DIRECTORY",
                format!("{shown} is not a directory"),
            ))
        }
    }

    /// A file that must exist, absolute and with links resolved.
    pub(crate) fn file(&self, path: &Path) -> Result<PathBuf, Failure> {
        let absolute = profile::absolute(&self.environment, path)?;
        let shown = path.display();
        std::fs::canonicalize(&absolute).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::missing("NO_FILE", format!("the file {shown} does not exist"))
            }
            _ => Failure::unusable(&format!("the file {shown} cannot be used"), &error),
        })
    }

    /// A path as the protocol carries it.
    pub(crate) fn utf8(path: &Path) -> Result<String, Failure> {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::general(
                "PATH_NOT_UTF8",
                format!("the path {} is not UTF-8 text", path.display()),
            )
        })
    }
}
