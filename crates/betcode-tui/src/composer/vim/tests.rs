//! Tests of vim's keys.

use proptest::prelude::*;

use super::super::*;

/// A composer with a text, in normal mode at its beginning.
fn with(text: &str) -> Composer {
    let mut composer = Composer::new(80);
    composer.set_vim(true);
    composer.type_in(text);
    composer.escape();
    composer.undo = Undo::default();
    composer.cursor = 0;
    composer
}

fn after(text: &str, keys: &str) -> Composer {
    let mut composer = with(text);
    press(&mut composer, keys);
    composer
}

/// Presses keys; `\u{1b}` is Escape.
fn press(composer: &mut Composer, keys: &str) {
    for key in keys.chars() {
        if key == '\u{1b}' {
            composer.escape();
        } else if composer.writes() {
            composer.type_in(&key.to_string());
        } else {
            composer.press(key, &[]);
        }
    }
}

#[test]
fn keys_do_what_they_do_in_vim() {
    // Texts, keys, and what vim 9 made of them: the text, and the cursor's byte.
    let measured = include_str!("measured.jsonl");
    let mut count = 0;
    for line in measured.lines() {
        let case: (String, String, String, usize) = serde_json::from_str(line).unwrap();
        let (text, keys, result, cursor) = case;
        let composer = after(&text, &keys);
        assert_eq!(
            (composer.text(), composer.cursor()),
            (result.as_str(), cursor),
            "{keys:?} in {text:?}"
        );
        count += 1;
    }
    assert!(count > 200, "{count}");
}

#[test]
fn operators_take_motions_objects_and_counts() {
    for (text, keys, result) in [
        ("one two three", "dw", "two three"),
        ("one two three", "2dw", "three"),
        ("one two three", "wcwTWO\u{1b}", "one TWO three"),
        ("one two three", "wdiw", "one  three"),
        ("one two three", "wdaw", "one three"),
        ("say \"a b\" now", "fadi\"", "say \"\" now"),
        ("say \"a b\" now", "fada\"", "say now"),
        ("f(a, (b), c)", "fbci(X\u{1b}", "f(a, (X), c)"),
        ("f(a, (b), c)", "fcda(", "f"),
        ("a\n\nb\nc\n\nd", "jjdap", "a\n\nd"),
        ("one two", "wD", "one "),
        ("one two", "wCx\u{1b}", "one x"),
        ("one", "ylp", "oone"),
        ("a\nb", "Yp", "a\na\nb"),
        ("a\nb", "ddp", "b\na"),
        ("abc", "xp", "bac"),
        ("abc", "3rx", "xxx"),
        ("abc", "4rx", "abc"),
        ("aBc", "3~", "AbC"),
        ("a\n  b", "J", "a b"),
        ("a,b,c", "f,;x", "a,bc"),
        ("a,b,c", "$F,,x", "a,bc"),
        ("a,b,c", "dt,", ",b,c"),
        ("grün é!", "wx", "grün !"),
        ("one two", "ve d", "two"),
        ("one two three", "dw.", "three"),
        ("a b", "Ax\u{1b}0.", "a bxx"),
        ("a", "3ix\u{1b}", "xxxa"),
        ("a", "obb\u{1b}Occ\u{1b}", "a\ncc\nbb"),
        ("a\nb\nc", "Gdgg", ""),
        ("a\nb\nc", "2Gdd", "a\nc"),
    ] {
        assert_eq!(after(text, keys).text(), result, "{keys:?} in {text:?}");
    }
}

#[test]
fn undo_takes_back_a_whole_change_and_redo_makes_it_again() {
    let mut composer = after("one two", "wcwmany more words\u{1b}");
    assert_eq!(composer.text(), "one many more words");
    press(&mut composer, "u");
    assert_eq!((composer.text(), composer.cursor()), ("one two", 4));
    press(&mut composer, "\u{12}");
    assert_eq!(composer.text(), "one many more words");
    press(&mut composer, "oand a line\u{1b}x2u");
    assert_eq!(composer.text(), "one many more words");
}

