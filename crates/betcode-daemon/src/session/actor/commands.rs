//! Commands: idempotency, the decision, and the answer that waits for the commit.

use std::collections::hash_map::Entry;

use betcode_core::command::{Action, Command, Rejected};
use betcode_core::event::EventBody;
use betcode_core::id::Sequence;

use super::{Accepted, Actor, Reply, context};
use crate::store::AcceptedCommand;

impl Actor {
    pub(super) fn command(
        &mut self,
        command: &Command,
        hash: [u8; 32],
        notices: Vec<String>,
        reply: Reply,
    ) {
        if let Some(answer) = self.answered_before(command, hash) {
            match answer {
                // The first answer may still wait for its commit: this one waits with it.
                Ok(accepted) => self.batch.replies.push((reply, accepted)),
                Err(rejected) => refuse(reply, rejected),
            }
            return;
        }
        if self.life.is_stopping() {
            return refuse(
                reply,
                Rejected::Unavailable("the daemon is shutting down".into()),
            );
        }
        let now = self.now();
        let drafts = match self.session.decide(context(now), command) {
            Ok(drafts) => drafts,
            Err(rejected) => return refuse(reply, rejected),
        };
        let before = self.session.head();
        let named = drafts.iter().position(|draft| {
            matches!(
                &draft.body,
                EventBody::UserInput(_) | EventBody::MessageQueued(_)
            )
        });
        let sequence = match (named, drafts.is_empty()) {
            (_, true) => Sequence(0),
            (position, false) => Sequence(before.0 + 1 + position.unwrap_or(0) as u64),
        };
        self.record(drafts, now);
        let accepted = Accepted { sequence, notices };
        self.recent.insert(command.key, (hash, accepted.clone()));
        self.batch.accepted.push(AcceptedCommand {
            key: command.key,
            session: command.session,
            payload_hash: hash,
            sequence,
            notices: accepted.notices.clone(),
            at: now,
        });
        self.batch.power_loss = true;
        if command.action == Action::Delete {
            self.batch.delete = true;
            self.record_host_gone(now);
        }
        self.batch.replies.push((reply, accepted));
    }

    fn answered_before(
        &mut self,
        command: &Command,
        hash: [u8; 32],
    ) -> Option<Result<Accepted, Rejected>> {
        match self.recent.entry(command.key) {
            Entry::Occupied(known) if known.get().0 == hash => Some(Ok(known.get().1.clone())),
            Entry::Occupied(_) => Some(Err(Rejected::KeyReused(command.key))),
            Entry::Vacant(_) => None,
        }
    }
}

fn refuse(reply: Reply, rejected: Rejected) {
    // A caller that has gone away needs no answer.
    let _gone = reply.send(Err(rejected));
}
