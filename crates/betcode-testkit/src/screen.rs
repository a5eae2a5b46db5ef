//! A program on a terminal of its own: what is typed goes to a pseudo terminal, what is drawn is read through an emulator.

mod line;
mod modes;

use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

pub use line::Line;
use line::{Keyboard, PACKET, Sink};
use modes::left_entered;

use crate::{kill, program, wait_until};

/// What makes the terminal the program's own.
const LEADER: &str = "betcode-on-terminal";
/// How long something may take to be on the screen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the screen is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// A program that runs on a terminal. It is killed when this is dropped.
pub struct Screen {
    child: Child,
    keyboard: Keyboard,
    /// The program's end, to see how it leaves the terminal.
    terminal: OwnedFd,
    /// How it was found.
    found: Termios,
    seen: Arc<Mutex<Seen>>,
    /// Reads until its other end is closed, and where that is.
    reader: Option<(JoinHandle<()>, OwnedFd)>,
}

struct Seen {
    parser: vt100::Parser,
    bytes: usize,
    raw: Vec<u8>,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("child", &self.child)
            .finish_non_exhaustive()
    }
}

#[expect(clippy::expect_used, reason = "tests fail by panicking")]
impl Screen {
    /// Starts a command on a terminal of this size.
    ///
    /// # Panics
    /// When there is no terminal to be had, or the command does not start.
    pub fn start(command: &Command, width: u16, height: u16) -> Self {
        Self::behind(None, command, width, height)
    }

