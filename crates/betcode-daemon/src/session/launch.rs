//! Starting an agent's host: from the session's options to a directory with a spec in it and a process.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use betcode_agents::launch::{Restraints, Start, arguments};
use betcode_core::command::{Environment, LaunchOptions};
use betcode_core::event::SessionInfo;
use betcode_core::id::HostEpoch;
use betcode_host::remains;
use betcode_host::spec::Spec;

use crate::agent::Resolved;

/// Names an agent's host in the environment of the agent and of whatever it starts: when the host is killed, nothing else says
/// what belonged to it. No setting, and not passed on to a daemon that is started from there.
pub(super) const MARK: &str = "IN_BETCODE_AGENT";

/// Where the host of this epoch lives.
pub(super) fn directory(state_dir: &Path, host: HostEpoch) -> PathBuf {
    state_dir.join("hosts").join(host.to_string())
}

/// What the host is to run.
pub(super) fn spec(
    resolved: &Resolved,
    info: &SessionInfo,
    (options, start, restraints): (&LaunchOptions, Start, &Restraints),
    environment: &Environment,
) -> Spec {
    let kind = resolved.kind;
    let launch = arguments(kind, options, &info.agent_session, start, restraints);
    let mut env = environment.0.clone();
    env.extend(launch.environment);
    env.extend(resolved.environment.iter().cloned());
    let mut command = resolved.command.iter().cloned();
    let program = command.next().unwrap_or_default();
    Spec {
        args: command.chain(launch.arguments).collect(),
        env: env.into_iter().collect(),
        ..Spec::new(program, &info.cwd)
    }
}

/// Makes the directory and starts the host. Repeating it is harmless: a directory starts one agent in its life, and none when
/// a host has said there that it could not.
pub(super) fn start(directory: &Path, spec: &Spec, host_command: &[OsString]) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| blocked(directory).unwrap_or(error))?;
    if remains::was_started(directory)? || remains::read_exit(directory)?.is_some() {
        return Ok(());
    }
    let mut spec = spec.clone();
    if let Some(name) = directory.file_name().and_then(|name| name.to_str()) {
        spec.env.retain(|(variable, _)| variable != MARK);
        spec.env.push((MARK.to_owned(), name.to_owned()));
    }
    spec.write(directory)?;
    betcode_host::spawn(host_command, directory).map_err(io::Error::other)?;
    Ok(())
}

/// What is in the way of a directory, and what to do about it.
fn blocked(directory: &Path) -> Option<io::Error> {
    let mut above = directory.ancestors();
    let file = above.find(|path| path.metadata().is_ok_and(|data| !data.is_dir()))?;
    let file = file.display();
    Some(io::Error::other(format!(
        "{file} is no directory; rename or remove it"
    )))
}
