//! A daemon whose part a test plays: unary calls have canned answers, streams are handed to the test.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as Socket;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use betcode_client::{Connector, Profile, connect};
use betcode_core::endpoint::{ENDPOINT_FILE, Endpoint, PROTOCOL_VERSION};
use betcode_proto::convert::id_bytes;
use betcode_proto::v1;
use futures_core::Stream;
use futures_util::stream::unfold;
use tokio::net::UnixListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::{Request, Response, Status, Streaming};
use tower::Service as _;
use uuid::Uuid;
use v1::agent_service_server::{AgentService, AgentServiceServer};
use v1::converse_request::Request as Wanted;
use v1::daemon_service_server::{DaemonService, DaemonServiceServer};
use v1::feed_service_server::{FeedService, FeedServiceServer};
use v1::request_service_server::{RequestService, RequestServiceServer};
use v1::rules_service_server::{RulesService, RulesServiceServer};
use v1::session_service_server::{SessionService, SessionServiceServer};
use v1::trust_service_server::{TrustService, TrustServiceServer};

pub(crate) const EPOCH: Uuid = Uuid::from_u128(0xa);
pub(crate) const OTHER_EPOCH: Uuid = Uuid::from_u128(0xb);

/// A state directory that is gone with the test.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn profile(&self) -> Profile {
        Profile {
            config_dir: self.path().join("config"),
            state_dir: self.path().to_owned(),
            socket: None,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join("fake.sock")
    }

    /// What a daemon at this socket would leave as its endpoint file.
    pub(crate) fn endpoint(&self) -> String {
        serde_json::to_string(&Endpoint {
            version: 1,
            socket: self.socket().to_str().unwrap().to_owned(),
            pid: 1,
            daemon_version: "0.0.1".into(),
            protocol: PROTOCOL_VERSION,
        })
        .unwrap()
    }

    pub(crate) fn announce_endpoint(&self) {
        std::fs::write(self.path().join(ENDPOINT_FILE), self.endpoint()).unwrap();
    }

    /// Connects to whatever runs here.
    pub(crate) fn connector(&self) -> impl Connector + use<> {
        let profile = self.profile();
        move |_| {
            let profile = profile.clone();
            async move { connect(&profile).await }
        }
    }
}

/// A daemon at the socket of a home.
pub(crate) struct Fake {
    socket: PathBuf,
    /// Ended with the daemon.
    _tasks: JoinSet<()>,
    sockets: Arc<Mutex<Vec<Socket>>>,
    conversations: UnboundedReceiver<Conversation>,
    watches: UnboundedReceiver<Watch>,
    pub(crate) answers: Answers,
}

/// Canned answers of the unary calls, and what was asked.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    pub(crate) submit: Arc<Mutex<VecDeque<Result<v1::SubmitResponse, Status>>>>,
    pub(crate) pages: Arc<Mutex<Vec<v1::ReadEventsResponse>>>,
    pub(crate) sessions: Arc<Mutex<Vec<v1::SessionSummary>>>,
    pub(crate) lock: Arc<Mutex<Option<v1::InputLock>>>,
    pub(crate) messages: Arc<Mutex<Vec<v1::WaitingMessage>>>,
    pub(crate) requests: Arc<Mutex<Vec<v1::RequestRecord>>>,
    pub(crate) audit: Arc<Mutex<Vec<v1::AuditEntry>>>,
    pub(crate) tested: Arc<Mutex<v1::TestRulesResponse>>,
    pub(crate) rules: Arc<Mutex<v1::ListRulesResponse>>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Answers {
    fn note(&self, request: &impl std::fmt::Debug) {
        self.asked.lock().unwrap().push(format!("{request:?}"));
    }
}

impl Fake {
    /// Starts one and says where it is.
    pub(crate) fn start(home: &Home) -> Self {
        home.announce_endpoint();
        Self::start_quietly(home)
    }

