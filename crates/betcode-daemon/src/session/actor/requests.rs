//! What is kept about requests beside the log: rows for lists, the record of decisions, and entries of the machine feed; and the
//! feed's entry about a turn that has ended.

use betcode_core::event::{Decider, Event, EventBody};
use betcode_core::id::{RequestId, SessionId};
use betcode_core::session::{Pending, describe, outcome_word};
use betcode_core::time::Timestamp;
use betcode_core::{canonical, redact};
use betcode_proto::convert::feed::{self, TurnEnded};
use betcode_proto::v1::{self, feed_entry};
use serde_json::Value;

use super::Actor;
use crate::store::{AuditRow, RequestChange, RequestRow};

/// The end of a request, whichever kind it is of.
struct End<'a> {
    id: &'a RequestId,
    word: String,
    by: &'a Decider,
    /// What ran instead of the input that was asked for.
    edited: Option<&'a Value>,
}

impl Actor {
    /// Writes down a decision. Called before the event changes the state, so that the request is still there.
    pub(super) fn audit(&mut self, body: &EventBody, now: Timestamp) {
        let Some(end) = end(body) else { return };
        let waiting = self.session.requests().iter().find(|(id, _)| *id == end.id);
        let Some((_, pending)) = waiting else { return };
        let input = end.edited.unwrap_or_else(|| pending.input());
        // A rule may have a whole command in it.
        let mut by = redact::shortened(&describe(end.by));
        if end.edited.is_some() {
            by.push_str(", with another input");
        }
        self.batch.audit.push(AuditRow {
            time: now,
            session: self.log.id(),
            tool: pending.tool().to_owned(),
            input_preview: redact::preview(input),
            input_sha256: canonical::digest(input),
            outcome: end.word.clone(),
            by: by.clone(),
            request: end.id.clone(),
        });
        let entry = self.feed_entry(pending, Some(&end.word), 0);
        let unasked = self.batch.feed.iter().position(|body| {
            matches!(body, feed_entry::Body::RequestPending(asked) if asked.request_id == end.id.0)
        });
        // What is decided in the moment in which it is asked concerns nobody.
        match unasked {
            Some(at) => drop(self.batch.feed.remove(at)),
            None => self
                .batch
                .feed
                .push(feed_entry::Body::RequestResolved(entry)),
        }
        self.batch.requests.push(RequestChange::Ended {
            id: end.id.clone(),
            state: end.word,
            decided_by: by,
            at: now,
        });
    }

    /// Notes a request that was asked, or waits longer. The event is as the log has it, with previews.
    pub(super) fn note_request(&mut self, event: &Event) {
        let pending = match &event.body {
            EventBody::PermissionRequest(request) => Pending::Permission(request.clone()),
            EventBody::Question(question) => Pending::Question(question.clone()),
            EventBody::RequestExtended { id, expires_at } => {
                self.batch.requests.push(RequestChange::Extended {
                    id: id.clone(),
                    expires_at: *expires_at,
                });
                return;
            }
            EventBody::RequestReminder { id, hours } => {
                let reminded = self
                    .session
                    .requests()
                    .iter()
                    .find(|(asked, _)| *asked == id);
                if let Some((_, pending)) = reminded {
                    let entry = self.feed_entry(pending, None, *hours);
                    self.batch
                        .feed
                        .push(feed_entry::Body::RequestReminder(entry));
                }
                return;
            }
            _ => return,
        };
        let entry = self.feed_entry(&pending, None, 0);
        self.batch
            .feed
            .push(feed_entry::Body::RequestPending(entry));
        self.batch.requests.push(RequestChange::Asked(RequestRow {
            sequence: event.sequence,
            asked: event.timestamp,
            pending,
            previews: event.previews.clone(),
        }));
    }

    /// Tells of a turn that has ended, and whether somebody was here to see it.
    pub(super) fn note_turn(&mut self, event: &Event) {
        let EventBody::TurnComplete(turn) = &event.body else {
            return;
        };
        let error = turn.error.as_ref().map(|error| error.message.as_str());
        let line = error.and_then(|message| message.lines().next());
        let ended = TurnEnded {
            session_id: self.log.id(),
            title: redact::shortened(self.session.title()),
            stop_reason: turn.stop_reason,
            error: redact::shortened(line.unwrap_or_default()),
            duration_ms: turn.duration_ms,
            attended: self.presence.is_anybody_here(),
        };
        self.batch
            .feed
            .push(feed_entry::Body::TurnEnded(ended.into()));
    }

    fn feed_entry(
        &self,
        pending: &Pending,
        outcome: Option<&str>,
        hours: u32,
    ) -> v1::PendingRequest {
        feed::PendingRequest {
            outcome: outcome.unwrap_or_default().to_owned(),
            hours,
            ..waiting(self.log.id(), pending)
        }
        .into()
    }
}

/// A request as the feed tells of it.
pub(crate) fn waiting(session: SessionId, pending: &Pending) -> feed::PendingRequest {
    let (id, tool, description) = match pending {
        Pending::Permission(request) => (
            &request.id,
            request.tool.clone(),
            request.description.clone(),
        ),
        Pending::Question(question) => {
            let first = question.items.first();
            let text = first.map(|item| item.question.clone());
            let text = text.unwrap_or_else(|| "a plan waits to be approved".to_owned());
            (&question.id, String::new(), text)
        }
    };
    feed::PendingRequest {
        session_id: session,
        request_id: id.clone(),
        tool,
        description: redact::shortened(&description),
        expires_at: pending.expires_at(),
        outcome: String::new(),
        hours: 0,
    }
}

fn end(body: &EventBody) -> Option<End<'_>> {
    match body {
        EventBody::PermissionResolved(decision) => Some(End {
            id: &decision.id,
            word: outcome_word(&decision.outcome),
            by: &decision.by,
            edited: decision.input.as_ref(),
        }),
        EventBody::QuestionAnswered {
            id, outcome, by, ..
        } => Some(End {
            id,
            word: outcome_word(outcome),
            by,
            edited: None,
        }),
        _ => None,
    }
}
