//! The size of the write-ahead log under a flood, and what an idle store does.

use super::*;
use std::fs;

#[test]
fn the_write_ahead_log_stays_below_its_limit_in_a_flood_and_starts_over_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        wal_soft: 200_000,
        wal_hard: 800_000,
        ..StoreOptions::default()
    };
    let (store, _) = open_as(directory.path(), EPOCH, options);
    let log = add_session(&store, 1, 1);
    let wal = directory.path().join("log.db-wal");
    let mut largest = 0;
    for _ in 0..400 {
        wait(store.append(more(&log, 20, 2000))).unwrap();
        largest = largest.max(fs::metadata(&wal).unwrap().len());
    }
    // About 18 MB went through. A transaction or two may pass before a pass that was asked for begins.
    assert!(largest < 4_000_000, "{largest} bytes");
    assert!(fs::metadata(directory.path().join("log.db")).unwrap().len() > 10_000_000);
    // Small transactions with pauses: the next pass that is asked for is complete, and the log is cut.
    let mut rounds = 0;
    while fs::metadata(&wal).unwrap().len() > 200_000 {
        wait(store.append(more(&log, 1, 10_000))).unwrap();
        // a pause, because: a flood that ends is what is being tested
        std::thread::sleep(std::time::Duration::from_millis(2));
        rounds += 1;
        assert!(rounds < 2000, "the log never starts over");
    }
    assert_tiles(&read_all(&store, &log), log.head().0);
}
