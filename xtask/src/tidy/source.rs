//! A Rust file split into code and comments, line by line, with the lines that only tests see marked.
//!
//! Rules look at the half they mean: a banned call in a comment or in a string is only text, and a word that is
//! banned from comments may be a string's contents. This is a scanner, not a parser: it knows comments, strings,
//! characters and brackets, and nothing else of the language.

/// A scanned file.
pub(super) struct Source {
    /// Relative to the root, with forward slashes.
    pub(super) path: String,
    /// One entry a line, from line 1.
    pub(super) lines: Vec<Line>,
}

/// One line of a scanned file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What the compiler reads; the contents of strings and characters are taken out, their quotes stay.
    pub(super) code: String,
    /// What stands in comments, with the slashes.
    pub(super) comment: String,
    /// Whether the line is compiled for tests only.
    pub(super) test: bool,
}

impl Source {
    /// Scans a file.
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let mut lines = split(text);
        if is_test_path(path) {
            for line in &mut lines {
                line.test = true;
            }
        } else {
            mark_tests(&mut lines);
        }
        Self {
            path: path.to_owned(),
            lines,
        }
    }

    /// Lines with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        (1..).zip(&self.lines)
    }

    /// The crate's directory name for files below `crates/`.
    pub(super) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }
}

/// Byte offsets at which `word` stands alone, not as a part of a longer identifier.
pub(super) fn word_offsets(text: &str, word: &str) -> Vec<usize> {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    let stands_alone = |&(offset, found): &(usize, &str)| {
        let before = text.get(..offset).and_then(|text| text.chars().next_back());
        let after = text
            .get(offset + found.len()..)
            .and_then(|text| text.chars().next());
        let open_start = word.starts_with(part_of_word) && before.is_some_and(part_of_word);
        let open_end = word.ends_with(part_of_word) && after.is_some_and(part_of_word);
        !open_start && !open_end
    };
    text.match_indices(word)
        .filter(stands_alone)
        .map(|(offset, _)| offset)
        .collect()
}

fn is_test_path(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/")
}

/// Where the scanner stands.
enum State {
    Code,
    LineComment,
    /// Block comments nest.
    BlockComment(usize),
    Text,
    /// A raw string that ends at a quote and this many hashes.
    RawText(usize),
}

fn split(text: &str) -> Vec<Line> {
    let characters: Vec<char> = text.chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or('\0');
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut state = State::Code;
    let mut index = 0;
    while index < characters.len() {
        let (now, next) = (at(index), at(index + 1));
        index += 1;
        if now == '\n' {
            lines.push(std::mem::take(&mut line));
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            continue;
        }
        match state {
            State::LineComment => line.comment.push(now),
            State::BlockComment(depth) => {
                line.comment.push(now);
                if now == '/' && next == '*' {
                    state = State::BlockComment(depth + 1);
                    index += 1;
                } else if now == '*' && next == '/' {
                    index += 1;
                    state = if depth > 1 {
                        State::BlockComment(depth - 1)
                    } else {
                        State::Code
                    };
                }
            }
            State::Text if now == '\\' && next != '\n' => index += 1,
            State::Text if now == '"' => {
                line.code.push(now);
                state = State::Code;
            }
            State::RawText(hashes)
                if now == '"' && (0..hashes).all(|nth| at(index + nth) == '#') =>
            {
                line.code.push(now);
                index += hashes;
                state = State::Code;
            }
            State::Text | State::RawText(_) => {}
            State::Code if now == '/' && next == '/' => {
                line.comment.push(now);
                state = State::LineComment;
            }
            State::Code if now == '/' && next == '*' => {
                line.comment.push_str("/*");
                index += 1;
                state = State::BlockComment(1);
            }
            State::Code if now == '"' => {
                state = raw_string_hashes(&line.code).map_or(State::Text, State::RawText);
                line.code.push(now);
            }
            State::Code if now == '\'' => {
                line.code.push(now);
                index = after_character(&characters, index);
            }
            State::Code => line.code.push(now),
        }
    }
    if !line.code.is_empty() || !line.comment.is_empty() {
        lines.push(line);
    }
    lines
}

