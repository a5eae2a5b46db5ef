//! `cargo xtask bench`: how fast and how small the real executable is, measured against goals and a calibration.
//!
//! 1. The task runs itself once more in release mode with the feature `bench`, which brings the database and the
//!    client that are measured against; without that feature the task needs no generated code.
//! 2. `betcode` is built, and every measurement gets a profile and a daemon of its own below `target/bench`.
//! 3. Every figure is the median of several repetitions; a slow machine shows in the calibration of the same run.
//!
//! It never fails because something is slow, unless it is told to be strict.

#[cfg(feature = "bench")]
mod attach;
#[cfg(feature = "bench")]
mod calibrate;
#[cfg(feature = "bench")]
mod client;
#[cfg(feature = "bench")]
mod commands;
#[cfg(feature = "bench")]
mod endurance;
#[cfg(feature = "bench")]
mod flood;
#[cfg(feature = "bench")]
mod footprint;
#[cfg(feature = "bench")]
mod frames;
#[cfg(feature = "bench")]
mod goals;
#[cfg(feature = "bench")]
mod latency;
#[cfg(feature = "bench")]
mod process;
#[cfg(feature = "bench")]
mod profile;
#[cfg(feature = "bench")]
mod report;
#[cfg(feature = "bench")]
mod rivals;
#[cfg(feature = "bench")]
mod rules;
#[cfg(feature = "bench")]
mod start;
#[cfg(feature = "bench")]
mod terminal;
#[cfg(feature = "bench")]
mod tui;
#[cfg(feature = "bench")]
mod upgrade;
#[cfg(feature = "bench")]
mod usage;

use std::path::PathBuf;

use anyhow::Result;

use crate::task::{Task, Usage};

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "bench",
    about: "measure speed and memory against the goals",
    help: "usage: cargo xtask bench [--only NAME]… [--quick] [--rivals] [--lines N] [--betcode FILE] [--json FILE] [--strict]\n\n  \
           --only NAME   calibrate, flood, latency, commands, rules, attach, start, memory, idle, disk, upgrade, endurance, frames, tui (with frames), usage, tray; may be given several times\n  \
           --quick       fewer repetitions and shorter runs: for looking, not for quoting\n  \
           --rivals      with tui: the screens of other agents beside ours; installs them from npm below target/real-agents\n  \
           --lines N     lines of a flood (100000)\n  \
           --betcode FILE  measure this executable instead of building one\n  \
           --json FILE   the figures as JSON too\n  \
           --strict      fail when a goal is missed",
    run,
};

/// What to measure, and how thoroughly.
#[derive(Debug)]
struct Options {
    only: Vec<String>,
    quick: bool,
    lines: u64,
    betcode: Option<PathBuf>,
    json: Option<PathBuf>,
    strict: bool,
    rivals: bool,
}

const NAMES: &[&str] = &[
    "calibrate",
    "flood",
    "latency",
    "commands",
    "rules",
    "attach",
    "start",
    "memory",
    "idle",
    "disk",
    "upgrade",
    "endurance",
    "frames",
    "tui",
    "usage",
    "tray",
];

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            only: Vec::new(),
            quick: false,
            lines: 100_000,
            betcode: None,
            json: None,
            strict: false,
            rivals: false,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--rivals" => options.rivals = true,
                "--strict" => options.strict = true,
                "--only" => match rest.next() {
                    Some(name) if NAMES.contains(&name.as_str()) => options.only.push(name.clone()),
                    other => return Err(Usage::unknown(other.map_or("--only", String::as_str))),
                },
                "--lines" => match rest.next().map(|lines| lines.parse()) {
                    Some(Ok(lines)) if lines >= 1_000 => options.lines = lines,
                    _ => return Err(Usage::unknown("--lines")),
                },
                "--betcode" => match rest.next() {
                    Some(file) => options.betcode = Some(file.into()),
                    None => return Err(Usage::unknown("--betcode")),
                },
                "--json" => match rest.next() {
                    Some(file) => options.json = Some(file.into()),
                    None => return Err(Usage::unknown("--json")),
                },
                other => return Err(Usage::unknown(other)),
            }
        }
        if options.rivals && !options.wants("tui") {
            return Err(Usage::unknown("--rivals without tui"));
        }
        Ok(options)
    }

    /// Whether this is to be measured.
    fn wants(&self, name: &str) -> bool {
        let is_part = |only: &str| only == "tui" && name == "frames";
        self.only.is_empty() || self.only.iter().any(|only| only == name || is_part(only))
    }
}

#[cfg(not(feature = "bench"))]
fn run(arguments: &[String]) -> Result<()> {
    Options::parse(arguments)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--release", "--package", "xtask"])
        .args(["--features", "bench", "--", "bench"])
        .args(arguments)
        .status()?;
    anyhow::ensure!(status.success(), "the measurement ended with {status}");
    Ok(())
}

#[cfg(feature = "bench")]
fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let betcode = crate::executable::betcode(options.betcode.as_deref())?;
    let place = profile::Place::new(betcode)?;
    let mut report = report::Report::default();
    let raw = calibrate::run(&options, &mut report)?;
    let measurements: [(&str, profile::Measure); 15] = [
        ("start", start::run),
        ("flood", flood::run),
        ("latency", latency::run),
        ("commands", commands::run),
        ("rules", rules::run),
        ("attach", attach::run),
        ("memory", footprint::memory),
        ("idle", footprint::idle),
        ("disk", footprint::disk),
        ("upgrade", upgrade::run),
        ("endurance", endurance::run),
        ("frames", frames::run),
        ("tui", tui::run),
        ("usage", usage::run),
        ("tray", usage::tray),
    ];
    for (name, measure) in measurements {
        if options.wants(name)
            && let Err(error) = measure(&place, &options, raw, &mut report)
        {
            report.failed(name, &error);
        }
    }
    report.finish();
    if let Some(file) = &options.json {
        std::fs::write(file, report.json()?)?;
    }
    let missed = report.missed();
    anyhow::ensure!(
        !options.strict || missed == 0,
        "{missed} of the goals are missed"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&arguments)
    }

    #[test]
    fn what_is_not_known_is_refused_and_named() {
        for (line, named) in [
            ("--fast", "--fast"),
            ("--only speed", "speed"),
            ("--only", "--only"),
            ("--lines few", "--lines"),
            ("--json", "--json"),
            ("--only flood --rivals", "--rivals"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(
                error.is::<Usage>() && error.to_string().contains(named),
                "{error}"
            );
        }
    }

    #[test]
    fn several_measurements_can_be_chosen() {
        let options = parse("--only flood --only idle --quick --lines 5000").unwrap();
        assert_eq!(options.only, ["flood", "idle"]);
        assert!(options.quick && !options.strict);
        assert_eq!(options.lines, 5_000);
        assert!(!options.wants("frames") && parse("--only tui").unwrap().wants("frames"));
        assert!(!options.rivals && parse("--only tui --rivals").unwrap().rivals);
    }
}
