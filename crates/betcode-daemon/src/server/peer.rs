//! Who is at the other end of a connection, and what processes inside an agent may not do: decide about the agent. Best
//! effort: a process that makes another program, one that runs already, act for it is not seen.
//!
//! Where it comes from is looked up when it matters, not at every connection:
//!
//! 1. The kernel says which process connected; its start time is kept, so that another one with its id is told apart.
//! 2. Its parents are followed upward. An agent's host is the parent of whoever loses its own below it, so no process of an
//!    agent gets out from under it.
//! 3. The way ends at a host of this daemon (inside), or at the top (outside). A process that has ended, or whose way
//!    cannot be followed, may have been inside and counts as such.
//!
//! A process of another container, of which the kernel gives no id here, is outside. Where there is no `/proc`, nothing is
//! checked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use betcode_core::command::{Action, Command, Rejected};
use betcode_core::event::TurnPolicy;
use betcode_core::id::HostEpoch;
use betcode_host::remains;
use tokio::net::UnixStream;

use crate::machine::Machine;

/// The process that connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Zero where the kernel knows no id of it here.
    pid: u32,
    started: Option<u64>,
}

/// Where a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Outside,
    Inside(HostEpoch),
    /// It has ended, or its way up changes all the time.
    Unknown,
}

impl Peer {
    /// Whoever opened this connection.
    pub(crate) fn of(stream: &UnixStream) -> Self {
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
        let pid = pid.and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
        Self {
            pid,
            started: proc::stat(pid).map(|stat| stat.started),
        }
    }

    /// Refuses what an agent may not do, whosever agent it is.
    pub(crate) async fn keep_out(
        self,
        state_dir: &Path,
        what: &'static str,
    ) -> Result<(), Rejected> {
        match self.standing(state_dir.join("hosts")).await {
            Standing::Outside => Ok(()),
            Standing::Inside(_) | Standing::Unknown => Err(Rejected::InsideAgent(what)),
        }
    }

    async fn standing(self, hosts: PathBuf) -> Standing {
        if !proc::IS_THERE || self.pid == 0 {
            return Standing::Outside;
        }
        let looked = tokio::task::spawn_blocking(move || {
            let Some(started) = self.started else {
                return Standing::Unknown;
            };
            standing(self.pid, started, &living(&hosts))
        });
        looked.await.unwrap_or(Standing::Unknown)
    }
}

/// True for a process inside an agent, whichever daemon's it is, or one that may be: told by the program that hosts it,
/// because a variable that names another state directory must not make a difference.
pub fn is_inside_an_agent(pid: u32) -> bool {
    let host = |pid| proc::is_agent_host(pid).then_some(HostEpoch(uuid::Uuid::nil()));
    match proc::stat(pid) {
        _ if !proc::IS_THERE => false,
        Some(stat) => search(pid, stat.started, &host) != Standing::Outside,
        None => true,
    }
}

/// Refuses commands by which an agent would decide about itself.
pub(crate) async fn guard(
    peer: Option<Peer>,
    machine: &Arc<Machine>,
    command: &Command,
) -> Result<(), Rejected> {
    // Without a process there is nobody to follow: such a connection was let in by other means.
    let Some(peer) = peer else {
        return Ok(());
    };
    let state_dir = &machine.settings().state_dir;
    match sensitive(&command.action) {
        None => Ok(()),
        Some(Sensitive::Always(what)) => peer.keep_out(state_dir, what).await,
        Some(Sensitive::ForItself(what)) => {
            let epoch = match peer.standing(state_dir.join("hosts")).await {
                Standing::Outside => return Ok(()),
                Standing::Unknown => return Err(Rejected::InsideAgent(what)),
                Standing::Inside(epoch) => epoch,
            };
            let hosts = machine.store().live_hosts().await;
            let hosts = hosts.map_err(|error| Rejected::Unavailable(error.to_string()))?;
            // A host that no session has any more is not trusted with any.
            let mut its = hosts.iter().filter(|host| host.epoch == epoch);
            if its
                .next()
                .is_some_and(|host| host.session != command.session)
            {
                Ok(())
            } else {
                Err(Rejected::InsideAgent(what))
            }
        }
    }
}

