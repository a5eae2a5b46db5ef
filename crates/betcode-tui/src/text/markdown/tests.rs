//! Markdown: what it looks like, and that it makes no difference how it comes.

use std::fmt::Write as _;

use proptest::prelude::*;
use ratatui::style::Modifier;

use super::tail::Open;
use super::*;
use crate::text::highlight::{Code, NoHighlights, Tints};
use crate::text::row::copied;
use crate::theme::{Depth, Ground, Syntax};

/// Markdown as it comes.
const CORPUS: [&str; 6] = [
    include_str!("corpus/answer.txt"),
    include_str!("corpus/lists.txt"),
    include_str!("corpus/tables.txt"),
    include_str!("corpus/code.txt"),
    include_str!("corpus/wide.txt"),
    include_str!("corpus/odd.txt"),
];

fn theme() -> Theme {
    Theme::new(Depth::Sixteen, Ground::Dark)
}

fn rows(markdown: &mut Markdown, width: u16) -> Vec<Row> {
    let count = markdown.layout(width, &theme(), &mut NoHighlights);
    let rows: Vec<Row> = markdown.rows(0).cloned().collect();
    assert_eq!(rows.len(), count);
    rows
}

/// Rows as text, with marks for bold `*`, italic `/`, struck `~`, underlined `_`, faint `.`, coloured `#`.
fn shown(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        for (text, run) in row.runs() {
            let style = run.style;
            let mut marks = String::new();
            for (modifier, mark) in [
                (Modifier::BOLD, '*'),
                (Modifier::ITALIC, '/'),
                (Modifier::CROSSED_OUT, '~'),
                (Modifier::UNDERLINED, '_'),
                (Modifier::DIM, '.'),
            ] {
                if style.add_modifier.contains(modifier) {
                    marks.push(mark);
                }
            }
            if style.fg.is_some() {
                marks.push('#');
            }
            if marks.is_empty() {
                out.push_str(text);
            } else {
                let _ = write!(out, "‹{marks}{text}›");
            }
        }
        out.push_str(if row.continues() { "↩\n" } else { "\n" });
    }
    out
}

#[test]
fn real_texts_at_many_widths() {
    for (name, text) in ["answer", "lists", "tables", "code", "wide", "odd"]
        .into_iter()
        .zip(CORPUS)
    {
        for width in [20, 40, 80, 120] {
            let mut markdown = Markdown::whole(text);
            insta::assert_snapshot!(
                format!("{name}_{width}"),
                shown(&rows(&mut markdown, width))
            );
        }
    }
}

