//! Errands to the daemon: opening sessions, reading parts of logs, lists.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use betcode_client::session::{Open, Position};
use betcode_client::{CallError, Connection, Direction, ReadEvents, Search};
use betcode_core::command::{Action, Command, Environment, StartSession};
use betcode_core::event::{ClientInfo, Event};
use betcode_core::id::{IdempotencyKey, Sequence, SessionId};
use uuid::Uuid;

use super::{Access, Brought, Owned};
use crate::msg::{Msg, Towards};
use crate::usage::Lack;

/// So many sessions are found at once.
const FOUND: u32 = 30;
/// So many events are read at once.
const PAGE: u32 = 400;
/// And so many where something is looked for.
const SCAN: u32 = 4_000;

/// Calls to the daemon. They share a connection, which is kept; when it turns out to be lost, another one is made.
#[derive(Clone)]
pub(super) struct Calls {
    access: Arc<dyn Access>,
    kept: Arc<Mutex<Option<Connection>>>,
}

impl Calls {
    pub(super) fn new(access: Arc<dyn Access>) -> Self {
        Self {
            access,
            kept: Arc::default(),
        }
    }

    fn kept(&self) -> Option<Connection> {
        let kept = self.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, connection: Option<Connection>) {
        let kept = self.kept.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = connection;
    }

    async fn connected(&self) -> Result<Connection, String> {
        let connection = self.access.connect().await;
        let connection = connection.map_err(|error| error.to_string())?;
        self.keep(Some(connection.clone()));
        Ok(connection)
    }

    /// Asks for something that may be asked for twice.
    async fn ask<T, F>(&self, question: impl Fn(Connection) -> F + Send) -> Result<T, String>
    where
        F: Future<Output = Result<T, CallError>> + Send,
    {
        self.try_ask(question).await.map_err(Lack::said)
    }

    /// The same, where the daemon may be one that does not know this yet.
    pub(super) async fn try_ask<T, F>(
        &self,
        question: impl Fn(Connection) -> F + Send,
    ) -> Result<T, Lack>
    where
        F: Future<Output = Result<T, CallError>> + Send,
    {
        if let Some(connection) = self.kept() {
            match question(connection).await {
                Ok(answer) => return Ok(answer),
                Err(error @ CallError::Refused(_)) => return Err(said(error)),
                // The daemon may be another one by now.
                Err(_) => self.keep(None),
            }
        }
        let connection = self.connected().await.map_err(Lack::Problem)?;
        question(connection).await.map_err(said)
    }
}

/// The command that makes a session.
pub(super) fn start(id: SessionId, me: &ClientInfo, start: StartSession) -> Command {
    Command {
        session: id,
        key: IdempotencyKey(Uuid::now_v7()),
        client: me.clone(),
        action: Action::Start(Box::new(start)),
    }
}

/// Sees whether there is a daemon, so that the first message does not have to wait for one.
pub(super) fn reached(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move { Brought::Msg(Msg::Reached(calls.connected().await.map(drop))) })
}

/// Follows a session that is made with the first command.
pub(super) fn made(calls: &Calls, id: SessionId, client: ClientInfo) -> Owned<Brought> {
    let opening = calls.access.open(Open {
        session: id,
        after: Position::default(),
        follow: true,
        client,
        observe: false,
    });
    Box::pin(async move { Brought::Made(id, opening.await.map_err(|error| error.to_string())) })
}

/// Opens a session and follows it from its head on.
pub(super) fn opened(calls: &Calls, id: SessionId, client: ClientInfo) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let opened = async {
            let details = calls
                .ask(|connection| async move { connection.get_session(&id.to_string()).await })
                .await?;
            let open = Open {
                session: id,
                after: Position {
                    epoch: Some(details.epoch),
                    last: details.summary.head,
                },
                follow: true,
                client,
                observe: false,
            };
            let handle = calls
                .access
                .open(open)
                .await
                .map_err(|error| error.to_string())?;
            Ok((Box::new(details), handle))
        };
        Brought::Opened(id, opened.await)
    })
}

/// Reads a part of a log.
pub(super) fn page(calls: &Calls, session: SessionId, towards: Towards) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let events = calls
            .ask(|connection| async move { read(&connection, session, towards).await })
            .await;
        Brought::Msg(Msg::Page { towards, events })
    })
}

async fn read(
    connection: &Connection,
    session: SessionId,
    towards: Towards,
) -> Result<Vec<Event>, CallError> {
    let from = match towards {
        Towards::Start(last) => Direction::Before(Sequence(last.0 + 1)),
        Towards::End(before) => Direction::After(before),
    };
    events(connection, session, from, PAGE).await
}

async fn events(
    connection: &Connection,
    session: SessionId,
    from: Direction,
    limit: u32,
) -> Result<Vec<Event>, CallError> {
    let mut pages = connection
        .read_events(ReadEvents {
            session,
            epoch: None,
            from,
            limit,
            coalesced: true,
        })
        .await?;
    let mut parts = Vec::new();
    while let Some(page) = pages.next().await? {
        parts.push(page.events()?);
    }
    // Backwards, the newest page comes first.
    if !matches!(from, Direction::After(_)) {
        parts.reverse();
    }
    Ok(parts.into_iter().flatten().collect())
}

/// What there is on this machine, and what happens from then on.
pub(super) fn watched(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let watched = async {
            // The feed first: what changes between the two is told twice, not missed.
            let first = |connection: Connection| async move { connection.feed_head().await };
            let head = calls.ask(first).await.ok()?;
            let all =
                |connection: Connection| async move { connection.list_sessions(None, 0).await };
            let sessions = calls.ask(all).await.ok()?;
            let feed = calls.access.watch(head).await.ok()?;
            Some(Box::new((sessions, feed)))
        };
        Brought::Watched(watched.await)
    })
}

/// The sessions of this machine.
pub(super) fn sessions(calls: &Calls) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let sessions = calls
            .ask(|connection| async move { connection.list_sessions(None, 0).await })
            .await;
        Brought::Msg(Msg::Sessions(sessions))
    })
}

/// What was said in sessions.
pub(super) fn find(calls: &Calls, words: String, cwd: Option<String>) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let what = Search {
            words: words.clone(),
            limit: FOUND,
            cwd,
            session: None,
        };
        let question = |connection: Connection| {
            let what = what.clone();
            async move { connection.search_sessions(what).await }
        };
        let answer = calls.ask(question).await;
        Brought::Msg(Msg::Found { words, answer })
    })
}

/// Reads a part of a log in which something is looked for.
pub(super) fn scan(calls: &Calls, session: SessionId, after: Sequence) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let from = Direction::After(after);
        let question =
            |connection: Connection| async move { events(&connection, session, from, SCAN).await };
        Brought::Scanned(session, after, calls.ask(question).await)
    })
}

/// The agents that there are for a directory.
pub(super) fn agents(calls: &Calls, cwd: String, environment: Environment) -> Owned<Brought> {
    let calls = calls.clone();
    Box::pin(async move {
        let environment: BTreeMap<_, _> = environment.0.into_iter().collect();
        let question = |connection: Connection| {
            let (cwd, environment) = (cwd.clone(), environment.clone());
            async move { connection.agents(Some(&cwd), &environment).await }
        };
        Brought::Msg(Msg::Agents(calls.ask(question).await))
    })
}

fn said(error: CallError) -> Lack {
    match error {
        CallError::Refused(refusal) if refusal.is_unknown() => Lack::Unsupported,
        CallError::Refused(refusal) => Lack::Problem(refusal.message),
        other => Lack::Problem(other.to_string()),
    }
}
