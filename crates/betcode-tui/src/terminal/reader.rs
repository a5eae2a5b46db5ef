//! Reads from the terminal on a thread of its own, and gives events. It can be stopped, so that another program (an
//! editor) has the terminal for itself, and begun again.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::input::{Event, Input};

/// How long an Escape waits for the rest of a sequence. Slow lines keep the parts of one together.
const ESCAPE: Duration = Duration::from_millis(30);
/// How much is read at once.
const PART: usize = 1 << 16;

/// What the reader gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// What came in together.
    Events(Vec<Event>),
    /// The terminal is gone.
    End,
}

/// The reader. Dropped, it stops.
#[derive(Debug)]
pub struct Reader {
    /// Closed, it wakes the thread.
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<Input>>,
}

impl Reader {
    /// Begins to read from a terminal, and gives what comes to `sink`, until that says that nobody wants more. With it comes
    /// the time by `clock` just before it was read: it was there by then.
    pub fn new<T>(
        device: OwnedFd,
        input: Input,
        clock: impl Fn() -> T + Send + 'static,
        sink: impl FnMut(Read, T) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (woken, stop) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let thread = thread::Builder::new().name("terminal-in".to_owned());
        let thread = thread.spawn(move || run(&device, &woken, input, clock, sink))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Stops reading at once. Gives the state of the parser, for the next reader.
    pub fn stop(mut self) -> Input {
        self.end().unwrap_or_default()
    }

    fn end(&mut self) -> Option<Input> {
        drop(self.stop.take());
        self.thread.take().and_then(|thread| thread.join().ok())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.end();
    }
}

fn run<T>(
    device: &OwnedFd,
    woken: &OwnedFd,
    mut input: Input,
    clock: impl Fn() -> T,
    mut sink: impl FnMut(Read, T) -> bool,
) -> Input {
    let escape = Timespec::try_from(ESCAPE).ok();
    let mut buffer = vec![0; PART];
    loop {
        let patience = escape.as_ref().filter(|_| input.waits());
        let mut ready = [
            PollFd::from_borrowed_fd(device.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(woken.as_fd(), PollFlags::IN),
        ];
        let count = match poll(&mut ready, patience) {
            Ok(count) => count,
            Err(Errno::INTR) => continue,
            Err(_) => 2,
        };
        let [readable, stopped] = ready;
        if !stopped.revents().is_empty() {
            return input;
        }
        let at = clock();
        let events = if count == 0 {
            input.no_more()
        } else if readable.revents().is_empty() {
            Vec::new()
        } else {
            match rustix::io::read(device, buffer.as_mut_slice()) {
                Ok(count @ 1..) => input.feed(buffer.get(..count).unwrap_or_default()),
                Err(Errno::INTR | Errno::AGAIN) => Vec::new(),
                Ok(_) | Err(_) => {
                    sink(Read::End, at);
                    return input;
                }
            }
        };
        if !events.is_empty() && !sink(Read::Events(events), at) {
            return input;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::terminal::input::{Code, Key, Mods};

    const LONG: Duration = Duration::from_secs(20);

    fn key(code: Code) -> Event {
        Event::Key(Key {
            code,
            mods: Mods::NONE,
        })
    }

    #[test]
    fn keys_come_as_events_and_an_escape_alone_comes_after_a_while() {
        let (reading, writing) = rustix::pipe::pipe().expect("a pipe");
        let (sender, events) = channel();
        let reader = Reader::new(
            reading,
            Input::default(),
            || (),
            move |read, ()| sender.send(read).is_ok(),
        );
        let reader = reader.expect("a thread");
        rustix::io::write(&writing, b"a\x1b[A").expect("written");
        let both = vec![key(Code::Char('a')), key(Code::Up)];
        assert_eq!(events.recv_timeout(LONG), Ok(Read::Events(both)));
        rustix::io::write(&writing, b"\x1b").expect("written");
        assert_eq!(
            events.recv_timeout(LONG),
            Ok(Read::Events(vec![key(Code::Escape)]))
        );
        drop(writing);
        assert_eq!(events.recv_timeout(LONG), Ok(Read::End));
        drop(reader);
    }

    #[test]
    fn a_stopped_reader_takes_nothing_and_the_next_one_goes_on() {
        let (reading, writing) = rustix::pipe::pipe().expect("a pipe");
        let again = reading.try_clone().expect("a descriptor");
        let reader = Reader::new(reading, Input::default(), || (), |_, ()| true).expect("a thread");
        let input = reader.stop();
        rustix::io::write(&writing, b"x").expect("written");
        let (sender, events) = channel();
        let reader = Reader::new(
            again,
            input,
            || (),
            move |read, ()| sender.send(read).is_ok(),
        );
        let _reader = reader.expect("a thread");
        assert_eq!(
            events.recv_timeout(LONG),
            Ok(Read::Events(vec![key(Code::Char('x'))]))
        );
    }
}
