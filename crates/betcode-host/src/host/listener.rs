//! The socket on which the daemon connects, and the files that belong to it.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::connection::Connection;
use crate::directory::{LONGEST_SOCKET_PATH, SOCKET, SOCKET_PATH, write_whole};

/// A listening socket. Its files are removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    /// The directory that was made for the socket because the host directory's path is too long.
    private_directory: Option<PathBuf>,
}

impl Listener {
    /// Listens in the host directory, or, where its path is too long for a socket, in a directory of its own.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(SOCKET);
        if path.as_os_str().len() <= LONGEST_SOCKET_PATH {
            // A host that died before it started its agent may have left one.
            let _ = std::fs::remove_file(&path);
            return Ok(Self {
                socket: bind(&path)?,
                path,
                private_directory: None,
            });
        }
        let private_directory = make_private_directory()?;
        let path = private_directory.join(SOCKET);
        let socket = bind(&path)?;
        write_whole(directory, SOCKET_PATH, path.as_os_str().as_bytes())?;
        Ok(Self {
            socket,
            path,
            private_directory: Some(private_directory),
        })
    }

    /// The next daemon that waits, if one does.
    pub(crate) fn accept(&self) -> Option<Connection> {
        let (stream, _) = self.socket.accept().ok()?;
        Connection::new(stream).ok()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        if let Some(directory) = &self.private_directory {
            let _ = std::fs::remove_dir(directory);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A new directory that nobody else may enter. A name that is taken, by whomever, is never used.
fn make_private_directory() -> io::Result<PathBuf> {
    let mut parent = std::env::temp_dir();
    if parent.as_os_str().len() > LONGEST_SOCKET_PATH / 2 {
        parent = PathBuf::from("/tmp");
    }
    let pid = std::process::id();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..100 {
        let path = parent.join(format!("betcode-host-{pid}-{attempt}"));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) => last = error,
        }
    }
    Err(last)
}
