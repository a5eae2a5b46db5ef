//! What entries of the feed mean: tables of words, and of what is worth none.

use betcode_core::config::NotifyConfig;
use betcode_core::event::{Status, StopReason, Usage};
use betcode_core::id::{Sequence, SessionId};
use betcode_core::notify::{Input, Kind, Notice};
use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::{FeedBody, FeedEntry, PendingRequest, TurnEnded};
use betcode_proto::convert::session::Summary;
use uuid::Uuid;

use super::memory::Memory;
use super::news::news;

const SESSION: SessionId = SessionId(Uuid::from_u128(7));
const S: &str = "00000000-0000-0000-0000-000000000007";

#[derive(Default)]
struct Bench {
    memory: Memory,
    config: NotifyConfig,
    number: u64,
}

impl Bench {
    fn take(&mut self, body: FeedBody) -> Vec<Input> {
        self.number += 1;
        let entry = FeedEntry {
            sequence: Sequence(self.number),
            timestamp: Timestamp(5),
            body,
        };
        news(&entry, &mut self.memory, &self.config)
    }

    fn notice(&mut self, body: FeedBody) -> Notice {
        match self.take(body).pop() {
            Some(Input::Raise(notice)) => notice,
            other => panic!("{other:?}"),
        }
    }

    fn said(&mut self, body: FeedBody) -> String {
        self.notice(body).body
    }
}

fn request(tool: &str, description: &str) -> PendingRequest {
    PendingRequest {
        session_id: SESSION,
        request_id: "r".into(),
        tool: tool.into(),
        description: description.into(),
        expires_at: None,
        outcome: String::new(),
        hours: 0,
    }
}

fn turn(stop_reason: StopReason, minutes: u64, attended: bool) -> FeedBody {
    FeedBody::TurnEnded(TurnEnded {
        session_id: SESSION,
        title: "Files".into(),
        stop_reason,
        error: String::new(),
        duration_ms: minutes * 60_000,
        attended,
    })
}

fn changed(status: Status) -> FeedBody {
    FeedBody::SessionChanged {
        session: Box::new(Summary {
            id: SESSION,
            agent: "claude".into(),
            cwd: "/".into(),
            title: "Files".into(),
            model: String::new(),
            status,
            created: Timestamp(1),
            updated: Timestamp(2),
            head: Sequence(3),
            turns: 1,
            agent_session: String::new(),
            totals: Usage::default(),
            retry_at: None,
        }),
    }
}

fn withdrawn(what: &str) -> Input {
    Input::Withdraw {
        subject: format!("{S}{what}"),
    }
}

#[test]
fn a_request_is_told_with_tool_and_a_short_preview_that_can_be_hidden() {
    let mut bench = Bench::default();
    let secret = format!(
        "curl -H 'Authorization: Bearer {}'\nrm x",
        "abcdefgh".repeat(4)
    );
    let long = "x".repeat(500);
    for (tool, description, shown, hidden) in [
        (
            "Bash",
            "cargo test",
            "BetCode wants to run: cargo test",
            "BetCode wants to use Bash",
        ),
        (
            "Write",
            "src/a.rs",
            "BetCode wants to use Write: src/a.rs",
            "BetCode wants to use Write",
        ),
        (
            "mcp__x",
            "",
            "BetCode wants to use mcp__x",
            "BetCode wants to use mcp__x",
        ),
        (
            "Bash",
            "a\u{1b}[2J\nb",
            "BetCode wants to run: a[2J…",
            "BetCode wants to use Bash",
        ),
        (
            "",
            "Which colour?",
            "Which colour?",
            "an agent has asked something",
        ),
    ] {
        for (preview, expected) in [(true, shown), (false, hidden)] {
            bench.config.preview = preview;
            let notice = bench.notice(FeedBody::RequestPending(request(tool, description)));
            assert_eq!(notice.body, expected);
            assert_eq!(notice.in_part, preview && description.contains('\n'));
            let kind = if tool.is_empty() {
                Kind::Question
            } else {
                Kind::Permission
            };
            assert_eq!(
                (notice.kind, notice.request.is_some()),
                (kind, !tool.is_empty())
            );
            assert_eq!(notice.subject, format!("{S}/request/r"));
        }
    }
    bench.config.preview = true;
    let body = bench.said(FeedBody::RequestPending(request("Bash", &secret)));
    assert!(
        !body.contains("abcdefgh") && body.contains("[redacted]"),
        "{body}"
    );
    let body = bench.said(FeedBody::RequestPending(request("Bash", &long)));
    assert!(body.chars().count() < 150 && body.ends_with('…'), "{body}");
    // What is cut already when it comes is not whole either.
    for cut in [long.as_str(), "touch a…", "touch a\ttouch b"] {
        let notice = bench.notice(FeedBody::RequestPending(request("Bash", cut)));
        assert!(notice.in_part, "{cut}");
    }
    let secret = "curl --password=hunter2 https://example.org";
    let notice = bench.notice(FeedBody::RequestPending(request("Bash", secret)));
    assert!(!notice.in_part && !notice.body.contains("hunter2"));
}

