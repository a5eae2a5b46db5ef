//! Lines, arcs and marks on a square canvas. Places and lengths are shares of its width.

use std::f32::consts::TAU;

use tiny_skia::{
    BlendMode, Color, FillRule, LineCap, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8,
    Rect, Stroke, Transform,
};
use usage_core::level::Level;

use super::digits;

/// So many corners make a circle of any size that panels show.
const CORNERS: u16 = 96;

/// A picture that is being drawn.
pub(super) struct Canvas {
    pixmap: Pixmap,
    size: f32,
}

impl Canvas {
    pub(super) fn new(pixmap: Pixmap) -> Self {
        let size = length(pixmap.width());
        Self { pixmap, size }
    }

    /// What was drawn, with colours as they are and not multiplied by their alpha.
    pub(super) fn into_rgba(self) -> Vec<u8> {
        let pixels = self.pixmap.pixels().iter();
        let pixels = pixels.map(PremultipliedColorU8::demultiply);
        pixels
            .flat_map(|it| [it.red(), it.green(), it.blue(), it.alpha()])
            .collect()
    }

    /// A ring that is filled from the top, as the hand of a clock goes.
    pub(super) fn ring(&mut self, thick: f32, share: Option<f32>, colour: Color, track: Color) {
        let thick = (thick * self.size).max(1.5);
        let radius = (self.size - thick) / 2.0 - self.size * 0.02;
        let mut faint = track;
        faint.set_alpha(0.7);
        let whole = share.is_some_and(|share| share >= 1.0);
        if !whole {
            self.arc(radius, 0.0, 1.0, thick * 0.6, faint);
        }
        if let Some(share) = share.filter(|share| *share > 0.0) {
            // Less than this could not be seen.
            self.arc(radius, 0.0, share.max(0.03), thick, colour);
        }
    }

    fn arc(&mut self, radius: f32, from: f32, to: f32, thick: f32, colour: Color) {
        let middle = self.size / 2.0;
        let mut path = PathBuilder::new();
        for corner in 0..=CORNERS {
            let part = from + (to - from) * f32::from(corner) / f32::from(CORNERS);
            let (sin, cos) = (part * TAU).sin_cos();
            let (x, y) = (middle + radius * sin, middle - radius * cos);
            if corner == 0 {
                path.move_to(x, y);
            } else {
                path.line_to(x, y);
            }
        }
        self.stroke(path.finish(), thick, LineCap::Butt, colour);
    }

    /// A bar that is filled from the left, in the lower half.
    pub(super) fn bar(&mut self, share: f32, colour: Color, track: Color) {
        let (left, top, width, height) = (0.06, 0.56, 0.88, 0.36);
        let mut faint = track;
        faint.set_alpha(0.7);
        self.rectangle(left, top, width, height, faint);
        if share > 0.0 {
            self.rectangle(left, top, width * share.max(0.05), height, colour);
        }
    }

    /// The mark of a level around a place: none, a bar, a triangle, an exclamation mark.
    pub(super) fn level_mark(&mut self, level: Level, x: f32, y: f32, size: f32, colour: Color) {
        let half = size / 2.0;
        match level {
            Level::Calm => {}
            Level::Busy => self.rectangle(
                x - half * 0.7,
                y - half * 0.22,
                half * 1.4,
                half * 0.5,
                colour,
            ),
            Level::High => {
                let corners = [
                    (x, y - half),
                    (x + half, y + half * 0.8),
                    (x - half, y + half * 0.8),
                ];
                self.fill(&corners, colour);
            }
            Level::Critical => {
                let wide = half * 0.5;
                self.rectangle(x - wide / 2.0, y - half, wide, half * 1.2, colour);
                self.rectangle(x - wide / 2.0, y + half * 0.5, wide, half * 0.5, colour);
            }
        }
    }

    /// A number in the middle, no larger than fits into a circle of this width, or into the whole with so much room left below.
    pub(super) fn number(&mut self, number: u16, within: f32, colour: Color, room_below: f32) {
        let (wide, high) = (f32::from(digits::width(number)), f32::from(digits::HEIGHT));
        let room = self.size * within;
        // Cells are whole pixels, or they could not be read.
        let fits = |(x, y): &(f32, f32)| {
            let (width, height) = (wide * x, high * y);
            // The corners of a number are mostly empty.
            if within < 1.0 {
                (width * width + height * height).sqrt() <= room * 1.04
            } else {
                width <= room && height <= room - self.size * room_below
            }
        };
        let sides = || (1..=16_u8).map(f32::from);
        let pairs = sides().flat_map(|x| sides().map(move |y| (x, y)));
        let shapely = pairs.filter(|(x, y)| *y >= *x && *y <= x * 2.0);
        let best = shapely
            .filter(fits)
            .max_by(|(x1, y1), (x2, y2)| (x1 * x1 * y1).total_cmp(&(x2 * x2 * y2)));
        let (x, y) = best.unwrap_or((1.0, 1.0));
        let left = ((self.size - wide * x) / 2.0).floor();
        let top = ((self.size * (1.0 - room_below) - high * y) / 2.0).floor();
        for (column, row) in digits::cells(number) {
            let (column, row) = (f32::from(column), f32::from(row));
            if let Some(cell) = Rect::from_xywh(left + column * x, top + row * y, x, y) {
                self.pixmap
                    .fill_rect(cell, &paint(colour), Transform::identity(), None);
            }
        }
    }

