//! Requests of agents with what became of them, and the record of decisions: what is written of them with an append, and
//! how they are looked up. Whether and how a request ends is the session's business.
//!
//! A request goes with its session; a decision outlives it. Both are forgotten some time after their end.

use betcode_core::id::{RequestId, Sequence, SessionId};
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use betcode_proto::convert::request::{AuditEntry, RequestKind, RequestRecord};
use betcode_proto::v1;
use prost::Message as _;
use rusqlite::{Connection, Row, ToSql, params};

use super::reader::ReadError;
use super::rows::{self, RequestChange, RequestRow};
use super::schema::{number, sql};
use super::writer::Job;
use super::{Append, Store};

/// The state of a request that waits.
const PENDING: &str = "pending";

/// A list holds no more requests than this …
const LISTED: usize = 1000;
/// … and no more bytes of them.
const LISTED_BYTES: usize = 16 << 20;
/// A list of decisions holds so many when nobody says how many, and never more than ten times that.
const AUDITED: u32 = 1000;
/// So many requests are enough to show that a prefix fits several.
const CANDIDATES: u32 = 3;

impl Store {
    /// Requests, oldest first: those that wait, and with `ended` the others too. Of very many only the newest.
    pub async fn list_requests(
        &self,
        kind: Option<RequestKind>,
        session: Option<SessionId>,
        ended: bool,
    ) -> Result<Vec<RequestRecord>, ReadError> {
        self.inner
            .readers
            .read(move |connection| list(connection, kind, session, ended))
            .await
    }

    /// The requests with exactly this id, of several sessions perhaps; when there is none, those whose id begins with it,
    /// oldest first and not more than a few.
    pub async fn find_requests(
        &self,
        prefix: &str,
        kind: Option<RequestKind>,
    ) -> Result<Vec<RequestRecord>, ReadError> {
        let prefix = prefix.to_owned();
        self.inner
            .readers
            .read(move |connection| find(connection, &prefix, kind))
            .await
    }

    /// Decisions, newest first: at most `limit` of those before entry `before`; 0 for no limit of one's own, and from the
    /// newest on.
    pub async fn list_audit(
        &self,
        session: Option<SessionId>,
        before: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, ReadError> {
        self.inner
            .readers
            .read(move |connection| audit(connection, session, before, limit))
            .await
    }

    /// Forgets, bit by bit and in the background, decisions and ended requests that are older than `before`.
    pub fn prune_audit(&self, before: Timestamp) {
        self.inner.jobs.send(Job::PruneAudit(before)).ok();
    }
}

/// Writes what an append says of requests and decisions.
pub(super) fn write(connection: &Connection, append: &Append) -> rusqlite::Result<()> {
    let session = sql(append.log.number());
    for change in &append.requests {
        match change {
            RequestChange::Asked(asked) => insert(connection, session, asked)?,
            RequestChange::Ended {
                id,
                state,
                decided_by,
                at,
            } => {
                connection
                    .prepare_cached(
                        "UPDATE requests SET state = ?3, decided_by = ?4, ended_us = ?5 WHERE session = ?1 AND id = ?2",
                    )?
                    .execute(params![session, id.0, state, decided_by, at.0])?;
            }
            RequestChange::Extended { id, expires_at } => {
                connection
                    .prepare_cached(
                        "UPDATE requests SET expires_us = ?3 WHERE session = ?1 AND id = ?2",
                    )?
                    .execute(params![session, id.0, expires_at.0])?;
            }
        }
    }
    for row in &append.audit {
        connection
            .prepare_cached(
                "INSERT INTO audit (time_us, session, tool, input_preview, input_sha256, outcome, decided_by, request)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                row.time.0,
                row.session.0.as_bytes(),
                row.tool,
                row.input_preview,
                row.input_sha256,
                row.outcome,
                row.by,
                row.request.0,
            ])?;
    }
    Ok(())
}

fn insert(connection: &Connection, session: i64, asked: &RequestRow) -> rusqlite::Result<()> {
    let (id, kind, bytes) = match &asked.pending {
        Pending::Permission(request) => {
            let message = v1::PermissionRequest::from(request.clone());
            (
                &request.id,
                RequestKind::Permission,
                message.encode_to_vec(),
            )
        }
        Pending::Question(question) => {
            let message = v1::Question::from(question.clone());
            (&question.id, RequestKind::Question, message.encode_to_vec())
        }
    };
    let previews = serde_json::to_string(&asked.previews).unwrap_or_else(|_| "[]".to_owned());
    // An agent that was restarted may use an id of its former life again.
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO requests
                 (session, id, kind, sequence, asked_us, expires_us, request, previews, state, decided_by, ended_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', NULL)",
        )?
        .execute(params![
            session,
            id.0,
            code(kind),
            sql(asked.sequence.0),
            asked.asked.0,
            asked.pending.expires_at().map(|at| at.0),
            bytes,
            previews,
            PENDING,
        ])?;
    Ok(())
}

const fn code(kind: RequestKind) -> i64 {
    match kind {
        RequestKind::Permission => 0,
        RequestKind::Question => 1,
    }
}

/// The columns that [`record`] reads, of requests whose session exists.
const SELECT: &str = "SELECT sessions.id, requests.sequence, asked_us, kind, request, previews, state, decided_by, \
                      ended_us, expires_us FROM requests JOIN sessions ON sessions.number = requests.session \
                      WHERE sessions.deleted = 0";

