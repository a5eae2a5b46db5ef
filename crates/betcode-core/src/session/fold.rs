//! The fold: what each event does to the state. Total: no event is refused and none panics, whatever came before it.

use super::{AgentState, Pending, Session, Turn};
use crate::event::{
    Decider, Event, EventBody, PREVIEW_BYTES, PermissionDecision, Preview, SessionInfo, Status,
    StopReason, TurnComplete, UserInput,
};
use crate::id::{HostEpoch, Sequence, ToolCallId};
use crate::time::Timestamp;

/// How much of the first message serves as a title.
const TITLE_CHARACTERS: usize = 80;

impl Session {
    /// Takes an event into the state.
    pub fn apply(&mut self, event: &Event) {
        if self.head == Sequence(0)
            && let EventBody::HistoryTrimmed { state, .. } = &event.body
        {
            self.begin_with(state);
        }
        if self.head == Sequence(0) {
            self.created = event.timestamp;
            self.title_chosen =
                matches!(&event.body, EventBody::SessionInfo(info) if !info.title.is_empty());
        }
        self.head = event.sequence;
        self.updated = event.timestamp;
        let shortened = |preview: &Preview| {
            matches!(preview.field.as_str(), "text" | "input")
                || preview.field.starts_with("attachments/")
        };
        let cut_at = event
            .previews
            .iter()
            .any(shortened)
            .then_some(event.sequence);
        self.apply_body(&event.body, event.timestamp, event.parent.as_ref(), cut_at);
        self.keep_level();
    }

    fn apply_body(
        &mut self,
        body: &EventBody,
        at: Timestamp,
        parent: Option<&ToolCallId>,
        cut_at: Option<Sequence>,
    ) {
        match body {
            EventBody::SessionInfo(info) => self.described_as(info),
            EventBody::UserInput(input) => self.input(input, at, cut_at),
            EventBody::MessageQueued(input) => self.messages.enqueue(input, cut_at),
            EventBody::MessageEdited(input) => self.messages.edit(input, cut_at),
            EventBody::MessageDequeued { message_id, .. } => self.messages.dequeue(*message_id),
            EventBody::DeliveryUnknown { message_id } => self.messages.mark_unknown(*message_id),
            EventBody::TextDelta(_)
            | EventBody::ThinkingDelta(_)
            | EventBody::MessageComplete { .. } => {
                self.resumable = true;
            }
            EventBody::ToolCallStart { id, .. } => {
                self.resumable = true;
                self.calls.began(id, parent);
                self.count_tools(parent, 1);
            }
            EventBody::ToolCallResult { id, .. } => {
                self.calls.ended(id);
                self.count_tools(parent, -1);
            }
            EventBody::PermissionRequest(request) => {
                self.asked(Pending::Permission(request.clone()), parent, at, cut_at);
            }
            EventBody::Question(question) => {
                self.asked(Pending::Question(question.clone()), parent, at, cut_at);
            }
            EventBody::PermissionResolved(decision) => self.permission_ended(decision, cut_at),
            EventBody::QuestionAnswered {
                id,
                answers,
                outcome,
                by,
                message,
            } => self
                .requests
                .question_ended(id, answers, *outcome, by, message),
            EventBody::RequestExtended { id, expires_at } => {
                self.requests.extended(id, *expires_at, at);
            }
            EventBody::RequestReminder { id, hours } => self.requests.reminded(id, *hours),
            EventBody::RulesWritten { id, .. } => self.requests.written(id),
            EventBody::InputLockChanged { holder } => self.lock.changed(holder.as_ref(), at),
            EventBody::InputLockRequested { by, expires_at } => {
                self.lock.requested(by, *expires_at);
            }
            EventBody::InputLockRequestEnded { by, .. } => self.lock.ended(by),
            EventBody::PermissionModeChange { mode } => self.info.permission_mode.clone_from(mode),
            EventBody::BackgroundTasks { tasks } => self.info.background_tasks.clone_from(tasks),
            EventBody::ModelChange { model } => self.info.model.clone_from(model),
            EventBody::LaunchChange(launch) => self.launch_changed(launch),
            EventBody::TitleChange { title, by } => {
                self.info.title.clone_from(title);
                self.title_chosen = *by != Decider::Agent;
            }
            EventBody::StatusChange {
                status, retry_at, ..
            } => self.status(*status, *retry_at, at),
            EventBody::CancelRequested { by } => {
                if let Some(turn) = &mut self.turn {
                    turn.cancelled = Some(by.clone());
                }
            }
            EventBody::TurnComplete(turn) => self.complete(turn),
            EventBody::HistoryTrimmed { up_to, .. } => {
                self.info.trimmed_up_to = *up_to;
            }
            EventBody::SessionReopened { .. } => {
                if self.is_closed() {
                    self.info.status = Status::Idle;
                }
            }
            EventBody::AgentStarting { host, resume } => {
                let (host, launch, resume) = (*host, self.launch.clone(), *resume);
                self.agent = AgentState::Starting {
                    host,
                    launch,
                    resume,
                };
                self.stopping = false;
                self.deaths.starting();
            }
            EventBody::AgentStarted { host, pid } => self.agent_started(*host, *pid, at),
            EventBody::AgentStopping { host } => self.stopping |= self.agent.host() == Some(*host),
            EventBody::AgentExited { .. } => self.agent_ended(),
            EventBody::UsageReport(usage) => self.info.totals.know_context(usage),
            EventBody::Compacted { after_tokens, .. } => {
                self.info.totals.context_tokens = *after_tokens;
            }
            EventBody::ToolCallProgress { .. }
            | EventBody::TodoUpdate { .. }
            | EventBody::Notice { .. }
            | EventBody::Error { .. }
            | EventBody::TaskStopRequested { .. }
            | EventBody::Unknown { .. } => {}
        }
    }

