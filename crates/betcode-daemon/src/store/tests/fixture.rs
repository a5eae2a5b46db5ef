//! Databases of earlier versions: `fixtures/log/vN` must open, give its rows and fold for ever.

use super::*;
use crate::store::{HostState, OpenReport, RequestChange};
use betcode_core::id::{FrameNumber, IdempotencyKey};
use betcode_core::session::Pending;
use betcode_core::session::Session;
use betcode_core::{canonical, event};
use betcode_proto::convert;
use std::fs;

#[test]
fn every_old_log_opens_and_folds() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/log");
    let mut versions = 0;
    for version in fs::read_dir(fixtures).unwrap() {
        let version = version.unwrap().path();
        let directory = tempfile::tempdir().unwrap();
        for name in ["log.db", "log.witness"] {
            fs::copy(version.join(name), directory.path().join(name)).unwrap();
        }
        super::epoch::adopt(directory.path());
        check(
            directory.path(),
            version_of(&version),
            &fs::read_to_string(version.join("events.jsonl")).unwrap(),
        );
        versions += 1;
    }
    assert!(versions > 0);
}

fn version_of(fixture: &Path) -> i64 {
    let name = fixture.file_name().unwrap().to_str().unwrap();
    name.trim_start_matches('v').parse().unwrap()
}

fn check(directory: &Path, version: i64, expected: &str) {
    let (store, report) = open_as(directory, EPOCH, StoreOptions::default());
    assert_eq!(
        report,
        OpenReport {
            migrated_from: (version < crate::store::schema::VERSION).then_some(version),
            ..OpenReport::default()
        }
    );
    assert_eq!(store.epoch(), LogEpoch(Uuid::from_u128(0xE1)));
    let loaded = block_on(store.open_log(session(0xA1))).unwrap().unwrap();
    let expected: Vec<event::Event> = expected
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<_> = read_all(&store, &loaded.log)
        .into_iter()
        .map(convert::event::event_from_wire)
        .collect();
    assert_eq!(events, expected);
    let mut folded = Session::new(loaded.log.id());
    for event in &events {
        folded.apply(event);
    }
    assert_eq!(folded.head(), loaded.log.head());
    assert_eq!(folded.info().title, "Files");
    assert_eq!((folded.info().status, folded.turns()), (Status::Closed, 1));

    assert_eq!(
        (loaded.summary.title.as_str(), loaded.summary.turns),
        ("Files", 1)
    );
    assert_eq!(loaded.summary.totals.input_tokens, 10);
    assert_eq!(loaded.checkpoint.unwrap().spool_offset, 8_400_000);
    assert_eq!(loaded.outbox[0].frame, FrameNumber(2));
    assert_eq!(loaded.snapshot.unwrap().version, 1);
    assert_eq!(loaded.host.unwrap().state, HostState::Running);
    assert_eq!(
        loaded.environment.as_deref(),
        Some("{\"LANG\":\"C.UTF-8\"}")
    );
    assert!(loaded.deadline.is_some());
    let command = block_on(store.command(IdempotencyKey(Uuid::from_u128(0xD1))))
        .unwrap()
        .unwrap();
    assert_eq!((command.sequence, command.notices.len()), (Sequence(6), 1));
    let payload = block_on(store.payload(session(0xA1), Sequence(35), "raw", 69_990, 100))
        .unwrap()
        .unwrap();
    assert_eq!(
        (&payload.bytes[..], payload.stored),
        (&[b'x'; 10][..], 70_000)
    );
    assert_eq!(
        block_on(store.list_trust()).unwrap()[0].directory,
        "/home/user/project"
    );
    assert_eq!(store.feed_log().head(), Sequence(2));
    if version >= 2 {
        check_requests(&store);
    }
    let state = block_on(store.state("notify")).unwrap();
    assert_eq!(state.as_deref(), (version >= 4).then_some("{}"));
    let points = block_on(store.points_since(i64::MIN)).unwrap();
    let expected = vec![("window".to_owned(), vec![(1_795_262_400_000_000, 62.5)])];
    assert_eq!(points, if version >= 5 { expected } else { Vec::new() });
    let mut append = more(&loaded.log, 1, 1);
    append.requests = vec![RequestChange::Asked(requests::permission("new", 36, 9))];
    append.trim = Some(Sequence(30));
    wait(store.append(append)).unwrap();
    let waiting = block_on(store.list_requests(None, None, false)).unwrap();
    assert!(requests::ids(&waiting).contains(&"new"));
    assert_eq!(read_all(&store, &loaded.log)[0].sequence, 31);
}

fn check_requests(store: &Store) {
    let waiting = block_on(store.list_requests(None, None, false)).unwrap();
    assert_eq!(requests::ids(&waiting), ["request-2"]);
    assert_eq!(waiting[0].sequence, Sequence(8));
    assert_eq!(waiting[0].previews[0].size, 70_000);
    let all = block_on(store.list_requests(None, None, true)).unwrap();
    assert_eq!(requests::ids(&all), ["request-1", "request-2"]);
    assert_eq!(all[0].state, "allowed");
    assert_eq!(all[0].decided_by, "terminal on a desk");
    let Pending::Permission(request) = &all[0].request else {
        panic!("a request for permission");
    };
    let input = serde_json::json!({"timeout": 1.5, "command": "ls"});
    assert_eq!((request.tool.as_str(), &request.input), ("Bash", &input));
    let decisions = block_on(store.list_audit(None, 0, 0)).unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0].session, session(0xA1));
    assert_eq!(decisions[0].input_sha256, canonical::digest(&input));
    assert_eq!(decisions[0].input_preview, canonical::canonical(&input));
}
