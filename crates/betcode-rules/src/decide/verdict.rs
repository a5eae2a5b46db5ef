//! Verdicts, and how their parts are told to people.

use crate::layers::{Matched, Origin, OriginKind};
use crate::matcher::Hit;
use crate::path::Path;
use crate::shell::{SEPARATOR, Simple, UNKNOWN};
use crate::syntax::Subject;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It runs.
    Allow,
    /// A person is asked.
    Ask,
    /// It does not run.
    Deny,
}

/// What was decided about one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartVerdict {
    /// The part, in words.
    pub what: String,
    /// What is to happen.
    pub decision: Decision,
    /// The rule that decided.
    pub by: Option<Matched>,
    /// Why.
    pub reason: String,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is to happen.
    pub decision: Decision,
    /// The rule that decided, of the part that decided.
    pub by: Option<Matched>,
    /// Why, as a sentence.
    pub reason: String,
    /// What was decided about each part, in the order in which they are written.
    pub parts: Vec<PartVerdict>,
}

pub(super) fn other_subject(subject: &Subject) -> Option<Hit> {
    match subject {
        Subject::All => Some(Hit::Certain),
        Subject::Opaque => Some(Hit::Possible),
        _ => None,
    }
}

pub(super) fn builtin(reason: &str) -> Matched {
    Matched {
        rule: reason.to_owned(),
        origin: Origin {
            kind: OriginKind::Builtin,
            file: None,
        },
        line: None,
    }
}

/// Why a command is not covered by a rule that looks as if it should.
pub(super) fn hint(command: &Simple) -> Option<String> {
    if let Some(set) = command.assignments.iter().find(|set| !set.is_harmless()) {
        let why = if set.runs {
            "its value is the result of a command"
        } else {
            "this variable can change what runs"
        };
        return Some(format!("no rule names `{}=`, and {why}", set.name));
    }
    if let Some((_, why)) = command.guard {
        return Some(format!("no rule spells it out, and {why}"));
    }
    if command.words.first().is_some_and(|word| !word.is_known()) {
        return Some("which program runs is only known when it runs".to_owned());
    }
    command.inner.iter().find_map(hint)
}

pub(super) fn path_text(path: &Path) -> String {
    format!("file /{}", path.written.join("/"))
}

pub(super) fn command_text(command: &Simple) -> String {
    let words: Vec<&str> = command
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    shown(&words.join(" "))
}

/// A text for people: what is unknown is an ellipsis, long texts are cut.
pub(super) fn shown(text: &str) -> String {
    let mut result = String::new();
    for character in text.chars().take(200) {
        match character {
            UNKNOWN => result.push('…'),
            SEPARATOR => result.push(' '),
            character if character.is_control() => result.extend(character.escape_debug()),
            character => result.push(character),
        }
    }
    result
}
