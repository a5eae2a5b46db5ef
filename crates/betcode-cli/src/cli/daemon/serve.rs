//! `betcode daemon run`: being the daemon.

use std::process::ExitCode;

use betcode_core::command::Environment;
use betcode_daemon::Options;

use super::ServeArgs;
use crate::cli::hidden::{AGENT_HOST, DEMO_AGENT};
use crate::context::Context;
use crate::error::{Exit, Failure};

/// Runs until a client, a signal or idleness ends it. It tells its own errors.
pub(super) fn serve(context: &Context, args: &ServeArgs) -> Result<Exit, Failure> {
    let ended = betcode_daemon::run(&options(context, args.auto, args.ephemeral)?);
    Ok(if ended == ExitCode::SUCCESS {
        Exit::Success
    } else {
        Exit::Failure
    })
}

/// How a daemon of this context runs.
pub(super) fn options(context: &Context, auto: bool, ephemeral: bool) -> Result<Options, Failure> {
    let profile = context.profile()?;
    let executable = Context::executable()?;
    let program = Context::utf8(&executable)?;
    let (environment, _) = context.environment.for_agents();
    Ok(Options {
        state_dir: profile.state_dir,
        config_dir: profile.config_dir,
        socket: profile.socket,
        host_command: vec![executable.into(), AGENT_HOST.into()],
        demo_command: vec![program, DEMO_AGENT.to_owned()],
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: Environment(environment),
        auto,
        ephemeral,
        test_clock: context.environment.path("BETCODE_TEST_CLOCK"),
    })
}
