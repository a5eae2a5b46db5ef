//! Redirections and here-documents. A redirection to a file is an edit of it, one from a file reads it.

use super::parse::{Heredoc, Parser};
use super::word::Parsed;
use super::{Access, Trouble};

/// Files that are no files.
pub(super) const NOWHERE: &[&str] = &[
    "/dev/null",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/stdin",
    "/dev/zero",
];

impl Parser<'_> {
    /// Takes a redirection, with the number in front of it.
    pub(super) fn redirection(&mut self) -> Result<bool, Trouble> {
        let rest = self.rest();
        let operator = rest.trim_start_matches(|character: char| character.is_ascii_digit());
        let digits = rest.len() - operator.len();
        if !(operator.starts_with(['<', '>']) || (digits == 0 && operator.starts_with("&>"))) {
            if rest.starts_with('{') && Self::names_descriptor(rest) {
                return Err(self.trouble("a redirection is not understood"));
            }
            return Ok(false);
        }
        if digits == 0 && (operator.starts_with("<(") || operator.starts_with(">(")) {
            return Ok(false);
        }
        self.at += digits;
        if self.take("<<<") {
            self.blanks();
            self.word()?;
        } else if self.take("<<") {
            self.announce()?;
        } else if self.take("<&") {
            self.duplicate()?;
        } else if self.take("<>") {
            self.target(Access::Edit)?;
        } else if self.take("<") {
            self.target(Access::Read)?;
        } else if self.take("&>>") || self.take("&>") || self.take(">>") || self.take(">|") {
            self.target(Access::Edit)?;
        } else if self.take(">&") {
            if matches!(self.peek(), Some('0'..='9' | '-')) {
                self.duplicate()?;
            } else {
                self.target(Access::Edit)?;
            }
        } else if self.take(">") {
            self.target(Access::Edit)?;
        } else {
            return Err(self.trouble("a redirection is not understood"));
        }
        Ok(true)
    }

    /// `{name}>file`.
    fn names_descriptor(rest: &str) -> bool {
        let end = rest.find(|character: char| {
            !(character.is_ascii_alphanumeric() || matches!(character, '_' | '{'))
        });
        end.and_then(|end| rest.get(end..))
            .is_some_and(|rest| rest.starts_with("}<") || rest.starts_with("}>"))
    }

    fn duplicate(&mut self) -> Result<(), Trouble> {
        let start = self.at;
        while let Some('0'..='9' | '-') = self.peek() {
            self.bump();
        }
        let ended = matches!(
            self.peek(),
            None | Some(' ' | '\t' | '\n' | ';' | '&' | '|' | ')' | '<' | '>')
        );
        if self.at == start || !ended {
            return Err(self.trouble("a redirection is not understood"));
        }
        Ok(())
    }

    fn target(&mut self, access: Access) -> Result<(), Trouble> {
        self.blanks();
        // Other shells read these as part of the operator.
        if matches!(self.peek(), Some('!' | '&' | '|')) {
            return Err(self.trouble("a redirection is not understood"));
        }
        let parsed = self.word()?;
        if NOWHERE.contains(&parsed.word.text.as_str()) {
            return Ok(());
        }
        if parsed.word.text.starts_with("/dev/tcp/") || parsed.word.text.starts_with("/dev/udp/") {
            return Err(self.trouble("it opens a network connection"));
        }
        self.file(parsed.word, access);
        Ok(())
    }

    /// Behind `<<`.
    fn announce(&mut self) -> Result<(), Trouble> {
        let tabs = self.take("-");
        self.blanks();
        let start = self.at;
        let parsed = self.word()?;
        let source = self.source(start, self.at);
        if source.contains(['$', '`', '\n'])
            || !parsed.word.is_known()
            || parsed.word.text.is_empty()
        {
            return Err(Trouble::new(
                "the end of a here-document is not understood",
                start,
            ));
        }
        if self.pending.len() >= 8 {
            return Err(self.trouble("there are too many here-documents"));
        }
        self.pending.push(Heredoc {
            end: parsed.word.text,
            tabs,
            quoted: parsed.word.quoted,
        });
        Ok(())
    }

    /// Behind the newline after which here-documents begin.
    pub(super) fn heredocs(&mut self) -> Result<(), Trouble> {
        for heredoc in std::mem::take(&mut self.pending) {
            let start = self.at;
            let end = loop {
                let rest = self.rest();
                if rest.is_empty() {
                    return Err(Trouble::new("a here-document does not end", start));
                }
                let line = rest.split('\n').next().unwrap_or_default();
                let line_start = self.at;
                self.at = (self.at + line.len() + 1).min(line_start + rest.len());
                let bare = if heredoc.tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if bare == heredoc.end {
                    // What follows begins on a line of its own, as after any newline.
                    break line_start;
                }
                if !heredoc.quoted && line.ends_with('\\') {
                    return Err(Trouble::new(
                        "a line of a here-document is continued",
                        line_start,
                    ));
                }
            };
            if !heredoc.quoted {
                self.expand_heredoc(start, end)?;
            }
        }
        Ok(())
    }

    fn expand_heredoc(&mut self, start: usize, end: usize) -> Result<(), Trouble> {
        let body = self.source(start, end);
        if !body.contains(['$', '`']) {
            return Ok(());
        }
        let mut inner = Parser::new(body, self.depth + 1)?;
        let mut parsed = Parsed::default();
        while inner.peek().is_some() {
            inner.inside_double_quotes(&mut parsed)?;
            parsed.word.text.clear();
        }
        let calculated = std::mem::take(&mut inner.calculated);
        self.calculated.extend(calculated);
        let found = inner.finish()?;
        self.script.commands.extend(found.commands);
        self.script.files.extend(found.files);
        self.script.assignments.extend(found.assignments);
        self.script.repeats |= found.repeats;
        Ok(())
    }
}
