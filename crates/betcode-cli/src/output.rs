//! The only place that prints. stdout carries data, stderr what is said about it.
//!
//! A reader that goes away (`betcode … | head -1`) is not an error: [`Output::flush`] answers with
//! [`Failure::output_closed`], which ends the process quietly. Everything is buffered until `flush`.

use std::io::{self, BufWriter, Write};

use rustix::event::{PollFd, PollFlags, poll};
use serde::Serialize;

use crate::environment::Environment;
use crate::error::{Failure, Report};

/// As much as a pipe takes at once on the systems we know.
const BUFFER: usize = 64 * 1024;

/// In which form an error is told, beyond the line on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    /// Not at all.
    Plain,
    /// `{"error":{…}}`.
    Object,
    /// The same as a `result` of Claude Code, so that a script that tests `is_error` sees it.
    Result,
}

/// Both outputs of the process.
pub(crate) struct Output {
    stdout: BufWriter<Descriptor>,
    terminal: bool,
    colours: bool,
}

impl Output {
    /// The process's own.
    pub(crate) fn new(environment: &Environment) -> Self {
        let terminal = rustix::termios::isatty(rustix::stdio::stdout());
        let dumb = environment.text("TERM") == Some("dumb");
        Self {
            stdout: BufWriter::with_capacity(BUFFER, Descriptor::Stdout),
            terminal,
            colours: terminal && !dumb && environment.text("NO_COLOR").is_none(),
        }
    }

    /// True when a person looks at stdout.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// True when stdout may carry colours.
    pub(crate) const fn colours(&self) -> bool {
        self.colours
    }

    /// Adds bytes to stdout.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout
            .write_all(bytes)
            .map_err(|error| failure(&error))
    }

    /// Adds a line to stdout.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.write(text.as_bytes())?;
        self.write(b"\n")
    }

    /// Adds a value as JSON: readable for a person, one line for a program.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        let text = text
            .map_err(|error| Failure::general("OUTPUT", format!("cannot write JSON: {error}")))?;
        self.line(&text)
    }

    /// Hands everything to the system.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(|error| failure(&error))
    }

    /// Tells an error and ends what was being printed.
    pub(crate) fn failure(&mut self, failure: &Failure, form: ErrorForm) {
        #[derive(Serialize)]
        struct Object<'a> {
            error: &'a Report,
        }
        let Some(report) = &failure.report else {
            return;
        };
        let printed = match form {
            ErrorForm::Plain => Ok(()),
            ErrorForm::Object => self.json(&Object { error: report }),
            ErrorForm::Result => self.line(&crate::headless::error_result(report)),
        };
        // What was printed so far comes first; if nobody reads it, the line on stderr still counts.
        let _ = printed.and_then(|()| self.flush());
        Self::report(report);
    }

    /// Tells an error on stderr only.
    pub(crate) fn report(report: &Report) {
        say(&format!("Error: {}", report.message));
        if !report.hint.is_empty() {
            say(&format!("hint: {}", report.hint));
        }
    }
}

/// Says a line on stderr, at once. A closed stderr is nobody's problem.
pub(crate) fn say(line: &str) {
    let _ = Descriptor::Stderr.write_all(format!("{}\n", printable(line)).as_bytes());
}

/// What is said while the daemon cannot record anything, and when it can again.
pub(crate) fn trouble_line(trouble: Option<&str>) -> String {
    match trouble {
        Some(trouble) => format!(
            "note: nothing can be recorded: {trouble}. The agent waits; this goes on by itself as soon as it can"
        ),
        None => "note: it goes on".to_owned(),
    }
}

/// Shows a line on stderr in the place of the one shown like this before, when a person looks at it. True when it is shown.
pub(crate) fn say_over(line: &str) -> bool {
    let terminal = rustix::termios::isatty(rustix::stdio::stderr());
    if terminal {
        let _ = Descriptor::Stderr.write_all(format!("\r\u{1b}[K{}", printable(line)).as_bytes());
    }
    terminal
}

/// Text as it may go to a terminal: whatever could steer the terminal or reorder what is shown becomes `�`.
pub(crate) fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(steers) {
        text.chars()
            .map(|c| if steers(c) { '\u{fffd}' } else { c })
            .collect::<String>()
            .into()
    } else {
        text.into()
    }
}

fn failure(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Failure::output_closed()
    } else {
        Failure::io("cannot write to stdout", error)
    }
}

/// A standard stream without the line buffering of `std::io::Stdout`, which would cost a system call for each line.
enum Descriptor {
    Stdout,
    Stderr,
}

impl Write for Descriptor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let descriptor = match self {
            Self::Stdout => rustix::stdio::stdout(),
            Self::Stderr => rustix::stdio::stderr(),
        };
        loop {
            match rustix::io::write(descriptor, bytes) {
                // Somebody who shares this descriptor made it non-blocking.
                Err(rustix::io::Errno::AGAIN) => {
                    poll(&mut [PollFd::new(&descriptor, PollFlags::OUT)], None)?;
                }
                Err(rustix::io::Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_a_terminal_cannot_steer_it() {
        assert_eq!(printable("plain ä\n\tx"), "plain ä\n\tx");
        assert_eq!(
            printable("a\u{1b}]0;x\u{7}b\r\u{9b}31m"),
            "a\u{fffd}]0;x\u{fffd}b\u{fffd}\u{fffd}31m"
        );
        assert_eq!(printable("a\u{202e}b"), "a\u{fffd}b");
    }
}
