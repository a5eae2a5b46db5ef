//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Each rule has a file below `tidy/` and is a function from file contents to findings, so its tests need no tree on
//! disk. A finding is one line, `path:line: what; do this instead`, and any finding ends the task with exit code 1.

mod layers;
mod layout;
mod links;
mod paths;
mod pauses;
mod purity;
mod source;
mod words;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::task::{Task, Usage};
use crate::{codegen, workspace};
use source::Source;

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "tidy",
    about: "check layers, file layout, banned words and calls, links, fresh generated code",
    help: "usage: cargo xtask tidy\n\n  prints one line for each finding, `path:line: what; do this instead`, and fails if there is one",
    run,
};

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    instead: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            instead: instead.into(),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}:{}: {}; {}",
            self.path, self.line, self.what, self.instead
        )
    }
}

fn run(arguments: &[String]) -> Result<()> {
    if let Some(argument) = arguments.first() {
        return Err(Usage::unknown(argument));
    }
    let root = workspace::root();
    let findings = check(&root)?;
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(
        findings.is_empty(),
        "tidy found {} thing(s)",
        findings.len()
    );
    Ok(())
}

/// Applies every rule to the tree under `root`.
fn check(root: &Path) -> Result<Vec<Finding>> {
    let files = workspace::files(root)?;
    let mut findings = layers::check(root)?;
    for path in &files {
        let bytes = std::fs::read(root.join(path))?;
        let text = String::from_utf8_lossy(&bytes);
        findings.extend(paths::check(path, &text));
        findings.extend(layout::check_name(path));
        match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rs") => findings.extend(check_rust(path, &text)),
            Some("md") => findings.extend(links::check(path, &text, &|target| {
                root.join(target).exists()
            })),
            Some("proto") => findings.extend(words::check_text(path, &text)),
            _ => {}
        }
    }
    findings.extend(check_generated(root));
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// Compares the committed generated code with the protos.
fn check_generated(root: &Path) -> Vec<Finding> {
    match codegen::drift(root) {
        Ok(drift) => drift
            .iter()
            .map(|drift| {
                let path = drift.path().display().to_string();
                let instead = "run `cargo xtask codegen` and commit the result";
                Finding::new(&path, 1, drift.what(), instead)
            })
            .collect(),
        Err(error) => {
            // The first line says what happened; the compiler's own lines follow when codegen itself is run.
            let what = format!("{error:#}")
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            vec![Finding::new(
                "proto",
                1,
                what,
                "run `cargo xtask codegen` for the whole message",
            )]
        }
    }
}

/// Applies every rule about Rust to one file.
fn check_rust(path: &str, text: &str) -> Vec<Finding> {
    if path.contains("/generated/") {
        return Vec::new();
    }
    let source = Source::parse(path, text);
    let rules = [layout::check, words::check, purity::check, pauses::check];
    rules.iter().flat_map(|rule| rule(&source)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_place_and_remedy() {
        let finding = Finding::new("crates/a/src/lib.rs", 7, "this is wrong", "do that");
        assert_eq!(
            finding.to_string(),
            "crates/a/src/lib.rs:7: this is wrong; do that"
        );
    }

    #[test]
    fn generated_code_is_left_alone() {
        let text = "fn f() { dbg!(1) }";
        assert_eq!(check_rust("crates/a/src/generated/a.v1.rs", text), []);
        assert!(!check_rust("crates/a/src/a.rs", text).is_empty());
    }
}
