//! The store: everything durable of the daemon, in one SQLite database, and the recent events in memory.
//!
//! **Files** in the state directory, mode 0600: `log.db` (with `-wal` and `-shm`), `log.witness`, and `log.losses` while
//! something has to be told (see `losses`).
//!
//! **The log.** One row of the table `log` holds one *chunk*: the events that one append brought, encoded as an
//! `EventList` once, stored as they are and sent to clients as they are. Its key is the session's number (small, given at
//! creation) and the number of its last event, so that a session's events lie side by side and any page of them is one
//! range. Session number 0 is the machine feed. A chunk is at most 256 KiB unless one event is longer.
//!
//! **Writing.** One thread takes all that has arrived and commits it as one transaction: events, checkpoint, stdin outbox,
//! accepted commands and what is derived from events stand or fall together (see `writer`). Only after the commit does a
//! head rise and is an append answered. A failed commit answers all appends of its group with the error, publishes
//! nothing, and the next one starts afresh. `synchronous` is FULL for a group that holds something a user is told has
//! succeeded, else NORMAL, which survives the death of the daemon but not the loss of power.
//!
//! **Reading.** A follower has a cursor. Near the head it reads from memory ([`SessionLog::tail_after`]), further back from
//! the database ([`Store::read_after`]); either way it gets what follows its cursor, so no event is missed or seen twice
//! where the two meet. Pages are bounded, and no read transaction outlives its page.
//!
//! **Epoch.** Event numbers mean something only within the log's epoch. A database that is not known to hold everything
//! that was ever published from it gets a new one when it is opened: every transaction is counted, and the witness beside
//! the database knows the count (see `open` and `witness`).
//!
//! **Trimming.** The beginning of a session's log can be removed up to a mark; its numbers stay what they are (see `trim`).
//!
//! **Laws**
//! - numbers of a log rise without gaps behind its mark; an append that does not continue its log is refused;
//! - what is published was committed before; what is committed is whole;
//! - a number is never used again with another meaning within one epoch;
//! - nothing wakes up while nothing is asked for.
//!
//! The store decides nothing: what events say is the session actor's business. It reads no clock.

mod append;
mod backup;
mod changes;
mod checkpoint;
mod chunk;
mod derive;
mod health;
mod history;
mod log;
mod losses;
mod open;
mod queries;
mod reader;
mod requests;
mod rows;
mod salvage;
mod schema;
mod statements;
mod states;
mod trim;
mod witness;
mod writer;

#[cfg(test)]
mod tests;

pub use append::{Append, CommitError, Durability, StoredPayload, Visibility};
pub use backup::{
    BackupError, Contents, Restored, backup, known_hosts, log_file, restore, running_hosts,
    schema_version, testimony, vouch, vouch_present,
};
pub use changes::Changes;
pub use chunk::{BadChunk, CHUNK_BYTES, Chunk};
pub(crate) use derive::LogState;
pub use health::Health;
pub(crate) use history::Points;
pub use log::{SessionLog, TailRead};
pub use losses::{forget_losses, losses};
pub use open::{EpochChange, OpenError, OpenReport, StoreOptions};
pub use reader::ReadError;
pub use rows::{
    AcceptedCommand, AuditRow, Checkpoint, Counts, HostRow, HostState, ListedSession, OutboxFrame,
    PayloadPart, RequestChange, RequestRow, Snapshot, SummaryRow, TrustRow,
};

pub use salvage::{SalvageOptions, Salvaged, SavedSession, salvage};

use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use betcode_core::id::{IdempotencyKey, LogEpoch, Sequence, SessionId};
use betcode_core::time::Timestamp;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use checkpoint::{Checkpointer, Limits, Setup};
use log::Tails;
use open::{Files, Opened};
use reader::Readers;
use writer::{Change, Job, Writer};

/// A session as it was when its actor came to life.
#[derive(Debug)]
pub struct Loaded {
    /// Its log.
    pub log: Arc<SessionLog>,
    /// What lists show.
    pub summary: SummaryRow,
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// How far its agent's output is committed.
    pub checkpoint: Option<Checkpoint>,
    /// Frames that are not known to be written, by host and number.
    pub outbox: Vec<OutboxFrame>,
    /// Its newest host that has not ended.
    pub host: Option<HostRow>,
    /// Its agent's environment. It may hold secrets.
    pub environment: Option<String>,
    /// Its next deadline.
    pub deadline: Option<Timestamp>,
}

