//! The agent's stdin: numbered frames, each written whole and once, without ever blocking the host.
//!
//! States: *open* (a pipe), *closing* (a pipe that closes once the queue is empty; no further frame is accepted),
//! *closed*. Laws: `written <= accepted`; the queue holds exactly the frames `written + 1 ..= accepted` while the pipe
//! is open and is empty afterwards; a closed stdin never opens again.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

/// What became of a frame that came from the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is queued, or had been accepted before.
    Yes,
    /// Stdin is closed (or closing): it will never be written.
    Closed,
    /// A number is missing before it.
    Gap,
}

#[derive(Debug)]
enum State {
    Open(OwnedFd),
    Closing(OwnedFd),
    Closed,
}

/// The write end and what waits for it.
#[derive(Debug)]
pub(crate) struct Stdin {
    state: State,
    queue: VecDeque<Vec<u8>>,
    /// How much of the first queued frame is in the pipe.
    offset: usize,
    accepted: u64,
    written: u64,
}

impl Stdin {
    /// A non-blocking pipe to an agent; none when there is no agent.
    pub(crate) fn new(pipe: Option<OwnedFd>) -> Self {
        let state = pipe.map_or(State::Closed, State::Open);
        Self {
            state,
            queue: VecDeque::new(),
            offset: 0,
            accepted: 0,
            written: 0,
        }
    }

    /// The last frame that was written in full.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The first frame that will never be written, once stdin is closed or closing.
    pub(crate) fn refused_from(&self) -> Option<u64> {
        match self.state {
            State::Open(_) => None,
            State::Closing(_) => Some(self.accepted + 1),
            State::Closed => Some(self.written + 1),
        }
    }

    /// Takes a frame from the daemon.
    pub(crate) fn accept(&mut self, number: u64, bytes: Vec<u8>) -> Accepted {
        if self.refused_from().is_some_and(|refused| number >= refused) {
            return Accepted::Closed;
        }
        if number <= self.accepted {
            return Accepted::Yes;
        }
        if number != self.accepted + 1 {
            return Accepted::Gap;
        }
        self.accepted = number;
        self.queue.push_back(bytes);
        Accepted::Yes
    }

    /// Writes as much as the pipe takes.
    pub(crate) fn write(&mut self) {
        let (State::Open(pipe) | State::Closing(pipe)) = &self.state else {
            return;
        };
        while let Some(frame) = self.queue.front() {
            let rest = frame.get(self.offset..).unwrap_or_default();
            if !rest.is_empty() {
                match rustix::io::write(pipe, rest) {
                    Ok(count) => self.offset += count,
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return,
                    Err(_) => return self.close_now(),
                }
            }
            if self.offset >= frame.len() {
                self.queue.pop_front();
                self.offset = 0;
                self.written += 1;
            }
        }
        if matches!(self.state, State::Closing(_)) {
            self.close_now();
        }
    }

    /// Closes after the frames that were accepted so far.
    pub(crate) fn close(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(pipe) | State::Closing(pipe) => State::Closing(pipe),
            State::Closed => State::Closed,
        };
        self.write();
    }

    /// Closes at once; what is queued is dropped.
    pub(crate) fn close_now(&mut self) {
        self.state = State::Closed;
        self.queue = VecDeque::new();
        self.offset = 0;
    }

    /// The pipe, and whether there is something to write.
    pub(crate) fn poll(&self) -> Option<(BorrowedFd<'_>, bool)> {
        match &self.state {
            State::Open(pipe) | State::Closing(pipe) => {
                Some((pipe.as_fd(), !self.queue.is_empty()))
            }
            State::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Stdin, OwnedFd) {
        let (read, write) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&read, true).unwrap();
        rustix::io::ioctl_fionbio(&write, true).unwrap();
        (Stdin::new(Some(write.into())), read.into())
    }

    fn drain(read: &OwnedFd) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = rustix::io::read(read, &mut buffer[..]) {
            all.extend_from_slice(&buffer[..count]);
        }
        all
    }

    #[test]
    fn a_repeated_number_is_accepted_but_not_written_again_and_a_gap_is_refused() {
        let (mut stdin, read) = pair();
        assert_eq!(stdin.accept(1, b"a".to_vec()), Accepted::Yes);
        assert_eq!(stdin.accept(1, b"x".to_vec()), Accepted::Yes);
        assert_eq!(stdin.accept(3, b"c".to_vec()), Accepted::Gap);
        assert_eq!(stdin.accept(2, b"b".to_vec()), Accepted::Yes);
        stdin.write();
        assert_eq!(stdin.accept(2, b"y".to_vec()), Accepted::Yes);
        stdin.write();
        assert_eq!((drain(&read), stdin.written()), (b"ab".to_vec(), 2));
    }

    #[test]
    fn a_frame_larger_than_the_pipe_counts_as_written_only_at_its_end() {
        let (mut stdin, read) = pair();
        let frame: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        stdin.accept(1, frame.clone());
        let mut got = Vec::new();
        while got.len() < frame.len() {
            assert_eq!(stdin.written(), 0);
            stdin.write();
            got.extend(drain(&read));
        }
        stdin.write();
        assert_eq!((got == frame, stdin.written()), (true, 1));
    }

    #[test]
    fn a_reader_that_is_gone_refuses_the_frame_in_work_and_later_ones() {
        let (mut stdin, read) = pair();
        stdin.accept(1, vec![0; 1_000_000]);
        stdin.write();
        drop(read);
        stdin.write();
        assert_eq!((stdin.written(), stdin.refused_from()), (0, Some(1)));
        assert_eq!(stdin.accept(2, Vec::new()), Accepted::Closed);
    }

    #[test]
    fn closing_writes_what_was_accepted_and_refuses_the_rest() {
        let (mut stdin, read) = pair();
        stdin.accept(1, vec![7; 100_000]);
        stdin.close();
        assert_eq!(stdin.refused_from(), Some(2));
        assert_eq!(stdin.accept(2, b"late".to_vec()), Accepted::Closed);
        let mut got = 0;
        while stdin.poll().is_some() {
            got += drain(&read).len();
            stdin.write();
        }
        got += drain(&read).len();
        assert_eq!(
            (got, stdin.written(), stdin.refused_from()),
            (100_000, 1, Some(2))
        );
    }
}
