//! `session compact`: asks the agent to compact its context and waits until it has, or says why not.
//!
//! 1. Follow the session as an observer and send the command on the same stream.
//! 2. The turn of that message: what was compacted, and its end. Other turns may come before it.
//! 3. With `--trim`, the removal that follows once the agent has compacted.

use std::time::Duration;

use betcode_client::session::{End, Handle, Update};
use betcode_core::command::Action;
use betcode_core::event::{ClientKind, Event, EventBody, TurnComplete};
use betcode_core::id::{MessageId, Sequence, SessionId};
use betcode_core::session::Session;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::clear::{events, trimmed};
use super::resolve::find;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Link, Policy, block_on, client, command, from_now_on};
use crate::output::say;

/// How long the removal may take once the agent has compacted.
const REMOVAL: Duration = Duration::from_secs(10);

/// Compacts a session.
pub(super) fn compact(
    id: &str,
    trim: bool,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let link = Link::new(context, Policy::Start)?;
    let (id, done) = block_on(async {
        let daemon = link.connect().await?;
        let details = find(&daemon, id).await?;
        let session = details.summary.id;
        let me = client("betcode session", ClientKind::OneShot);
        let open = from_now_on(&details, me.clone(), true);
        let mut handle = Handle::on(daemon, link.watcher(), open);
        let command = command(session, me, Action::Compact { trim });
        let mut watch = Compaction::new(MessageId(command.key.0), trim, trimmed(&details));
        let accepted = handle.perform(command).await?;
        tell(&accepted.notices);
        loop {
            let update = match timeout(REMOVAL, handle.next()).await {
                Ok(update) => update,
                // The turn may take its time; only what follows from it may not.
                Err(_) if watch.turn.is_none() => continue,
                Err(_) => break,
            };
            match update {
                Update::Events(batch) => {
                    for event in batch.events()? {
                        watch.cut(&event, accepted.sequence);
                        watch.see(&event.body);
                    }
                }
                Update::End(End::Refused(refusal)) => return Err(refusal.into()),
                Update::End(End::Failed(error)) => return Err(error.into()),
                Update::End(End::Complete) => break,
                _ => {}
            }
            if watch.is_over() {
                break;
            }
        }
        Ok((session, watch.verdict()?))
    })?;
    if json {
        context.output.json(&object(id, &done, trim))?;
    } else {
        let removed = if trim {
            format!("; {}", events(done.removed.unwrap_or(0)))
        } else {
            String::new()
        };
        let Done { before, after, .. } = done;
        context.output.line(&format!(
            "session {id} is compacted: {before} tokens before, {after} after{removed}"
        ))?;
    }
    Ok(Exit::Success)
}

fn object(id: betcode_core::id::SessionId, done: &Done, trim: bool) -> Value {
    let mut object = json!({
        "id": id,
        "done": "compacted",
        "before_tokens": done.before,
        "after_tokens": done.after,
    });
    if let Some(object) = object.as_object_mut().filter(|_| trim) {
        object.insert("removed_events".into(), json!(done.removed));
    }
    object
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    before: u64,
    after: u64,
    removed: Option<u64>,
}

/// The turn of our message, and what follows from it.
struct Compaction {
    message: MessageId,
    trim: bool,
    removed_before: u64,
    stage: Stage,
    tokens: Option<(u64, u64)>,
    turn: Option<TurnComplete>,
    removed: Option<u64>,
}

/// How far the message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was heard of it.
    Sent,
    /// It waits for another turn to end.
    Queued,
    /// It was taken out of the queue.
    TakenOut,
    /// The agent has it.
    Begun,
    /// Its turn is over, and was removed from the log before it was read.
    CutOff,
}

impl Compaction {
    const fn new(message: MessageId, trim: bool, removed_before: u64) -> Self {
        Self {
            message,
            trim,
            removed_before,
            stage: Stage::Sent,
            tokens: None,
            turn: None,
            removed: None,
        }
    }

