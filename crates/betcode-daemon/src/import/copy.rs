//! Writing a conversation into a log that nobody finds until it is whole.
//!
//! 1. The first batch makes the session, hidden; each further one goes behind it. No batch is much larger than the line that
//!    completes it.
//! 2. The last batch shows it: from then on it is a session like any other.
//!
//! A daemon that dies before 2 leaves nothing but rows that its next start removes. What fails before 2 removes them itself.

use std::path::PathBuf;
use std::sync::Arc;

use betcode_agents::history::{Prompt, Tale, Teller, Told};
use betcode_core::event::{ClientInfo, Draft, Event, EventBody, UserInput, split_payloads};
use betcode_core::id::{AgentName, IdempotencyKey, MessageId, Sequence};
use betcode_core::observation::{Observation, Observed};
use betcode_core::ruling::Ruling;
use betcode_core::session::{Adopted, SNAPSHOT_VERSION, Session};
use betcode_core::time::Timestamp;
use betcode_proto::v1::feed_entry;
use bytes::Bytes;
use uuid::Uuid;

use super::Progress;
use super::find::Found;
use super::lines::{Line, Lines};
use super::nested::Nested;
use crate::server::session::wire_summary;
use crate::session::summary::summary;
use crate::settings::Settings;
use crate::store::{
    AcceptedCommand, Append, Chunk, CommitError, Durability, SessionLog, Snapshot, Store,
    StoredPayload, Visibility,
};
use crate::tasks::Tasks;

/// A batch of this size is written.
const BATCH: usize = 1024 * 1024;
/// How often one hears how far it is, in bytes.
const TOLD_EVERY: u64 = 8 * 1024 * 1024;
/// Who said what was said elsewhere.
const CLIENT: &str = "imported";

/// What is written, and where.
pub(crate) struct Copy {
    pub(crate) store: Store,
    pub(crate) settings: Arc<Settings>,
    pub(crate) tasks: Tasks,
    pub(crate) log: Arc<SessionLog>,
    pub(crate) now: Timestamp,
    /// The directory that the session gets.
    pub(crate) cwd: String,
    /// Its agent's environment as text.
    pub(crate) environment: String,
    pub(crate) key: IdempotencyKey,
    pub(crate) hash: [u8; 32],
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) messages: u64,
    pub(crate) left_out: u64,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    #[error("the transcript {0} cannot be read: {1}")]
    Read(PathBuf, std::io::Error),
    #[error("nothing was imported: {0}")]
    Commit(#[from] CommitError),
    #[error("nothing was imported: the daemon is shutting down")]
    Stopping,
}

/// The session as far as it is written.
struct Writer {
    copy: Copy,
    session: Session,
    progress: betcode_core::session::Progress,
    /// The time of the last event: times never go back in a log.
    at: Timestamp,
    created: bool,
    events: Vec<u8>,
    count: u64,
    payloads: Vec<StoredPayload>,
    payload_bytes: usize,
    /// How many messages had no id of their own.
    made_ids: u128,
}

impl Copy {
    /// Writes the conversation and shows it. Blocks.
    pub(crate) fn run(self, found: Found, heard: &dyn Fn(Progress)) -> Result<Copied, CopyError> {
        let mut writer = Writer::new(self);
        let copied = writer.all(found, heard);
        if copied.is_err() && writer.created {
            writer.remove();
        }
        copied
    }
}

impl Writer {
    fn new(copy: Copy) -> Self {
        Self {
            session: Session::new(copy.log.id()),
            copy,
            progress: betcode_core::session::Progress::default(),
            at: Timestamp(i64::MIN),
            created: false,
            events: Vec::new(),
            count: 0,
            payloads: Vec::new(),
            payload_bytes: 0,
            made_ids: 0,
        }
    }

