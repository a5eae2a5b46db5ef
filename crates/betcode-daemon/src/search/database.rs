//! The index's own database, beside the log: `search.db`, mode 0600. Everything in it comes from the log and may go at any time;
//! what is damaged, of another version or of another epoch of the log is removed and made anew.
//!
//! A session has the number of its log, and an entry the key that its first event has in the log; a title has the key of event
//! 0. The words are kept without their texts (a contentless FTS5 table); the texts beside them are for what is shown, and
//! say which words to remove when an entry goes. [`VERSION`] therefore rises with every change of what a word is.
//!
//! Laws:
//! - a page of a log, and how far the log has come, are in the database together or not at all;
//! - what was removed from the log is gone from here too, its words included, and from pages that are free (`secure-delete`, `secure_delete`).

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use betcode_core::event::Event;
use betcode_core::id::{LogEpoch, Sequence, SessionId};
use betcode_core::time::Timestamp;
use betcode_proto::convert::search::FoundKind;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params};
use uuid::Uuid;

use super::entry::{self, Entry, LONGEST, Step, cut};
use super::query::Query;
use super::words::folded;

/// The file.
pub(crate) const FILE: &str = "search.db";

/// What the tables, the entries and the words are like.
const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE meta (epoch BLOB NOT NULL);
    -- upto: everything up to this event is in; mark: the last event that was removed.
    CREATE TABLE sessions (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        upto INTEGER NOT NULL,
        mark INTEGER NOT NULL,
        title TEXT NOT NULL
    );
    -- Entries that have not ended: their texts so far.
    CREATE TABLE pieces (
        session INTEGER NOT NULL,
        key TEXT NOT NULL,
        first INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (session, key)
    ) WITHOUT ROWID;
    -- id = number of the session << 40 | number of the first event.
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        at_us INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        text TEXT NOT NULL
    );
    CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='ascii');
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
    ";

const SHIFT: u32 = 40;
/// So many entries are removed in one transaction.
const STEP: i64 = 500;
/// How long a reader waits for the writer, who never takes long.
const WAIT: Duration = Duration::from_secs(2);

/// How far a session is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Which session.
    pub(crate) id: SessionId,
    /// Up to this event.
    pub(crate) upto: Sequence,
    /// The last event that was removed.
    pub(crate) mark: Sequence,
    /// Its title.
    pub(crate) title: String,
}

/// A session in which something was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// The number of its log.
    pub(crate) number: u64,
    /// How many of its entries.
    pub(crate) count: u64,
    /// The best of them, best first; less is better.
    pub(crate) best: Vec<(f64, i64)>,
}

/// The database, to be written.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
}

/// Removes the index.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = directory.join(format!("{FILE}{suffix}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether only a new index helps.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    // The last one: a table that is not there, or not as it should be.
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) | None
    )
}

/// For those who look for something.
pub(crate) fn open_to_read(directory: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(directory.join(FILE), flags)?;
    connection.busy_timeout(WAIT)?;
    connection.pragma_update(None, "cache_size", -1024)?;
    Ok(connection)
}

impl Database {
    /// Opens the index of a log, and makes it anew if it is not one that can be used.
    pub(crate) fn open(directory: &Path, epoch: LogEpoch) -> rusqlite::Result<Self> {
        match Self::attempt(directory, epoch) {
            Ok(Some(database)) => return Ok(database),
            Ok(None) => tracing::info!("the index for searching is made anew"),
            Err(error) if is_damage(&error) => {
                tracing::warn!(%error, "the index for searching cannot be used and is made anew");
            }
            Err(error) => return Err(error),
        }
        remove(directory).map_err(|error| unusable(&error))?;
        Self::attempt(directory, epoch)?
            .ok_or_else(|| unusable(&io::Error::other("it cannot be made")))
    }

