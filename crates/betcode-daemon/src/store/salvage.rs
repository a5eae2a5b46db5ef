//! Building a new database from what can still be read of a damaged one.
//!
//! 1. The tables are made in a file of their own, with the schema of the damaged database.
//! 2. Rows are copied one by one, from the beginning up to the first that cannot be read and from the end back to it.
//! 3. Of a session's log everything up to the first hole is kept: events behind a hole mean nothing.
//! 4. Each session is folded. One of which something is lost is told so in its log, its agent is taken for lost, and
//!    what belonged to lost events is left out. One whose row is lost gets it back from its events.
//!
//! Several databases can be put together; of a session that is in more than one the first counts.
//!
//! Laws: the damaged database is only read; every log in the new one is without a gap; nothing is made up but the events
//! that tell of the loss.

mod mend;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use betcode_core::id::{LogEpoch, SessionId};
use betcode_core::time::Timestamp;
use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params_from_iter};
use uuid::Uuid;

use super::backup::{self, BackupError, Unfinished};
use super::chunk::Chunk;
use super::open::{self, Files};
use super::schema::{self, SESSION_SHIFT, last_sequence, log_id, number, sql};
use super::statements;

/// Tables beside the log and the sessions, and the columns they are ordered by.
const TABLES: &[(&str, &[&str])] = &[
    ("environments", &["session"]),
    ("snapshots", &["session"]),
    ("deadlines", &["session"]),
    ("checkpoints", &["session"]),
    ("outbox", &["session", "host", "frame"]),
    ("payloads", &["id"]),
    ("requests", &["session", "id"]),
    ("hosts", &["epoch"]),
    ("commands", &["id"]),
    ("audit", &["id"]),
    ("trust", &["directory"]),
    ("states", &["name"]),
    ("usage_windows", &["id"]),
    ("usage_points", &["window", "at_us"]),
];

/// What is needed that the store does not know.
#[derive(Debug, Clone, Copy)]
pub struct SalvageOptions {
    /// The epoch of the new log.
    pub fresh: LogEpoch,
    /// The time of day.
    pub now: Timestamp,
    /// Makes an id for a session whose own is lost.
    pub new_id: fn() -> Uuid,
}

/// One session of the new database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSession {
    /// Its id.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// How many events of it were saved.
    pub events: u64,
    /// How many are known to be lost.
    pub lost: u64,
    /// Nothing of it is lost.
    pub whole: bool,
}

/// What was saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// The sessions of the new database.
    pub sessions: Vec<SavedSession>,
    /// How many sessions are known of which nothing could be saved.
    pub sessions_lost: u64,
    /// Tables of which not every row could be read.
    pub incomplete: Vec<String>,
    /// What the former database is called now.
    pub set_aside: Option<PathBuf>,
}

/// Puts what can be read of `sources` in the place of the database of a state directory. Nobody may have it open.
pub fn salvage(
    directory: &Path,
    sources: &[PathBuf],
    options: SalvageOptions,
) -> Result<Salvaged, BackupError> {
    let files = Files::new(directory);
    let target = Unfinished::beside(&files.database, ".recovered")?;
    let failed = |source| BackupError::Database {
        path: target.path.clone(),
        source,
    };
    let mut opened = Vec::new();
    for (place, path) in sources.iter().enumerate() {
        let working = working_copy(path, &files, place)?;
        let (connection, version) =
            open_damaged(&working.path).map_err(|error| BackupError::NotABackup {
                path: path.clone(),
                why: format!("nothing of it can be read: {error}"),
            })?;
        opened.push((connection, version, working));
    }
    let version = opened.iter().map(|(_, version, _)| *version).max();
    if let Some(found) = version.filter(|found| *found > schema::VERSION) {
        return Err(BackupError::Newer {
            path: files.database,
            found,
            known: schema::VERSION,
        });
    }
    let version = version.filter(|version| *version > 0);
    let connection = create(
        &target.path,
        version.unwrap_or(schema::VERSION),
        options.fresh,
    )
    .map_err(failed)?;
    let mut salvaged = Salvaged::default();
    for (source, ..) in &opened {
        let mut one = One {
            from: source,
            to: &connection,
            options,
            numbers: BTreeMap::new(),
            salvaged: &mut salvaged,
        };
        one.run().map_err(failed)?;
        let unreadable = salvaged.sessions_lost > 0 || !salvaged.incomplete.is_empty();
        if salvaged.sessions.is_empty()
            && unreadable
            && let Some(path) = sources.first()
        {
            return Err(BackupError::NotABackup {
                path: path.clone(),
                why: "none of its sessions can be read".to_owned(),
            });
        }
    }
    connection.close().map_err(|(_, source)| failed(source))?;
    drop(opened);
    backup::vouch(&target.path)?;
    backup::renew(&target.path, options.fresh).map_err(failed)?;
    salvaged.set_aside = backup::replace_database(&files, target)?;
    Ok(salvaged)
}

