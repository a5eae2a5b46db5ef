//! The trust service: what the user said about directories. The rules are in [`crate::trust`].

use std::path::{Path, PathBuf};

use betcode_proto::status::Refusal;
use betcode_proto::v1;
use betcode_proto::v1::trust_service_server::TrustService;
use tonic::{Request, Response, Status};

use super::peer::Peer;
use crate::clock::Clock;
use crate::store::Store;
use crate::trust;

/// The trust service.
#[derive(Debug, Clone)]
pub struct TrustServer {
    store: Store,
    clock: Clock,
    state_dir: PathBuf,
}

impl TrustServer {
    /// Serves what this store remembers.
    pub fn new(store: Store, clock: Clock, state_dir: PathBuf) -> Self {
        Self {
            store,
            clock,
            state_dir,
        }
    }
}

#[tonic::async_trait]
impl TrustService for TrustServer {
    async fn set_trust(
        &self,
        request: Request<v1::SetTrustRequest>,
    ) -> Result<Response<v1::SetTrustResponse>, Status> {
        if let Some(peer) = request.extensions().get::<Peer>() {
            let what = "change what is trusted";
            let kept_out = peer.keep_out(&self.state_dir, what).await;
            kept_out.map_err(Refusal::from)?;
        }
        let v1::SetTrustRequest { directory, trusted } = request.into_inner();
        let path = Path::new(&directory);
        let done = if trusted {
            trust::trust(&self.store, path, self.clock.now()).await
        } else {
            trust::distrust(&self.store, path).await
        };
        let (directory, changed) = done.map_err(Refusal::from)?;
        Ok(Response::new(v1::SetTrustResponse { directory, changed }))
    }

    async fn list_trust(
        &self,
        _: Request<v1::ListTrustRequest>,
    ) -> Result<Response<v1::ListTrustResponse>, Status> {
        let rows = trust::current(&self.store).await.map_err(Refusal::from)?;
        let directories = rows
            .into_iter()
            .map(|(row, current)| v1::TrustedDirectory {
                directory: row.directory,
                since_us: row.since.0,
                current,
            })
            .collect();
        Ok(Response::new(v1::ListTrustResponse { directories }))
    }
}
