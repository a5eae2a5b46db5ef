//! Changes of files as rows.

use std::fmt::Write as _;

use ratatui::style::{Color, Modifier};
use serde_json::json;

use super::*;
use crate::text::highlight::{NoHighlights, Tints};
use crate::text::row::copied;
use crate::theme::{Depth, Ground, Syntax, Theme};

fn file(lines: &[&str]) -> FileDiff {
    let count = |sign| lines.iter().filter(|line| !line.starts_with(sign)).count();
    let count = |sign| u32::try_from(count(sign)).unwrap();
    let hunk = |start| FileHunk {
        old_start: start,
        old_lines: count('+'),
        new_start: start + 1,
        new_lines: count('-'),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    FileDiff {
        path: "src/auth/login.rs".to_owned(),
        created: false,
        hunks: vec![hunk(8), hunk(1204)],
    }
}

fn example() -> Diff {
    Diff::of(&file(&[
        " fn check(token: &Token) -> bool {",
        "-    token.expires > Clock::start()",
        "+    token.expires > self.clock.now() && !token.revoked && token.audience == self.audience",
        "+    // 漢字 in a comment",
        " }",
        "-old\u{202e}",
        "\\ No newline at end of file",
    ]))
}

/// Rows as text, with marks: `*` bold, `_` underlined, `.` faint, and colours by name.
fn shown(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        for (text, run) in row.runs() {
            let mut marks = String::new();
            for (modifier, mark) in [
                (Modifier::BOLD, '*'),
                (Modifier::UNDERLINED, '_'),
                (Modifier::DIM, '.'),
            ] {
                if run.style.add_modifier.contains(modifier) {
                    marks.push(mark);
                }
            }
            let colour = |colour: Color| match colour {
                Color::Red | Color::Indexed(52) => "r".to_owned(),
                Color::Green | Color::Indexed(22) => "g".to_owned(),
                Color::Indexed(88) => "R".to_owned(),
                Color::Indexed(28) => "G".to_owned(),
                Color::Indexed(246 | 242) => ".".to_owned(),
                other => other.to_string(),
            };
            marks.extend(
                [run.style.fg, run.style.bg]
                    .into_iter()
                    .flatten()
                    .map(colour),
            );
            if marks.is_empty() {
                out.push_str(text);
            } else {
                let _ = write!(out, "‹{marks}:{text}›");
            }
        }
        if row.fill.is_some() {
            out.push('▒');
        }
        out.push_str(if row.continues() { "↩\n" } else { "\n" });
    }
    out
}

fn rows(diff: &Diff, width: u16, sides: bool, theme: &Theme) -> DiffRows {
    diff.rows(width, sides, theme, &mut NoHighlights)
}

#[test]
fn a_change_at_many_widths_and_depths() {
    for (name, depth, ground) in [
        ("none", Depth::None, Ground::Dark),
        ("sixteen", Depth::Sixteen, Ground::Light),
        ("indexed", Depth::Indexed, Ground::Dark),
        ("true_light", Depth::True, Ground::Light),
    ] {
        let theme = Theme::new(depth, ground);
        let mut all = String::new();
        for width in [20, 40, 80, 120] {
            let found = rows(&example(), width, true, &theme);
            assert!(
                found
                    .rows
                    .iter()
                    .all(|row| row.width() <= usize::from(width))
            );
            let _ = writeln!(
                all,
                "{width}: hunks at {:?}\n{}",
                found.hunks,
                shown(&found.rows)
            );
        }
        insta::assert_snapshot!(name, all);
    }
}

#[test]
fn signs_are_copied_and_numbers_are_not() {
    let diff = Diff::between("a.txt", "one\ntwo\n", "one\nthree\n");
    let found = rows(&diff, 40, false, &Theme::default());
    assert_eq!(copied(&found.rows), "a.txt +1 −1\n  one\n- two\n+ three\n");
    let example = example();
    let sides = rows(&example, 120, true, &Theme::default());
    let text = copied(&sides.rows);
    assert!(text.contains("\n+     token.expires > self.clock.now() && !token.revoked && token.audience == self.audience\n"), "{text}");
    assert!(
        !text.contains("Clock::start") && !text.contains('9'),
        "{text}"
    );
}