#[test]
fn an_open_end_is_drawn_as_it_will_be() {
    let mut all = String::new();
    for text in [
        "some **bold te",
        "text\n\n- a\n- ",
        "text\n-",
        "```rust\nfn main() {\n    let",
        "```rust\nlet x = 1;\n``",
        "1. one\n2. two **thr",
        "| a | b |\n|---|--",
        "| a | b |\n|---|---|\n| 1 | 2",
        "see [text](https://exam",
    ] {
        let mut markdown = Markdown::new();
        markdown.push(text);
        let _ = writeln!(all, "{text:?}\n{}", shown(&rows(&mut markdown, 40)));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn lines_stay_lines_in_text_in_items_and_in_quotes() {
    let text = "one **two\nthree** four<br>\nfive\n\n- item\n  goes on\n\n> said\n> so\n";
    let lines = [
        "one two",
        "three four",
        "five",
        "",
        "• item",
        "  goes on",
        "",
        "▌ said",
        "▌ so",
    ];
    for width in [30, 80] {
        let drawn = rows(&mut Markdown::whole(text), width);
        assert_eq!(drawn.iter().map(Row::text).collect::<Vec<_>>(), lines);
    }
    let spoken = Markdown::whole(text).spoken(0..usize::MAX);
    let lines = [
        "one two",
        "three four",
        "five",
        "- item",
        "  goes on",
        "Quote:",
        "said",
        "so",
        "End of the quote.",
    ];
    assert_eq!(spoken, lines);
}

#[test]
fn code_is_copied_without_its_gutter_and_as_it_was() {
    let mut markdown = Markdown::whole("```rust\nfn main() { a_long_line(); }\n\n\tx\n```\n");
    assert_eq!(
        copied(&rows(&mut markdown, 20)),
        "fn main() { a_long_line(); }\n\n    x\n"
    );
}

#[test]
fn nothing_harmful_comes_through_entities_or_links() {
    let mut markdown = Markdown::whole(
        "a&#27;[2Jb &#x202e;c\n\n[x](javascript:alert) [y](https://example.org/&#27;x) <https://example.org>\n\n```a&#27;b\nx\n```\n",
    );
    let rows = rows(&mut markdown, 80);
    assert!(rows.iter().all(|row| {
        !row.text()
            .contains(|c: char| c.is_control() || c == '\u{202e}')
    }));
    let links: Vec<_> = rows
        .iter()
        .flat_map(Row::runs)
        .filter_map(|(_, run)| run.link.clone())
        .collect();
    assert_eq!(links, ["https://example.org".into()]);
}

#[test]
fn bare_addresses_are_links_without_the_punctuation_behind_them() {
    let mut markdown = Markdown::whole(
        "See https://example.org/a_b(c)?d=ä, (http://x.example/y). Not `https://code.example` or xhttps://z or https://.\n",
    );
    let rows = rows(&mut markdown, 200);
    let links = rows.iter().flat_map(Row::runs);
    let links: Vec<_> = links
        .filter_map(|(text, run)| Some((text, run.link.as_deref()?)))
        .collect();
    assert_eq!(
        links,
        [
            (
                "https://example.org/a_b(c)?d=ä",
                "https://example.org/a_b(c)?d=%C3%A4"
            ),
            ("http://x.example/y", "http://x.example/y"),
        ]
    );
}

#[test]
fn a_finished_block_is_laid_out_once_and_a_new_width_does_it_again() {
    let mut markdown = Markdown::new();
    markdown.push("one two three\n\nfour\n\nfive");
    assert_eq!(rows(&mut markdown, 80).len(), 5);
    let first = markdown.body.parts[0].rows.as_ref().map(Vec::as_ptr);
    markdown.push(" six");
    rows(&mut markdown, 80);
    assert_eq!(markdown.body.parts[0].rows.as_ref().map(Vec::as_ptr), first);
    assert_eq!(rows(&mut markdown, 8).len(), 6);
    assert_eq!(markdown.rows(5).count(), 1);
    markdown.forget_rows();
    assert_eq!(markdown.rows(0).count(), 0);
    assert_eq!(rows(&mut markdown, 80).len(), 5);
}

#[test]
fn long_lists_are_not_parsed_from_their_beginning() {
    let mut markdown = Markdown::new();
    for item in 1..=500 {
        markdown.push(&format!("1. item {item}\n"));
    }
    assert!(
        markdown.body.tail.source.len() < 20,
        "{:?}",
        markdown.body.tail.source
    );
    markdown.finish();
    let rows = rows(&mut markdown, 80);
    assert_eq!(rows.len(), 500);
    assert_eq!(rows[499].text(), "500. item 500");
}

#[test]
fn a_long_block_that_is_searched_seldom_gives_the_same_rows() {
    let quote = "> one line of many\n".repeat(500);
    let text = format!("{quote}\nbehind **it**\n\n{quote}\n```\n{quote}```\n- end\n");
    let mut pieces = Markdown::new();
    for line in text.split_inclusive('\n') {
        pieces.push(line);
    }
    assert!(pieces.body.parts.len() >= 4);
    pieces.finish();
    assert_eq!(shown(&rows(&mut pieces, 40)), shown(&uncut_at(&text, 40)));
}

#[test]
fn deep_nesting_ends() {
    for text in [
        "> ".repeat(5000) + "x",
        "- ".repeat(2000) + "x",
        "*a ".repeat(5000) + &"b* ".repeat(5000),
        "[".repeat(5000) + &"](x)".repeat(5000),
        "*a **b ".repeat(3000) + &"c** d* ".repeat(3000),
    ] {
        assert!(!rows(&mut Markdown::whole(&text), 20).is_empty());
    }
}

/// Knows the first lines of everything.
struct Knows(Vec<Tints>);

impl Highlights for Knows {
    fn lines(&mut self, code: &Code<'_>) -> &[Tints] {
        let lines = code.text.lines().count().min(self.0.len());
        &self.0[..lines]
    }
}

#[test]
fn colours_come_when_they_are_known() {
    let tints: Tints = [(2, Syntax::Keyword), (1000, Syntax::Text)].into();
    for text in [
        "```rust\nfn a\nfn b\nfn c\n",
        "```rust\nfn a\nfn b\nfn c\n```\n\nend",
        "- x\n  ```rust\n  fn a\n  fn b\n  fn c\n",
    ] {
        let mut markdown = Markdown::new();
        markdown.push(text);
        let coloured = |markdown: &mut Markdown, lines: usize| {
            markdown.layout(40, &theme(), &mut Knows(vec![tints.clone(); lines]));
            let keyword = theme().syntax(Syntax::Keyword);
            markdown
                .rows(0)
                .filter(|row| {
                    row.runs()
                        .any(|(text, run)| text == "fn" && run.style == keyword)
                })
                .count()
        };
        for lines in [0, 1, 3] {
            assert_eq!(coloured(&mut markdown, lines), lines, "{text:?}");
        }
        markdown.push("");
        markdown.finish();
        assert_eq!(coloured(&mut markdown, 3), 3, "{text:?}");
    }
}

fn in_cuts<'a>(text: &'a str, cuts: &[prop::sample::Index]) -> Vec<&'a str> {
    let ends: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| ends[cut.index(ends.len())]).collect();
    cuts.push(text.len());
    cuts.sort_unstable();
    let mut from = 0;
    cuts.into_iter()
        .map(|cut| &text[std::mem::replace(&mut from, cut)..cut])
        .collect()
}

