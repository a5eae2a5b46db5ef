//! The driver of [`Resume`]: connects, attaches, hands on what is new, and comes back after a loss. Shared by sessions
//! and the feed, which differ in how an attachment is opened and what else travels on it.
//!
//! Protocol, in the order of a life:
//! 1. connect through the caller's [`Connector`] (which may start a daemon);
//! 2. open the stream, attaching after the machine's position;
//! 3. `Attached` must come within [`PATIENCE`]; batches follow, and only what is new of them is handed on;
//! 4. `Reset`: what was handed on is worthless; attach anew on the same connection;
//! 5. a loss after a good time: one attempt at once, so that a restart of the daemon passes unnoticed; after that, or
//!    after a loss in quick succession, the machine's ladder, cut short when a daemon is there again;
//! 6. a refusal that time does not heal, or the end of a stream that was not to be followed, ends it.
//!
//! All progress is kept in the driver, none in a future: giving up [`Follow::next`] loses nothing.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use betcode_core::id::{LogEpoch, Sequence};
use betcode_core::resume::{Effect, Input, Position, Resume};
use betcode_core::time::Timestamp;
use betcode_proto::convert::lock::Standing;
use betcode_proto::convert::session::Summary;
use betcode_proto::v1;
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};
use uuid::Uuid;

use crate::connection::PATIENCE;
use crate::{CallError, ConnectError, Connection};

/// An attachment that lasted this long was a good one: after it, one attempt is made at once.
const GOOD: Duration = Duration::from_secs(5);

/// Why a connection is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// For the first time.
    First,
    /// The last one has just been lost.
    Lost,
    /// The daemon has just closed the last one in good order: it ends, and perhaps another one takes its place.
    Left,
    /// An attempt failed, and a while has passed.
    Again,
}

/// A future that owns what it needs.
pub(crate) type Owned<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How a handle gets a connection whenever it needs one; the caller decides whether a daemon may be started for it.
pub trait Connector: Send {
    /// Begins to connect.
    fn connect(
        &mut self,
        occasion: Occasion,
    ) -> Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send>>;

    /// Waits until a daemon is there again, however that came about: then the next attempt is made before its time.
    /// Unless told otherwise, nobody knows.
    fn returned(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

impl<F, Connecting> Connector for F
where
    F: FnMut(Occasion) -> Connecting + Send,
    Connecting: Future<Output = Result<Connection, ConnectError>> + Send + 'static,
{
    fn connect(
        &mut self,
        occasion: Occasion,
    ) -> Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send>> {
        Box::pin(self(occasion))
    }
}

/// What comes on an attachment.
pub(crate) enum Message {
    Attached {
        epoch: LogEpoch,
        head: Sequence,
        trimmed_up_to: Sequence,
        session: Option<Box<Summary>>,
        standing: Box<Standing>,
    },
    Reset {
        epoch: LogEpoch,
        reason: String,
    },
    Batch {
        first: Sequence,
        last: Sequence,
        bytes: Bytes,
    },
    Outcome(v1::CommandOutcome),
    Trouble(String),
    /// Something of a newer daemon.
    Other,
}

/// An attachment's messages.
pub(crate) type Incoming = Pin<Box<dyn Stream<Item = Result<Message, CallError>> + Send>>;

/// How an attachment is opened.
pub(crate) trait Source {
    fn open(
        &mut self,
        connection: &Connection,
        epoch: Option<LogEpoch>,
        after: Sequence,
    ) -> Owned<Result<Incoming, CallError>>;

    /// Whether there is nothing left to wait for on a stream that is not to be followed.
    fn is_done(&self) -> bool;
}

/// What the driver hands on.
pub(crate) enum Step {
    Attached {
        epoch: LogEpoch,
        head: Sequence,
        session: Option<Box<Summary>>,
        standing: Box<Standing>,
    },
    Reset {
        reason: String,
    },
    Trimmed {
        up_to: Sequence,
    },
    /// Only `first..=last` of the batch is new.
    Batch {
        first: Sequence,
        last: Sequence,
        partial: bool,
        bytes: Bytes,
    },
    Outcome(v1::CommandOutcome),
    Trouble(String),
    Reconnecting {
        attempt: u32,
        wait: Duration,
        cause: String,
    },
    End(End),
}

/// Why it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything up to the head is here, and no more was asked for.
    Complete,
    /// The daemon refused.
    Refused(betcode_proto::status::Refusal),
    /// No connection is possible.
    Failed(ConnectError),
}

enum Link {
    /// An attachment is to be opened, on this connection or a new one.
    Due(Option<Connection>),
    Connecting(Owned<Result<Connection, ConnectError>>),
    Opening(Connection, Owned<Result<Incoming, CallError>>),
    Open(Connection, Incoming),
    /// Until the next attempt is due, or a daemon is there again.
    Waiting(Pin<Box<Sleep>>, Owned<()>),
    Over(End),
}

pub(crate) struct Follow {
    connector: Box<dyn Connector>,
    machine: Resume,
    link: Link,
    /// Runs until the attachment is confirmed.
    patience: Option<Pin<Box<Sleep>>>,
    /// When the attachment was confirmed.
    confirmed: Option<Instant>,
    /// Whether the next loss is followed by an attempt at once.
    good: bool,
    /// The loss that the machine has not been told of, because an attempt is being made at once.
    untold: Option<Occasion>,
    attempt: u32,
    born: Instant,
    /// Whether to stay at the head.
    stay: bool,
    ready: VecDeque<Step>,
}

impl Follow {
    /// A driver that has a connection already.
    pub(crate) fn new(
        connector: Box<dyn Connector>,
        connection: Connection,
        position: Position,
        follow: bool,
    ) -> Self {
        Self {
            connector,
            machine: Resume::new(position),
            link: Link::Due(Some(connection)),
            patience: None,
            confirmed: None,
            good: true,
            untold: None,
            attempt: 0,
            born: Instant::now(),
            stay: follow,
            ready: VecDeque::new(),
        }
    }

