//! The command line: one struct for each command, whose documentation is its help. What a command does is in its file.

pub(crate) mod agent;
mod answer;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod daemon;
pub(crate) mod demo;
mod groups;
pub(crate) mod hidden;
pub(crate) mod keys;
pub(crate) mod lock;
pub(crate) mod man;
pub(crate) mod notify;
mod parse;
pub(crate) mod permission;
pub(crate) mod question;
pub(crate) mod rules;
pub(crate) mod session;
pub(crate) mod trust;
pub(crate) mod usage;

pub(crate) use question::question_line;
pub(crate) use session::{find_session, find_titled};

pub(crate) use parse::{error_form, parse, wants_claude_codes};

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::{self, RunArgs};

const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 agent error or anything not named here, 2 no daemon can be reached,
3 permission denied, 4 rate limited, 64 usage error, 124 timeout, 130 interrupted, 143 terminated";

/// Coding agents behind one daemon: every event is on disk, any number of clients, nothing is lost
///
/// Without a subcommand: say something to an agent in this directory. `betcode demo` shows it without account and network.
#[derive(Debug, Parser)]
#[command(name = "betcode", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) run: RunArgs,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What can be asked for beside a prompt.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Session(session::SessionArgs),
    Permission(permission::PermissionArgs),
    Question(question::QuestionArgs),
    Rules(rules::RulesArgs),
    Lock(lock::LockArgs),
    Audit(audit::AuditArgs),
    Notify(notify::NotifyArgs),
    Usage(usage::UsageArgs),
    Daemon(daemon::DaemonArgs),
    Agent(agent::AgentArgs),
    Config(config::ConfigArgs),
    Trust(trust::TrustArgs),
    Untrust(trust::UntrustArgs),
    Keys(keys::KeysArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// The commands there are.
pub(crate) fn command_names() -> Vec<String> {
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    names.map(str::to_owned).collect()
}

/// Does what the command line asks for.
pub(crate) fn run(cli: Cli, context: &mut Context) -> Result<Exit, Failure> {
    match cli.command {
        None => headless::run(cli.run, context),
        Some(Command::Session(args)) => session::run(args, context),
        Some(Command::Permission(args)) => permission::run(args, context),
        Some(Command::Question(args)) => question::run(args, context),
        Some(Command::Rules(args)) => rules::run(args, context),
        Some(Command::Lock(args)) => lock::run(args, context),
        Some(Command::Audit(args)) => audit::run(&args, context),
        Some(Command::Notify(args)) => notify::run(args, context),
        Some(Command::Usage(args)) => usage::run(args, context),
        Some(Command::Daemon(args)) => daemon::run(args, context),
        Some(Command::Agent(args)) => agent::run(args, context),
        Some(Command::Config(args)) => config::run(args, context),
        Some(Command::Trust(args)) => trust::run(args, context),
        Some(Command::Untrust(args)) => trust::untrust(args, context),
        Some(Command::Keys(args)) => keys::run(&args, context),
        Some(Command::Demo(args)) => demo::run(&args, context),
        Some(Command::Completions(args)) => completions::run(&args, context),
        Some(Command::Man(args)) => man::run(&args, context),
    }
}
