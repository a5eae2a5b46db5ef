//! A new daemon takes over what an old one has left: hosts of the first version of their protocol with turns in the
//! middle, hosts that are newer than itself, and a program whose file was replaced. Clients hardly notice.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::event::{ClientKind, EventBody, PermissionScope};
use betcode_core::id::RequestId;
use betcode_testkit::{Profile, Running, kill, program, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::crash::session;
use crate::people::{Seated, block_on, message, person};
use crate::profile;

const SOON: Duration = Duration::from_secs(30);
/// A tool that can be counted: each run adds a line.
const COUNTED: &str = "/demo permission command=\"echo ran >> runs\"";

/// An old installation: a daemon whose agents are hosted by the program of the first version.
///
/// The daemon as a program of its own takes the host that lies beside it, so nothing has to be told to it.
fn install(profile: &Profile, flags: &str) -> PathBuf {
    let place = profile.home().join("old");
    std::fs::create_dir(&place).unwrap();
    let daemon = place.join("betcode-daemon");
    std::fs::copy(program("betcode-daemon", "betcode-daemon"), &daemon).unwrap();
    let host = program("betcode-testkit", "betcode-host-v1");
    let line = format!("#!/bin/sh\nexec {} {flags} \"$1\"\n", host.display());
    let script = place.join("betcode-agent-host");
    std::fs::write(&script, line).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    // The demo agent is part of this one.
    std::os::unix::fs::symlink(profile.program(), place.join("betcode")).unwrap();
    daemon
}

/// Starts that daemon.
fn old_daemon(profile: &Profile, flags: &str) -> Running {
    let daemon = install(profile, flags);
    let running = profile
        .shell(&format!("exec {}", daemon.display()))
        .spawn_open();
    wait_until(SOON, "the old daemon is ready", || profile.daemon_pid());
    running
}

/// Ends it as an upgrade may: by surprise.
fn kill_daemon(profile: &Profile, old: Running) {
    kill(profile.daemon_pid().unwrap(), Signal::KILL);
    old.wait(SOON);
}

fn start_daemon(profile: &Profile) {
    profile.betcode(["daemon", "start"]).run().expect(0);
}

/// The process that hosts the agent of the one session, and the file that it runs.
fn host(profile: &Profile) -> (u32, PathBuf) {
    let hosts = profile.state_dir().join("hosts");
    let directory = std::fs::read_dir(hosts).unwrap().next().unwrap().unwrap();
    let mark = std::fs::read(directory.path().join("started")).unwrap();
    let mark: Value = serde_json::from_slice(&mark).unwrap();
    let pid = u32::try_from(mark["pid"].as_u64().unwrap()).unwrap();
    (pid, executable(pid))
}

fn executable(pid: u32) -> PathBuf {
    std::fs::read_link(format!("/proc/{pid}/exe")).unwrap()
}

fn is_the_first(profile: &Profile) -> bool {
    host(profile).1.ends_with("betcode-host-v1")
}

fn runs(profile: &Profile) -> usize {
    let text = std::fs::read_to_string(profile.work().join("runs"));
    text.unwrap_or_default().lines().count()
}

fn allow(id: &RequestId) -> Action {
    Action::AnswerPermission {
        id: id.clone(),
        answer: PermissionAnswer::Allow {
            scope: PermissionScope::Once,
            input: None,
        },
    }
}

/// Waits until so many turns have ended.
async fn turns(seated: &mut Seated, count: usize) {
    let is_end = |body: &EventBody| matches!(body, EventBody::TurnComplete(_));
    let seen = seated.seen.iter().filter(|event| is_end(&event.body));
    let mut left = count - seen.count().min(count);
    if left == 0 {
        return;
    }
    let before = std::mem::take(&mut seated.seen);
    seated
        .until("the end of the turns", |body| {
            left -= usize::from(is_end(body)).min(left);
            (left == 0).then_some(())
        })
        .await;
    seated.seen.splice(0..0, before);
}

/// Nothing is missing in the log and nothing is there twice, and one agent did it all.
fn is_whole(events: &[Value]) {
    for pair in events.windows(2) {
        let first = &pair[1]["first_sequence"];
        let first = first.as_u64().or(pair[1]["sequence"].as_u64()).unwrap();
        assert_eq!(pair[0]["sequence"].as_u64().unwrap() + 1, first);
    }
    let starts = events
        .iter()
        .filter(|event| event["type"] == "agent_started");
    assert_eq!(starts.count(), 1, "the agent was started anew");
}

#[test]
fn a_turn_in_a_host_of_the_first_version_goes_on_under_a_new_daemon() {
    let profile = profile();
    let old = old_daemon(&profile, "");
    let flood = "/demo flood n=3000 rate=1500 size=20";
    let running = profile
        .betcode(["-p", flood, "--output-format", "events"])
        .spawn();
    wait_until(SOON, "events", || {
        (running.stdout().len() > 20_000).then_some(())
    });
    assert!(is_the_first(&profile));
    kill_daemon(&profile, old);
    start_daemon(&profile);
    assert!(executable(profile.daemon_pid().unwrap()).ends_with("betcode"));
    let events = running.wait(SOON).expect(0).json_lines();
    is_whole(&events);
    let text = events.iter().filter_map(|event| event["text"].as_str());
    assert_eq!(text.map(str::len).sum::<usize>(), 60_000 + flood.len());
}

#[test]
fn a_request_of_a_host_of_the_first_version_is_answered_and_what_is_queued_behind_it_is_sent_once()
{
    let profile = profile();
    let old = old_daemon(&profile, "");
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        seated.act(message(COUNTED)).await.unwrap();
        let id = seated.asked().await;
        let queued = "/demo tool command=\"echo queued >> runs\"";
        seated.act(message(queued)).await.unwrap();
        kill_daemon(&profile, old);
        start_daemon(&profile);
        assert!(is_the_first(&profile));
        assert_eq!(runs(&profile), 0);
        seated.act(allow(&id)).await.unwrap();
        turns(&mut seated, 2).await;
    });
    let text = std::fs::read_to_string(profile.work().join("runs")).unwrap();
    assert_eq!(text, "ran\nqueued\n");
}

