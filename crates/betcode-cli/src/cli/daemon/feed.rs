//! `daemon feed`: what changes on this machine, as JSON lines.

use betcode_client::feed::{End, Feed, FeedUpdate, Position};
use betcode_core::id::Sequence;

use super::FeedArgs;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on};
use crate::output::say;

/// Prints a part of the feed.
pub(super) fn feed(args: &FeedArgs, context: &mut Context) -> Result<Exit, Failure> {
    let link = Link::new(context, Policy::Start)?;
    let output = &mut context.output;
    block_on(async {
        let after = Position {
            epoch: None,
            last: Sequence(args.after),
        };
        let mut feed = Feed::open(link.watcher(), after, args.follow).await?;
        loop {
            match feed.next().await {
                FeedUpdate::Entries(entries) => {
                    for entry in entries {
                        let row = serde_json::to_string(&entry);
                        output.line(
                            &row.map_err(|error| Failure::general("OUTPUT", error.to_string()))?,
                        )?;
                    }
                    output.flush()?;
                }
                FeedUpdate::Reset { reason } => {
                    say(&format!(
                        "note: the feed was replaced ({reason}); what follows begins anew"
                    ));
                }
                FeedUpdate::Reconnecting { attempt, cause, .. } if attempt > 0 => {
                    say(&format!("note: reconnecting: {cause}"));
                }
                FeedUpdate::Attached { .. } | FeedUpdate::Reconnecting { .. } => {}
                FeedUpdate::End(End::Complete) => return Ok(Exit::Success),
                FeedUpdate::End(End::Refused(refusal)) => return Err(refusal.into()),
                FeedUpdate::End(End::Failed(error)) => return Err(error.into()),
            }
        }
    })
}
