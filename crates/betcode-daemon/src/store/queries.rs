//! The readers' SQL. Every query is bounded, or reads a table that stays small.

use betcode_core::id::{IdempotencyKey, Sequence, SessionId};
use betcode_core::time::Timestamp;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::chunk::Chunk;
use super::history::Points;
use super::rows::{
    self, AcceptedCommand, Checkpoint, Counts, HostRow, ListedSession, OutboxFrame, PayloadPart,
    Snapshot, SummaryRow, TrustRow,
};
use super::schema::{last_sequence, log_id, number, sql};
use super::statements::PAYLOAD_PART;
use super::trim;

/// Everything about one session that its actor begins with.
pub(super) struct SessionRows {
    pub(super) number: u64,
    pub(super) head: Sequence,
    pub(super) summary: SummaryRow,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) outbox: Vec<OutboxFrame>,
    pub(super) host: Option<HostRow>,
    pub(super) environment: Option<String>,
    pub(super) deadline: Option<Timestamp>,
}

/// In one transaction, so that it all belongs to one moment.
pub(super) fn session(
    connection: &Connection,
    id: SessionId,
) -> rusqlite::Result<Option<SessionRows>> {
    let transaction = connection.unchecked_transaction()?;
    let Some(session) = transaction
        .prepare_cached("SELECT number FROM sessions WHERE id = ?1 AND deleted = 0")?
        .query_row([id.0.as_bytes()], |row| row.get::<_, i64>(0))
        .optional()?
    else {
        return Ok(None);
    };
    let summary = transaction
        .prepare_cached(&format!(
            "SELECT {} FROM sessions WHERE number = ?1",
            rows::SUMMARY_COLUMNS
        ))?
        .query_row([session], rows::summary)?;
    let snapshot = transaction
        .prepare_cached("SELECT version, sequence, state FROM snapshots WHERE session = ?1")?
        .query_row([session], |row| {
            Ok(Snapshot {
                version: row.get(0)?,
                sequence: Sequence(number(row.get(1)?)),
                state: row.get(2)?,
            })
        })
        .optional()?;
    let checkpoint = transaction
        .prepare_cached(
            "SELECT host, spool_segment, spool_offset, next_frame, agent_state FROM checkpoints WHERE session = ?1",
        )?
        .query_row([session], rows::checkpoint)
        .optional()?;
    let outbox = transaction
        .prepare_cached("SELECT host, frame, message_id, bytes FROM outbox WHERE session = ?1 ORDER BY host, frame")?
        .query_map([session], rows::outbox_frame)?
        .collect::<rusqlite::Result<_>>()?;
    let host = transaction
        .prepare_cached(
            "SELECT epoch, session, state, created_us FROM hosts
             WHERE session = ?1 AND state < 2 ORDER BY created_us DESC LIMIT 1",
        )?
        .query_row([id.0.as_bytes()], rows::host)
        .optional()?;
    let environment = transaction
        .prepare_cached("SELECT variables FROM environments WHERE session = ?1")?
        .query_row([session], |row| row.get(0))
        .optional()?;
    let deadline = transaction
        .prepare_cached("SELECT at_us FROM deadlines WHERE session = ?1")?
        .query_row([session], |row| row.get(0).map(Timestamp))
        .optional()?;
    let number = number(session);
    let head = head(&transaction, number)?;
    Ok(Some(SessionRows {
        number,
        head,
        summary,
        snapshot,
        checkpoint,
        outbox,
        host,
        environment,
        deadline,
    }))
}

/// The last event of a log.
pub(super) fn head(connection: &Connection, log: u64) -> rusqlite::Result<Sequence> {
    let id: Option<i64> = connection
        .prepare_cached("SELECT max(id) FROM log WHERE id BETWEEN ?1 AND ?2")?
        .query_row([log_id(log, 0), log_id(log, u64::MAX)], |row| row.get(0))?;
    Ok(Sequence(id.map_or(0, last_sequence)))
}

/// A page of entries, and the mark of their log at the same moment.
pub(super) struct Page {
    pub(super) chunks: Vec<Chunk>,
    pub(super) mark: Sequence,
}

/// The entries after `after`, or after the mark if that is later, and up to `upto`: about `max_bytes` of them, at least one
/// chunk.
pub(super) fn chunks_after(
    connection: &Connection,
    log: u64,
    after: Sequence,
    upto: Sequence,
    max_bytes: usize,
) -> rusqlite::Result<Page> {
    let transaction = connection.unchecked_transaction()?;
    let mark = trim::mark(&transaction, log)?;
    let after = after.max(mark);
    let mut statement = transaction.prepare_cached(
        "SELECT id, first_sequence, events FROM log WHERE id > ?1 AND id <= ?2 ORDER BY id",
    )?;
    let rows = statement.query([log_id(log, after.0), log_id(log, upto.0)])?;
    let chunks = page(rows, max_bytes, |chunk| chunk.after(after))?;
    Ok(Page { chunks, mark })
}

