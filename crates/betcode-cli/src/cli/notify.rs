//! `betcode notify`: what the user is told, and when they are left alone.

mod act;
mod list;

use betcode_client::{Connection, ListedNotification, Pause};
use betcode_core::time::Timestamp;
use betcode_proto::status::reason;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::answer::nearest_id;
use crate::clock;
use crate::context::Context;
use crate::duration::until;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::nearest::nearest;

const NAME: &str = "betcode notify";

/// See what you are told, and be left alone for a while
#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// List notifications that stand or are held back, and the pause
    List {
        /// As JSON: an object with `notifications` and `snooze`
        #[arg(long)]
        json: bool,
    },
    /// Hold notifications back for some minutes, or until a quota begins anew
    Snooze {
        /// For how long
        length: Length,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End the pause
    Unsnooze {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a notification away
    Dismiss {
        /// The notification's id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Choose something in a notification, such as allow or deny
    ///
    /// On a terminal `log-in` runs the login of the agent there, and `open` opens the session; elsewhere the command that does it
    /// is printed.
    Act {
        /// The notification's id, or the beginning of it
        id: String,
        /// One of its choices: see `betcode notify list`
        choice: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Raise a notification that says nothing, and see whether anything here shows it
    Test {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// How long a pause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Length {
    /// Five minutes
    #[value(name = "5")]
    Five,
    /// A quarter of an hour
    #[value(name = "15")]
    Fifteen,
    /// Half an hour
    #[value(name = "30")]
    Thirty,
    /// Until a quota begins anew
    Reset,
}

impl Length {
    const fn minutes(self) -> u32 {
        match self {
            Self::Five => 5,
            Self::Fifteen => 15,
            Self::Thirty => 30,
            Self::Reset => 0,
        }
    }
}

pub(crate) fn run(args: NotifyArgs, context: &mut Context) -> Result<Exit, Failure> {
    match args.command {
        NotifyCommand::List { json } => list::list(json, context),
        NotifyCommand::Snooze { length, json } => snooze(length, json, context),
        NotifyCommand::Unsnooze { json } => unsnooze(json, context),
        NotifyCommand::Dismiss { id, json } => dismiss(&id, json, context),
        NotifyCommand::Act { id, choice, json } => act::act(&id, &choice, json, context),
        NotifyCommand::Test { json } => test(json, context),
    }
}

fn snooze(length: Length, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let pause = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.snooze(length.minutes()).await?)
    })?;
    if json {
        context.output.json(&json!({"snooze": pause}))?;
    } else if let Some(pause) = pause {
        let what = paused(pause, clock::now());
        context.output.line(&what)?;
    } else {
        context.output.line("the pause is over already")?;
    }
    Ok(Exit::Success)
}

fn unsnooze(json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let changed = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.unsnooze().await?)
    })?;
    if json {
        context
            .output
            .json(&json!({"snooze": null, "changed": changed}))?;
    } else if changed {
        context.output.line("the pause is over")?;
    } else {
        context.output.line("there is no pause")?;
    }
    Ok(Exit::Success)
}

fn dismiss(id: &str, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let (id, found) = with_daemon(context, Policy::Start, async |daemon| {
        let (id, found) = find(&daemon, id).await?;
        daemon.dismiss_notification(id).await?;
        Ok((id, found))
    })?;
    if json {
        context.output.json(&json!({"id": id, "dismissed": true}))?;
    } else {
        let title = &found.notification.title;
        context.output.line(&format!("{title} is taken away"))?;
    }
    Ok(Exit::Success)
}

/// Refuses what cannot be chosen, with what can.
fn check(choice: &str, choices: &[String]) -> Result<(), Failure> {
    if choices.iter().any(|known| known == choice) {
        return Ok(());
    }
    let message = format!("`{choice}` cannot be chosen in this notification");
    let failure = Failure::invalid(reason::NOT_A_CHOICE, message);
    if choices.is_empty() {
        return Err(failure.hint("there is nothing to choose in it"));
    }
    Err(match nearest(choice, choices.iter().map(String::as_str)) {
        Some(meant) => failure.hint(format!("did you mean {meant}?")),
        None => failure.hint(format!("one can choose: {}", choices.join(", "))),
    })
}

fn test(json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let test = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.test_notifications().await?)
    })?;
    if json {
        context.output.json(&test)?;
        return Ok(if test.state == "shown" {
            Exit::Success
        } else {
            Exit::Failure
        });
    }
    let failed = |message: &str, hint: &str| {
        Err(Failure::general("NOTIFICATION_NOT_SHOWN", message).hint(hint))
    };
    match test.state.as_str() {
        "shown" => {
            let told = "a client of this daemon shows the test notification";
            context.output.line(told)?;
            Ok(Exit::Success)
        }
        "claimed" => failed(
            "a client has taken the test notification and not shown it",
            "see what that client says about notifications of the desktop",
        ),
        "held" => {
            let when = test.until.map(|at| until(clock::now(), at));
            let when = when.map(|when| format!(" It is shown {when}."));
            failed(
                &format!(
                    "the test notification was held back: there is a pause, it is a quiet hour, or focus is on.{}",
                    when.unwrap_or_default()
                ),
                "betcode notify list shows a pause; betcode config show the rest (notify.quiet_hours, notify.focus)",
            )
        }
        "off" => failed(
            "test notifications are switched off",
            "betcode config edit: take `test` out of notify.off",
        ),
        _ => failed(
            "no client here shows notifications",
            "what you are told stands in betcode notify list until one does",
        ),
    }
}

/// The notification that an id, or the beginning of one, names.
async fn find(daemon: &Connection, id: &str) -> Result<(u64, ListedNotification), Failure> {
    let listed = daemon.list_notifications().await?;
    let mut known: Vec<(String, u64, ListedNotification)> = listed
        .notifications
        .into_iter()
        .filter_map(|it| it.notification.id.map(|id| (id.to_string(), id, it)))
        .collect();
    let mut fits: Vec<usize> = Vec::new();
    for (place, (text, ..)) in known.iter().enumerate() {
        if text == id {
            fits = vec![place];
            break;
        }
        if !id.is_empty() && text.starts_with(id) {
            fits.push(place);
        }
    }
    match fits[..] {
        [place] => {
            let (_, id, found) = known.swap_remove(place);
            Ok((id, found))
        }
        [] => {
            let message = format!("there is no notification `{id}`; it may be over");
            let failure = Failure::not_found(reason::NOTIFICATION_UNKNOWN, message);
            let meant = nearest_id(id, known.iter().map(|(text, ..)| text.as_str()));
            Err(match meant {
                Some(meant) => failure.hint(format!("did you mean {meant}?")),
                None => failure.hint("betcode notify list shows them"),
            })
        }
        _ => {
            let message = format!("`{id}` fits several notifications");
            Err(Failure::invalid("NOTIFICATION_AMBIGUOUS", message).hint("give more of the id"))
        }
    }
}

/// A pause in a line.
fn paused(pause: Pause, now: Timestamp) -> String {
    match pause.until {
        Some(at) => {
            let minutes = at.since(now).as_secs().div_ceil(60);
            format!("notifications are held back for {minutes} min")
        }
        None => "notifications are held back until a quota begins anew".to_owned(),
    }
}
