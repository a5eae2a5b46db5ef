//! Reaching the daemon: which one, whether it may be started, and the runtime that carries the calls.

use std::ffi::OsString;
use std::pin::Pin;
use std::sync::{Once, OnceLock};
use std::time::Duration;

use betcode_client::daemon::silent;
use betcode_client::session::{Open, Position};
use betcode_client::{
    CallError, ConnectError, Connection, Connector, Occasion, Profile, SessionDetails, Start,
    connect, connect_or_start, returned,
};
use betcode_core::command::{Action, Command};
use betcode_core::event::{ClientInfo, ClientKind};
use betcode_core::id::{ClientId, IdempotencyKey, SessionId};
use rustix::termios::ttyname;
use uuid::Uuid;

use betcode_daemon::lifecycle::doctor::has_no_room;

use crate::context::Context;
use crate::error::Failure;
use crate::output::say;

/// Whether a daemon is started when none runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It is started and stays as long as something needs it.
    Start,
    /// It is started and ends with its last client.
    Ephemeral,
    /// It must be there.
    Never,
}

/// How often a connection is tried that breaks at once.
const ATTEMPTS: usize = 5;

/// How long a daemon may take to say that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// How long another daemon may take to come after one that has ended in good order, and how often it is looked for.
const SUCCESSOR: Duration = Duration::from_secs(2);
const SUCCESSOR_PAUSE: Duration = Duration::from_millis(20);

/// How to reach the daemon, now and again.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    profile: Profile,
    command: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    policy: Policy,
    quiet: bool,
}

impl Link {
    /// To the daemon of this context's profile.
    pub(crate) fn new(context: &Context, policy: Policy) -> Result<Self, Failure> {
        let profile = context.profile()?;
        let mut command: Vec<OsString> = vec![Context::executable()?.into()];
        command.extend(["daemon", "run", "--auto"].map(OsString::from));
        if policy == Policy::Ephemeral {
            command.push("--ephemeral".into());
        }
        // The daemon does not run in this directory, so it is told where its own are.
        let mut environment = context.environment.all();
        environment.insert(
            "BETCODE_CONFIG_DIR".into(),
            profile.config_dir.clone().into(),
        );
        environment.insert("BETCODE_STATE_DIR".into(), profile.state_dir.clone().into());
        if let Some(socket) = &profile.socket {
            environment.insert("BETCODE_SOCKET".into(), socket.clone().into());
        }
        Ok(Self {
            profile,
            command,
            environment: environment.into_iter().collect(),
            policy,
            quiet: false,
        })
    }

    /// The same without a word when a daemon is started.
    pub(crate) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Whose daemon it is.
    pub(crate) const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Connects, and says so on stderr when a daemon has to be started, or when it is of another version.
    ///
    /// A daemon that is being killed takes connections for a moment more, so the first call is one whose loss tells nobody
    /// anything. One that is stopped takes them for ever, so that call has little time.
    pub(crate) async fn connect(&self) -> Result<Connection, ConnectError> {
        for _ in 0..ATTEMPTS {
            let connection = self.reach().await?;
            match tokio::time::timeout(SIGN_OF_LIFE, connection.status()).await {
                Ok(Ok(status)) => {
                    self.compare(&status.version);
                    self.pass_on(&status.notices);
                    return Ok(connection);
                }
                Ok(Err(CallError::Lost(_))) => {}
                Ok(Err(_)) => return Ok(connection),
                Err(_) => return Err(silent(&self.profile, SIGN_OF_LIFE)),
            }
        }
        self.reach().await
    }

    fn compare(&self, version: &str) {
        let ours = env!("CARGO_PKG_VERSION");
        if version == ours || self.quiet {
            return;
        }
        let what_to_do = if numbers(version) > numbers(ours) {
            "this program is the older one and may not show everything"
        } else {
            "betcode daemon restart takes the new one, and running turns go on"
        };
        say(&format!(
            "note: the daemon is version {version}, this is {ours}: {what_to_do}"
        ));
    }

    /// What the daemon wants its user to know, once in a run.
    fn pass_on(&self, notices: &[String]) {
        static SAID: Once = Once::new();
        if !self.quiet && !notices.is_empty() {
            SAID.call_once(|| {
                for notice in notices {
                    say(&format!("note: {notice}"));
                }
            });
        }
    }

    async fn reach(&self) -> Result<Connection, ConnectError> {
        if self.policy == Policy::Never {
            return connect(&self.profile).await;
        }
        let mut start = Start::new(self.command.clone(), self.environment.clone());
        if !self.quiet {
            start.announce = Box::new(|| say("note: no daemon is running; starting one"));
        }
        let (state, quiet) = (self.profile.state_dir.clone(), self.quiet);
        start.held_up = Box::new(move || {
            // One that cannot write what it holds does not end soon, and no other can begin.
            let room = !has_no_room(&state);
            if room && !quiet {
                say("note: another daemon has not ended yet, or is not ready; waiting for it");
            }
            room
        });
        let started = connect_or_start(&self.profile, start).await;
        started.map_err(|error| self.explain(error))
    }

