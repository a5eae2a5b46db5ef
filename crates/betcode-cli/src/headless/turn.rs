//! Watching one turn go by: from the event with which our message was taken to the event that ends the turn.
//!
//! States: waiting (the message is queued behind another turn), running, over. Laws:
//! - only events of the turn itself are shown; what another turn does while ours is queued is not our output;
//! - once over, nothing is shown any more;
//! - everything needed for the exit code is gathered here, whatever the output format is.

use betcode_core::event::{
    Decider, Event, EventBody, MessageEnd, PermissionDenial, PermissionOutcome, PermissionRequest,
    Question, QuestionOutcome, Status, TurnComplete,
};
use betcode_core::id::{MessageId, RequestId, Sequence, SessionId, ToolCallId};
use betcode_core::ruling::BUILT_IN;
use betcode_core::session::{Session, describe};
use betcode_core::time::Timestamp;
use serde_json::Value;

/// What the agent calls a question and a plan in its own list of denials.
const QUESTION: &str = "AskUserQuestion";
const PLAN: &str = "ExitPlanMode";

/// The watcher.
#[derive(Debug)]
pub(crate) struct Turn {
    message: MessageId,
    phase: Phase,
    requests: Vec<Asked>,
    open: Option<String>,
    text: String,
    /// The first event that followed from the message, once the daemon has taken it.
    accepted: Option<Sequence>,
    /// Up to here the log was cut at a moment when the message was not in the queue.
    cut_up_to: Sequence,
    report: TurnReport,
}

/// A request that may still be denied.
#[derive(Debug)]
struct Asked {
    id: RequestId,
    denial: PermissionDenial,
    /// The rules that would allow it.
    rules: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Running,
    Over,
}

/// What opens what was denied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Rules for exactly that.
    #[default]
    Rules,
    /// Nothing narrower than whole tools.
    Tools,
    /// Nothing.
    None,
}

/// What became of a turn.
#[derive(Debug, Clone, Default)]
pub(crate) struct TurnReport {
    /// The number of its first event; 0 when it never began.
    pub(crate) first: Sequence,
    /// The number of the last event that was seen of it.
    pub(crate) last: Sequence,
    /// How it ended; none when it has not.
    pub(crate) complete: Option<TurnComplete>,
    /// True when the agent's own result was too long for the event.
    pub(crate) cut: bool,
    /// The text of the agent's last whole message.
    pub(crate) answer: String,
    /// Tools that were asked for and not allowed.
    pub(crate) denied: Vec<String>,
    /// The rules that forbid it, with where they stand.
    pub(crate) denied_by: Vec<String>,
    /// The rules that would allow it.
    pub(crate) would_allow: Vec<String>,
    /// What would have allowed it, all in all.
    pub(crate) way: Way,
    /// What was asked for and not allowed, and questions without an answer, as the agent's own list has them.
    pub(crate) denials: Vec<PermissionDenial>,
    /// Its requests waited for somebody.
    pub(crate) waited: bool,
    /// Questions that nobody answered.
    pub(crate) unanswered: u32,
    /// Who declined to answer one of them.
    pub(crate) declined_by: Option<String>,
    /// Who asked that the turn be stopped.
    pub(crate) cancelled_by: Option<String>,
    /// What went wrong with the message itself.
    pub(crate) lost: Option<Lost>,
    /// The last error that was told.
    pub(crate) error: Option<(String, String, String)>,
    /// What it is that the agent died of, and is started again: the last time.
    pub(crate) died: Option<String>,
    /// The agent waits because of a rate limit: until then, as far as it says, seen at the first moment.
    pub(crate) rate_limited: Option<(Timestamp, Option<Timestamp>)>,
}

/// What went wrong with the message itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The message was taken out of the queue.
    Removed,
    /// Nobody knows whether the agent received the message.
    DeliveryUnknown,
    /// The log was cut before the turn was read to its end.
    HistoryRemoved,
}

/// True for the word that an agent has died in its turn and is started again: whatever it was saying, it says anew.
pub(crate) fn is_restart(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::StatusChange {
            status: Status::Starting,
            retry_at: Some(_),
            ..
        }
    )
}

