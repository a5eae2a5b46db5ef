//! Tests of the screen: what a terminal shows after the bytes, and how many there are.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::*;

const ABLE: Abilities = Abilities {
    depth: Depth::True,
    synchronized: false,
    links: true,
    prompts: true,
    narrowing: Narrowing::Wraps,
};

fn screen(place: Place, width: u16, height: u16) -> Terminal<Screen> {
    Terminal::new(Screen::new(place, Size::new(width, height), ABLE)).expect("it cannot fail")
}

fn feed(terminal: &mut Terminal<Screen>, parser: &mut vt100::Parser) -> usize {
    let frame = terminal.backend_mut().frame().unwrap_or_default();
    parser.process(&frame);
    frame.len()
}

fn write(terminal: &mut Terminal<Screen>, lines: &[&str]) {
    let drawn = terminal.draw(|frame| {
        for (y, line) in (0..frame.area().height).zip(lines) {
            let width = usize::from(frame.area().width);
            frame
                .buffer_mut()
                .set_stringn(0, y, line, width, Style::new());
        }
    });
    drawn.expect("it cannot fail");
}

fn contents(parser: &vt100::Parser) -> Vec<String> {
    let (_, width) = parser.screen().size();
    let rows = parser.screen().rows(0, width);
    rows.map(|row| row.trim_end().to_owned()).collect()
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    let mut terminal = screen(Place::Whole, 20, 3);
    let mut parser = vt100::Parser::new(3, 20, 0);
    write(&mut terminal, &["hello"]);
    assert!(feed(&mut terminal, &mut parser) > 0);
    write(&mut terminal, &["hello"]);
    assert_eq!(terminal.backend_mut().frame(), None);
}

#[test]
fn a_word_at_the_end_of_a_line_costs_itself_and_two_moves() {
    let mut terminal = screen(Place::Whole, 80, 24);
    let mut parser = vt100::Parser::new(24, 80, 0);
    let draw = |terminal: &mut Terminal<Screen>, text: &str| {
        let drawn = terminal.draw(|frame| {
            frame.buffer_mut().set_string(2, 15, text, Style::new());
            frame.set_cursor_position((4, 20));
        });
        drawn.expect("it cannot fail");
    };
    draw(&mut terminal, "one two");
    feed(&mut terminal, &mut parser);
    draw(&mut terminal, "one two three");
    let frame = terminal.backend_mut().frame().expect("a frame");
    let frame = String::from_utf8_lossy(&frame).into_owned();
    assert_eq!(frame, "\x1b[16;11Hthree\x1b[21;5H");
}

#[test]
fn a_long_end_of_a_row_is_erased_and_not_overwritten() {
    let mut terminal = screen(Place::Whole, 60, 2);
    let mut parser = vt100::Parser::new(2, 60, 0);
    write(&mut terminal, &[&"x".repeat(60)]);
    feed(&mut terminal, &mut parser);
    write(&mut terminal, &["xx"]);
    assert!(feed(&mut terminal, &mut parser) <= 12);
    assert_eq!(contents(&parser), ["xx", ""]);
}

#[test]
fn rows_that_move_are_moved_by_the_terminal() {
    let mut terminal = screen(Place::Whole, 60, 12);
    let mut parser = vt100::Parser::new(12, 60, 0);
    let lines = |from: usize| -> Vec<String> {
        let body = (from..from + 9).map(|line| format!("line {line} {}", "word ".repeat(9)));
        let head = std::iter::once("the status".to_owned());
        head.chain(body)
            .chain(["> input".to_owned(), "hints".to_owned()])
            .collect()
    };
    for from in [0, 1, 4, 2, 40] {
        let lines = lines(from);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        write(&mut terminal, &lines);
        let bytes = feed(&mut terminal, &mut parser);
        let wanted: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        assert_eq!(contents(&parser), wanted);
        if from == 1 {
            assert!(bytes < 90, "{bytes} bytes for one new line");
        }
    }
}

