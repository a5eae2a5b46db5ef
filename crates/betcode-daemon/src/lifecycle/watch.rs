//! Tells when something happens to a file's name, or to a name in a directory. On Linux the kernel does; elsewhere nobody does,
//! and the file is then simply trusted to stay.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

#[cfg(target_os = "linux")]
pub(crate) use linux::Watch;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Watch;

#[cfg(target_os = "linux")]
mod linux {
    use super::{OsStr, Path, io};

    use std::os::unix::ffi::OsStrExt as _;

    use rustix::fs::inotify::{CreateFlags, ReadFlags, WatchFlags, add_watch, init};
    use tokio::net::unix::pipe::Receiver;

    /// What stands before the name of an event: which watch, what, which rename, and how long the name is.
    const HEAD: usize = 16;

    /// A watch on one file or directory. The kernel's descriptor for it is read like a pipe.
    #[derive(Debug)]
    pub(crate) struct Watch {
        events: Receiver,
    }

    impl Watch {
        /// Watches the file itself, not its directory, where much else happens. Removing a name shows as a change of
        /// the number of links, which is an attribute.
        pub(crate) fn of(path: &Path) -> io::Result<Self> {
            let what = WatchFlags::ATTRIB | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
            Self::new(path, what)
        }

        /// Watches the names in a directory: files that are written to their end, come, and go, also by renaming.
        pub(crate) fn inside(directory: &Path) -> io::Result<Self> {
            let what = WatchFlags::CLOSE_WRITE
                | WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::MOVED_FROM
                | WatchFlags::DELETE
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            Self::new(directory, what)
        }

        fn new(path: &Path, what: WatchFlags) -> io::Result<Self> {
            let events = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            add_watch(&events, path, what)?;
            Ok(Self {
                events: Receiver::from_owned_fd_unchecked(events)?,
            })
        }

        /// Returns once something happened since the last call; it may be nothing of interest.
        pub(crate) async fn changed(&self) {
            let mut buffer = [0; 1024];
            if self.events.readable().await.is_err() {
                return std::future::pending().await;
            }
            while self
                .events
                .try_read(&mut buffer)
                .is_ok_and(|length| length > 0)
            {}
        }

        /// Returns once something happened to this name in the directory; false when the directory itself is gone.
        pub(crate) async fn changed_inside(&self, name: &OsStr) -> bool {
            let mut buffer = [0; 4096];
            loop {
                if self.events.readable().await.is_err() {
                    return false;
                }
                let mut found = None;
                while let Ok(length) = self.events.try_read(&mut buffer)
                    && length > 0
                {
                    let read = buffer.get(..length).unwrap_or_default();
                    found = found.max(look_for(name, read));
                }
                if let Some(found) = found {
                    return found == Found::Name;
                }
            }
        }
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Found {
        Name,
        Gone,
    }

    /// What events say about a name. Where the kernel had to leave some out, it may have been about this one.
    fn look_for(name: &OsStr, mut events: &[u8]) -> Option<Found> {
        let mut found = None;
        while let Some((head, rest)) = events.split_at_checked(HEAD) {
            let number = |at: usize| {
                let bytes = head.get(at..at + 4)?;
                Some(u32::from_ne_bytes(bytes.try_into().ok()?))
            };
            let (Some(mask), Some(length)) = (number(4), number(12)) else {
                break;
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some((padded, next)) = rest.split_at_checked(length) else {
                break;
            };
            let what = ReadFlags::from_bits_retain(mask);
            let gone = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED;
            let end = padded.iter().position(|byte| *byte == 0);
            let named = padded.get(..end.unwrap_or(length)).unwrap_or_default();
            let this = if what.intersects(gone) {
                Some(Found::Gone)
            } else if named == name.as_bytes() || what.contains(ReadFlags::QUEUE_OVERFLOW) {
                Some(Found::Name)
            } else {
                None
            };
            found = found.max(this);
            events = next;
        }
        found
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{OsStr, Path, io};

    /// Never tells anything.
    #[derive(Debug)]
    pub(crate) struct Watch;

    impl Watch {
        pub(crate) fn of(_: &Path) -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn inside(_: &Path) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) async fn changed(&self) {
            std::future::pending().await
        }

        pub(crate) async fn changed_inside(&self, _: &OsStr) -> bool {
            std::future::pending().await
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_file_that_is_replaced_by_another_is_noticed_and_others_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let watch = Watch::inside(directory.path()).unwrap();
        let name = OsStr::new(".credentials.json");
        let other = directory.path().join("history.jsonl");
        std::fs::write(&other, "x").unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(50), watch.changed_inside(name));
        assert!(quiet.await.is_err(), "another file says nothing");
        std::fs::rename(&other, directory.path().join(name)).unwrap();
        assert!(watch.changed_inside(name).await);
        std::fs::remove_dir_all(directory.path()).unwrap();
        while watch.changed_inside(name).await {}
    }
}