    /// Three dots.
    pub(super) fn dots(&mut self, colour: Color) {
        for x in [0.3, 0.5, 0.7] {
            self.disc(x, 0.5, 0.07, colour);
        }
    }

    /// One dot in the middle.
    pub(super) fn pip(&mut self, colour: Color) {
        self.disc(0.5, 0.5, 0.13, colour);
    }

    /// A cross in the ring.
    pub(super) fn cross(&mut self, colour: Color) {
        self.line((0.35, 0.35), (0.65, 0.65), 0.13, colour);
        self.line((0.65, 0.35), (0.35, 0.65), 0.13, colour);
    }

    /// A stroke through the ring.
    pub(super) fn slash(&mut self, colour: Color) {
        self.line((0.17, 0.83), (0.83, 0.17), 0.12, colour);
    }

    /// A key: its bow, its shaft and two teeth.
    pub(super) fn key(&mut self, colour: Color) {
        self.disc(0.36, 0.5, 0.14, colour);
        self.erase(0.36, 0.5, 0.055);
        self.rectangle(0.46, 0.45, 0.28, 0.1, colour);
        self.rectangle(0.58, 0.5, 0.07, 0.15, colour);
        self.rectangle(0.68, 0.5, 0.07, 0.13, colour);
    }

    /// A dot in the upper left corner, where a ring is filled last, with a gap around it.
    pub(super) fn corner_dot(&mut self, radius: f32, colour: Color) {
        self.erase(radius, radius, radius * 1.36);
        self.disc(radius, radius, radius, colour);
    }

    /// A line along the lower edge, with a gap above it.
    pub(super) fn underline(&mut self, colour: Color) {
        self.rectangle(0.0, 0.86, 1.0, 0.14, colour);
    }

    /// Something behind everything that was not there before.
    pub(super) fn halo(&mut self, mut colour: Color) {
        colour.set_alpha(0.45);
        self.disc(0.5, 0.5, 0.5, colour);
    }

    fn disc(&mut self, x: f32, y: f32, radius: f32, colour: Color) {
        self.circle(x, y, radius, &paint(colour));
    }

    fn erase(&mut self, x: f32, y: f32, radius: f32) {
        let mut nothing = paint(Color::BLACK);
        nothing.blend_mode = BlendMode::Clear;
        self.circle(x, y, radius, &nothing);
    }

    fn circle(&mut self, x: f32, y: f32, radius: f32, paint: &Paint<'_>) {
        let size = self.size;
        if let Some(path) = PathBuilder::from_circle(x * size, y * size, radius * size) {
            self.pixmap
                .fill_path(&path, paint, FillRule::Winding, Transform::identity(), None);
        }
    }

    /// A rectangle whose sides lie on whole pixels, where it is not thinner than one.
    fn rectangle(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Color) {
        let whole = |from: f32, length: f32| {
            let begin = (from * self.size).round();
            (
                begin,
                ((from + length) * self.size).round().max(begin + 1.0) - begin,
            )
        };
        let ((x, width), (y, height)) = (whole(x, width), whole(y, height));
        if let Some(rectangle) = Rect::from_xywh(x, y, width, height) {
            self.pixmap
                .fill_rect(rectangle, &paint(colour), Transform::identity(), None);
        }
    }

    fn fill(&mut self, corners: &[(f32, f32)], colour: Color) {
        let mut path = PathBuilder::new();
        for (number, (x, y)) in corners.iter().enumerate() {
            let (x, y) = (x * self.size, y * self.size);
            if number == 0 {
                path.move_to(x, y);
            } else {
                path.line_to(x, y);
            }
        }
        path.close();
        if let Some(path) = path.finish() {
            let paint = paint(colour);
            self.pixmap.fill_path(
                &path,
                &paint,
                FillRule::Winding,
                Transform::identity(),
                None,
            );
        }
    }

    fn line(&mut self, from: (f32, f32), to: (f32, f32), thick: f32, colour: Color) {
        let size = self.size;
        let mut path = PathBuilder::new();
        path.move_to(from.0 * size, from.1 * size);
        path.line_to(to.0 * size, to.1 * size);
        self.stroke(
            path.finish(),
            (thick * size).max(1.5),
            LineCap::Round,
            colour,
        );
    }

    fn stroke(&mut self, path: Option<Path>, thick: f32, line_cap: LineCap, colour: Color) {
        let stroke = Stroke {
            width: thick,
            line_cap,
            ..Stroke::default()
        };
        if let Some(path) = path {
            let paint = paint(colour);
            self.pixmap
                .stroke_path(&path, &paint, &stroke, Transform::identity(), None);
        }
    }
}

fn paint(colour: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour);
    paint.anti_alias = true;
    paint
}

/// Pictures are small.
fn length(pixels: u32) -> f32 {
    f32::from(u16::try_from(pixels).unwrap_or(u16::MAX))
}
