//! The interactive screen as a picture: a real run on a pseudo terminal, its cells drawn as they are.

use std::fmt::Write as _;

use anyhow::Result;
use betcode_testkit::Screen;
use vt100::{Cell, Color};

use super::{CHARACTER_WIDTH, LINE_HEIGHT, MARGIN, escape};
use crate::lab::Lab;

const WIDTH: u16 = 104;
const HEIGHT: u16 = 36;

/// What the file says that the agent changes.
const FILE: &str = "fn login(user: &str) -> bool {\n    check(user, \"\")\n}\n";

/// Plays it, and stops where a permission is asked.
pub(super) fn play(lab: &Lab) -> Result<String> {
    std::fs::write(lab.path("work").join("login.rs"), FILE)?;
    let mut command = lab.betcode(["--name", "Fix the login"]);
    command.env("COLORTERM", "truecolor");
    let mut screen = Screen::start(&command, WIDTH, HEIGHT);
    screen.wait_for("say something to");
    for (said, seen) in [
        ("/demo todo", "say something to"),
        (
            "/demo edit file=login.rs old='check(user, \"\")' text='check(user, &ask())'",
            "The file is changed",
        ),
        (
            "/demo permission command=\"cargo test --workspace\"",
            "yes, once",
        ),
    ] {
        screen.send(format!("\x1b[200~{said}\x1b[201~").as_bytes());
        screen.wait_for(said.get(..20).unwrap_or(said));
        screen.send(b"\r");
        screen.until("the turn begins", |text| {
            !text.contains(&format!("> {said}"))
        });
        screen.until(seen, |text| {
            text.contains(seen) && (seen == "yes, once" || !text.contains(" · ctrl-"))
        });
    }
    screen.wait_for_ready("yes, once");
    let picture = screen.look(draw);
    // Where it was played is nobody's business.
    let directory = std::fs::canonicalize(lab.path("work"))?;
    Ok(picture.replace(&*directory.to_string_lossy(), "/home/you/project"))
}

fn draw(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let width = usize::from(columns) * CHARACTER_WIDTH + 2 * MARGIN;
    let height = usize::from(rows) * LINE_HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let from = column;
            let look = screen.cell(row, from).map(Look::of).unwrap_or_default();
            let mut text = String::new();
            while column < columns {
                let Some(cell) = screen
                    .cell(row, column)
                    .filter(|cell| Look::of(cell) == look)
                else {
                    break;
                };
                text.push_str(if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                });
                column += 1;
            }
            column = column.max(from + 1);
            stretch(&mut svg, &look, &text, usize::from(from), usize::from(row));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Text of one look.
fn stretch(svg: &mut String, look: &Look, text: &str, column: usize, row: usize) {
    let x = MARGIN + column * CHARACTER_WIDTH;
    let y = MARGIN + row * LINE_HEIGHT;
    let length = text.chars().count() * CHARACTER_WIDTH;
    if let Some(back) = &look.back {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{length}\" height=\"{LINE_HEIGHT}\" fill=\"{back}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\" fill=\"{}\"{weight} xml:space=\"preserve\">{}</text>",
        y + LINE_HEIGHT - 5,
        look.fore,
        escape(text)
    );
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    fore: String,
    back: Option<String>,
    bold: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            fore: "#e6e6e6".to_owned(),
            back: None,
            bold: false,
        }
    }
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let fore = colour(cell.fgcolor());
        let back = colour(cell.bgcolor());
        let plain = Self::default().fore;
        let (fore, back) = if cell.inverse() {
            (
                back.unwrap_or_else(|| "#16181d".to_owned()),
                Some(fore.unwrap_or(plain)),
            )
        } else if cell.dim() && fore.is_none() {
            ("#8b93a1".to_owned(), back)
        } else {
            (fore.unwrap_or(plain), back)
        };
        Self {
            fore,
            back,
            bold: cell.bold(),
        }
    }
}

/// A colour of the terminal as one of the picture.
fn colour(color: Color) -> Option<String> {
    const NAMED: [&str; 16] = [
        "#3b4048", "#e06c75", "#8fd18f", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
        "#5c6370", "#e06c75", "#8fd18f", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff",
    ];
    match color {
        Color::Default => None,
        Color::Idx(index) => Some(match NAMED.get(usize::from(index)) {
            Some(name) => (*name).to_owned(),
            None if index >= 232 => {
                let grey = 8 + (index - 232) * 10;
                format!("#{grey:02x}{grey:02x}{grey:02x}")
            }
            None => {
                let step = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
                let cube = index - 16;
                let (red, green, blue) = (step(cube / 36), step(cube / 6 % 6), step(cube % 6));
                format!("#{red:02x}{green:02x}{blue:02x}")
            }
        }),
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_one_look_are_one_text_and_marks_are_escaped() {
        let mut parser = vt100::Parser::new(2, 20, 0);
        parser.process(b"a<b \x1b[1;31mred\x1b[m\r\n\x1b[7mback\x1b[m");
        let svg = draw(parser.screen());
        assert!(svg.contains(">a&lt;b </text>"), "{svg}");
        assert!(
            svg.contains("fill=\"#e06c75\" font-weight=\"bold\""),
            "{svg}"
        );
        assert!(svg.contains("fill=\"#e6e6e6\"/>"), "{svg}");
    }

    #[test]
    fn every_colour_has_a_value() {
        assert_eq!(colour(Color::Default), None);
        assert_eq!(colour(Color::Idx(1)).as_deref(), Some("#e06c75"));
        assert_eq!(colour(Color::Idx(16)).as_deref(), Some("#000000"));
        assert_eq!(colour(Color::Idx(231)).as_deref(), Some("#ffffff"));
        assert_eq!(colour(Color::Idx(255)).as_deref(), Some("#eeeeee"));
        assert_eq!(colour(Color::Rgb(1, 2, 3)).as_deref(), Some("#010203"));
    }
}
