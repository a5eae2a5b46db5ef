//! Messages of the user that are not settled: queued, sent, or of unknown delivery. A message is in one place at most.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::{Attachment, Base64, UserInput};
use crate::id::{MessageId, Sequence};

/// A message with the place where its whole text is, if the log shows only a preview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    input: UserInput,
    cut_at: Option<Sequence>,
}

/// Messages that are not settled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Messages {
    queue: VecDeque<Kept>,
    sent: BTreeMap<MessageId, Kept>,
    unknown: BTreeMap<MessageId, Kept>,
}

impl Messages {
    /// The queue, oldest first.
    pub fn queued(&self) -> impl Iterator<Item = &UserInput> {
        self.queue.iter().map(|kept| &kept.input)
    }

    /// The message that is next.
    pub fn first_queued(&self) -> Option<&UserInput> {
        self.queue.front().map(|kept| &kept.input)
    }

    /// Messages that went to the agent in the running turn.
    pub fn sent(&self) -> impl Iterator<Item = MessageId> {
        self.sent.keys().copied()
    }

    /// Messages of unknown delivery.
    pub fn unknown(&self) -> impl Iterator<Item = &UserInput> {
        self.unknown.values().map(|kept| &kept.input)
    }

    /// A message of unknown delivery.
    pub fn find_unknown(&self, id: MessageId) -> Option<&UserInput> {
        self.unknown.get(&id).map(|kept| &kept.input)
    }

    /// Whether a message waits for its turn, or for somebody who says whether it is to be sent again.
    pub fn waits(&self, id: MessageId) -> bool {
        self.find_queued(id).is_some() || self.unknown.contains_key(&id)
    }

    /// Messages of which only a preview is here, or attachments without content, with the event that has the whole.
    pub fn cut(&self) -> Vec<(MessageId, Sequence)> {
        self.all()
            .filter_map(|kept| kept.cut_at.map(|at| (kept.input.message_id, at)))
            .collect()
    }

    /// The attachments of a message.
    pub fn attachments(&self, id: MessageId) -> &[Attachment] {
        let found = self.all().find(|kept| kept.input.message_id == id);
        found.map_or(&[], |kept| &kept.input.attachments)
    }

    /// Puts back what the log has beside the event: the whole text, if it was cut, and the contents of attachments by their
    /// places.
    pub(super) fn restore(
        &mut self,
        id: MessageId,
        text: Option<String>,
        contents: Vec<(usize, Base64)>,
    ) {
        let sent = self.sent.values_mut().chain(self.unknown.values_mut());
        let mut all = self.queue.iter_mut().chain(sent);
        let Some(kept) = all.find(|kept| kept.input.message_id == id) else {
            return;
        };
        if let Some(text) = text {
            kept.input.text = text;
        }
        for (place, content) in contents {
            if let Some(attachment) = kept.input.attachments.get_mut(place) {
                attachment.content = content;
            }
        }
        kept.cut_at = None;
    }

    pub(super) fn enqueue(&mut self, input: &UserInput, cut_at: Option<Sequence>) {
        if self
            .all()
            .all(|kept| kept.input.message_id != input.message_id)
        {
            self.queue.push_back(Kept {
                input: input.clone(),
                cut_at,
            });
        }
    }

    pub(super) fn edit(&mut self, input: &UserInput, cut_at: Option<Sequence>) {
        let queued = self.queue.iter_mut();
        for kept in queued.filter(|kept| kept.input.message_id == input.message_id) {
            *kept = Kept {
                input: input.clone(),
                cut_at,
            };
        }
    }

    /// A queued message.
    pub fn find_queued(&self, id: MessageId) -> Option<&UserInput> {
        self.queued().find(|input| input.message_id == id)
    }

    /// The state holds every text whole, so nothing is fetched for it any more.
    pub(super) fn keep_whole(&mut self) {
        let sent = self.sent.values_mut().chain(self.unknown.values_mut());
        for kept in self.queue.iter_mut().chain(sent) {
            kept.cut_at = None;
        }
    }

    /// Takes a message out: one that is queued, or one of unknown delivery that nobody wants to send again.
    pub(super) fn dequeue(&mut self, id: MessageId) {
        self.queue.retain(|kept| kept.input.message_id != id);
        self.unknown.remove(&id);
    }

    pub(super) fn send(&mut self, input: &UserInput, cut_at: Option<Sequence>) {
        self.dequeue(input.message_id);
        self.sent.insert(
            input.message_id,
            Kept {
                input: input.clone(),
                cut_at,
            },
        );
    }

    pub(super) fn mark_unknown(&mut self, id: MessageId) {
        if let Some(kept) = self.sent.remove(&id) {
            self.unknown.insert(id, kept);
        }
    }

    pub(super) fn settle_sent(&mut self) {
        self.sent.clear();
    }

    fn all(&self) -> impl Iterator<Item = &Kept> {
        self.queue
            .iter()
            .chain(self.sent.values())
            .chain(self.unknown.values())
    }
}
