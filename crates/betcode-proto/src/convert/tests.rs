//! Commands and summaries survive the wire; half a command is refused by the name of its field.

use std::collections::BTreeMap;

use betcode_core::command::{
    Action, AgentFlags, Command, Environment, LaunchOptions, PermissionAnswer, QuestionAnswer,
    StartSession,
};
use betcode_core::event::{
    Answer, Attachment, ClientInfo, ClientKind, PermissionScope, Status, StopReason, TurnPolicy,
    Usage,
};
use betcode_core::id::{AgentName, ClientId, IdempotencyKey, MessageId, Sequence, SessionId};
use betcode_core::reading::{Overage, UsageReading, UsageWindow};
use betcode_core::time::Timestamp;
use prost::Message as _;
use serde_json::json;

use super::feed::{
    FeedBody, FeedEntry, PendingRequest, TurnEnded, UsageNews, decode_feed_list, encode_feed_list,
};
use super::notify::{ListedNotification, Notification, NotificationList, Pause};
use super::reading::SessionReading;
use super::session::Summary;
use super::*;
use crate::v1;
use crate::v1::command::Action as Wire;

fn launch() -> LaunchOptions {
    LaunchOptions {
        model: "m".into(),
        permission_mode: "plan".into(),
        append_system_prompt: "be brief".into(),
        max_turns: Some(0),
        allowed_tools: vec!["Bash".into()],
        disallowed_tools: vec!["Read".into(), "Edit".into()],
        command: vec!["demo".into(), "--flag".into()],
        flags: AgentFlags {
            fallback_model: "a,b".into(),
            effort: "low".into(),
            system_prompt: "be a poet".into(),
            tools: Some(String::new()),
            max_budget_microdollars: Some(0),
            add_dirs: vec!["/opt".into()],
            mcp_configs: vec!["/etc/mcp.json".into()],
            strict_mcp_config: true,
            agents: "{}".into(),
            persona: "reviewer".into(),
            json_schema: "{}".into(),
        },
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
            attachments: vec![
                Attachment {
                    name: "a.png".into(),
                    media_type: "image/png".into(),
                    size: 3,
                    ..Attachment::default()
                },
                Attachment::new("b.webp", "image/webp", b"RIFF"),
            ],
            policy: TurnPolicy {
                unattended: true,
                allowed_tools: vec!["Bash".into()],
                disallowed_tools: vec![],
                only_allowed: true,
                wait_ms: Some(0),
            },
        },
        Action::SendAgain { message_id },
        Action::RemoveQueued { message_id },
        Action::EditQueued {
            message_id,
            text: "better".into(),
        },
        permission(PermissionAnswer::Allow {
            scope: PermissionScope::Once,
            input: None,
        }),
        permission(PermissionAnswer::Allow {
            scope: PermissionScope::Session,
            input: Some(json!({})),
        }),
        permission(PermissionAnswer::Allow {
            scope: PermissionScope::Always,
            input: Some(json!({"command": "ls", "n": 1.5})),
        }),
        permission(PermissionAnswer::Deny {
            message: "no".into(),
            interrupt: true,
        }),
        question(QuestionAnswer::Answered(vec![])),
        question(QuestionAnswer::Answered(vec![Answer {
            question: "Which?".into(),
            selected: vec!["A".into(), "B".into()],
            text: "or C".into(),
        }])),
        question(QuestionAnswer::Declined {
            message: "later".into(),
        }),
        Action::RequestLock,
        Action::ReleaseLock,
        Action::AnswerLock {
            client: ClientId(Uuid::from_u128(8)),
            grant: true,
        },
        Action::Compact { trim: true },
        Action::Clear,
        Action::Reopen {
            environment: Environment(BTreeMap::from([("A".into(), "b".into())])),
        },
        Action::Cancel,
        Action::StopTask { id: "b1".into() },
        Action::SetModel { model: "m".into() },
        Action::SetPermissionMode { mode: "x".into() },
        Action::Rename { title: "t".into() },
        Action::Close,
        Action::Delete,
    ]
}

fn permission(answer: PermissionAnswer) -> Action {
    Action::AnswerPermission {
        id: "r".into(),
        answer,
    }
}

fn question(answer: QuestionAnswer) -> Action {
    Action::AnswerQuestion {
        id: "q".into(),
        answer,
    }
}

