//! What is read by whoever derives something from the logs: where each log stands, and its pages, by its number. It blocks, and
//! is for a thread of its own.

use betcode_core::id::{Sequence, SessionId};
use betcode_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::chunk::Chunk;
use super::schema::{number, sql};
use super::{Changes, ListedSession, ReadError, Store, queries, rows};

/// Where a log stands that can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogState {
    /// Its number.
    pub(crate) number: u64,
    /// The session.
    pub(crate) id: SessionId,
    /// The session's title.
    pub(crate) title: String,
    /// When something last happened in it.
    pub(crate) updated: Timestamp,
    /// Its last event.
    pub(crate) head: Sequence,
    /// The last event that was removed.
    pub(crate) mark: Sequence,
}

const COLUMNS: &str = "number, id, title, updated_us, trimmed_up_to";

impl Store {
    /// The logs that have changed.
    pub(crate) fn changes(&self) -> &Changes {
        &self.inner.changes
    }

    /// Every log that can be found.
    pub(crate) fn log_states(&self) -> Result<Vec<LogState>, ReadError> {
        self.inner.readers.read_blocking(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM sessions WHERE deleted = 0"))?
                .query_map((), |row| state(connection, row))?
                .collect()
        })
    }

    /// One of them; none when it cannot be found.
    pub(crate) fn log_state(&self, log: u64) -> Result<Option<LogState>, ReadError> {
        self.inner.readers.read_blocking(move |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM sessions WHERE deleted = 0 AND number = ?1"
                ))?
                .query_row([sql(log)], |row| state(connection, row))
                .optional()
        })
    }

    /// The entries of a log behind `after` and up to `upto`: about `max_bytes` of them, at least one chunk.
    pub(crate) fn log_page(
        &self,
        log: u64,
        after: Sequence,
        upto: Sequence,
        max_bytes: usize,
    ) -> Result<Vec<Chunk>, ReadError> {
        self.inner.readers.read_blocking(move |connection| {
            Ok(queries::chunks_after(connection, log, after, upto, max_bytes)?.chunks)
        })
    }

    /// These sessions as lists show them, each with its log's number; those that cannot be found are left out.
    pub(crate) fn numbered(&self, logs: Vec<u64>) -> Result<Vec<(u64, ListedSession)>, ReadError> {
        self.inner.readers.read_blocking(move |connection| {
            let query = format!(
                "SELECT {}, number FROM sessions WHERE deleted = 0 AND number = ?1",
                rows::SUMMARY_COLUMNS
            );
            let mut statement = connection.prepare_cached(&query)?;
            let mut found = Vec::new();
            for log in logs {
                let listed = statement
                    .query_row([sql(log)], |row| queries::listed(connection, row))
                    .optional()?;
                found.extend(listed.map(|listed| (log, listed)));
            }
            Ok(found)
        })
    }
}

fn state(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<LogState> {
    let log = number(row.get(0)?);
    Ok(LogState {
        number: log,
        id: SessionId(rows::id(row, 1)?),
        title: row.get(2)?,
        updated: Timestamp(row.get(3)?),
        head: queries::head(connection, log)?,
        mark: Sequence(number(row.get(4)?)),
    })
}
