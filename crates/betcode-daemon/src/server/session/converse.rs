//! One Converse stream: commands in, answers and events out.
//!
//! 1. The client may send commands at any time; they are carried out one after the other and answered in that order.
//! 2. `Attach` is answered with `Attached`, or with `Reset` and then `Attached` when its numbers mean nothing in this log.
//! 3. Events follow from the number it asked for; with `follow` for ever, otherwise up to the head at that moment.
//! 4. The stream ends when the client has closed its side and nothing is left to answer or to follow.

use std::collections::VecDeque;
use std::sync::Arc;

use betcode_core::event::{ClientInfo, ClientKind};
use betcode_core::id::{LogEpoch, Sequence, SessionId};
use betcode_proto::convert::{id_bytes, read_client, read_id};
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1::{self, converse_request, converse_response};
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::watch;
use tonic::{Code, Status, Streaming};

use super::{Responses, SessionServer, event_batch, standing, store_failed, submit, wire_summary};
use crate::machine::{Handle, Machine};
use crate::server::peer::Peer;
use crate::session::audience::Seat;
use crate::session::follow::Follower;
use crate::store::{Chunk, Health};

/// How many commands may wait for one that is being carried out before no more is read from the client.
const WAITING: usize = 64;

type Answer = BoxFuture<'static, v1::CommandOutcome>;

struct Conversation {
    server: SessionServer,
    peer: Option<Peer>,
    requests: Option<Streaming<v1::ConverseRequest>>,
    /// Commands that came while one was being carried out.
    waiting: VecDeque<v1::Command>,
    running: Option<Answer>,
    follower: Option<Follower>,
    /// Says to the session that a client is here.
    seat: Option<Seat>,
    attached: bool,
    /// The session that is attached, and the last event that the client has or has been sent.
    session: Option<Handle>,
    sent: Sequence,
    /// Whether anything can be recorded, and what the client was told of it.
    health: watch::Receiver<Health>,
    trouble: Option<String>,
    /// Responses that are ready.
    ready: VecDeque<converse_response::Response>,
}

/// Serves one stream.
pub(super) fn serve(
    server: SessionServer,
    peer: Option<Peer>,
    requests: Streaming<v1::ConverseRequest>,
) -> Responses<v1::ConverseResponse> {
    let health = server.machine.store().health();
    let conversation = Conversation {
        server,
        peer,
        requests: Some(requests),
        waiting: VecDeque::new(),
        running: None,
        follower: None,
        seat: None,
        attached: false,
        session: None,
        sent: Sequence(0),
        health,
        trouble: None,
        ready: VecDeque::new(),
    };
    Box::pin(stream::try_unfold(
        conversation,
        |mut conversation| async move {
            let response = conversation.next().await?;
            Ok(response.map(|response| {
                (
                    v1::ConverseResponse {
                        response: Some(response),
                    },
                    conversation,
                )
            }))
        },
    ))
}

/// What woke the conversation.
enum Woken {
    Request(Option<Box<v1::ConverseRequest>>),
    Answered(v1::CommandOutcome),
    Events(Option<Chunk>),
    Trouble(Option<String>),
    Deleted,
    Stopping,
}

