//! Texts with wildcards. Comparing takes at most pattern × text steps and needs no memory beside them.

/// Stands for any text, also none, in a pattern. It cannot be in a rule itself.
pub(crate) const ANY: char = '\u{2}';

/// Whether a text is what a pattern with [`ANY`] describes.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    // The place behind the last wildcard, and where in the text it may stop next.
    let mut back: Option<(&str, &str)> = None;
    let (mut pattern, mut text) = (pattern, text);
    loop {
        let mut expected = pattern.chars();
        let mut found = text.chars();
        match (expected.next(), found.next()) {
            (None, None) => return true,
            (Some(ANY), _) => {
                pattern = expected.as_str();
                if pattern.is_empty() {
                    return true;
                }
                back = Some((pattern, text));
                continue;
            }
            (Some(wanted), Some(character)) if wanted == character => {
                (pattern, text) = (expected.as_str(), found.as_str());
                continue;
            }
            (_, None) => return false,
            _ => {}
        }
        let Some((after, from)) = back else {
            return false;
        };
        let mut rest = from.chars();
        if rest.next().is_none() {
            return false;
        }
        (pattern, text) = (after, rest.as_str());
        back = Some((after, rest.as_str()));
    }
}

/// Whether there is a text that both describe: a pattern with [`ANY`], and a text in which `unknown` is any text too.
pub(crate) fn meets(pattern: &str, text: &str, unknown: char) -> bool {
    // One row of the usual table: whether the pattern up to here can describe the text up to there.
    let pattern: Vec<char> = pattern.chars().collect();
    let mut row = vec![false; pattern.len() + 1];
    if let Some(first) = row.first_mut() {
        *first = true;
    }
    spread(&pattern, &mut row);
    for character in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        if character == unknown {
            let mut reached = false;
            for (slot, before) in next.iter_mut().zip(&row) {
                reached |= *before;
                *slot = reached;
            }
        } else {
            for (at, wanted) in pattern.iter().enumerate() {
                let (Some(&here), Some(&behind)) = (row.get(at), row.get(at + 1)) else {
                    continue;
                };
                let reached = if *wanted == ANY {
                    behind || here
                } else {
                    here && *wanted == character
                };
                if let Some(slot) = next.get_mut(at + 1) {
                    *slot |= reached;
                }
            }
        }
        spread(&pattern, &mut next);
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

/// A wildcard may describe nothing.
fn spread(pattern: &[char], row: &mut [bool]) {
    for (at, wanted) in pattern.iter().enumerate() {
        if *wanted == ANY
            && row.get(at) == Some(&true)
            && let Some(slot) = row.get_mut(at + 1)
        {
            *slot = true;
        }
    }
}

/// Whether the name of a file is what a pattern with `*`, `?`, `[…]` and backslashes describes.
pub(crate) fn matches_name(pattern: &str, name: &str) -> bool {
    let mut back: Option<(&str, &str)> = None;
    let (mut pattern, mut name) = (pattern, name);
    loop {
        if let Some(rest) = pattern.strip_prefix('*') {
            pattern = rest;
            back = Some((pattern, name));
            continue;
        }
        let mut found = name.chars();
        match (pattern.is_empty(), found.next()) {
            (true, None) => return true,
            (false, Some(character)) => {
                if let Some(rest) = one(pattern, character) {
                    (pattern, name) = (rest, found.as_str());
                    continue;
                }
            }
            (false, None) => return false,
            (true, Some(_)) => {}
        }
        let Some((after, from)) = back else {
            return false;
        };
        let mut rest = from.chars();
        if rest.next().is_none() {
            return false;
        }
        (pattern, name) = (after, rest.as_str());
        back = Some((after, rest.as_str()));
    }
}

/// The rest of the pattern, when its first element describes the character.
fn one(pattern: &str, character: char) -> Option<&str> {
    let mut rest = pattern.chars();
    match rest.next()? {
        '?' => Some(rest.as_str()),
        '\\' => {
            let literal = rest.next().unwrap_or('\\');
            (literal == character).then_some(rest.as_str())
        }
        '[' => match set(rest.as_str(), character) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            None => (character == '[').then_some(rest.as_str()),
        },
        literal => (literal == character).then_some(rest.as_str()),
    }
}

/// Whether a set such as `a-z]` holds the character, and what follows it. None when the set does not end.
fn set(pattern: &str, character: char) -> Option<(bool, &str)> {
    let negated = pattern.starts_with(['!', '^']);
    let mut rest = pattern.get(usize::from(negated)..)?.chars();
    let mut found = false;
    let mut first = true;
    loop {
        let low = match rest.next()? {
            ']' if !first => return Some((found != negated, rest.as_str())),
            '\\' => rest.next()?,
            low => low,
        };
        first = false;
        let mut ahead = rest.clone();
        if ahead.next() == Some('-')
            && let Some(high) = ahead.next().filter(|high| *high != ']')
        {
            found |= (low..=high).contains(&character);
            rest = ahead;
        } else {
            found |= low == character;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a\u{2}", "a", true),
            ("a\u{2}", "abc", true),
            ("\u{2}c", "abc", true),
            ("a\u{2}b\u{2}c", "a1b2b3c", true),
            ("a\u{2}b", "a1c", false),
            ("", "", true),
            ("\u{2}", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern:?} {text:?}");
            assert_eq!(meets(pattern, text, '\0'), expected, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn an_unknown_may_be_what_the_pattern_asks_for() {
        assert!(meets("git\u{1}push", "git\0", '\0'));
        assert!(meets("git\u{1}push\u{2}", "git\0x", '\0'));
        assert!(!meets("git\u{1}push", "hg\0", '\0'));
    }

    #[test]
    fn names_follow_the_patterns_of_files() {
        for (pattern, name, expected) in [
            ("*.ts", "a.ts", true),
            ("*.ts", "a.tsx", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[", "[", true),
            ("*a*b*", "xxaxxbxx", true),
        ] {
            assert_eq!(matches_name(pattern, name), expected, "{pattern} {name}");
        }
    }
}
