//! What a power loss or a clumsy hand makes of a spool: cut off, filled with zeros, gone. The turn goes on or ends honestly,
//! what was recorded is there once, and nothing waits for bytes that will never come.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_testkit::{Profile, kill, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::crash::session;
use crate::profile;

/// What is done to the spool of a host that is dead.
type Damage = fn(&Path);

const SOON: Duration = Duration::from_secs(30);

fn segments(host: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(host).unwrap().flatten();
    let mut segments: Vec<_> = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "out"))
        .collect();
    segments.sort();
    segments
}

fn resize(path: &Path, length: impl FnOnce(u64) -> u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let now = file.metadata().unwrap().len();
    file.set_len(length(now)).unwrap();
}

/// A turn whose daemon is away while its agent goes on talking, and whose host is then killed. Gives the host's directory.
fn cut_short(profile: &Profile) -> PathBuf {
    let host = left_alone(profile);
    let holder = betcode_host::remains::holder(&host).unwrap().unwrap();
    kill(holder, Signal::KILL);
    wait_until(SOON, "the host is gone", || {
        let holder = betcode_host::remains::holder(&host).unwrap();
        holder.is_none().then_some(())
    });
    host
}

/// A turn whose daemon is away while its agent goes on talking. Gives the host's directory.
fn left_alone(profile: &Profile) -> PathBuf {
    let prompt = "/demo count n=3000 rate=1000";
    let turn = profile
        .betcode(["-p", prompt, "--output-format", "events"])
        .spawn();
    turn.wait_for("text_delta");
    turn.signal(Signal::KILL);
    let daemon = profile.daemon_pid().unwrap();
    kill(daemon, Signal::KILL);
    let hosts = profile.state_dir().join("hosts");
    let host = fs::read_dir(hosts).unwrap().next().unwrap().unwrap().path();
    let spooled = || {
        segments(&host)
            .iter()
            .map(|path| fs::metadata(path).unwrap().len())
            .sum::<u64>()
    };
    let before = spooled();
    wait_until(SOON, "the agent says more", || {
        (spooled() > before + 20_000).then_some(())
    });
    host
}

/// The log once the turn is over.
fn log(profile: &Profile) -> Vec<Value> {
    profile.betcode(["daemon", "start"]).run().expect(0);
    let id = session(profile);
    wait_until(SOON, "the turn is over", || {
        let log = profile.betcode(["session", "events", &id]).run();
        let log = log.expect(0).json_lines();
        let over = log.iter().any(|event| event["type"] == "turn_complete");
        over.then_some(log)
    })
}

#[test]
fn a_spool_that_is_cut_off_zeroed_or_gone_is_accounted_for_and_the_turn_ends() {
    let damages: [(&str, Damage); 4] = [
        ("cut in the middle", |host| {
            resize(segments(host).last().unwrap(), |length| length / 2);
        }),
        ("emptied", |host| {
            resize(segments(host).last().unwrap(), |_| 0);
        }),
        ("with zeros at its end", |host| {
            let path = segments(host).pop().unwrap();
            resize(&path, |length| length - 7);
            resize(&path, |length| length + 4096);
        }),
        ("deleted", |host| {
            for path in segments(host) {
                fs::remove_file(path).unwrap();
            }
        }),
    ];
    for (name, damage) in damages {
        let profile = profile();
        let host = cut_short(&profile);
        damage(&host);
        let log = log(&profile);
        for pair in log.windows(2) {
            let [before, after] = pair else { continue };
            let first = after["first_sequence"].as_u64();
            let first = first.or(after["sequence"].as_u64());
            assert_eq!(
                before["sequence"].as_u64().map(|last| last + 1),
                first,
                "{name}"
            );
        }
        let lost = log
            .iter()
            .find(|event| event["type"] == "agent_exited")
            .unwrap();
        assert!(lost.to_string().contains("host_lost"), "{name}: {lost}");
        let ends = log.iter().filter(|event| event["type"] == "turn_complete");
        assert_eq!(ends.count(), 1, "{name}");
        let said: Vec<_> = log
            .iter()
            .filter(|event| event["type"] == "message_complete" && event["role"] != "user")
            .collect();
        assert!(!said.is_empty(), "{name}");
    }
}

#[test]
fn a_host_that_lives_and_whose_spool_somebody_has_removed_is_ended_and_that_is_said_once() {
    let damages: [(&str, Damage); 2] = [
        ("deleted", |host| {
            for path in segments(host) {
                fs::remove_file(path).unwrap();
            }
        }),
        ("emptied and deleted", |host| {
            for path in segments(host) {
                resize(&path, |_| 0);
                fs::remove_file(path).unwrap();
            }
        }),
    ];
    for (name, damage) in damages {
        let profile = profile();
        let host = left_alone(&profile);
        damage(&host);
        let log = log(&profile);
        let said = |text: &str| {
            let notices = log.iter().filter(|event| event["type"] == "notice");
            let texts = notices.filter(|event| event["text"].as_str().unwrap().contains(text));
            texts.count()
        };
        assert_eq!(said("somebody has removed it"), 1, "{name}: {log:?}");
        assert_eq!(said("of what the agent said are lost"), 1, "{name}");
        let exits = log.iter().filter(|event| event["type"] == "agent_exited");
        assert!(exits.count() >= 1, "{name}");
        let ends = log.iter().filter(|event| event["type"] == "turn_complete");
        assert_eq!(ends.count(), 1, "{name}");
        wait_until(SOON, "nothing is left of the host", || {
            (!host.exists()).then_some(())
        });
    }
}
