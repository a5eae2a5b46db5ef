//! Commands of clients, and what follows from the state without anybody asking.

use super::calls::Lost;
use super::{AgentState, Presence, Session, Terms};
use crate::command::{Action, Command, Rejected, StartSession};
use crate::event::{
    Attachment, Decider, Draft, EventBody, SessionInfo, Status, StopReason, TurnPolicy, UserInput,
};
use crate::id::{HostEpoch, MessageId, Sequence};
use crate::time::Timestamp;

/// What an agent is told to compact its context.
const COMPACT: &str = "/compact";

/// Time, randomness and surroundings for one decision.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// An epoch for a host, in case one must be started.
    pub fresh_host: HostEpoch,
    /// What the configuration says.
    pub terms: &'a Terms,
    /// Who is attached.
    pub presence: &'a Presence,
    /// The command has waited for the input lock already: it does not ask for it a second time.
    pub asked: bool,
}

/// What a command does.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// These events, and then it is done. None when it has no effect.
    Done(Vec<Draft>),
    /// These events, and then it waits: it is decided anew whenever the input lock has changed.
    Waits(Vec<Draft>),
}

impl Session {
    /// What a command does, or why it is refused.
    pub fn decide(&self, context: Context<'_>, command: &Command) -> Result<Decision, Rejected> {
        if let Action::Start(start) = &command.action {
            return self.start(start).map(Decision::Done);
        }
        if self.head == Sequence(0) {
            return Err(Rejected::UnknownSession(self.id));
        }
        let closed_too = matches!(
            command.action,
            Action::Close | Action::Delete | Action::Rename { .. } | Action::Reopen { .. }
        );
        if self.is_closed() && !closed_too {
            return Err(Rejected::SessionClosed(self.id));
        }
        match &command.action {
            Action::AnswerPermission { id, answer } => {
                self.answer_permission(context, &command.client, id, answer)
            }
            Action::AnswerQuestion { id, answer } => {
                self.answer_question(context, &command.client, id, answer)
            }
            _ => self.decide_at_once(context, command).map(Decision::Done),
        }
    }

    /// What every command but an answer does: it never waits.
    fn decide_at_once(
        &self,
        context: Context<'_>,
        command: &Command,
    ) -> Result<Vec<Draft>, Rejected> {
        let mut drafts = if self.needs_lock(context, command) {
            self.take_lock(context, &command.client)?
        } else {
            Vec::new()
        };
        // What it removes includes the change of the lock.
        if command.action == Action::Clear {
            return self.clear(context, drafts);
        }
        let did = self.act(context, command)?;
        // What has no effect takes no lock either.
        if did.is_empty() {
            return Ok(did);
        }
        drafts.extend(did);
        Ok(drafts)
    }

    /// Whether the sender must hold the input lock for this.
    fn needs_lock(&self, context: Context<'_>, command: &Command) -> bool {
        let own = |id: &MessageId| {
            self.messages.find_queued(*id).is_some_and(|input| {
                !input.client.id.is_nil() && input.client.id == command.client.id
            })
        };
        match &command.action {
            Action::Configure(_)
            | Action::Message { .. }
            | Action::SendAgain { .. }
            | Action::Cancel
            | Action::StopTask { .. }
            | Action::SetModel { .. }
            | Action::SetPermissionMode { .. }
            | Action::Compact { .. }
            | Action::Clear => true,
            Action::RemoveQueued { message_id } | Action::EditQueued { message_id, .. } => {
                !own(message_id)
            }
            // A session that somebody sits at is not closed under their hands.
            Action::Close | Action::Delete => self
                .lock
                .holder()
                .is_some_and(|holder| context.presence.is_here(holder.id)),
            Action::Start(_)
            | Action::AnswerPermission { .. }
            | Action::AnswerQuestion { .. }
            | Action::RequestLock
            | Action::ReleaseLock
            | Action::AnswerLock { .. }
            | Action::Rename { .. }
            | Action::Reopen { .. } => false,
        }
    }

