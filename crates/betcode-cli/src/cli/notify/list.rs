//! `notify list`.

use betcode_client::{ListedNotification, NotificationList};
use betcode_core::time::Timestamp;

use super::paused;
use crate::clock;
use crate::context::Context;
use crate::duration::{ago, until};
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::say;
use crate::table::{Table, first_line};

/// Enough of a body to recognise it.
const WHAT: usize = 60;

/// Lists notifications, the oldest first, and says whether there is a pause.
pub(super) fn list(json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let list = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.list_notifications().await?)
    })?;
    if json {
        context.output.json(&list)?;
        return Ok(Exit::Success);
    }
    let now = clock::now();
    if list.notifications.is_empty() {
        say("there is nothing to tell");
    } else {
        let text = table(&list, now).render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    if let Some(pause) = list.snooze {
        say(&format!("note: {}", paused(pause, now)));
    }
    Ok(Exit::Success)
}

fn table(list: &NotificationList, now: Timestamp) -> Table {
    let mut table = Table::new(&["ID", "KIND", "STATE", "WHAT", "WHEN", "CHOICES"]);
    for listed in &list.notifications {
        let it = &listed.notification;
        table.row([
            it.id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            it.kind.clone(),
            listed.state.clone(),
            first_line(what(listed), WHAT),
            when(listed, now),
            it.choices.join(" "),
        ]);
    }
    table
}

fn what(listed: &ListedNotification) -> &str {
    let it = &listed.notification;
    if it.body.is_empty() {
        &it.title
    } else {
        &it.body
    }
}

fn when(listed: &ListedNotification, now: Timestamp) -> String {
    match (listed.notification.at, listed.until) {
        (Some(at), _) => ago(now, at),
        (None, Some(at)) => until(now, at),
        (None, None) => "later".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use betcode_client::{Notification, Pause};
    use betcode_core::id::{ClientId, SessionId};
    use uuid::Uuid;

    use super::*;

    fn some() -> NotificationList {
        let permission = Notification {
            id: Some(1_763_596_800_000_000),
            kind: "permission".into(),
            session_id: Some(SessionId(Uuid::from_u128(1))),
            request_id: Some("r".into()),
            title: "Permission Required".into(),
            body: "BetCode wants to run: cargo test".into(),
            choices: vec!["allow".into(), "deny".into(), "open".into()],
            at: Some(Timestamp(1_763_596_800_000_000)),
            replaces: None,
        };
        let held = Notification {
            id: None,
            kind: "turn_complete".into(),
            request_id: None,
            title: "Task Complete".into(),
            body: "Finished: Files".into(),
            choices: Vec::new(),
            at: None,
            ..permission.clone()
        };
        NotificationList {
            notifications: vec![
                ListedNotification {
                    notification: permission,
                    state: "shown".into(),
                    client_id: Some(ClientId(Uuid::from_u128(2))),
                    until: None,
                },
                ListedNotification {
                    notification: held,
                    state: "held".into(),
                    client_id: None,
                    until: Some(Timestamp(1_763_597_700_000_000)),
                },
            ],
            snooze: Some(Pause {
                until: Some(Timestamp(1_763_597_700_000_000)),
            }),
        }
    }

    #[test]
    fn what_stands_and_what_is_held_back_are_an_aligned_table() {
        let now = Timestamp(1_763_596_980_000_000);
        insta::assert_snapshot!(table(&some(), now).render(false));
    }

    #[test]
    fn a_list_as_json_has_the_promised_keys() {
        insta::assert_snapshot!(serde_json::to_string(&some()).unwrap());
    }
}