/// A copy to read from, because reading leaves files beside what is read. SQLite refuses a file that is shorter than it
/// says, so that the copy is made as long; what is not there reads as damage.
fn working_copy(path: &Path, files: &Files, place: usize) -> Result<Unfinished, BackupError> {
    let io = |source| BackupError::Io {
        path: path.to_owned(),
        source,
    };
    let working = Unfinished::beside(&files.database, &format!(".working-{place}"))?;
    fs::copy(path, &working.path).map_err(io)?;
    let wal = open::with_suffix(path, "-wal");
    match fs::copy(&wal, open::with_suffix(&working.path, "-wal")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(&working.path)
        .map_err(io)?;
    let mut head = [0; 32];
    if file.read_exact(&mut head).is_ok() {
        let [.., low, high, _, _, _, _, _, _, _, _, _, _, a, b, c, d] = head;
        let page = match u16::from_be_bytes([low, high]) {
            1 => 1 << 16,
            size => u64::from(size),
        };
        let length = u64::from(u32::from_be_bytes([a, b, c, d])) * page;
        let present = file.metadata().map_err(io)?.len();
        // A number that cannot be true is damage too.
        if present < length && length / 64 < present {
            file.set_len(length).map_err(io)?;
        }
    }
    Ok(working)
}

/// The database, and the version of its schema; 0 when that cannot be read.
fn open_damaged(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // A table whose description is damaged costs that table and not the others.
    connection.pragma_update(None, "writable_schema", true)?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((connection, version))
}

fn create(path: &Path, version: i64, fresh: LogEpoch) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    // It is synced as a whole, or thrown away.
    connection.pragma_update(None, "synchronous", "OFF")?;
    schema::migrations()
        .to_version(&mut connection, usize::try_from(version).unwrap_or(0))
        .map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => err,
            other => rusqlite::Error::ToSqlConversionFailure(Box::new(other)),
        })?;
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('epoch', ?1), ('commits', 0)",
        [fresh.0.as_bytes()],
    )?;
    Ok(connection)
}

/// One damaged database.
struct One<'a> {
    from: &'a Connection,
    to: &'a Connection,
    options: SalvageOptions,
    /// Numbers of sessions here and in the new database.
    numbers: BTreeMap<u64, u64>,
    salvaged: &'a mut Salvaged,
}

