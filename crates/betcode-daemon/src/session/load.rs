//! Bringing a session back from the store: its state from the newest snapshot and the events after it, and what its agent
//! had said up to the checkpoint.

use betcode_agents::{Agent, Kind};
use betcode_core::event::{Attachment, Base64, Event, EventBody, put_back};
use betcode_core::id::{Sequence, SessionId};
use betcode_core::session::{Progress, SNAPSHOT_VERSION, Session};
use betcode_proto::convert::decode_event_list;
use serde::{Deserialize, Serialize};

use crate::store::{Loaded, ReadError, Snapshot, Store};

/// How many bytes of events are folded between two reads.
const PAGE: usize = 512 * 1024;

/// What the checkpoint keeps beside the offsets: the parser's state and what it has said that is no event yet.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct AgentMemory {
    /// The parser's own state, as it gave it.
    pub(super) parser: String,
    /// What the agent has said that is no event yet.
    pub(super) progress: Progress,
}

impl AgentMemory {
    /// The parser with its state. A state that cannot be used is like that of a new process.
    pub(super) fn restore(text: &str, kind: Kind) -> (Agent, Progress) {
        let memory: Self = serde_json::from_str(text).unwrap_or_else(|error| {
            tracing::error!(%error, "what a checkpoint remembers of its agent cannot be read");
            Self::default()
        });
        let agent = Agent::restore(kind, &memory.parser).unwrap_or_else(|error| {
            if !memory.parser.is_empty() {
                tracing::error!(%error, "the stored state of a parser cannot be used");
            }
            Agent::new(kind)
        });
        (agent, memory.progress)
    }
}

/// Folds the session's log.
pub(super) async fn fold(store: &Store, loaded: &Loaded) -> Result<Session, ReadError> {
    let snapshot = loaded
        .snapshot
        .as_ref()
        .and_then(|snapshot| read_snapshot(snapshot, loaded.log.head()));
    let mut session = snapshot.unwrap_or_else(|| Session::new(loaded.log.id()));
    while session.head() < loaded.log.head() {
        let before = session.head();
        for chunk in store.read_after(&loaded.log, session.head(), PAGE).await? {
            // A part that cannot be read must not be passed over: the state would be that of another log.
            let events = decode_event_list(&chunk.bytes).map_err(|error| {
                ReadError::Database(format!(
                    "events {} to {} of session {} cannot be read: {error}",
                    chunk.first,
                    chunk.last,
                    session.id()
                ))
            })?;
            for mut event in events {
                if session.head() == Sequence(0) {
                    complete(store, session.id(), &mut event).await?;
                }
                if session.head() == Sequence(0)
                    && let Some(problem) = Session::cannot_begin_with(&event.body)
                {
                    return Err(ReadError::Database(format!(
                        "session {} begins with event {}, and {problem}",
                        session.id(),
                        event.sequence
                    )));
                }
                session.apply(&event);
            }
        }
        if session.head() == before {
            return Err(ReadError::Database(format!(
                "the log of session {} ends at {before}",
                session.id()
            )));
        }
    }
    for (id, sequence) in session.messages().cut() {
        let text = whole(store, session.id(), sequence, "text").await?;
        let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
        let mut contents = Vec::new();
        for place in 0..session.messages().attachments(id).len() {
            let field = Attachment::field(place);
            if let Some(bytes) = whole(store, session.id(), sequence, &field).await? {
                contents.push((place, Base64::of(&bytes)));
            }
        }
        session.restore_message(id, text, contents);
    }
    for sequence in session.requests().cut() {
        let text = whole(store, session.id(), sequence, "input").await?;
        // What was over the limit for storing stays the preview that it is.
        if let Ok(input) = serde_json::from_slice(&text.unwrap_or_default()) {
            session.restore_input(sequence, input);
        }
    }
    Ok(session)
}

/// Puts back what the state that a trimmed log begins with keeps beside its event.
async fn complete(store: &Store, session: SessionId, event: &mut Event) -> Result<(), ReadError> {
    if !matches!(event.body, EventBody::HistoryTrimmed { .. }) {
        return Ok(());
    }
    for preview in &event.previews {
        let text = whole(store, session, event.sequence, &preview.field).await?;
        let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
        if !text.is_some_and(|text| put_back(&mut event.body, &preview.field, text)) {
            tracing::error!(%session, "a text that waits is stored no more");
        }
    }
    Ok(())
}

/// The whole of a field that its event shows as a preview; none when the event has all of it.
async fn whole(
    store: &Store,
    session: SessionId,
    sequence: Sequence,
    field: &str,
) -> Result<Option<Vec<u8>>, ReadError> {
    let mut bytes = Vec::new();
    let mut found = false;
    while let Some(part) = store
        .payload(session, sequence, field, bytes.len() as u64, PAGE)
        .await?
    {
        found = true;
        if part.bytes.is_empty() {
            break;
        }
        bytes.extend_from_slice(&part.bytes);
    }
    Ok(found.then_some(bytes))
}

fn read_snapshot(snapshot: &Snapshot, head: Sequence) -> Option<Session> {
    if snapshot.version != SNAPSHOT_VERSION || snapshot.sequence > head {
        return None;
    }
    serde_json::from_slice(&snapshot.state).ok()
}
