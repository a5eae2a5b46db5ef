//! The session actor: the single writer of one session's log.
//!
//! It takes commands, what the agent printed, and time; decides on the speculative state; and collects the outcome in a
//! `Batch`. Laws:
//! - at most one batch is with the store; what is decided meanwhile goes into the next one, so throughput grows with load;
//! - answers, frames for the agent, host starts and the host's window wait for the commit of the batch they belong to; a refusal
//!   waits for everything that it may be because of;
//! - a failed commit throws the speculative state away: the session is folded anew from the log, callers get `Unavailable`,
//!   and the agent's output is read again from the last checkpoint.

mod attendance;
pub(crate) mod commands;
mod commit;
mod context;
mod hosting;
mod leaving;
mod output;
pub(crate) mod requests;
mod rulings;
mod silence;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use betcode_agents::{Agent, Kind};
use betcode_core::command::{Environment, Rejected};
use betcode_core::event::{Draft, Event, Status, split_payloads};
use betcode_core::id::{FrameNumber, HostEpoch, IdempotencyKey, MessageId, RequestId, Sequence};
use betcode_core::observation::AgentRequest;
use betcode_core::session::{Context, Presence, Progress, Session, Silence, Terms};
use betcode_core::steady::Hold;
use betcode_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use self::commands::Asked;
use self::context::ContextReply;
use super::audience::{Audience, News};
use super::batch::{Accepted, Batch, Reply, View};
use super::load::{self, AgentMemory};
use crate::machine::Machine;
use crate::rules::book::Book;
use crate::store::{
    CommitError, Loaded, OutboxFrame, ReadError, SessionLog, StoredPayload, SummaryRow,
};

pub use super::batch::Accepted as AcceptedAnswer;

/// How many requests may wait for an actor.
pub(crate) const MAILBOX: usize = 64;
/// How long an actor waits after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// What an actor is asked.
#[derive(Debug)]
pub(crate) enum Request {
    /// To carry out a command.
    Command(Asked),
    /// To show its state as it is now.
    View(oneshot::Sender<Box<Session>>),
    /// To ask the agent how full its context is.
    Context(ContextReply),
    /// To end: finish what is with the store; with `stop_agent`, end the agent first.
    Shutdown {
        /// End the agent too.
        stop_agent: bool,
    },
}

/// A batch that is with the store, and what follows when it is committed.
struct InFlight {
    done: oneshot::Receiver<Result<(), CommitError>>,
    replies: Vec<(Reply, Result<Accepted, Rejected>)>,
    frames: Vec<(FrameNumber, Vec<u8>)>,
    taken: Option<u64>,
    views: Vec<View>,
    start: Option<HostEpoch>,
    ended: Option<HostEpoch>,
    rules: Vec<(RequestId, Vec<String>)>,
    delete: bool,
    /// Its last event, or the one before it when it has none.
    last: Sequence,
}

/// Whether an actor goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// It does.
    Going,
    /// It ends as soon as nothing is with the store.
    Stopping,
    /// It ends as soon as its agent has ended too.
    StoppingAgent,
}

impl Life {
    fn is_stopping(self) -> bool {
        self != Self::Going
    }

    fn stop(&mut self) {
        if *self == Self::Going {
            *self = Self::Stopping;
        }
    }
}

