//! Programs that BetCode starts itself from the same file: the agent host and the demo agent. They are told apart before
//! anything else happens, because there is a host for every running agent and it should need next to no memory.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Hosts an agent as the files in a directory say.
pub(crate) const AGENT_HOST: &str = "agent-host";
/// Is the demo agent, on stdin and stdout, with Claude Code's flags.
pub(crate) const DEMO_AGENT: &str = "demo-agent";

/// Runs such a program when the arguments name one.
pub(crate) fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let (program, rest) = arguments.get(1..)?.split_first()?;
    if program == AGENT_HOST {
        return Some(match rest {
            [directory] => betcode_host::run(Path::new(directory)),
            _ => ExitCode::from(64),
        });
    }
    (program == DEMO_AGENT).then(|| betcode_demo::run(rest.iter().cloned()))
}
