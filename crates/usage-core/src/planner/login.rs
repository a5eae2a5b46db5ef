//! What becomes of a token that is no longer good. Its renewal is the agent's business: it was asked for the usage once, and
//! the credentials are read to see whether that has renewed it. If not, somebody must log in, and is told once a token.

use betcode_core::time::Timestamp;

use super::due::Due;
use super::{AFRESH, BURST, Condition, Effect, GRACE, LOOK, Notice, Phase, Planner, State};
use crate::credentials::Login;

impl Planner {
    /// Somebody may have to log in: `blamed` is what did not help.
    pub(super) fn confirm(&mut self, now: Timestamp, blamed: Login) {
        self.due = None;
        self.phase = Phase::Confirming {
            blamed,
            until: Due::after(now, GRACE),
        };
        self.effects.push_back(Effect::ReadCredentials);
    }

    /// The credentials were read.
    pub(super) fn credentials(&mut self, now: Timestamp, login: Login) {
        // What was not known before is no change, and what is not known now says nothing.
        let is_same = self.login == Login::Unknown || login.hash() == self.login.hash();
        // A file that is half written says nothing.
        if login != Login::Unknown {
            self.login = login;
        }
        match &self.phase {
            Phase::Fine if is_same || self.login.token().is_none() => {}
            Phase::Fine => {
                self.rests.clear();
                self.interval = self.base();
                // Asking the agent renews its token: that answer is as good as another one.
                let floor = if self.published.is_ok() {
                    AFRESH
                } else {
                    BURST
                };
                self.want(now, floor);
            }
            Phase::Confirming { blamed, .. } | Phase::LoginNeeded { blamed, .. } => {
                if self.is_new(blamed, now) {
                    self.rests.clear();
                    self.phase = Phase::Fine;
                    self.interval = self.base();
                    self.due = Some(Due::after(now, std::time::Duration::ZERO));
                } else if let Phase::Confirming { blamed, .. } = &self.phase {
                    let blamed = blamed.clone();
                    self.need_login(now, blamed);
                }
            }
        }
    }

    /// Whether this is another token than the one that did not help, or the same one for longer.
    fn is_new(&self, blamed: &Login, now: Timestamp) -> bool {
        let Some(token) = self.login.token() else {
            return false;
        };
        let before = blamed.token();
        let is_other = before.is_none_or(|before| {
            before.hash != token.hash || before.expires_at != token.expires_at
        });
        is_other && !self.is_bad(token, now)
    }

    /// It is tried once more whether somebody must log in.
    pub(super) fn doubt_login(&mut self) {
        self.phase = Phase::Fine;
        self.condition = Condition::Bad(State::TokenExpired);
        self.effects.push_back(Effect::ReadCredentials);
    }

    /// Time has passed for whoever waits for a login.
    pub(super) fn pass_login(&mut self, now: Timestamp) {
        match &mut self.phase {
            Phase::Fine => {}
            Phase::Confirming { blamed, until } => {
                if until.is_over(now) {
                    let blamed = blamed.clone();
                    self.need_login(now, blamed);
                }
            }
            Phase::LoginNeeded { look, .. } => {
                if look.is_some_and(|look| look.is_over(now)) {
                    *look = Some(Due::after(now, LOOK));
                    self.effects.push_back(Effect::ReadCredentials);
                }
            }
        }
    }

    fn need_login(&mut self, now: Timestamp, blamed: Login) {
        let is_watched = self.settings.credentials_are_watched;
        let token = self.token();
        self.phase = Phase::LoginNeeded {
            blamed,
            look: (!is_watched).then(|| Due::after(now, LOOK)),
        };
        if self.memory.told_login.as_ref() != Some(&token) {
            self.memory.told_login = Some(token);
            self.effects.push_back(Effect::Notify(Notice::LoginNeeded));
        }
        self.effects.push_back(Effect::Save);
    }
}
