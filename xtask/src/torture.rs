//! `cargo xtask torture`: kills daemons, agent hosts, agents and clients at random moments under load, and checks that nothing
//! was lost, nothing came twice, and every death is accounted for.
//!
//! `plan` makes rounds from the seed, `run` plays them on real processes, `people` are clients that answer what agents ask,
//! `disk` runs full, `check` judges what was written down. A violation ends the run, and the directory with everything in it is kept.
//!
//! The task runs itself once more with the feature `clients`, which brings the client library, and in a mount namespace of
//! its own where there can be one: a disk that runs full is mounted there.

#[cfg(feature = "clients")]
mod check;
#[cfg(feature = "clients")]
mod disk;
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
    help: "usage: cargo xtask torture [--rounds N] [--seed S] [--seconds LIMIT] [--disk KIND] [--betcode PATH]\n\n  \
           --rounds N         how many rounds (500)\n  \
           --seed S           which plan (one that is new each time, printed first)\n  \
           --seconds LIMIT    begin no round after so long\n  \
           --disk KIND        small: the state is on a disk that runs full now and then (where one may be mounted); whole: it is not\n  \
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
    disk: Option<Disk>,
    betcode: Option<PathBuf>,
}

/// On what the state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    /// One of its own, which runs full now and then.
    Small,
    /// The one on which everything else is.
    Whole,
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        rounds: 500,
        seed: None,
        limit: None,
        disk: None,
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
            "--disk" => {
                options.disk = Some(match value.as_str() {
                    "small" => Disk::Small,
                    "whole" => Disk::Whole,
                    _ => return Err(Usage::unknown(&format!("--disk {value}"))),
                });
            }
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
fn run(options: &Options, arguments: &[String]) -> Result<()> {
    use std::ffi::OsString;
    use std::process::Command;

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut words: Vec<OsString> = Vec::new();
    let mut disk = Vec::new();
    if options.disk != Some(Disk::Whole) {
        match apart() {
            Some(apart) => {
                words.extend(apart.split(' ').map(OsString::from));
                disk.extend(["--disk", "small"]);
            }
            None if options.disk == Some(Disk::Small) => {
                bail!("--disk small: this machine lets nobody mount a disk (unshare --mount)")
            }
            None => println!("no disk runs full: this machine lets nobody mount one"),
        }
    }
    words.push(cargo);
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default();
    let status = Command::new(program)
        .args(words)
        .args(["run", "--quiet", "--package", "xtask"])
        .args(["--features", "clients", "--", "torture"])
        .args(arguments)
        .args(disk)
        .status()?;
    anyhow::ensure!(status.success(), "the torture ended with {status}");
    Ok(())
}

/// The words before a command that give it mounts of its own, where that is possible.
#[cfg(not(feature = "clients"))]
fn apart() -> Option<&'static str> {
    let ways = ["unshare --mount", "unshare --user --map-root-user --mount"];
    ways.into_iter().find(|way| {
        let mut words = way.split(' ');
        let tried = std::process::Command::new(words.next().unwrap_or_default())
            .args(words)
            .args(["mount", "-t", "tmpfs", "none", "/mnt"])
            .stderr(std::process::Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    })
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
            "--disk",
            "small",
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
                disk: Some(Disk::Small),
                betcode: Some(PathBuf::from("b"))
            }
        );
        assert_eq!(read(&[]).unwrap().rounds, 500);
        for wrong in [
            &["--seed"][..],
            &["--seed", "x"],
            &["--more", "1"],
            &["--disk", "x"],
        ] {
            assert!(read(wrong).unwrap_err().is::<Usage>());
        }
    }
}
