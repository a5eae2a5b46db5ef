//! Every face of the icon at every size on a dark and a light panel, as a picture on stdout:
//! `cargo run -p tray --example icons | convert ppm:- icons.png`.

use std::io::Write as _;

use betcode_core::config::IconStyle;
use tray::face::{Face, Gauge, Sign};
use tray::icon::{Picture, SIZES, draw};
use usage_core::level::Level;
use usage_core::reading::Percent;

const CELL: usize = 72;

fn faces() -> Vec<Face> {
    let mut faces = Vec::new();
    for style in IconStyle::ALL {
        for percent in [0_u16, 30, 62, 80, 95, 100] {
            let level = Percent::new(f64::from(percent)).map_or(Level::Calm, Level::of);
            let stale = false;
            let gauge = Some(Gauge {
                percent,
                level,
                stale,
            });
            let sign = Sign::None;
            faces.push(Face {
                gauge,
                sign,
                waiting: percent == 30,
                ..Face::unknown(style)
            });
        }
    }
    let level = Level::Busy;
    let stale = Some(Gauge {
        percent: 62,
        level,
        stale: true,
    });
    for gauge in [None, stale] {
        for sign in [
            Sign::None,
            Sign::Loading,
            Sign::Offline,
            Sign::Key,
            Sign::Absent,
        ] {
            faces.push(Face {
                gauge,
                sign,
                waiting: false,
                ..Face::unknown(IconStyle::Ring)
            });
        }
    }
    faces.push(Face {
        pulse: true,
        waiting: true,
        gauge: stale,
        ..Face::unknown(IconStyle::Ring)
    });
    faces
}

fn paste(canvas: &mut [u8], width: usize, left: usize, top: usize, picture: &Picture) {
    let size = picture.size as usize;
    for (index, pixel) in picture.rgba.chunks_exact(4).enumerate() {
        let (x, y) = (left + index % size, top + index / size);
        let place = canvas.chunks_exact_mut(3).nth(y * width + x);
        let (Some(place), [rgb @ .., alpha]) = (place, pixel) else {
            continue;
        };
        for (under, over) in place.iter_mut().zip(rgb) {
            let alpha = u32::from(*alpha);
            let mixed = (u32::from(*over) * alpha + u32::from(*under) * (255 - alpha)) / 255;
            *under = u8::try_from(mixed).unwrap_or(u8::MAX);
        }
    }
}

fn main() -> std::io::Result<()> {
    let faces = faces();
    let (width, height) = (CELL * SIZES.len() * 2, CELL * faces.len());
    let mut canvas = Vec::with_capacity(width * height * 3);
    for pixel in 0..width * height {
        let dark = pixel % width < width / 2;
        canvas.extend([if dark { 0x2b } else { 0xf2 }; 3]);
    }
    for (row, face) in faces.iter().enumerate() {
        for (column, size) in SIZES.iter().enumerate() {
            let picture = draw(face, *size);
            for half in [0, width / 2] {
                paste(
                    &mut canvas,
                    width,
                    half + column * CELL + 4,
                    row * CELL + 4,
                    &picture,
                );
            }
        }
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "P6 {width} {height} 255")?;
    stdout.write_all(&canvas)
}
