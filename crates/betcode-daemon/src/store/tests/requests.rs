//! Requests and decisions: how they are listed and found, and how long they are kept.

use super::*;
use crate::store::requests::{BEGINS, IS, find_query, list_query};
use crate::store::{AuditRow, RequestChange, RequestRow};
use betcode_core::event::{PermissionRequest, Preview, Question};
use betcode_core::id::RequestId;
use betcode_core::session::Pending;
use betcode_proto::convert::request::{RequestKind, RequestRecord};
use rusqlite::Connection;

pub(super) fn permission(id: &str, sequence: u64, asked: i64) -> RequestRow {
    RequestRow {
        sequence: Sequence(sequence),
        asked: Timestamp(asked),
        pending: Pending::Permission(PermissionRequest {
            id: id.into(),
            tool: "Bash".into(),
            tool_call: Some("call".into()),
            input: serde_json::json!({"command": "ls", "z": 1.5, "a": [null]}),
            description: "Run ls".into(),
            suggested_rules: vec!["Bash(ls:*)".into()],
            expires_at: Some(Timestamp(asked + 100)),
            is_replay: false,
            note: "again".into(),
        }),
        previews: vec![Preview {
            field: "input".into(),
            size: 100_000,
            stored: 90_000,
        }],
    }
}

fn question(id: &str, sequence: u64, asked: i64) -> RequestRow {
    RequestRow {
        sequence: Sequence(sequence),
        asked: Timestamp(asked),
        pending: Pending::Question(Question {
            id: id.into(),
            tool_call: None,
            items: Vec::new(),
            plan: Some("do it".into()),
            input: serde_json::json!({}),
            expires_at: None,
            is_replay: false,
            note: String::new(),
        }),
        previews: Vec::new(),
    }
}

pub(super) fn ended(id: &str, state: &str, at: i64) -> RequestChange {
    RequestChange::Ended {
        id: id.into(),
        state: state.into(),
        decided_by: "you at a terminal".into(),
        at: Timestamp(at),
    }
}

fn decision(log: &SessionLog, time: i64, request: &str) -> AuditRow {
    AuditRow {
        time: Timestamp(time),
        session: log.id(),
        tool: "Bash".into(),
        input_preview: "{\"command\":\"ls\"}".into(),
        input_sha256: "ab".repeat(32),
        outcome: "allowed".into(),
        by: "you at a terminal".into(),
        request: request.into(),
    }
}

pub(super) fn change(store: &Store, log: &Arc<SessionLog>, requests: Vec<RequestChange>) {
    let mut append = Append::new(Arc::clone(log), Timestamp(1));
    append.requests = requests;
    wait(store.append(append)).unwrap();
}

pub(super) fn ids(records: &[RequestRecord]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.id().0.as_str())
        .collect()
}

fn list(
    store: &Store,
    kind: Option<RequestKind>,
    session: Option<SessionId>,
    ended: bool,
) -> Vec<RequestRecord> {
    block_on(store.list_requests(kind, session, ended)).unwrap()
}

#[test]
fn a_request_comes_back_as_it_was_asked_and_then_with_what_became_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 5);
    let (asked, plan) = (permission("p1", 3, 10), question("q1", 4, 20));
    let both = vec![
        RequestChange::Asked(asked.clone()),
        RequestChange::Asked(plan.clone()),
    ];
    change(&store, &log, both);
    let record = |row: &RequestRow| RequestRecord {
        session: session(1),
        sequence: row.sequence,
        asked: row.asked,
        request: row.pending.clone(),
        previews: row.previews.clone(),
        state: "pending".into(),
        decided_by: String::new(),
        ended: None,
    };
    let all = [record(&asked), record(&plan)];
    assert_eq!(list(&store, None, None, false), all);
    drop(log);
    store.close();

    let (store, _) = open(directory.path());
    assert_eq!(list(&store, None, None, false), all);
    let log = block_on(store.open_log(session(1))).unwrap().unwrap().log;
    let later = RequestChange::Extended {
        id: "p1".into(),
        expires_at: Timestamp(500),
    };
    change(&store, &log, vec![later]);
    let waiting = list(&store, None, None, false);
    assert_eq!(waiting[0].request.expires_at(), Some(Timestamp(500)));
    assert_eq!(waiting[1], all[1]);
    change(&store, &log, vec![ended("p1", "denied", 70)]);
    assert_eq!(ids(&list(&store, None, None, false)), ["q1"]);
    let everything = list(&store, None, None, true);
    assert_eq!(ids(&everything), ["p1", "q1"]);
    let denied = &everything[0];
    assert_eq!(denied.state, "denied");
    assert_eq!(denied.decided_by, "you at a terminal");
    assert_eq!(denied.ended, Some(Timestamp(70)));

    // An agent that was restarted counts from the beginning again.
    change(
        &store,
        &log,
        vec![RequestChange::Asked(permission("p1", 5, 90))],
    );
    let again = list(&store, None, None, true);
    assert_eq!(ids(&again), ["q1", "p1"]);
    assert_eq!((again[1].state.as_str(), again[1].ended), ("pending", None));
}

