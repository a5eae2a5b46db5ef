//! One tray for each state directory: a lock that the system lets go of when the process ends, however it ends.
//!
//! The lock is a file in the directory, so the directory is closed to others before: a daemon does not take one that they can
//! enter and that has something in it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use betcode_core::endpoint::{LOCK_FILE, LOG_DIRECTORY};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The name of the file that is locked.
pub const FILE: &str = "tray.lock";

/// What came of it.
#[derive(Debug)]
pub enum Lock {
    /// It is ours for as long as this is held.
    Ours(File),
    /// Another tray runs: its process, if it has said so.
    Taken(Option<u32>),
}

/// Closes a directory to other users, as a daemon does: one that is empty, or a state directory already. Another one is left
/// as it is, and is no state directory.
fn close(state_dir: &Path) -> io::Result<()> {
    let data = state_dir.metadata()?;
    if data.uid() != rustix::process::geteuid().as_raw() {
        let problem =
            "it belongs to another user; set BETCODE_STATE_DIR to a directory of your own";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    let others = data.mode() & 0o077;
    if others == 0 {
        return Ok(());
    }
    let ours = |name: &std::ffi::OsStr| name == FILE || name == LOG_DIRECTORY;
    let is_used = state_dir.join(LOCK_FILE).exists();
    let mut there = state_dir.read_dir()?.flatten();
    if !is_used && there.any(|it| !ours(&it.file_name())) {
        let problem = "it is not empty and can be entered by other users; run chmod 700 on it, or set BETCODE_STATE_DIR to another directory";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    std::fs::set_permissions(state_dir, Permissions::from_mode(0o700))
}

/// Tries to be the only one.
pub fn lock(state_dir: &Path) -> io::Result<Lock> {
    close(state_dir)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.mode(0o600).open(state_dir.join(FILE))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut text = String::new();
            // Who it is is worth telling, but not another error.
            let _known = file.read_to_string(&mut text);
            return Ok(Lock::Taken(text.trim().parse().ok()));
        }
        Err(error) => return Err(error.into()),
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(Lock::Ours(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(directory: &Path) -> u32 {
        directory.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn a_directory_that_others_can_enter_is_closed_or_is_not_taken() {
        let open = Permissions::from_mode(0o755);
        for (file, taken) in [
            (None, true),
            (Some(FILE), true),
            (Some(LOCK_FILE), true),
            (Some("letter.txt"), false),
        ] {
            let place = tempfile::tempdir().unwrap();
            std::fs::set_permissions(place.path(), open.clone()).unwrap();
            if let Some(file) = file {
                std::fs::write(place.path().join(file), "").unwrap();
            }
            assert_eq!(lock(place.path()).is_ok(), taken, "{file:?}");
            let closed = if taken { 0o700 } else { 0o755 };
            assert_eq!(mode(place.path()), closed, "{file:?}");
            assert_eq!(place.path().join(FILE).exists(), taken, "{file:?}");
        }
    }

    #[test]
    fn the_second_one_learns_who_the_first_is_and_may_when_it_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let Lock::Ours(first) = lock(place.path()).unwrap() else {
            panic!("nobody else has it");
        };
        let Lock::Taken(pid) = lock(place.path()).unwrap() else {
            panic!("it is taken");
        };
        assert_eq!(pid, Some(std::process::id()));
        drop(first);
        assert!(matches!(lock(place.path()).unwrap(), Lock::Ours(_)));
    }
}
