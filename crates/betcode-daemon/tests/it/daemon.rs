//! A daemon of its own for one test, and clients of it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use betcode_core::endpoint::{ENDPOINT_FILE, Endpoint};
use betcode_proto::v1::daemon_service_client::DaemonServiceClient;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::Channel;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A place for one daemon; whatever still runs there ends with it.
pub(crate) struct Ground {
    root: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_betcode-daemon"));
        command
            .args(arguments)
            .env_clear()
            .env("BETCODE_STATE_DIR", self.state())
            .env("BETCODE_CONFIG_DIR", self.path("config"))
            .env("BETCODE_TEST_CLOCK", self.path("clock"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    /// Starts a daemon and waits until it can be reached.
    pub(crate) fn start(&self, arguments: &[&str]) -> Daemon {
        self.start_command(self.command(arguments))
    }

    /// The same with a command that was changed.
    pub(crate) fn start_command(&self, mut command: Command) -> Daemon {
        let mut daemon = Daemon(command.spawn().unwrap());
        until("a daemon publishes its endpoint", || {
            assert_eq!(daemon.0.try_wait().unwrap(), None, "it must not end");
            self.endpoint()
                .filter(|endpoint| endpoint.pid == daemon.0.id())
        });
        daemon
    }

    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        serde_json::from_slice(&std::fs::read(self.state().join(ENDPOINT_FILE)).ok()?).ok()
    }

    pub(crate) async fn connect(&self) -> Channel {
        let socket = self.endpoint().unwrap().socket;
        connect(Path::new(&socket)).await.unwrap()
    }

    pub(crate) async fn client(&self) -> DaemonServiceClient<Channel> {
        DaemonServiceClient::new(self.connect().await)
    }
}

pub(crate) async fn connect(socket: &Path) -> Result<Channel, tonic::transport::Error> {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    tonic::transport::Endpoint::from_static("http://daemon")
        .connect_with_connector(connector)
        .await
}

/// A running daemon.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the daemon ends", || self.0.try_wait().unwrap())
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Runs to its end and gives what it said.
pub(crate) fn output(mut command: Command) -> Output {
    command.output().unwrap()
}

/// Waits for a condition, not for a time.
#[expect(clippy::disallowed_methods, reason = "a test's deadline")]
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < LIMIT, "it takes too long until {what}");
        // a pause, because: what a process does to files and to itself gives no event here.
        std::thread::sleep(Duration::from_millis(2));
    }
}