fn record(row: &Row<'_>) -> rusqlite::Result<RequestRecord> {
    let expires_at = row.get::<_, Option<i64>>(9)?.map(Timestamp);
    let bytes = row.get_ref(4)?.as_blob()?;
    let request = if row.get::<_, i64>(3)? == code(RequestKind::Permission) {
        let message = v1::PermissionRequest::decode(bytes).map_err(|error| rows::bad(4, error))?;
        let mut request = betcode_core::event::PermissionRequest::from(message);
        request.expires_at = expires_at;
        Pending::Permission(request)
    } else {
        let message = v1::Question::decode(bytes).map_err(|error| rows::bad(4, error))?;
        let mut question = betcode_core::event::Question::from(message);
        question.expires_at = expires_at;
        Pending::Question(question)
    };
    Ok(RequestRecord {
        session: SessionId(rows::id(row, 0)?),
        sequence: Sequence(number(row.get(1)?)),
        asked: Timestamp(row.get(2)?),
        request,
        previews: serde_json::from_str(row.get_ref(5)?.as_str()?)
            .map_err(|error| rows::bad(5, error))?,
        state: row.get(6)?,
        decided_by: row.get(7)?,
        ended: row.get::<_, Option<i64>>(8)?.map(Timestamp),
    })
}

/// The query for a list: its values are a kind and a session, where they are given.
pub(super) fn list_query(kind: bool, session: bool, ended: bool) -> String {
    let mut query = SELECT.to_owned();
    for (wanted, condition) in [
        (!ended, " AND ended_us IS NULL"),
        (kind, " AND kind = ?"),
        (session, " AND sessions.id = ?"),
    ] {
        if wanted {
            query += condition;
        }
    }
    query + " ORDER BY asked_us DESC, requests.session DESC, requests.sequence DESC"
}

fn list(
    connection: &Connection,
    kind: Option<RequestKind>,
    session: Option<SessionId>,
    ended: bool,
) -> rusqlite::Result<Vec<RequestRecord>> {
    let (kind, session) = (kind.map(code), session.map(|session| *session.0.as_bytes()));
    let mut values: Vec<&dyn ToSql> = Vec::new();
    values.extend(kind.iter().map(|kind| kind as &dyn ToSql));
    values.extend(session.iter().map(|session| session as &dyn ToSql));
    let query = list_query(kind.is_some(), session.is_some(), ended);
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query(&values[..])?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        bytes += row.get_ref(4)?.as_blob()?.len();
        if records.len() == LISTED || bytes > LISTED_BYTES {
            break;
        }
        records.push(record(row)?);
    }
    records.reverse();
    Ok(records)
}

/// The query for requests with an id that fits: its values are the kind or NULL, how many, and those of the condition.
pub(super) fn find_query(condition: &str) -> String {
    format!("{SELECT} AND (?1 IS NULL OR kind = ?1) AND {condition} ORDER BY asked_us LIMIT ?2")
}

/// The condition for an id.
pub(super) const IS: &str = "requests.id = ?3";
/// The condition for the beginning of an id.
pub(super) const BEGINS: &str = "requests.id > ?3 AND requests.id < ?4";

fn find(
    connection: &Connection,
    prefix: &str,
    kind: Option<RequestKind>,
) -> rusqlite::Result<Vec<RequestRecord>> {
    let find = |condition: &str, values: &[&dyn ToSql]| -> rusqlite::Result<Vec<_>> {
        connection
            .prepare_cached(&find_query(condition))?
            .query_map(values, record)?
            .collect()
    };
    let kind = kind.map(code);
    let exact = find(IS, &[&kind, &CANDIDATES, &prefix])?;
    if !exact.is_empty() || prefix.is_empty() {
        return Ok(exact);
    }
    // No character sorts behind this one.
    let end = format!("{prefix}\u{10FFFF}");
    let values: [&dyn ToSql; 4] = [&kind, &CANDIDATES, &prefix, &end];
    // Lists show as much of an id as tells it from the others that wait.
    let waiting = find(&format!("{BEGINS} AND ended_us IS NULL"), &values)?;
    if waiting.is_empty() {
        find(BEGINS, &values)
    } else {
        Ok(waiting)
    }
}

fn audit(
    connection: &Connection,
    session: Option<SessionId>,
    before: u64,
    limit: u32,
) -> rusqlite::Result<Vec<AuditEntry>> {
    let limit = if limit == 0 {
        AUDITED
    } else {
        limit.min(10 * AUDITED)
    };
    let before = if before == 0 { i64::MAX } else { sql(before) };
    let session = session.map(|session| *session.0.as_bytes());
    let which = if session.is_some() {
        "session = ?3"
    } else {
        "?3 IS NULL"
    };
    connection
        .prepare_cached(&format!(
            "SELECT id, time_us, session, tool, input_preview, input_sha256, outcome, decided_by, request FROM audit
             WHERE id < ?1 AND {which} ORDER BY id DESC LIMIT ?2"
        ))?
        .query_map(params![before, limit, session], |row| {
            Ok(AuditEntry {
                id: number(row.get(0)?),
                time: Timestamp(row.get(1)?),
                session: SessionId(rows::id(row, 2)?),
                tool: row.get(3)?,
                input_preview: row.get(4)?,
                input_sha256: row.get(5)?,
                outcome: row.get(6)?,
                by: row.get(7)?,
                request: RequestId(row.get(8)?),
            })
        })?
        .collect()
}

/// Forgets at most `limit` ended requests and as many decisions that are older than `before`; true when none are left.
pub(super) fn prune(
    connection: &Connection,
    before: Timestamp,
    limit: i64,
) -> rusqlite::Result<bool> {
    let mut done = true;
    for query in [
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
        "DELETE FROM requests WHERE rowid IN
             (SELECT rowid FROM requests WHERE ended_us IS NOT NULL AND ended_us < ?1 ORDER BY ended_us LIMIT ?2)",
    ] {
        let removed = connection.prepare_cached(query)?.execute([before.0, limit])?;
        done &= sql(removed as u64) < limit;
    }
    Ok(done)
}
