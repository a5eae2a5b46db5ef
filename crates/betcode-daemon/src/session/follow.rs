//! Following a log: from any number on, first what is stored, then what comes, through one path without a seam.
//!
//! A follower has a cursor and nothing else. When it is near the head it reads from memory, otherwise a page from the
//! database; when it has everything it waits for the head to move. A slow follower therefore costs nobody anything.
//!
//! Law: each chunk begins right behind the cursor, with one exception: when the beginning of the log was removed up to a
//! mark beyond the cursor, the follower goes on behind the mark. Then the chunk begins later than
//! [`Follower::expected`] said before, and its first event carries the state that the removed ones had made.

use std::sync::Arc;

use betcode_core::id::Sequence;
use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use crate::store::{Chunk, ReadError, SessionLog, Store, TailRead};

/// How much is read, and sent as one message, at a time …
const PAGE: usize = 256 * 1024;
/// … and how much at first, so that something can be shown soon. It doubles from page to page.
const FIRST_PAGE: usize = 16 * 1024;

/// A cursor into one log.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    log: Arc<SessionLog>,
    head: watch::Receiver<Sequence>,
    cursor: Sequence,
    /// Where to end; none to follow for ever.
    until: Option<Sequence>,
    page: usize,
}

impl Follower {
    /// Follows `log` behind `after`; without `follow` only up to the present head.
    pub fn new(store: Store, log: Arc<SessionLog>, after: Sequence, follow: bool) -> Self {
        let head = log.subscribe();
        let until = (!follow).then(|| log.head());
        Self {
            store,
            log,
            head,
            cursor: after,
            until,
            page: FIRST_PAGE,
        }
    }

    /// True when it never ends by itself.
    pub fn is_endless(&self) -> bool {
        self.until.is_none()
    }

    /// The number of the next entry, unless the log is trimmed beyond it: a chunk that begins later is the sign of that.
    pub fn expected(&self) -> Sequence {
        self.cursor.next()
    }

    /// The next entries as one chunk; none at the end. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Chunk>, ReadError> {
        loop {
            let cursor = self.cursor.max(self.log.trimmed_up_to());
            if self.until.is_some_and(|until| cursor >= until) {
                return Ok(None);
            }
            self.head.mark_unchanged();
            let head = self.log.head();
            let chunks = match self.log.tail_after(cursor, self.page) {
                TailRead::Ready(chunks) => chunks,
                TailRead::TooOld => self.store.read_after(&self.log, cursor, self.page).await?,
                TailRead::UpToDate => Vec::new(),
            };
            match join(chunks) {
                Some(chunk) => {
                    let chunk = match self.until {
                        Some(until) => chunk.before(until.next()),
                        None => Some(chunk),
                    };
                    if let Some(chunk) = &chunk {
                        self.cursor = chunk.last;
                        self.page = (self.page * 2).min(PAGE);
                    }
                    return Ok(chunk);
                }
                // It was trimmed meanwhile.
                None if cursor < self.log.trimmed_up_to() => {}
                None if cursor < head => {
                    return Err(ReadError::Database(format!(
                        "nothing is stored behind entry {cursor}"
                    )));
                }
                None => {
                    if self.head.changed().await.is_err() {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// Several chunks that follow on each other as one. A single one is not copied.
fn join(chunks: Vec<Chunk>) -> Option<Chunk> {
    let first = chunks.first()?.first;
    let last = chunks.last()?.last;
    if chunks.len() == 1 {
        return chunks.into_iter().next();
    }
    let mut bytes = BytesMut::with_capacity(chunks.iter().map(|chunk| chunk.bytes.len()).sum());
    for chunk in &chunks {
        bytes.extend_from_slice(&chunk.bytes);
    }
    Some(Chunk {
        first,
        last,
        bytes: Bytes::from(bytes),
    })
}
