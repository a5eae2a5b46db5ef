//! A copy of the database in one file, and putting such a file in the place of the database.
//!
//! **Copying** reads one snapshot of the database, whether a daemon writes to it or not, and leaves out what was deleted:
//! 1. an empty private file is made beside the target, and SQLite writes the copy into it;
//! 2. the copy is checked as a restore would check it, and synced;
//! 3. it gets its name in one step. Whatever fails before that leaves nothing behind.
//!
//! **Restoring** happens while nobody has the database open; who calls sees to that:
//! 1. the file is checked; nothing was touched so far, and nothing is when it fails;
//! 2. a copy of it is made beside the database, given a new epoch, and synced;
//! 3. the present database gets another name, with its write-ahead log if it has one, and the copy gets its name.
//!
//! Laws: a file that is no whole database of BetCode never takes the database's place; no database is ever removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use betcode_core::id::{HostEpoch, LogEpoch};
use betcode_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::open::{self, EpochChange, Files, Record, immutable_uri};
use super::schema::{self, number};
use super::witness::{Found, Witness};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The version of its schema.
    pub schema: i64,
    /// How many sessions it holds.
    pub sessions: u64,
    /// When something was written to a session last; none without a session.
    pub updated: Option<Timestamp>,
}

/// What became of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was restored.
    pub contents: Contents,
    /// The name that the former database has now, if there was one.
    pub set_aside: Option<PathBuf>,
}

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no log at {}", .0.display())]
    Nothing(PathBuf),
    /// The target is there already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// What is in the place of the target is no file, and is not replaced by one.
    #[error("{} is there already, and is no regular file", .0.display())]
    NoFile(PathBuf),
    /// The file is no backup.
    #[error("{} cannot be restored: {why}", path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It comes from a newer version.
    #[error("{} was written by a newer version of BetCode (its schema is {found}, this one knows {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this build knows.
        known: i64,
    },
    /// The database does not do what it should.
    #[error("{}: {source}", path.display())]
    Database {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A file cannot be made, read or renamed.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BackupError {
    /// What to do about it; empty when that is plain.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists(_) => "choose another name, or replace it with --force",
            Self::NoFile(_) => {
                "nothing was changed; choose another name (of a link, the one that it leads to)"
            }
            Self::Nothing(_) => "nothing was recorded here yet",
            Self::NotABackup { .. } => {
                "nothing was changed; what is wanted is what betcode daemon backup has made"
            }
            Self::Newer { .. } => {
                "nothing was changed; it needs the version of BetCode that wrote it, or a newer one"
            }
            Self::Database { .. } => "betcode daemon doctor looks for what is wrong",
            Self::Io { .. } => "",
        }
    }
}

/// Copies the database of a state directory into one file.
pub fn backup(directory: &Path, target: &Path, replace: bool) -> Result<Contents, BackupError> {
    let source = Files::new(directory).database;
    if !fs::metadata(&source).is_ok_and(|file| file.len() > 0) {
        return Err(BackupError::Nothing(source));
    }
    match target.symlink_metadata() {
        Ok(found) if !found.is_file() => return Err(BackupError::NoFile(target.to_owned())),
        Ok(_) if !replace => return Err(BackupError::Exists(target.to_owned())),
        _ => {}
    }
    let unfinished = Unfinished::beside(target, ".unfinished")?;
    let connection = open_to_read(&source).map_err(|error| failed(&source, error))?;
    let name = unfinished.path.to_str().ok_or_else(|| BackupError::Io {
        path: target.to_owned(),
        source: io::Error::other("the name is not UTF-8"),
    })?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(|error| failed(&unfinished.path, error))?;
    drop(connection);
    let contents = vouch(&unfinished.path)?;
    unfinished.finish(target, replace)?;
    Ok(Contents {
        path: target.to_owned(),
        ..contents
    })
}

/// Puts a copy of `file` in the place of the database of a state directory, under a new epoch. Nobody may have the
/// database open.
pub fn restore(directory: &Path, file: &Path, fresh: LogEpoch) -> Result<Restored, BackupError> {
    let contents = vouch(file)?;
    let files = Files::new(directory);
    let incoming = Unfinished::beside(&files.database, ".incoming")?;
    copy(file, &incoming.path)?;
    // What was checked is what was copied, even if somebody wrote to the file meanwhile.
    vouch(&incoming.path)?;
    renew(&incoming.path, fresh).map_err(|error| failed(&incoming.path, error))?;
    let set_aside = replace_database(&files, incoming)?;
    Ok(Restored {
        contents,
        set_aside,
    })
}

