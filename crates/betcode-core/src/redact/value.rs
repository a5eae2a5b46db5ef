//! Where the value of a name begins and ends, in text of shells, configuration files and JSON. Whether the value is a
//! secret was decided before.

use std::ops::Range;

use super::{REDACTED, count, is_blank, is_quote};

/// The value that is given to the name that ends at `at`: behind `=` or `:`, and for a flag behind a space or, in a list,
/// a comma. None when nothing is given to it here.
pub(super) fn behind_name(bytes: &[u8], at: usize, is_flag: bool) -> Option<Range<usize>> {
    let byte = |at: usize| bytes.get(at).copied();
    let closed = at + count(bytes, at, |byte| byte == b'\\');
    let is_quoted = byte(closed).is_some_and(is_quote);
    let mut end = if is_quoted { closed + 1 } else { at };
    if byte(end) == Some(b']') {
        end += 1;
    }
    let mut next = behind_space(bytes, end, b"t");
    if matches!(byte(next), Some(b'+' | b'?' | b'!')) && byte(next + 1) == Some(b'=') {
        next += 1;
    }
    let (behind, in_list) = match byte(next)? {
        b':' if byte(next + 1) == Some(b':') => return None,
        b':' if byte(next + 1) == Some(b'=') => (next + 2, false),
        b':' => (next + 1, true),
        b'=' => (
            next + 1 + count(bytes, next + 1, |byte| matches!(byte, b'=' | b'>' | b'~')),
            false,
        ),
        b',' if is_flag && is_quoted => (next + 1, true),
        _ if is_flag && next > end => {
            if is_another_flag(bytes, next) {
                return None;
            }
            (next, false)
        }
        _ => return None,
    };
    let mut start = behind_space(bytes, behind, b"t");
    let line = behind_space(bytes, start, b"nrt");
    if line > start {
        // On another line only where there is no doubt.
        if !byte(line).is_some_and(is_quote) {
            return None;
        }
        start = line;
    }
    value(bytes, start, in_list)
}

/// The value that begins here; without its quotes, if it is all in quotes.
fn value(bytes: &[u8], start: usize, in_list: bool) -> Option<Range<usize>> {
    let rest = bytes.get(start..)?;
    if rest.starts_with(REDACTED.as_bytes()) {
        return Some(start..unquoted_end(bytes, start + REDACTED.len(), in_list));
    }
    if let Some(quoted) = Quoted::read(bytes, start) {
        return if goes_on(bytes, quoted.behind, in_list) {
            Some(start..unquoted_end(bytes, quoted.behind, in_list))
        } else {
            (quoted.start < quoted.end).then_some(quoted.start..quoted.end)
        };
    }
    match rest.first()? {
        b'[' => {
            let first = start + 1 + count(bytes, start + 1, |byte| byte.is_ascii_whitespace());
            if Quoted::read(bytes, first).is_some() {
                return Some(start..list_end(bytes, first));
            }
        }
        // What is inside has names of its own, or is a command to be seen.
        b'{' | b'(' => return None,
        b'$' if rest.get(1) == Some(&b'(') => return None,
        _ => {}
    }
    let end = unquoted_end(bytes, start, in_list);
    let says_nothing = |word: &[u8]| in_list && matches!(word, b"null" | b"true" | b"false");
    if bytes.get(start..end).is_some_and(says_nothing) {
        return None;
    }
    (start < end).then_some(start..end)
}

/// True when more of the same word follows behind a closing quote, as in `'a'b` and `'a'"b"`.
fn goes_on(bytes: &[u8], at: usize, in_list: bool) -> bool {
    unquoted_end(bytes, at, in_list) > at
}