    /// Starts one that nobody knows of yet.
    pub(crate) fn start_quietly(home: &Home) -> Self {
        let socket = home.socket();
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let sockets = Arc::new(Mutex::new(Vec::new()));
        let accepted = unfold(
            (listener, Arc::clone(&sockets)),
            |(listener, sockets)| async {
                let (stream, _) = listener.accept().await.ok()?;
                let handle = stream.as_fd().try_clone_to_owned().unwrap();
                sockets.lock().unwrap().push(Socket::from(handle));
                Some((Ok::<_, std::io::Error>(stream), (listener, sockets)))
            },
        );
        let (talk, conversations) = unbounded_channel();
        let (watch, watches) = unbounded_channel();
        let answers = Answers::default();
        let part = Part {
            talk,
            watch,
            answers: answers.clone(),
        };
        let server = tonic::transport::Server::builder().serve_with_incoming(
            tower::service_fn(move |request| part.clone().serve(request)),
            accepted,
        );
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _ = server.await;
        });
        Self {
            socket,
            _tasks: tasks,
            sockets,
            conversations,
            watches,
            answers,
        }
    }

    /// The next stream that a client opens.
    pub(crate) async fn conversation(&mut self) -> Conversation {
        self.conversations.recv().await.unwrap()
    }

    /// The next watch that a client opens.
    pub(crate) async fn watch(&mut self) -> Watch {
        self.watches.recv().await.unwrap()
    }

    /// Cuts every connection, as a killed daemon does.
    pub(crate) fn cut(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.cut();
        let _ = std::fs::remove_file(&self.socket);
    }
}

type Answer<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The daemon's end of a `Converse` stream.
pub(crate) struct Conversation {
    requests: Streaming<v1::ConverseRequest>,
    responses: UnboundedSender<Result<v1::ConverseResponse, Status>>,
}

impl Conversation {
    /// What comes next from the client.
    pub(crate) async fn request(&mut self) -> Wanted {
        self.requests
            .message()
            .await
            .unwrap()
            .unwrap()
            .request
            .unwrap()
    }

    /// Nothing comes next: the client has closed its side in good order.
    pub(crate) async fn closed(&mut self) {
        let next = self.requests.message().await.unwrap();
        assert!(next.is_none(), "{next:?}");
    }

    /// What comes next must be an attachment: its epoch and position.
    pub(crate) async fn attach(&mut self) -> (Option<Uuid>, u64) {
        let attach = self.attachment().await;
        (Uuid::from_slice(&attach.epoch).ok(), attach.after)
    }

    /// What comes next must be an attachment: all of it.
    pub(crate) async fn attachment(&mut self) -> v1::Attach {
        match self.request().await {
            Wanted::Attach(attach) => attach,
            Wanted::Command(other) => unreachable!("expected an attachment, got {other:?}"),
        }
    }

    /// What comes next must be a command: its key.
    pub(crate) async fn command(&mut self) -> Uuid {
        match self.request().await {
            Wanted::Command(command) => Uuid::from_slice(&command.idempotency_key).unwrap(),
            Wanted::Attach(other) => unreachable!("expected a command, got {other:?}"),
        }
    }

    pub(crate) fn send(&self, response: v1::converse_response::Response) {
        let _ = self.responses.send(Ok(v1::ConverseResponse {
            response: Some(response),
        }));
    }

    pub(crate) fn attached(&self, epoch: Uuid, head: u64) {
        self.send(v1::converse_response::Response::Attached(v1::Attached {
            epoch: id_bytes(epoch),
            head,
            ..v1::Attached::default()
        }));
    }

    pub(crate) fn events(&self, first: u64, last: u64) {
        self.send(v1::converse_response::Response::Batch(batch(first, last)));
    }

    pub(crate) fn reset(&self, epoch: Uuid) {
        self.send(v1::converse_response::Response::Reset(v1::Reset {
            epoch: id_bytes(epoch),
            reason: "an older copy".into(),
        }));
    }

    pub(crate) fn accept(&self, key: Uuid) {
        self.send(v1::converse_response::Response::Outcome(
            v1::CommandOutcome {
                idempotency_key: id_bytes(key),
                outcome: Some(v1::command_outcome::Outcome::Accepted(accepted())),
            },
        ));
    }

    pub(crate) fn fail(self, status: Status) {
        let _ = self.responses.send(Err(status));
    }
}

/// The daemon's end of a `Watch` stream.
pub(crate) struct Watch {
    pub(crate) request: v1::WatchRequest,
    responses: UnboundedSender<Result<v1::WatchResponse, Status>>,
}

impl Watch {
    pub(crate) fn send(&self, response: v1::watch_response::Response) {
        let _ = self.responses.send(Ok(v1::WatchResponse {
            response: Some(response),
        }));
    }
}

pub(crate) fn accepted() -> v1::Accepted {
    v1::Accepted {
        epoch: id_bytes(EPOCH),
        sequence: 5,
        notices: vec!["note".into()],
        metadata: HashMap::from([("rate-limit-remaining".into(), "9".into())]),
    }
}

