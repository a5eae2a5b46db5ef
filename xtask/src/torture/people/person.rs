//! One client: what it sends, by which way, and what it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use betcode_client::session::{Handle, Open, Position, Update};
use betcode_client::{
    Accepted, CallError, ConnectError, Connection, Occasion, Profile, Start, connect_or_start,
};
use betcode_core::command::Command;
use betcode_core::event::{ClientInfo, ClientKind};
use betcode_core::id::SessionId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::board::Board;
use super::deeds::Way;
use crate::torture::check::people::{Act, Outcome, Said, Told};

/// Between two attempts of a call.
const PAUSE: Duration = Duration::from_millis(10);
/// How often a call is tried. Each attempt has its own patience.
const ATTEMPTS: u32 = 500;

/// How the daemon is reached.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) profile: Profile,
    pub(super) command: Vec<std::ffi::OsString>,
    pub(super) environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

impl Reach {
    pub(super) async fn connect(&self) -> Result<Connection, ConnectError> {
        let start = Start::new(self.command.clone(), self.environment.clone());
        connect_or_start(&self.profile, start).await
    }

    /// The same, again and again.
    pub(super) async fn insist(&self) -> Option<Connection> {
        for _ in 0..ATTEMPTS {
            if let Ok(connection) = self.connect().await {
                return Some(connection);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }
}

/// What everybody at a table shares.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) session: SessionId,
    pub(super) reach: Reach,
    pub(super) board: Arc<Mutex<Board>>,
}

impl Shared {
    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, command: &Command, act: Act, sitting: Option<u64>) -> usize {
        let mut board = self.board();
        board.said.push(Said {
            client: command.client.id.to_string(),
            key: command.key.to_string(),
            act,
            outcome: Outcome::Open,
            sitting,
        });
        board.said.len() - 1
    }

    fn answered(&self, at: usize, outcome: Outcome) {
        if let Some(said) = self.board().said.get_mut(at) {
            said.outcome = outcome;
        }
    }

