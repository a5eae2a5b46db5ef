//! Which session a run speaks in: a new one, or one that exists.

use std::time::Duration;

use betcode_client::session::{Handle, Open, Position};
use betcode_client::{CallError, Connection, SessionDetails};
use betcode_core::command::{Action, Command, Environment, LaunchOptions, StartSession};
use betcode_core::event::{SessionInfo, Status, Usage};
use betcode_core::id::{AgentName, Sequence, SessionId};
use uuid::Uuid;

use super::me;
use super::options::RunArgs;
use crate::cli::find_titled;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, command};
use crate::output::say;

/// How often a connection that breaks is made anew.
const ATTEMPTS: usize = 20;
/// The pause before a daemon that is going down is looked for again.
const PAUSE: Duration = Duration::from_millis(100);

/// A session to speak in.
pub(super) struct Started {
    /// Follows it from before the message on.
    pub(super) handle: Handle,
    /// Which one.
    pub(super) session: SessionId,
    /// What is known of it.
    pub(super) info: SessionInfo,
}

/// Finds or makes the session.
pub(super) async fn start(
    args: &RunArgs,
    context: &Context,
    link: &Link,
) -> Result<Started, Failure> {
    let cwd = match &args.cwd {
        Some(cwd) => cwd.clone(),
        None => context.cwd()?,
    };
    let cwd = Context::utf8(&context.directory(&cwd)?)?;
    let (daemon, existing) = look_up(args, link, &cwd).await?;
    match existing {
        Some(details) => resume(args, context, link, daemon, details).await,
        None => new(args, context, link, daemon, cwd).await,
    }
}

