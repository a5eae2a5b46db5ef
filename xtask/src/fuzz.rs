//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, guided by coverage, on the toolchain that builds everything else.
//!
//! `engine` builds the programs in `fuzz/` and says how; `outcome` reads what libFuzzer prints. The targets, their laws and
//! their seeds are in `crates/betcode-fuzz`, which this asks by its program, so that no task needs what they need.

mod engine;
mod outcome;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::task::{Task, Usage};
use crate::{clock, workspace};
use outcome::Outcome;

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "fuzz",
    about: "run the fuzz targets under libFuzzer, keep and shrink what they find",
    help: "usage: cargo xtask fuzz [--seconds N | --runs N] [--seed S] [TARGET…]\n       \
           cargo xtask fuzz --check\n\n  \
           --seconds N    for so long each target (60)\n  \
           --runs N       so many inputs each target, instead\n  \
           --seed S       where the random numbers begin (1)\n  \
           --check        only see whether the targets still compile; skipped without a C++ compiler, unless CI is set\n  \
           TARGET         only these targets\n\n\
           Needs a C++ compiler. Inputs that reach something new are kept in target/fuzz/corpus/TARGET and are where the\n\
           next run begins; inputs that break a law are kept in target/fuzz/found/TARGET, each with a smaller one beside\n\
           it. Fails when there is one. `cargo run -p betcode-fuzz -- run TARGET FILE` shows what it breaks.",
    run,
};

/// What was asked for.
struct Wish {
    /// The limit as libFuzzer takes it.
    limit: String,
    seed: u32,
    targets: Vec<String>,
}

/// A target as its crate names it.
struct Target {
    name: String,
    longest: usize,
}

fn run(arguments: &[String]) -> Result<()> {
    if arguments == ["--check"] {
        return engine::check();
    }
    let wish = wish(arguments)?;
    let all = targets()?;
    let known = |name: &String| all.iter().any(|target| target.name == *name);
    if let Some(unknown) = wish.targets.iter().find(|name| !known(name)) {
        return Err(Usage::unknown(unknown));
    }
    let programs = engine::build()?;
    let home = workspace::target().join("fuzz");
    let seeds = home.join("seeds");
    let written = seeds.display().to_string();
    ask(&["seeds", &written])?;
    let mut found = 0;
    println!("{}", Outcome::HEAD);
    for target in &all {
        if wish.targets.is_empty() || wish.targets.contains(&target.name) {
            let outcome = fuzz(&programs.join(&target.name), target, &home, &wish)?;
            println!("{:<10} {outcome}", target.name);
            found += outcome.artifacts.len();
        }
    }
    ensure!(found == 0, "{found} input(s) break a law");
    Ok(())
}

fn wish(arguments: &[String]) -> Result<Wish> {
    let mut wish = Wish {
        limit: "-max_total_time=60".to_owned(),
        seed: 1,
        targets: Vec::new(),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let value = rest.next().ok_or_else(|| Usage::unknown(argument))?;
            value.parse::<u32>().map_err(|_| Usage::unknown(value))
        };
        match argument.as_str() {
            "--seconds" => wish.limit = format!("-max_total_time={}", number()?),
            "--runs" => wish.limit = format!("-runs={}", number()?),
            "--seed" => wish.seed = number()?,
            flag if flag.starts_with('-') => return Err(Usage::unknown(flag)),
            target => wish.targets.push(target.to_owned()),
        }
    }
    Ok(wish)
}

/// Runs one target to its limit, or until it has found something, which is then made smaller.
fn fuzz(program: &Path, target: &Target, home: &Path, wish: &Wish) -> Result<Outcome> {
    let of = |kind: &str| home.join(kind).join(&target.name);
    let (corpus, found, log) = (of("corpus"), of("found"), home.join("log"));
    for directory in [&corpus, &found, &log] {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let log = log.join(&target.name);
    let began = clock::now();
    let status = Command::new(program)
        .arg(&wish.limit)
        .arg(format!("-seed={}", wish.seed))
        .arg(format!("-max_len={}", target.longest))
        .arg(format!("-dict={}", home.join("seeds/dictionary").display()))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .args([&corpus, &of("seeds")])
        .stderr(std::fs::File::create(&log).context("cannot write what libFuzzer says")?)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let said = std::fs::read(&log).context("cannot read what libFuzzer says")?;
    let mut outcome = Outcome::read(&String::from_utf8_lossy(&said));
    outcome.seconds = (clock::now() - began).as_secs();
    let silent = outcome.artifacts.is_empty() && !status.success();
    ensure!(
        !silent,
        "{} failed; {} says why",
        target.name,
        log.display()
    );
    for artifact in &outcome.artifacts {
        shrink(program, artifact);
    }
    Ok(outcome)
}

/// Looks for a smaller input that fails too. That there may be none is no error.
fn shrink(program: &Path, artifact: &str) {
    let smaller = format!("{artifact}.smaller");
    let outcome = Command::new(program)
        .args(["-minimize_crash=1", "-max_total_time=30", "-timeout=10"])
        .arg(format!("-exact_artifact_path={smaller}"))
        .arg(artifact)
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .status();
    if outcome.is_ok() && PathBuf::from(&smaller).is_file() {
        println!("smaller: {smaller}");
    }
}

/// The targets there are.
fn targets() -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for line in ask(&["list"])?.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(longest)) = (words.next(), words.next()) else {
            continue;
        };
        targets.push(Target {
            name: name.to_owned(),
            longest: longest.parse().context("a target has no length")?,
        });
    }
    Ok(targets)
}

/// What the program of the targets answers.
fn ask(arguments: &[&str]) -> Result<String> {
    let output = engine::cargo()
        .args(["run", "--quiet", "--package", "betcode-fuzz", "--"])
        .args(arguments)
        .current_dir(workspace::root())
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "betcode-fuzz failed");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
