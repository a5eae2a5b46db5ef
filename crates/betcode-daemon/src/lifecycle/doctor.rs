//! What a user could have wrong with the state directory, the log and the daemon's configuration. It only looks: nothing is
//! made, mended or locked, and a daemon that runs is not held up.
//!
//! What only a daemon can tell, such as its version and its agents, whoever asks adds.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use betcode_core::endpoint::{ENDPOINT_FILE, Endpoint, LOCK_FILE, LOG_DIRECTORY, SOCKET_FILE};
use rustix::fs::{Access, FlockOperation, access, flock, statvfs};
use serde::Serialize;

use super::upkeep;
use crate::settings::{Options, Settings};
use crate::store::{self, BackupError, EpochChange};

/// With less space than this the disk will soon be full.
const LITTLE: u64 = 512 << 20;
/// With less than this it is as good as full.
const NEXT_TO_NOTHING: u64 = 16 << 20;
/// A write-ahead log of this size is not being copied back any more.
const LONG_WAL: u64 = 64 << 20;
/// An agent that has said so much that nobody took is worth a look.
const LONG_SPOOL: u64 = 1 << 30;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// In order.
    Ok,
    /// Worth knowing.
    Warning,
    /// Something does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found, in one line.
    pub message: String,
    /// The one thing to do; empty when nothing is.
    pub hint: String,
}

impl Finding {
    /// Something in order.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, message, "")
    }

    /// Something worth knowing.
    pub fn warning(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(check, Level::Warning, message, hint)
    }

    /// Something that does not work.
    pub fn problem(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(check, Level::Problem, message, hint)
    }

    fn new(
        check: &'static str,
        level: Level,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            check,
            level,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Whether a daemon holds the lock of this state directory.
pub fn is_held(state_dir: &Path) -> bool {
    let Ok(file) = fs::File::open(state_dir.join(LOCK_FILE)) else {
        return false;
    };
    // Taken and given back at once: a daemon that starts at this very moment tries again.
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
}

/// Whether the disk of this directory is full.
pub fn has_no_room(directory: &Path) -> bool {
    super::room::is_full(directory)
}

/// Looks at everything that can be seen without a daemon.
pub fn examine(options: &Options) -> Vec<Finding> {
    let state_dir = &options.state_dir;
    let mut findings = vec![directory(state_dir)];
    if state_dir.is_dir() {
        findings.push(space(state_dir));
        findings.push(log(state_dir));
        findings.push(write_ahead_log(state_dir));
        findings.push(witness(state_dir));
        findings.extend(misplaced(options));
        findings.extend(losses(state_dir));
        findings.extend(set_aside(state_dir));
        findings.push(lock(state_dir));
        findings.push(hosts(state_dir));
    }
    findings.push(configuration(options));
    findings
}

fn directory(path: &Path) -> Finding {
    const CHECK: &str = "state directory";
    let shown = path.display();
    let elsewhere = "set BETCODE_STATE_DIR to a directory of your own on a local disk";
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::ok(
                CHECK,
                format!("{shown} does not exist yet; the first daemon makes it"),
            );
        }
        Err(error) => return Finding::problem(CHECK, format!("{shown}: {error}"), elsewhere),
    };
    if !data.is_dir() {
        return Finding::problem(CHECK, format!("{shown} is not a directory"), elsewhere);
    }
    if data.uid() != rustix::process::geteuid().as_raw() {
        return Finding::problem(CHECK, format!("{shown} belongs to another user"), elsewhere);
    }
    if let Err(error) = access(path, Access::WRITE_OK | Access::EXEC_OK) {
        return Finding::problem(
            CHECK,
            format!("{shown} cannot be written to: {error}"),
            "make it writable (a read-only file system is mounted anew with: mount -o remount,rw), or set \
             BETCODE_STATE_DIR to another directory",
        );
    }
    let mode = data.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Finding::warning(
            CHECK,
            format!("{shown} can be entered by other users (mode {mode:04o})"),
            format!("chmod 700 {shown}"),
        );
    }
    Finding::ok(
        CHECK,
        format!("{shown}, yours alone (mode {mode:04o}), writable"),
    )
}

