//! `betcode trust` and `betcode untrust`.

use std::path::{Path, PathBuf};

use betcode_client::{CallError, ConnectError, Connection, ListedRule, RuleList, Trusted};
use clap::Args;
use serde_json::json;

use super::rules::{Places, counts, scope};
use crate::clock;
use crate::context::Context;
use crate::duration::ago;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on, with_daemon};
use crate::output::say;
use crate::table::Table;

/// Let the settings that come with a directory decide what is run there
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The directory; without it the current one
    #[arg(conflicts_with = "list")]
    dir: Option<PathBuf>,
    /// List the trusted directories
    #[arg(long)]
    list: bool,
    /// Only say whether it is trusted, and what does not count because it is not
    #[arg(long, conflicts_with = "list")]
    status: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// No longer let the settings that come with a directory decide what is run there
#[derive(Debug, Args)]
pub(crate) struct UntrustArgs {
    /// The directory; without it the current one
    dir: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: TrustArgs, context: &mut Context) -> Result<Exit, Failure> {
    if args.list {
        list(args.json, context)
    } else if args.status {
        status(args.dir, args.json, context)
    } else {
        set(args.dir, true, args.json, context)
    }
}

pub(crate) fn untrust(args: UntrustArgs, context: &mut Context) -> Result<Exit, Failure> {
    set(args.dir, false, args.json, context)
}

fn set(
    dir: Option<PathBuf>,
    trusted: bool,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let directory = match dir {
        Some(dir) if trusted => context.directory(&dir)?,
        // What is gone can still be untrusted.
        Some(dir) => context
            .directory(&dir)
            .or_else(|_| crate::profile::absolute(&context.environment, &dir))?,
        None => context.cwd()?,
    };
    let directory = Context::utf8(&directory)?;
    let scope = scope(context, directory.clone());
    let (directory, changed, before, after) =
        with_daemon(context, Policy::Start, async |daemon| {
            let before = rules(&daemon, scope.clone()).await?;
            let (directory, changed) = daemon.set_trust(&directory, trusted).await?;
            let after = rules(&daemon, scope).await?;
            Ok((directory, changed, before, after))
        })?;
    // What counts on one side of the change only.
    let (less, more) = if trusted {
        (before.as_ref(), after.as_ref())
    } else {
        (after.as_ref(), before.as_ref())
    };
    let moved: Vec<&ListedRule> = counting(more)
        .filter(|rule| !counting(less).any(|other| other == *rule))
        .collect();
    if json {
        context.output.json(
            &json!({"directory": directory, "trusted": trusted, "changed": changed, "rules": moved}),
        )?;
        return Ok(Exit::Success);
    }
    if trusted && holds_everything(context, Path::new(&directory)) {
        say("warning: this trusts every project below it, also those that are cloned later");
    }
    let state = if trusted { "trusted" } else { "not trusted" };
    let when = if changed { "now" } else { "already" };
    context
        .output
        .line(&format!("{directory} is {when} {state}"))?;
    if !moved.is_empty() {
        let how = if trusted { "now" } else { "no longer" };
        let rules = counts(&moved, &Places::new(context)).join(", ");
        let shown = if trusted {
            " (betcode rules list --origin shows them)"
        } else {
            ""
        };
        context
            .output
            .line(&format!("{how} count: {rules}{shown}"))?;
    }
    Ok(Exit::Success)
}

fn holds_everything(context: &Context, directory: &Path) -> bool {
    let home = context.environment.path("HOME");
    let home = home.and_then(|home| home.canonicalize().ok());
    directory.parent().is_none() || home.as_deref() == Some(directory)
}

