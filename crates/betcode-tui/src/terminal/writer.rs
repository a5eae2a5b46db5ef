//! Writes to the terminal from a thread of its own, so that a slow one never stops the program. It knows no screen.
//!
//! The descriptor is not made non-blocking: that would be so for the shell and every other process on the terminal too.
//! There is at most one write under way. While there is one, [`Writer::idle`] is false and no frame is made; when it ends
//! the caller is told, and makes the newest one. So frames are skipped and never queued, and a slow terminal is behind by
//! one write at most.
//!
//! States: idle, writing, dropping the rest of what it writes, or broken (the terminal is gone).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How much is written at once. More would keep the rest from being dropped.
const PART: usize = 4_096;

/// What the writer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    Writing,
    /// Writing something of which the rest is not wanted any more.
    Dropping,
    Broken,
}

#[derive(Debug)]
struct Shared {
    doing: Mutex<Doing>,
    changed: Condvar,
}

impl Shared {
    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, doing: Doing) {
        *self.doing() = doing;
        self.changed.notify_all();
    }
}

/// The writer.
#[derive(Debug)]
pub struct Writer {
    frames: SyncSender<Vec<u8>>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Begins a thread that writes to a terminal, and calls `done` after every write.
    pub fn new(device: OwnedFd, done: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (frames, inbox) = sync_channel(1);
        let shared = Arc::new(Shared {
            doing: Mutex::new(Doing::Nothing),
            changed: Condvar::new(),
        });
        let its = Arc::clone(&shared);
        let thread = thread::Builder::new().name("terminal-out".to_owned());
        thread.spawn(move || run(&device, &inbox, &its, done))?;
        Ok(Self { frames, shared })
    }

    /// Nothing is being written: a frame can be given.
    pub fn idle(&self) -> bool {
        *self.shared.doing() == Doing::Nothing
    }

    /// The terminal is gone.
    pub fn broken(&self) -> bool {
        *self.shared.doing() == Doing::Broken
    }

    /// Writes a frame. False: something is being written, or the terminal is gone; nothing is kept then.
    pub fn write(&self, frame: Vec<u8>) -> bool {
        let mut doing = self.shared.doing();
        if *doing != Doing::Nothing {
            return false;
        }
        match self.frames.try_send(frame) {
            Ok(()) => {
                *doing = Doing::Writing;
                true
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// Waits until nothing is being written, but not for long: then the rest of it is dropped, so that it cannot come
    /// behind what is written in another way. Says whether everything was written.
    pub fn settle(&self, patience: Duration) -> bool {
        let doing = self.shared.doing();
        let waiting = self
            .shared
            .changed
            .wait_timeout_while(doing, patience, |doing| {
                matches!(doing, Doing::Writing | Doing::Dropping)
            });
        let (mut doing, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        if *doing == Doing::Writing {
            *doing = Doing::Dropping;
        }
        *doing == Doing::Nothing
    }
}

fn run(device: &OwnedFd, inbox: &Receiver<Vec<u8>>, shared: &Shared, done: impl Fn()) {
    while let Ok(frame) = inbox.recv() {
        let written = write_all(device, &frame, || *shared.doing() == Doing::Dropping);
        shared.now(if written.is_ok() {
            Doing::Nothing
        } else {
            Doing::Broken
        });
        done();
    }
}

fn write_all(device: &OwnedFd, frame: &[u8], dropped: impl Fn() -> bool) -> rustix::io::Result<()> {
    for mut part in frame.chunks(PART) {
        while !part.is_empty() && !dropped() {
            match rustix::io::write(device, part) {
                Ok(count) => part = part.get(count..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_frame_is_written_and_the_end_of_it_told() {
        let (reading, writing) = rustix::pipe::pipe().expect("a pipe");
        let (sender, done) = channel();
        let writer =
            Writer::new(writing, move || sender.send(()).unwrap_or_default()).expect("a thread");
        assert!(writer.write(b"hello".to_vec()));
        done.recv_timeout(LONG).expect("the end of the write");
        assert!(writer.idle());
        let mut bytes = [0; 16];
        let count = rustix::io::read(&reading, &mut bytes).expect("what was written");
        assert_eq!(&bytes[..count], b"hello");
    }

    #[test]
    fn while_a_slow_terminal_takes_a_frame_others_are_refused() {
        let (reading, writing) = rustix::pipe::pipe().expect("a pipe");
        let (sender, done) = channel();
        let writer =
            Writer::new(writing, move || sender.send(()).unwrap_or_default()).expect("a thread");
        let large = vec![b'x'; 1 << 20];
        assert!(writer.write(large.clone()));
        assert!(!writer.write(b"skipped".to_vec()));
        assert!(!writer.idle());
        let mut total = 0;
        let mut bytes = vec![0; 1 << 16];
        while total < large.len() {
            let count = rustix::io::read(&reading, &mut bytes).expect("what was written");
            assert!(bytes[..count].iter().all(|byte| *byte == b'x'));
            total += count;
        }
        done.recv_timeout(LONG).expect("the end of the write");
        assert!(writer.settle(LONG) && writer.idle());
    }

    #[test]
    fn what_a_slow_terminal_has_not_taken_at_the_end_is_dropped() {
        let (reading, writing) = rustix::pipe::pipe().expect("a pipe");
        let (sender, done) = channel();
        let writer =
            Writer::new(writing, move || sender.send(()).unwrap_or_default()).expect("a thread");
        assert!(writer.write(vec![b'x'; 1 << 20]));
        assert!(!writer.settle(Duration::from_millis(1)));
        let mut total = 0;
        let mut bytes = vec![0; 1 << 16];
        let moment = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 20_000_000,
        };
        while done.try_recv().is_err() {
            use rustix::event::{PollFd, PollFlags, poll};
            let mut ready = [PollFd::new(&reading, PollFlags::IN)];
            if poll(&mut ready, Some(&moment)).expect("polled") > 0 {
                total += rustix::io::read(&reading, &mut bytes).expect("what was written");
            }
        }
        assert!(total < 1 << 20, "{total} bytes");
        assert!(writer.settle(LONG));
    }

    #[test]
    fn a_terminal_that_is_gone_is_told() {
        let (reading, writing) = rustix::pipe::pipe().expect("a pipe");
        drop(reading);
        let (sender, done) = channel();
        let writer =
            Writer::new(writing, move || sender.send(()).unwrap_or_default()).expect("a thread");
        assert!(writer.write(b"hello".to_vec()));
        done.recv_timeout(LONG).expect("the end of the write");
        assert!(writer.broken());
        assert!(!writer.write(b"more".to_vec()));
    }
}
