//! Commands and summaries survive the wire; half a command is refused by the name of its field.

use std::collections::BTreeMap;

use betcode_core::command::{Action, Command, Environment, LaunchOptions, StartSession};
use betcode_core::event::{Attachment, ClientInfo, Status, TurnPolicy, Usage};
use betcode_core::id::{AgentName, IdempotencyKey, MessageId, Sequence, SessionId};
use betcode_core::time::Timestamp;
use prost::Message as _;

use super::feed::{FeedBody, FeedEntry, PendingRequest, decode_feed_list, encode_feed_list};
use super::session::Summary;
use super::*;
use crate::v1;

fn launch() -> LaunchOptions {
    LaunchOptions {
        model: "m".into(),
        permission_mode: "plan".into(),
        append_system_prompt: "be brief".into(),
        max_turns: Some(0),
        allowed_tools: vec!["Bash".into()],
        disallowed_tools: vec!["Read".into(), "Edit".into()],
        command: vec!["demo".into(), "--flag".into()],
    }
}

fn actions() -> Vec<Action> {
    let message_id = MessageId(Uuid::from_u128(9));
    vec![
        Action::Start(Box::new(StartSession {
            agent: AgentName::from("demo"),
            cwd: "/tmp".into(),
            title: "t".into(),
            launch: launch(),
            environment: Environment(BTreeMap::from([("A".into(), "b".into())])),
        })),
        Action::Configure(Box::new(launch())),
        Action::Message {
            text: "hi".into(),
            attachments: vec![Attachment {
                name: "a.png".into(),
                media_type: "image/png".into(),
                size: 3,
            }],
            policy: TurnPolicy {
                unattended: true,
                allowed_tools: vec!["Bash".into()],
                disallowed_tools: vec![],
            },
        },
        Action::SendAgain { message_id },
        Action::RemoveQueued { message_id },
        Action::Cancel,
        Action::SetModel { model: "m".into() },
        Action::SetPermissionMode { mode: "x".into() },
        Action::Rename { title: "t".into() },
        Action::Close,
        Action::Delete,
    ]
}

fn command(action: Action) -> Command {
    Command {
        session: SessionId(Uuid::from_u128(1)),
        key: IdempotencyKey(Uuid::from_u128(2)),
        client: ClientInfo {
            name: "test".into(),
            place: "here".into(),
        },
        action,
    }
}

#[test]
fn a_command_is_the_same_after_the_wire() {
    for action in actions() {
        let before = command(action);
        let bytes = v1::Command::from(before.clone()).encode_to_vec();
        let after = Command::try_from(v1::Command::decode(bytes.as_slice()).unwrap());
        assert_eq!(after, Ok(before));
    }
}

#[test]
fn a_command_without_session_key_or_action_is_refused_by_the_name_of_the_field() {
    let whole = v1::Command::from(command(Action::Cancel));
    let refused = |command: v1::Command| Command::try_from(command).unwrap_err().to_string();
    assert_eq!(
        refused(v1::Command {
            session_id: Bytes::new(),
            ..whole.clone()
        }),
        "session_id: is missing"
    );
    assert_eq!(
        refused(v1::Command {
            idempotency_key: Bytes::from_static(b"abc"),
            ..whole.clone()
        }),
        "idempotency_key: must be 16 bytes, not 3"
    );
    assert_eq!(
        refused(v1::Command {
            action: None,
            ..whole
        }),
        "action: is missing, or of a kind that this version does not know"
    );
}

#[test]
fn a_field_that_cannot_be_read_refuses_the_command_as_an_invalid_field() {
    let rejected = Rejected::from(WireError::new("session_id", Problem::Missing));
    assert_eq!(
        rejected,
        Rejected::Invalid {
            field: "session_id",
            problem: "is missing".into()
        }
    );
}

#[test]
fn an_optional_id_is_absent_whole_or_wrong() {
    assert_eq!(read_optional_id("epoch", b""), Ok(None));
    let id = Uuid::from_u128(5);
    assert_eq!(read_optional_id("epoch", &id_bytes(id)), Ok(Some(id)));
    assert_eq!(
        read_optional_id("epoch", b"x"),
        Err(WireError::new("epoch", Problem::WrongLength(1)))
    );
}

fn summary() -> Summary {
    Summary {
        id: SessionId(Uuid::from_u128(1)),
        agent: AgentName::from("demo"),
        cwd: "/tmp".into(),
        title: "t".into(),
        model: "m".into(),
        status: Status::Crashed,
        created: Timestamp(-4),
        updated: Timestamp(5),
        head: Sequence(6),
        turns: 7,
        agent_session: "s".into(),
        totals: Usage {
            cost_usd: 0.1,
            ..Usage::default()
        },
    }
}

#[test]
fn a_summary_is_the_same_after_the_wire() {
    assert_eq!(
        Summary::try_from(v1::SessionSummary::from(summary())),
        Ok(summary())
    );
}

#[test]
fn an_entry_of_the_feed_is_the_same_after_the_wire() {
    let request = PendingRequest {
        session_id: SessionId(Uuid::from_u128(1)),
        request_id: "r".into(),
        tool: "Bash".into(),
        description: "ls".into(),
    };
    let bodies = [
        FeedBody::SessionChanged {
            session: Box::new(summary()),
        },
        FeedBody::SessionDeleted {
            session_id: SessionId(Uuid::from_u128(3)),
        },
        FeedBody::RequestPending(request.clone()),
        FeedBody::RequestResolved(request),
        FeedBody::DaemonStarted {
            version: "1".into(),
            pid: 2,
        },
    ];
    let entries: Vec<_> = (1..)
        .zip(bodies)
        .map(|(number, body)| FeedEntry {
            sequence: Sequence(number),
            timestamp: Timestamp(number.cast_signed()),
            body,
        })
        .collect();
    assert_eq!(
        decode_feed_list(&encode_feed_list(entries.clone())),
        Ok(entries)
    );
}

#[test]
fn an_entry_of_the_feed_that_cannot_be_read_keeps_its_number() {
    let list = v1::FeedList {
        entries: vec![v1::FeedEntry {
            sequence: 4,
            ..v1::FeedEntry::default()
        }],
    };
    let entries = decode_feed_list(&list.encode_to_vec()).unwrap();
    assert_eq!(entries[0].sequence, Sequence(4));
    assert!(matches!(entries[0].body, FeedBody::Unknown { .. }));
    assert!(decode_feed_list(b"\x0a\xff").is_err());
}
