//! Agents that die in the middle of a turn, by themselves or with their host, while the daemon lives, dies or is asked
//! something: the turn goes on, its tools run once, and when it cannot go on it ends with an honest error.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]

use std::time::Duration;

use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::event::{ClientKind, EventBody, PermissionScope, StopReason};
use betcode_testkit::{Profile, kill, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::people::{Seated, block_on, message, person};
use crate::profile;

const SOON: Duration = Duration::from_secs(30);

/// The only session's id, once there is one.
pub(crate) fn session(profile: &Profile) -> String {
    wait_until(SOON, "a session", || {
        let list = profile.betcode(["session", "list", "--json"]).run();
        let list: Value = serde_json::from_str(&list.stdout).ok()?;
        Some(list[0]["id"].as_str()?.to_owned())
    })
}

pub(crate) fn events(profile: &Profile, session: &str) -> Vec<Value> {
    let log = profile.betcode(["session", "events", session]).run();
    log.expect(0).json_lines()
}

/// Waits until there are so many events of a type, and gives them.
pub(crate) fn until(profile: &Profile, session: &str, kind: &str, count: usize) -> Vec<Value> {
    wait_until(SOON, &format!("{count} times {kind}"), || {
        let mut found = events(profile, session);
        found.retain(|event| event["type"] == kind);
        (found.len() >= count).then_some(found)
    })
}

/// The process of the agent that runs now.
fn agent(profile: &Profile, session: &str) -> u32 {
    let started = until(profile, session, "agent_started", 1);
    u32::try_from(started.last().unwrap()["pid"].as_u64().unwrap()).unwrap()
}

/// The process that started this one.
fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after = stat.rsplit(')').next().unwrap();
    after.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn kill_daemon(profile: &Profile) {
    let pid = profile.daemon_pid().unwrap();
    kill(pid, Signal::KILL);
    wait_until(SOON, "the daemon is gone", || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}

fn lines(profile: &Profile, name: &str) -> usize {
    let text = std::fs::read_to_string(profile.work().join(name));
    text.unwrap_or_default().lines().count()
}

#[test]
fn a_turn_whose_agent_crashes_some_times_is_a_success_with_a_whole_answer() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let run = |times: u32| {
        let prompt = format!("/demo crash after=5 times={times}");
        profile.betcode(["-p", &prompt]).spawn()
    };
    let running = [1, 3].map(|times| (times, run(times)));
    for (times, running) in running {
        let output = running.wait(SOON).expect(0);
        assert_eq!(output.stdout, "1 2 3 4 5 \n");
        let notes = output.stderr.matches("; it is started again\n").count();
        assert_eq!(notes, times as usize, "{}", output.stderr);
    }
}

#[test]
fn what_was_being_said_at_a_death_ends_before_it_and_the_json_answer_is_whole() {
    let profile = profile();
    let line = ["-p", "/demo crash after=5 times=1", "--output-format"];
    let output = profile.betcode([&line[..], &["events"]].concat()).run();
    let kinds: Vec<_> = output
        .expect(0)
        .json_lines()
        .into_iter()
        .filter(|event| {
            let quiet = [
                "text_delta",
                "session_info",
                "status_change",
                "usage_report",
            ];
            !quiet.iter().any(|kind| event["type"] == *kind)
        })
        .map(|event| match (&event["end"], &event["stop_reason"]) {
            (Value::String(end), _) => end.clone(),
            (_, Value::String(reason)) => reason.clone(),
            _ => event["type"].as_str().unwrap().to_owned(),
        })
        .collect();
    let expected = [
        "user_input",
        "agent_started",
        "aborted",
        "agent_exited",
        "agent_starting",
        "agent_started",
        "message_complete",
        "end_turn",
    ];
    assert_eq!(kinds, expected);
    let output = profile.betcode([&line[..], &["json"]].concat()).run();
    let result = output.expect(0).json();
    assert_eq!(
        (&result["result"], &result["is_error"]),
        (&"1 2 3 4 5 ".into(), &false.into())
    );
}

#[test]
fn the_fifth_death_in_a_minute_ends_the_turn_with_an_error_and_a_message_begins_anew() {
    let profile = profile();
    let output = profile.betcode(["-p", "/demo crash after=5"]).run();
    let output = output.expect(1);
    assert_eq!(
        output.stdout, "1 2 3 4 5 \n",
        "what there is is printed once"
    );
    let last = output.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("Error: the agent ended with exit code 1: Error: the demo agent crashes")
            && last.contains("died too often"),
        "{last}"
    );
    let rows = profile.betcode(["session", "list", "--json"]).run().json();
    assert_eq!(rows[0]["status"], "crashed");
    let id = rows[0]["id"].as_str().unwrap();
    assert_eq!(until(&profile, id, "agent_exited", 5).len(), 5);
    let again = profile.betcode(["-p", "--resume", id, "/demo say text=hi"]);
    assert_eq!(again.run().expect(0).stdout, "hi\n");
}

#[test]
fn who_does_not_want_to_wait_for_the_restart_does_not() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let at_once = profile
        .betcode(["-p", "/demo crash after=5", "--no-retry"])
        .run()
        .expect(1);
    let last = "Error: the agent ended with exit code 1: Error: the demo agent crashes, as it was asked to\n";
    assert!(at_once.stderr.ends_with(last), "{}", at_once.stderr);
    let later = profile
        .betcode(["-p", "/demo crash after=5", "--timeout", "1"])
        .run()
        .expect(124);
    assert!(
        later.stderr.ends_with("Error: no answer within 1s\n"),
        "{}",
        later.stderr
    );
    let rows = profile.betcode(["session", "list", "--json"]).run().json();
    for row in rows.as_array().unwrap() {
        assert_eq!(row["status"], "idle", "{row}");
    }
}

