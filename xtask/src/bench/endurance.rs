//! What many turns leave behind: processes, threads and open files after 200 turns of every kind, each in a session of its
//! own; memory of the daemon and of an agent's host over 1,000 turns of one conversation, and of the daemon over sessions.
//!
//! What stays in memory by intention is bounded: of each session's log the newest part, for those who follow it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::process;
use super::profile::{Daemon, Place, spoken};
use super::report::{Goal, Report};
use super::{Options, calibrate, goals};
use crate::clock;

/// How long what a turn has started may take to be gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// Turns that end in every way, with what their tools leave running; and what `betcode` exits with.
const KINDS: &[(&[&str], i32)] = &[
    (&["/demo say text=hi"], 0),
    (
        &["/demo tool command=\"sleep 600 > /dev/null 2>&1 & echo background\""],
        0,
    ),
    (
        &["/demo tool command=\"setsid sleep 600 > /dev/null 2>&1 & echo session\""],
        0,
    ),
    (
        &["/demo tool command=\"( ( sleep 600 > /dev/null 2>&1 & ) & ) ; echo orphan\""],
        0,
    ),
    (
        &["/demo permission command=\"sleep 600 > /dev/null 2>&1 &\""],
        0,
    ),
    (&["/demo crash after=5 times=1"], 0),
    (&["/demo stall secs=600", "--timeout", "1"], 124),
    (&["/demo edit file=notes.txt text=\"a line\""], 0),
];

/// Measures what turns leave behind.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let daemon = place.profile()?.start()?;
    leftovers(&daemon, if options.quick { 40 } else { 200 }, report)?;
    daemon.stop()?;
    let daemon = place.profile()?.start()?;
    memory(&daemon, if options.quick { 25 } else { 100 }, report)?;
    daemon.stop()
}

/// One turn in a new session, as a process of its own.
fn turn(daemon: &Daemon, number: usize) -> Result<()> {
    let (arguments, code) = KINDS
        .get(number % KINDS.len())
        .context("no such kind of turn")?;
    let arguments = [&["-p", "--agent", "demo", "--no-daemon-start"], *arguments].concat();
    let status = daemon
        .profile
        .command(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(
        status.code() == Some(*code),
        "{arguments:?} ended with {status} instead of {code}"
    );
    Ok(())
}

/// Processes, threads and open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    processes: usize,
    threads: usize,
    files: usize,
}

fn count(daemon: &Daemon) -> Result<Count> {
    Ok(Count {
        processes: process::marked(&daemon.profile.root().display().to_string()).len(),
        threads: process::thread_count(daemon.pid())?,
        files: process::descriptors(daemon.pid())?,
    })
}

/// Waits until nothing has changed for a while: threads that look at files end by themselves.
fn settled(daemon: &Daemon, at_most: Option<Count>) -> Result<Count> {
    let mut last = count(daemon)?;
    let mut same = 0;
    let settled = clock::poll(PATIENCE, Duration::from_millis(100), || {
        let now = count(daemon).ok()?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
        let low = at_most.is_none_or(|most| {
            now.processes <= most.processes
                && now.threads <= most.threads
                && now.files <= most.files
        });
        (low && same >= 20).then_some(now)
    });
    Ok(settled.unwrap_or(last))
}

fn leftovers(daemon: &Daemon, turns: usize, report: &mut Report) -> Result<()> {
    // What turns open once for all is there before the count; the connections to the database when several read at once.
    let kinds = 0..KINDS.len();
    std::thread::scope(|scope| {
        let turns: Vec<_> = kinds
            .map(|number| scope.spawn(move || turn(daemon, number)))
            .collect();
        turns.into_iter().try_for_each(|turn| {
            turn.join()
                .map_err(|_| anyhow::anyhow!("a turn panicked"))?
        })
    })?;
    let before = settled(daemon, None)?;
    for number in 0..turns {
        turn(daemon, number)?;
    }
    let after = settled(daemon, Some(before))?;
    report.note(format!(
        "before {turns} turns: {} processes, of the daemon {} threads and {} open files; after: {}, {}, {}",
        before.processes, before.threads, before.files, after.processes, after.threads, after.files
    ));
    for (what, goal, before, after) in [
        ("processes", goals::LEFT, before.processes, after.processes),
        (
            "threads of the daemon",
            goals::LEFT,
            before.threads,
            after.threads,
        ),
        (
            "open files of the daemon",
            goals::LEFT_FILES,
            before.files,
            after.files,
        ),
    ] {
        report.add(
            format!("{what} more after {turns} turns"),
            "count",
            Goal::Below(goal),
            &[number(after.saturating_sub(before))],
            None,
        );
    }
    Ok(())
}

/// Private memory in MB: that of nobody else.
fn private(pid: u32) -> Result<f64> {
    process::mapped_mb(pid, &["Private_Clean:", "Private_Dirty:"])
}

fn memory(daemon: &Daemon, hundred: usize, report: &mut Report) -> Result<()> {
    // The newest events of all logs together stay in memory up to a bound: it is reached before the first turn counts.
    let client = daemon.conversation("/demo flood n=80000 size=80 mixed=1")?;
    client.wait_turn()?;
    let host = *daemon
        .profile
        .hosts()?
        .first()
        .context("no agent host runs")?;
    let (mut of_daemon, mut of_host) = (Vec::new(), Vec::new());
    let open = (
        process::descriptors(daemon.pid())?,
        process::descriptors(host)?,
    );
    for _ in 0..10 {
        for number in 0..hundred {
            client.say(&spoken(match number % 4 {
                0 => "/demo say text=\"something short\"",
                1 => "/demo tool command=\"echo a tool; sleep 0.01 > /dev/null 2>&1 &\"",
                2 => "/demo flood n=200 size=80",
                _ => "/demo todo",
            }))?;
            client.wait_turn()?;
        }
        of_daemon.push(private(daemon.pid())?);
        of_host.push(private(host)?);
    }
    let open_after = (
        process::descriptors(daemon.pid())?,
        process::descriptors(host)?,
    );
    client.stop()?;
    let turns = hundred * 10;
    for (what, series, open, after) in [
        ("daemon", &of_daemon, open.0, open_after.0),
        ("agent host", &of_host, open.1, open_after.1),
    ] {
        series_row(report, what, "turns", hundred, series)?;
        report.note(format!(
            "open files: {open} before {turns} turns, {after} after"
        ));
    }
    let mut of_sessions = Vec::new();
    for _ in 0..10 {
        for _ in 0..hundred.div_ceil(2) {
            turn(daemon, 0)?;
        }
        of_sessions.push(private(daemon.pid())?);
    }
    let what = "daemon, a session for each turn";
    series_row(report, what, "sessions", hundred.div_ceil(2), &of_sessions)
}

/// How much a series grows from its second to its last value.
fn series_row(
    report: &mut Report,
    what: &str,
    unit: &str,
    step: usize,
    series: &[f64],
) -> Result<()> {
    let (first, last) = (series.get(1), series.last());
    let (first, last) = (first.context("too short")?, last.context("too short")?);
    let shown: Vec<_> = series.iter().map(|value| format!("{value:.2}")).collect();
    report.add(
        format!(
            "{what}: private memory, growth {} to {} {unit}",
            step * 2,
            step * series.len()
        ),
        "%",
        Goal::Below(goals::GROWTH),
        &[((last - first) / first * 100.0).max(0.0)],
        None,
    );
    report.note(format!(
        "private MB every {step} {unit}: {}",
        shown.join(" ")
    ));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a count is far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}
