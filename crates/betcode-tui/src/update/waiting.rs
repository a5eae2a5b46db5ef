//! Messages that wait for the end of the turn, and how they come back into the input: the last one by a key, all of them when
//! the turn is stopped, for then nothing goes on by itself.
//!
//! Laws: a message is taken out of the queue before it is written anew; what turns out to have been sent meanwhile goes from
//! the input again, if nobody has changed it; a message whose images are not here stays where it is.

use betcode_core::command::Action;
use betcode_core::event::UserInput;
use betcode_core::id::{IdempotencyKey, MessageId};

use crate::composer::{Composer, Part};
use crate::model::Model;
use crate::view::words;

use super::{Work, input};

/// Between messages that are written anew.
const BETWEEN: &str = "\n\n";

/// What is known of messages that wait, or did.
#[derive(Debug, Default)]
pub struct Waiting {
    /// How those with images were written here.
    written: Vec<(MessageId, Vec<Part>)>,
    /// Those that were taken back together, by the commands that took them.
    back: Vec<(IdempotencyKey, Vec<Part>)>,
}

impl Waiting {
    /// A message of this client waits.
    pub(super) fn waits(&mut self, id: MessageId, parts: Vec<Part>) {
        if parts.iter().any(|part| matches!(part, Part::Attachment(_))) {
            self.written.push((id, parts));
        }
    }

    /// A message waits no longer.
    pub(super) fn over(&mut self, id: MessageId) {
        self.written.retain(|(other, _)| *other != id);
    }

    /// What is still needed.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.written.iter().flat_map(|(_, parts)| parts)
    }

    /// As it was written; none if its images are not here.
    fn of(&self, message: &UserInput) -> Option<Vec<Part>> {
        if message.attachments.is_empty() {
            return Some(vec![Part::Text(message.text.clone())]);
        }
        let mut written = self.written.iter();
        let (_, parts) = written.find(|(id, _)| *id == message.message_id)?;
        Some(parts.clone())
    }
}

/// With nothing written, takes back the message that waits since last. False when there is none, or it is not to be had.
pub(super) fn take_back(model: &mut Model, work: &mut Work<'_, '_>) -> bool {
    if !model.composer.is_empty() || model.observes() {
        return false;
    }
    let last = model.session.queue.last();
    let Some((id, parts)) = last.and_then(|last| Some((last.message_id, model.waiting.of(last)?)))
    else {
        return false;
    };
    taken(model, work, vec![(id, parts)]);
    model.say("taken back from the queue: change it and send it again");
    true
}

/// The turn is being stopped: takes back all that waits and is to be had. Says what became of it; nothing if nothing waited.
pub(super) fn stopped(model: &mut Model, work: &mut Work<'_, '_>) -> Option<String> {
    let (me, observes) = (model.me.id, model.observes());
    let queue = model.session.queue.iter();
    let queue = queue.filter(|message| !observes || message.client.id == me);
    let messages: Vec<_> = queue
        .filter_map(|message| Some((message.message_id, model.waiting.of(message)?)))
        .collect();
    let count = messages.len();
    if count > 0 {
        taken(model, work, messages);
    }
    let left = model.session.queue.len();
    let goes = if left == 1 { "goes" } else { "go" };
    let left = format!("{} {goes} next", words::counted(left, "other message"));
    let back = if model.plain.is_some() {
        "that waited is kept: /send sends it, /drop drops it"
    } else {
        "that waited is in the input: enter sends it"
    };
    let back = format!("{} {back}", words::counted(count, "message"));
    let back = if count == 1 {
        back
    } else {
        back.replace("is kept", "are kept")
            .replace("is in", "are in")
            .replace(" it", " them")
    };
    match (count, model.session.queue.is_empty()) {
        (0, true) => None,
        (0, false) => Some(left),
        (_, true) => Some(back),
        (_, false) => Some(format!("{back}; {left}")),
    }
}

