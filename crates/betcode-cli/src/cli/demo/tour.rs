//! The guided tour on the screen, in a profile of its own that ends with it: no account, no network, nothing of the user's is
//! read but whether there are to be lines instead of a screen, and nothing is written outside of the scratch directory.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use betcode_client::session::{End, Handle, Update};
use betcode_core::command::Action;
use betcode_core::event::{ClientInfo, ClientKind, EventBody, LockOutcome, TurnPolicy};
use betcode_core::id::{ClientId, SessionId};
use betcode_tui::runtime::{Owned, Stunts};
use betcode_tui::tour::{Step, Stunt, Tour};
use clap::Parser as _;
use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

use super::super::Cli;
use super::super::daemon;
use super::DemoArgs;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::interactive;
use crate::link::{Link, client, command, from_now_on};
use crate::output::Output;
use crate::screen_settings;

/// How long an answer streams before the daemon is killed in the middle of it.
const STREAMED: Duration = Duration::from_millis(1500);
/// How long the second terminal takes to leave.
const PARTING: Duration = Duration::from_secs(1);

/// What is told, said and done.
fn steps() -> Vec<Step> {
    let step = |text: &str, say: &str, stunt| Step {
        text: text.to_owned(),
        say: Some(say.to_owned()).filter(|say| !say.is_empty()),
        stunt,
    };
    vec![
        step(
            "Streaming. This agent has no model and works in a scratch directory; nothing of yours is touched. Each piece of an answer is on disk before you see it.",
            "/demo count n=60 rate=40 row=20",
            None,
        ),
        step(
            "A tool. Agents run commands, and this one really does: on one line stands what, how it went, what came of it.",
            "/demo tool command=\"echo made by a tool > made.txt; ls -l\"",
            None,
        ),
        step(
            "A diff. A change of a file is shown with its lines and numbers.",
            "/demo edit file=made.txt text=\"changed by an edit\"",
            None,
        ),
        step(
            "A permission. The agent wants to remove the file, and asks. You see the exact command, and answer as you like.",
            "/demo permission tool=Bash command=\"rm made.txt\"",
            None,
        ),
        step(
            "Questions. The agent asks, with choices; your own words are always possible.",
            "/demo ask n=2",
            None,
        ),
        step(
            "A hand-over. A second terminal opens this session and asks for the input: you decide. It says something, and gives it back.",
            "",
            Some(Stunt::HandOver),
        ),
        step(
            "Crash recovery. The agent counts on, and the daemon is killed (kill -9) in the middle: reconnecting, then the exact rest, nothing lost, nothing twice.",
            "/demo count n=80 rate=20 row=20",
            Some(Stunt::Crash),
        ),
        step(
            "That was all. Leaving removes the scratch directory. Or try more here first: /demo help lists what this agent can do.",
            "",
            None,
        ),
    ]
}

/// Shows it, until it is left.
pub(super) fn run(args: &DemoArgs, scratch: &Path, context: &mut Context) -> Result<Exit, Failure> {
    let [home, project, config, state] =
        ["home", "project", "config", "state"].map(|name| scratch.join(name));
    for directory in [&home, &project] {
        DirBuilder::new()
            .mode(0o700)
            .create(directory)
            .map_err(|error| Failure::io("cannot make a scratch directory", &error))?;
    }
    let (claude, demo) = (home.join(".claude"), home.join("demo"));
    let environment = context.environment.elsewhere(
        &["BETCODE_SCREEN_READER"],
        &[
            ("HOME", &home),
            ("CLAUDE_CONFIG_DIR", &claude),
            ("BETCODE_DEMO_STATE", &demo),
            ("BETCODE_CONFIG_DIR", &config),
            ("BETCODE_STATE_DIR", &state),
        ],
    );
    let output = Output::new(&environment);
    let mut inside = Context {
        environment,
        output,
    };
    let project = Context::utf8(&project)?;
    let mut line = vec![
        "betcode", "--agent", "demo", "--name", "A tour", "--cwd", &project,
    ];
    // Settings that are wrong are not what this is about.
    let lines = screen_settings::read(context, &[]).is_ok_and(|settings| settings.lines);
    if args.screen_reader || lines {
        line.push("--screen-reader");
    } else if args.inline {
        line.push("--inline");
    }
    let cli =
        Cli::try_parse_from(line).map_err(|error| Failure::general("DEMO", error.to_string()))?;
    let ended = interactive::open(&cli.run, &inside, |link| {
        let aside = Aside { link: link.clone() };
        Some((Tour::new(steps()), Arc::new(aside)))
    });
    // Whatever became of it, nothing of it stays.
    let stopped = daemon::stop_everything(&mut inside);
    let ended = ended?;
    stopped?;
    farewell(args, scratch, context)?;
    interactive::exit(&ended)
}

