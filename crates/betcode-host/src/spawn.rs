//! Starts a host so that nothing ties it to whoever starts it: own session, no parent, no inherited descriptor.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Resource, getrlimit};

/// Descriptors above this number are not looked for where the kernel cannot mark all of them at once.
const HIGHEST_DESCRIPTOR: u64 = 65_536;

/// Why no host was started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The host command has no first word.
    #[error("the host command is empty")]
    EmptyCommand,
    /// The program could not be executed, or the system refused a process.
    #[error("cannot start the agent host {}", program.display())]
    Start {
        /// The program that was to be run.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The new process did not tell its id.
    #[error("the agent host did not start")]
    NoProcess(#[source] io::Error),
}

/// Runs `host_command` with the directory as one more argument, fully detached, and returns the new process's id.
///
/// When this returns, the program has been executed, but the host need not hold its lock or listen yet.
pub fn spawn(host_command: &[OsString], directory: &Path) -> Result<u32, SpawnError> {
    let (program, args) = host_command.split_first().ok_or(SpawnError::EmptyCommand)?;
    let mut program = PathBuf::from(program);
    let start = |program: &Path, source| SpawnError::Start {
        program: program.to_owned(),
        source,
    };
    // The host runs in `/`: paths that mean something here must mean the same there.
    if program.as_os_str().as_bytes().contains(&b'/') {
        program = std::path::absolute(&program).map_err(|source| start(&program, source))?;
    }
    let directory = std::path::absolute(directory).map_err(|source| start(&program, source))?;
    let (mut read_end, write_end) = io::pipe().map_err(|source| start(&program, source))?;

    let mut command = Command::new(&program);
    command.args(args).arg(directory).current_dir("/");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    detach(&mut command, write_end.as_raw_fd());
    let mut middle = command.spawn().map_err(|source| start(&program, source))?;
    drop(write_end);
    // The process in the middle ends as soon as it has forked.
    let waited = middle.wait();
    let mut pid = [0; 4];
    read_end
        .read_exact(&mut pid)
        .map_err(SpawnError::NoProcess)?;
    waited.map_err(SpawnError::NoProcess)?;
    Ok(u32::from_le_bytes(pid))
}

/// Makes the command fork once more before it executes: the child reports the grandchild's id and ends, and the
/// grandchild, which nobody has to wait for, becomes the host.
#[expect(
    unsafe_code,
    reason = "a detached process needs a second fork between fork and exec"
)]
fn detach(command: &mut Command, report_to: RawFd) {
    let highest = getrlimit(Resource::Nofile)
        .current
        .unwrap_or(HIGHEST_DESCRIPTOR)
        .min(HIGHEST_DESCRIPTOR);
    let highest = RawFd::try_from(highest).unwrap_or(RawFd::MAX);
    let run = move || {
        rustix::process::setsid()?;
        // SAFETY: this runs in the forked child, which has one thread; both halves only make system calls.
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error()),
            0 => {}
            // SAFETY: `_exit` ends the middle process without running anything of the parent's.
            _ => unsafe { libc::_exit(0) },
        }
        let pid = rustix::process::getpid()
            .as_raw_nonzero()
            .get()
            .unsigned_abs();
        // SAFETY: the descriptor was inherited through two forks and is open in this process.
        let report = unsafe { BorrowedFd::borrow_raw(report_to) };
        rustix::io::write(report, &pid.to_le_bytes())?;
        close_all_on_exec(highest);
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock: it only makes system calls.
    unsafe { command.pre_exec(run) };
}

/// Marks everything but stdin, stdout and stderr to be closed by `exec`, whoever opened it.
#[expect(
    unsafe_code,
    reason = "descriptors that were inherited by number have no owner"
)]
fn close_all_on_exec(highest: RawFd) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: a system call that only changes flags of this process's descriptors.
        let result = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                3,
                libc::c_uint::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            )
        };
        if result == 0 {
            return;
        }
    }
    for number in 3..highest {
        // SAFETY: a number that is not open gives EBADF, and nothing is closed here.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl_setfd(descriptor.as_fd(), FdFlags::CLOEXEC);
    }
}
