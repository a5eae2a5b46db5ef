//! `session import`: conversations that Claude Code had by itself in a directory, and making one a session here.
//!
//! Nothing is read here: the daemon finds and reads the files, with this terminal's environment to say where they are.

use std::collections::BTreeMap;

use betcode_client::{Import, Importable, ImportableList, Imported};
use betcode_core::event::ClientKind;
use betcode_core::id::IdempotencyKey;
use betcode_core::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::ImportArgs;
use crate::clock;
use crate::context::Context;
use crate::duration::ago;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Policy, client, with_daemon};
use crate::output::say;
use crate::table::{Table, cut, shortened};

/// Enough of a title to recognise it.
const TITLE: usize = 60;
/// What says where Claude Code keeps its sessions.
const WHERE: [&str; 2] = ["HOME", "CLAUDE_CONFIG_DIR"];
/// Bytes in a mebibyte.
const MEBIBYTE: u64 = 1024 * 1024;

/// Lists what can be imported, or imports one.
pub(super) fn import(args: ImportArgs, context: &mut Context) -> Result<Exit, Failure> {
    let cwd = match &args.cwd {
        Some(cwd) => context.directory(cwd)?,
        None => context.directory(&context.cwd()?)?,
    };
    let cwd = Context::utf8(&cwd)?;
    if args.id.is_none() && !args.last {
        return list(&cwd, &args, context);
    }
    if args.id.as_deref().is_some_and(|id| id.trim().is_empty()) {
        return Err(Failure::usage("the session's id is empty")
            .hint("betcode session import lists what can be imported; --last takes the newest"));
    }
    let (environment, _) = context.environment.for_agents();
    let import = Import {
        id: args.id.unwrap_or_default(),
        cwd,
        cwd_chosen: args.cwd.is_some(),
        environment,
        key: IdempotencyKey(Uuid::now_v7()),
        client: client("betcode session", ClientKind::OneShot),
    };
    let imported = with_daemon(context, Policy::Start, async |daemon| {
        let progress = |read: u64, size: u64| {
            say(&format!(
                "read {} of {} MiB",
                read / MEBIBYTE,
                size / MEBIBYTE
            ));
        };
        Ok(daemon.import_session(import, progress).await?)
    })?;
    tell(&imported.notices);
    if args.json {
        context.output.json(&object(&imported))?;
        return Ok(Exit::Success);
    }
    for line in words(&imported) {
        context.output.line(&line)?;
    }
    Ok(Exit::Success)
}

fn object(imported: &Imported) -> serde_json::Value {
    // What was there before was not read again.
    let read = |number: u64| Some(number).filter(|_| !imported.already);
    json!({
        "id": imported.session.id,
        "done": if imported.already { "already_imported" } else { "imported" },
        "agent_session": imported.session.agent_session,
        "title": imported.session.title,
        "cwd": imported.session.cwd,
        "messages": read(imported.messages),
        "left_out": read(imported.left_out),
        "events": imported.session.head,
        "notices": imported.notices,
    })
}

fn words(imported: &Imported) -> Vec<String> {
    let session = &imported.session;
    let mut lines = Vec::new();
    if imported.already {
        lines.push(format!("session {} is imported already", session.id));
    } else {
        lines.push(format!(
            "session {} is imported: {}",
            session.id,
            count(imported.messages, "message")
        ));
        if imported.left_out > 0 {
            lines.push(format!(
                "{} not understood and left out",
                count(imported.left_out, "line")
            ));
        }
    }
    lines.push(format!(
        "go on with: betcode -p --resume {} \"…\"",
        session.id
    ));
    lines
}

fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn list(cwd: &str, args: &ImportArgs, context: &mut Context) -> Result<Exit, Failure> {
    let environment: BTreeMap<String, String> = WHERE
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), context.environment.text(name)?.to_owned())))
        .collect();
    let found = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.importable(cwd, environment, args.limit).await?)
    })?;
    tell(&found.notices);
    if args.json {
        context.output.json(&found.sessions)?;
        return Ok(Exit::Success);
    }
    if found.sessions.is_empty() {
        say(&format!("Claude Code has no session in {cwd}"));
        say(&format!("note: looked in {}", found.place));
        return Ok(Exit::Success);
    }
    let text = table(&found.sessions, clock::now()).render(context.output.colours());
    context.output.write(text.as_bytes())?;
    after(&found);
    Ok(Exit::Success)
}

/// What else is worth knowing.
fn after(found: &ImportableList) {
    if found.older > 0 {
        say(&format!(
            "note: {} older are not shown: --limit 0 shows all",
            found.older
        ));
    }
    if found.sessions.iter().any(|session| session.in_use) {
        say("note: what is marked with * seems to be in use now");
    }
}

fn table(sessions: &[Importable], now: Timestamp) -> Table {
    let mut table = Table::new(&["ID", "CHANGED", "MESSAGES", "IMPORTED", "TITLE"]);
    let shortest =
        betcode_core::id::shortest_prefix(sessions.iter().map(|session| session.id.as_str()));
    for session in sessions {
        let mark = if session.in_use { " *" } else { "" };
        let imported = session
            .session
            .map(|id| shortened(&id.to_string(), shortest));
        table.row([
            shortened(&session.id, shortest),
            format!("{}{mark}", ago(now, session.changed)),
            session.messages.to_string(),
            imported.unwrap_or_else(|| "no".to_owned()),
            cut(session.title.lines().next().unwrap_or_default(), TITLE),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use betcode_core::id::SessionId;

    use super::*;

    #[test]
    fn a_list_says_what_is_imported_and_what_is_in_use() {
        let session = |id: u128, in_use: bool| Importable {
            id: Uuid::from_u128(id).to_string(),
            title: "fix the\nbug".into(),
            cwd: "/home/user/project".into(),
            model: String::new(),
            changed: Timestamp(1_000_000_000),
            messages: 7,
            session: in_use.then(|| SessionId(Uuid::from_u128(id))),
            in_use,
        };
        let sessions = [
            session(0x0198_a0b0 << 96, true),
            session(0x0298_a0b0 << 96, false),
        ];
        insta::assert_snapshot!(table(&sessions, Timestamp(1_200_000_000)).render(false), @"
ID        CHANGED      MESSAGES  IMPORTED  TITLE
0198a0b0  3 min ago *  7         0198a0b0  fix the
0298a0b0  3 min ago    7         no        fix the
");
    }
}
