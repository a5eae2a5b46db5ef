//! What people do to the state directory by mistake: written over, removed in part, blocked by files of the wrong kind.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::fs;
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use betcode_testkit::{Profile, kill, wait_until};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::{profile, session};

fn kill_daemon(profile: &Profile) {
    let pid = profile.daemon_pid().unwrap();
    kill(pid, Signal::KILL);
    wait_until(Duration::from_secs(10), "the daemon is gone", || {
        (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}

fn stop(profile: &Profile) {
    profile
        .betcode(["daemon", "stop", "--agents"])
        .run()
        .expect(0);
}

/// What `session list` says beside the list.
fn note(profile: &Profile) -> String {
    profile.betcode(["session", "list"]).run().expect(0).stderr
}

/// What the doctor calls a problem.
fn problems(profile: &Profile) -> String {
    let seen = profile.betcode(["daemon", "doctor"]).run().stdout;
    let mut problems = String::new();
    let mut lines = seen.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("problem") {
            problems.push_str(line);
            if let Some(hint) = lines.next_if(|line| line.starts_with("         ->")) {
                problems.push_str(hint);
            }
            problems.push('\n');
        }
    }
    problems
}

/// Looks at what is told before a daemon runs, by one, and after the next one has begun.
fn is_told(profile: &Profile, how: &str, word: &str) {
    let before = problems(profile);
    assert!(before.contains("betcode daemon restore"), "{how}: {before}");
    for _ in 0..2 {
        let said = note(profile);
        assert!(said.contains(word), "{how}: {said}");
        assert!(said.contains("betcode daemon restore"), "{how}: {said}");
    }
    let seen = problems(profile);
    assert!(seen.contains(word), "{how}: {seen}");
    let logged = fs::read_to_string(profile.state_dir().join("logs/daemon.log")).unwrap();
    let warned = logged
        .lines()
        .any(|line| line.contains("WARN") && line.contains(word));
    assert!(warned, "{how}: {logged}");
    // Nobody has ended that daemon in order, so nobody has acknowledged it.
    kill_daemon(profile);
    assert!(problems(profile).contains(word), "{how}");
    assert!(note(profile).contains(word), "{how}");
    stop(profile);
    let said = note(profile);
    assert!(!said.contains(word), "{how}: {said}");
    assert_eq!(problems(profile), "", "{how}");
}

#[test]
fn a_log_whose_write_ahead_log_is_gone_is_told_to_be_gone() {
    let profile = profile();
    session(&profile);
    kill_daemon(&profile);
    fs::remove_file(profile.state_dir().join("log.db-wal")).unwrap();
    is_told(&profile, "removed", "is gone and a new log was begun");
}

#[test]
fn a_log_that_has_less_than_was_recorded_is_told_to_have_less() {
    for how in ["cut", "overwritten", "removed"] {
        let profile = profile();
        let id = session(&profile);
        // From here on the main file holds something.
        stop(&profile);
        profile
            .betcode(["-p", "/demo say text=more", "--resume", &id])
            .run()
            .expect(0);
        kill_daemon(&profile);
        let wal = profile.state_dir().join("log.db-wal");
        let length = fs::metadata(&wal).unwrap().len();
        let file = fs::File::options().write(true).open(&wal).unwrap();
        match how {
            "cut" => file.set_len(length / 2).unwrap(),
            "overwritten" => file.write_all_at(&[0xA5; 100], length / 2).unwrap(),
            _ => fs::remove_file(&wal).unwrap(),
        }
        is_told(&profile, how, "missing: log.db-wal was cut");
        let kept = profile.betcode(["session", "list", "--json"]).run();
        assert!(kept.expect(0).stdout.contains(&id), "{how}");
    }
}

#[test]
fn an_old_log_put_back_is_told_to_have_less() {
    let profile = profile();
    let id = session(&profile);
    stop(&profile);
    let log = profile.state_dir().join("log.db");
    let old = fs::read(&log).unwrap();
    profile
        .betcode(["-p", "/demo say text=more", "--resume", &id])
        .run()
        .expect(0);
    stop(&profile);
    fs::write(&log, old).unwrap();
    is_told(&profile, "put back", "or an older log.db put there");
}

#[test]
fn no_backup_and_no_last_words_are_written_into_the_state_directory() {
    let profile = profile();
    let id = session(&profile);
    let (state, work) = (profile.state_dir(), profile.work());
    symlink(&state, work.join("link")).unwrap();
    symlink(state.join("log.db"), work.join("to-log")).unwrap();
    fs::hard_link(state.join("log.db"), work.join("hard")).unwrap();
    let whole = state.join("log.db");
    for file in [
        whole.to_str().unwrap(),
        "../state/log.db",
        "../state/new",
        "link/log.db",
        "to-log",
        "hard",
    ] {
        for args in [
            ["daemon", "backup", "--force", file].as_slice(),
            &["-p", "/demo say text=x", "-o", file],
        ] {
            let refused = profile.betcode(args.iter().copied()).run().expect(64);
            assert!(refused.stderr.contains("state directory"), "{file}");
            assert!(refused.stderr.contains("hint: "), "{file}");
        }
    }
    assert!(!state.join("new").exists());
    profile
        .betcode(["-p", "/demo say text=on", "--resume", &id])
        .run()
        .expect(0);
}

#[test]
fn a_backup_takes_the_place_of_nothing_but_a_file() {
    let profile = profile();
    session(&profile);
    let work = profile.work();
    fs::create_dir(work.join("directory")).unwrap();
    fs::write(work.join("file"), "kept").unwrap();
    symlink("file", work.join("symlink")).unwrap();
    mknodat(CWD, work.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(work.join("socket")).unwrap();
    for name in ["directory", "symlink", "fifo", "socket", "/dev/null"] {
        let refused = profile
            .betcode(["daemon", "backup", "--force", name])
            .run()
            .expect(64);
        let said = refused.stderr;
        assert!(said.contains("no regular file"), "{name}: {said}");
    }
    assert_eq!(fs::read(work.join("file")).unwrap(), b"kept");
    profile
        .betcode(["daemon", "backup", "--force", "file"])
        .run()
        .expect(0);
}

#[test]
fn what_lies_in_the_way_of_a_daemon_is_named_with_what_to_do() {
    let profile = profile();
    session(&profile);
    stop(&profile);
    for (name, command) in [
        ("daemon.sock", ["session", "list"]),
        ("logs", ["session", "list"]),
        ("hosts", ["-p", "/demo say text=x"]),
    ] {
        let path = profile.state_dir().join(name);
        let aside = profile.state_dir().join("aside");
        let moved = fs::rename(&path, &aside).is_ok();
        if name == "daemon.sock" {
            fs::create_dir(&path).unwrap();
        } else {
            fs::write(&path, "in the way").unwrap();
        }
        let shown = path.to_str().unwrap();
        let seen = problems(&profile);
        assert!(seen.contains(&format!("mv {shown}")), "{name}: {seen}");
        let failed = profile.betcode(command).run();
        let said = format!("{}{}", failed.stdout, failed.stderr);
        assert!(said.contains(shown), "{name}: {said}");
        assert!(
            ["rename or remove", "mv "]
                .iter()
                .any(|word| said.contains(word)),
            "{name}: {said}"
        );
        if name == "daemon.sock" {
            fs::remove_dir(&path).unwrap();
        } else {
            stop(&profile);
            fs::remove_file(&path).unwrap();
        }
        if moved {
            fs::rename(&aside, &path).unwrap();
        }
        assert_eq!(problems(&profile), "", "{name}");
    }
}

#[test]
fn a_log_that_was_set_aside_is_told_even_if_that_start_came_to_nothing() {
    let profile = profile();
    session(&profile);
    stop(&profile);
    let state = profile.state_dir();
    fs::write(state.join("log.db"), [b'?'; 5000]).unwrap();
    fs::create_dir(state.join("daemon.sock")).unwrap();
    profile.betcode(["session", "list"]).run().expect(2);
    fs::remove_dir(state.join("daemon.sock")).unwrap();
    assert!(problems(&profile).contains("set aside"));
    for _ in 0..2 {
        let said = note(&profile);
        assert_eq!(said.matches("set aside").count(), 1, "{said}");
    }
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named_with_what_to_do() {
    let profile = profile();
    let file = profile.home().join("in the way");
    fs::write(&file, "mine").unwrap();
    let state = file.join("state");
    let what = format!("the state directory {} cannot be made", state.display());
    let elsewhere = "or set BETCODE_STATE_DIR to a directory of your own";
    for line in [
        &["session", "list"][..],
        &["-p", "hi"],
        &["daemon", "start"],
    ] {
        let command = profile.betcode(line.iter().copied());
        let output = command.env("BETCODE_STATE_DIR", &state).run();
        assert_ne!(output.code, 0, "{line:?}");
        assert!(output.stderr.contains(&what), "{}", output.stderr);
        assert!(output.stderr.contains(elsewhere), "{}", output.stderr);
    }
    let command = profile.betcode([]).env("BETCODE_STATE_DIR", &state);
    let mut screen = command.on_screen(120, 30);
    assert_ne!(screen.end().code(), Some(0));
    assert!(screen.text().contains(&what), "{}", screen.text());
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_daemon_that_is_stopped_holds_up_no_command_for_long() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let pid = profile.daemon_pid().unwrap();
    kill(pid, Signal::STOP);
    let output = profile.betcode(["session", "list"]).run();
    kill(pid, Signal::CONT);
    assert_ne!(output.code, 0);
    for told in [
        format!("the daemon (process {pid}) at "),
        "did not answer within 10 s".to_owned(),
        format!("kill -CONT {pid} lets it go on"),
    ] {
        assert!(output.stderr.contains(&told), "{}", output.stderr);
    }
    profile.betcode(["session", "list"]).run().expect(0);
}
