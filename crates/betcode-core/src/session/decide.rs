//! Commands of clients, and what follows from the state without anybody asking.

use super::{AgentState, Session};
use crate::command::{Action, Command, Rejected, StartSession};
use crate::event::{Decider, Draft, EventBody, SessionInfo, Status, StopReason, UserInput};
use crate::id::{HostEpoch, MessageId, Sequence};
use crate::time::Timestamp;

/// Time and randomness for one decision.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Now.
    pub now: Timestamp,
    /// An epoch for a host, in case one must be started.
    pub fresh_host: HostEpoch,
}

impl Session {
    /// What a command does, or why it is refused. An accepted command without effect gives no drafts.
    pub fn decide(&self, context: Context, command: &Command) -> Result<Vec<Draft>, Rejected> {
        if let Action::Start(start) = &command.action {
            return self.start(start);
        }
        if self.head == Sequence(0) {
            return Err(Rejected::UnknownSession(self.id));
        }
        if self.is_closed()
            && !matches!(
                command.action,
                Action::Close | Action::Delete | Action::Rename { .. }
            )
        {
            return Err(Rejected::SessionClosed(self.id));
        }
        match &command.action {
            Action::Start(_) => Err(Rejected::SessionExists(self.id)),
            Action::Configure(launch) if **launch == self.launch => Ok(Vec::new()),
            Action::Configure(launch) => {
                Ok(vec![EventBody::LaunchChange((**launch).clone()).into()])
            }
            Action::Message {
                text,
                attachments,
                policy,
            } => {
                if text.trim().is_empty() && attachments.is_empty() {
                    return Err(Rejected::Invalid {
                        field: "message.text",
                        problem: "the message is empty".into(),
                    });
                }
                let input = UserInput {
                    message_id: MessageId(command.key.0),
                    idempotency_key: command.key,
                    text: text.clone(),
                    attachments: attachments.clone(),
                    client: command.client.clone(),
                    policy: policy.clone(),
                    then_trim: false,
                };
                Ok(
                    if self.must_queue() || self.messages.first_queued().is_some() {
                        vec![EventBody::MessageQueued(input).into()]
                    } else {
                        self.take(context, input)
                    },
                )
            }
            Action::SendAgain { message_id } => match self.messages.find_unknown(*message_id) {
                None => Err(Rejected::WrongMessage {
                    id: *message_id,
                    expected: "of unknown delivery",
                }),
                Some(_) if self.must_queue() => Err(Rejected::Unavailable(
                    "a turn is running: send the message again when it has ended".into(),
                )),
                Some(input) => Ok(self.take(context, input.clone())),
            },
            Action::RemoveQueued { message_id } if self.messages.is_queued(*message_id) => {
                Ok(vec![
                    EventBody::MessageDequeued {
                        message_id: *message_id,
                        removed: true,
                    }
                    .into(),
                ])
            }
            Action::RemoveQueued { message_id } => Err(Rejected::WrongMessage {
                id: *message_id,
                expected: "queued",
            }),
            Action::Cancel => Ok(match &self.turn {
                Some(_) => vec![
                    EventBody::CancelRequested {
                        by: command.client.clone(),
                    }
                    .into(),
                ],
                None => Vec::new(),
            }),
            Action::SetModel { model } => {
                Ok(self.set_launch(|launch| launch.model.clone_from(model)))
            }
            Action::SetPermissionMode { mode } => {
                Ok(self.set_launch(|launch| launch.permission_mode.clone_from(mode)))
            }
            Action::Rename { title } if title.trim().is_empty() => Err(Rejected::Invalid {
                field: "rename.title",
                problem: "the title is empty".into(),
            }),
            Action::Rename { title } => Ok(vec![
                EventBody::TitleChange {
                    title: title.trim().to_owned(),
                    by: Decider::Client(command.client.clone()),
                }
                .into(),
            ]),
            Action::Close | Action::Delete => Ok(self.close(context.now)),
            Action::EditQueued { .. }
            | Action::AnswerPermission { .. }
            | Action::AnswerQuestion { .. }
            | Action::RequestLock
            | Action::ReleaseLock
            | Action::AnswerLock { .. }
            | Action::Compact { .. }
            | Action::Clear
            | Action::Reopen { .. } => Err(Rejected::Unsupported("not yet".into())),
        }
    }

    /// What follows from the state without anybody asking: the next queued message when nothing else is going on.
    pub fn settle(&self, context: Context) -> Vec<Draft> {
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

    fn take(&self, context: Context, input: UserInput) -> Vec<Draft> {
        let mut drafts = Vec::new();
        if self.agent == AgentState::Absent {
            drafts.push(
                EventBody::AgentStarting {
                    host: context.fresh_host,
                    resume: self.resumable,
                }
                .into(),
            );
        }
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
        let mut drafts = self.requests.withdraw_all();
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

pub(super) fn status_change(status: Status) -> Draft {
    EventBody::StatusChange {
        status,
        detail: String::new(),
        retry_at: None,
    }
    .into()
}
