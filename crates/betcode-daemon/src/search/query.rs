//! What somebody looks for, from what they wrote. Whatever is written means something: nothing in it is syntax but the quotation
//! mark, and an odd one is forgiven. Pure.
//!
//! Laws:
//! - every part must occur, in any order; the words of one part in theirs, next to each other;
//! - the last word may be the beginning of one, unless a quotation mark or a blank says that it is finished;
//! - [`Query::find`] finds in a text exactly what the database finds with [`Query::expression`].

use std::ops::Range;

use super::words::words;

/// More parts than this are not looked for.
const MOST: usize = 32;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    parts: Vec<Part>,
}

/// Words that follow on each other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    words: Vec<String>,
    /// The last one may go on.
    open: bool,
}

impl Query {
    /// From what was written; none when there is no word in it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let pieces: Vec<&str> = text.split('"').collect();
        let last = pieces.len().saturating_sub(1);
        for (place, piece) in pieces.into_iter().enumerate() {
            if place % 2 == 1 {
                // A quotation that is not finished yet.
                let open = place == last && !ends_with_blank(piece);
                parts.extend(Part::read(piece, open));
            } else {
                let open = place == last && !ends_with_blank(piece);
                let mut ours: Vec<Part> = piece
                    .split_whitespace()
                    .filter_map(|word| Part::read(word, false))
                    .collect();
                if let Some(part) = ours.last_mut() {
                    part.open = open;
                }
                parts.extend(ours);
            }
        }
        parts.truncate(MOST);
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// For the database.
    pub(crate) fn expression(&self) -> String {
        let mut expression = String::new();
        for part in &self.parts {
            if !expression.is_empty() {
                expression.push_str(" AND ");
            }
            expression.push('"');
            expression.push_str(&part.words.join(" "));
            expression.push('"');
            if part.open {
                expression.push('*');
            }
        }
        expression
    }

    /// Where the parts are in a text, each with which part it is, from the beginning on; none when one of them is missing.
    pub(crate) fn find(&self, text: &str) -> Option<Vec<(usize, Range<usize>)>> {
        let words: Vec<(Range<usize>, String)> = words(text).collect();
        let mut found = Vec::new();
        for (place, part) in self.parts.iter().enumerate() {
            let before = found.len();
            let runs = words.windows(part.words.len());
            found.extend(
                runs.filter(|run| part.is(run))
                    .filter_map(|run| Some((place, run.first()?.0.start..run.last()?.0.end))),
            );
            if found.len() == before {
                return None;
            }
        }
        found.sort_by_key(|(_, range)| (range.start, range.end));
        Some(found)
    }
}

impl Part {
    fn read(text: &str, open: bool) -> Option<Self> {
        let words: Vec<String> = words(text).map(|(_, word)| word).collect();
        (!words.is_empty()).then_some(Self { words, open })
    }

    fn is(&self, run: &[(Range<usize>, String)]) -> bool {
        let last = self.words.len() - 1;
        let pairs = self.words.iter().zip(run).enumerate();
        pairs.fold(true, |so_far, (place, (wanted, (_, word)))| {
            so_far
                && if place == last && self.open {
                    word.starts_with(wanted.as_str())
                } else {
                    word == wanted
                }
        })
    }
}

fn ends_with_blank(text: &str) -> bool {
    text.ends_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        Query::read(text).map_or_else(String::new, |query| query.expression())
    }

    #[test]
    fn words_phrases_and_a_beginning() {
        assert_eq!(expression("fix Login"), r#""fix" AND "login"*"#);
        assert_eq!(expression("fix login "), r#""fix" AND "login""#);
        assert_eq!(
            expression(r#"a "fix the login" b"#),
            r#""a" AND "fix the login" AND "b"*"#
        );
        assert_eq!(expression(r#""fix the"#), r#""fix the"*"#);
        assert_eq!(expression("src/auth"), r#""src auth"*"#);
        assert_eq!(expression("登录"), r#""登 录"*"#);
    }

    #[test]
    fn nothing_that_is_written_is_syntax() {
        for nothing in ["", " ", "\"", "\"\"", "* - ( ) : ^ + ' \\", "\u{0}", "¿"] {
            assert_eq!(Query::read(nothing), None, "{nothing:?}");
        }
        assert_eq!(expression("a* OR -b"), r#""a" AND "or" AND "b"*"#);
        assert_eq!(expression("NEAR(a, 3)"), r#""near a" AND "3"*"#);
        assert_eq!(expression("title:x^2"), r#""title x 2"*"#);
        assert_eq!(expression("it's"), r#""it s"*"#);
        let many = "word ".repeat(1000);
        assert_eq!(Query::read(&many).unwrap().parts.len(), MOST);
    }

    #[test]
    fn what_is_found_is_where_it_says() {
        let text = "Fix the login. Logins were broken; the fix is in src/auth.rs";
        let found = |words: &str| {
            Query::read(words).unwrap().find(text).map(|found| {
                let pieces = found.into_iter().map(|(_, range)| &text[range]);
                pieces.collect::<Vec<_>>()
            })
        };
        assert_eq!(
            found("fix login"),
            Some(vec!["Fix", "login", "Logins", "fix"])
        );
        assert_eq!(found("fix login "), Some(vec!["Fix", "login", "fix"]));
        assert_eq!(found("\"the fix\""), Some(vec!["the fix"]));
        assert_eq!(found("auth.rs"), Some(vec!["auth.rs"]));
        assert_eq!(found("login absent"), None);
    }
}