fn in_pieces(text: &str, cuts: &[prop::sample::Index], look: bool) -> Markdown {
    let mut markdown = Markdown::new();
    for piece in in_cuts(text, cuts) {
        markdown.push(piece);
        if look {
            rows(&mut markdown, 24);
        }
    }
    markdown.finish();
    markdown
}

/// The rows of a parse that is never cut.
fn uncut(text: &str) -> Vec<Row> {
    uncut_at(text, 24)
}

fn uncut_at(text: &str, width: u16) -> Vec<Row> {
    let mut markdown = Markdown::new();
    sanitize::Stream::default().push(text, &mut markdown.body.tail.source);
    markdown.body.tail.drop_blank_lines();
    markdown.finish();
    rows(&mut markdown, width)
}

fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "word ",
        "\n",
        "\n",
        "\n\n",
        "- ",
        "* ",
        "1. ",
        "2) ",
        "  ",
        "    ",
        "> ",
        "# ",
        "---\n",
        "===\n",
        "```\n",
        "```",
        "~~~\n",
        "`",
        "**",
        "*",
        "_",
        "| a | b |\n",
        "|---|---|\n",
        "|",
        "<div>\n",
        "<br>",
        "<!--",
        "-->",
        "[x](y)",
        "\\",
        "&amp;",
        "漢字",
        "- [ ] ",
        "\t",
        "![i](u)",
        "\u{1b}[1m",
        "\r\n",
        "<pre>",
        "10. ",
    ]);
    prop::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_pieces_give_the_rows_of_the_whole(text in texts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let whole = rows(&mut Markdown::whole(&text), 24);
        let pieces = rows(&mut in_pieces(&text, &cuts, true), 24);
        prop_assert_eq!(shown(&whole), shown(&pieces));
        prop_assert_eq!(shown(&whole), shown(&uncut(&text)));
    }

    #[test]
    fn no_row_is_too_wide_or_steers_the_terminal(text in texts(), width in 0..30_u16) {
        let mut open = Markdown::new();
        open.push(&text);
        for markdown in [&mut open, &mut Markdown::whole(&text)] {
            for row in rows(markdown, width) {
                prop_assert!(row.width() <= usize::from(width), "{row:?}");
                prop_assert!(!row.text().contains(char::is_control), "{row:?}");
            }
        }
    }
}

/// The rows of an open text that is parsed and wrapped as a whole.
fn at_once(text: &str, width: u16) -> Vec<Row> {
    let mut markdown = Markdown::new();
    for c in text.chars() {
        markdown.push(c.encode_utf8(&mut [0; 4]));
        if let Open::Text(_) = markdown.body.tail.open {
            markdown.body.tail.open = Open::Any;
        }
    }
    rows(&mut markdown, width)
}

