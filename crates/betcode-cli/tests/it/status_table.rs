//! Why commands are refused: each kind of refusal, with the same code, reason and words over both ways to send a command.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs fails by panicking"
)]

use std::time::Duration;

use betcode_client::CallError;
use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::event::{ClientKind, EventBody, PermissionScope};
use betcode_core::id::{IdempotencyKey, SessionId};
use betcode_proto::status::Refusal;
use betcode_testkit::{Profile, wait_until};
use uuid::Uuid;

use crate::people::{
    Seated, block_on, command, connect, message, person, refusal, start, start_with,
};
use crate::profile;

/// Sends an action both ways, each with a key of its own, and checks that the answers are one and the same refusal.
async fn refused(
    seated: &mut Seated,
    profile: &Profile,
    session: SessionId,
    action: Action,
) -> Refusal {
    let connection = connect(profile).await;
    let client = seated.client.clone();
    let submitted = refusal(
        connection
            .submit(command(session, &client, action.clone()))
            .await,
    );
    let conversed = refusal(
        seated
            .handle
            .perform(command(session, &client, action))
            .await,
    );
    let submitted = submitted.expect_err("submitted");
    assert_eq!(conversed.expect_err("conversed"), submitted);
    submitted
}

fn row(refusal: &Refusal) -> (&'static str, &str) {
    let code = match refusal.code as i32 {
        3 => "INVALID_ARGUMENT",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        14 => "UNAVAILABLE",
        _ => "another code",
    };
    (code, &refusal.reason)
}

fn allow(id: &str) -> Action {
    Action::AnswerPermission {
        id: id.into(),
        answer: PermissionAnswer::Allow {
            scope: PermissionScope::Once,
            input: None,
        },
    }
}

fn deny(id: &str) -> Action {
    Action::AnswerPermission {
        id: id.into(),
        answer: PermissionAnswer::Deny {
            message: String::new(),
            interrupt: false,
        },
    }
}

#[test]
fn what_does_not_exist_or_is_closed_is_not_found() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let session = seated.session;
        let unknown = SessionId(Uuid::now_v7());
        let refusal = refused(&mut seated, &profile, unknown, message("hi")).await;
        assert_eq!(row(&refusal), ("NOT_FOUND", "SESSION_NOT_FOUND"));
        assert!(refusal.message.contains(&unknown.to_string()));
        seated.act(Action::Close).await.unwrap();
        let refusal = refused(&mut seated, &profile, session, message("hi")).await;
        assert_eq!(row(&refusal), ("NOT_FOUND", "SESSION_CLOSED"));
    });
}

#[test]
fn an_answer_to_what_is_not_asked_or_has_ended_fails_its_precondition() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let session = seated.session;
        let refusal = refused(&mut seated, &profile, session, allow("nothing")).await;
        assert_eq!(row(&refusal), ("FAILED_PRECONDITION", "REQUEST_UNKNOWN"));

        seated
            .act(message("/demo permission command=\"touch it\""))
            .await
            .unwrap();
        let id = seated.asked().await;
        seated.act(allow(&id.0)).await.unwrap();
        let again = seated.act(allow(&id.0)).await.unwrap();
        assert_eq!(again.sequence, None, "the same answer again has no effect");
        let refusal = refused(&mut seated, &profile, session, deny(&id.0)).await;
        assert_eq!(row(&refusal), ("FAILED_PRECONDITION", "REQUEST_ENDED"));
        assert!(
            refusal.message.contains("allowed by one (here)"),
            "{}",
            refusal.message
        );
        seated
            .until("end", |body| {
                matches!(body, EventBody::TurnComplete(_)).then_some(())
            })
            .await;
        assert!(profile.work().join("it").exists());
    });
}

#[test]
fn whoever_does_not_hold_the_lock_is_told_who_does() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut holder = Seated::begin(&profile, person("holder", ClientKind::Interactive)).await;
        let session = holder.session;
        holder.holds().await;
        let other = person("other", ClientKind::Interactive);
        let mut other = Seated::sit(&profile, session, other).await;
        let refusal = refused(&mut other, &profile, session, message("hi")).await;
        assert_eq!(row(&refusal), ("PERMISSION_DENIED", "LOCK_HELD"));
        assert!(refusal.message.starts_with("holder (here) holds"));
        assert!(refusal.hint.contains("betcode lock request"));

        // An answer asks for the lock; the holder says no.
        holder
            .act(message("/demo permission command=\"touch it\""))
            .await
            .unwrap();
        let id = holder.asked().await;
        for way in ["submit", "converse"] {
            let answer = command(session, &other.client, allow(&id.0));
            let connection = connect(&profile).await;
            let (refusal, ()) = tokio::join!(
                async {
                    match way {
                        "submit" => refusal_of(connection.submit(answer).await),
                        _ => refusal_of(other.handle.perform(answer).await),
                    }
                },
                async {
                    let asker = holder
                        .until("somebody who asks", |body| match body {
                            EventBody::InputLockRequested { by, .. } => Some(by.id),
                            _ => None,
                        })
                        .await;
                    holder.seen.clear();
                    let no = Action::AnswerLock {
                        client: asker,
                        grant: false,
                    };
                    holder.act(no).await.unwrap();
                }
            );
            assert_eq!(row(&refusal), ("PERMISSION_DENIED", "LOCK_HELD"), "{way}");
            assert_eq!(refusal.metadata["refused"], "true", "{way}");
        }
        assert!(!profile.work().join("it").exists());
    });
}

