//! The stream of a session: commands out, events and outcomes in.

use std::collections::VecDeque;

use betcode_core::event::ClientInfo;
use betcode_core::id::{LogEpoch, Sequence, SessionId};
use betcode_proto::convert::lock::Standing;
use betcode_proto::convert::session::Summary;
use betcode_proto::convert::{WireError, id_bytes, read_id};
use betcode_proto::v1;
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use v1::converse_request::Request;
use v1::converse_response::Response;

use super::Open;
use crate::follow::{Incoming, Message, Owned, Source};
use crate::{CallError, Connection};

/// The commands of a handle, and where they go.
pub(super) struct Conversation {
    session: SessionId,
    follow: bool,
    client: ClientInfo,
    observe: bool,
    unanswered: VecDeque<v1::Command>,
    /// The stream that is open; nobody listens at its other end after a loss.
    outgoing: Option<UnboundedSender<v1::ConverseRequest>>,
}

impl Conversation {
    pub(super) fn new(open: Open) -> Self {
        Self {
            session: open.session,
            follow: open.follow,
            client: open.client,
            observe: open.observe,
            unanswered: VecDeque::new(),
            outgoing: None,
        }
    }

    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Sends a command on the stream that is open, and keeps it for the next stream until it is answered.
    pub(super) fn send(&mut self, command: v1::Command) {
        if let Some(outgoing) = &self.outgoing {
            // A stream that has just broken does not take it; the next one will.
            let _ = outgoing.send(request(Request::Command(command.clone())));
        }
        self.unanswered.push_back(command);
    }

    /// Says nothing more on the stream that is open.
    pub(super) fn close(&mut self) {
        self.outgoing = None;
    }

    /// Notes an answer. False when nobody waits for it.
    pub(super) fn answered(&mut self, key: &[u8]) -> bool {
        let place = self
            .unanswered
            .iter()
            .position(|command| command.idempotency_key == key);
        place.is_some_and(|place| self.unanswered.remove(place).is_some())
    }
}

impl Source for Conversation {
    fn open(
        &mut self,
        connection: &Connection,
        epoch: Option<LogEpoch>,
        after: Sequence,
    ) -> Owned<Result<Incoming, CallError>> {
        let (outgoing, requests) = unbounded_channel();
        let attach = v1::Attach {
            session_id: id_bytes(self.session.0),
            epoch: epoch.map(|epoch| id_bytes(epoch.0)).unwrap_or_default(),
            after: after.0,
            follow: self.follow,
            client: Some(self.client.clone().into()),
            observe: self.observe,
        };
        let again = self.unanswered.iter().cloned().map(Request::Command);
        for one in again.chain([Request::Attach(attach)]) {
            // The receiver is right here.
            let _ = outgoing.send(request(one));
        }
        self.outgoing = Some(outgoing);
        let mut service = connection.session_service();
        Box::pin(async move {
            let requests = UnboundedReceiverStream::new(requests);
            let responses = service.converse(requests).await?.into_inner();
            let incoming = responses.map(|response| message(response?).map_err(Into::into));
            Ok(Box::pin(incoming) as Incoming)
        })
    }

    fn is_done(&self) -> bool {
        self.unanswered.is_empty()
    }
}

const fn request(request: Request) -> v1::ConverseRequest {
    v1::ConverseRequest {
        request: Some(request),
    }
}

fn message(response: v1::ConverseResponse) -> Result<Message, WireError> {
    Ok(match response.response {
        Some(Response::Attached(mut attached)) => Message::Attached {
            epoch: LogEpoch(read_id("epoch", &attached.epoch)?),
            standing: Box::new(Standing::take(&mut attached)),
            head: Sequence(attached.head),
            trimmed_up_to: Sequence(attached.trimmed_up_to),
            session: attached
                .session
                .map(|session| Summary::try_from(session).map(Box::new))
                .transpose()?,
        },
        Some(Response::Reset(reset)) => Message::Reset {
            epoch: LogEpoch(read_id("epoch", &reset.epoch)?),
            reason: reset.reason,
        },
        Some(Response::Batch(batch)) => Message::Batch {
            first: Sequence(batch.first_sequence),
            last: Sequence(batch.last_sequence),
            bytes: batch.events,
        },
        Some(Response::Outcome(outcome)) => Message::Outcome(outcome),
        Some(Response::Trouble(trouble)) => Message::Trouble(trouble.message),
        None => Message::Other,
    })
}
