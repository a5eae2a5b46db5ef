//! An agent that died in the middle of a turn: it is started again, and its turn goes on.
//!
//! States, of the turn: *runs*; *waits for a start* (the agent has died, and is started again at a time); *starts* (a process was
//! told to take up the turn where it was cut short, and has not begun to work); *runs* again.
//!
//! Laws:
//! - a turn goes on only when the agent had begun to work on it, can resume, and nobody asked to stop it: a message that may
//!   not have arrived is not repeated by anybody but its sender;
//! - each death doubles the wait, from half a second to half a minute;
//! - five deaths within a minute, or ten in one turn, end the turn: what kills an agent each time costs money each time;
//! - an agent that was started again and does not take up its turn within a minute ends it too, and one that is ready and
//!   silent much sooner (see `silence`): nothing waits for ever;
//! - the waits are in the log, so a daemon that was down meanwhile goes on where it stands.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AgentState, Context, Progress, Session, Turn};
use crate::event::{
    Capability, ClientInfo, Draft, EventBody, Status, StopReason, TurnComplete, TurnError,
    TurnErrorKind,
};
use crate::time::Timestamp;

/// The wait after the first death of a turn, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// So many deaths within [`WITHIN`] are too many.
const TOO_MANY: usize = 5;
const WITHIN: Duration = Duration::from_mins(1);
/// So many deaths of one turn are too many.
const TOO_MANY_IN_A_TURN: u32 = 10;
/// How long an agent has to take up its turn again.
const TO_TAKE_UP: Duration = Duration::from_mins(1);

/// What is known of an agent's deaths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Deaths {
    /// When it died last, at most [`TOO_MANY`] times.
    lately: Vec<Timestamp>,
    /// When it is started again.
    restart: Option<Timestamp>,
    /// Until when the one that was started again has to take up its turn.
    take_up_by: Option<Timestamp>,
}

impl Deaths {
    /// A status tells it all: an absent agent that is starting at a time died in its turn; any work ends the wait.
    pub(super) fn status(&mut self, status: Status, restart: Option<Timestamp>, at: Timestamp) {
        match (status, restart) {
            (Status::Starting, Some(restart)) => {
                self.lately.push(at);
                if self.lately.len() > TOO_MANY {
                    self.lately.remove(0);
                }
                self.restart = Some(restart);
            }
            (Status::Starting, None) => {}
            _ => {
                self.restart = None;
                self.take_up_by = None;
            }
        }
    }

    pub(super) fn starting(&mut self) {
        self.restart = None;
    }

    pub(super) fn started(&mut self, at: Timestamp) {
        self.take_up_by = Some(at.plus(TO_TAKE_UP));
    }

    pub(super) fn turn_ended(&mut self) {
        self.restart = None;
        self.take_up_by = None;
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.restart.into_iter().chain(self.take_up_by).min()
    }

    pub(super) fn waits(&self) -> bool {
        self.restart.is_some()
    }
}

/// The daemon, where it asks for something that people ask for otherwise.
pub(super) fn itself() -> ClientInfo {
    ClientInfo {
        name: "betcode".to_owned(),
        ..ClientInfo::default()
    }
}

impl Session {
    /// When the agent is started again whose turn goes on then; none when its turn ends with it.
    pub(super) fn restarts_at(&self, told: &Progress, now: Timestamp) -> Option<Timestamp> {
        let turn = self.turn.as_ref()?;
        let begun = told.worked || turn.deaths > 0;
        let can_resume = self.info.capabilities.contains(&Capability::Resume) && self.resumable;
        let is_over = told.result.is_some() || turn.cancelled.is_some() || self.is_closed();
        if !begun || !can_resume || is_over || self.dies_too_often(turn, now) {
            return None;
        }
        let doubled = WAITS.0.saturating_mul(1 << turn.deaths.min(16));
        Some(now.plus(doubled.min(WAITS.1)))
    }

    /// With this death it is too often.
    pub(super) fn dies_too_often(&self, turn: &Turn, now: Timestamp) -> bool {
        let lately = self.deaths.lately.iter();
        let lately = lately.filter(|died| now.since(**died) < WITHIN).count();
        lately + 1 >= TOO_MANY || turn.deaths + 1 >= TOO_MANY_IN_A_TURN
    }

    /// The start of the agent whose wait is over.
    pub(super) fn start_again(&self, context: Context<'_>) -> Vec<Draft> {
        let due = |at: Timestamp| {
            // A clock that was set back makes nobody wait longer than the longest wait.
            at <= context.now || at.since(context.now) > WAITS.1
        };
        let is_due = self.deaths.restart.is_some_and(due);
        if !is_due || self.agent != AgentState::Absent || self.turn.is_none() || self.is_closed() {
            return Vec::new();
        }
        let mut drafts: Vec<Draft> = self.start_agent(context).into_iter().collect();
        drafts.push(super::decide::status_change(Status::Starting));
        drafts
    }

    /// Ends the turn that an agent does not take up.
    pub(super) fn expire_take_up(&self, now: Timestamp) -> Vec<Draft> {
        let is_due = self.deaths.take_up_by.is_some_and(|by| by <= now);
        if !is_due || self.turn.is_none() || self.is_closed() {
            return Vec::new();
        }
        self.not_taken_up(now)
    }

    /// The end of a turn that an agent does not take up.
    pub(super) fn not_taken_up(&self, now: Timestamp) -> Vec<Draft> {
        let message = "the agent was started again and did not take up its turn: what it said last may be lost; send it a message";
        self.end_at_rest(TurnComplete {
            error: Some(TurnError {
                kind: TurnErrorKind::AgentExited,
                message: message.to_owned(),
                http_status: None,
                retry_after_ms: None,
            }),
            ..self.bare_end(StopReason::AgentExited, now)
        })
    }

    /// A turn that waits for its agent to be started again is cancelled without it.
    pub(super) fn cancel_waiting(&self, now: Timestamp) -> Vec<Draft> {
        self.end_at_rest(self.bare_end(StopReason::Cancelled, now))
    }

    /// The end of a turn on which nobody works any more.
    fn end_at_rest(&self, end: TurnComplete) -> Vec<Draft> {
        let mut drafts = self.calls.lose_of_turn();
        drafts.extend(self.requests.withdraw_all());
        self.status_to(Status::Idle, &mut drafts);
        drafts.push(EventBody::TurnComplete(end).into());
        drafts
    }
}
