//! `betcode trust` and `betcode untrust`.

use std::path::PathBuf;

use betcode_client::ConnectError;
use clap::Args;
use serde_json::json;

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
    let (directory, changed) = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.set_trust(&directory, trusted).await?)
    })?;
    if json {
        context
            .output
            .json(&json!({"directory": directory, "trusted": trusted, "changed": changed}))?;
    } else {
        let state = if trusted { "trusted" } else { "not trusted" };
        let when = if changed { "now" } else { "already" };
        context
            .output
            .line(&format!("{directory} is {when} {state}"))?;
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
    // As in the daemon: trusting a directory trusts what is below it.
    let is_here = |directory: &str| cwd.starts_with(directory);
    Ok(trusted
        .iter()
        .any(|row| row.current && is_here(&row.directory)))
}
