//! What an agent says besides its answers, from its line to what commands show: the limits of its plan, what runs in the background, how
//! full its context is; and what it is shown: images.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]

use std::time::Duration;

use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::event::{Attachment, ClientKind, EventBody, PermissionScope, TurnPolicy};
use betcode_testkit::{Profile, kill, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::people::{Seated, block_on, message, person};
use crate::profile;

const SOON: Duration = Duration::from_secs(10);

/// The lines of a command, as JSON.
fn rows(profile: &Profile, args: &[&str]) -> Vec<Value> {
    let output = profile.betcode(args.iter().copied()).run().expect(0);
    let lines = output.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn kill_daemon(profile: &Profile) {
    let pid = profile.daemon_pid().unwrap();
    kill(pid, Signal::KILL);
    wait_until(SOON, "the daemon is gone", || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}

/// The only session.
pub(crate) fn only_session(profile: &Profile) -> String {
    let listed = profile.betcode(["session", "list", "--json"]).run();
    listed.expect(0).json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Its events of one kind.
pub(crate) fn events(profile: &Profile, kind: &str) -> Vec<Value> {
    let session = only_session(profile);
    let mut all = rows(profile, &["session", "events", &session]);
    all.retain(|event| event["type"] == kind);
    all
}

fn readings(profile: &Profile) -> Vec<Value> {
    let mut all = rows(profile, &["daemon", "feed", "--json"]);
    all.retain(|entry| entry["type"] == "usage_reading");
    all
}

#[test]
fn what_an_agent_says_of_its_plan_is_on_the_feed_once_and_not_in_the_log() {
    let profile = profile();
    let used = "/demo usage percent=92 resets=600";
    profile.betcode(["-p", used]).run().expect(0);
    let all = readings(&profile);
    assert_eq!(all.len(), 1, "{all:?}");
    let reading = &all[0];
    assert_eq!(reading["session_id"], only_session(&profile).as_str());
    assert_eq!(reading["agent"], "demo");
    assert_eq!(reading["status"], "allowed_warning");
    assert_eq!(reading["limit"], "five_hour");
    assert_eq!(reading["utilization"], 0.92);
    let window = &reading["windows"]["five_hour"];
    assert_eq!(window["resets_at"], reading["resets_at"]);
    assert_eq!(reading["overage"]["in_use"], false);
    assert_eq!(reading["raw"]["surpassedThreshold"], 0.9);
    assert!(reading["observed_at"].is_string(), "{reading}");
    assert_eq!(events(&profile, "unknown"), [] as [Value; 0]);

    kill_daemon(&profile);
    assert_eq!(readings(&profile), all, "it is there once, as it was");
}

#[test]
fn a_used_up_plan_ends_the_run_as_a_rate_limit_that_says_when_it_serves_again() {
    let profile = profile();
    let used_up = "/demo usage status=rejected percent=100 resets=7200";
    let output = profile.betcode(["-p", used_up]).run().expect(4);
    let told = "Rate limit exceeded. Retry after 7";
    assert!(output.stderr.contains(told), "{}", output.stderr);
    let ends = events(&profile, "turn_complete");
    let error = &ends[0]["error"];
    assert_eq!(error["kind"], "rate_limit");
    let wait = error["retry_after_ms"].as_u64().unwrap();
    assert!((7_000_000..=7_200_000).contains(&wait), "{wait}");
    assert_eq!(readings(&profile)[0]["status"], "rejected");
}

#[test]
fn what_runs_in_the_background_is_shown_of_an_idle_session() {
    let profile = profile();
    block_on(async {
        profile.betcode(["daemon", "start"]).run().expect(0);
        let who = person("somebody", ClientKind::Interactive);
        let mut seated = Seated::begin(&profile, who).await;
        for (count, described) in [(2, "Task 1 (b1); Task 2 (b2)"), (0, "")] {
            seated.seen.clear();
            let prompt = format!("/demo background n={count}");
            seated.act(message(&prompt)).await.unwrap();
            let told = seated
                .until("background tasks", |body| match body {
                    EventBody::BackgroundTasks { tasks } => Some(tasks.len()),
                    _ => None,
                })
                .await;
            assert_eq!(told, count);
            seated
                .until("end of the turn", |body| {
                    matches!(body, EventBody::TurnComplete(_)).then_some(())
                })
                .await;
            let id = seated.session.to_string();
            let shown = profile.betcode(["session", "show", &id]).run().expect(0);
            let line = shown
                .stdout
                .lines()
                .find(|line| line.starts_with("background"));
            assert_eq!(
                line.unwrap_or_default()
                    .trim_start_matches("background")
                    .trim(),
                described
            );
        }
    });
}

#[test]
fn one_thing_in_the_background_is_stopped_and_the_others_go_on() {
    let profile = profile();
    block_on(async {
        profile.betcode(["daemon", "start"]).run().expect(0);
        let who = person("somebody", ClientKind::Interactive);
        let mut seated = Seated::begin(&profile, who).await;
        let id = seated.session.to_string();
        let stop = |args: &[&str]| {
            let words = ["session", "stop-task", &id].into_iter();
            profile.betcode(words.chain(args.iter().copied())).run()
        };
        let none = stop(&[]).expect(1);
        assert!(none.stderr.contains("nothing runs"), "{}", none.stderr);

        seated.act(message("/demo background n=3")).await.unwrap();
        seated
            .until("end of the turn", |body| {
                matches!(body, EventBody::TurnComplete(_)).then_some(())
            })
            .await;
        let unclear = stop(&[]).expect(64);
        assert!(unclear.stderr.contains("b2 (Task 2)"), "{}", unclear.stderr);
        // Whoever sits there is the one who stops things.
        let locked = stop(&["b2"]).expect(1);
        assert!(locked.stderr.contains("input lock"), "{}", locked.stderr);
        seated.act(Action::ReleaseLock).await.unwrap();
        let stopped = stop(&["b2", "--json"]).expect(0).json();
        assert_eq!(stopped["task"], "b2");
        let left = wait_until(SOON, "it has ended", || {
            let told = events(&profile, "background_tasks");
            (told.len() == 2).then(|| told[1]["tasks"].clone())
        });
        assert_eq!(left[0]["id"], "b1");
        assert_eq!(left[1]["id"], "b3");
        let asked = events(&profile, "task_stop_requested");
        assert_eq!(asked[0]["id"], "b2");
        let again = stop(&["b2"]).expect(1);
        assert!(again.stderr.contains("b1 (Task 1)"), "{}", again.stderr);
    });
}

#[test]
fn an_agent_is_asked_how_full_its_context_is_and_one_that_does_not_run_is_not() {
    let profile = profile();
    block_on(async {
        profile.betcode(["daemon", "start"]).run().expect(0);
        let who = person("somebody", ClientKind::Interactive);
        let mut seated = Seated::begin(&profile, who).await;
        let id = seated.session.to_string();
        let none = profile.betcode(["session", "context", &id]).run();
        assert!(none.stderr.contains("is not running"), "{}", none.stderr);
        assert!(
            none.stderr.contains("the next message starts it"),
            "{}",
            none.stderr
        );
        assert_eq!(none.code, 1);

        seated.act(message("/demo stall secs=600")).await.unwrap();
        seated
            .until("text", |body| {
                matches!(body, EventBody::TextDelta(_)).then_some(())
            })
            .await;
        let before = rows(&profile, &["session", "events", &id]).len();
        let said = profile
            .betcode(["session", "context", &id, "--json"])
            .run()
            .expect(0);
        let said = said.json();
        assert_eq!(
            said["window_tokens"], 200_000,
            "it answers in the middle of a turn"
        );
        assert_eq!(said["categories"][0]["name"], "Messages");
        assert_eq!(said["categories"][0]["tokens"], said["used_tokens"]);
        let shown = profile.betcode(["session", "context", &id]).run().expect(0);
        assert!(
            shown.stdout.contains("of 200000 tokens are used"),
            "{}",
            shown.stdout
        );
        let after = rows(&profile, &["session", "events", &id]).len();
        assert_eq!(before, after, "the log does not know of it");
    });
}

#[test]
fn an_image_reaches_the_agent_and_is_read_back_whole_from_the_log() {
    let profile = profile();
    let head =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0....\0\x01\x86\xa0IDAT";
    let image = [head, vec![7; 100_000].as_slice(), b"....\0\0\0\0IEND...."].concat();
    std::fs::write(profile.work().join("a.png"), &image).unwrap();
    let run = profile.betcode(["-p", "--image", "a.png", "/demo say text=seen"]);
    let output = run.run().expect(0);
    let shown = "I was shown image/png, 100057 bytes.";
    assert!(output.stdout.contains(shown), "{}", output.stdout);
    let inputs = events(&profile, "user_input");
    let attached = &inputs[0]["attachments"][0];
    assert_eq!(
        *attached,
        json!({"name": "a.png", "media_type": "image/png", "size": 100_057})
    );
    let field = inputs[0]["previews"][0]["field"].as_str().unwrap();
    let sequence = inputs[0]["sequence"].to_string();
    let session = only_session(&profile);
    let fetch = format!(
        "{} session payload {session} {sequence} {field} > b.png",
        profile.program().display()
    );
    profile.shell(&fetch).run().expect(0);
    assert_eq!(std::fs::read(profile.work().join("b.png")).unwrap(), image);

    let text = profile.work().join("text.png");
    std::fs::write(text, "no image").unwrap();
    let run = profile.betcode(["-p", "--image", "text.png", "look"]);
    let refused = run.run().expect(64);
    assert!(
        refused.stderr.contains("no PNG, JPEG, GIF or WebP"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_queued_message_keeps_its_image_when_the_daemon_dies() {
    let profile = profile();
    block_on(async {
        profile.betcode(["daemon", "start"]).run().expect(0);
        let who = person("somebody", ClientKind::Interactive);
        let mut seated = Seated::begin(&profile, who.clone()).await;
        let session = seated.session;
        seated
            .act(message("/demo permission command=\"touch made\""))
            .await
            .unwrap();
        let asked = seated.asked().await;
        let look = Action::Message {
            text: "/demo say text=seen".into(),
            attachments: vec![Attachment::new("a.gif", "image/gif", b"GIF89a-and-more")],
            policy: TurnPolicy::default(),
        };
        seated.act(look).await.unwrap();
        drop(seated);

        kill_daemon(&profile);
        profile.betcode(["daemon", "start"]).run().expect(0);
        let mut seated = Seated::sit(&profile, session, who).await;
        seated.holds().await;
        let allow = Action::AnswerPermission {
            id: asked,
            answer: PermissionAnswer::Allow {
                scope: PermissionScope::Once,
                input: None,
            },
        };
        seated.act(allow).await.unwrap();
        seated
            .until("words about the image", |body| match body {
                EventBody::TextDelta(piece) => piece
                    .text
                    .contains("I was shown image/gif, 15 bytes.")
                    .then_some(()),
                _ => None,
            })
            .await;
    });
}

#[test]
fn a_queued_image_outlives_the_beginning_of_the_log_and_the_daemon() {
    let profile = profile();
    block_on(async {
        profile.betcode(["daemon", "start"]).run().expect(0);
        let who = person("somebody", ClientKind::Interactive);
        let mut seated = Seated::begin(&profile, who.clone()).await;
        let session = seated.session;
        let asks = || message("/demo permission command=\"touch made\"");
        let allow = |id| Action::AnswerPermission {
            id,
            answer: PermissionAnswer::Allow {
                scope: PermissionScope::Once,
                input: None,
            },
        };
        seated.act(asks()).await.unwrap();
        let asked = seated.asked().await;
        let image = [b"GIF89a".as_slice(), &vec![7; 300_000]].concat();
        let look = Action::Message {
            text: "/demo say text=seen".into(),
            attachments: vec![Attachment::new("a.gif", "image/gif", &image)],
            policy: TurnPolicy::default(),
        };
        seated.act(Action::Compact { trim: true }).await.unwrap();
        seated.act(asks()).await.unwrap();
        seated.act(look).await.unwrap();
        seated.seen.clear();
        seated.act(allow(asked)).await.unwrap();
        seated
            .until("the log is trimmed", |body| {
                matches!(body, EventBody::HistoryTrimmed { .. }).then_some(())
            })
            .await;
        let asked = seated.asked().await;
        drop(seated);
        let id = session.to_string();
        let left = profile.betcode(["session", "events", &id]).run().expect(0);
        let begins = left.stdout.lines().next().unwrap();
        assert!(begins.contains("history_trimmed") && begins.contains("image/gif"));
        assert!(begins.len() < 50_000, "{} bytes", begins.len());

        kill_daemon(&profile);
        profile.betcode(["daemon", "start"]).run().expect(0);
        let mut seated = Seated::sit(&profile, session, who).await;
        seated.act(allow(asked)).await.unwrap();
        seated
            .until("words about the image", |body| match body {
                EventBody::TextDelta(piece) => piece
                    .text
                    .contains("I was shown image/gif, 300006 bytes.")
                    .then_some(()),
                _ => None,
            })
            .await;
    });
}
