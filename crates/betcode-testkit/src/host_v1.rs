//! The agent host of protocol version 1, frozen: what the first daemon started, and what every later daemon must be able
//! to take over with its turn. **It may never change**, whatever becomes of the real host; what later versions add to the
//! protocol is missing here, and a daemon has to do without. `fixtures/host-protocol/v1.txt` guards its bytes.
//!
//! It is an implementation of its own: threads that block, its own copy of every word and file name, and nothing of the
//! real host's code. Left out is what no daemon can tell from its absence: the orphan limit, sockets elsewhere because a
//! path is too long, and heeding SIGTERM (the kernel ends the agent then).
//!
//! States of the agent: *running* → *done* (`exit.json` is there, its tree is gone). Laws: a byte is in the spool before
//! it is named; a frame is written whole and once, in order; `exit.json` exists before the end is told.

mod agent;
mod daemon;
mod words;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, ExitCode};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{sleep, spawn};
use std::time::Duration;

use rustix::fs::{FlockOperation, fcntl_lock};
use serde::Deserialize;
use serde_json::json;

use agent::Ended;
use words::Exited;

/// How the host speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// As the first version did.
    First,
    /// As one of a later version might: with messages of a type that nobody knows, and with more fields at the end of
    /// those that everybody knows.
    Newer,
}

/// How long a host whose agent is done waits for the first daemon.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether the directory is still there.
const LOOK: Duration = Duration::from_millis(500);
/// How much of stderr is kept.
const STDERR: usize = 64 * 1024;

/// What is to be run, as the first daemon wrote it.
#[derive(Debug, Deserialize)]
struct Spec {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    cwd: PathBuf,
    window: u64,
    segment_bytes: u64,
}

/// What all threads share.
#[derive(Debug)]
struct Host {
    directory: PathBuf,
    speech: Speech,
    agent: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    stdout_end: u64,
    committed: u64,
    window: u64,
    stdin: Stdin,
    frames: VecDeque<Vec<u8>>,
    accepted: u64,
    written: u64,
    exit: Option<Exited>,
    daemon: Option<(u64, UnixStream)>,
    ever_attached: bool,
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stdin {
    Open,
    /// It is closed after the frames that were accepted.
    Closing,
    Closed,
}

/// Hosts the agent of this directory until nobody needs it any more. Exit codes are those of the first version.
pub fn run(directory: &Path, speech: Speech) -> ExitCode {
    match host(directory, speech) {
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::from(70),
    }
}

fn host(directory: &Path, speech: Speech) -> io::Result<u8> {
    let lock = private(OpenOptions::new().read(true).write(true).create(true))
        .truncate(false)
        .open(directory.join("lock"))?;
    if fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(75);
    }
    if directory.join("started").exists() {
        return Ok(76);
    }
    let spec: Spec = serde_json::from_slice(&std::fs::read(directory.join("spec.json"))?)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let listener = UnixListener::bind(directory.join("socket"))?;
    let mark = json!({"version": 1, "pid": std::process::id()});
    write_whole(directory, "started", mark.to_string().as_bytes())?;
    let started = agent::start(&spec);
    std::fs::remove_file(directory.join("spec.json"))?;
    let (child, problem) = match started {
        Ok(child) => (Some(child), None),
        Err(error) => (None, Some(format!("cannot run {}: {error}", spec.program))),
    };
    let host = Arc::new(Host {
        directory: directory.to_owned(),
        speech,
        agent: child.as_ref().map_or(0, std::process::Child::id),
        state: Mutex::new(State::new(spec.window)),
        changed: Condvar::new(),
    });
    let serving = Arc::clone(&host);
    spawn(move || serving.listen(&listener));
    let watching = Arc::clone(&host);
    spawn(move || watching.watch());
    let mut ended = Ended {
        error: problem,
        ..Ended::default()
    };
    let mut stderr = Vec::new();
    if let Some(mut child) = child {
        let (stdin, stdout, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let spooling = Arc::clone(&host);
        let spool = spawn(move || stdout.map(|stdout| spooling.spool(stdout, spec.segment_bytes)));
        let tail = spawn(move || errors.map(tail));
        let writing = Arc::clone(&host);
        spawn(move || stdin.map(|stdin| writing.write(stdin)));
        ended = agent::reap(host.agent);
        drop(spool.join());
        stderr = tail.join().ok().flatten().unwrap_or_default();
    }
    host.leave(&stderr, &ended)?;
    Ok(0)
}

impl State {
    const fn new(window: u64) -> Self {
        Self {
            stdout_end: 0,
            committed: 0,
            window,
            stdin: Stdin::Open,
            frames: VecDeque::new(),
            accepted: 0,
            written: 0,
            exit: None,
            daemon: None,
            ever_attached: false,
            finished: false,
        }
    }

