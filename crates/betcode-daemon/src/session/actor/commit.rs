//! Handing a batch to the store, and what follows from its outcome.

use betcode_core::id::Sequence;
use betcode_core::session::{AgentState, SNAPSHOT_VERSION};
use betcode_core::steady::Hold;
use betcode_proto::v1::{self, feed_entry};
use bytes::Bytes;

use super::{Actor, Agent, AgentMemory, Batch, InFlight, Progress, load, show, unavailable};
use crate::session::summary::summary;
use crate::store::{Append, Checkpoint, Chunk, CommitError, Durability, Snapshot, SummaryRow};

/// A snapshot is due after so many events, when a turn has ended …
const SNAPSHOT_AT_REST: u64 = 256;
/// … or after so many in any case.
const SNAPSHOT_AT_MOST: u64 = 20_000;

impl Actor {
    /// Hands the batch to the store, unless one is there already.
    pub(super) fn submit(&mut self) {
        if self.in_flight.is_some() || self.batch.is_empty() {
            return;
        }
        let mut batch = std::mem::take(&mut self.batch);
        let frames = batch.sendable_frames();
        let mut append = Append::new(self.log.clone(), self.now());
        append.create = !self.exists;
        append.delete = batch.delete;
        if append.create {
            append.environment = serde_json::to_string(&self.environment).ok();
        } else if self.session.is_closed() && batch.power_loss {
            append.environment = Some(String::new());
        } else {
            append.environment = batch.environment.take();
        }
        if batch.count > 0 {
            append.chunk = Some(Chunk {
                first: Sequence(self.session.head().0 + 1 - batch.count as u64),
                last: self.session.head(),
                bytes: Bytes::from(std::mem::take(&mut batch.events)),
            });
        }
        append.payloads = std::mem::take(&mut batch.payloads);
        append.checkpoint = self.checkpoint();
        append.outbox_add = std::mem::take(&mut batch.frames);
        append.outbox_written = self.host.written();
        append.outbox_clear = batch.clear_outbox;
        append.accepted = std::mem::take(&mut batch.accepted);
        append.hosts = std::mem::take(&mut batch.hosts);
        append.requests = std::mem::take(&mut batch.requests);
        append.audit = std::mem::take(&mut batch.audit);
        append.feed = std::mem::take(&mut batch.feed);
        append.trim = batch.trim;
        append.durability = if batch.power_loss {
            Durability::PowerLoss
        } else {
            Durability::Process
        };
        append.snapshot = self.due_snapshot();
        self.add_summary(&mut append);
        let deadline = self.session.next_deadline(Hold::default());
        if deadline != self.deadline {
            self.deadline = deadline;
            append.deadline = Some(deadline);
        }
        self.exists = true;
        self.in_flight = Some(InFlight {
            done: self.machine.store().append(append),
            replies: batch.replies,
            frames,
            taken: batch.taken,
            start: batch.start,
            ended: batch.ended,
            views: batch.views,
            rules: batch.rules,
            delete: batch.delete,
            last: self.session.head(),
        });
    }

    /// The batch that was with the store is committed, or nothing of it is.
    pub(super) async fn committed(&mut self, result: Result<(), CommitError>) {
        let Some(batch) = self.in_flight.take() else {
            return;
        };
        match result {
            Ok(()) => self.after_commit(batch),
            Err(error) => self.roll_back(batch, &error).await,
        }
    }

    fn after_commit(&mut self, batch: InFlight) {
        self.committed = batch.last;
        for (reply, answer) in batch.replies {
            // A caller that has gone away needs no answer.
            let _gone = reply.send(answer);
        }
        batch.views.into_iter().for_each(show);
        if let Some(offset) = batch.taken {
            self.host.commit(offset);
        }
        if let Some(host) = batch.ended {
            self.host_ended(host);
        }
        match batch.start {
            Some(host) => self.start_host(host, batch.frames),
            None => self.host.send_frames(batch.frames),
        }
        self.write_rules(batch.rules);
        self.reconcile_host();
        if batch.delete {
            if let Some(host) = self.session.agent().host() {
                self.host_ended(host);
            }
            self.life.stop();
            self.machine.deleted(self.log.id());
        }
    }

