//! What happens to the input lock, as one client that wants it sees it. Pure.
//!
//! States: asking (it is not ours yet), holding, lent (a client that does one thing and is gone has it for a moment), over.
//! Laws:
//! - once over, nothing changes any more;
//! - it is lost only after it was held, and refused only before.

use betcode_core::event::{ClientInfo, ClientKind, EventBody, LockOutcome, Status};
use betcode_core::id::ClientId;
use betcode_core::time::Timestamp;
use betcode_proto::convert::lock::Lock;

/// The watcher.
#[derive(Debug)]
pub(super) struct Watch {
    me: ClientId,
    stand: Stand,
    holder: Option<ClientInfo>,
    asking: Vec<(ClientInfo, Timestamp)>,
    granted: Option<ClientId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Asking,
    Holding,
    Lent,
    Over,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// It is ours.
    Holding,
    /// Somebody else has it and was asked; without an answer it is ours then.
    Waiting { holder: String, until: Timestamp },
    /// Somebody else wants it, and gets it then without an answer.
    Asked { by: String, until: Timestamp },
    /// Somebody wants it no more.
    AsksNoMore(String),
    /// Somebody was told that we keep it.
    Kept(String),
    /// Somebody has it for one answer.
    Lent(String),
    /// It is ours again.
    Back,
    /// It is over.
    Over(Over),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Over {
    /// We handed it over.
    Granted(String),
    /// Somebody has it now.
    Lost(String),
    /// It is not ours any more, and nobody else's.
    Freed,
    /// We do not get it.
    Refused(String),
    /// The session was closed.
    Closed,
}

impl Watch {
    /// For this client.
    pub(super) const fn new(me: ClientId) -> Self {
        Self {
            me,
            stand: Stand::Asking,
            holder: None,
            asking: Vec::new(),
            granted: None,
        }
    }

    /// True while it is ours, or ours again in a moment.
    pub(super) fn holds(&self) -> bool {
        matches!(self.stand, Stand::Holding | Stand::Lent)
    }

    /// Whoever asks for it while it is ours, and until when.
    pub(super) fn first_asking(&self) -> Option<&(ClientInfo, Timestamp)> {
        self.asking
            .iter()
            .find(|(by, _)| self.holds() && by.id != self.me)
    }

    /// Until when the holder may answer us.
    pub(super) fn waits_until(&self) -> Option<Timestamp> {
        let ours = self.asking.iter().find(|(by, _)| by.id == self.me);
        ours.filter(|_| self.stand == Stand::Asking)
            .map(|(_, until)| *until)
    }

    /// Notes that we hand it over.
    pub(super) fn grant(&mut self, to: ClientId) {
        self.granted = Some(to);
    }

    /// How it stands at the moment of attaching.
    pub(super) fn attached(&mut self, lock: &Lock) -> Vec<News> {
        self.asking.clone_from(&lock.requests);
        let mut news = self.changed(lock.holder.as_ref());
        if let Some((by, until)) = self.first_asking() {
            news.push(News::Asked {
                by: by.label(),
                until: *until,
            });
        }
        news
    }

    /// What an event changes.
    pub(super) fn event(&mut self, body: &EventBody) -> Vec<News> {
        match body {
            EventBody::InputLockChanged { holder } => self.changed(holder.as_ref()),
            EventBody::InputLockRequested { by, expires_at } => self.requested(by, *expires_at),
            EventBody::InputLockRequestEnded { by, outcome } => self.ended(by, *outcome),
            EventBody::StatusChange {
                status: Status::Closed,
                ..
            } => self.over(Over::Closed),
            _ => Vec::new(),
        }
    }

    fn changed(&mut self, holder: Option<&ClientInfo>) -> Vec<News> {
        self.holder = holder.cloned();
        if let Some(holder) = holder {
            self.asking.retain(|(by, _)| by.id != holder.id);
        }
        match (self.stand, holder) {
            (Stand::Asking, Some(holder)) if holder.id == self.me => {
                self.stand = Stand::Holding;
                vec![News::Holding]
            }
            (Stand::Over | Stand::Asking, _) => Vec::new(),
            (Stand::Holding, Some(holder)) if holder.id == self.me => Vec::new(),
            (Stand::Lent, Some(holder)) if holder.id == self.me => {
                self.stand = Stand::Holding;
                vec![News::Back]
            }
            (Stand::Holding | Stand::Lent, Some(holder))
                if holder.kind == ClientKind::OneShot && self.granted != Some(holder.id) =>
            {
                self.stand = Stand::Lent;
                vec![News::Lent(holder.label())]
            }
            (Stand::Holding | Stand::Lent, Some(holder)) => {
                let who = holder.label();
                self.over(if self.granted == Some(holder.id) {
                    Over::Granted(who)
                } else {
                    Over::Lost(who)
                })
            }
            (Stand::Holding | Stand::Lent, None) => self.over(Over::Freed),
        }
    }

    fn requested(&mut self, by: &ClientInfo, until: Timestamp) -> Vec<News> {
        self.asking.push((by.clone(), until));
        if by.id == self.me {
            let holder = self.holder.as_ref().map(ClientInfo::label);
            let holder = holder.unwrap_or_else(|| "somebody".to_owned());
            return vec![News::Waiting { holder, until }];
        }
        if self.holds() {
            let by = by.label();
            return vec![News::Asked { by, until }];
        }
        Vec::new()
    }