/// The end of a word without quotes around it; quotes may begin inside. `in_list` ends it at a comma or bracket, too.
pub(super) fn unquoted_end(bytes: &[u8], start: usize, in_list: bool) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'&' | b';' | b'|' | b'<' | b'>' | b')' => break,
            b',' | b'}' | b']' if in_list => break,
            byte if byte.is_ascii_whitespace() => break,
            byte if is_quote(byte) => {
                // A quote that closes what is around is not followed by a word.
                if !bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) {
                    break;
                }
                at = Quoted::read(bytes, at).map_or(at + 1, |quoted| quoted.behind);
            }
            b'\\' => {
                let run = count(bytes, at, |byte| byte == b'\\');
                match bytes.get(at + run).copied() {
                    Some(byte) if is_quote(byte) && run == 1 => break,
                    _ if is_escaped_space(bytes, at) || may_be_another_line(bytes, at + run) => {
                        break;
                    }
                    Some(byte) if is_quote(byte) || is_blank(byte) => at += run + 1,
                    _ => at += run,
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// Behind the space that begins here, also where it is written with backslashes and one of these letters.
fn behind_space(bytes: &[u8], mut at: usize, letters: &[u8]) -> usize {
    while let Some(byte) = bytes.get(at).copied() {
        let run = count(bytes, at, |byte| byte == b'\\');
        let is_space = is_blank(byte) || byte.is_ascii_whitespace() && letters.contains(&b'n');
        if run > 0
            && bytes
                .get(at + run)
                .is_some_and(|byte| letters.contains(byte))
        {
            at += run + 1;
        } else if is_space {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// True when the backslashes here write the end of a line or a tab.
pub(super) fn is_escaped_space(bytes: &[u8], at: usize) -> bool {
    let run = count(bytes, at, |byte| byte == b'\\');
    run % 2 == 1 && matches!(bytes.get(at + run), Some(b'n' | b'r' | b't'))
}

/// Whether a new line that gives something begins here. Behind two backslashes or more nobody can say whether an `n` ends a
/// line, in JSON inside of JSON, or is part of a word; what follows tells.
fn may_be_another_line(bytes: &[u8], at: usize) -> bool {
    let Some(line @ [b'n' | b'r' | b't', rest @ ..]) = bytes.get(at..) else {
        return false;
    };
    let ends = |byte: &u8| byte.is_ascii_whitespace() || is_quote(*byte) || *byte == b'\\';
    let word = line.len() - rest.len() + rest.iter().take_while(|byte| !ends(byte)).count();
    let word = line.get(1..word).unwrap_or_default();
    word.first() == Some(&b'-') || word.iter().any(|byte| matches!(byte, b'=' | b':'))
}

fn is_another_flag(bytes: &[u8], at: usize) -> bool {
    let byte = |at: usize| bytes.get(at).copied();
    let is_letter = |at: usize| byte(at).is_some_and(|byte| byte.is_ascii_alphabetic());
    byte(at) == Some(b'-')
        && (byte(at + 1) == Some(b'-') && is_letter(at + 2)
            || is_letter(at + 1) && byte(at + 2).is_none_or(|byte| byte.is_ascii_whitespace()))
}

/// Behind the bracket that closes a list whose first item begins here.
fn list_end(bytes: &[u8], first: usize) -> usize {
    let mut at = first;
    while let Some(byte) = bytes.get(at).copied() {
        if byte == b']' {
            return at + 1;
        }
        at = match Quoted::read(bytes, at) {
            Some(quoted) => quoted.behind,
            None => at + count(bytes, at, |byte| byte == b'\\').max(1),
        };
    }
    at
}

/// Something in quotes, which are escaped themselves inside of JSON.
struct Quoted {
    start: usize,
    end: usize,
    /// Behind the closing quote.
    behind: usize,
}

impl Quoted {
    /// Reads from an opening quote, or the backslashes before it, to the one that closes it or else to the end.
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let escapes = count(bytes, at, |byte| byte == b'\\');
        let quote = bytes
            .get(at + escapes)
            .copied()
            .filter(|byte| is_quote(*byte))?;
        // A quote inside of one more string has twice as many backslashes and one.
        let depth = (escapes + 1).ilog2();
        let start = at + escapes + 1;
        let mut at = start;
        while at < bytes.len() {
            let run = count(bytes, at, |byte| byte == b'\\');
            if bytes.get(at + run) == Some(&quote) && closes(run, depth) {
                return Some(Self {
                    start,
                    end: at + run.saturating_sub(escapes),
                    behind: at + run + 1,
                });
            }
            at += run + 1;
        }
        Some(Self {
            start,
            end: bytes.len(),
            behind: bytes.len(),
        })
    }
}

/// Whether a quote behind so many backslashes closes a string at this depth, or one around it.
fn closes(mut backslashes: usize, depth: u32) -> bool {
    for _ in 0..depth {
        if backslashes.is_multiple_of(2) {
            return true;
        }
        backslashes /= 2;
    }
    backslashes.is_multiple_of(2)
}
