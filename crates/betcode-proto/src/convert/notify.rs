//! Notifications as they travel. Words for kinds, choices and states that this version does not know stay what they are: whoever
//! shows a notification needs no more of them than their names.

use betcode_core::id::{ClientId, RequestId, SessionId};
use betcode_core::notify::{self, Snooze, State};
use betcode_core::time::Timestamp;
use serde::Serialize;

use super::{Problem, WireError, filled, id_bytes, read_optional_id};
use crate::v1;

/// What the user is told. Its JSON is in `notify list --json` and in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Its number; none while it is held back.
    pub id: Option<u64>,
    /// What it is about, in a word.
    pub kind: String,
    /// The session that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The request that a yes or no answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Its first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// What can be chosen in it, in words.
    pub choices: Vec<String>,
    /// When it was made; none while it is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// It takes the place of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u64>,
}

/// A notification and where it stands. Its JSON is an entry of `notify list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedNotification {
    /// What is told.
    #[serde(flatten)]
    pub notification: Notification,
    /// `held`, `offered`, `claimed` or `shown`.
    pub state: String,
    /// The client that has claimed or shown it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Until when it is claimed or held back, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// When it ends; none: with the next reset of a quota.
    pub until: Option<Timestamp>,
}

/// What there is to show, and what is held back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NotificationList {
    /// What stands, the oldest first, and then what is held back.
    pub notifications: Vec<ListedNotification>,
    /// The pause, if there is one.
    pub snooze: Option<Pause>,
}

/// What became of a notification that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotificationTest {
    /// Its number; none when it was held back.
    pub id: Option<u64>,
    /// `shown`, `claimed`, `offered` or `held`.
    pub state: String,
    /// Held back: until when, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl From<&notify::Notification> for Notification {
    fn from(notification: &notify::Notification) -> Self {
        let choices = notification.choices.iter();
        Self {
            id: Some(notification.id.0),
            kind: notification.kind.word().to_owned(),
            session_id: notification.session,
            request_id: notification.request.clone(),
            title: notification.title.clone(),
            body: notification.body.clone(),
            choices: choices.map(|choice| choice.word().to_owned()).collect(),
            at: Some(notification.at),
            replaces: notification.replaces.map(|id| id.0),
        }
    }
}

impl ListedNotification {
    /// One that clients have or may have.
    pub fn standing(notification: &notify::Notification, state: State) -> Self {
        let (state, client_id, until) = match state {
            State::Free => ("offered", None, None),
            State::Claimed { by, until } => ("claimed", Some(by), Some(until)),
            State::Shown { by, .. } => ("shown", Some(by), None),
        };
        Self {
            notification: notification.into(),
            state: state.to_owned(),
            client_id,
            until,
        }
    }

    /// One that is held back.
    pub fn held(notice: &notify::Notice, until: Option<Timestamp>) -> Self {
        Self {
            notification: Notification {
                id: None,
                kind: notice.kind.word().to_owned(),
                session_id: notice.session,
                request_id: notice.request.clone(),
                title: notice.title().to_owned(),
                body: notice.body.clone(),
                choices: Vec::new(),
                at: None,
                replaces: None,
            },
            state: "held".to_owned(),
            client_id: None,
            until,
        }
    }
}

impl From<Snooze> for Pause {
    fn from(snooze: Snooze) -> Self {
        Self {
            until: snooze.until,
        }
    }
}

impl From<Notification> for v1::Notification {
    fn from(notification: Notification) -> Self {
        let session = notification.session_id;
        Self {
            id: notification.id.unwrap_or_default(),
            kind: notification.kind,
            session_id: session.map(|id| id_bytes(id.0)).unwrap_or_default(),
            title: notification.title,
            body: notification.body,
            choices: notification.choices,
            at_us: notification.at.map(|at| at.0),
            replaces: notification.replaces.unwrap_or_default(),
            request_id: notification.request_id.map(|id| id.0).unwrap_or_default(),
        }
    }
}

impl TryFrom<v1::Notification> for Notification {
    type Error = WireError;

    fn try_from(notification: v1::Notification) -> Result<Self, WireError> {
        let session = read_optional_id("session_id", &notification.session_id)?;
        Ok(Self {
            id: number(notification.id),
            kind: notification.kind,
            session_id: session.map(SessionId),
            request_id: filled(notification.request_id).map(RequestId),
            title: notification.title,
            body: notification.body,
            choices: notification.choices,
            at: notification.at_us.map(Timestamp),
            replaces: number(notification.replaces),
        })
    }
}

impl From<ListedNotification> for v1::ListedNotification {
    fn from(listed: ListedNotification) -> Self {
        let client = listed.client_id;
        Self {
            notification: Some(listed.notification.into()),
            state: listed.state,
            client_id: client.map(|id| id_bytes(id.0)).unwrap_or_default(),
            until_us: listed.until.map(|until| until.0),
        }
    }
}

impl TryFrom<v1::ListedNotification> for ListedNotification {
    type Error = WireError;

    fn try_from(listed: v1::ListedNotification) -> Result<Self, WireError> {
        let client = read_optional_id("client_id", &listed.client_id)?;
        Ok(Self {
            notification: present(listed.notification)?,
            state: listed.state,
            client_id: client.map(ClientId),
            until: listed.until_us.map(Timestamp),
        })
    }
}

/// A pause as it travels.
pub fn pause_to_wire(pause: Option<Pause>) -> v1::NotificationPause {
    v1::NotificationPause {
        active: pause.is_some(),
        until_us: pause.and_then(|pause| pause.until).map(|until| until.0),
    }
}

/// A pause that came.
pub fn pause_from_wire(pause: Option<v1::NotificationPause>) -> Option<Pause> {
    pause.filter(|pause| pause.active).map(|pause| Pause {
        until: pause.until_us.map(Timestamp),
    })
}

impl From<NotificationList> for v1::ListNotificationsResponse {
    fn from(list: NotificationList) -> Self {
        Self {
            notifications: list.notifications.into_iter().map(Into::into).collect(),
            pause: Some(pause_to_wire(list.snooze)),
        }
    }
}

impl TryFrom<v1::ListNotificationsResponse> for NotificationList {
    type Error = WireError;

    fn try_from(list: v1::ListNotificationsResponse) -> Result<Self, WireError> {
        let notifications = list.notifications.into_iter().map(TryFrom::try_from);
        Ok(Self {
            notifications: notifications.collect::<Result<_, WireError>>()?,
            snooze: pause_from_wire(list.pause),
        })
    }
}

impl From<NotificationTest> for v1::TestNotificationsResponse {
    fn from(test: NotificationTest) -> Self {
        Self {
            id: test.id.unwrap_or_default(),
            state: test.state,
            until_us: test.until.map(|until| until.0),
        }
    }
}

impl From<v1::TestNotificationsResponse> for NotificationTest {
    fn from(test: v1::TestNotificationsResponse) -> Self {
        Self {
            id: number(test.id),
            state: test.state,
            until: test.until_us.map(Timestamp),
        }
    }
}

/// A notification that must be there.
pub(super) fn present(notification: Option<v1::Notification>) -> Result<Notification, WireError> {
    notification
        .ok_or(WireError::new("notification", Problem::Missing))?
        .try_into()
}

fn number(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}