    fn attempt(directory: &Path, epoch: LogEpoch) -> rusqlite::Result<Option<Self>> {
        let path = directory.join(FILE);
        // SQLite gives its other files the mode of this one.
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| unusable(&error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(WAIT)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = NORMAL;
             PRAGMA secure_delete = ON;
             PRAGMA cache_size = -1024;
             PRAGMA temp_store = MEMORY;",
        )?;
        connection.pragma_update_and_check(None, "journal_size_limit", 1 << 20, |_| Ok(()))?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.execute("INSERT INTO meta VALUES (?1)", [epoch.0.as_bytes()])?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        } else if version != VERSION {
            return Ok(None);
        }
        let stored: [u8; 16] =
            connection.query_row("SELECT epoch FROM meta", (), |row| row.get(0))?;
        let same = Uuid::from_bytes(stored) == epoch.0;
        Ok(same.then_some(Self { connection }))
    }

    /// Every session that is in.
    pub(crate) fn standings(&self) -> rusqlite::Result<HashMap<u64, Standing>> {
        self.connection
            .prepare_cached("SELECT number, id, upto, mark, title FROM sessions")?
            .query_map((), |row| Ok((number(row.get(0)?), standing(row)?)))?
            .collect()
    }

    /// One of them.
    pub(crate) fn standing(&self, session: u64) -> rusqlite::Result<Option<Standing>> {
        self.connection
            .prepare_cached("SELECT number, id, upto, mark, title FROM sessions WHERE number = ?1")?
            .query_row([sql(session)], standing)
            .optional()
    }

    /// A session that is not in yet.
    pub(crate) fn begin(&self, session: u64, id: SessionId) -> rusqlite::Result<Standing> {
        self.connection
            .prepare_cached("INSERT INTO sessions VALUES (?1, ?2, 0, 0, '')")?
            .execute(params![sql(session), id.0.as_bytes()])?;
        Ok(Standing {
            id,
            upto: Sequence(0),
            mark: Sequence(0),
            title: String::new(),
        })
    }

    /// Takes a page of a log, up to this event.
    pub(crate) fn take(
        &mut self,
        session: u64,
        events: Vec<Event>,
        upto: Sequence,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut pieces = Pieces::default();
        for step in events.into_iter().filter_map(Step::of) {
            match step {
                Step::Whole(entry) => insert(&transaction, session, &entry)?,
                Step::Piece(key, entry) => pieces.add(&transaction, session, key, entry)?,
                Step::End { key, tail, counts } => {
                    let ended = pieces.end(&transaction, session, &key)?;
                    if let Some(mut entry) = ended.filter(|_| counts) {
                        entry.text.push_str(&tail);
                        insert(&transaction, session, &entry)?;
                    }
                }
                Step::EndAll => {
                    for entry in &pieces.end_all(&transaction, session)? {
                        insert(&transaction, session, entry)?;
                    }
                }
            }
        }
        pieces.keep(&transaction, session)?;
        transaction
            .prepare_cached("UPDATE sessions SET upto = ?2 WHERE number = ?1")?
            .execute([sql(session), sql(upto.0)])?;
        transaction.commit()
    }

    /// Another title.
    pub(crate) fn entitle(
        &mut self,
        session: u64,
        title: &str,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        delete(&transaction, key(session, 0), key(session, 0), 1)?;
        let entry = Entry {
            first: Sequence(0),
            at,
            kind: FoundKind::Title,
            text: title.to_owned(),
        };
        insert(&transaction, session, &entry)?;
        transaction
            .prepare_cached("UPDATE sessions SET title = ?2 WHERE number = ?1")?
            .execute(params![sql(session), title])?;
        transaction.commit()
    }

    /// Removes what begins up to this event, in steps. True when all of it is gone.
    pub(crate) fn trim(&mut self, session: u64, mark: Sequence) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction()?;
        let done = delete(&transaction, key(session, 1), key(session, mark.0), STEP)?;
        if done {
            transaction.execute(
                "DELETE FROM pieces WHERE session = ?1 AND first <= ?2",
                [sql(session), sql(mark.0)],
            )?;
            transaction.execute(
                "UPDATE sessions SET mark = ?2, upto = max(upto, ?2) WHERE number = ?1",
                [sql(session), sql(mark.0)],
            )?;
        }
        transaction.commit()?;
        Ok(done)
    }

    /// Removes a session, in steps. True when nothing of it is left.
    pub(crate) fn forget(&mut self, session: u64) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction()?;
        let done = delete(&transaction, key(session, 0), key(session, u64::MAX), STEP)?;
        if done {
            transaction.execute("DELETE FROM pieces WHERE session = ?1", [sql(session)])?;
            transaction.execute("DELETE FROM sessions WHERE number = ?1", [sql(session)])?;
        }
        transaction.commit()?;
        Ok(done)
    }
}

/// Entries that have not ended, as far as a page concerns them.
#[derive(Debug, Default)]
struct Pieces {
    open: HashMap<String, Entry>,
}

impl Pieces {
    fn add(
        &mut self,
        connection: &Connection,
        session: u64,
        key: String,
        piece: Entry,
    ) -> rusqlite::Result<()> {
        if !self.open.contains_key(&key)
            && let Some(entry) = stored(connection, session, &key)?
        {
            self.open.insert(key.clone(), entry);
        }
        let entry = self.open.entry(key).or_insert_with(|| Entry {
            text: String::new(),
            ..piece.clone()
        });
        let room = LONGEST.saturating_sub(entry.text.len());
        entry.text.push_str(&cut(piece.text, room));
        Ok(())
    }

    fn end(
        &mut self,
        connection: &Connection,
        session: u64,
        key: &str,
    ) -> rusqlite::Result<Option<Entry>> {
        let here = self.open.remove(key);
        let entry = match here {
            Some(entry) => Some(entry),
            None => stored(connection, session, key)?,
        };
        connection
            .prepare_cached("DELETE FROM pieces WHERE session = ?1 AND key = ?2")?
            .execute(params![sql(session), key])?;
        Ok(entry)
    }

    fn end_all(&mut self, connection: &Connection, session: u64) -> rusqlite::Result<Vec<Entry>> {
        self.keep(connection, session)?;
        let entries = connection
            .prepare_cached("SELECT first, at_us, kind, text FROM pieces WHERE session = ?1")?
            .query_map([sql(session)], read_entry)?
            .collect::<rusqlite::Result<_>>()?;
        connection
            .prepare_cached("DELETE FROM pieces WHERE session = ?1")?
            .execute([sql(session)])?;
        Ok(entries)
    }

