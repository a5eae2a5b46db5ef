//! Finding what was said in any session: an index beside the log, and who keeps it.
//!
//! - The index has its own database (`database`): the log's form, its backup, its witness and its recovery know nothing of it.
//! - One thread follows the log (`follow`); the writer only notes which logs have changed and never waits.
//! - `entry` says what can be found, `words` what a word is, `query` what is looked for, `snippet` what is shown.
//!
//! Laws:
//! - once the follower has come to the head of a log, the index answers for it as a plain scan would;
//! - the index is never needed for anything else: without it, searching is refused and everything else goes on;
//! - what was said before a search began is found by it, or the answer says that sessions are still to be looked at.

mod database;
mod entry;
mod follow;
mod query;
mod snippet;
mod words;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use betcode_core::id::SessionId;
use betcode_proto::convert::search::{FoundEntry, FoundSession, SearchAnswer};

use crate::session::summary::shown;
use crate::store::{ReadError, Store};
use query::Query;

/// How long a search waits for what was said a moment ago.
const PATIENCE: Duration = Duration::from_millis(500);
/// So many entries of each session come with an answer, unless it is about one session.
const EACH: usize = 3;

/// The index of one store. Copies are the same.
#[derive(Debug, Clone)]
pub struct Index {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    store: Store,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What is looked for, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The words as they were written.
    pub words: String,
    /// At most so many sessions, or entries of the one session.
    pub limit: usize,
    /// Only sessions of this directory.
    pub cwd: Option<String>,
    /// Only this session.
    pub session: Option<SessionId>,
}

/// Why nothing could be looked for.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// There is no word in what was written.
    #[error("there is no word in `{0}` that could be looked for")]
    NoWord(String),
    /// The index cannot be read.
    #[error("the index for searching cannot be used: {0}")]
    Index(#[from] rusqlite::Error),
    /// Somebody removed its file.
    #[error("the index for searching was removed while the daemon ran")]
    Gone,
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(#[from] ReadError),
}

impl Index {
    /// Begins to follow a store in this directory.
    pub fn start(directory: &Path, store: Store) -> std::io::Result<Self> {
        let thread = std::thread::Builder::new()
            .name("search-index".into())
            .stack_size(512 * 1024)
            .spawn({
                let (directory, store) = (directory.to_owned(), store.clone());
                move || follow::run(&directory, &store)
            })?;
        let thread = Mutex::new(Some(thread));
        Ok(Self {
            inner: Arc::new(Inner {
                directory: directory.to_owned(),
                store,
                thread,
            }),
        })
    }

    /// Looks for something. Blocks.
    pub fn search(&self, search: &Search) -> Result<SearchAnswer, SearchError> {
        let Some(query) = Query::read(&search.words) else {
            return Err(SearchError::NoWord(search.words.clone()));
        };
        let Inner {
            directory, store, ..
        } = &*self.inner;
        let behind = match store.changes().behind(PATIENCE) {
            Some(behind) => behind,
            None => store.log_states()?.len(),
        };
        if behind == 0 && !directory.join(database::FILE).exists() {
            return if store.log_states()?.is_empty() {
                // Nothing was ever said.
                Ok(SearchAnswer::default())
            } else {
                Err(SearchError::Gone)
            };
        }
        let only = match search.session {
            Some(id) => match store.log_states()?.into_iter().find(|log| log.id == id) {
                Some(log) => Some(log.number),
                None => return Ok(SearchAnswer::default()),
            },
            None => None,
        };
        let connection = database::open_to_read(directory)?;
        let each = if only.is_some() { search.limit } else { EACH };
        let found = database::search(&connection, &query, only, each)?;
        let numbers = found.iter().map(|found| found.number).collect();
        let mut listed: Vec<_> = store.numbered(numbers)?;
        listed.retain(|(_, session)| {
            let cwd = search.cwd.as_ref();
            cwd.is_none_or(|cwd| session.summary.cwd == *cwd)
        });
        let total = listed.len() as u64;
        let mut answer = SearchAnswer {
            total,
            behind: behind as u64,
            ..SearchAnswer::default()
        };
        let most = if only.is_some() { 1 } else { search.limit };
        for (number, session) in listed.into_iter().take(most) {
            let Some(found) = found.iter().find(|found| found.number == number) else {
                continue;
            };
            let mut entries = Vec::new();
            for (_, id) in &found.best {
                if let Some(entry) = database::read(&connection, *id)? {
                    let places = query.find(&entry.text).unwrap_or_default();
                    entries.push(FoundEntry {
                        sequence: entry.first,
                        timestamp: entry.at,
                        kind: entry.kind,
                        line: snippet::snippet(&entry.text, &places),
                    });
                }
            }
            answer.sessions.push(FoundSession {
                session: shown(session.summary, session.head),
                count: found.count,
                entries,
            });
        }
        Ok(answer)
    }

    /// Ends the follower. Blocks for as long as a page takes.
    pub fn close(&self) {
        self.inner.store.changes().end();
        let mut thread = self
            .inner
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the index for searching panicked");
        }
    }
}
