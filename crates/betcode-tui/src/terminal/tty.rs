//! The terminal as a device: its line settings, its size, and the modes that were entered in it, given back on every way
//! out. What is drawn goes through [`super::writer`].
//!
//! States: away (the terminal is as it was found), or entered.
//! Laws: leaving gives back the settings and undoes the modes, once, whoever is first: the end, a panic, a signal, a
//! suspension; no way out waits long for a terminal that takes nothing.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use ratatui::layout::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{
    OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr,
};

use super::modes::{Mode, Modes};

/// How long a way out waits for the terminal to take the last bytes.
const PATIENCE: Duration = Duration::from_millis(500);
/// Ends a sequence that was only half written, so that what follows is not a part of it.
const CANCEL: &str = "\x18";

/// The terminal.
#[derive(Debug, Clone)]
pub struct Tty {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    device: OwnedFd,
    found: Termios,
    modes: Modes,
    away: bool,
    /// What is said when a panic ends everything.
    last_words: String,
}

impl Tty {
    /// Takes a terminal as it is. An error says that it is none.
    pub fn new(device: OwnedFd) -> io::Result<Self> {
        let found = tcgetattr(&device)?;
        let state = State {
            device,
            found,
            modes: Modes::default(),
            away: true,
            last_words: String::new(),
        };
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A descriptor of its own, for reading or writing.
    pub fn device(&self) -> io::Result<OwnedFd> {
        self.state().device.try_clone()
    }

    /// Whether something was typed that nobody has read.
    pub fn is_readable(&self) -> bool {
        let state = self.state();
        let mut ready = [PollFd::from_borrowed_fd(
            state.device.as_fd(),
            PollFlags::IN,
        )];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut ready, Some(&at_once)).is_ok_and(|count| count > 0)
    }

    /// How large it is; 80×24 where it does not say.
    pub fn size(&self) -> Size {
        let size = tcgetwinsize(&self.state().device);
        match size {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size::new(size.ws_col, size.ws_row),
            _ => Size::new(80, 24),
        }
    }

    /// Takes keys one by one from now on, and enters modes: the bytes to be written first.
    pub fn enter(&self, modes: &[Mode]) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        if state.away {
            let mut raw = state.found.clone();
            raw.make_raw();
            tcsetattr(&state.device, OptionalActions::Now, &raw)?;
            state.away = false;
        }
        let bytes: String = modes.iter().map(|mode| state.modes.enter(*mode)).collect();
        Ok(bytes.into_bytes())
    }

    /// Leaves a mode, and keeps the others: the bytes to be written.
    pub fn leave_mode(&self, mode: Mode) -> &'static str {
        self.state().modes.leave(mode)
    }

    /// Makes the terminal what it was, after some last bytes. Gives the modes that were left; none if it was left before.
    pub fn leave(&self, last: &[u8]) -> Vec<Mode> {
        self.state().leave(last)
    }

    /// What is said, once the terminal is given back, when a panic of this thread ends everything.
    pub fn set_last_words(&self, words: String) {
        self.state().last_words = words;
    }

    /// From now on a panic gives the terminal back first, goes on as before, and then says the last words. One of another
    /// thread than this ends only that thread, and is told to `elsewhere`, for whoever draws to end as well.
    pub fn leave_on_panic(&self, elsewhere: impl Fn() + Send + Sync + 'static) {
        let state = Arc::downgrade(&self.state);
        let before = std::panic::take_hook();
        let here = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            let Some(state) = state.upgrade() else {
                return before(panic);
            };
            let held = match state.try_lock() {
                Ok(state) => Some(state),
                Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
                // It is this very thread, or another one that is leaving.
                Err(TryLockError::WouldBlock) => None,
            };
            let is_here = std::thread::current().id() == here;
            let words = held.and_then(|mut state| {
                state.leave(b"\x1b[m\x1b[?25h\r\n");
                let device = state.device.try_clone().ok().filter(|_| is_here)?;
                Some((device, std::mem::take(&mut state.last_words)))
            });
            before(panic);
            if let Some((device, words)) = words {
                let _ = write_within(device.as_fd(), words.as_bytes(), PATIENCE);
            } else if !is_here {
                elsewhere();
            }
        }));
    }

    /// Gives the terminal back and stops the whole process group, like the shell's own Ctrl-Z; goes on when it is
    /// continued, with the bytes to be written first. Nothing may be read or written meanwhile, and it is the main thread's
    /// to call: a signal to the process stops that one first, before this goes on.
    pub fn suspend(&self, last: &[u8]) -> io::Result<Vec<u8>> {
        let modes = self.leave(last);
        stop();
        self.enter(&modes)
    }
}

/// Stops the whole process group, until the shell continues it. One that nobody would continue is not stopped, and then this
/// was a short absence. The signal of Ctrl-Z itself is listened to, so it would not stop; this one does, and unlike
/// `SIGSTOP` it spares groups that nobody would continue.
pub(crate) fn stop() {
    let _ = kill_current_process_group(Signal::TTOU);
}

impl State {
    fn leave(&mut self, last: &[u8]) -> Vec<Mode> {
        if self.away {
            return Vec::new();
        }
        self.away = true;
        let (bytes, modes) = self.modes.leave_all();
        let all = [CANCEL.as_bytes(), last, bytes.as_bytes()].concat();
        // There is nothing left to do about a terminal that is gone or takes nothing.
        let _ = write_within(self.device.as_fd(), &all, PATIENCE);
        // Replies and reports that are on their way are not for the shell.
        let _ = tcflush(&self.device, QueueSelector::IFlush);
        let _ = tcsetattr(&self.device, OptionalActions::Now, &self.found);
        modes
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.leave(b"");
    }
}

/// Writes to a terminal as long as it takes something within a time.
fn write_within(device: BorrowedFd<'_>, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    let patience = Timespec::try_from(patience).map_err(|_| io::ErrorKind::InvalidInput)?;
    while !bytes.is_empty() {
        let mut ready = [PollFd::new(&device, PollFlags::OUT)];
        match poll(&mut ready, Some(&patience)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        // A terminal that says it is ready takes a little without waiting.
        let part = bytes.get(..bytes.len().min(256)).unwrap_or_default();
        match rustix::io::write(device, part) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
