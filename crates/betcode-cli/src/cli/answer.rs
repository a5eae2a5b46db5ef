//! What the commands that answer requests share: finding the request, and sending an answer that may have to wait for the
//! input lock.

use std::time::Duration;

use betcode_client::{Accepted, CallError, Connection, RequestKind, RequestRecord};
use betcode_core::command::{Action, Command};
use betcode_core::event::{ClientInfo, ClientKind};
use betcode_core::session::Pending;
use betcode_proto::status::reason;
use serde_json::Value;

use crate::error::Failure;
use crate::link::{client, command};
use crate::nearest::nearest;
use crate::output::say;

/// An answer that takes longer than this waits for somebody.
const SOON: Duration = Duration::from_millis(300);

/// Who answers: a client that does one thing and gives back what it took.
pub(crate) fn me(name: &str) -> ClientInfo {
    client(name, ClientKind::OneShot)
}

/// The request of this kind that an id, or the beginning of one, names.
pub(crate) async fn find(
    daemon: &Connection,
    id: &str,
    kind: RequestKind,
) -> Result<RequestRecord, Failure> {
    let refusal = match daemon.get_request(id, Some(kind)).await {
        Ok(record) => return Ok(record),
        Err(CallError::Refused(refusal)) if refusal.reason == reason::REQUEST_UNKNOWN => refusal,
        Err(error) => return Err(error.into()),
    };
    let (what, list) = words(kind);
    // The other kind has commands of its own.
    let other = match kind {
        RequestKind::Permission => RequestKind::Question,
        RequestKind::Question => RequestKind::Permission,
    };
    if let Ok(record) = daemon.get_request(id, Some(other)).await {
        let (is, _) = words(other);
        let command = match other {
            RequestKind::Permission => "permission",
            RequestKind::Question => "question",
        };
        return Err(
            Failure::general(&refusal.reason, format!("`{id}` is a {is}, not a {what}"))
                .hint(format!("betcode {command} show {}", record.id())),
        );
    }
    let failure = Failure::general(&refusal.reason, format!("there is no {what} `{id}`"));
    // A hint is worth one more question, but not another error.
    let known = daemon
        .list_requests(Some(kind), None, true)
        .await
        .unwrap_or_default();
    let meant = nearest_id(id, known.iter().map(|record| record.id().0.as_str()));
    Err(match meant {
        Some(meant) => failure.hint(format!("did you mean {meant}?")),
        None => failure.hint(format!("{list} shows them")),
    })
}

const fn words(kind: RequestKind) -> (&'static str, &'static str) {
    match kind {
        RequestKind::Permission => ("request for permission", "betcode permission list --all"),
        RequestKind::Question => ("question", "betcode question list --all"),
    }
}

/// The id of which as much as was typed differs least.
pub(crate) fn nearest_id<'a>(typed: &str, ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let ids: Vec<&str> = ids.collect();
    let length = typed.chars().count();
    let beginnings: Vec<String> = ids
        .iter()
        .map(|id| id.chars().take(length).collect())
        .collect();
    if length < 4 {
        return None;
    }
    let meant = nearest(typed, beginnings.iter().map(String::as_str))?;
    let place = beginnings.iter().position(|beginning| beginning == meant)?;
    ids.get(place).copied()
}

/// The request with everything in it whole.
pub(crate) async fn whole(
    daemon: &Connection,
    mut record: RequestRecord,
) -> Result<RequestRecord, Failure> {
    let (session, sequence) = (record.session, record.sequence);
    for preview in std::mem::take(&mut record.previews) {
        let bytes = match daemon.payload(session, sequence, &preview.field).await {
            Ok(bytes) => bytes,
            // It was removed with the log: the preview is all there is.
            Err(CallError::Refused(_)) => {
                record.previews.push(preview);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let unreadable = |error: &dyn std::fmt::Display| {
            Failure::general(
                "UNREADABLE",
                format!(
                    "the {} of the request cannot be read: {error}",
                    preview.field
                ),
            )
        };
        match (preview.field.as_str(), &mut record.request) {
            ("input", Pending::Permission(request)) => {
                request.input = json(&bytes).map_err(|error| unreadable(&error))?;
            }
            ("input", Pending::Question(question)) => {
                question.input = json(&bytes).map_err(|error| unreadable(&error))?;
            }
            ("plan", Pending::Question(question)) => {
                let text = String::from_utf8(bytes).map_err(|error| unreadable(&error))?;
                question.plan = Some(text);
            }
            _ => {}
        }
    }
    Ok(record)
}

fn json(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Sends an answer. When somebody has to hand over the input lock first, that is said.
pub(crate) async fn send(
    daemon: &Connection,
    record: &RequestRecord,
    client: ClientInfo,
    action: Action,
) -> Result<Accepted, Failure> {
    let command = command(record.session, client, action);
    // Boxed: what waits here is large, and it is held through many layers.
    Ok(Box::pin(patiently(daemon, command)).await?)
}

async fn patiently(daemon: &Connection, command: Command) -> Result<Accepted, CallError> {
    let session = command.session;
    let mut answer = std::pin::pin!(daemon.submit(command));
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        () = tokio::time::sleep(SOON) => {}
    }
    let explain = async {
        let id = session.to_string();
        let holder = match daemon.get_session(&id).await {
            Ok(details) => details.lock.holder,
            Err(_) => None,
        };
        match holder {
            Some(holder) => say(&format!(
                "waiting for {} to hand over the input lock",
                holder.label()
            )),
            None => say("waiting for the session to take the answer"),
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        () = explain => Err(CallError::Lost("the wait ended".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_an_id_is_recognised_by_its_beginning() {
        let ids = ["0b3cafe1-aaaa", "77d0ffee-bbbb"];
        assert_eq!(nearest_id("0b3cafe2", ids.into_iter()), Some(ids[0]));
        assert_eq!(nearest_id("77d0ffe", ids.into_iter()), Some(ids[1]));
        assert_eq!(nearest_id("12345678", ids.into_iter()), None);
        assert_eq!(nearest_id("9", ids.into_iter()), None);
    }
}
