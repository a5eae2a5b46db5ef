//! Finding the daemon of a profile, and starting it when there is none.
//!
//! 1. The socket is the profile's, else the one named in the endpoint file. Connecting is the test of life: a file that
//!    a dead daemon left behind leads to "not running".
//! 2. To start one, the given command is run fully detached, and connecting is tried again and again with short, growing
//!    pauses until *a* daemon answers. No lock is taken here: of several daemons started at once one gets the lock of
//!    the state directory, and the others end by themselves.
//! 3. A start command that ends with code 0 means "another one has it": waiting goes on. One that ends otherwise gets a
//!    short grace, since it may have lost against another that is still coming up; then its stderr is the explanation.

mod spawn;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use betcode_core::endpoint::{Endpoint, PROTOCOL_VERSION, SOCKET_FILE};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use crate::transport::OpenError;
use crate::{ConnectError, Connection, Profile, endpoint, transport};
use spawn::Child;

/// The longest pause between two attempts to reach a daemon that is coming up.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// The pause between two looks for a daemon that somebody else may start.
const LOOK: Duration = Duration::from_millis(200);
/// How long another daemon may take to come up after ours has failed.
const GRACE: Duration = Duration::from_millis(500);
/// How long another daemon may be in the way before that is told.
const HELD_UP: Duration = Duration::from_secs(1);

/// How to start a daemon.
pub struct Start {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The environment to choose from; see [`keeps`] for what the daemon gets of it.
    pub environment: Vec<(OsString, OsString)>,
    /// How long it may take until a daemon answers.
    pub patience: Duration,
    /// Called once when a daemon is really going to be started.
    pub announce: Box<dyn FnOnce() + Send>,
    /// Called once when another daemon is in the way for some time: it has not ended, and does not answer either. True to wait
    /// on.
    pub held_up: Box<dyn FnOnce() -> bool + Send>,
}

impl Start {
    /// A start with the usual patience that announces nothing.
    pub fn new(
        command: Vec<OsString>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        Self {
            command,
            environment: environment.into_iter().collect(),
            patience: Duration::from_secs(10),
            announce: Box::new(|| {}),
            held_up: Box::new(|| true),
        }
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("command", &self.command)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// Whether an automatically started daemon gets this variable. It outlives the terminal that started it, so it must not
/// keep what only that terminal was meant to have, such as keys and tokens; agents get theirs from each client. What leads
/// out of this machine is kept, although a proxy's password may be in it: without it, what the daemon asks for by itself, and
/// the programs that it asks, would reach nobody.
pub fn keeps(variable: &str) -> bool {
    // In large and in small letters.
    const PROXIES: &[&str] = &["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];
    // The last ones lead to the desktop, for what is run for a notification.
    const NAMES: &[&str] = &[
        "HOME",
        "PATH",
        "LANG",
        "TZ",
        "TMPDIR",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "DBUS_SESSION_BUS_ADDRESS",
    ];
    const PREFIXES: &[&str] = &["LC_", "XDG_", "BETCODE_"];
    NAMES.contains(&variable)
        || PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
        || PROXIES.iter().any(|name| {
            let is_small = variable == name.to_ascii_lowercase();
            is_small || variable == *name
        })
}

/// Where the daemon of this profile listens if it runs, and what it says of itself.
fn whereabouts(profile: &Profile) -> Result<(PathBuf, Option<Endpoint>), ConnectError> {
    let named = match profile.socket {
        Some(_) => None,
        None => endpoint::read(&profile.state_dir)?,
    };
    // Without its endpoint file a daemon may still be where it usually is.
    let socket = named
        .as_ref()
        .map(|endpoint| PathBuf::from(&endpoint.socket))
        .or_else(|| profile.socket.clone())
        .unwrap_or_else(|| profile.state_dir.join(SOCKET_FILE));
    Ok((socket, named))
}

/// The error for a daemon that takes connections and says nothing for so long.
pub fn silent(profile: &Profile, waited: Duration) -> ConnectError {
    match whereabouts(profile) {
        Ok((socket, named)) => ConnectError::Silent {
            socket,
            pid: named.map(|endpoint| endpoint.pid),
            waited,
        },
        Err(error) => error,
    }
}

/// Sees to it that there is a state directory. Starting a daemon does that as well.
pub fn state_directory(profile: &Profile) -> Result<(), ConnectError> {
    spawn::state_directory(profile)
}

/// Waits until a daemon listens. It is looked for several times a second: nobody tells when one comes up that somebody
/// else has started.
pub async fn returned(profile: &Profile) {
    loop {
        sleep(LOOK).await;
        if let Ok((socket, _)) = whereabouts(profile)
            && UnixStream::connect(socket).await.is_ok()
        {
            return;
        }
    }
}

/// Connects to the daemon that runs.
pub async fn connect(profile: &Profile) -> Result<Connection, ConnectError> {
    let not_running = || ConnectError::NotRunning {
        state_dir: profile.state_dir.clone(),
    };
    let (socket, named) = whereabouts(profile)?;
    let channel = match transport::open(&socket).await {
        Ok(channel) => channel,
        Err(OpenError::Nobody) => return Err(not_running()),
        Err(OpenError::Other(error)) => return Err(error),
    };
    match named {
        Some(named) if named.protocol != PROTOCOL_VERSION => Err(ConnectError::Incompatible {
            daemon_version: named.daemon_version,
            protocol: named.protocol,
            ours: PROTOCOL_VERSION,
        }),
        _ => Ok(Connection::new(channel)),
    }
}

/// Connects to the daemon that runs, or to one that is started now.
pub async fn connect_or_start(profile: &Profile, start: Start) -> Result<Connection, ConnectError> {
    match connect(profile).await {
        Err(ConnectError::NotRunning { .. }) => {}
        other => return other,
    }
    (start.announce)();
    let began = Instant::now();
    let deadline = began + start.patience;
    let mut held_up = Some(start.held_up);
    let mut child = Child::spawn(profile, &start.command, &start.environment)?;
    let mut give_up_at = deadline;
    let mut pause = Duration::from_millis(1);
    let mut ended = None;
    loop {
        match connect(profile).await {
            Err(ConnectError::NotRunning { .. }) => {}
            other => return other,
        }
        if ended.is_none() {
            ended = child.ended();
            if let Some(end) = &ended {
                if end.success() {
                    // Another daemon has the lock: it is coming up, or it is on its way out and one is needed after it.
                    if began.elapsed() >= HELD_UP
                        && let Some(held_up) = held_up.take()
                        && !held_up()
                    {
                        give_up_at = Instant::now();
                        continue;
                    }
                    sleep(LONGEST_PAUSE).await;
                    child = Child::spawn(profile, &start.command, &start.environment)?;
                    ended = None;
                } else {
                    give_up_at = deadline.min(Instant::now() + GRACE);
                }
            }
        }
        if Instant::now() >= give_up_at {
            let problem = match ended {
                Some(end) => format!("its command ended with {end}"),
                None => format!("it was not ready after {} s", start.patience.as_secs()),
            };
            return Err(ConnectError::NotStarted {
                problem,
                stderr: child.stderr(),
            });
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
