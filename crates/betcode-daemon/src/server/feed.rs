//! The feed service: the machine-wide log, followed like any other.

use std::pin::Pin;
use std::sync::Arc;

use betcode_core::id::{LogEpoch, Sequence};
use betcode_proto::convert::{id_bytes, read_id};
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1;
use betcode_proto::v1::feed_service_server::FeedService;
use betcode_proto::v1::watch_response::Response as Body;
use futures_util::stream::{self, Stream, StreamExt as _};
use tonic::{Code, Request, Response, Status};

use super::session::going_down;
use crate::machine::Machine;
use crate::session::follow::Follower;

/// The feed service of one machine.
#[derive(Debug, Clone)]
pub struct FeedServer {
    machine: Arc<Machine>,
}

impl FeedServer {
    /// Serves this machine's feed.
    pub fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }
}

#[tonic::async_trait]
impl FeedService for FeedServer {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let request = request.into_inner();
        let store = self.machine.store().clone();
        let log = store.feed_log();
        let epoch = store.epoch();
        let head = log.head();
        let mut first = Vec::new();
        let other_log = !request.epoch.is_empty()
            && LogEpoch(read_id("epoch", &request.epoch).map_err(Refusal::from)?) != epoch;
        let mut after = Sequence(request.after);
        if other_log || after > head {
            let reason = if other_log {
                "the log was restored or replaced"
            } else {
                "the feed ends before that number"
            };
            first.push(Body::Reset(v1::Reset {
                epoch: id_bytes(epoch.0),
                reason: reason.to_owned(),
            }));
            after = Sequence(0);
        }
        first.push(Body::Attached(v1::FeedAttached {
            epoch: id_bytes(epoch.0),
            head: head.0,
        }));
        let follower = Follower::new(store, log, after, request.follow);
        let tasks = self.machine.tasks().clone();
        let entries = stream::try_unfold((follower, tasks), |(mut follower, tasks)| async move {
            let chunk = tokio::select! {
                chunk = follower.next() => chunk.map_err(|error| {
                    Status::from(Refusal::new(Code::Unavailable, reason::UNAVAILABLE, format!("the feed cannot be read: {error}")))
                })?,
                () = tasks.stopping() => return Err(going_down()),
            };
            Ok(chunk.map(|chunk| {
                let batch = v1::FeedBatch {
                    first_sequence: chunk.first.0,
                    last_sequence: chunk.last.0,
                    entries: chunk.bytes,
                };
                (Body::Batch(batch), (follower, tasks))
            }))
        });
        let all = stream::iter(first.into_iter().map(Ok)).chain(entries);
        Ok(Response::new(Box::pin(all.map(|item| {
            item.map(|body| v1::WatchResponse {
                response: Some(body),
            })
        }))))
    }
}
