//! A directory that is watched without looking at it again and again: the system says when files in it appear or change.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

/// Tells when a file in a directory was written, made, moved there or taken away.
#[derive(Debug)]
pub struct Watch {
    changes: Option<AsyncFd<OwnedFd>>,
}

impl Watch {
    /// Watches a directory, which should be there. What cannot be watched never changes.
    pub fn new(directory: &Path) -> Self {
        Self {
            changes: watch(directory).ok(),
        }
    }

    /// Waits for a change. What happened before counts if nobody has waited for it.
    pub async fn changed(&mut self) {
        let Some(changes) = &self.changes else {
            return std::future::pending().await;
        };
        loop {
            let Ok(mut ready) = changes.readable().await else {
                return std::future::pending().await;
            };
            // What exactly has happened is of no interest; all of it is taken, so that it is told once.
            let mut seen = false;
            let mut bytes = [0_u8; 4096];
            while rustix::io::read(changes.get_ref(), &mut bytes).is_ok_and(|count| count > 0) {
                seen = true;
            }
            ready.clear_ready();
            if seen {
                return;
            }
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the runtime wants a promise about the descriptor that its type gives already"
)]
fn watch(directory: &Path) -> std::io::Result<AsyncFd<OwnedFd>> {
    let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let what = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
    inotify::add_watch(&inotify, directory, what)?;
    // SAFETY: an `OwnedFd` is always the same descriptor, open until it is dropped.
    let registered = unsafe { AsyncFd::register(inotify) };
    registered.map_err(Into::into)
}
