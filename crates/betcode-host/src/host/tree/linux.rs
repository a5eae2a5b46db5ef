//! Linux: the host is a sub-reaper, so whoever loses its parent becomes the host's child, and the whole tree can be
//! found below the host's own id in `/proc`. Killing is repeated by the caller until no child is left: a process that
//! was forked behind our back shows up at the latest when its parent has died.

use std::collections::HashMap;
use std::io;

use rustix::process::{
    Pid, Signal, getpid, getppid, kill_process, set_child_subreaper,
    set_parent_process_death_signal,
};

/// Makes this process the new parent of every descendant that loses its own.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Called in the agent between fork and exec: it is killed when the host dies. A signal that it may heed would give it time
/// to take the loss of its pipes for an answer: Claude Code then denies the tool that waits, and goes on unrecorded.
pub(crate) fn die_with_parent(host: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The host may have died before the call above.
    if getppid() == Some(host) {
        Ok(())
    } else {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

/// Sends SIGKILL to every living descendant of this process.
pub(crate) fn kill_all(_agent: Option<Pid>) {
    for pid in descendants(getpid()) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for (pid, parent) in processes() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for pid in children.remove(&parent).unwrap_or_default() {
            found.push(pid);
            open.push(pid);
        }
    }
    found
}

/// Every process and its parent.
fn processes() -> impl Iterator<Item = (Pid, Pid)> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read(entry.path().join("stat")).ok()?;
            Some((Pid::from_raw(pid)?, parent(&stat)?))
        })
}

/// The parent in a line of `/proc/PID/stat`. The program's name before it may hold anything, brackets included.
fn parent(stat: &[u8]) -> Option<Pid> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    Pid::from_raw(rest.split_ascii_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_brackets_and_blanks_does_not_hide_the_parent() {
        assert_eq!(parent(b"12 (a) R 9 (x) S 77 12 12 0"), Pid::from_raw(77));
        assert_eq!(parent(b"12 (a) S"), None);
        assert_eq!(parent(b""), None);
    }

    #[test]
    fn every_process_but_the_first_has_its_parent_in_the_list() {
        let own = getpid();
        assert!(processes().any(|(pid, parent)| pid == own && Some(parent) == getppid()));
    }
}
