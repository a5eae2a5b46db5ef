//! What the session says: attachments, events, answers to commands, and what happens to the connection.

use betcode_client::session::{End, Update};
use betcode_client::{Accepted, Refusal, SessionDetails};
use betcode_core::event::{ClientInfo, Event, EventBody, LockOutcome, Status, UserInput};
use betcode_core::id::{IdempotencyKey, Sequence};

use crate::model::{Link, Model};
use crate::msg::{Effect, Towards};
use crate::session::Session;
use crate::transcript::Transcript;

use super::{Work, conversation, waiting};

/// So many entries are kept when one looks at the end, and when one looks elsewhere. At twice as many the others are let go.
const KEPT: usize = 1_000;

pub(super) fn opened(
    model: &mut Model,
    work: &mut Work<'_, '_>,
    opened: Result<Box<SessionDetails>, String>,
) {
    let details = match opened {
        Ok(details) => details,
        Err(problem) => {
            model.link = Link::Ended(problem);
            return;
        }
    };
    model.session = Session::from_details(&details);
    model.exists = true;
    model.head = details.summary.head;
    model.since = model.head;
    model.transcript = Transcript::after(model.head);
    model.at_beginning = model.head == Sequence(0);
    let goal = model.look.goal.filter(|goal| *goal <= model.head);
    if let Some(goal) = goal {
        conversation::go_to(model, work, goal);
    } else if !model.at_beginning {
        model.reading = true;
        work.ask(Effect::Read(Towards::Start(model.head)));
    }
    // Who only watches has nothing to write, and what was kept is somebody's who does.
    if !model.observes() {
        work.ask(Effect::Recall(model.draft_of()));
    }
}

pub(super) fn session(model: &mut Model, work: &mut Work<'_, '_>, said: Update) {
    match said {
        Update::Attached {
            head,
            session,
            standing,
            ..
        } => {
            model.link = Link::Connected;
            model.session.attach(session.as_deref(), &standing);
            model.head = model.head.max(head);
        }
        Update::Reset { .. } => {
            model.transcript = Transcript::default();
            model.since = Sequence(0);
            model.head = Sequence(0);
            model.at_beginning = true;
            if let Some(inline) = &mut model.inline {
                inline.begin_anew();
            }
            if let Some(plain) = &mut model.plain {
                plain.begin_anew();
            }
            model.say("the log begins anew");
        }
        Update::Trimmed { up_to } => {
            model.transcript = Transcript::after(up_to);
            model.head = model.head.max(up_to);
            model.at_beginning = true;
        }
        Update::Events(batch) => match batch.events() {
            Ok(events) => take(model, work, &events),
            Err(error) => model.say(format!("events that cannot be read: {error}")),
        },
        Update::Outcome { key, outcome } => answered(model, key, outcome),
        Update::Trouble(trouble) => model.trouble = trouble,
        Update::Reconnecting { wait, cause, .. } => {
            model.link = Link::Reconnecting {
                next: model.now.plus(wait),
                cause,
            };
        }
        Update::End(end) => {
            model.link = Link::Ended(match end {
                End::Complete => "the session is at its end".to_owned(),
                End::Refused(refusal) => refusal.message,
                End::Failed(error) => error.to_string(),
            });
        }
    }
}

/// New events.
pub(super) fn take(model: &mut Model, work: &mut Work<'_, '_>, events: &[Event]) {
    let at_head = model.is_at_head();
    let before = model.transcript.list().len();
    for event in events {
        model.session.apply(event);
        model.head = model.head.max(event.sequence);
        if at_head {
            model.transcript.append(event);
        }
        match &event.body {
            EventBody::UserInput(input) => {
                model.remember(input);
                model.waiting.over(input.message_id);
                arrived(model, input);
            }
            EventBody::MessageQueued(input) => {
                let mut pending = model.pending.iter();
                let own = pending.find(|pending| pending.key == input.idempotency_key);
                if let Some(own) = own {
                    model.waiting.waits(input.message_id, own.parts.clone());
                }
                arrived(model, input);
            }
            EventBody::MessageDequeued {
                message_id,
                removed: true,
            } => model.waiting.over(*message_id),
            EventBody::InputLockRequestEnded {
                by,
                outcome: LockOutcome::Refused,
            } if by.id == model.me.id => {
                let holder = model.session.lock.holder.as_ref();
                let holder = holder.map(ClientInfo::label).unwrap_or_default();
                model.say(format!("{holder} keeps the input"));
            }
            EventBody::TurnComplete(_) if model.notifies() => {
                work.ask(Effect::Notify(format!("{} is done", name(&model.session))));
            }
            _ => {}
        }
    }
    if model.look.top.is_some() {
        model.look.unseen += model.transcript.list().len().saturating_sub(before);
    } else if model.transcript.list().len() > 2 * KEPT {
        let keep = model.to_be_kept(KEPT);
        model.transcript.shorten_front(keep);
        model.at_beginning = false;
    }
}

