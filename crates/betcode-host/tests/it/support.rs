//! A host in a directory of its own, and a daemon's end of its socket. Whatever a test leaves running ends when its
//! directory is dropped.

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use betcode_host::protocol::{Decoder, FromHost, ToHost, VERSION};
use betcode_host::remains::{self, Exit};
use betcode_host::spec::Spec;
use betcode_host::{spawn, spool};

/// How long anything may take on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "tests wait in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = now() + DEADLINE;
    while !holds() {
        assert!(now() < deadline, "it never came true: {what}");
        // a pause, because: this is how a condition is waited for.
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn host_command() -> Vec<OsString> {
    vec![env!("CARGO_BIN_EXE_betcode-agent-host").into()]
}

/// A specification that runs a shell script.
pub(crate) fn shell(script: &str) -> Spec {
    let mut spec = Spec::new("/bin/sh", "/");
    spec.args = vec!["-c".into(), script.into()];
    spec.env = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
    spec
}

/// A host that has been spawned.
pub(crate) struct TestHost {
    directory: tempfile::TempDir,
    pub(crate) pid: u32,
}

impl TestHost {
    pub(crate) fn start(spec: &Spec) -> Self {
        let directory = tempfile::tempdir().unwrap();
        spec.write(directory.path()).unwrap();
        Self::adopt(directory)
    }

    /// Starts a host in a directory with a specification.
    pub(crate) fn adopt(directory: tempfile::TempDir) -> Self {
        let pid = spawn(&host_command(), directory.path()).unwrap();
        Self { directory, pid }
    }

    pub(crate) fn shell(script: &str) -> Self {
        Self::start(&shell(script))
    }

    /// Starts a host as something does that ignores interrupts, such as a shell in the background.
    pub(crate) fn uninterruptible(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        shell(script).write(directory.path()).unwrap();
        let mut command: Vec<OsString> = ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
            .map(Into::into)
            .into();
        command.extend(host_command());
        let pid = spawn(&command, directory.path()).unwrap();
        Self { directory, pid }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Connects without saying anything.
    pub(crate) fn connect(&self) -> Daemon {
        let mut stream = None;
        eventually("the host listens", || {
            stream = UnixStream::connect(betcode_host::socket_path(self.path()).unwrap()).ok();
            stream.is_some()
        });
        let stream = stream.unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Daemon {
            stream,
            decoder: Decoder::new(),
        }
    }

    /// Connects, attaches, and returns the host's `Hello` too.
    pub(crate) fn attach(&self) -> (Daemon, FromHost) {
        let mut daemon = self.connect();
        daemon.send(&ToHost::Attach { version: VERSION });
        let hello = daemon.next().unwrap();
        assert!(matches!(hello, FromHost::Hello { .. }), "{hello:?}");
        (daemon, hello)
    }

    pub(crate) fn exit(&self) -> Exit {
        let mut exit = None;
        eventually("exit.json is there", || {
            exit = remains::read_exit(self.path()).unwrap();
            exit.is_some()
        });
        exit.unwrap()
    }

    pub(crate) fn wait_until_ended(&self) {
        eventually("the host ends", || !is_running(self.pid));
    }

    /// The whole spool as it is.
    pub(crate) fn spooled(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let end = spool::end(self.path()).unwrap();
        spool::Reader::new(self.path())
            .read(0, end, &mut all, usize::MAX)
            .unwrap();
        all
    }

    pub(crate) fn wait_for_spool(&self, wanted: &[u8]) {
        eventually("the spool holds what was printed", || {
            self.spooled() == wanted
        });
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.directory.path());
        let deadline = now() + DEADLINE;
        while is_running(self.pid) && now() < deadline {
            // a pause, because: this is how a condition is waited for.
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The daemon's end of a connection.
pub(crate) struct Daemon {
    stream: UnixStream,
    decoder: Decoder<FromHost>,
}

impl Daemon {
    pub(crate) fn send(&mut self, message: &ToHost) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.send_bytes(&bytes);
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn frame(&mut self, number: u64, bytes: &[u8]) {
        self.send(&ToHost::Frame {
            number,
            bytes: bytes.to_vec(),
        });
    }

    /// The next message; `None` when the host has closed the connection.
    pub(crate) fn next(&mut self) -> Option<FromHost> {
        loop {
            if let Some(message) = self.decoder.pull().unwrap() {
                return Some(message);
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.decoder.push(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("the host says nothing: {error}"),
            }
        }
    }

    /// Reads until a message of this kind comes, and returns it.
    pub(crate) fn until(&mut self, mut wanted: impl FnMut(&FromHost) -> bool) -> FromHost {
        loop {
            let message = self.next().expect("the connection stays open");
            if wanted(&message) {
                return message;
            }
        }
    }

    pub(crate) fn until_written(&mut self, number: u64) {
        self.until(|message| matches!(message, FromHost::Written { frame } if *frame >= number));
    }

    pub(crate) fn until_appended(&mut self, wanted: u64) -> u64 {
        match self.until(|message| matches!(message, FromHost::Appended { end } if *end >= wanted))
        {
            FromHost::Appended { end } => end,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn until_exited(&mut self) -> (Option<i32>, Option<i32>, u64) {
        match self.until(|message| matches!(message, FromHost::Exited { .. })) {
            FromHost::Exited {
                code,
                signal,
                stdout_end,
            } => (code, signal, stdout_end),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn expect_closed(&mut self) {
        while self.next().is_some() {}
    }
}

/// Whether the process exists and is no zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

pub(crate) fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

pub(crate) fn agent_pid(hello: &FromHost) -> u32 {
    match hello {
        FromHost::Hello { pid, .. } => *pid,
        other => panic!("{other:?}"),
    }
}

/// A number that a script wrote into a file.
pub(crate) fn number_in(path: &Path) -> u32 {
    let mut number = None;
    eventually("the script wrote a number", || {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        number = text
            .strip_suffix('\n')
            .and_then(|text| text.trim().parse().ok());
        number.is_some()
    });
    number.unwrap()
}