#[test]
fn inputs_of_tools_are_shown_as_the_change_they_make() {
    let theme = Theme::new(Depth::None, Ground::Dark);
    let mut all = String::new();
    for input in [
        json!({"file_path": "/w/a.rs", "old_string": "let a = 1;\nlet b = 2;\n", "new_string": "let a = 1;\nlet b = 3;\n"}),
        json!({"file_path": "/w/a.rs", "old_string": "x", "new_string": "", "replace_all": true}),
        json!({"file_path": "/w/a.rs", "edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "c\r\nd\r\n", "new_string": "c\r\ne\r\n", "replace_all": true}]}),
        json!({"file_path": "/w/n\new.txt", "content": "one\n\ttwo\u{1b}[2J\r\n"}),
        json!({"file_path": "/w/empty", "content": ""}),
    ] {
        let diff = Diff::of_input(&input).unwrap();
        let _ = writeln!(all, "{}", shown(&rows(&diff, 60, false, &theme).rows));
    }
    insta::assert_snapshot!(all);
    for input in [
        json!({"command": "ls"}),
        json!({"file_path": "/w/a.rs"}),
        json!({"file_path": "/w/a.rs", "edits": [{"old_string": "a", "new_string": "b"}, {"insert": "c"}]}),
        json!("text"),
    ] {
        assert!(Diff::of_input(&input).is_none(), "{input}");
    }
}

#[test]
fn unchanged_lines_far_from_changes_are_left_out() {
    let text = |marks: [&str; 2]| {
        let line = |at: usize| match at {
            5 => marks[0].to_owned(),
            30 => marks[1].to_owned(),
            at => format!("line {at}"),
        };
        (0..40).map(|at| line(at) + "\n").collect::<String>()
    };
    let diff = Diff::between("a", &text(["x", "y"]), &text(["x1", "y1"]));
    let found = rows(&diff, 40, false, &Theme::default());
    assert_eq!(found.hunks, [1, 9]);
    assert_eq!(found.rows.len(), 18);
    assert_eq!(diff.counts(), (2, 2));
}

#[test]
fn large_texts_are_not_compared_and_nothing_is_lost() {
    let diff = Diff::between("a", &"x\n".repeat(3000), &"y\n".repeat(3000));
    assert_eq!(diff.counts(), (3000, 3000));
    assert_eq!(rows(&diff, 40, false, &Theme::default()).rows.len(), 6001);
}

/// Everything is a keyword.
struct Everything(Vec<Tints>);

impl Highlights for Everything {
    fn lines(&mut self, code: &Code<'_>) -> &[Tints] {
        assert_eq!(code.language, "rs");
        &self.0[..code.text.lines().count()]
    }
}

#[test]
fn colours_of_code_are_under_the_tints() {
    let mut all = Everything(vec![[(5, Syntax::Keyword)].into(); 9]);
    let diff = Diff::between("a.rs", "a 12\nb 12 old\n", "a 12\nb 12 new\n");
    let theme = Theme::new(Depth::Indexed, Ground::Dark);
    let found = diff.rows(40, false, &theme, &mut all);
    assert_eq!((found.known, diff.known(&mut all)), (4, 4));
    let keyword = theme.syntax(Syntax::Keyword);
    let styles: Vec<_> = found.rows[3]
        .runs()
        .map(|(text, run)| (text, run.style))
        .collect();
    assert_eq!(
        styles,
        [
            ("+ ", theme.added),
            ("b 12 ", theme.added.patch(keyword)),
            ("new", theme.added_word)
        ]
    );
    let sixteen = Theme::new(Depth::Sixteen, Ground::Dark);
    let found = diff.rows(40, false, &sixteen, &mut all);
    assert!(
        found.rows[3]
            .runs()
            .all(|(_, run)| run.style.fg == sixteen.added.fg)
    );
}