/// Text as agents write it, with marks that may be open at any cut.
fn paragraphs() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "a",
        "word",
        "longer-word",
        "snake_case_name",
        "2",
        "*",
        "**bold**",
        "**",
        "*it",
        "al*",
        "_x_",
        "__",
        "`",
        "`code`",
        "``",
        "`*`",
        "~5",
        "~~gone~~",
        "~~",
        "~",
        "[text](https://x.example/_a_)",
        "[text",
        "](y)",
        "[x]",
        "!",
        "![i](u)",
        "<b>",
        "<",
        ">",
        "<!--",
        "\\",
        "\\*",
        "&amp;",
        "&#27;[1m",
        "https://x.example/a_b*c.",
        "漢字漢字",
        "。",
        "“**",
        "**。",
        "é",
        "\t",
        "(",
        ")",
        "|",
        "a|b",
        "-",
        "---",
        "===",
        "1.",
        "12)",
        "#",
        "```",
        "***",
        "🎉",
        "e\u{301}",
        "\u{301}",
        "\u{903}",
        "&Tab;",
        "<br>",
        "<br>\n",
        "&zwj;\n",
        "12 ",
        "\u{a0}",
        "*a*b*",
    ]);
    let between = prop::sample::select(vec![
        " ", " ", " ", " ", " ", "", "  ", "\n", "\n", "\n  ", "  \n", "\\\n", "\n\n",
    ]);
    prop::collection::vec((words, between), 0..40)
        .prop_map(|words| words.into_iter().flat_map(<[&str; 2]>::from).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn open_code_has_the_rows_of_the_whole_as_far_as_it_is_there(
        lines in prop::collection::vec(prop::sample::select(vec![
            "", "    a", "      b c", "    ", "      ", "    -- x", "    漢字", "  ", "    ```", "    *x", "     1.....",
        ]), 0..12),
        behind in prop::sample::select(vec!["", "x", "  x", "- x", "```\nx", "\t x", "    y"]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        width in 1..40_u16,
    ) {
        let text = format!("    first\n{}\n{behind}", lines.join("\n"));
        let mut pieces = Markdown::new();
        for piece in in_cuts(&text, &cuts) {
            pieces.push(piece);
            rows(&mut pieces, width);
        }
        // Marks at the end are closed where it is not certain that they are in code.
        if !behind.contains(['`', '\t']) {
            prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&uncut_at(&text, width)));
        }
        pieces.finish();
        prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&uncut_at(&text, width)));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn an_open_table_has_the_rows_of_the_whole_however_it_came(
        lines in prop::collection::vec(prop::sample::select(vec![
            "| a | b |", "| a |", "|a|b|c|", "| **bold** | `x` |", "|", "| 漢字漢字 | long words in a cell |", "| a\\|b | c", "||",
        ]), 0..12),
        many in prop::sample::select(vec![0_usize, 0, 0, 198, 230]),
        behind in prop::sample::select(vec!["", "", "\nx", "x", "|", "| y", "  ", "\n\n- z", "> q"]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        width in 1..60_u16,
    ) {
        let many = "| m | n |\n".repeat(many);
        let text = format!("intro\n\n| one | two |\n|---|:-:|\n{many}{}\n{behind}", lines.join("\n"));
        let mut pieces = Markdown::new();
        for piece in in_cuts(&text, &cuts) {
            pieces.push(piece);
            rows(&mut pieces, width);
        }
        let mut whole = Markdown::new();
        for c in text.chars() {
            whole.push(c.encode_utf8(&mut [0; 4]));
            if let Open::Table(_) = whole.body.tail.open {
                whole.body.tail.open = Open::Any;
            }
        }
        prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&rows(&mut whole, width)));
        pieces.finish();
        prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&uncut_at(&text, width)));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_open_text_has_the_rows_of_the_whole_however_it_came(
        text in prop_oneof![paragraphs(), texts()],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        width in 1..60_u16,
    ) {
        let mut pieces = Markdown::new();
        for piece in in_cuts(&text, &cuts) {
            pieces.push(piece);
            rows(&mut pieces, width);
        }
        // What is open may be code by now, which has a law of its own.
        if let Open::Text(_) | Open::Any = pieces.body.tail.open {
            prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&at_once(&text, width)));
        }
        pieces.finish();
        prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&uncut_at(&text, width)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn real_texts_come_in_any_pieces(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..200)) {
        for text in CORPUS {
            let whole = rows(&mut Markdown::whole(text), 24);
            prop_assert_eq!(shown(&whole), shown(&uncut(text)));
            prop_assert_eq!(shown(&whole), shown(&rows(&mut in_pieces(text, &cuts, false), 24)));
        }
    }
}

#[test]
fn marks_become_words_and_nothing_is_drawn() {
    let text = "# Plan\n\nRead **all** of [the page](https://a.example/x), not `old`.\n\n\
        1. first\n2. second\n   - inner\n\n- [x] parsed\n- [ ] drawn\n\n> one line\n\n\
        ```rust\nfn a() {}\n```\n\n| Name | Size |\n|---|---|\n| a | 1 |\n\n---\n\n~~gone~~ https://b.example\n";
    let lines = Markdown::whole(text).spoken(0..usize::MAX);
    let wanted = [
        "Heading: Plan",
        "Read all of the page (link to https://a.example/x), not old.",
        "1. first",
        "2. second",
        "  - inner",
        "- done: parsed",
        "- to do: drawn",
        "Quote: one line",
        "Code in rust:",
        "fn a() {}",
        "End of the code.",
        "Table: Name, Size",
        "Row 1. Name: a; Size: 1",
        "End of the table.",
        "Section break.",
        "(struck out: gone) https://b.example",
    ];
    assert_eq!(lines, wanted);
}

