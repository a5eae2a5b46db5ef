//! What follows from what became of the agent's process.

use super::decide::status_change;
use super::{AgentWanted, Progress, Session};
use crate::event::{AgentExit, Draft, EventBody, Status, StopReason, TurnError, TurnErrorKind};
use crate::id::HostEpoch;
use crate::time::Timestamp;

/// What became of the agent's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostNews {
    /// It runs.
    Started {
        /// Its host.
        host: HostEpoch,
        /// Its process.
        pid: u32,
    },
    /// It ended, and everything that it said has been read.
    Exited {
        /// Its host.
        host: HostEpoch,
        /// How.
        exit: AgentExit,
        /// The end of its stderr.
        stderr: String,
    },
}

impl Session {
    /// The events that follow from news about a host. News about another host than the present one say nothing.
    pub fn host(&self, progress: &mut Progress, now: Timestamp, news: HostNews) -> Vec<Draft> {
        match news {
            HostNews::Started { host, .. } | HostNews::Exited { host, .. }
                if self.agent.host() != Some(host) =>
            {
                Vec::new()
            }
            HostNews::Started { host, pid } => {
                let mut drafts = vec![EventBody::AgentStarted { host, pid }.into()];
                if self.turn.is_some() && self.info.status == Status::Starting {
                    self.status_to(Status::Thinking, &mut drafts);
                }
                drafts
            }
            HostNews::Exited { host, exit, stderr } => {
                self.exited(progress, now, host, exit, stderr)
            }
        }
    }

    fn exited(
        &self,
        progress: &mut Progress,
        now: Timestamp,
        host: HostEpoch,
        exit: AgentExit,
        stderr: String,
    ) -> Vec<Draft> {
        let told = std::mem::take(progress);
        let expected = self.agent_wanted() == AgentWanted::Stop
            || (self.turn.is_none() && exit == AgentExit::Code { code: 0 });
        let mut drafts = self.requests.withdraw_all();
        let stderr_shown = if expected {
            String::new()
        } else {
            stderr.clone()
        };
        let not_started = matches!(exit, AgentExit::NotStarted { .. });
        let message = describe(&exit, &stderr);
        drafts.push(
            EventBody::AgentExited {
                host,
                exit,
                stderr: stderr_shown,
            }
            .into(),
        );
        if self.turn.is_some() && !not_started {
            let lost = self
                .messages
                .sent()
                .filter(|id| !told.taken.contains(id) && !told.worked);
            drafts.extend(lost.map(|message_id| EventBody::DeliveryUnknown { message_id }.into()));
        }
        if expected && self.turn.is_none() {
            self.status_to(Status::Idle, &mut drafts);
        } else if !self.is_closed() {
            drafts.push(status_change(if not_started {
                Status::Error
            } else {
                Status::Crashed
            }));
        }
        if self.turn.is_some() {
            let mut end = match told.result {
                Some(result) => *result,
                None => self.bare_end(StopReason::AgentExited, now),
            };
            if end.stop_reason == StopReason::AgentExited {
                end.error = Some(TurnError {
                    kind: TurnErrorKind::AgentExited,
                    message,
                    http_status: None,
                    retry_after_ms: None,
                });
            }
            drafts.push(EventBody::TurnComplete(end).into());
        }
        drafts
    }
}

fn describe(exit: &AgentExit, stderr: &str) -> String {
    let how = match exit {
        AgentExit::Code { code } => format!("the agent ended with exit code {code}"),
        AgentExit::Signal { signal } => format!("the agent was ended by signal {signal}"),
        AgentExit::NotStarted { reason } => reason.clone(),
        AgentExit::HostLost => "the agent's host was killed, and the agent with it".to_owned(),
    };
    match stderr.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(last) => format!("{how}: {}", last.trim()),
        None => how,
    }
}