fn space(path: &Path) -> Finding {
    const CHECK: &str = "free space";
    let room = "make room on that disk; agents wait meanwhile and go on by themselves";
    match statvfs(path) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text = format!("{} free", size(free));
            match free {
                0..NEXT_TO_NOTHING => Finding::problem(CHECK, text, room),
                NEXT_TO_NOTHING..LITTLE => Finding::warning(CHECK, text, room),
                _ => Finding::ok(CHECK, text),
            }
        }
        Err(error) => Finding::warning(CHECK, format!("it cannot be told: {error}"), ""),
    }
}

fn log(state_dir: &Path) -> Finding {
    const CHECK: &str = "log";
    let path = store::log_file(state_dir);
    if !path.exists() {
        return Finding::ok(CHECK, format!("{} does not exist yet", path.display()));
    }
    let recover = if is_held(state_dir) {
        "betcode daemon stop --agents, then betcode daemon doctor --recover saves what can be read"
    } else {
        "betcode daemon doctor --recover saves what can be read"
    };
    match store::vouch_present(state_dir) {
        Ok(contents) => {
            let known = store::schema_version();
            let older = if contents.schema < known {
                format!(", which becomes {known} when a daemon starts")
            } else {
                String::new()
            };
            Finding::ok(
                CHECK,
                format!(
                    "{} is whole: {}, {} session{}, schema {}{older}",
                    path.display(),
                    size(contents.bytes),
                    contents.sessions,
                    if contents.sessions == 1 { "" } else { "s" },
                    contents.schema,
                ),
            )
        }
        Err(error @ BackupError::Newer { .. }) => Finding::problem(
            CHECK,
            error.to_string(),
            "use that version, or set BETCODE_STATE_DIR to another directory; nothing is changed",
        ),
        Err(BackupError::NotABackup { path, why }) => {
            Finding::problem(CHECK, format!("{}: {why}", path.display()), recover)
        }
        Err(error) => Finding::problem(
            CHECK,
            error.to_string(),
            "see that the file can be read by you",
        ),
    }
}

fn write_ahead_log(state_dir: &Path) -> Finding {
    const CHECK: &str = "write-ahead log";
    let length = fs::metadata(state_dir.join("log.db-wal")).map_or(0, |file| file.len());
    if length > LONG_WAL {
        return Finding::warning(
            CHECK,
            format!("{}, which is long", size(length)),
            "betcode daemon restart copies it into the log",
        );
    }
    Finding::ok(
        CHECK,
        if length == 0 {
            "empty".to_owned()
        } else {
            size(length)
        },
    )
}

fn witness(state_dir: &Path) -> Finding {
    const CHECK: &str = "witness";
    match store::testimony(state_dir) {
        Ok(None) => Finding::ok(CHECK, "it vouches for the log"),
        Ok(Some(EpochChange::OlderCopy)) => Finding::problem(
            CHECK,
            "the log has less than was recorded: log.db-wal was cut, damaged or removed, or an older log.db put there",
            "betcode daemon restore FILE puts a backup in its place; a daemon that starts goes on from what is there",
        ),
        Ok(Some(doubt)) => Finding::warning(
            CHECK,
            doubt.to_string(),
            "nothing to do: clients begin anew when a daemon starts",
        ),
        Err(error) => Finding::warning(CHECK, error.to_string(), "see the line about the log"),
    }
}

/// Files in places where something else belongs.
fn misplaced(options: &Options) -> Vec<Finding> {
    const DIRECTORIES: [&str; 3] = [LOG_DIRECTORY, "hosts", "demo"];
    const FILES: [&str; 6] = [
        LOCK_FILE,
        ENDPOINT_FILE,
        "log.db",
        "log.db-wal",
        "log.witness",
        "search.db",
    ];
    let state_dir = &options.state_dir;
    let is = |path: &Path, test: fn(&fs::Metadata) -> bool| match fs::metadata(path) {
        Ok(data) => test(&data),
        Err(_) => path.symlink_metadata().is_err(),
    };
    let mut wrong = Vec::new();
    for name in DIRECTORIES {
        let path = state_dir.join(name);
        if !is(&path, fs::Metadata::is_dir) {
            wrong.push((path, "directory"));
        }
    }
    for name in FILES {
        let path = state_dir.join(name);
        if !is(&path, fs::Metadata::is_file) {
            wrong.push((path, "regular file"));
        }
    }
    let socket = state_dir.join(SOCKET_FILE);
    if options.socket.is_none()
        && socket
            .symlink_metadata()
            .is_ok_and(|data| !data.file_type().is_socket())
    {
        wrong.push((socket, "socket"));
    }
    wrong
        .into_iter()
        .map(|(path, kind)| {
            Finding::problem(
                "files",
                format!("{} is there and is no {kind}", path.display()),
                format!(
                    "mv {0} {0}.old; what belongs there is made again",
                    path.display()
                ),
            )
        })
        .collect()
}

