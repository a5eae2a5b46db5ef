//! Who is here, what that does to the input lock and to requests, and commands that wait for the lock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use betcode_core::config::PROJECT_LOCAL_FILE;
use betcode_core::event::{ClientKind, EventBody, PermissionScope};
use betcode_core::id::RequestId;
use betcode_core::time::Timestamp;

use super::commands::Asked;
use super::{Actor, going_down};
use crate::rules;
use crate::session::audience::News;

impl Actor {
    pub(super) fn news(&mut self, news: News) {
        let now = self.now();
        match news {
            // Whoever reads and is gone is nobody who takes part: it makes no request wait longer.
            News::Arrived { client, .. } if client.kind == ClientKind::OneShot => self.readers += 1,
            News::Left { client, .. } if client.kind == ClientKind::OneShot => {
                self.readers = self.readers.saturating_sub(1);
            }
            News::Arrived { client, observes } => {
                self.presence.arrived(client.id, now);
                let drafts = self.session.touch(now, &self.terms);
                self.record(drafts, now);
                let drafts = self.session.arrived(&client, observes);
                self.record(drafts, now);
            }
            News::Left { client, for_good } => {
                self.presence.left(client.id, now);
                let drafts = self.session.left(&self.presence, &client, for_good);
                self.record(drafts, now);
            }
            News::RulesWritten {
                id,
                rules,
                file,
                error,
                untrusted,
            } => {
                if self.session.is_closed() {
                    return;
                }
                let body = EventBody::RulesWritten {
                    id,
                    rules,
                    file,
                    error,
                    untrusted,
                };
                self.record(vec![body.into()], now);
            }
            News::RulesRead(book) => {
                self.book.take_over(*book);
                self.tell_of_rules();
            }
        }
    }

    /// When something about those who are here, or are not, is due.
    pub(super) fn attendance_deadline(&self) -> Option<Timestamp> {
        let touch = self
            .presence
            .is_anybody_here()
            .then(|| self.session.next_touch(&self.terms))
            .flatten();
        let grace = self.session.grace_ends(&self.terms, &self.presence);
        touch.into_iter().chain(grace).min()
    }

    /// Time has passed: requests wait longer while somebody is here, and end otherwise; the lock moves on.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if self.presence.is_anybody_here() {
            let drafts = self.session.touch(now, &self.terms);
            self.record(drafts, now);
        }
        let hold = self.machine.clock().hold();
        // After a long time one end may make the next one due.
        loop {
            let drafts = self.session.expire(now, hold, &self.terms, &self.presence);
            if drafts.is_empty() {
                break;
            }
            self.record(drafts, now);
            // Who waited for the lock uses it before it moves on.
            self.decide_waiting();
        }
    }

    /// Decides anew what waits for the input lock, if the lock has moved or a request has ended since.
    pub(super) fn decide_waiting(&mut self) {
        while std::mem::take(&mut self.to_decide) && !self.waiting.is_empty() {
            let mut again = VecDeque::from(std::mem::take(&mut self.waiting));
            while let Some(asked) = again.pop_front() {
                let client = asked.command.client.clone();
                self.decide_again(asked);
                // Whatever became of it: who waits no more, with no other command either, wants nothing more.
                let mut waiting = again.iter().chain(&self.waiting);
                if waiting.all(|other| other.command.client.id != client.id) {
                    let drafts = self.session.gave_up_waiting(&client);
                    self.record(drafts, self.now());
                }
            }
        }
    }

    fn decide_again(&mut self, asked: Asked) {
        if !asked.reply.is_closed() {
            let now = self.now();
            self.decide(asked, true, now);
        }
    }

    /// The daemon ends, and nothing waits any longer. Whoever stays attached asks anew at the next daemon, and finds that it
    /// asks already; a client that does one thing and is gone must not be given the lock when it is gone.
    pub(super) fn give_up_waiting(&mut self) {
        let now = self.now();
        for asked in std::mem::take(&mut self.waiting) {
            let client = asked.command.client.clone();
            asked.refuse(going_down());
            if client.kind == ClientKind::OneShot {
                let drafts = self.session.gave_up_waiting(&client);
                self.record(drafts, now);
            }
        }
    }

    /// Rules that were allowed for good and are in no file yet, because the daemon died in between.
    pub(super) fn write_missing_rules(&mut self) {
        let missing: Vec<_> = self
            .session
            .requests()
            .unwritten()
            .map(|(id, rules)| (id.clone(), rules.to_vec()))
            .collect();
        self.write_rules(missing);
    }

    /// Writes rules to the project's local settings. Adding one that is there already changes nothing, so a write that may
    /// have happened is simply repeated.
    pub(super) fn write_rules(&self, rules: Vec<(RequestId, Vec<String>)>) {
        if rules.is_empty() {
            return;
        }
        let (audience, cwd) = (self.audience.clone(), self.session.info().cwd.clone());
        let machine = self.machine.clone();
        self.machine.tasks().spawn("write rules", async move {
            for (id, rules) in rules {
                let (to, what) = (cwd.clone(), rules.clone());
                let write = move || rules::write_rules(to.as_ref(), &what);
                let written = tokio::task::spawn_blocking(write)
                    .await
                    .unwrap_or_else(|error| Err(error.to_string()));
                let (file, error) = match written {
                    Ok(file) => (file.display().to_string(), String::new()),
                    Err(error) => {
                        let file = std::path::Path::new(&cwd).join(PROJECT_LOCAL_FILE);
                        (file.display().to_string(), error)
                    }
                };
                let untrusted = machine.trusted_by(&cwd).await.is_none();
                audience.tell(News::RulesWritten {
                    id,
                    rules,
                    file,
                    error,
                    untrusted,
                });
            }
        });
    }

    /// What has to happen beside the log because of an event that was just decided.
    pub(super) fn note_event(&mut self, body: &EventBody) {
        match body {
            EventBody::PermissionResolved(decision)
                if decision.scope == PermissionScope::Always && !decision.rules.is_empty() =>
            {
                let rules = (decision.id.clone(), decision.rules.clone());
                self.batch.rules.push(rules);
                self.to_decide = true;
            }
            EventBody::InputLockChanged { .. }
            | EventBody::InputLockRequestEnded { .. }
            | EventBody::QuestionAnswered { .. }
            | EventBody::PermissionResolved(_) => self.to_decide = true,
            EventBody::HistoryTrimmed { up_to, .. } => self.batch.trim = Some(*up_to),
            _ => {}
        }
    }
}

/// Returns when a caller whose command waits has gone. Pending for ever when nothing waits.
pub(super) async fn caller_gone(waiting: &mut [Asked]) {
    poll_fn(|context| {
        let gone = |asked: &mut Asked| asked.reply.poll_closed(context).is_ready();
        if waiting.iter_mut().any(gone) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