/// How many hashes the string has that a quote after `code` would open, if it is a raw one.
fn raw_string_hashes(code: &str) -> Option<usize> {
    let prefix = code.trim_end_matches('#');
    let hashes = code.len() - prefix.len();
    let word_start =
        prefix.rfind(|character: char| !character.is_alphanumeric() && character != '_');
    let word = prefix.get(word_start.map_or(0, |offset| offset + 1)..)?;
    matches!(word, "r" | "br" | "cr").then_some(hashes)
}

/// The index behind a character literal whose opening quote ends at `start`, or `start` for a lifetime.
fn after_character(characters: &[char], start: usize) -> usize {
    let at = |index: usize| characters.get(index).copied();
    if at(start) == Some('\\') {
        // The escaped character itself may be a quote; everything up to the next one belongs to the literal.
        let closing = (start + 2..characters.len()).find(|&index| at(index) == Some('\''));
        return closing.map_or(characters.len(), |index| index + 1);
    }
    if at(start + 1) == Some('\'') {
        start + 2
    } else {
        start
    }
}

/// Marks every item below a `#[cfg(test)]`: up to its `;`, or to the bracket that closes its body.
fn mark_tests(lines: &mut [Line]) {
    let mut in_item = false;
    let mut depth = 0_i32;
    let mut body = false;
    for line in lines {
        let attribute = line.code.trim().starts_with("#[cfg(test)]");
        if !in_item && !attribute {
            continue;
        }
        line.test = true;
        if attribute && !in_item {
            (in_item, depth, body) = (true, 0, false);
        }
        let code = if attribute {
            line.code.replacen("#[cfg(test)]", "", 1)
        } else {
            line.code.clone()
        };
        for character in code.chars() {
            match character {
                '{' | '(' | '[' => {
                    body |= character == '{' && depth == 0;
                    depth += 1;
                }
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            if depth < 0 || (depth == 0 && (character == ';' || (character == '}' && body))) {
                in_item = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<String> {
        split(text).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn strings_lose_their_contents_and_comments_move_out() {
        let text = "let a = \"x // \\\" y\"; // why\nlet b = r#\"a \"quoted\" word\"#; /* one /* two */ still */ c();\n";
        let lines = split(text);
        assert_eq!(lines[0].code, "let a = \"\"; ");
        assert_eq!(lines[0].comment, "// why");
        assert_eq!(lines[1].code, "let b = r#\"\";  c();");
        assert!(lines[1].comment.contains("still"));
    }

    #[test]
    fn a_string_over_several_lines_keeps_the_line_numbers() {
        assert_eq!(
            code("a(\"one\ntwo \\\n  three\");\nb();"),
            ["a(\"", "", "\");", "b();"]
        );
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(
            code("f('\"', '\\'', '{', &'a str, '\\u{7f}')"),
            ["f(', ', ', &'a str, ')"]
        );
    }

    #[test]
    fn only_the_item_below_the_attribute_is_test_code() {
        let text = "mod a;\n#[cfg(test)]\nmod tests;\nfn f() {}\n#[cfg(test)]\nmod more {\n  fn g() { h(); }\n}\nfn i() {}\n";
        let marks: Vec<bool> = Source::parse("src/lib.rs", text)
            .lines
            .iter()
            .map(|line| line.test)
            .collect();
        assert_eq!(
            marks,
            [false, true, true, false, true, true, true, true, false]
        );
    }

    #[test]
    fn files_of_tests_are_test_code_as_a_whole() {
        for path in ["crates/a/src/b/tests.rs", "crates/a/tests/it/main.rs"] {
            assert!(Source::parse(path, "fn f() {}\n").lines[0].test, "{path}");
        }
    }

    #[test]
    fn a_word_inside_a_longer_one_does_not_count() {
        assert_eq!(word_offsets("sleep(), deep_sleep(), sleepy", "sleep"), [0]);
        assert_eq!(word_offsets("a::dbg!(x)", "dbg!"), [3]);
    }
}
