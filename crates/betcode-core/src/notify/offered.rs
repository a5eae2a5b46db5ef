//! What is offered to clients, and the words of it: one notification of one notice or of several. Who may show it, and when, is
//! decided elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::{Choice, Class};
use super::{Effect, MEMORY, Notice, Notification, NotificationId, State};
use crate::id::ClientId;
use crate::time::Timestamp;

/// So many notices are spelled out in one notification.
const SPELLED_OUT: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offered {
    pub(super) notification: Notification,
    pub(super) notices: Vec<Notice>,
    pub(super) state: State,
    pub(super) failures: BTreeMap<ClientId, u8>,
}

impl Offered {
    /// Whether something that it speaks of is this or a part of it.
    pub(super) fn is_about(&self, subject: &str) -> bool {
        self.notices.iter().any(|notice| notice.is_below(subject))
    }

    /// Whether it speaks of this itself.
    pub(super) fn speaks_of(&self, subject: &str) -> bool {
        self.notices.iter().any(|notice| notice.subject == subject)
    }

    /// When it is taken away although nobody has said so. Where somebody waits for the user, never.
    pub(super) fn expires(&self) -> Option<Timestamp> {
        let waits = self.notification.kind.class() == Class::Waiting;
        (!waits).then(|| self.notification.at.plus(MEMORY))
    }

    /// Its words anew, after what it speaks of has changed.
    pub(super) fn compose_again(&mut self) -> Option<Effect> {
        let Notification {
            id, at, replaces, ..
        } = self.notification;
        let again = compose(&self.notices, id, at, replaces)?;
        let differs = again != self.notification;
        self.notification = again;
        differs.then(|| Effect::Update(self.notification.clone()))
    }
}

pub(super) fn is_usage(notice: &Notice) -> bool {
    notice.kind.class() == Class::Usage
}

/// Whether a notice belongs into one notification with these.
pub(super) fn is_alike(group: &[Notice], notice: &Notice) -> bool {
    group
        .first()
        .is_some_and(|it| (it.session, it.kind) == (notice.session, notice.kind))
}

pub(super) fn compose(
    notices: &[Notice],
    id: NotificationId,
    at: Timestamp,
    replaces: Option<NotificationId>,
) -> Option<Notification> {
    let mut by_weight: Vec<&Notice> = notices.iter().collect();
    by_weight.sort_by_key(|notice| u8::MAX - notice.kind.weight());
    let first = *by_weight.first()?;
    let count = notices.len();
    // A usage is told with its title; several of a session have one title together.
    let lines = by_weight.iter().take(SPELLED_OUT).enumerate();
    let mut body = lines
        .map(|(number, notice)| match number {
            1.. if is_usage(notice) => format!("{}: {}", notice.title(), notice.body),
            _ => notice.body.clone(),
        })
        .collect::<Vec<_>>()
        .join("\n");
    if count > SPELLED_OUT {
        body.extend(["\nand ", &(count - SPELLED_OUT).to_string(), " more"]);
    }
    let (title, choices, request) = if count > 1 && !is_usage(first) {
        // A yes or no would be to which of them?
        (first.kind.several(count), [Choice::Open].into(), None)
    } else {
        let request = first.request.clone();
        let mut choices = first.kind.choices();
        choices.retain(|choice| {
            let blind = first.in_part && *choice == Choice::Allow;
            !blind && (request.is_some() || !choice.answers())
        });
        (first.title().to_owned(), choices, request)
    };
    Some(Notification {
        id,
        kind: first.kind,
        session: first.session,
        request,
        title,
        body,
        choices,
        subjects: notices.iter().map(|it| it.subject.clone()).collect(),
        at,
        replaces,
    })
}
