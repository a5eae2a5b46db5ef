//! Notifications on the desktop: which are claimed, renewed and taken away, and what their buttons do.

use std::collections::BTreeMap;

use betcode_client::{ListedNotification, Notification};
use betcode_core::notify::Choice;

use super::{Early, Effect, Link, Model, Show, Usage, gone, is_free};
use crate::toast::{Abilities, DEFAULT, Toast};

/// More is not kept of what nobody knows.
const MOST_EARLY: usize = 16;
/// So many numbers that were taken away are remembered.
const MOST_PAST: usize = 32;

impl Model {
    /// What the daemon says that the person is told, after a connection was made.
    pub(super) fn standing(&mut self, listed: Vec<ListedNotification>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut standing = BTreeMap::new();
        let mut free = Vec::new();
        for listed in listed {
            let Some(id) = listed.notification.id else {
                continue;
            };
            if is_free(&listed) {
                free.push(id);
            }
            standing.insert(id, listed.notification);
        }
        let over = self
            .shown
            .extract_if(.., |id, _| !standing.contains_key(id));
        let over: Vec<u32> = over.map(|(_, desktop)| desktop).collect();
        effects.extend(over.into_iter().map(|desktop| self.close(desktop)));
        for (id, desktop) in &self.shown {
            let (old, new) = (self.notifications.get(id), standing.get(id));
            if let (Some(new), Some(abilities)) =
                (new.filter(|new| old != Some(*new)), self.abilities)
            {
                effects.push(Effect::Update {
                    desktop: *desktop,
                    toast: Toast::of(new, abilities),
                });
            }
        }
        self.notifications = standing;
        self.claiming.clear();
        for id in free {
            effects.extend(self.claim(id));
        }
        effects
    }

    pub(super) fn offered(&mut self, notification: Notification) -> Vec<Effect> {
        let Some(id) = notification.id else {
            return Vec::new();
        };
        // Whoever claimed it has not shown it, and that may have been this program.
        self.claiming.remove(&id);
        self.notifications.insert(id, notification);
        self.claim(id).into_iter().collect()
    }

    fn claim(&mut self, id: u64) -> Option<Effect> {
        if self.abilities.is_none() || self.link != Link::Online || self.shown.contains_key(&id) {
            return None;
        }
        let replaces = self.notifications.get(&id)?.replaces;
        if self.claiming.contains_key(&id) {
            return None;
        }
        self.claiming.insert(id, true);
        let instead = replaces.and_then(|old| self.shown.remove(&old));
        Some(Effect::Claim { id, instead })
    }

    pub(super) fn was_shown(&mut self, id: u64, desktop: Option<u32>) -> Vec<Effect> {
        let is_same = self.claiming.remove(&id).unwrap_or(true);
        let mut early = std::mem::take(&mut self.early);
        let Some(desktop) = desktop else {
            self.early = early;
            return Vec::new();
        };
        let of_this = early.extract_if(.., |(it, _)| *it == desktop);
        let of_this: Vec<Early> = of_this.map(|(_, early)| early).collect();
        if !self.claiming.is_empty() {
            self.early = early;
        }
        if !is_same {
            // It went with the service that showed it, and its number may be another notification's by now.
            return Vec::new();
        }
        if !self.notifications.contains_key(&id) {
            // It ended while it was being shown.
            let was_pressed = |it: &Early| matches!(it, Early::Pressed(_));
            let told = of_this.iter().any(was_pressed).then(gone);
            return [self.close(desktop)].into_iter().chain(told).collect();
        }
        self.past.retain(|it| *it != desktop);
        self.shown.insert(id, desktop);
        let mut effects = Vec::new();
        if self.settings.tray.pulse {
            self.pulsing = true;
            effects.push(Effect::Pulse);
        }
        for early in of_this {
            effects.extend(match early {
                Early::Pressed(choice) => self.pressed(desktop, &choice),
                Early::Gone { dismissed } => self.gone(desktop, dismissed),
            });
        }
        effects
    }

    fn close(&mut self, desktop: u32) -> Effect {
        if self.past.len() == MOST_PAST {
            self.past.pop_front();
        }
        self.past.push_back(desktop);
        Effect::Close(desktop)
    }

    /// Whether something is being shown right now, and has no number yet.
    pub fn is_showing(&self) -> bool {
        !self.claiming.is_empty()
    }

    /// Keeps what the desktop tells of a number for when it is known whose it is.
    fn keep(&mut self, desktop: u32, early: Early) {
        if !self.claiming.is_empty() && self.early.len() < MOST_EARLY {
            self.early.push((desktop, early));
        }
    }

