//! Logs whose beginning was removed.

use super::requests::{change, ended, permission};
use super::*;
use crate::session::follow::Follower;
use crate::store::{RequestChange, Snapshot, StoredPayload, TailRead};
use betcode_core::event::{self, EventBody};
use betcode_core::session::Session;
use betcode_proto::convert;
use rusqlite::Connection;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// The directory in which a child of the test writes until it is killed.
const CHILD: &str = "BETCODE_STORE_TRIM_CHILD";

/// An append of this many events that removes everything up to `up_to`.
fn trimming(log: &Arc<SessionLog>, count: u64, up_to: u64) -> Append {
    let mut append = more(log, count, 20);
    append.trim = Some(Sequence(up_to));
    append
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

fn backwards(store: &Store, log: &Arc<SessionLog>, before: u64, page: usize) -> Vec<u64> {
    let (mut seen, mut before) = (Vec::new(), Sequence(before));
    loop {
        let chunks = block_on(store.read_before(log, before, page)).unwrap();
        let Some(oldest) = chunks.last() else {
            return seen;
        };
        before = oldest.first;
        for chunk in &chunks {
            seen.extend(numbers(&decode(chunk)).into_iter().rev());
        }
    }
}

fn reopened(directory: &Path) -> (Store, Arc<SessionLog>) {
    let (store, _) = open(directory);
    let log = block_on(store.open_log(session(1))).unwrap().unwrap().log;
    (store, log)
}

/// The last numbers of the rows of the first session.
fn rows(directory: &Path) -> Vec<i64> {
    let connection = Connection::open(directory.join("log.db")).unwrap();
    let mut statement = connection
        .prepare("SELECT id & 0xFFFFFFFFFF FROM log WHERE id >> 40 = 1 ORDER BY id")
        .unwrap();
    let rows = statement.query_map((), |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_mark_inside_a_chunk_is_where_every_way_of_reading_begins() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 5);
    for _ in 0..3 {
        wait(store.append(more(&log, 5, 20))).unwrap();
    }
    let expect = |store: &Store, log: &Arc<SessionLog>, first: u64, head: u64| {
        assert_eq!(
            (log.trimmed_up_to(), log.head()),
            (Sequence(first - 1), Sequence(head))
        );
        let kept: Vec<_> = (first..=head).collect();
        assert_eq!(numbers(&read_all(store, log)), kept);
        for page in [1, 100_000] {
            let newest_first: Vec<_> = kept.iter().rev().copied().collect();
            assert_eq!(backwards(store, log, u64::MAX, page), newest_first);
            assert_eq!(backwards(store, log, first + 2, page), [first + 1, first]);
            for before in [first, first.saturating_sub(1), 1] {
                assert_eq!(backwards(store, log, before, page), [0; 0]);
            }
        }
    };
    expect(&store, &log, 1, 20);
    wait(store.append(trimming(&log, 2, 13))).unwrap();
    expect(&store, &log, 14, 22);
    for cursor in [0, 5, 13] {
        let TailRead::Ready(tail) = log.tail_after(Sequence(cursor), usize::MAX) else {
            panic!("the tail is empty");
        };
        assert_eq!(tail.first().unwrap().first, Sequence(14));
    }
    drop(log);
    store.close();
    assert_eq!(rows(directory.path()), [15, 20, 22]);

    let (store, log) = reopened(directory.path());
    expect(&store, &log, 14, 22);
    // Up to the end of a chunk this time.
    wait(store.append(trimming(&log, 1, 20))).unwrap();
    expect(&store, &log, 21, 23);
    wait(store.append(more(&log, 1, 1))).unwrap();
    assert_eq!(rows(directory.path()), [22, 23, 24]);
    let listed = block_on(store.list_sessions(None, 5)).unwrap();
    assert_eq!(
        (listed[0].head, listed[0].summary.trimmed_up_to),
        (Sequence(24), Sequence(20))
    );
}

#[test]
fn a_mark_never_goes_back_and_the_last_event_always_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 5);
    // Events of the same append go, too, but not the last.
    wait(store.append(trimming(&log, 5, 1000))).unwrap();
    assert_eq!(
        (log.trimmed_up_to(), log.head()),
        (Sequence(9), Sequence(10))
    );
    let mut append = trimming(&log, 1, 3);
    append.summary = Some(summary(session(1)));
    wait(store.append(append)).unwrap();
    assert_eq!(numbers(&read_all(&store, &log)), [10, 11]);
    let mut append = Append::new(Arc::clone(&log), Timestamp(2));
    append.trim = Some(Sequence(11));
    wait(store.append(append)).unwrap();
    assert_eq!(log.trimmed_up_to(), Sequence(10));
    drop(log);
    store.close();
    let (store, log) = reopened(directory.path());
    assert_eq!(
        (log.trimmed_up_to(), log.head()),
        (Sequence(10), Sequence(11))
    );
    wait(store.append(more(&log, 1, 1))).unwrap();
    assert_eq!(numbers(&read_all(&store, &log)), [11, 12]);
}