/// The session that is meant, and the daemon that knows it. Asking changes nothing, so it is asked again when the daemon is
/// lost meanwhile.
pub(crate) async fn look_up(
    args: &RunArgs,
    link: &Link,
    cwd: &str,
) -> Result<(Connection, Option<SessionDetails>), Failure> {
    let mut left = ATTEMPTS;
    loop {
        let daemon = link.connect().await?;
        let existing = match &args.resume {
            Some(id) => find_titled(&daemon, id).await.map(Some),
            None if args.continue_ => latest(&daemon, cwd).await,
            None => Ok(None),
        };
        match existing {
            Err(failure) if failure.exit == Exit::Connection && left > 0 => {
                left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(failure) => return Err(failure),
            Ok(existing) => return Ok((daemon, existing)),
        }
    }
}

/// The most recent session of this directory that can still be spoken to.
async fn latest(daemon: &Connection, cwd: &str) -> Result<Option<SessionDetails>, Failure> {
    let sessions = daemon.list_sessions(Some(cwd), 0).await?;
    let mut open = sessions
        .iter()
        .filter(|session| session.status != Status::Closed);
    let Some(session) = open.next() else {
        say("note: there is no session of this directory to continue; this is a new one");
        return Ok(None);
    };
    Ok(Some(daemon.get_session(&session.id.to_string()).await?))
}

async fn new(
    args: &RunArgs,
    context: &Context,
    link: &Link,
    daemon: Connection,
    cwd: String,
) -> Result<Started, Failure> {
    let (session, start, info) = start_session(args, context, cwd)?;
    let start = command(session, me(), Action::Start(Box::new(start)));
    let daemon = submit(link, daemon, start).await?;
    let open = Open {
        session,
        after: Position::default(),
        follow: true,
        client: me(),
        observe: false,
    };
    Ok(Started {
        handle: Handle::on(daemon, link.connector(), open),
        session,
        info,
    })
}

/// What a new session is made with, by the flags.
pub(crate) fn start_session(
    args: &RunArgs,
    context: &Context,
    cwd: String,
) -> Result<(SessionId, StartSession, SessionInfo), Failure> {
    let session = SessionId(args.session_id.unwrap_or_else(Uuid::now_v7));
    let (environment, left_out) = context.environment.for_agents();
    if !left_out.is_empty() {
        say(&format!(
            "note: variables that are not UTF-8 text are not passed on: {}",
            left_out.join(", ")
        ));
    }
    let info = SessionInfo {
        agent: AgentName(args.agent.clone().unwrap_or_default()),
        cwd: cwd.clone(),
        ..blank(args)
    };
    let start = StartSession {
        agent: info.agent.clone(),
        cwd,
        title: args.name.clone().unwrap_or_default(),
        launch: launch(args, context)?,
        environment: Environment(environment),
    };
    Ok((session, start, info))
}

/// Sends a command that must be done before the message is sent. A connection that breaks meanwhile is made anew; the
/// command keeps its key and so takes effect once. Gives the connection that works.
async fn submit(
    link: &Link,
    mut daemon: Connection,
    command: Command,
) -> Result<Connection, Failure> {
    for _ in 0..ATTEMPTS {
        match Box::pin(daemon.submit(command.clone())).await {
            Ok(accepted) => {
                tell(&accepted.notices);
                return Ok(daemon);
            }
            Err(CallError::Lost(_)) => daemon = link.connect().await?,
            Err(CallError::Refused(refusal)) if refusal.is_unavailable() => {
                // It is going down; the next one takes the command.
                tokio::time::sleep(PAUSE).await;
                daemon = link.connect().await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let accepted = Box::pin(daemon.submit(command)).await?;
    tell(&accepted.notices);
    Ok(daemon)
}

/// Says what the daemon wants the user to read.
pub(crate) fn tell(notices: &[String]) {
    for notice in notices {
        say(&format!("note: {notice}"));
    }
}

async fn resume(
    args: &RunArgs,
    context: &Context,
    link: &Link,
    daemon: Connection,
    details: SessionDetails,
) -> Result<Started, Failure> {
    let SessionDetails {
        summary,
        info,
        epoch,
        ..
    } = details;
    let session = summary.id;
    if let Some(agent) = args
        .agent
        .as_ref()
        .filter(|agent| **agent != summary.agent.0)
    {
        return Err(Failure::usage(format!(
            "session {session} belongs to the agent {}, not to {agent}",
            summary.agent
        ))
        .hint("without --resume and --continue, a new session is started"));
    }
    if args.cwd.is_some() && !args.continue_ {
        return Err(Failure::usage(
            "--cwd does not go with --resume: a session stays in its directory",
        ));
    }
    let info = info.unwrap_or_else(|| SessionInfo {
        agent: summary.agent.clone(),
        cwd: summary.cwd.clone(),
        model: summary.model.clone(),
        ..blank(args)
    });
    let mut actions = Vec::new();
    let launch = launch(args, context)?;
    let given = LaunchOptions {
        model: String::new(),
        permission_mode: String::new(),
        ..launch.clone()
    };
    if given == LaunchOptions::default() {
        if let Some(model) = &args.model {
            actions.push(Action::SetModel {
                model: model.clone(),
            });
        }
        if let Some(mode) = &args.permission_mode {
            actions.push(Action::SetPermissionMode { mode: mode.clone() });
        }
    } else {
        // What is not given stays as the agent says it is.
        let or = |given: String, known: &str| {
            if given.is_empty() {
                known.to_owned()
            } else {
                given
            }
        };
        let model = or(launch.model.clone(), &info.model);
        let permission_mode = or(launch.permission_mode.clone(), &info.permission_mode);
        actions.push(Action::Configure(Box::new(LaunchOptions {
            model,
            permission_mode,
            ..launch
        })));
    }
    if let Some(title) = &args.name {
        actions.push(Action::Rename {
            title: title.clone(),
        });
    }
    let mut daemon = daemon;
    for action in actions {
        daemon = submit(link, daemon, command(session, me(), action)).await?;
    }
    // Everything that our message causes comes after what is there now.
    let after = Position {
        epoch: Some(epoch),
        last: summary.head,
    };
    let open = Open {
        session,
        after,
        follow: true,
        client: me(),
        observe: false,
    };
    Ok(Started {
        handle: Handle::on(daemon, link.connector(), open),
        session,
        info,
    })
}

fn launch(args: &RunArgs, context: &Context) -> Result<LaunchOptions, Failure> {
    // What is allowed goes with each message; an agent that is told never to ask must know it from its start.
    let never_asks = args.permission_mode.as_deref() == Some("dontAsk");
    Ok(LaunchOptions {
        model: args.model.clone().unwrap_or_default(),
        permission_mode: args.permission_mode.clone().unwrap_or_default(),
        append_system_prompt: args.append_system_prompt.clone().unwrap_or_default(),
        max_turns: args.max_turns,
        allowed_tools: if never_asks {
            args.allowed_tools.clone()
        } else {
            Vec::new()
        },
        disallowed_tools: args.disallowed_tools.clone(),
        command: Vec::new(),
        flags: args.handed_on.flags(context)?,
    })
}

fn blank(args: &RunArgs) -> SessionInfo {
    SessionInfo {
        agent: AgentName(String::new()),
        cwd: String::new(),
        title: String::new(),
        model: args.model.clone().unwrap_or_default(),
        status: Status::Idle,
        permission_mode: args.permission_mode.clone().unwrap_or_default(),
        capabilities: Vec::new(),
        agent_version: String::new(),
        agent_session: String::new(),
        tools: Vec::new(),
        slash_commands: Vec::new(),
        models: Vec::new(),
        account: String::new(),
        totals: Usage::default(),
        trimmed_up_to: Sequence(0),
        particulars: None,
        mcp_servers: Vec::new(),
        background_tasks: Vec::new(),
    }
}
