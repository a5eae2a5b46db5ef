//! Signals as something to poll: a child has ended, or somebody asks the host to end.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGCHLD, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// SIGCHLD and SIGTERM, through a socket pair that becomes readable.
#[derive(Debug)]
pub(crate) struct Signals {
    readable: UnixStream,
    terminate: Arc<AtomicBool>,
}

impl Signals {
    /// Catches the signals from now on.
    pub(crate) fn catch() -> io::Result<Self> {
        let (readable, writable) = UnixStream::pair()?;
        readable.set_nonblocking(true)?;
        let terminate = Arc::new(AtomicBool::new(false));
        // The flag first: handlers run in the order they were registered, so it is set when the socket is readable.
        flag::register(SIGTERM, Arc::clone(&terminate))?;
        pipe::register(SIGTERM, writable.try_clone()?)?;
        pipe::register(SIGCHLD, writable)?;
        Ok(Self {
            readable,
            terminate,
        })
    }

    /// Forgets the wake-ups so far, and says whether a SIGTERM was among them.
    pub(crate) fn take(&mut self) -> bool {
        let mut buffer = [0; 64];
        while matches!(self.readable.read(&mut buffer), Ok(count) if count == buffer.len()) {}
        self.terminate.swap(false, Ordering::Relaxed)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
