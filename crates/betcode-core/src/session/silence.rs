//! An agent that says nothing although something is expected of it: the turn stalls, a request to stop is not heard, a turn is
//! not taken up again.
//!
//! States: *nothing is expected* (no turn; a tool runs; somebody is asked something; it compacts; it has said when it tries
//! again; it is being started or ended), or *something is*, and silence lasts since the agent's last byte or since that began.
//!
//! Laws:
//! - silence is measured on the hand of the clock that never jumps, and not while the machine sleeps; a daemon that starts
//!   counts anew;
//! - any byte ends it, and costs no event unless the turn was called stalled;
//! - a turn is called stalled once in each silence, and after a longer one interrupted, if that is wished;
//! - an agent that is asked to stop and stays silent is ended, and its turn with it: nothing waits for ever.

use std::time::Duration;

use super::crash::itself;
use super::{AgentState, Progress, Session, Terms};
use crate::config::format_duration;
use crate::event::{Draft, EventBody, Status};
use crate::time::Timestamp;

/// The shortest and the longest silence after which a turn may be set to be called stalled.
pub const STALLED_AFTER: (Duration, Duration) = (Duration::from_secs(10), Duration::from_hours(1));
/// The longest silence after which a turn may be set to be interrupted.
pub const LONGEST_STALL: Duration = Duration::from_hours(24);
/// How long an agent may be silent after it was asked to stop.
const TO_STOP: Duration = Duration::from_secs(30);
/// How long an agent may be silent that was started again, has said that it is ready, and has begun nothing.
const TO_TAKE_UP: Duration = Duration::from_secs(15);

/// What is expected of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It works on its turn.
    Work,
    /// It stops its turn.
    Stop,
    /// It takes up its turn again.
    TakeUp,
}

/// Since when an agent is silent. Times are those of the hand that never jumps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silence {
    since: Option<(Expected, Duration)>,
}

impl Silence {
    /// A byte has come.
    pub fn heard(&mut self, uptime: Duration) {
        if let Some((_, since)) = &mut self.since {
            *since = uptime;
        }
    }

    /// Takes note of what is expected now. To be called after anything has happened; the clock is read only if it matters.
    pub fn watch(
        &mut self,
        session: &Session,
        progress: &Progress,
        uptime: impl FnOnce() -> Duration,
    ) {
        let expected = session.expected(progress);
        if self.since.map(|(before, _)| before) != expected {
            self.since = expected.map(|expected| (expected, uptime()));
        }
    }

    /// When [`Session::silent`] has something to do.
    pub fn due(&self, session: &Session, progress: &Progress, terms: &Terms) -> Option<Duration> {
        let (expected, since) = self.since?;
        let wait = match expected {
            Expected::Work => {
                let patience = if session.info.status == Status::Stalled {
                    terms.interrupt_stalled_after?.max(terms.stalled_after)
                } else {
                    terms.stalled_after
                };
                patience.saturating_add(session.tries_again_after(progress))
            }
            Expected::Stop => TO_STOP,
            Expected::TakeUp => TO_TAKE_UP,
        };
        Some(since.saturating_add(wait))
    }
}

impl Session {
    /// What is expected of the agent: none when it may well be silent.
    fn expected(&self, progress: &Progress) -> Option<Expected> {
        let turn = self.turn.as_ref()?;
        if !matches!(self.agent, AgentState::Running { .. }) || self.stopping {
            return None;
        }
        if turn.cancelled.is_some() {
            return Some(Expected::Stop);
        }
        let begun = turn.messages.iter().any(|id| progress.taken.contains(id));
        if self.info.status == Status::Starting && turn.deaths > 0 && !begun {
            // Before it is ready nobody can say how long that takes; see `crash`.
            return progress.ready.then_some(Expected::TakeUp);
        }
        let may_be_silent = self.requests.any_heard()
            || !progress.tools.is_empty()
            || self.info.status == Status::Compacting;
        (!may_be_silent).then_some(Expected::Work)
    }

    /// How long after its last word the agent means to try again.
    fn tries_again_after(&self, progress: &Progress) -> Duration {
        match self.info.status {
            Status::Retrying | Status::RateLimited => {
                Duration::from_millis(progress.retry_delay_ms.unwrap_or_default())
            }
            _ => Duration::ZERO,
        }
    }

    /// What follows from the agent's silence.
    pub fn silent(
        &self,
        progress: &mut Progress,
        silence: &Silence,
        terms: &Terms,
        now: Timestamp,
        uptime: Duration,
    ) -> Vec<Draft> {
        let Some((expected, since)) = silence.since else {
            return Vec::new();
        };
        if silence
            .due(self, progress, terms)
            .is_none_or(|due| due > uptime)
        {
            return Vec::new();
        }
        let lasts = uptime.saturating_sub(since);
        match expected {
            Expected::Work if self.info.status != Status::Stalled => {
                let lasts = in_seconds(lasts);
                let began = Timestamp(now.0.saturating_sub(Timestamp(0).plus(lasts).0));
                let detail = format!(
                    "the agent has said nothing for {} (since {} UTC): wait, or stop the turn with betcode session cancel {}",
                    format_duration(lasts),
                    began.time_of_day(),
                    self.id,
                );
                let stalled = EventBody::StatusChange {
                    status: Status::Stalled,
                    detail,
                    retry_at: None,
                };
                vec![stalled.into()]
            }
            Expected::Work => {
                progress.stalled_ms = Some(super::observe::millis(lasts));
                vec![EventBody::CancelRequested { by: itself() }.into()]
            }
            Expected::Stop => self.end_unresponsive(),
            Expected::TakeUp => self.not_taken_up(now),
        }
    }

    /// The agent was asked to stop and does not: it is ended, and its turn ends with it.
    fn end_unresponsive(&self) -> Vec<Draft> {
        let Some(host) = self.agent.host() else {
            return Vec::new();
        };
        let told = EventBody::Error {
            code: "agent_unresponsive".to_owned(),
            message: format!(
                "the agent was asked to stop and has said nothing for {}: it is ended",
                format_duration(TO_STOP)
            ),
            hint: "the next message starts it again".to_owned(),
            fatal: false,
        };
        vec![told.into(), EventBody::AgentStopping { host }.into()]
    }

    /// The agent has said something, whatever it is: a turn that was called stalled goes on.
    pub fn speaks(&self, progress: &Progress) -> Vec<Draft> {
        let mut drafts = Vec::new();
        if self.info.status == Status::Stalled && self.turn.is_some() {
            self.status_to(self.busy_status(progress), &mut drafts);
        }
        drafts
    }
}

/// Why a turn ended that was interrupted because of silence.
pub(super) fn why_interrupted(stalled_ms: u64) -> String {
    let lasts = in_seconds(Duration::from_millis(stalled_ms));
    format!(
        "the agent said nothing for {} and was interrupted",
        format_duration(lasts)
    )
}

/// Without the fraction, which says nothing.
const fn in_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}
