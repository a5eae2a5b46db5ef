//! Runs the command that becomes the daemon so that nothing ties it to this process: a session of its own, no terminal,
//! no inherited descriptor, `/` as its directory, and only what it needs of the environment.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::keeps;
use crate::{ConnectError, Profile};

/// How much of the end of stderr explains a failure.
const STDERR_TAIL: u64 = 4 * 1024;

/// A start command under way.
pub(super) struct Child {
    process: std::process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts it. Its stderr goes to the startup log, which is emptied first.
    pub(super) fn spawn(
        profile: &Profile,
        command: &[OsString],
        environment: &[(OsString, OsString)],
    ) -> Result<Self, ConnectError> {
        state_directory(profile)?;
        let log = profile.startup_log();
        let stderr = empty_log(&log).map_err(|error| ConnectError::Io {
            path: log.clone(),
            message: error.to_string(),
        })?;
        let refused = |problem: String| ConnectError::NotStarted {
            problem,
            stderr: String::new(),
        };
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| refused("no command is set".to_owned()))?;
        let kept = environment
            .iter()
            .filter(|(name, _)| name.to_str().is_some_and(keeps));
        // The daemon runs in `/`: a path that means something here must mean the same there.
        let program = match Path::new(program).components().count() {
            0 | 1 => PathBuf::from(program),
            _ => std::path::absolute(program).map_err(|error| refused(error.to_string()))?,
        };
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .current_dir("/")
            .env_clear()
            .envs(kept.map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        detach(&mut command);
        let process = command
            .spawn()
            .map_err(|error| refused(format!("{}: {error}", program.display())))?;
        Ok(Self { process, log })
    }

    /// How it ended, when it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// The end of what it wrote to stderr.
    pub(super) fn stderr(&self) -> String {
        let tail = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(STDERR_TAIL)))?;
            let mut bytes = Vec::new();
            file.take(STDERR_TAIL).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = tail().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

/// Makes the state directory where there is none.
pub(super) fn state_directory(profile: &Profile) -> Result<(), ConnectError> {
    let path = &profile.state_dir;
    // One that is there is made by nobody, whatever its mode is.
    if path.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| ConnectError::StateDirectory {
        path: path.clone(),
        message: error.to_string(),
    })
}

fn empty_log(log: &Path) -> io::Result<File> {
    if let Some(directory) = log.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    // Appending, because two starting daemons may share it for a moment.
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(log)?;
    file.set_len(0)?;
    Ok(file)
}

/// Gives the command a session of its own and nothing of this process's descriptors but the standard three.
#[expect(
    unsafe_code,
    reason = "a session of its own can only be made between fork and exec"
)]
fn detach(command: &mut Command) {
    let run = || {
        rustix::process::setsid()?;
        close_all_on_exec();
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock: it only makes system calls.
    unsafe { command.pre_exec(run) };
}

/// Marks everything but stdin, stdout and stderr to be closed by `exec`, whoever opened it. Marking, not closing: the
/// standard library reports a failed `exec` through one of them.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "descriptors that were inherited by number have no owner"
)]
fn close_all_on_exec() {
    const FIRST: libc::c_uint = 3;
    let flags = libc::CLOSE_RANGE_CLOEXEC.cast_signed();
    // SAFETY: this only sets a flag on descriptors; on a kernel without the call it does nothing.
    let _ = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, flags) };
}

/// Marks everything but stdin, stdout and stderr to be closed by `exec`.
#[cfg(not(target_os = "linux"))]
#[expect(
    unsafe_code,
    reason = "descriptors that were inherited by number have no owner"
)]
fn close_all_on_exec() {
    const HIGHEST: libc::c_int = 4096;
    for descriptor in 3..HIGHEST {
        // SAFETY: this only sets a flag; a number that is no descriptor is refused by the system.
        let _ = unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
