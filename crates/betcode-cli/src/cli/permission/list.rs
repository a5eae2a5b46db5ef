//! `permission list`.

use betcode_client::{RequestKind, RequestRecord};
use betcode_core::event::PermissionRequest;
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use serde_json::{Value, json};

use super::ListArgs;
use crate::cli::answer::whole;
use crate::cli::find_session;
use crate::clock;
use crate::context::Context;
use crate::duration::{ago, until};
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::say;
use crate::table::{Table, first_line, session_prefix, shortened};

/// Enough of a description to recognise it.
const WHAT: usize = 60;

/// Lists requests, oldest first.
pub(super) fn list(args: &ListArgs, context: &mut Context) -> Result<Exit, Failure> {
    let rows = |records: &[RequestRecord]| {
        permissions(records)
            .map(|(record, request)| object(record, request))
            .collect()
    };
    let none = "no agent asks for permission";
    print(args, RequestKind::Permission, context, rows, none, table)
}

/// Prints the requests of one kind, as rows of JSON or as a table.
pub(crate) fn print(
    args: &ListArgs,
    kind: RequestKind,
    context: &mut Context,
    rows: impl Fn(&[RequestRecord]) -> Vec<Value>,
    none: &str,
    table: impl Fn(&[RequestRecord], bool, Timestamp) -> Table,
) -> Result<Exit, Failure> {
    let records = records(args, kind, context)?;
    if args.json {
        context.output.json(&rows(&records))?;
    } else if records.is_empty() {
        say(none);
    } else {
        let text = table(&records, args.all, clock::now()).render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

/// The requests of one kind; for JSON with everything in them whole.
fn records(
    args: &ListArgs,
    kind: RequestKind,
    context: &Context,
) -> Result<Vec<RequestRecord>, Failure> {
    with_daemon(context, Policy::Start, async |daemon| {
        let session = match &args.session {
            Some(id) => Some(find_session(&daemon, id).await?.summary.id),
            None => None,
        };
        let listed = daemon.list_requests(Some(kind), session, args.all).await?;
        if !args.json {
            return Ok(listed);
        }
        let mut records = Vec::with_capacity(listed.len());
        for record in listed {
            records.push(whole(&daemon, record).await?);
        }
        Ok(records)
    })
}

fn permissions(
    records: &[RequestRecord],
) -> impl Iterator<Item = (&RequestRecord, &PermissionRequest)> {
    records.iter().filter_map(|record| match &record.request {
        Pending::Permission(request) => Some((record, request)),
        Pending::Question(_) => None,
    })
}

/// A request as programs read it.
pub(super) fn object(record: &RequestRecord, request: &PermissionRequest) -> Value {
    let mut object = json!({
        "id": request.id,
        "session_id": record.session,
        "tool": request.tool,
        "input": request.input,
        "description": request.description,
        "expires_at": request.expires_at,
        "state": record.state,
        "asked_at": record.asked,
        "sequence": record.sequence,
        "rules": request.suggested_rules,
    });
    add_ending(&mut object, record, &request.note);
    object
}

/// What is there only sometimes: a note, an end, previews that could not be made whole.
pub(crate) fn add_ending(object: &mut Value, record: &RequestRecord, note: &str) {
    let Some(object) = object.as_object_mut() else {
        return;
    };
    if !note.is_empty() {
        object.insert("note".into(), note.into());
    }
    if !record.decided_by.is_empty() {
        object.insert("decided_by".into(), record.decided_by.as_str().into());
    }
    if let Some(ended) = record.ended {
        object.insert("ended_at".into(), json!(ended));
    }
    if !record.previews.is_empty() {
        object.insert("previews".into(), json!(record.previews));
    }
}

fn table(records: &[RequestRecord], all: bool, now: Timestamp) -> Table {
    let ids =
        betcode_core::id::shortest_prefix(records.iter().map(|record| record.id().0.as_str()));
    let sessions: Vec<String> = records
        .iter()
        .map(|record| record.session.to_string())
        .collect();
    let session = session_prefix(sessions.iter().map(String::as_str));
    let mut headings = vec!["ID", "SESSION", "TOOL", "WHAT", "ASKED"];
    headings.extend(if all {
        &["STATE", "BY"][..]
    } else {
        &["EXPIRES"]
    });
    let mut table = Table::new(&headings);
    for (record, request) in permissions(records) {
        let mut row = vec![
            shortened(&request.id.0, ids),
            shortened(&record.session.to_string(), session),
            request.tool.clone(),
            first_line(&request.description, WHAT),
            ago(now, record.asked),
        ];
        if all {
            row.extend([record.state.clone(), record.decided_by.clone()]);
        } else {
            row.push(expiry(now, request.expires_at));
        }
        table.row(row);
    }
    table
}

/// When a request ends without an answer.
pub(crate) fn expiry(now: Timestamp, expires: Option<Timestamp>) -> String {
    expires.map_or_else(|| "never".to_owned(), |at| until(now, at))
}

#[cfg(test)]
mod tests {
    use betcode_core::id::{Sequence, SessionId};
    use uuid::Uuid;

    use super::*;

    fn record(id: &str, command: &str) -> RequestRecord {
        RequestRecord {
            session: SessionId(Uuid::from_u128(0x0198_a0b0 << 96)),
            sequence: Sequence(9),
            asked: Timestamp(1_000_000_000),
            request: Pending::Permission(PermissionRequest {
                id: id.into(),
                tool: "Bash".into(),
                tool_call: Some("call-1".into()),
                input: json!({"command": command}),
                description: command.to_owned(),
                suggested_rules: vec![format!("Bash({command})")],
                expires_at: Some(Timestamp(605_800_000_000)),
                is_replay: false,
                note: String::new(),
            }),
            previews: Vec::new(),
            state: "pending".into(),
            decided_by: String::new(),
            ended: None,
        }
    }

    fn decided() -> RequestRecord {
        RequestRecord {
            state: "denied".into(),
            decided_by: "betcode permission (laptop)".into(),
            ended: Some(Timestamp(1_100_000_000)),
            ..record("77d0ffee-0000", "rm -rf /\u{1b}[2J\nand more")
        }
    }

    #[test]
    fn what_waits_is_an_aligned_table() {
        let records = [record("0b3cafe1-0000", "touch made"), decided()];
        let now = Timestamp(1_200_000_000);
        insta::assert_snapshot!(table(&records, false, now).render(false));
        insta::assert_snapshot!(table(&records, true, now).render(false));
    }

    #[test]
    fn a_request_as_json_has_the_promised_keys() {
        let decided = decided();
        let rows: Vec<Value> = permissions(std::slice::from_ref(&decided))
            .map(|(record, request)| object(record, request))
            .collect();
        insta::assert_snapshot!(serde_json::to_string_pretty(&rows).unwrap());
    }
}
