//! Programs that start another one and that a rule allows as a whole: `npx`, `uv run`, `docker exec`, `ssh`. Whoever allows
//! them allows what they start; whoever denies a program denies it here too.
//!
//! How each of them is called is not known to the last option, so the other program is looked for at the first places where it
//! can stand.

use super::unwrap::{inner_script, simple};
use super::{Script, Simple, Trouble, Word};

/// Programs that are followed by another one.
const DIRECT: &[&str] = &[
    "bunx",
    "bwrap",
    "chrt",
    "dbus-run-session",
    "dotenv",
    "entr",
    "fakeroot",
    "firejail",
    "gosu",
    "npx",
    "nsenter",
    "numactl",
    "pkexec",
    "prlimit",
    "proxychains",
    "proxychains4",
    "rlwrap",
    "runuser",
    "setpriv",
    "start-stop-daemon",
    "su-exec",
    "systemd-run",
    "torify",
    "torsocks",
    "unshare",
    "uvx",
    "valgrind",
    "xvfb-run",
];

/// Programs that are, behind one of these words.
const WITH_COMMAND: &[&str] = &[
    "asdf",
    "bundle",
    "conda",
    "direnv",
    "docker",
    "doppler",
    "hatch",
    "kubectl",
    "micromamba",
    "mise",
    "op",
    "pdm",
    "perf",
    "pipenv",
    "podman",
    "poetry",
    "pyenv",
    "rbenv",
    "rye",
    "uv",
];
/// Programs for which `run` is followed by the name of a script.
const WITH_SCRIPTS: &[&str] = &["bun", "npm", "pnpm", "yarn"];
const COMMANDS: &[&str] = &["exec", "run", "record", "stat", "x", "dlx", "trace"];

/// What one of these starts counts as a level of nesting so deep that there cannot be many.
const DEEPER: usize = 8;
/// Most places that are looked at.
const MOST_PLACES: usize = 3;

/// Adds what a command may start.
pub(super) fn launched(
    command: &mut Simple,
    name: &str,
    script: &mut Script,
    depth: usize,
) -> Result<bool, Trouble> {
    if name == "ssh" {
        return Ok(remote(command, script, depth));
    }
    let from = if DIRECT.contains(&name) {
        1
    } else if command.words.get(1).is_some_and(|word| {
        let second = word.text.as_str();
        WITH_COMMAND.contains(&name) && COMMANDS.contains(&second)
            || WITH_SCRIPTS.contains(&name) && matches!(second, "exec" | "x" | "dlx")
    }) {
        2
    } else {
        return Ok(false);
    };
    for place in places(&command.words, from) {
        let words: Vec<Word> = command.words.get(place..).unwrap_or_default().to_vec();
        // Only names that can be seen; the program itself is what a rule has to allow.
        if words
            .first()
            .is_some_and(|word| word.is_known() && word.text.is_ascii())
        {
            let inner = Simple {
                words,
                ..Simple::default()
            };
            let inner = simple(inner, script, depth + DEEPER)?;
            command.inner.push(inner);
        }
    }
    command.covers = Some(1);
    Ok(false)
}

/// Where the other program can stand: behind options, whose values look like programs, and behind the name of a container or
/// an environment.
fn places(words: &[Word], from: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let mut after_option = false;
    let mut plain = 0;
    for (at, word) in words.iter().enumerate().skip(from) {
        if word.text.starts_with('-') {
            after_option = true;
            continue;
        }
        places.push(at);
        plain += usize::from(!after_option);
        after_option = false;
        if plain == 2 || places.len() == MOST_PLACES {
            break;
        }
    }
    places
}

/// What another machine is to run, as far as it can be read.
fn remote(command: &mut Simple, script: &mut Script, depth: usize) -> bool {
    const VALUED: &str = "BbcDEeFIiJLlmOopQRSWw";
    let mut at = 1;
    while let Some(word) = command
        .words
        .get(at)
        .filter(|word| word.text.starts_with('-'))
    {
        let alone = word.text.len() == 2 && word.text.ends_with(|last| VALUED.contains(last));
        at += if alone { 2 } else { 1 };
    }
    let words: Vec<&str> = command
        .words
        .iter()
        .skip(at + 1)
        .map(|word| word.text.as_str())
        .collect();
    let text = words.join(" ");
    if text.is_empty() {
        return false;
    }
    let mut there = Script::default();
    // The files are those of the other machine, and what is not understood is its own affair.
    if inner_script(command, &text, &mut there, depth + DEEPER).is_err() {
        command.inner.clear();
    }
    script.repeats |= there.repeats;
    command.covers = (!command.inner.is_empty()).then_some(1);
    false
}
