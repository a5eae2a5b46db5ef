//! The writer: one thread with the only connection that writes. It takes all that has arrived, writes it as one
//! transaction, and only then lets the world know. It never waits for more to arrive.
//!
//! For each group, in this order:
//! 1. `synchronous` is set to what the group must survive (it can only change between transactions);
//! 2. every append is written, then the feed entries of all of them, then the number of the transaction;
//! 3. COMMIT;
//! 4. the witness learns the number;
//! 5. chunks become visible and heads rise, appends are answered.
//!
//! When 2 or 3 fails, the transaction is undone, every append of the group is answered with the error, and nothing of
//! step 4 and 5 happens.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};

use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;
use betcode_proto::v1::FeedEntry;
use betcode_proto::v1::feed_entry;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::append::{Append, CommitError, Durability};
use super::changes::Changes;
use super::checkpoint::Checkpointer;
use super::chunk::{CHUNK_BYTES, Chunk};
use super::health;
use super::log::SessionLog;
use super::schema::sql;
use super::statements;
use super::witness::{Record, Witness};

/// A change that is not an append.
pub(super) type Change = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;
/// The state of a machine that is no session's, and what the machine feed says of it.
pub(super) struct Kept {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) at: Timestamp,
    pub(super) feed: Vec<feed_entry::Body>,
    pub(super) durability: Durability,
}

/// Where an append is answered.
pub(super) type Answer = oneshot::Sender<Result<(), CommitError>>;

/// A group takes no more than this, so that its memory and its latency stay bounded.
const GROUP_JOBS: usize = 512;
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// What the writer is asked to do.
pub(super) enum Job {
    Append(Box<Append>, Answer),
    /// Survives the loss of power.
    Change(Change, Answer),
    Keep(Box<Kept>, Answer),
    /// Forget accepted commands that are older than this.
    PruneCommands(Timestamp),
    /// Forget decisions and ended requests that are older than this.
    PruneAudit(Timestamp),
    Close,
}

impl Job {
    /// Where it is answered, when somebody waits for that.
    pub(super) fn answer(self) -> Option<Answer> {
        match self {
            Self::Append(_, answer) | Self::Change(_, answer) | Self::Keep(_, answer) => {
                Some(answer)
            }
            Self::PruneCommands(_) | Self::PruneAudit(_) | Self::Close => None,
        }
    }
}

/// Rows to be removed bit by bit while there is nothing better to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chore {
    Session(u64),
    Commands(Timestamp),
    Audit(Timestamp),
}

enum Work {
    Append(Box<Append>),
    Change(Change),
    Keep(Box<Kept>),
}

/// What becomes visible of a log when the transaction is committed.
struct Publication {
    log: Arc<SessionLog>,
    chunks: Vec<Chunk>,
    trimmed: Option<Sequence>,
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) changes: Arc<Changes>,
    pub(super) feed: Arc<SessionLog>,
    pub(super) witness: Witness,
    pub(super) record: Record,
    pub(super) checkpointer: Checkpointer,
    pub(super) wal: PathBuf,
    pub(super) chores: VecDeque<Chore>,
    pub(super) health: health::Keeper,
    /// Whether `synchronous` is FULL now.
    pub(super) full: bool,
}

