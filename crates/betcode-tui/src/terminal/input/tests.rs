//! Tests of the input: tables of what terminals send, and laws for whatever else comes.

use proptest::prelude::*;

use super::*;
use crate::theme::Ground;

const S: Mods = Mods::SHIFT;
const A: Mods = Mods::ALT;
const C: Mods = Mods::CTRL;
const N: Mods = Mods::NONE;

fn events(bytes: &[u8]) -> Vec<Event> {
    let mut input = Input::default();
    let mut events = input.feed(bytes);
    events.extend(input.no_more());
    events
}

#[track_caller]
fn keys(table: &[(&str, Code, Mods)]) {
    for (bytes, code, mods) in table {
        let key = Key {
            code: *code,
            mods: *mods,
        };
        assert_eq!(events(bytes.as_bytes()), [Event::Key(key)], "{bytes:?}");
    }
}

#[test]
fn keys_as_terminals_have_always_sent_them() {
    keys(&[
        ("a", Code::Char('a'), N),
        ("A", Code::Char('A'), N),
        ("漢", Code::Char('漢'), N),
        ("😀", Code::Char('😀'), N),
        ("\r", Code::Enter, N),
        ("\n", Code::Char('j'), C),
        ("\t", Code::Tab, N),
        ("\x7f", Code::Backspace, N),
        ("\x08", Code::Char('h'), C),
        ("\0", Code::Char(' '), C),
        ("\x03", Code::Char('c'), C),
        ("\x1a", Code::Char('z'), C),
        ("\x1f", Code::Char('_'), C),
        ("\x1b", Code::Escape, N),
        ("\x1ba", Code::Char('a'), A),
        ("\x1bü", Code::Char('ü'), A),
        ("\x1b\r", Code::Enter, A),
        ("\x1b\x7f", Code::Backspace, A),
        ("\x1b\x02", Code::Char('b'), A.with(C)),
        ("\x1b[", Code::Char('['), A),
        ("\x1bO", Code::Char('O'), A),
        ("\x1b]", Code::Char(']'), A),
    ]);
}

#[test]
fn keys_that_are_sequences() {
    keys(&[
        ("\x1b[A", Code::Up, N),
        ("\x1bOA", Code::Up, N),
        ("\x1b[1;5C", Code::Right, C),
        ("\x1b[1;2D", Code::Left, S),
        ("\x1b[1;3B", Code::Down, A),
        ("\x1b[1;9B", Code::Down, Mods::SUPER),
        ("\x1b[1;33B", Code::Down, A),
        ("\x1bO5A", Code::Up, C),
        ("\x1b[H", Code::Home, N),
        ("\x1bOF", Code::End, N),
        ("\x1b[1~", Code::Home, N),
        ("\x1b[7~", Code::Home, N),
        ("\x1b[8~", Code::End, N),
        ("\x1b[2~", Code::Insert, N),
        ("\x1b[3;5~", Code::Delete, C),
        ("\x1b[3^", Code::Delete, C),
        ("\x1b[5~", Code::PageUp, N),
        ("\x1b[6;2~", Code::PageDown, S),
        ("\x1b[Z", Code::Tab, S),
        ("\x1bOP", Code::F(1), N),
        ("\x1b[1;2P", Code::F(1), S),
        ("\x1b[1;2R", Code::F(3), S),
        ("\x1b[13~", Code::F(3), N),
        ("\x1b[[A", Code::F(1), N),
        ("\x1b[15;3~", Code::F(5), A),
        ("\x1b[17~", Code::F(6), N),
        ("\x1b[24~", Code::F(12), N),
        ("\x1b[34~", Code::F(20), N),
        ("\x1b[29~", Code::Menu, N),
        ("\x1bOM", Code::Enter, N),
        ("\x1bOk", Code::Char('+'), N),
    ]);
}