    fn all(&mut self, found: Found, heard: &dyn Fn(Progress)) -> Result<Copied, CopyError> {
        let Found {
            transcript,
            file,
            size,
            outline,
        } = found;
        let read = |error| CopyError::Read(transcript.path.clone(), error);
        let mut nested = Nested::of(&transcript.companions());
        let mut teller = Teller::new(&outline);
        let mut lines = Lines::new(file, size).map_err(read)?;
        self.begin(&transcript.id.to_string(), &outline);
        let mut out = Vec::new();
        let mut said = 0;
        loop {
            match lines.next().map_err(read)? {
                Line::Whole(line) | Line::Torn(line) => {
                    if !nested.is_empty() {
                        let until = teller.time_of(line);
                        if until.is_some() {
                            nested.tell(until, &mut teller, &mut out);
                        }
                    }
                    teller.line(line, &mut out);
                }
                Line::TooLong => teller.lost(),
                Line::End => break,
            }
            nested.note(&out);
            self.take(&mut out)?;
            let done = size.saturating_sub(lines.left());
            if done - said >= TOLD_EVERY {
                said = done;
                heard(Progress { read: done, size });
            }
        }
        nested.tell(None, &mut teller, &mut out);
        teller.end(&mut out);
        self.take(&mut out)?;
        let copied = Copied {
            messages: outline.messages,
            left_out: outline.left_out + teller.left_out() + nested.left_out,
        };
        self.finish(&transcript.id.to_string(), &copied)?;
        Ok(copied)
    }

    fn begin(&mut self, id: &str, outline: &betcode_agents::history::Outline) {
        let at = outline.began.unwrap_or(self.copy.now);
        let adopted = Adopted {
            agent: AgentName::from(AgentName::CLAUDE),
            cwd: self.copy.cwd.clone(),
            title: outline.chosen_title.clone(),
            model: outline.model.clone(),
            agent_session: id.to_owned(),
            agent_version: outline.version.clone(),
        };
        // The session is new, so nothing stands against its beginning.
        let drafts = self.session.adopt(adopted).unwrap_or_default();
        self.record(drafts, Some(at));
        if !outline.title.is_empty() {
            let title = Observation::Title(outline.title.clone());
            self.seen(None, title, Some(at));
        }
    }

    /// Records what was told, and writes it when there is enough.
    fn take(&mut self, out: &mut Vec<Told>) -> Result<(), CopyError> {
        for Told { at, what } in out.drain(..) {
            match what {
                Tale::Prompt(prompt) => {
                    let input = self.input(prompt);
                    let drafts = self.session.adopt_message(input);
                    self.record(drafts, at);
                }
                Tale::Seen(seen) => self.seen(seen.parent, seen.observation, at),
            }
            if self.events.len() + self.payload_bytes >= BATCH {
                self.write(false)?;
            }
        }
        Ok(())
    }

    fn input(&mut self, prompt: Prompt) -> UserInput {
        let id = prompt.id.unwrap_or_else(|| {
            self.made_ids += 1;
            MessageId(Uuid::from_u128(
                self.session.id().0.as_u128().wrapping_add(self.made_ids),
            ))
        });
        UserInput {
            message_id: id,
            idempotency_key: IdempotencyKey(id.0),
            text: prompt.text,
            attachments: prompt.attachments,
            client: ClientInfo {
                name: CLIENT.to_owned(),
                ..ClientInfo::default()
            },
            policy: betcode_core::event::TurnPolicy::default(),
            then_trim: false,
        }
    }

    fn seen(
        &mut self,
        parent: Option<betcode_core::id::ToolCallId>,
        observation: Observation,
        at: Option<Timestamp>,
    ) {
        let seen = Observed {
            parent,
            observation,
        };
        let now = self.time(at);
        let terms = &self.copy.settings.terms;
        let drafts = self
            .session
            .observe(&mut self.progress, terms, now, seen, &Ruling::default());
        self.record(drafts, at);
    }