#[test]
fn finished_rows_stay_above_an_inline_screen_in_the_scrollback() {
    let mut terminal = screen(Place::Inline, 30, 3);
    let mut parser = vt100::Parser::new(8, 30, 100);
    parser.process(b"$ betcode\r\n");
    for turn in 0..10 {
        let row = Row::styled(format!("answer {turn}"), Style::new().fg(Color::Red));
        terminal.backend_mut().print_above([row]);
        let status = format!("working {turn}");
        write(&mut terminal, &[&status, "> input", "hints"]);
        feed(&mut terminal, &mut parser);
    }
    assert_eq!(
        contents(&parser),
        [
            "answer 5",
            "answer 6",
            "answer 7",
            "answer 8",
            "answer 9",
            "working 9",
            "> input",
            "hints"
        ]
    );
    parser.screen_mut().set_scrollback(100);
    let beginning = contents(&parser);
    assert_eq!(beginning[..3], ["$ betcode", "answer 0", "answer 1"]);
    parser.screen_mut().set_scrollback(0);
    let farewell = terminal.backend_mut().leave();
    parser.process(&farewell);
    assert_eq!(contents(&parser)[4..], ["answer 9", "", "", ""]);
    assert_eq!(parser.screen().cursor_position(), (5, 0));
}

#[test]
fn an_inline_screen_grows_and_shrinks() {
    let mut terminal = screen(Place::Inline, 20, 2);
    let mut parser = vt100::Parser::new(5, 20, 100);
    parser.process(b"$ betcode\r\n");
    for height in [2_u16, 4, 3, 1, 4] {
        terminal.backend_mut().resize(Size::new(20, height));
        let lines: Vec<String> = (0..height)
            .map(|line| format!("row {line} of {height}"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        write(&mut terminal, &lines);
        feed(&mut terminal, &mut parser);
        let shown: Vec<String> = contents(&parser)
            .into_iter()
            .filter(|row| !row.is_empty())
            .collect();
        assert_eq!(shown[1..], lines);
        assert_eq!(shown[0], "$ betcode");
    }
}

#[test]
fn a_symbol_of_unsure_width_spoils_nothing_behind_it() {
    let mut terminal = screen(Place::Whole, 20, 1);
    let mut parser = vt100::Parser::new(1, 20, 0);
    write(&mut terminal, &["a 👨‍👩‍👧 behind it"]);
    feed(&mut terminal, &mut parser);
    write(&mut terminal, &["b 👨‍👩‍👧 behind it"]);
    feed(&mut terminal, &mut parser);
    write(&mut terminal, &["b ⌨️ behind it"]);
    feed(&mut terminal, &mut parser);
    let cell = |x| {
        parser
            .screen()
            .cell(0, x)
            .map(|cell| cell.contents().to_owned())
    };
    assert_eq!(
        (cell(0), cell(5), cell(13)),
        (Some("b".into()), Some("b".into()), Some("t".into()))
    );
}

#[test]
fn links_are_opened_and_closed_around_their_text() {
    let mut terminal = screen(Place::Whole, 30, 1);
    write(&mut terminal, &["see the file now"]);
    let target: Arc<str> = "file:///tmp/a b".into();
    let link = Link {
        y: 0,
        from: 4,
        to: 12,
        target,
    };
    terminal
        .backend_mut()
        .set_links(std::slice::from_ref(&link));
    let frame = terminal.backend_mut().frame().expect("a frame");
    let frame = String::from_utf8(frame).expect("text");
    assert!(
        frame.contains("see \x1b]8;;file:///tmp/a%20b\x1b\\the file\x1b]8;;\x1b\\ now"),
        "{frame:?}"
    );
    terminal
        .backend_mut()
        .set_links(std::slice::from_ref(&link));
    assert_eq!(terminal.backend_mut().frame(), None);
    let evil = Link {
        target: "file:///\u{1b}]0;x\u{7}".into(),
        ..link
    };
    terminal.backend_mut().set_links(&[evil]);
    let frame = terminal.backend_mut().frame().expect("a frame");
    assert!(!frame.windows(4).any(|window| window == b"\x1b]8;"));
}

#[test]
fn a_prompt_is_marked_where_it_is_printed_and_nowhere_else() {
    for prompts in [true, false] {
        let able = Abilities { prompts, ..ABLE };
        let screen = Screen::new(Place::Inline, Size::new(20, 1), able);
        let mut terminal = Terminal::new(screen).expect("it cannot fail");
        let mut row = Row::styled("fix it", Style::new());
        row.prompt.begins = true;
        let mut last = Row::styled("please", Style::new());
        last.prompt.ends = true;
        let answer = Row::styled("done", Style::new());
        terminal.backend_mut().print_above([row, last, answer]);
        write(&mut terminal, &["> "]);
        let frame = terminal.backend_mut().frame().expect("a frame");
        let frame = String::from_utf8(frame).expect("text");
        let wanted = if prompts {
            "\x1b]133;A\x1b\\fix it\r\nplease\r\n\x1b]133;C\x1b\\done\r\n"
        } else {
            "fix it\r\nplease\r\ndone\r\n"
        };
        assert!(frame.contains(wanted), "{frame:?}");
    }
}

#[test]
fn large_frames_are_marked_where_the_terminal_knows_marks() {
    let able = Abilities {
        synchronized: true,
        ..ABLE
    };
    let mut terminal =
        Terminal::new(Screen::new(Place::Whole, Size::new(80, 24), able)).expect("it cannot fail");
    write(&mut terminal, &vec![&*"word ".repeat(15); 24]);
    let frame = terminal.backend_mut().frame().expect("a frame");
    assert!(frame.starts_with(b"\x1b[?2026h") && frame.ends_with(b"\x1b[?2026l"));
    write(&mut terminal, &["short"; 24]);
    terminal.backend_mut().frame();
    write(&mut terminal, &["shorts"]);
    assert!(
        terminal
            .backend_mut()
            .frame()
            .is_some_and(|frame| !frame.starts_with(b"\x1b[?2026h"))
    );
}

/// An answer of 2,000 words at 100 words a second and 20 frames a second on a screen of 200×50, with a spinner that moves
/// in every second frame. What does not fit scrolls: in the terminal, or out of the rows that are drawn.
#[test]
fn a_streamed_word_costs_at_most_fifteen_bytes() {
    for (place, rest) in [
        (Place::Whole, Rest::Cursor),
        (Place::Inline, Rest::Cursor),
        (Place::Inline, Rest::Parked),
    ] {
        let height = if place == Place::Whole { 50 } else { 5 };
        let mut terminal = screen(place, 200, height);
        terminal.backend_mut().rest(rest);
        let mut parser = vt100::Parser::new(50, 200, 0);
        let words: Vec<String> = (0..2_000_usize)
            .map(|word| "abcdefghij"[..2 + word * 7 % 9].to_owned())
            .collect();
        let (mut total, mut printed) = (0, 0);
        for count in (0..=2_000).step_by(5) {
            let mut lines = wrapped(&words[..count]);
            let visible = lines.split_off(lines.len().saturating_sub(usize::from(height) - 4));
            if place == Place::Inline {
                let finished = lines.iter().skip(printed);
                let rows = finished.map(|line| Row::styled(format!("  {line}"), Style::new()));
                terminal.backend_mut().print_above(rows);
                printed = lines.len();
            }
            let spinner = ["⠋", "⠙", "⠹", "⠸"][count / 10 % 4];
            let drawn = terminal.draw(|frame| {
                let buffer = frame.buffer_mut();
                for (y, line) in (0..).zip(&visible) {
                    buffer.set_string(2, y, line, Style::new());
                }
                let second = count / 100;
                buffer.set_string(
                    0,
                    height - 3,
                    format!("{spinner} working {second} s · esc to interrupt"),
                    Style::new(),
                );
                buffer.set_string(0, height - 2, "> ", Style::new().fg(Color::Cyan));
                frame.set_cursor_position((2, height - 2));
            });
            drawn.expect("it cannot fail");
            total += feed(&mut terminal, &mut parser);
        }
        let text: usize = words.iter().map(|word| word.len() + 1).sum();
        println!("{place:?}, {rest:?}: {total} bytes for 2,000 words, {text} of them their own");
        assert!(total <= 15 * 2_000, "{total} bytes for 2,000 words");
    }
}

fn wrapped(words: &[String]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        if lines
            .last()
            .is_some_and(|line| line.len() + word.len() > 100)
        {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    lines
}

const SYMBOLS: [&str; 12] = [
    "a", "b", " ", " ", "漢", "字", "é", "e\u{301}", "😀", "─", "…", "x",
];
const COLORS: [Color; 7] = [
    Color::Reset,
    Color::Reset,
    Color::Red,
    Color::LightBlue,
    Color::White,
    Color::Indexed(120),
    Color::Rgb(10, 20, 30),
];

#[derive(Debug, Clone)]
enum Step {
    /// Text at a place, over what is there.
    Text(u16, u16, Vec<usize>, usize, usize, u8),
    /// Everything moves.
    Scroll(bool),
    /// Nothing is left.
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let text = (
        0_u16..24,
        0_u16..9,
        prop::collection::vec(0..SYMBOLS.len(), 0..24),
        0..COLORS.len(),
        0..COLORS.len(),
        any::<u8>(),
    );
    let step = prop_oneof![
        8 => text.prop_map(|(x, y, symbols, fg, bg, modifier)| Step::Text(x, y, symbols, fg, bg, modifier)),
        2 => any::<bool>().prop_map(Step::Scroll),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(prop::collection::vec(step, 0..6), 1..8)
}

fn change(buffer: &mut Buffer, step: &Step) {
    let area = buffer.area;
    match step {
        Step::Clear => buffer.reset(),
        Step::Scroll(up) => {
            let width = usize::from(area.width);
            let blank = vec![Cell::EMPTY; width];
            if *up {
                buffer.content.rotate_left(width);
                let last = buffer.content.len() - width;
                buffer.content[last..].clone_from_slice(&blank);
            } else {
                buffer.content.rotate_right(width);
                buffer.content[..width].clone_from_slice(&blank);
            }
        }
        Step::Text(x, y, symbols, fg, bg, bits) => {
            if *x >= area.width || *y >= area.height {
                return;
            }
            let text: String = symbols.iter().map(|symbol| SYMBOLS[*symbol]).collect();
            let all = [
                Modifier::BOLD,
                Modifier::ITALIC,
                Modifier::UNDERLINED,
                Modifier::REVERSED,
                Modifier::DIM,
            ];
            let modifier = (0..).zip(all).filter(|(bit, _)| bits >> bit & 9 == 9);
            let mut modifier =
                modifier.fold(Modifier::empty(), |sum, (_, modifier)| sum | modifier);
            if modifier.contains(Modifier::BOLD) {
                // The parser knows one of the two at a time.
                modifier -= Modifier::DIM;
            }
            let style = Style::reset()
                .fg(COLORS[*fg])
                .bg(COLORS[*bg])
                .add_modifier(modifier);
            // What is half covered by the text goes, as a well-formed buffer wants.
            let before = x.checked_sub(1).map(|x| (x, *y));
            if let Some(before) =
                before.filter(|at| ratatui::buffer::CellWidth::cell_width(&buffer[*at]) > 1)
            {
                buffer[before].reset();
            }
            buffer.set_string(*x, *y, text, style);
        }
    }
}

fn color(color: Color) -> vt100::Color {
    match color {
        Color::Reset => vt100::Color::Default,
        Color::Indexed(index) => vt100::Color::Idx(index),
        Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
        named => {
            vt100::Color::Idx(crate::terminal::colour::number(named).expect("one of the sixteen"))
        }
    }
}

/// What can be seen of a cell.
fn seen(cell: &Cell) -> (String, vt100::Color, vt100::Color, [bool; 5]) {
    let has = |modifier| cell.modifier.contains(modifier);
    let all = [
        Modifier::BOLD,
        Modifier::ITALIC,
        Modifier::UNDERLINED,
        Modifier::REVERSED,
        Modifier::DIM,
    ];
    visible(cell.symbol(), color(cell.fg), color(cell.bg), all.map(has))
}

fn visible(
    text: &str,
    fg: vt100::Color,
    bg: vt100::Color,
    has: [bool; 5],
) -> (String, vt100::Color, vt100::Color, [bool; 5]) {
    let text = text.trim_end().to_owned();
    let [bold, italic, underlined, reversed, dim] = has;
    if text.is_empty() {
        let fg = if underlined || reversed {
            fg
        } else {
            vt100::Color::Default
        };
        return (text, fg, bg, [false, false, underlined, reversed, false]);
    }
    (text, fg, bg, [bold, italic, underlined, reversed, dim])
}

proptest! {
    #[test]
    fn a_terminal_shows_what_was_drawn_last(frames in steps(), skipped in any::<u8>(), whole in any::<bool>(), height in 1_u16..9) {
        let width = 24;
        let place = if whole { Place::Whole } else { Place::Inline };
        let mut terminal = screen(place, width, height);
        let mut parser = vt100::Parser::new(height, width, 0);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        for (index, frame) in frames.iter().enumerate() {
            for step in frame {
                change(&mut buffer, step);
            }
            for cell in &mut buffer.content {
                // A blank that is bold or coloured looks like any other.
                if cell.symbol().is_empty() {
                    cell.set_symbol(" ");
                }
            }
            terminal.draw(|frame| frame.buffer_mut().clone_from(&buffer)).expect("it cannot fail");
            if index + 1 < frames.len() && skipped >> (index % 8) & 1 == 1 {
                continue;
            }
            feed(&mut terminal, &mut parser);
            for y in 0..height {
                let mut x = 0;
                while x < width {
                    let cell = &buffer[(x, y)];
                    let shown = parser.screen().cell(y, x).expect("a cell");
                    let has = [shown.bold(), shown.italic(), shown.underline(), shown.inverse(), shown.dim()];
                    let shown = visible(shown.contents(), shown.fgcolor(), shown.bgcolor(), has);
                    prop_assert_eq!(shown, seen(cell), "frame {} at {},{}", index, x, y);
                    x += ratatui::buffer::CellWidth::cell_width(cell).max(1);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn after_every_change_of_the_size_the_whole_screen_is_right(sizes in prop::collection::vec((1_u16..40, 1_u16..12), 1..8)) {
        let mut terminal = screen(Place::Whole, 20, 5);
        let mut parser = vt100::Parser::new(5, 20, 0);
        for (index, (width, height)) in sizes.iter().copied().enumerate() {
            write(&mut terminal, &["before", "the size", "changes"]);
            if index % 3 != 0 {
                feed(&mut terminal, &mut parser);
            }
            parser.screen_mut().set_size(height, width);
            terminal.backend_mut().resize(Size::new(width, height));
            let lines: Vec<String> = (0..height).map(|y| format!("{y}: {}", "word ".repeat(9))).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            write(&mut terminal, &lines);
            feed(&mut terminal, &mut parser);
            let shown = contents(&parser);
            let wanted: Vec<&str> = lines.iter().map(|line| line.get(..usize::from(width)).unwrap_or(line).trim_end()).collect();
            prop_assert_eq!(shown, wanted);
        }
    }
}
