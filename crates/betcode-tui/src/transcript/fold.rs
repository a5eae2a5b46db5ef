//! What an event changes in the conversation. One event makes at most one entry.

use betcode_core::event::{Event, EventBody, MessageEnd, TextPiece};
use betcode_core::id::{Sequence, ToolCallId};
use serde_json::Value;

use super::entry::{Body, Entry, Kind, Message, Said, Tool, ToolState};
use super::trace::trace;
use super::{List, Transcript};

impl Transcript {
    pub(super) fn apply(&mut self, event: &Event) {
        match &event.body {
            EventBody::TextDelta(piece) => self.piece(event, Kind::Text, piece),
            EventBody::ThinkingDelta(piece) => self.piece(event, Kind::Thinking, piece),
            EventBody::MessageComplete {
                message_id, end, ..
            } => {
                self.complete(event, message_id, *end);
            }
            EventBody::ToolCallStart {
                id,
                tool,
                input,
                description,
            } => self.start(event, id, tool, input, description),
            EventBody::ToolCallProgress {
                id,
                elapsed_ms,
                output,
            } => {
                let elapsed_ms = *elapsed_ms;
                self.call(event, id, |call| {
                    call.state = ToolState::Running { elapsed_ms };
                    if !output.is_empty() {
                        call.output.clone_from(output);
                    }
                });
            }
            EventBody::ToolCallResult {
                id,
                output,
                is_error,
                duration_ms,
                diff,
                ..
            } => self.call(event, id, |call| {
                call.state = ToolState::Ended {
                    failed: *is_error,
                    duration_ms: *duration_ms,
                };
                call.output.clone_from(output);
                call.diff.clone_from(diff);
                call.cut.extend(cut(event));
            }),
            EventBody::UserInput(input) => {
                let attached = input.attachments.iter();
                let said = Said {
                    id: input.message_id,
                    text: input.text.clone(),
                    attached: attached.map(|attached| attached.name.clone()).collect(),
                    from: input.client.clone(),
                };
                self.add(event, Body::User(said));
            }
            other => {
                if let Some(trace) = trace(other) {
                    self.add(event, Body::Trace(trace));
                }
            }
        }
    }

    /// Where this call's entry is, which is made when its beginning is before the window.
    fn path(&mut self, event: &Event, id: &ToolCallId) -> Vec<Sequence> {
        if let Some(path) = self.calls.get(id) {
            return path.clone();
        }
        let is_parent = event.parent.as_ref() == Some(id);
        let above = match &event.parent {
            Some(parent) if !is_parent => self.path(event, parent),
            _ => Vec::new(),
        };
        let mut entry = entry(event, Body::Tool(Box::new(Tool::unknown(id))));
        entry.headless = true;
        entry.last = Sequence(entry.first.0.saturating_sub(1));
        let mut path = above.clone();
        path.push(entry.first);
        within(&mut self.list, &above, event.sequence, |list| {
            list.push(entry);
        });
        self.calls.insert(id.clone(), path.clone());
        path
    }

    /// In the list where entries of this event go.
    fn place<R>(&mut self, event: &Event, change: impl FnOnce(&mut List) -> R) -> R {
        let path = match &event.parent {
            Some(parent) => self.path(event, parent),
            None => Vec::new(),
        };
        within(&mut self.list, &path, event.sequence, change)
    }

    /// Brings what was seen of a call to where the call is.
    pub(super) fn adopt(&mut self, orphan: Entry) {
        let Body::Tool(tool) = &orphan.body else {
            return;
        };
        let path = self.calls.get(&tool.id).cloned().unwrap_or_default();
        let Some((own, above)) = path.split_last() else {
            return;
        };
        within(&mut self.list, above, orphan.last, |list| {
            if let Some(entry) = list.get_mut(*own) {
                entry.absorb(orphan);
            }
        });
    }

    fn add(&mut self, event: &Event, body: Body) {
        self.place(event, |list| list.push(entry(event, body)));
    }

    fn piece(&mut self, event: &Event, kind: Kind, piece: &TextPiece) {
        self.place(event, |list| {
            if let Some(entry) = list.open_message(kind, &piece.message_id) {
                entry.last = entry.last.max(event.sequence);
                if let Body::Answer(message) | Body::Thinking(message) = &mut entry.body {
                    message.push(&piece.text);
                }
                return;
            }
            let headless = list.open_messages(&piece.message_id).next().is_none();
            let mut message = Message::new(&piece.message_id);
            message.push(&piece.text);
            let mut entry = entry(
                event,
                match kind {
                    Kind::Text => Body::Answer(message),
                    Kind::Thinking => Body::Thinking(message),
                },
            );
            entry.headless = headless;
            list.push(entry);
        });
    }

    fn complete(&mut self, event: &Event, id: &str, end: MessageEnd) {
        self.place(event, |list| list.complete(id, end, event.sequence));
    }

    fn start(
        &mut self,
        event: &Event,
        id: &ToolCallId,
        name: &str,
        input: &Value,
        description: &str,
    ) {
        if self.calls.contains_key(id) {
            return;
        }
        let mut path = match &event.parent {
            Some(parent) => self.path(event, parent),
            None => Vec::new(),
        };
        let tool = Tool {
            name: name.to_owned(),
            description: description.to_owned(),
            input: input.clone(),
            cut: cut(event).collect(),
            ..Tool::unknown(id)
        };
        self.add(event, Body::Tool(Box::new(tool)));
        path.push(first(event));
        self.calls.insert(id.clone(), path);
    }

    fn call(&mut self, event: &Event, id: &ToolCallId, change: impl FnOnce(&mut Tool)) {
        let path = self.path(event, id);
        let Some((own, above)) = path.split_last() else {
            return;
        };
        within(&mut self.list, above, event.sequence, |list| {
            let Some(entry) = list.get_mut(*own) else {
                return;
            };
            entry.last = entry.last.max(event.sequence);
            entry.drawn.forget();
            if let Body::Tool(tool) = &mut entry.body {
                tool.told = event.sequence;
                change(tool);
            }
        });
    }
}

/// The number of the first event that this one stands for.
fn first(event: &Event) -> Sequence {
    event.first_sequence.unwrap_or(event.sequence)
}

fn entry(event: &Event, body: Body) -> Entry {
    Entry::new(first(event), event.sequence, event.timestamp, body)
}

/// The fields of which the event has the beginning only.
fn cut(event: &Event) -> impl Iterator<Item = String> {
    event.previews.iter().map(|preview| preview.field.clone())
}

/// In the list at the end of a path of calls. What is on the way changes with what is below.
fn within<R>(
    list: &mut List,
    path: &[Sequence],
    at: Sequence,
    change: impl FnOnce(&mut List) -> R,
) -> R {
    if let Some((next, rest)) = path.split_first()
        && let Some(entry) = list.get_mut(*next)
        && let Body::Tool(tool) = &mut entry.body
    {
        entry.last = entry.last.max(at);
        entry.drawn.forget();
        return within(&mut tool.children, rest, at, change);
    }
    change(list)
}
