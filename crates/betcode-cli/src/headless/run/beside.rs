//! What a run does beside messages: what the program on stdin asks and answers, and what becomes of it.

use betcode_core::command::{Action, Command};
use betcode_core::id::IdempotencyKey;
use serde_json::Value;

use super::Run;
use crate::error::Failure;
use crate::headless::control::{Ask, Control, response};
use crate::headless::errands::{Outcome, Purpose, Told};
use crate::headless::format::{self, Printed};
use crate::headless::lines::Beside;
use crate::headless::me;
use crate::headless::options::{OutputFormat, RunArgs};
use crate::headless::turn::Turn;
use crate::link::command;
use crate::output::{Output, say};

impl Run<'_> {
    /// What came on stdin while a turn runs.
    pub(super) fn beside(&mut self, beside: Beside, turn: &Turn) -> Result<(), Failure> {
        match beside {
            // The turn that runs is not ours yet: only our message is taken back.
            Beside::Control(Control::Request {
                id,
                ask: Ask::Interrupt,
            }) if !turn.has_begun() => {
                let (_, answer) = Ask::Interrupt.action(false);
                self.take_back(turn);
                return controls(self.args, &[response(&id, answer)], self.output);
            }
            Beside::Control(control) => return self.control(control, true),
            Beside::Bad(report) => {
                let problem = report.map(|report| report.message).unwrap_or_default();
                say(&format!(
                    "warning: {problem}; nothing after it is read, and the run fails once this turn has ended"
                ));
            }
            Beside::Closed => {
                self.state.closed = true;
                self.nobody_answers();
            }
        }
        Ok(())
    }

    /// What was asked or answered beside messages.
    pub(super) fn control(&mut self, control: Control, turn: bool) -> Result<(), Failure> {
        let line = match control {
            Control::Request { id, ask } => match ask.action(turn) {
                (Some(action), Ok(answer)) => {
                    self.perform(action, Purpose::Request { id, answer });
                    None
                }
                (_, answer) => Some(response(&id, answer)),
            },
            Control::Response { id, answer } => {
                match self.prompts.answer(&id, &answer) {
                    Some(Ok(action)) => {
                        self.perform(action, Purpose::Answer(id));
                    }
                    // The program thinks that it has answered: nobody else may ever do.
                    Some(Err(problem)) => {
                        say(&format!(
                            "warning: the answer to {id} makes no sense, so that is denied: {problem}"
                        ));
                        let denied = self.prompts.answer(&id, &Err(problem));
                        if let Some(Ok(action)) = denied {
                            self.perform(action, Purpose::Answer(id));
                        }
                    }
                    None => say(&nobody_asked(&id)),
                }
                None
            }
        };
        controls(self.args, line.as_slice(), self.output)
    }

    /// Denies what is asked when nobody can answer any more.
    pub(super) fn nobody_answers(&mut self) {
        if self.state.closed && self.args.asks_on_stdio() {
            for action in self.prompts.unanswerable() {
                self.perform(action, Purpose::Nobody);
            }
        }
    }

    /// Sends something, and sees to it that it arrives. Gives its key.
    pub(super) fn perform(&mut self, action: Action, of: Purpose) -> IdempotencyKey {
        let command = command(self.session, me(), action);
        let key = command.key;
        self.handle.send(command.clone());
        self.errands.sent(command, of);
        key
    }

    /// Takes the message out of the queue.
    pub(super) fn take_back(&mut self, turn: &Turn) {
        let message_id = turn.message();
        let key = self.perform(Action::RemoveQueued { message_id }, Purpose::Nobody);
        self.removal = Some(key);
    }

    pub(super) fn send_again(&mut self, commands: Vec<Command>) {
        for command in commands {
            self.handle.send(command);
        }
    }

    /// A command was answered: what is to be told of it.
    pub(super) fn told(
        &mut self,
        key: IdempotencyKey,
        outcome: Outcome<'_>,
        printed: &mut Printed,
    ) {
        match self.errands.outcome(key, outcome) {
            Some(Told::Line(line)) if self.args.output_format == OutputFormat::StreamJson => {
                format::line(&mut printed.data, &line);
            }
            Some(Told::Note(note)) => printed.notes.push(note),
            Some(Told::Line(_)) | None => {}
        }
    }
}

/// Prints lines of the control channel, where there is one.
pub(super) fn controls(
    args: &RunArgs,
    lines: &[Value],
    output: &mut Output,
) -> Result<(), Failure> {
    if args.output_format != OutputFormat::StreamJson || lines.is_empty() {
        return Ok(());
    }
    let mut data = Vec::new();
    for line in lines {
        format::line(&mut data, line);
    }
    output.write(&data)?;
    output.flush()
}

/// What is said of an answer that nobody waits for.
pub(super) fn nobody_asked(id: &str) -> String {
    format!(
        "warning: the answer to `{id}` is passed over: nothing is asked under that id, or not any more"
    )
}
