//! The follower: one thread, as unimportant as the system allows, that brings what the log has into the index. It is told which
//! logs have changed, looks at the newest session first, and takes a page at a time.
//!
//! For a log that has changed, in this order:
//! 1. a session that cannot be found any more, or whose number belongs to another one now, is forgotten;
//! 2. what was removed from the log is removed;
//! 3. another title is taken;
//! 4. a page of events is taken, and if there is more, the log is looked at again.
//!
//! What goes wrong is tried again after a pause. While the disk has no room, nothing is written.

use std::path::Path;
use std::time::Duration;

use betcode_proto::convert::decode_event_list;
use rustix::fs::statvfs;

use super::database::{self, Database, Standing};
use crate::store::{LogState, ReadError, Store};

/// What is said within this time is looked at together.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to wait after something went wrong.
const LONG_PAUSE: Duration = Duration::from_secs(15);
/// How many bytes of events are taken in one transaction.
const PAGE: usize = 256 * 1024;
/// The last room on the disk is for the log.
const ROOM: u64 = 64 << 20;

/// Why it cannot go on at present.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Index(#[from] rusqlite::Error),
    #[error("the log cannot be read: {0}")]
    Log(#[from] ReadError),
    #[error("there is too little room on the disk")]
    NoRoom,
}

/// Follows until it is ended.
pub(super) fn run(directory: &Path, store: &Store) {
    // Nobody waits for it who has not said so.
    rustix::process::nice(19).ok();
    let mut database = None;
    let mut told = false;
    // A log without a session needs no index.
    if !directory.join(database::FILE).exists()
        && store.log_states().is_ok_and(|logs| logs.is_empty())
    {
        store.changes().begin();
        if !store.changes().wait(PAUSE) {
            return;
        }
    }
    loop {
        let outcome = match &mut database {
            None => begin(directory, store).map(|opened| database = Some(opened)),
            Some(database) => catch_up(directory, store, database),
        };
        match outcome {
            Ok(()) => {
                told = false;
                if !store.changes().wait(PAUSE) {
                    return;
                }
            }
            Err(_) if store.changes().has_ended() => return,
            Err(trouble) => {
                let again = std::mem::replace(&mut told, true);
                if !again {
                    tracing::warn!(%trouble, "the index for searching does not go on");
                }
                if let Trouble::Index(error) = &trouble
                    && database::is_damage(error)
                {
                    database = None;
                    store.changes().lose();
                    if database::remove(directory).is_ok() && !again {
                        continue;
                    }
                }
                if !store.changes().pause(LONG_PAUSE) {
                    return;
                }
            }
        }
    }
}

/// Opens the index and finds out what is missing in it.
fn begin(directory: &Path, store: &Store) -> Result<Database, Trouble> {
    if has_no_room(directory, store) {
        return Err(Trouble::NoRoom);
    }
    let database = Database::open(directory, store.epoch())?;
    let mut standings = database.standings()?;
    let mut changed = Vec::new();
    for log in store.log_states()? {
        let standing = standings.remove(&log.number);
        if standing.is_none_or(|standing| !is_current(&log, &standing)) {
            changed.push(log.number);
        }
    }
    changed.extend(standings.into_keys());
    store.changes().note(changed);
    store.changes().begin();
    Ok(database)
}

/// Looks at everything that has changed.
fn catch_up(directory: &Path, store: &Store, database: &mut Database) -> Result<(), Trouble> {
    while let Some(number) = store.changes().take() {
        let looked = if has_no_room(directory, store) {
            Err(Trouble::NoRoom)
        } else {
            look(store, database, number)
        };
        store.changes().done(matches!(looked, Ok(true)));
        looked?;
    }
    Ok(())
}

/// Looks at one log. True when everything of it is in.
fn look(store: &Store, database: &mut Database, number: u64) -> Result<bool, Trouble> {
    let log = store.log_state(number)?;
    let standing = database.standing(number)?;
    let (log, standing) = match (log, standing) {
        (None, None) => return Ok(true),
        (None, Some(_)) => return Ok(database.forget(number)?),
        // A number of before, or a log that was longer.
        (Some(log), Some(standing)) if log.id != standing.id || log.head < standing.upto => {
            database.forget(number)?;
            return Ok(false);
        }
        (Some(log), Some(standing)) => (log, standing),
        (Some(log), None) => {
            let standing = database.begin(number, log.id)?;
            (log, standing)
        }
    };
    if log.mark > standing.mark {
        database.trim(number, log.mark)?;
        return Ok(false);
    }
    if log.title != standing.title {
        database.entitle(number, &log.title, log.updated)?;
    }
    if standing.upto >= log.head {
        return Ok(true);
    }
    let mut events = Vec::new();
    let mut upto = standing.upto;
    for chunk in store.log_page(number, standing.upto, log.head, PAGE)? {
        upto = chunk.last;
        match decode_event_list(&chunk.bytes) {
            Ok(decoded) => events.extend(decoded),
            Err(error) => tracing::warn!(%error, "events that cannot be read cannot be found"),
        }
    }
    if upto == standing.upto {
        // It was trimmed or deleted meanwhile, which is noted.
        return Ok(true);
    }
    database.take(number, events, upto)?;
    Ok(upto >= log.head)
}

fn is_current(log: &LogState, standing: &Standing) -> bool {
    *standing
        == Standing {
            id: log.id,
            upto: log.head,
            mark: log.mark,
            title: log.title.clone(),
        }
}

/// The log itself cannot be written, or soon could not.
fn has_no_room(directory: &Path, store: &Store) -> bool {
    let disk = statvfs(directory);
    let little = disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM);
    little || store.health().borrow().trouble().is_some()
}