/// A message is in the log: nothing of it is needed any more, unless it waits.
fn arrived(model: &mut Model, input: &UserInput) {
    model
        .pending
        .retain(|pending| pending.key != input.idempotency_key);
    let written = model.composer.parts();
    let waiting = model.pending.iter().flat_map(|pending| &pending.parts);
    let queued = model.waiting.parts();
    model.images.keep(waiting.chain(&written).chain(queued));
}

fn name(session: &Session) -> &str {
    if session.title.is_empty() {
        &session.agent
    } else {
        &session.title
    }
}

/// A part of the log.
pub(super) fn page(model: &mut Model, towards: Towards, events: Result<Vec<Event>, String>) {
    model.reading = false;
    let events = match events {
        Ok(events) => events,
        Err(problem) => return model.say(problem),
    };
    match towards {
        Towards::Start(_) if events.is_empty() => model.at_beginning = true,
        Towards::Start(last) => {
            let is_newest = model.transcript.list().is_empty();
            if last == model.transcript.before() && model.transcript.prepend(&events) {
                model.at_beginning = model.transcript.before() == Sequence(0);
                if is_newest {
                    recall(model, &events);
                }
                if model.look.top.is_some() && model.transcript.list().len() > 3 * KEPT {
                    model.transcript.shorten_back(2 * KEPT);
                }
            }
        }
        Towards::End(first) => {
            if first == model.transcript.to() {
                let next = events.first().map_or(first.next(), |event| {
                    event.first_sequence.unwrap_or(event.sequence)
                });
                if next > first.next() {
                    // The log was trimmed up to there.
                    model.transcript = Transcript::after(Sequence(next.0 - 1));
                    model.at_beginning = true;
                }
                for event in &events {
                    model.transcript.append(event);
                }
                if model.transcript.list().len() > 3 * KEPT {
                    let keep = model.to_be_kept(2 * KEPT);
                    model.transcript.shorten_front(keep);
                    model.at_beginning = false;
                }
                conversation::land(model);
            }
        }
    }
}

/// What the newest page tells beside the conversation.
fn recall(model: &mut Model, events: &[Event]) {
    for event in events {
        match &event.body {
            EventBody::UserInput(input) => model.remember(input),
            EventBody::TodoUpdate { items } => model.session.todos.clone_from(items),
            _ => {}
        }
    }
    let newest = events
        .iter()
        .rev()
        .find(|event| matches!(event.body, EventBody::UserInput(_)));
    if model.session.is_working() && model.session.turn_since.is_none() {
        model.session.turn_since = newest.map(|event| event.timestamp);
    }
}

/// A command was answered.
fn answered(model: &mut Model, key: IdempotencyKey, outcome: Result<Accepted, Refusal>) {
    waiting::answered(model, key, outcome.is_err());
    let answer = model.answered.iter().position(|(other, _)| *other == key);
    let answer = answer.map(|place| model.answered.remove(place));
    match outcome {
        Ok(accepted) => {
            if let Some((_, id)) = answer {
                // The log says so in a moment; until then it is not asked again.
                model.session.permissions.retain(|request| request.id != id);
                model.session.questions.retain(|question| question.id != id);
            }
            for notice in accepted.notices {
                model.say(notice);
            }
        }
        Err(refusal) => {
            let hint = Some(refusal.hint.as_str()).filter(|hint| !hint.is_empty());
            let text = match hint {
                Some(hint) => format!("{} ({hint})", refusal.message),
                None => refusal.message.clone(),
            };
            if let Some((_, id)) = answer {
                // Whoever answered before has decided; a request that still waits opens again.
                model
                    .session
                    .permissions
                    .retain(|request| request.id != id || refusal.reason != ENDED);
                model
                    .session
                    .questions
                    .retain(|question| question.id != id || refusal.reason != ENDED);
            }
            if let Some(pending) = model.pending.iter_mut().find(|pending| pending.key == key) {
                pending.refused = Some(text.clone());
                let parts = pending.parts.clone();
                // What was written comes back, so that nothing has to be written again.
                if model.composer.is_empty() {
                    model.composer.put_back(&parts);
                    model.pending.retain(|pending| pending.key != key);
                }
                if model.session.status == Status::Idle && model.head == Sequence(0) {
                    model.exists = false;
                }
            }
            model.say(text);
        }
    }
}

/// How the daemon says that a request has come to its end.
const ENDED: &str = betcode_client::reason::REQUEST_ENDED;
