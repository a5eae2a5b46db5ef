//! Opening: what is in the state directory, whether it may be used, and under which epoch. It does little, because a
//! client waits for it: no checkpoint, no check of the database, no row of any session is read.
//!
//! 1. The witness is read. When the last life did not end in order and left a write-ahead log, the database's main file
//!    is asked alone how far it has come: if that is less than the witness knows, somebody put an older copy under a
//!    newer log, which must not be applied to it and is set aside.
//! 2. The database is opened. One of a newer version is left untouched, an older one is brought up to date. One that
//!    cannot be read, that is another program's, or that is empty although something was published from it, is set aside
//!    with its write-ahead log (renamed, never removed) and a new one made.
//! 3. A log that has less than the witness knows of, be it a new one, has lost something: that is written down where the
//!    next daemon that gets as far as telling it finds it, before the witness is written anew; see `losses`.
//! 4. The epoch stays if the witness vouches for the database, else it is replaced; see [`EpochChange`].

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use betcode_core::id::LogEpoch;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};
use uuid::Uuid;

use super::losses::{self, Loss};
use super::queries;
use super::schema::{self, number, sql};
pub(super) use super::witness::Record;
use super::witness::{Found, Witness};

/// Sizes, and what the store cannot know by itself.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Most memory for recent events, of all sessions together.
    pub tail_bytes: usize,
    /// From this size on the write-ahead log is copied into the database.
    pub wal_soft: u64,
    /// From this size on it is copied at any price.
    pub wal_hard: u64,
    /// Which boot of the machine this is. With it, a loss of power is told from the death of a process.
    pub boot: Option<[u8; 16]>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            tail_bytes: 4 << 20,
            wal_soft: 4 << 20,
            wal_hard: 16 << 20,
            boot: None,
        }
    }
}

/// Why the log got a new epoch. Clients that come with the former one start anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochChange {
    /// The database is older than what was published from it.
    OlderCopy,
    /// The database belongs to another witness.
    OtherDatabase,
    /// There is no witness.
    WitnessMissing,
    /// The witness cannot be read.
    WitnessDamaged,
    /// The machine went down without the daemon being stopped; the last events may be lost.
    PowerLoss,
    /// Database and witness were copied here together: the original may have gone on.
    Copied,
}

impl fmt::Display for EpochChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OlderCopy => "the database is an older copy",
            Self::OtherDatabase => "the database is another one than before",
            Self::WitnessMissing => "the file that vouches for the database is missing",
            Self::WitnessDamaged => "the file that vouches for the database is damaged",
            Self::PowerLoss => "the machine went down without warning",
            Self::Copied => "the state directory was copied or restored",
        })
    }
}

/// What was found when the store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The database was made now.
    pub created: bool,
    /// The epoch is a new one, for this reason. Not set for a new database.
    pub epoch_changed: Option<EpochChange>,
    /// The last life of the daemon did not end in order. The database is being checked in the background.
    pub unclean: bool,
    /// A file that could not be used was given this name.
    pub set_aside: Option<PathBuf>,
    /// The database is a new one although there was one before: what that held is not there.
    pub lost: bool,
    /// The database was brought up from this version of its schema.
    pub migrated_from: Option<i64>,
}

/// Why the store cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was written by a newer version.
    #[error("{} was written by a newer version of BetCode (its schema is {found}, this one knows {known})", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this build knows.
        known: i64,
    },
    /// It is a database of another program.
    #[error("{} is a database of another program", .0.display())]
    Foreign(PathBuf),
    /// A file cannot be made or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database does not do what it should.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The database cannot be brought up to date.
    #[error("{}: {source}", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite_migration::Error,
    },
}

pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) witness: Witness,
    pub(super) record: Record,
    pub(super) report: OpenReport,
    pub(super) newest_session: u64,
    pub(super) feed_head: u64,
}