#[test]
fn a_trimming_that_is_not_committed_removes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 5);
    let mut append = trimming(&log, 5, 7);
    // A session cannot be made twice.
    append.create = true;
    append.summary = Some(summary(session(1)));
    wait(store.append(append)).unwrap_err();
    assert_eq!(log.trimmed_up_to(), Sequence(0));
    assert_tiles(&read_all(&store, &log), 5);
    wait(store.append(trimming(&log, 5, 7))).unwrap();
    assert_eq!(numbers(&read_all(&store, &log)), [8, 9, 10]);
}

#[test]
fn snapshots_from_before_the_mark_go_and_later_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 10);
    let snapshot = |at| Snapshot {
        version: 1,
        sequence: Sequence(at),
        state: vec![1],
    };
    let stored = || {
        block_on(store.open_log(session(1)))
            .unwrap()
            .unwrap()
            .snapshot
    };
    let mut append = Append::new(Arc::clone(&log), Timestamp(2));
    append.snapshot = Some(snapshot(5));
    wait(store.append(append)).unwrap();
    wait(store.append(trimming(&log, 1, 5))).unwrap();
    assert_eq!(stored(), Some(snapshot(5)), "what follows it is all there");
    wait(store.append(trimming(&log, 1, 6))).unwrap();
    assert_eq!(stored(), None, "event 6 is not in it and gone");
    let mut append = trimming(&log, 2, 13);
    append.snapshot = Some(snapshot(14));
    wait(store.append(append)).unwrap();
    assert_eq!(stored(), Some(snapshot(14)));
}

#[test]
fn payloads_go_with_their_events_but_not_while_a_request_waits() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 10);
    let mut append = more(&log, 1, 1);
    append.payloads = (1..=11)
        .map(|at| StoredPayload {
            sequence: Sequence(at),
            field: "input".into(),
            bytes: vec![7; 300_000],
        })
        .collect();
    append.requests = vec![
        RequestChange::Asked(permission("waits", 3, 3)),
        RequestChange::Asked(permission("ended", 4, 4)),
        ended("ended", "allowed", 5),
    ];
    wait(store.append(append)).unwrap();
    let kept = || -> Vec<u64> {
        let has = |at: &u64| {
            let part = store.payload(session(1), Sequence(*at), "input", 299_999, 10);
            block_on(part).unwrap().is_some()
        };
        (1..=11).filter(has).collect()
    };
    wait(store.append(trimming(&log, 1, 8))).unwrap();
    assert_eq!(kept(), [3, 9, 10, 11]);
    change(&store, &log, vec![ended("waits", "denied", 9)]);
    wait(store.append(trimming(&log, 1, 9))).unwrap();
    assert_eq!(kept(), [10, 11]);
}

#[test]
fn a_follower_from_before_the_mark_goes_on_behind_it_and_can_tell() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 20);
    let follower =
        |after, follow| Follower::new(store.clone(), Arc::clone(&log), Sequence(after), follow);
    let next = |follower: &mut Follower| block_on(follower.next()).unwrap();
    let (mut early, mut late) = (follower(3, true), follower(20, true));
    let (mut cut, mut gone) = (follower(2, false), follower(2, false));
    wait(store.append(trimming(&log, 5, 13))).unwrap();

    assert_eq!(early.expected(), Sequence(4));
    assert_eq!(next(&mut early).unwrap().first, Sequence(14), "it jumped");
    assert_eq!(early.expected(), Sequence(26));
    assert_eq!(late.expected(), Sequence(21));
    assert_eq!(next(&mut late).unwrap().first, Sequence(21), "it did not");
    let chunk = next(&mut cut).unwrap();
    assert_eq!((chunk.first, chunk.last), (Sequence(14), Sequence(20)));
    assert_eq!(next(&mut cut), None);
    wait(store.append(trimming(&log, 5, 25))).unwrap();
    assert_eq!(next(&mut gone), None, "all that it was to give is gone");
    drop((early, late, cut, gone, log));
    store.close();

    let (store, log) = reopened(directory.path());
    let mut follower = Follower::new(store, log, Sequence(0), false);
    let chunk = block_on(follower.next()).unwrap().unwrap();
    assert_eq!((chunk.first, chunk.last), (Sequence(26), Sequence(30)));
}

