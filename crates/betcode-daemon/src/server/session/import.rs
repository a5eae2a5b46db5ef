//! The calls about conversations that an agent had by itself: messages in, messages out.

use std::path::PathBuf;
use std::sync::Arc;

use betcode_core::command::{Environment, Rejected};
use betcode_core::id::{IdempotencyKey, SessionId};
use betcode_proto::convert::{read_id, session};
use betcode_proto::status::Refusal;
use betcode_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use v1::import_session_response::Response as Said;

use super::{Responses, summary};
use crate::import::find::Wanted;
use crate::import::{Importable, Progress};
use crate::machine::Machine;
use crate::machine::import::{Import, Imported};

pub(super) async fn list(
    machine: &Arc<Machine>,
    request: v1::ListImportableRequest,
) -> Result<v1::ListImportableResponse, Refusal> {
    let cwd = absolute(&request.cwd)?;
    let environment = Environment(request.environment.into_iter().collect());
    let limit = match request.limit {
        0 => usize::MAX,
        limit => limit as usize,
    };
    let (listed, sessions) = machine.importable(cwd, environment, limit).await?;
    let row = |found: Importable| {
        let id = found.id.to_string();
        let here = sessions
            .iter()
            .find(|(session, conversation)| session.0 == found.id || *conversation == id);
        v1::ImportableSession::from(session::Importable {
            id,
            title: found.outline.shown_title().to_owned(),
            cwd: found.outline.cwd,
            model: found.outline.model,
            changed: found.changed,
            messages: found.outline.messages,
            session: here.map(|(session, _)| *session),
            in_use: found.in_use,
        })
    };
    Ok(v1::ListImportableResponse {
        sessions: listed.all.into_iter().map(row).collect(),
        place: listed.place,
        older: u32::try_from(listed.older).unwrap_or(u32::MAX),
        notices: listed.notices,
    })
}

pub(super) fn import(
    machine: &Arc<Machine>,
    mut request: v1::ImportSessionRequest,
) -> Result<Responses<v1::ImportSessionResponse>, Refusal> {
    let environment = Environment(
        std::mem::take(&mut request.environment)
            .into_iter()
            .collect(),
    );
    // Who asks does not tell one import from another, as with commands.
    request.client = None;
    let key = IdempotencyKey(read_id("idempotency_key", &request.idempotency_key)?);
    let import = Import {
        key,
        hash: Sha256::digest(request.encode_to_vec()).into(),
        environment,
        wanted: Wanted {
            cwd: absolute(&request.cwd)?,
            cwd_chosen: request.cwd_chosen,
            id: request.id,
        },
    };
    let (said, heard) = mpsc::channel(8);
    let (machine, tasks) = (Arc::clone(machine), machine.tasks().clone());
    tasks.spawn("import a session", async move {
        let progress = said.clone();
        let imported = machine
            .import(import, move |Progress { read, size }| {
                // Whoever does not keep up hears of it later.
                let _full = progress.try_send(Ok(response(Said::Progress(v1::ImportProgress {
                    read,
                    size,
                }))));
            })
            .await;
        let answer = match imported {
            Ok(imported) => answer(&machine, imported).await,
            Err(refusal) => Err(refusal),
        };
        // A caller that has gone away needs no answer.
        let _gone = said.send(answer.map_err(Status::from)).await;
    });
    Ok(Box::pin(ReceiverStream::new(heard)))
}

async fn answer(
    machine: &Arc<Machine>,
    imported: Imported,
) -> Result<v1::ImportSessionResponse, Refusal> {
    let Imported {
        session,
        copied,
        notices,
    } = imported;
    let found = machine.store().find_sessions(&session.to_string()).await;
    let found = found.map_err(|error| {
        Refusal::from(Rejected::Unavailable(format!(
            "the log cannot be read: {error}"
        )))
    })?;
    let listed = found
        .into_iter()
        .next()
        .ok_or_else(|| Refusal::from(Rejected::UnknownSession(SessionId(session.0))))?;
    Ok(response(Said::Imported(v1::ImportedSession {
        session: Some(summary(listed)),
        already: copied.is_none(),
        messages: copied.as_ref().map_or(0, |copied| copied.messages),
        left_out: copied.map_or(0, |copied| copied.left_out),
        notices,
    })))
}

const fn response(response: Said) -> v1::ImportSessionResponse {
    v1::ImportSessionResponse {
        response: Some(response),
    }
}

fn absolute(cwd: &str) -> Result<PathBuf, Rejected> {
    let path = PathBuf::from(cwd);
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Rejected::Invalid {
        field: "cwd",
        problem: format!("`{cwd}` is not an absolute path"),
    })
}