    /// Writes down what is still open.
    fn keep(&mut self, connection: &Connection, session: u64) -> rusqlite::Result<()> {
        for (key, entry) in self.open.drain() {
            connection
                .prepare_cached("INSERT OR REPLACE INTO pieces VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![
                    sql(session),
                    key,
                    sql(entry.first.0),
                    entry.at.0,
                    entry::code(entry.kind),
                    entry.text
                ])?;
        }
        Ok(())
    }
}

fn stored(connection: &Connection, session: u64, key: &str) -> rusqlite::Result<Option<Entry>> {
    connection
        .prepare_cached(
            "SELECT first, at_us, kind, text FROM pieces WHERE session = ?1 AND key = ?2",
        )?
        .query_row(params![sql(session), key], read_entry)
        .optional()
}

fn read_entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        first: Sequence(number(row.get(0)?)),
        at: Timestamp(row.get(1)?),
        kind: entry::kind(row.get(2)?),
        text: row.get(3)?,
    })
}

fn insert(connection: &Connection, session: u64, entry: &Entry) -> rusqlite::Result<()> {
    let words = folded(&entry.text);
    if words.is_empty() {
        return Ok(());
    }
    let id = key(session, entry.first.0);
    let inserted = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO entries (id, at_us, kind, text) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, entry.at.0, entry::code(entry.kind), entry.text])?;
    if inserted == 0 {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?
        .execute(params![id, words])?;
    Ok(())
}

/// Removes entries from one key to another, at most so many. True when none is left.
fn delete(connection: &Connection, from: i64, to: i64, most: i64) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached(
        "SELECT id, text FROM entries WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = select.query([from, to, most])?;
    let (mut count, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let (id, text): (i64, String) = (row.get(0)?, row.get(1)?);
        connection
            .prepare_cached("INSERT INTO words (words, rowid, text) VALUES ('delete', ?1, ?2)")?
            .execute(params![id, folded(&text)])?;
        count += 1;
        last = Some(id);
    }
    drop(rows);
    if let Some(last) = last {
        connection
            .prepare_cached("DELETE FROM entries WHERE id BETWEEN ?1 AND ?2")?
            .execute([from, last])?;
    }
    Ok(count < most)
}

/// Looks in all sessions or one. Of each, the best entries come along. Sessions with the best entry come first.
pub(crate) fn search(
    connection: &Connection,
    query: &Query,
    session: Option<u64>,
    each: usize,
) -> rusqlite::Result<Vec<Found>> {
    let (from, to) = session.map_or((0, i64::MAX), |session| {
        (key(session, 0), key(session, u64::MAX))
    });
    let mut statement = connection.prepare(
        "SELECT rowid, rank FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3",
    )?;
    let mut rows = statement.query(params![query.expression(), from, to])?;
    let mut found: HashMap<u64, Found> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (id, rank): (i64, f64) = (row.get(0)?, row.get(1)?);
        let number = number(id >> SHIFT);
        let session = found.entry(number).or_insert_with(|| Found {
            number,
            count: 0,
            best: Vec::new(),
        });
        session.count += 1;
        let place = session
            .best
            .partition_point(|(other, earlier)| (*other, -earlier) <= (rank, -id));
        if place < each {
            session.best.insert(place, (rank, id));
            session.best.truncate(each);
        }
    }
    let mut found: Vec<Found> = found.into_values().collect();
    let rank = |found: &Found| found.best.first().map_or(0.0, |(rank, _)| *rank);
    found.sort_by(|one, other| {
        let by_rank = rank(one).total_cmp(&rank(other));
        by_rank.then(other.number.cmp(&one.number))
    });
    Ok(found)
}

/// An entry by its key.
pub(crate) fn read(connection: &Connection, id: i64) -> rusqlite::Result<Option<Entry>> {
    connection
        .prepare_cached("SELECT id & 0xFFFFFFFFFF, at_us, kind, text FROM entries WHERE id = ?1")?
        .query_row([id], read_entry)
        .optional()
}

fn standing(row: &rusqlite::Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        id: SessionId(Uuid::from_bytes(row.get(1)?)),
        upto: Sequence(number(row.get(2)?)),
        mark: Sequence(number(row.get(3)?)),
        title: row.get(4)?,
    })
}

fn key(session: u64, sequence: u64) -> i64 {
    sql((session << SHIFT) | sequence.min((1 << SHIFT) - 1))
}

fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(sql: i64) -> u64 {
    u64::try_from(sql).unwrap_or(0)
}

fn unusable(error: &io::Error) -> rusqlite::Error {
    let full = error.kind() == io::ErrorKind::StorageFull;
    let code = if full {
        rusqlite::ffi::SQLITE_FULL
    } else {
        rusqlite::ffi::SQLITE_CANTOPEN
    };
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(code),
        Some(format!("{FILE}: {error}")),
    )
}
