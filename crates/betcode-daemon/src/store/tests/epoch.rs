//! Which databases keep their epoch, and which are refused or set aside.

use super::*;
use crate::store::witness::{Found, Witness};
use crate::store::{EpochChange, OpenError};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const OTHER: LogEpoch = LogEpoch(Uuid::from_u128(0xE1));

fn reopen(directory: &Path) -> (LogEpoch, OpenReport) {
    let (store, report) = open_as(directory, OTHER, StoreOptions::default());
    (store.epoch(), report)
}

/// The same files as after a `kill -9`: nothing was closed.
fn snapshot(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "log.db-shm" {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    adopt(copy.path());
    copy
}

/// Makes a copied witness as good as an original, for tests that are about something else.
pub(super) fn adopt(directory: &Path) {
    let (witness, found) = Witness::open(&directory.join("log.witness")).unwrap();
    if let Found::Copied(record) = found {
        witness.write(&record).unwrap();
    }
}

#[test]
fn a_copied_state_directory_gets_a_new_epoch_because_the_original_may_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    add_session(&store, 1, 3);
    drop(store);
    let copy = tempfile::tempdir().unwrap();
    for name in ["log.db", "log.witness"] {
        fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
    }
    let (epoch, report) = reopen(copy.path());
    assert_eq!(
        (epoch, report.epoch_changed),
        (OTHER, Some(EpochChange::Copied))
    );
    assert_eq!(open(copy.path()).1, OpenReport::default(), "once");
}

fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "log.db-shm")
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn the_epoch_survives_an_orderly_close_and_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let (store, report) = open(directory.path());
    assert!(report.created && report.epoch_changed.is_none());
    let log = add_session(&store, 1, 3);
    let killed = snapshot(directory.path());
    wait(store.append(more(&log, 1, 1))).unwrap();
    drop((store, log));
    assert_eq!(reopen(directory.path()), (EPOCH, OpenReport::default()));
    let (epoch, report) = reopen(killed.path());
    assert_eq!(
        (epoch, report.unclean, report.epoch_changed),
        (EPOCH, true, None)
    );
}

#[test]
fn a_closed_store_is_one_file_that_holds_everything() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 3);
    drop((store, log));
    let names: Vec<_> = contents(directory.path())
        .into_keys()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["log.db", "log.witness"]);
}

#[test]
fn an_older_copy_put_in_place_gets_a_new_epoch_and_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 3);
    drop((store, log));
    let older = fs::read(directory.path().join("log.db")).unwrap();
    let (store, _) = open(directory.path());
    let log = block_on(store.open_log(session(1))).unwrap().unwrap().log;
    wait(store.append(more(&log, 5, 1))).unwrap();
    drop((store, log));
    fs::write(directory.path().join("log.db"), older).unwrap();
    let (epoch, report) = reopen(directory.path());
    assert_eq!(
        (epoch, report.epoch_changed),
        (OTHER, Some(EpochChange::OlderCopy))
    );
    let (store, report) = open(directory.path());
    assert_eq!((store.epoch(), report), (OTHER, OpenReport::default()));
    let log = block_on(store.open_log(session(1))).unwrap().unwrap().log;
    assert_tiles(&read_all(&store, &log), 3);
}

#[test]
fn an_older_copy_under_the_write_ahead_log_of_a_newer_one_does_not_get_its_pages() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 3);
    drop((store, log));
    let older = fs::read(directory.path().join("log.db")).unwrap();
    for _ in 0..2 {
        let (store, _) = open(directory.path());
        let log = block_on(store.open_log(session(1))).unwrap().unwrap().log;
        wait(store.append(more(&log, 500, 100))).unwrap();
    }
    let (store, _) = open(directory.path());
    let log = block_on(store.open_log(session(1))).unwrap().unwrap().log;
    wait(store.append(more(&log, 500, 100))).unwrap();
    let killed = snapshot(directory.path());
    fs::write(killed.path().join("log.db"), older).unwrap();
    let (store, report) = open_as(killed.path(), OTHER, StoreOptions::default());
    assert_eq!(
        (store.epoch(), report.epoch_changed),
        (OTHER, Some(EpochChange::OlderCopy))
    );
    assert!(report.set_aside.is_some());
    let log = block_on(store.open_log(session(1))).unwrap().unwrap().log;
    assert_tiles(&read_all(&store, &log), 3);
}

