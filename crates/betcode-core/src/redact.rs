//! Takes secrets out of text that is kept or shown where the whole is not needed: lists, records, logs.
//!
//! It knows secrets by their looks only: tokens with a known beginning, JSON web tokens, credentials of an
//! `Authorization` header, passwords in URLs, blocks of private keys, and values whose name says that they are secret. It
//! understands text of shells, configuration files and JSON, also JSON inside JSON. What it does not know it leaves as it
//! is, so it is a net and not a wall; and where in doubt it takes too much rather than too little.
//!
//! Laws: the time is proportional to the text; text in which nothing of the above begins comes back unchanged; no input
//! makes it fail.

mod value;

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde_json::Value;

use crate::canonical::canonical;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// The length of a preview, in characters.
const PREVIEW_CHARS: usize = 256;

/// The text with everything that looks like a secret replaced by `[redacted]`.
pub fn redact(text: &str) -> String {
    let mut redacted = String::new();
    let mut copied = 0;
    for secret in Secrets::new(text) {
        redacted.push_str(text.get(copied..secret.start).unwrap_or_default());
        redacted.push_str(REDACTED);
        copied = secret.end;
    }
    redacted.push_str(text.get(copied..).unwrap_or_default());
    redacted
}

/// The beginning of an input in its canonical form, without secrets: at most 256 characters, the last of them `…` when
/// there are more. Secrets go first, so that none is cut into something that no longer looks like one.
pub fn preview(input: &Value) -> String {
    shortened(&canonical(input))
}

/// The same of a text.
pub fn shortened(text: &str) -> String {
    let mut text = redact(text);
    if text.char_indices().nth(PREVIEW_CHARS).is_some()
        && let Some((end, _)) = text.char_indices().nth(PREVIEW_CHARS - 1)
    {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A token that is known by how it begins.
struct Prefix {
    text: &'static str,
    /// So many characters of the token must follow at least.
    least: usize,
    /// These are letters and digits only, without `_` and `-`.
    plain: bool,
    /// A digit must be near: the beginning alone is part of ordinary words.
    digit: bool,
}

const fn prefix(text: &'static str, least: usize) -> Prefix {
    Prefix {
        text,
        least,
        plain: false,
        digit: false,
    }
}

const fn plain(text: &'static str, least: usize) -> Prefix {
    Prefix {
        plain: true,
        ..prefix(text, least)
    }
}

const fn with_digit(text: &'static str, least: usize) -> Prefix {
    Prefix {
        digit: true,
        ..prefix(text, least)
    }
}

const PREFIXES: &[Prefix] = &[
    prefix("sk-ant-", 6),
    with_digit("sk-", 12),
    prefix("sk_live_", 8),
    prefix("rk_live_", 8),
    prefix("ghp_", 8),
    prefix("gho_", 8),
    prefix("ghs_", 8),
    prefix("ghu_", 8),
    prefix("ghr_", 8),
    prefix("github_pat_", 8),
    prefix("glpat-", 8),
    prefix("xoxb-", 8),
    prefix("xoxp-", 8),
    prefix("xoxa-", 8),
    prefix("xoxs-", 8),
    prefix("xoxr-", 8),
    plain("AKIA", 12),
    plain("ASIA", 12),
    prefix("AIza", 16),
    plain("npm_", 20),
    plain("hf_", 16),
    with_digit("pypi-", 16),
];

/// How far behind a prefix a digit is looked for.
const NEAR: usize = 64;

/// A value whose name contains one of these is a secret, whatever the case of the name.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "private_key",
    "private-key",
    "privatekey",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "access-key",
    "accesskey",
    "credential",
];

const AUTHORIZATION: &str = "authorization";
/// What may stand between `Authorization` and the credentials, and stays.
const SCHEMES: &[&str] = &[
    "bearer",
    "basic",
    "token",
    "digest",
    "apikey",
    "negotiate",
    "bot",
];

const PEM_BEGIN: &str = "-----BEGIN ";
const PEM_END: &str = "-----END ";
/// The label of a block is not longer than this …
const PEM_LABEL: usize = 64;
/// … and a whole block is not longer than this.
const PEM_BLOCK: usize = 32 * 1024;

/// The secrets of a text, from left to right.
struct Secrets<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Where the word around `at` begins.
    word: usize,
    /// The word that ends here was looked at already.
    looked_at: usize,
    /// No web token begins before this.
    no_jwt: usize,
    /// The next end of a block of a key at or behind some earlier position; the text's length for none.
    pem_end: usize,
}