/// A batch of notices that say their numbers.
pub(crate) fn batch(first: u64, last: u64) -> v1::EventBatch {
    use betcode_core::event::{Event, EventBody};
    let event = |number| Event {
        sequence: betcode_core::id::Sequence(number),
        first_sequence: None,
        timestamp: betcode_core::time::Timestamp(1),
        parent: None,
        previews: vec![],
        body: EventBody::Notice {
            text: format!("event {number}"),
        },
    };
    v1::EventBatch {
        first_sequence: first,
        last_sequence: last,
        events: betcode_proto::convert::encode_event_list((first..=last).map(event)).into(),
    }
}

#[derive(Clone)]
struct Part {
    talk: UnboundedSender<Conversation>,
    watch: UnboundedSender<Watch>,
    answers: Answers,
}

impl Part {
    /// Hands a call to the service that its path names.
    async fn serve(self, request: http::Request<Body>) -> Result<http::Response<Body>, Infallible> {
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        match service.rsplit('.').next().unwrap_or_default() {
            "SessionService" => SessionServiceServer::new(self).call(request).await,
            "FeedService" => FeedServiceServer::new(self).call(request).await,
            "DaemonService" => DaemonServiceServer::new(self).call(request).await,
            "AgentService" => AgentServiceServer::new(self).call(request).await,
            "RequestService" => RequestServiceServer::new(self).call(request).await,
            "RulesService" => RulesServiceServer::new(self).call(request).await,
            "TrustService" => TrustServiceServer::new(self).call(request).await,
            other => unreachable!("there is no service {other}"),
        }
    }
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl SessionService for Part {
    type ConverseStream = Answer<v1::ConverseResponse>;
    type ReadEventsStream = Answer<v1::ReadEventsResponse>;
    type GetPayloadStream = Answer<v1::GetPayloadResponse>;
    type ImportSessionStream = Answer<v1::ImportSessionResponse>;

    async fn converse(
        &self,
        request: Request<Streaming<v1::ConverseRequest>>,
    ) -> Reply<Self::ConverseStream> {
        let (responses, stream) = unbounded_channel();
        let requests = request.into_inner();
        let _ = self.talk.send(Conversation {
            requests,
            responses,
        });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(
            stream,
        ))))
    }

    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Reply<v1::SubmitResponse> {
        self.answers.note(request.get_ref());
        let answer = self.answers.submit.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer.map(Response::new),
            None => std::future::pending().await,
        }
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Reply<v1::ListSessionsResponse> {
        self.answers.note(request.get_ref());
        let sessions = self.answers.sessions.lock().unwrap().clone();
        Ok(Response::new(v1::ListSessionsResponse { sessions }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Reply<v1::GetSessionResponse> {
        self.answers.note(request.get_ref());
        let session = self.answers.sessions.lock().unwrap().first().cloned();
        Ok(Response::new(v1::GetSessionResponse {
            session,
            info: None,
            epoch: id_bytes(EPOCH),
            lock: self.answers.lock.lock().unwrap().clone(),
            messages: self.answers.messages.lock().unwrap().clone(),
        }))
    }

    async fn read_events(
        &self,
        request: Request<v1::ReadEventsRequest>,
    ) -> Reply<Self::ReadEventsStream> {
        self.answers.note(request.get_ref());
        let pages = self.answers.pages.lock().unwrap().clone();
        Ok(Response::new(Box::pin(tokio_stream::iter(
            pages.into_iter().map(Ok),
        ))))
    }

    async fn get_context(
        &self,
        request: Request<v1::GetContextRequest>,
    ) -> Reply<v1::GetContextResponse> {
        self.answers.note(request.get_ref());
        Ok(Response::new(v1::GetContextResponse {
            model: "m".into(),
            used_tokens: 1,
            window_tokens: 2,
            categories: vec![v1::ContextCategory {
                name: "Messages".into(),
                kind: "used".into(),
                tokens: 1,
            }],
        }))
    }

    async fn get_payload(
        &self,
        request: Request<v1::GetPayloadRequest>,
    ) -> Reply<Self::GetPayloadStream> {
        self.answers.note(request.get_ref());
        let piece = |text: &'static str| Ok(v1::GetPayloadResponse { data: text.into() });
        Ok(Response::new(Box::pin(tokio_stream::iter([
            piece("one "),
            piece("two"),
        ]))))
    }

    async fn search_sessions(
        &self,
        request: Request<v1::SearchSessionsRequest>,
    ) -> Reply<v1::SearchSessionsResponse> {
        self.answers.note(request.get_ref());
        Ok(Response::new(v1::SearchSessionsResponse {
            behind: 2,
            ..v1::SearchSessionsResponse::default()
        }))
    }

    async fn list_importable(
        &self,
        request: Request<v1::ListImportableRequest>,
    ) -> Reply<v1::ListImportableResponse> {
        self.answers.note(request.get_ref());
        Ok(Response::new(v1::ListImportableResponse {
            older: 3,
            ..v1::ListImportableResponse::default()
        }))
    }

    async fn import_session(
        &self,
        request: Request<v1::ImportSessionRequest>,
    ) -> Reply<Self::ImportSessionStream> {
        use v1::import_session_response::Response as Said;
        self.answers.note(request.get_ref());
        let session = self.answers.sessions.lock().unwrap().first().cloned();
        let progress = Said::Progress(v1::ImportProgress { read: 1, size: 2 });
        let imported = session.map(|session| {
            Said::Imported(v1::ImportedSession {
                session: Some(session),
                messages: 4,
                ..v1::ImportedSession::default()
            })
        });
        let said = [Some(progress), imported].into_iter().flatten();
        let responses = said.map(|said| {
            Ok(v1::ImportSessionResponse {
                response: Some(said),
            })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(
            responses.collect::<Vec<_>>(),
        ))))
    }
}

#[tonic::async_trait]
impl FeedService for Part {
    type WatchStream = Answer<v1::WatchResponse>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Reply<Self::WatchStream> {
        let (responses, stream) = unbounded_channel();
        let request = request.into_inner();
        let _ = self.watch.send(Watch { request, responses });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(
            stream,
        ))))
    }
}