fn command(action: Action) -> Command {
    Command {
        session: SessionId(Uuid::from_u128(1)),
        key: IdempotencyKey(Uuid::from_u128(2)),
        client: ClientInfo {
            name: "test".into(),
            place: "here".into(),
            id: ClientId(Uuid::from_u128(4)),
            kind: ClientKind::OneShot,
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

/// Why the wire form of an action is refused.
fn refused(action: Wire) -> String {
    Action::try_from(action).unwrap_err().to_string()
}

#[test]
fn a_client_is_read_strictly_and_no_id_is_the_nil_id() {
    let read = |client| {
        Command::try_from(v1::Command {
            client,
            ..v1::Command::from(command(Action::Cancel))
        })
    };
    let sender = |id: &'static [u8], kind| {
        Some(v1::ClientInfo {
            id: Bytes::from_static(id),
            kind,
            ..v1::ClientInfo::default()
        })
    };
    assert_eq!(read(None).unwrap().client, ClientInfo::default());
    assert!(read(sender(b"", 0)).unwrap().client.id.is_nil());
    assert_eq!(
        read(sender(b"abc", 0)).unwrap_err().to_string(),
        "client.id: must be 16 bytes, not 3"
    );
    assert_eq!(
        read(sender(b"", 99)).unwrap_err(),
        WireError::new("client.kind", Problem::UnknownKind)
    );
    let long = v1::ClientInfo {
        place: "x".repeat(1025),
        ..v1::ClientInfo::default()
    };
    assert_eq!(
        read(Some(long)).unwrap_err().to_string(),
        "client.place: is too large: 1025 bytes, and at most 1024 are allowed"
    );
}

#[test]
fn a_client_in_an_event_is_read_although_its_id_or_kind_is_none() {
    let client = ClientInfo::from(v1::ClientInfo {
        name: "n".into(),
        id: Bytes::from_static(b"abc"),
        kind: 99,
        ..v1::ClientInfo::default()
    });
    let nameless = ClientInfo {
        name: "n".into(),
        ..ClientInfo::default()
    };
    assert_eq!(client, nameless);
}

#[test]
fn an_answer_without_request_or_content_is_refused_by_the_name_of_the_field() {
    let unnamed = v1::AnswerPermission {
        id: String::new(),
        answer: Some(v1::answer_permission::Answer::Deny(v1::DenyTool::default())),
    };
    assert_eq!(refused(Wire::AnswerPermission(unnamed)), "id: is missing");
    let long = v1::AnswerQuestion {
        id: "q".repeat(1025),
        answer: Some(v1::answer_question::Answer::Answered(v1::Answers::default())),
    };
    assert_eq!(
        refused(Wire::AnswerQuestion(long)),
        "id: is too large: 1025 bytes, and at most 1024 are allowed"
    );
    let empty = "answer: is missing, or of a kind that this version does not know";
    let nothing = v1::AnswerPermission {
        id: "r".into(),
        answer: None,
    };
    assert_eq!(refused(Wire::AnswerPermission(nothing)), empty);
    let nothing = v1::AnswerQuestion {
        id: "q".into(),
        answer: None,
    };
    assert_eq!(refused(Wire::AnswerQuestion(nothing)), empty);
}

#[test]
fn an_allowance_of_unknown_scope_or_with_an_input_that_is_no_object_is_refused() {
    let allow = |scope, input: &str| {
        Action::try_from(Wire::AnswerPermission(v1::AnswerPermission {
            id: "r".into(),
            answer: Some(v1::answer_permission::Answer::Allow(v1::AllowTool {
                scope,
                input_json: input.into(),
            })),
        }))
    };
    assert_eq!(
        allow(0, ""),
        Ok(permission(PermissionAnswer::Allow {
            scope: PermissionScope::Once,
            input: None,
        }))
    );
    assert_eq!(
        allow(99, ""),
        Err(WireError::new("allow.scope", Problem::UnknownKind))
    );
    for wrong in ["{oops", "[]", "1", "null", "\"{}\"", "{} {}"] {
        assert_eq!(
            allow(1, wrong),
            Err(WireError::new("allow.input_json", Problem::NotAnObject)),
            "{wrong}"
        );
    }
}

#[test]
fn the_id_of_whoever_asks_for_the_lock_must_be_one() {
    let answer = v1::AnswerLock {
        client_id: Bytes::new(),
        grant: true,
    };
    assert_eq!(refused(Wire::AnswerLock(answer)), "client_id: is missing");
}

#[test]
fn what_is_attached_must_be_an_image_of_a_size_that_agents_take() {
    let attached = |media_type: &str, sizes: &[usize]| {
        let image = |size: &usize| v1::Attachment {
            media_type: media_type.into(),
            content: vec![0; *size].into(),
            ..v1::Attachment::default()
        };
        refused(Wire::Message(v1::SendMessage {
            text: "look".into(),
            attachments: sizes.iter().map(image).collect(),
            ..v1::SendMessage::default()
        }))
    };
    assert_eq!(
        attached("image/svg+xml", &[1]),
        "attachments.media_type: must be image/png, image/jpeg, image/gif or image/webp"
    );
    assert_eq!(
        attached("image/png", &[(5 << 20) + 1]),
        "attachments.content: is too large: 5242881 bytes, and at most 5242880 are allowed"
    );
    assert_eq!(
        attached("image/png", &[5 << 20; 5]),
        "attachments: is too large: 26214400 bytes, and at most 20971520 are allowed"
    );
}

#[test]
fn a_text_that_is_too_large_is_refused_by_the_name_of_the_field() {
    let text = "x".repeat((8 << 20) + 1);
    let deny = v1::AnswerPermission {
        id: "r".into(),
        answer: Some(v1::answer_permission::Answer::Deny(v1::DenyTool {
            message: text.clone(),
            interrupt: false,
        })),
    };
    assert_eq!(
        refused(Wire::AnswerPermission(deny)),
        "deny.message: is too large: 8388609 bytes, and at most 8388608 are allowed"
    );
    let selected = vec![text.clone()];
    let answer = v1::AnswerQuestion {
        id: "q".into(),
        answer: Some(v1::answer_question::Answer::Answered(v1::Answers {
            answers: vec![v1::Answer {
                selected,
                ..v1::Answer::default()
            }],
        })),
    };
    assert!(refused(Wire::AnswerQuestion(answer)).starts_with("answered.answers: is too large"));
    let whole = v1::SendMessage {
        text: text.repeat(4),
        ..v1::SendMessage::default()
    };
    assert!(refused(Wire::Message(whole)).starts_with("text: is too large"));
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
        retry_at: Some(Timestamp(5_000_000)),
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

fn reading() -> SessionReading {
    let window = UsageWindow {
        utilization: Some(0.0),
        resets_at: Some(Timestamp(2)),
        status: "allowed".into(),
        surpassed_threshold: Some(0.5),
    };
    SessionReading {
        session_id: SessionId(Uuid::from_u128(1)),
        agent: "claude".into(),
        account: "max".into(),
        observed_at: Timestamp(3),
        reading: UsageReading {
            source: "rate_limit_event".into(),
            status: "rejected".into(),
            limit: "five_hour".into(),
            utilization: Some(1.0),
            resets_at: Some(Timestamp(4)),
            surpassed_threshold: Some(0.9),
            windows: [("five_hour".to_owned(), window)].into(),
            overage: Overage {
                in_use: Some(false),
                status: "allowed".into(),
                resets_at: Some(Timestamp(5)),
                disabled_reason: "off".into(),
            },
            raw: serde_json::json!({"status": "rejected"}),
        },
    }
}

fn notification() -> Notification {
    Notification {
        id: Some(5),
        kind: "permission".into(),
        session_id: Some(SessionId(Uuid::from_u128(1))),
        request_id: Some("r".into()),
        title: "Permission Required".into(),
        body: "BetCode wants to run: ls".into(),
        choices: vec!["allow".into(), "a word of tomorrow".into()],
        at: Some(Timestamp(3)),
        replaces: Some(4),
    }
}

#[test]
fn a_list_of_notifications_is_the_same_after_the_wire() {
    let list = NotificationList {
        notifications: vec![
            ListedNotification {
                notification: notification(),
                state: "claimed".into(),
                client_id: Some(ClientId(Uuid::from_u128(2))),
                until: Some(Timestamp(9)),
            },
            ListedNotification {
                notification: Notification {
                    id: None,
                    ..notification()
                },
                state: "held".into(),
                client_id: None,
                until: None,
            },
        ],
        snooze: Some(Pause {
            until: Some(Timestamp(8)),
        }),
    };
    let wire = v1::ListNotificationsResponse::from(list.clone());
    assert_eq!(NotificationList::try_from(wire), Ok(list));
}

#[test]
fn an_entry_of_the_feed_is_the_same_after_the_wire() {
    let request = PendingRequest {
        session_id: SessionId(Uuid::from_u128(1)),
        request_id: "r".into(),
        tool: "Bash".into(),
        description: "ls".into(),
        expires_at: Some(Timestamp(0)),
        outcome: "expired".into(),
        hours: 24,
    };
    let bodies = [
        FeedBody::SessionChanged {
            session: Box::new(summary()),
        },
        FeedBody::SessionDeleted {
            session_id: SessionId(Uuid::from_u128(3)),
        },
        FeedBody::RequestPending(request.clone()),
        FeedBody::RequestResolved(request.clone()),
        FeedBody::RequestReminder(request),
        FeedBody::UsageReading(Box::new(reading())),
        FeedBody::UsageReading(Box::new(SessionReading {
            reading: UsageReading::default(),
            ..reading()
        })),
        FeedBody::TurnEnded(TurnEnded {
            session_id: SessionId(Uuid::from_u128(1)),
            title: "Files".into(),
            stop_reason: StopReason::MaxTurns,
            error: "no".into(),
            duration_ms: 7,
            attended: true,
        }),
        FeedBody::NotificationOffered {
            notification: notification(),
            again: true,
        },
        FeedBody::NotificationUpdated {
            notification: Notification {
                session_id: None,
                request_id: None,
                replaces: None,
                ..notification()
            },
        },
        FeedBody::NotificationEnded { id: 5 },
        FeedBody::UsageNews(UsageNews {
            subject: "usage/claude/default".into(),
            kind: "offline".into(),
            title: "x".into(),
            body: "y".into(),
        }),
        FeedBody::NotificationPause { snooze: None },
        FeedBody::NotificationPause {
            snooze: Some(Pause { until: None }),
        },
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
