//! What the pictures show, by their properties: colours at places, and that no two states look alike even without colours.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "places in pictures are small numbers"
)]

use std::collections::BTreeSet;

use super::*;

fn gauge(percent: u16) -> Gauge {
    let exact = usage_core::reading::Percent::new(f64::from(percent)).unwrap();
    Gauge {
        percent,
        level: Level::of(exact),
        stale: false,
    }
}

fn face(style: IconStyle, percent: u16) -> Face {
    Face {
        gauge: Some(gauge(percent)),
        sign: Sign::None,
        ..Face::unknown(style)
    }
}

fn pixel(picture: &Picture, x: f32, y: f32) -> [u8; 4] {
    let at = |share: f32| ((share * picture.size as f32) as usize).min(picture.size as usize - 1);
    let index = (at(y) * picture.size as usize + at(x)) * 4;
    picture.rgba[index..index + 4].try_into().unwrap()
}

/// The place on the ring at this share of a turn from the top.
fn on_ring(picture: &Picture, share: f32) -> [u8; 4] {
    let (sin, cos) = (share * std::f32::consts::TAU).sin_cos();
    pixel(picture, 0.5 + 0.405 * sin, 0.5 - 0.405 * cos)
}

fn is(pixel: [u8; 4], colour: Color) -> bool {
    let wanted = colour.to_color_u8();
    let near = |one: u8, other: u8| one.abs_diff(other) < 24;
    pixel[3] > 200
        && near(pixel[0], wanted.red())
        && near(pixel[1], wanted.green())
        && near(pixel[2], wanted.blue())
}

/// Where something is, whatever its colour.
fn shape(picture: &Picture) -> Vec<bool> {
    picture.rgba.chunks(4).map(|it| it[3] > 170).collect()
}

#[test]
fn the_ring_is_filled_as_far_as_the_plan_is_used_in_the_colour_of_its_level() {
    for size in SIZES {
        for (percent, level) in [
            (30, Level::Calm),
            (62, Level::Busy),
            (80, Level::High),
            (95, Level::Critical),
        ] {
            let picture = draw(&face(IconStyle::Ring, percent), size);
            let share = f32::from(percent) / 100.0;
            for part in [0.15, 0.25, share - 0.08] {
                let pixel = on_ring(&picture, part);
                assert!(
                    is(pixel, colour(level)),
                    "{size} {percent} {part}: {pixel:?}"
                );
            }
            if percent < 90 {
                let pixel = on_ring(&picture, share + 0.1);
                assert!(!is(pixel, colour(level)), "{size} {percent}: {pixel:?}");
            }
        }
        let full = draw(&face(IconStyle::Ring, 130), size);
        assert!(is(on_ring(&full, 0.97), colour(Level::Critical)), "{size}");
    }
}

#[test]
fn every_state_has_a_shape_of_its_own_at_every_size() {
    for size in SIZES {
        for style in [
            IconStyle::Ring,
            IconStyle::Both,
            IconStyle::Bar,
            IconStyle::Number,
        ] {
            let mut faces: Vec<Face> = [10, 62, 80, 95].map(|it| face(style, it)).into();
            for sign in [Sign::Loading, Sign::Offline, Sign::Key, Sign::Absent] {
                faces.push(Face {
                    sign,
                    gauge: None,
                    ..face(style, 0)
                });
                faces.push(Face {
                    sign,
                    ..face(style, 62)
                });
            }
            let waiting: Vec<Face> = faces
                .iter()
                .map(|it| Face {
                    waiting: true,
                    ..*it
                })
                .collect();
            let count = faces.len() + waiting.len();
            let shapes: BTreeSet<_> = faces
                .iter()
                .chain(&waiting)
                .map(|it| shape(&draw(it, size)))
                .collect();
            // With a gauge behind them, signs differ from those without by the fill of the ring only, which is fainter.
            assert!(
                shapes.len() >= count - 2,
                "{size} {style:?}: {} of {count}",
                shapes.len()
            );
        }
    }
}

#[test]
fn levels_are_told_apart_without_colours() {
    for size in SIZES {
        for style in [IconStyle::Ring, IconStyle::Bar] {
            let marks = [49, 50, 75, 90].map(|percent| {
                let picture = draw(&face(style, percent), size);
                let rows = if style == IconStyle::Ring {
                    0.3..0.7
                } else {
                    0.0..0.5
                };
                let wide = picture.size as usize;
                let inner: Vec<bool> = shape(&picture)
                    .into_iter()
                    .enumerate()
                    .filter(|(index, _)| {
                        let (x, y) = (
                            (index % wide) as f32 / wide as f32,
                            (index / wide) as f32 / wide as f32,
                        );
                        (0.3..0.7).contains(&x) && rows.contains(&y)
                    })
                    .map(|(_, filled)| filled)
                    .collect();
                inner
            });
            let different: BTreeSet<_> = marks.iter().collect();
            assert_eq!(different.len(), 4, "{size} {style:?}");
        }
    }
}

