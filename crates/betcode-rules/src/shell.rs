//! What a shell command would run: every simple command with its words, every file it is redirected to or from, every
//! variable it sets. Nothing is expanded; a value that is only known when the command runs is *unknown*.
//!
//! The parser is our own and knows a strict part of bash's grammar. What is outside of it is [`Trouble`]: not understood,
//! so a person is asked. It was weighed against the libraries there are:
//! - `brush-parser` 0.4 is a complete and well-kept bash parser. It is a backtracking grammar: sixteen open parentheses take
//!   two milliseconds, and each further one doubles that. Words and substitutions are parsed in a second pass from
//!   strings. It brings some forty crates and keeps the commands it has seen in a global cache.
//! - `tree-sitter-bash` 0.25 needs a C compiler and is made for editors: it recovers from what it cannot read and goes on,
//!   where this crate has to stop; long pipelines take it more than linear time (a thousand parts: 40 ms).
//! - What neither gives is the thing that matters here: a guarantee that whatever is accepted means to the shell what it
//!   means to us. A small parser that refuses is easier to be sure of than a large one that accepts; where bash and zsh
//!   read the same text differently, it refuses too.
//!
//! Laws:
//! - one pass from left to right, no backtracking: time is linear in the length, which is bounded ([`MAX_LENGTH`]);
//! - nesting is bounded ([`MAX_DEPTH`]), across substitutions, subshells, compound commands and wrappers alike;
//! - every command that could run is in the result, whatever branch, function, trap or substitution it stands in;
//! - never panics.

mod arithmetic;
mod chars;
mod compound;
mod expand;
mod git;
mod hidden;
mod launch;
mod operands;
mod parse;
mod programs;
mod redirect;
mod scripts;
mod unwrap;
mod word;
mod wrappers;

pub(crate) use chars::fit_for_rule;
pub(crate) use hidden::of_value;
pub(crate) use operands::pattern_place;
pub(crate) use programs::changes_what_runs;
pub(crate) use scripts::{awk_only_prints, sed_only_prints};
pub(crate) use word::pattern_words;

/// Longest command that is looked at, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;
/// Deepest nesting that is followed.
pub const MAX_DEPTH: usize = 24;

/// Stands for a part of a word that is only known when the command runs. It cannot be in a command itself.
pub const UNKNOWN: char = '\0';
/// Stands between the words of a command where they are matched as one text. It cannot be in a command itself.
pub(crate) const SEPARATOR: char = '\u{1}';

/// Why a command is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (at byte {at})")]
pub struct Trouble {
    /// What is in the way, to follow "because".
    pub what: String,
    /// Where, in bytes from the beginning of the text that was looked at.
    pub at: usize,
}

impl Trouble {
    fn new(what: impl Into<String>, at: usize) -> Self {
        Self {
            what: what.into(),
            at,
        }
    }
}

/// A word after the removal of quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// Its text; [`UNKNOWN`] stands for what is not known.
    pub text: String,
    /// Whether any of it was quoted.
    pub quoted: bool,
    /// Whether it begins with a tilde that stands for the home directory.
    pub tilde: bool,
}

impl Word {
    fn literal(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Whether all of it is known.
    pub fn is_known(&self) -> bool {
        !self.text.contains(UNKNOWN)
    }

    /// The word as the name of a file, for whom resolves it: a tilde that was quoted is a name like any other.
    pub(crate) fn path(&self) -> String {
        if self.text.starts_with('~') && !self.tilde {
            format!("./{}", self.text)
        } else {
            self.text.clone()
        }
    }
}

/// A variable that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Word,
    /// Whether a command is run to find the value.
    pub runs: bool,
}

impl Assignment {
    /// Whether a rule for the command may cover it.
    pub(crate) fn is_harmless(&self) -> bool {
        !self.runs && !changes_what_runs(&self.name)
    }
}

/// A simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simple {
    /// Its words; the first is the program.
    pub words: Vec<Word>,
    /// Variables set for it alone.
    pub assignments: Vec<Assignment>,
    /// What it runs: the command behind `sudo`, the script of `sh -c`, what `find` executes.
    pub inner: Vec<Simple>,
    /// What it may run beside that: for rules that deny or ask only.
    pub hints: Vec<Simple>,
    /// Whether it is nothing but its inner commands, so that no rule needs to name it.
    pub transparent: bool,
    /// How many of its words a rule has to spell out to allow the inner commands too; none: that cannot be.
    pub covers: Option<usize>,
    /// How many of its words a rule has to spell out, and why, when a wildcard is not enough.
    pub guard: Option<(usize, &'static str)>,
}

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Its contents, or what a directory holds, are read.
    Read,
    /// It is created, changed or removed.
    Edit,
    /// It is named to a program that may do either.
    Mention,
}

/// A file that is named by a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: Word,
    /// What is done with it.
    pub access: Access,
    /// Whether it needs a permission of its own, as a redirection does.
    pub own_part: bool,
    /// Whether everything below it is changed or removed too.
    pub whole: bool,
}

/// Everything that a command would do, as far as that can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The simple commands, in the order in which they are written.
    pub commands: Vec<Simple>,
    /// Files.
    pub files: Vec<File>,
    /// Variables set for everything that follows.
    pub assignments: Vec<Assignment>,
    /// How often it changes the directory, after which a relative name means something else.
    pub moves: usize,
    /// Whether it is `cd X && …`, where nothing runs unless that change succeeds.
    pub enters: bool,
    /// Whether parts of it may run more than once, or later: loops, functions, traps.
    pub repeats: bool,
}

/// Takes a command apart.
pub fn parse(text: &str) -> Result<Script, Trouble> {
    if text.len() > MAX_LENGTH {
        return Err(Trouble::new(
            format!("it is longer than {MAX_LENGTH} bytes"),
            MAX_LENGTH,
        ));
    }
    chars::check(text)?;
    let script = parse::script(text, 0)?;
    let mut script = unwrap::unwrap(script, 0)?;
    hidden::files_of_values(&script.assignments, &mut script.files);
    Ok(script)
}
