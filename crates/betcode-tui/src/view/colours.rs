//! Tests of what screens look like in themes for some eyes: text, and below it a letter for the style of every cell.

use std::fmt::Write as _;

use betcode_core::config::ThemeChoice;
use betcode_core::event::Status;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use serde_json::json;

use super::tests::{a_conversation, permission};
use crate::scene::{Scene, screen};
use crate::text::highlight::NoHighlights;
use crate::theme::{Depth, Ground, Theme};

type Look = (Color, Color, Modifier);

fn letter(seen: &mut Vec<Look>, look: Look) -> char {
    if look == (Color::Reset, Color::Reset, Modifier::empty()) {
        return '.';
    }
    let place = seen.iter().position(|known| *known == look);
    let place = place.unwrap_or_else(|| {
        seen.push(look);
        seen.len() - 1
    });
    char::from(b'a' + u8::try_from(place).unwrap())
}

fn styled(scene: &mut Scene) -> String {
    let area = Rect::new(0, 0, scene.model.width, scene.model.height);
    let mut buffer = Buffer::empty(area);
    super::draw(&mut scene.model, area, &mut NoHighlights, &mut buffer);
    let (mut drawn, mut seen) = (String::new(), Vec::new());
    for y in 0..area.height {
        let cells = || (0..area.width).map(|x| &buffer[(x, y)]);
        let text: String = cells().map(ratatui::buffer::Cell::symbol).collect();
        let styles = cells().map(|cell| letter(&mut seen, (cell.fg, cell.bg, cell.modifier)));
        let styles: String = styles.collect();
        drawn.extend([text.trim_end(), "\n"]);
        if !styles.trim_end_matches('.').is_empty() {
            drawn.extend([styles.trim_end_matches('.'), "\n"]);
        }
    }
    for (index, (text, ground, more)) in (0..).zip(seen) {
        let letter = char::from(b'a' + index);
        writeln!(drawn, "{letter}: {text} on {ground} {more:?}").unwrap();
    }
    drawn
}

fn a_change_is_asked_for() -> Scene {
    let mut scene = screen(80, 24);
    scene.event(permission(
        json!({"file_path": "a.rs", "old_string": "let a = 1;\nb", "new_string": "let a = 2;\nb"}),
        "Edit",
        &["Edit"],
    ));
    scene.status(Status::WaitingForUser).wait(1_000);
    scene
}

fn changes() -> Scene {
    let mut scene = a_conversation(80, 24);
    scene.status(Status::Idle).keys("ctrl-o");
    scene
}

#[test]
fn changes_prompts_and_cards_for_some_eyes() {
    for choice in [
        ThemeChoice::HighContrast,
        ThemeChoice::HighContrastLight,
        ThemeChoice::ColourBlind,
        ThemeChoice::ColourBlindLight,
    ] {
        let theme = Theme::chosen(choice, Depth::True, Ground::Dark);
        for (name, mut scene) in [("cards", changes()), ("prompt", a_change_is_asked_for())] {
            scene.model.theme = theme.clone();
            let name = format!("{name}_{}", choice.name());
            insta::assert_snapshot!(name, styled(&mut scene));
        }
    }
}

#[test]
fn cards_for_some_eyes_with_few_colours_or_none() {
    for choice in [ThemeChoice::HighContrast, ThemeChoice::ColourBlind] {
        for depth in [Depth::Sixteen, Depth::None] {
            let mut scene = changes();
            scene.model.theme = Theme::chosen(choice, depth, Ground::Dark);
            let name = format!("cards_{}_{depth:?}", choice.name());
            insta::assert_snapshot!(name, styled(&mut scene));
        }
    }
}
