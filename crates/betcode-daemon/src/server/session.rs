//! The session service. It turns messages into commands and cursors, and decides nothing.

mod converse;
mod import;
mod search;

pub(crate) use converse::going_down;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use betcode_core::command::Command;
use betcode_core::event::{Base64, PermissionRequest, Question, UserInput};
use betcode_core::id::{LogEpoch, Sequence, SessionId};
use betcode_core::session::{Pending, Session};
use betcode_proto::convert::lock::{Lock, Standing, WaitingMessage};
use betcode_proto::convert::{decode_event_list, encode_event_list, id_bytes, read_id};
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1;
use betcode_proto::v1::session_service_server::SessionService;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::metadata::AsciiMetadataKey;
use tonic::{Code, Request, Response, Status, Streaming};

use super::peer::{Peer, guard};
use crate::machine::{Handle, Machine};
use crate::search::Index;
use crate::session::actor::AcceptedAnswer;
use crate::session::follow::Follower;
use crate::session::summary::shown;
use crate::store::{Chunk, ListedSession, ReadError};

/// How much of a payload is sent in one message.
const PAYLOAD_PART: usize = 256 * 1024;
/// How much is read backwards at a time.
const PAGE: usize = 256 * 1024;

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The session service of one machine.
#[derive(Debug, Clone)]
pub struct SessionServer {
    machine: Arc<Machine>,
    index: Index,
}

impl SessionServer {
    /// Serves this machine's sessions.
    pub fn new(machine: Arc<Machine>, index: Index) -> Self {
        Self { machine, index }
    }

    async fn handle(&self, id: &Bytes) -> Result<Handle, Refusal> {
        Ok(self
            .machine
            .open(SessionId(read_id("session_id", id)?))
            .await?)
    }

    /// Refuses a client whose numbers belong to another log.
    fn check_epoch(&self, epoch: &Bytes) -> Result<(), Refusal> {
        if epoch.is_empty() || LogEpoch(read_id("epoch", epoch)?) == self.machine.store().epoch() {
            return Ok(());
        }
        let message = "the log is another one than the one these numbers belong to";
        Err(
            Refusal::new(Code::FailedPrecondition, reason::EPOCH_CHANGED, message)
                .hint("read it again from the beginning"),
        )
    }

    fn epoch(&self) -> Bytes {
        id_bytes(self.machine.store().epoch().0)
    }
}

/// A command from the wire, and the hash by which a repetition is told from another command with the same key.
fn read_command(mut command: v1::Command) -> Result<(Command, [u8; 32]), Refusal> {
    let environment = environment(&mut command)
        .map(std::mem::take)
        .unwrap_or_default();
    // Left out: who sends it, because a queue may be replayed by another process than the one that filled it; and the
    // environment, which is a map, whose encoding has no fixed order, and not what the user asked for.
    let client = command.client.take();
    let hash = Sha256::digest(command.encode_to_vec()).into();
    command.client = client;
    if let Some(place) = self::environment(&mut command) {
        *place = environment;
    }
    Ok((Command::try_from(command)?, hash))
}

/// Where a command has an environment.
const fn environment(command: &mut v1::Command) -> Option<&mut HashMap<String, String>> {
    match &mut command.action {
        Some(v1::command::Action::Start(start)) => Some(&mut start.environment),
        Some(v1::command::Action::Reopen(reopen)) => Some(&mut reopen.environment),
        _ => None,
    }
}

/// Carries out a command that came from `peer`, whichever way it came.
pub(super) async fn submit(
    machine: &Arc<Machine>,
    peer: Option<Peer>,
    command: v1::Command,
) -> Result<v1::Accepted, Refusal> {
    let (command, hash) = read_command(command)?;
    guard(peer, machine, &command).await?;
    let (AcceptedAnswer { sequence, notices }, metadata) = machine.submit(command, hash).await?;
    Ok(v1::Accepted {
        epoch: id_bytes(machine.store().epoch().0),
        sequence: sequence.0,
        notices,
        metadata: metadata.into_iter().collect(),
    })
}

/// What an answer says of limits, as metadata of the call too.
fn with_metadata<T>(
    response: T,
    metadata: impl IntoIterator<Item = (String, String)>,
) -> Response<T> {
    let mut response = Response::new(response);
    for (name, value) in metadata {
        if let (Ok(name), Ok(value)) = (name.parse::<AsciiMetadataKey>(), value.parse()) {
            response.metadata_mut().insert(name, value);
        }
    }
    response
}

fn store_failed(error: &ReadError) -> Status {
    Refusal::new(
        Code::Unavailable,
        reason::UNAVAILABLE,
        format!("the log cannot be read: {error}"),
    )
    .into()
}

fn event_batch(chunk: Chunk) -> v1::EventBatch {
    v1::EventBatch {
        first_sequence: chunk.first.0,
        last_sequence: chunk.last.0,
        events: chunk.bytes,
    }
}

fn summary(listed: ListedSession) -> v1::SessionSummary {
    let ListedSession { summary, head } = listed;
    wire_summary(summary, head)
}

