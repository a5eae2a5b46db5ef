//! Memory, wake-ups and bytes on disk.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::flood::{Load, play};
use super::profile::Place;
use super::report::{Goal, Report, median};
use super::{Options, calibrate, goals, process};

/// Measures the memory of the daemon and of an agent's host.
pub(super) fn memory(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 1 } else { 3 };
    let (mut idle, mut peak, mut after) = (Vec::new(), Vec::new(), Vec::new());
    let (mut private, mut dirty, mut pss) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repetitions {
        let daemon = place.profile()?.start()?;
        idle.push(process::status_mb(daemon.pid(), "VmRSS:")?);
        let mut session = daemon.session()?;
        let load = Load {
            lines: options.lines,
            rate: 0,
            mixed: true,
            stamped: false,
        };
        let host = play(&daemon, &mut session, load, 8)?.host;
        peak.push(process::status_mb(daemon.pid(), "VmHWM:")?);
        after.push(process::status_mb(daemon.pid(), "VmRSS:")?);
        private.push(host.private);
        dirty.push(host.dirty);
        pss.push(host.share);
        daemon.stop()?;
    }
    report.add(
        "daemon, resident: idle",
        "MB",
        Goal::Below(goals::IDLE_MB),
        &idle,
        None,
    );
    report.add(
        "daemon, resident: most in a flood with 8 clients",
        "MB",
        Goal::Below(goals::PEAK_MB),
        &peak,
        None,
    );
    report.add(
        "daemon, resident: after that flood",
        "MB",
        Goal::None,
        &after,
        None,
    );
    report.add(
        "agent host in that flood: private",
        "MB",
        Goal::Below(goals::HOST_MB),
        &private,
        None,
    );
    report.add(
        "agent host in that flood: private and dirty",
        "MB",
        Goal::None,
        &dirty,
        None,
    );
    report.add(
        "agent host in that flood: proportional share",
        "MB",
        Goal::None,
        &pss,
        None,
    );
    Ok(())
}

/// Counts wake-ups while one client is attached and nothing happens.
pub(super) fn idle(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let daemon = place.profile()?.start()?;
    // A conversation that stays open keeps its agent.
    let client = daemon.conversation("/demo say text=hi")?;
    client.wait_turn()?;
    let host = *daemon
        .profile
        .hosts()?
        .first()
        .context("no agent host runs")?;
    // What the last turn has left to do is no idleness yet.
    std::thread::sleep(Duration::from_secs(2));
    let (mut by_daemon, mut by_host, mut by_client) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..if options.quick { 1 } else { 3 } {
        let now = || -> Result<[f64; 3]> {
            Ok([
                process::switches(daemon.pid())?,
                process::switches(host)?,
                process::switches(client.pid())?,
            ])
        };
        let before = now()?;
        std::thread::sleep(Duration::from_secs(10));
        let after = now()?;
        for (samples, (after, before)) in [&mut by_daemon, &mut by_host, &mut by_client]
            .into_iter()
            .zip(after.into_iter().zip(before))
        {
            samples.push(after - before);
        }
    }
    report.add(
        "wake-ups in 10 idle seconds: daemon",
        "times",
        Goal::Below(goals::WAKE_UPS),
        &by_daemon,
        None,
    );
    report.add(
        "wake-ups in 10 idle seconds: agent host",
        "times",
        Goal::Below(goals::WAKE_UPS),
        &by_host,
        None,
    );
    report.add(
        "wake-ups in 10 idle seconds: client",
        "times",
        Goal::None,
        &by_client,
        None,
    );
    client.stop()?;
    daemon.stop()
}

/// Counts bytes that go to storage at a calm pace.
#[expect(
    clippy::cast_precision_loss,
    reason = "sizes and counts are far below 2^52"
)]
pub(super) fn disk(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 1 } else { 3 };
    let daemon = place.profile()?.start()?;
    let (mut by_daemon, mut by_host, mut stored, mut log) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repetitions {
        let mut session = daemon.session()?;
        let state = daemon.profile.state();
        let size =
            |file: &str| std::fs::metadata(state.join(file)).map_or(0.0, |file| file.len() as f64);
        let before = (
            process::written(daemon.pid())?,
            size("log.db"),
            size("log.db-wal"),
        );
        let load = Load {
            lines: 5_000,
            rate: 1_000,
            mixed: false,
            stamped: false,
        };
        let outcome = play(&daemon, &mut session, load, 1)?;
        let events = outcome.events as f64;
        by_daemon.push((process::written(daemon.pid())? - before.0) / events);
        by_host.push(outcome.host.written / events);
        stored.push((size("log.db") - before.1) / events);
        log.push((size("log.db-wal") - before.2) / events);
    }
    report.add(
        "written per event at 1,000 events/s: daemon",
        "bytes",
        Goal::None,
        &by_daemon,
        None,
    );
    report.add(
        "written per event at 1,000 events/s: agent host",
        "bytes",
        Goal::None,
        &by_host,
        None,
    );
    report.note(format!(
        "growth of the database {:.0}, of the write-ahead log {:.0} bytes an event",
        median(&stored),
        median(&log)
    ));
    daemon.stop()
}
