//! The agent as a process: how it is started, and the sentence that says why it could not be.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Pid;

use super::tree;
use crate::spec::Spec;

/// A started agent: its id and our ends of its pipes, all non-blocking.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// Starts the agent in a session of its own. The error is a sentence for people.
pub(crate) fn start(spec: &Spec) -> Result<Process, String> {
    let refused = |reason: String| format!("cannot run {}: {reason}", spec.program);
    check_directory(&spec.cwd).map_err(refused)?;
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .env_clear()
        .envs(spec.env.iter().map(|(key, value)| (key, value)));
    command.current_dir(&spec.cwd);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    enter_session(&mut command);
    let child = command
        .spawn()
        .map_err(|error| refused(reason(spec, &error)))?;
    let pid = Pid::from_child(&child);
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin, child.stdout, child.stderr)
    else {
        return Err(refused("it has no pipes".to_owned()));
    };
    let process = Process {
        pid,
        stdin: stdin.into(),
        stdout: stdout.into(),
        stderr: stderr.into(),
    };
    for pipe in [&process.stdin, &process.stdout, &process.stderr] {
        rustix::io::ioctl_fionbio(pipe, true).map_err(|error| refused(error.to_string()))?;
    }
    Ok(process)
}

#[expect(
    unsafe_code,
    reason = "session and death signal have to be set between fork and exec"
)]
fn enter_session(command: &mut Command) {
    let host = rustix::process::getpid();
    let run = move || {
        rustix::process::setsid()?;
        heed_signals();
        tree::die_with_parent(host)
    };
    // SAFETY: the closure allocates nothing and takes no lock: it only makes system calls.
    unsafe { command.pre_exec(run) };
}

/// What ignores a signal hands that on to its children, and a shell puts even an interrupt off for what it runs in the
/// background. An agent and its tools must be interruptible wherever the daemon came from.
#[expect(unsafe_code, reason = "rustix does not change what signals do")]
fn heed_signals() {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGCHLD,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
    ] {
        // SAFETY: a system call that installs no handler; it cannot fail for these signals.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// A missing directory and a missing program look the same to `exec`.
fn check_directory(cwd: &Path) -> Result<(), String> {
    let name = cwd.display();
    match std::fs::metadata(cwd) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(format!("the working directory {name} is not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("the working directory {name} does not exist"))
        }
        Err(error) => Err(format!(
            "the working directory {name} cannot be entered: {error}"
        )),
    }
}

fn reason(spec: &Spec, error: &io::Error) -> String {
    let is_path = spec.program.contains('/');
    let path = spec.cwd.join(&spec.program);
    match error.kind() {
        io::ErrorKind::NotFound if !is_path => {
            "no program of that name was found in its PATH".to_owned()
        }
        io::ErrorKind::NotFound if path.exists() => {
            "the interpreter it names does not exist".to_owned()
        }
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied if path.is_dir() => "it is a directory".to_owned(),
        io::ErrorKind::PermissionDenied => {
            format!(
                "it is not executable, or the working directory {} may not be entered",
                spec.cwd.display()
            )
        }
        _ => error.to_string(),
    }
}
