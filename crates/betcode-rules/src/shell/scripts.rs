//! Scripts of `sed` and `awk`, which can run programs and write files. What is not certain to do neither has to be spelled out
//! by a rule.

use super::programs::{base_name, is_option};
use super::{UNKNOWN, Word};

/// The place behind the last word of a script that can do more than change text.
pub(super) fn guard(name: &str, words: &[Word]) -> Option<usize> {
    let (found, safe): (_, fn(&str) -> bool) = match base_name(name) {
        "sed" | "gsed" => (sed_scripts(words), sed),
        "awk" | "gawk" | "mawk" | "nawk" => (awk_script(words), awk),
        _ => return None,
    };
    match found {
        Some(scripts) => scripts
            .iter()
            .rev()
            .find(|(_, script)| !safe(script))
            .map(|(at, _)| at + 1),
        None => Some(words.len()),
    }
}

/// Whether a call of `sed` can do nothing but print what it reads.
pub(crate) fn sed_only_prints(words: &[Word]) -> bool {
    let in_place = words.iter().skip(1).any(|word| {
        word.text.starts_with("--i")
            || (word.text.starts_with('-')
                && !word.text.starts_with("--")
                && word.text.contains('i'))
    });
    !in_place
        && words.len() > 1
        && words.iter().all(Word::is_known)
        && guard("sed", words).is_none()
}

/// Whether a call of `awk` can do nothing but print what it reads: also not choose other files to read.
pub(crate) fn awk_only_prints(words: &[Word]) -> bool {
    words.len() > 1
        && words
            .iter()
            .all(|word| word.is_known() && !word.text.contains("ARG"))
        && guard("awk", words).is_none()
}

/// The scripts of `sed` with their places. None when an option is not known or takes a script from a file.
pub(super) fn sed_scripts(words: &[Word]) -> Option<Vec<(usize, &str)>> {
    const LONG: &[&str] = &[
        "--quiet",
        "--silent",
        "--regexp-extended",
        "--in-place",
        "--separate",
        "--null-data",
        "--unbuffered",
        "--posix",
        "--sandbox",
    ];
    let mut found = Vec::new();
    let mut operand = None;
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        let next = || words.get(at + 1).map(|next| (at + 1, next.text.as_str()));
        if text.starts_with(UNKNOWN) && operand.is_none() {
            // It may be an option.
            return None;
        }
        if !text.starts_with('-') || text == "-" {
            operand.get_or_insert((at, text));
        } else if text == "--" {
            operand = operand.or_else(next);
            break;
        } else if text.starts_with("--") {
            if is_option(text, "--expression") {
                let script = text.split_once('=').map(|(_, value)| (at, value));
                let script = script.or_else(next)?;
                at = script.0;
                found.push(script);
            } else if !LONG.iter().any(|option| is_option(text, option)) {
                return None;
            }
        } else {
            for (letter_at, letter) in text.char_indices().skip(1) {
                match letter {
                    'n' | 'E' | 'r' | 's' | 'u' | 'z' => {}
                    // The rest is the ending of a copy.
                    'i' => break,
                    'e' => {
                        let attached = text.get(letter_at + 1..).filter(|rest| !rest.is_empty());
                        let script = attached.map(|script| (at, script)).or_else(next)?;
                        at = script.0;
                        found.push(script);
                        break;
                    }
                    _ => return None,
                }
            }
        }
        at += 1;
    }
    if found.is_empty() {
        found.extend(operand);
    }
    Some(found)
}

/// The script of `awk` with its place.
fn awk_script(words: &[Word]) -> Option<Vec<(usize, &str)>> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        match text {
            "--" => at += 1,
            "-F" | "-v" => {
                at += 2;
                continue;
            }
            _ if text.starts_with("-F") || text.starts_with("-v") => {
                at += 1;
                continue;
            }
            _ if text.starts_with(['-', UNKNOWN]) => return None,
            _ => {}
        }
        break;
    }
    // A value that is not known may become several words.
    if !words.iter().take(at).all(Word::is_known) {
        return None;
    }
    let script = words.get(at).map(|word| (at, word.text.as_str()));
    Some(script.into_iter().collect())
}