/// The handle. Clones are the same store; the last one closes it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    epoch: LogEpoch,
    database: PathBuf,
    /// The device and inode of the database that is open.
    identity: Option<(u64, u64)>,
    jobs: Sender<Job>,
    readers: Readers,
    tails: Arc<Tails>,
    feed: Arc<SessionLog>,
    newest_session: AtomicU64,
    health: health::Keeper,
    changes: Arc<Changes>,
    logs: Mutex<HashMap<SessionId, Weak<SessionLog>>>,
    threads: Mutex<Threads>,
}

struct Threads {
    writer: Option<JoinHandle<()>>,
    check: Option<(JoinHandle<()>, InterruptHandle)>,
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("writer", &self.writer)
            .field("check", &self.check.is_some())
            .finish()
    }
}

impl Store {
    /// Opens the store in a directory that exists. `fresh_epoch` becomes the epoch if the log needs a new one.
    pub fn open(
        directory: &Path,
        fresh_epoch: LogEpoch,
        options: StoreOptions,
    ) -> Result<(Self, OpenReport), OpenError> {
        let files = Files::new(directory);
        let Opened {
            connection,
            witness,
            record,
            report,
            newest_session,
            feed_head,
        } = open::open(&files, fresh_epoch, &options)?;
        let failed = |source| OpenError::Database {
            path: files.database.clone(),
            source,
        };
        let broken = |source| OpenError::Io {
            path: files.database.clone(),
            source,
        };
        connection
            .pragma_update_and_check(
                None,
                "journal_size_limit",
                schema::sql(options.wal_soft),
                |_| Ok(()),
            )
            .map_err(failed)?;
        let health: health::Keeper = Arc::new(watch::Sender::new(Health::default()));
        let chores = statements::deleted_sessions(&connection)
            .map_err(failed)?
            .into();
        let (check, interrupt) = if report.unclean && !report.created {
            let checked = reader::open(&files.database).map_err(failed)?;
            let handles = (
                checked.get_interrupt_handle(),
                checked.get_interrupt_handle(),
            );
            let health = health.clone();
            let thread = spawn("log-check", move || check(&checked, &health)).map_err(broken)?;
            (Some((thread, handles.0)), Some(handles.1))
        } else {
            (None, None)
        };
        let checkpointer = Checkpointer::start(Setup {
            database: files.database.clone(),
            wal: files.wal.clone(),
            limits: Limits {
                soft: options.wal_soft,
                hard: options.wal_hard,
            },
            committed: record.commits,
            checkpointed: record.checkpointed,
            check: interrupt,
        })
        .map_err(broken)?;
        let tails = Tails::new(options.tail_bytes);
        let feed = SessionLog::new(
            0,
            SessionId(Uuid::nil()),
            Sequence(feed_head),
            Sequence(0),
            Arc::clone(&tails),
        );
        let changes = Arc::new(Changes::default());
        let writer = Writer {
            connection,
            changes: Arc::clone(&changes),
            feed: Arc::clone(&feed),
            witness,
            record,
            checkpointer,
            wal: files.wal.clone(),
            chores,
            health: health.clone(),
            full: false,
        };
        let (jobs, receiver) = channel();
        let thread = spawn("log-writer", move || writer.run(&receiver)).map_err(broken)?;
        let inner = Inner {
            epoch: record.epoch,
            identity: identity(&files.database),
            database: files.database.clone(),
            jobs,
            readers: Readers::new(files.database.clone()),
            tails,
            feed,
            newest_session: AtomicU64::new(newest_session),
            health,
            changes,
            logs: Mutex::default(),
            threads: Mutex::new(Threads {
                writer: Some(thread),
                check,
            }),
        };
        Ok((
            Self {
                inner: Arc::new(inner),
            },
            report,
        ))
    }

    /// The epoch of all logs of this store.
    pub fn epoch(&self) -> LogEpoch {
        self.inner.epoch
    }

