//! `cargo xtask torture`: kills daemons, agent hosts, agents and clients at random moments under load, and checks that nothing
//! was lost, nothing came twice, and every death is accounted for.
//!
//! `plan` makes rounds from the seed, `run` plays them on real processes, `people` are clients that answer what agents ask,
//! `check` judges what was written down. A violation ends the run, and the directory with everything in it is kept.
//!
//! The task runs itself once more with the feature `clients`, which brings the client library.

#[cfg(feature = "clients")]
mod check;
#[cfg(feature = "clients")]
mod log;
#[cfg(feature = "clients")]
mod people;
#[cfg(feature = "clients")]
mod plan;
#[cfg(feature = "clients")]
mod random;
#[cfg(feature = "clients")]
mod report;
#[cfg(feature = "clients")]
mod rounds;
#[cfg(feature = "clients")]
mod run;
#[cfg(feature = "clients")]
mod scenario;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::task::{Task, Usage};

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "torture",
    about: "kill daemons, hosts, agents and clients at random under load; check that nothing is lost",
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
    run(&options, arguments)
}

#[cfg(feature = "clients")]
fn run(options: &Options, _: &[String]) -> Result<()> {
    rounds::torture(options)
}

#[cfg(not(feature = "clients"))]
fn run(_: &Options, arguments: &[String]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--package", "xtask"])
        .args(["--features", "clients", "--", "torture"])
        .args(arguments)
        .status()?;
    anyhow::ensure!(status.success(), "the torture ended with {status}");
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