/// What waits in a session for somebody to act, beside its log.
fn standing(view: &Session) -> Standing {
    let mut standing = Standing {
        lock: Lock {
            holder: view.lock().holder().cloned(),
            requests: view
                .lock()
                .asking()
                .iter()
                .map(|asking| (asking.by.clone(), asking.expires_at))
                .collect(),
        },
        ..Standing::default()
    };
    for (_, pending) in view.requests().iter() {
        match pending {
            Pending::Permission(request) => standing.permissions.push(PermissionRequest {
                is_replay: true,
                ..request.clone()
            }),
            Pending::Question(question) => standing.questions.push(Question {
                is_replay: true,
                ..question.clone()
            }),
        }
    }
    standing
}

fn waiting_messages(view: &Session) -> Vec<v1::WaitingMessage> {
    let message = |delivery_unknown| {
        move |input: &UserInput| {
            let mut message = input.clone();
            // What is attached is read as a payload.
            for attachment in &mut message.attachments {
                attachment.content = Base64::default();
            }
            v1::WaitingMessage::from(WaitingMessage {
                message,
                delivery_unknown,
            })
        }
    };
    let queued = view.messages().queued().map(message(false));
    queued
        .chain(view.messages().unknown().map(message(true)))
        .collect()
}

/// What a list shows of a session, as a message.
pub(crate) fn wire_summary(row: crate::store::SummaryRow, head: Sequence) -> v1::SessionSummary {
    shown(row, head).into()
}

#[tonic::async_trait]
impl SessionService for SessionServer {
    type ConverseStream = Responses<v1::ConverseResponse>;
    type ReadEventsStream = Responses<v1::ReadEventsResponse>;
    type GetPayloadStream = Responses<v1::GetPayloadResponse>;
    type ImportSessionStream = Responses<v1::ImportSessionResponse>;

