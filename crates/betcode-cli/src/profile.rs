//! Where this user's settings and state are: one profile is one pair of directories, and one daemon.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use betcode_client::{NoProfile, Profile};

use crate::environment::Environment;
use crate::error::Failure;

/// Where the variables say, or else the XDG rules.
pub(crate) fn resolve(environment: &Environment) -> Result<Profile, Failure> {
    let found = Profile::find(
        |name| environment.path(name),
        || etcetera::home_dir().ok(),
        environment.cwd().as_deref(),
    );
    found.map_err(|problem| match problem {
        NoProfile::NoHome { variable } => Failure::general(
            "NO_HOME_DIRECTORY",
            "the home directory is not known, so there is no place for BetCode's files",
        )
        .hint(format!("set HOME or {variable} to an absolute path")),
        NoProfile::NoWorkingDirectory => no_working_directory(),
    })
}

fn no_working_directory() -> Failure {
    Failure::general(
        "NO_WORKING_DIRECTORY",
        "the working directory does not exist any more",
    )
    .hint("change to a directory that exists")
}

/// Relative paths are meant from the working directory.
pub(crate) fn absolute(environment: &Environment, path: &Path) -> Result<PathBuf, Failure> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let cwd = environment.cwd().ok_or_else(no_working_directory)?;
    Ok(cwd.join(path))
}

/// Refuses a file to be written that is in the state directory, by whatever name, or is one of the files in it.
pub(crate) fn outside_state(state_dir: &Path, file: &Path) -> Result<(), Failure> {
    let Ok(state) = state_dir.metadata() else {
        return Ok(());
    };
    // What does not exist yet is where its directory is; a link is where it leads.
    let place = file.canonicalize().or_else(|_| {
        let parent = file.parent().unwrap_or(file);
        let parent = parent.canonicalize()?;
        // A link that leads nowhere yet makes the file there when it is written to.
        match file.read_link() {
            Ok(target) => {
                let target = parent.join(target);
                target.parent().unwrap_or(&target).canonicalize()
            }
            Err(_) => Ok::<_, std::io::Error>(parent),
        }
    });
    let inside = place.is_ok_and(|place| {
        let mut above = place.ancestors().filter_map(|path| path.metadata().ok());
        above.any(|data| is_same(&data, &state))
    });
    let one_of_them = || {
        let Ok(file) = file.metadata() else {
            return false;
        };
        let mut own = state_dir.read_dir().into_iter().flatten().flatten();
        own.any(|own| own.metadata().is_ok_and(|own| is_same(&own, &file)))
    };
    if !inside && !one_of_them() {
        return Ok(());
    }
    let (file, state_dir) = (file.display(), state_dir.display());
    Err(Failure::usage(format!(
        "{file} is in the state directory {state_dir}, where nobody but the daemon writes"
    ))
    .hint("nothing was changed; choose a place outside of it"))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
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

    #[test]
    fn nothing_is_written_into_the_state_directory_by_whatever_name() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let state = root.join("state");
        std::fs::create_dir_all(state.join("hosts")).unwrap();
        std::fs::write(state.join("log.db"), "log").unwrap();
        std::os::unix::fs::symlink(&state, root.join("link")).unwrap();
        std::os::unix::fs::symlink(state.join("log.db"), root.join("to-log")).unwrap();
        std::os::unix::fs::symlink("state/new", root.join("dangling")).unwrap();
        std::fs::hard_link(state.join("log.db"), root.join("hard")).unwrap();
        for name in [
            "state",
            "state/log.db",
            "state/new",
            "state/hosts/new",
            "state/../state/new",
            "link/log.db",
            "link/new",
            "to-log",
            "dangling",
            "hard",
        ] {
            let refused = outside_state(&state, &root.join(name)).unwrap_err();
            assert_eq!(refused.exit, crate::error::Exit::Usage, "{name}");
        }
        for name in ["new", "state-2", "nowhere/new", "state/../new"] {
            outside_state(&state, &root.join(name)).unwrap();
        }
        outside_state(&root.join("none yet"), &root.join("new")).unwrap();
    }
}
