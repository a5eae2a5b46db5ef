//! `betcode permission`: what agents ask to do, and the answers.

mod answer;
mod edit;
mod list;
mod show;

pub(crate) use list::{add_ending, expiry, print};

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};

/// See what agents ask to do, allow it or deny it
#[derive(Debug, Args)]
pub(crate) struct PermissionArgs {
    #[command(subcommand)]
    command: PermissionCommand,
}

#[derive(Debug, Subcommand)]
enum PermissionCommand {
    /// List the requests that wait for an answer, oldest first
    List(ListArgs),
    /// Show everything about a request: the exact input, and what each answer would do
    Show {
        /// The request's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Allow a request: this one call, unless told otherwise
    Allow(AllowArgs),
    /// Deny a request
    Deny(DenyArgs),
}

/// Which requests to list; questions have the same.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this session (its id, or the beginning of it)
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Also those that have been decided or have ended otherwise
    #[arg(long)]
    pub(crate) all: bool,
    /// As JSON: an array of objects
    #[arg(long)]
    pub(crate) json: bool,
}

/// How to allow a request.
#[derive(Debug, Args)]
struct AllowArgs {
    /// The request's id, or the beginning of it
    id: String,
    /// Allow the same for as long as the session lasts
    #[arg(long)]
    session: bool,
    /// Allow the same from now on: writes a rule to .betcode/config.local.toml in the session's directory
    #[arg(long, conflicts_with = "session")]
    always: bool,
    /// Run this input instead: a file with the whole input as a JSON object, - for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["session", "always"])]
    edit: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How to deny a request.
#[derive(Debug, Args)]
struct DenyArgs {
    /// The request's id, or the beginning of it
    id: String,
    /// What the agent is told
    #[arg(
        long,
        short = 'm',
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    message: String,
    /// Stop the turn as well
    #[arg(long)]
    interrupt: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: PermissionArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        PermissionCommand::List(args) => list::list(&args, context),
        PermissionCommand::Show { id, json } => show::show(&id, json, context),
        PermissionCommand::Allow(args) => answer::allow(&args, context),
        PermissionCommand::Deny(args) => answer::deny(args, context),
    }
}
