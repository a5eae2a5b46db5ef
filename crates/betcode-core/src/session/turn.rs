//! The running turn: from a message of the user, or from work that the agent began by itself, until the agent is idle again.
//!
//! Laws:
//! - the agent's results do not end a turn, its rest does: several results in one turn become one, the last one's outcome
//!   with the sum of what all of them used;
//! - a rest ends nothing before the agent has begun to work, nor while it says that the turn's message still waits: such a
//!   rest belongs to work of its own that came in between.

use serde::{Deserialize, Serialize};

use super::crash::itself;
use super::decide::status_change;
use super::{Progress, Session};
use crate::event::{
    ClientInfo, Draft, EventBody, Status, StopReason, TurnComplete, TurnError, TurnErrorKind,
    TurnPolicy, Usage,
};
use crate::id::MessageId;
use crate::observation::Delivery;
use crate::time::Timestamp;

const LOGIN_REFUSED: &str = "the model's service does not accept the agent's login (401)";

/// A turn that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// When it began.
    pub started: Timestamp,
    /// The messages that it answers; none when the agent began it by itself.
    pub messages: Vec<MessageId>,
    /// What may be done without asking.
    pub policy: TurnPolicy,
    /// Who asked that it be stopped.
    pub cancelled: Option<ClientInfo>,
    /// Tool calls that have begun and not ended.
    pub open_tools: u32,
    /// How often its agent has died in it.
    #[serde(default)]
    pub deaths: u32,
    /// Its message asked for compaction, and for removing the log before that.
    #[serde(default)]
    pub then_trim: bool,
}

impl Turn {
    /// A turn that begins now.
    pub fn new(started: Timestamp, message: Option<MessageId>, policy: TurnPolicy) -> Self {
        Self {
            started,
            messages: message.into_iter().collect(),
            policy,
            cancelled: None,
            open_tools: 0,
            deaths: 0,
            then_trim: false,
        }
    }
}

impl Session {
    /// What may be done without asking: by the turn, and by what it left running in the background.
    pub fn present_policy(&self) -> &TurnPolicy {
        self.turn.as_ref().map_or(&self.policy, |turn| &turn.policy)
    }

    /// The agent works. Without a turn this begins one: the status change is its beginning.
    pub(super) fn working(&self, progress: &mut Progress, drafts: &mut Vec<Draft>) {
        let status = self.busy_status(progress);
        match &self.turn {
            None => {
                drafts.push(status_change(Status::Thinking));
                if status != Status::Thinking {
                    drafts.push(status_change(status));
                }
            }
            Some(turn) => {
                // An interrupt that came before the agent had begun did not stop anything.
                if let (false, Some(by)) = (progress.worked, &turn.cancelled) {
                    drafts.push(EventBody::CancelRequested { by: by.clone() }.into());
                }
                self.status_to(status, drafts);
            }
        }
        progress.worked = true;
    }

    /// The agent is idle: the end of a turn that it had begun to work on.
    pub(super) fn idle(&self, progress: &mut Progress, now: Timestamp, drafts: &mut Vec<Draft>) {
        let Some(turn) = &self.turn else {
            progress.end_turn();
            // An agent that was started for an answer rests for a moment before it takes up its turn again.
            if self.requests.kept.is_empty() {
                drafts.extend(self.requests.withdraw_heard());
                self.status_to(self.rest_status(), drafts);
            }
            return;
        };
        if turn.messages.iter().any(|id| progress.waiting.contains(id)) {
            progress.worked = false;
        }
        if progress.worked {
            self.end_turn(turn, progress, now, drafts);
        }
    }

    /// The outcome of what the agent worked on.
    pub(super) fn result(
        &self,
        progress: &mut Progress,
        now: Timestamp,
        mut result: Box<TurnComplete>,
        drafts: &mut Vec<Draft>,
    ) {
        if let Some(error) = &mut result.error
            && error.kind == TurnErrorKind::RateLimit
        {
            // The end of a used-up window is worth more than the delay before a try that would fail as well.
            let served = progress.served_from.filter(|from| *from > now);
            error.retry_after_ms = served
                .map(|from| super::observe::millis(from.since(now)))
                .or(error.retry_after_ms)
                .or(progress.retry_delay_ms);
        }
        if self.turn.is_none() {
            drafts.push(status_change(Status::Thinking));
        }
        progress.worked = true;
        progress.result = Some(match progress.result.take() {
            Some(before) => after(*before, result),
            None => result,
        });
    }

