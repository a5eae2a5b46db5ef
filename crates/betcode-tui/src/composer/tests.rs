//! Tests of the editor.

use proptest::prelude::*;
use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation as _;

use super::*;

const LOOK: Look<'static> = Look {
    height: 6,
    sign: "❯",
    placeholder: "Ask anything",
};

fn written(text: &str) -> Composer {
    let mut composer = Composer::new(20);
    composer.type_in(text);
    composer
}

fn sent(composer: &Composer) -> String {
    let texts = composer.parts().into_iter().map(|part| match part {
        Part::Text(text) => text,
        Part::Attachment(attachment) => format!("<{}>", attachment.id),
    });
    texts.collect()
}

fn act(composer: &mut Composer, actions: &[Action]) {
    for action in actions {
        composer.act(*action, &[]);
    }
}

fn screen(composer: &Composer) -> Vec<String> {
    let drawn = composer.rows(LOOK, &Theme::default());
    drawn.rows.iter().map(|row| row.text().to_owned()).collect()
}

fn lines(count: usize) -> String {
    let lines: Vec<String> = (0..count).map(|line| format!("line {line}\n")).collect();
    lines.concat()
}

#[test]
fn typing_is_undone_word_by_word_and_done_again() {
    let mut composer = Composer::new(40);
    for character in "one two three".chars() {
        composer.type_in(&character.to_string());
    }
    act(&mut composer, &[Action::Undo]);
    assert_eq!(composer.text(), "one two ");
    act(&mut composer, &[Action::Undo]);
    assert_eq!(composer.text(), "one ");
    act(&mut composer, &[Action::Redo, Action::Redo]);
    assert_eq!(composer.text(), "one two three");
    act(&mut composer, &[Action::Undo]);
    composer.type_in("x");
    assert!(!composer.act(Action::Redo, &[]));
    assert_eq!(composer.text(), "one two x");
}

#[test]
fn a_run_of_backspaces_is_one_step() {
    let mut composer = written("grüße");
    act(&mut composer, &[Action::Backspace; 3]);
    assert_eq!(composer.text(), "gr");
    act(&mut composer, &[Action::Undo]);
    assert_eq!((composer.text(), composer.cursor()), ("grüße", 7));
}

#[test]
fn the_cursor_moves_by_what_is_seen_as_one_character() {
    let mut composer = written("a👨‍👩‍👧e\u{301}");
    let mut places = vec![composer.cursor()];
    while composer.act(Action::Left, &[]) {
        places.push(composer.cursor());
    }
    assert_eq!(places, [22, 19, 1, 0]);
    act(&mut composer, &[Action::Right, Action::Delete]);
    assert_eq!(composer.text(), "ae\u{301}");
}

#[test]
fn words_are_moved_over_and_cut_and_cuts_in_a_row_are_one() {
    let mut composer = written("let total = sum(a, b);");
    act(&mut composer, &[Action::CutWordLeft, Action::CutWordLeft]);
    assert_eq!(composer.text(), "let total = sum(");
    act(&mut composer, &[Action::Start, Action::Yank]);
    assert_eq!(composer.text(), "a, b);let total = sum(");
    act(
        &mut composer,
        &[Action::Start, Action::WordRight, Action::WordRight],
    );
    assert_eq!(composer.cursor(), 4);
    act(&mut composer, &[Action::CutToLineEnd, Action::Undo]);
    assert_eq!(composer.text(), "a, b);let total = sum(");
}

#[test]
fn cutting_at_the_border_of_a_line_joins_it_with_its_neighbour() {
    let mut composer = written("a\nb\nc");
    act(&mut composer, &[Action::LineStart, Action::CutToLineStart]);
    assert_eq!(composer.text(), "a\nbc");
    act(
        &mut composer,
        &[Action::Start, Action::LineEnd, Action::CutToLineEnd],
    );
    assert_eq!(composer.text(), "abc");
}

