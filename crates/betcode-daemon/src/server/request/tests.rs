//! The service over a real store: lists, prefixes, and how a request is told that is not there.

use std::path::Path;
use std::sync::Arc;

use betcode_core::event::{PermissionRequest, Question, Status, Usage};
use betcode_core::id::{AgentName, LogEpoch, Sequence, SessionId};
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1;
use betcode_proto::v1::request_service_server::RequestService as _;
use tonic::{Code, Request};
use uuid::Uuid;

use super::RequestServer;
use crate::store::{Append, AuditRow, RequestChange, RequestRow, Store, StoreOptions, SummaryRow};

const PERMISSION: i32 = v1::RequestKind::Permission as i32;
const QUESTION: i32 = v1::RequestKind::Question as i32;

fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

fn permission(id: &str) -> Pending {
    Pending::Permission(PermissionRequest {
        id: id.into(),
        tool: "Bash".into(),
        tool_call: None,
        input: serde_json::json!({"command": "ls"}),
        description: String::new(),
        suggested_rules: Vec::new(),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

fn question(id: &str) -> Pending {
    Pending::Question(Question {
        id: id.into(),
        tool_call: None,
        items: Vec::new(),
        plan: None,
        input: serde_json::json!({}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

/// A session with these requests, and a decision about each.
async fn add(store: &Store, number: u128, requests: Vec<Pending>) {
    let id = session(number);
    let log = store.new_log(id);
    let mut append = Append::new(Arc::clone(&log), Timestamp(1));
    append.create = true;
    append.summary = Some(SummaryRow {
        id,
        agent: AgentName::from("demo"),
        cwd: "/".into(),
        title: String::new(),
        model: String::new(),
        status: Status::Idle,
        created: Timestamp(1),
        updated: Timestamp(1),
        turns: 0,
        agent_session: String::new(),
        trimmed_up_to: Sequence(0),
        totals: Usage::default(),
        retry_at: None,
    });
    for (pending, at) in requests.into_iter().zip(1..) {
        append.audit.push(AuditRow {
            time: Timestamp(at),
            session: id,
            tool: "Bash".into(),
            input_preview: "{}".into(),
            input_sha256: String::new(),
            outcome: "allowed".into(),
            by: "you".into(),
            request: match &pending {
                Pending::Permission(request) => request.id.clone(),
                Pending::Question(question) => question.id.clone(),
            },
        });
        append.requests.push(RequestChange::Asked(RequestRow {
            sequence: Sequence(at.unsigned_abs()),
            asked: Timestamp(at),
            pending,
            previews: Vec::new(),
        }));
    }
    store.append(append).await.unwrap().unwrap();
}

async fn server(directory: &Path) -> RequestServer {
    let epoch = LogEpoch(Uuid::from_u128(7));
    let (store, _) = Store::open(directory, epoch, StoreOptions::default()).unwrap();
    let requests = vec![
        permission("abc1"),
        permission("abc2"),
        question("abq"),
        permission("ab"),
    ];
    add(&store, 1, requests).await;
    add(&store, 2, vec![permission("same"), question("qu")]).await;
    add(&store, 3, vec![permission("same")]).await;
    RequestServer::new(store)
}

async fn get(server: &RequestServer, id: &str, kind: i32) -> Result<String, Refusal> {
    let request = v1::GetRequestRequest {
        id: id.to_owned(),
        kind,
    };
    let found = server.get_request(Request::new(request)).await;
    let found = found.map_err(|status| Refusal::from(&status))?;
    let record = found.into_inner().request.unwrap();
    Ok(match record.request.unwrap() {
        v1::request_record::Request::Permission(request) => request.id,
        v1::request_record::Request::Question(question) => question.id,
    })
}

#[tokio::test]
async fn one_request_is_found_by_its_id_or_the_beginning_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path()).await;
    for (id, kind, expected) in [
        ("ab", 0, "ab"),
        ("ab", PERMISSION, "ab"),
        ("ab", QUESTION, "abq"),
        ("abc2", 0, "abc2"),
        ("q", 0, "qu"),
    ] {
        assert_eq!(
            get(&server, id, kind).await.unwrap(),
            expected,
            "{id} {kind}"
        );
    }
}

#[tokio::test]
async fn what_is_no_single_request_is_refused_with_the_way_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path()).await;
    let refused = async |id, kind| get(&server, id, kind).await.unwrap_err();

    let several = refused("abc", 0).await;
    assert_eq!(several.code, Code::InvalidArgument);
    assert_eq!(several.reason, reason::REQUEST_AMBIGUOUS);
    assert_eq!(
        several.message,
        "abc fits several requests, among them abc1, abc2"
    );
    assert_eq!(several.metadata["candidates"], "abc1, abc2");
    assert_eq!(several.hint, "give more of the id");

    let same = refused("same", PERMISSION).await;
    assert_eq!(same.reason, reason::REQUEST_AMBIGUOUS);
    for number in [2, 3] {
        let named = format!("same of session {}", session(number));
        assert!(same.message.contains(&named), "{}", same.message);
    }

    for (id, kind, hint) in [
        ("zzz", 0, "betcode permission list"),
        ("qu", PERMISSION, "betcode permission list"),
        ("same", QUESTION, "betcode question list"),
    ] {
        let unknown = refused(id, kind).await;
        assert_eq!(unknown.code, Code::FailedPrecondition);
        assert_eq!(unknown.reason, reason::REQUEST_UNKNOWN);
        assert!(
            unknown.message.ends_with(id) && unknown.hint.contains(hint),
            "{unknown:?}"
        );
    }
    for (id, kind) in [("", 0), ("ab", 99)] {
        let invalid = refused(id, kind).await;
        assert_eq!(invalid.code, Code::InvalidArgument);
        assert_eq!(invalid.reason, reason::INVALID_FIELD);
    }
}

#[tokio::test]
async fn requests_and_decisions_are_listed_for_all_sessions_or_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(directory.path()).await;
    let two = bytes::Bytes::copy_from_slice(session(2).0.as_bytes());
    for (kind, session_id, expected) in [
        (0, bytes::Bytes::new(), 7),
        (QUESTION, bytes::Bytes::new(), 2),
        (PERMISSION, two.clone(), 1),
        (0, two.clone(), 2),
    ] {
        let request = v1::ListRequestsRequest {
            kind,
            session_id,
            ended: false,
        };
        let listed = server.list_requests(Request::new(request)).await.unwrap();
        assert_eq!(listed.into_inner().requests.len(), expected);
    }
    let audit = async |session_id: &bytes::Bytes, limit, before| {
        let request = v1::ListAuditRequest {
            session_id: session_id.clone(),
            limit,
            before,
        };
        let listed = server.list_audit(Request::new(request)).await?;
        Ok::<_, tonic::Status>(listed.into_inner().entries)
    };
    assert_eq!(audit(&bytes::Bytes::new(), 0, 0).await.unwrap().len(), 7);
    let newest = audit(&two, 1, 0).await.unwrap();
    assert_eq!(newest[0].request_id, "qu");
    let before = audit(&two, 5, newest[0].id).await.unwrap();
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].request_id, "same");
    let malformed = bytes::Bytes::from_static(b"no id");
    let refused = audit(&malformed, 0, 0).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}
