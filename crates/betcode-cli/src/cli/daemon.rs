//! `betcode daemon`: its life, its log files, and the machine feed.

mod feed;
mod life;
mod logs;
mod serve;
mod status;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};

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
        DaemonCommand::Start { json } => life::start(context, json),
        DaemonCommand::Stop { agents, json } => life::stop(context, agents, json),
        DaemonCommand::Restart { json } => life::restart(context, json),
        DaemonCommand::Status { json } => status::status(context, json),
        DaemonCommand::Run(args) => serve::serve(context, &args),
        DaemonCommand::Logs { follow, lines } => logs::logs(context, lines, follow),
        DaemonCommand::Feed(args) => feed::feed(&args, context),
    }
}
