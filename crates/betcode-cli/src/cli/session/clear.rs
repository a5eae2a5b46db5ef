//! `session clear`: the agent forgets, and the log so far is removed. That cannot be undone, so a person is asked.

use std::io::BufRead as _;

use betcode_client::SessionDetails;
use betcode_core::command::Action;
use betcode_core::event::ClientKind;
use serde_json::json;

use super::resolve::find;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Link, Policy, block_on, client, command};
use crate::output::say;
use crate::table::cut;

/// Clears a session.
pub(super) fn clear(
    id: &str,
    yes: bool,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let link = Link::new(context, Policy::Start)?;
    let before = block_on(async {
        let daemon = link.connect().await?;
        find(&daemon, id).await
    })?;
    let id = before.summary.id;
    if !yes {
        confirm(&before)?;
    }
    let after = block_on(async {
        let daemon = link.connect().await?;
        let me = client("betcode session", ClientKind::OneShot);
        let accepted = daemon.submit(command(id, me, Action::Clear)).await;
        let accepted = accepted.map_err(Failure::not_now)?;
        tell(&accepted.notices);
        find(&daemon, &id.to_string()).await
    })?;
    let removed = trimmed(&after).saturating_sub(trimmed(&before));
    if json {
        let object = json!({"id": id, "done": "cleared", "removed_events": removed});
        context.output.json(&object)?;
    } else {
        let told = format!("session {id} is cleared: {}", events(removed));
        context.output.line(&told)?;
    }
    Ok(Exit::Success)
}

/// Up to which event the log has been removed.
pub(super) fn trimmed(details: &SessionDetails) -> u64 {
    details.info.as_ref().map_or(0, |info| info.trimmed_up_to.0)
}

/// How much was removed.
pub(super) fn events(removed: u64) -> String {
    match removed {
        0 => "no event was removed".to_owned(),
        1 => "1 event was removed".to_owned(),
        several => format!("{several} events were removed"),
    }
}

fn confirm(details: &SessionDetails) -> Result<(), Failure> {
    if !rustix::termios::isatty(rustix::stdio::stdin()) {
        return Err(
            Failure::usage("clearing a session removes its log, which cannot be undone")
                .hint("--yes says that it is meant"),
        );
    }
    let events = details.summary.head.0.saturating_sub(trimmed(details));
    let title = details.summary.title.lines().next().unwrap_or_default();
    say(&format!(
        "the agent forgets session {} ({}), and {events} events are removed for good. Really? [y/N]",
        details.summary.id,
        cut(title, 40)
    ));
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::io("cannot read stdin", &error))?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::with(
            Exit::Failure,
            "CANCELLED",
            "NOT_CONFIRMED",
            "nothing was removed",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_counted() {
        assert_eq!(events(0), "no event was removed");
        assert_eq!(events(1), "1 event was removed");
        assert_eq!(events(7), "7 events were removed");
    }
}
