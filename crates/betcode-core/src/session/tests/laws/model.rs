//! What the log means, told as simply as can be: where each message is, which requests wait, whether a turn runs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Queued,
    /// Taken out of the queue to be sent with the very next event but the start of an agent.
    Leaving,
    Sent,
    Unknown,
    Done,
    Removed,
}

/// The naive model. Every law that can be read off a log is asserted while following it.
#[derive(Debug, Default)]
pub(super) struct Model {
    followed: usize,
    turn: bool,
    closed: bool,
    places: BTreeMap<MessageId, Place>,
    queue: VecDeque<MessageId>,
    asked: BTreeSet<RequestId>,
    host: Option<HostEpoch>,
    must_send: bool,
    tokens: u64,
    turns: u64,
}

impl Model {
    /// Follows what is new in the log.
    pub(super) fn follow(&mut self, bench: &Bench) {
        for event in &bench.log[self.followed..] {
            self.followed += 1;
            assert_eq!(
                event.sequence,
                Sequence(self.followed as u64),
                "numbers have no gap"
            );
            self.event(&event.body);
        }
        assert!(!self.must_send, "an agent was started for nothing");
        assert!(
            self.places.values().all(|place| *place != Place::Leaving),
            "a message was lost on its way"
        );
    }

    fn event(&mut self, body: &EventBody) {
        let allowed = matches!(
            body,
            EventBody::TitleChange { .. }
                | EventBody::AgentStarted { .. }
                | EventBody::AgentExited { .. }
        );
        assert!(
            !self.closed || allowed,
            "a closed session is quiet: {body:?}"
        );
        let sends = matches!(body, EventBody::UserInput(_));
        assert!(
            !std::mem::take(&mut self.must_send) || sends,
            "an agent is started for a message"
        );
        match body {
            EventBody::UserInput(input) => self.sent(input.message_id),
            EventBody::MessageQueued(input) => {
                assert_eq!(self.places.insert(input.message_id, Place::Queued), None);
                self.queue.push_back(input.message_id);
            }
            EventBody::MessageDequeued {
                message_id,
                removed,
            } => {
                assert!(
                    *removed || self.queue.front() == Some(message_id),
                    "first in, first out"
                );
                let place = if *removed {
                    Place::Removed
                } else {
                    Place::Leaving
                };
                assert_eq!(self.places.insert(*message_id, place), Some(Place::Queued));
                self.queue.retain(|queued| queued != message_id);
            }
            EventBody::DeliveryUnknown { message_id } => {
                assert_eq!(
                    self.places.insert(*message_id, Place::Unknown),
                    Some(Place::Sent)
                );
            }
            EventBody::PermissionRequest(PermissionRequest { id, .. })
            | EventBody::Question(Question { id, .. }) => {
                assert!(self.asked.insert(id.clone()), "asked twice at once: {id}");
            }
            EventBody::PermissionResolved(PermissionDecision { id, .. })
            | EventBody::QuestionAnswered { id, .. } => {
                assert!(self.asked.remove(id), "ended twice: {id}");
            }
            EventBody::StatusChange {
                status: Status::Thinking,
                ..
            } => self.begin(),
            EventBody::StatusChange {
                status: Status::Closed,
                ..
            } => {
                assert!(
                    !self.turn && self.asked.is_empty() && self.queue.is_empty(),
                    "closing ends everything"
                );
                self.closed = true;
            }
            EventBody::TurnComplete(end) => {
                assert!(std::mem::take(&mut self.turn), "a turn ends once");
                self.tokens += end.usage.input_tokens;
                let sent = self
                    .places
                    .values_mut()
                    .filter(|place| **place == Place::Sent);
                sent.for_each(|place| *place = Place::Done);
            }
            EventBody::AgentStarting { host, .. } => {
                assert_eq!(self.host.replace(*host), None, "one agent at a time");
                assert!(
                    !self.turn,
                    "an agent is not started in the middle of a turn"
                );
                self.must_send = true;
            }
            EventBody::AgentExited { host, .. } => {
                assert_eq!(self.host.take(), Some(*host));
            }
            EventBody::AgentStopping { host } => {
                assert_eq!(self.host, Some(*host));
                assert!(
                    !self.turn && self.asked.is_empty(),
                    "only an agent at rest may end"
                );
            }
            EventBody::AgentStarted { host, .. } => assert_eq!(self.host, Some(*host)),
            _ => {}
        }
    }

    fn sent(&mut self, id: MessageId) {
        assert!(!self.turn, "a message begins its turn");
        assert!(self.host.is_some(), "somebody is there to read it");
        let before = self.places.insert(id, Place::Sent);
        assert!(
            matches!(before, None | Some(Place::Leaving | Place::Unknown)),
            "{before:?}"
        );
        self.begin();
    }

    fn begin(&mut self) {
        self.turns += u64::from(!self.turn);
        self.turn = true;
    }

    /// The machine knows the same, and what it does not say in events fits.
    pub(super) fn compare(&self, bench: &Bench, accepted: Option<MessageId>) {
        let session = &bench.session;
        assert!(
            bench.unheard.is_empty(),
            "nobody was there to hear {:?}",
            bench.unheard
        );
        assert!(
            accepted.is_none_or(|id| self.places.contains_key(&id)),
            "an accepted message is somewhere"
        );
        assert_eq!(session.turn().is_some(), self.turn);
        assert_eq!(session.turns(), self.turns);
        assert_eq!(session.is_closed(), self.closed);
        assert_eq!(session.agent().host(), self.host);
        assert!(
            session
                .messages()
                .queued()
                .map(|input| input.message_id)
                .eq(self.queue.iter().copied())
        );
        assert!(session.messages().sent().eq(self.at(Place::Sent)));
        assert!(
            session
                .messages()
                .unknown()
                .map(|input| input.message_id)
                .eq(self.at(Place::Unknown))
        );
        assert!(session.requests().iter().map(|(id, _)| id).eq(&self.asked));
        assert_eq!(session.info().totals.input_tokens, self.tokens);
        assert!(
            self.queue.is_empty() || self.turn || session.agent_wanted() == AgentWanted::Stop,
            "somebody is stuck"
        );
        self.compare_status(session.info().status);
        if !self.turn {
            let Progress {
                result,
                worked,
                retry_delay_ms,
                ..
            } = &bench.progress;
            assert!(
                self.closed || (result.is_none() && !worked && retry_delay_ms.is_none()),
                "left over"
            );
        }
    }

    fn compare_status(&self, status: Status) {
        let fits = match status {
            Status::Starting
            | Status::Thinking
            | Status::RunningTool
            | Status::RateLimited
            | Status::Retrying
            | Status::Stalled => self.turn,
            Status::WaitingForUser => !self.asked.is_empty(),
            Status::Compacting => true,
            Status::Idle | Status::Crashed | Status::Error => !self.turn,
            Status::Closed => self.closed,
        };
        assert!(
            fits,
            "{status:?} with turn: {}, asked: {:?}",
            self.turn, self.asked
        );
    }

    fn at(&self, place: Place) -> impl Iterator<Item = MessageId> {
        self.places
            .iter()
            .filter(move |(_, at)| **at == place)
            .map(|(id, _)| *id)
    }

    /// Every message has come to rest where a person can see it.
    pub(super) fn all_accounted_for(&self) -> bool {
        self.places
            .values()
            .all(|place| matches!(place, Place::Unknown | Place::Done | Place::Removed))
    }
}
