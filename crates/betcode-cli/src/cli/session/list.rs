//! Listing, showing and changing sessions.

use betcode_client::SessionDetails;
use betcode_core::command::Action;
use betcode_core::event::{BackgroundTask, Capability, ClientKind, McpServer, Status, Usage};
use betcode_core::id::shortest_prefix;
use betcode_core::time::Timestamp;
use betcode_proto::convert::session::Summary;
use serde_json::json;

use super::ListArgs;
use super::resolve::find;
use crate::clock;
use crate::context::Context;
use crate::duration::{ago, until};
use crate::error::{Exit, Failure};
use crate::link::{Policy, client, command, with_daemon};
use crate::output::say;
use crate::table::{Table, cut, session_prefix, shortened};

/// Enough of a title to recognise it.
const TITLE: usize = 60;

/// Lists sessions, newest first.
pub(super) fn list(args: &ListArgs, context: &mut Context) -> Result<Exit, Failure> {
    let cwd = match &args.cwd {
        Some(cwd) => Some(Context::utf8(&context.directory(cwd)?)?),
        None => None,
    };
    let limit = args.limit.unwrap_or(0);
    let sessions = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.list_sessions(cwd.as_deref(), limit).await?)
    })?;
    if args.json {
        context.output.json(&sessions)?;
    } else if sessions.is_empty() {
        say("there is no session yet");
    } else {
        let ids: Vec<String> = sessions
            .iter()
            .map(|session| session.id.to_string())
            .collect();
        let ids = ids.iter().map(String::as_str);
        let is_all = cwd.is_none() && limit == 0;
        let shown = if is_all {
            shortest_prefix(ids)
        } else {
            session_prefix(ids)
        };
        let text = table(&sessions, shown, clock::now()).render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

/// The sessions, with so much of their ids.
fn table(sessions: &[Summary], shown: usize, now: Timestamp) -> Table {
    let mut table = Table::new(&["ID", "AGENT", "STATUS", "UPDATED", "TURNS", "TITLE"]);
    for session in sessions {
        table.row([
            shortened(&session.id.to_string(), shown),
            session.agent.to_string(),
            status(session, now),
            ago(now, session.updated),
            session.turns.to_string(),
            cut(session.title.lines().next().unwrap_or_default(), TITLE),
        ]);
    }
    table
}

/// A status as its JSON word, with blanks, and when that ends.
fn status(session: &Summary, now: Timestamp) -> String {
    let word = serde_json::to_value(session.status).unwrap_or_default();
    let word = word.as_str().unwrap_or_default().replace('_', " ");
    match session.retry_at.filter(|at| *at > now) {
        Some(at) if session.status == Status::RateLimited => {
            format!("{word}, retrying {}", until(now, at))
        }
        Some(at) => format!("{word} {}", until(now, at)),
        None => word,
    }
}

/// Shows one session.
pub(super) fn show(id: &str, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let details = with_daemon(context, Policy::Start, async |daemon| {
        find(&daemon, id).await
    })?;
    if json {
        let mut object = json!(details.summary);
        if let Some(object) = object.as_object_mut() {
            object.insert("epoch".into(), json!(details.epoch));
            object.insert("info".into(), json!(details.info));
            object.insert("rules".into(), json!(rules(&details)));
        }
        context.output.json(&object)?;
    } else {
        for (name, value) in lines(&details, clock::now()) {
            let value = value.replace('\n', " ");
            context
                .output
                .line(&format!("{name:<12} {}", crate::output::printable(&value)))?;
        }
    }
    Ok(Exit::Success)
}

fn lines(details: &SessionDetails, now: Timestamp) -> Vec<(&'static str, String)> {
    let session = &details.summary;
    let mut lines = vec![
        ("id", session.id.to_string()),
        ("title", session.title.clone()),
        ("agent", session.agent.to_string()),
        ("model", session.model.clone()),
        ("directory", session.cwd.clone()),
        ("status", status(session, now)),
        (
            "created",
            format!("{} ({})", ago(now, session.created), session.created),
        ),
        (
            "updated",
            format!("{} ({})", ago(now, session.updated), session.updated),
        ),
        ("turns", session.turns.to_string()),
        ("events", session.head.to_string()),
        ("usage", usage(&session.totals)),
    ];
    if let Some(holder) = &details.lock.holder {
        lines.push(("input lock", holder.label()));
    }
    match details.messages.len() {
        0 => {}
        1 => lines.push(("waiting", "1 message".to_owned())),
        several => lines.push(("waiting", format!("{several} messages"))),
    }
    if let Some(info) = &details.info {
        lines.push(("version", info.agent_version.clone()));
        lines.push(("permissions", info.permission_mode.clone()));
        let server = |server: &McpServer| format!("{} ({})", server.name, server.status);
        let servers: Vec<_> = info.mcp_servers.iter().map(server).collect();
        lines.push(("tool servers", servers.join(", ")));
        let task = |task: &BackgroundTask| format!("{} ({})", task.description, task.id);
        let tasks: Vec<_> = info.background_tasks.iter().map(task).collect();
        lines.push(("background", tasks.join("; ")));
    }
    if let Some(rules) = rules(details) {
        lines.push(("rules", rules.to_owned()));
    }
    lines.retain(|(_, value)| !value.is_empty());
    lines
}

/// How far rules bind its agent; none before that has said what it can do.
fn rules(details: &SessionDetails) -> Option<&'static str> {
    let info = details.info.as_ref()?;
    let enforced = info.capabilities.contains(&Capability::RulesEnforced);
    if info.capabilities.is_empty() {
        None
    } else if enforced {
        Some("enforced")
    } else {
        Some("asked-only")
    }
}

