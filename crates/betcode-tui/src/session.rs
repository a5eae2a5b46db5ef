//! What is known of the session beside its conversation: what it is, what it is doing, who may act, and what waits for a person.
//!
//! A fold over events, like the conversation, but begun with what the daemon says at attaching, because the events that
//! tell it may be long ago. It has everything that the status line and the prompts show.

use betcode_client::session::{Lock, Standing};
use betcode_client::{SessionDetails, Summary};
use betcode_core::event::{
    BackgroundTask, Capability, ClientInfo, Event, EventBody, PermissionRequest, Question,
    SessionInfo, Status, TodoItem, Usage, UserInput,
};
use betcode_core::id::{MessageId, RequestId, SessionId};
use betcode_core::time::Timestamp;

/// Everything but the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Which one.
    pub id: SessionId,
    /// Its agent.
    pub agent: String,
    /// Where it works.
    pub cwd: String,
    /// Its title.
    pub title: String,
    /// Its model; empty when the agent has not said.
    pub model: String,
    /// The permission mode in the agent's word.
    pub mode: String,
    /// What it is doing.
    pub status: Status,
    /// More about that.
    pub detail: String,
    /// When the agent tries again.
    pub retry_at: Option<Timestamp>,
    /// When the running turn began.
    pub turn_since: Option<Timestamp>,
    /// Totals, and how full the context is.
    pub usage: Usage,
    /// The input lock.
    pub lock: Lock,
    /// Requests for permission that wait, oldest first.
    pub permissions: Vec<PermissionRequest>,
    /// Those of them of which only the beginning of the input is here.
    pub cut: Vec<RequestId>,
    /// Questions that wait, oldest first.
    pub questions: Vec<Question>,
    /// The agent's list of things to do.
    pub todos: Vec<TodoItem>,
    /// What runs in the background.
    pub tasks: Vec<BackgroundTask>,
    /// Messages that wait for the turn to end.
    pub queue: Vec<UserInput>,
    /// Messages of which nobody knows whether the agent got them.
    pub undelivered: Vec<UserInput>,
    /// The agent's own commands.
    pub commands: Vec<String>,
    /// Models that it offers.
    pub models: Vec<String>,
    /// What the agent can do.
    pub capabilities: Vec<Capability>,
    /// The last turn that ended here failed, and none has begun since.
    pub failed: bool,
    /// Calls that have been named, so that a request can be shown beside its call.
    said: Vec<UserInput>,
}

/// How many of the user's messages are kept to be sent again.
const SAID: usize = 20;

impl Session {
    /// A session of which nothing is known but its id and where it works.
    pub fn new(id: SessionId, agent: &str, cwd: &str) -> Self {
        Self {
            id,
            agent: agent.to_owned(),
            cwd: cwd.to_owned(),
            title: String::new(),
            model: String::new(),
            mode: String::new(),
            status: Status::Idle,
            detail: String::new(),
            retry_at: None,
            turn_since: None,
            usage: Usage::default(),
            lock: Lock::default(),
            permissions: Vec::new(),
            cut: Vec::new(),
            questions: Vec::new(),
            todos: Vec::new(),
            tasks: Vec::new(),
            queue: Vec::new(),
            undelivered: Vec::new(),
            commands: Vec::new(),
            models: Vec::new(),
            capabilities: Vec::new(),
            failed: false,
            said: Vec::new(),
        }
    }

    /// A session as the daemon describes it.
    pub fn from_details(details: &SessionDetails) -> Self {
        let mut session = Self::new(
            details.summary.id,
            &details.summary.agent.0,
            &details.summary.cwd,
        );
        if let Some(info) = &details.info {
            session.inform(info);
        }
        session.summarise(&details.summary);
        session.lock = details.lock.clone();
        for waiting in &details.messages {
            let place = if waiting.delivery_unknown {
                &mut session.undelivered
            } else {
                &mut session.queue
            };
            place.push(waiting.message.clone());
        }
        session
    }

    /// What was told at attaching.
    pub fn attach(&mut self, summary: Option<&Summary>, standing: &Standing) {
        if let Some(summary) = summary {
            self.summarise(summary);
        }
        self.permissions.clone_from(&standing.permissions);
        self.questions.clone_from(&standing.questions);
        self.lock = standing.lock.clone();
    }

