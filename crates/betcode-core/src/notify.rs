//! Notifications: what is told to the user, when, in how few words, and by which client. It shows nothing itself.
//!
//! ```text
//!          Raise                  nothing holds it back            Claim               Confirm
//! (nothing) ────▶ held ─────────────────────────────────▶ free ─────────────▶ claimed ─────────▶ shown
//!                  ▲ │ Withdraw                            ▲ │ Withdraw, Dismiss  │ │ lease ends   │ Withdraw, Dismiss, Act
//!                  │ ▼                                     │ ▼                    │ ▼              ▼
//!                  │ (gone)                                │ (over)              free            (over)
//!                  └──────────────────────── Act(Snooze…) ─┴────────────────────────────────────────┘
//! ```
//!
//! What is raised is a [`Notice`], known by its subject; what is shown is a [`Notification`], known by its number, and speaks
//! of one notice or of several. Kinds of [`Class::Usage`] are told at most once a minute, the weightiest first, and what had
//! to wait comes along with the next one. The others are told at once, but one session has at most one notification of each
//! kind: another notice makes a new one that takes the place of the former.
//!
//! Laws:
//! - a notice that is raised and not withdrawn is told once nothing holds it back; what has been told is remembered for a day
//!   and not told again;
//! - one client at a time may show a notification, and one that was shown is given to nobody else;
//! - a client that claims and does not confirm [`ATTEMPTS`] times is not asked again, so that nothing goes on for ever;
//! - a pause delays and uses nothing up, also for the notification in which it was asked for;
//! - the state may be written down and read at any time, and goes on as if it had not been.

mod kind;
mod offered;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{ClientId, RequestId, SessionId};
use crate::time::Timestamp;
pub use kind::{CHOICES, Choice, Class, KINDS, Kind};
use offered::{Offered, compose, is_alike, is_usage};
use rules::Held;
pub use rules::{Hours, Minute, Rules, Snooze};

/// How long a client has to show what it has claimed.
pub const LEASE: Duration = Duration::from_secs(2);
/// Between two notifications about usage.
pub const PACE: Duration = Duration::from_mins(1);
/// How long it is known what was told, and how long something stands that nobody waits for.
pub const MEMORY: Duration = Duration::from_hours(24);
/// So often a client may fail to show something.
pub const ATTEMPTS: u8 = 3;

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about, in one word that is the same whenever it is the same thing. Parts of it stand behind it, each after a
    /// `/`: what is below something that is over is over, too.
    pub subject: String,
    /// Its kind.
    pub kind: Kind,
    /// The session it is about, if it is about one.
    pub session: Option<SessionId>,
    /// The request that a yes or no would answer, if it is about one.
    #[serde(default)]
    pub request: Option<RequestId>,
    /// What stands above it; empty: the usual title of its kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What there is to say.
    pub body: String,
    /// That is not the whole of what would be done: it is not allowed by who has seen no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_part: bool,
}

impl Notice {
    /// What stands above it.
    pub fn title(&self) -> &str {
        if self.title.is_empty() {
            self.kind.title()
        } else {
            &self.title
        }
    }

