//! What is done with a state directory while no daemon runs in it: restoring a backup, and recovering a damaged log.
//!
//! 1. What is to be put in is checked first, so that a refusal has changed nothing.
//! 2. The lock of the daemon is held while anything changes.
//! 3. An agent host whose session comes back without it is buried: the next daemon takes it for lost, and says so in the
//!    session's log, instead of starting another one in its place or waiting for it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use betcode_core::id::{HostEpoch, LogEpoch};
use betcode_core::time::Timestamp;
use betcode_host::remains;
use uuid::Uuid;

use super::lock::{Lock, Refused};
use crate::store::{self, BackupError, Restored, SalvageOptions, Salvaged};

/// Why a state directory was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// A daemon runs there, or the directory cannot be used.
    #[error("{0}")]
    Refused(String, String),
    /// Agents run.
    #[error("{0} agent{s} still run{verb} in {hosts}", s = if *.0 == 1 { "" } else { "s" }, verb = if *.0 == 1 { "s" } else { "" }, hosts = .1.display())]
    AgentsRun(usize, PathBuf),
    /// About the files.
    #[error(transparent)]
    Files(#[from] BackupError),
    /// The damaged file is empty, or not there.
    #[error("nothing can be recovered of {}: it is empty or does not exist", .0.display())]
    Nothing(PathBuf),
    /// The log is in order.
    #[error("{} is in order: there is nothing to recover", .0.display())]
    InOrder(PathBuf),
}

impl From<Refused> for UpkeepError {
    fn from(refused: Refused) -> Self {
        let hint = match refused {
            Refused::AlreadyRuns { .. } => {
                "betcode daemon stop --agents ends it and its agents".to_owned()
            }
            ref other => other.hint(),
        };
        Self::Refused(refused.to_string(), hint)
    }
}

impl UpkeepError {
    /// What to do about it; empty when that is plain.
    pub fn hint(&self) -> &str {
        match self {
            Self::Refused(_, hint) => hint,
            Self::AgentsRun(..) => {
                "nothing was changed; betcode daemon start, then betcode daemon stop --agents ends them"
            }
            Self::Files(error) => error.hint(),
            Self::InOrder(_) => "",
            Self::Nothing(_) => "betcode daemon restore puts a backup in its place",
        }
    }
}

/// Puts a backup in the place of the log.
pub fn restore(state_dir: &Path, file: &Path) -> Result<Restored, UpkeepError> {
    store::vouch(file)?;
    let _lock = Lock::take(state_dir)?;
    let living = living(state_dir);
    if !living.is_empty() {
        return Err(UpkeepError::AgentsRun(living.len(), hosts(state_dir)));
    }
    let restored = store::restore(state_dir, file, LogEpoch(Uuid::new_v4()))?;
    // What agents of the former log said belongs to it.
    set_aside_hosts(state_dir, restored.set_aside.as_deref())
        .map_err(|source| io_failed(&hosts(state_dir), source))?;
    bury_hosts(state_dir)?;
    forget_losses(state_dir)?;
    Ok(restored)
}

/// Builds a new log from what can be read of a damaged one: of `file`, else of the log that is there. What the present log
/// holds beside that stays.
pub fn recover(
    state_dir: &Path,
    file: Option<&Path>,
    now: Timestamp,
) -> Result<Salvaged, UpkeepError> {
    let log = store::log_file(state_dir);
    if let Some(file) = file {
        fs::metadata(file).map_err(|source| io_failed(file, source))?;
    }
    let _lock = Lock::take(state_dir)?;
    let same = file.is_none_or(|file| is_same(file, &log));
    if same && store::vouch_present(state_dir).is_ok() {
        return Err(UpkeepError::InOrder(log));
    }
    let present = fs::metadata(&log).is_ok_and(|file| file.len() > 0);
    let sources = match file {
        Some(file) if !same && present => vec![file.to_owned(), log],
        Some(file) if !same => vec![file.to_owned()],
        _ => vec![log],
    };
    let first = sources.first().map_or(state_dir, PathBuf::as_path);
    if !fs::metadata(first).is_ok_and(|file| file.len() > 0) {
        // SQLite would take it for a new database, and remove the write-ahead log beside it.
        return Err(UpkeepError::Nothing(first.to_owned()));
    }
    let options = SalvageOptions {
        fresh: LogEpoch(Uuid::new_v4()),
        now,
        new_id: Uuid::now_v7,
    };
    let salvaged = store::salvage(state_dir, &sources, options)?;
    bury_hosts(state_dir)?;
    forget_losses(state_dir)?;
    Ok(salvaged)
}

/// Hosts that live, by the epochs that their directories are named after.
pub(super) fn living(state_dir: &Path) -> Vec<HostEpoch> {
    let Ok(entries) = fs::read_dir(hosts(state_dir)) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| remains::is_alive(&entry.path()).unwrap_or(true))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

pub(super) fn hosts(state_dir: &Path) -> PathBuf {
    state_dir.join("hosts")
}

fn set_aside_hosts(state_dir: &Path, log: Option<&Path>) -> io::Result<()> {
    let hosts = hosts(state_dir);
    if !fs::read_dir(&hosts).is_ok_and(|mut entries| entries.next().is_some()) {
        return Ok(());
    }
    // Beside the log that they belong to.
    let name = log.and_then(Path::file_name).map_or_else(
        || "hosts.set-aside".into(),
        |name| {
            let mut name = name.to_owned();
            name.push("-hosts");
            name
        },
    );
    fs::rename(&hosts, state_dir.join(name))
}

/// Hosts that the log takes for running and of which nothing is there.
fn bury_hosts(state_dir: &Path) -> Result<(), UpkeepError> {
    for epoch in store::running_hosts(state_dir)? {
        let directory = hosts(state_dir).join(epoch.to_string());
        remains::bury(&directory).map_err(|source| io_failed(&directory, source))?;
    }
    Ok(())
}

/// What was lost before concerns the log that is not there any more.
fn forget_losses(state_dir: &Path) -> Result<(), UpkeepError> {
    store::forget_losses(state_dir).map_err(|source| io_failed(state_dir, source))
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn io_failed(path: &Path, source: io::Error) -> UpkeepError {
    UpkeepError::Files(BackupError::Io {
        path: path.to_owned(),
        source,
    })
}