#[test]
fn undo_takes_back_all_that_was_written_before_the_first_escape() {
    let mut composer = Composer::new(80);
    composer.set_vim(true);
    for message in ["the first one", "the next one"] {
        for word in message.split_inclusive(' ') {
            composer.type_in(word);
        }
        composer.escape();
        press(&mut composer, "Aand more\u{1b}uu");
        assert_eq!(composer.text(), "", "{message}");
        press(&mut composer, "\u{12}");
        assert_eq!(composer.text(), message);
        composer.take();
    }
}

#[test]
fn what_is_no_command_is_forgotten_and_escape_forgets_too() {
    let mut composer = after("one two", "d");
    assert_eq!(composer.vim(), Some((Mode::Normal, "d")));
    assert!(composer.escape());
    assert_eq!(composer.vim(), Some((Mode::Normal, "")));
    assert!(!composer.escape(), "there is nothing to get out of");
    assert_eq!(composer.press('d', &[]), Heard::Taken);
    assert_eq!(composer.press('z', &[]), Heard::Nothing);
    press(&mut composer, "w");
    assert_eq!((composer.text(), composer.cursor()), ("one two", 4));
    assert_eq!(composer.press('/', &[]), Heard::Search);
}

#[test]
fn past_the_first_line_are_the_prompts_of_before() {
    let history = ["first".into(), "second".into()];
    let mut composer = with("a\nb");
    composer.press('k', &history);
    assert_eq!((composer.text(), composer.cursor()), ("second", 5));
    composer.press('k', &history);
    assert_eq!(composer.text(), "first");
    for _ in 0..2 {
        composer.press('j', &history);
    }
    assert_eq!(composer.text(), "a\nb");
    assert_eq!(composer.vim(), Some((Mode::Normal, "")));
}

#[test]
fn a_chip_is_one_character_and_comes_back_whole() {
    let mut composer = with("");
    let paste = "line\n".repeat(20);
    composer.paste(&paste);
    press(&mut composer, "x");
    assert!(composer.is_empty());
    press(&mut composer, "p~rx");
    assert_eq!(composer.parts(), [Part::Text(paste)]);
}

#[test]
fn what_is_chosen_is_drawn_and_the_rest_is_not() {
    let composer = after("one two", "ve");
    let theme = Theme::default();
    let look = Look {
        height: 3,
        sign: ">",
        placeholder: "",
    };
    let row = &composer.rows(look, &theme).rows[0];
    let chosen: String = row
        .runs()
        .filter(|(_, run)| run.style == theme.chosen)
        .map(|(text, _)| text)
        .collect();
    assert_eq!(chosen, "one");
}

#[test]
fn the_next_message_begins_in_insert_and_keeps_what_was_cut() {
    let mut composer = after("one two", "dw");
    composer.take();
    assert!(composer.writes());
    composer.escape();
    press(&mut composer, "P");
    assert_eq!(composer.text(), "one ");
}

fn keys() -> impl Strategy<Value = Vec<char>> {
    let known =
        "hjklwbeWBE0^$gGfFtT;,{}123dcyxXDCYpPr~JoOIAaiuv.sS\"'()[]ab \u{12}\u{1b}\u{1b}\u{1b}é";
    let known: Vec<char> = known.chars().collect();
    proptest::collection::vec(proptest::sample::select(known), 0..60)
}

proptest! {
    #[test]
    fn whatever_is_pressed_the_cursor_is_on_a_character_and_all_can_be_undone(
        text in "[a-c(\")é \\n\u{1f469}\u{200d}\u{1f467}]{0,30}",
        keys in keys(),
    ) {
        let mut composer = with(&text);
        for key in keys {
            press(&mut composer, key.encode_utf8(&mut [0; 4]));
            let cursor = composer.cursor();
            prop_assert_eq!(composer.document.aligned(cursor), cursor);
            if !composer.writes() {
                prop_assert_eq!(composer.document.resting(cursor), cursor);
            }
            let look = Look { height: 4, sign: ">", placeholder: "" };
            composer.rows(look, &Theme::default());
        }
        composer.escape();
        composer.escape();
        press(&mut composer, "9999u");
        prop_assert_eq!(composer.text(), text.as_str());
    }
}