/// The single writer of one session's log.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing that has nothing to do with the others"
)]
pub(crate) struct Actor {
    machine: Arc<Machine>,
    log: Arc<SessionLog>,
    mailbox: mpsc::Receiver<Request>,
    audience: Audience,
    heard: mpsc::UnboundedReceiver<News>,
    presence: Presence,
    /// How many clients are attached that do one thing and are gone.
    readers: usize,
    terms: Terms,
    book: Book,
    /// Commands that wait for the input lock.
    waiting: Vec<Asked>,
    /// Who waits for the agent to say how full its context is.
    context_asked: Vec<ContextReply>,
    /// The lock has moved, or a request has ended, since they were decided last.
    to_decide: bool,
    /// The speculative state.
    session: Session,
    environment: Environment,
    exists: bool,
    progress: Progress,
    silence: Silence,
    parser: Agent,
    /// Parser and progress as the checkpoint keeps them, and the progress that it was made of.
    memory: String,
    remembered: Progress,
    host: hosting::Host,
    next_frame: FrameNumber,
    batch: Batch,
    in_flight: Option<InFlight>,
    /// Keys accepted since this actor began, committed or not.
    recent: HashMap<IdempotencyKey, ([u8; 32], Accepted)>,
    summary: Option<SummaryRow>,
    snapshot_at: Sequence,
    deadline: Option<Timestamp>,
    /// Since when nothing of the session is here alone, in real time since the daemon's start.
    free_since: Option<Duration>,
    /// After a failure: until it is over, only commands are decided. What failed would only fail again at once. It lasts in
    /// real time, however the time of day is moved.
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
    life: Life,
    /// The machine counts this session's agent.
    counted: bool,
    /// The machine knows that this session needs the daemon.
    needed: bool,
    /// The machine knows that this session's agent is at work.
    working: bool,
    /// The last event that is in the log.
    committed: Sequence,
    /// The event from which on the agent is to end. It is not told so before that event is in the log.
    end_from: Option<Sequence>,
}

impl Actor {
    /// The actor of a session that does not exist yet.
    pub(crate) fn create(
        machine: Arc<Machine>,
        log: Arc<SessionLog>,
        environment: Environment,
        mailbox: mpsc::Receiver<Request>,
        audience: (Audience, mpsc::UnboundedReceiver<News>),
    ) -> Self {
        let session = Session::new(log.id());
        let mut actor = Self::bare(machine, log, session, mailbox, audience);
        actor.environment = environment;
        actor
    }

    /// The actor of a session that the store knows.
    pub(crate) async fn load(
        machine: Arc<Machine>,
        loaded: Loaded,
        mailbox: mpsc::Receiver<Request>,
        audience: (Audience, mpsc::UnboundedReceiver<News>),
    ) -> Result<Self, ReadError> {
        let session = load::fold(machine.store(), &loaded).await?;
        let mut actor = Self::bare(machine, loaded.log.clone(), session, mailbox, audience);
        actor.restore(loaded);
        Ok(actor)
    }

    fn bare(
        machine: Arc<Machine>,
        log: Arc<SessionLog>,
        session: Session,
        mailbox: mpsc::Receiver<Request>,
        (audience, heard): (Audience, mpsc::UnboundedReceiver<News>),
    ) -> Self {
        let (terms, now) = (machine.settings().terms.clone(), machine.clock().now());
        Self {
            machine,
            log,
            mailbox,
            audience,
            heard,
            presence: Presence::new(now),
            readers: 0,
            terms,
            book: Book::default(),
            waiting: Vec::new(),
            context_asked: Vec::new(),
            to_decide: false,
            session,
            environment: Environment::default(),
            exists: false,
            progress: Progress::default(),
            silence: Silence::default(),
            parser: Agent::new(Kind::ClaudeCode),
            memory: String::new(),
            remembered: Progress::default(),
            host: hosting::Host::None,
            next_frame: FrameNumber(1),
            batch: Batch::default(),
            in_flight: None,
            recent: HashMap::new(),
            summary: None,
            snapshot_at: Sequence(0),
            deadline: None,
            free_since: None,
            pause: None,
            life: Life::Going,
            counted: false,
            needed: false,
            working: false,
            committed: Sequence(0),
            end_from: None,
        }
    }

    /// Takes over what the store knows beside the events.
    fn restore(&mut self, loaded: Loaded) {
        self.exists = true;
        self.silence = Silence::default();
        self.committed = self.session.head();
        self.end_from = None;
        self.note_end();
        self.environment = loaded
            .environment
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        self.snapshot_at = loaded
            .snapshot
            .as_ref()
            .map_or(Sequence(0), |snapshot| snapshot.sequence);
        self.summary = Some(loaded.summary.clone());
        self.deadline = loaded.deadline;
        let kind = Kind::of(&self.session.info().agent).unwrap_or(Kind::ClaudeCode);
        let host = self.session.agent().host();
        if let Some(checkpoint) = loaded
            .checkpoint
            .filter(|checkpoint| Some(checkpoint.host) == host)
        {
            (self.parser, self.progress) = AgentMemory::restore(&checkpoint.agent_state, kind);
            self.remembered.clone_from(&self.progress);
            self.memory.clone_from(&checkpoint.agent_state);
            self.next_frame = checkpoint.next_frame;
            self.find_host(checkpoint.host, checkpoint.spool_offset, loaded.outbox);
        } else {
            self.parser = Agent::new(kind);
            self.progress = Progress::default();
        }
        self.write_missing_rules();
    }