fn usage(usage: &Usage) -> String {
    let cached = usage.cache_read_tokens + usage.cache_write_tokens;
    let mut text = format!(
        "{} tokens in, {} out, {cached} cached",
        usage.input_tokens, usage.output_tokens
    );
    if usage.cost_usd > 0.0 {
        text = format!("{text}, ${:.4}", usage.cost_usd);
    }
    text
}

/// Renames, closes or deletes a session, or stops its turn.
pub(super) fn change(
    id: &str,
    action: Action,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    // Without a turn there is nothing to be done.
    let (done, nothing) = match &action {
        Action::Rename { .. } => ("renamed", "renamed"),
        Action::Close => ("closed", "closed"),
        Action::Cancel => ("being stopped", "at rest"),
        _ => ("deleted", "deleted"),
    };
    let (id, accepted) = with_daemon(context, Policy::Start, async |daemon| {
        let id = find(&daemon, id).await?.summary.id;
        let accepted = daemon
            .submit(command(
                id,
                client("betcode session", ClientKind::OneShot),
                action,
            ))
            .await?;
        Ok((id, accepted))
    })?;
    let done = accepted.sequence.map_or(nothing, |_| done);
    for notice in accepted.notices {
        say(&format!("note: {notice}"));
    }
    if json {
        context.output.json(&json!({"id": id, "done": done}))?;
    } else {
        context.output.line(&format!("session {id} is {done}"))?;
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use betcode_core::id::{Sequence, SessionId};
    use uuid::Uuid;

    use super::*;

    fn session(id: u128, title: &str) -> Summary {
        Summary {
            id: SessionId(Uuid::from_u128(id)),
            agent: "demo".into(),
            cwd: "/home/user/project".into(),
            title: title.into(),
            model: String::new(),
            status: Status::RunningTool,
            created: Timestamp(0),
            updated: Timestamp(1_000_000_000),
            head: Sequence(9),
            turns: 2,
            agent_session: String::new(),
            totals: Usage::default(),
            retry_at: None,
        }
    }

    #[test]
    fn a_status_says_when_what_is_waited_for_is_tried_again() {
        let waits = |status, retry_at| Summary {
            status,
            retry_at,
            ..session(1, "")
        };
        let (now, later) = (Timestamp(1_000_000), Some(Timestamp(13_000_000)));
        for (session, text) in [
            (waits(Status::Retrying, later), "retrying in 12 s"),
            (
                waits(Status::RateLimited, later),
                "rate limited, retrying in 12 s",
            ),
            (waits(Status::Starting, later), "starting in 12 s"),
            (waits(Status::Retrying, Some(now)), "retrying"),
            (waits(Status::Thinking, None), "thinking"),
        ] {
            assert_eq!(status(&session, now), text);
        }
    }

    #[test]
    fn a_list_is_an_aligned_table() {
        let sessions = [
            session(0x0198_a0b0 << 96, "fix the\nbug"),
            session(0x0298_a0b0 << 96, &"long ".repeat(30)),
        ];
        insta::assert_snapshot!(table(&sessions, 8, Timestamp(1_200_000_000)).render(false), @"
ID        AGENT  STATUS        UPDATED    TURNS  TITLE
0198a0b0  demo   running tool  3 min ago  2      fix the
0298a0b0  demo   running tool  3 min ago  2      long long long long long long long long long long long long…
");
    }
}
