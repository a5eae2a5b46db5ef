//! What follows from what became of the agent's process.

use super::calls::Lost;
use super::turn::answer_not_used;
use super::{AgentState, Progress, Session, Turn};
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
        /// Why it would not begin, if that is known: then it would not the next time either.
        refused: Option<Refused>,
    },
}

/// Why an agent would not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub message: String,
    /// What to do.
    pub hint: String,
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
                // A daemon that finds a running host again learns nothing new.
                if !matches!(self.agent, AgentState::Starting { .. }) {
                    return Vec::new();
                }
                let mut drafts = vec![EventBody::AgentStarted { host, pid }.into()];
                // Without a turn it was started for an answer, and takes up by itself what it was doing. With one that it
                // died in, it has begun when it works.
                let again = self.turn.as_ref().is_some_and(|turn| turn.deaths > 0);
                if self.info.status == Status::Starting && !again {
                    let status = match self.turn {
                        Some(_) => Status::Thinking,
                        None => self.rest_status(),
                    };
                    self.status_to(status, &mut drafts);
                }
                drafts
            }
            HostNews::Exited {
                host,
                exit,
                stderr,
                refused,
            } => {
                let told = std::mem::take(progress);
                self.exited(told, now, host, exit, &stderr, refused)
            }
        }
    }

    fn exited(
        &self,
        mut told: Progress,
        now: Timestamp,
        host: HostEpoch,
        exit: AgentExit,
        stderr: &str,
        refused: Option<Refused>,
    ) -> Vec<Draft> {
        let expected = self.stopping || self.ended_by_itself(&told, &exit);
        let refused = refused.filter(|_| !expected);
        let not_started = matches!(exit, AgentExit::NotStarted { .. }) || refused.is_some();
        let mut message = describe(&exit, stderr);
        if let Some(refused) = &refused {
            message.clone_from(&refused.message);
            told.result = None;
        }
        let can_go_on = !expected && !not_started;
        let restart = self.restarts_at(&told, now).filter(|_| can_go_on);
        let stderr = if expected {
            String::new()
        } else {
            stderr.to_owned()
        };
        // What a person is to decide outlives the agent that asked, if it can be started anew where it was; not in a turn that
        // somebody has stopped.
        let stopped = self
            .turn
            .as_ref()
            .is_some_and(|turn| turn.cancelled.is_some());
        let asks_again = !expected && !not_started && !stopped && self.resumable;
        let lost = if expected { Lost::Ended } else { Lost::Died };
        let mut drafts = self.calls.lose_all(lost);
        drafts.extend(if asks_again {
            self.requests.withdraw_nested()
        } else {
            self.requests.withdraw_all()
        });
        drafts.push(EventBody::AgentExited { host, exit, stderr }.into());
        drafts.extend(refused.map(|refused| {
            EventBody::Error {
                code: "agent_refused".to_owned(),
                message: refused.message,
                hint: refused.hint,
                fatal: false,
            }
            .into()
        }));
        if !not_started {
            drafts.extend(self.unheard(&told));
        }
        if restart.is_some() {
            let waits = EventBody::StatusChange {
                status: Status::Starting,
                detail: format!("{message}; it is started again"),
                retry_at: restart,
            };
            drafts.push(waits.into());
            return drafts;
        }
        if let Some(turn) = self.turn.as_ref().filter(|_| can_go_on)
            && self.dies_too_often(turn, now)
        {
            message.push_str("; it has died too often to be started again by itself");
        }
        if self.turn.is_none() && self.goes_on() && !self.is_closed() {
            drafts.push(answer_not_used());
        }
        self.status_to(
            match (expected, not_started) {
                (true, _) => Status::Idle,
                (false, true) => Status::Error,
                (false, false) => Status::Crashed,
            },
            &mut drafts,
        );
        if let Some(turn) = &self.turn {
            // One that did not hear that it is to stop was ended for that.
            let reason = if self.stopping && turn.cancelled.is_some() {
                StopReason::Cancelled
            } else {
                StopReason::AgentExited
            };
            let mut end = self.concluded(turn, told, reason, now);
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

    /// Messages of the turn of which nobody knows whether the agent that has died had them: it had not begun, or says of every
    /// message that it has it, and was at work of its own. What the first agent of a turn had is no question for the next.
    fn unheard(&self, told: &Progress) -> Vec<Draft> {
        let asks = |turn: &Turn| turn.deaths == 0 && (!told.worked || told.reports);
        if !self.turn.as_ref().is_some_and(asks) {
            return Vec::new();
        }
        let unheard = self.messages.sent().filter(|id| !told.taken.contains(id));
        unheard
            .map(|message_id| EventBody::DeliveryUnknown { message_id }.into())
            .collect()
    }

    /// True when nothing was cut short: the agent ended at rest, or after the outcome of its turn, and not by a fault.
    fn ended_by_itself(&self, told: &Progress, exit: &AgentExit) -> bool {
        let asked = |signal: &i32| POLITE_SIGNALS.contains(signal);
        let politely = match exit {
            AgentExit::Code { code } => *code == 0 || asked(&(code.saturating_sub(128))),
            AgentExit::Signal { signal } => asked(signal),
            AgentExit::NotStarted { .. } | AgentExit::HostLost => false,
        };
        politely && (self.turn.is_none() || told.result.is_some())
    }
}

/// Ways in which a program ends that was asked to: hang-up, interrupt, terminate.
const POLITE_SIGNALS: [i32; 3] = [1, 2, 15];

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
