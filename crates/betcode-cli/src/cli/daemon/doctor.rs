//! `daemon doctor`: what is wrong with the state, the log and the daemon, and what to do about it.

use std::path::Path;

use betcode_client::ConnectError;
use betcode_daemon::lifecycle::doctor::{self, Finding, Level};
use betcode_daemon::lifecycle::upkeep;
use betcode_daemon::store::Salvaged;
use serde_json::json;

use super::backup::{refused, sessions};
use super::serve::options;
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on};

/// Looks at everything, one line each.
pub(super) fn doctor(context: &mut Context, json: bool) -> Result<Exit, Failure> {
    let mut findings = doctor::examine(&options(context, false, false)?);
    findings.extend(daemon(context)?);
    let worst = findings.iter().map(|finding| finding.level).max();
    if json {
        context.output.json(&findings)?;
    } else {
        for finding in &findings {
            let level = match finding.level {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Problem => "problem",
            };
            context.output.line(&format!(
                "{level:<8} {}: {}",
                finding.check, finding.message
            ))?;
            if !finding.hint.is_empty() {
                context
                    .output
                    .line(&format!("         -> {}", finding.hint))?;
            }
        }
    }
    Ok(if worst == Some(Level::Problem) {
        Exit::Failure
    } else {
        Exit::Success
    })
}

/// What only a daemon that runs can tell. None is started for it.
fn daemon(context: &Context) -> Result<Vec<Finding>, Failure> {
    const CHECK: &str = "daemon";
    let link = Link::new(context, Policy::Never)?.quiet();
    let cwd = context.cwd().ok();
    let (environment, _) = context.environment.for_agents();
    let ours = env!("CARGO_PKG_VERSION");
    block_on(async {
        let connection = match link.connect().await {
            Ok(connection) => connection,
            Err(ConnectError::NotRunning { .. }) => {
                return Ok(vec![Finding::ok(
                    CHECK,
                    "none is running; the first command that needs one starts it",
                )]);
            }
            Err(error) => {
                return Ok(vec![Finding::problem(
                    CHECK,
                    error.to_string(),
                    "betcode daemon restart replaces it; betcode daemon logs shows what it is doing",
                )]);
            }
        };
        let status = match connection.status().await {
            Ok(status) => status,
            Err(error) => {
                return Ok(vec![Finding::problem(
                    CHECK,
                    error.to_string(),
                    "betcode daemon logs shows what it is doing",
                )]);
            }
        };
        let text = format!(
            "version {}, process {}, {}, {} running agent{}",
            status.version,
            status.pid,
            sessions(status.sessions),
            status.agents,
            if status.agents == 1 { "" } else { "s" }
        );
        let mut findings = vec![if status.version == ours {
            Finding::ok(CHECK, text)
        } else {
            Finding::warning(
                CHECK,
                format!("{text}; this program is version {ours}"),
                "betcode daemon restart takes the new one, and running turns go on",
            )
        }];
        for notice in status.notices {
            findings.push(Finding::problem(CHECK, notice, ""));
        }
        let cwd = cwd.as_deref().and_then(Path::to_str);
        findings.push(match connection.agents(cwd, &environment).await {
            Ok(agents) => agent_summary(&agents),
            Err(error) => {
                Finding::warning("agents", error.to_string(), "betcode agent list shows more")
            }
        });
        Ok(findings)
    })
}

fn agent_summary(agents: &[betcode_client::Agent]) -> Finding {
    const CHECK: &str = "agents";
    let usable: Vec<&str> = agents
        .iter()
        .filter(|agent| agent.installed && agent.supported)
        .map(|agent| agent.name.as_str())
        .collect();
    let logged_out = agents
        .iter()
        .find(|agent| agent.chosen && agent.login == "no");
    match (usable.is_empty(), logged_out) {
        (true, _) => Finding::problem(
            CHECK,
            "none can be used here",
            "betcode agent list shows why",
        ),
        (false, Some(agent)) => Finding::problem(
            CHECK,
            format!("{} is not logged in", agent.name),
            agent.hint.as_str(),
        ),
        (false, None) => Finding::ok(CHECK, format!("{} can be used here", usable.join(", "))),
    }
}

/// Puts what can be read of a damaged log in its place.
pub(super) fn recover(
    context: &mut Context,
    file: Option<&Path>,
    json: bool,
) -> Result<Exit, Failure> {
    let state_dir = context.profile()?.state_dir;
    let file = file
        .map(|file| crate::profile::absolute(&context.environment, file))
        .transpose()?;
    let salvaged = upkeep::recover(&state_dir, file.as_deref(), clock::now())
        .map_err(|error| refused(&error))?;
    if json {
        context.output.json(&described(&salvaged))?;
        return Ok(Exit::Success);
    }
    let events: u64 = salvaged.sessions.iter().map(|session| session.events).sum();
    let lost: u64 = salvaged.sessions.iter().map(|session| session.lost).sum();
    context.output.line(&format!(
        "recovered {} with {events} events; lost: {} whole, {lost} events of others",
        sessions(salvaged.sessions.len() as u64),
        sessions(salvaged.sessions_lost)
    ))?;
    for session in salvaged.sessions.iter().filter(|session| !session.whole) {
        let lost = match session.lost {
            0 => "its end may be lost".to_owned(),
            lost => format!("{lost} events after it are lost"),
        };
        context.output.line(&format!(
            "  {} {:?}: up to event {}; {lost}",
            session.id, session.title, session.events
        ))?;
    }
    if !salvaged.incomplete.is_empty() {
        context.output.line(&format!(
            "  not every row could be read of: {}",
            salvaged.incomplete.join(", ")
        ))?;
    }
    if let Some(former) = &salvaged.set_aside {
        context
            .output
            .line(&format!("the former log is kept as {}", former.display()))?;
    }
    Ok(Exit::Success)
}

fn described(salvaged: &Salvaged) -> serde_json::Value {
    let sessions: Vec<_> = salvaged
        .sessions
        .iter()
        .map(|session| {
            json!({
                "id": session.id.to_string(),
                "title": session.title,
                "events": session.events,
                "events_lost": session.lost,
                "whole": session.whole,
            })
        })
        .collect();
    json!({
        "sessions": sessions,
        "sessions_lost": salvaged.sessions_lost,
        "incomplete": salvaged.incomplete,
        "set_aside": salvaged.set_aside,
    })
}