    /// The next event.
    pub fn apply(&mut self, event: &Event) {
        match &event.body {
            EventBody::SessionInfo(info) => self.inform(info),
            EventBody::UserInput(input) => {
                self.settle(input.message_id);
                self.said.push(input.clone());
                if self.said.len() > SAID {
                    self.said.remove(0);
                }
                if self.title.is_empty() {
                    self.title = crate::view::words::first_line(&input.text);
                }
                self.turn_since.get_or_insert(event.timestamp);
                self.failed = false;
            }
            EventBody::MessageQueued(input) => self.queue.push(input.clone()),
            EventBody::MessageEdited(input) => {
                let mut queue = self.queue.iter_mut();
                if let Some(queued) = queue.find(|queued| queued.message_id == input.message_id) {
                    queued.clone_from(input);
                }
            }
            EventBody::MessageDequeued { message_id, .. } => self.settle(*message_id),
            EventBody::DeliveryUnknown { message_id } => {
                let said = self.said.iter().find(|said| said.message_id == *message_id);
                let said = said.cloned();
                self.settle(*message_id);
                self.undelivered.extend(said);
            }
            EventBody::PermissionRequest(request) => {
                self.permissions.retain(|other| other.id != request.id);
                self.permissions.push(request.clone());
                if !event.previews.is_empty() {
                    self.cut.push(request.id.clone());
                }
            }
            EventBody::PermissionResolved(decision) => self.end_request(&decision.id),
            EventBody::Question(question) => {
                self.questions.retain(|other| other.id != question.id);
                self.questions.push(question.clone());
            }
            EventBody::QuestionAnswered { id, .. } => self.end_request(id),
            EventBody::RequestExtended { id, expires_at } => {
                let permissions = self
                    .permissions
                    .iter_mut()
                    .map(|it| (&it.id, &mut it.expires_at));
                let questions = self
                    .questions
                    .iter_mut()
                    .map(|it| (&it.id, &mut it.expires_at));
                for (_, expiry) in permissions
                    .chain(questions)
                    .filter(|(other, _)| *other == id)
                {
                    *expiry = Some(*expires_at);
                }
            }
            EventBody::TodoUpdate { items } => self.todos.clone_from(items),
            EventBody::BackgroundTasks { tasks } => self.tasks.clone_from(tasks),
            EventBody::PermissionModeChange { mode } => self.mode.clone_from(mode),
            EventBody::ModelChange { model } => self.model.clone_from(model),
            EventBody::TitleChange { title, .. } => self.title.clone_from(title),
            EventBody::StatusChange {
                status,
                detail,
                retry_at,
            } => {
                self.status = *status;
                self.detail.clone_from(detail);
                self.retry_at = *retry_at;
            }
            EventBody::InputLockChanged { holder } => {
                self.lock
                    .requests
                    .retain(|(by, _)| Some(by) != holder.as_ref());
                self.lock.holder.clone_from(holder);
            }
            EventBody::InputLockRequested { by, expires_at } => {
                self.lock.requests.retain(|(other, _)| other.id != by.id);
                self.lock.requests.push((by.clone(), *expires_at));
            }
            EventBody::InputLockRequestEnded { by, .. } => {
                self.lock.requests.retain(|(other, _)| other.id != by.id);
            }
            EventBody::UsageReport(usage) => self.usage.know_context(usage),
            EventBody::TurnComplete(turn) => {
                self.usage.add(&turn.usage);
                self.usage.know_context(&turn.usage);
                self.turn_since = None;
                self.failed = turn.error.is_some();
            }
            _ => {}
        }
    }

    /// Whether a turn is running.
    pub fn is_working(&self) -> bool {
        match self.status {
            Status::Starting
            | Status::Thinking
            | Status::RunningTool
            | Status::WaitingForUser
            | Status::Compacting
            | Status::RateLimited
            | Status::Retrying
            | Status::Stalled => true,
            Status::Idle | Status::Crashed | Status::Error | Status::Closed => false,
        }
    }

    /// How many requests wait for a person.
    pub fn waiting(&self) -> usize {
        self.permissions.len() + self.questions.len()
    }

    /// Whether somebody else holds the input lock.
    pub fn is_observed_by(&self, me: &ClientInfo) -> bool {
        self.lock
            .holder
            .as_ref()
            .is_some_and(|holder| holder.id != me.id)
    }

    /// A message waits no more.
    fn settle(&mut self, id: MessageId) {
        self.queue.retain(|queued| queued.message_id != id);
        self.undelivered.retain(|unknown| unknown.message_id != id);
    }

    fn end_request(&mut self, id: &RequestId) {
        self.permissions.retain(|request| request.id != *id);
        self.cut.retain(|cut| cut != id);
        self.questions.retain(|question| question.id != *id);
    }

    fn inform(&mut self, info: &SessionInfo) {
        self.agent.clone_from(&info.agent.0);
        self.cwd.clone_from(&info.cwd);
        // Without a title it keeps the one that the first message gave it.
        if !info.title.is_empty() {
            self.title.clone_from(&info.title);
        }
        self.model.clone_from(&info.model);
        self.mode.clone_from(&info.permission_mode);
        self.status = info.status;
        self.usage.clone_from(&info.totals);
        self.commands.clone_from(&info.slash_commands);
        self.models.clone_from(&info.models);
        self.capabilities.clone_from(&info.capabilities);
        self.tasks.clone_from(&info.background_tasks);
    }

    fn summarise(&mut self, summary: &Summary) {
        self.agent.clone_from(&summary.agent.0);
        self.cwd.clone_from(&summary.cwd);
        if !summary.title.is_empty() {
            self.title.clone_from(&summary.title);
        }
        self.status = summary.status;
        if !summary.model.is_empty() {
            self.model.clone_from(&summary.model);
        }
        self.usage.clone_from(&summary.totals);
    }
}
