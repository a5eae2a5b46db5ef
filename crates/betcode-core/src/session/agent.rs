//! The agent's process as the log knows it.

use serde::{Deserialize, Serialize};

use super::Session;
use crate::command::LaunchOptions;
use crate::id::HostEpoch;

/// Whether the session's agent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AgentState {
    /// It does not.
    Absent,
    /// Its host is being started.
    Starting {
        /// The host.
        host: HostEpoch,
        /// With which options.
        launch: LaunchOptions,
    },
    /// It runs.
    Running {
        /// The host.
        host: HostEpoch,
        /// The agent's process.
        pid: u32,
        /// With which options.
        launch: LaunchOptions,
    },
}

impl AgentState {
    /// The host, when there is one.
    pub fn host(&self) -> Option<HostEpoch> {
        match self {
            Self::Absent => None,
            Self::Starting { host, .. } | Self::Running { host, .. } => Some(*host),
        }
    }

    /// True when there is a host.
    pub fn is_present(&self) -> bool {
        self.host().is_some()
    }

    /// With which options it was started.
    pub fn launch(&self) -> Option<&LaunchOptions> {
        match self {
            Self::Absent => None,
            Self::Starting { launch, .. } | Self::Running { launch, .. } => Some(launch),
        }
    }
}

/// What should become of a present agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentWanted {
    /// It may stay.
    Stay,
    /// It should end: the session is closed, or the agent is idle and was started with options that no longer hold.
    Stop,
}

impl Session {
    /// What should become of the agent. This is a level, not an edge: it holds until the agent has ended.
    pub fn agent_wanted(&self) -> AgentWanted {
        let outdated = self
            .agent
            .launch()
            .is_some_and(|launch| *launch != self.launch);
        if self.is_closed() || (outdated && self.turn.is_none()) {
            AgentWanted::Stop
        } else {
            AgentWanted::Stay
        }
    }
}
