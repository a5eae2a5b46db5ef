//! Where messages come from: one prompt, or lines on stdin that are read ahead while a turn runs.
//!
//! Messages keep their order and wait for the turn before them; a bad line waits too, so that everything before it is
//! answered. Only what is asked or answered beside messages acts at once.

use std::collections::VecDeque;
use std::io::BufRead as _;

use tokio::sync::mpsc::{Receiver, channel};

use super::control::Control;
use super::input::{InputLine, Message, line};
use crate::error::Failure;

/// How many lines are read ahead.
const AHEAD: usize = 64;

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

/// The messages of a run.
#[derive(Debug)]
pub(super) struct Lines {
    waiting: VecDeque<Next>,
    /// None when there is nothing more to come.
    source: Option<Receiver<Next>>,
}

impl Lines {
    /// A single prompt.
    pub(super) fn one(prompt: Message) -> Self {
        Self {
            waiting: VecDeque::from([Next::Message(prompt)]),
            source: None,
        }
    }

    /// Lines on stdin, read by a thread of their own because reading stdin cannot be given up.
    pub(super) fn stdin() -> Result<Self, Failure> {
        let (send, source) = channel(AHEAD);
        let read = move || {
            let mut input = std::io::stdin().lock();
            let mut number = 0;
            let mut bytes = Vec::new();
            loop {
                number += 1;
                bytes.clear();
                let next = match input.read_until(b'\n', &mut bytes) {
                    Ok(0) => break,
                    Ok(_) => match std::str::from_utf8(&bytes) {
                        Ok(text) => line(number, text),
                        Err(_) => Err(Failure::invalid(
                            "INPUT_LINE",
                            format!("line {number} on stdin is not UTF-8 text"),
                        )),
                    },
                    Err(error) => Err(Failure::io("cannot read stdin", &error)),
                };
                let (next, last) = match next {
                    Ok(InputLine::Message(text)) => (Next::Message(text), false),
                    Ok(InputLine::Control(control)) => (Next::Control(control), false),
                    Ok(InputLine::Nothing) => continue,
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
            Some(Next::Message(text)) => Ok(Some(Incoming::Message(text))),
            Some(Next::Control(control)) => Ok(Some(Incoming::Control(control))),
            Some(Next::Bad(failure)) => Err(failure),
            None => Ok(None),
        }
    }

    /// Waits for what comes beside messages, while a turn runs. May be given up at any time.
    pub(super) async fn control(&mut self) -> Control {
        while let Some(source) = &mut self.source {
            match source.recv().await {
                Some(Next::Control(control)) => return control,
                Some(next) if self.waiting.len() < AHEAD => self.waiting.push_back(next),
                Some(next) => {
                    self.waiting.push_back(next);
                    break;
                }
                None => self.source = None,
            }
        }
        std::future::pending().await
    }
}