/// The files of the store.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) database: PathBuf,
    pub(super) wal: PathBuf,
    /// The index of the write-ahead log, worth nothing once nobody has the database open.
    pub(super) index: PathBuf,
    pub(super) witness: PathBuf,
    /// What has to be told.
    pub(super) losses: PathBuf,
}

impl Files {
    pub(super) fn new(directory: &Path) -> Self {
        let file = |name: &str| directory.join(name);
        Self {
            database: file("log.db"),
            wal: file("log.db-wal"),
            index: file("log.db-shm"),
            witness: file("log.witness"),
            losses: losses::file(directory),
        }
    }
}

pub(super) fn open(
    files: &Files,
    fresh: LogEpoch,
    options: &StoreOptions,
) -> Result<Opened, OpenError> {
    let (witness, found) =
        Witness::open(&files.witness).map_err(|source| io_error(&files.witness, source))?;
    let mut report = OpenReport::default();
    if let Found::Whole(record) | Found::Copied(record) = found
        && !record.clean
        && foreign_wal(files, &record)
    {
        let file = set_aside(&files.wal).map_err(|source| io_error(&files.wal, source))?;
        lose(files, &Loss::ForeignWal(file.clone()))?;
        report.set_aside = Some(file);
    }
    let last = match found {
        Found::Whole(record) | Found::Copied(record) => Some(record),
        Found::Missing | Found::Damaged => None,
    };
    let had_something = last.is_some_and(|last| last.commits > 0);
    // SQLite would take an empty file for a new database and remove the write-ahead log beside it.
    if is_empty(&files.database) && (had_something || !is_empty(&files.wal)) {
        put_away(files, &mut report)?;
    }
    let (connection, state) = match use_database(files, fresh, &mut report) {
        Err(error) if error.is_damage() => {
            put_away(files, &mut report)?;
            use_database(files, fresh, &mut report)?
        }
        used => used?,
    };
    if let Some(last) = last
        && !report.lost
        && let Some(loss) = missing(files, &last, &state, report.created)
    {
        report.lost = report.created;
        lose(files, &loss)?;
    }
    report.unclean = !report.created && !last.is_some_and(|last| last.clean);
    let boot = options.boot.unwrap_or_default();
    let mut record = Record {
        clean: false,
        epoch: state.epoch,
        commits: state.commits,
        checkpointed: last
            .filter(|last| last.commits <= state.commits)
            .map_or(0, |last| last.checkpointed),
        boot,
    };
    let holds_nothing = state.newest_session == 0 && state.feed_head == 0;
    let held_more = last.is_some_and(|last| last.commits > state.commits);
    report.epoch_changed = if report.created || holds_nothing && !held_more {
        None
    } else {
        doubt(found, &state, boot)
    };
    if report.epoch_changed.is_some() {
        record.epoch = fresh;
        record.commits += 1;
        renew(&connection, &record).map_err(|source| database_error(files, source))?;
    }
    witness
        .write(&record)
        .map_err(|source| io_error(&files.witness, source))?;
    let State {
        newest_session,
        feed_head,
        ..
    } = state;
    Ok(Opened {
        connection,
        witness,
        record,
        report,
        newest_session,
        feed_head,
    })
}

/// Sets aside a database that cannot be used, and writes that down.
fn put_away(files: &Files, report: &mut OpenReport) -> Result<(), OpenError> {
    let aside = set_aside_database(files).map_err(|source| io_error(&files.database, source))?;
    report.set_aside.clone_from(&aside);
    report.lost = true;
    let gone = || Loss::Gone(files.database.clone());
    lose(files, &aside.map_or_else(gone, Loss::SetAside))
}

fn lose(files: &Files, loss: &Loss) -> Result<(), OpenError> {
    losses::add(&files.losses, loss).map_err(|source| io_error(&files.losses, source))
}