    /// The first frame that will never be written, once that is so.
    const fn refused_from(&self) -> Option<u64> {
        match self.stdin {
            Stdin::Open => None,
            Stdin::Closing => Some(self.accepted + 1),
            Stdin::Closed => Some(self.written + 1),
        }
    }
}

impl Host {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent's stdout, byte for byte, into segments.
    fn spool(&self, mut stdout: ChildStdout, segment_bytes: u64) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut segment: Option<(u64, File)> = None;
        loop {
            let mut state = self.lock();
            while state.daemon.is_some() && state.stdout_end - state.committed > state.window {
                state = self.wait(state);
            }
            let end = state.stdout_end;
            drop(state);
            let count = match stdout.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let full = segment
                .as_ref()
                .is_none_or(|(start, _)| end - start >= segment_bytes);
            if full {
                let path = self.directory.join(format!("{end:020}.out"));
                let file = private(OpenOptions::new().append(true).create(true)).open(path)?;
                segment = Some((end, file));
            }
            if let Some((_, file)) = &mut segment {
                file.write_all(buffer.get(..count).unwrap_or_default())?;
            }
            let mut state = self.lock();
            state.stdout_end = end + count as u64;
            let message = words::appended(state.stdout_end);
            self.tell(&mut state, &message);
        }
    }

    /// Frames into the agent's stdin, each whole and once.
    fn write(&self, mut stdin: ChildStdin) {
        loop {
            let mut state = self.lock();
            while state.frames.is_empty() && state.stdin == Stdin::Open {
                state = self.wait(state);
            }
            let frame = state
                .frames
                .pop_front()
                .filter(|_| state.stdin != Stdin::Closed);
            drop(state);
            let done = frame
                .is_some_and(|frame| stdin.write_all(&frame).and_then(|()| stdin.flush()).is_ok());
            let mut state = self.lock();
            if done {
                state.written += 1;
                let message = words::written(state.written);
                self.tell(&mut state, &message);
            } else {
                state.stdin = Stdin::Closed;
                state.frames.clear();
                let message = words::stdin_closed(state.written + 1);
                self.tell(&mut state, &message);
                return;
            }
        }
    }

    /// Nothing of an agent outlives its directory.
    fn watch(&self) {
        loop {
            // a pause, because: the first version is told by the system, and this copy of it just looks.
            sleep(LOOK);
            if !self.directory.join("lock").exists() {
                agent::kill_tree();
                std::process::exit(0);
            }
        }
    }

    /// Writes the remains, tells the end, and stays as long as somebody may want to hear of it.
    fn leave(&self, stderr: &[u8], ended: &Ended) -> io::Result<()> {
        let mut state = self.lock();
        write_whole(&self.directory, "stderr", stderr)?;
        let exit = json!({
            "version": 1, "code": ended.code, "signal": ended.signal, "error": ended.error,
            "stdout_end": state.stdout_end, "stdin_written": state.written,
        });
        write_whole(&self.directory, "exit.json", exit.to_string().as_bytes())?;
        state.stdin = Stdin::Closed;
        let exit = Exited {
            code: ended.code,
            signal: ended.signal,
            stdout_end: state.stdout_end,
        };
        state.exit = Some(exit);
        let message = [words::stdin_closed(state.written + 1), words::exited(exit)].concat();
        self.tell(&mut state, &message);
        self.changed.notify_all();
        if !state.ever_attached {
            let waited = self
                .changed
                .wait_timeout_while(state, PATIENCE, |state| !state.ever_attached);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        while state.daemon.is_some() && !state.finished {
            state = self.wait(state);
        }
        std::fs::remove_file(self.directory.join("socket"))?;
        if state.finished {
            for entry in std::fs::read_dir(&self.directory)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "out") {
                    std::fs::remove_file(path)?;
                }
            }
        }
        Ok(())
    }

    /// Sends something to the daemon that is attached. One that does not take it is gone.
    fn tell(&self, state: &mut State, message: &[u8]) {
        let message = match self.speech {
            Speech::First => message.to_vec(),
            Speech::Newer => words::of_a_later_version(message),
        };
        if let Some((_, stream)) = &mut state.daemon
            && stream.write_all(&message).is_err()
        {
            state.daemon = None;
            self.changed.notify_all();
        }
    }
}

/// The end of the agent's stderr.
fn tail(mut stderr: std::process::ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let surplus = kept.len().saturating_sub(STDERR);
        kept.drain(..surplus);
    }
    kept
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

fn write_whole(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.new"));
    let options = &mut OpenOptions::new();
    private(options.write(true).create(true).truncate(true))
        .open(&temporary)?
        .write_all(bytes)?;
    std::fs::rename(&temporary, directory.join(name))
}
