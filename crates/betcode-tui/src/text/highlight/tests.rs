//! Colours of code, found by the real thread.

use std::sync::Mutex;
use std::time::Duration;

use super::*;

/// A highlighter, and what is woken by it.
fn highlighter() -> (Highlighter, Receiver<()>) {
    let (told, woken) = channel();
    let told = Mutex::new(told);
    let wake = Arc::new(move || {
        if let Ok(told) = told.lock() {
            told.send(()).ok();
        }
    });
    (Highlighter::new(wake), woken)
}

fn code(id: CodeId, text: &str) -> Code<'_> {
    Code {
        id,
        language: "rust",
        text,
        whole: false,
    }
}

/// Asks until as many lines are known, waiting to be woken in between.
fn known(
    highlighter: &mut Highlighter,
    woken: &Receiver<()>,
    code: &Code<'_>,
    lines: usize,
) -> Vec<Tints> {
    loop {
        let found = highlighter.lines(code);
        if found.len() >= lines {
            return found.to_vec();
        }
        woken.recv_timeout(Duration::from_mins(1)).unwrap();
    }
}

fn told(line: &str, tints: &Tints) -> Vec<(String, Syntax)> {
    let mut at = 0;
    tints
        .iter()
        .map(|(bytes, what)| {
            let from = at;
            at += usize::try_from(*bytes).unwrap();
            (line[from..at].to_owned(), *what)
        })
        .filter(|(_, what)| *what != Syntax::Plain)
        .collect()
}

#[test]
fn lines_are_coloured_off_the_thread_that_asks_and_growing_blocks_go_on() {
    let (mut highlighter, woken) = highlighter();
    let id = CodeId::fresh();
    let first = "fn main() { let x = \"ä\"; // 1\n/* a\n";
    assert!(highlighter.lines(&code(id, first)).is_empty());
    let lines = known(&mut highlighter, &woken, &code(id, first), 2);
    assert_eq!(
        told("fn main() { let x = \"ä\"; // 1", &lines[0]),
        [
            ("fn", Syntax::Keyword),
            ("main", Syntax::Function),
            ("let", Syntax::Keyword),
            ("\"ä\"", Syntax::Text),
            ("// 1", Syntax::Comment)
        ]
        .map(|(text, what)| (text.to_owned(), what))
    );
    let more = format!("{first}b */ 12\n");
    let lines = known(&mut highlighter, &woken, &code(id, &more), 3);
    assert_eq!(
        told("b */ 12", &lines[2]),
        [
            ("b */".to_owned(), Syntax::Comment),
            ("12".to_owned(), Syntax::Constant)
        ]
    );
}

#[test]
fn a_block_that_is_another_one_suddenly_is_coloured_anew() {
    let (mut highlighter, woken) = highlighter();
    let id = CodeId::fresh();
    known(
        &mut highlighter,
        &woken,
        &code(id, "/* comment\nstill\n"),
        2,
    );
    let lines = known(&mut highlighter, &woken, &code(id, "let\n"), 1);
    assert_eq!(
        told("let", &lines[0]),
        [("let".to_owned(), Syntax::Keyword)]
    );
}

#[test]
fn unknown_languages_and_large_blocks_are_plain() {
    let (mut highlighter, woken) = highlighter();
    let unknown = Code {
        id: CodeId::fresh(),
        language: "no such",
        text: "fn\n",
        whole: true,
    };
    assert_eq!(
        known(&mut highlighter, &woken, &unknown, 1),
        [Tints::default()]
    );
    let large = "x\n".repeat(LARGEST);
    assert!(highlighter.lines(&code(CodeId::fresh(), &large)).is_empty());
    assert_eq!(highlighter.blocks.len(), 1);
}

#[test]
fn what_is_kept_is_bounded_and_what_was_used_last_stays() {
    let (mut highlighter, woken) = highlighter();
    highlighter.kept = 2000;
    let ids: Vec<CodeId> = (0..50).map(|_| CodeId::fresh()).collect();
    for id in &ids {
        known(&mut highlighter, &woken, &code(*id, "fn a() {}\n"), 1);
        known(&mut highlighter, &woken, &code(ids[0], "fn a() {}\n"), 1);
    }
    assert!(highlighter.bytes <= 2200, "{}", highlighter.bytes);
    let bytes: usize = highlighter.blocks.values().map(|known| known.bytes).sum();
    assert_eq!(bytes, highlighter.bytes);
    assert!(highlighter.blocks.contains_key(&ids[0]) && !highlighter.blocks.contains_key(&ids[1]));
}

#[test]
fn the_languages_agents_write_are_known() {
    let (mut highlighter, woken) = highlighter();
    for (language, text) in [
        ("rust", "fn"),
        ("sh", "if true; then"),
        ("bash", "if true; then"),
        ("shell", "if true; then"),
        ("python", "def f():"),
        ("js", "const x = 1"),
        ("ts", "const x = 1"),
        ("tsx", "const x = 1"),
        ("json", "{\"a\": 1}"),
        ("toml", "a = 1"),
        ("yaml", "a: 1"),
        ("go", "func f() {}"),
        ("c", "int x;"),
        ("cpp", "int x;"),
        ("c++", "int x;"),
        ("java", "class A {}"),
        ("html", "<a>"),
        ("css", "a { color: red }"),
        ("sql", "SELECT 1"),
        ("diff", "+a"),
        ("dockerfile", "FROM a"),
        ("kotlin", "fun f() {}"),
        ("swift", "func f() {}"),
        ("ruby", "def f"),
        ("php", "<?php echo 1;"),
        ("proto", "message A {}"),
        ("makefile", "a: b"),
        ("md", "# a"),
    ] {
        let text = format!("{text}\n");
        let code = Code {
            id: CodeId::fresh(),
            language,
            text: &text,
            whole: true,
        };
        let lines = known(&mut highlighter, &woken, &code, 1);
        assert_ne!(lines[0], Tints::default(), "{language}");
    }
}

#[test]
fn what_was_found_in_a_burst_is_handed_out_over_frames() {
    let (mut highlighter, woken) = highlighter();
    let id = CodeId::fresh();
    let text = "let x = 1;\n".repeat(2 * LINES + 10);
    highlighter.begin_frame();
    assert!(highlighter.lines(&code(id, &text)).is_empty());
    let mut handed = Vec::new();
    while handed.last() != Some(&(2 * LINES + 10)) {
        woken.recv_timeout(Duration::from_mins(1)).unwrap();
        highlighter.begin_frame();
        handed.push(highlighter.lines(&code(id, &text)).len());
        // Asked once more, the same frame gets no more.
        assert_eq!(
            highlighter.lines(&code(id, &text)).len(),
            handed[handed.len() - 1]
        );
    }
    assert_eq!(handed, [LINES, 2 * LINES, 2 * LINES + 10]);
}
