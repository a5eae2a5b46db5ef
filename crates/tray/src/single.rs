//! One tray for each state directory: a lock that the system lets go of when the process ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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

/// Tries to be the only one.
pub fn lock(state_dir: &Path) -> io::Result<Lock> {
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
