//! `betcode completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;
use crate::context::Context;
use crate::error::{Exit, Failure};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "bash: eval \"$(betcode completions bash)\"   fish: betcode completions fish | source"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, context: &mut Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "betcode", &mut script);
    context.output.write(&script)?;
    Ok(Exit::Success)
}
