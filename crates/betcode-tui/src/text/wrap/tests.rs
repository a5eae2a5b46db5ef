//! Wrapping: examples and laws.

use proptest::prelude::*;
use ratatui::style::Modifier;

use super::*;
use crate::text::row::copied;

fn rows(text: &str, frame: &Frame) -> Vec<String> {
    let mut rows = Vec::new();
    wrap_text(text, Style::new(), frame, &mut rows);
    rows.iter().map(|row| row.text().to_owned()).collect()
}

#[test]
fn prose_breaks_at_blanks_and_long_words_hard() {
    assert_eq!(
        rows("one two  three averyverylongword x", &Frame::plain(9)),
        ["one two", "three", "averyvery", "longword", "x"]
    );
    assert_eq!(
        rows("  kept at the start", &Frame::plain(9)),
        ["  kept at", "the start"]
    );
    assert_eq!(rows("", &Frame::plain(9)), [""]);
    assert_eq!(rows("a\n\nb", &Frame::plain(9)), ["a", "", "b"]);
}

#[test]
fn wide_characters_break_anywhere_but_before_their_punctuation() {
    assert_eq!(
        rows("漢字漢字。漢字", &Frame::plain(8)),
        ["漢字漢", "字。漢字"]
    );
    assert_eq!(
        rows("👨\u{200d}👩\u{200d}👧🎉🎉", &Frame::plain(4)),
        ["👨\u{200d}👩\u{200d}👧🎉", "🎉"]
    );
}

#[test]
fn a_hanging_indentation_is_decoration() {
    let mut frame = Frame::plain(20);
    frame.first = Row::styled("│ 1. ", Style::new());
    frame.rest = Row::styled("│    ", Style::new()).decorated();
    let mut found = Vec::new();
    wrap_text("some words that wrap", Style::new(), &frame, &mut found);
    assert_eq!(found[0].text(), "│ 1. some words that");
    assert_eq!(found[1].text(), "│    wrap");
    assert_eq!(copied(&found), "│ 1. some words that wrap\n");
}

#[test]
fn tiny_widths_end() {
    assert_eq!(rows("a漢b", &Frame::plain(1)), ["a", "·", "b"]);
    assert_eq!(rows("a b", &Frame::plain(0)).concat(), "");
    let frame = Frame::plain(6).with(Row::styled("│ │ │ │ ", Style::new()).decorated());
    assert_eq!(rows("a b", &frame), ["a b"]);
}

#[test]
fn styles_and_links_go_with_their_text() {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut link = Span::new("linked words", bold);
    link.link = Some("https://example.org".into());
    let mut found = Vec::new();
    wrap(
        &[Span::new("see ", Style::new()), link],
        &Frame::plain(12),
        &mut found,
    );
    let runs: Vec<_> = found.iter().flat_map(Row::runs).collect();
    assert_eq!(
        runs.iter().map(|(text, _)| *text).collect::<Vec<_>>(),
        ["see ", "linked", "words"]
    );
    assert!(
        runs[0].1.link.is_none() && runs[1].1.link == runs[2].1.link && runs[1].1.style == bold
    );
}

fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "word ",
        " ",
        "  ",
        "longerword",
        "漢",
        "字。",
        "🎉",
        "👨\u{200d}👩",
        "\u{301}",
        "e\u{301}",
        "שלום ",
        "🇩",
        "🇪",
        "\n",
        "-",
        "لا",
        "\u{200d}",
        "가",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

fn prefixes() -> impl Strategy<Value = Row> {
    prop::sample::select(vec!["", "│ ", "漢 ", "a very long prefix of a row "])
        .prop_map(|text| Row::styled(text, Style::new()).decorated())
}

proptest! {
    #[test]
    fn no_row_is_too_wide_and_no_text_is_lost(
        text in texts(), split in any::<prop::sample::Index>(), first in prefixes(), rest in prefixes(),
        width in 0..30_u16, verbatim in any::<bool>(),
    ) {
        let frame = Frame { width, first, next: Row::default(), rest, verbatim };
        let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (left, right) = text.split_at(cuts[split.index(cuts.len())]);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let mut rows = Vec::new();
        wrap(&[Span::new(left, Style::new()), Span::new(right, bold)], &frame, &mut rows);
        for row in &rows {
            prop_assert!(row.width() <= usize::from(width), "{row:?}");
        }
        // Some sequences that no script has are wider than two columns.
        let fits = Graphemes(&text).all(|(_, columns)| columns <= usize::from(width).min(LEAST));
        if width >= 2 && fits {
            let found = copied(&rows);
            if verbatim {
                prop_assert_eq!(found, format!("{text}\n"));
            } else {
                let words = |text: &str| text.split('\n').map(|line| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n");
                prop_assert_eq!(words(&found), words(&format!("{text}\n")));
            }
        }
    }
}