    pub(crate) const fn position(&self) -> Position {
        self.machine.position()
    }

    pub(crate) fn is_caught_up(&self) -> bool {
        self.machine.is_caught_up() && self.ready.is_empty()
    }

    /// The next thing that happens. May be given up at any time.
    pub(crate) async fn next(&mut self, source: &mut (dyn Source + Send)) -> Step {
        std::future::poll_fn(|context| self.poll(context, source)).await
    }

    fn poll(&mut self, context: &mut Context<'_>, source: &mut (dyn Source + Send)) -> Poll<Step> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Poll::Ready(step);
            }
            match &mut self.link {
                Link::Over(end) => return Poll::Ready(Step::End(end.clone())),
                Link::Due(_) => self.attach(source),
                Link::Connecting(connecting) => match connecting.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(result) => self.connected(result),
                },
                Link::Opening(_, opening) => match opening.as_mut().poll(context) {
                    Poll::Ready(Ok(incoming)) => self.opened(incoming),
                    Poll::Ready(Err(error)) => self.broken(error),
                    Poll::Pending if self.out_of_patience(context) => self.silent(),
                    Poll::Pending => return Poll::Pending,
                },
                Link::Open(_, incoming) => match incoming.as_mut().poll_next(context) {
                    Poll::Ready(Some(Ok(message))) => self.take(message),
                    Poll::Ready(Some(Err(error))) => self.broken(error),
                    Poll::Ready(None) => self.finished(source),
                    Poll::Pending if self.out_of_patience(context) => self.silent(),
                    Poll::Pending => return Poll::Pending,
                },
                Link::Waiting(due, returned) => {
                    let due = due.as_mut().poll(context).is_ready();
                    if !due && returned.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    self.waited();
                }
            }
        }
    }

    /// Opens the attachment that the machine asks for.
    fn attach(&mut self, source: &mut (dyn Source + Send)) {
        let Link::Due(connection) = &mut self.link else {
            return;
        };
        let Some(connection) = connection.take() else {
            let occasion = self.untold.unwrap_or(Occasion::Again);
            self.link = Link::Connecting(self.connector.connect(occasion));
            return;
        };
        if self.untold.take().is_some() {
            // Now the machine learns of the loss, and that its wait is over: the connection is here.
            self.machine
                .handle(now(self.born), Input::Disconnected { random: random() });
            if let Some(until) = self.machine.poll_timeout() {
                self.machine.handle_timeout(until);
            }
        }
        let mut wanted = None;
        while let Some(effect) = self.machine.poll_effect() {
            if let Effect::Attach { epoch, after } = effect {
                wanted = Some((epoch, after));
            }
        }
        let (epoch, after) = wanted.unwrap_or_else(|| {
            let Position { epoch, last } = self.machine.position();
            (epoch, last)
        });
        let opening = source.open(&connection, epoch, after);
        self.patience = Some(Box::pin(sleep(PATIENCE)));
        self.confirmed = None;
        self.link = Link::Opening(connection, opening);
    }

    fn connected(&mut self, result: Result<Connection, ConnectError>) {
        match result {
            Ok(connection) => self.link = Link::Due(Some(connection)),
            Err(error) if error.is_temporary() => {
                self.wait(error.to_string());
                let absent = matches!(
                    error,
                    ConnectError::NotRunning { .. } | ConnectError::NotStarted { .. }
                );
                if absent && let Link::Waiting(_, returned) = &mut self.link {
                    *returned = self.connector.returned();
                }
            }
            Err(error) => self.link = Link::Over(End::Failed(error)),
        }
    }

    fn opened(&mut self, incoming: Incoming) {
        if let Link::Opening(connection, _) = &self.link {
            self.link = Link::Open(connection.clone(), incoming);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Attached {
                epoch,
                head,
                trimmed_up_to,
                session,
                standing,
            } => {
                self.trimmed(epoch, trimmed_up_to);
                self.attached(epoch, head, session, standing);
            }
            Message::Reset { epoch, reason } => {
                self.machine.handle(now(self.born), Input::Reset { epoch });
                self.obey(reason, None);
            }
            Message::Batch { first, last, bytes } => {
                self.machine
                    .handle(now(self.born), Input::Batch { first, last });
                self.good = true;
                self.attempt = 0;
                self.obey(String::new(), Some((first, bytes)));
            }
            Message::Outcome(outcome) => self.ready.push_back(Step::Outcome(outcome)),
            Message::Trouble(message) => self.ready.push_back(Step::Trouble(message)),
            Message::Other => {}
        }
    }

    /// The events up to the mark exist no more: the machine goes on from there.
    fn trimmed(&mut self, epoch: LogEpoch, up_to: Sequence) {
        let position = self.machine.position();
        let same_log = position.epoch.is_none_or(|known| known == epoch);
        if same_log && up_to > position.last {
            self.machine = Resume::new(Position {
                epoch: Some(epoch),
                last: up_to,
            });
            while self.machine.poll_effect().is_some() {}
            self.ready.push_back(Step::Trimmed { up_to });
        }
    }

    fn attached(
        &mut self,
        epoch: LogEpoch,
        head: Sequence,
        session: Option<Box<Summary>>,
        standing: Box<Standing>,
    ) {
        self.machine
            .handle(now(self.born), Input::Attached { epoch, head });
        if self.obey("the log was replaced".to_owned(), None) {
            self.patience = None;
            self.confirmed = Some(Instant::now());
            self.ready.push_back(Step::Attached {
                epoch,
                head,
                session,
                standing,
            });
        }
    }

    /// Does what the machine wants. True when the attachment goes on.
    fn obey(&mut self, reason: String, mut batch: Option<(Sequence, Bytes)>) -> bool {
        let mut reason = Some(reason);
        let mut goes_on = true;
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                Effect::Discard => self.ready.push_back(Step::Reset {
                    reason: reason.take().unwrap_or_default(),
                }),
                Effect::Deliver { first, last } => {
                    if let Some((begin, bytes)) = batch.take() {
                        self.ready.push_back(Step::Batch {
                            first,
                            last,
                            partial: begin != first,
                            bytes,
                        });
                    }
                }
                Effect::Close { violation } => {
                    goes_on = false;
                    self.wait(format!("the daemon broke the protocol: {violation}"));
                }
                Effect::Attach { .. } => {
                    // The position says the same; the stream is opened when the link is due.
                    goes_on = false;
                    if let Link::Open(connection, _) = &self.link {
                        self.link = Link::Due(Some(connection.clone()));
                    }
                }
                Effect::Wait { .. } => {}
            }
        }
        goes_on
    }

    /// The stream ended in an error.
    fn broken(&mut self, error: CallError) {
        match error {
            CallError::Refused(refusal) if !refusal.is_unavailable() => {
                self.link = Link::Over(End::Refused(refusal));
            }
            // It is going down and says so.
            CallError::Refused(refusal) => self.lost(Occasion::Left, refusal.to_string()),
            error => self.lost(Occasion::Lost, error.to_string()),
        }
    }

    fn silent(&mut self) {
        self.lost(Occasion::Lost, CallError::Silent(PATIENCE).to_string());
    }

    /// The daemon closed the stream in good order.
    fn finished(&mut self, source: &(dyn Source + Send)) {
        if !self.stay && self.machine.is_caught_up() && source.is_done() {
            self.link = Link::Over(End::Complete);
        } else {
            self.lost(Occasion::Left, "the daemon closed the stream".to_owned());
        }
    }

    fn lost(&mut self, how: Occasion, cause: String) {
        let lasted = self.confirmed.take().map(|since| since.elapsed());
        self.patience = None;
        if lasted.is_some_and(|lasted| self.good || lasted >= GOOD) {
            self.good = false;
            self.untold = Some(how);
            self.link = Link::Due(None);
            self.ready.push_back(Step::Reconnecting {
                attempt: 0,
                wait: Duration::ZERO,
                cause,
            });
        } else {
            self.wait(cause);
        }
    }

    /// Tells the machine of the loss and waits as long as it says.
    fn wait(&mut self, cause: String) {
        self.untold = None;
        self.patience = None;
        self.confirmed = None;
        let now = now(self.born);
        self.machine
            .handle(now, Input::Disconnected { random: random() });
        while self.machine.poll_effect().is_some() {}
        let wait = self
            .machine
            .poll_timeout()
            .map(|until| until.since(now))
            .unwrap_or_default();
        self.attempt += 1;
        self.ready.push_back(Step::Reconnecting {
            attempt: self.attempt,
            wait,
            cause,
        });
        self.link = Link::Waiting(Box::pin(sleep(wait)), Box::pin(std::future::pending()));
    }

    fn waited(&mut self) {
        if let Some(until) = self.machine.poll_timeout() {
            self.machine.handle_timeout(until.max(now(self.born)));
        }
        self.link = Link::Due(None);
    }

    fn out_of_patience(&mut self, context: &mut Context<'_>) -> bool {
        self.patience
            .as_mut()
            .is_some_and(|sleep| sleep.as_mut().poll(context).is_ready())
    }
}

/// Time since the driver was made: the machine only compares.
fn now(born: Instant) -> Timestamp {
    Timestamp::default().plus(born.elapsed())
}

fn random() -> u32 {
    Uuid::new_v4().as_fields().0
}
