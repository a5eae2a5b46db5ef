//! `--output-format text`: what the assistant says. Every message ends with a newline.
//!
//! A terminal gets it as it comes. Anything else gets each message once it has ended, because what was written to a pipe
//! cannot be taken back: the text of a message that the agent gives up, or that was cut short by a death after which the agent
//! says it again, is never part of it. What there is of an answer that ends unfinished is printed at the end of the turn.
//!
//! The text of sub-agents is not shown: it is material for the assistant.

use betcode_core::event::{Event, EventBody, MessageEnd};

use super::format::Printed;
use super::turn::{TurnReport, is_restart};
use crate::output::printable;

/// Where the printing stands.
#[derive(Debug)]
pub(crate) struct Text {
    terminal: bool,
    open: Option<String>,
    /// What was said and is not printed yet.
    held: String,
    at_line_start: bool,
    printed: bool,
}

impl Text {
    /// For a terminal, characters that would steer it are replaced.
    pub(crate) const fn new(terminal: bool) -> Self {
        Self {
            terminal,
            open: None,
            held: String::new(),
            at_line_start: true,
            printed: false,
        }
    }

    /// Prints what an event says.
    pub(crate) fn event(&mut self, event: &Event, printed: &mut Printed) {
        match &event.body {
            EventBody::TextDelta(piece) if event.parent.is_none() => {
                if self.open.as_deref() != Some(piece.message_id.as_str()) {
                    self.release(printed);
                    self.open = Some(piece.message_id.clone());
                }
                if self.terminal {
                    self.put(&piece.text, printed);
                } else {
                    self.held.push_str(&piece.text);
                }
            }
            EventBody::MessageComplete {
                message_id, end, ..
            } if event.parent.is_none() && self.open.as_ref() == Some(message_id) => {
                self.open = None;
                match end {
                    MessageEnd::Finished => self.release(printed),
                    // Whether it is said again is told by what follows.
                    MessageEnd::Aborted => {}
                    MessageEnd::Abandoned => {
                        self.take_back(printed);
                        printed
                            .notes
                            .push("note: the agent gave up a message and starts anew".to_owned());
                    }
                }
            }
            EventBody::Notice { text } => printed.notes.push(format!("note: {text}")),
            body if is_restart(body) => self.take_back(printed),
            _ => {}
        }
    }

    /// Prints what there still is. An answer that was never sent in pieces is printed from the result.
    pub(crate) fn finish(&mut self, report: &TurnReport, failed: bool, printed: &mut Printed) {
        self.release(printed);
        if let Some(turn) = report
            .complete
            .as_ref()
            .filter(|_| !self.printed && !failed)
        {
            self.put(&turn.result, printed);
        }
        self.open = None;
        self.end_line(printed);
        self.printed = false;
    }

    /// Prints what was held back, and ends the line.
    fn release(&mut self, printed: &mut Printed) {
        let held = std::mem::take(&mut self.held);
        self.put(&held, printed);
        self.end_line(printed);
    }

    /// The message does not count: as far as it is not printed, it never is.
    fn take_back(&mut self, printed: &mut Printed) {
        self.open = None;
        self.held.clear();
        self.end_line(printed);
    }

    fn put(&mut self, text: &str, printed: &mut Printed) {
        let Some(last) = text.chars().next_back() else {
            return;
        };
        self.at_line_start = last == '\n';
        self.printed = true;
        if self.terminal {
            printed.data.extend_from_slice(printable(text).as_bytes());
        } else {
            printed.data.extend_from_slice(text.as_bytes());
        }
    }

    fn end_line(&mut self, printed: &mut Printed) {
        if !self.at_line_start {
            printed.data.push(b'\n');
            self.at_line_start = true;
        }
    }
}
