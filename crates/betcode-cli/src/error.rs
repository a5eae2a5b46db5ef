//! What the user is told when something does not work: one line, one hint, a stable reason and an exit code.
//!
//! Not the place that prints: see `output`.

use betcode_client::{CallError, ConnectError};
use betcode_proto::convert::WireError;
use betcode_proto::status::{Refusal, reason};
use serde::Serialize;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Success,
    /// The agent failed, or anything that has no code of its own.
    Failure,
    /// No daemon could be reached.
    Connection,
    /// Something was needed that nobody allowed.
    Denied,
    /// The model's service asks to wait.
    RateLimited,
    /// A test of rules says that somebody would be asked.
    Asked,
    /// The command line makes no sense, or names a file or directory that is not there or cannot be used.
    Usage,
    /// `--timeout` ran out.
    Timeout,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Connection => 2,
            Self::Denied => 3,
            Self::RateLimited => 4,
            Self::Asked => 5,
            Self::Usage => 64,
            Self::Timeout => 124,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The number as Claude Code would give it: 0 when there is an answer, else 1.
    pub(crate) const fn claude_code(self) -> u8 {
        match self {
            Self::Success | Self::Denied => 0,
            Self::Failure
            | Self::Connection
            | Self::RateLimited
            | Self::Asked
            | Self::Usage
            | Self::Timeout
            | Self::Interrupted
            | Self::Terminated => 1,
        }
    }
}

/// The reason of a turn that was stopped.
pub(crate) const CANCELLED: &str = "CANCELLED";

/// Why a command ends before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What to tell; nothing when the reader of our output went away.
    pub(crate) report: Option<Report>,
}

/// An error as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// The kind of failure, as gRPC names it.
    pub(crate) code: String,
    /// A stable word.
    pub(crate) reason: String,
    /// What happened, in one line.
    pub(crate) message: String,
    /// What to do; may be empty.
    pub(crate) hint: String,
}

impl Failure {
    /// Whether somebody stopped the turn.
    pub(crate) fn is_cancellation(&self) -> bool {
        self.is(CANCELLED)
    }

    /// Whether this is the reason.
    pub(crate) fn is(&self, reason: &str) -> bool {
        let report = self.report.as_ref();
        report.is_some_and(|report| report.reason == reason)
    }

    fn new(exit: Exit, code: &str, reason: &str, message: impl Into<String>) -> Self {
        let report = Report {
            code: code.to_owned(),
            reason: reason.to_owned(),
            message: one_line(&message.into()),
            hint: String::new(),
        };
        Self {
            exit,
            report: Some(report),
        }
    }

    /// Anything without an exit code of its own.
    pub(crate) fn general(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, "FAILED_PRECONDITION", reason, message)
    }

    /// Something that was named does not exist.
    pub(crate) fn not_found(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, "NOT_FOUND", reason, message)
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "INVALID_ARGUMENT", "USAGE", message)
    }

    /// What was read makes no sense.
    pub(crate) fn invalid(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, "INVALID_ARGUMENT", reason, message)
    }

    /// A file or directory could not be used.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        Self::new(
            Exit::Failure,
            "FAILED_PRECONDITION",
            "IO",
            format!("{what}: {error}"),
        )
    }

    /// A file or directory that the command line names cannot be used.
    pub(crate) fn unusable(what: &str, error: &std::io::Error) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::io(what, error)
        }
    }

    /// A file or directory that the command line names is not there.
    pub(crate) fn missing(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "NOT_FOUND", reason, message)
    }

    /// No daemon could be reached.
    pub(crate) fn connection(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Connection, "UNAVAILABLE", reason, message)
    }

    /// With a code and exit of its own.
    pub(crate) fn with(exit: Exit, code: &str, reason: &str, message: impl Into<String>) -> Self {
        Self::new(exit, code, reason, message)
    }

    /// The reader of our output went away: nothing is wrong and there is nobody to tell.
    pub(crate) const fn output_closed() -> Self {
        Self {
            exit: Exit::Success,
            report: None,
        }
    }

    /// The daemon was reached and said that this cannot be done now: that is no failure of the connection.
    pub(crate) fn not_now(error: CallError) -> Self {
        let refused = matches!(error, CallError::Refused(_));
        let mut failure = Self::from(error);
        if refused {
            failure.exit = Exit::Failure;
        }
        failure
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(report) = &mut self.report {
            report.hint = one_line(&hint.into());
        }
        self
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let message = error.to_string();
        match error {
            ConnectError::NotRunning { .. } => {
                Self::connection("NO_DAEMON", message).hint("betcode daemon start starts one")
            }
            ConnectError::Denied { .. } | ConnectError::NotOurs { .. } => Self::connection(
                "NOT_OUR_DAEMON",
                message,
            )
            .hint(
                "BETCODE_STATE_DIR chooses another place for the state, and with it another daemon",
            ),
            ConnectError::Incompatible { .. } => Self::connection("DAEMON_VERSION", message)
                .hint("betcode daemon restart replaces it; turns that run go on"),
            ConnectError::Silent { pid, .. } => {
                let hint = "betcode daemon logs shows what it is doing";
                Self::connection("DAEMON_SILENT", message).hint(match pid {
                    Some(pid) => format!(
                        "{hint}; if it was stopped, kill -CONT {pid} lets it go on; kill -9 {pid} ends it, and nothing recorded is lost"
                    ),
                    None => hint.to_owned(),
                })
            }
            ConnectError::NotStarted { stderr, .. } => not_started(&message, &stderr),
            ConnectError::StateDirectory { path, .. } => {
                let elsewhere = "set BETCODE_STATE_DIR to a directory of your own on a local disk";
                Self::connection("STATE_DIRECTORY", message).hint(match in_the_way(&path) {
                    Some(file) => format!(
                        "{0} is no directory: mv {0} {0}.old, or {elsewhere}",
                        file.display()
                    ),
                    None => elsewhere.to_owned(),
                })
            }
            ConnectError::Io { path, .. } => {
                let hint = match path.parent().and_then(in_the_way) {
                    Some(file) => format!("{0} is no directory: mv {0} {0}.old", file.display()),
                    None => "betcode daemon doctor looks for what is wrong".to_owned(),
                };
                Self::connection("DAEMON_IO", message).hint(hint)
            }
        }
    }
}