    /// When something happened, as a log can say it: never later than now, never before what stands before it.
    fn time(&self, at: Option<Timestamp>) -> Timestamp {
        at.unwrap_or(self.at).min(self.copy.now).max(self.at)
    }

    fn record(&mut self, drafts: Vec<Draft>, at: Option<Timestamp>) {
        self.at = self.time(at);
        for draft in drafts {
            let sequence = self.session.head().next();
            let mut event = Event {
                sequence,
                first_sequence: None,
                timestamp: self.at,
                parent: draft.parent,
                previews: Vec::new(),
                body: draft.body,
            };
            self.session.apply(&event);
            let (previews, payloads) =
                split_payloads(&mut event.body, self.copy.settings.payload_limit);
            event.previews = previews;
            for payload in payloads {
                self.payload_bytes += payload.bytes.len();
                self.payloads.push(StoredPayload {
                    sequence,
                    field: payload.field,
                    bytes: payload.bytes,
                });
            }
            betcode_proto::convert::append_event(event, &mut self.events);
            self.count += 1;
        }
    }

    fn finish(&mut self, id: &str, copied: &Copied) -> Result<(), CopyError> {
        let mut text = format!(
            "Imported from Claude Code, session {id}: {} messages",
            copied.messages
        );
        match copied.left_out {
            0 => {}
            1 => text.push_str("; 1 line was not understood and is left out"),
            lines => text = format!("{text}; {lines} lines were not understood and are left out"),
        }
        self.record(vec![EventBody::Notice { text }.into()], Some(self.copy.now));
        self.write(true)
    }

    /// Writes what is collected. The last time, the session is shown.
    fn write(&mut self, last: bool) -> Result<(), CopyError> {
        if self.copy.tasks.is_stopping() {
            return Err(CopyError::Stopping);
        }
        let mut append = Append::new(Arc::clone(&self.copy.log), self.copy.now);
        append.create = !self.created;
        append.visibility = match (append.create, last) {
            (true, false) => Visibility::Hidden,
            (false, true) => Visibility::Shown,
            (true, true) | (false, false) => Visibility::Unchanged,
        };
        let head = self.session.head();
        append.chunk = Some(Chunk {
            first: Sequence(head.0 + 1 - self.count),
            last: head,
            bytes: Bytes::from(std::mem::take(&mut self.events)),
        });
        self.count = 0;
        append.payloads = std::mem::take(&mut self.payloads);
        self.payload_bytes = 0;
        let row = summary(&self.session);
        if last {
            self.show(&mut append, head);
        }
        if append.create || last {
            append.summary = Some(row);
        }
        if append.create {
            append.environment = Some(self.copy.environment.clone());
        }
        let done = self.copy.store.append(append);
        done.blocking_recv().unwrap_or(Err(CommitError::Closed))?;
        self.created = true;
        Ok(())
    }

    /// What goes with the last batch.
    fn show(&self, append: &mut Append, head: Sequence) {
        append
            .feed
            .push(feed_entry::Body::SessionChanged(wire_summary(
                summary(&self.session),
                head,
            )));
        append.accepted.push(AcceptedCommand {
            key: self.copy.key,
            session: self.session.id(),
            payload_hash: self.copy.hash,
            sequence: Sequence(1),
            notices: Vec::new(),
            at: self.copy.now,
        });
        // Without it the first one who needs the session would have to fold all of it.
        append.snapshot = serde_json::to_vec(&self.session)
            .ok()
            .map(|state| Snapshot {
                version: SNAPSHOT_VERSION,
                sequence: head,
                state,
            });
        append.durability = Durability::PowerLoss;
    }

    /// Removes what is hidden.
    fn remove(&self) {
        let mut append = Append::new(Arc::clone(&self.copy.log), self.copy.now);
        append.delete = true;
        let done = self.copy.store.append(append);
        if let Err(error) = done.blocking_recv().unwrap_or(Err(CommitError::Closed)) {
            tracing::warn!(%error, "what was imported in part is removed at the next start");
        }
    }
}
