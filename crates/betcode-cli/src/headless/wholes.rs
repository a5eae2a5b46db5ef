//! The wholes of what events only show the beginning or the name of, fetched before they are printed: long inputs and outputs,
//! images, the agent's own result, and what is asked of a driver.
//!
//! Not here: what is printed. What cannot be fetched stays as it is, and a note says so: a turn does not fail for it.

use std::time::Duration;

use betcode_client::{CallError, Connection};
use betcode_core::event::{Event, EventBody, Preview, restore_payload};
use betcode_core::id::{Sequence, SessionId};
use tokio::time::{sleep, timeout};

use super::options::{OutputFormat, RunArgs};
use crate::link::Link;

/// How long everything of one event may take, also when the daemon goes away and another one comes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Which events are shown whole.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    format: OutputFormat,
    /// What the user said, too.
    replay: bool,
    /// Somebody answers what the agent asks.
    asks: bool,
}

impl Wanted {
    fn has(self, body: &EventBody) -> bool {
        let lines = self.format == OutputFormat::StreamJson;
        match body {
            EventBody::ToolCallStart { .. } | EventBody::ToolCallResult { .. } => lines,
            EventBody::TurnComplete(_) => lines || self.format == OutputFormat::Json,
            EventBody::UserInput(_) => lines && self.replay,
            EventBody::PermissionRequest(_) | EventBody::Question(_) => self.asks,
            _ => false,
        }
    }
}

/// Fetches wholes.
#[derive(Debug)]
pub(super) struct Wholes {
    link: Link,
    wanted: Wanted,
    /// Made when it is first needed.
    connection: Option<Connection>,
}

impl Wholes {
    /// For this run.
    pub(super) fn new(args: &RunArgs, link: &Link) -> Self {
        Self {
            link: link.clone(),
            wanted: Wanted {
                format: args.output_format,
                replay: args.replay_user_messages,
                asks: args.asks_on_stdio(),
            },
            connection: None,
        }
    }

    /// Makes the event whole where that is wanted. Gives what is to be said about it.
    pub(super) async fn fill(&mut self, session: SessionId, event: &mut Event) -> Vec<String> {
        if event.previews.is_empty() || !self.wanted.has(&event.body) {
            return Vec::new();
        }
        let all = timeout(PATIENCE, self.fill_all(session, event)).await;
        all.unwrap_or_else(|_| vec![missing(event.sequence, "the daemon does not answer")])
    }

    async fn fill_all(&mut self, session: SessionId, event: &mut Event) -> Vec<String> {
        let mut notes = Vec::new();
        for cut in std::mem::take(&mut event.previews) {
            if cut.stored > 0 {
                match self.fetch(session, event.sequence, &cut.field).await {
                    Ok(whole) => restore_payload(&mut event.body, &cut.field, &whole),
                    Err(why) => {
                        notes.push(missing(event.sequence, &why));
                        event.previews.push(cut);
                        continue;
                    }
                }
            }
            if cut.stored < cut.size {
                notes.push(not_kept(&cut));
                event.previews.push(cut);
            }
        }
        notes
    }

    async fn fetch(
        &mut self,
        session: SessionId,
        sequence: Sequence,
        field: &str,
    ) -> Result<Vec<u8>, String> {
        loop {
            let connection = match self.connection.clone() {
                Some(connection) => connection,
                None => match self.link.connect().await {
                    Ok(connection) => self.connection.insert(connection).clone(),
                    Err(error) => return Err(error.to_string()),
                },
            };
            match connection.payload(session, sequence, field).await {
                Ok(whole) => return Ok(whole),
                Err(CallError::Lost(_)) => {}
                Err(CallError::Refused(refusal)) if refusal.is_unavailable() => {}
                Err(error) => return Err(error.to_string()),
            }
            self.connection = None;
            sleep(PAUSE).await;
        }
    }
}

fn missing(sequence: Sequence, why: &str) -> String {
    format!("warning: event {sequence} is shown in part only: {why}")
}

fn not_kept(cut: &Preview) -> String {
    let Preview {
        field,
        size,
        stored,
    } = cut;
    format!(
        "note: {field} has {size} bytes, of which {stored} are kept (the setting session.payload_limit)"
    )
}