    /// A daemon that finds no room cannot leave a word about it either.
    fn explain(&self, mut error: ConnectError) -> ConnectError {
        if let ConnectError::NotStarted { stderr, .. } = &mut error
            && stderr.is_empty()
            && has_no_room(&self.profile.state_dir)
        {
            *stderr = format!(
                "Error: the disk of {} is full\nhint: nothing is lost; make room there, and try again",
                self.profile.state_dir.display()
            );
        }
        error
    }

    /// For handles that only watch: they wait for a daemon that went away, and leave starting one to those who need it.
    pub(crate) fn watcher(&self) -> impl Connector + 'static {
        Comeback {
            link: self.clone(),
            starts: false,
        }
    }

    /// For handles that come back after a loss.
    pub(crate) fn connector(&self) -> impl Connector + 'static {
        Comeback {
            link: self.clone(),
            starts: true,
        }
    }

    /// The daemon that takes the place of one that has ended in good order. It is given the time to do so: whoever ended
    /// the old one may be about to start one of a newer version.
    async fn successor(&self) -> Result<Connection, ConnectError> {
        let coming = async {
            loop {
                match connect(&self.profile).await {
                    Err(ConnectError::NotRunning { .. }) => {
                        tokio::time::sleep(SUCCESSOR_PAUSE).await;
                    }
                    other => return other,
                }
            }
        };
        let come = tokio::time::timeout(SUCCESSOR, coming).await;
        come.unwrap_or_else(|_| {
            Err(ConnectError::NotRunning {
                state_dir: self.profile.state_dir.clone(),
            })
        })
    }
}

/// How a handle gets its first connection, and those after it.
struct Comeback {
    link: Link,
    /// Whether a daemon is started when none comes by itself.
    starts: bool,
}

impl Connector for Comeback {
    fn connect(
        &mut self,
        occasion: Occasion,
    ) -> Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send>> {
        let (link, starts) = (self.link.clone(), self.starts);
        Box::pin(async move {
            if occasion == Occasion::Left {
                match link.successor().await {
                    Err(ConnectError::NotRunning { .. }) if starts => {}
                    other => return other,
                }
            }
            if starts || occasion == Occasion::First {
                link.connect().await
            } else {
                connect(&link.profile).await
            }
        })
    }

    fn returned(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let profile = self.link.profile.clone();
        Box::pin(async move { returned(&profile).await })
    }
}

/// A version's numbers, to be compared.
fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// Runs calls to the end.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::io("cannot start", &error))?;
    let result = runtime.block_on(work);
    // A thread that reads stdin may never end by itself.
    runtime.shutdown_background();
    result
}

/// One connection and what is to be done with it.
pub(crate) fn with_daemon<T>(
    context: &Context,
    policy: Policy,
    work: impl AsyncFnOnce(Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let link = Link::new(context, policy)?;
    block_on(async { work(link.connect().await?).await })
}

/// To follow a session from its head on.
pub(crate) fn from_now_on(details: &SessionDetails, client: ClientInfo, observe: bool) -> Open {
    Open {
        session: details.summary.id,
        after: Position {
            epoch: Some(details.epoch),
            last: details.summary.head,
        },
        follow: true,
        client,
        observe,
    }
}

/// Something to do in a session, under a new key.
pub(crate) fn command(session: SessionId, client: ClientInfo, action: Action) -> Command {
    Command {
        session,
        key: IdempotencyKey(Uuid::now_v7()),
        client,
        action,
    }
}

/// Who this is. Its id is the same for everything that this process does.
pub(crate) fn client(name: &str, kind: ClientKind) -> ClientInfo {
    static ID: OnceLock<ClientId> = OnceLock::new();
    ClientInfo {
        name: name.to_owned(),
        place: place(kind),
        id: *ID.get_or_init(|| ClientId(Uuid::now_v7())),
        kind,
    }
}

/// Where this is: the machine, and what tells this client from others there, which is its terminal or, for one that stays,
/// its process.
fn place(kind: ClientKind) -> String {
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_string_lossy();
    let terminal = [
        ttyname(rustix::stdio::stdin(), Vec::new()),
        ttyname(rustix::stdio::stdout(), Vec::new()),
        ttyname(rustix::stdio::stderr(), Vec::new()),
    ];
    let terminal = terminal.into_iter().find_map(Result::ok);
    let terminal = terminal.map(|path| {
        let path = path.to_string_lossy();
        path.strip_prefix("/dev/").unwrap_or(&path).to_owned()
    });
    match (terminal, kind) {
        (Some(terminal), _) => format!("{machine}, {terminal}"),
        (None, ClientKind::OneShot) => machine.into_owned(),
        (None, ClientKind::Interactive | ClientKind::Run) => {
            format!("{machine}, pid {}", std::process::id())
        }
    }
}
