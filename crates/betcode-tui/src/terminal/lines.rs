//! Reads lines as the terminal gives them, on a thread of its own: the terminal edits and echoes them. When something has been
//! shown that must not be answered by what was written before, what is in the terminal's input then is taken out of it.
//!
//! States: reading, or taking out (for a moment the terminal gives what there is, finished or not; then it is as it was).
//! Laws: every byte is given once and in order; what was written before [`LineReader::take_out`] comes before its answer.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

/// Lines that come within this time of each other were not typed one by one.
const TOGETHER: Duration = Duration::from_millis(30);
/// How much is read at once.
const PART: usize = 1 << 14;

/// What the reader gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Lines that came together.
    Whole(Vec<String>),
    /// What had been begun when it was asked for under this number.
    Begun(u64, String),
    /// There are no more: Ctrl-D, or the terminal is gone.
    End,
}

/// The reader. Dropped, it stops.
#[derive(Debug)]
pub struct LineReader {
    /// Numbers go through it; closed, it ends the thread.
    orders: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl LineReader {
    /// Begins to read from a terminal, and gives what comes to `sink`, until that says that nobody wants more.
    pub fn new(
        device: OwnedFd,
        sink: impl FnMut(Line) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (taken, orders) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let thread = thread::Builder::new().name("terminal-in".to_owned());
        let thread = thread.spawn(move || {
            let mut reading = Reading {
                device,
                orders: taken,
                pending: Vec::new(),
                sink,
            };
            reading.run();
        })?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Takes out of the terminal's input what is there now, and tells it under this number.
    pub fn take_out(&self, number: u64) {
        if let Some(orders) = &self.orders {
            // A reader that has ended has said so.
            let _ = rustix::io::write(orders, &number.to_ne_bytes());
        }
    }
}

impl Drop for LineReader {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

struct Reading<S> {
    device: OwnedFd,
    orders: OwnedFd,
    /// Bytes that are no whole line yet, or lines that more may come with.
    pending: Vec<u8>,
    sink: S,
}

impl<S: FnMut(Line) -> bool> Reading<S> {
    fn run(&mut self) {
        let together = Timespec::try_from(TOGETHER).ok();
        loop {
            let has_lines = self.pending.contains(&b'\n');
            let patience = together.as_ref().filter(|_| has_lines);
            let mut ready = [
                PollFd::from_borrowed_fd(self.device.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.orders.as_fd(), PollFlags::IN),
            ];
            let count = match poll(&mut ready, patience) {
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(_) => 2,
            };
            let [readable, ordered] = ready;
            let goes_on = if !ordered.revents().is_empty() {
                let mut number = [0; 8];
                match rustix::io::read(&self.orders, &mut number) {
                    Ok(8) => self.take_out(u64::from_ne_bytes(number)),
                    Err(Errno::INTR) => true,
                    _ => false,
                }
            } else if count == 0 {
                self.give_lines()
            } else if readable.revents().is_empty() {
                true
            } else {
                self.read()
            };
            if !goes_on {
                return;
            }
        }
    }

    fn read(&mut self) -> bool {
        let mut buffer = vec![0; PART];
        match rustix::io::read(&self.device, buffer.as_mut_slice()) {
            Ok(count @ 1..) => {
                self.pending
                    .extend_from_slice(buffer.get(..count).unwrap_or_default());
                true
            }
            Err(Errno::INTR | Errno::AGAIN) => true,
            Ok(_) | Err(_) => {
                if self.give_lines() {
                    (self.sink)(Line::End);
                }
                false
            }
        }
    }

    /// Gives the whole lines that are there.
    fn give_lines(&mut self) -> bool {
        let Some(end) = self.pending.iter().rposition(|byte| *byte == b'\n') else {
            return true;
        };
        let rest = self.pending.split_off(end + 1);
        let whole = std::mem::replace(&mut self.pending, rest);
        let text = String::from_utf8_lossy(&whole);
        (self.sink)(Line::Whole(text.lines().map(str::to_owned).collect()))
    }

    /// Everything that is in the terminal's input, whole lines first.
    fn take_out(&mut self, number: u64) -> bool {
        if let Ok(found) = tcgetattr(&self.device) {
            let mut now = found.clone();
            now.local_modes.remove(LocalModes::ICANON);
            now.special_codes[SpecialCodeIndex::VMIN] = 0;
            now.special_codes[SpecialCodeIndex::VTIME] = 0;
            if tcsetattr(&self.device, OptionalActions::Now, &now).is_ok() {
                let mut buffer = vec![0; PART];
                while let Ok(count @ 1..) = rustix::io::read(&self.device, buffer.as_mut_slice()) {
                    self.pending
                        .extend_from_slice(buffer.get(..count).unwrap_or_default());
                }
                // A terminal that was taken a moment ago can be given back.
                let _ = tcsetattr(&self.device, OptionalActions::Now, &found);
            }
        }
        if !self.give_lines() {
            return false;
        }
        let begun = String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned();
        (self.sink)(Line::Begun(number, begun))
    }
}

#[cfg(test)]
mod tests;