/// What the witness knows of and the database does not have. Another database than before counts its own transactions.
fn missing(files: &Files, last: &Record, state: &State, created: bool) -> Option<Loss> {
    if created {
        // Its main file alone is not even a beginning: everything was in the write-ahead log.
        return (last.commits > 0).then(|| Loss::Gone(files.database.clone()));
    }
    let behind = last.commits.saturating_sub(state.commits);
    (last.epoch == state.epoch && behind > 0).then(|| Loss::Behind(files.database.clone(), behind))
}

/// What the witness has against the database.
fn doubt(found: Found, state: &State, boot: [u8; 16]) -> Option<EpochChange> {
    let (last, copied) = match found {
        Found::Missing => return Some(EpochChange::WitnessMissing),
        Found::Damaged => return Some(EpochChange::WitnessDamaged),
        Found::Copied(last) => (last, true),
        Found::Whole(last) => (last, false),
    };
    if last.epoch != state.epoch {
        Some(EpochChange::OtherDatabase)
    } else if state.commits < last.commits {
        Some(EpochChange::OlderCopy)
    } else if !last.clean && last.boot != boot {
        Some(EpochChange::PowerLoss)
    } else {
        copied.then_some(EpochChange::Copied)
    }
}

struct State {
    epoch: LogEpoch,
    commits: u64,
    newest_session: u64,
    feed_head: u64,
}

fn use_database(
    files: &Files,
    fresh: LogEpoch,
    report: &mut OpenReport,
) -> Result<(Connection, State), OpenError> {
    let failed = |source| database_error(files, source);
    // SQLite gives its other files the mode of this one.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&files.database)
        .map_err(|source| io_error(&files.database, source))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&files.database, flags).map_err(failed)?;
    // Whatever happens from here on: giving up must not write into a database that is not ours.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(failed)?;
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    if version > schema::VERSION {
        return Err(OpenError::Newer {
            path: files.database.clone(),
            found: version,
            known: schema::VERSION,
        });
    }
    report.created = version == 0;
    if report.created {
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
            .map_err(failed)?;
        if tables > 0 {
            return Err(OpenError::Foreign(files.database.clone()));
        }
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(failed)?;
    }
    settings(&connection).map_err(failed)?;
    if version < schema::VERSION {
        report.migrated_from = (version > 0).then_some(version);
        schema::migrations()
            .to_latest(&mut connection)
            .map_err(|source| OpenError::Migration {
                path: files.database.clone(),
                source,
            })?;
    }
    let state = state(&connection, fresh).map_err(failed)?;
    Ok((connection, state))
}

/// What the writer's connection is set to.
fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL;
         PRAGMA secure_delete = FAST;
         PRAGMA cache_size = -1024;
         PRAGMA temp_store = MEMORY;",
    )?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(48);
    Ok(())
}

fn state(connection: &Connection, fresh: LogEpoch) -> rusqlite::Result<State> {
    let epoch = if let Some(epoch) = stored_epoch(connection)? {
        epoch
    } else {
        connection.execute(
            "INSERT INTO meta (key, value) VALUES ('epoch', ?1), ('commits', 0)",
            [fresh.0.as_bytes()],
        )?;
        fresh
    };
    Ok(State {
        epoch,
        commits: commits(connection)?,
        newest_session: number(connection.query_row(
            "SELECT ifnull(max(number), 0) FROM sessions",
            (),
            |row| row.get(0),
        )?),
        feed_head: queries::head(connection, 0)?.0,
    })
}

pub(super) fn stored_epoch(connection: &Connection) -> rusqlite::Result<Option<LogEpoch>> {
    let bytes: Option<[u8; 16]> = connection
        .query_row("SELECT value FROM meta WHERE key = 'epoch'", (), |row| {
            row.get(0)
        })
        .optional()?;
    Ok(bytes.map(|bytes| LogEpoch(Uuid::from_bytes(bytes))))
}

pub(super) fn commits(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT value FROM meta WHERE key = 'commits'", (), |row| {
        Ok(number(row.get(0)?))
    })
}