    /// True when this subject is its own or stands above it.
    fn is_below(&self, subject: &str) -> bool {
        let rest = self.subject.strip_prefix(subject);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The number of a notification. Later ones have higher numbers, also after the state was lost.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct NotificationId(pub u64);

/// What a client shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its number.
    pub id: NotificationId,
    /// The kind of the weightiest thing it speaks of.
    pub kind: Kind,
    /// The session it is about, if it is about one.
    pub session: Option<SessionId>,
    /// The request that [`Choice::Allow`] and [`Choice::Deny`] answer, if they can be chosen.
    #[serde(default)]
    pub request: Option<RequestId>,
    /// Its first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// What can be chosen in it.
    pub choices: BTreeSet<Choice>,
    /// What it speaks of.
    pub subjects: Vec<String>,
    /// When it was made.
    pub at: Timestamp,
    /// It takes the place of this one.
    pub replaces: Option<NotificationId>,
}

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Whoever wants may claim it.
    Free,
    /// A client is about to show it.
    Claimed {
        /// Which.
        by: ClientId,
        /// Until when it has time.
        until: Timestamp,
    },
    /// It was shown.
    Shown {
        /// By which client.
        by: ClientId,
        /// When.
        at: Timestamp,
    },
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// There is something to tell, or other words for what there is.
    Raise(Notice),
    /// What this is about is over, or known to the user.
    Withdraw {
        /// The subject of the notice, or what is above it.
        subject: String,
    },
    /// A client wants to show a notification.
    Claim {
        /// Which.
        id: NotificationId,
        /// The client.
        by: ClientId,
    },
    /// A client has shown it.
    Confirm {
        /// Which.
        id: NotificationId,
        /// The client.
        by: ClientId,
    },
    /// The user has seen enough of it.
    Dismiss {
        /// Which.
        id: NotificationId,
    },
    /// The user has chosen something in it.
    Act {
        /// Which.
        id: NotificationId,
        /// What.
        choice: Choice,
    },
    /// The user wants a pause.
    Snooze(Snooze),
    /// The user wants no pause any more.
    Unsnooze,
    /// A quota has begun anew.
    QuotaReset,
    /// The user has set something.
    Rules(Rules),
    /// The local time is so many seconds ahead of UTC.
    Offset(i32),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Clients are told that there is something to claim.
    Offer {
        /// What.
        notification: Notification,
        /// It was offered before, and nobody has shown it.
        again: bool,
    },
    /// Whoever has shown it shows these words in its place, without a sound.
    Update(Notification),
    /// Whoever has shown it takes it away.
    End(NotificationId),
    /// A pause begins, is another one, or ends.
    Pause(Option<Snooze>),
    /// What was chosen is to be done.
    Do {
        /// What.
        choice: Choice,
        /// With what.
        notification: Notification,
    },
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such notification, or no more.
    #[error("there is no notification {0}; it may be over")]
    Unknown(u64),
    /// Another client shows it.
    #[error("another client shows it")]
    Taken,
    /// This client has failed to show it too often.
    #[error("it was claimed {ATTEMPTS} times and never shown")]
    Failed,
    /// That cannot be chosen in it.
    #[error("`{}` cannot be chosen in this notification", .0.word())]
    NoSuchChoice(Choice),
}

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    held: Vec<Notice>,
    offered: BTreeMap<NotificationId, Offered>,
    /// What was told, and when.
    told: BTreeMap<String, Timestamp>,
    last: NotificationId,
    usage_told: Option<Timestamp>,
    snooze: Option<Snooze>,
    rules: Rules,
    offset: i32,
    #[serde(skip)]
    effects: VecDeque<Effect>,
}

