//! What it costs to know how much of a plan is used: a poll of a source that is a program, an answer from memory, and the tray
//! while nothing changes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::profile::{Place, Profile};
use super::report::{Goal, Report};
use super::{Options, calibrate, goals, process};
use crate::clock;

/// A person may ask this often.
const BY_HAND: Duration = Duration::from_millis(10_100);
/// While somebody looks, a source is asked this often.
const EVERY: f64 = 60.0;
/// What a start has left to do is no idleness yet.
const SETTLED: Duration = Duration::from_secs(5);
/// A login that is good, with tokens that are none.
const LOGIN: &str = r#"{"claudeAiOauth":{"accessToken":"none","refreshToken":"none","expiresAt":9999999999000,"scopes":["user:profile"],"subscriptionType":"max"}}"#;

/// A `claude` that knows nothing but how much is used, and each time a little more.
fn fake_claude(profile: &Profile) -> Result<()> {
    let root = profile.root();
    fs::create_dir_all(root.join(".claude"))?;
    fs::write(root.join(".claude/.credentials.json"), LOGIN)?;
    let program = root.join("claude");
    let asked = root.join("asked");
    let script = format!(
        r#"#!/bin/sh
[ "$1" = --version ] && {{ echo "2.1.300 (Claude Code)"; exit 0; }}
read -r question
echo asked >> {asked}
set -- $(wc -l < {asked})
echo '{{"type":"control_response","response":{{"subtype":"success","request_id":"usage","response":{{"subscription_type":"max","rate_limits_available":true,"rate_limits":{{"limits":[{{"kind":"session","group":"session","percent":'"$1"',"severity":"normal","resets_at":null,"scope":null,"is_active":true}}]}}}}}}}}'
"#,
        asked = asked.display(),
    );
    fs::write(&program, script)?;
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
    let program = program.display().to_string();
    let settings = format!("[agents.claude]\ncommand = [{program:?}]\n");
    fs::write(root.join("config/config.toml"), settings)?;
    Ok(())
}

fn asked(profile: &Profile) -> usize {
    let asked = fs::read_to_string(profile.root().join("asked"));
    asked.unwrap_or_default().lines().count()
}

/// Measures polls, and answers from memory.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let profile = place.profile()?;
    fake_claude(&profile)?;
    let daemon = profile.start()?;
    let usage = |arguments: &[&str]| -> Result<f64> {
        let arguments: Vec<&str> = ["usage", "--json"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let begun = clock::now();
        let output = profile.command(&arguments).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success() && text.contains(r#""source":"get_usage""#),
            "`betcode usage` said: {text}"
        );
        Ok(begun.elapsed().as_secs_f64() * 1_000.0)
    };
    usage(&["--refresh"])?;
    let mut polls = Vec::new();
    for _ in 0..if options.quick { 2 } else { 6 } {
        // a pause, because: it is not asked by hand more often
        std::thread::sleep(BY_HAND);
        let (before, times) = (process::time(daemon.pid())?, asked(&profile));
        usage(&["--refresh"])?;
        ensure!(asked(&profile) == times + 1, "claude was not asked once");
        polls.push((process::time(daemon.pid())? - before) / 1e6);
    }
    let shares: Vec<f64> = polls
        .iter()
        .map(|ms| ms / (EVERY * 1_000.0) * 100.0)
        .collect();
    let mut answers = Vec::new();
    for _ in 0..if options.quick { 5 } else { 25 } {
        answers.push(usage(&[])?);
    }
    report.add(
        "usage, one poll: processor of the daemon",
        "ms",
        Goal::None,
        &polls,
        None,
    );
    report.add(
        "usage, a poll a minute: processor of the daemon",
        "%",
        Goal::Below(goals::POLLING),
        &shares,
        None,
    );
    report.add(
        "`betcode usage --json`, from memory",
        "ms",
        Goal::Below(goals::USAGE_ANSWER),
        &answers,
        None,
    );
    daemon.stop()
}

/// A program that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures the tray on a bus of its own on which nobody shows it, with a daemon in which nothing changes.
pub(super) fn tray(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let program = place.betcode.with_file_name("betcode-tray");
    ensure!(
        program.is_file(),
        "{} is not there: cargo build --release -p tray",
        program.display()
    );
    let profile = place.profile()?;
    fake_claude(&profile)?;
    let mut bus = Command::new("dbus-daemon");
    bus.args(["--session", "--nofork", "--print-address=1"]);
    let mut bus = bus
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Running)
        .context("cannot run dbus-daemon")?;
    let mut address = String::new();
    let stdout = bus.0.stdout.take().context("no stdout")?;
    BufReader::new(stdout).read_line(&mut address)?;
    let daemon = profile.start()?;
    let like = profile.command(&[]);
    let mut tray = Command::new(&program);
    tray.env_clear();
    tray.envs(
        like.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    tray.env("DBUS_SESSION_BUS_ADDRESS", address.trim())
        .env("XDG_RUNTIME_DIR", profile.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut tray = tray.spawn().map(Running).context("cannot start the tray")?;
    // a pause, because: what a start has left to do is no idleness yet
    std::thread::sleep(SETTLED);
    ensure!(tray.0.try_wait()?.is_none(), "the tray has ended");
    let pid = tray.0.id();
    let seconds = if options.quick { 10 } else { 60 };
    let before = process::switches(pid)?;
    // a pause, because: nothing happens, for so long
    std::thread::sleep(Duration::from_secs(seconds));
    let woken = process::switches(pid)? - before;
    report.add(
        "tray, resident",
        "MB",
        Goal::Below(goals::TRAY_MB),
        &[process::status_mb(pid, "VmRSS:")?],
        None,
    );
    report.add(
        format!("tray, wake-ups in {seconds} s"),
        "",
        Goal::Below(goals::WAKE_UPS),
        &[woken],
        None,
    );
    for file in [&place.betcode, &program] {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let size = fs::metadata(file)?.len();
        report.add(
            format!("executable {name}"),
            "MB",
            Goal::None,
            &[f64::from(u32::try_from(size / 1_024)?) / 1_024.0],
            None,
        );
    }
    drop(tray);
    daemon.stop()
}
