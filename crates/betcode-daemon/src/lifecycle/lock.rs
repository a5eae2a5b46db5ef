//! The state directory and the lock on it: who holds the lock is the daemon. The lock belongs to the operating system, so
//! it ends with its process, however that ends; nothing is ever waited for.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use betcode_core::endpoint::{LOCK_FILE, LOG_DIRECTORY};
use rustix::fs::{FlockOperation, flock};

/// Why this process cannot be the daemon of a state directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("a daemon already runs for {}{}", directory.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    AlreadyRuns {
        directory: PathBuf,
        pid: Option<u32>,
    },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is there and is no socket", .0.display())]
    NoSocket(PathBuf),
    #[error("{} belongs to another user", .0.display())]
    OtherOwner(PathBuf),
    #[error("{} is not empty and can be entered by other users", .0.display())]
    Open(PathBuf),
    #[error("{} is on a network file system ({kind}), where locks and the log are not safe", directory.display())]
    Network {
        directory: PathBuf,
        kind: &'static str,
    },
}

impl Refused {
    /// What to do about it; empty when that is plain.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::AlreadyRuns { .. } => {
                "betcode daemon status tells more; betcode daemon restart replaces it".to_owned()
            }
            Self::Io { .. } => "betcode daemon doctor looks for what is wrong".to_owned(),
            Self::NoSocket(path) => {
                format!(
                    "rename or remove {}: the daemon's socket belongs there",
                    path.display()
                )
            }
            Self::OtherOwner(_) | Self::Network { .. } => {
                "set BETCODE_STATE_DIR to a directory of your own on a local disk".to_owned()
            }
            Self::Open(path) => format!(
                "run chmod 700 {}, or set BETCODE_STATE_DIR to another directory",
                path.display()
            ),
        }
    }
}

/// The lock, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the state directory what it must be, and takes the lock on it.
    pub(crate) fn take(directory: &Path) -> Result<Self, Refused> {
        private_directory(directory)?;
        refuse_network(directory)?;
        let path = directory.join(LOCK_FILE);
        let failed = |source| Refused::Io {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                let pid = file
                    .read_to_string(&mut holder)
                    .ok()
                    .and_then(|_| holder.trim().parse().ok());
                return Err(Refused::AlreadyRuns {
                    directory: directory.to_owned(),
                    pid,
                });
            }
            Err(error) => return Err(failed(error.into())),
        }
        // Only for messages of others; the lock itself does not need it.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// A directory that only its owner can enter, made if it does not exist. One that others can enter is closed to them when
/// it is empty or a state directory already, and refused when it is used for something else.
pub(crate) fn private_directory(directory: &Path) -> Result<(), Refused> {
    let failed = |source| Refused::Io {
        path: directory.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed)?;
    let data = directory.metadata().map_err(failed)?;
    if data.uid() != rustix::process::geteuid().as_raw() {
        return Err(Refused::OtherOwner(directory.to_owned()));
    }
    if !open_to_others(&data) {
        return Ok(());
    }
    // The directory of log files may have been made a moment ago by the client that starts this daemon.
    let ours = directory.join(LOCK_FILE).exists();
    let mut others = directory.read_dir().map_err(failed)?.flatten();
    if !ours && others.any(|entry| entry.file_name() != LOG_DIRECTORY) {
        return Err(Refused::Open(directory.to_owned()));
    }
    std::fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(failed)
}

pub(super) fn open_to_others(data: &Metadata) -> bool {
    let others = data.mode() & 0o077;
    others != 0
}

#[cfg(target_os = "linux")]
fn refuse_network(directory: &Path) -> Result<(), Refused> {
    const NETWORK: [(u32, &str); 6] = [
        (0x0000_6969, "NFS"),
        (0x0000_517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB"),
        (0x5346_414f, "AFS"),
        (0x7375_7245, "Coda"),
    ];
    let found = rustix::fs::statfs(directory).map_err(|error| Refused::Io {
        path: directory.to_owned(),
        source: error.into(),
    })?;
    // The kernel's magic numbers are 32 bits wide, in a field whose type differs between platforms.
    let found = u32::try_from(i128::from(found.f_type) & 0xffff_ffff).unwrap_or_default();
    match NETWORK.iter().find(|(magic, _)| *magic == found) {
        Some((_, kind)) => Err(Refused::Network {
            directory: directory.to_owned(),
            kind,
        }),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_: &Path) -> Result<(), Refused> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn the_second_one_is_told_who_was_first_until_the_first_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/state");
        let first = Lock::take(&directory).unwrap();
        assert_eq!(
            (mode(&directory), mode(&directory.join(LOCK_FILE))),
            (0o700, 0o600)
        );
        let refused = Lock::take(&directory).unwrap_err().to_string();
        let pid = std::process::id();
        assert_eq!(
            refused,
            format!(
                "a daemon already runs for {} (pid {pid})",
                directory.display()
            )
        );
        drop(first);
        Lock::take(&directory).unwrap();
    }

    #[test]
    fn an_empty_or_own_directory_is_closed_to_others_and_a_used_one_refused() {
        let root = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let directory = root.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
            directory
        };
        let empty = open("empty");
        drop(Lock::take(&empty).unwrap());
        assert_eq!(mode(&empty), 0o700);
        std::fs::set_permissions(&empty, Permissions::from_mode(0o755)).unwrap();
        drop(Lock::take(&empty).unwrap());
        assert_eq!(mode(&empty), 0o700);

        let used = open("used");
        std::fs::write(used.join("thesis.txt"), "").unwrap();
        let refused = Lock::take(&used).unwrap_err();
        assert!(matches!(refused, Refused::Open(_)), "{refused}");
        assert!(refused.hint().contains("chmod 700"));
        assert_eq!(mode(&used), 0o755);
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = Lock::take(&file).unwrap_err().to_string();
        assert!(refused.contains(&file.display().to_string()), "{refused}");
    }
}