#[test]
fn a_frame_that_the_host_of_the_first_version_had_not_acknowledged_is_written_once() {
    for host_first in [true, false] {
        let profile = profile();
        let old = old_daemon(&profile, "");
        block_on(async {
            let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
            seated.act(message("/demo say text=hi")).await.unwrap();
            turns(&mut seated, 1).await;
            let (host, _) = host(&profile);
            kill(host, Signal::STOP);
            let counted = "/demo tool command=\"echo ran >> runs\"";
            seated.act(message(counted)).await.unwrap();
            kill_daemon(&profile, old);
            if host_first {
                kill(host, Signal::CONT);
                start_daemon(&profile);
            } else {
                start_daemon(&profile);
                kill(host, Signal::CONT);
            }
            turns(&mut seated, 2).await;
        });
        assert_eq!(runs(&profile), 1, "host first: {host_first}");
    }
}

#[test]
fn a_line_beyond_the_window_passes_through_a_host_of_the_first_version_and_its_session_closes() {
    let profile = profile();
    let old = old_daemon(&profile, "");
    let line = "/demo line bytes=2000000";
    let output = profile.betcode(["-p", line]).run().expect(0);
    assert!(output.stdout.len() >= 2_000_000);
    let stalls = ["-p", "/demo stall secs=600", "--detach"];
    let id = profile.betcode(stalls).run().expect(0).stdout;
    wait_until(SOON, "a stalled turn", || {
        let log = profile.betcode(["session", "events", id.trim()]).run();
        log.stdout.contains("text_delta").then_some(())
    });
    kill_daemon(&profile, old);
    start_daemon(&profile);
    let close = ["session", "close", id.trim()];
    profile.betcode(close).run().expect(0);
    wait_until(SOON, "no host is left", || {
        let mut hosts = std::fs::read_dir(profile.state_dir().join("hosts")).unwrap();
        hosts.next().is_none().then_some(())
    });
}

