//! Scripts of the world: characters of two columns and of none, and those that are written from right to left.

use super::{conversation, opened};
use crate::profile;

/// What is typed, and how many columns it takes.
const TYPED: [(&str, u16); 6] = [
    ("漢字かな交じり文", 16),
    ("한국어 문장", 11),
    ("e\u{301}a\u{308}o\u{302}", 3),
    ("😀🚀", 4),
    ("שלום עולם", 9),
    ("नमस्ते", 4),
];

/// The rows of a screen, as an emulator has them.
fn column_behind(screen: &betcode_testkit::Screen) -> u16 {
    screen.look(|terminal| terminal.cursor_position().1)
}

#[test]
fn the_cursor_stands_behind_what_is_typed_in_any_script() {
    let profile = profile();
    let mut screen = opened(&profile);
    for (text, columns) in TYPED {
        for c in text.chars() {
            screen.send(c.to_string().as_bytes());
        }
        screen.until(&format!("{text} is there, the cursor behind it"), |shown| {
            shown.contains(&format!("> {text}")) && column_behind(&screen) == 2 + columns
        });
        // One step of the cursor is one character as people count them; what is written then stands between them.
        screen.send(b"\x1b[D|");
        let (last, _) = text
            .char_indices()
            .rfind(|(at, _)| unicode_boundary(text, *at))
            .unwrap_or_default();
        let (before, after) = text.split_at(last);
        screen.wait_for(&format!("> {before}|{after}"));
        screen.send(b"\x03");
        screen.wait_for("cleared");
        screen.wait_for("say something to");
    }
}

/// Whether a character of its own begins here: no mark that belongs to the one before.
fn unicode_boundary(text: &str, at: usize) -> bool {
    let next = text.get(at..).and_then(|rest| rest.chars().next());
    !next.is_some_and(|c| matches!(c, '\u{300}'..='\u{36f}' | '\u{93e}'..='\u{94d}'))
        && !text
            .get(..at)
            .is_some_and(|before| before.ends_with('\u{94d}'))
}

#[test]
fn what_an_agent_says_in_any_script_is_whole_and_in_its_place() {
    let profile = profile();
    let mut screen = opened(&profile);
    let wide = "漢字".repeat(60);
    let said =
        format!("one 漢字かな | two e\u{301}a\u{308} | three 😀🚀 | four שלום עולם | {wide} | end");
    screen.send(format!("\x1b[200~/demo say text=\"{said}\"\x1b[201~").as_bytes());
    screen.wait_for("/demo say");
    screen.send(b"\r");
    let text = screen.until("it is answered", |text| {
        text.matches("| end").count() >= 2 && text.contains("say something to")
    });
    for part in [
        "one 漢字かな | two e\u{301}a\u{308} | three 😀🚀 |",
        "four שלום עולם",
    ] {
        assert!(text.matches(part).count() >= 2, "{part}: {text}");
    }
    // Wide characters are never cut in half, and all of them are there, once in what was said and once in the answer.
    assert_eq!(conversation(&text).matches('漢').count(), 2 * 61, "{text}");
    screen.resize(31, 60);
    let text = screen.until("it is folded anew", |text| {
        text.contains("| end") && conversation(text).matches('漢').count() == 2 * 61
    });
    let text = conversation(&text);
    let widths = text
        .lines()
        .map(|row| row.chars().map(columns).sum::<usize>());
    assert!(widths.max() <= Some(31), "{text}");
}

/// How wide a character is, of those here.
fn columns(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' => 0,
        '\u{2e80}'.. => 2,
        _ => 1,
    }
}
