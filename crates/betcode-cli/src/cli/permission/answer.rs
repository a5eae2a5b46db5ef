//! `permission allow` and `permission deny`.

use std::time::Duration;

use betcode_client::session::{End, Handle, Open, Position, Update};
use betcode_client::{Accepted, Connection, RequestKind, RequestRecord};
use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::event::{EventBody, PermissionScope};
use betcode_core::id::Sequence;
use betcode_core::session::Pending;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{AllowArgs, DenyArgs, edit};
use crate::cli::answer::{find, me, send, whole};
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Link, Policy, block_on};
use crate::output::{printable, say};
use crate::table::first_line;

const NAME: &str = "betcode permission";
/// Enough of a description to recognise it.
const WHAT: usize = 100;
/// How long writing a rule may take.
const WRITING: Duration = Duration::from_secs(5);

/// What came of it.
struct Done {
    record: RequestRecord,
    /// By whom it had been decided the same way before; none when this decided it.
    before: Option<String>,
    written: Option<Written>,
}

/// Rules that were written.
struct Written {
    rules: Vec<String>,
    file: String,
    trusted: bool,
    cwd: String,
}

/// Allows a request.
pub(super) fn allow(args: &AllowArgs, context: &mut Context) -> Result<Exit, Failure> {
    let input = args.edit.as_deref().map(edit::read).transpose()?;
    let scope = match (args.session, args.always) {
        (true, _) => PermissionScope::Session,
        (false, true) => PermissionScope::Always,
        (false, false) => PermissionScope::Once,
    };
    let link = Link::new(context, Policy::Start)?;
    let done = block_on(async {
        let daemon = link.connect().await?;
        let record = find(&daemon, &args.id, RequestKind::Permission).await?;
        let record = if let Some(input) = &input {
            let record = whole(&daemon, record).await?;
            for note in edit::notes(record.request.input(), input) {
                say(&note);
            }
            record
        } else {
            record
        };
        let answer = PermissionAnswer::Allow {
            scope,
            input: input.clone(),
        };
        let (accepted, mut done) = answer_with(&daemon, record, answer).await?;
        if let (PermissionScope::Always, Some(first)) = (scope, accepted.sequence) {
            done.written =
                Some(follow_rules(&daemon, &link, &accepted, first, &done.record).await?);
        }
        Ok(done)
    })?;
    let how = match (scope, input.is_some()) {
        (_, true) => "allowed with an edited input",
        (PermissionScope::Once, false) => "allowed",
        (PermissionScope::Session, false) => "allowed for this session",
        (PermissionScope::Always, false) => "allowed from now on",
    };
    tell_done(&done, "allowed", how, args.json, context)
}

/// Denies a request.
pub(super) fn deny(args: DenyArgs, context: &mut Context) -> Result<Exit, Failure> {
    let DenyArgs {
        id,
        message,
        interrupt,
        json,
    } = args;
    let link = Link::new(context, Policy::Start)?;
    let done = block_on(async {
        let daemon = link.connect().await?;
        let record = find(&daemon, &id, RequestKind::Permission).await?;
        let answer = PermissionAnswer::Deny { message, interrupt };
        Ok(answer_with(&daemon, record, answer).await?.1)
    })?;
    let how = if interrupt {
        "denied, and the turn is stopped"
    } else {
        "denied"
    };
    tell_done(&done, "denied", how, json, context)
}

async fn answer_with(
    daemon: &Connection,
    record: RequestRecord,
    answer: PermissionAnswer,
) -> Result<(Accepted, Done), Failure> {
    let action = Action::AnswerPermission {
        id: record.id().clone(),
        answer,
    };
    let accepted = send(daemon, &record, me(NAME), action).await?;
    tell(&accepted.notices);
    let mut done = Done {
        record,
        before: None,
        written: None,
    };
    // The same answer again has no effect; whose it was is worth one more question, but no error.
    if accepted.sequence.is_none() {
        let id = done.record.id().0.clone();
        let kind = Some(RequestKind::Permission);
        let now = daemon.get_request(&id, kind).await.ok();
        done.before = Some(now.map_or_else(String::new, |now| now.decided_by));
    }
    Ok((accepted, done))
}

/// Waits until the rules of an answer are written, or could not be.
async fn follow_rules(
    daemon: &Connection,
    link: &Link,
    accepted: &Accepted,
    first: Sequence,
    record: &RequestRecord,
) -> Result<Written, Failure> {
    let open = Open {
        session: record.session,
        after: Position {
            epoch: Some(accepted.epoch),
            last: Sequence(first.0.saturating_sub(1)),
        },
        follow: true,
        client: me(NAME),
        observe: true,
    };
    let mut handle = Handle::on(daemon.clone(), link.watcher(), open);
    let written = async {
        loop {
            let batch = match handle.next().await {
                Update::Events(batch) => batch,
                Update::End(End::Refused(refusal)) => return Err(Failure::from(refusal)),
                Update::End(End::Failed(error)) => return Err(error.into()),
                Update::End(End::Complete) => return Err(unknown(record)),
                _ => continue,
            };
            for event in batch.events()? {
                if let EventBody::RulesWritten {
                    id,
                    rules,
                    file,
                    error,
                    ..
                } = event.body
                    && id == *record.id()
                {
                    return Ok((rules, file, error));
                }
            }
        }
    };
    let (rules, file, error) = match timeout(WRITING, written).await {
        Ok(written) => written?,
        Err(_) => return Err(unknown(record)),
    };
    if !error.is_empty() {
        return Err(Failure::general(
            "RULE_NOT_WRITTEN",
            format!("this call is allowed, but the rule could not be written to {file}: {error}"),
        ));
    }
    let cwd = daemon.get_session(&record.session.to_string()).await?;
    let cwd = cwd.summary.cwd;
    let trusted = daemon.list_trust().await?;
    let trusted = trusted
        .iter()
        .any(|row| row.current && std::path::Path::new(&cwd).starts_with(&row.directory));
    Ok(Written {
        rules,
        file,
        trusted,
        cwd,
    })
}

