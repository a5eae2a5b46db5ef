//! `betcode session`: the sessions of this machine and their logs.

mod clear;
mod compact;
mod events;
mod fullness;
mod import;
mod list;
mod payload;
mod queue;
mod reopen;
mod resolve;
mod search;
mod task;

pub(crate) use resolve::{find as find_session, find_titled};

use std::path::PathBuf;

use betcode_core::command::Action;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};

/// List and search sessions, read their logs, import, stop turns, compact, close, resume and delete them
#[derive(Debug, Args)]
pub(crate) struct SessionArgs {
    #[command(subcommand)]
    command: SessionCommand,
}

#[derive(Debug, Subcommand)]
enum SessionCommand {
    /// List the sessions of this machine, newest first
    List(ListArgs),
    /// Find what was said, in any session
    Search(SearchArgs),
    /// Show one session
    Show {
        /// The session's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the conversations that Claude Code had by itself, or go on with one here
    Import(ImportArgs),
    /// Print the session's log, one JSON object a line
    Events(EventsArgs),
    /// Print the whole of a field that an event shows as a preview
    Payload {
        /// The session's id, or the beginning of it
        id: String,
        /// The event's sequence
        sequence: u64,
        /// The field, as the event's `previews` name it
        field: String,
    },
    /// Ask a session's agent how full its context is
    Context {
        /// The session's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a session another title
    Rename {
        /// The session's id, or the beginning of it
        id: String,
        /// The new title
        title: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the agent compact its context, and wait until it has
    Compact {
        /// The session's id, or the beginning of it
        id: String,
        /// Remove the log before that, too
        #[arg(long)]
        trim: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the agent forget the conversation, and remove the log so far
    Clear {
        /// The session's id, or the beginning of it
        id: String,
        /// Do not ask whether that is meant
        #[arg(long, short = 'y')]
        yes: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a closed session usable again, with this terminal's environment for its agent
    Resume {
        /// The session's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the messages that wait until the agent is ready; change, remove or send one again
    Queue(QueueArgs),
    /// Stop the turn that runs; an agent that does not listen to that is ended
    Cancel {
        /// The session's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop something that a session's agent does in the background
    StopTask {
        /// The session's id, or the beginning of it
        id: String,
        /// The task's id, or the beginning of it, as `session show` names it; without one, the only task there is
        task: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a session's agent; its log stays
    Close {
        /// The session's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a session with its log
    Delete {
        /// The session's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which sessions to list.
#[derive(Debug, Args)]
struct ListArgs {
    /// As JSON: an array of objects
    #[arg(long)]
    json: bool,
    /// Only sessions of this directory
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    cwd: Option<PathBuf>,
    /// At most so many
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
}

/// What to look for.
#[derive(Debug, Args)]
struct SearchArgs {
    /// Words that all occur in one message, answer or call of a tool; the last one may be the beginning of a word
    ///
    /// What stands between quotation marks must occur as it is: betcode session search '"exit code 1" login'. Case does not
    /// matter.
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// As JSON: an array of objects
    #[arg(long)]
    json: bool,
    /// Only in sessions of this directory
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// At most so many sessions
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// What to import.
#[derive(Debug, Args)]
struct ImportArgs {
    /// Claude Code's id of the conversation, or the beginning of it; without one, what there is is listed
    id: Option<String>,
    /// The newest one
    #[arg(long, conflicts_with = "id")]
    last: bool,
    /// The directory in which it was had, instead of this one
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// List at most so many; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Which part of a log to print.
#[derive(Debug, Args)]
struct EventsArgs {
    /// The session's id, or the beginning of it
    id: String,
    /// Only events after this sequence
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// Stay and print what comes, until interrupted
    #[arg(long)]
    follow: bool,
    /// Join the pieces of finished messages
    #[arg(long, conflicts_with = "follow")]
    coalesced: bool,
    /// Accepted like everywhere: events are always JSON
    #[arg(long, hide = true)]
    json: bool,
}

/// What to do with the queue.
#[derive(Debug, Args)]
struct QueueArgs {
    /// The session's id, or the beginning of it
    id: String,
    /// Give a message another text
    #[arg(long, value_names = ["MESSAGE_ID", "TEXT"], num_args = 2, conflicts_with_all = ["remove", "send_again"])]
    edit: Option<Vec<String>>,
    /// Take a message out of the queue, or let one go of which it is not known whether the agent received it
    #[arg(long, value_name = "MESSAGE_ID", conflicts_with = "send_again")]
    remove: Option<String>,
    /// Send a message again of which it is not known whether the agent received it
    #[arg(long, value_name = "MESSAGE_ID")]
    send_again: Option<String>,
    /// As JSON: an array of objects
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: SessionArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        SessionCommand::List(args) => list::list(&args, context),
        SessionCommand::Search(args) => search::search(&args, context),
        SessionCommand::Show { id, json } => list::show(&id, json, context),
        SessionCommand::Import(args) => import::import(args, context),
        SessionCommand::Events(args) => events::events(&args, context),
        SessionCommand::Payload {
            id,
            sequence,
            field,
        } => payload::payload(&id, sequence, &field, context),
        SessionCommand::Context { id, json } => fullness::fullness(&id, json, context),
        SessionCommand::Compact { id, trim, json } => compact::compact(&id, trim, json, context),
        SessionCommand::Clear { id, yes, json } => clear::clear(&id, yes, json, context),
        SessionCommand::Resume { id, json } => reopen::reopen(&id, json, context),
        SessionCommand::Queue(args) => queue::queue(&args, context),
        SessionCommand::Rename { title, .. } if title.trim().is_empty() => {
            Err(Failure::usage("the new title is empty"))
        }
        SessionCommand::Rename { id, title, json } => {
            list::change(&id, Action::Rename { title }, json, context)
        }
        SessionCommand::Cancel { id, json } => list::change(&id, Action::Cancel, json, context),
        SessionCommand::StopTask { id, task, json } => {
            task::stop(&id, task.as_deref(), json, context)
        }
        SessionCommand::Close { id, json } => list::change(&id, Action::Close, json, context),
        SessionCommand::Delete { id, json } => list::change(&id, Action::Delete, json, context),
    }
}
