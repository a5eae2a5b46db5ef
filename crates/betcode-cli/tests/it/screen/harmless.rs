//! What agents, tools, files and people write cannot steer the terminal: the bytes that reach it hold none of it.

use betcode_testkit::Screen;

use super::{answered, opened, opened_with, say};
use crate::profile;

/// What would do something to a terminal: titles, colours, the cursor, the clipboard, the other screen, a reset; by escape
/// and by the eight-bit forms of it.
const EVIL: [&str; 12] = [
    "\x1b]0;evil\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;http://evil/\x1b\\",
    "\x1b[33;45mevil",
    "\x1b[7;77H",
    "\x1b[?1049l",
    "\x1b[2J",
    "\x1bc",
    "\x1bPq#0;2;0;0;0evil\x1b\\",
    "\u{9b}7;77H",
    "\u{9d}0;evil\u{9c}",
    "\x07\x08\x0b\x0c\x7f",
];
/// What cannot be seen, or turns the order of what can.
const HIDDEN: [char; 8] = [
    '\u{202e}',
    '\u{202d}',
    '\u{2066}',
    '\u{2069}',
    '\u{200b}',
    '\u{200f}',
    '\u{feff}',
    '\u{e0041}',
];

/// All of it in one text.
fn evil() -> String {
    let hidden: String = HIDDEN.iter().collect();
    format!("begin {}|{hidden}|end", EVIL.join("|"))
}

/// Nothing of it was written to the terminal.
fn is_unharmed(screen: &Screen) {
    screen.look(|terminal| assert!(terminal.alternate_screen()));
    let raw = screen.raw();
    // The only other screen that is left is ours, at the end.
    let text = String::from_utf8(raw).expect("whole characters");
    for sequence in EVIL {
        assert!(!text.contains(sequence), "{sequence:?} was written");
    }
    // One step to the left is how we move the cursor, too.
    let bad = |c: &char| {
        let control = c.is_control() && !matches!(c, '\x1b' | '\r' | '\n' | '\x07' | '\x08');
        control || HIDDEN.contains(c)
    };
    let bad: Vec<_> = text.chars().filter(bad).collect();
    assert!(bad.is_empty(), "{bad:?} were written");
    // What begins with an escape is one of the kinds that we write.
    for part in text.split('\x1b').skip(1) {
        let known = part.starts_with(['[', ']', '\\', '7', '8', '(', '>', '=']);
        let head: String = part.chars().take(20).collect();
        assert!(known, "{head:?} was written behind an escape");
        let title = part.strip_prefix("]0;").or(part.strip_prefix("]2;"));
        assert!(
            title.is_none_or(|title| !title.starts_with("evil")),
            "{head:?}"
        );
        assert!(
            !part.starts_with("]52") && !part.starts_with('P'),
            "{head:?}"
        );
    }
}

/// A text for a double-quoted value of the demo agent.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[test]
fn in_what_an_agent_says_and_a_person_types() {
    let profile = profile();
    let mut screen = opened(&profile);
    // A paste may hold anything but the mark of its end.
    screen.send(format!("\x1b[200~/demo say text=\"{}\"\x1b[201~", quoted(&evil())).as_bytes());
    screen.wait_for("begin");
    is_unharmed(&screen);
    screen.send(b"\r");
    screen.until("it is answered", |text| {
        text.matches("begin").count() >= 2 && text.contains("say something to")
    });
    is_unharmed(&screen);
}

#[test]
fn in_the_output_of_a_tool_and_in_a_permission_and_a_diff() {
    let profile = profile();
    std::fs::write(profile.work().join("evil.txt"), evil()).unwrap();
    let mut screen = opened(&profile);
    say(
        &mut screen,
        "/demo tool command=\"cat evil.txt; echo; echo done-$((6*7))\"",
    );
    answered(&screen, "has run");
    screen.send(b"\x0f");
    screen.wait_for("done-42");
    is_unharmed(&screen);

    let said = format!(
        "\x1b[200~/demo permission command=\"echo {}\"\x1b[201~",
        quoted(&evil())
    );
    screen.send(said.as_bytes());
    screen.wait_for("/demo permission");
    screen.send(b"\r");
    let text = screen.wait_for("yes, once");
    // What is asked is shown to the last character.
    for shown in ["⟨U+202E⟩", "⟨U+200B⟩", "⟨U+001B⟩", "⟨U+009B⟩"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    is_unharmed(&screen);
    screen.wait_for_ready("yes, once");
    screen.send(b"n");
    answered(&screen, "You said");

    let said = format!(
        "\x1b[200~/demo permission tool=Edit file=evil.txt text=\"{}\"\x1b[201~",
        quoted(&evil())
    );
    screen.send(said.as_bytes());
    screen.wait_for("tool=Edit");
    screen.send(b"\r");
    screen.wait_for("yes, once");
    is_unharmed(&screen);
    screen.wait_for_ready("yes, once");
    screen.send(b"y");
    answered(&screen, "with your permission");
    is_unharmed(&screen);
}

#[test]
fn in_titles_and_the_names_of_files_and_directories() {
    let profile = profile();
    let name = evil().replace('/', "");
    // A name has at most 255 bytes.
    let directory = profile.work().join(name.get(..120).unwrap_or("evil"));
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join(name.get(..120).unwrap_or("evil")), "x").unwrap();
    let evil = evil();
    let command = profile.betcode(["--name", &evil]).directory(&directory);
    let mut screen = opened_with(command);
    screen.send(b"@");
    screen.wait_for("❯ begin");
    is_unharmed(&screen);
    screen.send(b"\x1b");
    screen.until("the list is closed", |text| !text.contains("❯ begin"));
    screen.send(b"\x03");
    screen.wait_for("cleared");
    let said = "/demo edit file=\"e\x1b[7;77Hvil\u{202e}.txt\" text=\"a line\"";
    screen.send(format!("\x1b[200~{said}\x1b[201~").as_bytes());
    screen.wait_for("/demo edit");
    screen.send(b"\r");
    answered(&screen, "file is changed");
    is_unharmed(&screen);
    // The list of sessions, with the title.
    screen.send(b"\x13");
    screen.wait_for("Sessions");
    screen.until("the session is in the list", |text| {
        text.matches("begin").count() >= 2
    });
    is_unharmed(&screen);
}
