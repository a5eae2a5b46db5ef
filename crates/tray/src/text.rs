//! Text of agents and people made fit for a menu and a notification: on one line, bounded, and with nothing hidden in it.

use std::borrow::Cow;

use betcode_core::visible::visible;

/// The first line with something in it, of so many characters at most.
pub fn line(text: &str, most: usize) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    cut(
        &visible(&first.unwrap_or_default().replace('\t', " ")),
        most,
    )
}

/// Text of several lines, of so many characters at most.
pub fn block(text: &str, most: usize) -> String {
    cut(&visible(text.trim()), most)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.trim_end().to_owned() + "…"
}

/// For a menu, where an underscore would mark a key.
pub fn label(text: &str) -> String {
    text.replace('_', "__")
}

/// For a notification whose body is read as markup.
pub fn markup(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return text.into();
    }
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_short_line_with_nothing_hidden() {
        assert_eq!(line("\n  cargo test\nrm -rf /", 20), "cargo test");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("a\tb\u{202e}c", 20), "a b⟨U+202E⟩c");
        assert_eq!(line("", 5), "");
        assert_eq!(line("äöüß", 4), "äöüß");
    }

    #[test]
    fn markup_and_keys_are_escaped() {
        assert_eq!(markup("<b>a & b</b>"), "&lt;b&gt;a &amp; b&lt;/b&gt;");
        assert_eq!(markup("plain"), "plain");
        assert_eq!(label("a_b__c"), "a__b____c");
    }
}
