//! The grammar: lists, pipelines, simple commands. Compound commands are in `compound`, words in `word`.
//!
//! States of the cursor: between commands (newlines and comments are skipped, here-documents that were announced are read at
//! the newline), in a command, in a word. A function takes exactly what it is named after and leaves the cursor behind it.

use super::{Assignment, MAX_DEPTH, Script, Simple, Trouble, Word};

/// Where a list of commands ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// With the text.
    Text,
    /// At a closing parenthesis.
    Parenthesis,
    /// At one of these words in the place of a command.
    Words(&'static [&'static str]),
    /// At the end of a branch of `case`.
    Branch,
}

/// A here-document that was announced.
pub(super) struct Heredoc {
    pub(super) end: String,
    pub(super) tabs: bool,
    pub(super) quoted: bool,
}

pub(super) struct Parser<'a> {
    text: &'a str,
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) script: Script,
    pub(super) pending: Vec<Heredoc>,
    /// Variables whose value is calculated with, and so could run something.
    pub(super) calculated: Vec<String>,
    /// Variables that take values which are only known when the command runs.
    pub(super) filled: Vec<String>,
}

/// Words that mean something only where a command begins.
const RESERVED: &[&str] = &[
    "!",
    "[[",
    "]]",
    "case",
    "coproc",
    "do",
    "done",
    "elif",
    "else",
    "esac",
    "fi",
    "for",
    "function",
    "if",
    "in",
    "select",
    "then",
    "time",
    "until",
    "while",
    "{",
    "}",
    "foreach",
    "end",
    "repeat",
    "nocorrect",
];