impl One<'_> {
    fn run(&mut self) -> rusqlite::Result<()> {
        let transaction = self.to.unchecked_transaction()?;
        if let Ok(commits) = open::commits(self.from) {
            self.to.execute(
                "UPDATE meta SET value = max(value, ?1) WHERE key = 'commits'",
                [sql(commits)],
            )?;
        }
        let rows = self.sessions()?;
        let mut saved = Vec::new();
        let logs: BTreeSet<u64> = rows.iter().copied().chain(self.logs()).collect();
        for session in logs {
            let had_row = rows.contains(&session);
            let target = match self.numbers.get(&session) {
                Some(target) => *target,
                None if had_row => continue,
                None => self.free_number()?,
            };
            self.numbers.insert(session, target);
            let log = self.log(session, target)?;
            saved.push((target, log));
        }
        if !self.has_log(0)? {
            self.log(0, 0)?;
        }
        for (table, order) in TABLES {
            let complete = self.table(table, order)?;
            if !complete && !self.salvaged.incomplete.iter().any(|name| name == table) {
                self.salvaged.incomplete.push((*table).to_owned());
            }
        }
        for (target, log) in saved {
            self.mend(target, log)?;
        }
        transaction.commit()
    }

    fn has_log(&self, session: u64) -> rusqlite::Result<bool> {
        let found: i64 = self.to.query_row(
            "SELECT count(*) FROM log WHERE id > ?1 AND id <= ?2",
            [log_id(session, 0), log_id(session, u64::MAX)],
            |row| row.get(0),
        )?;
        Ok(found > 0)
    }

    fn free_number(&self) -> rusqlite::Result<u64> {
        let newest: i64 = self.to.query_row(
            "SELECT max(ifnull((SELECT max(number) FROM sessions), 0), ifnull((SELECT max(id) >> 40 FROM log), 0))",
            (),
            |row| row.get(0),
        )?;
        let mapped = self.numbers.values().copied().max().unwrap_or(0);
        Ok(number(newest).max(mapped) + 1)
    }

    /// Copies the rows of sessions. Gives the numbers of those whose row could be read.
    fn sessions(&mut self) -> rusqlite::Result<BTreeSet<u64>> {
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        let complete = self.read("sessions", &["number"], |names, values| {
            rows.push((names.to_vec(), values));
            Ok(())
        })?;
        if !complete {
            self.salvaged.incomplete.push("sessions".to_owned());
        }
        for (names, mut values) in rows {
            let place = |name: &str| names.iter().position(|column| column == name);
            let field = |name: &str| place(name).and_then(|place| values.get(place).cloned());
            let (Some(Value::Integer(old)), Some(Value::Blob(id))) = (field("number"), field("id"))
            else {
                continue;
            };
            let old = number(old);
            if !seen.insert(old) || field("deleted") == Some(Value::Integer(1)) {
                continue;
            }
            let known: i64 = self.to.query_row(
                "SELECT count(*) FROM sessions WHERE id = ?1",
                [&id],
                |row| row.get(0),
            )?;
            if known > 0 {
                continue;
            }
            let taken = self.has_number(old)?;
            let target = if taken { self.free_number()? } else { old };
            if let Some(value) = place("number").and_then(|place| values.get_mut(place)) {
                *value = Value::Integer(sql(target));
            }
            insert(self.to, "sessions", &names, &values)?;
            self.numbers.insert(old, target);
        }
        Ok(seen)
    }

    fn has_number(&self, session: u64) -> rusqlite::Result<bool> {
        let found: i64 = self.to.query_row(
            "SELECT count(*) FROM sessions WHERE number = ?1",
            [sql(session)],
            |row| row.get(0),
        )?;
        Ok(found > 0 || self.has_log(session)?)
    }

    /// The numbers of sessions that have something in the log.
    fn logs(&self) -> Vec<u64> {
        let mut found = Vec::new();
        let mut after = log_id(0, u64::MAX);
        let mut failures = 0;
        // Damage hides what is behind it from a search that comes from before it.
        while failures < 1_000 {
            let next: rusqlite::Result<Option<i64>> = self
                .from
                .query_row(
                    "SELECT id FROM log WHERE id > ?1 ORDER BY id LIMIT 1",
                    [after],
                    |row| row.get(0),
                )
                .optional();
            let session = match next {
                Ok(None) => break,
                Ok(Some(id)) => {
                    let session = number(id) >> SESSION_SHIFT;
                    found.push(session);
                    session
                }
                Err(_) => {
                    failures += 1;
                    (number(after) >> SESSION_SHIFT) + 1
                }
            };
            after = log_id(session, u64::MAX);
        }
        found
    }

    /// Copies a log up to its first hole.
    fn log(&self, session: u64, target: u64) -> rusqlite::Result<Log> {
        let mut log = Log::default();
        let known: rusqlite::Result<Option<i64>> = self
            .from
            .query_row(
                "SELECT id FROM log WHERE id > ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1",
                [log_id(session, 0), log_id(session, u64::MAX)],
                |row| row.get(0),
            )
            .optional();
        match known {
            Ok(id) => log.known_head = id.map_or(0, last_sequence),
            Err(_) => log.hole = true,
        }
        let Ok(mut statement) = self.from.prepare(
            "SELECT id, first_sequence, events FROM log WHERE id > ?1 AND id <= ?2 ORDER BY id",
        ) else {
            return Ok(Log { hole: true, ..log });
        };
        let mut rows = statement.query([log_id(session, 0), log_id(session, u64::MAX)])?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(_) => {
                    log.hole = true;
                    break;
                }
            };
            let read = (
                row.get::<_, i64>(0),
                row.get::<_, i64>(1),
                row.get::<_, Vec<u8>>(2),
            );
            let (Ok(id), Ok(first), Ok(bytes)) = read else {
                log.hole = true;
                break;
            };
            let (first, last) = (number(first), last_sequence(id));
            let follows = log.head == 0 || first == log.head + 1;
            let chunk = Chunk::parse(Bytes::from(bytes)).ok();
            let Some(chunk) =
                chunk.filter(|chunk| follows && (chunk.first.0, chunk.last.0) == (first, last))
            else {
                log.hole = true;
                break;
            };
            statements::insert_chunks(self.to, target, &[chunk])?;
            log.head = last;
        }
        log.hole |= log.known_head > log.head;
        Ok(log)
    }

    /// Copies a table. False when not every row could be read.
    fn table(&self, table: &str, order: &[&str]) -> rusqlite::Result<bool> {
        let numbered = order == ["id"];
        let exists = |connection: &Connection| {
            connection
                .query_row(
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1",
                    [table],
                    |row| row.get::<_, i64>(0),
                )
                .unwrap_or(1)
                > 0
        };
        if !exists(self.from) || !exists(self.to) {
            return Ok(true);
        }
        self.read(table, order, |names, values| {
            let mut columns = Vec::with_capacity(names.len());
            let mut row = Vec::with_capacity(values.len());
            for (name, value) in names.iter().zip(values) {
                let value = match (name.as_str(), value) {
                    // A number of the row alone; those of two databases would be in each other's way.
                    ("id", Value::Integer(_)) if numbered => continue,
                    ("session", Value::Integer(old)) => match self.numbers.get(&number(old)) {
                        Some(target) => Value::Integer(sql(*target)),
                        None => return Ok(()),
                    },
                    (_, value) => value,
                };
                columns.push(name.clone());
                row.push(value);
            }
            insert(self.to, table, &columns, &row)
        })
    }

    /// Reads the rows of a table from both ends. A row may come twice. False when not every one could be read.
    fn read(
        &self,
        table: &str,
        order: &[&str],
        mut each: impl FnMut(&[String], Vec<Value>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<bool> {
        for direction in ["ASC", "DESC"] {
            let order: Vec<_> = order
                .iter()
                .map(|column| format!("{column} {direction}"))
                .collect();
            let query = format!("SELECT * FROM {table} ORDER BY {}", order.join(", "));
            let Ok(mut statement) = self.from.prepare(&query) else {
                return Ok(false);
            };
            let names: Vec<String> = statement
                .column_names()
                .into_iter()
                .map(str::to_owned)
                .collect();
            let mut rows = statement.query(())?;
            loop {
                match rows.next() {
                    Ok(Some(row)) => {
                        let values: rusqlite::Result<Vec<Value>> =
                            (0..names.len()).map(|column| row.get(column)).collect();
                        if let Ok(values) = values {
                            each(&names, values)?;
                        }
                    }
                    Ok(None) => return Ok(true),
                    Err(_) => break,
                }
            }
        }
        Ok(false)
    }
}

/// How far a log could be read.
#[derive(Debug, Clone, Copy, Default)]
struct Log {
    /// The last event that was saved.
    head: u64,
    /// The last event that is known to have been there.
    known_head: u64,
    /// Something is missing, or may be.
    hole: bool,
}

fn insert(
    to: &Connection,
    table: &str,
    columns: &[String],
    values: &[Value],
) -> rusqlite::Result<()> {
    let places: Vec<_> = (1..=columns.len())
        .map(|place| format!("?{place}"))
        .collect();
    to.prepare_cached(&format!(
        "INSERT OR IGNORE INTO {table} ({}) VALUES ({})",
        columns.join(", "),
        places.join(", ")
    ))?
    .execute(params_from_iter(values))?;
    Ok(())
}
