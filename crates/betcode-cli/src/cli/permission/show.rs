//! `permission show`: everything that a person needs to decide, with nothing hidden.

use betcode_client::{RequestKind, RequestRecord, SessionDetails};
use betcode_core::config::PROJECT_LOCAL_FILE;
use betcode_core::event::PermissionRequest;
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use serde_json::Value;

use super::list::{expiry, object};
use crate::cli::answer::{find, whole};
use crate::cli::find_session;
use crate::clock;
use crate::context::Context;
use crate::duration::ago;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::say;
use crate::table::{cut, first_line};
use betcode_core::visible::{fields, visible};

/// Why nothing can be written for a call.
const NO_RULE: &str = "no rule can stand for this call: allow it once, or for this session";

/// Shows one request.
pub(super) fn show(id: &str, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let (record, session, trusted) = with_daemon(context, Policy::Start, async |daemon| {
        let record = find(&daemon, id, RequestKind::Permission).await?;
        let record = whole(&daemon, record).await?;
        let session = find_session(&daemon, &record.session.to_string()).await?;
        let directory = std::path::Path::new(&session.summary.cwd);
        let trusted = daemon
            .list_trust()
            .await?
            .iter()
            .any(|row| row.current && directory.starts_with(&row.directory));
        Ok((record, session, trusted))
    })?;
    let Pending::Permission(request) = &record.request else {
        return Ok(Exit::Success);
    };
    if !record.previews.is_empty() {
        say("warning: only the beginning of the input is left; the log before it was removed");
    }
    if json {
        let mut object = object(&record, request);
        if let Some(object) = object.as_object_mut() {
            object.insert("cwd".into(), session.summary.cwd.as_str().into());
            object.insert("rules_file".into(), rules_file(&session).into());
            object.insert("trusted".into(), trusted.into());
        }
        context.output.json(&object)?;
    } else {
        let text = page(&record, request, &session, trusted, clock::now());
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

/// Where "always" is written.
fn rules_file(session: &SessionDetails) -> String {
    let directory = session.summary.cwd.trim_end_matches('/');
    format!("{directory}/{PROJECT_LOCAL_FILE}")
}

/// A request as people read it.
fn page(
    record: &RequestRecord,
    request: &PermissionRequest,
    session: &SessionDetails,
    trusted: bool,
    now: Timestamp,
) -> String {
    let summary = &session.summary;
    let mut page = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let value = visible(value).replace('\n', " ");
            page.extend([format!("{name:<12} {value}").trim_end(), "\n"]);
        }
    };
    row("id", &request.id.0);
    let title = cut(summary.title.lines().next().unwrap_or_default(), 40);
    row("session", &format!("{} {title}", summary.id));
    row("directory", &summary.cwd);
    row("tool", &request.tool);
    row("what", &first_line(&request.description, 100));
    row("state", &record.state);
    row("decided by", &record.decided_by);
    row("asked", &when(now, record.asked));
    if record.ended.is_none() {
        let at = request.expires_at.map(|at| format!(" ({at})"));
        let at = at.unwrap_or_default();
        row(
            "expires",
            &format!("{}{at}", expiry(now, request.expires_at)),
        );
    }
    row("note", &request.note);
    if request.suggested_rules.is_empty() {
        row("--session", "exactly this call, until the session ends");
        row("--always", NO_RULE);
    } else {
        let rules = request.suggested_rules.join(" and ");
        row("--session", &format!("{rules} until the session ends"));
        let counts = if trusted {
            ""
        } else {
            ", which later sessions heed once the directory is trusted (betcode trust)"
        };
        row(
            "--always",
            &format!("{rules} in {}{counts}", rules_file(session)),
        );
    }
    page.push_str("\ninput\n");
    let (shown_below, edits) = edits(&request.input);
    indent(&mut page, &fields(&request.input, &shown_below));
    for (old, new) in edits {
        page.push_str("\nchange\n");
        indent(&mut page, &difference(old, new));
    }
    page
}

fn when(now: Timestamp, then: Timestamp) -> String {
    format!("{} ({then})", ago(now, then))
}

fn indent(page: &mut String, text: &str) {
    for line in text.lines() {
        page.extend(["  ", line, "\n"]);
    }
}

/// What an edit replaces by what, and the fields of which nothing is left to show then.
fn edits(input: &Value) -> (Vec<&str>, Vec<(&str, &str)>) {
    fn pair(edit: &Value) -> Option<(&str, &str)> {
        let text = |name: &str| edit.get(name).and_then(Value::as_str);
        Some((text("old_string")?, text("new_string")?))
    }
    let mut whole = Vec::new();
    let mut found = Vec::new();
    if let Some(edit) = pair(input) {
        whole.extend(["old_string", "new_string"]);
        found.push(edit);
    }
    if let Some(several) = input.get("edits").and_then(Value::as_array) {
        let says_more = |edit: &Value| edit.as_object().is_none_or(|edit| edit.len() != 2);
        let pairs: Vec<_> = several.iter().filter_map(pair).collect();
        if pairs.len() == several.len() && !several.iter().any(says_more) {
            whole.push("edits");
        }
        found.extend(pairs);
    }
    (whole, found)
}

/// Both texts line by line, as `diff` shows them.
fn difference(old: &str, new: &str) -> String {
    use similar::{ChangeTag, TextDiff};
    let mut shown = String::new();
    for change in TextDiff::from_lines(old, new).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => "- ",
            ChangeTag::Insert => "+ ",
            ChangeTag::Equal => "  ",
        };
        let line = visible(change.value().trim_end_matches('\n')).into_owned();
        shown.extend([sign, &line, "\n"]);
    }
    shown
}

#[cfg(test)]
mod tests;
