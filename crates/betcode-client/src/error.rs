//! What can go wrong between a client and its daemon. The texts say what happened; what to do about it is up to the
//! caller, who knows its own commands.

use std::path::PathBuf;
use std::time::Duration;

use betcode_proto::convert::WireError;
use betcode_proto::status::Refusal;
use tonic::{Code, Status};

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens.
    #[error("no daemon is running for {}", state_dir.display())]
    NotRunning {
        /// Whose daemon.
        state_dir: PathBuf,
    },
    /// The system does not let this user connect.
    #[error("permission to connect to {} was denied", socket.display())]
    Denied {
        /// To what.
        socket: PathBuf,
    },
    /// Somebody else listens there.
    #[error("{} belongs to another user (uid {uid})", socket.display())]
    NotOurs {
        /// Where.
        socket: PathBuf,
        /// Who.
        uid: u32,
    },
    /// The daemon speaks another version of the protocol.
    #[error(
        "the daemon (version {daemon_version}) speaks protocol {protocol}, this program speaks {ours}"
    )]
    Incompatible {
        /// The daemon's version.
        daemon_version: String,
        /// Its protocol.
        protocol: u32,
        /// The protocol of this program.
        ours: u32,
    },
    /// The daemon is there but takes no connection.
    #[error("the daemon{} at {} did not answer within {}", process(*pid), socket.display(), seconds(*waited))]
    Silent {
        /// Where.
        socket: PathBuf,
        /// Its process, if that is known.
        pid: Option<u32>,
        /// How long it was given.
        waited: Duration,
    },
    /// The command that starts a daemon failed, or did not bring one up.
    #[error("the daemon could not be started: {problem}{}", said(stderr))]
    NotStarted {
        /// What happened.
        problem: String,
        /// The end of what it wrote to stderr.
        stderr: String,
    },
    /// There is no state directory, and it cannot be made.
    #[error("the state directory {} cannot be made: {message}", path.display())]
    StateDirectory {
        /// Where it should be.
        path: PathBuf,
        /// The system's reason.
        message: String,
    },
    /// A file or socket cannot be used.
    #[error("{}: {message}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// The system's reason.
        message: String,
    },
}

impl ConnectError {
    /// True when trying again can help.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::NotRunning { .. }
            | Self::Silent { .. }
            | Self::NotStarted { .. }
            | Self::StateDirectory { .. }
            | Self::Io { .. } => true,
            Self::Denied { .. } | Self::NotOurs { .. } | Self::Incompatible { .. } => false,
        }
    }
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The daemon refused; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The connection broke before the answer; whether anything was changed is not known.
    #[error("the connection to the daemon was lost: {0}")]
    Lost(String),
    /// No answer came; whether anything was changed is not known.
    #[error("the daemon did not answer within {}", seconds(*.0))]
    Silent(Duration),
    /// The answer makes no sense.
    #[error("the daemon's answer cannot be read: {0}")]
    Unreadable(#[from] WireError),
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        let refusal = Refusal::from(&status);
        let from_transport = std::error::Error::source(&status).is_some()
            || matches!(status.code(), Code::Unavailable | Code::Cancelled);
        if refusal.reason.is_empty() && from_transport {
            return Self::Lost(innermost(&status));
        }
        Self::Refused(refusal)
    }
}

/// The first cause, which says more than "transport error".
fn innermost(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

fn seconds(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis < 1_000 => format!("{millis} ms"),
        millis => format!("{} s", millis / 1_000),
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!("\n{stderr}")
    }
}
