//! `daemon backup` and `daemon restore`.

use std::path::{Path, PathBuf};

use betcode_daemon::lifecycle::doctor::{is_held, size};
use betcode_daemon::lifecycle::upkeep::{self, UpkeepError};
use betcode_daemon::store::{self, BackupError, Contents};
use serde_json::json;

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::profile::{absolute, outside_state};

/// Copies everything that lasts into one file.
pub(super) fn backup(
    context: &mut Context,
    file: &Path,
    force: bool,
    json: bool,
) -> Result<Exit, Failure> {
    let state_dir = context.profile()?.state_dir;
    let file = whole(&absolute(&context.environment, file)?);
    outside_state(&state_dir, &file)?;
    let contents = store::backup(&state_dir, &file, force).map_err(told)?;
    if json {
        context.output.json(&described(&contents))?;
    } else {
        let running = if is_held(&state_dir) {
            "; the daemon goes on"
        } else {
            ""
        };
        context.output.line(&format!(
            "{}: {}, {}{running}",
            contents.path.display(),
            size(contents.bytes),
            sessions(contents.sessions)
        ))?;
    }
    Ok(Exit::Success)
}

/// Puts such a file in the place of the log.
pub(super) fn restore(context: &mut Context, file: &Path, json: bool) -> Result<Exit, Failure> {
    let state_dir = context.profile()?.state_dir;
    let file = whole(&absolute(&context.environment, file)?);
    let restored = upkeep::restore(&state_dir, &file).map_err(|error| refused(&error))?;
    if json {
        let mut value = described(&restored.contents);
        if let Some(object) = value.as_object_mut() {
            object.insert("set_aside".to_owned(), json!(restored.set_aside));
        }
        context.output.json(&value)?;
        return Ok(Exit::Success);
    }
    context.output.line(&format!(
        "restored {} from {}",
        sessions(restored.contents.sessions),
        file.display()
    ))?;
    if let Some(former) = restored.set_aside {
        context
            .output
            .line(&format!("the former log is kept as {}", former.display()))?;
    }
    Ok(Exit::Success)
}

/// Without what leads nowhere, when its directory exists.
fn whole(file: &Path) -> PathBuf {
    let (parent, name) = (file.parent(), file.file_name());
    match (parent.and_then(|parent| parent.canonicalize().ok()), name) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => file.to_owned(),
    }
}

pub(super) fn sessions(count: u64) -> String {
    format!("{count} session{}", if count == 1 { "" } else { "s" })
}

fn described(contents: &Contents) -> serde_json::Value {
    json!({
        "file": contents.path,
        "bytes": contents.bytes,
        "sessions": contents.sessions,
        "schema": contents.schema,
        "updated_us": contents.updated.map(|at| at.0),
    })
}

fn told(error: BackupError) -> Failure {
    refused(&error.into())
}

/// As a user reads it, with a word that programs read.
pub(super) fn refused(error: &UpkeepError) -> Failure {
    let reason = match error {
        UpkeepError::Refused(..) => "STATE_IN_USE",
        UpkeepError::AgentsRun(..) => "AGENTS_RUN",
        UpkeepError::InOrder(_) => "NOTHING_TO_RECOVER",
        UpkeepError::Nothing(_) => "NOTHING_RECOVERABLE",
        UpkeepError::Files(BackupError::Exists(_)) => "FILE_EXISTS",
        UpkeepError::Files(BackupError::NoFile(_)) => "NOT_A_FILE",
        UpkeepError::Files(BackupError::Nothing(_)) => "NO_LOG",
        UpkeepError::Files(BackupError::NotABackup { .. }) => "NOT_A_BACKUP",
        UpkeepError::Files(BackupError::Newer { .. }) => "NEWER_VERSION",
        UpkeepError::Files(BackupError::Database { .. }) => "DATABASE",
        UpkeepError::Files(BackupError::Io { .. }) => "IO",
    };
    let failure = Failure::general(reason, error.to_string()).hint(error.hint());
    match error {
        UpkeepError::Files(BackupError::NoFile(_)) => Failure {
            exit: Exit::Usage,
            ..failure
        },
        // The command line names what is not there.
        UpkeepError::Files(BackupError::Io { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Failure {
                exit: Exit::Usage,
                ..failure
            }
        }
        _ => failure,
    }
}
