//! Running `betcode` with nothing of the test's own environment.

use std::io::{ErrorKind, Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Signal;

use crate::{Line, Output, Profile, Screen, kill, wait_until};

/// How long a command may take unless told otherwise.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a program that was just written may be busy.
const NOT_BUSY: Duration = Duration::from_secs(10);

/// A command to run.
#[derive(Debug)]
pub struct Betcode {
    command: Command,
    stdin: Vec<u8>,
    patience: Duration,
}

impl Betcode {
    /// In a profile, with the demo agent. Of the caller's variables only `PATH` is passed on.
    pub(crate) fn program<'a>(
        program: impl AsRef<std::ffi::OsStr>,
        profile: &Profile,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        command
            .args(args)
            .env_clear()
            .env("PATH", path)
            .env("HOME", profile.home())
            .env("BETCODE_CONFIG_DIR", profile.config_dir())
            .env("BETCODE_STATE_DIR", profile.state_dir())
            .env("BETCODE_AGENT", "demo")
            .current_dir(profile.work());
        if !profile.follows_usage() {
            command.env("BETCODE_USAGE", "false");
        }
        Self {
            command,
            stdin: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// With a variable more.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without a variable.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// In another directory.
    #[must_use]
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// With this on stdin; without it stdin is empty.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// With less or more time.
    #[must_use]
    pub const fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be run or does not end in time.
    pub fn run(self) -> Output {
        let patience = self.patience;
        self.spawn().wait(patience)
    }

    /// Starts it and leaves it running. What it prints is collected meanwhile; stdin is closed once it has been written.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn spawn(self) -> Running {
        let stdin = self.stdin.clone();
        let mut running = self.spawn_open();
        running.write(&stdin);
        running.close_stdin();
        running
    }

    /// Starts it on a terminal of this size.
    pub fn on_screen(self, width: u16, height: u16) -> Screen {
        Screen::start(&self.command, width, height)
    }

    /// Starts it on a terminal behind a slow line.
    pub fn on_screen_behind(self, line: Line, width: u16, height: u16) -> Screen {
        Screen::behind(Some(line), &self.command, width, height)
    }

    /// The same with stdin left open.
    ///
    /// # Panics
    /// When it cannot be run.
    #[expect(clippy::expect_used, reason = "tests fail by panicking")]
    pub fn spawn_open(mut self) -> Running {
        let command = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A program that was just copied is busy for as long as another test's child, which began meanwhile, has not let go of
        // what it inherited.
        let spawned = wait_until(NOT_BUSY, "the program is not being written", || {
            let spawned = command.spawn();
            let kind = spawned.as_ref().err().map(std::io::Error::kind);
            (kind != Some(ErrorKind::ExecutableFileBusy)).then_some(spawned)
        });
        let mut child = spawned.expect("the program runs");
        let stdin = child.stdin.take();
        let stdout = Collected::from(child.stdout.take().expect("a pipe"));
        let stderr = Collected::from(child.stderr.take().expect("a pipe"));
        Running {
            child,
            stdin,
            stdout,
            stderr,
        }
    }
}

/// A command that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Writes to its stdin. That it does not read is no error.
    pub fn write(&mut self, bytes: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _unread = stdin.write_all(bytes).and_then(|()| stdin.flush());
        }
    }

    /// Ends its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// What it has printed on stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has printed on stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until stdout holds this text.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_for(&self, text: &str) {
        let what = format!("stdout holds {text:?}");
        wait_until(PATIENCE, &what, || {
            self.stdout().contains(text).then_some(())
        });
    }

    /// Waits until it has ended and nobody holds its outputs any more.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn wait(mut self, patience: Duration) -> Output {
        let status = wait_until(patience, "the program ends", || {
            self.child.try_wait().ok().flatten()
        });
        let closed = || (self.stdout.is_closed() && self.stderr.is_closed()).then_some(());
        wait_until(patience, "its outputs are closed", closed);
        Output::new(
            status,
            self.stdout.text().as_bytes(),
            self.stderr.text().as_bytes(),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is not killed but only waited for.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A stream that is read by a thread until it is closed.
#[derive(Debug)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Collected {
    fn from(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(read) = stream.read(&mut buffer) {
                let Some(new) = buffer.get(..read).filter(|new| !new.is_empty()) else {
                    break;
                };
                lock(&sink).extend_from_slice(new);
            }
        });
        Self { bytes, reader }
    }

    fn is_closed(&self) -> bool {
        self.reader.is_finished()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.bytes)).into_owned()
    }
}

/// A reader that panicked has left what it read.
fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}
