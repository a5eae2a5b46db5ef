//! The four output formats behind one face. A format turns events into bytes for stdout and notes for stderr; it neither
//! prints nor decides when a turn is over.

use betcode_core::event::Event;
use betcode_core::id::SessionId;
use serde_json::Value;

use super::text::Text;
use super::turn::TurnReport;
use super::{events, json, stream_json::StreamJson};
use crate::error::Report;

/// What is to be printed.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    /// For stdout.
    pub(crate) data: Vec<u8>,
    /// For stderr, a line each.
    pub(crate) notes: Vec<String>,
}

/// How a run prints.
#[derive(Debug)]
pub(crate) enum Format {
    /// The assistant's text.
    Text(Text),
    /// One object at the end.
    Json,
    /// Claude Code's line types.
    StreamJson(Box<StreamJson>),
    /// Our own events.
    Events,
}

impl Format {
    /// Prints one event of the turn.
    pub(crate) fn event(&mut self, session: SessionId, event: &Event, printed: &mut Printed) {
        match self {
            Self::Text(text) => text.event(event, printed),
            Self::Json => {}
            Self::StreamJson(stream) => stream.event(session, event, &mut printed.data),
            Self::Events => events::event(session, event, printed),
        }
    }

    /// The turn is over, well or not.
    pub(crate) fn finish(
        &mut self,
        session: SessionId,
        report: &TurnReport,
        error: Option<&Report>,
        printed: &mut Printed,
    ) {
        match self {
            Self::Text(text) => text.finish(report, error.is_some(), printed),
            Self::Json => line(
                &mut printed.data,
                &Value::Object(json::result(session, report, error)),
            ),
            Self::StreamJson(stream) => stream.finish(session, report, error, &mut printed.data),
            Self::Events => {}
        }
    }
}

/// Adds a value as one line.
pub(super) fn line(data: &mut Vec<u8>, value: &Value) {
    // A `Value` always becomes JSON: its keys are strings and its numbers are finite.
    if serde_json::to_writer(&mut *data, value).is_ok() {
        data.push(b'\n');
    }
}
