//! Where each message of the user is, and with which text: in one place, told to the agent as it was last said.

use std::collections::{BTreeMap, VecDeque};

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

/// The naive model.
#[derive(Debug, Default)]
pub(super) struct QueueModel {
    followed: usize,
    heard: usize,
    places: BTreeMap<MessageId, Place>,
    texts: BTreeMap<MessageId, String>,
    queue: VecDeque<MessageId>,
}

impl QueueModel {
    pub(super) fn follow(&mut self, bench: &Bench) {
        for event in &bench.log[self.followed..] {
            self.followed += 1;
            self.event(&event.body);
        }
        assert!(
            self.places.values().all(|place| *place != Place::Leaving),
            "a message was lost on its way"
        );
        for told in &bench.told[self.heard..] {
            self.heard += 1;
            if let AgentRequest::UserMessage {
                message_id, text, ..
            } = told
            {
                assert_eq!(Some(text), self.texts.get(message_id));
            }
        }
    }

    fn event(&mut self, body: &EventBody) {
        match body {
            EventBody::UserInput(input) => {
                let before = self.places.insert(input.message_id, Place::Sent);
                assert!(
                    matches!(before, None | Some(Place::Leaving | Place::Unknown)),
                    "{before:?}"
                );
                let said = self.texts.insert(input.message_id, input.text.clone());
                assert!(said.is_none_or(|said| said == input.text), "another text");
            }
            EventBody::MessageQueued(input) => {
                assert_eq!(self.places.insert(input.message_id, Place::Queued), None);
                self.texts.insert(input.message_id, input.text.clone());
                self.queue.push_back(input.message_id);
            }
            EventBody::MessageEdited(input) => {
                assert_eq!(self.places.get(&input.message_id), Some(&Place::Queued));
                let before = self.texts.insert(input.message_id, input.text.clone());
                assert_ne!(
                    before.as_ref(),
                    Some(&input.text),
                    "an edit changes something"
                );
            }
            EventBody::MessageDequeued {
                message_id,
                removed,
            } => {
                if *removed && self.places.get(message_id) == Some(&Place::Unknown) {
                    self.places.insert(*message_id, Place::Removed);
                    return;
                }
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
            EventBody::StatusChange {
                status: Status::Closed,
                ..
            } => assert!(self.queue.is_empty(), "closing ends everything"),
            EventBody::TurnComplete(_) => {
                let places = self.places.values_mut();
                let sent = places.filter(|place| **place == Place::Sent);
                sent.for_each(|place| *place = Place::Done);
            }
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn knows(&self, id: MessageId) -> bool {
        self.places.contains_key(&id)
    }

    /// The machine says the same.
    pub(super) fn compare(&self, bench: &Bench) {
        let messages = bench.session.messages();
        let queued = messages.queued();
        assert!(
            queued
                .map(|input| (input.message_id, &input.text))
                .eq(self.queue.iter().map(|id| (*id, &self.texts[id])))
        );
        assert!(messages.sent().eq(self.at(Place::Sent)));
        let unknown = messages.unknown().map(|input| input.message_id);
        assert!(unknown.eq(self.at(Place::Unknown)));
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