    fn ended(&mut self, by: &ClientInfo, outcome: LockOutcome) -> Vec<News> {
        self.asking.retain(|(asking, _)| asking.id != by.id);
        if by.id != self.me {
            return match outcome {
                LockOutcome::Withdrawn if self.holds() => vec![News::AsksNoMore(by.label())],
                LockOutcome::Refused if self.holds() => vec![News::Kept(by.label())],
                _ => Vec::new(),
            };
        }
        match outcome {
            LockOutcome::Refused => {
                let holder = self.holder.as_ref().map(ClientInfo::label);
                self.over(Over::Refused(
                    holder.unwrap_or_else(|| "somebody else".to_owned()),
                ))
            }
            LockOutcome::Granted | LockOutcome::TimedOut | LockOutcome::Withdrawn => Vec::new(),
        }
    }

    fn over(&mut self, how: Over) -> Vec<News> {
        if self.stand == Stand::Over {
            return Vec::new();
        }
        self.stand = Stand::Over;
        vec![News::Over(how)]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn who(number: u128, kind: ClientKind) -> ClientInfo {
        ClientInfo {
            name: format!("client {number}"),
            place: String::new(),
            id: ClientId(Uuid::from_u128(number)),
            kind,
        }
    }

    fn person(number: u128) -> ClientInfo {
        who(number, ClientKind::Interactive)
    }

    fn changed(holder: Option<ClientInfo>) -> EventBody {
        EventBody::InputLockChanged { holder }
    }

    fn requested(by: ClientInfo) -> EventBody {
        EventBody::InputLockRequested {
            by,
            expires_at: Timestamp(9),
        }
    }

    fn ended(by: ClientInfo, outcome: LockOutcome) -> EventBody {
        EventBody::InputLockRequestEnded { by, outcome }
    }

    fn watch(events: &[EventBody]) -> (Watch, Vec<News>) {
        let mut watch = Watch::new(person(1).id);
        let mut news = watch.attached(&Lock {
            holder: Some(person(2)),
            requests: vec![],
        });
        for event in events {
            news.extend(watch.event(event));
        }
        (watch, news)
    }

    #[test]
    fn what_is_free_is_ours_at_once() {
        let mut watch = Watch::new(person(1).id);
        let lock = Lock {
            holder: Some(person(1)),
            requests: vec![(person(3), Timestamp(7))],
        };
        let asked = News::Asked {
            by: "client 3".into(),
            until: Timestamp(7),
        };
        assert_eq!(watch.attached(&lock), [News::Holding, asked]);
        assert!(watch.holds());
        // After a lost connection it is still ours, and nothing is told twice but who asks.
        assert_eq!(watch.attached(&lock).len(), 1);
    }

    #[test]
    fn whoever_says_nothing_hands_it_over_and_whoever_refuses_keeps_it() {
        let waiting = News::Waiting {
            holder: "client 2".into(),
            until: Timestamp(9),
        };
        let (watch, news) = watch(&[requested(person(1))]);
        assert_eq!(news, std::slice::from_ref(&waiting));
        assert_eq!(watch.waits_until(), Some(Timestamp(9)));
        let (watch, news) = self::watch(&[
            requested(person(1)),
            ended(person(1), LockOutcome::TimedOut),
            changed(Some(person(1))),
        ]);
        assert_eq!(news, [waiting.clone(), News::Holding]);
        assert!(watch.holds() && watch.waits_until().is_none());
        let (watch, news) = self::watch(&[
            requested(person(1)),
            ended(person(1), LockOutcome::Refused),
            changed(Some(person(1))),
        ]);
        assert_eq!(
            news,
            [waiting, News::Over(Over::Refused("client 2".into()))]
        );
        assert!(!watch.holds());
    }

    #[test]
    fn somebody_who_asks_gets_it_or_takes_the_wish_back() {
        let held = [changed(Some(person(1))), requested(person(3))];
        let (mut watch, _) = watch(&held);
        assert_eq!(watch.first_asking().unwrap().0, person(3));
        let gone = watch.event(&ended(person(3), LockOutcome::Withdrawn));
        assert_eq!(gone, [News::AsksNoMore("client 3".into())]);
        assert_eq!(watch.first_asking(), None);
        let (mut watch, _) = self::watch(&held);
        assert_eq!(
            watch.event(&ended(person(3), LockOutcome::Refused)),
            [News::Kept("client 3".into())]
        );
        assert!(watch.holds());

        let (mut watch, _) = self::watch(&held);
        watch.grant(person(3).id);
        watch.event(&ended(person(3), LockOutcome::Granted));
        assert_eq!(
            watch.event(&changed(Some(person(3)))),
            [News::Over(Over::Granted("client 3".into()))]
        );

        let (mut watch, _) = self::watch(&held);
        assert_eq!(
            watch.event(&changed(Some(person(3)))),
            [News::Over(Over::Lost("client 3".into()))]
        );
        assert_eq!(watch.event(&changed(Some(person(1)))), []);
    }

    #[test]
    fn an_answer_from_elsewhere_only_borrows_it() {
        let answer = who(4, ClientKind::OneShot);
        let (watch, news) = watch(&[
            changed(Some(person(1))),
            changed(Some(answer)),
            changed(Some(person(1))),
        ]);
        assert_eq!(
            news,
            [News::Holding, News::Lent("client 4".into()), News::Back]
        );
        assert!(watch.holds());
    }

    #[test]
    fn a_lock_that_becomes_free_or_a_session_that_is_closed_ends_it() {
        let (_, news) = watch(&[changed(Some(person(1))), changed(None)]);
        assert_eq!(news.last(), Some(&News::Over(Over::Freed)));
        let closed = EventBody::StatusChange {
            status: Status::Closed,
            detail: String::new(),
            retry_at: None,
        };
        let (_, news) = watch(&[closed]);
        assert_eq!(news, [News::Over(Over::Closed)]);
    }
}