fn unknown(record: &RequestRecord) -> Failure {
    Failure::general(
        "RULE_NOT_WRITTEN",
        "this call is allowed, but nothing was heard of the rule being written",
    )
    .hint(format!(
        "betcode session events {} tells of it as rules_written",
        record.session
    ))
}

fn tell_done(
    done: &Done,
    state: &str,
    how: &str,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    if json {
        context.output.json(&object(done, state))?;
    } else {
        context.output.line(&line(done, how))?;
        for line in rule_lines(done) {
            context.output.line(&line)?;
        }
    }
    if let Some(written) = done.written.as_ref().filter(|written| !written.trusted) {
        let what = if written.rules.len() == 1 {
            "the rule counts"
        } else {
            "the rules count"
        };
        say(&format!(
            "hint: {what} in this session; in later ones once the directory is trusted: betcode trust {}",
            shell_words::quote(&written.cwd)
        ));
    }
    Ok(Exit::Success)
}

fn object(done: &Done, state: &str) -> Value {
    let mut object = json!({
        "id": done.record.id(),
        "session_id": done.record.session,
        "state": state,
        "decided_before": done.before.is_some(),
    });
    if let (Some(object), Some(written)) = (object.as_object_mut(), &done.written) {
        object.insert("rules".into(), json!(written.rules));
        object.insert("file".into(), json!(written.file));
        object.insert("trusted".into(), json!(written.trusted));
    }
    object
}

fn line(done: &Done, how: &str) -> String {
    let what = match &done.record.request {
        Pending::Permission(request) => {
            format!(
                "{} ({})",
                request.tool,
                first_line(&request.description, WHAT)
            )
        }
        Pending::Question(_) => String::new(),
    };
    let what = printable(&what).into_owned();
    match done.before.as_deref() {
        None => format!("{what} is {how}"),
        Some("") => format!("{what} was already {how}"),
        Some(by) => format!("{what} was already {how}, by {}", printable(by)),
    }
}

fn rule_lines(done: &Done) -> Vec<String> {
    let Some(written) = &done.written else {
        return Vec::new();
    };
    let rules = written.rules.iter();
    rules
        .map(|rule| {
            let rule = betcode_core::visible::visible(rule);
            format!("rule {rule} is written to {}", written.file)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use betcode_core::event::PermissionRequest;
    use betcode_core::id::SessionId;
    use betcode_core::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn done(before: Option<&str>, rules: &[&str]) -> Done {
        let written = (!rules.is_empty()).then(|| Written {
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            file: "/p/.betcode/config.local.toml".into(),
            trusted: false,
            cwd: "/p".into(),
        });
        Done {
            record: RequestRecord {
                session: SessionId(Uuid::from_u128(1)),
                sequence: Sequence(4),
                asked: Timestamp(5),
                request: Pending::Permission(PermissionRequest {
                    id: "r-1".into(),
                    tool: "Bash".into(),
                    tool_call: None,
                    input: json!({"command": "ls"}),
                    description: "ls\u{1b}[2J\nmore".into(),
                    suggested_rules: Vec::new(),
                    expires_at: None,
                    is_replay: false,
                    note: String::new(),
                }),
                previews: Vec::new(),
                state: "pending".into(),
                decided_by: String::new(),
                ended: None,
            },
            before: before.map(str::to_owned),
            written,
        }
    }

    #[test]
    fn an_answer_is_told_in_a_line_that_says_whether_it_was_the_first() {
        assert_eq!(
            line(&done(None, &[]), "allowed"),
            "Bash (ls\u{fffd}[2J (+1 line)) is allowed"
        );
        assert_eq!(
            line(&done(Some("tray (laptop)"), &[]), "denied"),
            "Bash (ls\u{fffd}[2J (+1 line)) was already denied, by tray (laptop)"
        );
        assert_eq!(
            line(&done(Some(""), &[]), "denied"),
            "Bash (ls\u{fffd}[2J (+1 line)) was already denied"
        );
    }

    #[test]
    fn a_written_rule_is_told_with_its_file() {
        let done = done(None, &["Bash(ls\u{200b})"]);
        assert_eq!(
            rule_lines(&done),
            ["rule Bash(ls⟨U+200B⟩) is written to /p/.betcode/config.local.toml"]
        );
        insta::assert_snapshot!(object(&done, "allowed"));
    }
}
