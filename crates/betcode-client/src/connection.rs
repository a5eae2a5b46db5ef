//! One connection and its calls, one method each. Core types in, core types out.
//!
//! A call is over after [`PATIENCE`] at the latest: a daemon that is there but says nothing must not hang its clients.
//! Whether something was changed is then unknown; commands may be submitted again with the same key.

mod import;
mod notify;
mod read;
mod rules;
mod types;
mod usage;

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_core::command::Command;
use betcode_core::context::ContextUsage;
use betcode_core::id::{Sequence, SessionId};
use betcode_proto::convert::search::SearchAnswer;
use betcode_proto::convert::session::Summary;
use betcode_proto::convert::{Problem, WireError, id_bytes};
use betcode_proto::v1;
use bytes::Bytes;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Response, Status};
use v1::agent_service_client::AgentServiceClient;
use v1::daemon_service_client::DaemonServiceClient;
use v1::feed_service_client::FeedServiceClient;
use v1::notify_service_client::NotifyServiceClient;
use v1::request_service_client::RequestServiceClient;
use v1::rules_service_client::RulesServiceClient;
use v1::session_service_client::SessionServiceClient;
use v1::trust_service_client::TrustServiceClient;
use v1::usage_service_client::UsageServiceClient;

pub use betcode_proto::convert::lock::WaitingMessage;
pub use betcode_proto::convert::notify::{
    ListedNotification, Notification, NotificationList, NotificationTest, Pause,
};
pub use betcode_proto::convert::request::{AuditEntry, RequestKind, RequestRecord};
pub use betcode_proto::convert::session::Importable;
pub use betcode_proto::convert::usage::{UsageAccount, UsageFinding, UsageHistory};
pub use import::{Import, ImportableList, Imported};
pub use read::{Direction, EventPages, Page, ReadEvents};
pub use rules::{
    ListedRule, MatchedRule, RuleDecision, RuleFile, RuleList, RuleOrigin, RulePart, RuleProblem,
    RuleScope, RuleTest, RuleVerdict, RuleVerdicts,
};
pub use types::{Accepted, Agent, DaemonStatus, Search, SessionDetails, Trusted};

use crate::CallError;
use crate::transport::LARGEST_MESSAGE;

/// How long the daemon may take for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a daemon. Clones share it; it is closed when the last one is gone.
#[derive(Debug, Clone)]
pub struct Connection {
    channel: Channel,
}

macro_rules! service {
    ($name:ident, $client:ident) => {
        pub(crate) fn $name(&self) -> $client<Channel> {
            $client::new(self.channel.clone())
                .max_decoding_message_size(LARGEST_MESSAGE)
                .max_encoding_message_size(LARGEST_MESSAGE)
        }
    };
}

impl Connection {
    pub(crate) const fn new(channel: Channel) -> Self {
        Self { channel }
    }

    service!(session_service, SessionServiceClient);
    service!(daemon_service, DaemonServiceClient);
    service!(agent_service, AgentServiceClient);
    service!(feed_service, FeedServiceClient);
    service!(notify_service, NotifyServiceClient);
    service!(trust_service, TrustServiceClient);
    service!(request_service, RequestServiceClient);
    service!(rules_service, RulesServiceClient);
    service!(usage_service, UsageServiceClient);

    /// Sends one command; the answer comes when its effect is durable.
    pub async fn submit(&self, command: Command) -> Result<Accepted, CallError> {
        let request = v1::SubmitRequest {
            command: Some(command.into()),
        };
        let response = answer(self.session_service().submit(request)).await?;
        Ok(present("accepted", response.accepted)?.try_into()?)
    }

