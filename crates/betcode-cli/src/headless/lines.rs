//! Where messages come from: one prompt, or lines on stdin that are read ahead while a turn runs.
//!
//! Messages keep their order and wait for the turn before them. What is asked or answered beside messages acts at once. A bad line
//! is told at once, and ends the input: what came before it is still answered, and then it is the error.

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead as _, Read as _, StdinLock};

use tokio::sync::mpsc::{Receiver, channel};

use super::control::Control;
use super::input::{InputLine, LONGEST_LINE, Message, line};
use crate::error::{Failure, Report};
use crate::output::say;

/// How much is read ahead, in bytes of messages.
const AHEAD: u64 = 256 * 1024 * 1024;
/// How many lines the reader may be ahead of whoever takes them.
const LINES: usize = 16;

/// What comes next.
#[derive(Debug)]
enum Next {
    /// A message for the agent.
    Message(Message),
    /// Something beside messages.
    Control(Control),
    /// A line that makes no sense; nothing is read after it.
    Bad(Failure),
}

/// What a run takes in between turns.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message for the agent.
    Message(Message),
    /// Something beside messages.
    Control(Control),
}

/// What is heard while a turn runs.
#[derive(Debug)]
pub(super) enum Beside {
    /// Something beside messages.
    Control(Control),
    /// A line that makes no sense.
    Bad(Option<Report>),
    /// Nothing will come any more.
    Closed,
}

/// The messages of a run.
#[derive(Debug)]
pub(super) struct Lines {
    waiting: VecDeque<Next>,
    /// What waits, in bytes.
    held: u64,
    /// None when there is nothing more to come.
    source: Option<Receiver<Next>>,
}

impl Lines {
    /// A single prompt.
    pub(super) fn one(prompt: Message) -> Self {
        Self {
            waiting: VecDeque::from([Next::Message(prompt)]),
            held: 0,
            source: None,
        }
    }

    /// Lines on stdin, read by a thread of their own because reading stdin cannot be given up.
    pub(super) fn stdin() -> Result<Self, Failure> {
        let (send, source) = channel(LINES);
        let read = move || {
            let mut input = std::io::stdin().lock();
            let mut number = 0;
            // What was sent twice is said once.
            let mut seen = HashSet::new();
            loop {
                number += 1;
                let (next, last) = match read_line(&mut input, number) {
                    Ok(None) => break,
                    Ok(Some(InputLine::Message(message))) => {
                        if message.uuid.is_some_and(|uuid| !seen.insert(uuid)) {
                            say(&format!(
                                "note: line {number} on stdin is passed over: a message with its uuid came before"
                            ));
                            continue;
                        }
                        (Next::Message(message), false)
                    }
                    Ok(Some(InputLine::Unknown(what))) => {
                        say(&format!("note: {what}"));
                        continue;
                    }
                    Ok(Some(InputLine::Control(control))) => (Next::Control(control), false),
                    Ok(Some(InputLine::Nothing)) => continue,
                    Err(failure) => (Next::Bad(failure), true),
                };
                if send.blocking_send(next).is_err() || last {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(read);
        thread.map_err(|error| Failure::io("cannot start a thread", &error))?;
        Ok(Self {
            waiting: VecDeque::new(),
            held: 0,
            source: Some(source),
        })
    }

    /// What comes next, when no turn runs; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Incoming>, Failure> {
        let next = match (self.waiting.pop_front(), &mut self.source) {
            (Some(next), _) => Some(next),
            (None, Some(source)) => source.recv().await,
            (None, None) => None,
        };
        match next {
            Some(Next::Message(message)) => {
                self.held = self.held.saturating_sub(message.weight());
                Ok(Some(Incoming::Message(message)))
            }
            Some(Next::Control(control)) => Ok(Some(Incoming::Control(control))),
            Some(Next::Bad(failure)) => Err(failure),
            None => Ok(None),
        }
    }

    /// Waits for what is not a message, while a turn runs. May be given up at any time.
    pub(super) async fn beside(&mut self) -> Beside {
        while let Some(source) = self.source.as_mut().filter(|_| self.held < AHEAD) {
            match source.recv().await {
                Some(Next::Control(control)) => return Beside::Control(control),
                Some(Next::Message(message)) => {
                    self.held = self.held.saturating_add(message.weight());
                    self.waiting.push_back(Next::Message(message));
                }
                Some(Next::Bad(failure)) => {
                    let report = failure.report.clone();
                    self.waiting.push_back(Next::Bad(failure));
                    return Beside::Bad(report);
                }
                None => {
                    self.source = None;
                    return Beside::Closed;
                }
            }
        }
        std::future::pending().await
    }
}

/// Reads the next line; none at the end.
fn read_line(input: &mut StdinLock<'_>, number: u64) -> Result<Option<InputLine>, Failure> {
    let wrong =
        |what: &str| Failure::invalid("INPUT_LINE", format!("line {number} on stdin {what}"));
    let mut bytes = Vec::new();
    let most = LONGEST_LINE as u64 + 1;
    let read = input.take(most).read_until(b'\n', &mut bytes);
    let read = read.map_err(|error| Failure::io("cannot read stdin", &error))?;
    if read == 0 {
        return Ok(None);
    }
    if read > LONGEST_LINE {
        let most = LONGEST_LINE >> 20;
        return Err(wrong(&format!("is longer than {most} MiB")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not UTF-8 text"))?;
    line(number, text).map(Some)
}