    fn act(&self, context: Context<'_>, command: &Command) -> Result<Vec<Draft>, Rejected> {
        match &command.action {
            // Decided elsewhere.
            Action::Start(_)
            | Action::Clear
            | Action::AnswerPermission { .. }
            | Action::AnswerQuestion { .. } => Err(Rejected::SessionExists(self.id)),
            Action::Configure(launch) if **launch == self.launch => Ok(Vec::new()),
            Action::Configure(launch) => {
                Ok(vec![EventBody::LaunchChange((**launch).clone()).into()])
            }
            Action::Message {
                text,
                attachments,
                policy,
            } => {
                not_empty("message.text", text, attachments.is_empty())?;
                Ok(self.say(context, command, text, attachments, policy, false))
            }
            Action::Compact { trim } => {
                if !self.resumable {
                    return Err(Rejected::Unsupported(
                        "there is no conversation yet that could be compacted".into(),
                    ));
                }
                let policy = TurnPolicy::default();
                Ok(self.say(context, command, COMPACT, &[], &policy, *trim))
            }
            Action::SendAgain { message_id } => match self.messages.find_unknown(*message_id) {
                None => Err(wrong(*message_id, "of unknown delivery")),
                Some(_) if self.must_queue() => Err(Rejected::TurnRunning(
                    "send the message again when it has ended",
                )),
                Some(input) => Ok(self.take(context, input.clone())),
            },
            Action::RemoveQueued { message_id } if self.messages.waits(*message_id) => Ok(vec![
                EventBody::MessageDequeued {
                    message_id: *message_id,
                    removed: true,
                }
                .into(),
            ]),
            Action::RemoveQueued { message_id } => Err(wrong(*message_id, "queued")),
            Action::EditQueued { message_id, text } => {
                let input = self
                    .messages
                    .find_queued(*message_id)
                    .ok_or_else(|| wrong(*message_id, "queued"))?;
                not_empty("edit_queued.text", text, input.attachments.is_empty())?;
                Ok(if input.text == *text {
                    Vec::new()
                } else {
                    let edited = UserInput {
                        text: text.clone(),
                        then_trim: false,
                        ..input.clone()
                    };
                    vec![EventBody::MessageEdited(edited).into()]
                })
            }
            Action::RequestLock => self.request_lock(context, &command.client),
            Action::ReleaseLock => self.release_lock(context, &command.client),
            Action::AnswerLock { client, grant } => {
                self.answer_lock(&command.client, *client, *grant)
            }
            Action::Cancel if self.turn.is_none() => Ok(Vec::new()),
            Action::Cancel => {
                let by = command.client.clone();
                let mut drafts = vec![EventBody::CancelRequested { by }.into()];
                if self.deaths.waits() {
                    drafts.extend(self.cancel_waiting(context.now));
                }
                Ok(drafts)
            }
            Action::StopTask { id } => self.stop_task(id, command),
            Action::SetModel { model } => {
                Ok(self.set_launch(|launch| launch.model.clone_from(model)))
            }
            Action::SetPermissionMode { mode } => {
                Ok(self.set_launch(|launch| launch.permission_mode.clone_from(mode)))
            }
            Action::Rename { title } => {
                not_empty("rename.title", title, true)?;
                Ok(vec![
                    EventBody::TitleChange {
                        title: title.trim().to_owned(),
                        by: Decider::Client(command.client.clone()),
                    }
                    .into(),
                ])
            }
            Action::Reopen { .. } if self.is_closed() => Ok(vec![
                EventBody::SessionReopened {
                    by: command.client.clone(),
                }
                .into(),
            ]),
            Action::Reopen { .. } => Ok(Vec::new()),
            Action::Close | Action::Delete => Ok(self.close(context.now)),
        }
    }

    /// A message: it begins a turn, or waits in the queue.
    fn say(
        &self,
        context: Context<'_>,
        command: &Command,
        text: &str,
        attachments: &[Attachment],
        policy: &TurnPolicy,
        then_trim: bool,
    ) -> Vec<Draft> {
        let input = UserInput {
            message_id: MessageId(command.key.0),
            idempotency_key: command.key,
            text: text.to_owned(),
            attachments: attachments.to_vec(),
            client: command.client.clone(),
            policy: policy.clone(),
            then_trim,
        };
        if self.must_queue() || self.messages.first_queued().is_some() {
            vec![EventBody::MessageQueued(input).into()]
        } else {
            self.take(context, input)
        }
    }

    /// Something in the background is to end. Agents say nothing of an id that they do not know, so it must be one of those
    /// that are there.
    fn stop_task(&self, id: &str, command: &Command) -> Result<Vec<Draft>, Rejected> {
        if self.stopping {
            return Err(Rejected::Unsupported(
                "the agent is ending and hears nothing any more; closing the session ends all of it".into(),
            ));
        }
        let tasks = &self.info.background_tasks;
        if tasks.iter().any(|task| task.id == id) {
            let (id, by) = (id.to_owned(), command.client.clone());
            return Ok(vec![EventBody::TaskStopRequested { id, by }.into()]);
        }
        let running: Vec<_> = tasks.iter().map(|task| task.id.as_str()).collect();
        let problem = if running.is_empty() {
            format!("{id:?} does not run: nothing runs in the background")
        } else {
            let running = running.join(", ");
            format!("{id:?} does not run in the background; what does: {running}")
        };
        let field = "stop_task.id";
        Err(Rejected::Invalid { field, problem })
    }

