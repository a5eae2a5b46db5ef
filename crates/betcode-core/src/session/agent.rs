//! The agent's process as the log knows it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Session;
use crate::command::LaunchOptions;
use crate::event::{Capability, Draft, EventBody};
use crate::id::HostEpoch;
use crate::observation::AgentRequest;
use crate::time::Timestamp;

/// How long an agent stays when its session is at rest and nobody watches it. An idle agent costs memory, a new start less
/// than a second.
const REST: Duration = Duration::from_mins(30);

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
        /// It is told to resume its conversation.
        resume: bool,
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

    /// True when it is being started and told to resume its conversation.
    pub fn resumes(&self) -> bool {
        matches!(self, Self::Starting { resume: true, .. })
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
    /// What should become of the agent. This is a level, not an edge: once the agent is to end it stays so until it has
    /// ended, even when the reason has gone meanwhile, because nobody can say how far it has got with ending.
    pub fn agent_wanted(&self) -> AgentWanted {
        if self.stopping {
            AgentWanted::Stop
        } else {
            AgentWanted::Stay
        }
    }

    /// True when an agent that is started now should take up again the turn that it died in.
    pub fn goes_on(&self) -> bool {
        let died = self.turn.as_ref().is_some_and(|turn| turn.deaths > 0);
        died || !self.requests.kept.is_empty()
    }

    /// From when on the agent is no longer needed, provided that no client is attached; none while it is at work. After
    /// an unattended run that is at once, otherwise when the session has been at rest for a while.
    pub fn rests_since(&self) -> Option<Timestamp> {
        let busy = self.turn.is_some()
            || self.stopping
            || self.messages.first_queued().is_some()
            || !self.requests.is_empty()
            || self.works_in_background();
        if busy || !matches!(self.agent, AgentState::Running { .. }) {
            return None;
        }
        Some(if self.policy.unattended {
            self.updated
        } else {
            self.updated.plus(REST)
        })
    }

    /// True while the agent does something in the background that would end with it. What an unattended run leaves behind
    /// does not keep its agent: whoever started the run does not come back for it.
    fn works_in_background(&self) -> bool {
        !self.policy.unattended && !self.info.background_tasks.is_empty()
    }

    /// Asks the agent to end because nobody needs it. It is started again with the next message.
    pub fn rest(&self) -> Vec<Draft> {
        match (self.rests_since(), self.agent.host()) {
            (Some(_), Some(host)) => vec![EventBody::AgentStopping { host }.into()],
            _ => Vec::new(),
        }
    }

    /// What a running agent is told so that it works by other options at once; none when it has to be started anew for
    /// them. Whether an agent may ask at all it must know from its start.
    pub(super) fn tell_launch(&self, launch: &LaunchOptions) -> Option<Vec<AgentRequest>> {
        const AT_ONCE: [&str; 3] = ["default", "acceptEdits", "plan"];
        let AgentState::Running { launch: known, .. } = &self.agent else {
            return None;
        };
        let can = |capability| self.info.capabilities.contains(&capability);
        let others_are_the_same = *launch
            == LaunchOptions {
                model: launch.model.clone(),
                permission_mode: launch.permission_mode.clone(),
                ..known.clone()
            };
        if self.stopping || !others_are_the_same {
            return None;
        }
        let mut requests = Vec::new();
        if launch.model != known.model {
            if !can(Capability::Models) {
                return None;
            }
            requests.push(AgentRequest::SetModel(launch.model.clone()));
        }
        if launch.permission_mode != known.permission_mode {
            let both = [&launch.permission_mode, &known.permission_mode];
            let at_once = |mode: &&String| AT_ONCE.contains(&mode.as_str());
            let from_default =
                known.permission_mode.is_empty() && at_once(&&launch.permission_mode);
            if !can(Capability::Modes) || !(from_default || both.iter().all(at_once)) {
                return None;
            }
            let mode = launch.permission_mode.clone();
            requests.push(AgentRequest::SetPermissionMode(mode));
        }
        Some(requests)
    }

    /// An agent that was told works by the new options; another one is started with them.
    pub(super) fn launch_changed(&mut self, launch: &LaunchOptions) {
        let told = self.tell_launch(launch).is_some();
        if let AgentState::Running { launch: known, .. } = &mut self.agent
            && told
        {
            known.clone_from(launch);
        }
        self.launch = launch.clone();
    }

    /// Called after each event: keeps the level.
    pub(super) fn keep_level(&mut self) {
        let outdated = || {
            self.agent
                .launch()
                .is_some_and(|launch| *launch != self.launch)
        };
        let reason = self.is_closed() || (self.turn.is_none() && outdated());
        self.stopping = self.agent.is_present() && (self.stopping || reason);
    }
}
