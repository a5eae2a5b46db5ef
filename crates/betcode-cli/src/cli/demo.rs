//! `betcode demo`: a guided tour without account and network, in a scratch directory that is removed at the end: on the screen
//! (see `tour`), or as prompts one after the other where nobody sits in front.

mod tour;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
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
use crate::interactive::has_terminal;
use crate::link::{Policy, client, command, with_daemon};
use crate::output::Output;

/// A guided tour with the demo agent in a scratch directory: no account, no network
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct DemoArgs {
    /// Keep the scratch directory
    #[arg(long)]
    keep: bool,

    /// Prompts and answers one after the other, as for scripts, without a screen; so it is also where there is no terminal
    #[arg(long)]
    plain: bool,

    /// Lines that a screen reader can read, instead of a screen
    #[arg(long, conflicts_with = "plain")]
    screen_reader: bool,

    /// Leave what is finished in the terminal's scrollback
    #[arg(long, conflicts_with_all = ["plain", "screen_reader"])]
    inline: bool,
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
    let name = session.to_string();
    let name = name.rsplit('-').next().unwrap_or(&name);
    let scratch = temporary.join(format!("betcode-demo-{name}"));
    DirBuilder::new()
        .mode(0o700)
        .create(&scratch)
        .map_err(|error| Failure::io("cannot make a scratch directory", &error))?;
    let result = if args.plain || !has_terminal() {
        in_turn(&scratch, session, context)
    } else {
        tour::run(args, &scratch, context)
    };
    if !args.keep {
        // It lies in the directory for temporary files; what cannot be removed is removed by the system.
        let _ = std::fs::remove_dir_all(&scratch);
    }
    result
}

/// One prompt after the other, in the user's own profile.
fn in_turn(scratch: &Path, session: SessionId, context: &mut Context) -> Result<Exit, Failure> {
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
