//! Words: where one ends, what is left after quotes are removed, and what of it is unknown.
//!
//! 1. blanks, newlines and the characters `;&|<>()` end a word, unless `<(` or `>(` begin a process substitution;
//! 2. quotes are removed, a backslash takes the next character as it is, backslash and newline vanish;
//! 3. every expansion becomes one unknown; commands in it go to the script;
//! 4. a word with a brace expansion is unknown as a whole, because it becomes several words.

use super::parse::Parser;
use super::{Access, File, Trouble, UNKNOWN, Word};

/// A word with what only the parser needs to know.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) word: Word,
    /// The name, when the word sets a variable.
    pub(super) name: Option<String>,
    /// Where in the text the value of the variable begins.
    pub(super) value_at: usize,
    /// Whether a command is run to find what it is.
    pub(super) runs: bool,
    /// Opened and not closed braces outside of quotes.
    braces: usize,
    /// Whether braces become several words.
    expands: bool,
    /// Whether a set of characters has begun. Where it ends is told differently by different shells, so what follows is
    /// unknown to the end of the word.
    set: bool,
}

impl Parsed {
    pub(super) fn push(&mut self, character: char) {
        if !self.set {
            self.word.text.push(character);
        }
    }

    pub(super) fn unknown(&mut self) {
        if !self.word.text.ends_with(UNKNOWN) {
            self.word.text.push(UNKNOWN);
        }
    }
}

