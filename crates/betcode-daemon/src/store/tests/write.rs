//! Group commit, order, failure, deletion.

use super::*;
use crate::store::{Durability, TailRead};
use betcode_proto::v1::{DaemonStarted, FeedList, feed_entry};

#[test]
fn what_was_appended_is_read_back_from_memory_and_from_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let (store, report) = open(directory.path());
    assert!(report.created);
    let log = add_session(&store, 1, 3);
    wait(store.append(more(&log, 4, 10))).unwrap();
    assert_eq!(log.head(), Sequence(7));
    let TailRead::Ready(tail) = log.tail_after(Sequence(0), usize::MAX) else {
        panic!("the tail is empty");
    };
    assert_eq!(
        decode_all(&tail),
        [events(1, 3, 10), events(4, 4, 10)].concat()
    );
    assert_eq!(
        block_on(store.read_after(&log, Sequence(0), usize::MAX)).unwrap(),
        tail
    );
    assert_eq!(log.tail_after(Sequence(7), 1), TailRead::UpToDate);
    store.close();
    let (store, report) = open(directory.path());
    assert_eq!(report, OpenReport::default());
    let loaded = block_on(store.open_log(session(1))).unwrap().unwrap();
    assert_eq!(loaded.log.head(), Sequence(7));
    assert_eq!(loaded.summary, summary(session(1)));
    assert_eq!(loaded.log.tail_after(Sequence(6), 1), TailRead::TooOld);
    assert_eq!(
        block_on(store.read_after(&loaded.log, Sequence(0), usize::MAX)).unwrap(),
        tail
    );
}

#[test]
fn many_sessions_share_transactions_and_each_stays_whole() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let logs: Vec<_> = (1..=20)
        .map(|number| add_session(&store, number, 1))
        .collect();
    let threads: Vec<_> = logs
        .iter()
        .map(|log| {
            let (store, log) = (store.clone(), Arc::clone(log));
            std::thread::spawn(move || {
                for round in 0..50 {
                    let mut append = more(&log, 1 + round % 5, 20);
                    if round % 10 == 0 {
                        append.durability = Durability::PowerLoss;
                    }
                    wait(store.append(append)).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let head = 1 + 10 * (1 + 2 + 3 + 4 + 5);
    for log in &logs {
        assert_eq!(log.head(), Sequence(head));
        assert_tiles(&read_all(&store, log), head);
    }
}

#[test]
fn appends_that_arrive_together_share_a_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let logs: Vec<_> = (1..=5)
        .map(|number| add_session(&store, number, 1))
        .collect();
    // The writer is held up by one change, so all appends are there when it looks again.
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let held = store.submit(|answer| {
        crate::store::writer::Job::Change(
            Box::new(move |_| {
                gate.recv().ok();
                Ok(())
            }),
            answer,
        )
    });
    let answers: Vec<_> = logs
        .iter()
        .map(|log| store.append(more(log, 2, 10)))
        .collect();
    let before = commits(&store);
    go.send(()).unwrap();
    wait(held).unwrap();
    for answer in answers {
        wait(answer).unwrap();
    }
    // One for the change and what had arrived when the writer took it, one for the rest.
    assert!(
        commits(&store) <= before + 2,
        "{} transactions",
        commits(&store) - before
    );
}

fn commits(store: &Store) -> i64 {
    block_on(store.inner.readers.read(|connection| {
        connection.query_row("SELECT value FROM meta WHERE key = 'commits'", (), |row| {
            row.get(0)
        })
    }))
    .unwrap()
}

#[test]
fn an_append_longer_than_a_chunk_is_cut_between_events() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 1);
    wait(store.append(more(&log, 1000, 1000))).unwrap();
    wait(store.append(more(&log, 1, 600_000))).unwrap();
    let TailRead::Ready(tail) = log.tail_after(Sequence(1), usize::MAX) else {
        panic!("nothing in memory");
    };
    let sizes: Vec<_> = tail.iter().map(|chunk| chunk.bytes.len()).collect();
    assert_eq!(sizes.len(), 5);
    assert!(
        sizes[..4]
            .iter()
            .all(|size| *size <= super::super::CHUNK_BYTES),
        "{sizes:?}"
    );
    assert_tiles(&read_all(&store, &log), 1002);
}

#[test]
fn an_append_that_leaves_a_gap_or_repeats_a_number_is_refused_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 3);
    for wrong in [3, 5] {
        let mut append = Append::new(Arc::clone(&log), Timestamp(1));
        append.chunk = Some(chunk(wrong, 1, 0));
        let error = CommitError::OutOfOrder {
            head: Sequence(3),
            found: Sequence(wrong),
        };
        assert_eq!(wait(store.append(append)), Err(error));
    }
    wait(store.append(more(&log, 1, 0))).unwrap();
    assert_tiles(&read_all(&store, &log), 4);
}

