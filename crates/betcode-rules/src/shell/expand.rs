//! Expansions: `$name`, `${…}`, `$(…)`, `` `…` ``, `$'…'`. Each leaves one unknown in its word; the commands in it go to the
//! script.
//!
//! Refused, because it can run what stands in a variable: indirection `${!x}`, prompts `${x@P}`, array elements other than
//! by plain numbers, `$[…]`; and because it sets a variable in passing: `${x:=y}`.

use super::Trouble;
use super::parse::{End, Parser, is_name, script};
use super::word::Parsed;

impl Parser<'_> {
    /// At a `$`.
    pub(super) fn dollar(&mut self, quoted: bool, parsed: &mut Parsed) -> Result<(), Trouble> {
        self.bump();
        match self.peek() {
            Some('(') => {
                self.bump();
                if self.take("(") {
                    self.arithmetic("))")?;
                } else {
                    self.substitution_until_parenthesis()?;
                    parsed.runs = true;
                }
                parsed.unknown();
            }
            Some('{') => {
                self.bump();
                self.parameter(quoted, parsed)?;
                parsed.unknown();
            }
            Some('\'') if !quoted => self.ansi(parsed)?,
            Some('"') if !quoted => return Err(self.trouble("a text is to be translated")),
            Some('[' | '=' | '~' | '^' | '+' | ':') => {
                return Err(self.trouble("an expansion is not understood"));
            }
            Some(character) if character.is_ascii_alphabetic() || character == '_' => {
                while let Some('a'..='z' | 'A'..='Z' | '0'..='9' | '_') = self.peek() {
                    self.bump();
                }
                if self.rest().starts_with("\\\n") {
                    return Err(
                        self.trouble("the name of a variable is continued on the next line")
                    );
                }
                // To zsh this is an element of an array, or a modifier.
                if matches!(self.peek(), Some('[' | ':')) && !quoted {
                    return Err(self.trouble("an expansion is not understood"));
                }
                parsed.unknown();
            }
            Some('0'..='9' | '?' | '$' | '!' | '#' | '@' | '*' | '-') => {
                self.bump();
                parsed.unknown();
            }
            _ => parsed.push('$'),
        }
        Ok(())
    }

    /// Behind `$(`, `<(` or `>(`.
    pub(super) fn substitution_until_parenthesis(&mut self) -> Result<(), Trouble> {
        if !self.pending.is_empty() {
            return Err(
                self.trouble("a substitution stands behind the beginning of a here-document")
            );
        }
        self.enter()?;
        self.list(End::Parenthesis)?;
        if !self.take(")") {
            return Err(self.trouble("a parenthesis is not closed"));
        }
        if !self.pending.is_empty() {
            return Err(self.trouble("a here-document does not end"));
        }
        self.leave();
        Ok(())
    }

    /// At a backquote. Inside, a backslash protects only itself, `$` and the backquote; what is left is a script.
    pub(super) fn backquoted(&mut self, quoted: bool, parsed: &mut Parsed) -> Result<(), Trouble> {
        let start = self.at;
        self.bump();
        let mut inside = String::new();
        loop {
            match self.bump() {
                None => return Err(Trouble::new("a backquote is not closed", start)),
                Some('`') => break,
                Some('\\') => match self.bump() {
                    None => return Err(Trouble::new("a backquote is not closed", start)),
                    Some(character @ ('\\' | '$' | '`')) => inside.push(character),
                    Some('"') if quoted => inside.push('"'),
                    Some(character) => inside.extend(['\\', character]),
                },
                Some(character) => inside.push(character),
            }
        }
        let found =
            script(&inside, self.depth + 1).map_err(|trouble| Trouble::new(trouble.what, start))?;
        self.script.commands.extend(found.commands);
        self.script.files.extend(found.files);
        self.script.assignments.extend(found.assignments);
        self.script.repeats |= found.repeats;
        parsed.runs = true;
        parsed.unknown();
        Ok(())
    }

    /// Behind `$'`.
    fn ansi(&mut self, parsed: &mut Parsed) -> Result<(), Trouble> {
        let start = self.at;
        self.bump();
        parsed.word.quoted = true;
        loop {
            let character = match self.bump() {
                None => return Err(Trouble::new("a quote is not closed", start)),
                Some('\'') => return Ok(()),
                Some('\\') => match self.bump() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some(character @ ('\\' | '\'' | '"' | '?')) => character,
                    Some('x') => self.code(16, 2, None)?,
                    Some('u') => self.code(16, 4, None)?,
                    Some('U') => self.code(16, 8, None)?,
                    Some(digit @ '0'..='7') => self.code(8, 2, digit.to_digit(8))?,
                    _ => return Err(self.trouble("a quoted character is not understood")),
                },
                Some(character) => character,
            };
            parsed.push(character);
        }
    }

    /// A character by its number. Only printable ASCII, newline and tab: everything else hides something.
    fn code(&mut self, radix: u32, most: usize, first: Option<u32>) -> Result<char, Trouble> {
        let mut code = first.unwrap_or(0);
        let mut digits = usize::from(first.is_some());
        let most = most + digits;
        while digits < most
            && let Some(digit) = self.peek().and_then(|digit| digit.to_digit(radix))
        {
            self.bump();
            code = code.saturating_mul(radix).saturating_add(digit);
            digits += 1;
        }
        char::from_u32(code)
            .filter(|character| matches!(character, ' '..='~' | '\n' | '\t'))
            .filter(|_| digits > 0)
            .ok_or_else(|| self.trouble("a quoted character is not understood"))
    }

    /// Behind `${`.
    fn parameter(&mut self, quoted: bool, parsed: &mut Parsed) -> Result<(), Trouble> {
        let start = self.at;
        let strange = || Trouble::new("an expansion is not understood", start);
        let length =
            self.rest().starts_with('#') && !self.rest().starts_with("#}") && self.take("#");
        let rest = self.rest();
        let end = rest
            .find(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
            .ok_or_else(strange)?;
        let name = rest.get(..end).unwrap_or_default();
        if is_name(name) || (end > 0 && name.bytes().all(|byte| byte.is_ascii_digit())) {
            self.at += end;
        } else if !(end == 0
            && ["?", "$", "#", "@", "*", "-", "!"]
                .iter()
                .any(|special| rest.starts_with(&format!("{special}}}")))
            && self.bump().is_some())
        {
            return Err(strange());
        }
        if self.take("[") {
            let digits = self.digits();
            if !((digits || self.take("@") || self.take("*")) && self.take("]")) {
                return Err(strange());
            }
        }
        if self.take("}") {
            return Ok(());
        }
        if length {
            return Err(strange());
        }
        if self.take(":") && !self.rest().starts_with(['-', '+', '?']) {
            let number = self.digits() && (!self.take(":") || self.digits());
            return if number && self.take("}") {
                Ok(())
            } else {
                Err(strange())
            };
        }
        match self.bump() {
            Some('-' | '+' | '?' | '%' | '#' | '/' | '^' | ',') => {
                self.enter()?;
                self.inside_braces(quoted, parsed)?;
                self.leave();
                Ok(())
            }
            _ => Err(strange()),
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while let Some('0'..='9') = self.peek() {
            self.bump();
        }
        self.at > start
    }

    /// The word or pattern in `${name-…}`, until the brace that closes it.
    fn inside_braces(&mut self, quoted: bool, parsed: &mut Parsed) -> Result<(), Trouble> {
        loop {
            match self.peek() {
                Some('}') => {
                    self.bump();
                    return Ok(());
                }
                Some('"') => {
                    self.bump();
                    let mut inner = Parsed::default();
                    self.double_quoted(&mut inner)?;
                    parsed.runs |= inner.runs;
                }
                Some('\\') => {
                    self.bump();
                    if self.bump().is_none() {
                        return Err(self.trouble("an expansion does not end"));
                    }
                }
                Some('$') => {
                    let mut inner = Parsed::default();
                    self.dollar(quoted, &mut inner)?;
                    parsed.runs |= inner.runs;
                }
                Some('`') => {
                    let mut inner = Parsed::default();
                    self.backquoted(quoted, &mut inner)?;
                    parsed.runs |= inner.runs;
                }
                // What these mean here depends on the operator, the quotes around, and the shell.
                None | Some('\'' | '{' | '(' | '<' | '>' | '\n') => {
                    return Err(self.trouble("an expansion is not understood"));
                }
                Some(_) => {
                    self.bump();
                }
            }
        }
    }
}