#[test]
fn a_long_paste_is_one_place_and_sent_whole() {
    let mut composer = written("see ");
    composer.paste(&lines(240).replace('\n', "\r\n"));
    composer.type_in("!");
    assert_eq!(screen(&composer), ["❯ see ", "  [pasted 240 line…", "  !"]);
    assert_eq!(sent(&composer), format!("see {}!", lines(240)));
    act(&mut composer, &[Action::Left, Action::Left]);
    assert_eq!(composer.cursor(), 4);
    act(&mut composer, &[Action::Delete]);
    assert_eq!(sent(&composer), "see !");
    act(&mut composer, &[Action::Undo]);
    assert_eq!(sent(&composer), format!("see {}!", lines(240)));
}

#[test]
fn a_folded_paste_elsewhere_unfolds_too_and_the_cursor_stays_where_it_is() {
    let mut composer = written("see ");
    composer.paste(&lines(11));
    composer.type_in(" and then");
    composer.paste(&lines(12));
    composer.type_in(" write");
    assert!(composer.act(Action::Unfold, &[]));
    assert!(composer.text().ends_with(&format!("{} write", lines(12))));
    composer.type_in("!");
    assert!(composer.text().ends_with(" write!"));
    act(&mut composer, &[Action::LineStart]);
    assert!(composer.act(Action::Unfold, &[]));
    assert!(composer.text().starts_with(&format!("see {}", lines(11))));
    assert!(!composer.act(Action::Unfold, &[]));
    let mut composer = written("");
    composer.paste(&lines(11));
    act(&mut composer, &[Action::LineStart]);
    composer.type_in("see ");
    assert!(composer.act(Action::Unfold, &[]));
    assert_eq!(composer.text(), format!("see {}", lines(11)));
}

#[test]
fn a_folded_paste_under_or_before_the_cursor_unfolds() {
    for moves in [&[][..], &[Action::Left]] {
        let mut composer = written("");
        composer.paste(&lines(11));
        act(&mut composer, moves);
        assert!(composer.act(Action::Unfold, &[]));
        assert_eq!(composer.text(), lines(11));
        assert!(!composer.act(Action::Unfold, &[]));
        act(&mut composer, &[Action::Undo]);
        assert_eq!(composer.text(), "\u{fffc}");
    }
}

#[test]
fn short_pastes_stay_as_they_are_with_one_kind_of_line_end() {
    let mut composer = written("");
    composer.paste("a\r\nb\rc\u{fffc}\n");
    assert_eq!(composer.text(), "a\nb\nc\u{fffd}\n");
    composer.paste(&"x".repeat(2_001));
    assert!(composer.text().ends_with('\u{fffc}'));
}

#[test]
fn attachments_are_chips_between_the_text() {
    let mut composer = written("look: ");
    composer.attach(Attachment {
        id: 7,
        image: true,
        name: "shot.png".into(),
    });
    composer.type_in(" ok");
    composer.set_width(60);
    assert_eq!(screen(&composer), ["❯ look: [image: shot.png] ok"]);
    assert_eq!(sent(&composer), "look: <7> ok");
    assert_eq!(composer.take().len(), 3);
    assert!(composer.is_empty());
}

#[test]
fn up_and_down_keep_to_their_column_over_wrapped_rows() {
    let mut composer = written("aaaa bbbb cccc dddd eeee\n\nxyz");
    assert_eq!(
        screen(&composer),
        ["❯ aaaa bbbb cccc ", "  dddd eeee", "  ", "  xyz"]
    );
    act(&mut composer, &[Action::Up, Action::Up]);
    assert_eq!(composer.rows(LOOK, &Theme::default()).cursor, (5, 1));
    act(&mut composer, &[Action::Up]);
    assert_eq!(composer.cursor(), 3);
    act(&mut composer, &[Action::Down, Action::Down, Action::Down]);
    assert_eq!(composer.cursor(), composer.text().len());
}

