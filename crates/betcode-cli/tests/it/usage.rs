//! `betcode usage`, from a `claude` that is asked to what is printed: at once, live, over time, when the daemon dies, and never with
//! a token in it.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

mod accounts;
mod bench;

use betcode_testkit::{kill, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::durable::{kill_daemon, pass, start_daemon};
use bench::{Bench, RENEWAL, SOON, SPOKEN, TOKEN, now, percent};

const MINUTE: u64 = 60_000;

/// What Claude Code gives to the command of its status line.
fn statusline(session: f64) -> String {
    let resets_at = now().as_second() + 7_200;
    json!({
        "session_id": "s", "model": {"display_name": "Opus"},
        "rate_limits": {"five_hour": {"used_percentage": session, "resets_at": resets_at},
            "seven_day": {"used_percentage": 41.0, "resets_at": resets_at + 200_000}},
    })
    .to_string()
}

#[test]
fn json_has_the_promised_keys() {
    let bench = Bench::new();
    let usage = bench.json(&["--refresh"]);
    assert_eq!(usage["state"], "ok", "{usage}");
    let readings = usage["readings"].as_array().unwrap();
    assert_eq!(readings.len(), 2, "{usage}");
    let reading = readings[0].as_object().unwrap();
    for key in [
        "provider",
        "account",
        "kind",
        "duration_s",
        "percent",
        "resets_at",
        "severity",
        "binding",
        "source",
        "observed_at",
    ] {
        assert!(reading.contains_key(key), "{key}: {usage}");
    }
    assert_eq!(reading["provider"], "claude");
    assert_eq!(reading["account"], "default");
    assert_eq!(
        (&reading["kind"], &reading["source"]),
        (&json!("session"), &json!("get_usage"))
    );
    assert_eq!(
        (&reading["duration_s"], &reading["percent"]),
        (&json!(18_000), &json!(12.0))
    );
    assert_eq!(reading["binding"], true);
    assert_eq!(percent(&usage, "weekly"), Some(40.0));
}

#[test]
fn what_is_known_is_told_while_the_source_says_nothing() {
    let bench = Bench::started();
    bench.json(&["--refresh"]);
    bench.hang();
    bench.answers(99.0, 99.0);
    let asked = bench.asked();
    pass(&bench.profile, 10 * MINUTE);
    let refresh = bench
        .profile
        .betcode(["usage", "--refresh", "--json"])
        .spawn();
    wait_until(SOON, "claude is asked", || {
        (bench.asked() > asked).then_some(())
    });
    let usage = bench.json(&[]);
    assert_eq!(percent(&usage, "session"), Some(12.0), "{usage}");
    assert_eq!(refresh.stdout(), "");
    bench.let_go();
    let refreshed = refresh.wait(SOON).expect(0).json();
    assert_eq!(percent(&refreshed, "session"), Some(99.0));
}

#[test]
fn a_person_waits_for_the_first_numbers_and_a_program_does_not() {
    let bench = Bench::new();
    bench.hang();
    let usage = bench.json(&[]);
    assert_eq!(
        (&usage["state"], &usage["readings"]),
        (&json!("loading"), &json!([]))
    );
    let page = bench.profile.betcode(["usage"]).spawn();
    wait_until(SOON, "claude is asked", || {
        (bench.asked() > 0).then_some(())
    });
    bench.let_go();
    let page = page.wait(SOON).expect(0).stdout;
    assert!(page.starts_with("Claude\n  5h  ██"), "{page}");
    assert!(page.contains(" 12%◂ resets "), "{page}");
    assert!(page.contains("up to date · last read just now"), "{page}");
    assert!(!page.contains('\u{1b}'), "{page}");
    assert!(
        page.lines().all(|line| line.chars().count() <= 80),
        "{page}"
    );
}

#[test]
fn who_waits_for_a_silent_source_is_told_so() {
    let bench = Bench::silent();
    for args in [&["usage"][..], &["usage", "--refresh"]] {
        let usage = bench.profile.betcode(args.iter().copied());
        let mut screen = usage.on_screen(80, 12);
        screen.wait_for("asking the agent for its numbers");
        bench.let_go();
        screen.wait_for("up to date");
        assert_eq!(screen.end().code(), Some(0));
        let text = screen.text();
        assert!(!text.contains("asking"), "{text}");
        bench.hang();
        pass(&bench.profile, 20 * MINUTE);
    }
}

#[test]
fn a_status_line_is_handed_on_and_becomes_a_line() {
    let bench = Bench::silent();
    let push = bench.profile.betcode(["usage", "--statusline"]);
    let printed = push.stdin(statusline(62.0)).run().expect(0);
    assert!(printed.stdout.starts_with("5h 62% 2h"), "{printed:?}");
    assert_eq!(printed.stdout.lines().count(), 1);
    assert_eq!(printed.stderr, "");
    let usage = bench.until("it is known", |it| percent(it, "session") == Some(62.0));
    assert_eq!(usage["readings"][0]["source"], "statusline");
    // A prompt without a session.
    let alone = bench.usage(&["--statusline"]).expect(0);
    assert!(alone.stdout.starts_with("5h 62%"), "{alone:?}");
}

#[test]
fn a_status_line_breaks_no_prompt_whatever_it_gets() {
    let bench = Bench::silent();
    let push = |input: &[u8]| {
        let push = bench.profile.betcode(["usage", "--statusline"]);
        push.stdin(input).run().expect(0)
    };
    push(statusline(62.0).as_bytes());
    let long = format!("{{\"a\": \"{}\"", "x".repeat(2 << 20));
    for input in [
        &b"{\"rate_limits\": {"[..],
        b"\xff\xfe",
        b"[]",
        b"{}",
        long.as_bytes(),
    ] {
        let printed = push(input);
        assert!(printed.stdout.starts_with("5h 62%"), "{printed:?}");
    }
    for input in [&b"{\"rate"[..], b"[]"] {
        let said = push(input).stderr;
        assert!(
            said.starts_with("Error: the input is no JSON object"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let said = push(long.as_bytes()).stderr;
    assert_eq!(said, "Error: the input is longer than 1024 KiB\n");
    // Somebody keeps the pipe open.
    let printed = |input: &[u8]| {
        let line = bench.profile.betcode(["usage", "--statusline"]);
        let mut running = line.spawn_open();
        running.write(input);
        wait_until(SOON, "a line is printed", || {
            running
                .stdout()
                .ends_with('\n')
                .then(|| (running.stdout(), running.stderr()))
        })
    };
    let (line, said) = printed(statusline(63.0).as_bytes());
    assert!(line.starts_with("5h 63%"), "{line} {said}");
    assert_eq!(said, "");
    let (line, said) = printed(b"");
    assert!(line.starts_with("5h 63%"), "{line} {said}");
    assert!(said.contains("did not end in time"), "{said}");
}

#[test]
fn a_status_line_of_another_login_is_not_taken_for_the_usual_one() {
    let bench = Bench::silent();
    let push = bench.profile.betcode(["usage", "--statusline"]);
    let push = push.env("CLAUDE_CONFIG_DIR", bench.profile.home().join("other"));
    let printed = push.stdin(statusline(88.0)).run().expect(0);
    assert!(printed.stdout.starts_with("5h 88%"), "{printed:?}");
    assert!(printed.stderr.contains("usage.claude_dirs"), "{printed:?}");
    assert_ne!(percent(&bench.json(&[]), "session"), Some(88.0));
}

#[test]
fn a_status_line_starts_no_daemon_and_does_not_wait_for_one_that_is_stopped() {
    let bench = Bench::new();
    let push = || {
        let push = bench.profile.betcode(["usage", "--statusline"]);
        push.stdin(statusline(62.0)).run().expect(0)
    };
    let alone = push();
    assert!(alone.stdout.starts_with("5h 62%"), "{alone:?}");
    assert!(
        alone.stderr.starts_with("note: no daemon is running"),
        "{alone:?}"
    );
    assert_eq!(bench.profile.daemon_pid(), None);
    let nothing = bench.usage(&["--statusline"]).expect(0);
    assert_eq!(nothing.stdout, "usage unknown\n");
    start_daemon(&bench.profile);
    let pid = bench.profile.daemon_pid().unwrap();
    kill(pid, Signal::STOP);
    let stopped = push();
    kill(pid, Signal::CONT);
    assert!(stopped.stdout.starts_with("5h 62%"), "{stopped:?}");
    assert!(
        stopped.stderr.contains("did not answer in time"),
        "{stopped:?}"
    );
}

#[test]
fn a_command_of_the_users_own_gets_the_same_input_and_stands_before_the_line() {
    let bench = Bench::silent();
    let chained = |command: &[&str]| {
        let args = ["usage", "--statusline", "--"]
            .iter()
            .chain(command)
            .copied();
        let push = bench.profile.betcode(args);
        push.stdin(statusline(62.0)).run().expect(0)
    };
    let printed = chained(&["sh", "-c", "grep -o Opus; printf main"]);
    let lines: Vec<&str> = printed.stdout.lines().collect();
    assert_eq!(lines[..2], ["Opus", "main"]);
    assert!(lines[2].starts_with("5h 62%"), "{printed:?}");
    let missing = chained(&["/no/such/program"]);
    assert!(missing.stdout.starts_with("5h 62%"), "{missing:?}");
    assert!(missing.stderr.contains("/no/such/program cannot be run"));
}

#[test]
fn panels_get_their_own_forms() {
    let bench = Bench::new();
    bench.answers(91.0, 40.0);
    bench.json(&["--refresh"]);
    let line = bench.usage(&["--format", "line"]).expect(0).stdout;
    assert!(line.starts_with("5h 91% 3h · 7d 40%"), "{line}");
    let tmux = bench.usage(&["--format", "tmux"]).expect(0).stdout;
    assert!(tmux.starts_with("5h #[fg=red]91%#[default] 3h"), "{tmux}");
    let waybar = bench.usage(&["--format", "waybar"]).expect(0);
    assert_eq!(waybar.stdout.lines().count(), 1);
    let waybar = waybar.json();
    assert_eq!(
        (&waybar["text"], &waybar["percentage"]),
        (&json!("91%"), &json!(91.0))
    );
    assert_eq!(waybar["class"], json!(["critical"]));
    assert!(waybar["tooltip"].as_str().unwrap().starts_with("Claude\n"));
    bench.set("usage.window", "weekly");
    let waybar = bench.usage(&["--format", "waybar"]).expect(0).json();
    assert_eq!(waybar["text"], "40%");
    let waybar = bench.usage(&["--format", "waybar", "--window", "tightest"]);
    assert_eq!(waybar.expect(0).json()["text"], "91%");
    let unknown = bench.usage(&["--format", "xml"]).expect(64);
    assert!(unknown.stderr.contains("waybar, tmux, line"), "{unknown:?}");
    let unknown = bench
        .usage(&["--format", "line", "--window", "monthly"])
        .expect(64);
    assert!(
        unknown.stderr.contains("tightest, session, weekly"),
        "{unknown:?}"
    );
}

#[test]
fn a_watch_outlives_the_daemon_and_says_everything_once() {
    let bench = Bench::started();
    bench.json(&["--refresh"]);
    let watch = bench
        .profile
        .betcode(["usage", "--watch", "--json"])
        .spawn();
    watch.wait_for("\"percent\":12.0");
    kill_daemon(&bench.profile);
    let pushed = |session: f64| {
        let push = bench.profile.betcode(["usage", "--statusline"]);
        push.stdin(statusline(session)).run().expect(0);
        bench.until("it is known", |it| percent(it, "session") == Some(session))
    };
    wait_until(SOON, "there is a daemon again", || {
        let status = bench.profile.betcode(["daemon", "status", "--json"]).run();
        (status.code == 0 && status.json()["running"] == true).then_some(())
    });
    pushed(33.0);
    watch.wait_for("\"percent\":33.0");
    pushed(34.0);
    watch.wait_for("\"percent\":34.0");
    watch.signal(Signal::INT);
    let ended = watch.wait(SOON).expect(130);
    assert!(ended.stderr.contains("waiting for the daemon"), "{ended:?}");
    assert!(
        ended.stderr.contains("a daemon is there again"),
        "{ended:?}"
    );
    let lines = ended.json_lines();
    assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "{lines:?}");
    assert!(lines.iter().all(|line| line["readings"].is_array()));
}

#[test]
fn a_watch_that_nobody_reads_any_more_ends() {
    let bench = Bench::new();
    bench.json(&["--refresh"]);
    let program = bench.profile.program().display().to_string();
    let line = format!("{program} usage --watch --format line | head -1");
    let read = bench.profile.shell(&line).within(SOON).run().expect(0);
    assert!(read.stdout.starts_with("5h 12% 3h"), "{read:?}");
}

#[test]
fn a_watch_on_a_terminal_stays_in_its_place_and_gives_the_terminal_back() {
    let bench = Bench::started();
    bench.json(&["--refresh"]);
    let watch = bench.profile.betcode(["usage", "--watch"]);
    let mut screen = watch.on_screen(60, 12);
    screen.wait_for("12%");
    screen.wait_for("q ends this");
    bench.answers(57.0, 41.0);
    pass(&bench.profile, 10 * MINUTE);
    screen.send(b"r");
    screen.wait_for("57%");
    screen.resize(40, 10);
    screen.until("the page is narrow", |text| text.contains("    resets "));
    // It is longer than the screen now.
    screen.wait_for("lines 1–9/");
    screen.send(b"jjj\x1b[B");
    screen.wait_for("up to date");
    let stop = bench.profile.betcode(["daemon", "stop"]);
    stop.run().expect(0);
    screen.wait_for("waiting for the daemon");
    assert_eq!(
        bench.profile.daemon_pid(),
        None,
        "one that was stopped stays stopped"
    );
    start_daemon(&bench.profile);
    screen.wait_for("q ends ·");
    screen.send(b"\x03");
    assert_eq!(screen.end().code(), Some(130));
    assert!(screen.is_given_back());
    assert!(screen.text().contains("41%"), "{}", screen.text());
}

#[test]
fn history_shows_how_it_went_and_where_it_began_anew() {
    let bench = Bench::silent();
    let empty = bench.usage(&["--history"]).expect(0);
    assert_eq!(empty.stdout, "");
    assert!(
        empty.stderr.contains("nothing was read in the last 7d;"),
        "{empty:?}"
    );
    assert_eq!(bench.json(&["--history"]), json!([]));
    bench.answers(10.0, 41.0);
    bench.let_go();
    for (passed, session) in [(0, 10.0), (20, 50.0), (40, 90.0), (60, 2.0)] {
        bench.answers(session, 41.0);
        pass(&bench.profile, passed * MINUTE);
        bench.json(&["--refresh"]);
        bench.until("it is read", |it| percent(it, "session") == Some(session));
    }
    let history = bench.json(&["--history", "--since", "1d"]);
    let windows = history.as_array().unwrap();
    let session = windows.iter().find(|it| it["kind"] == "session").unwrap();
    assert_eq!(
        (&session["provider"], &session["account"]),
        (&json!("claude"), &json!("default"))
    );
    let points = session["points"].as_array().unwrap();
    let percents: Vec<f64> = points
        .iter()
        .map(|it| it["percent"].as_f64().unwrap())
        .collect();
    assert_eq!(percents, [10.0, 50.0, 90.0, 2.0]);
    assert!(points[0]["at"].is_string());
    let plot = bench
        .usage(&["--history", "--since", "3h"])
        .expect(0)
        .stdout;
    assert!(
        plot.contains("2% at last, 90% at most, ┴ began anew once"),
        "{plot}"
    );
    assert!(
        plot.lines()
            .any(|line| line.starts_with("  0 └") && line.contains('┴')),
        "{plot}"
    );
    assert!(!plot.contains('\u{1b}'), "{plot}");
}

fn finding<'a>(findings: &'a Value, about: &str) -> &'a Value {
    let all = findings.as_array().unwrap();
    all.iter().find(|it| it["about"] == about).unwrap()
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let bench = Bench::started();
    bench.json(&["--refresh"]);
    let good = bench.usage(&["doctor"]).expect(0).stdout;
    assert!(
        good.contains("ok       claude default: state: up to date"),
        "{good}"
    );
    assert!(good.contains("logged in (max)"), "{good}");

    bench.refuses("Not logged in. Please run /login");
    pass(&bench.profile, 20 * MINUTE);
    bench.json(&["--refresh"]);
    bench.until("a login is needed", |it| it["state"] == "login_needed");
    let wrong = bench.usage(&["doctor", "--json"]).expect(1).json();
    let state = finding(&wrong, "claude default: state");
    assert_eq!(state["level"], "error");
    assert!(
        state["advice"].as_str().unwrap().contains("auth login"),
        "{state}"
    );
    let text = bench.usage(&["doctor"]).expect(1).stdout;
    assert!(
        text.starts_with("error    claude default: state: log in"),
        "{text}"
    );
    assert!(text.contains("\n         -> run "), "{text}");
    let page = bench.usage(&[]).expect(0).stdout;
    assert!(
        page.contains("log in with: ") && page.contains("auth login"),
        "{page}"
    );
    assert!(page.contains("12%"), "what was read last is kept: {page}");

    bench.log_in(1_000, &["user:inference"]);
    let expired = wait_until(SOON, "the login is read", || {
        let findings = bench.usage(&["doctor", "--json"]).json();
        let login = finding(&findings, "claude default: login").clone();
        let found = login["found"].as_str().unwrap().to_owned();
        found.contains("expired").then_some(login)
    });
    assert_eq!(expired["level"], "warning");
    assert!(
        expired["found"]
            .as_str()
            .unwrap()
            .contains("it may user:inference"),
        "{expired}"
    );
}

#[test]
fn the_doctor_knows_a_login_that_may_not_read_the_usage() {
    let bench = Bench::new();
    bench.set("usage.http", "true");
    // Nobody is asked: there is nothing behind this.
    bench.set("usage.proxy", "http://127.0.0.1:9");
    bench.log_in(9_999_999_999_000, &["user:inference"]);
    start_daemon(&bench.profile);
    bench.json(&["--refresh"]);
    let findings = bench.usage(&["doctor", "--json"]).json();
    let login = finding(&findings, "claude default: login");
    assert_eq!(login["level"], "warning", "{login}");
    let found = login["found"].as_str().unwrap();
    assert!(found.contains("it may user:inference"), "{login}");
    let advice = login["advice"].as_str().unwrap();
    assert!(advice.contains("auth login"), "{login}");
}

#[test]
fn the_doctor_knows_a_source_that_rests() {
    let bench = Bench::started();
    bench.json(&["--refresh"]);
    bench.refuses("429: rate limited, try again later");
    pass(&bench.profile, 20 * MINUTE);
    let usage = bench.json(&["--refresh"]);
    assert_eq!(usage["state"], "rate_limited", "{usage}");
    assert!(usage["until"].is_string(), "{usage}");
    assert_eq!(percent(&usage, "session"), Some(12.0), "{usage}");
    let findings = bench.usage(&["doctor", "--json"]).expect(0).json();
    let state = finding(&findings, "claude default: state");
    assert_eq!(state["level"], "warning");
    assert!(
        state["advice"].as_str().unwrap().starts_with("wait: "),
        "{state}"
    );
    let page = bench.usage(&[]).expect(0).stdout;
    assert!(page.contains("rate limited until "), "{page}");
}

#[test]
fn without_claude_and_without_a_login_it_is_said_in_plain_words() {
    let bench = Bench::started();
    std::fs::remove_dir_all(bench.directory()).unwrap();
    bench.profile.betcode(["daemon", "restart"]).run().expect(0);
    let page = bench.usage(&[]).expect(0).stdout;
    assert!(
        page.contains("not available: Claude was not used yet"),
        "{page}"
    );
    let usage = bench.json(&[]);
    assert_eq!(usage["state"], "unavailable", "{usage}");
    std::fs::create_dir(bench.directory()).unwrap();
    bench.set("agents.claude.command", "/no/such/claude");
    bench.profile.betcode(["daemon", "restart"]).run().expect(0);
    let findings = bench.usage(&["doctor"]).stdout;
    assert!(findings.contains("claude default: program: "), "{findings}");
    assert!(findings.contains("nobody is logged in"), "{findings}");
}

#[test]
fn a_token_is_nowhere_but_where_the_agent_keeps_it() {
    let bench = Bench::started();
    let profile = &bench.profile;
    let mut said = String::new();
    let mut run = |args: &[&str]| {
        let output = profile.betcode(args.iter().copied()).run();
        said.extend([output.stdout.as_str(), output.stderr.as_str()]);
    };
    for step in 0..4 {
        match step {
            0 => {}
            1 => bench.refuses(&format!("401 expired: {TOKEN}")),
            2 => bench.log_in(1_000, &["user:inference"]),
            _ => bench.answers(95.0, 95.0),
        }
        pass(profile, (step + 1) * 20 * MINUTE);
        for args in [
            &["usage", "--refresh", "--json"][..],
            &["usage"],
            &["usage", "--format", "waybar"],
            &["usage", "--format", "tmux"],
            &["usage", "--history", "--json"],
            &["usage", "doctor"],
            &["usage", "doctor", "--json"],
            &["notify", "list", "--json"],
            &["daemon", "feed"],
            &["daemon", "status", "--json"],
            &["daemon", "logs"],
        ] {
            run(args);
        }
    }
    profile.betcode(["daemon", "stop"]).run().expect(0);
    let files_with = |secret: &str, places: &[std::path::PathBuf]| {
        let mut grep = std::process::Command::new("grep");
        let found = grep.args(["-rlaF", secret]).args(places).output().unwrap();
        String::from_utf8_lossy(&found.stdout).into_owned()
    };
    // The search finds what is there.
    assert_ne!(files_with(TOKEN, &[bench.directory()]), "");
    for secret in [TOKEN, RENEWAL, SPOKEN] {
        assert!(!said.contains(secret), "{said}");
        let found = files_with(secret, &[profile.state_dir(), profile.config_dir()]);
        assert_eq!(found, "");
    }
}
