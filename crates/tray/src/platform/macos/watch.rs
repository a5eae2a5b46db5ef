//! A directory that is watched without looking at it again and again: the kernel says when something appears in it or goes, and
//! when its settings file is written where it stands. Of other files it is not told when they are only written.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_core::config::USER_FILE;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, VnodeEvents, kevent, kqueue};
use rustix::fs::{Mode, OFlags};
use tokio::io::unix::AsyncFd;

/// Tells when a file in a directory was made, moved there or taken away, or the settings in it were written.
#[derive(Debug)]
pub struct Watch {
    changes: Option<AsyncFd<OwnedFd>>,
    directory: PathBuf,
    // What the queue looks at, open for as long as it does.
    held: Vec<OwnedFd>,
}

impl Watch {
    /// Watches a directory, which should be there. What cannot be watched never changes.
    pub fn new(directory: &Path) -> Self {
        let mut watch = Self {
            changes: queue().ok(),
            directory: directory.to_owned(),
            held: Vec::new(),
        };
        watch.arm();
        watch
    }

    /// Waits for a change. What happened before counts if nobody has waited for it.
    pub async fn changed(&mut self) {
        loop {
            let Some(changes) = &self.changes else {
                return std::future::pending().await;
            };
            let Ok(mut ready) = changes.readable().await else {
                return std::future::pending().await;
            };
            let seen = take(changes.get_ref());
            ready.clear_ready();
            if seen {
                // The file of that name may be another one by now.
                self.arm();
                return;
            }
        }
    }

    /// Looks at the directory, once and for all, and at the file that has the name of the settings now.
    fn arm(&mut self) {
        let Some(changes) = &self.changes else { return };
        if self.held.is_empty() {
            let flags = VnodeEvents::WRITE | VnodeEvents::DELETE | VnodeEvents::RENAME;
            let Some(directory) = look_at(changes.get_ref(), &self.directory, flags) else {
                return;
            };
            self.held.push(directory);
        }
        // Closing a file ends that it is looked at.
        self.held.truncate(1);
        let flags = VnodeEvents::WRITE | VnodeEvents::EXTEND;
        let file = self.directory.join(USER_FILE);
        self.held.extend(look_at(changes.get_ref(), &file, flags));
    }
}

#[expect(
    unsafe_code,
    reason = "the runtime wants a promise about the descriptor that its type gives already"
)]
fn queue() -> std::io::Result<AsyncFd<OwnedFd>> {
    let queue = kqueue()?;
    rustix::io::fcntl_setfd(&queue, rustix::io::FdFlags::CLOEXEC)?;
    // SAFETY: an `OwnedFd` is always the same descriptor, open until it is dropped.
    let registered = unsafe { AsyncFd::register(queue) };
    registered.map_err(Into::into)
}

/// Has the queue look at a file; nothing where that cannot be.
#[expect(
    unsafe_code,
    reason = "the kernel is given a number for the file and not the file"
)]
fn look_at(queue: &OwnedFd, path: &Path, flags: VnodeEvents) -> Option<OwnedFd> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let vnode = file.as_raw_fd();
    let event = Event::new(
        EventFilter::Vnode { vnode, flags },
        EventFlags::ADD | EventFlags::CLEAR,
        std::ptr::null_mut(),
    );
    let mut none: [Event; 0] = [];
    // SAFETY: the descriptor is open now; when it is closed the kernel forgets it, and nothing else is done with its number.
    let added = unsafe { kevent(queue, &[event], &mut none[..], Some(Duration::ZERO)) };
    added.ok().map(|_| file)
}

/// Takes everything that has happened, so that it is told once. Whether there was something.
#[expect(
    unsafe_code,
    reason = "the same call as that which gives files to the queue"
)]
fn take(queue: &OwnedFd) -> bool {
    let mut seen = false;
    loop {
        let mut events = Vec::with_capacity(8);
        let spare = rustix::buffer::spare_capacity(&mut events);
        // SAFETY: no descriptor is given.
        match unsafe { kevent(queue, &[], spare, Some(Duration::ZERO)) } {
            Ok(count) if count > 0 => seen = true,
            _ => return seen,
        }
    }
}
