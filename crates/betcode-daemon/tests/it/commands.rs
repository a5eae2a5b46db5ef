//! Commands over both forms, as a client sends them.

use std::collections::BTreeMap;

use betcode_proto::v1::command::Action;
use betcode_proto::v1::session_service_client::SessionServiceClient;
use betcode_proto::v1::{
    Accepted, Command, ConverseRequest, LaunchOptions, SendMessage, StartSession, SubmitRequest,
    TurnPolicy, command_outcome, converse_request, converse_response,
};
use tonic::transport::Channel;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::daemon::Ground;

/// One client.
pub(crate) struct Client(SessionServiceClient<Channel>);

/// How a command went: accepted, with the metadata of the call; or refused, with code, reason, message and metadata.
pub(crate) type Outcome = Result<(Accepted, BTreeMap<String, String>), Refused>;

/// A refusal, whichever form it came in.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Which form a command is sent in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Submit,
    Converse,
}

impl Form {
    pub(crate) const BOTH: [Self; 2] = [Self::Submit, Self::Converse];
}

impl Client {
    pub(crate) fn new(channel: Channel) -> Self {
        Self(SessionServiceClient::new(channel))
    }

    pub(crate) async fn of(ground: &Ground) -> Self {
        Self::new(ground.connect().await)
    }

    pub(crate) async fn send(&mut self, form: Form, command: Command) -> Outcome {
        match form {
            Form::Submit => self.submit(command).await,
            Form::Converse => self.converse(command).await,
        }
    }

    async fn submit(&mut self, command: Command) -> Outcome {
        let command = Some(command);
        let response = self.0.submit(SubmitRequest { command }).await;
        let response = response.map_err(|status| refused(&status))?;
        let metadata = texts(response.metadata());
        Ok((response.into_inner().accepted.unwrap(), metadata))
    }

    async fn converse(&mut self, command: Command) -> Outcome {
        let request = ConverseRequest {
            request: Some(converse_request::Request::Command(command)),
        };
        let requests = futures_util::stream::iter([request]);
        let mut responses = self.0.converse(requests).await.unwrap().into_inner();
        let response = responses.message().await.unwrap().unwrap();
        let Some(converse_response::Response::Outcome(outcome)) = response.response else {
            unreachable!("{response:?}")
        };
        match outcome.outcome.unwrap() {
            command_outcome::Outcome::Accepted(accepted) => {
                let metadata = accepted.metadata.clone().into_iter().collect();
                Ok((accepted, metadata))
            }
            command_outcome::Outcome::Refused(refused) => Err(Refused {
                code: Code::from(refused.code),
                reason: refused.reason,
                message: refused.message,
                metadata: refused.metadata.into_iter().collect(),
            }),
        }
    }
}

fn texts(metadata: &tonic::metadata::MetadataMap) -> BTreeMap<String, String> {
    let text = |entry| match entry {
        tonic::metadata::KeyAndValueRef::Ascii(name, value) => {
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        }
        tonic::metadata::KeyAndValueRef::Binary(..) => None,
    };
    metadata.iter().filter_map(text).collect()
}

fn refused(status: &Status) -> Refused {
    let refusal = betcode_proto::status::Refusal::from(status);
    Refused {
        code: status.code(),
        reason: refusal.reason,
        message: refusal.message,
        metadata: texts(status.metadata()),
    }
}

/// A command with a key of its own.
pub(crate) fn command(session: Uuid, action: Action) -> Command {
    Command {
        session_id: session.into_bytes().to_vec().into(),
        idempotency_key: Uuid::now_v7().into_bytes().to_vec().into(),
        client: None,
        action: Some(action),
    }
}

/// Makes a session whose agent is what the configuration says.
pub(crate) fn start(cwd: &std::path::Path, environment: &[(&str, String)]) -> Action {
    Action::Start(StartSession {
        agent: "claude".into(),
        cwd: cwd.display().to_string(),
        title: String::new(),
        launch: Some(LaunchOptions::default()),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    })
}

/// Says something; these tools may be used without asking.
pub(crate) fn message(allowed_tools: &[&str]) -> Action {
    let policy = TurnPolicy {
        allowed_tools: allowed_tools
            .iter()
            .map(|tool| (*tool).to_owned())
            .collect(),
        ..TurnPolicy::default()
    };
    Action::Message(SendMessage {
        text: "hello".into(),
        attachments: Vec::new(),
        policy: Some(policy),
    })
}
