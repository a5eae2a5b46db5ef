//! Notifications as the daemon keeps them: what stands, what is held back, and the pause; and the list of them that is open.
//! Which of them is told, and when, is the daemon's; what the terminal itself says while nobody looks is [`crate::terminal`]'s.
//!
//! States of the list: nothing asked; being read; here; not to be had.
//! Laws:
//! - the feed only says that something changed: what is shown is always one answer of the daemon;
//! - a yes or no is given to what stood there unchanged, and was chosen, when it was last seen, and never at once after that.

use betcode_client::{ListedNotification, Notification, NotificationList, Pause};
use betcode_core::id::{IdempotencyKey, SessionId};
use betcode_core::time::Timestamp;

use crate::usage::Lack;

/// What becomes known of notifications.
#[derive(Debug)]
pub enum News {
    /// What stands, what is held back, and the pause.
    Listed(Result<NotificationList, Lack>),
    /// Something of that has changed.
    Changed,
    /// Something was done, or could not be.
    Done(Wish, Result<Option<SessionId>, Lack>),
}

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Hold everything back for so many minutes; 0: until a quota begins anew.
    Snooze(u32),
    /// Hold nothing back any more.
    Unsnooze,
    /// Take this one away.
    Dismiss(u64),
    /// Do what is chosen in a notification.
    Act {
        /// Its number.
        id: u64,
        /// The choice, by its word.
        choice: &'static str,
        /// Made when somebody chose it.
        key: IdempotencyKey,
    },
}

/// How far the list has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Known {
    /// It was not asked for.
    #[default]
    Nothing,
    /// It is here.
    Here(NotificationList),
    /// It is not to be had.
    Lacking(Lack),
}

/// What is known of notifications.
#[derive(Debug, Default)]
pub struct Notices {
    /// What is known.
    pub known: Known,
    /// It is being read.
    reading: bool,
    /// It has changed while it was being read.
    again: bool,
}

impl Notices {
    /// Whether it is to be read now: not while it is being read, but then once more.
    pub(crate) const fn ask(&mut self) -> bool {
        if self.reading {
            self.again = true;
            return false;
        }
        self.reading = true;
        true
    }

    /// It has come. Whether it is to be read once more.
    pub(crate) fn come(&mut self, listed: Result<NotificationList, Lack>) -> bool {
        self.known = match listed {
            Ok(list) => Known::Here(list),
            Err(lack) => Known::Lacking(lack),
        };
        self.reading = false;
        std::mem::take(&mut self.again) && self.ask()
    }

    /// What stands, the oldest first, and then what is held back.
    pub fn all(&self) -> &[ListedNotification] {
        match &self.known {
            Known::Here(list) => &list.notifications,
            Known::Nothing | Known::Lacking(_) => &[],
        }
    }

    /// What stands.
    pub fn standing(&self) -> impl DoubleEndedIterator<Item = (u64, &Notification)> {
        let all = self.all().iter().map(|listed| &listed.notification);
        all.filter_map(|notification| Some((notification.id?, notification)))
    }

    /// One that stands.
    pub fn get(&self, id: u64) -> Option<&Notification> {
        let found = self.standing().find(|(standing, _)| *standing == id);
        found.map(|(_, notification)| notification)
    }

    /// The pause.
    pub const fn pause(&self) -> Option<Pause> {
        match &self.known {
            Known::Here(list) => list.snooze,
            Known::Nothing | Known::Lacking(_) => None,
        }
    }
}

/// The list that is open.
#[derive(Debug, Default)]
pub struct Pane {
    /// Which one is chosen, as it was when it was last seen.
    chosen: Option<Notification>,
    /// From when on it takes a yes or no; none before it was seen.
    pub listens: Option<Timestamp>,
}

impl Pane {
    /// The number of what is chosen.
    pub fn chosen(&self) -> Option<u64> {
        self.chosen.as_ref()?.id
    }

    /// The list is another one: what is chosen stays chosen, or else the next one is. Anything new has to be seen first.
    pub(crate) fn settle(&mut self, notices: &Notices) {
        let before = self.chosen.as_ref().and_then(|it| it.id);
        let same = before.and_then(|id| notices.get(id));
        let next = before.and_then(|before| {
            let mut standing = notices.standing();
            standing.find(|(id, _)| *id > before).map(|(_, it)| it)
        });
        let last = || notices.standing().next_back().map(|(_, it)| it);
        let now = match before {
            None => notices.standing().next().map(|(_, it)| it),
            Some(_) => same.or(next).or_else(last),
        };
        if now != self.chosen.as_ref() {
            self.chosen = now.cloned();
            self.listens = None;
        }
    }

    /// Chooses the one so many places further, which stays within the list.
    pub(crate) fn step(&mut self, notices: &Notices, places: isize) {
        let chosen = self.chosen();
        let mut standing = notices.standing();
        let place = standing.position(|(id, _)| Some(id) == chosen).unwrap_or(0);
        let last = notices.standing().count().saturating_sub(1);
        let to = place.saturating_add_signed(places).min(last);
        let next = notices.standing().nth(to).map(|(_, it)| it.clone());
        if next != self.chosen {
            self.chosen = next;
            self.listens = None;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