#[test]
fn followers_that_run_while_their_log_is_trimmed_see_no_gap_but_at_a_mark_and_reach_the_head() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        tail_bytes: 4_000,
        ..StoreOptions::default()
    };
    let (store, _) = open_as(directory.path(), EPOCH, options);
    let log = add_session(&store, 1, 5);
    let total: u64 = 5 + 300 * 10;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let followers: Vec<_> = (0..4_u64)
            .map(|number| {
                let (store, log, done) = (&store, &log, &done);
                scope.spawn(move || {
                    let mut jumps = 0;
                    // Begin anew again and again, at the end only once more and then up to the head.
                    loop {
                        let last_round = done.load(Ordering::Acquire);
                        let after = Sequence(log.head().0 * number / 5);
                        let until = log.head();
                        let mut follower =
                            Follower::new(store.clone(), Arc::clone(log), after, false);
                        let mut cursor = after;
                        while let Some(chunk) = block_on(follower.next()).unwrap() {
                            if chunk.first != cursor.next() {
                                // Marks end in 3, and an append begins three events before the mark or five.
                                assert_eq!(chunk.first.0 % 10, 4, "a mark, not {}", chunk.first);
                                assert!(chunk.first > cursor);
                                jumps += 1;
                            }
                            decode(&chunk);
                            cursor = chunk.last;
                        }
                        assert!(cursor >= until || log.trimmed_up_to() >= until);
                        if last_round {
                            return jumps;
                        }
                    }
                })
            })
            .collect();
        for round in 0..300 {
            let mut append = more(&log, 10, 50);
            if round % 3 == 0 && round > 10 {
                append.trim = Some(Sequence(log.head().0 / 10 * 10 - 17));
            }
            wait(store.append(append)).unwrap();
        }
        done.store(true, Ordering::Release);
        let jumps: u64 = followers.into_iter().map(|one| one.join().unwrap()).sum();
        assert!(jumps > 0, "nobody was overtaken by a mark");
    });
    assert_eq!(log.head(), Sequence(total));
}

#[test]
fn a_trimmed_log_folds_to_the_same_session_as_the_whole_one() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/log/v1/events.jsonl");
    let mut events: Vec<event::Event> = std::fs::read_to_string(fixture)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let up_to = events.last().unwrap().sequence;
    let mut whole = Session::new(session(1));
    for event in &events {
        whole.apply(event);
    }
    events.push(event::Event {
        sequence: up_to.next(),
        body: EventBody::HistoryTrimmed {
            up_to,
            state: serde_json::json!({"version": 2, "session": &whole}),
        },
        previews: Vec::new(),
        ..events.last().unwrap().clone()
    });
    whole.apply(events.last().unwrap());

    let log = store.new_log(session(1));
    let wire: Vec<_> = events.iter().cloned().map(Into::into).collect();
    let mut append = create(&log, 1);
    append.chunk = Chunk::encode(&wire);
    append.trim = Some(up_to);
    wait(store.append(append)).unwrap();
    drop(log);
    store.close();

    let (store, log) = reopened(directory.path());
    let left = read_all(&store, &log);
    assert_eq!(numbers(&left), [up_to.0 + 1]);
    let mut folded = Session::new(session(1));
    for event in left {
        folded.apply(&convert::event::event_from_wire(event));
    }
    assert_eq!(
        serde_json::to_value(&folded).unwrap(),
        serde_json::to_value(&whole).unwrap()
    );
}

/// Writes, trims, and says what was answered, until somebody ends it.
fn child(directory: &Path) -> ! {
    let (store, report) = open(directory);
    assert_eq!(report.epoch_changed, None);
    let log = match block_on(store.open_log(session(1))).unwrap() {
        Some(loaded) => loaded.log,
        None => add_session(&store, 1, 8),
    };
    loop {
        let mut append = more(&log, 1 + log.head().0 % 9, 200);
        let last = append.chunk.as_ref().unwrap().last.0;
        append.trim = Some(Sequence(last - 7));
        wait(store.append(append)).unwrap();
        println!("\ntrimmed {last}");
    }
}

#[test]
fn a_kill_in_the_middle_of_trimmings_leaves_exactly_what_is_behind_the_mark() {
    if let Some(directory) = std::env::var_os(CHILD) {
        child(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["a_kill_in_the_middle_of_trimmings", "--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let answered = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("trimmed ")?.parse::<u64>().ok())
            .nth(10 + round * 23)
            .unwrap();
        writer.kill().unwrap();
        writer.wait().unwrap();

        let (store, report) = open(directory.path());
        assert!(report.unclean);
        assert_eq!((store.epoch(), report.epoch_changed), (EPOCH, None));
        let loaded = block_on(store.open_log(session(1))).unwrap().unwrap();
        let head = loaded.log.head().0;
        assert!(
            head >= answered,
            "{answered} was answered, the log ends at {head}"
        );
        assert_eq!(loaded.log.trimmed_up_to(), Sequence(head - 7));
        let kept: Vec<_> = (head - 6..=head).collect();
        assert_eq!(numbers(&read_all(&store, &loaded.log)), kept);
        store.close();
        let whole: String = Connection::open(directory.path().join("log.db"))
            .unwrap()
            .query_row("PRAGMA integrity_check", (), |row| row.get(0))
            .unwrap();
        assert_eq!(whole, "ok");
    }
}
