//! Notices that the host directory has vanished. The lock file stands for the directory: nobody else may delete it,
//! and `rm -r` deletes it before the directory itself.
//!
//! The kernel reports the end of a directory itself only when nothing in it is open any more, and the host always has
//! something open there; so on Linux the deletion of *files* is what wakes the host.

use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::stat;

use crate::directory;

/// Watches over one host directory.
#[derive(Debug)]
pub(crate) struct Watch {
    lock_path: CString,
    inode: (i128, i128),
    events: Option<OwnedFd>,
}

impl Watch {
    /// Begins to watch; the lock file exists.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let lock_path = CString::new(directory.join(directory::LOCK).as_os_str().as_bytes())?;
        let inode = inode(&lock_path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self {
            lock_path,
            inode,
            events: events(directory),
        })
    }

    /// Whether the directory is gone, or another one has its name.
    pub(crate) fn vanished(&self) -> bool {
        inode(&self.lock_path) != Some(self.inode)
    }

    /// What becomes readable when it is worth asking [`Watch::vanished`].
    pub(crate) fn events(&self) -> Option<BorrowedFd<'_>> {
        self.events.as_ref().map(std::os::fd::AsFd::as_fd)
    }

    /// Forgets the events so far.
    pub(crate) fn take(&self) {
        let mut buffer = [0; 4096];
        if let Some(events) = &self.events {
            while rustix::io::read(events, &mut buffer[..]).is_ok_and(|count| count > 0) {}
        }
    }
}

/// The file's identity. The widths of its parts differ between systems.
fn inode(path: &CString) -> Option<(i128, i128)> {
    let stat = stat(path).ok()?;
    Some((i128::from(stat.st_dev), i128::from(stat.st_ino)))
}

#[cfg(target_os = "linux")]
fn events(directory: &Path) -> Option<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    // Without inotify (its limits may be exhausted) the directory is still looked at whenever the host wakes.
    let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    let flags = WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF;
    add_watch(&events, directory, flags).ok()?;
    Some(events)
}

#[cfg(not(target_os = "linux"))]
fn events(_directory: &Path) -> Option<OwnedFd> {
    None
}