fn farewell(args: &DemoArgs, scratch: &Path, context: &mut Context) -> Result<(), Failure> {
    let output = &mut context.output;
    if args.keep {
        output.line(&format!("Kept: {}", scratch.display()))?;
    }
    for line in [
        "What to run next:",
        "  betcode                    the screen, in a project of yours, with a real agent",
        "  betcode agent list         which agents are installed, and what is missing",
        "  betcode -p \"…\"             one prompt, one answer; for scripts",
        "  betcode session list       what runs, from any terminal",
        "  betcode demo --plain       this tour for scripts, without a screen",
    ] {
        output.line(line)?;
    }
    Ok(())
}

/// Does what the tour needs beside the conversation.
struct Aside {
    link: Link,
}

impl Stunts for Aside {
    fn perform(&self, stunt: Stunt, session: SessionId) -> Owned<Result<String, String>> {
        let link = self.link.clone();
        Box::pin(async move {
            match stunt {
                Stunt::HandOver => Box::pin(hand_over(&link, session)).await,
                Stunt::Crash => crash(&link).await,
            }
        })
    }
}

/// A second client asks for the input, says something when it has it, and gives it back.
async fn hand_over(link: &Link, session: SessionId) -> Result<String, String> {
    let daemon = link.connect().await.map_err(|error| error.to_string())?;
    let details = daemon
        .get_session(&session.to_string())
        .await
        .map_err(|error| error.to_string())?;
    let me = ClientInfo {
        name: "a second terminal".to_owned(),
        id: ClientId(Uuid::now_v7()),
        ..client("betcode demo", ClientKind::Interactive)
    };
    let open = from_now_on(&details, me.clone(), false);
    let mut handle = Handle::on(daemon, link.watcher(), open);
    handle.send(command(session, me.clone(), Action::RequestLock));
    let said = if has_it(&mut handle, &me).await? {
        speak(&mut handle, session, &me)
            .await
            .map(|()| String::new())
    } else {
        Ok("you kept it; it can ask again".to_owned())
    };
    handle.leave(PARTING).await;
    said
}

/// Whether the input came to it.
async fn has_it(handle: &mut Handle, me: &ClientInfo) -> Result<bool, String> {
    loop {
        for body in bodies(handle).await? {
            match body {
                EventBody::InputLockChanged {
                    holder: Some(holder),
                } if holder.id == me.id => {
                    return Ok(true);
                }
                EventBody::InputLockRequestEnded { by, outcome }
                    if by.id == me.id
                        && matches!(outcome, LockOutcome::Refused | LockOutcome::Withdrawn) =>
                {
                    return Ok(false);
                }
                _ => {}
            }
        }
    }
}

async fn speak(handle: &mut Handle, session: SessionId, me: &ClientInfo) -> Result<(), String> {
    let message = Action::Message {
        text: "/demo say text=\"Hello from a second terminal. Both see the same, always. Here you are.\""
            .to_owned(),
        attachments: Vec::new(),
        policy: TurnPolicy::default(),
    };
    handle.send(command(session, me.clone(), message));
    let mut over = false;
    while !over {
        let bodies = bodies(handle).await?;
        over = bodies
            .iter()
            .any(|body| matches!(body, EventBody::TurnComplete(_)));
    }
    handle
        .perform(command(session, me.clone(), Action::ReleaseLock))
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

/// What happens next in the session.
async fn bodies(handle: &mut Handle) -> Result<Vec<EventBody>, String> {
    match handle.next().await {
        Update::Events(batch) => {
            let events = batch.events().map_err(|error| error.to_string())?;
            Ok(events.into_iter().map(|event| event.body).collect())
        }
        Update::Outcome {
            outcome: Err(refusal),
            ..
        }
        | Update::End(End::Refused(refusal)) => Err(refusal.message),
        Update::End(End::Failed(error)) => Err(error.to_string()),
        Update::End(End::Complete) => Err("the session is at its end".to_owned()),
        _ => Ok(Vec::new()),
    }
}

/// The daemon is killed in the middle of an answer.
async fn crash(link: &Link) -> Result<String, String> {
    let daemon = link.connect().await.map_err(|error| error.to_string())?;
    let status = daemon.status().await.map_err(|error| error.to_string())?;
    tokio::time::sleep(STREAMED).await;
    let killed = status.pid;
    let pid = i32::try_from(killed).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or("the process of the daemon is not known")?;
    kill_process(pid, Signal::KILL).map_err(|error| error.to_string())?;
    let daemon = link.connect().await.map_err(|error| error.to_string())?;
    let status = daemon.status().await.map_err(|error| error.to_string())?;
    Ok(format!(
        "the daemon (process {killed}) was killed; another one (process {}) went on",
        status.pid
    ))
}
