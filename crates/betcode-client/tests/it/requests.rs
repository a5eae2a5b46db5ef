//! Requests, decisions, and what of a session waits for somebody.

use betcode_client::{AuditEntry, CallError, RequestKind, RequestRecord, WaitingMessage, connect};
use betcode_core::event::{ClientInfo, PermissionRequest, Question, TurnPolicy, UserInput};
use betcode_core::id::{IdempotencyKey, MessageId, Sequence, SessionId};
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use betcode_proto::convert::id_bytes;
use betcode_proto::convert::lock::Lock;
use betcode_proto::v1;
use uuid::Uuid;

use crate::fake::{Fake, Home};

const SESSION: SessionId = SessionId(Uuid::from_u128(1));

fn record(request: Pending) -> RequestRecord {
    RequestRecord {
        session: SESSION,
        sequence: Sequence(4),
        asked: Timestamp(5),
        request,
        previews: vec![],
        state: "pending".into(),
        decided_by: String::new(),
        ended: None,
    }
}

fn permission() -> RequestRecord {
    record(Pending::Permission(PermissionRequest::from(
        v1::PermissionRequest {
            id: "0198".into(),
            tool: "Bash".into(),
            ..v1::PermissionRequest::default()
        },
    )))
}

fn question() -> RequestRecord {
    record(Pending::Question(Question::from(v1::Question {
        id: "0199".into(),
        ..v1::Question::default()
    })))
}

#[tokio::test]
async fn requests_are_listed_by_kind_and_session() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    let wire = [permission(), question()].map(Into::into);
    fake.answers.requests.lock().unwrap().extend(wire);
    let all = connection.list_requests(None, None, false).await.unwrap();
    assert_eq!(all, [permission(), question()]);
    assert_eq!(
        (all[0].kind(), all[1].kind()),
        (RequestKind::Permission, RequestKind::Question)
    );
    connection
        .list_requests(Some(RequestKind::Question), Some(SESSION), true)
        .await
        .unwrap();
    let asked = fake.answers.asked.lock().unwrap().clone();
    let expected = [
        v1::ListRequestsRequest::default(),
        v1::ListRequestsRequest {
            kind: v1::RequestKind::Question.into(),
            session_id: id_bytes(SESSION.0),
            ended: true,
        },
    ];
    assert_eq!(asked, expected.map(|request| format!("{request:?}")));
}

#[tokio::test]
async fn one_request_is_found_by_the_beginning_of_its_id() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    let error = connection.get_request("01", None).await.unwrap_err();
    assert!(matches!(error, CallError::Unreadable(_)), "{error:?}");
    fake.answers
        .requests
        .lock()
        .unwrap()
        .push(permission().into());
    let found = connection
        .get_request("01", Some(RequestKind::Permission))
        .await;
    assert_eq!(found, Ok(permission()));
    let asked = fake.answers.asked.lock().unwrap().join("\n");
    assert!(asked.contains("id: \"01\", kind: Permission"), "{asked}");
}

#[tokio::test]
async fn the_record_of_decisions_is_read_backwards_in_portions() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    let entry = AuditEntry {
        id: 41,
        time: Timestamp(3),
        session: SESSION,
        tool: "Bash".into(),
        input_preview: "{}".into(),
        input_sha256: "44136f".into(),
        outcome: "allowed".into(),
        by: "betcode (here)".into(),
        request: "r".into(),
    };
    fake.answers
        .audit
        .lock()
        .unwrap()
        .push(entry.clone().into());
    let entries = connection.list_audit(None, 0, None).await.unwrap();
    assert_eq!(entries, [entry]);
    connection
        .list_audit(Some(SESSION), 10, Some(41))
        .await
        .unwrap();
    let asked = fake.answers.asked.lock().unwrap().clone();
    let expected = [
        v1::ListAuditRequest::default(),
        v1::ListAuditRequest {
            session_id: id_bytes(SESSION.0),
            limit: 10,
            before: 41,
        },
    ];
    assert_eq!(asked, expected.map(|request| format!("{request:?}")));
}

#[tokio::test]
async fn a_session_is_shown_with_its_lock_and_its_open_messages() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    fake.answers
        .sessions
        .lock()
        .unwrap()
        .push(v1::SessionSummary {
            id: id_bytes(SESSION.0),
            ..v1::SessionSummary::default()
        });
    let bare = connection.get_session("0").await.unwrap();
    assert_eq!((bare.lock, bare.messages), (Lock::default(), vec![]));
    let lock = Lock {
        holder: Some(ClientInfo {
            name: "betcode".into(),
            ..ClientInfo::default()
        }),
        requests: vec![(ClientInfo::default(), Timestamp(9))],
    };
    let message = WaitingMessage {
        message: UserInput {
            message_id: MessageId(Uuid::from_u128(2)),
            idempotency_key: IdempotencyKey(Uuid::from_u128(2)),
            text: "hi".into(),
            attachments: vec![],
            client: ClientInfo::default(),
            policy: TurnPolicy::default(),
            then_trim: false,
        },
        delivery_unknown: true,
    };
    *fake.answers.lock.lock().unwrap() = Some(lock.clone().into());
    fake.answers
        .messages
        .lock()
        .unwrap()
        .push(message.clone().into());
    let details = connection.get_session("0").await.unwrap();
    assert_eq!((details.lock, details.messages), (lock, vec![message]));
}
