//! `daemon status`.

use betcode_client::{ConnectError, DaemonStatus, Profile};
use serde_json::{Value, json};

use crate::context::Context;
use crate::duration::spell;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on};
use crate::output::say;

/// Shows what runs. That nothing runs is an answer too, not a failure.
pub(super) fn status(context: &mut Context, json: bool) -> Result<Exit, Failure> {
    let link = Link::new(context, Policy::Never)?;
    let status = block_on(ask(&link))?;
    if json {
        let value = status
            .as_ref()
            .map_or_else(|| absent(link.profile()), present);
        context.output.json(&value)?;
        return Ok(Exit::Success);
    }
    match status {
        None => {
            context.output.line("no daemon is running")?;
            context
                .output
                .line(&format!("state: {}", link.profile().state_dir.display()))?;
        }
        Some(status) => {
            context.output.line(&format!(
                "running for {}, version {}, process {}",
                spell(status.uptime),
                status.version,
                status.pid
            ))?;
            let counts = [
                (status.sessions, "session"),
                (status.agents, "running agent"),
                (status.clients, "client"),
            ];
            let counts = counts.map(|(count, what)| {
                format!("{count} {what}{}", if count == 1 { "" } else { "s" })
            });
            context.output.line(&counts.join(", "))?;
            context.output.line(&format!(
                "state: {}\nsocket: {}",
                status.state_dir, status.socket
            ))?;
            if status.version != env!("CARGO_PKG_VERSION") {
                let ours = env!("CARGO_PKG_VERSION");
                say(&format!(
                    "note: this program is version {ours}; betcode daemon restart brings the daemon to it"
                ));
            }
        }
    }
    Ok(Exit::Success)
}

/// What the daemon that runs says of itself.
pub(super) async fn ask(link: &Link) -> Result<Option<DaemonStatus>, Failure> {
    match link.connect().await {
        Ok(daemon) => Ok(Some(daemon.status().await?)),
        Err(ConnectError::NotRunning { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A daemon as JSON.
pub(super) fn present(status: &DaemonStatus) -> Value {
    json!({
        "running": true,
        "pid": status.pid,
        "version": status.version,
        "socket": status.socket,
        "state_dir": status.state_dir,
        "uptime_ms": u64::try_from(status.uptime.as_millis()).unwrap_or(u64::MAX),
        "sessions": status.sessions,
        "open_sessions": status.open_sessions,
        "clients": status.clients,
        "agents": status.agents,
        "ephemeral": status.ephemeral,
        "epoch": status.epoch,
        "notices": status.notices,
        "capabilities": status.capabilities,
    })
}

/// No daemon as JSON: the same keys.
pub(super) fn absent(profile: &Profile) -> Value {
    json!({
        "running": false, "pid": null, "version": null, "socket": null, "state_dir": profile.state_dir, "uptime_ms": null,
        "sessions": null, "open_sessions": null, "clients": null, "agents": null, "ephemeral": null, "epoch": null, "notices": null, "capabilities": null,
    })
}
