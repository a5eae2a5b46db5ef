//! `betcode lock`: who may change a session, asking for that, and freeing it.

mod request;
mod status;
mod watch;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};

/// See who holds the input lock of a session, ask for it, free it
///
/// Any number of clients look on; the one that holds the input lock changes the session: messages, cancelling, models.
#[derive(Debug, Args)]
pub(crate) struct LockArgs {
    #[command(subcommand)]
    command: LockCommand,
}

#[derive(Debug, Subcommand)]
enum LockCommand {
    /// Show who holds the input lock and who asks for it
    Status {
        /// The session's id, or the beginning of it
        session: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask for the input lock and hold it until Ctrl-C
    ///
    /// When somebody else asks meanwhile, that is shown: y and Enter hands it over, n and Enter refuses, and without an answer
    /// it is handed over when the time is up. Ends with 0 when the lock was given back, with 1 when it was refused or lost.
    Request {
        /// The session's id, or the beginning of it
        session: String,
    },
    /// Free the input lock when whoever holds it has gone away; otherwise say who holds it
    Release {
        /// The session's id, or the beginning of it
        session: String,
    },
}

pub(crate) fn run(args: LockArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        LockCommand::Status { session, json } => status::status(&session, json, context),
        LockCommand::Request { session } => request::request(&session, context),
        LockCommand::Release { session } => status::release(&session, context),
    }
}
