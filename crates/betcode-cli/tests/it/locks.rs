//! The input lock between processes.

use std::time::Duration;

use betcode_testkit::{Profile, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::{profile, session};

const SOON: Duration = Duration::from_secs(30);

fn status(profile: &Profile, session: &str) -> Value {
    profile
        .betcode(["lock", "status", session, "--json"])
        .run()
        .expect(0)
        .json()
}

#[test]
fn a_run_gives_the_lock_back_at_its_end() {
    let profile = profile();
    let session = session(&profile);
    let status = status(&profile, &session);
    assert_eq!(
        (&status["session_id"], &status["holder"]),
        (&session.as_str().into(), &Value::Null)
    );
    assert_eq!(status["requests"].as_array().unwrap().len(), 0);
}

#[test]
fn who_holds_the_lock_keeps_runs_out_and_gives_it_back_on_a_signal() {
    let profile = profile();
    let session = session(&profile);
    for signal in [Signal::INT, Signal::TERM] {
        let holder = profile.betcode(["lock", "request", &session]).spawn();
        holder.wait_for("you hold the input lock");
        assert_eq!(
            status(&profile, &session)["holder"]["client"],
            "betcode lock"
        );

        let refused = profile
            .betcode(["-p", "--resume", &session, "hi"])
            .run()
            .expect(1);
        assert!(
            refused.stderr.starts_with("Error: betcode lock (")
                && refused.stderr.contains("holds the input lock\nhint: "),
            "{}",
            refused.stderr
        );
        let there = profile
            .betcode(["lock", "release", &session])
            .run()
            .expect(1);
        assert!(
            there.stderr.contains("holds the input lock and is there"),
            "{}",
            there.stderr
        );

        holder.signal(signal);
        let output = holder.wait(SOON).expect(0);
        assert!(
            output.stdout.ends_with("the input lock is given back\n"),
            "{}",
            output.stdout
        );
        assert_eq!(status(&profile, &session)["holder"], Value::Null);
    }
    profile
        .betcode(["-p", "--resume", &session, "/demo say text=on"])
        .run()
        .expect(0);
}

#[test]
fn a_holder_that_gives_it_back_hands_it_to_whoever_asks() {
    let profile = profile();
    let session = session(&profile);
    let first = profile.betcode(["lock", "request", &session]).spawn();
    first.wait_for("you hold the input lock");
    let second = profile.betcode(["lock", "request", &session]).spawn();
    wait_until(SOON, "somebody asks", || {
        let asking = status(&profile, &session)["requests"].as_array()?.len();
        (asking == 1).then_some(())
    });
    first.signal(Signal::INT);
    let output = first.wait(SOON).expect(0);
    assert!(
        output
            .stderr
            .contains(") asks for the input lock and gets it in "),
        "{}",
        output.stderr
    );
    second.wait_for("you hold the input lock");
    second.signal(Signal::INT);
    let output = second.wait(SOON).expect(0);
    assert!(
        output
            .stderr
            .contains(") holds the input lock and was asked; it is yours in "),
        "{}",
        output.stderr
    );
}

#[test]
fn a_holder_that_says_nothing_loses_it() {
    let profile = profile();
    profile
        .betcode(["config", "set", "lock.wait", "1s"])
        .run()
        .expect(0);
    let session = session(&profile);
    let first = profile.betcode(["lock", "request", &session]).spawn();
    first.wait_for("you hold the input lock");
    let second = profile.betcode(["lock", "request", &session]).spawn();
    let lost = first.wait(SOON).expect(1);
    assert!(
        lost.stderr.contains("has taken the input lock of session"),
        "{}",
        lost.stderr
    );
    second.wait_for("you hold the input lock");
}

#[test]
fn an_answer_waits_for_a_person_who_holds_the_lock_and_says_so() {
    let profile = profile();
    let prompt = "/demo permission command=\"touch made\"";
    let line = ["-p", "--detach", "--wait-for-permissions", prompt];
    let session = profile.betcode(line).run().expect(0).stdout;
    let session = session.trim();
    let request = wait_until(SOON, "a request waits", || {
        let rows = profile
            .betcode(["permission", "list", "--json"])
            .run()
            .expect(0);
        rows.json().get(0).cloned()
    });
    let holder = profile.betcode(["lock", "request", session]).spawn();
    holder.wait_for("you hold the input lock");
    let id = request["id"].as_str().unwrap();
    let answer = profile.betcode(["permission", "allow", id]).spawn();
    wait_until(SOON, "somebody asks", || {
        let asking = status(&profile, session)["requests"].as_array()?.len();
        (asking == 1).then_some(())
    });
    wait_until(SOON, "that is said", || {
        answer.stderr().contains("waiting").then_some(())
    });
    holder.signal(Signal::INT);
    let output = answer.wait(SOON).expect(0);
    assert!(
        output.stderr.starts_with("waiting for betcode lock (")
            && output.stderr.ends_with(") to hand over the input lock\n"),
        "{}",
        output.stderr
    );
    assert_eq!(output.stdout, "Bash (touch made) is allowed\n");
    holder.wait(SOON).expect(0);
    wait_until(SOON, "the tool has run", || {
        profile.work().join("made").exists().then_some(())
    });
}

#[test]
fn a_lock_whose_holder_was_killed_is_freed_on_demand() {
    let profile = profile();
    let session = session(&profile);
    let holder = profile.betcode(["lock", "request", &session]).spawn();
    holder.wait_for("you hold the input lock");
    holder.signal(Signal::KILL);
    holder.wait(SOON).expect(137);
    // The daemon may hear of the death a moment later; its grace is much longer.
    let output = wait_until(SOON, "the holder is away", || {
        let output = profile.betcode(["lock", "release", &session]).run();
        (output.code == 0).then_some(output)
    });
    assert!(
        output.stdout.contains("betcode lock ("),
        "{}",
        output.stdout
    );
    assert_eq!(status(&profile, &session)["holder"], Value::Null);
}

#[test]
fn an_answer_borrows_the_lock_of_a_run_and_gives_it_back() {
    let profile = profile();
    let run = profile
        .betcode([
            "-p",
            "--wait-for-permissions",
            "/demo permission command=\"touch made\" count=2",
        ])
        .spawn();
    for round in 0..2 {
        let request = wait_until(SOON, "a request waits", || {
            let rows = profile
                .betcode(["permission", "list", "--json"])
                .run()
                .expect(0);
            rows.json().get(0).cloned()
        });
        let session = request["session_id"].as_str().unwrap();
        assert_eq!(
            status(&profile, session)["holder"]["client"],
            "betcode -p",
            "{round}"
        );
        let id = request["id"].as_str().unwrap();
        profile.betcode(["permission", "allow", id]).run().expect(0);
    }
    run.wait(SOON).expect(0);
}
