//! What the log says of the input lock, and who may do what under it: written from the outside, with its own list of who
//! is there.

use std::collections::BTreeMap;

use super::life::{Did, Step, who};
use super::*;

/// What is known of a client.
#[derive(Debug, Clone, Copy)]
struct Known {
    seats: u32,
    heard: Timestamp,
    left: Timestamp,
}

/// The naive model.
#[derive(Debug, Default)]
pub(super) struct LockModel {
    followed: usize,
    holder: Option<ClientInfo>,
    /// Since when.
    held: Timestamp,
    asking: BTreeMap<ClientId, Timestamp>,
    /// Whoever was just told that it gets the lock.
    winner: Option<ClientId>,
    clients: BTreeMap<ClientId, Known>,
    begun: Timestamp,
}

/// How a client stands before it does something.
#[derive(Debug)]
pub(super) struct Standing {
    may_act: bool,
    may_answer: bool,
}

impl LockModel {
    /// The one who is there from the beginning.
    pub(super) fn new(bench: &Bench) -> Self {
        let mut model = Self {
            begun: bench.now,
            ..Self::default()
        };
        model.note(&Step::Arrive(0, false), bench.now);
        model
    }

    fn known(&mut self, client: ClientId, now: Timestamp) -> &mut Known {
        self.clients.entry(client).or_insert(Known {
            seats: 0,
            heard: now,
            left: now,
        })
    }

    fn is_here(&self, client: ClientId) -> bool {
        self.clients
            .get(&client)
            .is_some_and(|known| known.seats > 0)
    }

    /// Who comes and goes.
    pub(super) fn note(&mut self, step: &Step, now: Timestamp) {
        match step {
            Step::Arrive(by, _) => self.known(who(*by).id, now).seats += 1,
            Step::Leave(by, _) if self.is_here(who(*by).id) => {
                let known = self.known(who(*by).id, now);
                known.seats -= 1;
                known.left = now;
            }
            Step::Do(by, _) => self.known(who(*by).id, now).heard = now,
            Step::Restart => {
                self.clients.clear();
                self.begun = now;
            }
            _ => {}
        }
    }

    /// Nobody may act under the hands of a holder that is there; an answer may come in its place when it is a run, or has
    /// done nothing for half a minute.
    pub(super) fn standing(&self, by: &ClientInfo, bench: &Bench) -> Standing {
        let Some(holder) = &self.holder else {
            return Standing {
                may_act: true,
                may_answer: true,
            };
        };
        let own = holder.id == by.id && by.id != ClientId::default();
        let given_back_soon = holder.kind == ClientKind::OneShot;
        let may_act = own || !(self.is_here(holder.id) || given_back_soon);
        let heard = match self.clients.get(&holder.id) {
            Some(known) => known.heard,
            None => self.begun,
        };
        let is_quiet = bench.now.since(heard) >= Duration::from_secs(30);
        Standing {
            may_act,
            may_answer: may_act
                || bench.terms.answer_without_lock
                || holder.kind == ClientKind::Run
                || is_quiet,
        }
    }

    pub(super) fn follow(&mut self, bench: &Bench) {
        for event in &bench.log[self.followed..] {
            self.followed += 1;
            match &event.body {
                EventBody::InputLockRequested { by, expires_at } => {
                    assert_ne!(by.id, ClientId::default());
                    assert_ne!(self.holder.as_ref().map(|holder| holder.id), Some(by.id));
                    assert!(self.holder.is_some(), "nobody is asked");
                    assert_eq!(*expires_at, event.timestamp.plus(bench.terms.lock_wait));
                    assert_eq!(self.asking.insert(by.id, *expires_at), None, "asks twice");
                }
                EventBody::InputLockRequestEnded { by, outcome } => {
                    let due = self.asking.remove(&by.id).expect("it ends once");
                    match outcome {
                        LockOutcome::Granted => self.wins(by.id),
                        LockOutcome::TimedOut => {
                            assert!(due <= event.timestamp, "the holder had time left");
                            self.wins(by.id);
                        }
                        LockOutcome::Refused | LockOutcome::Withdrawn => {}
                    }
                }
                EventBody::InputLockChanged { holder } => {
                    self.held = event.timestamp;
                    let new = holder.as_ref().map(|holder| holder.id);
                    let old = self.holder.as_ref().map(|holder| holder.id);
                    assert_ne!(new, old, "a change changes something");
                    assert_ne!(new, Some(ClientId::default()));
                    assert!(
                        new.is_some() || self.asking.is_empty(),
                        "somebody wanted it"
                    );
                    if let Some(winner) = self.winner.take() {
                        assert_eq!(new, Some(winner), "who was told to get it gets it");
                    }
                    self.holder.clone_from(holder);
                }
                EventBody::StatusChange {
                    status: Status::Closed,
                    ..
                } => assert!(self.holder.is_none() && self.asking.is_empty()),
                _ => {}
            }
        }
        assert_eq!(self.winner, None, "who was told to get it gets it");
    }

