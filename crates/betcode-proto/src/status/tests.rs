//! Refusals are the same on either path, and any other status is still readable.

use betcode_core::id::{IdempotencyKey, MessageId, SessionId};
use uuid::Uuid;

use super::*;

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
