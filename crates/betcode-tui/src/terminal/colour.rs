//! Colours for terminals that have fewer of them. What the colours are for is the theme's business.

use ratatui::style::Color;

use crate::theme::Depth;

/// The sixteen as most terminals show them.
const PALETTE: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The steps of each primary colour in the cube of the 256.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest colour that a terminal has. Of the sixteen there is one form only, so that equal colours are equal.
pub(super) fn within(depth: Depth, color: Color) -> Color {
    match (depth, color) {
        (Depth::None, _) => Color::Reset,
        (Depth::Sixteen, Color::Rgb(red, green, blue)) => named(sixteen((red, green, blue))),
        (Depth::Sixteen, Color::Indexed(index)) if index >= 16 => named(sixteen(rgb(index))),
        (Depth::Indexed, Color::Rgb(red, green, blue)) => {
            Color::Indexed(indexed((red, green, blue)))
        }
        (_, Color::Indexed(index)) if index < 16 => named(index),
        (_, color) => color,
    }
}

/// The place of a colour among the sixteen.
pub(super) fn number(color: Color) -> Option<u8> {
    let number = match color {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => return None,
    };
    Some(number)
}

fn named(index: u8) -> Color {
    match index {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        _ => Color::White,
    }
}

fn distance(one: (u8, u8, u8), other: (u8, u8, u8)) -> u32 {
    let square = |one: u8, other: u8| u32::from(one.abs_diff(other)).pow(2);
    square(one.0, other.0) * 2 + square(one.1, other.1) * 4 + square(one.2, other.2)
}

fn sixteen(wanted: (u8, u8, u8)) -> u8 {
    let nearest = (0..)
        .zip(PALETTE)
        .min_by_key(|(_, color)| distance(wanted, *color));
    nearest.map_or(7, |(index, _)| index)
}

fn indexed(wanted: (u8, u8, u8)) -> u8 {
    let nearest = (16..=255).min_by_key(|index| distance(wanted, rgb(*index)));
    nearest.unwrap_or(7)
}

/// What the 256 colours are from the sixteenth on: a cube, then greys.
fn rgb(index: u8) -> (u8, u8, u8) {
    match index {
        0..16 => PALETTE.get(usize::from(index)).copied().unwrap_or_default(),
        16..232 => {
            let cube = index - 16;
            let step = |part: u8| {
                STEPS
                    .get(usize::from(part % 6))
                    .copied()
                    .unwrap_or_default()
            };
            (step(cube / 36), step(cube / 6), step(cube))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_the_terminal_has_stays_what_it_is() {
        for index in 16..=255 {
            let (red, green, blue) = rgb(index);
            let found = within(Depth::Indexed, Color::Rgb(red, green, blue));
            let Color::Indexed(found) = found else {
                panic!("{found:?}");
            };
            assert_eq!(rgb(found), (red, green, blue));
        }
        for index in 0..16 {
            let (red, green, blue) = rgb(index);
            let found = within(Depth::Sixteen, Color::Rgb(red, green, blue));
            assert_eq!(number(found), Some(index));
        }
        let any = Color::Rgb(1, 2, 3);
        assert_eq!(within(Depth::True, any), any);
    }

    #[test]
    fn without_colours_there_are_none() {
        assert_eq!(within(Depth::None, Color::Red), Color::Reset);
        assert_eq!(within(Depth::Sixteen, Color::Indexed(196)), Color::LightRed);
        assert_eq!(within(Depth::True, Color::Indexed(1)), Color::Red);
    }
}
