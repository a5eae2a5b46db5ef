//! A client as a process of its own: what it prints, and when each byte of that could be read.
//!
//! A thread does nothing but read: the time is taken right after each read, and everything is looked at only when the
//! run is over, so that looking costs the run nothing.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::process;
use crate::clock;

/// How long a client may take for anything.
const PATIENCE: Duration = Duration::from_mins(2);
/// The event that ends a turn.
const END: &[u8] = b"\"type\":\"turn_complete\"";

/// What a client printed.
#[derive(Debug, Default)]
pub(super) struct Printed {
    bytes: Vec<u8>,
    /// Up to where the bytes could be read at which time, in microseconds since the epoch.
    marks: Vec<(usize, u64)>,
    /// Processor time of the whole process, in nanoseconds.
    pub(super) cpu_ns: f64,
}

/// One line with the time at which all of it could be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) at: u64,
}

impl Printed {
    /// The lines, with their times.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut marks = self.marks.iter().copied().peekable();
        let mut end = 0;
        self.bytes
            .split_inclusive(|byte| *byte == b'\n')
            .filter_map(move |line| {
                end += line.len();
                while marks.next_if(|(until, _)| *until < end).is_some() {}
                let (_, at) = *marks.peek()?;
                Some(Line {
                    text: std::str::from_utf8(line).ok()?,
                    at,
                })
            })
    }
}

/// A client that runs.
#[derive(Debug)]
pub(super) struct Client {
    child: Child,
    reader: Option<JoinHandle<Printed>>,
    news: Receiver<News>,
}

#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It printed for the first time.
    First,
    /// It printed the end of a turn.
    Turn,
}

impl Client {
    /// Starts one with nothing to read.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null());
        Self::spawn(command)
    }

    /// Starts one that reads this and then waits for more, which never comes.
    pub(super) fn start_with(mut command: Command, input: &str) -> Result<Self> {
        command.stdin(Stdio::piped());
        let client = Self::spawn(command)?;
        client.say(input)?;
        Ok(client)
    }

    /// Says something more to one that waits for it.
    pub(super) fn say(&self, input: &str) -> Result<()> {
        let mut stdin = self.child.stdin.as_ref().context("no stdin")?;
        Ok(stdin.write_all(input.as_bytes())?)
    }

    fn spawn(mut command: Command) -> Result<Self> {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start a client")?;
        let mut stdout = child.stdout.take().context("no stdout")?;
        let (sender, news) = channel();
        let pid = child.id();
        let reader = std::thread::spawn(move || read(&mut stdout, &sender, pid));
        Ok(Self {
            child,
            reader: Some(reader),
            news,
        })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has printed something. The end of a turn that came with it counts no more.
    pub(super) fn wait_first(&self) -> Result<()> {
        self.wait(&News::First)
    }

    /// Waits until it has printed the end of a turn.
    pub(super) fn wait_turn(&self) -> Result<()> {
        self.wait(&News::Turn)
    }

    fn wait(&self, wanted: &News) -> Result<()> {
        loop {
            match self.news.recv_timeout(PATIENCE) {
                Ok(news) if news == *wanted => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    return Err(anyhow!(
                        "a client did not get as far as {wanted:?}: {error}"
                    ));
                }
            }
        }
    }

    /// Waits until it ends by itself, which must be a success.
    pub(super) fn finish(mut self) -> Result<Printed> {
        let printed = self.join()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "a client ended with {status}");
        Ok(printed)
    }

    /// Ends it.
    pub(super) fn stop(mut self) -> Result<Printed> {
        self.child.kill()?;
        let printed = self.join()?;
        self.child.wait()?;
        Ok(printed)
    }

    fn join(&mut self) -> Result<Printed> {
        let reader = self.reader.take().context("joined already")?;
        reader.join().map_err(|_| anyhow!("a reader panicked"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.reader.is_some() {
            // Only after something else went wrong: nothing is to be left behind.
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn read(stdout: &mut impl std::io::Read, news: &Sender<News>, pid: u32) -> Printed {
    let mut printed = Printed {
        bytes: Vec::with_capacity(1 << 20),
        ..Printed::default()
    };
    let mut buffer = vec![0; 1 << 20];
    while let Ok(count @ 1..) = stdout.read(&mut buffer) {
        let at = clock::microseconds();
        let first = printed.bytes.is_empty();
        let from = printed.bytes.len().saturating_sub(END.len());
        printed
            .bytes
            .extend_from_slice(buffer.get(..count).unwrap_or_default());
        printed.marks.push((printed.bytes.len(), at));
        let fresh = printed.bytes.get(from..).unwrap_or_default();
        if memchr::memmem::find(fresh, END).is_some() {
            // Nobody may be waiting.
            news.send(News::Turn).ok();
        }
        if first {
            news.send(News::First).ok();
        }
    }
    clock::poll(Duration::from_secs(5), Duration::from_micros(200), || {
        process::ended(pid).then_some(())
    });
    printed.cpu_ns = process::time(pid).unwrap_or(0.0);
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_time_at_which_its_last_byte_came() {
        let printed = Printed {
            bytes: b"one\ntwo\nthree\n".to_vec(),
            marks: vec![(2, 10), (8, 20), (9, 30), (14, 40)],
            cpu_ns: 0.0,
        };
        let lines: Vec<_> = printed
            .lines()
            .map(|line| (line.text.trim(), line.at))
            .collect();
        assert_eq!(lines, [("one", 20), ("two", 20), ("three", 40)]);
    }

    #[test]
    fn a_process_is_read_to_its_end_and_a_failure_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo '{\"type\":\"turn_complete\"}'"]);
        let client = Client::start(command).unwrap();
        client.wait_turn().unwrap();
        client.wait_first().unwrap();
        assert_eq!(client.finish().unwrap().lines().count(), 1);
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        assert!(Client::start(command).unwrap().finish().is_err());
    }
}
