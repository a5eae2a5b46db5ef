//! `session events`: a log as JSON lines.

use betcode_client::session::{End, Handle, Open, Position, Update};
use betcode_client::{Direction, ReadEvents};
use betcode_core::event::{ClientKind, Event};
use betcode_core::id::{Sequence, SessionId};

use super::EventsArgs;
use super::resolve::find;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on, client};
use crate::output::{Output, say, trouble_line};

/// Prints a part of a log.
pub(super) fn events(args: &EventsArgs, context: &mut Context) -> Result<Exit, Failure> {
    let link = Link::new(context, Policy::Start)?;
    let output = &mut context.output;
    block_on(async {
        let daemon = link.connect().await?;
        let details = find(&daemon, &args.id).await?;
        let session = details.summary.id;
        let head = details.summary.head;
        if args.after > head.0 {
            say(&format!("note: the log ends with event {head}"));
        }
        let after = Sequence(args.after).min(head);
        if args.coalesced {
            let what = ReadEvents {
                session,
                epoch: None,
                from: Direction::After(after),
                limit: 0,
                coalesced: true,
            };
            let mut pages = daemon.read_events(what).await?;
            while let Some(page) = pages.next().await? {
                print(session, &page.events()?, output)?;
            }
            return Ok(Exit::Success);
        }
        let after = Position {
            epoch: (args.after > 0).then_some(details.epoch),
            last: after,
        };
        let open = Open {
            session,
            after,
            follow: args.follow,
            client: client("betcode session events", ClientKind::OneShot),
            observe: true,
        };
        let mut handle = Handle::on(daemon, link.watcher(), open);
        loop {
            match handle.next().await {
                Update::Events(batch) => print(session, &batch.events()?, output)?,
                Update::Reset { reason } => {
                    say(&format!(
                        "note: the log was replaced ({reason}); what follows begins anew"
                    ));
                }
                Update::Trimmed { up_to } => {
                    say(&format!("note: events up to {up_to} were removed"));
                }
                Update::Reconnecting { attempt, cause, .. } if attempt > 0 => {
                    say(&format!("note: reconnecting: {cause}"));
                }
                Update::Trouble(trouble) => say(&trouble_line(trouble.as_deref())),
                Update::Attached { .. } | Update::Outcome { .. } | Update::Reconnecting { .. } => {}
                Update::End(End::Complete) => return Ok(Exit::Success),
                Update::End(End::Refused(refusal)) => return Err(refusal.into()),
                Update::End(End::Failed(error)) => return Err(error.into()),
            }
        }
    })
}

/// One object a line, handed on as a whole.
fn print(session: SessionId, events: &[Event], output: &mut Output) -> Result<(), Failure> {
    for event in events {
        let line = event.to_json(session);
        let line = line.map_err(|error| {
            Failure::general("OUTPUT", format!("event {}: {error}", event.sequence))
        })?;
        output.line(&line)?;
    }
    output.flush()
}
