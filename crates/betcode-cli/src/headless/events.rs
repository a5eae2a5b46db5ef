//! `--output-format events`: our own events, one object a line, the same bytes as `session events` gives.

use betcode_core::event::Event;
use betcode_core::id::SessionId;

use super::format::Printed;

/// One event as one line.
pub(crate) fn event(session: SessionId, event: &Event, printed: &mut Printed) {
    match event.append_json(session, &mut printed.data) {
        Ok(()) => printed.data.push(b'\n'),
        Err(error) => printed.notes.push(format!(
            "warning: event {} cannot be written: {error}",
            event.sequence
        )),
    }
}
