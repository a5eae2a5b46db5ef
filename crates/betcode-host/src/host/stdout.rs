//! The agent's stdout on its way into the spool. Bytes that could not be written stay here, and nothing more is read
//! until they are: a full disk slows the agent and loses nothing.

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::spool::Writer;

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// The read end, the spool, and how far the daemon has committed.
#[derive(Debug)]
pub(crate) struct Stdout {
    pipe: Option<OwnedFd>,
    buffer: Box<[u8]>,
    /// The part of the buffer that is not in the spool yet.
    pending: Range<usize>,
    spool: Writer,
    committed: u64,
    window: u64,
}

impl Stdout {
    /// A non-blocking pipe from an agent; none when there is no agent.
    pub(crate) fn new(pipe: Option<OwnedFd>, spool: Writer, window: u64) -> Self {
        Self {
            pipe,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            pending: 0..0,
            spool,
            committed: 0,
            window,
        }
    }

    /// The end of what is in the spool.
    pub(crate) fn end(&self) -> u64 {
        self.spool.end()
    }

    /// Whether everything the agent ever printed is in the spool.
    pub(crate) fn at_end(&self) -> bool {
        self.pipe.is_none() && self.pending.is_empty()
    }

    /// Whether bytes wait for room on the disk.
    pub(crate) fn is_stuck(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The pipe, if it may be read now. The window counts only while a daemon is attached.
    pub(crate) fn poll(&self, attached: bool) -> Option<BorrowedFd<'_>> {
        let open = self.pending.is_empty()
            && (!attached || self.end().saturating_sub(self.committed) <= self.window);
        self.pipe.as_ref().filter(|_| open).map(AsFd::as_fd)
    }

    /// Reads once and spools what came. Returns whether the pipe had something to say (its end included); the error
    /// is the spool's.
    pub(crate) fn read(&mut self) -> io::Result<bool> {
        let Some(pipe) = &self.pipe else {
            return Ok(false);
        };
        match rustix::io::read(pipe, &mut *self.buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                self.pending = 0..count;
                self.retry()?;
            }
            Err(Errno::INTR | Errno::AGAIN) => return Ok(false),
            Err(_) => self.pipe = None,
        }
        Ok(true)
    }

    /// Spools what could not be spooled before.
    pub(crate) fn retry(&mut self) -> io::Result<()> {
        let bytes = self.buffer.get(self.pending.clone()).unwrap_or_default();
        let (count, result) = self.spool.append(bytes);
        self.pending.start += count;
        result
    }

    /// Takes the stream as ended although somebody still holds its write end.
    pub(crate) fn give_up(&mut self) {
        self.pipe = None;
    }

    /// The window from now on.
    pub(crate) fn set_window(&mut self, bytes: u64) {
        self.window = bytes;
    }

    /// The daemon has committed everything below `offset`.
    pub(crate) fn committed(&mut self, offset: u64) {
        self.committed = self.committed.max(offset.min(self.end()));
        self.spool.delete_below(self.committed);
    }
}