    fn see(&mut self, body: &EventBody) {
        match body {
            EventBody::MessageQueued(input) if input.message_id == self.message => {
                self.stage = Stage::Queued;
                say("note: a turn is running; the agent compacts when it has ended");
            }
            EventBody::MessageDequeued {
                message_id,
                removed: true,
            } if *message_id == self.message => self.stage = Stage::TakenOut,
            EventBody::UserInput(input) if input.message_id == self.message => {
                self.stage = Stage::Begun;
            }
            EventBody::Compacted {
                before_tokens,
                after_tokens,
                ..
            } if self.has_begun() && self.turn.is_none() => {
                self.tokens = Some((*before_tokens, *after_tokens));
            }
            EventBody::TurnComplete(turn) if self.has_begun() && self.turn.is_none() => {
                self.turn = Some(turn.clone());
            }
            EventBody::HistoryTrimmed { up_to, .. } => self.trimmed(up_to.0),
            _ => {}
        }
    }

    fn has_begun(&self) -> bool {
        self.stage == Stage::Begun
    }

    fn trimmed(&mut self, up_to: u64) {
        if self.has_begun() {
            self.removed = Some(up_to.saturating_sub(self.removed_before));
        }
    }

    /// Whether the log was cut by the turn of our message, which was accepted at this number, or after it. Whoever reads more
    /// slowly than the agent compacts does not see the message any more, but only what came of it; or not even that.
    fn cut(&mut self, event: &Event, accepted: Option<Sequence>) {
        let EventBody::HistoryTrimmed { up_to, .. } = &event.body else {
            return;
        };
        let waits = matches!(self.stage, Stage::Sent | Stage::Queued);
        if !waits || accepted.is_none_or(|accepted| accepted > *up_to) {
            return;
        }
        let mut left = Session::new(SessionId(self.message.0));
        left.apply(event);
        let turn = left.turn().map(|turn| turn.messages.as_slice());
        if turn.is_some_and(|messages| messages.contains(&self.message)) {
            self.stage = Stage::Begun;
        } else if left.messages().find_queued(self.message).is_none() {
            self.stage = Stage::CutOff;
        }
    }

    fn is_over(&self) -> bool {
        let trims = self.trim && self.tokens.is_some();
        matches!(self.stage, Stage::TakenOut | Stage::CutOff)
            || self.turn.is_some() && (!trims || self.removed.is_some())
    }