    /// Throws the speculative state away and folds the session anew from the log.
    async fn roll_back(&mut self, batch: InFlight, error: &CommitError) {
        tracing::error!(session = %self.log.id(), %error, "a commit failed; the session is folded anew");
        let later = std::mem::take(&mut self.batch);
        for (reply, _) in batch.replies.into_iter().chain(later.replies) {
            // A caller that has gone away needs no answer.
            let _gone = reply.send(Err(unavailable(error)));
        }
        for asked in std::mem::take(&mut self.waiting) {
            asked.refuse(unavailable(error));
        }
        self.answer_context(&Err(unavailable(error)));
        let views = batch.views.into_iter().chain(later.views);
        let views: Vec<_> = views.map(|(reply, _)| reply).collect();
        self.recent.clear();
        self.pause();
        let loaded = match self.machine.store().open_log(self.log.id()).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => {
                // The session was never made.
                self.machine.forget(self.log.id());
                self.life.stop();
                return;
            }
            Err(error) => return self.give_up(&error.to_string()),
        };
        match load::fold(self.machine.store(), &loaded).await {
            Ok(session) => {
                self.session = session;
                self.parser = Agent::new(betcode_agents::Kind::ClaudeCode);
                self.progress = Progress::default();
                self.host = super::hosting::Host::None;
                self.restore(loaded);
                for reply in views {
                    show((reply, Box::new(self.session.clone())));
                }
            }
            Err(error) => self.give_up(&error.to_string()),
        }
    }

    /// The session cannot be read back: it is left alone, and loaded again when somebody asks for it.
    fn give_up(&mut self, error: &str) {
        tracing::error!(session = %self.log.id(), error, "a session cannot be read back");
        self.machine.forget(self.log.id());
        self.batch = Batch::default();
        self.life.stop();
    }

    fn checkpoint(&mut self) -> Option<Checkpoint> {
        let host = match self.session.agent() {
            AgentState::Absent => return None,
            AgentState::Starting { host, .. } | AgentState::Running { host, .. } => *host,
        };
        if self.parser.state_changed() || self.remembered != self.progress {
            self.remembered.clone_from(&self.progress);
            let memory = AgentMemory {
                parser: self.parser.state(),
                progress: self.progress.clone(),
            };
            self.memory = serde_json::to_string(&memory).unwrap_or_default();
        }
        let (segment, offset) = self.host.position(host);
        Some(Checkpoint {
            host,
            spool_segment: segment,
            spool_offset: offset,
            next_frame: self.next_frame,
            agent_state: self.memory.clone(),
        })
    }

    fn due_snapshot(&mut self) -> Option<Snapshot> {
        let since = self.session.head().0.saturating_sub(self.snapshot_at.0);
        let due = since >= SNAPSHOT_AT_MOST
            || (since >= SNAPSHOT_AT_REST && self.session.turn().is_none());
        if !due {
            return None;
        }
        let state = serde_json::to_vec(&self.session).ok()?;
        self.snapshot_at = self.session.head();
        Some(Snapshot {
            version: SNAPSHOT_VERSION,
            sequence: self.session.head(),
            state,
        })
    }

    /// Adds what lists show of the session, and the feed's entry about it, when they changed.
    fn add_summary(&mut self, append: &mut Append) {
        if append.delete {
            append
                .feed
                .push(feed_entry::Body::SessionDeleted(v1::SessionDeleted {
                    id: Bytes::copy_from_slice(self.log.id().0.as_bytes()),
                }));
            return;
        }
        let row = summary(&self.session);
        let unchanged = self.summary.as_ref().is_some_and(|old| {
            SummaryRow {
                updated: row.updated,
                ..old.clone()
            } == row
        });
        if unchanged {
            return;
        }
        append.feed.push(feed_entry::Body::SessionChanged(
            crate::server::session::wire_summary(row.clone(), self.session.head()),
        ));
        self.summary = Some(row.clone());
        append.summary = Some(row);
    }
}