impl Turn {
    /// Watches for the turn of this message.
    pub(crate) fn new(message: MessageId) -> Self {
        Self {
            message,
            phase: Phase::Waiting,
            requests: Vec::new(),
            open: None,
            text: String::new(),
            accepted: None,
            cut_up_to: Sequence(0),
            report: TurnReport::default(),
        }
    }

    /// The daemon has taken the message, and this is the first event that followed.
    pub(crate) fn accepted(&mut self, first: Option<Sequence>) {
        self.accepted = self.accepted.or(first);
        self.look_for_it();
    }

    /// The daemon has not taken the message, and it is not sent again.
    pub(crate) fn not_taken(&mut self) {
        self.report.lost = Some(Lost::Removed);
        self.phase = Phase::Over;
    }

    /// The log was cut before it was read up to there. Only a turn that came later removes ours: it has ended, and nobody can
    /// say any more how.
    pub(crate) fn trimmed(&mut self) {
        if self.phase == Phase::Running {
            self.lose_history();
        }
    }

    /// A message that was taken, is not in the queue and has no events any more had its turn in what was cut.
    fn look_for_it(&mut self) {
        let before = |first: Sequence| first <= self.cut_up_to;
        if self.phase == Phase::Waiting && self.accepted.is_some_and(before) {
            self.lose_history();
        }
    }

    fn lose_history(&mut self) {
        self.report.lost = Some(Lost::HistoryRemoved);
        self.phase = Phase::Over;
    }

    /// Takes the next event. True when it belongs to the turn and is to be shown.
    pub(crate) fn see(&mut self, event: &Event) -> bool {
        match self.phase {
            Phase::Waiting => self.wait(event),
            Phase::Running => {
                self.run(event);
                true
            }
            Phase::Over => false,
        }
    }

    /// True when nothing more will come.
    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// True while the log must hold something of it that has not been read.
    pub(crate) fn is_recorded(&self) -> bool {
        match self.phase {
            Phase::Waiting => self.accepted.is_some(),
            Phase::Running => true,
            Phase::Over => false,
        }
    }

