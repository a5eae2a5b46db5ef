//! What people see of a session: enough to choose what to do next. It may be a little behind.

use std::collections::BTreeSet;

use betcode_core::event::{Event, EventBody, QuestionItem, Status};
use betcode_core::id::{ClientId, MessageId, RequestId};

use crate::torture::check::people::{Said, Told};

/// Something that can be answered.
#[derive(Debug, Clone)]
pub(super) enum Open {
    /// Whether a tool may run, with the command of its input.
    Permission(String),
    Questions(Vec<QuestionItem>),
}

/// Everything that was seen and said at one session.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The last event that anybody has seen.
    last: u64,
    pub(super) requests: Vec<(RequestId, Open)>,
    ended: BTreeSet<RequestId>,
    pub(super) queued: Vec<MessageId>,
    pub(super) unknown: Vec<MessageId>,
    pub(super) asking: BTreeSet<ClientId>,
    pub(super) status: Option<Status>,
    pub(super) said: Vec<Said>,
    pub(super) told: Vec<Told>,
    /// What the daemon said keeps it from recording anything.
    pub(super) troubles: Vec<String>,
    /// What went wrong with a client itself.
    pub(super) problems: Vec<String>,
}

impl Board {
    /// Takes an event. Everybody tells of every event; each counts once.
    pub(super) fn see(&mut self, event: &Event) {
        if event.sequence.0 != self.last + 1 {
            return;
        }
        self.last = event.sequence.0;
        match &event.body {
            EventBody::PermissionRequest(request) => {
                let command = request.input.get("command");
                let command = command.and_then(serde_json::Value::as_str);
                let open = Open::Permission(command.unwrap_or_default().to_owned());
                self.requests.push((request.id.clone(), open));
            }
            EventBody::Question(question) => {
                let open = Open::Questions(question.items.clone());
                self.requests.push((question.id.clone(), open));
            }
            EventBody::PermissionResolved(decision) => {
                self.ended.insert(decision.id.clone());
            }
            EventBody::QuestionAnswered { id, .. } => {
                self.ended.insert(id.clone());
            }
            EventBody::MessageQueued(input) => self.queued.push(input.message_id),
            EventBody::MessageDequeued { message_id, .. } => {
                self.queued.retain(|queued| queued != message_id);
            }
            EventBody::DeliveryUnknown { message_id } => self.unknown.push(*message_id),
            EventBody::UserInput(input) => {
                self.unknown.retain(|unknown| *unknown != input.message_id);
            }
            EventBody::InputLockRequested { by, .. } => {
                self.asking.insert(by.id);
            }
            EventBody::InputLockRequestEnded { by, .. } => {
                self.asking.remove(&by.id);
            }
            EventBody::StatusChange { status, .. } => self.status = Some(*status),
            _ => {}
        }
    }

    /// Requests that nobody has seen the end of.
    pub(super) fn pending(&self) -> Vec<(RequestId, Open)> {
        let waits = |(id, _): &&(RequestId, Open)| !self.ended.contains(id);
        self.requests.iter().filter(waits).cloned().collect()
    }

    /// One of the requests: mostly one that waits, now and then one that has ended.
    pub(super) fn choose(&self, which: u64) -> Option<(RequestId, Open)> {
        let pending = self.pending();
        if which.is_multiple_of(5) {
            return pick(&self.requests, which / 5);
        }
        pick(&pending, which / 5)
    }
}

/// The one that a number chooses.
pub(super) fn pick<T: Clone>(choices: &[T], which: u64) -> Option<T> {
    let count = u64::try_from(choices.len())
        .ok()
        .filter(|count| *count > 0)?;
    let at = usize::try_from(which % count).ok()?;
    choices.get(at).cloned()
}
