//! What is chosen in a list that changes.

use betcode_client::{ListedNotification, Notification, NotificationList};
use proptest::prelude::*;

use super::*;

pub(crate) fn listed(id: u64, title: &str, body: &str, choices: &[&str]) -> ListedNotification {
    ListedNotification {
        notification: Notification {
            id: (id > 0).then_some(id),
            kind: "permission".into(),
            session_id: Some(SessionId(uuid::Uuid::from_u128(9))),
            request_id: None,
            title: title.into(),
            body: body.into(),
            choices: choices.iter().map(|it| (*it).to_owned()).collect(),
            at: (id > 0).then_some(Timestamp(0)),
            replaces: None,
        },
        state: if id > 0 { "shown" } else { "held" }.into(),
        client_id: None,
        until: None,
    }
}

fn list(ids: &[u64]) -> Notices {
    let mut notices = Notices::default();
    assert!(notices.ask());
    let all = ids
        .iter()
        .map(|id| listed(*id, "Permission", "Bash ls", &["allow"]));
    notices.come(Ok(NotificationList {
        notifications: all.collect(),
        snooze: None,
    }));
    notices
}

#[test]
fn what_changes_while_it_is_read_is_read_once_more() {
    let mut notices = Notices::default();
    assert!(notices.ask());
    assert!(!notices.ask());
    assert!(!notices.ask());
    assert!(notices.come(Ok(NotificationList::default())));
    assert!(!notices.come(Ok(NotificationList::default())));
    assert!(notices.ask());
}

#[test]
fn what_is_chosen_stays_chosen_and_anything_new_is_to_be_seen_first() {
    let mut pane = Pane::default();
    pane.settle(&list(&[1, 2, 3]));
    assert_eq!(pane.chosen(), Some(1));
    pane.step(&list(&[1, 2, 3]), 1);
    pane.listens = Some(Timestamp(5));
    pane.settle(&list(&[2, 3, 4]));
    assert_eq!((pane.chosen(), pane.listens), (Some(2), Some(Timestamp(5))));
    pane.settle(&list(&[3, 4]));
    assert_eq!((pane.chosen(), pane.listens), (Some(3), None));
    pane.listens = Some(Timestamp(5));
    let mut other = list(&[3]);
    if let Known::Here(list) = &mut other.known {
        list.notifications[0].notification.body = "Bash rm -rf /".into();
    }
    pane.settle(&other);
    assert_eq!(
        (pane.chosen(), pane.listens),
        (Some(3), None),
        "other words"
    );
    pane.settle(&list(&[0]));
    assert_eq!(pane.chosen(), None, "what is held back cannot be chosen");
}

proptest! {
    /// Whatever comes and goes: what takes an answer is what was there when it was last seen.
    #[test]
    fn nothing_that_was_not_seen_takes_an_answer(
        lists in prop::collection::vec((prop::collection::btree_set(1u64..8, 0..6), any::<bool>(), -2isize..3), 1..20)
    ) {
        let mut pane = Pane::default();
        let mut seen = None;
        for (ids, is_seen, step) in lists {
            let notices = list(&ids.into_iter().collect::<Vec<_>>());
            pane.settle(&notices);
            if step != 0 {
                pane.step(&notices, step);
            }
            if pane.listens.is_some() {
                prop_assert_eq!(pane.chosen(), seen);
            }
            if is_seen {
                pane.listens = Some(Timestamp(1));
                seen = pane.chosen();
            }
            prop_assert_eq!(pane.chosen().is_some(), notices.standing().next().is_some());
        }
    }
}
