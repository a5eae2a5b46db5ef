//! The life of the daemon as commands show it, and what else asks it.

use betcode_testkit::{kill, wait_until};
use rustix::process::Signal;
use std::time::Duration;

use crate::profile;

#[test]
fn start_status_restart_and_stop_say_what_is() {
    let profile = profile();
    let status = || {
        profile
            .betcode(["daemon", "status", "--json"])
            .run()
            .expect(0)
            .json()
    };
    assert_eq!(status()["running"], false);
    assert!(
        profile
            .betcode(["daemon", "stop"])
            .run()
            .expect(0)
            .stdout
            .contains("no daemon is running")
    );

    profile.betcode(["daemon", "start"]).run().expect(0);
    let first = status();
    assert_eq!(first["running"], true);
    for key in [
        "pid",
        "version",
        "socket",
        "state_dir",
        "uptime_ms",
        "sessions",
        "clients",
    ] {
        assert!(!first[key].is_null(), "{key}");
    }
    assert!(
        profile
            .betcode(["daemon", "start"])
            .run()
            .expect(0)
            .stdout
            .contains("runs already")
    );
    profile.betcode(["daemon", "restart"]).run().expect(0);
    let second = status();
    assert_ne!(first["pid"], second["pid"]);
    assert!(
        profile
            .betcode(["daemon", "stop"])
            .run()
            .expect(0)
            .stdout
            .contains("has ended")
    );
    assert_eq!(status()["running"], false);
}

#[test]
fn the_log_file_is_shown_from_its_end() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let output = profile
        .betcode(["daemon", "logs", "-n", "1"])
        .run()
        .expect(0);
    assert_eq!(output.stdout.lines().count(), 1, "{}", output.stdout);
}

#[test]
fn a_second_daemon_for_the_same_state_says_that_one_runs() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let pid = profile.daemon_pid();
    let second = profile.betcode(["daemon", "run"]).run();
    assert!(
        second.stderr.contains(&pid.unwrap().to_string()),
        "{}",
        second.stderr
    );
    assert_eq!(profile.daemon_pid(), pid);
}

#[test]
fn sessions_are_listed_shown_renamed_closed_and_deleted() {
    let profile = profile();
    let id = profile
        .betcode(["-p", "/demo say text=x", "--detach", "-n", "first"])
        .run()
        .expect(0)
        .stdout;
    let id = id.trim();
    let list = profile.betcode(["session", "list"]).run().expect(0).stdout;
    assert!(list.starts_with("ID ") && list.contains("first"), "{list}");
    profile
        .betcode(["session", "rename", id, "second"])
        .run()
        .expect(0);
    let shown = profile
        .betcode(["session", "show", &id[..13], "--json"])
        .run()
        .expect(0)
        .json();
    assert_eq!(
        (&shown["id"], &shown["title"]),
        (&id.into(), &"second".into())
    );
    profile.betcode(["session", "close", id]).run().expect(0);
    profile.betcode(["-p", "x", "--resume", id]).run().expect(1);
    profile.betcode(["session", "events", id]).run().expect(0);
    profile.betcode(["session", "delete", id]).run().expect(0);
    let gone = profile.betcode(["session", "show", id]).run().expect(1);
    assert!(
        gone.stderr
            .starts_with(&format!("Error: there is no session `{id}`")),
        "{}",
        gone.stderr
    );
}

#[test]
fn an_id_with_a_slip_is_answered_with_the_nearest() {
    let profile = profile();
    let id = profile
        .betcode(["-p", "/demo say text=x", "--detach"])
        .run()
        .expect(0)
        .stdout;
    // Dashes do not count, so the slip is in the digit behind the first one.
    let slip = if id.as_bytes()[9] == b'f' { 'e' } else { 'f' };
    let wrong = format!("{}{slip}", &id.trim()[..8]);
    let output = profile.betcode(["session", "show", &wrong]).run().expect(1);
    assert!(output.stderr.contains(id.trim()), "{}", output.stderr);
}

#[test]
fn agents_trust_and_feed_are_shown() {
    let profile = profile();
    let agents = profile
        .betcode(["agent", "list", "--json"])
        .run()
        .expect(0)
        .json();
    let demo = agents
        .as_array()
        .unwrap()
        .iter()
        .find(|agent| agent["name"] == "demo")
        .unwrap();
    assert_eq!(
        (&demo["installed"], &demo["chosen"]),
        (&true.into(), &true.into())
    );
    profile.betcode(["agent", "check", "demo"]).run().expect(0);
    assert!(
        profile
            .betcode(["agent", "check", "dmo"])
            .run()
            .expect(1)
            .stderr
            .contains("did you mean `demo`")
    );

    profile.betcode(["trust"]).run().expect(0);
    let trusted = profile
        .betcode(["trust", "--list", "--json"])
        .run()
        .expect(0)
        .json();
    assert_eq!(
        trusted[0]["directory"],
        profile.work().canonicalize().unwrap().to_str().unwrap()
    );
    profile.betcode(["untrust"]).run().expect(0);
    assert_eq!(
        profile
            .betcode(["trust", "--list", "--json"])
            .run()
            .expect(0)
            .json(),
        serde_json::json!([])
    );

    let id = profile
        .betcode(["-p", "/demo say text=x", "--detach"])
        .run()
        .expect(0)
        .stdout;
    let feed = profile.betcode(["daemon", "feed"]).run().expect(0);
    assert!(feed.stdout.contains(id.trim()), "{}", feed.stdout);
}

