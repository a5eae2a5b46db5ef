//! Unix without sub-reapers: the agent's process group is killed. Descendants in sessions of their own are not found.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};

/// There is nothing to arrange here.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

/// There is nothing to arrange here: the agent sees its pipes close.
pub(crate) fn die_with_parent(_host: Pid) -> io::Result<()> {
    Ok(())
}

/// Sends SIGKILL to the group that the agent leads.
pub(crate) fn kill_all(agent: Option<Pid>) {
    if let Some(agent) = agent {
        let _ = kill_process_group(agent, Signal::KILL);
    }
}
