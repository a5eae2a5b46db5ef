//! Where links may lead: only to addresses that are harmless to open and to send to a terminal.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

/// What a link may begin with.
const SCHEMES: [&str; 4] = ["http://", "https://", "mailto:", "file://"];
/// Longer ones are no links: terminals refuse them, too.
const LONGEST: usize = 2048;

/// The address as it may be sent to a terminal, if it may lead anywhere: everything but visible ASCII is percent-encoded.
pub fn safe(address: &str) -> Option<Arc<str>> {
    let address = address.trim();
    let known = SCHEMES.iter().any(|scheme| {
        address
            .get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    });
    if !known || address.len() > LONGEST || address.contains(char::is_control) {
        return None;
    }
    let mut safe = String::with_capacity(address.len());
    for byte in address.bytes() {
        if byte.is_ascii_graphic() {
            safe.push(char::from(byte));
        } else {
            // A `String` takes everything.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    Some(safe.into())
}

/// True if a text looks like an address, so that one would think to know where it leads.
pub(crate) fn looks_like_address(text: &str) -> bool {
    text.contains("://") || text.starts_with("www.") || text.starts_with("mailto:")
}

/// Where the first address in a text is that stands there without any marks.
pub(crate) fn bare(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find("http")?;
        let before = text.get(..at)?.chars().next_back();
        let rest = text.get(at..)?;
        from = at + "http".len();
        let name = ["http://", "https://"]
            .iter()
            .find_map(|scheme| rest.strip_prefix(scheme));
        let Some(name) = name.filter(|_| !before.is_some_and(char::is_alphanumeric)) else {
            continue;
        };
        let length = name.find(|c: char| c.is_whitespace() || "<>\"`|".contains(c));
        let mut name = name.get(..length.unwrap_or(name.len()))?;
        while let Some(last) = name.chars().next_back() {
            let closes = last == ')' && !name.contains('(');
            if !closes && !".,;:!?'*_~]}。，、".contains(last) {
                break;
            }
            name = name.get(..name.len() - last.len_utf8())?;
        }
        if name.starts_with(char::is_alphanumeric) || name.starts_with('[') {
            let end = at + rest.find("://")? + "://".len() + name.len();
            return Some(at..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_addresses_are_links() {
        for (address, found) in [
            (
                "https://example.org/a?b#c",
                Some("https://example.org/a?b#c"),
            ),
            (
                "HTTP://example.org/ä b",
                Some("HTTP://example.org/%C3%A4%20b"),
            ),
            (
                "mailto:someone@example.org",
                Some("mailto:someone@example.org"),
            ),
            ("file:///tmp/x", Some("file:///tmp/x")),
            ("javascript:alert(1)", None),
            ("src/main.rs", None),
            ("https://example.org/\u{1b}\\", None),
            (
                "https://example.org/\u{202e}x",
                Some("https://example.org/%E2%80%AEx"),
            ),
        ] {
            assert_eq!(safe(address).as_deref(), found, "{address:?}");
        }
    }
}
