//! The frozen host's agent as a process: started in a session of its own, reaped together with everything below it.

use std::collections::HashMap;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_parent_process_death_signal, setsid, wait,
};

use super::Spec;

/// How the agent process ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) error: Option<String>,
}

/// Starts it. To be called on the thread that lives as long as the host: the agent is to die with that.
#[expect(
    unsafe_code,
    reason = "session and death signal have to be set between fork and exec"
)]
pub(super) fn start(spec: &Spec) -> io::Result<Child> {
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&spec.cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let own_session = || {
        setsid()?;
        Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
    };
    // SAFETY: the closure allocates nothing and takes no lock: it only makes system calls.
    unsafe { command.pre_exec(own_session) };
    command.spawn()
}

/// Waits for the agent, kills what is left below it, and waits for that too.
pub(super) fn reap(agent: u32) -> Ended {
    let mut ended = None;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == agent => {
                ended = Some(Ended {
                    code: status.exit_status(),
                    signal: status.terminating_signal(),
                    error: None,
                });
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return ended.unwrap_or_default(),
        }
        if ended.is_some() {
            kill_tree();
        }
    }
}

/// Kills every descendant of this process.
pub(super) fn kill_tree() {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_string_lossy().parse();
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // Behind the name, which stands in parentheses and may hold anything: the state and the parent.
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let (Ok(pid), Some(parent)) = (pid, parent) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut open = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = open.pop() {
        for pid in children.remove(&parent).unwrap_or_default() {
            open.push(pid);
            if let Some(pid) = Pid::from_raw(pid) {
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
    }
}
