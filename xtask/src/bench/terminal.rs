//! A terminal for a program that is measured: what it writes, and when each byte of that could be read.
//!
//! A thread does nothing but read: the time is taken right after each read. The emulator runs where somebody waits for
//! something, or when all is over, so that looking costs the program nothing. The terminal answers no questions.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::clock;

/// The size of the terminal.
const WIDTH: u16 = 200;
const HEIGHT: u16 = 50;
/// How long anything may take to be on the screen.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often the screen is looked at.
const PAUSE: Duration = Duration::from_millis(5);
/// What comes after a longer pause than this is another frame.
const BETWEEN_FRAMES: Duration = Duration::from_millis(5);

/// What was written.
#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    /// Up to where the bytes could be read at which time.
    marks: Vec<(usize, Instant)>,
}

/// A program on a terminal. It is killed when this is dropped.
pub(super) struct Terminal {
    child: Child,
    keyboard: File,
    begun: Instant,
    written: Arc<Mutex<Written>>,
    screen: vt100::Parser,
    /// How many bytes the screen has taken.
    taken: usize,
}

impl Terminal {
    /// Starts a program.
    pub(super) fn start(command: &Command) -> Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let outer = openpt(flags).context("no pseudo terminal")?;
        grantpt(&outer)?;
        unlockpt(&outer)?;
        let name = ptsname(&outer, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let inner = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
        let size = Winsize {
            ws_col: WIDTH,
            ws_row: HEIGHT,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&outer, size)?;
        let written = Arc::new(Mutex::new(Written::default()));
        let (mut drawn, sink) = (File::from(outer.try_clone()?), Arc::clone(&written));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            // A pseudo terminal whose other end is closed gives an error, not an end.
            while let Ok(count @ 1..) = drawn.read(&mut buffer) {
                let now = clock::now();
                let mut written = lock(&sink);
                written
                    .bytes
                    .extend_from_slice(buffer.get(..count).unwrap_or_default());
                let mark = (written.bytes.len(), now);
                written.marks.push(mark);
            }
        });
        // It becomes the leader of a session whose terminal this is.
        let mut on_terminal = Command::new("setsid");
        on_terminal
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                on_terminal.env(name, value);
            }
        }
        if let Some(directory) = command.get_current_dir() {
            on_terminal.current_dir(directory);
        }
        on_terminal
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(inner.try_clone()?))
            .stdout(Stdio::from(inner.try_clone()?))
            .stderr(Stdio::from(inner));
        let begun = clock::now();
        let child = on_terminal.spawn().context("cannot start setsid")?;
        Ok(Self {
            child,
            keyboard: File::from(outer),
            begun,
            written,
            screen: vt100::Parser::new(HEIGHT, WIDTH, 0),
            taken: 0,
        })
    }

    /// The program's process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many bytes were written.
    pub(super) fn bytes(&self) -> usize {
        lock(&self.written).bytes.len()
    }

    /// Presses keys.
    pub(super) fn send(&mut self, keys: &[u8]) -> Result<Instant> {
        let now = clock::now();
        self.keyboard.write_all(keys)?;
        Ok(now)
    }

    /// Says something to the agent.
    pub(super) fn say(&mut self, text: &str) -> Result<()> {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes())?;
        self.wait_for(text)?;
        self.send(b"\r")?;
        Ok(())
    }

    /// What is on the screen now.
    fn now(&mut self) -> String {
        let new = lock(&self.written)
            .bytes
            .get(self.taken..)
            .map(<[u8]>::to_vec);
        let new = new.unwrap_or_default();
        self.taken += new.len();
        self.screen.process(&new);
        self.screen.screen().contents()
    }

    /// Waits until the screen is as it should be.
    pub(super) fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) -> Result<()> {
        clock::poll(PATIENCE, PAUSE, || is(&self.now()).then_some(()))
            .ok_or_else(|| anyhow!("not in time: {what}; the screen is\n{}", self.now()))
    }

    /// Waits until a text is on the screen.
    pub(super) fn wait_for(&mut self, text: &str) -> Result<()> {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits until nothing was written for a second.
    pub(super) fn rests(&self) -> Result<()> {
        self.quiet(PATIENCE)
            .context("something is written again and again")
    }

    /// The same, for a program that may write without end: not for longer than this.
    pub(super) fn settles(&self, limit: Duration) {
        self.quiet(limit);
    }

    fn quiet(&self, limit: Duration) -> Option<()> {
        let mut last = (self.bytes(), clock::now());
        clock::poll(limit, PAUSE, || {
            let bytes = self.bytes();
            if bytes != last.0 {
                last = (bytes, clock::now());
            }
            (last.1.elapsed() > Duration::from_secs(1)).then_some(())
        })
    }

    /// When the screen was as it should be for the first time, in milliseconds since the program was started.
    pub(super) fn first(&self, is: impl Fn(&str) -> bool) -> Result<f64> {
        let mut at = None;
        self.replay(|moment, screen| {
            if at.is_none() && is(&screen.contents()) {
                at = Some(moment);
            }
        });
        let at = at.context("the screen never was as it should be")?;
        Ok(ms(at.duration_since(self.begun)))
    }

    /// How long each key took to be seen, in milliseconds. Of each it is known when it was pressed, and which text is on
    /// the screen when it was seen.
    pub(super) fn echoes(&self, keys: &[(Instant, String)]) -> Result<Vec<f64>> {
        let mut delays = Vec::new();
        let mut waiting = keys.iter().peekable();
        self.replay(|moment, screen| {
            if waiting.peek().is_none_or(|(at, _)| moment < *at) {
                return;
            }
            let text = screen.contents();
            while let Some((at, _)) =
                waiting.next_if(|(at, seen)| *at <= moment && text.contains(seen))
            {
                delays.push(ms(moment.duration_since(*at)));
            }
        });
        ensure!(
            delays.len() == keys.len(),
            "{} of {} keys were seen",
            delays.len(),
            keys.len()
        );
        Ok(delays)
    }

    /// From each of these moments until something was written, in milliseconds.
    pub(super) fn answers(&self, keys: &[Instant]) -> Vec<f64> {
        let written = lock(&self.written);
        let next = |key: &Instant| written.marks.iter().map(|(_, at)| *at).find(|at| at > key);
        keys.iter()
            .filter_map(|key| Some(ms(next(key)?.duration_since(*key))))
            .collect()
    }

    /// How many frames there are behind so many bytes.
    pub(super) fn frames(&self, behind: usize) -> usize {
        let written = lock(&self.written);
        let mut last = None;
        let mut frames = 0;
        for (_, at) in written.marks.iter().filter(|(end, _)| *end > behind) {
            if last.is_none_or(|last| at.duration_since(last) > BETWEEN_FRAMES) {
                frames += 1;
            }
            last = Some(*at);
        }
        frames
    }

    fn replay(&self, mut look: impl FnMut(Instant, &vt100::Screen)) {
        let written = lock(&self.written);
        let mut screen = vt100::Parser::new(HEIGHT, WIDTH, 0);
        let mut from = 0;
        for (end, at) in &written.marks {
            screen.process(written.bytes.get(from..*end).unwrap_or_default());
            from = *end;
            look(*at, screen.screen());
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn lock(written: &Mutex<Written>) -> MutexGuard<'_, Written> {
    written.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A time in milliseconds.
pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
