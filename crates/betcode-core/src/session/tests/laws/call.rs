//! What the log says about calls of tools.

use std::collections::BTreeMap;

use super::*;

/// Each call that was ever made under an id: the one that is open with its parent, or none when it has its result.
#[derive(Debug, Default)]
pub(super) struct CallModel {
    calls: BTreeMap<ToolCallId, Option<Option<ToolCallId>>>,
}

impl CallModel {
    pub(super) fn event(&mut self, event: &Event) {
        match &event.body {
            EventBody::ToolCallStart { id, .. } => {
                let call = self.calls.entry(id.clone()).or_default();
                call.get_or_insert(event.parent.clone());
            }
            EventBody::ToolCallResult { id, .. } => {
                let before = self.calls.insert(id.clone(), None);
                assert_ne!(before, Some(None), "{id} has one result");
            }
            EventBody::AgentExited { .. }
            | EventBody::StatusChange {
                status: Status::Closed,
                ..
            } => assert_eq!(self.open().next(), None, "it has its result"),
            EventBody::TurnComplete(_) => {
                let main = self.open().find(|(_, parent)| parent.is_none());
                assert_eq!(main, None, "it ends with its turn");
            }
            _ => {}
        }
    }

    fn open(&self) -> impl Iterator<Item = (&ToolCallId, Option<&ToolCallId>)> {
        let calls = self.calls.iter();
        calls.filter_map(|(id, call)| Some((id, call.as_ref()?.as_ref())))
    }
}