#[test]
fn requests_are_listed_by_kind_and_session_the_oldest_first() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let one = add_session(&store, 1, 9);
    let other = add_session(&store, 2, 9);
    let asked = |row| RequestChange::Asked(row);
    let requests = vec![asked(permission("c", 3, 30)), asked(question("a", 1, 10))];
    change(&store, &one, requests);
    let requests = vec![
        asked(permission("b", 2, 20)),
        asked(permission("d", 3, 40)),
        ended("d", "expired", 50),
    ];
    change(&store, &other, requests);
    let (permissions, questions) = (Some(RequestKind::Permission), Some(RequestKind::Question));
    let table = [
        (None, None, false, vec!["a", "b", "c"]),
        (None, None, true, vec!["a", "b", "c", "d"]),
        (permissions, None, false, vec!["b", "c"]),
        (questions, None, true, vec!["a"]),
        (None, Some(session(1)), true, vec!["a", "c"]),
        (permissions, Some(session(2)), false, vec!["b"]),
        (permissions, Some(session(2)), true, vec!["b", "d"]),
        (questions, Some(session(2)), true, vec![]),
        (None, Some(session(3)), true, vec![]),
    ];
    for (kind, session, ended, expected) in table {
        let listed = list(&store, kind, session, ended);
        assert_eq!(ids(&listed), expected, "{kind:?} {session:?} {ended}");
    }
}

#[test]
fn a_request_is_found_by_its_whole_id_first_and_else_by_its_beginning() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let one = add_session(&store, 1, 9);
    let other = add_session(&store, 2, 9);
    let names = ["ab", "abc", "abd", "abé", "b%_", "b'\"", "q"];
    let asked = names
        .iter()
        .zip(1..)
        .map(|(id, at)| RequestChange::Asked(permission(id, 1, at)));
    change(&store, &one, asked.collect());
    let more = vec![
        RequestChange::Asked(question("q", 1, 50)),
        RequestChange::Asked(question("qu", 1, 51)),
        ended("qu", "answered", 60),
    ];
    change(&store, &other, more);
    let (permissions, questions) = (Some(RequestKind::Permission), Some(RequestKind::Question));
    let table = [
        ("ab", None, vec!["ab"]),
        ("abc", None, vec!["abc"]),
        ("a", None, vec!["ab", "abc", "abd"]),
        ("abé", None, vec!["abé"]),
        ("b", None, vec!["b%_", "b'\""]),
        ("b%", None, vec!["b%_"]),
        ("b_", None, vec![]),
        ("B", None, vec![]),
        ("", None, vec![]),
        ("zz", None, vec![]),
        ("q", None, vec!["q", "q"]),
        ("q", permissions, vec!["q"]),
        ("qu", questions, vec!["qu"]),
        ("qu", permissions, vec![]),
    ];
    for (prefix, kind, expected) in table {
        let found = block_on(store.find_requests(prefix, kind)).unwrap();
        assert_eq!(ids(&found), expected, "{prefix} {kind:?}");
    }
}

#[test]
fn looking_for_an_id_and_for_what_waits_goes_by_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    store.close();
    let connection = Connection::open(directory.path().join("log.db")).unwrap();
    let plan = |query: &str| -> String {
        let query = format!("EXPLAIN QUERY PLAN {query}");
        let mut statement = connection.prepare(&query).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan += &row.get::<_, String>(3).unwrap();
            plan += "; ";
        }
        plan
    };
    for (query, index) in [
        (find_query(IS), "requests_id (id=?)"),
        (find_query(BEGINS), "requests_id (id>? AND id<?)"),
        (list_query(false, false, false), "requests_pending"),
        (list_query(true, false, false), "requests_pending"),
    ] {
        let plan = plan(&query);
        assert!(plan.contains(index), "{query}: {plan}");
    }
}