/// Takes messages out of the queue and writes them before what is being written.
fn taken(model: &mut Model, work: &mut Work<'_, '_>, messages: Vec<(MessageId, Vec<Part>)>) {
    let draft = model.composer.take();
    model.waiting.back.clear();
    for (message_id, parts) in messages {
        let key = work.send(Action::RemoveQueued { message_id });
        // The next key takes back the one before, and not this one again.
        let queue = &mut model.session.queue;
        queue.retain(|queued| queued.message_id != message_id);
        model.waiting.back.push((key, parts));
    }
    let all = together(&model.waiting.back);
    write(&mut model.composer, &all);
    if !draft.is_empty() {
        model.composer.type_in(BETWEEN);
        model.composer.put_back(&draft);
    }
    model.composer.rest();
    input::look_again(model);
}

/// A command was answered: whether it was to take back a message that was sent already.
pub(super) fn answered(model: &mut Model, key: IdempotencyKey, refused: bool) {
    let back = &mut model.waiting.back;
    let Some(place) = back.iter().position(|(other, _)| *other == key) else {
        return;
    };
    if !refused {
        return;
    }
    let all = together(back);
    back.remove(place);
    if input::text_of(&model.composer.parts()) == input::text_of(&all) {
        let rest = together(back);
        model.composer.set("");
        write(&mut model.composer, &rest);
    }
}

/// Texts as they are, and images at their places.
fn write(composer: &mut Composer, parts: &[Part]) {
    match parts {
        [Part::Text(text)] => composer.set(text),
        parts => composer.put_back(parts),
    }
}

