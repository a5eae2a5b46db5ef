//! `betcode config`: what is set, where it comes from, and changing it. A file keeps its comments and order.

mod edit;
mod show;

pub(crate) use edit::read as user_file;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};

/// Show and change settings
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting and its value
    Show {
        /// Also show where each value comes from
        #[arg(long)]
        origin: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the value of one setting
    Get {
        /// The setting, such as agents.claude.command
        key: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a setting in your own configuration file
    Set {
        /// The setting, such as agents.claude.command
        key: String,
        /// Its new value
        #[arg(allow_hyphen_values = true)]
        value: String,
        #[command(flatten)]
        file: WhichFile,
    },
    /// Open a configuration file in your editor
    Edit {
        #[command(flatten)]
        file: WhichFile,
    },
    /// Print the path of a configuration file
    Path {
        #[command(flatten)]
        file: WhichFile,
        /// All of them, as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which configuration file; without a flag the user's own.
#[derive(Debug, Clone, Copy, Args)]
struct WhichFile {
    /// The project's file, in this directory
    #[arg(long)]
    project: bool,
    /// Your own file for this project, not for version control
    #[arg(long, conflicts_with = "project")]
    project_local: bool,
}

pub(crate) fn run(args: ConfigArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        ConfigCommand::Show { origin, json } => show::show(context, origin, json),
        ConfigCommand::Get { key, json } => show::get(context, &key, json),
        ConfigCommand::Set { key, value, file } => edit::set(context, &key, &value, file),
        ConfigCommand::Edit { file } => edit::edit(context, file),
        ConfigCommand::Path { file, json } => show::path(context, file, json),
    }
}