    /// True once the turn has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.phase != Phase::Waiting
    }

    /// Whose turn it is.
    pub(crate) const fn message(&self) -> MessageId {
        self.message
    }

    /// What is known so far.
    pub(crate) fn report(&self) -> &TurnReport {
        &self.report
    }

    fn wait(&mut self, event: &Event) -> bool {
        match &event.body {
            EventBody::UserInput(input) if input.message_id == self.message => {
                self.phase = Phase::Running;
                self.report.waited = !input.policy.unattended;
                self.report.first = event.sequence;
                self.report.last = event.sequence;
                true
            }
            EventBody::MessageDequeued {
                message_id,
                removed: true,
            } if *message_id == self.message => {
                self.report.lost = Some(Lost::Removed);
                self.phase = Phase::Over;
                false
            }
            EventBody::HistoryTrimmed { up_to, .. } => {
                let mut left = Session::new(SessionId(self.message.0));
                left.apply(event);
                let in_turn = left.turn().map(|turn| turn.messages.as_slice());
                if in_turn.is_some_and(|messages| messages.contains(&self.message)) {
                    // It was taken up by the turn that cut the log.
                    self.phase = Phase::Running;
                    self.report.first = event.sequence;
                    self.report.last = event.sequence;
                } else if left.messages().find_queued(self.message).is_none() {
                    self.cut_up_to = self.cut_up_to.max(*up_to);
                    self.look_for_it();
                }
                false
            }
            _ => false,
        }
    }

    fn run(&mut self, event: &Event) {
        self.report.last = event.sequence;
        match &event.body {
            EventBody::TextDelta(piece) if event.parent.is_none() => {
                if self.open.as_deref() != Some(piece.message_id.as_str()) {
                    self.open = Some(piece.message_id.clone());
                    self.text.clear();
                }
                self.text.push_str(&piece.text);
            }
            EventBody::MessageComplete {
                message_id, end, ..
            } if event.parent.is_none() && self.open.as_ref() == Some(message_id) => {
                self.open = None;
                if *end != MessageEnd::Abandoned && !self.text.is_empty() {
                    self.report.answer = std::mem::take(&mut self.text);
                }
                self.text.clear();
            }
            EventBody::PermissionRequest(request) => {
                let PermissionRequest {
                    id,
                    tool,
                    tool_call,
                    input,
                    suggested_rules,
                    ..
                } = request;
                self.requested(id, tool, tool_call.as_ref(), input, suggested_rules);
            }
            EventBody::Question(question) => {
                let tool = if question.plan.is_some() {
                    PLAN
                } else {
                    QUESTION
                };
                let Question {
                    id,
                    tool_call,
                    input,
                    ..
                } = question;
                self.requested(id, tool, tool_call.as_ref(), input, &[]);
            }
            EventBody::PermissionResolved(decision) => {
                self.resolved(&decision.id, decision.outcome, &decision.by);
            }
            EventBody::QuestionAnswered {
                id, outcome, by, ..
            } => self.answered(id, *outcome, by),
            EventBody::CancelRequested { by } => self.report.cancelled_by = Some(by.name.clone()),
            EventBody::Error {
                code,
                message,
                hint,
                ..
            } => {
                self.report.error = Some((code.clone(), message.clone(), hint.clone()));
            }
            EventBody::DeliveryUnknown { message_id } if *message_id == self.message => {
                self.report.lost = Some(Lost::DeliveryUnknown);
            }
            body @ EventBody::StatusChange { detail, .. } if is_restart(body) => {
                self.open = None;
                self.text.clear();
                self.report.died = Some(detail.clone());
            }
            EventBody::StatusChange {
                status: Status::RateLimited,
                retry_at,
                ..
            } => {
                self.report
                    .rate_limited
                    .get_or_insert((event.timestamp, *retry_at));
            }
            EventBody::TurnComplete(turn) => {
                self.report.cut = !event.previews.is_empty();
                self.report.complete = Some(turn.clone());
                self.phase = Phase::Over;
            }
            _ => {}
        }
    }

    fn requested(
        &mut self,
        id: &RequestId,
        tool: &str,
        tool_call: Option<&ToolCallId>,
        input: &Value,
        rules: &[String],
    ) {
        let denial = PermissionDenial {
            tool: tool.to_owned(),
            tool_call: tool_call.cloned().unwrap_or_else(|| "".into()),
            input: input.clone(),
        };
        self.requests.push(Asked {
            id: id.clone(),
            denial,
            rules: rules.to_vec(),
        });
    }

    fn take(&mut self, id: &RequestId) -> Option<Asked> {
        let at = self.requests.iter().position(|asked| asked.id == *id)?;
        Some(self.requests.swap_remove(at))
    }

    fn resolved(&mut self, id: &RequestId, outcome: PermissionOutcome, by: &Decider) {
        let Some(Asked { denial, rules, .. }) = self.take(id) else {
            return;
        };
        let denied = match outcome {
            PermissionOutcome::Denied => *by != Decider::Agent,
            PermissionOutcome::Expired => true,
            PermissionOutcome::Allowed | PermissionOutcome::Withdrawn => false,
        };
        if !denied {
            return;
        }
        if matches!(by, Decider::Rule { place, .. } if place != BUILT_IN) {
            let rule = describe(by);
            if !self.report.denied_by.contains(&rule) {
                self.report.denied_by.push(rule);
            }
        }
        let built_in = matches!(by, Decider::Rule { place, .. } if place == BUILT_IN);
        let way = match (rules.is_empty(), built_in) {
            (false, _) => Way::Rules,
            (true, false) => Way::Tools,
            (true, true) => Way::None,
        };
        self.report.way = self.report.way.max(way);
        for rule in rules {
            if !self.report.would_allow.contains(&rule) {
                self.report.would_allow.push(rule);
            }
        }
        if !self.report.denied.contains(&denial.tool) {
            self.report.denied.push(denial.tool.clone());
        }
        self.report.denials.push(denial);
    }

    fn answered(&mut self, id: &RequestId, outcome: QuestionOutcome, by: &Decider) {
        let denial = self.take(id).map(|asked| asked.denial);
        match outcome {
            QuestionOutcome::Declined | QuestionOutcome::Expired => {
                self.report.unanswered += 1;
                self.report.denials.extend(denial);
                if let Decider::Client(client) = by {
                    self.report.declined_by = Some(client.label());
                }
            }
            QuestionOutcome::Answered | QuestionOutcome::Withdrawn => {}
        }
    }
}
