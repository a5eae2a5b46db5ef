//! Which source is asked, as far as tokens, rests and budgets allow.

use betcode_core::time::Timestamp;

use super::{Planner, State};
use crate::credentials::{Login, TokenInfo};
use crate::reading::Source;

/// What can be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// Ask this source.
    Ask(Source),
    /// None may be asked before this moment.
    Wait(Timestamp),
    /// None can be asked because somebody must log in.
    Login,
    /// None can be asked.
    Nothing(State),
}

/// Why a source cannot be asked at all.
#[derive(Debug, Clone, Copy)]
pub(super) enum Barred {
    Token,
    Scope,
    Unknown,
}

impl Planner {
    /// The first source that may be asked. One that has just failed comes after all others.
    pub(super) fn choose(&self, now: Timestamp) -> Choice {
        let mut usable = Vec::new();
        let mut barred = None;
        for source in &self.settings.sources {
            match self.bar(*source, now) {
                Some(why) => barred = barred.or(Some(why)),
                None => usable.push(*source),
            }
        }
        let rest_of = |source: &Source| self.rests.get(source).map(|due| due.at);
        let all_rest = usable
            .iter()
            .all(|source| rest_of(source).is_some_and(|at| at > now));
        let mut first = None;
        for source in usable {
            let rest = rest_of(&source).filter(|_| !all_rest);
            let token = self.memory.cooldowns.get(&self.token());
            let token = token.and_then(|it| it.free_from(source.is_http()));
            let Some(at) = rest.max(token).filter(|at| *at > now) else {
                return Choice::Ask(source);
            };
            first = Some(first.map_or(at, |first: Timestamp| first.min(at)));
        }
        match (first, barred) {
            (Some(at), _) => Choice::Wait(at),
            (None, Some(Barred::Token)) => Choice::Login,
            (None, Some(Barred::Scope)) => Choice::Nothing(State::ScopeMissing),
            (None, Some(Barred::Unknown)) => Choice::Nothing(State::Unavailable {
                why: "the credentials cannot be read".to_owned(),
            }),
            (None, None) => Choice::Nothing(State::Unavailable {
                why: "no source is there or switched on".to_owned(),
            }),
        }
    }

    /// A token that is no longer good is not used over HTTP; the agent uses its own, and renews it.
    pub(super) fn bar(&self, source: Source, now: Timestamp) -> Option<Barred> {
        if !source.is_http() {
            return None;
        }
        match &self.login {
            Login::Unknown => Some(Barred::Unknown),
            Login::LoggedOut => Some(Barred::Token),
            Login::Token(token) if self.is_bad(token, now) => Some(Barred::Token),
            Login::Token(token) if self.lacks_scope(token) => Some(Barred::Scope),
            Login::Token(_) => None,
        }
    }

    /// Whether a token has expired or was refused.
    pub(super) fn is_bad(&self, token: &TokenInfo, now: Timestamp) -> bool {
        token.is_expired(now) || self.memory.refused == Some(token.hash.to_string())
    }

    fn lacks_scope(&self, token: &TokenInfo) -> bool {
        token.lacks_usage_scope() || self.memory.without_scope == Some(token.hash.to_string())
    }
}
