//! The writer's SQL: what an append becomes in rows, and the removal of old rows in small steps. It decides nothing and
//! opens no transaction for an append; the writer does.

use betcode_core::id::Sequence;
use rusqlite::{Connection, params};

use super::append::{Append, StoredPayload, Visibility};
use super::chunk::Chunk;
use super::rows::{
    AcceptedCommand, Checkpoint, HostRow, OutboxFrame, Snapshot, SummaryRow, TrustRow, status_text,
};
use super::schema::{CHECKPOINT_FORMAT, EVENTS_FORMAT, log_id, sql};
use super::writer::Chore;
use super::{requests, trim};

/// Payloads are stored in parts of this size.
pub(super) const PAYLOAD_PART: usize = 256 * 1024;

/// How many rows one step of a chore removes.
const CHORE_ROWS: i64 = 32;

/// Writes everything of an append but its feed entries. Returns the new mark of its log, if the log was trimmed.
pub(super) fn append(
    connection: &Connection,
    append: &Append,
    chunks: &[Chunk],
) -> rusqlite::Result<Option<Sequence>> {
    let session = sql(append.log.number());
    match (&append.summary, append.create) {
        (Some(summary), true) => insert_session(connection, session, summary)?,
        (Some(summary), false) => update_session(connection, session, summary)?,
        (None, _) => {}
    }
    match (append.visibility, &append.summary) {
        // An id of its own, so that the one that it will have stays free for somebody else.
        (Visibility::Hidden, _) => hide(connection, session)?,
        (Visibility::Shown, Some(summary)) => show(connection, session, summary)?,
        (Visibility::Unchanged | Visibility::Shown, _) => {}
    }
    if let Some(variables) = &append.environment {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO environments (session, variables) VALUES (?1, ?2)",
            )?
            .execute(params![session, variables])?;
    }
    insert_chunks(connection, append.log.number(), chunks)?;
    for payload in &append.payloads {
        insert_payload(connection, session, payload)?;
    }
    if let Some(checkpoint) = &append.checkpoint {
        set_checkpoint(connection, session, checkpoint)?;
    }
    if append.outbox_clear {
        connection
            .prepare_cached("DELETE FROM outbox WHERE session = ?1")?
            .execute([session])?;
    }
    if let Some((host, frame)) = append.outbox_written {
        connection
            .prepare_cached("DELETE FROM outbox WHERE session = ?1 AND host = ?2 AND frame <= ?3")?
            .execute(params![session, host.0.as_bytes(), sql(frame.0)])?;
    }
    for frame in &append.outbox_add {
        insert_frame(connection, session, frame)?;
    }
    for command in &append.accepted {
        insert_command(connection, command)?;
    }
    for host in &append.hosts {
        set_host(connection, host)?;
    }
    if let Some(snapshot) = &append.snapshot {
        set_snapshot(connection, session, snapshot)?;
    }
    requests::write(connection, append)?;
    let trimmed = match append.trim {
        Some(up_to) => trim::trim(connection, append.log.number(), up_to)?,
        None => None,
    };
    match append.deadline {
        Some(Some(at)) => {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO deadlines (session, at_us) VALUES (?1, ?2)",
                )?
                .execute([session, at.0])?;
        }
        Some(None) => {
            connection
                .prepare_cached("DELETE FROM deadlines WHERE session = ?1")?
                .execute([session])?;
        }
        None => {}
    }
    if append.delete {
        hide(connection, session)?;
        for table in ["deadlines", "outbox", "environments"] {
            connection.execute(
                &format!("DELETE FROM {table} WHERE session = ?1"),
                [session],
            )?;
        }
    }
    Ok(trimmed)
}

/// Nobody finds the session any more, and its id is free.
fn hide(connection: &Connection, session: i64) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE sessions SET deleted = 1, id = randomblob(16) WHERE number = ?1",
        [session],
    )?;
    Ok(())
}

