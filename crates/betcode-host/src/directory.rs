//! The files of a host directory that both sides touch: their names, how they are written, where the socket is.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held with an exclusive lock for as long as the host lives.
pub(crate) const LOCK: &str = "lock";
/// Exists once an agent may have been started.
pub(crate) const STARTED: &str = "started";
/// How the agent ended.
pub(crate) const EXIT: &str = "exit.json";
/// The end of the agent's stderr.
pub(crate) const STDERR: &str = "stderr";
/// Where the daemon connects.
pub(crate) const SOCKET: &str = "socket";
/// Names the socket's place when the usual one would be too long.
pub(crate) const SOCKET_PATH: &str = "socket-path";

/// The longest socket path that is used; the kernel's own limit is 104 or 108 bytes.
pub(crate) const LONGEST_SOCKET_PATH: usize = 100;

/// Where the host of this directory listens. The socket need not exist (yet, or any more).
pub fn socket_path(directory: &Path) -> io::Result<PathBuf> {
    match std::fs::read(directory.join(SOCKET_PATH)) {
        Ok(path) => Ok(PathBuf::from(std::ffi::OsStr::from_bytes(&path))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(directory.join(SOCKET)),
        Err(error) => Err(error),
    }
}

/// Writes a private file in one step: a reader sees the old one or the new one, never a part.
pub(crate) fn write_whole(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = directory.join(name);
    let temporary = directory.join(format!("{name}.new"));
    let mut file =
        private(OpenOptions::new().write(true).create(true).truncate(true)).open(&temporary)?;
    file.write_all(bytes)?;
    drop(file);
    std::fs::rename(&temporary, &path)
}

/// Creates a private file that must not exist, and makes sure that it survives a crash of the machine. Where that cannot be
/// done there is no file, not even an empty one.
pub(crate) fn create_synced(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = directory.join(name);
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| File::open(directory)?.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    written
}

/// Files made with these options belong to their owner alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}