impl Conversation {
    async fn next(&mut self) -> Result<Option<converse_response::Response>, Status> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            self.start_next_command();
            if self.requests.is_none() && self.running.is_none() && self.follower.is_none() {
                return Ok(None);
            }
            match self.wait().await? {
                Woken::Request(Some(request)) => self.request(*request).await?,
                Woken::Request(None) => {
                    self.requests = None;
                    if let Some(seat) = &mut self.seat {
                        seat.leave_for_good();
                    }
                    if self.follower.as_ref().is_some_and(Follower::is_endless) {
                        self.follower = None;
                    }
                }
                Woken::Answered(outcome) => {
                    self.running = None;
                    return Ok(Some(converse_response::Response::Outcome(outcome)));
                }
                Woken::Events(Some(chunk)) => self.events(chunk).await?,
                Woken::Events(None) => {
                    self.follower = None;
                    self.requests = None;
                }
                Woken::Trouble(trouble) => {
                    self.trouble.clone_from(&trouble);
                    let message = trouble.unwrap_or_default();
                    return Ok(Some(converse_response::Response::Trouble(v1::Trouble {
                        message,
                    })));
                }
                Woken::Deleted => {
                    let message = "the session was deleted";
                    let code = Code::NotFound;
                    return Err(Refusal::new(code, reason::SESSION_NOT_FOUND, message).into());
                }
                Woken::Stopping => return Err(going_down()),
            }
        }
    }

    async fn wait(&mut self) -> Result<Woken, Status> {
        let tasks = self.server.machine.tasks().clone();
        tokio::select! {
            biased;
            outcome = answered(&mut self.running) => Ok(Woken::Answered(outcome)),
            request = received(&mut self.requests), if self.waiting.len() < WAITING => Ok(Woken::Request(request?.map(Box::new))),
            events = followed(&mut self.follower) => Ok(Woken::Events(events.map_err(|error| store_failed(&error))?)),
            () = deleted(self.seat.as_ref()) => Ok(Woken::Deleted),
            trouble = troubled(&mut self.health, self.trouble.as_deref()), if self.follower.is_some() => Ok(Woken::Trouble(trouble)),
            () = tasks.stopping() => Ok(Woken::Stopping),
        }
    }

    fn start_next_command(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(command) = self.waiting.pop_front() else {
            return;
        };
        let (machine, peer) = (self.server.machine.clone(), self.peer);
        self.running = Some(Box::pin(async move {
            let idempotency_key = command.idempotency_key.clone();
            let outcome = match submit(&machine, peer, command).await {
                Ok(accepted) => v1::command_outcome::Outcome::Accepted(accepted),
                Err(refusal) => v1::command_outcome::Outcome::Refused(refusal.into()),
            };
            v1::CommandOutcome {
                idempotency_key,
                outcome: Some(outcome),
            }
        }));
    }

    async fn request(&mut self, request: v1::ConverseRequest) -> Result<(), Status> {
        match request.request {
            Some(converse_request::Request::Command(command)) => self.waiting.push_back(command),
            Some(converse_request::Request::Attach(attach)) => self.attach(attach).await?,
            None => {
                return Err(invalid(
                    "request: is missing, or of a kind that this version does not know",
                ));
            }
        }
        Ok(())
    }

    /// Hands events on. When the log was trimmed past what the client has, it hears that first.
    async fn events(&mut self, chunk: Chunk) -> Result<(), Status> {
        if chunk.first > self.sent.next()
            && let Some(handle) = self.session.clone()
        {
            let mark = self.say_attached(&handle).await?;
            // It may have been trimmed once more since this was read.
            self.sent = self.sent.max(mark);
        }
        self.sent = self.sent.max(chunk.last);
        self.ready
            .push_back(converse_response::Response::Batch(event_batch(chunk)));
        Ok(())
    }

    /// Says what the session is at this moment. Gives the mark up to which its log was removed.
    async fn say_attached(&mut self, handle: &Handle) -> Result<Sequence, Status> {
        let view = handle.view().await.map_err(Refusal::from)?;
        let (head, mark) = (handle.log().head(), handle.log().trimmed_up_to());
        // What was committed since the view is not in it: the client must not take it for known.
        let head = head.min(view.head()).max(mark);
        let mut attached = v1::Attached {
            epoch: id_bytes(self.server.machine.store().epoch().0),
            head: head.0,
            session: Some(wire_summary(crate::session::summary::summary(&view), head)),
            trimmed_up_to: mark.0,
            ..v1::Attached::default()
        };
        standing(&view).put(&mut attached);
        self.ready
            .push_back(converse_response::Response::Attached(attached));
        Ok(mark)
    }

    async fn attach(&mut self, attach: v1::Attach) -> Result<(), Status> {
        if std::mem::replace(&mut self.attached, true) {
            return Err(invalid("attach: this stream is attached already"));
        }
        // Commands that came before, such as the one that makes the session, are carried out first.
        while self.running.is_some() || !self.waiting.is_empty() {
            self.start_next_command();
            let outcome = answered(&mut self.running).await;
            self.running = None;
            self.ready
                .push_back(converse_response::Response::Outcome(outcome));
        }
        let id =
            SessionId(read_id("attach.session_id", &attach.session_id).map_err(Refusal::from)?);
        let handle = self.server.machine.open(id).await.map_err(Refusal::from)?;
        let client = read_client(attach.client.clone()).map_err(Refusal::from)?;
        let observes =
            attach.observe || is_inside_an_agent(self.peer, &self.server.machine, &client).await;
        self.seat = Some(handle.attach(client, observes));
        let log = handle.log().clone();
        let head = log.head();
        let epoch = self.server.machine.store().epoch();
        let after = match reset(&attach, epoch, head).map_err(Refusal::from)? {
            Some(why) => {
                let reset = v1::Reset {
                    epoch: id_bytes(epoch.0),
                    reason: why.to_owned(),
                };
                self.ready
                    .push_back(converse_response::Response::Reset(reset));
                Sequence(0)
            }
            None => Sequence(attach.after),
        };
        let mark = self.say_attached(&handle).await?;
        self.session = Some(handle);
        self.sent = after.max(mark);
        let store = self.server.machine.store().clone();
        self.follower = Some(Follower::new(store, log, after, attach.follow));
        Ok(())
    }
}