pub(super) fn renew(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute(
        "UPDATE meta SET value = ?1 WHERE key = 'epoch'",
        [record.epoch.0.as_bytes()],
    )?;
    transaction.execute(
        "UPDATE meta SET value = ?1 WHERE key = 'commits'",
        [sql(record.commits)],
    )?;
    transaction.commit()
}

/// Whether the write-ahead log continues a main file that has come further than the one that is there.
fn foreign_wal(files: &Files, last: &Record) -> bool {
    if last.checkpointed == 0 || !fs::metadata(&files.wal).is_ok_and(|file| file.len() > 0) {
        return false;
    }
    let alone = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable_uri(&files.database), flags)?;
        commits(&connection)
    };
    // The main file lags behind its log, but never behind what is known to be in it.
    alone().is_ok_and(|commits| commits < last.checkpointed)
}

/// A URI that makes SQLite read the main file as if there were no others.
pub(super) fn immutable_uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?immutable=1"
}

/// Gives a file a name under which nobody looks for it.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    for attempt in 1_u32.. {
        let target = with_suffix(path, &format!(".set-aside-{attempt}"));
        if !target.try_exists()? {
            fs::rename(path, &target)?;
            return Ok(target);
        }
    }
    Err(io::Error::other("too many files were set aside"))
}

/// Gives the database another name, and its write-ahead log the name that goes with it, so that both can be opened
/// together. Nothing when there is neither.
pub(super) fn set_aside_database(files: &Files) -> io::Result<Option<PathBuf>> {
    let (database, wal) = (files.database.try_exists()?, !is_empty(&files.wal));
    if !wal && files.wal.try_exists()? {
        fs::remove_file(&files.wal)?;
    }
    if !database && !wal {
        return Ok(None);
    }
    for attempt in 1_u32.. {
        let target = with_suffix(&files.database, &format!(".set-aside-{attempt}"));
        let target_wal = with_suffix(&target, "-wal");
        if target.try_exists()? || target_wal.try_exists()? {
            continue;
        }
        // First the log: alone it would be applied to whatever takes the database's place.
        if wal {
            fs::rename(&files.wal, &target_wal)?;
        }
        if database {
            fs::rename(&files.database, &target)?;
        }
        return Ok(Some(if database { target } else { target_wal }));
    }
    Err(io::Error::other("too many files were set aside"))
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn is_empty(path: &Path) -> bool {
    !fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// Whether a database holds what every version of ours holds.
pub(super) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'log', 'sessions')",
        (),
        |row| row.get(0),
    )?;
    if tables != 3 {
        return Ok(false);
    }
    let numbers: i64 = connection.query_row(
        "SELECT count(*) FROM meta WHERE key IN ('epoch', 'commits')",
        (),
        |row| row.get(0),
    )?;
    Ok(numbers == 2)
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => true,
        Some(_) => error.to_string().contains("no such table"),
        // What every database of ours has is not there, or is something else.
        None => matches!(
            error,
            rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
        ),
    }
}

impl OpenError {
    /// Whether it is the database that is wrong, and not what surrounds it.
    fn is_damage(&self) -> bool {
        match self {
            Self::Foreign(_) => true,
            Self::Database { source, .. }
            | Self::Migration {
                source: rusqlite_migration::Error::RusqliteError { err: source, .. },
                ..
            } => is_damage(source),
            Self::Newer { .. } | Self::Io { .. } | Self::Migration { .. } => false,
        }
    }

    /// What to do about it; empty when that is plain.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Newer { .. } => {
                "nothing was changed: use the newer version, or set BETCODE_STATE_DIR to another directory"
            }
            Self::Io { .. } | Self::Database { .. } | Self::Migration { .. } | Self::Foreign(_) => {
                "betcode daemon doctor looks for what is wrong"
            }
        }
    }
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        path: path.to_owned(),
        source,
    }
}

fn database_error(files: &Files, source: rusqlite::Error) -> OpenError {
    OpenError::Database {
        path: files.database.clone(),
        source,
    }
}