#[test]
fn earlier_prompts_come_and_go_and_the_draft_waits() {
    let history: Vec<Arc<str>> = ["first", "second\nprompt"].map(Arc::from).to_vec();
    let mut composer = written("dra");
    assert!(composer.act(Action::Up, &history));
    assert_eq!(composer.text(), "second\nprompt");
    assert!(composer.act(Action::Up, &history));
    assert_eq!(composer.text(), "first");
    assert!(!composer.act(Action::Up, &history));
    composer.act(Action::Down, &history);
    composer.act(Action::Down, &history);
    assert_eq!((composer.text(), composer.cursor()), ("dra", 3));
    assert!(!composer.act(Action::Down, &history));
    composer.act(Action::Up, &history);
    composer.type_in("!");
    composer.act(Action::Up, &history);
    assert_eq!(
        composer.text(),
        "second\nprompt!",
        "an edited prompt is moved in"
    );
}

#[test]
fn a_backslash_before_enter_is_a_new_line() {
    let mut composer = written("a\\");
    assert!(composer.continues());
    assert_eq!(composer.text(), "a\n");
    assert!(!composer.continues());
}

#[test]
fn what_was_chosen_takes_the_place_of_what_was_asked() {
    let mut composer = written("see @comp now");
    act(&mut composer, &[Action::WordLeft, Action::Left]);
    let Some(Trigger::File { range, .. }) = composer.trigger() else {
        panic!("no file under the cursor");
    };
    composer.complete(range, "@src/composer.rs");
    assert_eq!(composer.text(), "see @src/composer.rs now");
    assert_eq!(composer.cursor(), 20);
}

#[test]
fn an_empty_one_shows_what_could_be_written() {
    let composer = Composer::new(10);
    assert_eq!(screen(&composer), ["❯ Ask any…"]);
    assert_eq!(composer.rows(LOOK, &Theme::default()).cursor, (2, 0));
}

#[test]
fn control_characters_are_drawn_as_pictures_and_sent_as_they_are() {
    let mut composer = written("");
    composer.paste("a\u{1b}[2J\tb\u{202e}");
    assert_eq!(screen(&composer), ["❯ a␛[2J   b\u{fffd}"]);
    assert_eq!(sent(&composer), "a\u{1b}[2J\tb\u{202e}");
}

#[test]
fn ten_thousand_unfolded_lines_are_drawn_around_the_cursor_only() {
    let mut composer = written("");
    composer.paste(&lines(10_000));
    act(&mut composer, &[Action::Unfold]);
    let drawn = composer.rows(LOOK, &Theme::default());
    assert_eq!(drawn.rows.len(), 6);
    assert_eq!(drawn.cursor, (2, 5));
    act(&mut composer, &[Action::Up; 20]);
    assert_eq!(composer.rows(LOOK, &Theme::default()).cursor, (2, 3));
}

#[derive(Debug, Clone)]
enum Edit {
    Act(Action),
    Type(String),
    Paste(String),
    Attach,
    Width(u16),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let action = prop::sample::select(vec![
        Action::Left,
        Action::Right,
        Action::WordLeft,
        Action::WordRight,
        Action::LineStart,
        Action::LineEnd,
        Action::Start,
        Action::End,
        Action::Up,
        Action::Down,
        Action::Newline,
        Action::Backspace,
        Action::Delete,
        Action::CutWordLeft,
        Action::CutWordRight,
        Action::CutToLineStart,
        Action::CutToLineEnd,
        Action::Yank,
        Action::Undo,
        Action::Redo,
        Action::Unfold,
    ]);
    let text = prop::sample::select(vec![
        "a", "word ", "漢字", "e", "\u{301}", "👩", "\u{200d}", "👧", "🇩", "🇪", "\t", "\n",
        "\u{1b}", "\u{600}", "ﾞ", "क", "्", "שלום",
    ])
    .prop_map(str::to_owned);
    let edit = prop_oneof![
        4 => action.prop_map(Edit::Act),
        4 => text.clone().prop_map(Edit::Type),
        1 => (text, 1_usize..14).prop_map(|(text, count)| Edit::Paste(format!("{text}\r\n").repeat(count))),
        1 => Just(Edit::Attach),
        1 => (0_u16..30).prop_map(Edit::Width),
    ];
    prop::collection::vec(edit, 0..40)
}

