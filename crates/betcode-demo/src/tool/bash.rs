//! A shell command in a process group of its own, so that an interrupt reaches all of it.

use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

use super::Ended;
use crate::input::Input;

/// A command that was started.
pub(crate) struct Running {
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

/// Starts `command` in `directory`; its end is sent with `token`.
pub(crate) fn start(
    command: &str,
    directory: &Path,
    token: u64,
    ended: Sender<Input>,
) -> io::Result<Running> {
    let mut shell = shell(command);
    shell
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = shell.spawn()?;
    #[cfg(unix)]
    let group = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    thread::Builder::new()
        .name("tool".to_owned())
        .spawn(move || {
            let output = child.wait_with_output();
            // The agent may have ended, or given the command up: then nobody waits for this.
            let _ = ended.send(Input::Tool(Ended { token, output }));
        })?;
    Ok(Running {
        #[cfg(unix)]
        group,
    })
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).process_group(0);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

impl Running {
    /// Notes that the command has ended: what it left behind in its group is left alone.
    #[cfg_attr(
        not(unix),
        expect(clippy::unused_self, reason = "there is no group to forget")
    )]
    pub(crate) fn ended(&mut self) {
        #[cfg(unix)]
        {
            self.group = None;
        }
    }

    /// Kills the command with all that it started in its process group. Where there are no
    /// process groups, it is left to end by itself.
    #[cfg_attr(
        not(unix),
        expect(clippy::unused_self, reason = "there is no group to kill")
    )]
    pub(crate) fn kill(&self) {
        #[cfg(unix)]
        if let Some(group) = self.group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Running {
    /// A command does not outlive the agent that waits for it.
    fn drop(&mut self) {
        self.kill();
    }
}

/// The exit code as a shell would tell it: 128 and the signal for a command that was killed.
pub(crate) fn exit_code(output: &Output) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = output.status.signal() {
            return 128 + signal;
        }
    }
    output.status.code().unwrap_or(1)
}
