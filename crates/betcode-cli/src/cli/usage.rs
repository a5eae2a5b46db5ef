//! `betcode usage`: how much of the plans is used, when it begins anew, and what is wrong with where that is read.

mod day;
mod doctor;
mod history;
mod overview;
mod plot;
mod stage;
mod statusline;
mod watch;

use std::ffi::OsString;
use std::time::Duration;

use betcode_client::{CallError, Connection, UsageAccount, UsageHistory};
use betcode_core::config::{self, ConfigError, Layer, Reason, Source, WindowChoice};
use betcode_core::time::Timestamp;
use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;
use usage_core::format::Paint;
use usage_core::planner::State;

use super::config::user_file;
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::{say, say_over};
use overview::Overview;
pub(super) use overview::command_line;

/// How long a person waits for the first numbers of all.
const FIRST_NUMBERS: Duration = Duration::from_secs(15);
/// Whoever waits longer than this is told for what.
const SAID_AFTER: Duration = Duration::from_secs(1);
/// A page that nobody looks at on a terminal has so many columns.
const PLAIN_WIDTH: usize = 80;

/// See how much of your plans is used, when that begins anew, and whether it lasts
///
/// Answers at once, from what was read last. Numbers come from Claude Code and Codex themselves; no token is touched unless
/// you switch that on. docs/usage.md says where they come from, and has snippets for status lines and panels.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct UsageArgs {
    #[command(subcommand)]
    command: Option<UsageCommand>,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    past: Past,
    #[command(flatten)]
    line: Line,
}

#[derive(Debug, Subcommand)]
enum UsageCommand {
    /// Look for what is wrong with where the numbers come from, and say what to do
    ///
    /// Exit code 1 when there is an error. Never prints a token.
    Doctor {
        /// As JSON: an array of objects
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct When {
    /// Stay and show what changes, until interrupted; daemons may come and go meanwhile
    #[arg(long)]
    watch: bool,
    /// Ask the sources first, and wait for what they say
    #[arg(long)]
    refresh: bool,
}

#[derive(Debug, Args)]
struct Form {
    /// As JSON: an object with `state` and `readings`; with --watch one on a line for every change
    #[arg(long)]
    json: bool,
    /// One line, for a panel or a status line
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Format>,
    /// Which window: the one that a line is about, or that is the text of Waybar (otherwise as usage.window says)
    #[arg(long, value_name = "WINDOW", requires = "format")]
    window: Option<Choice>,
}

#[derive(Debug, Args)]
struct Past {
    /// Show how the use went, window by window
    #[arg(long, conflicts_with_all = ["watch", "refresh", "format"])]
    history: bool,
    /// How much of the past
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, requires = "history", default_value = "7d")]
    since: Duration,
}

#[derive(Debug, Args)]
struct Line {
    /// Read what Claude Code gives to the command of its status line, hand it to the daemon, and print one short line
    ///
    /// Starts no daemon and never fails: errors are told on stderr.
    #[arg(long, conflicts_with_all = ["watch", "refresh", "json", "format", "history"])]
    statusline: bool,
    /// A command of your own: it gets the same input, and its output comes before the line
    #[arg(last = true, value_name = "COMMAND", requires = "statusline")]
    command: Vec<OsString>,
}

/// For whom a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON with `text`, `tooltip`, `class` and `percentage`
    Waybar,
    /// With tmux's own marks for colours
    Tmux,
    /// Plain, coloured on a terminal
    Line,
}

/// Which window is shown where there is place for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
    /// The one that bites first
    Tightest,
    /// That of hours
    Session,
    /// That of the week
    Weekly,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Page { width: usize, paint: Paint },
    Json,
    Line(Paint),
    Waybar,
}

/// What the user prefers.
#[derive(Debug, Clone, Copy, Default)]
struct Taste {
    goal: Option<u32>,
    choice: Option<Choice>,
}

pub(crate) fn run(args: UsageArgs, context: &mut Context) -> Result<Exit, Failure> {
    if let Some(UsageCommand::Doctor { json }) = args.command {
        return doctor::doctor(json, context);
    }
    if args.line.statusline {
        return Ok(statusline::run(args.line.command, context));
    }
    if args.past.history {
        return history::history(args.past.since, args.form.json, context);
    }
    let taste = taste(&args.form, context)?;
    let look = look(&args.form, context);
    if args.when.watch {
        return watch::run(args.when.refresh, look, taste, context);
    }
    show(args.when.refresh, look, taste, context)
}

