//! Answers of the daemon as plain data.

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_core::event::SessionInfo;
use betcode_core::id::{LogEpoch, Sequence, SessionId};
use betcode_core::time::Timestamp;
use betcode_proto::convert::lock::{Lock, WaitingMessage};
use betcode_proto::convert::session::Summary;
use betcode_proto::convert::{WireError, read_id, read_optional_id};
use betcode_proto::v1;
use serde::Serialize;

use super::present;

/// A command was done, and that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The log's epoch.
    pub epoch: LogEpoch,
    /// The first event that followed from it, if any did.
    pub sequence: Option<Sequence>,
    /// Lines that the user should read.
    pub notices: Vec<String>,
    /// More, by key, such as how a limit stands (`rate-limit-remaining`).
    pub metadata: BTreeMap<String, String>,
}

impl TryFrom<v1::Accepted> for Accepted {
    type Error = WireError;

    fn try_from(accepted: v1::Accepted) -> Result<Self, WireError> {
        Ok(Self {
            epoch: LogEpoch(read_id("epoch", &accepted.epoch)?),
            sequence: Some(Sequence(accepted.sequence)).filter(|first| first.0 != 0),
            notices: accepted.notices,
            metadata: accepted.metadata.into_iter().collect(),
        })
    }
}

/// One session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionDetails {
    /// What lists show of it.
    pub summary: Summary,
    /// What its agent said it is; none before it has said anything.
    pub info: Option<SessionInfo>,
    /// The log's epoch.
    pub epoch: LogEpoch,
    /// The input lock.
    pub lock: Lock,
    /// Messages that are not settled: queued, or of unknown delivery.
    pub messages: Vec<WaitingMessage>,
}

impl TryFrom<v1::GetSessionResponse> for SessionDetails {
    type Error = WireError;

    fn try_from(response: v1::GetSessionResponse) -> Result<Self, WireError> {
        Ok(Self {
            summary: present("session", response.session)?.try_into()?,
            info: response.info.map(Into::into),
            lock: response.lock.unwrap_or_default().into(),
            messages: response
                .messages
                .into_iter()
                .map(WaitingMessage::try_from)
                .collect::<Result<_, _>>()?,
            epoch: LogEpoch(read_id("epoch", &response.epoch)?),
        })
    }
}

/// What runs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonStatus {
    /// The daemon's version.
    pub version: String,
    /// What it can do beyond the first version, by name.
    pub capabilities: Vec<String>,
    /// Its process.
    pub pid: u32,
    /// Its socket.
    pub socket: String,
    /// Its state directory.
    pub state_dir: String,
    /// How long it has run.
    pub uptime: Duration,
    /// How many sessions there are.
    pub sessions: u64,
    /// How many of them are in memory.
    pub open_sessions: u64,
    /// How many clients are connected, this one included.
    pub clients: u64,
    /// How many agents run.
    pub agents: u64,
    /// The log's epoch.
    pub epoch: Option<LogEpoch>,
    /// True when it ends with the command that started it.
    pub ephemeral: bool,
    /// What the user should know and do something about.
    pub notices: Vec<String>,
}

impl TryFrom<v1::GetStatusResponse> for DaemonStatus {
    type Error = WireError;

    fn try_from(status: v1::GetStatusResponse) -> Result<Self, WireError> {
        Ok(Self {
            epoch: read_optional_id("epoch", &status.epoch)?.map(LogEpoch),
            version: status.version,
            capabilities: status.capabilities,
            pid: status.pid,
            socket: status.socket,
            state_dir: status.state_dir,
            uptime: Duration::from_millis(status.uptime_ms),
            sessions: status.sessions,
            open_sessions: status.open_sessions,
            clients: status.clients,
            agents: status.agents,
            ephemeral: status.ephemeral,
            notices: status.notices,
        })
    }
}

/// One agent that could be used. Its JSON is what `agent list --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Whether its program was found.
    pub installed: bool,
    /// Whether the daemon's build can drive it.
    pub supported: bool,
    /// Its version as it says it; empty when it does not.
    pub version: String,
    /// The command that would be run.
    pub command: Vec<String>,
    /// Whether it is logged in: `yes`, `no`, `unknown`, `not needed`.
    pub login: String,
    /// The one thing to do when something is missing.
    pub hint: String,
    /// Whether a new session would use it.
    pub chosen: bool,
    /// How far rules bind it: `enforced`, `asked-only`; empty when it cannot be driven.
    pub rules: String,
}

impl From<v1::AgentSummary> for Agent {
    fn from(agent: v1::AgentSummary) -> Self {
        Self {
            name: agent.name,
            installed: agent.installed,
            supported: agent.supported,
            version: agent.version,
            command: agent.command,
            login: agent.login,
            hint: agent.hint,
            chosen: agent.chosen,
            rules: agent.rules,
        }
    }
}

/// A trusted directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trusted {
    /// The directory with links resolved.
    pub directory: String,
    /// Since when.
    pub since: Timestamp,
    /// False when another directory stands in its place now.
    pub current: bool,
}

impl From<v1::TrustedDirectory> for Trusted {
    fn from(trusted: v1::TrustedDirectory) -> Self {
        Self {
            directory: trusted.directory,
            since: Timestamp(trusted.since_us),
            current: trusted.current,
        }
    }
}

/// What is looked for, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The words; all of them must occur in one entry.
    pub words: String,
    /// At most so many sessions, or entries of the one session; 0: the daemon's own limit.
    pub limit: u32,
    /// Only sessions of this directory.
    pub cwd: Option<String>,
    /// Only this session.
    pub session: Option<SessionId>,
}
