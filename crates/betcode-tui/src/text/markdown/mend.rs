//! The end of a text that still grows, made whole for being drawn: what is opened is closed, and what cannot be known yet
//! (a lone `-`, half a table's second line) is not shown. Only for what is drawn meanwhile: the end result never comes here.

use std::borrow::Cow;

use super::scan::flanks;

/// What marks text, and what takes that away.
const MARKS: [char; 5] = ['\\', '`', '*', '_', '~'];

/// The source as it is drawn now.
pub(super) fn mend(source: &str) -> Cow<'_, str> {
    let source = without_riddle(source);
    if is_code(source) {
        return source.into();
    }
    closed(source)
}

/// A source that is no code, with what closes everything that is open at its end.
pub(super) fn closed(source: &str) -> Cow<'_, str> {
    let begin = behind_blank_line(source);
    let leaf = source.get(begin..).unwrap_or_default();
    let begin = leaf
        .rfind("\n- ")
        .or_else(|| leaf.rfind("\n* "))
        .map_or(0, |at| at + 3);
    let leaf = leaf.get(begin..).unwrap_or_default();
    let (strip, closing) = closing(leaf);
    if strip == 0 && closing.is_empty() {
        return source.into();
    }
    let kept = source.get(..source.len() - strip).unwrap_or_default();
    let trimmed = kept.trim_end_matches([' ', '\n']);
    format!(
        "{trimmed}{closing}{}",
        kept.get(trimmed.len()..).unwrap_or_default()
    )
    .into()
}

/// What is behind the last blank line begins here.
fn behind_blank_line(source: &str) -> usize {
    let mut next = source.len();
    for (feed, _) in source.rmatch_indices('\n') {
        let line = source.get(feed + 1..next).unwrap_or_default();
        if next < source.len() && line.trim_matches(' ').is_empty() {
            return next + 1;
        }
        next = feed;
    }
    0
}

/// True if the end is within fenced code.
fn is_code(source: &str) -> bool {
    let marks = |line: &&str| {
        let line = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
        line.starts_with("```") || line.starts_with("~~~")
    };
    source.lines().filter(marks).count() % 2 == 1
}

/// Without a last line that may become anything.
pub(super) fn without_riddle(source: &str) -> &str {
    let start = source.rfind('\n').map_or(0, |feed| feed + 1);
    let (before, last) = source.split_at(start);
    let last = last.trim();
    let marks = !last.is_empty() && last.chars().all(|c| "-=*+#>`~_".contains(c));
    let number = last.trim_end_matches(['.', ')']);
    let number =
        !number.is_empty() && number.len() < 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let above = before.strip_suffix('\n').unwrap_or_default();
    let above = above.rsplit('\n').next().unwrap_or_default();
    let delimiters =
        above.contains('|') && !last.is_empty() && last.chars().all(|c| "|:- ".contains(c));
    if marks || number || delimiters {
        before
    } else {
        source
    }
}

/// How many bytes to leave out at the end, and what closes everything that is open.
fn closing(leaf: &str) -> (usize, String) {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut at = 0;
    let mut before = ' ';
    while let Some(skipped) = leaf.get(at..).and_then(|rest| rest.find(MARKS)) {
        if skipped > 0 {
            at += skipped;
            let text = leaf.get(..at).unwrap_or_default();
            before = text.chars().next_back().unwrap_or(' ');
        }
        let Some(c) = leaf.get(at..).and_then(|rest| rest.chars().next()) else {
            break;
        };
        let rest = leaf.get(at..).unwrap_or_default();
        let length = rest.len() - rest.trim_start_matches(c).len();
        let run = rest.get(..length).unwrap_or_default();
        let after = rest.get(length..).and_then(|rest| rest.chars().next());
        match c {
            '\\' => {
                at += 1 + after.map_or(0, char::len_utf8) * usize::from(length == 1);
                before = 'x';
                continue;
            }
            '`' => {
                let behind = rest.get(length..).unwrap_or_default();
                match end_of_code(behind, run) {
                    Some(end) => at += end,
                    None if behind.trim().is_empty() => return (leaf.len() - at, closers(&open)),
                    None => {
                        let mut closing = run.to_owned();
                        closing.push_str(&closers(&open));
                        return (0, closing);
                    }
                }
            }
            '*' | '_' | '~' => {
                let known = matches!(run, "*" | "**" | "***" | "_" | "__" | "~~");
                let closes =
                    open.last().is_some_and(|(mark, _)| *mark == run) && !before.is_whitespace();
                let opens = after.is_none_or(|after| flanks(c, before, after).opens);
                let word = c == '_' && before.is_alphanumeric();
                if closes {
                    open.pop();
                } else if known && !word && opens {
                    open.push((run, at));
                }
            }
            _ => {}
        }
        before = c;
        at += length;
    }
    let mut strip = 0;
    if let Some((mark, at)) = open.last()
        && at + mark.len() == leaf.len()
    {
        strip = mark.len();
        open.pop();
    }
    let mut closing = String::new();
    if let Some(link) = leaf.rfind("](")
        && !leaf
            .get(link..)
            .unwrap_or_default()
            .contains([')', ' ', '\n'])
    {
        closing.push(')');
    }
    closing.push_str(&closers(&open));
    (strip, closing)
}

fn closers(open: &[(&str, usize)]) -> String {
    open.iter().rev().map(|(mark, _)| *mark).collect()
}

/// Where a code span ends that begins with this run, counted from behind the run.
fn end_of_code(behind: &str, run: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(tick) = behind.get(at..)?.find('`') {
        at += tick;
        let rest = behind.get(at..)?;
        let length = rest.len() - rest.trim_start_matches('`').len();
        if length == run.len() {
            return Some(at + length);
        }
        at += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_closed() {
        for (source, drawn) in [
            ("done **bold**", "done **bold**"),
            ("some **bold te", "some **bold te**"),
            ("some **bold *and", "some **bold *and***"),
            ("some **", "some "),
            ("run `cargo te", "run `cargo te`"),
            ("run `", "run "),
            ("snake_case_name and 2 * 3", "snake_case_name and 2 * 3"),
            ("see [text](https://exa", "see [text](https://exa)"),
            ("closed *a*\n\nopen *b", "closed *a*\n\nopen *b*"),
            ("text\n-", "text\n"),
            ("text\n\n12.", "text\n\n"),
            ("| a | b |\n| --", "| a | b |\n"),
            ("```\ncode\n``", "```\ncode\n"),
            ("- ```\n  code **x", "- ```\n  code **x"),
            ("- a **x\n- b", "- a **x\n- b"),
        ] {
            assert_eq!(mend(source), drawn, "{source:?}");
        }
    }
}