/// The entries before `before` and behind the mark, newest chunk first: about `max_bytes` of them, at least one chunk.
pub(super) fn chunks_before(
    connection: &Connection,
    log: u64,
    before: Sequence,
    max_bytes: usize,
) -> rusqlite::Result<Page> {
    let transaction = connection.unchecked_transaction()?;
    let mark = trim::mark(&transaction, log)?;
    let empty = Page {
        chunks: Vec::new(),
        mark,
    };
    if before <= mark.next() {
        return Ok(empty);
    }
    let wanted = Sequence(before.0.saturating_sub(1));
    // The row that holds the newest wanted entry ends with it or with a later one.
    let newest: Option<i64> = transaction
        .prepare_cached("SELECT min(id) FROM log WHERE id BETWEEN ?1 AND ?2")?
        .query_row([log_id(log, wanted.0), log_id(log, u64::MAX)], |row| {
            row.get(0)
        })?;
    let Some(newest) = newest else {
        return Ok(empty);
    };
    let mut statement = transaction.prepare_cached(
        "SELECT id, first_sequence, events FROM log WHERE id > ?1 AND id <= ?2 ORDER BY id DESC",
    )?;
    let rows = statement.query([log_id(log, mark.0), newest])?;
    let part = |chunk: &Chunk| chunk.before(before)?.after(mark);
    let chunks = page(rows, max_bytes, part)?;
    Ok(Page { chunks, mark })
}

fn page(
    mut rows: rusqlite::Rows<'_>,
    max_bytes: usize,
    part: impl Fn(&Chunk) -> Option<Chunk>,
) -> rusqlite::Result<Vec<Chunk>> {
    let mut bytes = 0;
    let mut chunks = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(chunk) = part(&chunk(row)?) {
            bytes += chunk.bytes.len();
            chunks.push(chunk);
        }
        if bytes >= max_bytes {
            break;
        }
    }
    Ok(chunks)
}

fn chunk(row: &Row<'_>) -> rusqlite::Result<Chunk> {
    Ok(Chunk {
        first: Sequence(number(row.get(1)?)),
        last: Sequence(last_sequence(row.get(0)?)),
        bytes: Bytes::copy_from_slice(row.get_ref(2)?.as_blob()?),
    })
}

/// Sessions whose id begins with these hexadecimal digits; dashes do not count.
pub(super) fn find_sessions(
    connection: &Connection,
    prefix: &str,
) -> rusqlite::Result<Vec<ListedSession>> {
    let Some((low, high)) = id_range(prefix) else {
        return Ok(Vec::new());
    };
    let query = format!(
        "SELECT {}, number FROM sessions WHERE id BETWEEN ?1 AND ?2 AND deleted = 0 ORDER BY id LIMIT 16",
        rows::SUMMARY_COLUMNS
    );
    connection
        .prepare_cached(&query)?
        .query_map([low, high], |row| listed(connection, row))?
        .collect()
}