/// Gives the present database another name, and this one its name.
pub(super) fn replace_database(
    files: &Files,
    incoming: Unfinished,
) -> Result<Option<PathBuf>, BackupError> {
    let io = |source| BackupError::Io {
        path: files.database.clone(),
        source,
    };
    let set_aside = open::set_aside_database(files).map_err(io)?;
    // Its index belongs to the former write-ahead log.
    match fs::remove_file(&files.index) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    incoming.finish(&files.database, true)?;
    Ok(set_aside)
}

/// Looks through a file that is to take the database's place. It is only read.
pub fn vouch(path: &Path) -> Result<Contents, BackupError> {
    let bad = |why: String| BackupError::NotABackup {
        path: path.to_owned(),
        why,
    };
    let data = fs::metadata(path).map_err(|source| io_failed(path, source))?;
    if !data.is_file() {
        return Err(bad("it is not a file".into()));
    }
    let mut head = [0; 16];
    let is_database = File::open(path)
        .map_err(|source| io_failed(path, source))?
        .read_exact(&mut head)
        .is_ok_and(|()| head == *MAGIC);
    if !is_database {
        return Err(bad(if data.len() == 0 {
            "it is empty".into()
        } else {
            "it is not a database".into()
        }));
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(bad(
            "beside it lies its write-ahead log, so it is not whole by itself".into(),
        ));
    }
    let broken = |error: rusqlite::Error| bad(format!("it is damaged: {error}"));
    let connection = open_alone(path).map_err(broken)?;
    look_through(&connection, path, data.len(), "integrity_check", &broken)
}

fn look_through(
    connection: &Connection,
    path: &Path,
    bytes: u64,
    check: &str,
    broken: &dyn Fn(rusqlite::Error) -> BackupError,
) -> Result<Contents, BackupError> {
    let bad = |why: String| BackupError::NotABackup {
        path: path.to_owned(),
        why,
    };
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(broken)?;
    if found > schema::VERSION {
        return Err(BackupError::Newer {
            path: path.to_owned(),
            found,
            known: schema::VERSION,
        });
    }
    let ours = found > 0 && open::is_ours(connection).map_err(broken)?;
    if !ours {
        return Err(bad("it is a database, but not one of BetCode".into()));
    }
    let report: String = connection
        .query_row(&format!("PRAGMA {check}(1)"), (), |row| row.get(0))
        .map_err(broken)?;
    if report != "ok" {
        return Err(bad(format!("it is damaged: {report}")));
    }
    let (sessions, updated) = connection
        .query_row(
            "SELECT count(*), max(updated_us) FROM sessions WHERE deleted = 0",
            (),
            |row| Ok((number(row.get(0)?), row.get::<_, Option<i64>>(1)?)),
        )
        .map_err(broken)?;
    Ok(Contents {
        path: path.to_owned(),
        bytes,
        schema: found,
        sessions,
        updated: updated.map(Timestamp),
    })
}

/// Where the database of a state directory is.
pub fn log_file(directory: &Path) -> PathBuf {
    Files::new(directory).database
}

/// Looks through the database of a state directory, with its write-ahead log, whether a daemon writes to it or not.
pub fn vouch_present(directory: &Path) -> Result<Contents, BackupError> {
    let path = log_file(directory);
    let bad = |why: String| BackupError::NotABackup {
        path: path.clone(),
        why,
    };
    let data = fs::metadata(&path).map_err(|source| io_failed(&path, source))?;
    if data.len() == 0 {
        return Err(bad("it is empty".into()));
    }
    let damaged = |error: rusqlite::Error| {
        if open::is_damage(&error) {
            bad(format!("it is damaged: {error}"))
        } else {
            failed(&path, error)
        }
    };
    let connection = open_to_read(&path).map_err(damaged)?;
    look_through(&connection, &path, data.len(), "quick_check", &damaged)
}

/// The schema that this build writes.
pub const fn schema_version() -> i64 {
    schema::VERSION
}