impl Notify {
    /// Takes something in.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<(), Refused> {
        let outcome = match input {
            Input::Raise(notice) => {
                self.raise(notice);
                Ok(())
            }
            Input::Withdraw { subject } => {
                self.withdraw(&subject);
                Ok(())
            }
            Input::Claim { id, by } => self.claim(now, id, by),
            Input::Confirm { id, by } => self.confirm(now, id, by),
            Input::Dismiss { id } => self.end(now, id).map(drop),
            Input::Act { id, choice } => self.act(now, id, choice),
            Input::Snooze(snooze) => {
                self.pause(Some(snooze));
                Ok(())
            }
            Input::Unsnooze | Input::QuotaReset => {
                self.pause(None);
                Ok(())
            }
            Input::Rules(rules) => {
                self.rules = rules;
                self.held
                    .retain(|notice| !self.rules.off.contains(&notice.kind));
                Ok(())
            }
            Input::Offset(offset) => {
                self.offset = offset;
                Ok(())
            }
        };
        self.handle_timeout(now);
        outcome
    }

    /// What is due is done.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if let Some(Snooze { until: Some(until) }) = self.snooze
            && until <= now
        {
            self.pause(None);
        }
        let mut old = Vec::new();
        for (id, offered) in &mut self.offered {
            if let State::Claimed { by, until } = offered.state
                && until <= now
            {
                offered.state = State::Free;
                *offered.failures.entry(by).or_default() += 1;
                self.effects.push_back(Effect::Offer {
                    notification: offered.notification.clone(),
                    again: true,
                });
            }
            if offered.expires().is_some_and(|at| at <= now) {
                old.push(*id);
            }
        }
        for id in old {
            self.offered.remove(&id);
            self.effects.push_back(Effect::End(id));
        }
        self.told.retain(|_, at| now.since(*at) < MEMORY);
        self.release(now);
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn poll_timeout(&self, now: Timestamp) -> Option<Timestamp> {
        let leases = self.offered.values().filter_map(|offered| {
            let lease = match offered.state {
                State::Claimed { until, .. } => Some(until),
                _ => None,
            };
            lease.into_iter().chain(offered.expires()).min()
        });
        let snooze = self.snooze.and_then(|snooze| snooze.until);
        let held = self.held.iter().filter_map(|notice| {
            let pace = self.usage_pace().filter(|_| is_usage(notice));
            match self.holds(notice.kind, now) {
                Held::Until(until) => Some(pace.map_or(until, |pace| pace.max(until))),
                Held::No => pace,
                Held::Open => None,
            }
        });
        leases.chain(snooze).chain(held).min()
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// What stands, the oldest first.
    pub fn list(&self) -> impl Iterator<Item = (&Notification, State)> {
        let offered = self.offered.values();
        offered.map(|offered| (&offered.notification, offered.state))
    }

    /// What is held back, the oldest first.
    pub fn held(&self) -> &[Notice] {
        &self.held
    }

    /// Until when this is held back by what the user wants; none when it is not, or not for a known time.
    pub fn held_until(&self, kind: Kind, now: Timestamp) -> Option<Timestamp> {
        match self.holds(kind, now) {
            Held::Until(until) => Some(until),
            Held::No | Held::Open => None,
        }
    }

    /// The pause, if there is one.
    pub const fn snooze(&self) -> Option<Snooze> {
        self.snooze
    }

    /// What the user has set.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    fn pause(&mut self, snooze: Option<Snooze>) {
        if self.snooze != snooze {
            self.snooze = snooze;
            self.effects.push_back(Effect::Pause(snooze));
        }
    }

    fn raise(&mut self, notice: Notice) {
        if self.rules.off.contains(&notice.kind) || self.told.contains_key(&notice.subject) {
            // What was told may stand there with other words now.
            return self.reword(&notice);
        }
        let held = |held: &&mut Notice| held.subject == notice.subject;
        if let Some(held) = self.held.iter_mut().find(held) {
            *held = notice;
        } else if self
            .offered
            .values()
            .any(|it| it.speaks_of(&notice.subject))
        {
            self.reword(&notice);
        } else {
            self.held.push(notice);
        }
    }

    /// Other words for what stands.
    fn reword(&mut self, notice: &Notice) {
        for offered in self.offered.values_mut() {
            let known = |known: &&mut Notice| known.subject == notice.subject;
            if let Some(known) = offered.notices.iter_mut().find(known)
                && known != notice
            {
                known.title.clone_from(&notice.title);
                known.body.clone_from(&notice.body);
                self.effects.extend(offered.compose_again());
            }
        }
    }

    fn withdraw(&mut self, subject: &str) {
        self.held.retain(|notice| !notice.is_below(subject));
        let mut over = Vec::new();
        for (id, offered) in &mut self.offered {
            if !offered.is_about(subject) {
                continue;
            }
            offered.notices.retain(|notice| !notice.is_below(subject));
            if offered.notices.is_empty() {
                over.push(*id);
            } else {
                self.effects.extend(offered.compose_again());
            }
        }
        for id in over {
            self.offered.remove(&id);
            self.effects.push_back(Effect::End(id));
        }
    }

    fn claim(&mut self, now: Timestamp, id: NotificationId, by: ClientId) -> Result<(), Refused> {
        let offered = self.offered.get_mut(&id).ok_or(Refused::Unknown(id.0))?;
        match offered.state {
            State::Shown { .. } => Err(Refused::Taken),
            State::Claimed { by: other, until } if until > now && other != by => {
                Err(Refused::Taken)
            }
            _ if offered.failures.get(&by).is_some_and(|n| *n >= ATTEMPTS) => Err(Refused::Failed),
            _ => {
                let until = now.plus(LEASE);
                offered.state = State::Claimed { by, until };
                Ok(())
            }
        }
    }

    fn confirm(&mut self, now: Timestamp, id: NotificationId, by: ClientId) -> Result<(), Refused> {
        let offered = self.offered.get_mut(&id).ok_or(Refused::Unknown(id.0))?;
        match offered.state {
            State::Shown { by: other, .. } | State::Claimed { by: other, .. } if other != by => {
                Err(Refused::Taken)
            }
            State::Shown { .. } => Ok(()),
            // Also when its time was over: it stands there.
            _ => {
                offered.state = State::Shown { by, at: now };
                let subjects = offered.notices.iter().map(|it| it.subject.clone());
                self.told.extend(subjects.map(|subject| (subject, now)));
                Ok(())
            }
        }
    }

    fn end(&mut self, now: Timestamp, id: NotificationId) -> Result<Offered, Refused> {
        let offered = self.offered.remove(&id).ok_or(Refused::Unknown(id.0))?;
        for notice in &offered.notices {
            self.told.insert(notice.subject.clone(), now);
        }
        self.effects.push_back(Effect::End(id));
        Ok(offered)
    }

    fn act(&mut self, now: Timestamp, id: NotificationId, choice: Choice) -> Result<(), Refused> {
        let offered = self.offered.get(&id).ok_or(Refused::Unknown(id.0))?;
        if !offered.notification.choices.contains(&choice) {
            return Err(Refused::NoSuchChoice(choice));
        }
        let offered = self.end(now, id)?;
        if let Some(minutes) = choice.snoozes() {
            let until = Some(now.plus(Duration::from_mins(minutes)));
            self.pause(Some(Snooze { until }));
            // It comes again after the pause.
            for notice in offered.notices {
                self.told.remove(&notice.subject);
                self.held.push(notice);
            }
        } else {
            let notification = offered.notification;
            self.effects.push_back(Effect::Do {
                choice,
                notification,
            });
        }
        Ok(())
    }

    /// Until when this kind is held back by what the user wants.
    fn holds(&self, kind: Kind, now: Timestamp) -> Held {
        let snooze = self
            .snooze
            .map_or(Held::No, |snooze| snooze.holds(kind, &self.rules, now));
        snooze.max(self.rules.holds(kind, now, self.offset))
    }

    fn usage_pace(&self) -> Option<Timestamp> {
        self.usage_told.map(|told| told.plus(PACE))
    }

    /// Offers what nothing holds back any more.
    fn release(&mut self, now: Timestamp) {
        let (ready, held): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|notice| self.holds(notice.kind, now) == Held::No);
        self.held = held;
        let (usage, others): (Vec<_>, Vec<_>) = ready.into_iter().partition(is_usage);
        if self.usage_pace().is_some_and(|pace| now < pace) {
            self.held.extend(usage);
        } else if !usage.is_empty() {
            self.usage_told = Some(now);
            self.offer(now, usage, None);
        }
        let mut groups: Vec<Vec<Notice>> = Vec::new();
        for notice in others {
            match groups.iter_mut().find(|group| is_alike(group, &notice)) {
                Some(group) => group.push(notice),
                None => groups.push(vec![notice]),
            }
        }
        groups.sort_by_key(|group| group.first().map(|it| u8::MAX - it.kind.weight()));
        for group in groups {
            let mut standing = self.offered.iter();
            let former = standing
                .find(|(_, it)| group.first().is_some_and(|new| is_alike(&it.notices, new)))
                .map(|(id, _)| *id);
            let former = former.and_then(|id| Some((id, self.offered.remove(&id)?)));
            let (replaces, mut notices) = match former {
                Some((id, offered)) => (Some(id), offered.notices),
                None => (None, Vec::new()),
            };
            notices.extend(group);
            self.offer(now, notices, replaces);
        }
    }

    fn offer(&mut self, now: Timestamp, notices: Vec<Notice>, replaces: Option<NotificationId>) {
        let least = u64::try_from(now.0).unwrap_or(0);
        self.last = NotificationId((self.last.0 + 1).max(least));
        let Some(notification) = compose(&notices, self.last, now, replaces) else {
            return;
        };
        self.effects.push_back(Effect::Offer {
            notification: notification.clone(),
            again: false,
        });
        let offered = Offered {
            notification,
            notices,
            state: State::Free,
            failures: BTreeMap::new(),
        };
        self.offered.insert(self.last, offered);
    }
}
