//! Following a log: from any number on, first what is stored, then what comes, through one path without a seam.
//!
//! A follower has a cursor and nothing else. When it is near the head it reads from memory, otherwise a page from the
//! database; when it has everything it waits for the head to move. A slow follower therefore costs nobody anything.

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

    /// The next entries as one chunk; none at the end. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Chunk>, ReadError> {
        loop {
            if self.until.is_some_and(|until| self.cursor >= until) {
                return Ok(None);
            }
            self.head.mark_unchanged();
            let chunks = match self.log.tail_after(self.cursor, self.page) {
                TailRead::Ready(chunks) => chunks,
                TailRead::TooOld => {
                    self.store
                        .read_after(&self.log, self.cursor, self.page)
                        .await?
                }
                TailRead::UpToDate => Vec::new(),
            };
            let chunk = join(chunks).and_then(|chunk| match self.until {
                Some(until) => chunk.before(until.next()),
                None => Some(chunk),
            });
            match chunk {
                Some(chunk) => {
                    self.cursor = chunk.last;
                    self.page = (self.page * 2).min(PAGE);
                    return Ok(Some(chunk));
                }
                None if self.cursor < self.log.head() => {
                    return Err(ReadError::Database(format!(
                        "nothing is stored behind entry {}",
                        self.cursor
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
