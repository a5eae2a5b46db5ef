//! How the next characters look, and the shortest sequence from one look to another.

use std::io::Write as _;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use crate::terminal::colour;
use crate::theme::Depth;

/// What can be seen of a blank besides its background.
const SEEN_ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT);

/// Each attribute with the code that sets it and the one that ends it.
const ATTRIBUTES: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// A look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Pen {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}

impl Pen {
    /// The look of a cell on a terminal; of a blank only what can be seen.
    pub(super) fn of(cell: &Cell, blank: bool, depth: Depth) -> Self {
        let mut pen = Self {
            fg: colour::within(depth, cell.fg),
            bg: colour::within(depth, cell.bg),
            modifier: cell.modifier,
        };
        if blank {
            pen.modifier &= SEEN_ON_BLANK;
            if pen.modifier.is_empty() {
                pen.fg = Color::Reset;
            }
        }
        pen
    }

    /// The shortest sequence that leads from this look to another.
    pub(super) fn change(self, to: Self, out: &mut Vec<u8>) {
        if self == to {
            return;
        }
        if to == Self::default() {
            out.extend_from_slice(b"\x1b[m");
            return;
        }
        let (mut step, mut anew) = (Vec::new(), b"0".to_vec());
        self.difference(to, &mut step);
        Self::default().difference(to, &mut anew);
        let shorter = if step.len() <= anew.len() { step } else { anew };
        out.extend_from_slice(b"\x1b[");
        out.extend_from_slice(&shorter);
        out.push(b'm');
    }

    fn difference(self, to: Self, codes: &mut Vec<u8>) {
        let mut kept = self.modifier;
        for (modifier, _, end) in ATTRIBUTES {
            if kept.contains(modifier) && !to.modifier.contains(modifier) {
                code(codes, format_args!("{end}"));
                // Some codes end two attributes.
                for (other, _, its_end) in ATTRIBUTES {
                    if its_end == end {
                        kept -= other;
                    }
                }
            }
        }
        for (modifier, begin, _) in ATTRIBUTES {
            if to.modifier.contains(modifier) && !kept.contains(modifier) {
                code(codes, format_args!("{begin}"));
            }
        }
        if self.fg != to.fg {
            color(codes, to.fg, 30);
        }
        if self.bg != to.bg {
            color(codes, to.bg, 40);
        }
    }
}

fn code(codes: &mut Vec<u8>, code: std::fmt::Arguments<'_>) {
    if !codes.is_empty() {
        codes.push(b';');
    }
    // Writing to memory cannot fail.
    let _ = codes.write_fmt(code);
}

fn color(codes: &mut Vec<u8>, color: Color, base: u8) {
    match (color, colour::number(color)) {
        (_, Some(bright @ 8..)) => code(codes, format_args!("{}", base + 60 + bright - 8)),
        (_, Some(number)) => code(codes, format_args!("{}", base + number)),
        (Color::Indexed(index), _) => code(codes, format_args!("{};5;{index}", base + 8)),
        (Color::Rgb(red, green, blue), _) => {
            code(codes, format_args!("{};2;{red};{green};{blue}", base + 8));
        }
        _ => code(codes, format_args!("{}", base + 9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(from: Pen, to: Pen) -> String {
        let mut out = Vec::new();
        from.change(to, &mut out);
        String::from_utf8(out).expect("text").replace('\u{1b}', "")
    }

    #[test]
    fn the_shortest_way_from_one_look_to_another_is_taken() {
        let plain = Pen::default();
        let bold = Pen {
            modifier: Modifier::BOLD,
            ..plain
        };
        let red = Pen {
            fg: Color::Red,
            ..plain
        };
        let everything = Pen {
            fg: Color::Rgb(1, 2, 3),
            bg: Color::Indexed(200),
            modifier: Modifier::BOLD | Modifier::DIM | Modifier::ITALIC,
        };
        assert_eq!(bytes(plain, plain), "");
        assert_eq!(bytes(plain, bold), "[1m");
        assert_eq!(bytes(bold, plain), "[m");
        assert_eq!(bytes(bold, red), "[0;31m");
        assert_eq!(bytes(plain, everything), "[1;2;3;38;2;1;2;3;48;5;200m");
        assert_eq!(bytes(everything, red), "[0;31m");
        let dim = Pen {
            modifier: Modifier::DIM | Modifier::ITALIC,
            ..everything
        };
        assert_eq!(bytes(everything, dim), "[22;2m");
        let white = Pen {
            bg: Color::White,
            ..plain
        };
        assert_eq!(bytes(red, white), "[0;107m");
        assert_eq!(
            bytes(
                everything,
                Pen {
                    fg: Color::Reset,
                    ..everything
                }
            ),
            "[39m"
        );
    }
}