#[tonic::async_trait]
impl DaemonService for Part {
    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Reply<v1::GetStatusResponse> {
        Ok(Response::new(v1::GetStatusResponse {
            version: "0.0.1".into(),
            pid: 7,
            uptime_ms: 1_500,
            ..v1::GetStatusResponse::default()
        }))
    }

    async fn shutdown(&self, request: Request<v1::ShutdownRequest>) -> Reply<v1::ShutdownResponse> {
        self.answers.note(request.get_ref());
        Ok(Response::new(v1::ShutdownResponse {}))
    }
}

#[tonic::async_trait]
impl AgentService for Part {
    async fn list_agents(
        &self,
        request: Request<v1::ListAgentsRequest>,
    ) -> Reply<v1::ListAgentsResponse> {
        self.answers.note(request.get_ref());
        Ok(Response::new(v1::ListAgentsResponse {
            agents: vec![v1::AgentSummary {
                name: "demo".into(),
                chosen: true,
                ..v1::AgentSummary::default()
            }],
        }))
    }
}

#[tonic::async_trait]
impl RequestService for Part {
    async fn list_requests(
        &self,
        request: Request<v1::ListRequestsRequest>,
    ) -> Reply<v1::ListRequestsResponse> {
        self.answers.note(request.get_ref());
        let requests = self.answers.requests.lock().unwrap().clone();
        Ok(Response::new(v1::ListRequestsResponse { requests }))
    }

    async fn get_request(
        &self,
        request: Request<v1::GetRequestRequest>,
    ) -> Reply<v1::GetRequestResponse> {
        self.answers.note(request.get_ref());
        let request = self.answers.requests.lock().unwrap().first().cloned();
        Ok(Response::new(v1::GetRequestResponse { request }))
    }

    async fn list_audit(
        &self,
        request: Request<v1::ListAuditRequest>,
    ) -> Reply<v1::ListAuditResponse> {
        self.answers.note(request.get_ref());
        let entries = self.answers.audit.lock().unwrap().clone();
        Ok(Response::new(v1::ListAuditResponse { entries }))
    }
}

#[tonic::async_trait]
impl RulesService for Part {
    async fn test_rules(
        &self,
        request: Request<v1::TestRulesRequest>,
    ) -> Reply<v1::TestRulesResponse> {
        self.answers.note(request.get_ref());
        Ok(Response::new(self.answers.tested.lock().unwrap().clone()))
    }

    async fn list_rules(
        &self,
        request: Request<v1::ListRulesRequest>,
    ) -> Reply<v1::ListRulesResponse> {
        self.answers.note(request.get_ref());
        Ok(Response::new(self.answers.rules.lock().unwrap().clone()))
    }
}

#[tonic::async_trait]
impl TrustService for Part {
    async fn set_trust(
        &self,
        request: Request<v1::SetTrustRequest>,
    ) -> Reply<v1::SetTrustResponse> {
        Ok(Response::new(v1::SetTrustResponse {
            directory: request.into_inner().directory,
            changed: true,
        }))
    }

    async fn list_trust(&self, _: Request<v1::ListTrustRequest>) -> Reply<v1::ListTrustResponse> {
        Ok(Response::new(v1::ListTrustResponse {
            directories: vec![v1::TrustedDirectory {
                directory: "/a".into(),
                since_us: 3,
                current: true,
            }],
        }))
    }
}