#[test]
fn an_agent_that_is_killed_in_a_flood_says_it_again_also_when_its_host_is_killed() {
    for host_too in [false, true] {
        let profile = profile();
        let running = profile
            .betcode(["-p", "/demo flood n=1500 rate=1000 size=10"])
            .spawn();
        let id = session(&profile);
        until(&profile, &id, "text_delta", 5);
        let agent = agent(&profile, &id);
        kill(if host_too { parent(agent) } else { agent }, Signal::KILL);
        let output = running.wait(SOON).expect(0);
        let numbers: Vec<_> = output.stdout.lines().map(str::trim).collect();
        let expected: Vec<_> = (1..=1500).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected);
        let how = if host_too {
            "the agent's host was killed"
        } else {
            "signal 9"
        };
        assert!(output.stderr.contains(how), "{}", output.stderr);
        assert_eq!(until(&profile, &id, "turn_complete", 1).len(), 1);
    }
}

#[test]
fn a_tool_that_ran_when_the_agent_was_killed_has_run_once() {
    for (host_too, prompt) in [
        (
            false,
            "/demo tool command=\"echo ran >> runs; exec sleep 60\"",
        ),
        (
            true,
            "/demo permission command=\"echo ran >> runs; exec sleep 60\"",
        ),
    ] {
        let profile = profile();
        let running = profile
            .betcode(["-p", prompt, "--allowed-tools", "Bash,Edit"])
            .spawn();
        wait_until(SOON, "the tool runs", || {
            (lines(&profile, "runs") == 1).then_some(())
        });
        let id = session(&profile);
        let agent = agent(&profile, &id);
        kill(if host_too { parent(agent) } else { agent }, Signal::KILL);
        let output = running.wait(SOON).expect(0);
        assert!(
            output
                .stdout
                .contains("It was running when the agent died."),
            "{}",
            output.stdout
        );
        assert_eq!(lines(&profile, "runs"), 1);
    }
}

#[test]
fn a_daemon_that_is_killed_while_the_agent_waits_to_be_started_leaves_that_to_the_next() {
    let profile = profile();
    let prompt = "/demo crash after=5 times=3";
    profile.betcode(["-p", prompt, "--detach"]).run().expect(0);
    let id = session(&profile);
    until(&profile, &id, "agent_exited", 3);
    kill_daemon(&profile);
    profile.betcode(["daemon", "start"]).run().expect(0);
    let end = until(&profile, &id, "turn_complete", 1);
    assert_eq!(end[0]["stop_reason"], "end_turn");
    assert_eq!(until(&profile, &id, "agent_started", 4).len(), 4);
}

#[test]
fn a_turn_is_cancelled_while_its_agent_waits_to_be_started_and_nothing_is_started_then() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        seated.act(message("/demo crash after=5")).await.unwrap();
        for _ in 0..3 {
            seated.seen.clear();
            let died =
                |body: &EventBody| matches!(body, EventBody::AgentExited { .. }).then_some(());
            seated.until("death", died).await;
        }
        seated.seen.clear();
        seated.act(Action::Cancel).await.unwrap();
        let end = |body: &EventBody| match body {
            EventBody::TurnComplete(turn) => Some(turn.stop_reason),
            _ => None,
        };
        assert_eq!(seated.until("end", end).await, StopReason::Cancelled);
        // The next turn is its own: what was cancelled does not come again with the agent.
        seated.seen.clear();
        seated.act(message("/demo say text=hi")).await.unwrap();
        let said = |body: &EventBody| match body {
            EventBody::TurnComplete(turn) => Some(turn.result.clone()),
            _ => None,
        };
        assert_eq!(seated.until("end", said).await, "hi");
    });
}

#[test]
fn what_is_allowed_while_the_agent_waits_to_be_started_runs_once_and_nobody_is_asked_again() {
    for host_too in [false, true] {
        let profile = profile();
        profile.betcode(["daemon", "start"]).run().expect(0);
        block_on(async {
            let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
            let prompt = "/demo permission command=\"echo ran >> runs\"";
            seated.act(message(prompt)).await.unwrap();
            let id = seated.asked().await;
            let started = |body: &EventBody| match body {
                EventBody::AgentStarted { pid, .. } => Some(*pid),
                _ => None,
            };
            let agent = seated.until("agent", started).await;
            kill(if host_too { parent(agent) } else { agent }, Signal::KILL);
            let died =
                |body: &EventBody| matches!(body, EventBody::AgentExited { .. }).then_some(());
            seated.until("death", died).await;
            seated.seen.clear();
            let answer = PermissionAnswer::Allow {
                scope: PermissionScope::Once,
                input: None,
            };
            seated
                .act(Action::AnswerPermission { id, answer })
                .await
                .unwrap();
            let end = |body: &EventBody| match body {
                EventBody::TurnComplete(turn) => Some(turn.stop_reason),
                _ => None,
            };
            assert_eq!(seated.until("end", end).await, StopReason::EndTurn);
            assert_eq!(lines(&profile, "runs"), 1);
            let asked = |event: &&betcode_core::event::Event| {
                matches!(event.body, EventBody::PermissionResolved(_))
            };
            assert_eq!(
                seated.seen.iter().filter(asked).count(),
                2,
                "its answer, and its use"
            );
        });
    }
}