#[test]
fn a_missing_damaged_or_foreign_witness_means_a_new_epoch_once_there_is_something_to_lose() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let witness = directory.path().join("log.witness");
    fs::remove_file(&witness).unwrap();
    assert_eq!(
        reopen(directory.path()).0,
        EPOCH,
        "nobody has seen a number yet"
    );
    let (store, _) = open(directory.path());
    add_session(&store, 1, 1);
    drop(store);
    let whole = fs::read(&witness).unwrap();
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    let foreign = tempfile::tempdir().unwrap();
    drop(open_as(foreign.path(), OTHER, StoreOptions::default()));
    let foreign = fs::read(foreign.path().join("log.witness")).unwrap();
    let database = fs::read(directory.path().join("log.db")).unwrap();
    for (bytes, change) in [
        (None, Some(EpochChange::WitnessMissing)),
        (Some(&whole[..10]), Some(EpochChange::WitnessDamaged)),
        (Some(&damaged[..]), Some(EpochChange::WitnessDamaged)),
        (Some(&foreign[..]), Some(EpochChange::OtherDatabase)),
        (Some(&whole[..]), None),
    ] {
        fs::write(directory.path().join("log.db"), &database).unwrap();
        match bytes {
            Some(bytes) => fs::write(&witness, bytes).unwrap(),
            None => fs::remove_file(&witness).unwrap(),
        }
        adopt(directory.path());
        let (epoch, report) = reopen(directory.path());
        assert_eq!(report.epoch_changed, change);
        assert_eq!(epoch, if change.is_some() { OTHER } else { EPOCH });
    }
}

#[test]
fn another_boot_after_a_kill_means_a_new_epoch_and_after_an_orderly_close_does_not() {
    let boot = |number| StoreOptions {
        boot: Some([number; 16]),
        ..StoreOptions::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open_as(directory.path(), EPOCH, boot(1));
    add_session(&store, 1, 1);
    let killed = snapshot(directory.path());
    drop(store);
    let change = |directory: &Path, number| open_as(directory, OTHER, boot(number)).1.epoch_changed;
    assert_eq!(change(directory.path(), 2), None);
    let again = snapshot(killed.path());
    assert_eq!(change(killed.path(), 1), None);
    assert_eq!(change(again.path(), 2), Some(EpochChange::PowerLoss));
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_not_a_byte_of_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    add_session(&store, 1, 3);
    let killed = snapshot(directory.path());
    drop(store);
    for directory in [directory.path(), killed.path()] {
        let newer = Connection::open(directory.join("log.db")).unwrap();
        newer
            .set_db_config(
                rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                directory == killed.path(),
            )
            .unwrap();
        newer.pragma_update(None, "user_version", 1000).unwrap();
        drop(newer);
        let before = contents(directory);
        let error = Store::open(directory, OTHER, StoreOptions::default()).unwrap_err();
        assert!(
            matches!(error, OpenError::Newer { found: 1000, .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("newer version of BetCode"),
            "{error}"
        );
        let mut after = contents(directory);
        after
            .remove(&directory.join("log.db-wal"))
            .filter(Vec::is_empty);
        let mut before = before;
        before
            .remove(&directory.join("log.db-wal"))
            .filter(Vec::is_empty);
        assert!(before == after);
    }
}

#[test]
fn a_file_that_is_no_database_is_set_aside_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("log.db"), vec![b'?'; 5000]).unwrap();
    for attempt in 1..=2 {
        fs::write(directory.path().join("log.db"), vec![b'?'; 5000]).unwrap();
        let (store, report) = open(directory.path());
        assert!(report.created);
        let aside = directory.path().join(format!("log.db.set-aside-{attempt}"));
        assert_eq!(report.set_aside.as_ref(), Some(&aside));
        assert_eq!(fs::read(&aside).unwrap(), vec![b'?'; 5000]);
        add_session(&store, 1, 1);
    }
}

#[test]
fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    add_session(&store, 1, 1);
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{entry:?}"
        );
    }
}
