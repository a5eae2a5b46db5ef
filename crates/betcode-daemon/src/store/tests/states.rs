//! States of machines beside the log, and what the feed says of them: together or not at all.

use betcode_proto::v1::{SessionDeleted, feed_entry};

use super::*;
use crate::store::Durability;

const NAME: &str = "machine";

fn said() -> Vec<feed_entry::Body> {
    vec![feed_entry::Body::SessionDeleted(SessionDeleted {
        id: vec![7; 16].into(),
    })]
}

fn keep(store: &Store, value: &str) -> Result<(), CommitError> {
    let kept = store.keep(
        NAME,
        value.into(),
        Timestamp(5),
        said(),
        Durability::Process,
    );
    block_on(kept)
}

fn state(store: &Store) -> Option<String> {
    block_on(store.state(NAME)).unwrap()
}

#[test]
fn a_state_is_there_after_a_restart_with_what_the_feed_said_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    assert_eq!(state(&store), None);
    keep(&store, "one").unwrap();
    keep(&store, "two").unwrap();
    store.close();
    assert_eq!(keep(&store, "three"), Err(CommitError::Closed));
    drop(store);
    let (store, _) = open(directory.path());
    assert_eq!(state(&store).as_deref(), Some("two"));
    assert_eq!(store.feed_log().head(), Sequence(2));
}

#[test]
fn a_state_whose_entries_cannot_be_written_is_not_written_either() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    keep(&store, "one").unwrap();
    let other = rusqlite::Connection::open(directory.path().join("log.db")).unwrap();
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no'); END";
    other.execute(broken, ()).unwrap();
    assert!(matches!(keep(&store, "two"), Err(CommitError::Database(_))));
    assert_eq!(state(&store).as_deref(), Some("one"));
    assert_eq!(store.feed_log().head(), Sequence(1));
    other.execute("DROP TRIGGER broken", ()).unwrap();
    keep(&store, "three").unwrap();
    assert_eq!(state(&store).as_deref(), Some("three"));
    assert_eq!(store.feed_log().head(), Sequence(2));
}