/// Parses a whole text.
pub(super) fn script(text: &str, depth: usize) -> Result<Script, Trouble> {
    let mut parser = Parser::new(text, depth)?;
    parser.list(End::Text)?;
    parser.finish()
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|character: char| character.is_ascii_digit())
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, depth: usize) -> Result<Self, Trouble> {
        if depth > MAX_DEPTH {
            return Err(Trouble::new("it is nested too deeply", 0));
        }
        Ok(Self {
            text,
            at: 0,
            depth,
            script: Script::default(),
            pending: Vec::new(),
            calculated: Vec::new(),
            filled: Vec::new(),
        })
    }

    /// The script, once all of the text was read.
    pub(super) fn finish(mut self) -> Result<Script, Trouble> {
        if self.at < self.text.len() {
            return Err(self.trouble("something does not belong here"));
        }
        if !self.pending.is_empty() {
            return Err(self.trouble("a here-document does not end"));
        }
        self.check_calculated()?;
        Ok(std::mem::take(&mut self.script))
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn source(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Takes `expected` if it is next.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn trouble(&self, what: impl Into<String>) -> Trouble {
        Trouble::new(what, self.at)
    }

    /// One level deeper, until [`Parser::leave`].
    pub(super) fn enter(&mut self) -> Result<(), Trouble> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.trouble("it is nested too deeply"));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Skips blanks, continued lines and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            let rest = self.rest();
            let bytes = rest.as_bytes();
            match bytes.first() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if bytes.get(1) == Some(&b'\n') => self.at += 2,
                Some(b'#') => self.at += rest.find('\n').unwrap_or(rest.len()),
                _ => return,
            }
        }
    }

    /// Skips newlines too, and reads the here-documents that begin behind them.
    pub(super) fn newlines(&mut self) -> Result<(), Trouble> {
        loop {
            self.blanks();
            if !self.take("\n") {
                return Ok(());
            }
            self.heredocs()?;
        }
    }

    /// Reads commands up to the end, which is left where it is.
    pub(super) fn list(&mut self, end: End) -> Result<usize, Trouble> {
        let mut count = 0;
        loop {
            self.newlines()?;
            if self.at_end(end) {
                return Ok(count);
            }
            if self.depth == 0 && count > 0 {
                self.script.enters = false;
            }
            self.and_or()?;
            count += 1;
            self.blanks();
            let rest = self.rest();
            if rest.starts_with(";;") || rest.starts_with(";&") || rest.starts_with("&|") {
                if matches!(end, End::Branch) && !rest.starts_with("&|") {
                    return Ok(count);
                }
                return Err(self.trouble("an operator does not belong here"));
            }
            if self.take(";") || self.take("&") || rest.starts_with('\n') {
                continue;
            }
            return if matches!(end, End::Words(_)) || !self.at_end(end) {
                Err(self.trouble("something does not belong here"))
            } else {
                Ok(count)
            };
        }
    }

    /// A list that holds a command at least.
    pub(super) fn full_list(&mut self, end: End) -> Result<(), Trouble> {
        if self.list(end)? == 0 {
            return Err(self.trouble("a command is missing"));
        }
        Ok(())
    }

    fn at_end(&self, end: End) -> bool {
        let rest = self.rest();
        match end {
            End::Text => rest.is_empty(),
            End::Parenthesis => rest.starts_with(')'),
            End::Words(words) => self
                .reserved()
                .is_some_and(|reserved| words.contains(&reserved)),
            End::Branch => {
                rest.starts_with(";;") || rest.starts_with(";&") || self.reserved() == Some("esac")
            }
        }
    }

    /// The reserved word that is next.
    pub(super) fn reserved(&self) -> Option<&'static str> {
        let rest = self.rest();
        let end = rest
            .find([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'])
            .unwrap_or(rest.len());
        // Long words are none of them; looking at the whole of each would cost time.
        let word = rest.get(..end).filter(|word| word.len() <= 9)?;
        RESERVED.iter().copied().find(|reserved| *reserved == word)
    }

    /// Takes a reserved word that has to be here.
    pub(super) fn expect(&mut self, word: &str) -> Result<(), Trouble> {
        if self.reserved() == Some(word) && self.take(word) {
            return Ok(());
        }
        Err(self.trouble(format!("`{word}` is missing")))
    }

    fn and_or(&mut self) -> Result<(), Trouble> {
        loop {
            self.pipeline()?;
            self.blanks();
            let and = self.take("&&");
            if !and && !self.take("||") {
                return Ok(());
            }
            if self.depth == 0 {
                self.script.enters = and && (self.script.enters || self.entered());
            }
            self.newlines()?;
        }
    }

    /// Whether what was read up to here is a change of the directory and nothing else.
    fn entered(&self) -> bool {
        // Up to the operator that was just taken.
        let text = self.source(0, self.at.saturating_sub(2)).trim();
        let [command] = self.script.commands.as_slice() else {
            return false;
        };
        (text.starts_with("cd ") || text.starts_with("pushd "))
            && !text.contains([';', '&', '|', '<', '>', '(', '\n'])
            && command.words.len() == 2
            && command.words.iter().all(Word::is_known)
            && self.script.files.is_empty()
            && self.script.assignments.is_empty()
    }

    fn pipeline(&mut self) -> Result<(), Trouble> {
        loop {
            match self.reserved() {
                Some("!") => {
                    self.take("!");
                }
                Some("time") => {
                    self.take("time");
                    self.blanks();
                    let option = self.rest();
                    if option.starts_with("-p ") {
                        self.take("-p");
                    } else if option.starts_with('-') || option.starts_with('\\') {
                        return Err(self.trouble("options of `time` are not known"));
                    }
                }
                _ => break,
            }
            self.blanks();
        }
        loop {
            self.command()?;
            self.blanks();
            if self.rest().starts_with("||") || !self.take("|") {
                return Ok(());
            }
            self.take("&");
            self.newlines()?;
        }
    }

    fn command(&mut self) -> Result<(), Trouble> {
        if self.rest().starts_with('(') || self.reserved().is_some() {
            self.enter()?;
            self.compound()?;
            self.leave();
            return Ok(());
        }
        self.simple()
    }

    fn simple(&mut self) -> Result<(), Trouble> {
        let mut simple = Simple::default();
        let start = self.at;
        let mut redirected = false;
        loop {
            self.blanks();
            match self.peek() {
                None | Some('\n' | ';' | ')' | '|') => break,
                Some('&') if !self.rest().starts_with("&>") => break,
                Some('(') => return self.function(&simple, start),
                _ if self.redirection()? => redirected = true,
                Some(_) => self.word_of(&mut simple)?,
            }
        }
        if simple.words.is_empty() {
            if simple.assignments.is_empty() && !redirected {
                return Err(self.trouble("a command is missing"));
            }
            self.script.assignments.append(&mut simple.assignments);
            return Ok(());
        }
        self.script.commands.push(simple);
        Ok(())
    }

    fn word_of(&mut self, simple: &mut Simple) -> Result<(), Trouble> {
        let start = self.at;
        let parsed = self.word()?;
        if simple.words.is_empty() {
            let source = self.source(start, self.at);
            // Behind a redirection, and where a line is continued, shells differ about what is reserved.
            if !parsed.word.quoted && RESERVED.contains(&parsed.word.text.as_str()) {
                return Err(Trouble::new(
                    "a reserved word is in an unusual place",
                    start,
                ));
            }
            let name = source.split(['[', '=']).next().unwrap_or_default();
            if is_name(name)
                && source
                    .get(name.len()..)
                    .is_some_and(|rest| rest.starts_with('['))
            {
                return Err(Trouble::new("an element of an array is set", start));
            }
        }
        match parsed.name {
            Some(name) if simple.words.is_empty() => {
                if self.peek() == Some('(') {
                    return Err(self.trouble("an array is set"));
                }
                let text = parsed.word.text.get(parsed.value_at..).unwrap_or("\0");
                // A brace expansion has made the whole word unknown; it does not happen in an assignment.
                let value = Word {
                    text: text.to_owned(),
                    ..parsed.word
                };
                simple.assignments.push(Assignment {
                    name,
                    value,
                    runs: parsed.runs,
                });
            }
            _ => simple.words.push(parsed.word),
        }
        Ok(())
    }

    /// `name()` and a compound command. Its body counts like any command: whoever calls it runs that.
    fn function(&mut self, simple: &Simple, start: usize) -> Result<(), Trouble> {
        let [name] = simple.words.as_slice() else {
            return Err(self.trouble("a parenthesis does not belong here"));
        };
        let plain = self.source(start, self.at).trim_end() == name.text
            && name.is_known()
            && simple.assignments.is_empty();
        self.take("(");
        self.blanks();
        if !plain || !self.take(")") {
            return Err(self.trouble("a parenthesis does not belong here"));
        }
        self.newlines()?;
        self.body_of_function()
    }

    pub(super) fn body_of_function(&mut self) -> Result<(), Trouble> {
        if !self.rest().starts_with('(') && self.reserved() != Some("{") {
            return Err(self.trouble("a function's body is missing"));
        }
        self.script.repeats = true;
        self.command()
    }
}