/// A hidden session can be found.
fn show(connection: &Connection, session: i64, row: &SummaryRow) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE sessions SET deleted = 0, id = ?2, created_us = ?3 WHERE number = ?1",
        params![session, row.id.0.as_bytes(), row.created.0],
    )?;
    Ok(())
}

pub(super) fn insert_chunks(
    connection: &Connection,
    log: u64,
    chunks: &[Chunk],
) -> rusqlite::Result<()> {
    for chunk in chunks {
        connection
            .prepare_cached(
                "INSERT INTO log (id, first_sequence, format, events) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                log_id(log, chunk.last.0),
                sql(chunk.first.0),
                EVENTS_FORMAT,
                &chunk.bytes[..]
            ])?;
    }
    Ok(())
}

fn insert_session(connection: &Connection, number: i64, row: &SummaryRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (number, id, agent, cwd, title, model, status, created_us, updated_us, turns,
                                   agent_session, trimmed_up_to, totals, retry_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            number,
            row.id.0.as_bytes(),
            row.agent.0,
            row.cwd,
            row.title,
            row.model,
            status_text(row.status),
            row.created.0,
            row.updated.0,
            sql(row.turns),
            row.agent_session,
            sql(row.trimmed_up_to.0),
            totals(row),
            row.retry_at.map(|at| at.0),
        ])?;
    Ok(())
}

/// Makes a session's row say this, whether there is one or not.
pub(super) fn put_session(
    connection: &Connection,
    session: u64,
    row: &SummaryRow,
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE number = ?1", [sql(session)])?;
    insert_session(connection, sql(session), row)
}

fn update_session(connection: &Connection, number: i64, row: &SummaryRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE sessions SET agent = ?2, cwd = ?3, title = ?4, model = ?5, status = ?6, updated_us = ?7,
                    turns = ?8, agent_session = ?9, trimmed_up_to = max(trimmed_up_to, ?10), totals = ?11,
                    retry_us = ?12
             WHERE number = ?1",
        )?
        .execute(params![
            number,
            row.agent.0,
            row.cwd,
            row.title,
            row.model,
            status_text(row.status),
            row.updated.0,
            sql(row.turns),
            row.agent_session,
            sql(row.trimmed_up_to.0),
            totals(row),
            row.retry_at.map(|at| at.0),
        ])?;
    Ok(())
}

fn totals(row: &SummaryRow) -> String {
    serde_json::to_string(&row.totals).unwrap_or_else(|_| "{}".to_owned())
}

fn insert_payload(
    connection: &Connection,
    session: i64,
    payload: &StoredPayload,
) -> rusqlite::Result<()> {
    let size = sql(payload.bytes.len() as u64);
    for (number, part) in (0_i64..).zip(payload.bytes.chunks(PAYLOAD_PART)) {
        connection
            .prepare_cached(
                "INSERT INTO payloads (session, sequence, field, part, size, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![session, sql(payload.sequence.0), payload.field, number, size, part])?;
    }
    Ok(())
}

fn set_checkpoint(
    connection: &Connection,
    session: i64,
    checkpoint: &Checkpoint,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO checkpoints
                 (session, format, host, spool_segment, spool_offset, next_frame, agent_state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            session,
            CHECKPOINT_FORMAT,
            checkpoint.host.0.as_bytes(),
            sql(checkpoint.spool_segment),
            sql(checkpoint.spool_offset),
            sql(checkpoint.next_frame.0),
            checkpoint.agent_state,
        ])?;
    Ok(())
}

fn insert_frame(
    connection: &Connection,
    session: i64,
    frame: &OutboxFrame,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO outbox (session, host, frame, message_id, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            session,
            frame.host.0.as_bytes(),
            sql(frame.frame.0),
            frame.message.map(|message| *message.0.as_bytes()),
            frame.bytes,
        ])?;
    Ok(())
}