enum Sensitive {
    /// No agent may, not for another one either.
    Always(&'static str),
    /// No agent may for itself; one that uses another one in its work may.
    ForItself(&'static str),
}

fn sensitive(action: &Action) -> Option<Sensitive> {
    match action {
        Action::AnswerPermission { .. } => Some(Sensitive::Always("answer requests")),
        Action::AnswerQuestion { .. } => Some(Sensitive::Always("answer questions")),
        Action::RequestLock | Action::ReleaseLock | Action::AnswerLock { .. } => {
            Some(Sensitive::Always("change who holds the input lock"))
        }
        Action::SetPermissionMode { .. } => Some(Sensitive::Always("change a permission mode")),
        Action::Configure(_) => Some(Sensitive::Always("change how an agent is started")),
        Action::Message { policy, .. } if grants(policy) => {
            Some(Sensitive::ForItself("say what it may do without asking"))
        }
        // What the message may do was said when it was sent.
        Action::SendAgain { .. } | Action::EditQueued { .. } => {
            Some(Sensitive::ForItself("send itself messages of the user"))
        }
        Action::RemoveQueued { .. }
        | Action::Compact { .. }
        | Action::Clear
        | Action::Close
        | Action::Delete => Some(Sensitive::ForItself("remove what its user said or saw")),
        Action::Start(_)
        | Action::Message { .. }
        | Action::Reopen { .. }
        | Action::Cancel
        | Action::StopTask { .. }
        | Action::SetModel { .. }
        | Action::Rename { .. } => None,
    }
}

fn grants(policy: &TurnPolicy) -> bool {
    !policy.allowed_tools.is_empty() || policy.wait_ms.is_some()
}

/// The hosts that live below this directory, by process.
fn living(hosts: &Path) -> HashMap<u32, HostEpoch> {
    let entries = std::fs::read_dir(hosts).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let epoch = entry.file_name().to_str()?.parse().ok()?;
            let pid = remains::holder(&entry.path()).ok()??;
            Some((pid, epoch))
        })
        .collect()
}

/// How often one begins again when processes end on the way.
const ATTEMPTS: usize = 32;
/// How far up one goes at most: real trees are far lower.
const HEIGHT: usize = 1024;

fn standing(pid: u32, started: u64, hosts: &HashMap<u32, HostEpoch>) -> Standing {
    search(pid, started, &|pid| hosts.get(&pid).copied())
}

fn search(pid: u32, started: u64, host: &impl Fn(u32) -> Option<HostEpoch>) -> Standing {
    (0..ATTEMPTS)
        .find_map(|_| climb(pid, started, host))
        .unwrap_or(Standing::Unknown)
}

/// One way up; none when it changed meanwhile.
fn climb(pid: u32, started: u64, host: &impl Fn(u32) -> Option<HostEpoch>) -> Option<Standing> {
    let Some(stat) = proc::stat(pid).filter(|stat| stat.started == started) else {
        return Some(Standing::Unknown);
    };
    let (mut at, mut below) = (pid, stat);
    for _ in 0..HEIGHT {
        if let Some(epoch) = host(at).or_else(|| host(below.parent)) {
            return Some(Standing::Inside(epoch));
        }
        if below.parent <= 1 {
            return Some(Standing::Outside);
        }
        match proc::stat(below.parent) {
            Some(stat) if stat.started <= below.started => {
                (at, below) = (below.parent, stat);
            }
            // A parent is older. This is another process with its id, or there is none that one may look at. If it is the
            // parent all the same, it belongs to another user and is no host; otherwise it has ended meanwhile.
            _ if proc::stat(at) == Some(below) => return Some(Standing::Outside),
            _ => return None,
        }
    }
    Some(Standing::Unknown)
}

/// What the kernel tells about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// In ticks since the machine came up.
    started: u64,
}

#[cfg(target_os = "linux")]
mod proc {
    use super::Stat;

    pub(super) const IS_THERE: bool = true;

    /// None where there is no such process, or none that one may look at.
    pub(super) fn stat(pid: u32) -> Option<Stat> {
        parse(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// True for a process that was started as `betcode agent-host …`.
    pub(super) fn is_agent_host(pid: u32) -> bool {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"agent-host".as_slice())
    }

    /// The program's name, in brackets, may hold anything, brackets included.
    pub(super) fn parse(stat: &[u8]) -> Option<Stat> {
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace().skip(1);
        Some(Stat {
            parent: fields.next()?.parse().ok()?,
            started: fields.nth(17)?.parse().ok()?,
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod proc {
    use super::Stat;

    pub(super) const IS_THERE: bool = false;

    pub(super) const fn stat(_: u32) -> Option<Stat> {
        None
    }

    pub(super) const fn is_agent_host(_: u32) -> bool {
        false
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