    /// How the store is, now and from now on.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.health.subscribe()
    }

    /// The database's path, when another file or none is there by now: what is written goes to a file that nobody finds again.
    pub fn displaced(&self) -> Option<&Path> {
        let inner = &self.inner;
        (identity(&inner.database) != inner.identity).then_some(&*inner.database)
    }

    /// Whoever looks at the disk says whether there is room.
    pub fn note_room(&self, full: bool) {
        health::note_room(&self.inner.health, full);
    }

    /// The machine feed. Its entries are appended with those of sessions.
    pub fn feed_log(&self) -> Arc<SessionLog> {
        Arc::clone(&self.inner.feed)
    }

    /// A log for a session that does not exist yet. The session exists once an append with `create` is committed.
    pub fn new_log(&self, id: SessionId) -> Arc<SessionLog> {
        let number = self.inner.newest_session.fetch_add(1, Ordering::Relaxed) + 1;
        let tails = Arc::clone(&self.inner.tails);
        let log = SessionLog::new(number, id, Sequence(0), Sequence(0), tails);
        self.inner.register(&log);
        log
    }

    /// Hands an append to the writer. Never blocks; the answer comes when it is committed, or is not.
    pub fn append(&self, append: Append) -> oneshot::Receiver<Result<(), CommitError>> {
        self.submit(|answer| Job::Append(Box::new(append), answer))
    }

    /// A session with everything its actor begins with. The same log for everybody while anybody has it.
    pub async fn open_log(&self, id: SessionId) -> Result<Option<Loaded>, ReadError> {
        let Some(rows) = self
            .inner
            .readers
            .read(move |connection| queries::session(connection, id))
            .await?
        else {
            return Ok(None);
        };
        let log = self.inner.log(id, || {
            let (trimmed, tails) = (rows.summary.trimmed_up_to, Arc::clone(&self.inner.tails));
            SessionLog::new(rows.number, id, rows.head, trimmed, tails)
        });
        Ok(Some(Loaded {
            log,
            summary: rows.summary,
            snapshot: rows.snapshot,
            checkpoint: rows.checkpoint,
            outbox: rows.outbox,
            host: rows.host,
            environment: rows.environment,
            deadline: rows.deadline,
        }))
    }

    /// The entries behind `after`, or behind the mark of a trimmed log if that is later, up to the head: about `max_bytes`
    /// of them, at least one chunk; none at the head.
    pub async fn read_after(
        &self,
        log: &Arc<SessionLog>,
        after: Sequence,
        max_bytes: usize,
    ) -> Result<Vec<Chunk>, ReadError> {
        let (number, head) = (log.number(), log.head());
        if after >= head {
            return Ok(Vec::new());
        }
        let page = self
            .inner
            .readers
            .read(move |connection| {
                queries::chunks_after(connection, number, after, head, max_bytes)
            })
            .await?;
        // The database may know of a trimming a moment before the log does.
        log.trim(Some(page.mark));
        Ok(page.chunks)
    }

    /// The entries before `before`, newest chunk first: about `max_bytes` of them, at least one chunk; none at the start,
    /// which for a trimmed log is its mark.
    /// Entries inside a chunk are in the order of the log. To begin at the head, `before` is the number behind it.
    pub async fn read_before(
        &self,
        log: &Arc<SessionLog>,
        before: Sequence,
        max_bytes: usize,
    ) -> Result<Vec<Chunk>, ReadError> {
        let number = log.number();
        let before = before.min(log.head().next());
        if before <= Sequence(1) {
            return Ok(Vec::new());
        }
        let page = self
            .inner
            .readers
            .read(move |connection| queries::chunks_before(connection, number, before, max_bytes))
            .await?;
        log.trim(Some(page.mark));
        Ok(page.chunks)
    }

    /// Sessions whose id begins with these hexadecimal digits; not more than a few.
    pub async fn find_sessions(&self, prefix: &str) -> Result<Vec<ListedSession>, ReadError> {
        let prefix = prefix.to_owned();
        self.inner
            .readers
            .read(move |connection| queries::find_sessions(connection, &prefix))
            .await
    }

    /// Sessions, the one in which something happened last first; only those of `cwd` when it is given.
    pub async fn list_sessions(
        &self,
        cwd: Option<String>,
        limit: u32,
    ) -> Result<Vec<ListedSession>, ReadError> {
        self.inner
            .readers
            .read(move |connection| queries::list_sessions(connection, cwd.as_deref(), limit))
            .await
    }

    /// Every session of this agent, with the agent's own id for its conversation.
    pub async fn conversations(&self, agent: &str) -> Result<Vec<(SessionId, String)>, ReadError> {
        let agent = agent.to_owned();
        self.inner
            .readers
            .read(move |connection| queries::conversations(connection, &agent))
            .await
    }

    /// What became of the command with this key, if it was accepted.
    pub async fn command(&self, key: IdempotencyKey) -> Result<Option<AcceptedCommand>, ReadError> {
        self.inner
            .readers
            .read(move |connection| queries::command(connection, key))
            .await
    }

    /// A part of a payload from `offset` on, of at most `max` bytes; empty behind its end; none when there is no such payload.
    pub async fn payload(
        &self,
        session: SessionId,
        sequence: Sequence,
        field: &str,
        offset: u64,
        max: usize,
    ) -> Result<Option<PayloadPart>, ReadError> {
        let field = field.to_owned();
        self.inner
            .readers
            .read(move |connection| {
                queries::payload(connection, session, sequence, &field, offset, max)
            })
            .await
    }

    /// Hosts that have not ended, of deleted sessions too.
    pub async fn live_hosts(&self) -> Result<Vec<HostRow>, ReadError> {
        self.inner.readers.read(queries::live_hosts).await
    }

    /// Sessions with a deadline that is not in the future.
    pub async fn due_deadlines(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, ReadError> {
        self.inner
            .readers
            .read(move |connection| queries::due_deadlines(connection, now))
            .await
    }

    /// The earliest deadline of all sessions.
    pub async fn next_deadline(&self) -> Result<Option<Timestamp>, ReadError> {
        self.inner.readers.read(queries::next_deadline).await
    }

    /// Directories that the user trusts.
    pub async fn list_trust(&self) -> Result<Vec<TrustRow>, ReadError> {
        self.inner.readers.read(queries::list_trust).await
    }

    /// Trusts a directory.
    pub async fn set_trust(&self, row: TrustRow) -> Result<(), CommitError> {
        self.change(Box::new(move |connection| {
            statements::set_trust(connection, &row)
        }))
        .await
    }

    /// No longer trusts a directory.
    pub async fn remove_trust(&self, directory: &str) -> Result<(), CommitError> {
        let directory = directory.to_owned();
        self.change(Box::new(move |connection| {
            statements::remove_trust(connection, &directory)
        }))
        .await
    }

    /// What the store holds.
    pub async fn counts(&self) -> Result<Counts, ReadError> {
        self.inner.readers.read(queries::counts).await
    }

    /// Forgets, bit by bit and in the background, accepted commands that are older than `before`.
    pub fn prune_commands(&self, before: Timestamp) {
        self.inner.jobs.send(Job::PruneCommands(before)).ok();
    }

    /// Writes what has been appended, ends all threads and leaves one whole file. Blocks. Later calls are refused.
    pub fn close(&self) {
        self.inner.close();
    }

    async fn change(&self, change: Change) -> Result<(), CommitError> {
        self.submit(|answer| Job::Change(change, answer))
            .await
            .unwrap_or(Err(CommitError::Closed))
    }

    fn submit(
        &self,
        job: impl FnOnce(writer::Answer) -> Job,
    ) -> oneshot::Receiver<Result<(), CommitError>> {
        let (answer, result) = oneshot::channel();
        if let Err(refused) = self.inner.jobs.send(job(answer))
            && let Some(answer) = refused.0.answer()
        {
            answer.send(Err(CommitError::Closed)).ok();
        }
        result
    }
}