/// Texts within quotations and items, with what may end them.
fn nested() -> impl Strategy<Value = String> {
    let lines = prop::sample::select(vec![
        "> word **and** more",
        "> ",
        ">",
        ">x",
        " > - a",
        "> - b `c",
        ">   d",
        "> ```",
        "> | a | b |",
        "> |---|---|",
        "> # h",
        "> > deeper words here",
        "lazy",
        "- word *and* more",
        "- [ ] task",
        "  goes on",
        "   on",
        "    code",
        "  - inner",
        "    inner goes on",
        "  > quoted",
        "  ```rust",
        "1. one",
        "2. two",
        "   three",
        "10) ten",
        "* star",
        "",
        "",
        "  ",
        ">\tt",
        "\tt",
        "-",
        "---",
        "===",
        "  1. x",
        "> 漢字漢字漢字",
        "-     code",
        "      deep",
    ]);
    let ends = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", ""]);
    prop::collection::vec((lines, ends), 0..14)
        .prop_map(|lines| lines.into_iter().flat_map(<[&str; 2]>::from).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_open_within_others_has_the_rows_of_the_whole_however_it_came(
        text in nested(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        width in 1..60_u16,
    ) {
        let mut pieces = Markdown::new();
        for piece in in_cuts(&text, &cuts) {
            pieces.push(piece);
            rows(&mut pieces, width);
        }
        prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&at_once(&text, width)));
        // What is certain is drawn as it will be: an open end closes what it has opened.
        let is_certain = text.ends_with('\n') && !text.contains(['`', '*']);
        if is_certain && let Open::Nested(_) = pieces.body.tail.open {
            prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&parsed_at_once(&text, width)));
        }
        pieces.finish();
        prop_assert_eq!(shown(&rows(&mut pieces, width)), shown(&uncut_at(&text, width)));
    }
}

/// The rows of an open text whose end is parsed as a whole, whatever it is.
fn parsed_at_once(text: &str, width: u16) -> Vec<Row> {
    let mut markdown = Markdown::new();
    markdown.push(text);
    markdown.body.tail.open = Open::Any;
    rows(&mut markdown, width)
}

#[test]
fn of_an_open_quotation_or_item_only_the_end_is_laid_out_again() {
    for (line, next) in [
        ("> some words\n", ""),
        ("- word", " word"),
        ("1. one\n", "   more of it\n"),
        ("> - a", " b"),
    ] {
        let mut markdown = Markdown::new();
        markdown.push(line);
        for _ in 0..500 {
            markdown.push(if next.is_empty() { line } else { next });
            rows(&mut markdown, 40);
        }
        let mut tail = &markdown.body.tail;
        while let Open::Nested(nested) = &tail.open {
            tail = &nested.body.tail;
        }
        assert!(
            matches!(tail.open, Open::Text(_)),
            "{line:?}: {:?}",
            tail.open
        );
    }
}

#[test]
fn code_that_has_ended_keeps_the_rows_it_had_while_it_was_open() {
    let mut markdown = Markdown::new();
    markdown.push("```rust\nfn a\nfn b\n");
    rows(&mut markdown, 40);
    let first = markdown
        .body
        .tail
        .rows(0)
        .next()
        .map(|row| row.text().as_ptr());
    markdown.push("```\n");
    let rows = markdown.body.parts[0].rows.as_ref().unwrap();
    assert_eq!(rows.first().map(|row| row.text().as_ptr()), first);
}

#[test]
fn what_is_read_aloud_does_not_depend_on_how_it_came() {
    for text in CORPUS {
        let whole = Markdown::whole(text).spoken(0..usize::MAX);
        let mut grown = Markdown::new();
        let (mut spoken, mut from) = (Vec::new(), 0);
        for c in text.chars() {
            grown.push(c.encode_utf8(&mut [0; 4]));
            let blocks = grown.blocks();
            spoken.extend(grown.spoken(from..blocks));
            from = blocks;
        }
        grown.finish();
        spoken.extend(grown.spoken(from..usize::MAX));
        assert_eq!(spoken, whole);
        let control = |line: &String| line.contains(|c: char| c.is_control() && c != '\t');
        assert!(!spoken.iter().any(control));
    }
}

#[test]
fn a_box_alone_in_its_line_is_followed_by_its_text() {
    for text in ["- [ ] \n  x", "- [ ] \n  x\n\n- [x] \r\n  y"] {
        let rows = shown(&uncut_at(text, 20));
        assert!(rows.starts_with("‹.☐ ›x\n"), "{rows:?}");
        assert_eq!(rows, shown(&at_once(text, 20)));
    }
}
