//! Laws of an inline screen in terminals of both kinds, that change their size whenever they like.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::layout::Size;
use ratatui::style::Style;

use super::model::Model;
use super::*;
use crate::terminal::screen::{Abilities, Narrowing};
use crate::theme::Depth;

struct Bench {
    model: Model,
    terminal: Terminal<Screen>,
    size: (u16, u16),
    /// The size that the screen was told.
    told: (u16, u16),
    said: Vec<String>,
}

impl Bench {
    fn new(narrowing: Narrowing, width: u16, height: u16) -> Self {
        let able = Abilities {
            depth: Depth::None,
            synchronized: false,
            links: false,
            prompts: false,
            narrowing,
        };
        let mut model = Model::new(narrowing, width, height);
        model.feed(b"\x1b[?7l");
        let screen = Screen::new(Place::Inline, Size::new(width, 1), able);
        Self {
            model,
            terminal: Terminal::new(screen).expect("it cannot fail"),
            size: (width, height),
            told: (width, height),
            said: Vec::new(),
        }
    }

    /// Draws so many rows, almost as long as the screen is wide, after leaving others above.
    fn draw(&mut self, rows: u16, above: u16, rest: Rest) {
        let (width, height) = self.told;
        let rows = rows.clamp(1, height);
        let screen = self.terminal.backend_mut();
        screen.rest(rest);
        screen.resize(Size::new(width, rows));
        for _ in 0..above {
            let mut text = format!("said {} ", self.said.len());
            while text.len() + 5 < width.into() {
                text.push_str("word ");
            }
            let text: String = text.chars().take(width.into()).collect();
            let text = text.trim_end().to_owned();
            screen.print_above([Row::styled(text.clone(), Style::new())]);
            self.said.push(text);
        }
        let drawn = self.terminal.draw(|frame| {
            for y in 0..rows {
                let long = if y + 2 >= rows { 3 } else { usize::from(width) };
                let text = format!("live {y} {}", "x".repeat(200));
                let buffer = frame.buffer_mut();
                buffer.set_stringn(0, y, text, long.max(3), Style::new());
            }
            frame.set_cursor_position((2, rows - 1));
        });
        drawn.expect("it cannot fail");
        let bytes = self.terminal.backend_mut().frame().unwrap_or_default();
        self.model.feed(&bytes);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        self.model.resize(width, height);
    }

    fn tell(&mut self) {
        self.told = self.size;
        self.terminal.backend_mut().forget();
    }

    /// What stands above the screen, and what of the screen there is.
    fn sorted(&self) -> (Vec<String>, Vec<String>) {
        let lines = self.model.text();
        let lines = lines.into_iter().filter(|line| !line.is_empty());
        lines.partition(|line| !line.starts_with("liv") && !line.starts_with("xxx"))
    }
}

/// What is known of rows in a terminal that cuts them: their beginnings.
fn beginnings(rows: &[String]) -> Vec<String> {
    let two = |row: &String| row.split(' ').take(2).collect::<Vec<_>>().join(" ");
    rows.iter().map(two).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Draw(u16, u16),
    Resize(u16, u16),
    Tell,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_u16..6, 0_u16..4).prop_map(|(rows, above)| Step::Draw(rows, above)),
        3 => (30_u16..60, 12_u16..20).prop_map(|(width, height)| Step::Resize(width, height)),
        2 => Just(Step::Tell),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #[test]
    fn whatever_size_a_terminal_has_unknown_to_us_all_that_was_said_is_there_once_and_nothing_else(steps in steps(), wraps: bool) {
        let narrowing = if wraps { Narrowing::Wraps } else { Narrowing::Cuts };
        let mut bench = Bench::new(narrowing, 59, 16);
        for step in steps {
            match step {
                Step::Draw(rows, above) => bench.draw(rows, above, Rest::Unsure),
                Step::Resize(width, height) => bench.resize(width, height),
                Step::Tell => bench.tell(),
            }
        }
        bench.tell();
        bench.draw(3, 1, Rest::Unsure);
        let (above, live) = bench.sorted();
        if wraps {
            prop_assert_eq!(above, bench.said);
        } else {
            prop_assert_eq!(beginnings(&above), beginnings(&bench.said));
        }
        prop_assert_eq!(live.len(), 3, "{:?}", live);
    }

    #[test]
    fn where_one_writes_a_size_that_is_told_at_once_leaves_nothing(sizes in prop::collection::vec((12_u16..60, 16_u16..20, 1_u16..5), 1..20), wraps: bool) {
        let narrowing = if wraps { Narrowing::Wraps } else { Narrowing::Cuts };
        let mut bench = Bench::new(narrowing, 59, 16);
        bench.draw(4, 3, Rest::Cursor);
        for (width, height, rows) in sizes {
            // Half as wide at once is what there is room for.
            bench.resize(width.max(bench.size.0 / 2), height);
            bench.tell();
            bench.draw(rows, 1, Rest::Cursor);
            let (above, live) = bench.sorted();
            if wraps {
                prop_assert_eq!(&above, &bench.said);
            } else {
                prop_assert_eq!(beginnings(&above), beginnings(&bench.said));
            }
            prop_assert_eq!(live.len(), usize::from(rows), "{:?}", live);
        }
    }
}
