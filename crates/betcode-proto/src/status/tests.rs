//! Refusals are the same on either path, and any other status is still readable.

use betcode_core::id::{IdempotencyKey, MessageId, SessionId};
use uuid::Uuid;

use super::*;

fn limited() -> Rejected {
    Rejected::Limited {
        what: "messages",
        limit: 20,
        per: "a minute",
        retry_after_ms: 1_500,
        reset_ms: 60_000,
    }
}

fn every_rejection() -> Vec<(Rejected, Code, &'static str)> {
    let session = SessionId(Uuid::from_u128(1));
    vec![
        (
            Rejected::UnknownSession(session),
            Code::NotFound,
            "SESSION_NOT_FOUND",
        ),
        (
            Rejected::SessionClosed(session),
            Code::NotFound,
            "SESSION_CLOSED",
        ),
        (
            Rejected::SessionExists(session),
            Code::AlreadyExists,
            "SESSION_EXISTS",
        ),
        (
            Rejected::WrongMessage {
                id: MessageId(Uuid::from_u128(2)),
                expected: "queued",
            },
            Code::FailedPrecondition,
            "MESSAGE_STATE",
        ),
        (
            Rejected::Invalid {
                field: "cwd",
                problem: "is not absolute".into(),
            },
            Code::InvalidArgument,
            "INVALID_FIELD",
        ),
        (
            Rejected::KeyReused(IdempotencyKey(Uuid::from_u128(3))),
            Code::InvalidArgument,
            "KEY_REUSED",
        ),
        (
            Rejected::UnknownRequest("r".into()),
            Code::FailedPrecondition,
            "REQUEST_UNKNOWN",
        ),
        (
            Rejected::RequestEnded {
                id: "r".into(),
                how: "denied by betcode (here)".into(),
                outcome: "denied".into(),
            },
            Code::FailedPrecondition,
            "REQUEST_ENDED",
        ),
        (
            Rejected::NotHolder {
                session: SessionId(Uuid::nil()),
                holder: "betcode (here)".into(),
                refused: true,
            },
            Code::PermissionDenied,
            "LOCK_HELD",
        ),
        (
            Rejected::NoLockRequest("nobody asks for the input lock".into()),
            Code::FailedPrecondition,
            "LOCK_NOT_REQUESTED",
        ),
        (
            Rejected::InsideAgent("answer a request"),
            Code::PermissionDenied,
            "INSIDE_AGENT",
        ),
        (limited(), Code::ResourceExhausted, "RATE_LIMITED"),
        (
            Rejected::Agent {
                message: "claude is not installed".into(),
                hint: "npm install …".into(),
            },
            Code::FailedPrecondition,
            "AGENT_UNAVAILABLE",
        ),
        (
            Rejected::Unsupported("demo has no modes".into()),
            Code::FailedPrecondition,
            "UNSUPPORTED",
        ),
        (
            Rejected::TurnRunning("stop it first"),
            Code::FailedPrecondition,
            "TURN_RUNNING",
        ),
        (
            Rejected::Unavailable("shutting down".into()),
            Code::Unavailable,
            "UNAVAILABLE",
        ),
    ]
}

#[test]
fn every_rejection_has_its_code_and_reason() {
    for (rejected, code, reason) in every_rejection() {
        let refusal = Refusal::from(rejected);
        assert_eq!((refusal.code, refusal.reason.as_str()), (code, reason));
    }
}

#[test]
fn a_refusal_says_the_same_as_a_status_and_in_band() {
    for (rejected, ..) in every_rejection() {
        let refusal = Refusal::from(rejected);
        assert_eq!(Refusal::from(&Status::from(refusal.clone())), refusal);
        assert_eq!(Refusal::from(v1::Refused::from(refusal.clone())), refusal);
    }
}

#[test]
fn the_hint_and_the_field_travel_along() {
    let refusal = Refusal::from(&Status::from(Refusal::from(Rejected::Agent {
        message: "not logged in".into(),
        hint: "run `claude login`".into(),
    })));
    assert_eq!(refusal.hint, "run `claude login`");
    assert!(refusal.metadata.is_empty());
    let refusal = Refusal::from(Rejected::Invalid {
        field: "cwd",
        problem: "is not absolute".into(),
    });
    assert_eq!(refusal.metadata["field"], "cwd");
    assert_eq!(refusal.message, "cwd: is not absolute");
}

#[test]
fn the_holder_of_the_lock_is_named_and_how_to_ask_is_said() {
    let refusal = Refusal::from(Rejected::NotHolder {
        session: SessionId(Uuid::from_u128(7)),
        holder: "betcode (here)".into(),
        refused: false,
    });
    assert_eq!(refusal.metadata["holder"], "betcode (here)");
    assert_eq!(refusal.metadata["refused"], "false");
    assert!(
        refusal
            .hint
            .ends_with("betcode lock request 00000000-0000-0000-0000-000000000007")
    );
}

#[test]
fn how_a_request_ended_is_said_for_programs() {
    let refusal = Refusal::from(Rejected::RequestEnded {
        id: "r".into(),
        how: "denied by betcode (here)".into(),
        outcome: "denied".into(),
    });
    assert_eq!(refusal.metadata["request"], "r");
    assert_eq!(refusal.metadata["outcome"], "denied");
}

#[test]
fn how_a_limit_stands_is_in_the_metadata_and_in_the_headers() {
    let expected = [
        ("rate-limit-limit", "20"),
        ("rate-limit-remaining", "0"),
        ("rate-limit-reset", "60000"),
        ("retry-after-ms", "1500"),
    ];
    let status = Status::from(Refusal::from(limited()));
    for (key, value) in expected {
        assert_eq!(status.metadata().get(key).unwrap(), value);
    }
    assert_eq!(status.metadata().len(), expected.len());
    let refusal = Refusal::from(&status);
    let said: Vec<_> = refusal
        .metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(said, expected);
}

#[test]
fn no_other_refusal_has_headers_of_its_own() {
    let status = Status::from(Refusal::from(Rejected::NoLockRequest("no".into())));
    assert!(status.metadata().is_empty());
}

#[test]
fn a_status_of_another_origin_has_a_message_but_no_reason() {
    for details in [&b""[..], b"\xff\xff", b"garbage"] {
        let status = Status::with_details(Code::Unknown, "broken", details.to_vec().into());
        let refusal = Refusal::from(&status);
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (Code::Unknown, "broken")
        );
        assert_eq!(refusal.reason, "");
    }
}

#[test]
fn a_very_long_message_is_cut_between_characters_so_that_it_fits_into_headers() {
    let status = Status::from(Refusal::new(
        Code::Internal,
        reason::INTERNAL,
        "é".repeat(5_000),
    ));
    assert!(status.message().len() < 1_100);
    assert!(status.message().ends_with("é…"));
    assert!(status.details().len() < 2_500);
}
