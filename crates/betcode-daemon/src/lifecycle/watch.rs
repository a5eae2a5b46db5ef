//! Tells when something happens to a file's name. On Linux the kernel does; elsewhere nobody does, and the file is then
//! simply trusted to stay.

use std::io;
use std::path::Path;

#[cfg(target_os = "linux")]
pub(crate) use linux::Watch;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Watch;

#[cfg(target_os = "linux")]
mod linux {
    use super::{Path, io};

    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use tokio::net::unix::pipe::Receiver;

    /// A watch on one file. The kernel's descriptor for it is read like a pipe.
    #[derive(Debug)]
    pub(crate) struct Watch {
        events: Receiver,
    }

    impl Watch {
        /// Watches the file itself, not its directory, where much else happens. Removing a name shows as a change of
        /// the number of links, which is an attribute.
        pub(crate) fn of(path: &Path) -> io::Result<Self> {
            let events = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            let what = WatchFlags::ATTRIB | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
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
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{Path, io};

    /// Never tells anything.
    #[derive(Debug)]
    pub(crate) struct Watch;

    impl Watch {
        pub(crate) fn of(_: &Path) -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn changed(&self) {
            std::future::pending().await
        }
    }
}
