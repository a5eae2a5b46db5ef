//! What happens to the log: copied, put back, damaged, cut, older, newer, and on a disk that is full.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_testkit::{Output, Profile, kill, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::{profile, session};

fn sessions(profile: &Profile) -> Vec<String> {
    let rows = profile
        .betcode(["session", "list", "--json"])
        .run()
        .expect(0)
        .json();
    let rows = rows.as_array().unwrap();
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

fn stop(profile: &Profile) {
    profile
        .betcode(["daemon", "stop", "--agents"])
        .run()
        .expect(0);
}

fn doctor(profile: &Profile) -> Output {
    profile.betcode(["daemon", "doctor", "--json"]).run()
}

/// What the doctor says about one thing.
fn finding(output: &Output, check: &str) -> Value {
    let all = output.json();
    let found = all
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["check"] == check);
    found.cloned().unwrap()
}

fn epoch(profile: &Profile) -> Value {
    let status = profile.betcode(["daemon", "status", "--json"]).run();
    status.expect(0).json()["epoch"].clone()
}

fn log(profile: &Profile) -> PathBuf {
    profile.state_dir().join("log.db")
}

fn kill_daemon(profile: &Profile) {
    let pid = profile.daemon_pid().unwrap();
    kill(pid, Signal::KILL);
    wait_until(Duration::from_secs(10), "the daemon is gone", || {
        (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}

/// The log's files and their bytes.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(directory)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.starts_with("log."))
        .map(|name| (name.clone(), fs::read(directory.join(&name)).unwrap()))
        .collect()
}

/// The text that a flood's deltas make, checked to be without gap and double.
fn flooded(events: &[Value], pieces: usize) {
    let mut last = None;
    for event in events {
        let sequence = event["sequence"].as_u64().unwrap();
        let first = event["first_sequence"].as_u64().unwrap_or(sequence);
        assert_eq!(first, last.map_or(first, |last: u64| last + 1));
        last = Some(sequence);
    }
    let text: String = events
        .iter()
        .filter(|event| event["type"] == "text_delta")
        .filter_map(|event| event["text"].as_str())
        .collect();
    let numbers: Vec<usize> = text
        .lines()
        .filter_map(|line| line.trim_end_matches('.').trim().parse().ok())
        .collect();
    assert_eq!(numbers, (1..=pieces).collect::<Vec<_>>());
}

#[test]
fn a_backup_is_whole_while_a_daemon_runs_and_comes_back_under_a_new_epoch() {
    let profile = profile();
    let kept = session(&profile);
    let file = profile.work().join("a.backup");
    let made = profile
        .betcode(["daemon", "backup", "a.backup", "--json"])
        .run()
        .expect(0);
    assert_eq!(made.json()["sessions"], 1);
    let data = fs::metadata(&file).unwrap();
    assert_eq!(made.json()["bytes"], data.len());
    assert_eq!(data.permissions().mode() & 0o777, 0o600);

    let refused = profile.betcode(["daemon", "backup", "a.backup"]).run();
    assert!(refused.expect(1).stderr.contains("--force"));
    profile
        .betcode(["daemon", "backup", "a.backup", "--force"])
        .run()
        .expect(0);

    profile
        .betcode(["-p", "/demo say text=two"])
        .run()
        .expect(0);
    let before = epoch(&profile);
    let refused = profile.betcode(["daemon", "restore", "a.backup"]).run();
    assert!(
        refused
            .expect(1)
            .stderr
            .contains("betcode daemon stop --agents")
    );
    stop(&profile);
    let both = profile
        .betcode(["daemon", "backup", "both.backup", "--json"])
        .run()
        .expect(0);
    assert_eq!(both.json()["sessions"], 2);

    let restored = profile
        .betcode(["daemon", "restore", "a.backup", "--json"])
        .run()
        .expect(0);
    let former = restored.json()["set_aside"].as_str().unwrap().to_owned();
    assert!(Path::new(&former).exists());
    assert_eq!(sessions(&profile), std::slice::from_ref(&kept));
    assert_ne!(epoch(&profile), before);
    profile
        .betcode(["-p", "/demo say text=more", "--resume", &kept])
        .run()
        .expect(0);
    stop(&profile);
    profile
        .betcode(["daemon", "restore", "both.backup"])
        .run()
        .expect(0);
    assert_eq!(sessions(&profile).len(), 2);
    let left: Vec<_> = fs::read_dir(profile.work()).unwrap().flatten().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_is_no_backup_is_refused_and_nothing_is_touched() {
    let profile = profile();
    session(&profile);
    profile
        .betcode(["daemon", "backup", "good"])
        .run()
        .expect(0);
    stop(&profile);
    let good = fs::read(profile.work().join("good")).unwrap();
    let mut newer = good.clone();
    // SQLite keeps `user_version` here.
    newer[60..64].copy_from_slice(&77_u32.to_be_bytes());
    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    for byte in &mut damaged[middle..middle + 8192] {
        *byte = 0xA5;
    }
    let before = contents(&profile.state_dir());
    for (name, bytes, word) in [
        ("empty", Vec::new(), "empty"),
        ("garbage", vec![b'?'; 9000], "not a database"),
        ("cut", good[..good.len() - 5000].to_vec(), "damaged"),
        ("damaged", damaged, "damaged"),
        ("newer", newer, "newer version"),
    ] {
        fs::write(profile.work().join(name), bytes).unwrap();
        let refused = profile.betcode(["daemon", "restore", name]).run().expect(1);
        assert!(refused.stderr.contains(word), "{name}: {}", refused.stderr);
        assert!(contents(&profile.state_dir()) == before, "{name}");
    }
    profile
        .betcode(["daemon", "restore", "good"])
        .run()
        .expect(0);
}

#[test]
fn a_backup_of_a_running_turn_comes_back_with_the_agent_taken_for_lost() {
    let profile = profile();
    let turn = profile
        .betcode([
            "-p",
            "/demo permission command=\"touch x\"",
            "--permission-mode",
            "default",
            "--output-format",
            "events",
        ])
        .spawn();
    turn.wait_for("permission_request");
    profile.betcode(["daemon", "backup", "mid"]).run().expect(0);
    stop(&profile);
    turn.wait(Duration::from_secs(30));
    profile
        .betcode(["daemon", "restore", "mid"])
        .run()
        .expect(0);
    let id = sessions(&profile)[0].clone();
    let exited = || {
        let events = profile.betcode(["session", "events", &id]).run().expect(0);
        events.stdout.contains("\"agent_exited\"").then_some(())
    };
    wait_until(
        Duration::from_secs(20),
        "the agent is taken for lost",
        exited,
    );
}

#[test]
fn a_log_that_cannot_be_used_is_set_aside_told_and_recovered() {
    let profile = profile();
    let id = session(&profile);
    // Before the long turn, so that it is at the beginning of the file.
    let other = {
        profile.betcode(["-p", "/demo say text=x"]).run().expect(0);
        sessions(&profile)
            .into_iter()
            .find(|one| *one != id)
            .unwrap()
    };
    profile
        .betcode(["-p", "/demo flood n=3000 size=200", "--resume", &id])
        .run()
        .expect(0);
    stop(&profile);
    let length = fs::metadata(log(&profile)).unwrap().len();
    // The end of the file is gone, and with it the end of the long session.
    fs::File::options()
        .write(true)
        .open(log(&profile))
        .unwrap()
        .set_len(length * 2 / 3 / 4096 * 4096)
        .unwrap();
    let seen = doctor(&profile).expect(1);
    let problem = finding(&seen, "log");
    assert_eq!(problem["level"], "problem");
    assert!(problem["hint"].as_str().unwrap().contains("--recover"));

    let said = profile.betcode(["session", "list"]).run().expect(0).stderr;
    assert!(said.contains("set aside"), "{said}");
    assert_eq!(sessions(&profile), Vec::<String>::new());
    profile
        .betcode(["-p", "/demo say text=new"])
        .run()
        .expect(0);
    let running = profile
        .betcode([
            "daemon",
            "doctor",
            "--recover",
            "../state/log.db.set-aside-1",
        ])
        .run()
        .expect(1);
    assert!(running.stderr.contains("daemon stop"), "{}", running.stderr);
    stop(&profile);
    let recovered = profile
        .betcode([
            "daemon",
            "doctor",
            "--json",
            "--recover",
            "../state/log.db.set-aside-1",
        ])
        .run()
        .expect(0)
        .json();
    assert_eq!(
        recovered["sessions"].as_array().unwrap().len(),
        3,
        "{recovered}"
    );
    let said = profile.betcode(["session", "list"]).run().expect(0).stderr;
    assert!(!said.contains("set aside"), "{said}");
    let all = sessions(&profile);
    assert!(all.contains(&id) && all.contains(&other), "{all:?}");
    for session in &all {
        let events = profile
            .betcode(["session", "events", session])
            .run()
            .expect(0);
        let events = events.json_lines();
        let damaged = events.iter().any(|event| {
            event["type"] == "notice" && event["text"].as_str().unwrap().contains("damaged")
        });
        let row = recovered["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == **session);
        assert_eq!(row.unwrap()["whole"], !damaged, "{session}");
        profile
            .betcode(["-p", "/demo say text=on", "--resume", session])
            .run()
            .expect(0);
    }
    stop(&profile);
    assert_eq!(finding(&doctor(&profile), "log")["level"], "ok");
    let nothing = profile
        .betcode(["daemon", "doctor", "--recover"])
        .run()
        .expect(1);
    assert!(nothing.stderr.contains("in order"), "{}", nothing.stderr);
}

#[test]
fn garbage_and_an_empty_file_in_the_place_of_the_log_are_set_aside_and_said() {
    for bytes in [vec![b'?'; 5000], Vec::new()] {
        let profile = profile();
        session(&profile);
        stop(&profile);
        fs::write(log(&profile), &bytes).unwrap();
        doctor(&profile).expect(1);
        let said = profile.betcode(["session", "list"]).run().expect(0).stderr;
        assert!(said.contains("set aside"), "{said}");
        let aside = profile.state_dir().join("log.db.set-aside-1");
        assert_eq!(fs::read(aside).unwrap(), bytes);
        profile.betcode(["-p", "/demo say text=x"]).run().expect(0);
    }
}

#[test]
fn a_log_of_a_newer_version_is_refused_and_stays_as_it_is_to_the_byte() {
    let profile = profile();
    session(&profile);
    stop(&profile);
    let mut bytes = fs::read(log(&profile)).unwrap();
    bytes[60..64].copy_from_slice(&77_u32.to_be_bytes());
    fs::write(log(&profile), &bytes).unwrap();
    let before = contents(&profile.state_dir());
    let refused = profile.betcode(["daemon", "start"]).run().expect(2);
    assert!(
        refused.stderr.contains("newer version"),
        "{}",
        refused.stderr
    );
    let seen = doctor(&profile).expect(1);
    assert!(
        finding(&seen, "log")["message"]
            .as_str()
            .unwrap()
            .contains("77")
    );
    profile
        .betcode(["daemon", "doctor", "--recover"])
        .run()
        .expect(1);
    profile.betcode(["daemon", "backup", "x"]).run().expect(1);
    let mut after = contents(&profile.state_dir());
    after.retain(|name, bytes| before.contains_key(name) || !bytes.is_empty());
    after.remove("log.db-shm");
    assert!(after == before, "{:?}", after.keys());
}

#[test]
fn a_write_ahead_log_that_is_cut_or_gone_makes_a_new_epoch_and_a_log_without_gaps() {
    for cut in [true, false] {
        let profile = profile();
        let id = session(&profile);
        let before = epoch(&profile);
        profile
            .betcode(["-p", "/demo say text=more", "--resume", &id])
            .run()
            .expect(0);
        kill_daemon(&profile);
        let wal = profile.state_dir().join("log.db-wal");
        let length = fs::metadata(&wal).unwrap().len();
        assert!(length > 0);
        if cut {
            let file = fs::File::options().write(true).open(&wal).unwrap();
            file.set_len(length * 3 / 4 + 17).unwrap();
        } else {
            fs::remove_file(&wal).unwrap();
        }
        profile.betcode(["daemon", "start"]).run().expect(0);
        assert_ne!(epoch(&profile), before, "cut: {cut}");
        for session in sessions(&profile) {
            let events = profile
                .betcode(["session", "events", &session])
                .run()
                .expect(0);
            flooded(&events.json_lines(), 0);
        }
        profile.betcode(["-p", "/demo say text=x"]).run().expect(0);
    }
}

#[test]
fn an_older_copy_of_the_log_gets_a_new_epoch_and_clients_are_told_to_begin_anew() {
    let profile = profile();
    let id = session(&profile);
    stop(&profile);
    let older = fs::read(log(&profile)).unwrap();
    profile
        .betcode(["-p", "/demo say text=more", "--resume", &id])
        .run()
        .expect(0);
    let before = epoch(&profile);
    let follower = profile
        .betcode(["session", "events", &id, "--follow"])
        .spawn();
    follower.wait_for("turn_complete");
    kill_daemon(&profile);
    for name in ["log.db-wal", "log.db-shm"] {
        fs::remove_file(profile.state_dir().join(name)).ok();
    }
    fs::write(log(&profile), older).unwrap();
    profile.betcode(["daemon", "start"]).run().expect(0);
    assert_ne!(epoch(&profile), before);
    wait_until(Duration::from_secs(20), "the client hears of it", || {
        follower
            .stderr()
            .contains("the log was replaced")
            .then_some(())
    });
}

#[test]
fn of_a_torn_spool_what_is_whole_is_kept() {
    let profile = profile();
    let turn = profile
        .betcode([
            "-p",
            "/demo count n=100000 rate=200",
            "--output-format",
            "events",
        ])
        .spawn();
    turn.wait_for("text_delta");
    turn.signal(Signal::KILL);
    kill_daemon(&profile);
    let hosts = profile.state_dir().join("hosts");
    let host = fs::read_dir(hosts)
        .unwrap()
        .flatten()
        .next()
        .unwrap()
        .path();
    let holder = betcode_host::remains::holder(&host).unwrap().unwrap();
    kill(holder, Signal::KILL);
    wait_until(Duration::from_secs(10), "the host is gone", || {
        betcode_host::remains::holder(&host)
            .unwrap()
            .is_none()
            .then_some(())
    });
    let spool = fs::read_dir(&host)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "out"))
        .unwrap();
    let mut bytes = fs::read(&spool).unwrap();
    // The last line is cut, and what follows is not what any agent says.
    bytes.truncate(bytes.len() - 9);
    bytes.extend_from_slice(b"\x00\xff\xfe garbage {\"type\":\n\x00\x00");
    fs::write(&spool, bytes).unwrap();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let id = sessions(&profile)[0].clone();
    let events = || {
        let events = profile.betcode(["session", "events", &id]).run().expect(0);
        events.json_lines()
    };
    let events = wait_until(
        Duration::from_secs(30),
        "the host is taken for lost",
        || {
            Some(events())
                .filter(|events| events.iter().any(|event| event["type"] == "agent_exited"))
        },
    );
    let mut last = 0;
    for event in &events {
        let sequence = event["sequence"].as_u64().unwrap();
        assert_eq!(
            event["first_sequence"].as_u64().unwrap_or(sequence),
            last + 1
        );
        last = sequence;
    }
    assert!(
        events.iter().any(|event| event["type"] == "unknown"),
        "what makes no sense is said"
    );
}

/// A script in a mount namespace of its own; none where there can be none.
fn on_a_small_disk(profile: &Profile, size: &str, script: &str) -> Option<Output> {
    let apart = ["unshare --mount", "unshare --user --map-root-user --mount"];
    let apart = apart.into_iter().find(|apart| {
        let line = format!("{apart} mount -t tmpfs none /mnt 2>/dev/null");
        profile.shell(&line).run().code == 0
    });
    let Some(apart) = apart else {
        let said = "skipped: this machine lets nobody mount a small disk\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return None;
    };
    let file = profile.home().join("script");
    let state = profile.state_dir();
    let (state, program) = (state.display(), profile.program().display());
    let text = format!(
        "set -u\nstate={state}\nbetcode={program}\nmkdir -p $state\nmount -t tmpfs -o size={size},mode=0700 none $state || exit 99\n{script}"
    );
    fs::write(&file, text).unwrap();
    let line = format!("{apart} bash {}", file.display());
    Some(profile.shell(&line).within(Duration::from_mins(3)).run())
}

#[test]
fn a_full_disk_holds_the_agent_back_is_told_and_loses_nothing() {
    let profile = profile();
    let script = r#"
        $betcode daemon start >/dev/null || exit 1
        $betcode -p "/demo flood n=60000 size=100 rate=6000" --output-format events >events 2>notes &
        turn=$!
        until [ $(wc -c <events) -gt 200000 ]; do sleep 0.02; done
        head -c 100M /dev/zero >$state/filler 2>/dev/null
        for i in $(seq 600); do grep -q "nothing can be recorded" notes && break; sleep 0.05; done
        cp notes notes-full
        $betcode -p "/demo say text=x" >other 2>other-notes; echo $? >other-code
        $betcode daemon status --json >status 2>/dev/null
        $betcode daemon doctor --json >doctor 2>/dev/null
        kill -0 $turn && echo still >alive
        before=$(wc -c <events); sleep 2.5; after=$(wc -c <events); echo $before $after >stands
        rm $state/filler
        for i in $(seq 600); do grep -q "it goes on" notes && break; sleep 0.05; done
        head -c 100M /dev/zero >$state/filler 2>/dev/null
        kill -9 $(cat $state/daemon.lock); sleep 0.2
        $betcode daemon start >start 2>&1; echo $? >start-code
        rm $state/filler
        wait $turn; echo $? >code
        # What the turn leaves behind is still being removed.
        for i in $(seq 200); do
            head -c 100M /dev/zero >>$state/filler 2>/dev/null
            $betcode daemon status --json >status-idle 2>/dev/null
            grep -q "the disk is full" status-idle && break; sleep 0.05
        done
        rm $state/filler
        $betcode session list --json >list
        $betcode daemon doctor --json >doctor-after
        $betcode daemon stop --agents >/dev/null
        cp $state/log.db log.db
    "#;
    let Some(output) = on_a_small_disk(&profile, "64m", script) else {
        return;
    };
    assert_eq!(output.code, 0, "{output:?}");
    let read = |name: &str| fs::read_to_string(profile.work().join(name)).unwrap();
    assert!(
        read("notes-full").contains("nothing can be recorded: the disk is full"),
        "{}",
        read("notes")
    );
    assert!(
        read("notes").contains("note: it goes on"),
        "{}",
        read("notes")
    );
    assert_eq!(read("alive"), "still\n");
    assert_ne!(read("other-code").trim(), "0");
    assert!(
        read("other-notes").contains("the disk is full"),
        "{}",
        read("other-notes")
    );
    assert!(
        read("status").contains("the disk is full"),
        "{}",
        read("status")
    );
    assert!(
        read("status-idle").contains("the disk is full"),
        "{}",
        read("status-idle")
    );
    assert!(read("doctor").contains("\"problem\""));
    assert_eq!(read("start-code").trim(), "2");
    assert!(read("start").contains("is full"), "{}", read("start"));
    assert_eq!(read("code").trim(), "0", "{}", read("notes"));
    let events: Vec<Value> = read("events")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    flooded(&events, 60_000);
    let starts = events
        .iter()
        .filter(|event| event["type"] == "agent_started");
    assert_eq!(starts.count(), 1, "the agent was not ended");
}

#[test]
fn a_backup_from_or_to_a_place_that_is_not_there_is_a_usage_error() {
    let profile = profile();
    session(&profile);
    for line in [
        ["daemon", "backup", "no/such/place"],
        ["daemon", "restore", "no-such-file"],
    ] {
        stop(&profile);
        let refused = profile.betcode(line).run().expect(64);
        assert!(
            refused.stderr.contains("No such file"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn on_a_full_disk_runs_end_in_their_time_and_an_ending_daemon_is_waited_for_with_a_word() {
    let profile = profile();
    // How long things took is told in milliseconds.
    let script = r#"
        now() { echo $(($(date +%s%N) / 1000000)); }
        $betcode daemon start >/dev/null || exit 1
        began=$(now)
        $betcode -p "/demo flood n=600000 size=100 rate=6000" --output-format events --timeout 6 >events 2>notes &
        turn=$!
        until [ $(wc -c <events) -gt 200000 ]; do sleep 0.02; done
        head -c 100M /dev/zero >$state/filler 2>/dev/null
        wait $turn; echo $? $(($(now) - began)) >timeout
        $betcode daemon stop --agents >/dev/null 2>stop &
        stop=$!
        until grep -q "has not ended yet" stop; do kill -0 $stop || exit 1; sleep 0.02; done
        began=$(now)
        $betcode -p "/demo say text=x" >/dev/null 2>other; echo $? $(($(now) - began)) >held-up
        kill -0 $stop && echo still >stopping
        wait $stop
        rm $state/filler
    "#;
    let Some(output) = on_a_small_disk(&profile, "64m", script) else {
        return;
    };
    assert_eq!(output.code, 0, "{output:?}");
    let read = |name: &str| fs::read_to_string(profile.work().join(name)).unwrap();
    let ended = |name: &str| {
        let told = read(name);
        let (code, took) = told.trim().split_once(' ').unwrap();
        (code.to_owned(), took.parse::<u64>().unwrap())
    };
    let (code, took) = ended("timeout");
    assert_eq!(code, "124", "{}", read("notes"));
    assert!(took < 6_000 + 5_000, "{took} ms");
    let (code, took) = ended("held-up");
    assert_eq!(code, "2", "{}", read("other"));
    assert!(took < 6_000, "{took} ms");
    assert!(read("other").contains("is full"), "{}", read("other"));
    assert_eq!(read("stopping"), "still\n");
    assert!(
        read("stop").contains("the daemon has not ended yet: it cannot write what it holds"),
        "{}",
        read("stop")
    );
}

#[test]
fn a_state_directory_that_cannot_be_written_to_is_said() {
    let profile = profile();
    let script = r"
        $betcode daemon start >/dev/null && $betcode daemon stop >/dev/null
        mount -o remount,ro $state
        $betcode daemon start >start 2>&1; echo $? >code
        $betcode daemon doctor >doctor 2>&1
        $betcode daemon backup copy >backup 2>&1; echo $? >backup-code
    ";
    let Some(output) = on_a_small_disk(&profile, "24m", script) else {
        return;
    };
    assert_eq!(output.code, 0, "{}", output.stderr);
    let read = |name: &str| fs::read_to_string(profile.work().join(name)).unwrap();
    assert_eq!(read("code").trim(), "2");
    assert!(
        read("start").contains("Read-only file system"),
        "{}",
        read("start")
    );
    assert!(
        read("doctor").contains("problem  state directory"),
        "{}",
        read("doctor")
    );
    assert_eq!(read("backup-code").trim(), "0", "{}", read("backup"));
}

#[test]
fn a_log_that_is_removed_under_a_running_daemon_is_said_with_every_command() {
    let profile = profile();
    let turn = ["-p", "/demo say text=hi"];
    assert_eq!(profile.betcode(turn).run().expect(0).stdout, "hi\n");
    let listed = profile.betcode(["session", "list"]).run().expect(0);
    assert_eq!(listed.stderr, "");
    fs::remove_file(profile.state_dir().join("log.db")).unwrap();
    for _ in 0..2 {
        let listed = profile.betcode(["session", "list"]).run().expect(0);
        let said = &listed.stderr;
        assert!(said.contains("somebody has removed or replaced"), "{said}");
        assert!(listed.stdout.contains("idle"), "it can still be read");
    }
    let status = profile.betcode(["daemon", "status", "--json"]).run();
    let notices = status.expect(0).json()["notices"].to_string();
    assert!(notices.contains("log.db"), "{notices}");
}