/// What the flags and the user's own settings say. What is wrong with the settings is told, and holds nobody up.
fn taste(form: &Form, context: &Context) -> Result<Taste, Failure> {
    let path = context.profile()?.config_dir.join(config::USER_FILE);
    let text = user_file(&path)?;
    let file = Source::file(Layer::User, path.display().to_string(), text);
    let resolution = config::resolve(&[file], false);
    for error in resolution.errors.iter().filter(|it| is_about_usage(it)) {
        say(&format!("warning: {error}"));
    }
    let usage = resolution.config.usage;
    let window = match usage.window {
        WindowChoice::Tightest => Choice::Tightest,
        WindowChoice::Session => Choice::Session,
        WindowChoice::Weekly => Choice::Weekly,
    };
    // A line has place for several.
    let window = (form.format == Some(Format::Waybar)).then_some(window);
    Ok(Taste {
        goal: usage.daily_goal,
        choice: form.window.or(window),
    })
}

fn is_about_usage(error: &ConfigError) -> bool {
    match &error.reason {
        Reason::Syntax { .. } => true,
        Reason::UnknownKey { key, .. }
        | Reason::Section { key, .. }
        | Reason::BadValue { key, .. } => key == "usage" || key.starts_with("usage."),
        Reason::BadName { .. } | Reason::UntrustedAgent { .. } => false,
    }
}

fn look(form: &Form, context: &Context) -> Look {
    let paint = if context.output.colours() {
        Paint::Ansi
    } else {
        Paint::Plain
    };
    match form.format {
        _ if form.json => Look::Json,
        Some(Format::Waybar) => Look::Waybar,
        Some(Format::Tmux) => Look::Line(Paint::Tmux),
        Some(Format::Line) => Look::Line(paint),
        None => Look::Page {
            width: width(context),
            paint,
        },
    }
}

/// The columns that there are.
fn width(context: &Context) -> usize {
    if !context.output.is_terminal() {
        return PLAIN_WIDTH;
    }
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    sensible(columns)
}

/// A width in which a page can be read.
fn sensible(columns: usize) -> usize {
    match columns {
        0 => PLAIN_WIDTH,
        columns => columns.clamp(40, 200),
    }
}

/// What is known, and what today's share needs of the past.
struct Known {
    accounts: Vec<UsageAccount>,
    past: Vec<UsageHistory>,
}

impl Known {
    fn text(&self, look: Look, taste: Taste, now: Timestamp, zone: &TimeZone) -> String {
        Overview {
            accounts: &self.accounts,
            days: &day::days(&self.accounts, &self.past, taste.goal, now, zone),
            choice: taste.choice,
            now,
            zone,
        }
        .text(look)
    }
}

/// Today's share is not worth an error: a line less is shown then.
async fn past(daemon: &Connection, look: Look, zone: &TimeZone) -> Vec<UsageHistory> {
    let Look::Page { .. } = look else {
        return Vec::new();
    };
    let Some(since) = day::since(clock::now(), zone) else {
        return Vec::new();
    };
    let history = daemon.usage_history(Some(since)).await;
    history.unwrap_or_default()
}

fn show(refresh: bool, look: Look, taste: Taste, context: &mut Context) -> Result<Exit, Failure> {
    let zone = TimeZone::system();
    let waits = matches!(look, Look::Page { .. });
    let known = with_daemon(context, Policy::Start, async |daemon| {
        let asks = async {
            let accounts = if refresh {
                daemon.refresh_usage("", "").await?
            } else {
                daemon.usage().await?
            };
            if waits && is_loading(&accounts) {
                return first_numbers(&daemon, accounts).await;
            }
            Ok(accounts)
        };
        let accounts = patiently(asks).await?;
        let past = past(&daemon, look, &zone).await;
        Ok(Known { accounts, past })
    })?;
    if look == Look::Json {
        context.output.json(&overview::json(&known.accounts))?;
    } else {
        let text = known.text(look, taste, clock::now(), &zone);
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

/// Says what is waited for, where somebody looks and it takes a while.
async fn patiently<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(SAID_AFTER, &mut work).await {
        return done;
    }
    let is_said = say_over("asking the agent for its numbers …");
    let done = work.await;
    if is_said {
        say_over("");
    }
    done
}

/// Whether nothing is known and something soon will be.
fn is_loading(accounts: &[UsageAccount]) -> bool {
    let nothing = accounts.iter().all(|it| it.readings.is_empty());
    nothing && accounts.iter().any(|it| it.state == State::Loading)
}

/// Waits for the first numbers of all, for a while.
async fn first_numbers(
    daemon: &Connection,
    mut known: Vec<UsageAccount>,
) -> Result<Vec<UsageAccount>, CallError> {
    use futures_util::StreamExt as _;
    let mut changes = std::pin::pin!(daemon.watch_usage().await?);
    let wait = async {
        while is_loading(&known) {
            match changes.next().await {
                Some(accounts) => known = accounts?,
                None => break,
            }
        }
        Ok::<(), CallError>(())
    };
    let waited = tokio::time::timeout(FIRST_NUMBERS, wait).await;
    waited.unwrap_or(Ok(()))?;
    Ok(known)
}