    /// Runs until nobody needs the session, it is deleted, or the daemon goes down.
    pub(crate) async fn run(mut self) {
        loop {
            self.note_need();
            self.submit();
            if self.is_finished() {
                for asked in self.waiting {
                    asked.refuse(going_down());
                }
                if self.needed {
                    self.machine.need_changed(false);
                }
                if self.working {
                    self.machine.work_changed(false);
                }
                return;
            }
            self.watch_silence();
            self.watch_leaving();
            self.step().await;
            self.decide_waiting();
        }
    }

    /// Tells the machine when this session begins or ceases to need the daemon, and its agent to work.
    fn note_need(&mut self) {
        let needs = self.host.is_present() || !self.session.requests().is_empty();
        if std::mem::replace(&mut self.needed, needs) != needs {
            self.machine.need_changed(needs);
        }
        let waits = self.session.info().status == Status::WaitingForUser;
        let works = self.host.is_present() && self.session.turn().is_some() && !waits;
        if std::mem::replace(&mut self.working, works) != works {
            self.machine.work_changed(works);
        }
    }

    fn is_finished(&self) -> bool {
        self.in_flight.is_none()
            && self.batch.is_empty()
            && self.life.is_stopping()
            && !(self.life == Life::StoppingAgent && self.host.is_present())
    }

