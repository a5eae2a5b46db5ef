//! The rows around the log come back as they were written.

use super::*;
use crate::store::{
    AcceptedCommand, Checkpoint, HostRow, HostState, OutboxFrame, Snapshot, StoredPayload, TrustRow,
};
use betcode_core::id::{FrameNumber, HostEpoch, IdempotencyKey, MessageId};

pub(super) fn checkpoint(offset: u64) -> Checkpoint {
    Checkpoint {
        host: host_epoch(1),
        spool_segment: 0,
        spool_offset: offset,
        next_frame: FrameNumber(4),
        agent_state: "{\"v\":1}".into(),
    }
}

fn host_epoch(number: u128) -> HostEpoch {
    HostEpoch(Uuid::from_u128(number))
}

fn frame(number: u64) -> OutboxFrame {
    OutboxFrame {
        host: host_epoch(1),
        frame: FrameNumber(number),
        message: number
            .is_multiple_of(2)
            .then_some(MessageId(Uuid::from_u128(9))),
        bytes: format!("frame {number}\n").into(),
    }
}

#[test]
fn an_actor_finds_everything_it_left() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = store.new_log(session(1));
    let mut append = create(&log, 2);
    append.checkpoint = Some(checkpoint(10));
    append.outbox_add = (1..=4).map(frame).collect();
    append.environment = Some("{\"PATH\":\"/bin\"}".into());
    append.deadline = Some(Some(Timestamp(50)));
    append.hosts = vec![HostRow {
        epoch: host_epoch(1),
        session: session(1),
        state: HostState::Starting,
        created: Timestamp(1),
    }];
    append.snapshot = Some(Snapshot {
        version: 3,
        sequence: Sequence(2),
        state: vec![1, 2],
    });
    wait(store.append(append)).unwrap();
    let mut append = Append::new(Arc::clone(&log), Timestamp(2));
    append.outbox_written = Some((host_epoch(1), FrameNumber(2)));
    append.hosts = vec![HostRow {
        epoch: host_epoch(1),
        session: session(1),
        state: HostState::Running,
        created: Timestamp(1),
    }];
    append.checkpoint = Some(checkpoint(20));
    append.summary = Some(SummaryRow {
        status: Status::Thinking,
        turns: 4,
        ..summary(session(1))
    });
    wait(store.append(append)).unwrap();
    drop(log);
    store.close();

    let (store, _) = open(directory.path());
    let loaded = block_on(store.open_log(session(1))).unwrap().unwrap();
    assert_eq!(loaded.checkpoint, Some(checkpoint(20)));
    assert_eq!(loaded.outbox, [frame(3), frame(4)]);
    assert_eq!(loaded.environment.as_deref(), Some("{\"PATH\":\"/bin\"}"));
    assert_eq!(loaded.deadline, Some(Timestamp(50)));
    assert_eq!(
        loaded.summary,
        SummaryRow {
            status: Status::Thinking,
            turns: 4,
            ..summary(session(1))
        }
    );
    assert_eq!(
        loaded.snapshot,
        Some(Snapshot {
            version: 3,
            sequence: Sequence(2),
            state: vec![1, 2]
        })
    );
    assert_eq!(
        loaded.host.as_ref().map(|host| host.state),
        Some(HostState::Running)
    );
    assert_eq!(
        block_on(store.live_hosts()).unwrap(),
        [loaded.host.unwrap()]
    );
    assert_eq!(block_on(store.due_deadlines(Timestamp(49))).unwrap(), []);
    assert_eq!(
        block_on(store.due_deadlines(Timestamp(50))).unwrap(),
        [(session(1), Timestamp(50))]
    );
    assert_eq!(
        block_on(store.next_deadline()).unwrap(),
        Some(Timestamp(50))
    );

    let mut append = Append::new(Arc::clone(&loaded.log), Timestamp(3));
    append.outbox_clear = true;
    append.outbox_add = vec![frame(5)];
    append.deadline = Some(None);
    append.hosts = vec![HostRow {
        epoch: host_epoch(1),
        session: session(1),
        state: HostState::Ended,
        created: Timestamp(1),
    }];
    wait(store.append(append)).unwrap();
    let loaded = block_on(store.open_log(session(1))).unwrap().unwrap();
    assert_eq!(loaded.outbox, [frame(5)]);
    assert_eq!((loaded.deadline, loaded.host), (None, None));
    assert_eq!(block_on(store.live_hosts()).unwrap(), []);
}

#[test]
fn two_who_open_a_session_have_the_same_log() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 1);
    let loaded = block_on(store.open_log(session(1))).unwrap().unwrap();
    assert!(Arc::ptr_eq(&log, &loaded.log));
    assert!(block_on(store.open_log(session(2))).unwrap().is_none());
}