/// The rules of a directory; what there is to say of trust does not fail with them.
async fn rules(
    daemon: &Connection,
    scope: betcode_client::RuleScope,
) -> Result<Option<RuleList>, Failure> {
    match daemon.list_rules(scope).await {
        Ok(list) => Ok(Some(list)),
        // The directory is gone, or the daemon is older than rules.
        Err(CallError::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn counting(list: Option<&RuleList>) -> impl Iterator<Item = &ListedRule> {
    let rules = list.into_iter().flat_map(|list| &list.rules);
    rules.filter(|rule| rule.ignored.is_none())
}

/// Says whether a directory is trusted, because of which entry, and what is ignored.
fn status(dir: Option<PathBuf>, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let directory = match dir {
        Some(dir) => dir,
        None => context.cwd()?,
    };
    let directory = context.directory(&directory)?;
    let name = Context::utf8(&directory)?;
    let scope = scope(context, name.clone());
    let (entries, list) = with_daemon(context, Policy::Start, async |daemon| {
        Ok((daemon.list_trust().await?, rules(&daemon, scope).await?))
    })?;
    let by = covering(&entries, &directory);
    let replaced = entries
        .iter()
        .find(|row| !row.current && directory.starts_with(&row.directory));
    let ignored: Vec<&ListedRule> = list
        .iter()
        .flat_map(|list| &list.rules)
        .filter(|rule| rule.ignored.is_some())
        .collect();
    if json {
        context.output.json(&json!({
            "directory": name,
            "trusted": by.is_some(),
            "by": by.map(|row| &row.directory),
            "since": by.map(|row| row.since),
            "ignored": ignored,
        }))?;
        return Ok(Exit::Success);
    }
    let line = match (by, replaced) {
        (Some(row), _) if row.directory == name => {
            format!("{name} is trusted, since {}", ago(clock::now(), row.since))
        }
        (Some(row), _) => format!(
            "{name} is trusted, because {} is, since {}",
            row.directory,
            ago(clock::now(), row.since)
        ),
        (None, Some(row)) => format!(
            "{name} is not trusted: {} was, but another directory stands there now",
            row.directory
        ),
        (None, None) => format!("{name} is not trusted"),
    };
    context.output.line(&line)?;
    if !ignored.is_empty() {
        let rules = counts(&ignored, &Places::new(context)).join(", ");
        context.output.line(&format!("do not count: {rules}"))?;
    }
    Ok(Exit::Success)
}

fn list(json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let trusted = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.list_trust().await?)
    })?;
    if json {
        context.output.json(&trusted)?;
        return Ok(Exit::Success);
    }
    if trusted.is_empty() {
        say("no directory is trusted");
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["SINCE", "DIRECTORY"]);
    for row in trusted {
        let replaced = if row.current {
            ""
        } else {
            "  (another directory stands there now: trust it anew)"
        };
        table.row([
            ago(clock::now(), row.since),
            format!("{}{replaced}", row.directory),
        ]);
    }
    let text = table.render(context.output.colours());
    context.output.write(text.as_bytes())?;
    Ok(Exit::Success)
}

/// Whether the working directory is trusted, as far as a daemon that runs knows. None is started to ask.
pub(super) fn is_trusted(context: &mut Context) -> Result<bool, Failure> {
    let Ok(cwd) = context.cwd().and_then(|cwd| context.directory(&cwd)) else {
        return Ok(false);
    };
    let link = Link::new(context, Policy::Never)?;
    let answer = block_on(async {
        match link.connect().await {
            Ok(daemon) => Ok(Some(daemon.list_trust().await?)),
            Err(ConnectError::NotRunning { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })?;
    let Some(trusted) = answer else {
        say("note: no daemon is running, so this directory counts as not trusted here");
        return Ok(false);
    };
    Ok(covering(&trusted, &cwd).is_some())
}

/// Why a directory is trusted. As in the daemon: trusting a directory trusts what is below it.
fn covering<'a>(entries: &'a [Trusted], directory: &Path) -> Option<&'a Trusted> {
    let mut entries = entries.iter();
    entries.find(|row| row.current && directory.starts_with(&row.directory))
}