#[test]
fn keys_in_the_newer_encodings() {
    keys(&[
        ("\x1b[27u", Code::Escape, N),
        ("\x1b[13;2u", Code::Enter, S),
        ("\x1b[13;5u", Code::Enter, C),
        ("\x1b[127;5u", Code::Backspace, C),
        ("\x1b[9;5u", Code::Tab, C),
        ("\x1b[97;5u", Code::Char('a'), C),
        ("\x1b[97;6u", Code::Char('A'), C),
        ("\x1b[97:65;2u", Code::Char('A'), N),
        ("\x1b[49:33;4u", Code::Char('!'), A),
        ("\x1b[97;1:2u", Code::Char('a'), N),
        ("\x1b[97;2;65u", Code::Char('A'), N),
        ("\x1b[97;133u", Code::Char('a'), C),
        ("\x1b[32;2u", Code::Char(' '), S),
        ("\x1b[57399u", Code::Char('0'), N),
        ("\x1b[57414;2u", Code::Enter, S),
        ("\x1b[57376u", Code::F(13), N),
        ("\x1b[57421u", Code::PageUp, N),
        ("\x1b[27;2;13~", Code::Enter, S),
        ("\x1b[27;5;13~", Code::Enter, C),
        ("\x1b[27;5;105~", Code::Char('i'), C),
        ("\x1b[27;6;73~", Code::Char('I'), C),
        ("\x1b[27;5;9~", Code::Tab, C),
    ]);
}

#[test]
fn what_is_no_key_press_gives_none() {
    for bytes in [
        "\x1b[97;1:3u",
        "\x1b[1;1:3A",
        "\x1b[57441;2u",
        "\x1b[>1;10;0c",
        "\x1b[12;40R",
        "\x1b[8;24;80t",
        "\x1b]52;c;aGk=\x07",
        "\x1b_Gi=1;OK\x1b\\",
        "\x1bP1+r544e\x1b\\",
        "\x1b[M !!",
        "\x1b[999999999999999999999u",
        "\x1b[u",
    ] {
        assert_eq!(events(bytes.as_bytes()), [], "{bytes:?}");
    }
}

#[test]
fn a_paste_is_one_event_whatever_it_holds() {
    let content = "a\r\n\x1b[A\x1b[200~\x03\x1b]11;?\x07 漢\x1b[201";
    let bytes = format!("x\x1b[200~{content}\x1b[201~y");
    let key = |letter| Event::Key(plain(Code::Char(letter)));
    let wanted = [key('x'), Event::Paste(content.to_owned()), key('y')];
    assert_eq!(events(bytes.as_bytes()), wanted);
    let mut input = Input::default();
    let one_by_one: Vec<Event> = bytes.bytes().flat_map(|byte| input.feed(&[byte])).collect();
    assert_eq!(one_by_one, wanted);
    assert_eq!(
        events(b"\x1b[200~\xff\x1b[201~"),
        [Event::Paste("\u{fffd}".to_owned())]
    );
}

#[test]
fn focus_mouse_and_the_change_of_the_colours() {
    let mouse = |act, x, y, mods| Event::Mouse(Mouse { act, x, y, mods });
    let table = [
        ("\x1b[I", Event::Focus(true)),
        ("\x1b[O", Event::Focus(false)),
        ("\x1b[?997;1n", Event::Ground(Ground::Dark)),
        ("\x1b[?997;2n", Event::Ground(Ground::Light)),
        ("\x1b[<0;1;1M", mouse(MouseAct::Press(0), 0, 0, N)),
        ("\x1b[<2;300;40m", mouse(MouseAct::Release(2), 299, 39, N)),
        ("\x1b[<32;5;6M", mouse(MouseAct::Drag(0), 4, 5, N)),
        ("\x1b[<35;5;6M", mouse(MouseAct::Move, 4, 5, N)),
        ("\x1b[<64;5;6M", mouse(MouseAct::ScrollUp, 4, 5, N)),
        ("\x1b[<81;5;6M", mouse(MouseAct::ScrollDown, 4, 5, C)),
        (
            "\x1b[<0;0;70000M",
            mouse(MouseAct::Press(0), 0, u16::MAX, N),
        ),
    ];
    for (bytes, event) in table {
        assert_eq!(events(bytes.as_bytes()), [event], "{bytes:?}");
    }
}