    fn verdict(self) -> Result<Done, Failure> {
        let failed = |message: String| Err(Failure::general("NOT_COMPACTED", message));
        if self.stage == Stage::TakenOut {
            return failed("the message was taken out of the queue: nothing was compacted".into());
        }
        if self.stage == Stage::CutOff {
            return Err(Failure::general(
                "HISTORY_REMOVED",
                "the session's history was removed before the end of this turn was read",
            )
            .hint("betcode session events ID shows what is left"));
        }
        let (Some((before, after)), Some(_)) = (self.tokens, &self.turn) else {
            let why = self.turn.map(|turn| match turn.error {
                Some(error) => error.message,
                None => turn.result,
            });
            return failed(match why.as_deref().map(str::trim) {
                Some(why) if !why.is_empty() => format!("nothing was compacted: {why}"),
                Some(_) => "the agent did not compact anything".to_owned(),
                None => "the connection ended before the agent had compacted".to_owned(),
            });
        };
        if self.trim && self.removed.is_none() {
            return failed(format!(
                "compacted from {before} to {after} tokens, but the log before that was not removed"
            ));
        }
        Ok(Done {
            before,
            after,
            removed: self.removed,
        })
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::event::{StopReason, TurnPolicy, Usage, UserInput};
    use betcode_core::id::IdempotencyKey;
    use betcode_core::session::SNAPSHOT_VERSION;
    use betcode_core::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    const MESSAGE: MessageId = MessageId(Uuid::from_u128(7));

    fn begins() -> EventBody {
        EventBody::UserInput(UserInput {
            message_id: MESSAGE,
            idempotency_key: IdempotencyKey(MESSAGE.0),
            text: "/compact".into(),
            attachments: Vec::new(),
            client: client("x", ClientKind::OneShot),
            policy: TurnPolicy::default(),
            then_trim: false,
        })
    }

    fn compacted() -> EventBody {
        EventBody::Compacted {
            trigger: "manual".into(),
            before_tokens: 900,
            after_tokens: 90,
        }
    }

    fn ends(result: &str) -> EventBody {
        EventBody::TurnComplete(TurnComplete {
            stop_reason: StopReason::EndTurn,
            error: None,
            num_turns: 1,
            duration_ms: 1,
            duration_api_ms: 1,
            usage: Usage::default(),
            result: result.into(),
            permission_denials: Vec::new(),
            origin: String::new(),
            raw: None,
        })
    }

    fn trimmed() -> EventBody {
        EventBody::HistoryTrimmed {
            up_to: Sequence(12),
            state: Value::Null,
        }
    }

    fn watched(trim: bool, events: &[EventBody]) -> Compaction {
        let mut watch = Compaction::new(MESSAGE, trim, 2);
        for event in events {
            watch.see(event);
        }
        watch
    }

    #[test]
    fn only_the_turn_of_our_own_message_counts() {
        let watch = watched(false, &[compacted(), ends("another turn")]);
        assert!(!watch.is_over());
        let watch = watched(false, &[ends(""), begins(), compacted(), ends("")]);
        assert!(watch.is_over());
        let done = Done {
            before: 900,
            after: 90,
            removed: None,
        };
        assert_eq!(watch.verdict(), Ok(done));
    }

    #[test]
    fn with_trim_the_removal_is_waited_for_and_counted() {
        let watch = watched(true, &[begins(), compacted(), ends("")]);
        assert!(!watch.is_over());
        let watch = watched(true, &[begins(), compacted(), ends(""), trimmed()]);
        assert!(watch.is_over());
        assert_eq!(watch.verdict().unwrap().removed, Some(10));
    }

    /// The log is cut at 12, in the turn of our message, while it is queued, or after all of it.
    fn cut(begun: bool, queued: bool) -> Event {
        let mut session = Session::new(SessionId(Uuid::from_u128(1)));
        let EventBody::UserInput(input) = begins() else {
            panic!("a message");
        };
        let happened = [
            queued.then(|| EventBody::MessageQueued(input)),
            begun.then(begins),
        ];
        for body in happened.into_iter().flatten() {
            session.apply(&event(session.head().next(), body));
        }
        let body = EventBody::HistoryTrimmed {
            up_to: Sequence(12),
            state: json!({"version": SNAPSHOT_VERSION, "session": session}),
        };
        event(Sequence(13), body)
    }

    fn event(sequence: Sequence, body: EventBody) -> Event {
        Event {
            sequence,
            first_sequence: None,
            timestamp: Timestamp(1),
            parent: None,
            previews: Vec::new(),
            body,
        }
    }

    #[test]
    fn who_reads_slowly_sees_the_end_without_the_beginning() {
        for stage in [Stage::Sent, Stage::Queued] {
            let slow = |begun, queued, accepted| {
                let mut watch = Compaction::new(MESSAGE, true, 2);
                watch.stage = stage;
                let event = cut(begun, queued);
                watch.cut(&event, Some(Sequence(accepted)));
                watch.see(&event.body);
                watch
            };
            let mut watch = slow(true, false, 9);
            watch.see(&compacted());
            watch.see(&ends(""));
            assert!(watch.is_over());
            assert_eq!(watch.verdict().unwrap().removed, Some(10));
            // Another compaction, before ours.
            for mut watch in [slow(false, false, 13), slow(false, true, 9)] {
                watch.see(&compacted());
                watch.see(&ends(""));
                assert!(!watch.is_over());
            }
            // And one after it.
            let watch = slow(false, false, 9);
            assert!(watch.is_over());
            let reason = watch.verdict().unwrap_err().report.unwrap().reason;
            assert_eq!(reason, "HISTORY_REMOVED");
        }
    }

    #[test]
    fn an_agent_that_does_not_compact_is_quoted() {
        let message = |watch: Compaction| {
            assert!(watch.is_over());
            watch.verdict().unwrap_err().report.unwrap().message
        };
        assert_eq!(
            message(watched(true, &[begins(), ends("Not enough messages.")])),
            "nothing was compacted: Not enough messages."
        );
        assert_eq!(
            message(watched(false, &[begins(), ends("")])),
            "the agent did not compact anything"
        );
        let removed = EventBody::MessageDequeued {
            message_id: MESSAGE,
            removed: true,
        };
        assert_eq!(
            message(watched(false, &[removed])),
            "the message was taken out of the queue: nothing was compacted"
        );
    }
}