#[test]
fn requests_go_with_their_session_and_decisions_stay() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 5);
    let other = add_session(&store, 2, 5);
    let asked = (0..100).map(|at| RequestChange::Asked(permission(&format!("r{at}"), 1, at)));
    change(&store, &log, asked.collect());
    change(
        &store,
        &other,
        vec![RequestChange::Asked(permission("r1", 1, 1))],
    );
    let mut append = Append::new(Arc::clone(&log), Timestamp(9));
    append.audit = vec![decision(&log, 7, "r1"), decision(&log, 8, "r2")];
    append.delete = true;
    wait(store.append(append)).unwrap();
    assert_eq!(ids(&list(&store, None, None, true)), ["r1"]);
    assert_eq!(block_on(store.find_requests("r", None)).unwrap().len(), 1);
    drop(log);
    store.close();

    let (store, _) = open(directory.path());
    let file = Connection::open(directory.path().join("log.db")).unwrap();
    let left = || {
        file.query_row("SELECT count(*) FROM requests", (), |row| {
            row.get::<_, i64>(0)
        })
        .unwrap()
    };
    let log = block_on(store.open_log(session(2))).unwrap().unwrap().log;
    while left() > 1 {
        wait(store.append(more(&log, 1, 1))).unwrap();
    }
    let decisions = block_on(store.list_audit(Some(session(1)), 0, 0)).unwrap();
    let requests: Vec<_> = decisions
        .iter()
        .map(|entry| entry.request.0.as_str())
        .collect();
    assert_eq!(requests, ["r2", "r1"]);
    let RequestId(request) = &decisions[1].request;
    assert_eq!((request.as_str(), decisions[1].time), ("r1", Timestamp(7)));
    assert_eq!(decisions[1].session, session(1));
    assert_eq!(decisions[1].input_sha256, "ab".repeat(32));
    assert_eq!(decisions[1].outcome, "allowed");
}

#[test]
fn decisions_are_listed_the_newest_first_in_pages() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let logs = [add_session(&store, 1, 1), add_session(&store, 2, 1)];
    for number in 0..20 {
        let log = &logs[usize::from(number % 4 == 0)];
        let mut append = Append::new(Arc::clone(log), Timestamp(1));
        append.audit = vec![decision(log, number, &format!("r{number}"))];
        wait(store.append(append)).unwrap();
    }
    let page = |session, before, limit| block_on(store.list_audit(session, before, limit)).unwrap();
    for which in [None, Some(session(1)), Some(session(2))] {
        let whole = page(which, 0, 0);
        assert_eq!(
            whole.len(),
            match which {
                None => 20,
                Some(id) if id == session(1) => 15,
                Some(_) => 5,
            }
        );
        assert!(whole.is_sorted_by(|newer, older| newer.id > older.id && newer.time > older.time));
        let (mut pages, mut before) = (Vec::new(), 0);
        loop {
            let next = page(which, before, 3);
            let Some(last) = next.last() else { break };
            before = last.id;
            assert!(next.len() <= 3);
            pages.extend(next);
        }
        assert_eq!(pages, whole);
    }
}

#[test]
fn what_is_old_is_forgotten_unless_it_still_waits() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let log = add_session(&store, 1, 1);
    let mut append = Append::new(Arc::clone(&log), Timestamp(1));
    append.audit = (0..200).map(|at| decision(&log, at, "r")).collect();
    for at in 0..100 {
        let id = format!("r{at}");
        append
            .requests
            .push(RequestChange::Asked(permission(&id, 1, at)));
        if at % 2 == 0 {
            append.requests.push(ended(&id, "allowed", at + 50));
        }
    }
    wait(store.append(append)).unwrap();
    store.prune_audit(Timestamp(120));
    while block_on(store.list_audit(None, 0, 0)).unwrap().len() > 80
        || list(&store, None, None, true).len() > 65
    {
        wait(store.append(more(&log, 1, 1))).unwrap();
    }
    let oldest = block_on(store.list_audit(None, 0, 0))
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(oldest.time, Timestamp(120));
    let left = list(&store, None, None, true);
    assert_eq!(
        left.iter().filter(|record| record.ended.is_none()).count(),
        50
    );
    assert!(
        left.iter()
            .all(|record| record.ended.is_none_or(|at| at >= Timestamp(120)))
    );
    assert_eq!(left.len(), 65);
}