impl<'a> Secrets<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            word: 0,
            looked_at: 0,
            no_jwt: 0,
            pem_end: 0,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn begins(&self, at: usize, text: &str) -> bool {
        self.bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    fn begins_ignoring_case(&self, at: usize, text: &str) -> bool {
        self.bytes
            .get(at..at + text.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(text.as_bytes()))
    }

    /// The secret that is recognised by what stands here.
    fn look(&mut self) -> Option<Range<usize>> {
        match self.byte(self.at)? {
            b'-' => self.private_key(),
            b':' => self.url_password(),
            b'e' => self.web_token(),
            b's' | b'r' => self.known_token().or_else(|| self.named()),
            b'g' | b'x' | b'A' | b'n' | b'h' | b'p' => self.known_token().or_else(|| self.named()),
            b'P' | b'S' | b'T' | b't' | b'a' | b'C' | b'c' => self.named(),
            _ => None,
        }
    }

    /// True when a token may begin here: not inside a word, or right behind something that is written with letters but
    /// means another character, such as `\n`, `\u0022` and `%20`.
    fn is_start(&self, at: usize) -> bool {
        let before = |back: usize| at.checked_sub(back).and_then(|at| self.byte(at));
        let hex = |from: usize, to: usize| {
            (to..=from).all(|back| before(back).is_some_and(|byte| byte.is_ascii_hexdigit()))
        };
        match before(1) {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                before(2) == Some(b'\\') && b"nrtbf".contains(&byte)
                    || before(3) == Some(b'%') && hex(2, 1)
                    || before(6) == Some(b'\\') && before(5) == Some(b'u') && hex(4, 1)
            }
            _ => true,
        }
    }

    fn known_token(&self) -> Option<Range<usize>> {
        let known = PREFIXES
            .iter()
            .find(|known| self.begins(self.at, known.text))?;
        if !self.is_start(self.at) {
            return None;
        }
        let body = self.bytes.get(self.at + known.text.len()..)?;
        let first = body.get(..known.least)?;
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || !known.plain && is_token(*byte);
        if !first.iter().all(fits) {
            return None;
        }
        let length = body.iter().take_while(|byte| is_token(**byte));
        if known.digit && !length.clone().take(NEAR).any(u8::is_ascii_digit) {
            return None;
        }
        Some(self.at..self.at + known.text.len() + length.count())
    }

    /// `eyJ….….…`: two parts at least.
    fn web_token(&mut self) -> Option<Range<usize>> {
        if self.at < self.no_jwt || !self.begins(self.at, "eyJ") || !self.is_start(self.at) {
            return None;
        }
        let part = |from: usize| from + count(self.bytes, from, is_token);
        let mut end = part(self.at);
        self.no_jwt = end;
        if end - self.at < 8 || self.byte(end) != Some(b'.') || part(end + 1) - end < 8 {
            return None;
        }
        while self.byte(end) == Some(b'.') {
            end = part(end + 1);
        }
        Some(self.at..end)
    }

    /// `://user:password@`
    fn url_password(&self) -> Option<Range<usize>> {
        if !self.begins(self.at, "://") {
            return None;
        }
        let start = self.at + 3;
        let (mut at, mut colon, mut end) = (start, None, None);
        while let Some(byte) = self.byte(at) {
            match byte {
                b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' => break,
                b'\\' => {
                    if value::is_escaped_space(self.bytes, at) {
                        break;
                    }
                    at += count(self.bytes, at, |byte| byte == b'\\');
                    continue;
                }
                byte if byte.is_ascii_whitespace() => break,
                b':' => {
                    colon.get_or_insert(at + 1);
                }
                b'@' => end = Some(at),
                _ => {}
            }
            at += 1;
        }
        let password = colon?..end?;
        (password.start < password.end).then_some(password)
    }

    fn private_key(&mut self) -> Option<Range<usize>> {
        if !self.begins(self.at, PEM_BEGIN) {
            return None;
        }
        let body = self.behind_label(self.at + PEM_BEGIN.len(), "PRIVATE KEY")?;
        if self.pem_end < body {
            let rest = self.text.get(body..)?;
            self.pem_end = rest.find(PEM_END).map_or(self.bytes.len(), |at| body + at);
        }
        let end = if self.pem_end < self.bytes.len() && self.pem_end - body <= PEM_BLOCK {
            let label = self.pem_end + PEM_END.len();
            self.behind_label(label, "").unwrap_or(label)
        } else {
            // Cut, or only spoken of.
            body + count(self.bytes, body, |byte| {
                byte.is_ascii_alphanumeric()
                    || byte.is_ascii_whitespace()
                    || b"+/=\\:,-".contains(&byte)
            })
        };
        Some(self.at..end)
    }

    /// Behind the dashes that end a label, if it contains `what`.
    fn behind_label(&self, at: usize, what: &str) -> Option<usize> {
        let length = self
            .bytes
            .get(at..)?
            .iter()
            .take(PEM_LABEL)
            .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ')
            .count();
        let end = at + length;
        let fits = self.text.get(at..end)?.contains(what) && self.begins(end, "-----");
        fits.then_some(end + 5)
    }

    /// A value that its name makes a secret; each word is looked at once.
    fn named(&mut self) -> Option<Range<usize>> {
        if self.at < self.looked_at {
            return None;
        }
        let is_header = self.begins_ignoring_case(self.at, AUTHORIZATION);
        if !is_header
            && !NAMES
                .iter()
                .any(|name| self.begins_ignoring_case(self.at, name))
        {
            return None;
        }
        let end = self.at + count(self.bytes, self.at, is_token);
        self.looked_at = end;
        if is_header {
            self.header(end)
        } else {
            let is_flag = self.byte(self.word) == Some(b'-')
                // Behind a written end of line.
                || self.byte(self.word + 1) == Some(b'-') && self.is_start(self.word + 1);
            value::behind_name(self.bytes, end, is_flag)
        }
    }

    /// The credentials of an `Authorization` header, whose name ends here.
    fn header(&self, end: usize) -> Option<Range<usize>> {
        let between = self.bytes.get(end..)?.iter().take(16);
        let between = between.take_while(|byte| b" \t\"'\\:=,>(]".contains(byte));
        let at = end + between.count();
        let between = self.bytes.get(end..at)?;
        let is_quoted = between.iter().any(|byte| is_quote(*byte));
        let is_given =
            between.iter().any(|byte| b":=".contains(byte)) || between.contains(&b',') && is_quoted;
        let scheme = SCHEMES.iter().find(|scheme| {
            self.begins_ignoring_case(at, scheme)
                && self.byte(at + scheme.len()).is_some_and(is_blank)
        });
        let secret = if let Some(scheme) = scheme {
            let from = at + scheme.len();
            let from = from + count(self.bytes, from, is_blank);
            from..value::unquoted_end(self.bytes, from, false)
        } else if !is_given {
            return None;
        } else if is_quoted
            || self
                .word
                .checked_sub(1)
                .and_then(|at| self.byte(at))
                .is_some_and(is_quote)
        {
            // Quoted: all of it.
            let line = |byte| !is_quote(byte) && byte != b'\n' && byte != b'\\';
            at..at + count(self.bytes, at, line)
        } else {
            at..value::unquoted_end(self.bytes, at, false)
        };
        (secret.start < secret.end).then_some(secret)
    }
}

impl Iterator for Secrets<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while let Some(byte) = self.byte(self.at) {
            let inside = self.at > 0 && self.byte(self.at - 1).is_some_and(is_token);
            if is_token(byte) && !inside {
                self.word = self.at;
            }
            if let Some(secret) = self.look() {
                self.at = secret.end;
                self.word = secret.end;
                return Some(secret);
            }
            self.at += 1;
        }
        None
    }
}

/// A character of names, flags and tokens.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// How many bytes from `at` on are of this kind.
fn count(bytes: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| is(**byte)).count()
}
