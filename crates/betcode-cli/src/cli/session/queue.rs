//! `session queue`: messages that are not settled, and what can be done with them.

use betcode_client::WaitingMessage;
use betcode_core::command::Action;
use betcode_core::event::ClientKind;
use serde_json::{Value, json};

use super::QueueArgs;
use super::resolve::find;
use crate::cli::answer::nearest_id;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::tell;
use crate::link::{Policy, client, command, with_daemon};
use crate::output::say;
use crate::table::{Table, cut, shortened};

/// Enough of a message to recognise it.
const TEXT: usize = 60;

/// Shows or changes the queue.
pub(super) fn queue(args: &QueueArgs, context: &mut Context) -> Result<Exit, Failure> {
    let Some((prefix, change)) = change(args)? else {
        return list(args, context);
    };
    let (message, done) = with_daemon(context, Policy::Start, async |daemon| {
        let details = find(&daemon, &args.id).await?;
        let message = pick(prefix, &details.messages)?.message.message_id;
        let (action, done) = match change {
            Change::Edit(text) => {
                let text = text.to_owned();
                (
                    Action::EditQueued {
                        message_id: message,
                        text,
                    },
                    "changed",
                )
            }
            Change::Remove => (
                Action::RemoveQueued {
                    message_id: message,
                },
                "removed",
            ),
            Change::SendAgain => (
                Action::SendAgain {
                    message_id: message,
                },
                "sent again",
            ),
        };
        let me = client("betcode session", ClientKind::OneShot);
        let accepted = daemon
            .submit(command(details.summary.id, me, action))
            .await
            .map_err(Failure::not_now)?;
        tell(&accepted.notices);
        Ok((message, done))
    })?;
    if args.json {
        context.output.json(&json!({"id": message, "done": done}))?;
    } else {
        context
            .output
            .line(&format!("message {message} is {done}"))?;
    }
    Ok(Exit::Success)
}

enum Change<'a> {
    Edit(&'a str),
    Remove,
    SendAgain,
}

/// Which message is to be changed, and how.
fn change(args: &QueueArgs) -> Result<Option<(&str, Change<'_>)>, Failure> {
    if let Some([id, text]) = args.edit.as_deref() {
        if text.trim().is_empty() {
            return Err(Failure::usage("the new text is empty").hint("--remove takes it out"));
        }
        return Ok(Some((id, Change::Edit(text))));
    }
    let remove = args.remove.as_deref().map(|id| (id, Change::Remove));
    let again = args.send_again.as_deref();
    Ok(remove.or_else(|| again.map(|id| (id, Change::SendAgain))))
}

/// The message that the beginning of an id names.
fn pick<'a>(prefix: &str, messages: &'a [WaitingMessage]) -> Result<&'a WaitingMessage, Failure> {
    let ids: Vec<String> = messages
        .iter()
        .map(|waiting| waiting.message.message_id.to_string())
        .collect();
    let wanted = prefix.to_lowercase();
    let mut fitting = messages
        .iter()
        .zip(&ids)
        .filter(|(_, id)| id.starts_with(&wanted));
    match (fitting.next(), fitting.next()) {
        (Some((one, _)), None) if !wanted.is_empty() => Ok(one),
        (Some((_, one)), Some((_, other))) => Err(Failure::invalid(
            "MESSAGE_AMBIGUOUS",
            format!("{prefix} fits several messages, among them {one} and {other}"),
        )
        .hint("give more of the id")),
        _ => {
            let failure = Failure::not_found(
                "MESSAGE_STATE",
                format!("no message `{prefix}` waits in this session"),
            );
            Err(match nearest_id(&wanted, ids.iter().map(String::as_str)) {
                Some(meant) => failure.hint(format!("did you mean {meant}?")),
                None => failure.hint("betcode session queue SESSION shows them"),
            })
        }
    }
}

fn list(args: &QueueArgs, context: &mut Context) -> Result<Exit, Failure> {
    let messages = with_daemon(context, Policy::Start, async |daemon| {
        Ok(find(&daemon, &args.id).await?.messages)
    })?;
    if args.json {
        let rows: Vec<Value> = messages.iter().map(object).collect();
        context.output.json(&rows)?;
    } else if messages.is_empty() {
        say("no message waits");
    } else {
        let text = table(&messages).render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

const fn state(waiting: &WaitingMessage) -> &'static str {
    if waiting.delivery_unknown {
        "delivery_unknown"
    } else {
        "queued"
    }
}

/// A message as programs read it.
fn object(waiting: &WaitingMessage) -> Value {
    let message = &waiting.message;
    json!({
        "id": message.message_id,
        "text": message.text,
        "attachments": message.attachments,
        "client": message.client.name,
        "place": message.client.place,
        "state": state(waiting),
    })
}

fn table(messages: &[WaitingMessage]) -> Table {
    let ids: Vec<String> = messages
        .iter()
        .map(|waiting| waiting.message.message_id.to_string())
        .collect();
    let shortest = betcode_core::id::shortest_prefix(ids.iter().map(String::as_str));
    let mut table = Table::new(&["ID", "STATE", "FROM", "TEXT"]);
    for (waiting, id) in messages.iter().zip(&ids) {
        let text = waiting.message.text.lines().next().unwrap_or_default();
        table.row([
            shortened(id, shortest),
            state(waiting).replace('_', " "),
            waiting.message.client.label(),
            cut(text, TEXT),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use betcode_core::event::{ClientInfo, TurnPolicy, UserInput};
    use betcode_core::id::{IdempotencyKey, MessageId};
    use uuid::Uuid;

    use super::*;

    fn waiting(id: u128, text: &str, delivery_unknown: bool) -> WaitingMessage {
        WaitingMessage {
            message: UserInput {
                message_id: MessageId(Uuid::from_u128(id)),
                idempotency_key: IdempotencyKey(Uuid::from_u128(id)),
                text: text.into(),
                attachments: Vec::new(),
                client: ClientInfo {
                    name: "betcode -p".into(),
                    place: "laptop".into(),
                    ..ClientInfo::default()
                },
                policy: TurnPolicy::default(),
                then_trim: false,
            },
            delivery_unknown,
        }
    }

    fn two() -> [WaitingMessage; 2] {
        [
            waiting(0x0198_a0b0 << 96, "and then\nthis", false),
            waiting(0x0198_b0b0 << 96, "lost?", true),
        ]
    }

    #[test]
    fn what_waits_is_an_aligned_table() {
        insta::assert_snapshot!(table(&two()).render(false));
        let rows: Vec<Value> = two().iter().map(object).collect();
        insta::assert_snapshot!(serde_json::to_string_pretty(&rows).unwrap());
    }

    #[test]
    fn a_message_is_named_by_the_beginning_of_its_id() {
        let messages = two();
        assert_eq!(pick("0198A", &messages), Ok(&messages[0]));
        for (prefix, message) in [
            (
                "0198",
                "0198 fits several messages, among them 0198a0b0-0000-0000-0000-000000000000 and \
                 0198b0b0-0000-0000-0000-000000000000",
            ),
            (
                "",
                "fits several messages, among them 0198a0b0-0000-0000-0000-000000000000 and \
                 0198b0b0-0000-0000-0000-000000000000",
            ),
            ("77", "no message `77` waits in this session"),
        ] {
            let report = pick(prefix, &messages).unwrap_err().report.unwrap();
            assert_eq!(report.message, message);
        }
        let report = pick("0198c0b0", &messages).unwrap_err().report.unwrap();
        assert_eq!(
            report.hint,
            "did you mean 0198a0b0-0000-0000-0000-000000000000?"
        );
    }
}
