//! Where this user's settings and state are: one profile is one pair of directories, and one daemon.

use std::path::{Path, PathBuf};

use betcode_client::Profile;

use crate::environment::Environment;
use crate::error::Failure;

/// `BETCODE_CONFIG_DIR`, `BETCODE_STATE_DIR` and `BETCODE_SOCKET`; without them the places of the XDG rules. The directories
/// need not exist yet.
pub(crate) fn resolve(environment: &Environment) -> Result<Profile, Failure> {
    Ok(Profile {
        config_dir: directory(
            environment,
            "BETCODE_CONFIG_DIR",
            "XDG_CONFIG_HOME",
            ".config",
        )?,
        state_dir: directory(
            environment,
            "BETCODE_STATE_DIR",
            "XDG_STATE_HOME",
            ".local/state",
        )?,
        socket: match environment.path("BETCODE_SOCKET") {
            Some(socket) => Some(absolute(environment, &socket)?),
            None => None,
        },
    })
}

fn directory(
    environment: &Environment,
    own: &str,
    xdg: &str,
    below_home: &str,
) -> Result<PathBuf, Failure> {
    if let Some(directory) = environment.path(own) {
        return absolute(environment, &directory);
    }
    // The XDG rules say that a relative path is to be ignored.
    if let Some(base) = environment.path(xdg).filter(|base| base.is_absolute()) {
        return Ok(base.join("betcode"));
    }
    let home = environment
        .path("HOME")
        .or_else(|| etcetera::home_dir().ok())
        .filter(|home| home.is_absolute());
    home.map(|home| home.join(below_home).join("betcode"))
        .ok_or_else(|| {
            Failure::general(
                "NO_HOME_DIRECTORY",
                "the home directory is not known, so there is no place for BetCode's files",
            )
            .hint(format!("set HOME or {own} to an absolute path"))
        })
}

/// Relative paths are meant from the working directory.
pub(crate) fn absolute(environment: &Environment, path: &Path) -> Result<PathBuf, Failure> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let cwd = environment.cwd().ok_or_else(|| {
        Failure::general(
            "NO_WORKING_DIRECTORY",
            "the working directory does not exist any more",
        )
        .hint("change to a directory that exists")
    })?;
    Ok(cwd.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(variables: &[(&str, &str)]) -> Profile {
        resolve(&Environment::of(variables, "/home/user/project")).unwrap()
    }

    #[test]
    fn own_variables_beat_xdg_and_xdg_beats_home() {
        let home = resolved(&[("HOME", "/home/a")]);
        assert_eq!(home.config_dir, Path::new("/home/a/.config/betcode"));
        assert_eq!(home.state_dir, Path::new("/home/a/.local/state/betcode"));
        assert_eq!(home.socket, None);

        let xdg = resolved(&[
            ("HOME", "/home/a"),
            ("XDG_CONFIG_HOME", "/x/c"),
            ("XDG_STATE_HOME", "relative"),
        ]);
        assert_eq!(xdg.config_dir, Path::new("/x/c/betcode"));
        assert_eq!(xdg.state_dir, Path::new("/home/a/.local/state/betcode"));

        let own = resolved(&[
            ("BETCODE_CONFIG_DIR", "/c"),
            ("BETCODE_STATE_DIR", "s"),
            ("BETCODE_SOCKET", "/r/x.sock"),
        ]);
        assert_eq!(own.config_dir, Path::new("/c"));
        assert_eq!(own.state_dir, Path::new("/home/user/project/s"));
        assert_eq!(own.socket.as_deref(), Some(Path::new("/r/x.sock")));
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let profile = resolved(&[
            ("HOME", "/home/a"),
            ("BETCODE_STATE_DIR", ""),
            ("BETCODE_SOCKET", ""),
        ]);
        assert_eq!(profile.state_dir, Path::new("/home/a/.local/state/betcode"));
        assert_eq!(profile.socket, None);
    }
}
