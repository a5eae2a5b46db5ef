//! Compound commands: subshells, groups, conditionals, loops, `case`, `[[`, functions. Every branch counts.

use super::parse::{End, Parser, is_name};
use super::{Access, Assignment, File, Trouble, UNKNOWN, Word};

impl Parser<'_> {
    /// A compound command with its redirections.
    pub(super) fn compound(&mut self) -> Result<(), Trouble> {
        if self.rest().starts_with("((") {
            self.at += 2;
            self.arithmetic("))")?;
        } else if self.take("(") {
            self.full_list(End::Parenthesis)?;
            if !self.take(")") {
                return Err(self.trouble("a parenthesis is not closed"));
            }
        } else {
            self.named()?;
        }
        loop {
            self.blanks();
            if !self.redirection()? {
                break;
            }
        }
        // Only what ends or joins commands may follow.
        match self.peek() {
            None | Some('\n' | ';' | '&' | '|' | ')') => Ok(()),
            Some(_) => Err(self.trouble("something does not belong here")),
        }
    }

    fn named(&mut self) -> Result<(), Trouble> {
        match self.reserved() {
            Some("{") => {
                self.take("{");
                self.full_list(End::Words(&["}"]))?;
                self.expect("}")
            }
            Some("if") => self.conditional(),
            Some(word @ ("while" | "until")) => {
                self.take(word);
                self.full_list(End::Words(&["do"]))?;
                self.body_of_loop()
            }
            Some("for") => self.for_loop(),
            Some("case") => self.case(),
            Some("[[") => self.test(),
            Some("function") => {
                self.take("function");
                self.blanks();
                let name = self.word()?;
                if name.word.quoted || !name.word.is_known() {
                    return Err(self.trouble("a function's name is not known"));
                }
                self.blanks();
                if self.take("(") && !self.take(")") {
                    return Err(self.trouble("a parenthesis does not belong here"));
                }
                self.newlines()?;
                self.body_of_function()
            }
            Some(word) => Err(self.trouble(format!("`{word}` is not understood here"))),
            None => Err(self.trouble("a command is missing")),
        }
    }

    fn conditional(&mut self) -> Result<(), Trouble> {
        self.take("if");
        loop {
            self.full_list(End::Words(&["then"]))?;
            self.expect("then")?;
            self.full_list(End::Words(&["elif", "else", "fi"]))?;
            if self.reserved() == Some("elif") {
                self.take("elif");
                continue;
            }
            if self.reserved() == Some("else") {
                self.take("else");
                self.full_list(End::Words(&["fi"]))?;
            }
            return self.expect("fi");
        }
    }

    fn body_of_loop(&mut self) -> Result<(), Trouble> {
        self.script.repeats = true;
        self.expect("do")?;
        self.full_list(End::Words(&["done"]))?;
        self.expect("done")
    }

    fn for_loop(&mut self) -> Result<(), Trouble> {
        self.take("for");
        self.blanks();
        if self.take("((") {
            self.arithmetic("))")?;
        } else {
            let name = self.word()?.word.text;
            if !is_name(&name) {
                return Err(self.trouble("a loop's variable has no proper name"));
            }
            self.newlines()?;
            if self.reserved() == Some("in") {
                self.take("in");
                loop {
                    self.blanks();
                    if matches!(self.peek(), None | Some('\n' | ';')) {
                        break;
                    }
                    self.word()?;
                }
            }
            self.filled.push(name.clone());
            self.script.assignments.push(Assignment {
                name,
                value: Word::literal(UNKNOWN),
                runs: false,
            });
        }
        self.blanks();
        self.take(";");
        self.newlines()?;
        self.body_of_loop()
    }

    fn case(&mut self) -> Result<(), Trouble> {
        self.take("case");
        self.blanks();
        self.word()?;
        self.newlines()?;
        self.expect("in")?;
        loop {
            self.newlines()?;
            if self.reserved() == Some("esac") {
                return self.expect("esac");
            }
            self.take("(");
            loop {
                self.blanks();
                self.word()?;
                self.blanks();
                if self.take(")") {
                    break;
                }
                if !self.take("|") {
                    return Err(self.trouble("a pattern of `case` does not end"));
                }
            }
            self.list(End::Branch)?;
            let _last = self.take(";;&") || self.take(";;") || self.take(";&");
        }
    }

    /// `[[ … ]]`. Comparisons of numbers calculate, and calculating can run commands: only with plain numbers.
    fn test(&mut self) -> Result<(), Trouble> {
        self.take("[[");
        let mut depth = 0_usize;
        let mut last_number = false;
        let mut number_next = false;
        let mut previous: Option<Word> = None;
        let mut file_next = false;
        loop {
            self.blanks();
            let start = self.at;
            if self.take("&&") || self.take("||") {
                continue;
            }
            match self.peek() {
                Some('(') => {
                    self.bump();
                    depth += 1;
                    continue;
                }
                Some(')') => {
                    self.bump();
                    depth = depth
                        .checked_sub(1)
                        .ok_or_else(|| self.trouble("a parenthesis does not belong here"))?;
                    continue;
                }
                Some('<' | '>') if self.peek_second() != Some('(') => {
                    self.bump();
                    continue;
                }
                None | Some('\n' | ';' | '&' | '|') => {
                    return Err(self.trouble("`]]` is missing"));
                }
                Some(_) => {}
            }
            let word = self.word()?.word;
            let source = self.source(start, self.at);
            if source == "]]" {
                return if depth == 0 && !number_next {
                    Ok(())
                } else {
                    Err(self.trouble("a condition does not end"))
                };
            }
            let number =
                !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit());
            if number_next && !number {
                return Err(self.trouble("a condition calculates"));
            }
            number_next = false;
            if std::mem::take(&mut file_next) {
                self.looked_at(&word);
            }
            match source {
                "-nt" | "-ot" | "-ef" => {
                    if let Some(previous) = previous.take() {
                        self.looked_at(&previous);
                    }
                    file_next = true;
                }
                "-z" | "-n" => {}
                _ if source.len() == 2 && source.starts_with('-') => file_next = true,
                _ => {}
            }
            match source {
                "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                    if !last_number {
                        return Err(self.trouble("a condition calculates"));
                    }
                    number_next = true;
                }
                "-v" | "-R" | "-o" | "=~" => {
                    return Err(
                        self.trouble(format!("`{source}` in a condition is not understood"))
                    );
                }
                _ => {}
            }
            last_number = number;
            previous = Some(word);
        }
    }

    /// Remembers a file of which a condition asks something.
    fn looked_at(&mut self, name: &Word) {
        self.script.files.push(File {
            name: name.clone(),
            access: Access::Read,
            own_part: false,
            whole: false,
        });
    }
}
