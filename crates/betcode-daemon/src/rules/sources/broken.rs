//! What can still be read of a file that is broken: rules that deny or ask, never one that allows. Every `deny` and `ask` that
//! looks like a key is followed as far as what comes after it looks like a list of texts. To take too much for a rule is
//! safe here.
//!
//! Reading goes forward only, so it takes as long as the text is long.

use super::Format;
use super::layer::{Found, Lines, Literal};

/// What can be read of a broken file. `what` is what is wrong with it, as in "the file …".
pub(super) fn found(text: &str, format: Format, line: Option<u32>, what: &str) -> Found {
    let mut found = Found::default();
    let lines = Lines::new(text);
    let mut reader = Reader {
        text,
        at: 0,
        format,
        lines: &lines,
        ahead: KEYS.map(|name| (name, text.find(name))),
        last_comment_end: text.rfind("*/"),
    };
    while let Some(name) = reader.next_key() {
        for (start, rule) in reader.texts() {
            let line = lines.of(start);
            if let Some(list) = found.list(name) {
                list.push(Literal::new(rule, line));
            }
        }
    }
    let count = |number: usize, name| {
        (number > 0).then(|| format!("{number} {name} rule{}", plural(number)))
    };
    let readable: Vec<String> = [
        count(found.deny.len(), "deny"),
        count(found.ask.len(), "ask"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let but = match readable.as_slice() {
        [] => String::new(),
        readable => format!("; {} that can be read do", readable.join(" and ")),
    };
    found.problem(
        line,
        format!("{what}. Its allow rules do not count until it is mended{but}"),
    );
    found
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// How far into a line a sign is looked for that takes it out.
const LOOKED_AT: usize = 200;

/// The lists that count.
const KEYS: [&str; 2] = ["deny", "ask"];

/// What comes next in a list.
enum Next {
    Text(String),
    Other,
    End,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    format: Format,
    lines: &'a Lines,
    /// Where the names of the lists stand next.
    ahead: [(&'static str, Option<usize>); 2],
    last_comment_end: Option<usize>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes to what follows the next key that is called `deny` or `ask`.
    fn next_key(&mut self) -> Option<&'static str> {
        loop {
            for (name, next) in &mut self.ahead {
                if next.is_some_and(|next| next < self.at) {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    *next = rest.find(*name).map(|next| self.at + next);
                }
            }
            let found = self.ahead.iter();
            let found = found.filter_map(|(name, next)| Some(((*next)?, *name)));
            let (start, name) = found.min()?;
            self.at = start + name.len();
            if self.is_key(start) {
                return Some(name);
            }
        }
    }

    /// Whether the name that starts there and ends here is a key; steps over what makes it one.
    fn is_key(&mut self, start: usize) -> bool {
        let before = self.text.get(..start).unwrap_or_default();
        let marks = ['"', '\''];
        let quoted = before.ends_with(marks);
        let bare = |character: char| character.is_alphanumeric() || "_-\\".contains(character);
        let fits = quoted || !before.ends_with(bare);
        let mut rest = self.rest();
        if quoted {
            let Some(after) = rest.strip_prefix(marks) else {
                return false;
            };
            rest = after;
        }
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix(self.assigns()) {
            Some(rest) => rest,
            None if rest.starts_with('[') => rest,
            None => return false,
        };
        // A line that was taken out by hand is none.
        let line = before.get(self.lines.start(start)..).unwrap_or_default();
        let comment = match self.format {
            Format::Json => "//",
            Format::Toml => "#",
        };
        let line: String = line.chars().take(LOOKED_AT).collect();
        let counts = fits && !line.trim_start().starts_with(comment);
        if counts {
            self.at = self.text.len() - rest.len();
        }
        counts
    }

    fn assigns(&self) -> char {
        match self.format {
            Format::Json => ':',
            Format::Toml => '=',
        }
    }

    /// The texts that follow, with their places, whether or not the list they make begins.
    fn texts(&mut self) -> Vec<(usize, String)> {
        let mut texts = Vec::new();
        self.skip_blank();
        if self.rest().starts_with('[') {
            self.at += 1;
        }
        loop {
            self.skip_blank();
            let start = self.at;
            match self.next() {
                Next::End => return texts,
                Next::Other => {}
                Next::Text(text) => {
                    if self.rest().trim_start().starts_with(self.assigns()) {
                        // The list was never closed, and this is the next key.
                        self.at = start;
                        self.step();
                        return texts;
                    }
                    texts.push((start, text));
                }
            }
        }
    }

    fn step(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    /// Blanks, commas and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = |character: char| character.is_whitespace() || character == ',';
            let trimmed = rest.trim_start_matches(blank);
            self.at += rest.len() - trimmed.len();
            let is_line = match self.format {
                Format::Json => trimmed.starts_with("//"),
                Format::Toml => trimmed.starts_with('#'),
            };
            if is_line {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if self.format == Format::Json
                && trimmed.starts_with("/*")
                && self.last_comment_end.is_some_and(|end| end > self.at)
            {
                let end = trimmed.get(2..).and_then(|inside| inside.find("*/"));
                self.at += end.map_or(2, |end| end + 4);
            } else {
                return;
            }
        }
    }

    fn next(&mut self) -> Next {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Next::End;
        };
        match first {
            ']' | '[' | '{' | '}' | ':' | '=' => Next::End,
            '"' => self.quoted('"'),
            '\'' => self.quoted('\''),
            _ => {
                let ends = |c: char| c.is_whitespace() || ",[]{}\"':=#".contains(c);
                let end = rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8());
                let after = rest.get(end..).unwrap_or_default();
                if after.trim_start().starts_with(self.assigns()) {
                    return Next::End;
                }
                self.at += end;
                let word = rest.get(..end).unwrap_or_default();
                if word.starts_with("mcp__") || first.is_ascii_uppercase() {
                    Next::Text(damaged(word))
                } else {
                    Next::Other
                }
            }
        }
    }

    /// A text in quotes; one that is not closed ends with its line.
    fn quoted(&mut self, quote: char) -> Next {
        let rest = self.rest();
        let several: String = std::iter::repeat_n(quote, 3).collect();
        if self.format == Format::Toml
            && let Some(inside) = rest.strip_prefix(several.as_str())
            && let Some(end) = inside.find(several.as_str())
        {
            let literal = inside.get(..end).unwrap_or_default();
            self.at += end + 6;
            return Next::Text(literal.trim_matches(['\n', '\r', '\\']).to_owned());
        }
        let inside = rest.get(1..).unwrap_or_default();
        let mut escaped = false;
        let has_escapes = quote == '"';
        for (place, character) in inside.char_indices() {
            if escaped {
                escaped = false;
            } else if character == '\\' && has_escapes {
                escaped = true;
            } else if character == quote || character == '\n' {
                let literal = inside.get(..place).unwrap_or_default();
                let closed = character == quote;
                self.at += place + 2;
                return Next::Text(meant(literal, has_escapes, closed));
            }
        }
        let literal = inside.to_owned();
        self.at = self.text.len();
        Next::Text(meant(&literal, has_escapes, false))
    }
}

/// What a text in quotes says. One whose quotes or escapes are wrong is marked as damaged.
fn meant(literal: &str, has_escapes: bool, closed: bool) -> String {
    let text = if has_escapes && literal.contains('\\') {
        // Both formats write nearly the same escapes; a rule needs no others.
        serde_json::from_str(&format!("\"{literal}\"")).ok()
    } else {
        Some(literal.to_owned())
    };
    text.filter(|_| closed).unwrap_or_else(|| damaged(literal))
}

/// A text that is no rule any more, and still names its tool.
fn damaged(text: &str) -> String {
    format!("{text}{}", char::REPLACEMENT_CHARACTER)
}