    async fn converse(
        &self,
        request: Request<Streaming<v1::ConverseRequest>>,
    ) -> Result<Response<Self::ConverseStream>, Status> {
        let peer = request.extensions().get().copied();
        Ok(Response::new(converse::serve(
            self.clone(),
            peer,
            request.into_inner(),
        )))
    }

    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let peer = request.extensions().get().copied();
        let command = request.into_inner().command.ok_or_else(|| {
            Refusal::new(
                Code::InvalidArgument,
                reason::INVALID_FIELD,
                "command: is missing",
            )
        })?;
        let accepted = submit(&self.machine, peer, command).await?;
        let metadata = accepted.metadata.clone();
        let response = v1::SubmitResponse {
            accepted: Some(accepted),
        };
        Ok(with_metadata(response, metadata))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let v1::ListSessionsRequest { cwd, limit } = request.into_inner();
        let cwd = (!cwd.is_empty()).then_some(cwd);
        let limit = if limit == 0 { u32::MAX } else { limit };
        let listed = self.machine.store().list_sessions(cwd, limit).await;
        let sessions = listed.map_err(|error| store_failed(&error))?;
        Ok(Response::new(v1::ListSessionsResponse {
            sessions: sessions.into_iter().map(summary).collect(),
        }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::GetSessionResponse>, Status> {
        let prefix = request.into_inner().id;
        let found = self.machine.store().find_sessions(&prefix).await;
        let mut found = found.map_err(|error| store_failed(&error))?.into_iter();
        let one = found.next().ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                reason::SESSION_NOT_FOUND,
                format!("there is no session {prefix}"),
            )
        })?;
        if let Some(other) = found.next() {
            let message = format!(
                "{prefix} fits several sessions, {} and {} among them",
                one.summary.id, other.summary.id
            );
            return Err(
                Refusal::new(Code::InvalidArgument, reason::SESSION_AMBIGUOUS, message)
                    .hint("give more of the id")
                    .into(),
            );
        }
        let handle = self
            .machine
            .open(one.summary.id)
            .await
            .map_err(Refusal::from)?;
        let view = handle.view().await.map_err(Refusal::from)?;
        Ok(Response::new(v1::GetSessionResponse {
            session: Some(summary(one)),
            info: Some(view.info().clone().into()),
            epoch: self.epoch(),
            lock: Some(standing(&view).lock.into()),
            messages: waiting_messages(&view),
        }))
    }

    async fn read_events(
        &self,
        request: Request<v1::ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        let request = request.into_inner();
        self.check_epoch(&request.epoch)?;
        let handle = self.handle(&request.session_id).await?;
        let limit = if request.limit == 0 {
            u64::MAX
        } else {
            u64::from(request.limit)
        };
        let store = self.machine.store().clone();
        let log = handle.log().clone();
        let epoch = self.epoch();
        let response = move |chunk: Chunk| {
            let mut batch = event_batch(chunk);
            if request.coalesced {
                batch.events = coalesced(&batch.events);
            }
            v1::ReadEventsResponse {
                batch: Some(batch),
                epoch: epoch.clone(),
            }
        };
        let stream: Self::ReadEventsStream = match request.from {
            Some(v1::read_events_request::From::Before(before)) => {
                let before = if before == 0 {
                    log.head().next()
                } else {
                    Sequence(before)
                };
                let state = (store, log, before, limit, Vec::<Chunk>::new());
                Box::pin(stream::try_unfold(
                    state,
                    move |(store, log, before, left, mut page)| {
                        let response = response.clone();
                        async move {
                            if page.is_empty() && left > 0 && before > Sequence(1) {
                                page = store
                                    .read_before(&log, before, PAGE)
                                    .await
                                    .map_err(|error| store_failed(&error))?;
                                page.reverse();
                            }
                            let Some(chunk) = page.pop().filter(|_| left > 0) else {
                                return Ok(None);
                            };
                            let chunk = last_of(chunk, left);
                            let left = left - chunk.count();
                            let before = chunk.first;
                            Ok(Some((response(chunk), (store, log, before, left, page))))
                        }
                    },
                ))
            }
            from => {
                let after = match from {
                    Some(v1::read_events_request::From::After(after)) => Sequence(after),
                    _ => Sequence(0),
                };
                let follower = Follower::new(store, log, after, false);
                Box::pin(stream::try_unfold(
                    (follower, limit),
                    move |(mut follower, left)| {
                        let response = response.clone();
                        async move {
                            if left == 0 {
                                return Ok(None);
                            }
                            let chunk = follower
                                .next()
                                .await
                                .map_err(|error| store_failed(&error))?;
                            Ok(chunk.map(|chunk| {
                                let chunk = first_of(chunk, left);
                                let left = left - chunk.count();
                                (response(chunk), (follower, left))
                            }))
                        }
                    },
                ))
            }
        };
        Ok(Response::new(stream))
    }

    async fn get_context(
        &self,
        request: Request<v1::GetContextRequest>,
    ) -> Result<Response<v1::GetContextResponse>, Status> {
        let handle = self.handle(&request.into_inner().session_id).await?;
        let usage = handle.context().await.map_err(Refusal::from)?;
        Ok(Response::new(usage.into()))
    }

    async fn get_payload(
        &self,
        request: Request<v1::GetPayloadRequest>,
    ) -> Result<Response<Self::GetPayloadStream>, Status> {
        let v1::GetPayloadRequest {
            session_id,
            sequence,
            field,
        } = request.into_inner();
        let log = self.handle(&session_id).await?.log().clone();
        let store = self.machine.store().clone();
        let first = store
            .payload(log.id(), Sequence(sequence), &field, 0, PAYLOAD_PART)
            .await;
        let Some(first) = first.map_err(|error| store_failed(&error))? else {
            let message =
                format!("event {sequence} has nothing more of a field {field:?} than it shows");
            return Err(Refusal::new(Code::NotFound, reason::PAYLOAD_NOT_FOUND, message).into());
        };
        let state = (store, log, 0_u64, Some(first));
        let parts = stream::try_unfold(state, move |(store, log, offset, ready)| {
            let field = field.clone();
            async move {
                let part = match ready {
                    Some(part) => part,
                    None => match store
                        .payload(log.id(), Sequence(sequence), &field, offset, PAYLOAD_PART)
                        .await
                    {
                        Ok(Some(part)) => part,
                        Ok(None) => return Ok(None),
                        Err(error) => return Err(store_failed(&error)),
                    },
                };
                if part.bytes.is_empty() {
                    return Ok(None);
                }
                let offset = offset + part.bytes.len() as u64;
                Ok(Some((
                    v1::GetPayloadResponse { data: part.bytes },
                    (store, log, offset, None),
                )))
            }
        });
        Ok(Response::new(Box::pin(parts)))
    }

    async fn search_sessions(
        &self,
        request: Request<v1::SearchSessionsRequest>,
    ) -> Result<Response<v1::SearchSessionsResponse>, Status> {
        let found = search::search(self.index.clone(), request.into_inner()).await?;
        Ok(Response::new(found))
    }

    async fn list_importable(
        &self,
        request: Request<v1::ListImportableRequest>,
    ) -> Result<Response<v1::ListImportableResponse>, Status> {
        let listed = import::list(&self.machine, request.into_inner()).await?;
        Ok(Response::new(listed))
    }

    async fn import_session(
        &self,
        request: Request<v1::ImportSessionRequest>,
    ) -> Result<Response<Self::ImportSessionStream>, Status> {
        let stream = import::import(&self.machine, request.into_inner())?;
        Ok(Response::new(stream))
    }
}

/// The same events with deltas joined. A list that cannot be decoded stays as it is.
fn coalesced(list: &Bytes) -> Bytes {
    match decode_event_list(list) {
        Ok(events) => Bytes::from(encode_event_list(betcode_core::event::coalesce(events))),
        Err(_) => list.clone(),
    }
}

/// At most the first `count` entries of a chunk.
fn first_of(chunk: Chunk, count: u64) -> Chunk {
    let end = Sequence(chunk.first.0.saturating_add(count));
    chunk.before(end).unwrap_or(chunk)
}

/// At most the last `count` entries of a chunk.
fn last_of(chunk: Chunk, count: u64) -> Chunk {
    let after = Sequence(chunk.last.0.saturating_sub(count));
    chunk.after(after).unwrap_or(chunk)
}
