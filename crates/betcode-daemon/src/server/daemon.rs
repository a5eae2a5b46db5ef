//! The daemon service: what runs here, and how to end it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use betcode_core::command::Rejected;
use betcode_proto::convert::id_bytes;
use betcode_proto::status::Refusal;
use betcode_proto::v1;
use betcode_proto::v1::daemon_service_server::DaemonService;
use tonic::{Request, Response, Status};

use crate::clock::Clock;
use crate::lifecycle::doctor::has_no_room;
use crate::lifecycle::{Clients, Ending};
use crate::machine::Machine;
use crate::settings::Settings;
use crate::store::{CommitError, Store};

/// The daemon service.
#[derive(Debug, Clone)]
pub struct DaemonServer {
    pub(crate) settings: Arc<Settings>,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) socket: String,
    pub(crate) clients: Clients,
    pub(crate) machine: Arc<Machine>,
    pub(crate) ending: Ending,
    /// What its user should know since the start.
    pub(crate) notices: Vec<String>,
    /// Whether anybody has asked, and so was told.
    pub(crate) told: Arc<AtomicBool>,
}

impl DaemonServer {
    fn notices(&self) -> Vec<String> {
        let health = self.store.health().borrow().clone();
        // While no agent works nobody looks at the disk, and whoever asks wants to know before the next one does.
        let full =
            || has_no_room(&self.settings.state_dir).then(|| CommitError::DiskFull.to_string());
        let failing = health
            .trouble()
            .or_else(full)
            .map(|why| format!("nothing can be recorded: {why}"));
        let damaged = health.damaged.map(|what| {
            format!(
                "the log is damaged ({what}): betcode daemon stop, then betcode daemon doctor --recover saves what can be read"
            )
        });
        let displaced = self.store.displaced().map(|path| {
            format!(
                "somebody has removed or replaced {} while the daemon runs: nothing of what it records is there any more when it \
                 ends. betcode session events ID still prints each session; then betcode daemon restart begins with what is there",
                path.display()
            )
        });
        let mut notices = self.notices.clone();
        notices.extend(displaced);
        notices.extend(failing);
        notices.extend(damaged);
        notices
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[tonic::async_trait]
impl DaemonService for DaemonServer {
    async fn get_status(
        &self,
        _: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::GetStatusResponse>, Status> {
        let counts = self
            .store
            .counts()
            .await
            .map_err(|error| Refusal::from(Rejected::Unavailable(error.to_string())))?;
        self.told.store(true, Ordering::Relaxed);
        Ok(Response::new(v1::GetStatusResponse {
            version: self.settings.version.clone(),
            capabilities: Vec::new(),
            pid: std::process::id(),
            socket: self.socket.clone(),
            state_dir: self.settings.state_dir.display().to_string(),
            uptime_ms: u64::try_from(self.clock.uptime().as_millis()).unwrap_or(u64::MAX),
            sessions: counts.sessions,
            clients: number(self.clients.connected()),
            agents: number(*self.machine.agents_running().borrow()),
            epoch: id_bytes(self.store.epoch().0),
            ephemeral: self.settings.ephemeral,
            notices: self.notices(),
            open_sessions: number(self.machine.sessions_in_use()),
        }))
    }

    async fn shutdown(
        &self,
        request: Request<v1::ShutdownRequest>,
    ) -> Result<Response<v1::ShutdownResponse>, Status> {
        let stop_agents = request.into_inner().stop_agents;
        tracing::info!(stop_agents, "a client asks the daemon to end");
        self.ending.begin(stop_agents);
        Ok(Response::new(v1::ShutdownResponse {}))
    }
}