/// The ids between which all ids with this prefix are.
fn id_range(prefix: &str) -> Option<([u8; 16], [u8; 16])> {
    let digits: Option<Vec<u8>> = prefix
        .chars()
        .filter(|character| *character != '-')
        .map(|character| {
            character
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits.filter(|digits| (1..=32).contains(&digits.len()))?;
    let ends = [0x0, 0xF].map(|fill| {
        let mut id = [0; 16];
        for (index, byte) in id.iter_mut().enumerate() {
            let digit = |at: usize| digits.get(at).copied().unwrap_or(fill);
            *byte = digit(index * 2) << 4 | digit(index * 2 + 1);
        }
        id
    });
    Some(ends.into())
}

/// Sessions, the one in which something happened last first.
pub(super) fn list_sessions(
    connection: &Connection,
    cwd: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<ListedSession>> {
    let query = format!(
        "SELECT {}, number FROM sessions WHERE deleted = 0 AND (?1 IS NULL OR cwd = ?1)
         ORDER BY updated_us DESC, number DESC LIMIT ?2",
        rows::SUMMARY_COLUMNS
    );
    connection
        .prepare_cached(&query)?
        .query_map(params![cwd, limit], |row| listed(connection, row))?
        .collect()
}

/// The sessions of an agent and its own ids for their conversations. Small rows, and no more of them than a list has.
pub(super) fn conversations(
    connection: &Connection,
    agent: &str,
) -> rusqlite::Result<Vec<(SessionId, String)>> {
    connection
        .prepare_cached("SELECT id, agent_session FROM sessions WHERE deleted = 0 AND agent = ?1")?
        .query_map([agent], |row| {
            Ok((SessionId(rows::id(row, 0)?), row.get(1)?))
        })?
        .collect()
}

pub(super) fn listed(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<ListedSession> {
    let session = number(row.get(13)?);
    Ok(ListedSession {
        summary: rows::summary(row)?,
        head: head(connection, session)?,
    })
}

pub(super) fn command(
    connection: &Connection,
    key: IdempotencyKey,
) -> rusqlite::Result<Option<AcceptedCommand>> {
    connection
        .prepare_cached("SELECT key, session, payload_hash, sequence, notices, at_us FROM commands WHERE key = ?1")?
        .query_row([key.0.as_bytes()], rows::command)
        .optional()
}

pub(super) fn payload(
    connection: &Connection,
    session: SessionId,
    sequence: Sequence,
    field: &str,
    offset: u64,
    max: usize,
) -> rusqlite::Result<Option<PayloadPart>> {
    let part_size = PAYLOAD_PART as u64;
    let inside = usize::try_from(offset % part_size).unwrap_or(0);
    let mut statement = connection.prepare_cached(
        "SELECT size, bytes FROM payloads
         WHERE session = (SELECT number FROM sessions WHERE id = ?1 AND deleted = 0)
           AND sequence = ?2 AND field = ?3 AND part = ?4",
    )?;
    let mut read = |part: u64| {
        statement
            .query_row(
                params![session.0.as_bytes(), sql(sequence.0), field, sql(part)],
                |row| {
                    let bytes = row.get_ref(1)?.as_blob()?;
                    let end = inside.saturating_add(max).min(bytes.len());
                    let bytes = Bytes::copy_from_slice(bytes.get(inside..end).unwrap_or_default());
                    Ok(PayloadPart {
                        bytes,
                        stored: number(row.get(0)?),
                    })
                },
            )
            .optional()
    };
    match read(offset / part_size)? {
        Some(part) => Ok(Some(part)),
        // Behind the end, or no such payload at all.
        None => Ok(read(0)?.map(|part| PayloadPart {
            bytes: Bytes::new(),
            ..part
        })),
    }
}

pub(super) fn live_hosts(connection: &Connection) -> rusqlite::Result<Vec<HostRow>> {
    connection
        .prepare_cached("SELECT epoch, session, state, created_us FROM hosts WHERE state < 2 ORDER BY created_us")?
        .query_map((), rows::host)?
        .collect()
}

pub(super) fn due_deadlines(
    connection: &Connection,
    now: Timestamp,
) -> rusqlite::Result<Vec<(SessionId, Timestamp)>> {
    connection
        .prepare_cached(
            "SELECT sessions.id, deadlines.at_us FROM deadlines JOIN sessions ON sessions.number = deadlines.session
             WHERE deadlines.at_us <= ?1 ORDER BY deadlines.at_us LIMIT 1000",
        )?
        .query_map([now.0], |row| Ok((SessionId(rows::id(row, 0)?), Timestamp(row.get(1)?))))?
        .collect()
}

pub(super) fn next_deadline(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection.query_row("SELECT min(at_us) FROM deadlines", (), |row| {
        Ok(row.get::<_, Option<i64>>(0)?.map(Timestamp))
    })
}

/// What a machine that is no session's has written down.
pub(super) fn state(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM states WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// The points of all windows from this moment on, each window's in order.
pub(super) fn points_since(
    connection: &Connection,
    since: i64,
) -> rusqlite::Result<Vec<(String, Points)>> {
    let mut found: Vec<(String, Points)> = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT name, at_us, percent FROM usage_points JOIN usage_windows ON id = window
         WHERE at_us >= ?1 ORDER BY window, at_us",
    )?;
    let mut rows = statement.query([since])?;
    while let Some(row) = rows.next()? {
        let (name, point): (String, _) = (row.get(0)?, (row.get(1)?, row.get(2)?));
        match found.last_mut() {
            Some((last, points)) if *last == name => points.push(point),
            _ => found.push((name, vec![point])),
        }
    }
    Ok(found)
}

/// Where the agent of a session runs: which agent, and its environment as text that only the daemon reads.
pub(super) fn launch(
    connection: &Connection,
    id: SessionId,
) -> rusqlite::Result<Option<(String, Option<String>)>> {
    connection
        .prepare_cached(
            "SELECT agent, variables FROM sessions LEFT JOIN environments ON session = number
             WHERE id = ?1 AND deleted = 0",
        )?
        .query_row([id.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

pub(super) fn list_trust(connection: &Connection) -> rusqlite::Result<Vec<TrustRow>> {
    connection
        .prepare_cached("SELECT directory, device, inode, since_us FROM trust ORDER BY directory")?
        .query_map((), rows::trust)?
        .collect()
}

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let sessions = connection.query_row(
        "SELECT count(*) FROM sessions WHERE deleted = 0",
        (),
        |row| row.get(0),
    )?;
    let pages: i64 = connection.query_row("PRAGMA page_count", (), |row| row.get(0))?;
    let page: i64 = connection.query_row("PRAGMA page_size", (), |row| row.get(0))?;
    Ok(Counts {
        sessions: number(sessions),
        bytes: number(pages * page),
    })
}
