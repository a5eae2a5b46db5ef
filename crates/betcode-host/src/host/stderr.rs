//! The last 64 KiB of the agent's stderr, in memory while it runs.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

/// How much is kept.
const KEPT: usize = 64 * 1024;

/// The read end and the end of what came.
#[derive(Debug)]
pub(crate) struct Stderr {
    pipe: Option<OwnedFd>,
    tail: VecDeque<u8>,
}

impl Stderr {
    /// A non-blocking pipe from an agent; none when there is no agent.
    pub(crate) fn new(pipe: Option<OwnedFd>) -> Self {
        Self {
            pipe,
            tail: VecDeque::new(),
        }
    }

    /// The pipe, until it ends.
    pub(crate) fn poll(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads once. Returns whether something came.
    pub(crate) fn read(&mut self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut buffer = [0; 4096];
        match rustix::io::read(pipe, &mut buffer[..]) {
            Ok(count @ 1..) => {
                self.keep(buffer.get(..count).unwrap_or_default());
                true
            }
            Err(Errno::INTR | Errno::AGAIN) => false,
            Ok(0) | Err(_) => {
                self.pipe = None;
                false
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let over = (self.tail.len() + bytes.len()).saturating_sub(KEPT);
        self.tail.drain(..over.min(self.tail.len()));
        self.tail.extend(bytes);
    }

    /// Reads what is there, and gives the tail.
    pub(crate) fn finish(&mut self) -> &[u8] {
        // Bounded: a descendant that could not be killed may print for ever.
        for _ in 0..64 {
            if !self.read() {
                break;
            }
        }
        self.pipe = None;
        self.tail.make_contiguous()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_64_kib_are_kept() {
        let mut stderr = Stderr::new(None);
        for number in 0..20_000u32 {
            stderr.keep(&number.to_le_bytes());
        }
        let expected: Vec<u8> = (20_000 - 16_384..20_000u32)
            .flat_map(u32::to_le_bytes)
            .collect();
        assert_eq!(stderr.finish(), expected);
    }
}