/// What no daemon has told yet; one that runs tells it itself.
fn losses(state_dir: &Path) -> Vec<Finding> {
    if is_held(state_dir) {
        return Vec::new();
    }
    store::losses(state_dir)
        .into_iter()
        .map(|loss| Finding::problem("losses", loss, ""))
        .collect()
}

/// Databases that could not be used, or gave way to another.
fn set_aside(state_dir: &Path) -> Option<Finding> {
    let mut names: Vec<String> = fs::read_dir(state_dir)
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            name.strip_prefix("log.db.set-aside-")
                .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .collect();
    names.sort();
    let last = names.last()?;
    Some(Finding::warning(
        "set aside",
        format!("{} in {}", names.join(", "), state_dir.display()),
        format!(
            "betcode daemon doctor --recover {} brings back what can be read of it; remove what you do not need",
            state_dir.join(last).display()
        ),
    ))
}

fn lock(state_dir: &Path) -> Finding {
    const CHECK: &str = "lock and socket";
    let endpoint: Option<Endpoint> = fs::read(state_dir.join(ENDPOINT_FILE))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    match (is_held(state_dir), endpoint) {
        (true, Some(endpoint)) => Finding::ok(
            CHECK,
            format!(
                "held by process {}, socket {}",
                endpoint.pid, endpoint.socket
            ),
        ),
        (true, None) => Finding::warning(
            CHECK,
            "a daemon holds the lock and does not say where its socket is",
            "it may be starting: ask again; betcode daemon logs shows what it is doing",
        ),
        (false, Some(endpoint)) => Finding::ok(
            CHECK,
            format!(
                "not held; process {} left its socket's name behind, which the next daemon replaces",
                endpoint.pid
            ),
        ),
        (false, None) => Finding::ok(CHECK, "not held"),
    }
}

fn hosts(state_dir: &Path) -> Finding {
    const CHECK: &str = "agent hosts";
    let living = upkeep::living(state_dir);
    let spools = spools(&upkeep::hosts(state_dir));
    let known = store::known_hosts(state_dir);
    let unknown = match &known {
        Ok(known) => living.iter().filter(|host| !known.contains(host)).count(),
        Err(_) => 0,
    };
    let text = format!(
        "{} live{}, spools take {}",
        living.len(),
        if living.len() == 1 { "s" } else { "" },
        size(spools)
    );
    // A daemon that runs is ending them at this moment.
    if unknown > 0 && !is_held(state_dir) {
        return Finding::warning(
            CHECK,
            format!("{text}; {unknown} of them belong to no session"),
            "betcode daemon start ends those",
        );
    }
    if spools > LONG_SPOOL {
        return Finding::warning(
            CHECK,
            format!("{text}, which is much"),
            "betcode daemon start takes up what agents said",
        );
    }
    Finding::ok(CHECK, text)
}

/// The size of everything in the directories of hosts.
fn spools(hosts: &Path) -> u64 {
    let files = |directory: &Path| fs::read_dir(directory).into_iter().flatten().flatten();
    files(hosts)
        .flat_map(|host| files(&host.path()))
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}

fn configuration(options: &Options) -> Finding {
    const CHECK: &str = "configuration";
    let (_, complaints) = Settings::load(options);
    match complaints.split_first() {
        None => Finding::ok(CHECK, "in order"),
        Some((first, others)) => {
            let more = match others.len() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            Finding::problem(
                CHECK,
                format!("{}{more}", first.replace('\n', " ")),
                "betcode config edit opens the file",
            )
        }
    }
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            return format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit);
        }
    }
    format!("{bytes} bytes")
}