#[test]
fn an_agent_that_is_not_there_fails_the_precondition_with_what_to_do() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let new = SessionId(Uuid::now_v7());
        let action = start_with(&profile, "claude");
        let refusal = refused(&mut seated, &profile, new, action).await;
        assert_eq!(row(&refusal), ("FAILED_PRECONDITION", "AGENT_UNAVAILABLE"));
        assert!(!refusal.hint.is_empty());
    });
}

#[test]
fn what_makes_no_sense_is_an_invalid_argument_that_names_the_field() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let session = seated.session;
        let refusal = refused(&mut seated, &profile, session, message(" ")).await;
        assert_eq!(row(&refusal), ("INVALID_ARGUMENT", "INVALID_FIELD"));
        assert_eq!(refusal.metadata["field"], "message.text");
        let refusal = refused(&mut seated, &profile, session, start(&profile)).await;
        assert_eq!(row(&refusal), ("ALREADY_EXISTS", "SESSION_EXISTS"));

        // One key for two different commands.
        let mut first = command(session, &seated.client, message("one"));
        first.key = IdempotencyKey(Uuid::now_v7());
        let mut second = first.clone();
        second.action = message("two");
        let connection = connect(&profile).await;
        connection.submit(first.clone()).await.unwrap();
        let same = connection.submit(first).await.unwrap();
        assert!(
            same.sequence.is_some(),
            "the same command gets the same answer"
        );
        let by_submit = refusal_of(connection.submit(second.clone()).await);
        let by_converse = refusal_of(seated.handle.perform(second).await);
        assert_eq!(row(&by_submit), ("INVALID_ARGUMENT", "KEY_REUSED"));
        assert_eq!(by_converse, by_submit);
    });
}

fn refusal_of<T: std::fmt::Debug>(answer: Result<T, CallError>) -> Refusal {
    refusal(answer).unwrap_err()
}

#[test]
fn too_many_messages_are_refused_with_when_to_come_again() {
    let profile = profile();
    std::fs::create_dir_all(profile.config_dir()).unwrap();
    std::fs::write(
        profile.config_dir().join("config.toml"),
        "[limits]\nmessages_per_minute = 2\n",
    )
    .unwrap();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let session = seated.session;
        let first = seated.act(message("one")).await.unwrap();
        assert_eq!(first.metadata["rate-limit-limit"], "2");
        assert_eq!(first.metadata["rate-limit-remaining"], "1");
        seated.act(message("two")).await.unwrap();
        let refusal = refused_with_time(&mut seated, &profile, session, message("three")).await;
        assert_eq!(row(&refusal), ("RESOURCE_EXHAUSTED", "RATE_LIMITED"));
        assert_eq!(refusal.metadata["rate-limit-limit"], "2");
        assert_eq!(refusal.metadata["rate-limit-remaining"], "0");
        for key in ["retry-after-ms", "rate-limit-reset"] {
            let ms: u64 = refusal.metadata[key].parse().unwrap();
            assert!((1..=60_000).contains(&ms), "{key} {ms}");
        }
    });
}

/// Like [`refused`], but times in it differ.
async fn refused_with_time(
    seated: &mut Seated,
    profile: &Profile,
    session: SessionId,
    action: Action,
) -> Refusal {
    let connection = connect(profile).await;
    let submitted = refusal_of(
        connection
            .submit(command(session, &seated.client, action.clone()))
            .await,
    );
    let conversed = refusal_of(
        seated
            .handle
            .perform(command(session, &seated.client, action))
            .await,
    );
    assert_eq!(row(&conversed), row(&submitted));
    submitted
}

#[test]
fn what_must_wait_for_the_end_of_the_turn_fails_its_precondition() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let session = seated.session;
        seated.act(message("/demo permission")).await.unwrap();
        seated.asked().await;
        let refusal = refused(&mut seated, &profile, session, Action::Clear).await;
        assert_eq!(row(&refusal), ("FAILED_PRECONDITION", "TURN_RUNNING"));
        assert!(refusal.message.contains("a turn is running"));
    });
}

#[test]
fn what_cannot_be_written_is_unavailable_and_changes_nothing() {
    let profile = profile();
    // A file that reaches its limit looks to the daemon like a disk that is full.
    let daemon = profile
        .shell(&format!(
            "trap '' XFSZ; ulimit -f 1000; exec '{}' daemon run",
            profile.program().display()
        ))
        .spawn();
    wait_until(Duration::from_secs(20), "the daemon is there", || {
        profile.daemon_pid().filter(|pid| *pid == daemon.pid())
    });
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let session = seated.session;
        let long = Action::Rename {
            title: "a long title ".repeat(10_000),
        };
        for _ in 0..100 {
            if seated.act(long.clone()).await.is_err() {
                break;
            }
        }
        let refusal = refused(&mut seated, &profile, session, long).await;
        assert_eq!(row(&refusal), ("UNAVAILABLE", "UNAVAILABLE"));
        assert!(
            refusal.message.starts_with("nothing was changed"),
            "{}",
            refusal.message
        );
    });
}
