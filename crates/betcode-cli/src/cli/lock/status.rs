//! `lock status` and `lock release`.

use betcode_client::CallError;
use betcode_core::command::Action;
use betcode_core::event::{ClientInfo, ClientKind};
use betcode_core::id::SessionId;
use betcode_core::time::Timestamp;
use betcode_proto::convert::lock::Lock;
use betcode_proto::status::reason;
use serde_json::{Value, json};

use crate::cli::find_session;
use crate::clock;
use crate::context::Context;
use crate::duration::until;
use crate::error::{Exit, Failure};
use crate::link::{Policy, client, command, with_daemon};
use crate::output::printable;

/// Shows who holds the lock.
pub(super) fn status(id: &str, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let details = with_daemon(context, Policy::Start, async |daemon| {
        find_session(&daemon, id).await
    })?;
    if json {
        context
            .output
            .json(&object(details.summary.id, &details.lock))?;
    } else {
        for line in lines(&details.lock, clock::now()) {
            context.output.line(&printable(&line))?;
        }
    }
    Ok(Exit::Success)
}

fn object(session: SessionId, lock: &Lock) -> Value {
    let who = |client: &ClientInfo| json!({"client": client.name, "place": client.place, "kind": client.kind});
    let requests: Vec<Value> = lock
        .requests
        .iter()
        .map(|(by, expires_at)| {
            json!({"client": by.name, "place": by.place, "kind": by.kind, "expires_at": expires_at})
        })
        .collect();
    json!({
        "session_id": session,
        "holder": lock.holder.as_ref().map(who),
        "requests": requests,
    })
}

fn lines(lock: &Lock, now: Timestamp) -> Vec<String> {
    let mut lines = vec![match &lock.holder {
        Some(holder) => format!("{} holds the input lock", holder.label()),
        None => "nobody holds the input lock".to_owned(),
    }];
    lines.extend(lock.requests.iter().map(|(by, expires_at)| {
        format!(
            "{} asks for it and gets it {} without an answer",
            by.label(),
            until(now, *expires_at)
        )
    }));
    lines
}

/// Frees the lock of a holder that is away.
///
/// 1. Ask for it, as a client that could keep it. It is granted at once when nobody holds it who is there.
/// 2. Give it back, or ask no more.
pub(super) fn release(id: &str, context: &mut Context) -> Result<Exit, Failure> {
    let told = with_daemon(context, Policy::Start, async |daemon| {
        let details = find_session(&daemon, id).await?;
        let session = details.summary.id;
        let Some(holder) = details.lock.holder else {
            return Ok(format!("nobody holds the input lock of session {session}"));
        };
        let me = client("betcode lock release", ClientKind::OneShot);
        let release = command(session, me, Action::ReleaseLock);
        match daemon.submit(release).await {
            Ok(_) => Ok(format!(
                "{} was away: the input lock of session {session} is free",
                holder.label()
            )),
            Err(CallError::Refused(refusal)) if refusal.reason == reason::LOCK_NOT_REQUESTED => Ok(
                format!("nobody holds the input lock of session {session} any more"),
            ),
            Err(CallError::Refused(refusal)) if refusal.reason == reason::LOCK_HELD => {
                Err(Failure::with(
                    Exit::Failure,
                    "PERMISSION_DENIED",
                    reason::LOCK_HELD,
                    format!("{} holds the input lock and is there", holder.label()),
                )
                .hint(format!("betcode lock request {session} asks for it")))
            }
            Err(error) => Err(error.into()),
        }
    })?;
    context.output.line(&printable(&told))?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn who(name: &str) -> ClientInfo {
        ClientInfo {
            name: name.into(),
            place: "laptop".into(),
            kind: ClientKind::Run,
            ..ClientInfo::default()
        }
    }

    #[test]
    fn the_holder_and_who_asks_are_named() {
        let now = Timestamp(1_000_000);
        let free = Lock::default();
        assert_eq!(lines(&free, now), ["nobody holds the input lock"]);
        let lock = Lock {
            holder: Some(who("betcode -p")),
            requests: vec![(who("betcode"), Timestamp(8_000_000))],
        };
        assert_eq!(
            lines(&lock, now),
            [
                "betcode -p (laptop) holds the input lock",
                "betcode (laptop) asks for it and gets it in 7 s without an answer"
            ]
        );
        let session = SessionId(Uuid::from_u128(1));
        insta::assert_snapshot!(object(session, &free));
        insta::assert_snapshot!(object(session, &lock));
    }
}