/// Several messages as one.
fn together(messages: &[(IdempotencyKey, Vec<Part>)]) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::new();
    for (_, parts) in messages {
        let between = (!all.is_empty()).then(|| Part::Text(BETWEEN.to_owned()));
        for part in between.into_iter().chain(parts.iter().cloned()) {
            match (all.last_mut(), part) {
                (Some(Part::Text(text)), Part::Text(more)) => text.push_str(&more),
                (_, part) => all.push(part),
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use betcode_client::session::Update;
    use betcode_core::command::PermissionAnswer;
    use betcode_core::event::{Attachment, EventBody, PermissionRequest};
    use uuid::Uuid;

    use super::*;
    use crate::msg::{Effect, Image, Msg};
    use crate::scene::{Scene, me, screen};

    fn queued(scene: &mut Scene, number: u128, text: &str) {
        let id = Uuid::from_u128(number);
        scene.event(EventBody::MessageQueued(input(id, text)));
    }

    fn input(id: Uuid, text: &str) -> UserInput {
        UserInput {
            message_id: MessageId(id),
            idempotency_key: IdempotencyKey(id),
            text: text.into(),
            attachments: Vec::new(),
            client: me(),
            policy: betcode_core::event::TurnPolicy::default(),
            then_trim: false,
        }
    }

    /// What was asked of the session.
    fn sent(scene: &Scene) -> Vec<(IdempotencyKey, Action)> {
        let sent = scene.effects.iter().filter_map(|effect| match effect {
            Effect::Send(key, action) => Some((*key, (**action).clone())),
            _ => None,
        });
        sent.collect()
    }

    fn removed(number: u128) -> Action {
        let message_id = MessageId(Uuid::from_u128(number));
        Action::RemoveQueued { message_id }
    }

    /// What was taken back first is on its way to the agent already.
    fn was_sent(scene: &mut Scene) {
        let (key, _) = sent(scene)[0];
        let refusal = betcode_client::Refusal::new(
            tonic::Code::NotFound,
            "MESSAGE_NOT_QUEUED",
            "it was sent already",
        );
        scene.says(Update::Outcome {
            key,
            outcome: Err(refusal),
        });
    }

    #[test]
    fn a_turn_that_is_stopped_brings_back_what_waited_before_it_can_go_on() {
        for keys in ["ctrl-c", "esc esc"] {
            let mut scene = screen(80, 24);
            scene.said("go");
            queued(&mut scene, 1, "one");
            queued(&mut scene, 2, "two");
            scene.keys(keys);
            let actions: Vec<_> = sent(&scene).into_iter().map(|(_, it)| it).collect();
            assert_eq!(actions, [removed(1), removed(2), Action::Cancel], "{keys}");
            assert_eq!(scene.model.composer.text(), "one\n\ntwo");
            let text = scene.text();
            let said = "2 messages that waited are in the input: enter sends them";
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn no_and_stop_brings_it_back_as_well_and_no_alone_does_not() {
        for (key, stops) in [("d", true), ("n", false)] {
            let mut scene = screen(80, 24);
            scene.said("go");
            queued(&mut scene, 1, "one");
            scene.event(EventBody::PermissionRequest(PermissionRequest {
                id: "r1".into(),
                tool: "Bash".into(),
                tool_call: None,
                input: serde_json::json!({"command": "ls"}),
                description: String::new(),
                suggested_rules: Vec::new(),
                expires_at: None,
                is_replay: false,
                note: String::new(),
            }));
            scene.wait(2_000).wait(1_000);
            assert!(scene.text().contains("no, and stop: what waits comes back"));
            scene.keys(key);
            let sent = sent(&scene);
            let is_answer = |interrupts: bool| {
                sent.iter().any(|(_, action)| matches!(action, Action::AnswerPermission { answer: PermissionAnswer::Deny { interrupt, .. }, .. } if *interrupt == interrupts))
            };
            assert!(is_answer(stops), "{sent:?}");
            assert_eq!(sent.first().map(|(_, it)| it) == Some(&removed(1)), stops);
            let text = if stops { "one" } else { "" };
            assert_eq!(scene.model.composer.text(), text);
        }
    }

    #[test]
    fn what_is_being_written_stays_behind_what_comes_back() {
        let mut scene = screen(80, 24);
        scene.said("go");
        queued(&mut scene, 1, "one");
        scene.types("draft").keys("esc esc");
        assert_eq!(scene.model.composer.text(), "one\n\ndraft");
    }

    #[test]
    fn of_several_only_what_was_sent_meanwhile_goes_from_the_input() {
        let mut scene = screen(80, 24);
        scene.said("go");
        queued(&mut scene, 1, "one");
        queued(&mut scene, 2, "two");
        scene.keys("ctrl-c");
        was_sent(&mut scene);
        assert_eq!(scene.model.composer.text(), "two");
    }

    #[test]
    fn a_message_comes_back_with_its_image_if_that_is_here_and_stays_otherwise() {
        let image = Attachment::new("shot.png", "image/png", b"\x89PNG");
        for keys in ["up", "ctrl-c"] {
            let mut scene = screen(80, 24);
            scene.said("go").types("see ");
            scene.on(Msg::Image(Image::Clipboard, Ok(image.clone())));
            scene.keys("enter");
            let (key, _) = sent(&scene)[0];
            scene.event(EventBody::MessageQueued(UserInput {
                attachments: vec![image.clone()],
                ..input(key.0, "see [image: shot.png]")
            }));
            scene.keys(keys).keys("enter");
            let sent = sent(&scene);
            let Some((
                _,
                Action::Message {
                    text, attachments, ..
                },
            )) = sent.last()
            else {
                panic!("{sent:?}");
            };
            assert_eq!(text, "see [image: shot.png]");
            assert_eq!(attachments, std::slice::from_ref(&image), "{keys}");
        }
        let mut scene = screen(80, 24);
        scene.said("go");
        scene.event(EventBody::MessageQueued(UserInput {
            attachments: vec![image],
            ..input(Uuid::from_u128(1), "theirs")
        }));
        scene.keys("ctrl-c");
        assert!(scene.model.composer.is_empty());
        let text = scene.text();
        assert!(text.contains("1 other message goes next"), "{text}");
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
            let wanted: Vec<_> = sent(&scene).into_iter().map(|(_, action)| action).collect();
            assert_eq!(wanted, [removed(2)]);
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
            was_sent(&mut scene);
            let left = if touched { "one!" } else { "" };
            assert_eq!(scene.model.composer.text(), left);
            assert!(scene.text().contains("it was sent already"));
        }
    }
}