/// Whether a script of `awk` neither runs anything nor writes to files.
fn awk(script: &str) -> bool {
    if script.contains([UNKNOWN, '@']) || script.contains("system") || script.contains("getline") {
        return false;
    }
    // What is printed goes to a file or to a program behind one of these.
    script
        .find("print")
        .is_none_or(|print| !script.get(print..).unwrap_or_default().contains(['>', '|']))
}

/// Whether a script of `sed` neither runs anything nor reads or writes other files.
fn sed(script: &str) -> bool {
    let continued = script.contains("\\\n");
    let mut rest = script;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', ';', '{', '}']);
        let Some(begin) = behind_address(rest) else {
            return false;
        };
        rest = begin.trim_start_matches([' ', '\t', '!']);
        let mut characters = rest.chars();
        let Some(command) = characters.next() else {
            return true;
        };
        let after = characters.as_str();
        rest = match command {
            '{' | '}' | 'p' | 'P' | 'd' | 'D' | 'n' | 'N' | 'g' | 'G' | 'h' | 'H' | 'x' | '='
            | 'z' | 'F' => after,
            'q' | 'Q' | 'l' | 'L' => {
                after.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == ' ')
            }
            'a' | 'i' | 'c' => {
                // The text ends with its line, unless that is continued.
                if continued {
                    return false;
                }
                after
                    .find('\n')
                    .and_then(|end| after.get(end..))
                    .unwrap_or_default()
            }
            'b' | 't' | 'T' | ':' => after
                .trim_start_matches(' ')
                .trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_'),
            's' => {
                let Some(rest) = delimited(after, 2) else {
                    return false;
                };
                rest.trim_start_matches(|flag: char| {
                    "gpiIM".contains(flag) || flag.is_ascii_digit()
                })
            }
            'y' => {
                let Some(rest) = delimited(after, 2) else {
                    return false;
                };
                rest
            }
            '#' => after
                .find('\n')
                .and_then(|end| after.get(end..))
                .unwrap_or_default(),
            _ => return false,
        };
        // The next command begins behind one of these; what is a part of a label is told differently by different programs.
        let ended = rest.trim_start_matches([' ', '\t']);
        let label = matches!(command, 'b' | 't' | 'T' | ':');
        let group = matches!(command, '{' | '}') || (!label && ended.starts_with(['{', '}']));
        if !(group || ended.is_empty() || ended.starts_with([';', '\n'])) {
            return false;
        }
    }
}

/// What follows an address, of lines or of what they hold.
fn behind_address(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let first = rest.chars().next();
        rest = match first {
            Some('0'..='9' | '$' | '+' | '~' | ',' | ' ') => rest.get(1..)?,
            Some('/') => {
                let behind = delimited(rest, 1)?;
                behind.trim_start_matches(['I', 'M'])
            }
            Some('\\') => return None,
            _ => return Some(rest),
        };
    }
}

/// What follows so many texts that end with the first character. None when that is not certain.
fn delimited(text: &str, count: usize) -> Option<&str> {
    let mut characters = text.chars();
    let delimiter = characters
        .next()
        .filter(|first| first.is_ascii_punctuation() && *first != '\\')?;
    for index in 0..count {
        let mut set = false;
        loop {
            match characters.next()? {
                '\\' => {
                    characters.next()?;
                }
                UNKNOWN | '\n' => return None,
                found if found == delimiter => {
                    // Programs differ about a delimiter in a set.
                    if set {
                        return None;
                    }
                    break;
                }
                '[' if index == 0 => set = true,
                ']' => set = false,
                _ => {}
            }
        }
    }
    Some(characters.as_str())
}