/// The places where a cursor may stand, found by going through everything from the beginning.
fn borders(text: &str) -> Vec<usize> {
    let mut places = vec![0];
    let mut at = 0;
    for stretch in text.split_inclusive(['\n', '\u{fffc}']) {
        let end = stretch.trim_end_matches(['\n', '\u{fffc}']);
        for grapheme in end.graphemes(true) {
            at += grapheme.len();
            places.push(at);
        }
        if end.len() < stretch.len() {
            at += stretch.len() - end.len();
            places.push(at);
        }
    }
    places
}

/// The change of the text that an edit must make, on a plain string.
fn model(text: &str, cursor: usize, edit: &Edit) -> Option<String> {
    let (before, behind) = text.split_at(cursor);
    let places = borders(text);
    let place = places.iter().position(|place| *place == cursor)?;
    match edit {
        Edit::Type(typed) => Some(format!("{before}{typed}{behind}")),
        Edit::Attach => Some(format!("{before}\u{fffc}{behind}")),
        Edit::Act(Action::Newline) => Some(format!("{before}\n{behind}")),
        Edit::Act(Action::Backspace) => {
            let from = places[place.saturating_sub(1)];
            Some(format!("{}{behind}", &text[..from]))
        }
        Edit::Act(Action::Delete) => {
            let to = places.get(place + 1).copied().unwrap_or(cursor);
            Some(format!("{before}{}", &text[to..]))
        }
        Edit::Act(
            Action::Left
            | Action::Right
            | Action::WordLeft
            | Action::WordRight
            | Action::LineStart
            | Action::LineEnd
            | Action::Start
            | Action::End
            | Action::Up
            | Action::Down,
        )
        | Edit::Width(_) => Some(text.to_owned()),
        Edit::Act(_) | Edit::Paste(_) => None,
    }
}

proptest! {
    #[test]
    fn whatever_is_done_the_laws_hold(edits in edits()) {
        let mut composer = Composer::new(12);
        let mut width = 12;
        for edit in &edits {
            let wanted = model(composer.text(), composer.cursor(), edit);
            match edit {
                Edit::Act(action) => {
                    composer.act(*action, &[]);
                }
                Edit::Type(text) => composer.type_in(text),
                Edit::Paste(text) => composer.paste(text),
                Edit::Attach => composer.attach(Attachment { id: 1, image: false, name: "f".into() }),
                Edit::Width(other) => {
                    width = *other;
                    composer.set_width(width);
                }
            }
            if let Some(wanted) = wanted {
                prop_assert_eq!(composer.text(), wanted, "{:?}", edit);
            }
            prop_assert!(borders(composer.text()).contains(&composer.cursor()), "{:?} at {}", composer.text(), composer.cursor());
            let drawn = composer.rows(LOOK, &Theme::default());
            prop_assert!(!drawn.rows.is_empty() && drawn.rows.len() <= 6);
            prop_assert!(usize::from(drawn.cursor.1) < drawn.rows.len());
            for row in &drawn.rows {
                let shown = usize::from(row.text().cell_width());
                prop_assert!(shown <= usize::from(width.max(1)), "{:?} in {width}", row.text());
            }
            prop_assert!(drawn.cursor.0 < width.max(1), "{:?} in {width}", drawn.cursor);
        }
        let end = composer.text().to_owned();
        while composer.act(Action::Undo, &[]) {}
        prop_assert_eq!(composer.text(), "");
        while composer.act(Action::Redo, &[]) {}
        // What was undone by the edits themselves comes back as well, so only the way back is compared.
        if !edits.iter().any(|edit| matches!(edit, Edit::Act(Action::Undo))) {
            prop_assert_eq!(composer.text(), end);
        }
    }

    #[test]
    fn moving_down_from_the_top_visits_every_row_and_up_leads_back(text in "[a-z 漢\n]{0,60}", width in 4_u16..20) {
        let mut composer = Composer::new(width);
        composer.type_in(&text);
        composer.act(Action::Start, &[]);
        let mut down = 0;
        while composer.act(Action::Down, &[]) {
            down += 1;
            prop_assert!(down < 200);
        }
        let mut up = 0;
        while composer.act(Action::Up, &[]) {
            up += 1;
        }
        prop_assert_eq!((down, composer.cursor()), (up, 0));
    }
}