impl Writer {
    /// Works until it is closed.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut open = true;
        while open {
            let Some(first) = self.next(jobs) else {
                break;
            };
            let mut work = Vec::new();
            let mut answers = Vec::new();
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Append(append, answer) => {
                        bytes += size(&append);
                        if let Some(answer) = in_order(&append, answer) {
                            work.push(Work::Append(append));
                            answers.push(answer);
                        }
                    }
                    Job::Change(change, answer) => {
                        work.push(Work::Change(change));
                        answers.push(answer);
                    }
                    Job::Keep(kept, answer) => {
                        bytes += kept.value.len();
                        work.push(Work::Keep(kept));
                        answers.push(answer);
                    }
                    Job::PruneCommands(before) => self.chores.push_back(Chore::Commands(before)),
                    Job::PruneAudit(before) => self.chores.push_back(Chore::Audit(before)),
                    Job::Close => {
                        open = false;
                        break;
                    }
                }
                let more = work.len() < GROUP_JOBS && bytes < GROUP_BYTES;
                next = if more { jobs.try_recv().ok() } else { None };
            }
            if !work.is_empty() {
                self.group(work, answers);
            }
        }
        for job in jobs.try_iter() {
            if let Some(answer) = job.answer() {
                answer.send(Err(CommitError::Closed)).ok();
            }
        }
        self.close();
    }

    /// The next job; chores are done while there is none.
    fn next(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        while let Some(chore) = self.chores.front().copied() {
            match jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            let done = match statements::chore(&self.connection, chore) {
                Ok(done) => done,
                Err(error) => {
                    tracing::warn!(%error, "cannot remove old rows; the next start tries again");
                    true
                }
            };
            if done {
                self.chores.pop_front();
            }
            self.watch_wal();
        }
        jobs.recv().ok()
    }

    fn group(&mut self, work: Vec<Work>, answers: Vec<Answer>) {
        let logs: Vec<_> = work
            .iter()
            .filter_map(|work| match work {
                Work::Append(append) => Some(Arc::clone(&append.log)),
                Work::Change(_) | Work::Keep(_) => None,
            })
            .collect();
        match self.commit(work) {
            Ok(publications) => {
                // Before anybody hears of it: who searches after that finds it, or is told that it is still to be looked at.
                self.changes.note(logs.iter().map(|log| log.number()));
                for published in publications {
                    published.log.trim(published.trimmed);
                    published.log.publish(published.chunks);
                }
                for answer in answers {
                    answer.send(Ok(())).ok();
                }
                health::note_commit(&self.health, None);
                self.watch_wal();
            }
            Err(error) => {
                // SQLite has undone some failures by itself already.
                if !self.connection.is_autocommit()
                    && let Err(error) = self.connection.execute_batch("ROLLBACK")
                {
                    tracing::error!(%error, "cannot undo a failed transaction");
                }
                for log in logs {
                    log.forget_written();
                }
                tracing::error!(%error, "cannot commit");
                let error = CommitError::from(&error);
                health::note_commit(&self.health, Some(error.to_string()));
                for answer in answers {
                    answer.send(Err(error.clone())).ok();
                }
            }
        }
    }

    fn commit(&mut self, work: Vec<Work>) -> rusqlite::Result<Vec<Publication>> {
        let full = work.iter().any(|work| match work {
            Work::Append(append) => append.durability == Durability::PowerLoss,
            Work::Keep(kept) => kept.durability == Durability::PowerLoss,
            Work::Change(_) => true,
        });
        if full != self.full {
            self.connection.pragma_update(
                None,
                "synchronous",
                if full { "FULL" } else { "NORMAL" },
            )?;
            self.full = full;
        }
        let pass = self.checkpointer.gate.enter();
        let connection = &self.connection;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        let mut publications: Vec<Publication> = Vec::with_capacity(work.len());
        let mut feed = Vec::new();
        let mut deleted = Vec::new();
        for work in work {
            match work {
                Work::Change(change) => change(connection)?,
                Work::Keep(kept) => {
                    statements::set_state(connection, kept.name, &kept.value)?;
                    feed.extend(kept.feed.into_iter().map(|body| (kept.at, body)));
                }
                Work::Append(mut append) => {
                    let at = append.at;
                    feed.extend(append.feed.drain(..).map(|body| (at, body)));
                    if append.delete {
                        deleted.push(append.log.number());
                    }
                    let chunks = append
                        .chunk
                        .take()
                        .map(|chunk| chunk.split(CHUNK_BYTES))
                        .unwrap_or_default();
                    let trimmed = statements::append(connection, &append, &chunks)?;
                    if !chunks.is_empty() || trimmed.is_some() {
                        publications.push(Publication {
                            log: append.log,
                            chunks,
                            trimmed,
                        });
                    }
                }
            }
        }
        if let Some(chunk) = self.feed_chunk(feed) {
            let chunks = chunk.split(CHUNK_BYTES);
            statements::insert_chunks(connection, 0, &chunks)?;
            publications.push(Publication {
                log: Arc::clone(&self.feed),
                chunks,
                trimmed: None,
            });
        }
        let commits = self.record.commits + 1;
        connection
            .prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'commits'")?
            .execute([sql(commits)])?;
        connection.prepare_cached("COMMIT")?.execute(())?;
        self.record.commits = commits;
        self.checkpointer
            .progress
            .committed
            .store(commits, Ordering::Release);
        self.record.checkpointed = self
            .checkpointer
            .progress
            .checkpointed
            .load(Ordering::Acquire);
        if let Err(error) = self.witness.write(&self.record) {
            tracing::error!(%error, "cannot write the witness");
        }
        drop(pass);
        self.chores.extend(deleted.into_iter().map(Chore::Session));
        Ok(publications)
    }

    /// Gives feed entries their numbers.
    fn feed_chunk(&self, bodies: Vec<(Timestamp, feed_entry::Body)>) -> Option<Chunk> {
        let entries: Vec<_> = bodies
            .into_iter()
            .zip(self.feed.head().0 + 1..)
            .map(|((at, body), sequence)| FeedEntry {
                sequence,
                timestamp_us: at.0,
                body: Some(body),
            })
            .collect();
        Chunk::encode_feed(&entries)
    }

    fn watch_wal(&mut self) {
        if let Ok(file) = std::fs::metadata(&self.wal) {
            self.checkpointer.grown(file.len());
        }
    }

    /// Leaves one whole file and a witness that says so.
    fn close(mut self) {
        self.checkpointer.stop();
        let _ = self
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        self.connection.flush_prepared_statement_cache();
        if let Err((_, error)) = self.connection.close() {
            tracing::error!(%error, "cannot close the database");
            return;
        }
        // A write-ahead log that is still there was not wholly copied: the next start has to look.
        self.record.clean = !self.wal.exists();
        self.record.checkpointed = self.record.commits;
        if self.record.clean
            && let Err(error) = self
                .witness
                .write(&self.record)
                .and_then(|()| self.witness.sync())
        {
            tracing::error!(%error, "cannot write the witness");
        }
    }
}

/// Checks that the events follow the log, counting those of the same group; answers the append when they do not.
fn in_order(append: &Append, answer: Answer) -> Option<Answer> {
    let Some(chunk) = &append.chunk else {
        return Some(answer);
    };
    let head = append.log.written.load(Ordering::Relaxed);
    if chunk.first.0 == head + 1 && chunk.last >= chunk.first {
        append.log.written.store(chunk.last.0, Ordering::Relaxed);
        return Some(answer);
    }
    let error = CommitError::OutOfOrder {
        head: Sequence(head),
        found: chunk.first,
    };
    answer.send(Err(error)).ok();
    None
}

fn size(append: &Append) -> usize {
    let chunk = append.chunk.as_ref().map_or(0, |chunk| chunk.bytes.len());
    let payloads: usize = append
        .payloads
        .iter()
        .map(|payload| payload.bytes.len())
        .sum();
    chunk + payloads
}
