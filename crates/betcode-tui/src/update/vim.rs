//! Keys of the input while they are vim's: which of them are commands, and what a command asks of the rest of the screen.
//! What commands do to the text is the composer's.
//!
//! Escape is vim's until there is nothing to get out of; then it does what it does everywhere. Keys that write no character
//! (enter, arrows, what is held with control) do what the keymap says, but for `ctrl-r` outside of insert, which is vim's.

use crate::composer::{CTRL_R, Heard};
use crate::key::{Code, Key, Mods};
use crate::keymap::Do;
use crate::model::Model;

use super::{Work, conversation, history, input, keys, waiting};

/// Takes a key. False when it is none of vim's.
pub(super) fn key(model: &mut Model, work: &mut Work<'_, '_>, key: Key) -> bool {
    if model.composer.vim().is_none() {
        return false;
    }
    if key.code == Code::Escape && key.mods == Mods::NONE {
        let took = model.composer.escape();
        if took {
            model.popup = None;
        }
        return took;
    }
    if model.composer.writes() {
        return false;
    }
    let ctrl_r = Key {
        code: Code::Char('r'),
        mods: Mods::CTRL,
    };
    let pressed = match (key.text(), key.code) {
        (Some(c), _) => c,
        (None, Code::Backspace) if key.mods == Mods::NONE => 'h',
        _ if key == ctrl_r => CTRL_R,
        _ => return false,
    };
    let begins = model
        .composer
        .vim()
        .is_some_and(|(_, keys)| keys.is_empty());
    if pressed == 'k' && begins && waiting::take_back(model, work) {
        return true;
    }
    let prompts = match pressed {
        'j' | 'k' => history::prompts(model),
        _ => Vec::new(),
    };
    let heard = model.composer.press(pressed, &prompts);
    if model.composer.writes() {
        input::look_again(model);
    } else {
        model.popup = None;
    }
    if heard == Heard::Search {
        if model.inline.is_some() {
            keys::everywhere(model, work, Do::Focus, None);
        } else {
            conversation::key(model, work, Some(Do::Search), key);
        }
    }
    true
}

/// Begins or ends with vim's keys.
pub(super) fn switch(model: &mut Model) {
    let on = model.composer.vim().is_none();
    model.composer.set_vim(on);
    model.say(if on {
        "vim's keys: esc goes to normal; for every time: tui.vim = true"
    } else {
        "vim's keys are off"
    });
}

#[cfg(test)]
mod tests {
    use betcode_core::command::Action;
    use betcode_core::event::Status;

    use crate::composer::Mode;
    use crate::layers::Layer;
    use crate::msg::Effect;
    use crate::scene::{Scene, screen};

    fn scene() -> Scene {
        let mut scene = screen(80, 24);
        scene.model.composer.set_vim(true);
        scene
    }

    fn mode(scene: &Scene) -> Option<Mode> {
        scene.model.composer.vim().map(|(mode, _)| mode)
    }

    fn sent(scene: &Scene) -> Vec<&Action> {
        let sent = scene.effects.iter().filter_map(|effect| match effect {
            Effect::Send(_, action) => Some(&**action),
            _ => None,
        });
        sent.collect()
    }

    #[test]
    fn escape_leaves_insert_and_only_then_does_what_it_does_elsewhere() {
        let mut scene = scene();
        scene.status(Status::Thinking);
        scene.types("hello").keys("esc");
        assert_eq!(mode(&scene), Some(Mode::Normal));
        assert!(scene.effects.is_empty(), "{:?}", scene.effects);
        assert!(scene.text().contains("\n< hello"), "{}", scene.text());
        scene.keys("esc esc");
        assert_eq!(sent(&scene), [&Action::Cancel]);
    }

    #[test]
    fn enter_sends_in_normal_mode_and_the_next_message_begins_in_insert() {
        let mut scene = scene();
        scene.types("hello").keys("esc x enter");
        assert!(
            matches!(sent(&scene)[..], [Action::Message { text, .. }] if text == "hell"),
            "{:?}",
            scene.effects
        );
        assert_eq!(mode(&scene), Some(Mode::Insert));
    }

    #[test]
    fn control_r_is_redo_in_normal_mode_and_a_slash_searches() {
        let mut scene = scene();
        scene.types("one two").keys("esc d b u ctrl-r");
        assert_eq!(scene.model.composer.text(), "one o");
        assert!(scene.model.layers.is_empty());
        scene.keys("/");
        assert!(matches!(scene.model.layers.last(), Some(Layer::Search(_))));
    }

    #[test]
    fn no_list_opens_while_keys_are_commands() {
        let mut scene = scene();
        scene.types("/he").keys("esc");
        assert!(scene.model.popup.is_none());
        scene.keys("x");
        assert!(scene.model.popup.is_none());
        scene.keys("a");
        assert!(scene.model.popup.is_some());
    }

    #[test]
    fn the_mode_and_a_command_that_is_not_whole_are_shown() {
        let mut scene = scene();
        scene.types("hello");
        assert!(scene.text().contains(" insert ·"));
        scene.keys("esc 2 d");
        assert!(scene.text().contains(" normal 2d ·"));
    }

    #[test]
    fn keys_around_the_opening_of_a_prompt_answer_nothing() {
        let mut scene = scene();
        scene.keys("esc");
        scene.wait(2_000).event(super::super::tests::request("1"));
        assert!(scene.model.prompt.is_some());
        // The operator that somebody was about to type is the input's.
        scene.keys("y");
        assert!(sent(&scene).is_empty(), "{:?}", scene.effects);
        assert!(scene.model.prompt.is_none());
        assert_eq!(scene.model.composer.vim(), Some((Mode::Normal, "y")));
    }

    #[test]
    fn the_command_switches_it() {
        let mut scene = screen(80, 24);
        scene.types("/vim").keys("enter");
        assert_eq!(mode(&scene), Some(Mode::Insert));
        scene.types("/vim").keys("enter");
        assert_eq!(mode(&scene), None);
    }
}
