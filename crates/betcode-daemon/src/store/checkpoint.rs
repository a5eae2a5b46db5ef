//! Copying the write-ahead log back into the database, on a thread and a connection of its own, so that no commit waits
//! for it. It runs only when the log has grown; there is no timer.
//!
//! SQLite starts the log over when a transaction begins while all of it is copied and nobody reads from it. One pass
//! leaves behind what was committed meanwhile, so there are two, back to back: the second is short. Under a sustained
//! flood even that is not enough: beyond a hard limit the gate is closed after a pass, so that no transaction begins until
//! the rest is copied; and at twice that limit the writer waits by itself, because the disk is too slow for what comes in.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, InterruptHandle, OpenFlags};

/// How long a forced pass waits for readers; they read small pages.
const READERS_WAIT: Duration = Duration::from_millis(200);

/// The numbers of transactions.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The last one that is committed.
    pub(super) committed: AtomicU64,
    /// One that is known to be in the database's main file, with all before it.
    pub(super) checkpointed: AtomicU64,
}

/// When to copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From this size on.
    pub(super) soft: u64,
    /// From this size on at any price.
    pub(super) hard: u64,
}

/// The writer's handle on the thread.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// Through which every transaction goes.
    pub(super) gate: Arc<Gate>,
    pub(super) progress: Arc<Progress>,
    limits: Limits,
    trigger: u64,
    requests: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Lets transactions through until it is closed. A lock alone would not do: under load the writer takes it again before
/// anybody who waits for it wakes up.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    closed: bool,
    inside: bool,
    /// A pass has been asked for and is not finished.
    asked: bool,
}

/// The writer is inside.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
}

/// The gate is closed and nobody is inside.
struct Closed<'a> {
    gate: &'a Gate,
}

impl Gate {
    /// Waits while the gate is closed. Only the writer goes through it.
    pub(super) fn enter(self: &Arc<Self>) -> Pass {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .changed
            .wait_while(state, |state| state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.inside = true;
        Pass {
            gate: Arc::clone(self),
        }
    }

    fn close(&self) -> Closed<'_> {
        let mut state = self.lock();
        state.closed = true;
        drop(
            self.changed
                .wait_while(state, |state| state.inside)
                .unwrap_or_else(PoisonError::into_inner),
        );
        Closed { gate: self }
    }

    /// True when a pass is to be asked for, which none was.
    fn ask(&self) -> bool {
        !std::mem::replace(&mut self.lock().asked, true)
    }

    fn wait_until_copied(&self) {
        drop(
            self.changed
                .wait_while(self.lock(), |state| state.asked)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut GateState)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.change(|state| state.inside = false);
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.gate.change(|state| state.closed = false);
    }
}

/// What the thread works with.
pub(super) struct Setup {
    pub(super) database: PathBuf,
    pub(super) wal: PathBuf,
    pub(super) limits: Limits,
    pub(super) committed: u64,
    pub(super) checkpointed: u64,
    /// The check of the whole database, which holds back the log while it runs.
    pub(super) check: Option<InterruptHandle>,
}

impl Checkpointer {
    pub(super) fn start(setup: Setup) -> std::io::Result<Self> {
        let gate = Arc::new(Gate::default());
        let progress = Arc::new(Progress {
            committed: AtomicU64::new(setup.committed),
            checkpointed: AtomicU64::new(setup.checkpointed),
        });
        let (requests, receiver) = channel();
        let limits = setup.limits;
        let thread = std::thread::Builder::new()
            .name("log-checkpoint".into())
            .stack_size(256 * 1024)
            .spawn({
                let (gate, progress) = (Arc::clone(&gate), Arc::clone(&progress));
                move || run(&setup, &gate, &progress, &receiver)
            })?;
        Ok(Self {
            gate,
            progress,
            limits,
            trigger: limits.soft,
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// The write-ahead log has this size now. Asks for a pass, and waits for it when the disk cannot keep up.
    pub(super) fn grown(&mut self, size: u64) {
        if size <= self.limits.soft {
            self.trigger = self.limits.soft;
            return;
        }
        let Some(requests) = &self.requests else {
            return;
        };
        if size > self.trigger && self.gate.ask() {
            // What is being copied now need not be asked for again with every commit.
            self.trigger = size + self.limits.soft / 4;
            requests.send(()).ok();
        }
        if size > self.limits.hard * 2 {
            self.gate.wait_until_copied();
        }
    }

    /// Waits until the thread has ended.
    pub(super) fn stop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

fn run(setup: &Setup, gate: &Gate, progress: &Progress, requests: &Receiver<()>) {
    let mut connection = None;
    while requests.recv().is_ok() {
        let result = match &connection {
            Some(connection) => passes(connection, setup, gate, progress),
            None => open(&setup.database)
                .and_then(|opened| passes(connection.insert(opened), setup, gate, progress)),
        };
        gate.change(|state| state.asked = false);
        if let Err(error) = result {
            tracing::warn!(%error, "cannot copy the write-ahead log into the database");
        }
    }
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        database,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -64)?;
    connection.busy_timeout(READERS_WAIT)?;
    Ok(connection)
}

fn passes(
    connection: &Connection,
    setup: &Setup,
    gate: &Gate,
    progress: &Progress,
) -> rusqlite::Result<()> {
    for _ in 0..2 {
        pass(connection, "PASSIVE", progress)?;
        if std::fs::metadata(&setup.wal).is_ok_and(|file| file.len() > setup.limits.hard) {
            if let Some(check) = &setup.check {
                check.interrupt();
            }
            let _closed = gate.close();
            return pass(connection, "RESTART", progress);
        }
    }
    Ok(())
}

/// One pass; notes how far the main file has come.
fn pass(connection: &Connection, mode: &str, progress: &Progress) -> rusqlite::Result<()> {
    let committed = progress.committed.load(Ordering::Acquire);
    let mut statement = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    let (frames, copied) =
        statement.query_row((), |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    if frames >= 0 && copied == frames {
        progress.checkpointed.fetch_max(committed, Ordering::AcqRel);
    }
    Ok(())
}
