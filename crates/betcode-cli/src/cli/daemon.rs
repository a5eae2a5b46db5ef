//! `betcode daemon`: its life, its log files, the machine feed, and the care for what it keeps.

mod backup;
mod doctor;
mod feed;
mod life;
mod logs;
mod serve;
mod status;
mod tray;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};

pub(super) use life::stop_everything;

/// Start, stop and look at the daemon
#[derive(Debug, Args)]
pub(crate) struct DaemonArgs {
    #[command(subcommand)]
    command: DaemonCommand,
}

#[derive(Debug, Subcommand)]
enum DaemonCommand {
    /// Start a daemon in the background, unless one runs
    Start {
        /// Start the tray as well, unless one runs: the icon in the panel, and notifications with buttons
        #[arg(long)]
        tray: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End the daemon; agents go on in their hosts and the next daemon takes them over
    Stop {
        /// End the agents too
        #[arg(long)]
        agents: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End the daemon and start another one; turns that run go on
    Restart {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show whether a daemon runs, and what it is doing
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Be the daemon, in the foreground
    Run(ServeArgs),
    /// Show the daemon's log file
    Logs {
        /// Stay and show what comes
        #[arg(long)]
        follow: bool,
        /// Show so many lines from the end
        #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
        lines: usize,
    },
    /// Copy everything that lasts into one file, whether a daemon runs or not
    ///
    /// The file holds every session with its whole log, decisions, trusted directories and what waits for an answer, as of
    /// one moment. It may hold secrets that agents printed: only you can read it.
    Backup {
        /// Where to
        file: PathBuf,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a backup in the place of what is there, which is kept under another name
    ///
    /// No daemon and no agent may run: betcode daemon stop --agents ends them. Agents that ran when the backup was made are
    /// taken for lost, and clients begin anew.
    Restore {
        /// A file that betcode daemon backup has written
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look for everything that could be wrong with the state, the log and the daemon, and say what to do
    ///
    /// Exit code 1 when there is a problem. Nothing is changed, and a daemon that runs is not held up.
    Doctor {
        /// Save what can be read of a damaged log: of this file, else of the log that is there. No daemon may run
        #[arg(long, value_name = "FILE", num_args = 0..=1)]
        #[expect(clippy::option_option, reason = "the option, and its value")]
        recover: Option<Option<PathBuf>>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what changes on this machine, one JSON object a line
    Feed(FeedArgs),
}

/// How to be the daemon.
#[derive(Debug, Args)]
struct ServeArgs {
    /// A client started this because no daemon ran: end when nothing needs it
    #[arg(long)]
    auto: bool,
    /// End with the last client
    #[arg(long)]
    ephemeral: bool,
}

/// Which part of the feed to print.
#[derive(Debug, Args)]
struct FeedArgs {
    /// Only entries after this sequence
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// Stay and print what comes, until interrupted
    #[arg(long)]
    follow: bool,
    /// Accepted like everywhere: the feed is always JSON
    #[arg(long, hide = true)]
    json: bool,
}

pub(crate) fn run(args: DaemonArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        DaemonCommand::Start { tray, json } => life::start(context, tray, json),
        DaemonCommand::Stop { agents, json } => life::stop(context, agents, json),
        DaemonCommand::Restart { json } => life::restart(context, json),
        DaemonCommand::Status { json } => status::status(context, json),
        DaemonCommand::Run(args) => serve::serve(context, &args),
        DaemonCommand::Logs { follow, lines } => logs::logs(context, lines, follow),
        DaemonCommand::Backup { file, force, json } => backup::backup(context, &file, force, json),
        DaemonCommand::Restore { file, json } => backup::restore(context, &file, json),
        DaemonCommand::Doctor {
            recover: None,
            json,
        } => doctor::doctor(context, json),
        DaemonCommand::Doctor {
            recover: Some(file),
            json,
        } => doctor::recover(context, file.as_deref(), json),
        DaemonCommand::Feed(args) => feed::feed(&args, context),
    }
}
