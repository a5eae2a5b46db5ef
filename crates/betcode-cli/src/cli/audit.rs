//! `betcode audit`: what was decided, by whom. Newest first.

use betcode_client::{AuditEntry, Connection};
use betcode_core::id::SessionId;
use betcode_core::time::Timestamp;
use clap::Args;
use serde_json::{Value, json};

use super::find_session;
use crate::clock;
use crate::context::Context;
use crate::duration::ago;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::say;
use crate::table::{Table, cut, session_prefix, shortened};

/// How many entries are asked for at once.
const PAGE: u32 = 500;
/// Enough of an input to recognise it.
const INPUT: usize = 60;

/// Show who allowed and denied what, newest first
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only decisions in this session (its id, or the beginning of it)
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// At most so many
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// As JSON: an array of objects
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &AuditArgs, context: &mut Context) -> Result<Exit, Failure> {
    let entries = with_daemon(context, Policy::Start, async |daemon| {
        let session = match &args.session {
            Some(id) => Some(find_session(&daemon, id).await?.summary.id),
            None => None,
        };
        read(&daemon, session, args.limit).await
    })?;
    if args.json {
        let rows: Vec<Value> = entries.iter().map(object).collect();
        context.output.json(&rows)?;
    } else if entries.is_empty() {
        say("nothing has been decided yet");
    } else {
        let text = table(&entries, clock::now()).render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

/// Page after page, until there are enough or no more.
async fn read(
    daemon: &Connection,
    session: Option<SessionId>,
    limit: Option<u32>,
) -> Result<Vec<AuditEntry>, Failure> {
    let most = limit.map_or(usize::MAX, |limit| limit as usize);
    let mut entries: Vec<AuditEntry> = Vec::new();
    while entries.len() < most {
        let wanted = u32::try_from(most - entries.len())
            .unwrap_or(PAGE)
            .min(PAGE);
        let before = entries.last().map(|entry| entry.id);
        let page = daemon.list_audit(session, wanted, before).await?;
        if page.is_empty() {
            break;
        }
        entries.extend(page);
    }
    entries.truncate(most);
    Ok(entries)
}

/// An entry as programs read it.
fn object(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "time": entry.time,
        "session_id": entry.session,
        "tool": entry.tool,
        "input_preview": entry.input_preview,
        "input_sha256": entry.input_sha256,
        "outcome": entry.outcome,
        "by": entry.by,
        "request_id": entry.request,
    })
}

fn table(entries: &[AuditEntry], now: Timestamp) -> Table {
    let sessions: Vec<String> = entries
        .iter()
        .map(|entry| entry.session.to_string())
        .collect();
    let shortest = session_prefix(sessions.iter().map(String::as_str));
    let mut table = Table::new(&["WHEN", "SESSION", "TOOL", "OUTCOME", "BY", "INPUT"]);
    for entry in entries {
        table.row([
            ago(now, entry.time),
            shortened(&entry.session.to_string(), shortest),
            entry.tool.clone(),
            entry.outcome.clone(),
            entry.by.clone(),
            cut(&entry.input_preview, INPUT),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn entry(id: u64, outcome: &str, by: &str) -> AuditEntry {
        AuditEntry {
            id,
            time: Timestamp(1_000_000_000),
            session: SessionId(Uuid::from_u128(0x0198_a0b0 << 96)),
            tool: "Bash".into(),
            input_preview: "{\"command\":\"touch made\"}".into(),
            input_sha256: "44136f".into(),
            outcome: outcome.into(),
            by: by.into(),
            request: "0b3cafe1".into(),
        }
    }

    #[test]
    fn decisions_are_an_aligned_table() {
        let entries = [
            entry(2, "allowed", "betcode permission (laptop)"),
            entry(1, "denied", "nobody"),
        ];
        insta::assert_snapshot!(table(&entries, Timestamp(1_200_000_000)).render(false));
    }

    #[test]
    fn a_decision_as_json_has_the_promised_keys() {
        insta::assert_snapshot!(object(&entry(2, "allowed", "x")));
    }
}