#[test]
fn a_failed_commit_publishes_nothing_and_the_next_one_works() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 3);
    let change = |sql: &'static str| {
        let answer = store.submit(|answer| {
            super::super::writer::Job::Change(
                Box::new(move |connection| connection.execute_batch(sql)),
                answer,
            )
        });
        wait(answer).unwrap();
    };
    change(
        "CREATE TRIGGER refuse BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    let receiver = log.subscribe();
    let mut append = more(&log, 2, 10);
    append.checkpoint = Some(rows::checkpoint(1));
    append.feed = vec![started()];
    assert!(matches!(
        wait(store.append(append)),
        Err(CommitError::Database(_))
    ));
    assert!(!receiver.has_changed().unwrap());
    assert_eq!(log.head(), Sequence(3));
    assert_eq!(store.feed_log().head(), Sequence(0));
    assert_eq!(log.tail_after(Sequence(3), 1), TailRead::UpToDate);
    assert_tiles(&read_all(&store, &log), 3);
    change("DROP TRIGGER refuse");
    let mut append = more(&log, 2, 10);
    append.checkpoint = Some(rows::checkpoint(1));
    append.feed = vec![started()];
    wait(store.append(append)).unwrap();
    assert_tiles(&read_all(&store, &log), 5);
    assert_eq!(store.feed_log().head(), Sequence(1));
}

#[test]
fn a_full_disk_is_told_and_work_goes_on_when_there_is_space() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 3);
    let pages = |count: i64| {
        store.submit(move |answer| {
            let change = move |connection: &rusqlite::Connection| {
                connection.pragma_update_and_check(None, "max_page_count", count, |_| Ok(()))
            };
            super::super::writer::Job::Change(Box::new(change), answer)
        })
    };
    wait(pages(1)).unwrap();
    assert_eq!(
        wait(store.append(more(&log, 10, 10_000))),
        Err(CommitError::DiskFull)
    );
    assert_eq!(
        wait(store.append(more(&log, 10, 10_000))),
        Err(CommitError::DiskFull)
    );
    assert_eq!(log.head(), Sequence(3));
    wait(pages(1_000_000)).unwrap();
    wait(store.append(more(&log, 10, 10_000))).unwrap();
    assert_tiles(&read_all(&store, &log), 13);
}

#[test]
fn a_deleted_session_is_gone_at_once_and_its_rows_soon() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let kept = add_session(&store, 1, 2);
    let log = add_session(&store, 2, 1);
    for _ in 0..200 {
        wait(store.append(more(&log, 1, 10))).unwrap();
    }
    let mut append = Append::new(Arc::clone(&log), Timestamp(3));
    append.delete = true;
    wait(store.append(append)).unwrap();
    assert!(block_on(store.open_log(session(2))).unwrap().is_none());
    assert_eq!(block_on(store.list_sessions(None, 10)).unwrap().len(), 1);
    // The next start goes on where this one stopped, however far it came.
    store.close();
    let (store, _) = open(directory.path());
    let left = || {
        block_on(store.inner.readers.read(|connection| {
            connection.query_row(
                "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM sessions)",
                (),
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
            )
        }))
        .unwrap()
    };
    until(|| left() == (1, 1));
    let loaded = block_on(store.open_log(kept.id())).unwrap().unwrap();
    assert_tiles(&read_all(&store, &loaded.log), 2);
}

/// Looks again and again until it is so.
fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        // a pause, because: the condition is looked at again a moment later
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("it never came to be");
}

#[test]
fn feed_entries_are_numbered_by_the_writer_across_sessions_and_lives() {
    let directory = tempfile::tempdir().unwrap();
    for life in 0..2 {
        let (store, _) = open(directory.path());
        let feed = store.feed_log();
        assert_eq!(feed.head(), Sequence(life * 6));
        let logs: Vec<_> = (0..3)
            .map(|number| store.new_log(session(u128::from(life * 3 + number + 1))))
            .collect();
        let answers: Vec<_> = logs
            .iter()
            .map(|log| {
                let mut append = create(log, 1);
                append.at = Timestamp(77);
                append.feed = vec![started(), started()];
                store.append(append)
            })
            .collect();
        for answer in answers {
            wait(answer).unwrap();
        }
        let chunks = block_on(store.read_after(&feed, Sequence(0), usize::MAX)).unwrap();
        let entries: Vec<_> = chunks
            .iter()
            .flat_map(|chunk| FeedList::decode(&chunk.bytes[..]).unwrap().entries)
            .collect();
        let numbers: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(numbers, (1..=(life + 1) * 6).collect::<Vec<_>>());
        assert!(
            entries
                .iter()
                .all(|entry| entry.timestamp_us == 77 && entry.body == Some(started()))
        );
    }
}

#[test]
fn a_closed_store_refuses_appends_and_reads() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 1);
    store.close();
    assert_eq!(
        wait(store.append(more(&log, 1, 1))),
        Err(CommitError::Closed)
    );
    assert_eq!(
        block_on(store.counts()),
        Err(super::super::ReadError::Closed)
    );
}

fn started() -> feed_entry::Body {
    feed_entry::Body::DaemonStarted(DaemonStarted {
        version: "1".into(),
        pid: 2,
    })
}
