//! Conversations that an agent had by itself: what there is, and making one a session.

use std::collections::BTreeMap;

use betcode_core::event::ClientInfo;
use betcode_core::id::IdempotencyKey;
use betcode_proto::convert::WireError;
use betcode_proto::convert::session::{Importable, Summary};
use betcode_proto::convert::{Problem, id_bytes};
use betcode_proto::v1;
use v1::import_session_response::Response;

use super::{Connection, answer, in_time, present};
use crate::CallError;

/// The conversations of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportableList {
    /// They, the newest first.
    pub sessions: Vec<Importable>,
    /// Where they were looked for.
    pub place: String,
    /// How many older ones there are beyond the limit.
    pub older: u32,
    /// Lines that the user should read.
    pub notices: Vec<String>,
}

/// Which conversation to import.
#[derive(Debug, Clone)]
pub struct Import {
    /// The agent's id for it or a unique prefix of that; empty for the newest.
    pub id: String,
    /// The directory in which it was had, absolute.
    pub cwd: String,
    /// The user named that directory.
    pub cwd_chosen: bool,
    /// The agent's whole environment.
    pub environment: BTreeMap<String, String>,
    /// Made when the user acted.
    pub key: IdempotencyKey,
    /// Who asks.
    pub client: ClientInfo,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The session.
    pub session: Summary,
    /// It was there before: nothing was changed.
    pub already: bool,
    /// How many messages it has; 0 when it was there before.
    pub messages: u64,
    /// Lines that were not understood and are left out.
    pub left_out: u64,
    /// Lines that the user should read.
    pub notices: Vec<String>,
}

impl Connection {
    /// Conversations that an agent had by itself in a directory, at most `limit` (0: no limit).
    pub async fn importable(
        &self,
        cwd: &str,
        environment: BTreeMap<String, String>,
        limit: u32,
    ) -> Result<ImportableList, CallError> {
        let request = v1::ListImportableRequest {
            cwd: cwd.to_owned(),
            environment: environment.into_iter().collect(),
            limit,
        };
        let response = answer(self.session_service().list_importable(request)).await?;
        let sessions = response.sessions.into_iter().map(Importable::try_from);
        Ok(ImportableList {
            sessions: sessions.collect::<Result<_, WireError>>()?,
            place: response.place,
            older: response.older,
            notices: response.notices,
        })
    }

    /// Makes such a conversation a session. `progress` hears how many bytes of how many are read.
    pub async fn import_session(
        &self,
        import: Import,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Imported, CallError> {
        let request = v1::ImportSessionRequest {
            id: import.id,
            cwd: import.cwd,
            cwd_chosen: import.cwd_chosen,
            environment: import.environment.into_iter().collect(),
            idempotency_key: id_bytes(import.key.0),
            client: Some(import.client.into()),
        };
        let mut stream = answer(self.session_service().import_session(request)).await?;
        while let Some(said) = in_time(stream.message()).await? {
            match said.response {
                Some(Response::Progress(v1::ImportProgress { read, size })) => progress(read, size),
                Some(Response::Imported(imported)) => {
                    return Ok(Imported {
                        session: present("session", imported.session)?.try_into()?,
                        already: imported.already,
                        messages: imported.messages,
                        left_out: imported.left_out,
                        notices: imported.notices,
                    });
                }
                None => {}
            }
        }
        Err(WireError {
            field: "imported",
            problem: Problem::Missing,
        }
        .into())
    }
}
