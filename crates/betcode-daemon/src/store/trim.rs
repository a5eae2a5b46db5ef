//! Removing the beginning of a session's log.
//!
//! The *mark* is the number of the last event that was removed. Rows that end at or before it are gone. A row that spans it
//! stays as it is, because nothing that was written is ever written anew; whoever reads leaves out the part up to the mark.
//!
//! Laws: the mark never goes back; the last event of a log stays, whatever was asked for, because its number is the head;
//! no snapshot is older than the mark, since the events that would bring it up to date are gone.

use betcode_core::id::Sequence;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::queries;
use super::schema::{log_id, number, sql};

/// Moves the mark of a log to `up_to`, in the open transaction. Returns where it is now, if it moved.
pub(super) fn trim(
    connection: &Connection,
    log: u64,
    up_to: Sequence,
) -> rusqlite::Result<Option<Sequence>> {
    let head = queries::head(connection, log)?;
    let up_to = up_to.min(Sequence(head.0.saturating_sub(1)));
    let moved = connection
        .prepare_cached(
            "UPDATE sessions SET trimmed_up_to = ?2 WHERE number = ?1 AND trimmed_up_to <= ?2",
        )?
        .execute([sql(log), sql(up_to.0)])?;
    if moved == 0 || up_to == Sequence(0) {
        return Ok(None);
    }
    connection
        .prepare_cached("DELETE FROM log WHERE id > ?1 AND id <= ?2")?
        .execute([log_id(log, 0), log_id(log, up_to.0)])?;
    // What waits is shown whole for as long as it waits.
    connection
        .prepare_cached(
            "DELETE FROM payloads WHERE session = ?1 AND sequence <= ?2 AND sequence NOT IN
                 (SELECT sequence FROM requests WHERE session = ?1 AND ended_us IS NULL)",
        )?
        .execute([sql(log), sql(up_to.0)])?;
    connection
        .prepare_cached("DELETE FROM snapshots WHERE session = ?1 AND sequence < ?2")?
        .execute(params![sql(log), sql(up_to.0)])?;
    Ok(Some(up_to))
}

/// The mark of a log; 0 for one that is whole, such as the machine feed.
pub(super) fn mark(connection: &Connection, log: u64) -> rusqlite::Result<Sequence> {
    let mark: Option<i64> = connection
        .prepare_cached("SELECT trimmed_up_to FROM sessions WHERE number = ?1")?
        .query_row([sql(log)], |row| row.get(0))
        .optional()?;
    Ok(Sequence(mark.map_or(0, number)))
}
