//! What is written and not sent is kept, so that it is there when its session is opened again, whatever ended this one.
//!
//! Laws: what is kept is what is in the input a second after the last key; a message that is sent is not kept; a message that
//! nobody confirmed is, when the session is left.

use std::time::Duration;

use crate::model::{DraftOf, Model};
use crate::msg::Effect;

use super::{Work, input};

/// So long nobody types before it is kept.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps what has changed, when nobody is in the middle of it.
pub(super) fn settle(model: &mut Model, work: &mut Work<'_, '_>) {
    let of = model.draft_of();
    if model.draft.of != of {
        // The session has just been made: its draft has a place of its own from now on.
        let before = std::mem::replace(&mut model.draft.of, of.clone());
        work.ask(Effect::Keep(before, String::new()));
    }
    let revision = model.composer.revision();
    let is_time = model.composer.is_empty() || model.now.since(model.last_key) >= PAUSE;
    if model.draft.kept != revision && is_time {
        model.draft.kept = revision;
        work.ask(Effect::Keep(of, input::text_of(&model.composer.parts())));
    }
}

/// The session is left for another one: what is written stays with it.
pub(super) fn leave(model: &mut Model, work: &mut Work<'_, '_>) {
    if let Some((of, text)) = model.unsent() {
        work.ask(Effect::Keep(of, text));
    }
    model.composer.take();
    model.draft.kept = model.composer.revision();
}

/// What was kept has come.
pub(super) fn recalled(model: &mut Model, of: &DraftOf, text: &str) {
    if *of != model.draft_of() || text.is_empty() {
        return;
    }
    if model.plain.is_some() {
        // Lines show no input.
        let beginning = crate::view::words::first_line(text);
        model.say(format!(
            "Kept from before: `{beginning}`: /send sends it, /drop drops it"
        ));
    }
    let written = input::text_of(&model.composer.parts());
    let is_kept = written.is_empty();
    if is_kept {
        model.composer.set(text);
        model.draft.kept = model.composer.revision();
    } else {
        model.composer.set(&format!("{text}\n{written}"));
    }
    model.draft.of = of.clone();
}

impl Model {
    /// Whose draft the input is now.
    pub(crate) fn draft_of(&self) -> DraftOf {
        if self.exists {
            DraftOf::Session(self.session.id)
        } else {
            DraftOf::New(self.session.cwd.clone())
        }
    }

    /// What is to be kept when the session is left: messages that nobody confirmed, and what is written. None when that is
    /// what is kept already.
    pub fn unsent(&self) -> Option<(DraftOf, String)> {
        let pending = self.pending.iter().map(|pending| pending.text.as_str());
        let written = input::text_of(&self.composer.parts());
        let parts: Vec<&str> = pending
            .chain([written.as_str()])
            .filter(|part| !part.is_empty())
            .collect();
        let is_kept = self.pending.is_empty() && self.draft.kept == self.composer.revision();
        (!is_kept).then(|| (self.draft_of(), parts.join("\n\n")))
    }

    /// When the draft is to be kept, if it is not.
    pub(crate) fn draft_due(&self) -> Option<betcode_core::time::Timestamp> {
        let changed = self.draft.kept != self.composer.revision();
        changed.then(|| self.last_key.plus(PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg::Msg;
    use crate::scene::{Scene, screen};

    /// What was kept, in its order.
    fn kept(scene: &Scene) -> Vec<&str> {
        let kept = scene.effects.iter().filter_map(|effect| match effect {
            Effect::Keep(_, text) => Some(text.as_str()),
            _ => None,
        });
        kept.collect()
    }

    #[test]
    fn a_draft_is_kept_when_nobody_types_and_gone_when_it_is_sent() {
        let mut scene = screen(80, 24);
        scene.types("half a thought");
        assert_eq!(kept(&scene), [""; 0]);
        assert!(scene.model.deadline().is_some(), "it wakes up to keep it");
        scene.wait(1_000).wait(1_000);
        assert_eq!(kept(&scene), ["half a thought"]);
        assert_eq!(scene.model.unsent(), None);
        scene.keys("enter");
        assert_eq!(kept(&scene), ["half a thought", ""]);
    }

    #[test]
    fn what_was_kept_stands_before_what_is_being_written() {
        let mut scene = screen(80, 24);
        let of = scene.model.draft_of();
        scene.types("and more");
        scene.on(Msg::Draft(of.clone(), "kept".into()));
        assert_eq!(scene.model.composer.text(), "kept\nand more");
        let mut scene = screen(80, 24);
        scene.on(Msg::Draft(of, "kept".into()));
        assert_eq!(scene.model.composer.text(), "kept");
        assert_eq!(scene.model.unsent(), None);
        scene.on(Msg::Draft(
            DraftOf::New("/elsewhere".into()),
            "other".into(),
        ));
        assert_eq!(scene.model.composer.text(), "kept");
    }

    #[test]
    fn what_is_written_for_one_session_does_not_go_to_another() {
        let mut scene = screen(80, 24);
        scene.types("for the first").keys("ctrl-n");
        assert!(scene.model.composer.is_empty());
        assert_eq!(kept(&scene), ["for the first"]);
        let recalled = Effect::Recall(DraftOf::New("/home/user/project".into()));
        assert!(scene.effects.contains(&recalled), "{:?}", scene.effects);
        // A new session's draft moves on with it when it is made.
        scene.types("hello").keys("enter");
        let moved = Effect::Keep(DraftOf::New("/home/user/project".into()), String::new());
        assert!(scene.effects.contains(&moved), "{:?}", scene.effects);
    }

    #[test]
    fn a_message_that_nobody_confirmed_is_kept_when_the_session_is_left() {
        let mut scene = screen(80, 24);
        scene.types("sent").keys("enter");
        scene.types("written");
        let unsent = scene.model.unsent().map(|(_, text)| text);
        assert_eq!(unsent.as_deref(), Some("sent\n\nwritten"));
    }
}
