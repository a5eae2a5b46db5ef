//! What `cargo xtask fuzz` asks of the targets, and looking into one input without an engine:
//!
//! - `betcode-fuzz list` names the targets, a line each: name, longest input, what it is about;
//! - `betcode-fuzz seeds DIRECTORY` writes each target's seeds and the dictionary;
//! - `betcode-fuzz run TARGET FILE…` checks the inputs in these files, and panics as a test does;
//! - `betcode-fuzz damage TARGET COUNT SEED FILE` tries so many damaged seeds without an engine, as the tests do with a few, and
//!   leaves the one that it was at in the file.

#![expect(
    clippy::print_stdout,
    reason = "it talks to the terminal it was started from"
)]

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use betcode_fuzz::mutate::{Random, damaged};
use betcode_fuzz::{TARGETS, Target, target, words};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list"] => {
            for target in TARGETS {
                println!("{} {} {}", target.name, target.longest, target.about);
            }
            Ok(())
        }
        ["seeds", directory] => seeds(Path::new(directory)),
        ["run", name, files @ ..] if !files.is_empty() => run(name, files),
        ["damage", name, count, seed, file] => {
            let (count, seed) = (count.parse()?, seed.parse()?);
            damage(known(name)?, count, seed, Path::new(file))
        }
        _ => bail!(
            "usage: betcode-fuzz list | seeds DIRECTORY | run TARGET FILE… | damage TARGET COUNT SEED FILE"
        ),
    }
}

fn seeds(directory: &Path) -> Result<()> {
    for target in TARGETS {
        let directory = directory.join(target.name);
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            let file = directory.join(format!("seed-{number:04}"));
            let whole = seed.get(..target.longest).unwrap_or(seed);
            std::fs::write(&file, whole)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    let escaped = |word: String| format!("\"{}\"\n", word.escape_default());
    let dictionary: String = words().into_iter().map(escaped).collect();
    std::fs::write(directory.join("dictionary"), dictionary).context("cannot write the dictionary")
}

fn run(name: &str, files: &[&str]) -> Result<()> {
    let target = known(name)?;
    for file in files {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {file}"))?;
        (target.run)(&bytes);
        println!("{file}: every law holds");
    }
    Ok(())
}

fn damage(target: &Target, count: u64, seed: u64, file: &Path) -> Result<()> {
    let seeds = (target.seeds)();
    let mut random = Random::new(seed);
    for _ in 0..count {
        let input = damaged(&seeds, target.longest, &mut random);
        std::fs::write(file, &input).with_context(|| format!("cannot write {}", file.display()))?;
        (target.run)(&input);
    }
    println!("{}: {count} inputs, every law holds", target.name);
    Ok(())
}

fn known(name: &str) -> Result<&'static Target> {
    target(name).with_context(|| format!("there is no target `{name}`"))
}