    /// The same, behind a slow line.
    ///
    /// # Panics
    /// When there is no terminal to be had, or the command does not start.
    pub fn behind(line: Option<Line>, command: &Command, width: u16, height: u16) -> Self {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudo terminal");
        grantpt(&outer).expect("granted");
        unlockpt(&outer).expect("unlocked");
        let name = ptsname(&outer, Vec::new()).expect("its name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let inner = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).expect("its other end");
        tcsetwinsize(&outer, size(width, height)).expect("a size");
        let stdio = || Stdio::from(inner.try_clone().expect("a descriptor"));
        let found = tcgetattr(&inner).expect("its settings");
        // It becomes the leader of a session whose terminal this is.
        let mut on_terminal = Command::new(program("betcode-testkit", LEADER));
        on_terminal
            .arg(command.get_program())
            .args(command.get_args());
        on_terminal.env_clear().env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                on_terminal.env(name, value);
            }
        }
        if let Some(directory) = command.get_current_dir() {
            on_terminal.current_dir(directory);
        }
        on_terminal.stdin(stdio()).stdout(stdio()).stderr(stdio());
        let child = on_terminal.spawn().expect("it runs");
        let seen = Arc::new(Mutex::new(Seen {
            parser: vt100::Parser::new(height, width, 2_000),
            bytes: 0,
            raw: Vec::new(),
        }));
        let drawn = outer.try_clone().expect("a descriptor");
        let (stopped, stop) = rustix::pipe::pipe().expect("a pipe");
        let mut sink = Sink::new(Arc::clone(&seen), line);
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; line.map_or(65_536, |_| PACKET)];
            while has_something(&drawn, &stopped) {
                // A pseudo terminal whose other end is closed gives an error, not an end.
                match rustix::io::read(&drawn, &mut buffer) {
                    Ok(count @ 1..) => sink.take(buffer.get(..count).unwrap_or_default()),
                    _ => break,
                }
            }
        });
        Self {
            child,
            keyboard: Keyboard::new(outer, line),
            terminal: inner,
            found,
            seen,
            reader: Some((reader, stop)),
        }
    }

    /// The terminal goes away, as when its window is closed or the line to it is cut.
    ///
    /// # Panics
    /// When whoever reads from it has panicked.
    pub fn hang_up(&mut self) {
        self.keyboard = Keyboard::Gone;
        if let Some((reader, stop)) = self.reader.take() {
            drop(stop);
            reader.join().expect("it was read");
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is typed, or what the terminal says.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn send(&mut self, bytes: &[u8]) {
        self.keyboard.write(bytes);
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.seen().parser.screen().contents()
    }

    /// The screen, to be looked at.
    pub fn look<R>(&self, look: impl FnOnce(&vt100::Screen) -> R) -> R {
        look(self.seen().parser.screen())
    }

    /// How many bytes were written to it.
    pub fn bytes(&self) -> usize {
        self.seen().bytes
    }

    /// Everything that was written to it.
    pub fn raw(&self) -> Vec<u8> {
        self.seen().raw.clone()
    }

    /// Waits until the screen is as it should be, and gives its text.
    ///
    /// # Panics
    /// When it is not in time; then it shows what is there.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests measure real time and fail by panicking"
    )]
    pub fn until(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if is(&text) {
                return text;
            }
            assert!(
                Instant::now() < end,
                "not in time: {what}; the screen is\n{text}"
            );
            // a pause, because: nobody tells us when another program has drawn something.
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until some text is on the screen.
    pub fn wait_for(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits until some text is there and is not dim, as what takes no keys yet is.
    pub fn wait_for_ready(&self, text: &str) {
        self.until(&format!("{text:?} is there and takes keys"), |_| {
            self.look(|screen| is_plain(screen, text))
        });
    }

    /// Waits until nothing was written to it for so long. Gives how many bytes were written in all.
    ///
    /// # Panics
    /// When something is written again and again.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests measure real time and fail by panicking"
    )]
    pub fn rests(&self, quiet: Duration) -> usize {
        let mut last = (self.bytes(), Instant::now());
        wait_until(PATIENCE, "nothing is written", || {
            let bytes = self.bytes();
            if bytes != last.0 {
                last = (bytes, Instant::now());
            }
            (last.1.elapsed() > quiet).then_some(bytes)
        })
    }

    /// The scrollback and the screen as text.
    pub fn with_scrollback(&self) -> String {
        let mut seen = self.seen();
        let screen = seen.parser.screen_mut();
        let (height, width) = screen.size();
        screen.set_scrollback(usize::MAX);
        let count = screen.scrollback();
        let mut rows = Vec::new();
        for back in (1..=count).rev() {
            screen.set_scrollback(back);
            rows.extend(screen.rows(0, width).next());
        }
        screen.set_scrollback(0);
        rows.extend(screen.rows(0, width).take(height.into()));
        rows.iter()
            .fold(String::new(), |text, row| text + row.trim_end() + "\n")
    }

    /// Gives it another size. Rows that have no room any more go into the scrollback from the top, as in most terminals.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, width: u16, height: u16) {
        let mut seen = self.seen();
        let (row, _) = seen.parser.screen().cursor_position();
        if !seen.parser.screen().alternate_screen() && row >= height && height > 0 {
            let gone = row - height + 1;
            seen.parser
                .process(format!("\x1b[{gone}S\x1b[{gone}A").as_bytes());
        }
        // An emulator has at least a few cells; what a terminal says of itself may be anything.
        seen.parser
            .screen_mut()
            .set_size(height.max(2), width.max(2));
        drop(seen);
        tcsetwinsize(&self.terminal, size(width, height)).expect("a size");
    }

    /// What of the terminal is not as it was found: its settings, the screen that is shown, modes that were entered and not
    /// left.
    pub fn changed(&self) -> Vec<String> {
        let mut changed = Vec::new();
        match tcgetattr(&self.terminal) {
            Ok(now) if same(&now, &self.found) => {}
            Ok(_) => changed.push("its settings".to_owned()),
            Err(error) => changed.push(format!("its settings cannot be read: {error}")),
        }
        changed.extend(left_entered(&self.raw()));
        self.look(|screen| {
            if screen.hide_cursor() {
                changed.push("the cursor is hidden".to_owned());
            }
            if screen.fgcolor() != vt100::Color::Default || screen.bold() || screen.inverse() {
                changed.push("a colour stays".to_owned());
            }
        });
        changed
    }

    /// Whether the terminal is as it was found.
    pub fn is_given_back(&self) -> bool {
        self.changed().is_empty()
    }

    /// The process of the program itself.
    ///
    /// # Panics
    /// When it is not there.
    pub fn pid(&self) -> u32 {
        let id = self.child.id();
        wait_until(PATIENCE, "the program runs", || {
            let name = std::fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
            // It begins as the one that makes the terminal its own.
            let is_leader = name.trim().len() == 15 && LEADER.starts_with(name.trim());
            (!is_leader).then_some(id)
        })
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn end(&mut self) -> ExitStatus {
        let status = wait_until(PATIENCE, "it ends", || {
            self.child.try_wait().expect("its state")
        });
        // What it wrote at the end may still be on its way to the emulator.
        let mut before = usize::MAX;
        wait_until(PATIENCE, "everything was read", || {
            let now = self.bytes();
            std::mem::replace(&mut before, now).eq(&now).then_some(())
        });
        status
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            kill(self.pid(), Signal::KILL);
            let _ended = self.child.kill();
            let _status = self.child.wait();
        }
    }
}

/// Whether a text is on the screen, in a row, and not dim.
fn is_plain(screen: &vt100::Screen, text: &str) -> bool {
    let (rows, columns) = screen.size();
    (0..rows).any(|row| {
        let line = screen.contents_between(row, 0, row, columns);
        let column = line.find(text).and_then(|at| line.get(..at));
        let column = column.and_then(|before| u16::try_from(before.chars().count()).ok());
        let cell = column.and_then(|column| screen.cell(row, column));
        cell.is_some_and(|cell| !cell.dim())
    })
}

/// Whether two settings are the same.
fn same(one: &Termios, other: &Termios) -> bool {
    let flags = |settings: &Termios| {
        (
            settings.input_modes,
            settings.output_modes,
            settings.control_modes,
            settings.local_modes,
        )
    };
    flags(one) == flags(other)
}

/// Waits until there is something to read; false when it is to stop first.
fn has_something(drawn: &OwnedFd, stopped: &OwnedFd) -> bool {
    let mut ready = [
        PollFd::new(drawn, PollFlags::IN),
        PollFd::new(stopped, PollFlags::IN),
    ];
    let polled = poll(&mut ready, None);
    polled.is_ok() && ready.last().is_none_or(|stop| stop.revents().is_empty())
}

const fn size(width: u16, height: u16) -> Winsize {
    Winsize {
        ws_col: width,
        ws_row: height,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