#[test]
fn replies_are_read_among_the_keys() {
    let table = [
        ("\x1b[?62;4;22c", Reply::Attributes(vec![62, 4, 22])),
        ("\x1b[?0u", Reply::Keyboard(0)),
        ("\x1b[?2026;2$y", Reply::Mode(2026, 2)),
        (
            "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
            Reply::Background(30, 30, 46),
        ),
        ("\x1b]10;rgb:f/8/0\x07", Reply::Foreground(255, 136, 0)),
        (
            "\x1b]11;rgba:ffff/ffff/ffff/8000\x07",
            Reply::Background(255, 255, 255),
        ),
        ("\x1b]11;#102030\x07", Reply::Background(16, 32, 48)),
        (
            "\x1bP>|kitty(0.40.0)\x1b\\",
            Reply::Version("kitty(0.40.0)".to_owned()),
        ),
    ];
    let key = |letter| Event::Key(plain(Code::Char(letter)));
    for (bytes, reply) in table {
        let found = events(format!("a{bytes}b").as_bytes());
        assert_eq!(
            found,
            [key('a'), Event::Reply(reply), key('b')],
            "{bytes:?}"
        );
    }
    assert_eq!(events(b"\x1b]11;rgb:12345/1/1\x07"), []);
}

#[test]
fn only_an_escape_that_stays_alone_waits() {
    let mut input = Input::default();
    assert_eq!(input.feed(b"\x1b"), []);
    assert!(input.waits());
    assert_eq!(input.feed(b"[A").len(), 1);
    assert!(!input.waits());
    // The rest of a sequence may come late, and is no text then.
    assert_eq!(input.feed(b"\x1b[<35;1"), []);
    assert!(!input.waits());
    assert_eq!(input.no_more(), []);
    assert_eq!(input.feed(b"0;3M").len(), 1);
    assert_eq!(events(b"\x1b\x1b").len(), 2);
}

#[test]
fn a_sequence_that_breaks_off_takes_nothing_with_it() {
    let key = |letter| Event::Key(plain(Code::Char(letter)));
    assert_eq!(
        events(b"\x1b[12\x1b[Ax"),
        [Event::Key(plain(Code::Up)), key('x')]
    );
    assert_eq!(
        events(b"\x1b]11;rgb:\x1b[Ax"),
        [Event::Key(plain(Code::Up)), key('x')]
    );
    assert_eq!(
        events(b"\x1b[1\rx"),
        [Event::Key(plain(Code::Enter)), key('x')]
    );
    assert_eq!(events(b"\xff\xc3x"), [key('x')]);
    let endless = [b"\x1b]".as_slice(), &[b'x'; 5_000]].concat();
    let mut input = Input::default();
    assert_eq!(input.feed(&endless), []);
    assert_eq!(input.feed(b"y"), [key('y')]);
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        Just(b"\x1b".to_vec()),
        Just(b"\x1b[".to_vec()),
        Just(b"\x1b[200~".to_vec()),
        Just(b"\x1b[201~".to_vec()),
        Just(b"\x1b]11;".to_vec()),
        Just(b"\x1b\\".to_vec()),
        Just(b"\x1bP>|".to_vec()),
        Just("漢".as_bytes().to_vec()),
        "[0-9;:?<>$ -/@A-Za-z~]{1,4}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn how_bytes_are_split_does_not_matter(bytes in bytes(), splits in prop::collection::vec(1_usize..9, 1..20)) {
        let mut whole = Input::default();
        let at_once = whole.feed(&bytes);
        let mut input = Input::default();
        let mut in_parts = Vec::new();
        let (mut rest, mut sizes) = (bytes.as_slice(), splits.iter().cycle());
        while !rest.is_empty() {
            let size = sizes.next().map_or(1, |size| (*size).min(rest.len()));
            in_parts.extend(input.feed(&rest[..size]));
            rest = &rest[size..];
        }
        prop_assert_eq!(at_once, in_parts);
        prop_assert_eq!(whole.waits(), input.waits());
        prop_assert_eq!(whole.no_more(), input.no_more());
    }
}

#[test]
fn the_row_of_the_cursor_is_told_from_the_third_function_key() {
    let row = |bytes: &[u8]| Input::default().feed(bytes);
    assert_eq!(row(b"\x1b[1;1R"), [Event::Reply(Reply::Row(0))]);
    assert_eq!(row(b"\x1b[24;1R"), [Event::Reply(Reply::Row(23))]);
    assert!(matches!(row(b"\x1b[1;2R").as_slice(), [Event::Key(_)]));
    assert_eq!(row(b"\x1b[24;7R"), []);
}