/// What should be a directory and is none: a place itself or one above it.
fn in_the_way(path: &std::path::Path) -> Option<&std::path::Path> {
    let mut places = path.ancestors();
    places.find(|place| place.metadata().is_ok_and(|data| !data.is_dir()))
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refusal.into(),
            CallError::Lost(_) | CallError::Silent(_) => {
                Self::connection("CONNECTION_LOST", error.to_string())
            }
            CallError::Unreadable(_) => {
                Self::with(Exit::Failure, "INTERNAL", "UNREADABLE", error.to_string())
                    .hint("betcode daemon restart, if the daemon is of another version")
            }
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = if refusal.is_unavailable() {
            Exit::Connection
        } else {
            Exit::Failure
        };
        let code = screaming(&format!("{:?}", refusal.code));
        if code == "UNIMPLEMENTED" && refusal.reason.is_empty() {
            let message = "the daemon is of an older version, which does not know this yet";
            return Self::new(Exit::Failure, &code, "DAEMON_TOO_OLD", message)
                .hint("betcode daemon restart takes the new one, and running turns go on");
        }
        let reason = match refusal.reason.as_str() {
            "" => "REFUSED",
            reason => reason,
        };
        let mut hint = refusal.hint;
        if let (true, reason::SESSION_CLOSED, Some(session)) =
            (hint.is_empty(), reason, refusal.metadata.get("session"))
        {
            hint = format!("betcode session resume {session} makes it usable again");
        }
        Self::new(exit, &code, reason, refusal.message).hint(hint)
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        CallError::from(error).into()
    }
}

/// A daemon tells an error and a hint itself.
fn not_started(message: &str, stderr: &str) -> Failure {
    let line = |start: &str| {
        stderr
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix(start))
    };
    let said = line("Error: ").map(|error| format!("the daemon could not be started: {error}"));
    Failure::connection(
        "DAEMON_NOT_STARTED",
        said.unwrap_or_else(|| message.to_owned()),
    )
    .hint(
        line("hint: ")
            .or(line("hint: "))
            .unwrap_or("betcode daemon run shows what happens"),
    )
}

/// `NotFound` as `NOT_FOUND`.
fn screaming(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(c.to_ascii_uppercase());
    }
    words
}

/// Line breaks become blanks, so that one error stays one line.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_it_is_made_of() {
        let failure = Failure::general("X", "first\n  second\r\n").hint("do\nthis");
        let report = failure.report.unwrap();
        assert_eq!(
            (report.message.as_str(), report.hint.as_str()),
            ("first second", "do this")
        );
    }

    #[test]
    fn a_daemon_that_does_not_know_a_call_is_too_old() {
        let refusal = |reason: &str| {
            Refusal::from(betcode_proto::v1::Refused {
                code: 12,
                reason: reason.into(),
                message: "no such method".into(),
                ..Default::default()
            })
        };
        let failure = Failure::from(refusal(""));
        let report = failure.report.unwrap();
        assert_eq!(
            (failure.exit, &*report.code, &*report.reason),
            (Exit::Failure, "UNIMPLEMENTED", "DAEMON_TOO_OLD")
        );
        assert!(report.hint.contains("daemon restart"));
        let ours = Failure::from(refusal("UNSUPPORTED")).report.unwrap();
        assert_eq!(
            (&*ours.reason, &*ours.message),
            ("UNSUPPORTED", "no such method")
        );
    }

    #[test]
    fn codes_are_spelled_as_grpc_spells_them() {
        assert_eq!(screaming("FailedPrecondition"), "FAILED_PRECONDITION");
    }

    #[test]
    fn exit_codes_for_scripts_written_for_claude_are_only_zero_and_one() {
        for exit in [Exit::Success, Exit::Denied] {
            assert_eq!(exit.claude_code(), 0);
        }
        for exit in [
            Exit::Failure,
            Exit::Connection,
            Exit::RateLimited,
            Exit::Timeout,
            Exit::Interrupted,
        ] {
            assert_eq!(exit.claude_code(), 1);
        }
    }
}