/// Why the client must begin anew, if it must.
fn reset(
    attach: &v1::Attach,
    epoch: LogEpoch,
    head: Sequence,
) -> Result<Option<&'static str>, betcode_proto::convert::WireError> {
    if !attach.epoch.is_empty() && LogEpoch(read_id("attach.epoch", &attach.epoch)?) != epoch {
        return Ok(Some("the log was restored or replaced"));
    }
    Ok((Sequence(attach.after) > head)
        .then_some("the log ends before the number that was asked for"))
}

/// A process inside an agent gets the input lock neither by asking for it nor by sitting down.
async fn is_inside_an_agent(
    peer: Option<Peer>,
    machine: &Arc<Machine>,
    client: &ClientInfo,
) -> bool {
    let Some(peer) = peer.filter(|_| client.kind == ClientKind::Interactive) else {
        return false;
    };
    let state_dir = &machine.settings().state_dir;
    peer.keep_out(state_dir, "hold the input lock")
        .await
        .is_err()
}

/// Returns when the client must be told something else than it was.
async fn troubled(health: &mut watch::Receiver<Health>, told: Option<&str>) -> Option<String> {
    let now = health
        .wait_for(|health| health.trouble().as_deref() != told)
        .await
        .map(|health| health.trouble());
    match now {
        Ok(now) => now,
        Err(_) => std::future::pending().await,
    }
}

async fn deleted(seat: Option<&Seat>) {
    match seat {
        Some(seat) => seat.deleted().await,
        None => std::future::pending().await,
    }
}

async fn answered(running: &mut Option<Answer>) -> v1::CommandOutcome {
    match running {
        Some(answer) => answer.await,
        None => std::future::pending().await,
    }
}

async fn received(
    requests: &mut Option<Streaming<v1::ConverseRequest>>,
) -> Result<Option<v1::ConverseRequest>, Status> {
    match requests {
        Some(requests) => requests.message().await,
        None => std::future::pending().await,
    }
}

async fn followed(
    follower: &mut Option<Follower>,
) -> Result<Option<Chunk>, crate::store::ReadError> {
    match follower {
        Some(follower) => follower.next().await,
        None => std::future::pending().await,
    }
}

fn invalid(message: &str) -> Status {
    Refusal::new(Code::InvalidArgument, reason::INVALID_FIELD, message).into()
}

/// What streams end with when the daemon ends: clients attach again, to the next one.
pub(crate) fn going_down() -> Status {
    Refusal::new(
        Code::Unavailable,
        reason::UNAVAILABLE,
        "the daemon is shutting down",
    )
    .into()
}
