//! Text in which nothing is hidden: what a person decides about must be seen as it is, whatever a terminal would make of it.
//!
//! Control characters, invisible ones, blanks that are not the usual blank, and those that reorder text are written out
//! (`⟨U+202E⟩`). Line breaks and tabs stay.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

/// The text with everything hidden written out.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            // A `String` takes everything.
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

/// An input, field by field: texts as they are, so that quoting hides nothing, everything else as JSON.
pub fn fields(input: &Value, leave_out: &[&str]) -> String {
    let mut shown = String::new();
    match input {
        Value::Object(fields) => {
            for (name, value) in fields {
                if !leave_out.contains(&name.as_str()) {
                    field(&mut shown, name, value);
                }
            }
        }
        other => shown.extend([json(other).as_str(), "\n"]),
    }
    shown
}

fn field(shown: &mut String, name: &str, value: &Value) {
    let text = match value {
        Value::String(text) => visible(text).into_owned(),
        other => json(other),
    };
    let name = visible(name).replace('\n', "⟨U+000A⟩");
    if text.contains('\n') {
        shown.extend([name.as_str(), ":\n"]);
        for line in text.split('\n') {
            shown.extend(["  ", line, "\n"]);
        }
    } else {
        shown.extend([name.as_str(), ": ", &text, "\n"]);
    }
}

fn json(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    visible(&text).into_owned()
}

/// Everything that is not seen, or not seen as what it is.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' | ' ' => false,
        // Soft hyphen, joiners, fillers, vowel separators, bidirectional controls, tags, variation selectors.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control() || c.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        for (text, shown) in [
            ("plain ä 🎉\n\tx", "plain ä 🎉\n\tx"),
            ("a\u{1b}[2Jb", "a⟨U+001B⟩[2Jb"),
            ("rm\u{a0}-rf", "rm⟨U+00A0⟩-rf"),
            ("safe\u{202e}txt", "safe⟨U+202E⟩txt"),
            ("a\u{200b}b\rc\u{e0041}", "a⟨U+200B⟩b⟨U+000D⟩c⟨U+E0041⟩"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn an_input_is_shown_field_by_field() {
        let input = json!({
            "command": "printf 'a\nb' \u{200b}",
            "nested": {"x": ["\u{7}", "\u{feff}"]},
            "timeout": 5,
            "left out": "y",
        });
        insta::assert_snapshot!(fields(&input, &["left out"]));
    }
}
