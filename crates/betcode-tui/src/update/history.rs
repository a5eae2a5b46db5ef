//! Prompts of before: those of this session, and those of other sessions in its directory.
//!
//! Laws: this session's come first, going back; none is there twice.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::Model;

/// All that can be gone back to, the latest at the end.
pub(super) fn prompts(model: &Model) -> Vec<Arc<str>> {
    let mut seen: HashSet<&str> = model.history.iter().map(|prompt| &**prompt).collect();
    let past = model.past.iter().rev();
    let mut all: Vec<_> = past.filter(|prompt| seen.insert(prompt)).cloned().collect();
    all.reverse();
    all.extend(model.history.iter().cloned());
    all
}

/// What was sent before in a directory has come.
pub(super) fn come(model: &mut Model, of: &str, prompts: Result<Vec<String>, String>) {
    if of != model.session.cwd {
        return;
    }
    match prompts {
        Ok(prompts) => model.past = prompts.into_iter().map(Arc::from).collect(),
        Err(error) => model.say(format!("earlier prompts cannot be kept or read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use betcode_client::session::Update;
    use betcode_core::command::Action;
    use betcode_core::event::EventBody;
    use betcode_core::id::{IdempotencyKey, MessageId};
    use uuid::Uuid;

    use crate::msg::{Effect, Msg};
    use crate::scene::{Scene, me, screen};

    fn past(scene: &mut Scene, prompts: &[&str]) {
        let of = scene.model.session.cwd.clone();
        let prompts = prompts.iter().map(|prompt| (*prompt).to_owned()).collect();
        scene.on(Msg::Past {
            of,
            prompts: Ok(prompts),
        });
    }

    fn queued(scene: &mut Scene, number: u128, text: &str) {
        scene.event(EventBody::MessageQueued(betcode_core::event::UserInput {
            message_id: MessageId(Uuid::from_u128(number)),
            idempotency_key: IdempotencyKey(Uuid::from_u128(number)),
            text: text.into(),
            attachments: Vec::new(),
            client: me(),
            policy: betcode_core::event::TurnPolicy::default(),
            then_trim: false,
        }));
    }

    #[test]
    fn going_back_this_sessions_prompts_come_first_and_none_twice() {
        let mut scene = screen(80, 24);
        past(&mut scene, &["old", "both", "old", "older than both"]);
        scene.said("both").said("mine");
        let mut found = Vec::new();
        for _ in 0..5 {
            scene.keys("up");
            found.push(scene.model.composer.text().to_owned());
        }
        assert_eq!(found, ["mine", "both", "older than both", "old", "old"]);
        scene.keys("down");
        assert_eq!(scene.model.composer.text(), "older than both");
    }

    #[test]
    fn the_list_finds_prompts_of_other_sessions() {
        let mut scene = screen(80, 24);
        past(&mut scene, &["fix the login", "write the docs"]);
        scene.keys("ctrl-r").types("login").keys("enter");
        assert_eq!(scene.model.composer.text(), "fix the login");
    }

    #[test]
    fn what_comes_for_another_directory_is_not_taken() {
        let mut scene = screen(80, 24);
        scene.on(Msg::Past {
            of: "/elsewhere".into(),
            prompts: Ok(vec!["secret".into()]),
        });
        scene.keys("up");
        assert!(scene.model.composer.is_empty());
    }

    #[test]
    fn up_takes_back_what_waits_the_last_one_first_and_then_goes_on() {
        for keys in ["up", "k"] {
            let mut scene = screen(80, 24);
            scene.said("go");
            queued(&mut scene, 1, "one");
            queued(&mut scene, 2, "two");
            if keys == "k" {
                scene.model.composer.set_vim(true);
                scene.keys("esc");
            }
            scene.keys(keys);
            assert_eq!(scene.model.composer.text(), "two");
            let wanted = Action::RemoveQueued {
                message_id: MessageId(Uuid::from_u128(2)),
            };
            assert!(
                matches!(&scene.effects[..], [Effect::Send(_, action)] if **action == wanted),
                "{:?}",
                scene.effects
            );
            assert_eq!(scene.model.session.queue.len(), 1);
            scene.keys(keys);
            assert_ne!(scene.model.composer.text(), "one", "what is written stays");
        }
    }

    #[test]
    fn a_message_that_was_sent_meanwhile_is_not_written_anew() {
        for touched in [false, true] {
            let mut scene = screen(80, 24);
            scene.said("go");
            queued(&mut scene, 1, "one");
            scene.keys("up");
            if touched {
                scene.types("!");
            }
            let Some(Effect::Send(key, _)) = scene.effects.first().cloned() else {
                panic!("{:?}", scene.effects);
            };
            let refusal = betcode_client::Refusal::new(
                tonic::Code::NotFound,
                "MESSAGE_NOT_QUEUED",
                "it was sent already",
            );
            scene.says(Update::Outcome {
                key,
                outcome: Err(refusal),
            });
            let left = if touched { "one!" } else { "" };
            assert_eq!(scene.model.composer.text(), left);
            assert!(scene.text().contains("it was sent already"));
        }
    }
}
