//! The database's tables and how older ones become the present ones. A step that was released never changes.

use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'static>] = &[
    M::up(LOG),
    M::up(REQUESTS),
    M::up(RETRIES),
    M::up(STATES),
    M::up(USAGE),
];

/// Version 1: sessions and their logs.
const LOG: &str = "
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value
    ) WITHOUT ROWID;

    -- id = number of the session << 40 | number of the last event; session 0 is the machine feed.
    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        first_sequence INTEGER NOT NULL,
        format INTEGER NOT NULL,
        events BLOB NOT NULL
    );

    CREATE TABLE sessions (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        deleted INTEGER NOT NULL DEFAULT 0,
        agent TEXT NOT NULL,
        cwd TEXT NOT NULL,
        title TEXT NOT NULL,
        model TEXT NOT NULL,
        status TEXT NOT NULL,
        created_us INTEGER NOT NULL,
        updated_us INTEGER NOT NULL,
        turns INTEGER NOT NULL,
        agent_session TEXT NOT NULL,
        trimmed_up_to INTEGER NOT NULL,
        totals TEXT NOT NULL
    );
    CREATE INDEX sessions_deleted ON sessions (number) WHERE deleted = 1;

    CREATE TABLE environments (
        session INTEGER PRIMARY KEY,
        variables TEXT NOT NULL
    );

    CREATE TABLE snapshots (
        session INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        state BLOB NOT NULL
    );

    CREATE TABLE deadlines (
        session INTEGER PRIMARY KEY,
        at_us INTEGER NOT NULL
    );
    CREATE INDEX deadlines_at ON deadlines (at_us);

    -- state: 0 starting, 1 running, 2 ended
    CREATE TABLE hosts (
        epoch BLOB PRIMARY KEY,
        session BLOB NOT NULL,
        state INTEGER NOT NULL,
        created_us INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX hosts_live ON hosts (session) WHERE state < 2;

    CREATE TABLE checkpoints (
        session INTEGER PRIMARY KEY,
        format INTEGER NOT NULL,
        host BLOB NOT NULL,
        spool_segment INTEGER NOT NULL,
        spool_offset INTEGER NOT NULL,
        next_frame INTEGER NOT NULL,
        agent_state TEXT NOT NULL
    );

    CREATE TABLE outbox (
        session INTEGER NOT NULL,
        host BLOB NOT NULL,
        frame INTEGER NOT NULL,
        message_id BLOB,
        bytes BLOB NOT NULL,
        PRIMARY KEY (session, host, frame)
    ) WITHOUT ROWID;

    CREATE TABLE commands (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        session BLOB NOT NULL,
        payload_hash BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        notices TEXT NOT NULL,
        at_us INTEGER NOT NULL
    );

    -- A payload is kept in parts, so that no part of the daemon ever holds more than one of them.
    CREATE TABLE payloads (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        field TEXT NOT NULL,
        part INTEGER NOT NULL,
        size INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (session, sequence, field, part)
    );

    CREATE TABLE trust (
        directory TEXT PRIMARY KEY,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        since_us INTEGER NOT NULL
    ) WITHOUT ROWID;
    ";

/// Version 2: requests of agents, and decisions.
const REQUESTS: &str = "
    -- kind: 0 permission, 1 question. ended_us is NULL while it waits.
    CREATE TABLE requests (
        session INTEGER NOT NULL,
        id TEXT NOT NULL,
        kind INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        asked_us INTEGER NOT NULL,
        expires_us INTEGER,
        request BLOB NOT NULL,
        previews TEXT NOT NULL,
        state TEXT NOT NULL,
        decided_by TEXT NOT NULL,
        ended_us INTEGER,
        PRIMARY KEY (session, id)
    );
    CREATE INDEX requests_id ON requests (id);
    CREATE INDEX requests_pending ON requests (asked_us) WHERE ended_us IS NULL;
    CREATE INDEX requests_ended ON requests (ended_us) WHERE ended_us IS NOT NULL;

    CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        time_us INTEGER NOT NULL,
        session BLOB NOT NULL,
        tool TEXT NOT NULL,
        input_preview TEXT NOT NULL,
        input_sha256 TEXT NOT NULL,
        outcome TEXT NOT NULL,
        decided_by TEXT NOT NULL,
        request TEXT NOT NULL
    );
    CREATE INDEX audit_time ON audit (time_us);
    CREATE INDEX audit_session ON audit (session, id);
    ";

/// Version 3: when a session tries again what it waits for.
const RETRIES: &str = "
    ALTER TABLE sessions ADD COLUMN retry_us INTEGER;
    ";

/// Version 4: what machines that are no session's remember over a restart.
const STATES: &str = "
    CREATE TABLE states (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID;
    ";

/// Version 5: how the use of plans went. A window's name is JSON.
const USAGE: &str = "
    CREATE TABLE usage_windows (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    );

    CREATE TABLE usage_points (
        window INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        percent REAL NOT NULL,
        PRIMARY KEY (window, at_us)
    ) WITHOUT ROWID;
    ";

/// The schema that this build writes.
pub(super) const VERSION: i64 = {
    #[expect(clippy::cast_possible_wrap, reason = "there are a few steps")]
    let version = STEPS.len() as i64;
    version
};

/// How an encoded list of events is stored.
pub(super) const EVENTS_FORMAT: i64 = 1;

/// How an agent's state is stored.
pub(super) const CHECKPOINT_FORMAT: i64 = 1;

pub(super) const fn migrations() -> Migrations<'static> {
    Migrations::from_slice(STEPS)
}

/// A session's number and an event's number as one key.
pub(super) const SESSION_SHIFT: u32 = 40;

/// The row that ends with this event.
pub(super) fn log_id(number: u64, last: u64) -> i64 {
    let last = last.min((1 << SESSION_SHIFT) - 1);
    sql((number << SESSION_SHIFT) | last)
}

/// The number of the event that a row ends with.
pub(super) fn last_sequence(id: i64) -> u64 {
    number(id) & ((1 << SESSION_SHIFT) - 1)
}

/// A number of ours for the database.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of the database for us.
pub(super) fn number(sql: i64) -> u64 {
    u64::try_from(sql).unwrap_or(0)
}