impl Parser<'_> {
    /// Reads a word; the caller has seen that one begins here.
    pub(super) fn word(&mut self) -> Result<Parsed, Trouble> {
        let start = self.at;
        let mut parsed = Parsed::default();
        while let Some(character) = self.peek() {
            match character {
                '<' | '>' if self.peek_second() == Some('(') => {
                    self.process_substitution(&mut parsed)?;
                }
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                _ => self.piece(character, start, &mut parsed)?,
            }
        }
        if self.at == start {
            return Err(self.trouble("a word is missing"));
        }
        if !self.pending.is_empty() && self.source(start, self.at).contains('\n') {
            return Err(self.trouble("a here-document begins inside of a word"));
        }
        if parsed.expands {
            parsed.word.text.clear();
            parsed.word.text.push(UNKNOWN);
        }
        Ok(parsed)
    }

    fn piece(&mut self, character: char, start: usize, parsed: &mut Parsed) -> Result<(), Trouble> {
        match character {
            '\\' => self.escaped(parsed)?,
            '\'' => self.single_quoted(parsed)?,
            '"' => {
                self.bump();
                parsed.word.quoted = true;
                self.double_quoted(parsed)?;
            }
            '$' => self.dollar(false, parsed)?,
            '`' => self.backquoted(false, parsed)?,
            '~' if self.at == start => self.tilde(parsed)?,
            '=' if self.at == start => {
                // To zsh `=name` is the place of a program.
                self.bump();
                if self.word_goes_on() && !matches!(self.peek(), Some('=' | '~')) {
                    parsed.unknown();
                } else {
                    parsed.push('=');
                }
            }
            '=' if parsed.name.is_none() && is_assigned(&parsed.word) => {
                parsed.name = Some(parsed.word.text.trim_end_matches('+').to_owned());
                self.bump();
                parsed.push('=');
                parsed.value_at = parsed.word.text.len();
            }
            '[' if self.at == start => {
                self.bump();
                if self.word_goes_on() && self.peek() != Some('[') {
                    parsed.unknown();
                    parsed.set = true;
                } else {
                    parsed.push('[');
                }
            }
            '[' if parsed.word.text == "[" && !parsed.word.quoted => {
                self.bump();
                parsed.push('[');
            }
            '*' | '?' | '[' => {
                self.bump();
                parsed.unknown();
                parsed.set |= character == '[';
            }
            _ => {
                match character {
                    '{' => parsed.braces += 1,
                    '}' => parsed.braces = parsed.braces.saturating_sub(1),
                    ',' if parsed.braces > 0 => parsed.expands = true,
                    '.' if parsed.braces > 0 && self.peek_second() == Some('.') => {
                        parsed.expands = true;
                    }
                    _ => {}
                }
                self.bump();
                parsed.push(character);
            }
        }
        Ok(())
    }

    /// Whether the next character belongs to the same word.
    fn word_goes_on(&self) -> bool {
        !matches!(
            self.peek(),
            None | Some(' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
        )
    }

    fn escaped(&mut self, parsed: &mut Parsed) -> Result<(), Trouble> {
        self.bump();
        match self.bump() {
            None => Err(self.trouble("it ends with a backslash")),
            Some('\n') => Ok(()),
            Some(character) => {
                parsed.word.quoted = true;
                parsed.push(character);
                Ok(())
            }
        }
    }

    fn single_quoted(&mut self, parsed: &mut Parsed) -> Result<(), Trouble> {
        let start = self.at;
        self.bump();
        parsed.word.quoted = true;
        loop {
            match self.bump() {
                None => return Err(Trouble::new("a quote is not closed", start)),
                Some('\'') => return Ok(()),
                Some(character) => parsed.push(character),
            }
        }
    }

    /// Behind the opening quote.
    pub(super) fn double_quoted(&mut self, parsed: &mut Parsed) -> Result<(), Trouble> {
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(Trouble::new("a quote is not closed", start)),
                Some('"') => {
                    self.bump();
                    return Ok(());
                }
                Some(_) => self.inside_double_quotes(parsed)?,
            }
        }
    }

    /// One piece of what stands in double quotes or in a here-document.
    pub(super) fn inside_double_quotes(&mut self, parsed: &mut Parsed) -> Result<(), Trouble> {
        match self.peek() {
            Some('$') => self.dollar(true, parsed),
            Some('`') => self.backquoted(true, parsed),
            Some('\\') => {
                self.bump();
                match self.peek() {
                    None => return Err(self.trouble("it ends with a backslash")),
                    Some('\n') => {
                        self.bump();
                    }
                    Some(character @ ('$' | '`' | '"' | '\\')) => {
                        self.bump();
                        parsed.push(character);
                    }
                    Some(_) => parsed.push('\\'),
                }
                Ok(())
            }
            Some(character) => {
                self.bump();
                parsed.push(character);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn tilde(&mut self, parsed: &mut Parsed) -> Result<(), Trouble> {
        self.bump();
        match self.peek() {
            Some('/') => parsed.word.tilde = true,
            _ if !self.word_goes_on() => parsed.word.tilde = true,
            Some('\\' | '\'' | '"' | '$' | '`') => {
                return Err(self.trouble("a tilde stands in front of a quote or an expansion"));
            }
            // The home directory of somebody else, or a directory that the shell remembers.
            _ => {
                parsed.unknown();
                while self.word_goes_on() && self.peek() != Some('/') {
                    if matches!(self.peek(), Some('\\' | '\'' | '"' | '$' | '`')) {
                        return Err(self.trouble("the name of a home directory is not understood"));
                    }
                    self.bump();
                }
                return Ok(());
            }
        }
        parsed.push('~');
        Ok(())
    }

    fn process_substitution(&mut self, parsed: &mut Parsed) -> Result<(), Trouble> {
        self.bump();
        self.bump();
        self.substitution_until_parenthesis()?;
        parsed.runs = true;
        parsed.unknown();
        Ok(())
    }

    /// Remembers a file that needs a permission of its own.
    pub(super) fn file(&mut self, name: Word, access: Access) {
        self.script.files.push(File {
            name,
            access,
            own_part: true,
            whole: false,
        });
    }
}

fn is_assigned(word: &Word) -> bool {
    let name = word.text.strip_suffix('+').unwrap_or(&word.text);
    !word.quoted && super::parse::is_name(name)
}

/// The words of a rule for commands: quotes are removed as in a command, and a star outside of quotes becomes `wildcard`.
/// None when quotes are not closed or the text holds more than one command would.
pub(crate) fn pattern_words(text: &str, wildcard: char) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut current: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(current.take()),
            ';' | '&' | '|' | '<' | '>' | '`' => return None,
            '\'' => {
                let word = current.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        character => word.push(character),
                    }
                }
            }
            '"' => {
                let word = current.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '$' | '`' => return None,
                        '\\' => match characters.next()? {
                            character @ ('$' | '`' | '"' | '\\') => word.push(character),
                            character => word.extend(['\\', character]),
                        },
                        character => word.push(character),
                    }
                }
            }
            '\\' => current.get_or_insert_default().push(characters.next()?),
            '*' => current.get_or_insert_default().push(wildcard),
            character => current.get_or_insert_default().push(character),
        }
    }
    words.extend(current);
    Some(words)
}