    pub(super) fn renewed(&mut self, notification: Notification) -> Vec<Effect> {
        let Some(id) = notification.id else {
            return Vec::new();
        };
        let shown = self.shown.get(&id).copied();
        let update = shown.zip(self.abilities).map(|(desktop, abilities)| {
            let toast = Toast::of(&notification, abilities);
            Effect::Update { desktop, toast }
        });
        self.notifications.insert(id, notification);
        update.into_iter().collect()
    }

    pub(super) fn ended(&mut self, id: u64) -> Vec<Effect> {
        self.notifications.remove(&id);
        self.claiming.remove(&id);
        let shown = self.shown.remove(&id);
        let closed = shown.map(|desktop| self.close(desktop));
        closed.into_iter().collect()
    }

    /// The desktop has said what it can show.
    pub(super) fn desktop(&mut self, abilities: Option<Abilities>) -> Vec<Effect> {
        let was_there = self.abilities.is_some();
        self.asked_desktop = true;
        self.abilities = abilities;
        if abilities.is_none() {
            self.shown.clear();
        }
        if was_there || abilities.is_none() {
            return Vec::new();
        }
        // What was offered while nothing could be shown; what others show they have claimed.
        let waiting: Vec<u64> = self.notifications.keys().copied().collect();
        waiting
            .into_iter()
            .filter_map(|id| self.claim(id))
            .collect()
    }

    /// The service is gone, and another one gives its numbers anew.
    pub(super) fn desktop_gone(&mut self) {
        self.shown.clear();
        self.past.clear();
        self.early.clear();
        self.claiming
            .values_mut()
            .for_each(|is_same| *is_same = false);
    }

    pub(super) fn gone(&mut self, desktop: u32, dismissed: bool) -> Vec<Effect> {
        let gone = self.shown.extract_if(.., |_, it| *it == desktop);
        let gone: Vec<u64> = gone.map(|(id, _)| id).collect();
        if gone.is_empty() {
            self.keep(desktop, Early::Gone { dismissed });
        }
        if !dismissed {
            return Vec::new();
        }
        gone.into_iter().map(Effect::Dismiss).collect()
    }

    pub(super) fn pressed(&mut self, desktop: u32, choice: &str) -> Vec<Effect> {
        let mut shown = self.shown.iter();
        let Some(id) = shown.find_map(|(id, it)| (*it == desktop).then_some(*id)) else {
            if self.past.contains(&desktop) {
                return vec![gone()];
            }
            self.keep(desktop, Early::Pressed(choice.to_owned()));
            return Vec::new();
        };
        // The notification closes itself after this; that is not the person's doing.
        self.shown.remove(&id);
        let Some(notification) = self.notifications.get(&id).cloned() else {
            return vec![gone()];
        };
        let chosen = if choice == DEFAULT {
            Some(Choice::Open)
        } else {
            Choice::of_word(choice)
        };
        let Some(chosen) = chosen else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        if notification.choices.iter().any(|it| it == chosen.word()) {
            effects.push(Effect::Act { id, choice: chosen });
        }
        match chosen {
            Choice::Open => effects.push(Effect::Open(match notification.session_id {
                Some(session) => Show::Session(session),
                None => Show::Dashboard,
            })),
            Choice::LogIn => {
                let command = self.login_command();
                effects.extend(command.map(|command| Effect::Open(Show::LogIn(command))));
            }
            // The daemon's to do, unless it was offered once and is not any more.
            Choice::RetryNow
            | Choice::Snooze5
            | Choice::Snooze15
            | Choice::Snooze30
            | Choice::Allow
            | Choice::Deny => {
                if effects.is_empty() {
                    effects.push(gone());
                }
            }
        }
        effects
    }

    /// The command that logs in to the account that needs it; without one that does, that of the first account.
    pub fn login_command(&self) -> Option<Vec<String>> {
        let Usage::Known(accounts) = &self.usage else {
            return Some(usual_login());
        };
        let has_command = || accounts.iter().filter(|it| !it.login_command.is_empty());
        let mut needing = has_command().filter(|it| super::look::needs_login(it));
        let account = needing.next().or_else(|| has_command().next());
        Some(account.map_or_else(usual_login, |it| it.login_command.clone()))
    }
}

/// Where no account says how.
fn usual_login() -> Vec<String> {
    ["claude", "auth", "login"].map(str::to_owned).into()
}