    /// The sessions of this machine, newest first: those of one directory or all, at most `limit` (0: no limit).
    pub async fn list_sessions(
        &self,
        cwd: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Summary>, CallError> {
        let request = v1::ListSessionsRequest {
            cwd: cwd.unwrap_or_default().to_owned(),
            limit,
        };
        let response = answer(self.session_service().list_sessions(request)).await?;
        let sessions = response.sessions.into_iter().map(Summary::try_from);
        Ok(sessions.collect::<Result<_, WireError>>()?)
    }

    /// One session, by its id or a unique prefix of it.
    pub async fn get_session(&self, prefix: &str) -> Result<SessionDetails, CallError> {
        let request = v1::GetSessionRequest {
            id: prefix.to_owned(),
        };
        let response = answer(self.session_service().get_session(request)).await?;
        Ok(response.try_into()?)
    }

    /// Looks for words in what was said: in the sessions of one directory or all, or in one session. At most `limit` of
    /// them (0: the daemon's own limit).
    pub async fn search_sessions(&self, what: Search) -> Result<SearchAnswer, CallError> {
        let request = v1::SearchSessionsRequest {
            words: what.words,
            limit: what.limit,
            cwd: what.cwd.unwrap_or_default(),
            session_id: optional(what.session),
        };
        let response = answer(self.session_service().search_sessions(request)).await?;
        Ok(response.try_into()?)
    }

    /// Reads a part of a log.
    pub async fn read_events(&self, what: ReadEvents) -> Result<EventPages, CallError> {
        let stream = answer(self.session_service().read_events(what.request())).await?;
        Ok(EventPages::new(stream))
    }

    /// The whole of a field that an event shows as a preview.
    pub async fn payload(
        &self,
        session: SessionId,
        sequence: Sequence,
        field: &str,
    ) -> Result<Vec<u8>, CallError> {
        let request = v1::GetPayloadRequest {
            session_id: id_bytes(session.0),
            sequence: sequence.0,
            field: field.to_owned(),
        };
        let mut stream = answer(self.session_service().get_payload(request)).await?;
        let mut whole = Vec::new();
        while let Some(piece) = in_time(stream.message()).await? {
            whole.extend_from_slice(&piece.data);
        }
        Ok(whole)
    }

    /// How full the context of a session's agent is, as the agent says.
    pub async fn context(&self, session: SessionId) -> Result<ContextUsage, CallError> {
        let request = v1::GetContextRequest {
            session_id: id_bytes(session.0),
        };
        let response = answer(self.session_service().get_context(request)).await?;
        Ok(response.into())
    }

    /// The requests of agents on this machine, oldest first: of one kind or both, of one session or all, and on demand
    /// those that have ended, too.
    pub async fn list_requests(
        &self,
        kind: Option<RequestKind>,
        session: Option<SessionId>,
        ended: bool,
    ) -> Result<Vec<RequestRecord>, CallError> {
        let request = v1::ListRequestsRequest {
            kind: RequestKind::to_wire(kind),
            session_id: optional(session),
            ended,
        };
        let response = answer(self.request_service().list_requests(request)).await?;
        let requests = response.requests.into_iter().map(RequestRecord::try_from);
        Ok(requests.collect::<Result<_, WireError>>()?)
    }

    /// One request, by its id or a unique prefix of it, and of which kind it must be.
    pub async fn get_request(
        &self,
        prefix: &str,
        kind: Option<RequestKind>,
    ) -> Result<RequestRecord, CallError> {
        let request = v1::GetRequestRequest {
            id: prefix.to_owned(),
            kind: RequestKind::to_wire(kind),
        };
        let response = answer(self.request_service().get_request(request)).await?;
        Ok(present("request", response.request)?.try_into()?)
    }

    /// What was decided, newest first: in one session or all, at most `limit` (0: the daemon's own limit), before the
    /// entry of this number (none: from the newest on).
    pub async fn list_audit(
        &self,
        session: Option<SessionId>,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<AuditEntry>, CallError> {
        let request = v1::ListAuditRequest {
            session_id: optional(session),
            limit,
            before: before.unwrap_or_default(),
        };
        let response = answer(self.request_service().list_audit(request)).await?;
        let entries = response.entries.into_iter().map(AuditEntry::try_from);
        Ok(entries.collect::<Result<_, WireError>>()?)
    }

    /// What runs here.
    pub async fn status(&self) -> Result<DaemonStatus, CallError> {
        let request = v1::GetStatusRequest {};
        let response = answer(self.daemon_service().get_status(request)).await?;
        Ok(response.try_into()?)
    }

    /// Ends the daemon. Agents go on in their hosts unless they are to be stopped too.
    pub async fn shutdown(&self, stop_agents: bool) -> Result<(), CallError> {
        let request = v1::ShutdownRequest { stop_agents };
        answer(self.daemon_service().shutdown(request)).await?;
        Ok(())
    }

    /// The agents that could be used, in the order of preference, as seen from a directory and an environment.
    pub async fn agents(
        &self,
        cwd: Option<&str>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Vec<Agent>, CallError> {
        let request = v1::ListAgentsRequest {
            cwd: cwd.unwrap_or_default().to_owned(),
            environment: environment.clone().into_iter().collect(),
        };
        let response = answer(self.agent_service().list_agents(request)).await?;
        Ok(response.agents.into_iter().map(Into::into).collect())
    }

    /// What the rules say about calls of tools. Nothing is called.
    pub async fn test_rules(&self, test: RuleTest) -> Result<RuleVerdicts, CallError> {
        let request = v1::TestRulesRequest::from(test);
        let response = answer(self.rules_service().test_rules(request)).await?;
        Ok(response.try_into()?)
    }

    /// Every rule that is written down for a directory, and what is wrong with the files.
    pub async fn list_rules(&self, scope: RuleScope) -> Result<RuleList, CallError> {
        let request = v1::ListRulesRequest {
            scope: Some(scope.into()),
        };
        let response = answer(self.rules_service().list_rules(request)).await?;
        Ok(response.try_into()?)
    }

    /// Trusts a directory, or stops trusting it. Gives the directory with links resolved and whether anything changed.
    pub async fn set_trust(
        &self,
        directory: &str,
        trusted: bool,
    ) -> Result<(String, bool), CallError> {
        let request = v1::SetTrustRequest {
            directory: directory.to_owned(),
            trusted,
        };
        let response = answer(self.trust_service().set_trust(request)).await?;
        Ok((response.directory, response.changed))
    }

    /// The trusted directories, by name.
    pub async fn list_trust(&self) -> Result<Vec<Trusted>, CallError> {
        let request = v1::ListTrustRequest {};
        let response = answer(self.trust_service().list_trust(request)).await?;
        Ok(response.directories.into_iter().map(Into::into).collect())
    }
}

fn answer<T>(
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> impl Future<Output = Result<T, CallError>> {
    answer_within(PATIENCE, call)
}

async fn answer_within<T>(
    patience: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, CallError> {
    within(patience, call).await.map(Response::into_inner)
}

fn in_time<T>(
    call: impl Future<Output = Result<T, Status>>,
) -> impl Future<Output = Result<T, CallError>> {
    within(PATIENCE, call)
}

async fn within<T>(
    patience: Duration,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, CallError> {
    match timeout(patience, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(CallError::Silent(patience)),
    }
}

fn optional(session: Option<SessionId>) -> Bytes {
    session.map(|id| id_bytes(id.0)).unwrap_or_default()
}

fn present<T>(field: &'static str, value: Option<T>) -> Result<T, WireError> {
    value.ok_or(WireError {
        field,
        problem: Problem::Missing,
    })
}