    /// True when [`Session::settle`] may have something to do.
    pub fn is_unsettled(&self) -> bool {
        self.messages.first_queued().is_some() || self.deaths.waits()
    }

    /// What follows from the state without anybody asking: a start of the agent that is due, the next queued message when
    /// nothing else is going on.
    pub fn settle(&self, context: Context<'_>) -> Vec<Draft> {
        if self.deaths.waits() {
            return self.start_again(context);
        }
        match self.messages.first_queued() {
            Some(next) if !self.must_queue() && !self.is_closed() => {
                let mut drafts = vec![
                    EventBody::MessageDequeued {
                        message_id: next.message_id,
                        removed: false,
                    }
                    .into(),
                ];
                drafts.extend(self.take(context, next.clone()));
                drafts
            }
            _ => Vec::new(),
        }
    }

    fn start(&self, start: &StartSession) -> Result<Vec<Draft>, Rejected> {
        if self.head != Sequence(0) {
            return Err(Rejected::SessionExists(self.id));
        }
        let info = SessionInfo {
            agent: start.agent.clone(),
            cwd: start.cwd.clone(),
            title: start.title.clone(),
            model: start.launch.model.clone(),
            permission_mode: start.launch.permission_mode.clone(),
            agent_session: self.id.to_string(),
            ..self.info.clone()
        };
        Ok(vec![
            EventBody::SessionInfo(Box::new(info)).into(),
            EventBody::LaunchChange(start.launch.clone()).into(),
        ])
    }

    /// True while a message has to wait: a turn runs, or the agent is about to be started anew.
    fn must_queue(&self) -> bool {
        self.turn.is_some() || self.stopping
    }

    /// The start of the agent, if it does not run.
    pub(super) fn start_agent(&self, context: Context<'_>) -> Option<Draft> {
        (self.agent == AgentState::Absent).then(|| {
            EventBody::AgentStarting {
                host: context.fresh_host,
                resume: self.resumable,
            }
            .into()
        })
    }

    fn take(&self, context: Context<'_>, input: UserInput) -> Vec<Draft> {
        let mut drafts = Vec::new();
        if self.agent == AgentState::Absent && !self.goes_on() {
            drafts.extend(self.requests.withdraw_orphans());
        }
        drafts.extend(self.start_agent(context));
        drafts.push(EventBody::UserInput(input).into());
        let status = if self.agent == AgentState::Absent {
            Status::Starting
        } else {
            Status::Thinking
        };
        drafts.push(status_change(status));
        drafts
    }

    fn set_launch(&self, change: impl FnOnce(&mut crate::command::LaunchOptions)) -> Vec<Draft> {
        let mut launch = self.launch.clone();
        change(&mut launch);
        if launch == self.launch {
            Vec::new()
        } else {
            vec![EventBody::LaunchChange(launch).into()]
        }
    }

    fn close(&self, now: Timestamp) -> Vec<Draft> {
        if self.is_closed() {
            return Vec::new();
        }
        let mut drafts = self.calls.lose_all(Lost::Closed);
        drafts.extend(self.requests.withdraw_all());
        drafts.extend(self.lock.dissolve());
        let queued = self.messages.queued().map(|input| input.message_id);
        drafts.extend(queued.map(|message_id| {
            EventBody::MessageDequeued {
                message_id,
                removed: true,
            }
            .into()
        }));
        if self.turn.is_some() {
            let end = self.bare_end(StopReason::Cancelled, now);
            drafts.push(EventBody::TurnComplete(end).into());
        }
        drafts.push(status_change(Status::Closed));
        drafts
    }
}

fn not_empty(field: &'static str, text: &str, alone: bool) -> Result<(), Rejected> {
    if alone && text.trim().is_empty() {
        let problem = "is empty".into();
        return Err(Rejected::Invalid { field, problem });
    }
    Ok(())
}

fn wrong(id: MessageId, expected: &'static str) -> Rejected {
    Rejected::WrongMessage { id, expected }
}

pub(super) fn status_change(status: Status) -> Draft {
    EventBody::StatusChange {
        status,
        detail: String::new(),
        retry_at: None,
    }
    .into()
}
