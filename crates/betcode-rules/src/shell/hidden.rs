//! What a command may start in ways that are not followed to the end: `git rebase -x '…'`, `tar --to-command=…`, `tmux new …`,
//! `PS4='$(…)'`. It counts for rules that deny or ask, as something that may run; it never lets a rule allow anything.
//!
//! It is not certain that any of it runs: every place where another command could begin is looked at, up to a bound.

use super::git::Git;
use super::programs::{self, changes_what_runs};
use super::{Access, Assignment, File, Script, Simple, UNKNOWN, Word, parse, unwrap};

/// Programs that run what stands in their arguments.
const STARTERS: &[&str] = &[
    "capsh",
    "chronic",
    "csh",
    "eatmydata",
    "elvish",
    "fish",
    "hyperfine",
    "nix",
    "nix-shell",
    "npx",
    "nu",
    "powershell",
    "pwsh",
    "screen",
    "tcsh",
    "tmux",
    "xonsh",
];

/// Programs that do behind this word.
const WITH_WORD: &[(&str, &[&str])] = &[
    ("jobs", &["-x"]),
    ("npm", &["exec", "x"]),
    ("pnpm", &["exec", "dlx"]),
    ("yarn", &["exec", "dlx"]),
];

/// Most places of a text at which a command may begin.
const MOST_PLACES: usize = 24;
/// Most words of such a command that are compared.
const MOST_WORDS: usize = 64;
/// Most words of a command that are read as texts of commands.
const MOST_TEXTS: usize = 16;
/// What a text counts as in levels of nesting.
const DEEPER: usize = 8;

/// Adds what a command may start.
pub(super) fn add(command: &mut Simple, name: &str, script: &mut Script, depth: usize) {
    let mut hints = Vec::new();
    if name == "git" {
        hints.extend(Git::new(&command.words).others());
    }
    if starts(name, &command.words) {
        let words = command.words.get(1..).unwrap_or_default();
        tails(words, &mut hints);
        let texts = words.iter().filter(|word| is_text(&word.text));
        for word in texts.clone().take(MOST_TEXTS) {
            text(&word.text, &mut hints, script, depth);
        }
        if texts.count() > MOST_TEXTS {
            hints.push(anything());
        }
    }
    for set in &command.assignments {
        hints.extend(of_value(set));
    }
    files_of_values(&command.assignments, &mut script.files);
    command.hints = hints;
}

/// What the value of a variable may run.
pub(crate) fn of_value(set: &Assignment) -> Vec<Simple> {
    let mut hints = Vec::new();
    if !runs(&set.name) {
        return hints;
    }
    if set.name.to_ascii_uppercase().starts_with("GIT_CONFIG") {
        // It may give any command of git another name.
        hints.push(git_anything());
    }
    let words = tokens(&set.value.text);
    let known: Vec<Word> = words.into_iter().filter(Word::is_known).collect();
    tails(&known, &mut hints);
    hints
}

/// Whether the value of a variable may be run, and does not only say where something is.
fn runs(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    changes_what_runs(&name) && !name.ends_with("PATH") && !name.ends_with("DIR")
}

/// Git with a command that is not known.
pub(super) fn git_anything() -> Simple {
    of_words(&["git", &UNKNOWN.to_string()])
}

pub(super) fn of_words(words: &[&str]) -> Simple {
    Simple {
        words: words.iter().map(|word| Word::literal(*word)).collect(),
        ..Simple::default()
    }
}

fn anything() -> Simple {
    of_words(&[&UNKNOWN.to_string()])
}

/// Whether a program starts another one, as far as the words say that are known.
fn starts(name: &str, words: &[Word]) -> bool {
    if STARTERS.contains(&name)
        || ["ld-linux", "ld-musl", "ld.so"]
            .iter()
            .any(|loader| name.starts_with(loader))
    {
        return true;
    }
    if let Some((_, with)) = WITH_WORD.iter().find(|(program, _)| *program == name)
        && words
            .get(1)
            .is_some_and(|word| with.contains(&word.text.as_str()))
    {
        return true;
    }
    // What is not known may be such an option, but then everything could be.
    let known: Vec<Word> = words
        .iter()
        .filter(|word| !word.text.starts_with(UNKNOWN))
        .cloned()
        .collect();
    if name == "git" {
        return Git::new(&known).starts();
    }
    programs::starter(name, &known).is_some()
}

/// Whether a word can hold a command with arguments, or one behind an option.
fn is_text(text: &str) -> bool {
    text.starts_with(['-', '+', '!', ':'])
        || text.contains(|found| is_between(found) || found == '=')
}

/// What stands between the words of most languages.
fn is_between(character: char) -> bool {
    character.is_whitespace() || ";|&(){}!<>'\"`,".contains(character)
}

/// The commands that may begin at each of these words.
fn tails(words: &[Word], hints: &mut Vec<Simple>) {
    let mut begins = words
        .iter()
        .enumerate()
        .filter(|(_, word)| !word.text.is_empty() && !word.text.starts_with(['-', '+']));
    for (at, _) in begins.by_ref().take(MOST_PLACES) {
        let rest = words.get(at..).unwrap_or_default();
        let mut tail: Vec<Word> = rest.iter().take(MOST_WORDS).cloned().collect();
        if rest.len() > MOST_WORDS {
            tail.push(Word::literal(UNKNOWN));
        }
        hints.push(Simple {
            words: tail,
            ..Simple::default()
        });
    }
    if begins.next().is_some() {
        hints.push(anything());
    }
}

/// The words of a text in whatever language.
fn tokens(text: &str) -> Vec<Word> {
    let between = |found| is_between(found) || matches!(found, '=' | '$' | ':');
    let words = text.split(between).filter(|word| !word.is_empty());
    words.map(Word::literal).collect()
}

/// A text that may be a script, in the shell's language or in another one.
fn text(text: &str, hints: &mut Vec<Simple>, script: &mut Script, depth: usize) {
    if !text.contains(UNKNOWN)
        && let Ok(parsed) = parse::script(text, depth + DEEPER)
        && let Ok(parsed) = unwrap::unwrap(parsed, depth + DEEPER)
    {
        script
            .files
            .extend(parsed.files.into_iter().map(|file| File {
                own_part: false,
                whole: false,
                ..file
            }));
        hints.extend(parsed.commands);
    }
    let mut words = tokens(text);
    // A value behind the letter of an option.
    if let Some(first) = words.first_mut()
        && let Some(value) = first
            .text
            .strip_prefix('-')
            .filter(|rest| !rest.starts_with('-'))
            .and_then(|rest| rest.get(1..))
            .filter(|value| !value.is_empty())
    {
        *first = Word::literal(value);
    }
    named(&words, &mut script.files);
    tails(&words, hints);
}

/// The files that may be named by the values of variables which are run.
pub(super) fn files_of_values(sets: &[Assignment], files: &mut Vec<File>) {
    for set in sets {
        if runs(&set.name) {
            named(&tokens(&set.value.text), files);
        }
    }
}

/// Adds what looks like the name of a file.
fn named(words: &[Word], files: &mut Vec<File>) {
    for word in words {
        if word.is_known() && (word.text.contains('/') || word.text.starts_with(['.', '~'])) {
            files.push(File {
                name: Word {
                    tilde: word.text.starts_with('~'),
                    ..word.clone()
                },
                access: Access::Mention,
                own_part: false,
                whole: false,
            });
        }
    }
}
