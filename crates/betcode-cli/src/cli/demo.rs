//! `betcode demo`: a guided tour without account and network, in a scratch directory that is removed at the end.

use std::path::{Path, PathBuf};

use betcode_core::command::Action;
use betcode_core::event::ClientKind;
use betcode_core::id::SessionId;
use clap::{Args, Parser as _};
use uuid::Uuid;

use super::Cli;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::{Piped, run_with};
use crate::link::{Policy, client, command, with_daemon};
use crate::output::Output;

/// A guided tour with the demo agent in a scratch directory: no account, no network
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the scratch directory
    #[arg(long)]
    keep: bool,
}

/// One turn of the tour.
struct Step {
    explanation: &'static str,
    prompt: &'static str,
    flags: &'static [&'static str],
    exit: Exit,
}

const STEPS: &[Step] = &[
    Step {
        explanation: "A prompt, an answer. The agent works behind a daemon that has every event on disk before you see it.",
        prompt: "hello",
        flags: &[],
        exit: Exit::Success,
    },
    Step {
        explanation: "Agents use tools. This one really runs a command in the scratch directory.",
        prompt: "/demo tool command=\"echo made by a tool > made.txt; ls -l\"",
        flags: &["--allowed-tools", "Bash"],
        exit: Exit::Success,
    },
    Step {
        explanation: "They change files. In the log an edit is a structured diff.",
        prompt: "/demo edit file=made.txt text=\"changed by an edit\"",
        flags: &["--allowed-tools", "Edit"],
        exit: Exit::Success,
    },
    Step {
        explanation: "What is not allowed is denied at once when nobody is there to ask, and the exit code says so: 3.",
        prompt: "/demo permission tool=Bash command=\"rm made.txt\"",
        flags: &[],
        exit: Exit::Denied,
    },
    Step {
        explanation: "For scripts: one JSON object at the end (or stream-json, or events).",
        prompt: "/demo say text=\"a result to parse\"",
        flags: &["--output-format", "json"],
        exit: Exit::Success,
    },
    Step {
        explanation: "When the model's service asks to wait, the exit code is 4 and stderr says for how long.",
        prompt: "/demo ratelimit retry=180",
        flags: &[],
        exit: Exit::RateLimited,
    },
];

pub(crate) fn run(args: &DemoArgs, context: &mut Context) -> Result<Exit, Failure> {
    let session = SessionId(Uuid::now_v7());
    let temporary = context
        .environment
        .path("TMPDIR")
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    let scratch = temporary.join(format!("betcode-demo-{session}"));
    std::fs::create_dir(&scratch)
        .map_err(|error| Failure::io("cannot make a scratch directory", &error))?;
    let result = tour(&scratch, session, context);
    if !args.keep {
        // It lies in the directory for temporary files; what cannot be removed is removed by the system.
        let _ = std::fs::remove_dir_all(&scratch);
    }
    result
}

fn tour(scratch: &Path, session: SessionId, context: &mut Context) -> Result<Exit, Failure> {
    let directory = Context::utf8(scratch)?;
    let id = session.to_string();
    context.output.line(&format!(
        "The demo agent has no model. Scratch directory: {directory}"
    ))?;
    for (number, step) in STEPS.iter().enumerate() {
        let place = if number == 0 {
            ["--session-id", &id, "--cwd", &directory].to_vec()
        } else {
            ["--resume", &id].to_vec()
        };
        let line = [
            &["betcode", "-p", step.prompt, "--agent", "demo"],
            place.as_slice(),
            step.flags,
        ]
        .concat();
        explain(number + 1, step, &mut context.output)?;
        let cli = Cli::try_parse_from(line)
            .map_err(|error| Failure::general("DEMO", error.to_string()))?;
        let exit = run_with(cli.run, |_| Ok(Piped::default()), context)?;
        if exit != step.exit {
            return Ok(exit);
        }
    }
    with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon
            .submit(command(
                session,
                client("betcode demo", ClientKind::OneShot),
                Action::Close,
            ))
            .await?)
    })?;
    let short = id.get(..13).unwrap_or(&id);
    context.output.line("")?;
    context.output.line("All of it is still there:")?;
    context
        .output
        .line(&format!("  betcode session show {short}"))?;
    context
        .output
        .line(&format!("  betcode session events {short}"))?;
    context
        .output
        .line("What you could use instead of the demo agent: betcode agent list")?;
    Ok(Exit::Success)
}

fn explain(number: usize, step: &Step, output: &mut Output) -> Result<(), Failure> {
    let flags = step.flags.join(" ");
    let flags = if flags.is_empty() {
        flags
    } else {
        format!(" {flags}")
    };
    let line = format!("{number}. {}", step.explanation);
    let line = if output.colours() {
        format!("\u{1b}[1m{line}\u{1b}[0m")
    } else {
        line
    };
    output.line(&format!("\n{line}\n$ betcode -p '{}'{flags}", step.prompt))?;
    output.flush()
}
