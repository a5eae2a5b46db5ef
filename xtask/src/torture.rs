//! `cargo xtask torture`: kills daemons, agent hosts and clients at random moments under load, and checks that nothing
//! was lost, nothing came twice, and every death is accounted for.
//!
//! `plan` makes rounds from the seed, `run` plays them on real processes, `check` judges what was written down. A
//! violation ends the run, and the directory with everything in it is kept.

mod check;
mod log;
mod plan;
mod random;
mod report;
mod run;
mod scenario;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::lab::Lab;
use crate::task::{Task, Usage};
use crate::{clock, executable};
use check::Evidence;
use plan::Plan;
use report::Report;
use run::{Machine, Session};

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "torture",
    about: "kill daemons, hosts and clients at random under load; check that nothing is lost",
    help: "usage: cargo xtask torture [--rounds N] [--seed S] [--seconds LIMIT] [--betcode PATH]\n\n  \
           --rounds N         how many rounds (500)\n  \
           --seed S           which plan (one that is new each time, printed first)\n  \
           --seconds LIMIT    begin no round after so long\n  \
           --betcode PATH     torture this one instead of building one\n\n\
           fails at the first thing that is lost, doubled or unaccounted for, and says where everything was kept",
    run: torture,
};

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    rounds: u64,
    seed: Option<u64>,
    limit: Option<Duration>,
    betcode: Option<PathBuf>,
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        rounds: 500,
        seed: None,
        limit: None,
        betcode: None,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or_else(|| Usage::unknown(argument))?;
        let number = || {
            let number = value.parse::<u64>();
            number.map_err(|_| Usage::unknown(&format!("{argument} {value}")))
        };
        match argument.as_str() {
            "--rounds" => options.rounds = number()?,
            "--seed" => options.seed = Some(number()?),
            "--seconds" => options.limit = Some(Duration::from_secs(number()?)),
            "--betcode" => options.betcode = Some(PathBuf::from(value)),
            _ => return Err(Usage::unknown(argument)),
        }
    }
    Ok(options)
}

fn torture(arguments: &[String]) -> Result<()> {
    let options = options(arguments)?;
    if !cfg!(target_os = "linux") {
        bail!(
            "torture needs Linux: nowhere else can a process be held so that no other is killed in its place"
        );
    }
    let seed = options.seed.unwrap_or_else(clock::nanoseconds);
    println!("seed {seed}");
    let lab = Lab::new("torture", executable::betcode(options.betcode.as_deref())?)?;
    let mut machine = Machine::new(&lab, seed);
    let mut report = Report::default();
    let outcome = rounds(&options, seed, &mut machine, &mut report);
    report.kills = machine.kills;
    lab.stop();
    println!("{report}");
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
    unclaimed(&finished, machine, report);
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
        closed: session.closed,
    });
    report.add(&place, &findings, last);
}

/// Every host that was killed must have its end in some log.
fn unclaimed(finished: &[Session], machine: &Machine<'_>, report: &mut Report) {
    for host in &machine.killed_hosts {
        let has = |kind: &str| {
            let mut entries = finished.iter().flat_map(|session| &session.log);
            entries.any(|entry| entry.kind == kind && entry.host == *host)
        };
        let begun_again = machine.killed_early.contains(host) && has("agent_started");
        if !has("agent_exited") && !begun_again {
            report.unaccounted(
                "at the end",
                &format!("host {host} was killed, and no log says so"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Options> {
        options(
            &words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn options_have_numbers_and_nothing_else_is_understood() {
        let all = read(&[
            "--seed",
            "7",
            "--rounds",
            "3",
            "--seconds",
            "9",
            "--betcode",
            "b",
        ])
        .unwrap();
        assert_eq!(
            all,
            Options {
                rounds: 3,
                seed: Some(7),
                limit: Some(Duration::from_secs(9)),
                betcode: Some(PathBuf::from("b"))
            }
        );
        assert_eq!(read(&[]).unwrap().rounds, 500);
        for wrong in [&["--seed"][..], &["--seed", "x"], &["--more", "1"]] {
            assert!(read(wrong).unwrap_err().is::<Usage>());
        }
    }
}