    fn wins(&mut self, id: ClientId) {
        assert_eq!(self.winner.replace(id), None, "one gets it");
    }

    /// What came of a deed is what the client's standing allowed.
    pub(super) fn judge(&self, standing: &Standing, did: &Did, bench: &Bench) {
        let effects = did.result.as_ref().map_or(0, |events| {
            let own_effect = |event: &&String| !event.starts_with("extended");
            events.iter().filter(own_effect).count()
        });
        match &did.action {
            Action::AnswerPermission { id, .. } | Action::AnswerQuestion { id, .. } => {
                let by_client = bench.log.iter().rev().take(effects).any(|event| {
                    matches!(&event.body,
                        EventBody::PermissionResolved(PermissionDecision { id: ended, by: Decider::Client(by), .. })
                        | EventBody::QuestionAnswered { id: ended, by: Decider::Client(by), .. }
                        if ended == id && *by == did.by)
                });
                assert!(
                    !by_client || standing.may_answer,
                    "answered without the lock"
                );
            }
            Action::Close | Action::Delete => {
                let empty = self
                    .holder
                    .as_ref()
                    .is_none_or(|holder| !self.is_here(holder.id) || holder.id == did.by.id);
                assert!(effects == 0 || empty, "closed under the holder's hands");
            }
            Action::RequestLock
            | Action::ReleaseLock
            | Action::Rename { .. }
            | Action::Reopen { .. } => {}
            Action::AnswerLock { .. } => {
                assert!(
                    effects == 0 || standing.may_act,
                    "only the holder says who gets it"
                );
            }
            _ if did.own => {}
            _ => {
                assert!(effects == 0 || standing.may_act, "{did:?} without the lock");
                let holds = did.by.kind == ClientKind::OneShot || did.by.id == ClientId::default();
                assert!(
                    effects == 0 || holds || self.holder.as_ref() == Some(&did.by),
                    "who acts holds the lock"
                );
            }
        }
    }

    /// The machine says the same, and nobody is left waiting or holding.
    pub(super) fn compare(&self, bench: &Bench, time_passed: bool) {
        let lock = bench.session.lock();
        assert_eq!(lock.holder(), self.holder.as_ref());
        let asking: BTreeMap<_, _> = lock
            .asking()
            .iter()
            .map(|asking| (asking.by.id, asking.expires_at))
            .collect();
        assert_eq!(asking, self.asking);
        assert!(
            self.asking.is_empty() || self.holder.is_some(),
            "nobody can answer"
        );
        for command in &bench.parked {
            assert!(
                self.asking.contains_key(&command.client.id),
                "{} waits for nothing",
                command.client.name
            );
        }
        if !time_passed {
            return;
        }
        assert!(self.asking.values().all(|due| *due > bench.now));
        if let Some(holder) = &self.holder
            && !self.is_here(holder.id)
        {
            let away = match self.clients.get(&holder.id) {
                Some(known) => known.left.max(known.heard),
                None => self.begun,
            };
            let away = away.max(self.held);
            assert!(
                bench.now.since(away) < bench.terms.lock_grace,
                "{} has been away for too long",
                holder.name
            );
        }
    }
}
