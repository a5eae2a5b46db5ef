//! People at a session: clients of the daemon that a test speaks for, through the same library that the programs use.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test needs fails by panicking"
)]

use std::time::Duration;

use betcode_client::session::{Handle, Open, Position, Update};
use betcode_client::{Accepted, CallError, Connection, Occasion};
use betcode_core::command::{Action, Command, Environment, LaunchOptions, StartSession};
use betcode_core::event::{ClientInfo, ClientKind, Event, EventBody, TurnPolicy};
use betcode_core::id::{ClientId, IdempotencyKey, RequestId, Sequence, SessionId};
use betcode_proto::status::Refusal;
use betcode_testkit::Profile;
use uuid::Uuid;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A runtime for one test.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("in time") })
}

/// Where the daemon of this profile is.
pub(crate) fn whereabouts(profile: &Profile) -> betcode_client::Profile {
    betcode_client::Profile {
        config_dir: profile.config_dir(),
        state_dir: profile.state_dir(),
        socket: None,
    }
}

/// A connection to the daemon of this profile.
pub(crate) async fn connect(profile: &Profile) -> Connection {
    betcode_client::connect(&whereabouts(profile))
        .await
        .unwrap()
}

/// How a handle gets its connections, the first and the later ones.
fn connector(profile: &Profile) -> impl betcode_client::Connector + use<> {
    let profile = whereabouts(profile);
    move |_: Occasion| {
        let profile = profile.clone();
        async move { betcode_client::connect(&profile).await }
    }
}

/// Somebody with a name.
pub(crate) fn person(name: &str, kind: ClientKind) -> ClientInfo {
    ClientInfo {
        name: name.into(),
        place: "here".into(),
        id: ClientId(Uuid::now_v7()),
        kind,
    }
}

/// A command with a new key.
pub(crate) fn command(session: SessionId, client: &ClientInfo, action: Action) -> Command {
    Command {
        session,
        key: IdempotencyKey(Uuid::now_v7()),
        client: client.clone(),
        action,
    }
}

/// A message, whose turn asks people.
pub(crate) fn message(text: &str) -> Action {
    Action::Message {
        text: text.into(),
        attachments: vec![],
        policy: TurnPolicy::default(),
    }
}

/// A new session with the demo agent.
pub(crate) fn start(profile: &Profile) -> Action {
    start_with(profile, "demo")
}

/// A new session with this agent.
pub(crate) fn start_with(profile: &Profile, agent: &str) -> Action {
    Action::Start(Box::new(StartSession {
        agent: agent.into(),
        cwd: profile.work().display().to_string(),
        title: String::new(),
        launch: LaunchOptions::default(),
        environment: Environment(
            [("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())].into(),
        ),
    }))
}

/// One client that follows one session.
pub(crate) struct Seated {
    pub(crate) handle: Handle,
    pub(crate) client: ClientInfo,
    pub(crate) session: SessionId,
    pub(crate) seen: Vec<Event>,
}

impl Seated {
    /// Makes a session and sits down at it.
    pub(crate) async fn begin(profile: &Profile, client: ClientInfo) -> Self {
        let session = SessionId(Uuid::now_v7());
        let connection = connect(profile).await;
        connection
            .submit(command(session, &client, start(profile)))
            .await
            .unwrap();
        Self::sit(profile, session, client).await
    }

    /// Sits down at a session, and waits until it has been attached.
    pub(crate) async fn sit(profile: &Profile, session: SessionId, client: ClientInfo) -> Self {
        let open = Open {
            session,
            after: Position::default(),
            follow: true,
            client: client.clone(),
            observe: false,
        };
        let mut seated = Self {
            handle: Handle::open(connector(profile), open).await.unwrap(),
            client,
            session,
            seen: Vec::new(),
        };
        while !matches!(seated.handle.next().await, Update::Attached { .. }) {}
        seated
    }

    /// Another client of the same session, which has read it up to here before.
    pub(crate) async fn come_back(&self, profile: &Profile, last: u64) -> Handle {
        let open = Open {
            session: self.session,
            after: Position {
                epoch: self.handle.position().epoch,
                last: Sequence(last),
            },
            follow: true,
            client: person("late", ClientKind::Run),
            observe: true,
        };
        Handle::open(connector(profile), open).await.unwrap()
    }

    /// Does something.
    pub(crate) async fn act(&mut self, action: Action) -> Result<Accepted, Refusal> {
        let command = command(self.session, &self.client, action);
        refusal(self.handle.perform(command).await)
    }

    /// Waits for an event, and gives what was wanted of it. Those that have passed are looked at first.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&EventBody) -> Option<T>,
    ) -> T {
        if let Some(found) = self.seen.iter().find_map(|event| wanted(&event.body)) {
            return found;
        }
        let looking = async {
            loop {
                if let Update::Events(batch) = self.handle.next().await {
                    let new = batch.events().unwrap();
                    let found = new.iter().find_map(|event| wanted(&event.body));
                    self.seen.extend(new);
                    if let Some(found) = found {
                        return found;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking)
            .await
            .unwrap_or_else(|_| panic!("no {what}"))
    }

    /// Waits until the agent asks for permission.
    pub(crate) async fn asked(&mut self) -> RequestId {
        self.until("request for permission", |body| match body {
            EventBody::PermissionRequest(request) => Some(request.id.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until this client holds the input lock.
    pub(crate) async fn holds(&mut self) {
        let id = self.client.id;
        self.until("lock", |body| match body {
            EventBody::InputLockChanged {
                holder: Some(holder),
            } if holder.id == id => Some(()),
            _ => None,
        })
        .await;
    }
}

/// The refusal in an answer.
pub(crate) fn refusal<T>(answer: Result<T, CallError>) -> Result<T, Refusal> {
    answer.map_err(|error| match error {
        CallError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    })
}
