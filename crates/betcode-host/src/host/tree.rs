//! The agent's process tree: nothing of it may outlive the agent, sessions of their own notwithstanding.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::{adopt_orphans, die_with_parent, kill_all};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{adopt_orphans, die_with_parent, kill_all};
