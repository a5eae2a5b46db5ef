//! How long it takes until a daemon can be reached: after an orderly end, and after a violent one with a write-ahead log
//! of 5 MB to recover. And how long the executable takes to say its version.
//!
//! The log is made once: a reader keeps the database from starting its write-ahead log over while a flood fills it, the
//! daemon is killed, and every repetition starts on a copy of what it left.

use std::fs;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags};

use super::flood::{Load, play};
use super::profile::{Place, Profile};
use super::report::{Goal, Report};
use super::{Options, calibrate, goals};
use crate::clock;

/// How much there is to recover.
const WAL: u64 = 5 << 20;

/// Measures starts.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 7 } else { 25 };
    let mut versions = Vec::new();
    let profile = place.profile()?;
    for _ in 0..repetitions {
        let mut command = profile.command(&["--version"]);
        let begun = clock::now();
        ensure!(
            command.stdout(Stdio::null()).status()?.success(),
            "--version failed"
        );
        versions.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    report.add(
        "`betcode --version`",
        "ms",
        Goal::Below(goals::VERSION),
        &versions,
        None,
    );

    profile.start()?.stop()?;
    let (mut clean, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        let daemon = profile.start()?;
        clean.push(daemon.ready.as_secs_f64() * 1_000.0);
        let begun = clock::now();
        ensure!(
            profile
                .command(&["daemon", "status", "--json"])
                .stdout(Stdio::null())
                .status()?
                .success(),
            "no status"
        );
        answers.push(begun.elapsed().as_secs_f64() * 1_000.0);
        daemon.stop()?;
    }
    report.add(
        "daemon ready after an orderly end",
        "ms",
        Goal::Below(goals::READY),
        &clean,
        None,
    );
    report.add(
        "`betcode daemon status` right then, a whole process",
        "ms",
        Goal::None,
        &answers,
        None,
    );

    let left = place.profile()?;
    let size = leave_behind(&left)?;
    let mut recovered = Vec::new();
    for _ in 0..repetitions {
        let profile = place.profile()?;
        left.copy_state_to(&profile)?;
        let daemon = profile.start()?;
        recovered.push(daemon.ready.as_secs_f64() * 1_000.0);
        daemon.kill()?;
        fs::remove_dir_all(profile.state())?;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "the size of a file is far below 2^52"
    )]
    let size = size as f64 / f64::from(1 << 20);
    let what = format!("daemon ready after kill -9 with a log of {size:.1} MB");
    report.add(what, "ms", Goal::Below(goals::RECOVERED), &recovered, None);
    Ok(())
}

/// Kills a daemon whose write-ahead log is large; says how large.
fn leave_behind(profile: &Profile) -> Result<u64> {
    let daemon = profile.start()?;
    let database = profile.state().join("log.db");
    let wal = profile.state().join("log.db-wal");
    let reader = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
    let mut session = daemon.session()?;
    let size = || {
        fs::metadata(&wal)
            .map(|file| file.len())
            .context("no write-ahead log")
    };
    for _ in 0..20 {
        if size()? >= WAL {
            break;
        }
        let load = Load {
            lines: 3_000,
            rate: 0,
            mixed: true,
            stamped: false,
        };
        play(&daemon, &mut session, load, 1)?;
    }
    ensure!(size()? >= WAL, "the write-ahead log did not grow");
    // The agents go first, so that only the log is left to be looked at.
    let closed = profile
        .command(&["session", "close", &session.id])
        .stdout(Stdio::null())
        .status()?;
    ensure!(closed.success(), "the session could not be closed");
    let gone = clock::poll(
        std::time::Duration::from_secs(10),
        std::time::Duration::from_millis(5),
        || {
            profile
                .hosts()
                .is_ok_and(|hosts| hosts.is_empty())
                .then_some(())
        },
    );
    ensure!(gone.is_some(), "the agent did not end");
    let size = size()?;
    // The last connection that closes copies the log: the killed daemon closes nothing, and this one only reads, so it
    // is kept until everything is over.
    daemon.kill()?;
    std::mem::forget(reader);
    Ok(size)
}
