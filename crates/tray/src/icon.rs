//! The icon, drawn from a [`Face`]: the same face gives the same bytes.
//!
//! What it shows can be told without colours: the ring fills, and a mark in its middle grows with the level (none, a bar, a
//! triangle, an exclamation mark); what is the matter has a sign of its own; what waits is a dot in the corner, with a gap
//! around it, or a line below a number. The colours are of middle brightness, so that they stand out from light and from dark panels.
//!
//! - `shape`: lines, arcs and marks; `digits`: numbers of three by five cells.

mod digits;
mod shape;

use betcode_core::config::IconStyle;
use tiny_skia::{Color, Pixmap};
use usage_core::level::Level;

use crate::face::{Face, Gauge, Sign};
use shape::Canvas;

/// The sizes that panels ask for.
pub const SIZES: [u32; 6] = [16, 22, 24, 32, 48, 64];

/// A square picture: red, green, blue and alpha, not multiplied, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its width and height.
    pub size: u32,
    /// Four bytes a pixel.
    pub rgba: Vec<u8>,
}

/// The colour of a level.
pub fn colour(level: Level) -> Color {
    match level {
        Level::Calm => rgb(0x2a, 0x9d, 0x3a),
        Level::Busy => rgb(0xb4, 0x8a, 0x00),
        Level::High => rgb(0xe0, 0x62, 0x10),
        Level::Critical => rgb(0xd6, 0x2b, 0x36),
    }
}

/// The colour of what is not good.
pub fn grey() -> Color {
    rgb(0x80, 0x80, 0x80)
}

/// The colour of what waits.
pub fn blue() -> Color {
    rgb(0x2f, 0x7f, 0xe0)
}

fn rgb(red: u8, green: u8, blue: u8) -> Color {
    Color::from_rgba8(red, green, blue, 0xff)
}

/// The picture of a face, `size` pixels wide and high.
pub fn draw(face: &Face, size: u32) -> Picture {
    let Some(pixmap) = Pixmap::new(size, size) else {
        return Picture {
            size: 0,
            rgba: Vec::new(),
        };
    };
    let mut canvas = Canvas::new(pixmap);
    let colour = face.gauge.filter(|it| !it.stale);
    let colour = colour.map_or_else(grey, |gauge| self::colour(gauge.level));
    if face.pulse {
        canvas.halo(if face.waiting { blue() } else { colour });
    }
    match (face.sign, face.style, face.gauge) {
        (Sign::None, IconStyle::Number, Some(gauge)) => {
            let room_below = if face.waiting { 0.2 } else { 0.0 };
            canvas.number(gauge.percent, 1.0, colour, room_below);
        }
        (Sign::None, IconStyle::Bar, gauge) => bar(&mut canvas, gauge, colour),
        (sign, style, gauge) => ring(&mut canvas, sign, style, gauge, colour),
    }
    if face.waiting {
        match (face.sign, face.style, face.gauge) {
            // Nothing may hide a digit.
            (Sign::None, IconStyle::Number, Some(_)) => canvas.underline(blue()),
            (Sign::None, IconStyle::Both, Some(_)) => canvas.corner_dot(0.17, blue()),
            _ => canvas.corner_dot(0.21, blue()),
        }
    }
    Picture {
        size,
        rgba: canvas.into_rgba(),
    }
}

fn ring(canvas: &mut Canvas, sign: Sign, style: IconStyle, gauge: Option<Gauge>, colour: Color) {
    let has_number = sign == Sign::None && style == IconStyle::Both && gauge.is_some();
    let thick = if has_number { 0.09 } else { 0.15 };
    canvas.ring(thick, gauge.map(|it| share(it.percent)), colour, grey());
    match (sign, gauge) {
        (Sign::None, Some(gauge)) if has_number && gauge.percent < 100 => {
            canvas.number(gauge.percent, 0.80, colour, 0.0);
        }
        (Sign::None, Some(gauge)) => canvas.level_mark(gauge.level, 0.5, 0.5, 0.42, colour),
        (Sign::None, None) => canvas.pip(grey()),
        (Sign::Loading, _) => canvas.dots(grey()),
        (Sign::Offline, _) => canvas.cross(grey()),
        (Sign::Key, _) => canvas.key(rgb(0xb4, 0x8a, 0x00)),
        (Sign::Absent, _) => canvas.slash(grey()),
    }
}

fn bar(canvas: &mut Canvas, gauge: Option<Gauge>, colour: Color) {
    canvas.bar(gauge.map_or(0.0, |it| share(it.percent)), colour, grey());
    match gauge {
        Some(gauge) => canvas.level_mark(gauge.level, 0.5, 0.26, 0.42, colour),
        None => canvas.pip(grey()),
    }
}

fn share(percent: u16) -> f32 {
    f32::from(percent.min(100)) / 100.0
}

/// Pictures of one face in all sizes, drawn anew only when the face is another one.
#[derive(Debug, Default)]
pub struct Cache {
    face: Option<Face>,
    pictures: Vec<Picture>,
    drawn: usize,
}

impl Cache {
    /// The pictures of this face. True when they are others than before.
    pub fn show(&mut self, face: Face) -> bool {
        if self.face == Some(face) {
            return false;
        }
        self.face = Some(face);
        self.pictures = SIZES.map(|size| draw(&face, size)).into();
        self.drawn += 1;
        true
    }

    /// The pictures of the last face.
    pub fn pictures(&self) -> &[Picture] {
        &self.pictures
    }

    /// How often it was drawn.
    pub const fn drawn(&self) -> usize {
        self.drawn
    }
}

#[cfg(test)]
mod tests;
