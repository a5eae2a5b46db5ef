//! A program on a terminal of its own: what is typed goes to a pseudo terminal, what is drawn is read through an emulator.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::{kill, wait_until};

/// How long something may take to be on the screen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the screen is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// A program that runs on a terminal. It is killed when this is dropped.
pub struct Screen {
    child: Child,
    keyboard: File,
    /// The program's end, to see how it leaves the terminal.
    terminal: OwnedFd,
    seen: Arc<Mutex<Seen>>,
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
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudo terminal");
        grantpt(&outer).expect("granted");
        unlockpt(&outer).expect("unlocked");
        let name = ptsname(&outer, Vec::new()).expect("its name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let inner = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).expect("its other end");
        tcsetwinsize(&outer, size(width, height)).expect("a size");
        let stdio = || Stdio::from(inner.try_clone().expect("a descriptor"));
        // It becomes the leader of a session whose terminal this is.
        let mut on_terminal = Command::new("setsid");
        on_terminal
            .args(["--ctty"])
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
        let child = on_terminal.spawn().expect("setsid of util-linux runs");
        let seen = Arc::new(Mutex::new(Seen {
            parser: vt100::Parser::new(height, width, 2_000),
            bytes: 0,
            raw: Vec::new(),
        }));
        let mut drawn = File::from(outer.try_clone().expect("a descriptor"));
        let sink = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            // A pseudo terminal whose other end is closed gives an error, not an end.
            while let Ok(count @ 1..) = drawn.read(&mut buffer) {
                let bytes = buffer.get(..count).unwrap_or_default();
                let mut seen = sink.lock().unwrap_or_else(PoisonError::into_inner);
                seen.parser.process(bytes);
                seen.bytes += count;
                seen.raw.extend_from_slice(bytes);
            }
        });
        Self {
            child,
            keyboard: File::from(outer),
            terminal: inner,
            seen,
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
        self.keyboard
            .write_all(bytes)
            .expect("the terminal takes it");
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

    /// Waits until nothing was written to it for so long.
    ///
    /// # Panics
    /// When something is written again and again.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests measure real time and fail by panicking"
    )]
    pub fn rests(&self, quiet: Duration) {
        let mut last = (self.bytes(), Instant::now());
        wait_until(PATIENCE, "nothing is written", || {
            let bytes = self.bytes();
            if bytes != last.0 {
                last = (bytes, Instant::now());
            }
            (last.1.elapsed() > quiet).then_some(())
        });
    }

    /// As long as a person takes to see that something has appeared.
    pub fn is_seen(&self) {
        // a pause, because: what a person sees happens outside.
        std::thread::sleep(Duration::from_millis(500));
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
        if !seen.parser.screen().alternate_screen() && row >= height {
            let gone = row - height + 1;
            seen.parser
                .process(format!("\x1b[{gone}S\x1b[{gone}A").as_bytes());
        }
        seen.parser.screen_mut().set_size(height, width);
        drop(seen);
        tcsetwinsize(&self.keyboard, size(width, height)).expect("a size");
    }

    /// Whether the terminal is as a shell expects it: lines are edited and echoed, the ordinary screen is shown.
    pub fn is_given_back(&self) -> bool {
        let modes = tcgetattr(&self.terminal).map(|settings| settings.local_modes);
        let cooked = modes.is_ok_and(|modes| {
            modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
        });
        let plain = self.look(|screen| {
            !screen.alternate_screen()
                && !screen.bracketed_paste()
                && !screen.hide_cursor()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        cooked && plain
    }

    /// The process of the program itself.
    ///
    /// # Panics
    /// When it is not there.
    pub fn pid(&self) -> u32 {
        let id = self.child.id();
        wait_until(PATIENCE, "the program runs", || {
            let name = std::fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
            // It begins as setsid, and becomes the program.
            (name.trim() != "setsid").then_some(id)
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

const fn size(width: u16, height: u16) -> Winsize {
    Winsize {
        ws_col: width,
        ws_row: height,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
