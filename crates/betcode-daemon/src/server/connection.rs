//! One client's connection: HTTP/2, every service on it, each call a supervised task. Who may connect was decided before.

use std::convert::Infallible;
use std::sync::Arc;

use betcode_proto::v1::agent_service_server::AgentServiceServer;
use betcode_proto::v1::daemon_service_server::DaemonServiceServer;
use betcode_proto::v1::feed_service_server::FeedServiceServer;
use betcode_proto::v1::notify_service_server::NotifyServiceServer;
use betcode_proto::v1::request_service_server::RequestServiceServer;
use betcode_proto::v1::rules_service_server::RulesServiceServer;
use betcode_proto::v1::session_service_server::SessionServiceServer;
use betcode_proto::v1::trust_service_server::TrustServiceServer;
use betcode_proto::v1::usage_service_server::UsageServiceServer;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use super::agent::AgentServer;
use super::daemon::DaemonServer;
use super::feed::FeedServer;
use super::notify::NotifyServer;
use super::peer::Peer;
use super::request::RequestServer;
use super::rules::RulesServer;
use super::session::SessionServer;
use super::trust::TrustServer;
use super::usage::UsageServer;
use crate::machine::Machine;
use crate::notify::Notifier;
use crate::search::Index;
use crate::tasks::Tasks;
use crate::usage::Usage;

/// The largest message in either direction: a line of an agent may be long.
const LARGEST_MESSAGE: usize = 64 << 20;
/// What a client may send before it must hear that it was read: enough to never wait for that on a local socket.
const WINDOW: u32 = 2 << 20;

/// Every service. Copies are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    session: SessionServiceServer<SessionServer>,
    feed: FeedServiceServer<FeedServer>,
    notify: NotifyServiceServer<NotifyServer>,
    request: RequestServiceServer<RequestServer>,
    agent: AgentServiceServer<AgentServer>,
    rules: RulesServiceServer<RulesServer>,
    trust: TrustServiceServer<TrustServer>,
    usage: UsageServiceServer<UsageServer>,
    daemon: DaemonServiceServer<DaemonServer>,
}

macro_rules! sized {
    ($service:expr) => {
        $service
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE)
    };
}

impl Services {
    pub(crate) fn new(
        machine: &Arc<Machine>,
        index: Index,
        (notifier, usage): (Notifier, Usage),
        daemon: DaemonServer,
    ) -> Self {
        let (settings, store, clock) = (
            Arc::clone(&daemon.settings),
            daemon.store.clone(),
            daemon.clock.clone(),
        );
        let trust = TrustServer::new(store.clone(), clock.clone(), settings.state_dir.clone());
        Self {
            session: sized!(SessionServiceServer::new(SessionServer::new(
                Arc::clone(machine),
                index
            ))),
            feed: sized!(FeedServiceServer::new(FeedServer::new(Arc::clone(machine)))),
            notify: sized!(NotifyServiceServer::new(NotifyServer::new(
                Arc::clone(machine),
                notifier,
                usage.clone()
            ))),
            request: sized!(RequestServiceServer::new(RequestServer::new(store.clone()))),
            rules: sized!(RulesServiceServer::new(RulesServer::new(Arc::clone(
                machine
            )))),
            agent: sized!(AgentServiceServer::new(AgentServer::new(
                settings, store, clock
            ))),
            trust: sized!(TrustServiceServer::new(trust)),
            usage: sized!(UsageServiceServer::new(UsageServer::new(
                usage,
                machine.tasks().clone()
            ))),
            daemon: sized!(DaemonServiceServer::new(daemon)),
        }
    }

    async fn call(mut self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let path = request.uri().path().to_owned();
        let service = path.split('/').nth(1).unwrap_or_default();
        match service {
            SessionServiceServer::<SessionServer>::NAME => self.session.call(request).await,
            FeedServiceServer::<FeedServer>::NAME => self.feed.call(request).await,
            NotifyServiceServer::<NotifyServer>::NAME => self.notify.call(request).await,
            RequestServiceServer::<RequestServer>::NAME => self.request.call(request).await,
            AgentServiceServer::<AgentServer>::NAME => self.agent.call(request).await,
            RulesServiceServer::<RulesServer>::NAME => self.rules.call(request).await,
            TrustServiceServer::<TrustServer>::NAME => self.trust.call(request).await,
            UsageServiceServer::<UsageServer>::NAME => self.usage.call(request).await,
            DaemonServiceServer::<DaemonServer>::NAME => self.daemon.call(request).await,
            _ => Ok(Status::unimplemented("this daemon does not have that service").into_http()),
        }
    }
}

/// Starts the calls of a connection as tasks of the daemon.
#[derive(Debug, Clone)]
struct Calls(Tasks);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Calls {
    fn execute(&self, call: F) {
        self.0.spawn("call", call);
    }
}

/// Serves a client until it leaves. After `closing`, calls that run may end, and no new ones begin.
pub(crate) async fn serve(
    stream: UnixStream,
    services: Services,
    tasks: Tasks,
    closing: CancellationToken,
) {
    let peer = Peer::of(&stream);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        services.clone().call(request)
    });
    let connection = http2::Builder::new(Calls(tasks))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that was killed is nothing to worry about.
        tracing::debug!(%error, "a connection broke");
    }
}