#[test]
fn what_is_stale_is_grey_and_as_full_as_it_was() {
    let stale = Face {
        gauge: Some(Gauge {
            stale: true,
            ..gauge(80)
        }),
        ..face(IconStyle::Ring, 80)
    };
    for size in SIZES {
        let picture = draw(&stale, size);
        assert!(is(on_ring(&picture, 0.4), grey()), "{size}");
        let colourful = picture
            .rgba
            .chunks(4)
            .any(|it| it[3] > 0 && it[0].abs_diff(it[2]) > 30);
        assert!(!colourful, "{size}");
    }
}

#[test]
fn a_dot_says_that_something_waits_and_has_a_gap_around_it() {
    for size in SIZES {
        let without = draw(&face(IconStyle::Ring, 62), size);
        let with = draw(
            &Face {
                waiting: true,
                ..face(IconStyle::Ring, 62)
            },
            size,
        );
        assert!(is(pixel(&with, 0.21, 0.21), blue()), "{size}");
        assert!(!is(pixel(&without, 0.21, 0.21), blue()), "{size}");
        // Between the dot and the ring there is nothing.
        let gap = pixel(&with, 0.21 + 0.25, 0.21);
        assert!(gap[3] < 140, "{size}: {gap:?}");
    }
}

fn luminance(colour: Color) -> f32 {
    let linear = |part: f32| {
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(colour.red()) + 0.7152 * linear(colour.green()) + 0.0722 * linear(colour.blue())
}

#[test]
fn every_colour_stands_out_from_light_and_from_dark_panels() {
    let levels = [Level::Calm, Level::Busy, Level::High, Level::Critical].map(colour);
    for colour in levels.into_iter().chain([grey(), blue()]) {
        let own = luminance(colour);
        for panel in [
            rgb(0xff, 0xff, 0xff),
            rgb(0xf2, 0xf1, 0xf0),
            rgb(0x1e, 0x1e, 0x1e),
            rgb(0, 0, 0),
        ] {
            let panel = luminance(panel);
            let ratio = (own.max(panel) + 0.05) / (own.min(panel) + 0.05);
            assert!(ratio >= 2.7, "{colour:?}: {ratio}");
        }
    }
}

#[test]
fn a_number_fits_at_every_size_and_a_larger_icon_has_larger_digits() {
    for style in [IconStyle::Number, IconStyle::Both] {
        for percent in [0, 7, 42, 88, 100, 999] {
            let mut before = 0;
            for size in SIZES {
                let picture = draw(&face(style, percent), size);
                let filled = shape(&picture).into_iter().filter(|it| *it).count();
                assert!(filled >= before, "{style:?} {percent} {size}");
                before = filled;
            }
        }
    }
    let two = draw(&face(IconStyle::Number, 42), 22);
    let edge = |picture: &Picture| {
        let wide = picture.size as usize;
        let filled = shape(picture);
        (0..wide).any(|at| filled[at] || filled[(wide - 1) * wide + at])
    };
    assert!(!edge(&two), "nothing is cut off");
}

#[test]
fn a_pulse_is_seen_and_is_over_without_a_trace() {
    let calm = face(IconStyle::Ring, 30);
    let pulse = Face {
        pulse: true,
        ..calm
    };
    assert_ne!(draw(&pulse, 22), draw(&calm, 22));
    assert_eq!(draw(&calm, 22), draw(&calm, 22));
}

#[test]
fn it_is_drawn_only_when_it_shows_something_else() {
    let mut cache = Cache::default();
    assert!(cache.show(face(IconStyle::Ring, 62)));
    for _ in 0..5 {
        assert!(!cache.show(face(IconStyle::Ring, 62)));
    }
    assert_eq!(cache.drawn(), 1);
    assert!(cache.show(face(IconStyle::Ring, 63)));
    let sizes: Vec<u32> = cache.pictures().iter().map(|it| it.size).collect();
    assert_eq!(sizes, SIZES);
    assert!(
        cache
            .pictures()
            .iter()
            .all(|it| it.rgba.len() == (it.size * it.size * 4) as usize)
    );
}