#[test]
fn a_daemon_that_is_killed_in_mid_answer_leaves_neither_gap_nor_double() {
    let profile = profile();
    let flood = "/demo flood n=3000 rate=1500 size=20";
    let running = profile
        .betcode(["-p", flood, "--output-format", "events"])
        .spawn();
    for _ in 0..3 {
        let before = running.stdout().len();
        wait_until(Duration::from_secs(20), "more events", || {
            (running.stdout().len() > before + 20_000).then_some(())
        });
        kill(profile.daemon_pid().unwrap(), Signal::KILL);
    }
    let output = running.wait(Duration::from_mins(1)).expect(0);
    let events = output.json_lines();
    let text: usize = events
        .iter()
        .filter_map(|event| event["text"].as_str())
        .map(str::len)
        .sum();
    assert_eq!(text, 60_000 + flood.len());
    let starts = events
        .iter()
        .filter(|event| event["type"] == "agent_started")
        .count();
    assert_eq!(starts, 1, "the agent was started anew");
    for pair in events.windows(2) {
        let first = pair[1]["first_sequence"]
            .as_u64()
            .or(pair[1]["sequence"].as_u64())
            .unwrap();
        assert_eq!(pair[0]["sequence"].as_u64().unwrap() + 1, first);
    }
}

#[test]
fn a_run_that_waits_for_another_daemon_to_end_says_so_and_goes_on_then() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    profile.betcode(["daemon", "stop"]).run().expect(0);
    // What one that is ending still holds.
    let lock = std::fs::File::open(profile.state_dir().join("daemon.lock")).unwrap();
    lock.lock().unwrap();
    let run = profile.betcode(["-p", "/demo say text=hi"]).spawn();
    wait_until(Duration::from_secs(9), "it says what it waits for", || {
        run.stderr()
            .contains("note: another daemon has not ended yet")
            .then_some(())
    });
    drop(lock);
    let output = run.wait(Duration::from_secs(30)).expect(0);
    assert_eq!(output.stdout, "hi\n");
}

#[test]
fn a_timeout_holds_while_a_daemon_is_waited_for() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    profile.betcode(["daemon", "stop"]).run().expect(0);
    let lock = std::fs::File::open(profile.state_dir().join("daemon.lock")).unwrap();
    lock.lock().unwrap();
    let run = profile.betcode(["-p", "/demo say text=hi", "--timeout", "2"]);
    let output = run.run().expect(124);
    assert!(
        output.stderr.ends_with("Error: no answer within 2s\n"),
        "{}",
        output.stderr
    );
    drop(lock);
}

#[test]
fn with_broken_settings_no_daemon_is_started_and_the_one_that_runs_goes_on() {
    let profile = profile();
    std::fs::create_dir_all(profile.config_dir()).unwrap();
    let file = profile.config_dir().join("config.toml");
    let broken = "[lock]\nwait = \"1h\"\nnonsense = 3\n";
    std::fs::write(&file, broken).unwrap();
    for command in ["start", "restart"] {
        let refused = profile.betcode(["daemon", command]).run().expect(1);
        let said = refused.stderr;
        assert!(said.contains("config.toml"), "{said}");
        assert!(said.contains("lock.nonsense"), "{said}");
        assert!(said.contains("betcode config edit"), "{said}");
        assert_eq!(profile.daemon_pid(), None);
    }
    // One that starts by itself says what does not count, with every command until it is mended.
    for _ in 0..2 {
        let listed = profile.betcode(["session", "list"]).run().expect(0);
        let said = listed.stderr;
        assert!(said.contains("the daemon goes on without it"), "{said}");
    }
    let pid = profile.daemon_pid().unwrap();
    profile.betcode(["daemon", "restart"]).run().expect(1);
    assert_eq!(profile.daemon_pid(), Some(pid), "it goes on");
    profile.betcode(["daemon", "start"]).run().expect(0);
    std::fs::write(&file, "[lock]\nwait = \"9s\"\n").unwrap();
    let restarted = profile.betcode(["daemon", "restart"]).run().expect(0);
    assert_eq!(restarted.stderr, "");
    assert_ne!(profile.daemon_pid(), Some(pid));
}

#[test]
fn whoever_changes_what_a_running_daemon_has_read_already_is_told() {
    let profile = profile();
    let set = |key: &str, value: &str| {
        let set = profile.betcode(["config", "set", key, value]).run();
        set.expect(0).stderr.contains("betcode daemon restart")
    };
    assert!(!set("lock.wait", "9s"), "no daemon runs");
    assert_eq!(profile.daemon_pid(), None, "and none is started");
    profile.betcode(["daemon", "start"]).run().expect(0);
    assert!(set("lock.wait", "8s"));
    assert!(set("session.stalled_after", "3m"));
    assert!(!set("model", "demo-1"), "it is read for each session");
    let edit = |line: &str| {
        let editor = format!("sh -c 'printf \"{line}\" >> \"$0\"'");
        let edit = profile.betcode(["config", "edit"]).env("EDITOR", &editor);
        let said = edit.without_env("VISUAL").run().expect(0);
        said.stderr.contains("betcode daemon restart")
    };
    assert!(!edit("# nothing\\n"));
    assert!(edit("[daemon]\\nlog_level = \\\"debug\\\"\\n"));
}
