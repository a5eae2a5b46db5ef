//! `session resume`: a closed session becomes usable again.

use betcode_core::command::{Action, Environment};
use betcode_core::event::{ClientKind, Status};
use serde_json::json;

use super::resolve::find;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Policy, client, command, with_daemon};

/// Reopens a session.
pub(super) fn reopen(id: &str, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let (environment, _) = context.environment.for_agents();
    let (id, was_closed) = with_daemon(context, Policy::Start, async |daemon| {
        let summary = find(&daemon, id).await?.summary;
        if summary.status != Status::Closed {
            return Ok((summary.id, false));
        }
        let action = Action::Reopen {
            environment: Environment(environment),
        };
        let me = client("betcode session", ClientKind::OneShot);
        let accepted = daemon.submit(command(summary.id, me, action)).await?;
        tell(&accepted.notices);
        Ok((summary.id, true))
    })?;
    if json {
        let done = if was_closed { "reopened" } else { "open" };
        context.output.json(&json!({"id": id, "done": done}))?;
        return Ok(Exit::Success);
    }
    let state = if was_closed {
        "is open again"
    } else {
        "is open"
    };
    context.output.line(&format!("session {id} {state}"))?;
    context
        .output
        .line(&format!("go on with: betcode -p --resume {id} \"…\""))?;
    Ok(Exit::Success)
}