#[test]
fn an_accepted_command_is_found_until_it_is_pruned() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 1);
    let command = |number: i64| AcceptedCommand {
        key: IdempotencyKey(Uuid::from_u128(number.unsigned_abs().into())),
        session: session(1),
        payload_hash: [7; 32],
        sequence: Sequence(1),
        notices: vec!["using demo".into()],
        at: Timestamp(number),
    };
    let mut append = Append::new(log, Timestamp(1));
    append.accepted = (1..=200).map(command).collect();
    wait(store.append(append)).unwrap();
    assert_eq!(
        block_on(store.command(command(1).key)).unwrap(),
        Some(command(1))
    );
    store.prune_commands(Timestamp(151));
    store.close();
    let (store, _) = open(directory.path());
    store.prune_commands(Timestamp(151));
    let log = add_session(&store, 2, 1);
    while block_on(store.command(command(150).key)).unwrap().is_some() {
        wait(store.append(more(&log, 1, 1))).unwrap();
    }
    assert_eq!(block_on(store.command(command(1).key)).unwrap(), None);
    assert_eq!(
        block_on(store.command(command(151).key)).unwrap(),
        Some(command(151))
    );
}

#[test]
fn sessions_are_found_by_the_beginning_of_their_id_and_listed_by_their_last_activity() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    for (number, cwd, updated) in [
        (0xAB00_u128 << 112, "/a", 5),
        (0xAC00 << 112, "/b", 9),
        (0xB000 << 112, "/a", 7),
    ] {
        let log = store.new_log(session(number));
        let mut append = create(&log, 2);
        append.summary = Some(SummaryRow {
            cwd: cwd.into(),
            updated: Timestamp(updated),
            ..summary(session(number))
        });
        wait(store.append(append)).unwrap();
    }
    let found = |prefix: &str| block_on(store.find_sessions(prefix)).unwrap().len();
    assert_eq!(
        [
            found("a"),
            found("AB"),
            found("ab00-0"),
            found("ac000000-0000"),
            found("c"),
            found(""),
            found("xyz")
        ],
        [2, 1, 1, 1, 0, 0, 0]
    );
    let listed = |cwd: Option<&str>, limit| -> Vec<i64> {
        let sessions = block_on(store.list_sessions(cwd.map(str::to_owned), limit)).unwrap();
        assert!(sessions.iter().all(|session| session.head == Sequence(2)));
        sessions
            .iter()
            .map(|session| session.summary.updated.0)
            .collect()
    };
    assert_eq!(listed(None, 10), [9, 7, 5]);
    assert_eq!(listed(None, 2), [9, 7]);
    assert_eq!(listed(Some("/a"), 10), [7, 5]);
    assert_eq!(block_on(store.counts()).unwrap().sessions, 3);
}

#[test]
fn a_payload_is_read_in_parts_from_any_offset() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = store.new_log(session(1));
    let whole: Vec<u8> = (0..700_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let mut append = create(&log, 2);
    append.payloads = vec![StoredPayload {
        sequence: Sequence(2),
        field: "output".into(),
        bytes: whole.clone(),
    }];
    wait(store.append(append)).unwrap();
    for max in [1_000_000, 100_000, 77_777] {
        let mut read = Vec::new();
        loop {
            let part =
                block_on(store.payload(session(1), Sequence(2), "output", read.len() as u64, max));
            let part = part.unwrap().unwrap();
            assert_eq!(part.stored, 700_000);
            assert!(part.bytes.len() <= max);
            if part.bytes.is_empty() {
                break;
            }
            read.extend_from_slice(&part.bytes);
        }
        assert!(read == whole, "read {} bytes", read.len());
    }
    assert_eq!(
        block_on(store.payload(session(1), Sequence(1), "output", 0, 10)).unwrap(),
        None
    );
    assert_eq!(
        block_on(store.payload(session(1), Sequence(2), "input", 0, 10)).unwrap(),
        None
    );
}

#[test]
fn trust_is_kept_until_it_is_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let row = |device| TrustRow {
        directory: "/a".into(),
        device,
        inode: u64::MAX,
        since: Timestamp(3),
    };
    block_on(store.set_trust(row(1))).unwrap();
    block_on(store.set_trust(row(2))).unwrap();
    assert_eq!(block_on(store.list_trust()).unwrap(), [row(2)]);
    block_on(store.remove_trust("/a")).unwrap();
    assert_eq!(block_on(store.list_trust()).unwrap(), []);
}