    /// Sends a command by a call of its own, again and again until there is an answer.
    pub(super) async fn call(self, command: Command, act: Act) {
        let at = self.note(&command, act, None);
        for _ in 0..ATTEMPTS {
            let Some(connection) = self.reach.insist().await else {
                return;
            };
            match Box::pin(connection.submit(command.clone())).await {
                Ok(accepted) => return self.answered(at, Outcome::Accepted(first(&accepted))),
                Err(CallError::Refused(refusal)) if refusal.is_unavailable() => {}
                Err(CallError::Refused(refusal)) => {
                    return self.answered(at, refused(refusal.reason, refusal.metadata));
                }
                Err(CallError::Lost(_) | CallError::Silent(_)) => {}
                Err(CallError::Unreadable(error)) => {
                    return self.board().problems.push(error.to_string());
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn first(accepted: &Accepted) -> Option<u64> {
    accepted.sequence.map(|sequence| sequence.0)
}

fn refused(reason: String, metadata: BTreeMap<String, String>) -> Outcome {
    Outcome::Refused { reason, metadata }
}

/// What a person who is attached is asked to do.
#[derive(Debug)]
enum Order {
    Send(Box<Command>, Act),
    Leave,
}

/// A client for the time of one deed.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) info: ClientInfo,
    orders: Option<UnboundedSender<Order>>,
}

impl Line {
    /// Sends on the stream if that is wanted and there is one, and by a call otherwise.
    pub(super) async fn send(&self, shared: &Shared, way: Way, command: Command, act: Act) {
        if let (Way::Stream, Some(orders)) = (way, &self.orders) {
            let order = Order::Send(Box::new(command.clone()), act.clone());
            if orders.send(order).is_ok() {
                return;
            }
        }
        Box::pin(shared.clone().call(command, act)).await;
    }
}

/// An attachment that lasts.
#[derive(Debug)]
struct Seat {
    number: u64,
    orders: UnboundedSender<Order>,
    task: JoinHandle<()>,
}

/// One client.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) info: ClientInfo,
    seat: Option<Seat>,
}

impl Person {
    pub(super) const fn new(info: ClientInfo) -> Self {
        Self { info, seat: None }
    }

    pub(super) fn is_seated(&self) -> bool {
        self.seat
            .as_ref()
            .is_some_and(|seat| !seat.task.is_finished())
    }

    /// Attaches. Whoever does one thing and is gone never does.
    pub(super) fn sit(
        &mut self,
        shared: &Shared,
        runtime: &tokio::runtime::Handle,
        number: u64,
        observe: bool,
    ) {
        if self.is_seated() || self.info.kind == ClientKind::OneShot {
            return;
        }
        let (orders, received) = unbounded_channel();
        let sitting = Sitting {
            shared: shared.clone(),
            client: self.info.clone(),
            number,
            observe,
        };
        let task = runtime.spawn(sitting.follow(received));
        self.seat = Some(Seat {
            number,
            orders,
            task,
        });
    }

    /// How it sends what it wants now.
    pub(super) fn line(&self) -> Line {
        let seat = self.seat.as_ref().filter(|seat| !seat.task.is_finished());
        Line {
            info: self.info.clone(),
            orders: seat.map(|seat| seat.orders.clone()),
        }
    }

    /// Leaves in good order. What it has sent is answered first.
    pub(super) fn leave(&mut self) -> Option<JoinHandle<()>> {
        let seat = self.seat.take()?;
        // One that has ended by itself is gone already.
        let _ = seat.orders.send(Order::Leave);
        Some(seat.task)
    }

    /// Is gone from one moment to the next, and is another client when it comes back. What it has sent may be done or not.
    pub(super) fn vanish(&mut self, id: betcode_core::id::ClientId) -> Option<u64> {
        let seat = self.seat.take()?;
        self.info.id = id;
        seat.task.abort();
        Some(seat.number)
    }
}

struct Sitting {
    shared: Shared,
    client: ClientInfo,
    number: u64,
    observe: bool,
}

impl Sitting {
    async fn follow(self, mut orders: UnboundedReceiver<Order>) {
        let reach = self.shared.reach.clone();
        let connector = move |_: Occasion| {
            let reach = reach.clone();
            async move { reach.connect().await }
        };
        let open = Open {
            session: self.shared.session,
            after: Position::default(),
            follow: true,
            client: self.client.clone(),
            observe: self.observe,
        };
        let Some(connection) = self.shared.reach.insist().await else {
            return;
        };
        let mut handle = Handle::on(connection, connector, open);
        let place = {
            let mut board = self.shared.board();
            board.told.push(Told {
                client: self.client.id.to_string(),
                ..Told::default()
            });
            board.told.len() - 1
        };
        let mut awaited = BTreeMap::new();
        let mut leaving = false;
        while !leaving || !awaited.is_empty() {
            tokio::select! {
                order = orders.recv(), if !leaving => match order {
                    Some(Order::Send(command, act)) => {
                        let at = self.shared.note(&command, act, Some(self.number));
                        awaited.entry(command.key.to_string()).or_insert_with(Vec::new).push(at);
                        handle.send(*command);
                    }
                    Some(Order::Leave) | None => leaving = true,
                },
                update = handle.next() => match update {
                    Update::Attached { head, standing, .. } => {
                        let permissions = standing.permissions.iter().map(|it| it.id.to_string());
                        let questions = standing.questions.iter().map(|it| it.id.to_string());
                        let waits = permissions.chain(questions).collect();
                        if let Some(told) = self.shared.board().told.get_mut(place) {
                            told.attached.push((head.0, waits));
                        }
                    }
                    Update::Events(batch) => self.seen(place, &batch),
                    Update::Outcome { key, outcome } => {
                        let outcome = match outcome {
                            Ok(accepted) => Outcome::Accepted(first(&accepted)),
                            Err(refusal) => refused(refusal.reason, refusal.metadata),
                        };
                        let places = awaited.get_mut(&key.to_string());
                        if let Some(at) = places.and_then(|places| (!places.is_empty()).then(|| places.remove(0))) {
                            self.shared.answered(at, outcome);
                        }
                        awaited.retain(|_, places| !places.is_empty());
                    }
                    Update::Reset { reason } => {
                        self.shared.board().problems.push(format!("a client was told to begin anew: {reason}"));
                    }
                    Update::Trouble(Some(trouble)) => {
                        self.shared.board().troubles.push(trouble);
                    }
                    Update::Trouble(None) | Update::Trimmed { .. } | Update::Reconnecting { .. } => {}
                    Update::End(end) => {
                        self.shared.board().problems.push(format!("a client was sent away: {end:?}"));
                        return;
                    }
                },
            }
        }
        handle.leave(Duration::from_secs(1)).await;
    }

    fn seen(&self, place: usize, batch: &betcode_client::session::Batch) {
        let mut board = self.shared.board();
        match batch.events() {
            Ok(events) => {
                for event in &events {
                    board.see(event);
                    let line = event.to_json(self.shared.session).unwrap_or_default();
                    if let Some(told) = board.told.get_mut(place) {
                        told.events.push((event.sequence.0, line));
                    }
                }
            }
            Err(error) => board.problems.push(error.to_string()),
        }
    }
}
