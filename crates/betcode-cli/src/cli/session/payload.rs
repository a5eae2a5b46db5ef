//! `session payload`: the whole of what an event only shows the beginning of, as it is, without a newline of ours.

use betcode_core::id::Sequence;

use super::resolve::find;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};

/// Prints one field.
pub(super) fn payload(
    id: &str,
    sequence: u64,
    field: &str,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let whole = with_daemon(context, Policy::Start, async |daemon| {
        let session = find(&daemon, id).await?.summary.id;
        Ok(daemon.payload(session, Sequence(sequence), field).await?)
    })?;
    context.output.write(&whole)?;
    context.output.flush()?;
    Ok(Exit::Success)
}
