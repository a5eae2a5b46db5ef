//! One log in memory: its number, its head, and its recent chunks. No I/O: what is not here is read from the database.
//!
//! Laws:
//! - the head only rises, and only after what it names is committed;
//! - nothing up to the mark of a trimmed log is handed out once the trimming is committed, and the mark never goes back;
//! - the recent chunks of a log follow on each other without gap and end at its head;
//! - all recent chunks together stay below a limit in bytes; the oldest, whichever log it is of, goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use betcode_core::id::{Sequence, SessionId};
use tokio::sync::watch;

use super::chunk::Chunk;

/// What a chunk costs beside its bytes.
const CHUNK_OVERHEAD: usize = 128;

/// What the memory has behind a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TailRead {
    /// These entries follow the cursor.
    Ready(Vec<Chunk>),
    /// The cursor is at the head.
    UpToDate,
    /// What follows the cursor is in the database only.
    TooOld,
}

/// A log: of one session, or (number 0) the machine feed.
#[derive(Debug)]
pub struct SessionLog {
    number: u64,
    id: SessionId,
    head: watch::Sender<Sequence>,
    /// The last entry that was removed.
    trimmed: AtomicU64,
    /// The last entry in the open transaction; only the writer thread uses it.
    pub(super) written: AtomicU64,
    tails: Arc<Tails>,
}

impl SessionLog {
    pub(super) fn new(
        number: u64,
        id: SessionId,
        head: Sequence,
        trimmed: Sequence,
        tails: Arc<Tails>,
    ) -> Arc<Self> {
        Arc::new(Self {
            number,
            id,
            head: watch::Sender::new(head),
            trimmed: AtomicU64::new(trimmed.0),
            written: AtomicU64::new(head.0),
            tails,
        })
    }

    /// Its number in the database; 0 is the machine feed.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The session; nil for the machine feed.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The number of the last entry that may be shown.
    pub fn head(&self) -> Sequence {
        *self.head.borrow()
    }

    /// The head as it moves.
    pub fn subscribe(&self) -> watch::Receiver<Sequence> {
        self.head.subscribe()
    }

    /// Entries up to this one have been removed; 0 for a log that is whole.
    pub fn trimmed_up_to(&self) -> Sequence {
        Sequence(self.trimmed.load(Ordering::Acquire))
    }

    /// The recent entries behind `sequence`, or behind the mark if that is later: about `max_bytes` of them, at least one
    /// chunk.
    pub fn tail_after(&self, sequence: Sequence, max_bytes: usize) -> TailRead {
        let sequence = sequence.max(self.trimmed_up_to());
        if sequence >= self.head() {
            return TailRead::UpToDate;
        }
        self.tails.after(self.number, sequence, max_bytes)
    }

    /// Learns how far it is trimmed in the database.
    pub(super) fn trim(&self, up_to: Option<Sequence>) {
        if let Some(up_to) = up_to {
            self.trimmed.fetch_max(up_to.0, Ordering::AcqRel);
        }
    }

    /// Makes committed chunks visible.
    pub(super) fn publish(&self, chunks: Vec<Chunk>) {
        let Some(head) = chunks.last().map(|chunk| chunk.last) else {
            return;
        };
        self.tails.push(self.number, chunks);
        self.head.send_replace(head);
    }

    /// Forgets what a failed transaction would have written.
    pub(super) fn forget_written(&self) {
        self.written.store(self.head().0, Ordering::Relaxed);
    }
}

impl Drop for SessionLog {
    fn drop(&mut self) {
        self.tails.remove(self.number);
    }
}

/// The recent chunks of all logs.
#[derive(Debug)]
pub(super) struct Tails {
    limit: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    logs: HashMap<u64, VecDeque<Chunk>>,
    /// The log of each chunk, oldest chunk first.
    order: VecDeque<u64>,
    bytes: usize,
}

impl Tails {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            inner: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes held now.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn push(&self, log: u64, chunks: Vec<Chunk>) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let tail = inner.logs.entry(log).or_default();
        for chunk in chunks {
            inner.bytes += cost(&chunk);
            inner.order.push_back(log);
            tail.push_back(chunk);
        }
        while inner.bytes > self.limit {
            let Some(oldest) = inner.order.pop_front() else {
                break;
            };
            if let Some(chunk) = inner.logs.get_mut(&oldest).and_then(VecDeque::pop_front) {
                inner.bytes -= cost(&chunk);
            }
        }
    }

    fn after(&self, log: u64, sequence: Sequence, max_bytes: usize) -> TailRead {
        let inner = self.lock();
        let Some(tail) = inner.logs.get(&log) else {
            return TailRead::TooOld;
        };
        let Some(oldest) = tail.front() else {
            return TailRead::TooOld;
        };
        if oldest.first > sequence.next() {
            return TailRead::TooOld;
        }
        let from = tail.partition_point(|chunk| chunk.last <= sequence);
        let mut bytes = 0;
        let mut chunks = Vec::new();
        for chunk in tail.range(from..) {
            if bytes > 0 && bytes + chunk.bytes.len() > max_bytes {
                break;
            }
            bytes += chunk.bytes.len();
            chunks.extend(chunk.after(sequence));
        }
        if chunks.is_empty() {
            TailRead::UpToDate
        } else {
            TailRead::Ready(chunks)
        }
    }

    fn remove(&self, log: u64) {
        let mut inner = self.lock();
        if let Some(tail) = inner.logs.remove(&log) {
            inner.bytes -= tail.iter().map(cost).sum::<usize>();
            inner.order.retain(|number| *number != log);
        }
    }
}

fn cost(chunk: &Chunk) -> usize {
    chunk.bytes.len() + CHUNK_OVERHEAD
}
