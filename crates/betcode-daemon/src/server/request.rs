//! The request service: looking up what agents ask, and what was decided. It changes nothing; answers are commands of the
//! session.

use betcode_core::id::SessionId;
use betcode_proto::convert::read_id;
use betcode_proto::convert::request::{RequestKind, RequestRecord};
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1;
use betcode_proto::v1::request_service_server::RequestService;
use bytes::Bytes;
use tonic::{Code, Request, Response, Status};

use crate::store::{ReadError, Store};

/// The request service of one machine.
#[derive(Debug, Clone)]
pub struct RequestServer {
    store: Store,
}

impl RequestServer {
    /// Serves the requests and decisions of this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The one request with this id, or whose id begins with it.
    async fn find(&self, id: &str, kind: Option<RequestKind>) -> Result<RequestRecord, Refusal> {
        if id.is_empty() {
            return Err(Refusal::new(
                Code::InvalidArgument,
                reason::INVALID_FIELD,
                "id: is missing",
            )
            .with("field", &"id"));
        }
        let found = self
            .store
            .find_requests(id, kind)
            .await
            .map_err(|error| broken(&error))?;
        let mut others = found.into_iter();
        let Some(one) = others.next() else {
            return Err(unknown(id, kind));
        };
        if others.len() == 0 {
            return Ok(one);
        }
        Err(ambiguous(id, &one, others.as_slice()))
    }
}

#[tonic::async_trait]
impl RequestService for RequestServer {
    async fn list_requests(
        &self,
        request: Request<v1::ListRequestsRequest>,
    ) -> Result<Response<v1::ListRequestsResponse>, Status> {
        let request = request.into_inner();
        let kind = RequestKind::from_wire(request.kind).map_err(Refusal::from)?;
        let session = read_session(&request.session_id)?;
        let listed = self.store.list_requests(kind, session, request.ended).await;
        let requests = listed.map_err(|error| broken(&error))?;
        Ok(Response::new(v1::ListRequestsResponse {
            requests: requests.into_iter().map(Into::into).collect(),
        }))
    }

    async fn get_request(
        &self,
        request: Request<v1::GetRequestRequest>,
    ) -> Result<Response<v1::GetRequestResponse>, Status> {
        let v1::GetRequestRequest { id, kind } = request.into_inner();
        let kind = RequestKind::from_wire(kind).map_err(Refusal::from)?;
        let found = self.find(&id, kind).await?;
        Ok(Response::new(v1::GetRequestResponse {
            request: Some(found.into()),
        }))
    }

    async fn list_audit(
        &self,
        request: Request<v1::ListAuditRequest>,
    ) -> Result<Response<v1::ListAuditResponse>, Status> {
        let request = request.into_inner();
        let session = read_session(&request.session_id)?;
        let listed = self
            .store
            .list_audit(session, request.before, request.limit)
            .await;
        let entries = listed.map_err(|error| broken(&error))?;
        Ok(Response::new(v1::ListAuditResponse {
            entries: entries.into_iter().map(Into::into).collect(),
        }))
    }
}

/// The session whose requests are meant; none for those of all.
fn read_session(id: &Bytes) -> Result<Option<SessionId>, Refusal> {
    if id.is_empty() {
        return Ok(None);
    }
    Ok(Some(SessionId(read_id("session_id", id)?)))
}

fn unknown(id: &str, kind: Option<RequestKind>) -> Refusal {
    let (what, hint) = match kind {
        Some(RequestKind::Question) => ("question", "see `betcode question list`"),
        Some(RequestKind::Permission) => {
            ("request for permission", "see `betcode permission list`")
        }
        None => ("request", "see `betcode permission list`"),
    };
    let message = format!("there is no {what} {id}");
    Refusal::new(Code::FailedPrecondition, reason::REQUEST_UNKNOWN, message)
        .with("request", &id)
        .hint(hint)
}

fn ambiguous(id: &str, one: &RequestRecord, others: &[RequestRecord]) -> Refusal {
    // An agent names its requests: in two sessions they may have the same name.
    let is_same = others.iter().all(|other| other.id() == one.id());
    let candidates: Vec<_> = std::iter::once(one)
        .chain(others)
        .map(|request| {
            if is_same {
                format!("{} of session {}", request.id(), request.session)
            } else {
                request.id().to_string()
            }
        })
        .collect();
    let candidates = candidates.join(", ");
    let message = format!("{id} fits several requests, among them {candidates}");
    let hint = if is_same {
        "see `betcode permission list`"
    } else {
        "give more of the id"
    };
    Refusal::new(Code::InvalidArgument, reason::REQUEST_AMBIGUOUS, message)
        .with("request", &id)
        .with("candidates", &candidates)
        .hint(hint)
}

fn broken(error: &ReadError) -> Refusal {
    let message = format!("the log cannot be read: {error}");
    Refusal::new(Code::Unavailable, reason::UNAVAILABLE, message)
}

#[cfg(test)]
mod tests;