fn insert_command(connection: &Connection, command: &AcceptedCommand) -> rusqlite::Result<()> {
    let notices = serde_json::to_string(&command.notices).unwrap_or_else(|_| "[]".to_owned());
    connection
        .prepare_cached(
            "INSERT INTO commands (key, session, payload_hash, sequence, notices, at_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            command.key.0.as_bytes(),
            command.session.0.as_bytes(),
            command.payload_hash,
            sql(command.sequence.0),
            notices,
            command.at.0,
        ])?;
    Ok(())
}

fn set_host(connection: &Connection, host: &HostRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO hosts (epoch, session, state, created_us) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (epoch) DO UPDATE SET state = excluded.state",
        )?
        .execute(params![
            host.epoch.0.as_bytes(),
            host.session.0.as_bytes(),
            host.state.code(),
            host.created.0
        ])?;
    Ok(())
}

fn set_snapshot(
    connection: &Connection,
    session: i64,
    snapshot: &Snapshot,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO snapshots (session, version, sequence, state) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![session, snapshot.version, sql(snapshot.sequence.0), snapshot.state])?;
    Ok(())
}

/// Writes down the state of a machine that is no session's.
pub(super) fn set_state(connection: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO states (name, value) VALUES (?1, ?2)")?
        .execute([name, value])?;
    Ok(())
}

pub(super) fn set_trust(connection: &Connection, row: &TrustRow) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO trust (directory, device, inode, since_us) VALUES (?1, ?2, ?3, ?4)",
        params![
            row.directory,
            row.device.cast_signed(),
            row.inode.cast_signed(),
            row.since.0
        ],
    )?;
    Ok(())
}

pub(super) fn remove_trust(connection: &Connection, directory: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM trust WHERE directory = ?1", [directory])?;
    Ok(())
}

/// The removals that an earlier life has left unfinished.
pub(super) fn deleted_sessions(connection: &Connection) -> rusqlite::Result<Vec<Chore>> {
    connection
        .prepare("SELECT number FROM sessions INDEXED BY sessions_deleted WHERE deleted = 1")?
        .query_map((), |row| {
            Ok(Chore::Session(super::schema::number(row.get(0)?)))
        })?
        .collect()
}

/// Does one step, small enough to keep nobody waiting; true when there is nothing left to do.
pub(super) fn chore(connection: &Connection, chore: Chore) -> rusqlite::Result<bool> {
    match chore {
        Chore::Commands(before) => {
            let removed = connection
                .prepare_cached(
                    "DELETE FROM commands WHERE id IN (SELECT id FROM commands ORDER BY id LIMIT ?1) AND at_us < ?2",
                )?
                .execute([CHORE_ROWS, before.0])?;
            Ok(sql(removed as u64) < CHORE_ROWS)
        }
        Chore::Audit(before) => requests::prune(connection, before, CHORE_ROWS),
        Chore::Session(number) => remove_session(connection, number),
    }
}

fn remove_session(connection: &Connection, number: u64) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)",
        )?
        .execute([log_id(number, 0), log_id(number, u64::MAX), CHORE_ROWS])?;
    if removed > 0 {
        return Ok(false);
    }
    let session = sql(number);
    let removed = connection
        .prepare_cached("DELETE FROM payloads WHERE id IN (SELECT id FROM payloads WHERE session = ?1 LIMIT ?2)")?
        .execute([session, CHORE_ROWS])?;
    if removed > 0 {
        return Ok(false);
    }
    let removed = connection
        .prepare_cached("DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests WHERE session = ?1 LIMIT ?2)")?
        .execute([session, CHORE_ROWS])?;
    if removed > 0 {
        return Ok(false);
    }
    let transaction = connection.unchecked_transaction()?;
    for table in [
        "snapshots",
        "deadlines",
        "checkpoints",
        "outbox",
        "environments",
    ] {
        transaction.execute(
            &format!("DELETE FROM {table} WHERE session = ?1"),
            [session],
        )?;
    }
    transaction.execute(
        "DELETE FROM sessions WHERE number = ?1 AND deleted = 1",
        [session],
    )?;
    transaction.commit()?;
    Ok(true)
}
