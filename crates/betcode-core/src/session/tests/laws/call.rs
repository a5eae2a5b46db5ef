//! What the log says about calls of tools.

use std::collections::BTreeMap;

use super::*;

/// What became of the last call under an id.
#[derive(Debug, PartialEq)]
enum Call {
    /// It is open; the call of the sub-agent that made it.
    Open(Option<ToolCallId>),
    /// It has its result.
    Ended,
}

/// Every call that was ever made.
#[derive(Debug, Default)]
pub(super) struct CallModel {
    calls: BTreeMap<ToolCallId, Call>,
}

impl CallModel {
    pub(super) fn event(&mut self, event: &Event) {
        match &event.body {
            EventBody::ToolCallStart { id, .. } => {
                let call = self.calls.entry(id.clone()).or_insert(Call::Ended);
                // Said twice, it is the same call.
                if *call == Call::Ended {
                    *call = Call::Open(event.parent.clone());
                }
            }
            EventBody::ToolCallResult { id, .. } => {
                let before = self.calls.insert(id.clone(), Call::Ended);
                assert_ne!(before, Some(Call::Ended), "{id} has one result");
            }
            EventBody::AgentExited { .. }
            | EventBody::StatusChange {
                status: Status::Closed,
                ..
            } => {
                let open = self
                    .calls
                    .values()
                    .find(|call| matches!(call, Call::Open(_)));
                assert_eq!(open, None, "it has its result");
            }
            EventBody::TurnComplete(_) => {
                let main = self.calls.values().find(|call| **call == Call::Open(None));
                assert_eq!(main, None, "it ends with its turn");
            }
            _ => {}
        }
    }
}