    /// What became of a message of the user.
    pub(super) fn delivery(
        &self,
        progress: &mut Progress,
        now: Timestamp,
        id: MessageId,
        state: Delivery,
        drafts: &mut Vec<Draft>,
    ) {
        progress.reports = true;
        match state {
            Delivery::Queued => {
                progress.taken.insert(id);
                progress.waiting.insert(id);
            }
            Delivery::Started | Delivery::Completed => {
                progress.taken.insert(id);
                progress.waiting.remove(&id);
            }
            Delivery::Cancelled => {
                progress.waiting.remove(&id);
                // A turn whose only message was dropped before its time has nothing to wait for.
                if let Some(turn) = &self.turn
                    && turn.messages == [id]
                    && !progress.worked
                {
                    self.end_turn(turn, progress, now, drafts);
                }
            }
        }
    }

    fn end_turn(
        &self,
        turn: &Turn,
        progress: &mut Progress,
        now: Timestamp,
        drafts: &mut Vec<Draft>,
    ) {
        let told = progress.end_turn();
        drafts.extend(self.calls.lose_of_turn());
        drafts.extend(self.requests.withdraw_own());
        if !self.requests.kept.is_empty() {
            drafts.push(answer_not_used());
        }
        self.status_to(self.rest_status(), drafts);
        let reason = if turn.cancelled.is_some() {
            StopReason::Cancelled
        } else {
            StopReason::EndTurn
        };
        let complete = self.concluded(turn, told, reason, now);
        drafts.push(EventBody::TurnComplete(complete).into());
    }

    /// The outcome of a turn: what the agent said it was, unless somebody had stopped it.
    pub(super) fn concluded(
        &self,
        turn: &Turn,
        told: Progress,
        otherwise: StopReason,
        now: Timestamp,
    ) -> TurnComplete {
        let mut complete = match told.result {
            Some(result) => *result,
            None => self.bare_end(otherwise, now),
        };
        if turn.cancelled.is_some() && complete.stop_reason == StopReason::Error {
            complete.stop_reason = StopReason::Cancelled;
            complete.error = None;
        }
        if complete.stop_reason != StopReason::Cancelled {
            return complete;
        }
        let why = |kind, message, http_status| TurnError {
            kind,
            message,
            http_status,
            retry_after_ms: None,
        };
        let error = if told.login_refused {
            let kind = TurnErrorKind::Authentication;
            let agent = &self.info.agent;
            let message = format!("{LOGIN_REFUSED}: run {agent} auth login, or check its API key");
            Some(why(kind, message, Some(401)))
        } else {
            // Whoever stopped it as well knows why.
            let own = told.stalled_ms.filter(|_| turn.cancelled == Some(itself()));
            own.map(|lasted| {
                let message = super::silence::why_interrupted(lasted);
                why(TurnErrorKind::Other, message, None)
            })
        };
        if error.is_some() {
            complete.stop_reason = StopReason::Error;
            complete.error = error;
        }
        complete
    }

    /// The end of a turn about which the agent has said nothing more.
    pub(super) fn bare_end(&self, stop_reason: StopReason, now: Timestamp) -> TurnComplete {
        let lasted = |turn: &Turn| super::observe::millis(now.since(turn.started));
        TurnComplete {
            stop_reason,
            error: None,
            num_turns: 0,
            duration_ms: self.turn.as_ref().map_or(0, lasted),
            duration_api_ms: 0,
            usage: Usage::default(),
            result: String::new(),
            permission_denials: Vec::new(),
            origin: String::new(),
            raw: None,
        }
    }
}

/// Somebody answered an agent that had died, and nothing came of it.
pub(super) fn answer_not_used() -> Draft {
    EventBody::Error {
        code: "answer_not_used".to_owned(),
        message: "the agent was started anew and did not ask again what was answered meanwhile"
            .to_owned(),
        hint: "send it a message that says what it should do".to_owned(),
        fatal: false,
    }
    .into()
}

/// Two results of one turn as one.
fn after(before: TurnComplete, mut last: Box<TurnComplete>) -> Box<TurnComplete> {
    last.num_turns = last.num_turns.saturating_add(before.num_turns);
    last.duration_ms = last.duration_ms.saturating_add(before.duration_ms);
    last.duration_api_ms = last.duration_api_ms.saturating_add(before.duration_api_ms);
    last.usage.add(&before.usage);
    last.usage.duration_ms = last
        .usage
        .duration_ms
        .saturating_add(before.usage.duration_ms);
    let mut denials = before.permission_denials;
    denials.retain(|denial| {
        last.permission_denials
            .iter()
            .all(|later| later.tool_call != denial.tool_call)
    });
    denials.append(&mut last.permission_denials);
    last.permission_denials = denials;
    last
}
