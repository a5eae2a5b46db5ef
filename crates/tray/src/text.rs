//! Text of agents and people made fit for a menu and a notification: on one line, bounded, without secrets, and with nothing
//! hidden in it.

use std::borrow::Cow;

use betcode_core::redact::{REDACTED, redact};
use betcode_core::visible::visible;

/// What is left out is said with this.
const MORE: char = '…';

/// The first line with something in it, of so many characters at most.
pub fn line(text: &str, most: usize) -> String {
    let text = redact(text);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    let blank = first.unwrap_or_default().replace('\t', " ");
    cut(&visible(&blank), most)
}

/// What somebody decides about, on one line, and whether that is all of it: what is left out, be it a secret, ends the line or
/// stands in it as such. Many blanks are shown as one, so that none of what follows is pushed out of sight.
pub fn whole(text: &str, most: usize) -> (String, bool) {
    // Secrets go first, so that none is cut into something that no longer looks like one.
    let text = redact(text.trim());
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let blanks = |c: char| c == ' ' || c == '\t';
    let words: Vec<&str> = first.split(blanks).filter(|it| !it.is_empty()).collect();
    let mut shown = visible(&words.join(" ")).into_owned();
    if lines.next().is_some() && !shown.ends_with(MORE) {
        shown.push(MORE);
    }
    let shown = cut(&shown, most);
    // Whoever has shortened it before has ended it like this.
    let is_all = !shown.is_empty() && !shown.ends_with([MORE, '\\']) && !shown.contains(REDACTED);
    (shown, is_all)
}

/// Text of several lines, of so many characters at most.
pub fn block(text: &str, most: usize) -> String {
    cut(&visible(redact(text).trim()), most)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    let mut kept = kept.trim_end().to_owned();
    kept.push(MORE);
    kept
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
    fn what_is_decided_about_is_whole_or_is_said_not_to_be() {
        let yes = |text: &str| (text.to_owned(), true);
        let no = |text: &str| (text.to_owned(), false);
        assert_eq!(whole("touch x", 20), yes("touch x"));
        assert_eq!(whole("\n touch x \n\n", 20), yes("touch x"));
        let pushed = format!("ls{}\t; rm -rf ~", " ".repeat(500));
        assert_eq!(whole(&pushed, 20), yes("ls ; rm -rf ~"));
        assert_eq!(whole("ls\nrm -rf ~", 20), no("ls…"));
        assert_eq!(whole("ls\r\nrm -rf ~", 20), no("ls…"));
        assert_eq!(whole("touch abcdef", 8), no("touch a…"));
        assert_eq!(whole("touch x…", 20), no("touch x…"), "cut by others");
        assert_eq!(whole("", 20), no(""));
        let hidden = whole("curl --password=hunter2 x", 80);
        assert_eq!(hidden, no("curl --password=[redacted] x"));
        // What is not a blank and looks like one is seen, and not taken for the end of a line.
        assert_eq!(whole("ls\u{a0}\u{2028}x", 40), yes("ls⟨U+00A0⟩⟨U+2028⟩x"));
    }

    #[test]
    fn no_text_has_a_secret_in_it() {
        for made in [
            line("curl --password=hunter2", 80),
            block("a\ncurl --password=hunter2", 80),
            whole("curl --password=hunter2", 80).0,
            whole("curl --password=hunter2", 20).0,
        ] {
            assert!(!made.contains("hunter"), "{made}");
        }
    }

    #[test]
    fn markup_and_keys_are_escaped() {
        assert_eq!(markup("<b>a & b</b>"), "&lt;b&gt;a &amp; b&lt;/b&gt;");
        assert_eq!(markup("plain"), "plain");
        assert_eq!(label("a_b__c"), "a__b____c");
    }
}
