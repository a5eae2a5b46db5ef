//! Everything that can happen to the agent from outside, in one queue: lines on standard input,
//! its end, and tools that have ended. It reads and classifies; it decides nothing.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::clock;
use crate::tool::Ended;

/// One thing that happened.
pub(crate) enum Input {
    /// A line of standard input that is JSON.
    Line(Value),
    /// A line that is not, described for standard error; it ends the agent.
    Broken(String),
    /// Standard input has ended.
    Closed,
    /// A tool has ended.
    Tool(Ended),
}

/// The receiving end of the queue, and the way for tools to reach it.
pub(crate) struct Inbox {
    sender: Sender<Input>,
    receiver: Receiver<Input>,
}

impl Inbox {
    /// Starts reading standard input, copying every line to `journal` first.
    pub(crate) fn open(journal: Option<OsString>) -> io::Result<Self> {
        let journal = match journal {
            Some(path) => Some(OpenOptions::new().append(true).create(true).open(path)?),
            None => None,
        };
        let (sender, receiver) = channel();
        let lines = sender.clone();
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || read(journal, &lines))?;
        Ok(Self { sender, receiver })
    }

    /// Where a tool reports its end.
    pub(crate) fn sender(&self) -> Sender<Input> {
        self.sender.clone()
    }

    /// What has already happened, without waiting.
    pub(crate) fn poll(&self) -> Option<Input> {
        self.receiver.try_recv().ok()
    }

    /// Waits for the next thing to happen, at most until `deadline`.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Option<Input> {
        match deadline {
            None => self.receiver.recv().ok(),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(clock::now());
                self.receiver.recv_timeout(left).ok()
            }
        }
    }
}

/// The reading thread: ends with standard input, or at the first line that is not JSON.
fn read(mut journal: Option<File>, lines: &Sender<Input>) {
    let mut stdin = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        match stdin.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        if let Some(file) = &mut journal {
            // One write a line: with O_APPEND, lines of several processes never mix.
            if let Err(error) = file.write_all(&line) {
                let _ = lines.send(Input::Broken(format!(
                    "Error: cannot write the journal: {error}"
                )));
                return;
            }
        }
        let content = line.trim_ascii();
        if content.is_empty() {
            continue;
        }
        let input = match serde_json::from_slice(content) {
            Ok(value) => Input::Line(value),
            Err(_) => Input::Broken(format!(
                "Error parsing streaming input line (type=unknown, {} chars): SyntaxError",
                String::from_utf8_lossy(content).chars().count()
            )),
        };
        let fatal = matches!(input, Input::Broken(_));
        if lines.send(input).is_err() || fatal {
            return;
        }
    }
    let _ = lines.send(Input::Closed);
}
