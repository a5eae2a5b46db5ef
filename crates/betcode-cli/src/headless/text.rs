//! `--output-format text`: what the assistant says, as it comes. Every finished message ends with a newline.
//!
//! The text of sub-agents is not shown: it is material for the assistant. The text of a message that the agent gives up
//! has already been printed when that is known; a note on stderr says so.

use betcode_core::event::{Event, EventBody, MessageEnd};

use super::format::Printed;
use super::turn::TurnReport;
use crate::output::printable;

/// Where the printing stands.
#[derive(Debug)]
pub(crate) struct Text {
    terminal: bool,
    open: Option<String>,
    at_line_start: bool,
    printed: bool,
}

impl Text {
    /// For a terminal, characters that would steer it are replaced.
    pub(crate) const fn new(terminal: bool) -> Self {
        Self {
            terminal,
            open: None,
            at_line_start: true,
            printed: false,
        }
    }

    /// Prints what an event says.
    pub(crate) fn event(&mut self, event: &Event, printed: &mut Printed) {
        match &event.body {
            EventBody::TextDelta(piece) if event.parent.is_none() => {
                if self.open.as_deref() != Some(piece.message_id.as_str()) {
                    self.end_line(printed);
                    self.open = Some(piece.message_id.clone());
                }
                self.put(&piece.text, printed);
            }
            EventBody::MessageComplete {
                message_id, end, ..
            } if event.parent.is_none() && self.open.as_ref() == Some(message_id) => {
                self.open = None;
                self.end_line(printed);
                if *end == MessageEnd::Abandoned {
                    printed.notes.push(
                        "note: the agent gave up the message above and starts anew".to_owned(),
                    );
                }
            }
            EventBody::Notice { text } => printed.notes.push(format!("note: {text}")),
            _ => {}
        }
    }

    /// Ends an open line. An answer that was never sent in pieces is printed from the result.
    pub(crate) fn finish(&mut self, report: &TurnReport, failed: bool, printed: &mut Printed) {
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
