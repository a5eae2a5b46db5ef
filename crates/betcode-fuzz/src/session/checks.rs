//! What holds at every event of a log, read off the log alone by somebody who knows nothing of the machine. The random lives
//! in `betcode-core` check more, on what a well-behaved agent says; here it may say anything.

use std::collections::{BTreeMap, BTreeSet};

use betcode_core::event::{Event, EventBody, Status};
use betcode_core::id::{HostEpoch, MessageId, RequestId};
use betcode_core::observation::AgentRequest;
use betcode_core::session::Session;

/// Where a message of the user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Queued,
    /// Taken out of the queue to be sent.
    Leaving,
    Sent,
    Unknown,
    Done,
    Removed,
}

/// The naive follower of a log.
#[derive(Debug, Default)]
pub(super) struct Checks {
    head: u64,
    host: Option<HostEpoch>,
    turn: bool,
    closed: bool,
    waiting: BTreeSet<RequestId>,
    /// Requests that have ended, and whether the agent was told.
    ended: BTreeMap<RequestId, bool>,
    last: Option<RequestId>,
    messages: BTreeMap<MessageId, Place>,
}

impl Checks {
    pub(super) fn event(&mut self, event: &Event) {
        self.head += 1;
        assert_eq!(
            event.sequence.0, self.head,
            "a number is left out or given twice"
        );
        match &event.body {
            EventBody::PermissionRequest(request) => self.asked(&request.id),
            EventBody::Question(question) => self.asked(&question.id),
            EventBody::PermissionResolved(decision) => self.ends(&decision.id),
            EventBody::QuestionAnswered { id, .. } => self.ends(id),
            EventBody::RequestExtended { id, .. } | EventBody::RequestReminder { id, .. } => {
                assert!(self.waiting.contains(id), "{id} does not wait");
            }
            EventBody::StatusChange { status, .. } => match status {
                Status::Thinking => self.turn = true,
                Status::Closed => {
                    assert!(!self.turn, "closed in a turn");
                    assert!(self.waiting.is_empty(), "closed with a request");
                    self.closed = true;
                }
                _ => {}
            },
            EventBody::SessionReopened { .. } => {
                assert!(std::mem::take(&mut self.closed), "it was not closed");
            }
            EventBody::TurnComplete(_) => {
                assert!(std::mem::take(&mut self.turn), "a turn ends twice");
                for place in self.messages.values_mut() {
                    if *place == Place::Sent {
                        *place = Place::Done;
                    }
                }
            }
            EventBody::AgentStarting { host, .. } => {
                assert_eq!(self.host.replace(*host), None, "two agents at once");
            }
            EventBody::AgentStarted { host, .. } | EventBody::AgentStopping { host } => {
                assert_eq!(self.host, Some(*host), "it is not there");
            }
            EventBody::AgentExited { host, .. } => assert_eq!(self.host.take(), Some(*host)),
            body => self.message(body),
        }
    }

    fn message(&mut self, body: &EventBody) {
        match body {
            EventBody::UserInput(input) => {
                assert!(!self.turn, "a message begins its turn");
                assert!(self.host.is_some(), "nobody is there to read it");
                self.turn = true;
                let before = self.messages.insert(input.message_id, Place::Sent);
                assert!(
                    matches!(before, None | Some(Place::Leaving | Place::Unknown)),
                    "sent twice: it was {before:?}"
                );
            }
            EventBody::MessageQueued(input) => {
                let before = self.messages.insert(input.message_id, Place::Queued);
                assert_eq!(before, None, "queued twice");
            }
            EventBody::MessageEdited(input) => {
                assert_eq!(self.messages.get(&input.message_id), Some(&Place::Queued));
            }
            EventBody::MessageDequeued {
                message_id,
                removed,
            } => {
                let place = if *removed {
                    Place::Removed
                } else {
                    Place::Leaving
                };
                let before = self.messages.insert(*message_id, place);
                assert_eq!(before, Some(Place::Queued), "not in the queue");
            }
            EventBody::DeliveryUnknown { message_id } => {
                let before = self.messages.insert(*message_id, Place::Unknown);
                assert_eq!(before, Some(Place::Sent), "it was not sent");
            }
            _ => {}
        }
    }

    fn asked(&mut self, id: &RequestId) {
        assert!(
            self.waiting.insert(id.clone()),
            "{id} is asked twice at once"
        );
        self.ended.remove(id);
        self.last = Some(id.clone());
    }

    fn ends(&mut self, id: &RequestId) {
        assert!(self.waiting.remove(id), "{id} ends and does not wait");
        self.ended.entry(id.clone()).or_insert(false);
    }

    /// The agent is told something. An event about it follows.
    pub(super) fn told(&mut self, request: &AgentRequest) {
        let (AgentRequest::Allow { id, .. }
        | AgentRequest::Answer { id, .. }
        | AgentRequest::Deny { id, .. }) = request
        else {
            return;
        };
        if self.waiting.contains(id) {
            let before = self.ended.insert(id.clone(), true);
            assert_ne!(before, Some(true), "{id} is told twice");
        }
    }

    /// A request that was made, whatever became of it.
    pub(super) fn some_request(&self) -> Option<RequestId> {
        self.last.clone()
    }

    /// The machine says the same.
    pub(super) fn compare(&self, session: &Session) {
        assert_eq!(session.head().0, self.head);
        assert_eq!(session.turn().is_some(), self.turn, "whether a turn runs");
        assert_eq!(session.is_closed(), self.closed);
        assert_eq!(session.agent().host(), self.host);
        assert!(
            session
                .requests()
                .iter()
                .map(|(id, _)| id)
                .eq(&self.waiting),
            "other requests wait"
        );
        let at = |place| {
            let all = self.messages.iter();
            all.filter(move |(_, at)| **at == place).map(|(id, _)| *id)
        };
        let queued: BTreeSet<_> = session
            .messages()
            .queued()
            .map(|it| it.message_id)
            .collect();
        assert!(queued.into_iter().eq(at(Place::Queued)), "another queue");
        let sent: BTreeSet<_> = session.messages().sent().collect();
        assert!(sent.into_iter().eq(at(Place::Sent)), "others are sent");
        assert_eq!(
            at(Place::Leaving).count(),
            0,
            "a message is lost on its way"
        );
    }
}
