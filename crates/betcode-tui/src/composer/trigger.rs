//! What the text being written asks for: a command, a shell line, a file under the cursor. Pure detection, with the bytes
//! that a choice would replace; not the lists to choose from.

use std::ops::Range;

/// What the text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A command's name is being written: `/com`.
    Command {
        /// What is replaced: the name with its sign.
        range: Range<usize>,
        /// What is written of the name.
        query: String,
    },
    /// The arguments of a command are being written: `/command args`.
    Arguments {
        /// The command's name.
        command: String,
        /// The arguments' bytes.
        range: Range<usize>,
    },
    /// A command for the shell: `!ls`.
    Shell {
        /// The command's bytes.
        range: Range<usize>,
    },
    /// A file is being named: `@path`, `@"a path"`, `@path:10-40`.
    File {
        /// What is replaced: the name with its sign, without the line numbers.
        range: Range<usize>,
        /// What is written of the path, up to the cursor.
        query: String,
        /// The lines behind it.
        lines: Option<(u32, u32)>,
    },
}

/// What a text asks for with the cursor at a byte of it. The sign of a command or a shell line is the first character.
pub(super) fn trigger(text: &str, cursor: usize) -> Option<Trigger> {
    let before = text.get(..cursor)?;
    if let Some(file) = file(text, before) {
        return Some(file);
    }
    if text.starts_with('!') {
        return Some(Trigger::Shell {
            range: 1..text.len(),
        });
    }
    let name = text.strip_prefix('/')?;
    let end = 1 + name.find(char::is_whitespace).unwrap_or(name.len());
    // A path is no command.
    if cursor == 0 || text.get(1..end)?.contains('/') {
        return None;
    }
    if cursor <= end {
        return Some(Trigger::Command {
            range: 0..end,
            query: text.get(1..cursor)?.to_owned(),
        });
    }
    let blank = text.get(end..)?.chars().next().map_or(0, char::len_utf8);
    Some(Trigger::Arguments {
        command: text.get(1..end)?.to_owned(),
        range: end + blank..text.len(),
    })
}

/// How a path is written so that it is read as one: `@path`, or `@"a path"`.
pub fn file_reference(path: &str) -> String {
    if path.contains(char::is_whitespace) {
        format!("@\"{path}\"")
    } else {
        format!("@{path}")
    }
}

fn file(text: &str, before: &str) -> Option<Trigger> {
    let cursor = before.len();
    let mut signs = before.rmatch_indices('@').filter(|(at, _)| {
        let previous = before
            .get(..*at)
            .and_then(|start| start.chars().next_back());
        previous.is_none_or(|previous| previous.is_whitespace() || "([{,;\"'".contains(previous))
    });
    let (sign, _) = signs.next()?;
    let rest = text.get(sign + 1..)?;
    let (from, length, behind) = if let Some(quoted) = rest.strip_prefix('"') {
        // A path that is still being written has no second quote on its line.
        let line = quoted.split('\n').next().unwrap_or_default();
        let closed = line.find('"');
        let length = closed.unwrap_or(line.len());
        (sign + 2, length, 1 + length + usize::from(closed.is_some()))
    } else {
        let word = rest.split(char::is_whitespace).next().unwrap_or_default();
        let path = split_lines(word).map_or(word.len(), |(path, _)| path.len());
        (sign + 1, path, path)
    };
    let end = sign + 1 + behind;
    let tail = text.get(end..)?;
    let tail = tail.split(char::is_whitespace).next().unwrap_or_default();
    if cursor > end + tail.len() || cursor <= sign {
        return None;
    }
    let query = text.get(from..cursor.clamp(from, from + length))?;
    Some(Trigger::File {
        range: sign..end,
        query: query.to_owned(),
        lines: split_lines(tail).and_then(|(path, lines)| path.is_empty().then_some(lines)),
    })
}

/// A path and the lines behind it: `a.rs:10`, `a.rs:10-40`.
fn split_lines(word: &str) -> Option<(&str, (u32, u32))> {
    let (path, range) = word.rsplit_once(':')?;
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let lines = (number(first)?, number(last)?);
    (lines.0 <= lines.1).then_some((path, lines))
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(text: &str) -> Option<Trigger> {
        trigger(text, text.len())
    }

    #[test]
    fn a_slash_at_the_beginning_names_a_command_and_then_its_arguments() {
        let command = |range, query: &str| {
            Some(Trigger::Command {
                range,
                query: query.to_owned(),
            })
        };
        assert_eq!(at_end("/"), command(0..1, ""));
        assert_eq!(at_end("/com"), command(0..4, "com"));
        assert_eq!(trigger("/compact now", 3), command(0..8, "co"));
        assert_eq!(
            at_end("/model son"),
            Some(Trigger::Arguments {
                command: "model".to_owned(),
                range: 7..10
            })
        );
        assert_eq!(at_end("/usr/bin is a path"), None);
        assert_eq!(at_end("a /com"), None);
    }

    #[test]
    fn an_exclamation_mark_at_the_beginning_is_for_the_shell() {
        assert_eq!(at_end("!ls -l"), Some(Trigger::Shell { range: 1..6 }));
        assert_eq!(at_end("really!"), None);
    }

    #[test]
    fn an_at_sign_before_a_word_names_a_file_with_lines() {
        let file = |range, query: &str, lines| {
            Some(Trigger::File {
                range,
                query: query.to_owned(),
                lines,
            })
        };
        assert_eq!(at_end("see @"), file(4..5, "", None));
        assert_eq!(at_end("see @src/a.r"), file(4..12, "src/a.r", None));
        assert_eq!(trigger("see @src/a.rs now", 8), file(4..13, "src", None));
        assert_eq!(at_end("@a.rs:10-40"), file(0..5, "a.rs", Some((10, 40))));
        assert_eq!(at_end("@a.rs:7"), file(0..5, "a.rs", Some((7, 7))));
        assert_eq!(at_end("@a.rs:9-3"), file(0..9, "a.rs:9-3", None));
        assert_eq!(at_end("(@ü"), file(1..4, "ü", None));
        assert_eq!(at_end("@\"my fi"), file(0..7, "my fi", None));
        assert_eq!(
            at_end("@\"my file\":3-4"),
            file(0..10, "my file", Some((3, 4)))
        );
        assert_eq!(at_end("me@example.org"), None);
        assert_eq!(at_end("@a b"), None);
        assert_eq!(trigger("@a", 0), None);
        assert_eq!(at_end("!cat @a"), file(5..7, "a", None));
    }

    #[test]
    fn a_chosen_path_is_found_again_as_one() {
        for path in ["src/a.rs", "my file.txt"] {
            let text = file_reference(path);
            let Some(Trigger::File { range, query, .. }) = at_end(&text) else {
                panic!("{text} is no file");
            };
            assert_eq!((range, query.as_str()), (0..text.len(), path));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_would_be_replaced_is_always_a_part_of_the_text(text in "[@/!:\"a ü\n0-9.-]{0,20}", cursor in 0_usize..30) {
            let found = trigger(&text, cursor);
            let range = match found {
                Some(
                    Trigger::Command { range, .. }
                    | Trigger::Arguments { range, .. }
                    | Trigger::Shell { range }
                    | Trigger::File { range, .. },
                ) => range,
                None => 0..0,
            };
            proptest::prop_assert!(text.get(range).is_some());
        }
    }
}
