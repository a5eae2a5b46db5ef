//! The prompt `/demo NAME key=value key="quoted value" …`, taken apart.

use std::collections::BTreeMap;

/// A scenario's name and what it was given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    keys: BTreeMap<String, String>,
}

impl Command {
    /// Parses `prompt`, or says why it is not well formed; `None` if it is not a `/demo` at all.
    pub(crate) fn parse(prompt: &str) -> Option<Result<Self, String>> {
        let rest = prompt.trim().strip_prefix("/demo")?;
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        Some(Self::parse_words(rest))
    }

    /// The value of a key, if it was given.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(String::as_str)
    }

    /// The value of a key as a number, or `default` if it was not given.
    pub(crate) fn number(&self, key: &str, default: u64) -> Result<u64, String> {
        match self.text(key) {
            None => Ok(default),
            Some(text) => text
                .replace('_', "")
                .parse()
                .map_err(|_| format!("{key}={text} is not a whole number")),
        }
    }

    /// The value of a key as a switch: `1`, `true`, `yes` or `0`, `false`, `no`.
    pub(crate) fn switch(&self, key: &str) -> Result<bool, String> {
        match self.text(key) {
            None | Some("0" | "false" | "no") => Ok(false),
            Some("1" | "true" | "yes") => Ok(true),
            Some(text) => Err(format!("{key}={text} is neither 1 nor 0")),
        }
    }

    /// The first key that is not among `known`.
    pub(crate) fn stray_key(&self, known: &[&str]) -> Option<&str> {
        self.keys
            .keys()
            .map(String::as_str)
            .find(|key| !known.contains(key))
    }

    fn parse_words(text: &str) -> Result<Self, String> {
        let mut words = split(text)?.into_iter();
        let name = words.next().ok_or("no scenario was named")?;
        let mut keys = BTreeMap::new();
        for word in words {
            let Some((key, value)) = word.split_once('=') else {
                return Err(format!("`{word}` is not of the form key=value"));
            };
            if keys.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(format!("`{key}` was given twice"));
            }
        }
        Ok(Self { name, keys })
    }
}

/// Splits at blanks; double or single quotes keep blanks, a backslash inside double quotes
/// escapes (`\n` is a line break).
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') => word.get_or_insert_default().extend(match chars.next() {
                Some('n') => Some('\n'),
                Some('t') => Some('\t'),
                other => other,
            }),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quotation mark is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_keep_their_blanks_and_escapes() {
        let command = Command::parse(r#"/demo say text="a \"b\"\nc" n=1_000 x='\n'"#);
        let command = command.unwrap().unwrap();
        assert_eq!(command.name, "say");
        assert_eq!(command.text("text"), Some("a \"b\"\nc"));
        assert_eq!(command.number("n", 0), Ok(1000));
        assert_eq!(command.text("x"), Some("\\n"));
        assert_eq!(command.stray_key(&["text", "n"]), Some("x"));
    }

    #[test]
    fn only_the_word_demo_makes_a_command() {
        assert_eq!(Command::parse("hello /demo say"), None);
        assert_eq!(Command::parse("/demonstrate"), None);
        for broken in [
            "/demo",
            "/demo say text",
            "/demo say text=\"x",
            "/demo a b=1 b=2",
        ] {
            assert!(Command::parse(broken).unwrap().is_err(), "{broken}");
        }
    }
}
