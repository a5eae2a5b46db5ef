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
    use std::os::fd::OwnedFd;

    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A watch on one file.
    #[derive(Debug)]
    pub(crate) struct Watch {
        events: AsyncFd<OwnedFd>,
    }

    impl Watch {
        /// Watches the file itself, not its directory, where much else happens. Removing a name shows as a change of
        /// the number of links, which is an attribute.
        pub(crate) fn of(path: &Path) -> io::Result<Self> {
            let events = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            let what = WatchFlags::ATTRIB | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
            add_watch(&events, path, what)?;
            Ok(Self {
                events: AsyncFd::with_interest(events, Interest::READABLE)?,
            })
        }

        /// Returns once something happened since the last call; it may be nothing of interest.
        pub(crate) async fn changed(&self) {
            let mut buffer = [0; 1024];
            let Ok(mut ready) = self.events.readable().await else {
                return std::future::pending().await;
            };
            while rustix::io::read(&self.events, &mut buffer).is_ok_and(|length| length > 0) {}
            ready.clear_ready();
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
