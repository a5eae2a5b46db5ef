//! The files that no rule, mode or grant opens to agents: our own configuration and state, which are never edited, and the
//! settings of agents, which are edited only after a question.
//!
//! This binds what is seen of a call: the file of an edit, and the files that the words of a command show it to write. What a
//! program does on its own cannot be seen.

use std::path::{Component, Path, PathBuf};

use betcode_core::command::Environment;
use betcode_rules::Protected;

use super::resolve::by_the_letter;
use super::sources::{claude_dir, resolved};

/// Settings of agents, wherever they are.
const SETTINGS: &str = "//**/.claude/settings*";

/// What is protected, for a daemon that keeps its configuration and its state in these directories.
pub(crate) fn protected(
    config_dir: &Path,
    state_dir: &Path,
    environment: &Environment,
) -> Protected {
    let mut denied: Vec<String> = [config_dir, state_dir]
        .into_iter()
        .flat_map(|directory| patterns(directory, "**"))
        .collect();
    denied.push("//**/.betcode/**".to_owned());
    let mut always_ask = vec![SETTINGS.to_owned(), "~/.claude.json".to_owned()];
    if let Some(directory) = claude_dir(environment) {
        always_ask.extend(patterns(&directory, "settings*"));
        always_ask.extend(patterns(&directory, ".claude.json"));
    }
    Protected { denied, always_ask }
}

/// What lies in a directory, under the name it was given and under its true one.
fn patterns(directory: &Path, inside: &str) -> Vec<String> {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let mut forms: Vec<PathBuf> = vec![by_the_letter(&absolute), resolved(directory)];
    forms.dedup();
    let pattern = |form: &PathBuf| format!("/{}/{inside}", literal(form));
    forms.iter().map(pattern).collect()
}

/// A path as a pattern that means only itself, each part with a slash in front.
fn literal(path: &Path) -> String {
    let mut pattern = String::new();
    for part in path.components() {
        let Component::Normal(name) = part else {
            continue;
        };
        pattern.push('/');
        for character in name.to_string_lossy().chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
    }
    pattern
}

#[cfg(test)]
mod tests;
