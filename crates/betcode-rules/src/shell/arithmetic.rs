//! Arithmetic. The shell calculates with the *text* of a variable, and that text may hold a command substitution. So only
//! numbers, operators and variables that this very script sets to plain numbers are understood.

use super::parse::Parser;
use super::{Assignment, Trouble, Word};

/// Commands that set variables to what is only known when they run.
const FILL: &[&str] = &[
    ".",
    "declare",
    "eval",
    "export",
    "getopts",
    "let",
    "local",
    "mapfile",
    "printf",
    "read",
    "readarray",
    "readonly",
    "source",
    "typeset",
    "unset",
];

impl Parser<'_> {
    /// Behind `((` or `$((`, until both parentheses are closed.
    pub(super) fn arithmetic(&mut self, end: &str) -> Result<(), Trouble> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            if depth == 0 && self.take(end) {
                return Ok(());
            }
            match self.peek() {
                Some('(') => depth += 1,
                Some(')') if depth > 0 => depth -= 1,
                Some(
                    ' ' | '\t' | '\n' | '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&'
                    | '|' | '^' | '~' | '?' | ':' | ',' | ';',
                ) => {}
                Some('0'..='9') => {
                    self.alphanumeric();
                    continue;
                }
                Some('$') => {
                    self.bump();
                    let braces = self.take("{");
                    if !matches!(self.peek(), Some('a'..='z' | 'A'..='Z' | '_')) {
                        return Err(Trouble::new("a calculation is not understood", start));
                    }
                    self.variable();
                    if braces && !self.take("}") {
                        return Err(Trouble::new("a calculation is not understood", start));
                    }
                    continue;
                }
                Some('a'..='z' | 'A'..='Z' | '_') => {
                    self.variable();
                    continue;
                }
                _ => return Err(Trouble::new("a calculation is not understood", start)),
            }
            self.bump();
        }
    }

    fn alphanumeric(&mut self) -> String {
        let mut text = String::new();
        while let Some(character @ ('a'..='z' | 'A'..='Z' | '0'..='9' | '_')) = self.peek() {
            text.push(character);
            self.bump();
        }
        text
    }

    fn variable(&mut self) {
        let name = self.alphanumeric();
        // `name = 3` sets it to a number.
        let rest = self.rest();
        let number = rest
            .trim_start_matches(' ')
            .strip_prefix('=')
            .map(|value| value.trim_start_matches(' '));
        if let Some(number) =
            number.filter(|value| value.starts_with(|first: char| first.is_ascii_digit()))
        {
            let digit = number.chars().take(1).collect::<String>();
            self.script.assignments.push(Assignment {
                name: name.clone(),
                value: Word::literal(digit),
                runs: false,
            });
        }
        if !self.calculated.contains(&name) {
            // A handful of variables is what scripts have; a list that grows would cost more than linear time.
            self.calculated.truncate(32);
            self.calculated.push(name);
        }
    }

    /// Whether everything that was calculated with can only be a number.
    pub(super) fn check_calculated(&self) -> Result<(), Trouble> {
        if self.calculated.is_empty() {
            return Ok(());
        }
        let trouble = || Trouble::new("it calculates with a variable that may hold a command", 0);
        if self.calculated.len() > 32 {
            return Err(trouble());
        }
        let fills = self.script.commands.iter().any(|command| {
            let first = command.words.first();
            first.is_none_or(|word| !word.is_known() || FILL.contains(&word.text.as_str()))
        });
        for name in &self.calculated {
            let mut set = self
                .script
                .assignments
                .iter()
                .filter(|set| set.name == *name)
                .peekable();
            let known = set.peek().is_some();
            let numbers = set.all(|set| {
                !set.value.text.is_empty()
                    && set.value.text.bytes().all(|byte| byte.is_ascii_digit())
            });
            let prefixed = self
                .script
                .commands
                .iter()
                .any(|command| command.assignments.iter().any(|set| set.name == *name));
            if fills || !known || !numbers || prefixed || self.filled.contains(name) {
                return Err(trouble());
            }
        }
        Ok(())
    }
}