/// What would make the epoch of a state directory's log change when it is opened, as far as the files tell.
pub fn testimony(directory: &Path) -> Result<Option<EpochChange>, BackupError> {
    let files = Files::new(directory);
    let found =
        Witness::look(&files.witness).map_err(|source| io_failed(&files.witness, source))?;
    let held_something =
        matches!(found, Found::Whole(last) | Found::Copied(last) if last.commits > 0);
    if !files.database.exists() {
        return Ok(held_something.then_some(EpochChange::OlderCopy));
    }
    let read = || {
        let connection = open_to_read(&files.database)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 && held_something {
            // Nothing but the beginning of a new one.
            return Ok((None, 0));
        }
        Ok((
            open::stored_epoch(&connection)?,
            open::commits(&connection)?,
        ))
    };
    let (epoch, commits) = read().map_err(|source| failed(&files.database, source))?;
    Ok(match found {
        Found::Missing => Some(EpochChange::WitnessMissing),
        Found::Damaged => Some(EpochChange::WitnessDamaged),
        Found::Whole(last) | Found::Copied(last)
            if epoch.is_some_and(|epoch| last.epoch != epoch) =>
        {
            Some(EpochChange::OtherDatabase)
        }
        // A daemon that writes at this moment is a commit further than what was read before.
        Found::Whole(last) | Found::Copied(last) if commits < last.commits => {
            Some(EpochChange::OlderCopy)
        }
        Found::Copied(_) => Some(EpochChange::Copied),
        Found::Whole(_) => None,
    })
}

/// Hosts that the database of a state directory takes for running, whether a daemon writes to it or not.
pub fn known_hosts(directory: &Path) -> Result<Vec<HostEpoch>, BackupError> {
    let path = log_file(directory);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let read = || {
        let connection = open_to_read(&path)?;
        let hosts = super::queries::live_hosts(&connection)?;
        Ok(hosts.into_iter().map(|host| host.epoch).collect())
    };
    read().map_err(|source| failed(&path, source))
}

/// Hosts that the database of a state directory takes for running. Nobody may have it open.
pub fn running_hosts(directory: &Path) -> Result<Vec<HostEpoch>, BackupError> {
    let path = log_file(directory);
    let read = || {
        let connection = open_alone(&path)?;
        let hosts = super::queries::live_hosts(&connection)?;
        Ok(hosts.into_iter().map(|host| host.epoch).collect())
    };
    read().map_err(|source| failed(&path, source))
}

/// A database of which it is known that nobody writes to it: nothing is made beside it.
pub(super) fn open_alone(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(immutable_uri(path), flags)
}

/// A database that somebody may be writing to, with its write-ahead log. Closing this connection copies nothing back.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| {
        row.get::<_, i64>(0)
    }) {
        Ok(_) => Ok(connection),
        // In a directory that cannot be written to there is no place for the index of the write-ahead log.
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly)
            ) =>
        {
            open_alone(path)
        }
        Err(error) => Err(error),
    }
}

/// Clients that knew the former log must not take the numbers of this one for those.
pub(super) fn renew(path: &Path, fresh: LogEpoch) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let record = Record {
        clean: true,
        epoch: fresh,
        commits: open::commits(&connection)? + 1,
        checkpointed: 0,
        boot: [0; 16],
    };
    open::renew(&connection, &record)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}

/// A file that has no name of its own yet; gone with its companions when it is dropped before it has.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) path: PathBuf,
    named: bool,
}

impl Unfinished {
    /// Makes an empty one beside another file. What is left of an earlier one is removed.
    pub(super) fn beside(path: &Path, suffix: &str) -> Result<Self, BackupError> {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let unfinished = Self {
            path: PathBuf::from(name),
            named: false,
        };
        unfinished.remove();
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished.path)
            .map_err(|source| io_failed(&unfinished.path, source))?;
        Ok(unfinished)
    }

    /// Gives it its name, durably.
    fn finish(mut self, target: &Path, replace: bool) -> Result<(), BackupError> {
        let io = |source| io_failed(target, source);
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(io)?;
        if replace {
            fs::rename(&self.path, target).map_err(io)?;
        } else {
            match fs::hard_link(&self.path, target) {
                Ok(()) => fs::remove_file(&self.path).map_err(io)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(BackupError::Exists(target.to_owned()));
                }
                // Some file systems know no links.
                Err(_) => fs::rename(&self.path, target).map_err(io)?,
            }
        }
        self.named = true;
        let parent = target.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))
            .and_then(|directory| directory.sync_all())
            .map_err(io)
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.path.as_os_str().to_owned();
            name.push(suffix);
            // What cannot be removed is in the way, and then that is said.
            fs::remove_file(name).ok();
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.named {
            self.remove();
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(|source| io_failed(from, source))?;
    let mut target = OpenOptions::new()
        .write(true)
        .open(to)
        .map_err(|source| io_failed(to, source))?;
    io::copy(&mut source, &mut target).map_err(|source| io_failed(to, source))?;
    Ok(())
}

fn io_failed(path: &Path, source: io::Error) -> BackupError {
    BackupError::Io {
        path: path.to_owned(),
        source,
    }
}

fn failed(path: &Path, source: rusqlite::Error) -> BackupError {
    BackupError::Database {
        path: path.to_owned(),
        source,
    }
}
