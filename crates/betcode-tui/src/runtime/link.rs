//! Errands to the daemon: opening sessions, reading parts of logs, lists.

use std::sync::Arc;

use betcode_client::session::{Open, Position};
use betcode_client::{CallError, Connection, Direction, ReadEvents};
use betcode_core::command::{Action, Command, StartSession};
use betcode_core::event::{ClientInfo, Event};
use betcode_core::id::{IdempotencyKey, Sequence, SessionId};
use uuid::Uuid;

use super::{Access, Brought, Owned};
use crate::msg::{Msg, Towards};

/// So many events are read at once.
const PAGE: u32 = 400;

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
pub(super) fn reached(access: &Arc<dyn Access>) -> Owned<Brought> {
    let reaching = access.connect();
    Box::pin(async move {
        let reached = reaching.await.map(drop).map_err(|error| error.to_string());
        Brought::Msg(Msg::Reached(reached))
    })
}

/// Follows a session that is made with the first command.
pub(super) fn made(access: &Arc<dyn Access>, id: SessionId, client: ClientInfo) -> Owned<Brought> {
    let opening = access.open(Open {
        session: id,
        after: Position::default(),
        follow: true,
        client,
        observe: false,
    });
    Box::pin(async move { Brought::Made(id, opening.await.map_err(|error| error.to_string())) })
}

/// Opens a session and follows it from its head on.
pub(super) fn opened(
    access: &Arc<dyn Access>,
    id: SessionId,
    client: ClientInfo,
) -> Owned<Brought> {
    let access = Arc::clone(access);
    Box::pin(async move {
        let opened = async {
            let connection = access.connect().await.map_err(|error| error.to_string())?;
            let details = connection
                .get_session(&id.to_string())
                .await
                .map_err(said)?;
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
            let handle = access.open(open).await.map_err(|error| error.to_string())?;
            Ok((Box::new(details), handle))
        };
        Brought::Opened(id, opened.await)
    })
}

/// Reads a part of a log.
pub(super) fn page(
    access: &Arc<dyn Access>,
    session: SessionId,
    towards: Towards,
) -> Owned<Brought> {
    let access = Arc::clone(access);
    Box::pin(async move {
        let events = async {
            let connection = access.connect().await.map_err(|error| error.to_string())?;
            read(&connection, session, towards).await.map_err(said)
        };
        Brought::Msg(Msg::Page {
            towards,
            events: events.await,
        })
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
    let mut pages = connection
        .read_events(ReadEvents {
            session,
            epoch: None,
            from,
            limit: PAGE,
            coalesced: true,
        })
        .await?;
    let mut parts = Vec::new();
    while let Some(page) = pages.next().await? {
        parts.push(page.events()?);
    }
    // Backwards, the newest page comes first.
    if matches!(towards, Towards::Start(_)) {
        parts.reverse();
    }
    Ok(parts.into_iter().flatten().collect())
}

/// What there is on this machine, and what happens from then on.
pub(super) fn watched(access: &Arc<dyn Access>) -> Owned<Brought> {
    let access = Arc::clone(access);
    Box::pin(async move {
        let watched = async {
            let connection = access.connect().await.ok()?;
            // The feed first: what changes between the two is told twice, not missed.
            let head = connection.feed_head().await.ok()?;
            let sessions = connection.list_sessions(None, 0).await.ok()?;
            let feed = access.watch(head).await.ok()?;
            Some(Box::new((sessions, feed)))
        };
        Brought::Watched(watched.await)
    })
}

/// The sessions of this machine.
pub(super) fn sessions(access: &Arc<dyn Access>) -> Owned<Brought> {
    let access = Arc::clone(access);
    Box::pin(async move {
        let sessions = async {
            let connection = access.connect().await.map_err(|error| error.to_string())?;
            connection.list_sessions(None, 0).await.map_err(said)
        };
        Brought::Msg(Msg::Sessions(sessions.await))
    })
}

fn said(error: CallError) -> String {
    match error {
        CallError::Refused(refusal) => refusal.message,
        other => other.to_string(),
    }
}
