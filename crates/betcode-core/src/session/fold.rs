//! The fold: what each event does to the state. Total: no event is refused and none panics, whatever came before it.

use super::{AgentState, Pending, Session, Turn};
use crate::event::{AgentExit, Event, EventBody, Status, TurnComplete, UserInput};
use crate::id::{Sequence, ToolCallId};
use crate::time::Timestamp;

/// How much of the first message serves as a title.
const TITLE_CHARACTERS: usize = 80;

impl Session {
    /// Takes an event into the state.
    pub fn apply(&mut self, event: &Event) {
        if self.head == Sequence(0) {
            self.created = event.timestamp;
        }
        self.head = event.sequence;
        self.updated = event.timestamp;
        let cut_at = event
            .previews
            .iter()
            .any(|preview| preview.field == "text")
            .then_some(event.sequence);
        self.apply_body(&event.body, event.timestamp, event.parent.as_ref(), cut_at);
    }

    fn apply_body(
        &mut self,
        body: &EventBody,
        at: Timestamp,
        parent: Option<&ToolCallId>,
        cut_at: Option<Sequence>,
    ) {
        match body {
            EventBody::SessionInfo(info) => self.info = (**info).clone(),
            EventBody::UserInput(input) => self.input(input, at, cut_at),
            EventBody::MessageQueued(input) => self.messages.enqueue(input, cut_at),
            EventBody::MessageDequeued { message_id, .. } => self.messages.dequeue(*message_id),
            EventBody::DeliveryUnknown { message_id } => self.messages.mark_unknown(*message_id),
            EventBody::ToolCallStart { .. } => self.count_tools(parent, 1),
            EventBody::ToolCallResult { .. } => self.count_tools(parent, -1),
            EventBody::PermissionRequest(request) => {
                self.requests
                    .add(&request.id, Pending::Permission(request.clone()));
            }
            EventBody::Question(question) => self
                .requests
                .add(&question.id, Pending::Question(question.clone())),
            EventBody::PermissionResolved { id, .. } | EventBody::QuestionAnswered { id, .. } => {
                self.requests.remove(id)
            }
            EventBody::PermissionModeChange { mode } => self.info.permission_mode.clone_from(mode),
            EventBody::ModelChange { model } => self.info.model.clone_from(model),
            EventBody::LaunchChange(launch) => self.launch = launch.clone(),
            EventBody::TitleChange { title, .. } => self.info.title.clone_from(title),
            EventBody::StatusChange { status, .. } => self.status(*status, at),
            EventBody::CancelRequested { .. } => {
                if let Some(turn) = &mut self.turn {
                    turn.cancelled = true;
                }
            }
            EventBody::TurnComplete(turn) => self.complete(turn),
            EventBody::HistoryTrimmed { up_to } => self.info.trimmed_up_to = *up_to,
            EventBody::AgentStarting { host, .. } => {
                self.agent = AgentState::Starting {
                    host: *host,
                    launch: self.launch.clone(),
                };
            }
            EventBody::AgentStarted { host, pid } => {
                let launch = self
                    .agent
                    .launch()
                    .cloned()
                    .unwrap_or_else(|| self.launch.clone());
                self.agent = AgentState::Running {
                    host: *host,
                    pid: *pid,
                    launch,
                };
            }
            EventBody::AgentExited { exit, .. } => {
                self.agent = AgentState::Absent;
                if matches!(exit, AgentExit::NotStarted { .. }) {
                    self.messages.settle_sent();
                }
            }
            EventBody::TextDelta(_)
            | EventBody::ThinkingDelta(_)
            | EventBody::MessageComplete { .. }
            | EventBody::ToolCallProgress { .. }
            | EventBody::TodoUpdate { .. }
            | EventBody::InputLockChanged { .. }
            | EventBody::InputLockRequested { .. }
            | EventBody::UsageReport(_)
            | EventBody::Compacted { .. }
            | EventBody::Notice { .. }
            | EventBody::Error { .. }
            | EventBody::Unknown { .. } => {}
        }
    }

    fn input(&mut self, input: &UserInput, at: Timestamp, cut_at: Option<Sequence>) {
        if self.first_message.is_empty() {
            let line = input
                .text
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or_default();
            self.first_message = line.trim().chars().take(TITLE_CHARACTERS).collect();
        }
        self.messages.send(input, cut_at);
        match &mut self.turn {
            Some(turn) => turn.messages.push(input.message_id),
            None => {
                self.turn = Some(Turn::new(at, Some(input.message_id), input.policy.clone()));
                self.turns += 1;
            }
        }
    }

    fn status(&mut self, status: Status, at: Timestamp) {
        if status == Status::Thinking && self.turn.is_none() {
            self.turn = Some(Turn::new(
                at,
                None,
                crate::event::TurnPolicy {
                    unattended: false,
                    ..Default::default()
                },
            ));
            self.turns += 1;
        }
        if !self.is_closed() {
            self.info.status = status;
        }
    }

    fn count_tools(&mut self, parent: Option<&ToolCallId>, change: i32) {
        if let (Some(turn), None) = (&mut self.turn, parent) {
            turn.open_tools = turn.open_tools.saturating_add_signed(change);
        }
    }

    fn complete(&mut self, turn: &TurnComplete) {
        self.turn = None;
        self.messages.settle_sent();
        let totals = &mut self.info.totals;
        totals.input_tokens += turn.usage.input_tokens;
        totals.output_tokens += turn.usage.output_tokens;
        totals.cache_read_tokens += turn.usage.cache_read_tokens;
        totals.cache_write_tokens += turn.usage.cache_write_tokens;
        totals.duration_ms += turn.duration_ms;
        totals.cost_usd += turn.usage.cost_usd;
    }
}