    async fn step(&mut self) {
        let wake_at = self.wake_at();
        let silence = self.silence_due();
        let leaves_at = self.leaves_at();
        let clock = self.machine.clock().clone();
        let can_read = self.can_read();
        let goes_on = self.pause.is_none();
        tokio::select! {
            biased;
            // Output comes last: during a flood there is always more of it.
            result = committed(&mut self.in_flight) => self.committed(result).await,
            () = over(&mut self.pause) => self.pause = None,
            () = sleep_until(&clock, wake_at), if goes_on => self.time_passed(),
            () = real_sleep_until(&clock, silence), if goes_on => self.silent(),
            () = real_sleep_until(&clock, leaves_at) => self.leave(),
            request = self.mailbox.recv(), if !self.batch.delete => match request {
                Some(request) => self.request(request),
                None => self.life.stop(),
            },
            () = attendance::caller_gone(&mut self.waiting) => self.to_decide = true,
            Some(news) = self.heard.recv(), if self.exists && goes_on => self.news(news),
            news = self.host.next(can_read), if goes_on => self.host_event(news),
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let hold = if self.session.requests().is_empty() {
            Hold::default()
        } else {
            self.machine.clock().hold()
        };
        [
            self.session.next_deadline(hold),
            self.attendance_deadline(),
            self.rests_since(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// From when on the agent may rest.
    fn rests_since(&self) -> Option<Timestamp> {
        let watched = self.readers > 0 || self.presence.is_anybody_here();
        if watched || self.life.is_stopping() {
            None
        } else {
            self.session.rests_since()
        }
    }

    fn time_passed(&mut self) {
        let now = self.now();
        self.expire(now);
        // What is due by itself, such as the start of an agent that died.
        self.record(Vec::new(), now);
        if self.rests_since().is_some_and(|since| since <= now) {
            let drafts = self.session.rest();
            self.record(drafts, now);
        }
    }

    fn now(&self) -> Timestamp {
        self.machine.clock().now()
    }

    /// Something failed that would fail again at once.
    fn pause(&mut self) {
        self.pause = Some(Box::pin(tokio::time::sleep(PAUSE)));
    }

    /// Gives drafts their numbers, takes them into the speculative state, and collects what belongs to them.
    fn record(&mut self, drafts: Vec<Draft>, now: Timestamp) {
        for draft in drafts {
            self.record_one(draft, now);
        }
        // Asked only when something waits: an observation is recorded too often to make an id for each.
        while self.session.is_unsettled() {
            let context = context(now, &self.terms, &self.presence, false);
            let drafts = self.session.settle(context);
            if drafts.is_empty() {
                return;
            }
            for draft in drafts {
                self.record_one(draft, now);
            }
        }
    }

    fn record_one(&mut self, draft: Draft, now: Timestamp) {
        let sequence = self.session.head().next();
        self.host_decided(&draft.body, now);
        self.note_event(&draft.body);
        self.audit(&draft.body, now);
        let requests = self.session.agent_requests(&draft.body);
        let mut event = Event {
            sequence,
            first_sequence: None,
            timestamp: now,
            parent: draft.parent,
            previews: Vec::new(),
            body: draft.body,
        };
        // The state takes the whole texts; what is stored and sent has previews instead.
        self.session.apply(&event);
        self.note_end();
        for request in requests {
            self.tell_agent(&request);
        }
        let (previews, payloads) =
            split_payloads(&mut event.body, self.machine.settings().payload_limit);
        event.previews = previews;
        self.note_request(&event);
        self.note_turn(&event);
        self.batch
            .payloads
            .extend(payloads.into_iter().map(|payload| StoredPayload {
                sequence,
                field: payload.field,
                bytes: payload.bytes,
            }));
        self.batch.event(event);
    }

    /// Puts the bytes of a request into the outbox. They go out when the batch is committed.
    fn tell_agent(&mut self, request: &AgentRequest) {
        let message = match request {
            AgentRequest::UserMessage { message_id, .. } => Some(*message_id),
            _ => None,
        };
        let bytes = self.parser.request(request);
        self.frame(bytes, message);
    }

    fn frame(&mut self, bytes: Vec<u8>, message: Option<MessageId>) {
        let Some(host) = self.session.agent().host().filter(|_| !bytes.is_empty()) else {
            return;
        };
        let frame = self.next_frame;
        self.next_frame = frame.next();
        self.batch.frames.push(OutboxFrame {
            host,
            frame,
            message,
            bytes,
        });
    }

    /// Shows the state, but nothing that is not in the log yet and may never be.
    fn view(&mut self, reply: oneshot::Sender<Box<Session>>) {
        let view = (reply, Box::new(self.session.clone()));
        if !self.batch.is_empty() {
            self.batch.views.push(view);
        } else if let Some(in_flight) = &mut self.in_flight {
            in_flight.views.push(view);
        } else {
            show(view);
        }
    }

    fn request(&mut self, request: Request) {
        self.free_since = None;
        match request {
            Request::Command(asked) => self.command(asked),
            Request::View(reply) => self.view(reply),
            Request::Context(reply) => self.ask_context(reply),
            Request::Shutdown { stop_agent } => {
                self.life.stop();
                self.give_up_waiting();
                if stop_agent {
                    self.stop_agent();
                }
            }
        }
    }
}

fn context<'a>(
    now: Timestamp,
    terms: &'a Terms,
    presence: &'a Presence,
    asked: bool,
) -> Context<'a> {
    Context {
        now,
        fresh_host: HostEpoch(Uuid::now_v7()),
        terms,
        presence,
        asked,
    }
}

/// A caller that has gone away needs no view.
fn show((reply, session): View) {
    let _gone = reply.send(session);
}

/// The outcome of the batch that is with the store. Pending for ever when there is none.
async fn committed(in_flight: &mut Option<InFlight>) -> Result<(), CommitError> {
    match in_flight {
        Some(batch) => (&mut batch.done).await.unwrap_or(Err(CommitError::Closed)),
        None => std::future::pending().await,
    }
}

async fn sleep_until(clock: &crate::clock::Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn real_sleep_until(clock: &crate::clock::Clock, at: Option<Duration>) {
    match at {
        Some(at) => clock.real_sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The refusal that callers get when the daemon ends.
fn going_down() -> Rejected {
    Rejected::Unavailable("the daemon is shutting down".into())
}

/// Returns when the pause is over. Pending for ever when there is none.
async fn over(pause: &mut Option<Pin<Box<tokio::time::Sleep>>>) {
    match pause {
        Some(pause) => pause.as_mut().await,
        None => std::future::pending().await,
    }
}

/// The refusal that callers get when a commit failed.
fn unavailable(error: &CommitError) -> Rejected {
    Rejected::Unavailable(format!("nothing was changed: {error}"))
}
