//! Commands: idempotency, the decision, and the answer that waits for the commit.
//!
//! A command that has to wait for the input lock is neither accepted nor refused: it is decided anew whenever the lock moves,
//! until its caller gives it up. Nothing of it is remembered until it is accepted.

use std::collections::hash_map::Entry;

use betcode_core::command::{Action, Command, Rejected};
use betcode_core::event::{Draft, EventBody};
use betcode_core::id::Sequence;
use betcode_core::session::Decision;
use betcode_core::time::Timestamp;

use super::{Accepted, Actor, Reply, context, going_down};
use crate::store::AcceptedCommand;

/// A command with what belongs to it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The command.
    pub(crate) command: Box<Command>,
    /// A hash of what was asked.
    pub(crate) hash: [u8; 32],
    /// Lines for the user that go with the answer.
    pub(crate) notices: Vec<String>,
    /// Where the answer goes.
    pub(crate) reply: Reply,
}

impl Asked {
    pub(super) fn refuse(self, rejected: Rejected) {
        // A caller that has gone away needs no answer.
        let _gone = self.reply.send(Err(rejected));
    }
}

impl Actor {
    pub(super) fn command(&mut self, asked: Asked) {
        if self.answered_before(&asked).is_none() && self.life.is_stopping() {
            return asked.refuse(going_down());
        }
        let now = self.now();
        self.presence.heard(asked.command.client.id, now);
        self.decide(asked, false, now);
    }

    pub(super) fn decide(&mut self, asked: Asked, waited: bool, now: Timestamp) {
        match self.answered_before(&asked) {
            // The first answer may still wait for its commit: this one waits with it.
            Some(Ok(accepted)) => return self.batch.replies.push((asked.reply, Ok(accepted))),
            Some(Err(rejected)) => return self.refuse(asked, rejected),
            None => {}
        }
        if let Some(rejected) = self.forbidden(&asked.command) {
            return self.refuse(asked, rejected);
        }
        let context = context(now, &self.terms, &self.presence, waited);
        match self.session.decide(context, &asked.command) {
            Ok(Decision::Done(drafts)) => self.accept(asked, drafts, now),
            Ok(Decision::Waits(drafts)) => {
                self.record(drafts, now);
                self.waiting.push(asked);
            }
            Err(rejected) => self.refuse(asked, rejected),
        }
    }

    /// Refuses a command, but not because of something that is not in the log yet and may never be.
    fn refuse(&mut self, asked: Asked, rejected: Rejected) {
        if !self.batch.is_empty() {
            self.batch.replies.push((asked.reply, Err(rejected)));
        } else if let Some(in_flight) = &mut self.in_flight {
            in_flight.replies.push((asked.reply, Err(rejected)));
        } else {
            asked.refuse(rejected);
        }
    }

    fn accept(&mut self, asked: Asked, drafts: Vec<Draft>, now: Timestamp) {
        let Asked {
            command,
            hash,
            notices,
            reply,
        } = asked;
        let sequence = match drafts.iter().position(|draft| is_named(&draft.body)) {
            _ if drafts.is_empty() => Sequence(0),
            position => Sequence(self.session.head().0 + 1 + position.unwrap_or(0) as u64),
        };
        if let Action::Reopen { environment } = &command.action
            && !drafts.is_empty()
        {
            self.environment.clone_from(environment);
            self.batch.environment = serde_json::to_string(environment).ok();
        }
        self.record(drafts, now);
        if matches!(command.action, Action::AnswerPermission { .. }) {
            self.allow_meanwhile(now);
        }
        let touched = self.session.touch(now, &self.terms);
        self.record(touched, now);
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
        self.batch.replies.push((reply, Ok(accepted)));
    }

    fn answered_before(&mut self, asked: &Asked) -> Option<Result<Accepted, Rejected>> {
        match self.recent.entry(asked.command.key) {
            Entry::Occupied(known) if known.get().0 == asked.hash => {
                Some(Ok(known.get().1.clone()))
            }
            Entry::Occupied(_) => Some(Err(Rejected::KeyReused(asked.command.key))),
            Entry::Vacant(_) => None,
        }
    }
}

/// The event that a command is about, among those that follow from it.
fn is_named(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::UserInput(_)
            | EventBody::MessageQueued(_)
            | EventBody::PermissionResolved(_)
            | EventBody::QuestionAnswered { .. }
    )
}