#[test]
fn a_host_of_the_first_version_that_is_killed_is_told_apart_from_its_agent() {
    for (whole, words) in [(true, "the agent's host was killed"), (false, "signal 9")] {
        let profile = profile();
        let _old = old_daemon(&profile, "");
        let run = "/demo flood n=1500 rate=1000 size=10";
        let running = profile.betcode(["-p", run]).spawn();
        let id = session(&profile);
        let agent = wait_until(SOON, "text", || {
            let log = profile
                .betcode(["session", "events", &id])
                .run()
                .json_lines();
            let started = log.iter().find_map(|event| event["pid"].as_u64())?;
            let talks = log.iter().any(|event| event["type"] == "text_delta");
            talks.then_some(started)
        });
        let victim = if whole {
            host(&profile).0
        } else {
            u32::try_from(agent).unwrap()
        };
        kill(victim, Signal::KILL);
        let output = running.wait(SOON).expect(0);
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
}

#[test]
fn what_a_newer_host_adds_is_passed_over_and_noted_in_the_log_file() {
    let profile = profile();
    let _daemon = old_daemon(&profile, "--newer");
    let output = profile
        .betcode(["-p", "/demo tool command=\"echo ran >> runs\""])
        .run()
        .expect(0);
    assert!(!output.stdout.is_empty());
    assert_eq!(runs(&profile), 1);
    // The log file is written beside everything else.
    let log = wait_until(SOON, "a note in the log", || {
        let log = profile.betcode(["daemon", "logs", "-n", "200"]).run();
        log.stdout
            .contains("is of a later version")
            .then_some(log.stdout)
    });
    // Once for each connection to the host; one that is about to end may be connected to once more.
    let notes = log.matches("is of a later version").count();
    assert!(notes <= 2, "{log}");
}

/// A file that is replaced as package managers do it: the old one is still open, and its name leads to the new one.
fn replace(program: &Path) {
    let new = program.with_extension("new");
    std::fs::copy(env!("CARGO_BIN_EXE_betcode"), &new).unwrap();
    std::fs::rename(new, program).unwrap();
}

#[test]
fn a_program_that_is_replaced_takes_over_running_turns_and_waiting_clients_go_on_without_a_word() {
    let place = tempfile::tempdir().unwrap();
    let betcode = place.path().join("betcode");
    replace(&betcode);
    let profile = Profile::new(&betcode);
    start_daemon(&profile);
    let flood = "/demo flood n=3000 rate=1000 size=20";
    let streaming = profile
        .betcode(["-p", flood, "--output-format", "events"])
        .spawn();
    let waiting = profile
        .betcode(["-p", COUNTED, "--wait-for-permissions"])
        .spawn();
    let request = wait_until(SOON, "a request", || {
        let list = profile
            .betcode(["permission", "list", "--json"])
            .run()
            .json();
        Some(list[0]["id"].as_str()?.to_owned())
    });
    wait_until(SOON, "events", || {
        (streaming.stdout().len() > 20_000).then_some(())
    });
    let old = profile.daemon_pid().unwrap();
    replace(&betcode);
    profile.betcode(["daemon", "restart"]).run().expect(0);
    let new = profile.daemon_pid().unwrap();
    assert_ne!(old, new);
    assert_eq!(executable(new), betcode);
    let hosts = std::fs::read_dir(profile.state_dir().join("hosts")).unwrap();
    assert_eq!(hosts.count(), 2);
    let deleted = host(&profile).1;
    assert!(
        deleted.to_string_lossy().ends_with("betcode (deleted)"),
        "{}",
        deleted.display()
    );
    profile
        .betcode(["permission", "allow", &request])
        .run()
        .expect(0);
    let waited = waiting.wait(SOON).expect(0);
    assert_eq!(runs(&profile), 1);
    let streamed = streaming.wait(SOON).expect(0);
    is_whole(&streamed.json_lines());
    for output in [&waited, &streamed] {
        let silent = !output.stderr.contains("daemon") && !output.stderr.contains("reconnecting");
        assert!(silent, "{}", output.stderr);
    }
}

#[test]
fn who_watches_a_session_is_there_again_soon_after_the_daemon_even_when_that_took_its_time() {
    let profile = profile();
    start_daemon(&profile);
    let run = |text: &str| {
        profile
            .betcode(["-p", text, "--output-format", "json"])
            .run()
            .expect(0)
            .json()["session_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let id = run("/demo say text=one");
    let watcher = profile
        .betcode(["session", "events", &id, "--follow"])
        .spawn();
    watcher.wait_for("turn_complete");
    profile.betcode(["daemon", "stop"]).run().expect(0);
    // The pause after the third attempt in vain is one of seconds.
    wait_until(SOON, "it has tried in vain", || {
        (watcher.stderr().matches("reconnecting").count() >= 3).then_some(())
    });
    start_daemon(&profile);
    let again = ["-p", "/demo say text=two", "--resume", &id];
    profile.betcode(again).run().expect(0);
    wait_until(Duration::from_secs(1), "the second turn", || {
        (watcher.stdout().matches("turn_complete").count() == 2).then_some(())
    });
}

#[test]
fn a_daemon_that_speaks_another_protocol_is_named_and_a_restart_replaces_it() {
    let profile = profile();
    start_daemon(&profile);
    let old = profile.daemon_pid().unwrap();
    let file = profile
        .state_dir()
        .join(betcode_core::endpoint::ENDPOINT_FILE);
    let mut endpoint: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    endpoint["protocol"] = 2.into();
    endpoint["daemon_version"] = "9.0.0".into();
    std::fs::write(&file, endpoint.to_string()).unwrap();
    let refused = profile.betcode(["-p", "/demo say text=hi"]).run();
    let words = "Error: the daemon (version 9.0.0) speaks protocol 2, this program speaks 1\n\
                 hint: betcode daemon restart replaces it; turns that run go on\n";
    assert_eq!(refused.stderr, words);
    assert_ne!(refused.code, 0);
    profile.betcode(["daemon", "restart"]).run().expect(0);
    assert_ne!(profile.daemon_pid().unwrap(), old);
    profile.betcode(["-p", "/demo say text=hi"]).run().expect(0);
}
