//! Tests of the palettes.

use super::*;

const DEPTHS: [Depth; 4] = [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True];

fn channels(colour: Color) -> [f64; 3] {
    match colour {
        Color::Rgb(red, green, blue) => [red, green, blue].map(f64::from),
        other => panic!("{other:?}"),
    }
}

/// How bright it is, as WCAG counts.
fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let channel = channel / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    0.0722f64.mul_add(blue, 0.2126f64.mul_add(red, 0.7152 * green))
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn with_much_contrast_nothing_is_faint_and_colours_stand_out_from_the_ground() {
    for choice in [ThemeChoice::HighContrast, ThemeChoice::HighContrastLight] {
        for depth in DEPTHS {
            let theme = Theme::chosen(choice, depth, Ground::Dark);
            assert_eq!(theme.faint, theme.text);
            for mark in [theme.accent, theme.failure, theme.success, theme.needs_you] {
                assert!(mark.add_modifier.contains(Modifier::BOLD), "{choice:?}");
            }
        }
        let theme = Theme::chosen(choice, Depth::True, Ground::Dark);
        let ground = match theme.ground {
            Ground::Dark => [0.0; 3],
            Ground::Light => [255.0; 3],
        };
        let told = [
            theme.accent,
            theme.needs_you,
            theme.failure,
            theme.success,
            theme.added,
            theme.removed,
            theme.link,
        ];
        for style in told {
            let found = contrast(channels(style.fg.unwrap()), ground);
            assert!(found >= 7.0, "{choice:?}: {style:?} has {found:.1}");
        }
    }
}

#[test]
fn for_the_colour_blind_what_comes_is_blue_and_what_goes_is_orange() {
    for choice in [ThemeChoice::ColourBlind, ThemeChoice::ColourBlindLight] {
        let theme = Theme::chosen(choice, Depth::True, Ground::Light);
        let blues = [theme.added.bg, theme.added_word.bg, theme.success.fg];
        let oranges = [theme.removed.bg, theme.removed_word.bg, theme.failure.fg];
        for (blue, orange) in blues.into_iter().zip(oranges) {
            let ([red, _, blue], [other, _, none]) =
                (channels(blue.unwrap()), channels(orange.unwrap()));
            assert!(blue > red && other > none, "{choice:?}");
        }
        // Text is read on every ground.
        let text = match theme.ground {
            Ground::Dark => [208.0; 3],
            Ground::Light => [32.0; 3],
        };
        for style in [
            theme.added,
            theme.removed,
            theme.added_word,
            theme.removed_word,
        ] {
            let found = contrast(channels(style.bg.unwrap()), text);
            assert!(found >= 3.5, "{choice:?}: {style:?} has {found:.1}");
        }
    }
}

#[test]
fn in_every_theme_and_depth_words_that_differ_and_good_and_bad_are_told_apart() {
    for choice in ThemeChoice::ALL {
        for depth in DEPTHS {
            let theme = Theme::chosen(choice, depth, Ground::Dark);
            assert_ne!(theme.added, theme.added_word, "{choice:?} {depth:?}");
            assert_ne!(theme.removed, theme.removed_word, "{choice:?} {depth:?}");
            if depth == Depth::None {
                let has = |style: Style| style.fg.is_some() || style.bg.is_some();
                let all = [theme.added, theme.removed, theme.failure, theme.accent];
                assert!(!all.into_iter().any(has), "NO_COLOR has no colour");
            } else {
                assert_ne!(theme.added, theme.removed, "{choice:?} {depth:?}");
                assert_ne!(theme.success, theme.failure, "{choice:?} {depth:?}");
            }
        }
    }
}

#[test]
fn auto_is_what_the_terminal_says_and_the_others_are_what_they_are_called() {
    let ground = |choice, found| Theme::chosen(choice, Depth::True, found).ground;
    assert_eq!(ground(ThemeChoice::Auto, Ground::Light), Ground::Light);
    assert_eq!(ground(ThemeChoice::Dark, Ground::Light), Ground::Dark);
    for choice in ThemeChoice::ALL {
        assert_eq!(ThemeChoice::named(choice.name()), Some(choice));
        if choice.name().ends_with("light") {
            assert_eq!(ground(choice, Ground::Dark), Ground::Light);
        }
    }
}

#[test]
fn what_was_chosen_holds_until_the_setting_is_another_one() {
    let chosen = Chosen {
        now: ThemeChoice::ColourBlind,
        setting: ThemeChoice::Auto,
    };
    let kept = chosen.remembered();
    assert_eq!(Chosen::again(&kept, ThemeChoice::Auto), chosen);
    let other = Chosen::again(&kept, ThemeChoice::Dark);
    assert_eq!(other.now, ThemeChoice::Dark);
    for nonsense in ["", "pink\nauto\n", "dark"] {
        let found = Chosen::again(nonsense, ThemeChoice::Auto).now;
        assert_eq!(found, ThemeChoice::Auto, "{nonsense:?}");
    }
}
