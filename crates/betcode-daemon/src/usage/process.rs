//! Asking a program: it gets the question on stdin, and is read until it has answered. What it writes beside the answer is
//! read and forgotten, its stderr is not even read: it may hold a token.
//!
//! Laws:
//! - a program that has not answered in time, or is not waited for any more, is ended with everything it has started;
//! - one that has answered may end by itself for a moment, because it may be writing down a renewed token, and is ended then;
//! - however much it writes, no more than its longest line is kept.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use betcode_core::command::Environment;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use usage_core::failure::{Failure, Unreachable};
use usage_core::provider::Program;

use crate::agent::probe;
use crate::clock::Clock;

/// No answer is longer.
const LONGEST_LINE: usize = 4 << 20;
/// A program that writes more than this does not answer.
const MOST: usize = 64 << 20;
/// How long a program may take to end by itself when it has answered.
const LINGER: Duration = Duration::from_secs(3);
/// Says of a process for which question it was started, also when its parents are gone.
const MARK: &str = "BETCODE_USAGE_QUESTION";
/// So much is read at once.
const CHUNK: usize = 64 << 10;

/// Whether a line is the answer.
pub(super) type IsAnswer = Box<dyn Fn(&[u8]) -> bool + Send>;

/// What is run, and what it is asked.
pub(super) struct Question {
    /// Absolute.
    pub(super) program: String,
    pub(super) asked: Program,
    pub(super) environment: Environment,
    pub(super) directory: PathBuf,
    /// Whether a line is the answer.
    pub(super) is_answer: IsAnswer,
    pub(super) limit: Duration,
}

/// A program that is being asked. When this is dropped it is ended, with everything it has started.
#[derive(Debug)]
pub(super) struct Running {
    cancel: UnixStream,
    thread: JoinHandle<()>,
}

impl Running {
    /// Whether nothing of it is left.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it, and waits until nothing of it is left. Blocks.
    pub(super) fn end(self) {
        let Self { cancel, thread } = self;
        drop(cancel);
        let _panicked = thread.join();
    }
}

/// Begins to ask. The answer is given once, in all cases.
pub(super) fn begin(
    question: Question,
    clock: Clock,
    answer: impl FnOnce(Result<Vec<u8>, Failure>) + Send + 'static,
) -> std::io::Result<Running> {
    let (cancel, cancelled) = UnixStream::pair()?;
    let thread = std::thread::Builder::new().name("usage".into());
    let thread = thread.spawn(move || ask(&question, &clock, &cancelled, answer))?;
    Ok(Running { cancel, thread })
}

fn ask(
    question: &Question,
    clock: &Clock,
    cancelled: &UnixStream,
    answer: impl FnOnce(Result<Vec<u8>, Failure>),
) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mark = format!("{}-{number}", std::process::id());
    let child = Command::new(&question.program)
        .args(question.asked.arguments)
        .current_dir(&question.directory)
        .env_clear()
        .envs(&question.environment.0)
        .env(MARK, &mark)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let why = format!("{} cannot be run: {error}", question.program);
            return answer(Err(Failure::Unavailable { why }));
        }
    };
    let result = converse(question, clock, cancelled, &mut child);
    let has_answered = result.is_ok();
    answer(result);
    drop(child.stdin.take());
    if has_answered && let Some(stdout) = child.stdout.take() {
        linger(clock, cancelled, stdout);
    }
    probe::end(&mut child);
    probe::end_marked(&format!("{MARK}={mark}"));
}

fn converse(
    question: &Question,
    clock: &Clock,
    cancelled: &UnixStream,
    child: &mut Child,
) -> Result<Vec<u8>, Failure> {
    if let Some(stdin) = &mut child.stdin {
        // It fits into the pipe, whether it is read or not.
        let _unread = stdin.write_all(question.asked.question.as_bytes());
    }
    let deadline = clock.uptime() + question.limit;
    let mut lines = Lines::default();
    let mut chunk = vec![0; CHUNK];
    let Some(stdout) = &mut child.stdout else {
        return Err(silent());
    };
    loop {
        match wait(clock, cancelled, stdout, deadline) {
            Waited::Ready => {}
            Waited::TooLate | Waited::Cancelled => {
                return Err(Failure::Offline {
                    cause: Unreachable::Timeout,
                });
            }
        }
        match stdout.read(&mut chunk) {
            Ok(0) => {
                let last = lines.rest();
                return if (question.is_answer)(&last) {
                    Ok(last)
                } else {
                    Err(silent())
                };
            }
            Ok(length) => {
                let read = chunk.get(..length).unwrap_or_default();
                if let Some(answer) = lines.find(read, &question.is_answer) {
                    return Ok(answer);
                }
                if lines.read > MOST {
                    return Err(Failure::Unreadable {
                        what: "it writes and writes, and does not answer".to_owned(),
                    });
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(silent()),
        }
    }
}

fn silent() -> Failure {
    Failure::Unreadable {
        what: "the program ended without an answer".to_owned(),
    }
}

/// Lets it end by itself, for a moment.
fn linger(clock: &Clock, cancelled: &UnixStream, mut stdout: ChildStdout) {
    let deadline = clock.uptime() + LINGER;
    let mut chunk = vec![0; CHUNK];
    while let Waited::Ready = wait(clock, cancelled, &stdout, deadline) {
        match stdout.read(&mut chunk) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

enum Waited {
    /// There is something to read, or its end.
    Ready,
    TooLate,
    Cancelled,
}

fn wait(clock: &Clock, cancelled: &UnixStream, stdout: &ChildStdout, deadline: Duration) -> Waited {
    loop {
        let left = deadline.saturating_sub(clock.uptime());
        if left.is_zero() {
            return Waited::TooLate;
        }
        let timeout = Timespec::try_from(left).ok();
        let mut both = [
            PollFd::new(cancelled, PollFlags::IN),
            PollFd::new(stdout, PollFlags::IN),
        ];
        match poll(&mut both, timeout.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return Waited::Cancelled,
        }
        let [cancelled, stdout] = both.map(|fd| !fd.revents().is_empty());
        if cancelled {
            return Waited::Cancelled;
        }
        if stdout {
            return Waited::Ready;
        }
    }
}

/// Bytes as lines, of which only the one that is not at its end is kept.
#[derive(Debug, Default)]
struct Lines {
    line: Vec<u8>,
    is_too_long: bool,
    read: usize,
}

impl Lines {
    /// The first line that is the answer.
    fn find(&mut self, bytes: &[u8], is_answer: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        self.read = self.read.saturating_add(bytes.len());
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            if self.line.len().saturating_add(text.len()) > LONGEST_LINE {
                self.is_too_long = true;
                self.line.clear();
            }
            if !self.is_too_long {
                self.line.extend_from_slice(text);
            }
            if is_whole {
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.is_too_long) && is_answer(&line) {
                    return Some(line);
                }
            }
        }
        None
    }

    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.line)
    }
}

#[cfg(test)]
mod tests;