    fn agent_started(&mut self, host: HostEpoch, pid: u32, at: Timestamp) {
        let launch = self.agent.launch().unwrap_or(&self.launch).clone();
        self.agent = AgentState::Running { host, pid, launch };
        if self.turn.as_ref().is_some_and(|turn| turn.deaths > 0) {
            self.deaths.started(at);
        }
    }

    fn agent_ended(&mut self) {
        self.agent = AgentState::Absent;
        self.calls.forget_all();
        self.info.background_tasks.clear();
        if let Some(turn) = &mut self.turn {
            turn.open_tools = 0;
        }
        // It was started for an answer and did not come as far as asking again.
        if self.turn.is_none() {
            self.requests.kept.clear();
        }
        self.requests.orphan();
    }

    fn described_as(&mut self, info: &SessionInfo) {
        // An agent says its tools when its conversation has begun. A conversation under another name is a new one.
        let same = info.agent_session == self.info.agent_session;
        self.resumable = same && (self.resumable || !info.tools.is_empty());
        if !same {
            self.requests.kept.clear();
        }
        self.info = info.clone();
    }

    fn input(&mut self, input: &UserInput, at: Timestamp, cut_at: Option<Sequence>) {
        if self.first_message.is_empty() {
            self.first_message = first_line(&input.text);
        }
        self.messages.send(input, cut_at);
        if let Some(turn) = &mut self.turn {
            turn.messages.push(input.message_id);
        } else {
            self.policy = input.policy.clone();
            self.begin(Turn {
                then_trim: input.then_trim,
                ..Turn::new(at, Some(input.message_id), input.policy.clone())
            });
        }
    }

    fn asked(
        &mut self,
        pending: Pending,
        parent: Option<&ToolCallId>,
        at: Timestamp,
        cut_at: Option<Sequence>,
    ) {
        let fixed = self.present_policy().wait_ms.is_some();
        self.requests.asked(pending, parent, at, fixed, cut_at);
    }

    fn permission_ended(&mut self, decision: &PermissionDecision, cut_at: Option<Sequence>) {
        let told = decision.interrupt && self.requests.is_heard(&decision.id);
        if let (Some(turn), true, Decider::Client(by)) = (&mut self.turn, told, &decision.by) {
            turn.cancelled = Some(by.clone());
        }
        self.requests.permission_ended(decision, cut_at);
    }

    fn status(&mut self, status: Status, retry_at: Option<Timestamp>, at: Timestamp) {
        if self.is_closed() {
            return;
        }
        let restart = retry_at.filter(|_| self.agent == AgentState::Absent);
        self.deaths.status(status, restart, at);
        if let (Status::Starting, Some(_), Some(turn)) = (status, restart, &mut self.turn) {
            turn.deaths = turn.deaths.saturating_add(1);
        }
        if status == Status::Thinking && self.turn.is_none() {
            self.begin(Turn::new(at, None, self.policy.clone()));
        }
        self.info.status = status;
        self.retry_at = retry_at;
    }

    fn begin(&mut self, turn: Turn) {
        self.turn = Some(turn);
        self.turns += 1;
    }

    fn count_tools(&mut self, parent: Option<&ToolCallId>, change: i32) {
        if let (Some(turn), None) = (&mut self.turn, parent) {
            turn.open_tools = turn.open_tools.saturating_add_signed(change);
        }
    }

    fn complete(&mut self, turn: &TurnComplete) {
        self.turn = None;
        self.calls.forget_of_turn();
        self.deaths.turn_ended();
        // An answer to a dead agent outlives the turn that it died in, and not the next one.
        if turn.stop_reason != StopReason::AgentExited {
            self.requests.kept.clear();
        }
        self.messages.settle_sent();
        let totals = &mut self.info.totals;
        totals.add(&turn.usage);
        totals.know_context(&turn.usage);
        totals.duration_ms = totals.duration_ms.saturating_add(turn.duration_ms);
    }
}

/// The first line of a message with something in it. It looks only at what a preview of the message shows too.
fn first_line(text: &str) -> String {
    let seen = text
        .get(..text.floor_char_boundary(PREVIEW_BYTES))
        .unwrap_or_default();
    let line = seen
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    line.trim().chars().take(TITLE_CHARACTERS).collect()
}