/// Which file this is.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

impl Inner {
    fn register(&self, log: &Arc<SessionLog>) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        // Sessions that nobody uses any more leave nothing here either.
        logs.retain(|_, log| log.strong_count() > 0);
        logs.insert(log.id(), Arc::downgrade(log));
    }

    /// The log of a session: the one that is in use, or a new one.
    fn log(&self, id: SessionId, make: impl FnOnce() -> Arc<SessionLog>) -> Arc<SessionLog> {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = logs.get(&id).and_then(Weak::upgrade) {
            return log;
        }
        logs.retain(|_, log| log.strong_count() > 0);
        let log = make();
        logs.insert(id, Arc::downgrade(&log));
        log
    }

    fn close(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((thread, interrupt)) = threads.check.take() {
            // A check that has not begun yet does not notice that it is interrupted.
            while !thread.is_finished() {
                interrupt.interrupt();
                std::thread::park_timeout(Duration::from_millis(1));
            }
            thread.join().ok();
        }
        self.readers.close();
        self.jobs.send(Job::Close).ok();
        if let Some(thread) = threads.writer.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer thread panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Looks through the whole database, after a life that did not end in order. It yields to everything else.
fn check(connection: &Connection, health: &health::Keeper) {
    rustix::process::nice(10).ok();
    match connection.query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0)) {
        Ok(result) if result == "ok" => tracing::info!("the database is whole"),
        Ok(problem) => {
            tracing::error!(%problem, "the database is damaged");
            health.send_modify(|health| health.damaged = Some(problem));
        }
        Err(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) =>
        {
            tracing::info!("the check of the database was interrupted");
        }
        Err(error) => {
            tracing::error!(%error, "cannot check the database");
            if open::is_damage(&error) {
                health.send_modify(|health| health.damaged = Some(error.to_string()));
            }
        }
    }
}
