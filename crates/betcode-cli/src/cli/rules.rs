//! `betcode rules`: what the permission rules say, and where they come from. What they mean is decided by the daemon, the
//! same way as when an agent asks.

mod list;
mod place;
mod test;

pub(super) use list::counts;
pub(super) use place::Places;

use std::path::PathBuf;

use betcode_client::RuleScope;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::MODES;

const EXAMPLES: &str = "\
Examples:
  betcode rules test 'Bash(git push)' 'Edit(src/a.ts)' 'WebFetch(example.com)'
  betcode rules test 'Grep({\"pattern\": \"x\", \"path\": \"/etc\"})'
  printf 'Bash(%s)' \"$command\" | betcode rules test --json -

Exit codes with --exit-code: 0 allow, 3 deny, 5 ask; of several calls the worst";

/// See what the permission rules say about a call, and where they come from
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Say what would happen with a call, and because of which rule; nothing is run
    Test(TestArgs),
    /// List every rule that is written down for this directory, what denies first
    List(ListArgs),
}

/// What to test, and whose rules count.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct TestArgs {
    /// Calls of tools as rules name them: 'Bash(git push)', 'Edit(src/a.ts)'; - reads one from stdin
    #[arg(required = true, value_name = "CALL")]
    calls: Vec<String>,
    /// As JSON: one object for each call, on a line of its own where there are several
    #[arg(long)]
    json: bool,
    /// As if it were called in this directory instead of the current one
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// As if the agent worked in this permission mode
    #[arg(long, value_name = "MODE", value_parser = MODES)]
    permission_mode: Option<String>,
    /// As if these rules were given to -p
    #[arg(long, alias = "allowedTools", value_name = "RULES")]
    allowed_tools: Vec<String>,
    /// As if these rules were given to -p
    #[arg(long, alias = "disallowedTools", value_name = "RULES")]
    disallowed_tools: Vec<String>,
    /// As if this was given to -p: whatever no rule allows is denied
    #[arg(long, alias = "onlyAllowedTools")]
    only_allowed_tools: bool,
    /// In this session (its id, or the beginning of it): its directory, its mode, and what was allowed for it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Let the exit code tell the decision
    #[arg(long)]
    exit_code: bool,
}

/// Which rules to list.
#[derive(Debug, Args)]
struct ListArgs {
    /// Also show where each rule comes from
    #[arg(long)]
    origin: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Those for this directory instead of the current one
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
}

pub(crate) fn run(args: RulesArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        RulesCommand::Test(args) => test::test(args, context),
        RulesCommand::List(args) => list::list(&args, context),
    }
}

/// The rules that count in a directory for whoever runs this program.
pub(super) fn scope(context: &Context, cwd: String) -> RuleScope {
    RuleScope {
        cwd,
        environment: context.environment.for_agents().0,
        ..RuleScope::default()
    }
}

/// The directory that was named, or the current one.
fn directory(context: &Context, named: Option<&PathBuf>) -> Result<String, Failure> {
    let directory = match named {
        Some(directory) => directory.clone(),
        None => context.cwd()?,
    };
    Context::utf8(&context.directory(&directory)?)
}
