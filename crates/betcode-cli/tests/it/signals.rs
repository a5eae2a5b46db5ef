//! Signals, readers that go away, clients that are killed.

use std::time::Duration;

use betcode_testkit::wait_until;
use rustix::process::Signal;

use crate::profile;

const SOON: Duration = Duration::from_secs(30);

#[test]
fn the_first_signal_stops_the_turn_and_what_there_is_is_printed() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let profile = profile();
        let running = profile.betcode(["-p", "/demo stall secs=60"]).spawn();
        let id = crate::crash::session(&profile);
        wait_until(SOON, "some text", || {
            let log = profile.betcode(["session", "events", &id]).run().stdout;
            log.contains("quiet").then_some(())
        });
        running.signal(signal);
        let output = running.wait(SOON).expect(code);
        let stdout = &output.stdout;
        assert!(
            stdout.contains("quiet") && stdout.ends_with('\n'),
            "{stdout:?}"
        );
        let status =
            || profile.betcode(["session", "list", "--json"]).run().json()[0]["status"].clone();
        wait_until(SOON, "the turn is over", || {
            (status() == "idle").then_some(())
        });
    }
}

#[test]
fn a_client_that_is_killed_leaves_the_turn_running() {
    let profile = profile();
    let running = profile
        .betcode([
            "-p",
            "/demo flood n=600 rate=300 size=10",
            "--output-format",
            "events",
        ])
        .spawn();
    wait_until(SOON, "some text", || {
        (running.stdout().len() > 100).then_some(())
    });
    running.signal(Signal::KILL);
    let id = profile.betcode(["session", "list", "--json"]).run().json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = || {
        let events = profile
            .betcode(["session", "events", &id])
            .run()
            .expect(0)
            .json_lines();
        let over = events.iter().any(|event| event["type"] == "turn_complete");
        let deltas = events.iter().filter(|event| event["type"] == "text_delta");
        over.then(|| {
            deltas
                .filter_map(|event| event["text"].as_str())
                .map(str::len)
                .sum::<usize>()
        })
    };
    assert_eq!(wait_until(SOON, "the turn is over", text), 6_000);
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let program = profile.program().display();
    let line = format!(
        "{program} -p '/demo flood n=20000 size=50' | head -c 5; echo \"${{PIPESTATUS[0]}}\""
    );
    let output = profile.shell(&line).run().expect(0);
    assert!(
        output.stdout.ends_with("\n0\n") || output.stdout.ends_with("0\n"),
        "{}",
        output.stdout
    );
    assert_eq!(output.stderr, "");
}

#[test]
fn a_shell_that_captures_the_answer_does_not_wait_for_the_daemon_it_started() {
    let profile = profile();
    let program = profile.program().display();
    let output = profile
        .shell(&format!(
            "answer=$({program} -p '/demo say text=hi'); echo \"got $answer\""
        ))
        .run()
        .expect(0);
    assert_eq!(output.stdout, "got hi\n");
}
