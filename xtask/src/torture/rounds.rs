//! The rounds of a run, one after the other, and the judgement after each.

use anyhow::{Result, bail};

use super::Options;
use super::check::people::Scene;
use super::check::{self, Evidence};
use super::disk::Disk;
use super::log::Entry;
use super::people::Table;
use super::plan::{self, Plan};
use super::report::Report;
use super::run::{Machine, Session};
use crate::lab::Lab;
use crate::{clock, executable};

/// What a round must not have to wait for.
const CONFIG: &str = "[lock]\nwait = \"1s\"\nidle = \"1s\"\ngrace = \"1s\"\n";

/// Plays rounds, and says what came of them.
pub(super) fn torture(options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(clock::nanoseconds);
    println!("seed {seed}");
    let lab = Lab::new("torture", executable::betcode(options.betcode.as_deref())?)?;
    std::fs::write(lab.path("config").join("config.toml"), CONFIG)?;
    let disk = match options.disk {
        Some(super::Disk::Small) => {
            let disk = Disk::mount(&lab.state())?;
            // What agents keep for themselves is elsewhere: whether they can is their own business.
            let memory = lab.path("memory");
            std::fs::create_dir(&memory)?;
            std::os::unix::fs::symlink(memory, lab.state().join("demo"))?;
            Some(disk)
        }
        Some(super::Disk::Whole) | None => None,
    };
    let mut machine = Machine::new(&lab, seed, disk)?;
    let mut report = Report::default();
    let outcome = rounds(options, seed, &mut machine, &mut report);
    report.kills = machine.kills;
    report.filled = machine.filled();
    lab.stop();
    println!("{report}");
    if outcome.is_err() || !report.is_clean() {
        machine.keep()?;
    }
    match outcome {
        Ok(()) if report.is_clean() => {
            lab.remove();
            Ok(())
        }
        Ok(()) => bail!("seed {seed}: the state is kept in {}", lab.root().display()),
        Err(error) => Err(error.context(format!(
            "seed {seed}: the state is kept in {}",
            lab.root().display()
        ))),
    }
}

fn rounds(
    options: &Options,
    seed: u64,
    machine: &mut Machine<'_>,
    report: &mut Report,
) -> Result<()> {
    let began = clock::now();
    let mut plan = Plan::new(seed);
    let mut finished: Vec<Session> = Vec::new();
    let mut left: Vec<Table> = Vec::new();
    for number in 1..=options.rounds {
        if options
            .limit
            .is_some_and(|limit| clock::now() - began >= limit)
        {
            break;
        }
        let round = plan.round();
        machine.play(&round)?;
        for slot in 0..plan::SLOTS {
            if let Some(session) = machine.slots.get(slot) {
                judge(number, session, machine, report, false);
            }
        }
        for slot in &round.retired {
            if let Some(session) = machine.retire(*slot)? {
                judge(number, &session, machine, report, true);
                finished.push(session);
            }
        }
        for table in &machine.tables {
            judge_table(number, table, machine, report, false);
        }
        for at in &round.left {
            if let Some(table) = machine.leave(*at)? {
                judge_table(number, &table, machine, report, true);
                left.push(table);
            }
        }
        report.rounds = number;
        if number % 25 == 0 {
            println!("{}", report.progress(machine.kills, clock::now() - began));
        }
        if !report.is_clean() {
            return Ok(());
        }
    }
    for slot in 0..plan::SLOTS {
        if let Some(session) = machine.retire(slot)? {
            judge(report.rounds, &session, machine, report, true);
            finished.push(session);
        }
    }
    for at in 0..plan::TABLES {
        if let Some(table) = machine.leave(at)? {
            judge_table(report.rounds, &table, machine, report, true);
            left.push(table);
        }
    }
    let logs = finished.iter().map(|session| &session.log);
    let logs: Vec<_> = logs.chain(left.iter().map(|table| &table.log)).collect();
    unclaimed(&logs, machine, report);
    reread(&finished, machine, report)
}

/// Checks one session as it is now. What was counted is counted once, when the session is over.
fn judge(round: u64, session: &Session, machine: &Machine<'_>, report: &mut Report, last: bool) {
    let place = format!("round {round}, session {}", session.id);
    if let Some(problem) = &session.problem {
        report.unaccounted(&place, problem);
    }
    let findings = check::check(&Evidence {
        log: &session.log,
        journal: &session.journal,
        clients: &session.clients,
        killed_hosts: &machine.killed_hosts,
        killed_agents: &machine.killed_agents,
        closed: session.closed,
    });
    report.add(&place, &findings, last);
}

/// The same of a session with people.
fn judge_table(round: u64, table: &Table, machine: &Machine<'_>, report: &mut Report, last: bool) {
    let place = format!("round {round}, session {} with people", table.id);
    for problem in &table.problems {
        report.unaccounted(&place, problem);
    }
    let findings = check::people::check(&Scene {
        log: &table.log,
        journal: &table.journal,
        ran_before: &table.ran_before,
        ran_after: &table.ran_after,
        said: &table.said,
        told: &table.told,
        shown: table.shown.as_ref(),
        killed_hosts: &machine.killed_hosts,
        killed_agents: &machine.killed_agents,
        closed: table.closed,
    });
    report.add(&place, &findings, last);
}

/// Every host that was killed, or whose agent was, must have its end in some log.
fn unclaimed(finished: &[&Vec<Entry>], machine: &Machine<'_>, report: &mut Report) {
    for host in machine.killed_hosts.union(&machine.killed_agents) {
        let has = |kind: &str| {
            let mut entries = finished.iter().copied().flatten();
            entries.any(|entry| entry.kind == kind && entry.host == *host)
        };
        let begun_again = machine.killed_early.contains(host) && has("agent_started");
        if !has("agent_exited") && !begun_again {
            report.unaccounted(
                "at the end",
                &format!("host {host} or its agent was killed, and no log says so"),
            );
        }
    }
}

/// After everything, every log is still what it was.
fn reread(finished: &[Session], machine: &Machine<'_>, report: &mut Report) -> Result<()> {
    for session in finished {
        let place = format!("at the end, session {}", session.id);
        match machine.read(&session.id)? {
            Ok(log) if log == session.log => {}
            Ok(_) => report.unaccounted(&place, "its log has changed after it was closed"),
            Err(problem) => report.unaccounted(&place, &problem),
        }
    }
    Ok(())
}