#[test]
fn a_reminder_takes_the_place_of_the_request_and_an_end_takes_both_away() {
    let mut bench = Bench::default();
    let reminder = PendingRequest {
        hours: 24,
        ..request("Bash", "cargo test")
    };
    let inputs = bench.take(FeedBody::RequestReminder(reminder.clone()));
    let [first, Input::Raise(notice)] = &inputs[..] else {
        panic!("{inputs:?}");
    };
    assert_eq!(*first, withdrawn("/request/r"));
    assert_eq!(notice.body, "Permission pending for 24 h: cargo test");
    assert_eq!(notice.subject, format!("{S}/request/r/reminder"));
    let question = PendingRequest {
        tool: String::new(),
        ..reminder
    };
    let notice = bench.notice(FeedBody::RequestReminder(question.clone()));
    assert_eq!(notice.body, "Question pending for 24 h: cargo test");
    assert_eq!(notice.request, None);
    let end = bench.take(FeedBody::RequestResolved(question));
    assert_eq!(end, [withdrawn("/request/r")]);
}

#[test]
fn a_turn_is_told_when_nobody_saw_its_end_or_it_took_long() {
    let mut bench = Bench::default();
    for (reason, minutes, attended, told) in [
        (StopReason::EndTurn, 0, false, Some("Finished: Files")),
        (StopReason::EndTurn, 9, true, None),
        (StopReason::EndTurn, 10, true, Some("Finished: Files")),
        (StopReason::Cancelled, 60, false, None),
        (
            StopReason::Refusal,
            0,
            false,
            Some("The model refused: Files"),
        ),
    ] {
        let inputs = bench.take(turn(reason, minutes, attended));
        let bodies: Vec<&str> = inputs
            .iter()
            .map(|input| match input {
                Input::Raise(notice) => notice.body.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            bodies,
            told.into_iter().collect::<Vec<_>>(),
            "{reason:?} {minutes}"
        );
    }
    bench.config.turn_after = std::time::Duration::ZERO;
    assert_eq!(bench.take(turn(StopReason::EndTurn, 600, true)), []);
    bench.config.preview = false;
    assert_eq!(
        bench.said(turn(StopReason::EndTurn, 0, false)),
        "Finished: a session"
    );
    // The next turn has begun.
    let over = [withdrawn("/turn"), withdrawn("/error")];
    assert_eq!(bench.take(changed(Status::Thinking)), over);
    assert_eq!(bench.take(changed(Status::Idle)), []);
    let gone = FeedBody::SessionDeleted {
        session_id: SESSION,
    };
    assert_eq!(bench.take(gone), [withdrawn("")]);
}

#[test]
fn trouble_is_told_once_until_the_session_works_again() {
    let mut bench = Bench::default();
    let notice = bench.notice(turn(StopReason::AgentExited, 0, false));
    assert_eq!(
        (notice.kind, &*notice.body),
        (Kind::SessionError, "Files has failed")
    );
    assert_eq!(bench.take(changed(Status::Crashed)), []);
    bench.take(changed(Status::Starting));
    let notice = bench.notice(changed(Status::Crashed));
    assert_eq!(notice.body, "Files: its agent has died");
    assert_eq!(bench.take(changed(Status::Error)), []);
    bench.take(changed(Status::Thinking));
    // Somebody was there.
    assert_eq!(bench.take(turn(StopReason::Error, 0, true)), []);
    assert_eq!(bench.take(changed(Status::Error)), []);
}

#[test]
fn what_is_written_down_is_read_again_and_lines_of_later_versions_do_not_hinder() {
    let mut bench = Bench::default();
    bench.take(turn(StopReason::Error, 0, false));
    let text = serde_json::to_string(&bench.memory).unwrap();
    assert_eq!(serde_json::from_str::<Memory>(&text).unwrap(), bench.memory);
    let later = text.replacen('{', r#"{"tomorrow":1,"#, 1);
    assert_eq!(
        serde_json::from_str::<Memory>(&later).unwrap(),
        bench.memory
    );
    assert_eq!(
        serde_json::from_str::<Memory>("{}").unwrap(),
        Memory::default()
    );
}
