//! Logs whose beginning is removed: those who follow hear of it, what is left is a whole session, and it goes on.

use std::time::Duration;

use betcode_client::session::Update;
use betcode_core::command::{Action, Environment};
use betcode_core::event::{ClientKind, EventBody};
use betcode_testkit::{Profile, Running, kill, wait_until};
use rustix::process::Signal;

use crate::people::{Seated, block_on, message, person};
use crate::profile;

const SOON: Duration = Duration::from_secs(30);

fn turn_ends(body: &EventBody) -> Option<()> {
    matches!(body, EventBody::TurnComplete(_)).then_some(())
}

fn trimmed(body: &EventBody) -> Option<u64> {
    match body {
        EventBody::HistoryTrimmed { up_to, .. } => Some(up_to.0),
        _ => None,
    }
}

#[test]
fn a_compacted_session_begins_where_it_was_trimmed_for_old_and_new_readers() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut first = Seated::begin(&profile, person("first", ClientKind::Interactive)).await;
        let mut observer =
            Seated::sit(&profile, first.session, person("observer", ClientKind::Run)).await;
        first.act(message("/demo flood n=2000")).await.unwrap();
        first.until("end", turn_ends).await;
        first.seen.clear();
        first.act(Action::Compact { trim: true }).await.unwrap();
        let mark = first.until("trim", trimmed).await;
        // Both who followed all the while and who comes back with an old number go on behind the mark.
        observer.until("trim", trimmed).await;
        let mut late = first.come_back(&profile, 5).await;
        let up_to = loop {
            match late.next().await {
                Update::Trimmed { up_to } => break up_to,
                Update::Events(batch) => panic!("event {} first", batch.first()),
                _ => {}
            }
        };
        assert_eq!(up_to.0, mark);
        let id = first.session.to_string();
        let events = || {
            let printed = profile.betcode(["session", "events", &id]).run().expect(0);
            let lines = printed.stdout.lines();
            lines
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
                .collect::<Vec<_>>()
        };
        let left = events();
        assert_eq!(left[0]["type"], "history_trimmed");
        assert_eq!(left[0]["sequence"], mark + 1);
        assert_eq!(left[1]["type"], "session_info");

        // The state that the removed events had made is still there, also for a new daemon.
        let old = profile.daemon_pid().unwrap();
        kill(old, Signal::KILL);
        profile.betcode(["daemon", "start"]).run().expect(0);
        assert_eq!(events()[0]["sequence"], mark + 1);
        first.seen.clear();
        first
            .act(message("/demo say text=\"and on\""))
            .await
            .unwrap();
        first.until("end", turn_ends).await;
    });
}

#[test]
fn a_cleared_session_keeps_its_id_and_forgets_the_rest() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        seated.act(message("hello")).await.unwrap();
        seated.until("end", turn_ends).await;
        let before = seated
            .until("its own session", |body| match body {
                EventBody::SessionInfo(info) => Some(info.agent_session.clone()),
                _ => None,
            })
            .await;
        seated.seen.clear();
        seated.act(Action::Clear).await.unwrap();
        seated.until("trim", trimmed).await;
        let after = seated
            .until("its new session", |body| match body {
                EventBody::SessionInfo(info) => Some(info.agent_session.clone()),
                _ => None,
            })
            .await;
        assert_ne!(before, after);
        seated.seen.clear();
        seated.act(message("again")).await.unwrap();
        seated
            .until("a new conversation", |body| match body {
                EventBody::AgentStarting { resume, .. } => {
                    assert!(!resume);
                    Some(())
                }
                _ => None,
            })
            .await;
        seated.until("end", turn_ends).await;
    });
}

#[test]
fn a_closed_session_can_be_reopened_and_goes_on() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        seated.act(message("hello")).await.unwrap();
        seated.until("end", turn_ends).await;
        seated.act(Action::Close).await.unwrap();
        assert_eq!(
            seated.act(message("hello?")).await.unwrap_err().reason,
            "SESSION_CLOSED"
        );
        let environment =
            Environment([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())].into());
        seated.act(Action::Reopen { environment }).await.unwrap();
        seated.seen.clear();
        seated.act(message("hello again")).await.unwrap();
        seated
            .until("the same conversation", |body| match body {
                EventBody::AgentStarting { resume, .. } => {
                    assert!(resume);
                    Some(())
                }
                _ => None,
            })
            .await;
        seated.until("end", turn_ends).await;
    });
}

/// A run that hears nothing since its message was queued: its daemon died, and another one goes on with what waits. The log is cut
/// before our message's turn or after it.
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]
fn deaf_run(profile: &Profile, cut_first: bool) -> Running {
    let id = profile.betcode(["-p", "--detach", "/demo stall secs=600"]);
    let id = id.run().expect(0).stdout;
    let id = id.trim();
    crate::crash::until(profile, id, "text_delta", 1);
    let queued = |count: usize| {
        wait_until(SOON, "it is queued", || {
            let queue = profile.betcode(["session", "queue", id, "--json"]).run();
            let queue = queue.expect(0).json();
            (queue.as_array().unwrap().len() == count).then_some(())
        });
    };
    let cut = || profile.betcode(["session", "compact", id, "--trim"]);
    let before = cut_first.then(|| {
        let running = cut().spawn();
        queued(1);
        running
    });
    let ours = ["-p", "--resume", id, "/demo say text=ours"];
    let ours = profile.betcode(ours).spawn();
    queued(1 + usize::from(cut_first));
    ours.signal(Signal::STOP);
    kill(profile.daemon_pid().unwrap(), Signal::KILL);
    profile.betcode(["daemon", "start"]).run().expect(0);
    profile.betcode(["session", "cancel", id]).run().expect(0);
    if let Some(running) = before {
        running.wait(SOON).expect(0);
    }
    queued(0);
    wait_until(SOON, "its turn is over", || {
        let shown = profile.betcode(["session", "show", id, "--json"]).run();
        (shown.expect(0).json()["status"] == "idle").then_some(())
    });
    if !cut_first {
        cut().run().expect(0);
    }
    ours.signal(Signal::CONT);
    ours
}

#[test]
fn a_run_whose_whole_turn_was_cut_off_unread_says_so() {
    let profile = profile();
    let output = deaf_run(&profile, false).wait(SOON).expect(1);
    let told = "Error: the session's history was removed before the end of this turn was read";
    assert!(output.stderr.contains(told), "{}", output.stderr);
    assert_eq!(output.stdout, "");
}

#[test]
fn a_run_whose_message_was_queued_when_the_log_was_cut_prints_its_turn() {
    let profile = profile();
    let output = deaf_run(&profile, true).wait(SOON).expect(0);
    assert_eq!(output.stdout, "ours\n");
}
