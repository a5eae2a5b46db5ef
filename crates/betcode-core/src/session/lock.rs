//! The input lock: at most one client at a time changes a session; the others look on.
//!
//! States: free, or held by one client, with those who ask for it in the order of asking. A holder is *here* (attached) or
//! *away*. Inputs: a client attaches, acts, asks, answers, gives back, leaves; time passes.
//!
//! Laws:
//! - there is at most one holder;
//! - asking ends exactly once: granted, refused, timed out, or withdrawn;
//! - a holder that is away keeps the lock for a grace, but gives way at once to anybody who wants it;
//! - a holder that says nothing when asked loses the lock when the time is over;
//! - a client that does one thing and is gone gives back what it took, to whom it took it from.

use serde::{Deserialize, Serialize};

use super::{Context, Presence, Session, Terms};
use crate::command::Rejected;
use crate::event::{ClientInfo, ClientKind, Draft, EventBody, LockOutcome};
use crate::id::ClientId;
use crate::time::Timestamp;

/// Who holds the lock and who wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputLock {
    holder: Option<ClientInfo>,
    /// When that changed last.
    since: Timestamp,
    /// From whom a client took it that gives it back.
    lender: Option<ClientInfo>,
    asking: Vec<Asking>,
}

/// Somebody who asks for the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// Who.
    pub by: ClientInfo,
    /// When the holder has said nothing for too long.
    pub expires_at: Timestamp,
}

/// How a client stands to the lock.
enum Standing<'a> {
    /// It holds it.
    Holds,
    /// Nobody does who is here.
    Open,
    /// Somebody else does, and is here.
    Held(&'a ClientInfo),
}

/// What has to happen so that a client may answer a request.
pub(super) enum Way {
    /// It may, between these events.
    Clear {
        before: Vec<Draft>,
        after: Vec<Draft>,
    },
    /// The holder has to be asked first.
    Ask(Vec<Draft>),
}

impl InputLock {
    /// Who holds it.
    pub fn holder(&self) -> Option<&ClientInfo> {
        self.holder.as_ref()
    }

    /// Who wants it, in the order of asking.
    pub fn asking(&self) -> &[Asking] {
        &self.asking
    }

    /// True when this client holds it.
    pub fn is_held_by(&self, client: ClientId) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|holder| holder.id == client && !client.is_nil())
    }

    /// True when this client asks for it.
    pub fn is_asked_by(&self, client: ClientId) -> bool {
        self.asking.iter().any(|asking| asking.by.id == client)
    }

    pub(super) fn changed(&mut self, holder: Option<&ClientInfo>, at: Timestamp) {
        self.since = at;
        let before = self.holder.take();
        self.lender = match holder {
            Some(new) if gives_back(new) => before
                .filter(|old| !gives_back(old))
                .or_else(|| self.lender.take()),
            _ => None,
        };
        if let Some(new) = holder {
            self.asking.retain(|asking| asking.by.id != new.id);
        }
        self.holder = holder.cloned();
    }

    pub(super) fn requested(&mut self, by: &ClientInfo, expires_at: Timestamp) {
        if !self.is_asked_by(by.id) {
            self.asking.push(Asking {
                by: by.clone(),
                expires_at,
            });
        }
    }

    pub(super) fn ended(&mut self, by: &ClientInfo) {
        self.asking.retain(|asking| asking.by.id != by.id);
    }

    /// The next moment at which the log itself says that something happens.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.asking.iter().map(|asking| asking.expires_at).min()
    }

    fn standing(&self, presence: &Presence, client: &ClientInfo) -> Standing<'_> {
        match &self.holder {
            Some(_) if self.is_held_by(client.id) => Standing::Holds,
            Some(holder) if presence.is_here(holder.id) => Standing::Held(holder),
            // What a one-shot client took it uses at once: until it gives it back, it counts as here.
            Some(holder) if gives_back(holder) => Standing::Held(holder),
            _ => Standing::Open,
        }
    }

    /// It goes to somebody who asks; everybody else who does is refused.
    fn move_to(&self, winner: &ClientInfo, outcome: LockOutcome) -> Vec<Draft> {
        let mut drafts = vec![ended(winner, outcome)];
        let others = self
            .asking
            .iter()
            .filter(|asking| asking.by.id != winner.id);
        drafts.extend(others.map(|asking| ended(&asking.by, LockOutcome::Refused)));
        drafts.push(changed(Some(winner)));
        drafts
    }

    /// It goes to one client; if that one asks for it, this is the end of asking. Others go on asking.
    fn hand_to(&self, client: &ClientInfo) -> Vec<Draft> {
        let asked = self.is_asked_by(client.id);
        let end = asked.then(|| ended(client, LockOutcome::Granted));
        end.into_iter().chain([changed(Some(client))]).collect()
    }

    /// The holder does not want it any more.
    fn give_up(&self) -> Vec<Draft> {
        match (self.asking.first(), &self.lender) {
            (Some(first), _) => self.move_to(&first.by, LockOutcome::Granted),
            (None, lender) => vec![changed(lender.as_ref())],
        }
    }

    /// It returns to whom it was taken from. Who asks goes on asking there.
    fn give_back(&self) -> Vec<Draft> {
        match &self.lender {
            Some(lender) => self.hand_to(lender),
            None => self.give_up(),
        }
    }

    /// Ends it with the session.
    pub(super) fn dissolve(&self) -> Vec<Draft> {
        let asking = self.asking.iter();
        let mut drafts: Vec<_> = asking
            .map(|asking| ended(&asking.by, LockOutcome::Refused))
            .collect();
        if self.holder.is_some() {
            drafts.push(changed(None));
        }
        drafts
    }
}

impl Session {
    /// The input lock.
    pub fn lock(&self) -> &InputLock {
        &self.lock
    }

    /// What must happen so that a client may change the session, or who stands in the way.
    pub(super) fn take_lock(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
    ) -> Result<Vec<Draft>, Rejected> {
        match self.lock.standing(context.presence, client) {
            Standing::Holds => Ok(Vec::new()),
            Standing::Open if gives_back(client) => Ok(Vec::new()),
            Standing::Open => Ok(self.take_for(client)),
            Standing::Held(holder) => Err(self.not_holder(holder, false)),
        }
    }

    /// What must happen so that a client may answer a request.
    pub(super) fn way_to_answer(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
    ) -> Result<Way, Rejected> {
        let clear = |before, after| Ok(Way::Clear { before, after });
        if context.terms.answer_without_lock {
            return clear(Vec::new(), Vec::new());
        }
        match self.lock.standing(context.presence, client) {
            Standing::Holds if gives_back(client) => clear(Vec::new(), self.lock.give_back()),
            Standing::Holds => clear(Vec::new(), Vec::new()),
            Standing::Open if gives_back(client) => clear(Vec::new(), Vec::new()),
            Standing::Open => clear(self.take_for(client), Vec::new()),
            Standing::Held(holder) => {
                let quiet = context.now.since(context.presence.quiet_since(holder.id));
                let yields = holder.kind == ClientKind::Run || quiet >= context.terms.lock_idle;
                if yields && client.id.is_nil() {
                    clear(Vec::new(), Vec::new())
                } else if yields && gives_back(client) {
                    let before = self.lock.hand_to(client);
                    clear(before, vec![changed(Some(holder))])
                } else if yields {
                    clear(self.take_for(client), Vec::new())
                } else if self.lock.is_asked_by(client.id) {
                    Ok(Way::Ask(Vec::new()))
                } else if context.asked || client.id.is_nil() {
                    Err(self.not_holder(holder, context.asked))
                } else {
                    Ok(Way::Ask(vec![requested(client, context)]))
                }
            }
        }
    }

    pub(super) fn request_lock(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
    ) -> Result<Vec<Draft>, Rejected> {
        if client.id.is_nil() {
            return Err(Rejected::Invalid {
                field: "client.id",
                problem: "a client without an id cannot hold the input lock".into(),
            });
        }
        Ok(match self.lock.standing(context.presence, client) {
            Standing::Holds => Vec::new(),
            Standing::Open => self.take_for(client),
            Standing::Held(_) if self.lock.is_asked_by(client.id) => Vec::new(),
            Standing::Held(_) => vec![requested(client, context)],
        })
    }

    /// The holder gives it back, who asks for it takes that back, and anybody may free it from a holder that is away.
    pub(super) fn release_lock(
        &self,
        context: Context<'_>,
        client: &ClientInfo,
    ) -> Result<Vec<Draft>, Rejected> {
        if self.lock.is_asked_by(client.id) {
            return Ok(vec![ended(client, LockOutcome::Withdrawn)]);
        }
        match (
            self.lock.standing(context.presence, client),
            &self.lock.holder,
        ) {
            (Standing::Holds, _) | (Standing::Open, Some(_)) => Ok(self.lock.give_up()),
            (Standing::Held(holder), _) => Err(self.not_holder(holder, false)),
            (Standing::Open, None) => Err(Rejected::NoLockRequest(
                "nobody holds the input lock".to_owned(),
            )),
        }
    }

    pub(super) fn answer_lock(
        &self,
        client: &ClientInfo,
        asker: ClientId,
        grant: bool,
    ) -> Result<Vec<Draft>, Rejected> {
        if let Some(holder) = self
            .lock
            .holder
            .as_ref()
            .filter(|_| !self.lock.is_held_by(client.id))
        {
            return Err(self.not_holder(holder, false));
        }
        let Some(asking) = self.lock.asking.iter().find(|asking| asking.by.id == asker) else {
            return Err(Rejected::NoLockRequest(
                "nobody asks for the input lock under this id any more".into(),
            ));
        };
        Ok(if grant {
            self.lock.move_to(&asking.by, LockOutcome::Granted)
        } else {
            vec![ended(&asking.by, LockOutcome::Refused)]
        })
    }

    /// A client has attached: the first person at a session that nobody holds gets the lock.
    pub fn arrived(&self, client: &ClientInfo, observes: bool) -> Vec<Draft> {
        let wants = !observes && client.kind == ClientKind::Interactive && !client.id.is_nil();
        if wants && self.lock.holder.is_none() && !self.is_closed() {
            vec![changed(Some(client))]
        } else {
            Vec::new()
        }
    }

    /// A client has left, `for_good` when it said so itself. `presence` knows that already.
    pub fn left(&self, presence: &Presence, client: &ClientInfo, for_good: bool) -> Vec<Draft> {
        if presence.is_here(client.id) {
            return Vec::new();
        }
        if self.lock.is_held_by(client.id) {
            let leaves_it = for_good || !self.lock.asking.is_empty();
            return if leaves_it {
                self.lock.give_up()
            } else {
                Vec::new()
            };
        }
        // A one-shot client is never attached; what it asks for ends with its call.
        if self.lock.is_asked_by(client.id) && !gives_back(client) {
            return vec![ended(client, LockOutcome::Withdrawn)];
        }
        Vec::new()
    }

    /// A call that waited for the lock was given up by its caller.
    pub fn gave_up_waiting(&self, client: &ClientInfo) -> Vec<Draft> {
        if self.lock.is_asked_by(client.id) {
            vec![ended(client, LockOutcome::Withdrawn)]
        } else if gives_back(client) && self.lock.is_held_by(client.id) {
            self.lock.give_up()
        } else {
            Vec::new()
        }
    }

    /// What time does to the lock.
    pub(super) fn expire_lock(
        &self,
        now: Timestamp,
        terms: &Terms,
        presence: &Presence,
    ) -> Vec<Draft> {
        let due = |asking: &&Asking| asking.expires_at <= now;
        if let Some(first) = self.lock.asking.iter().find(due) {
            return self.lock.move_to(&first.by, LockOutcome::TimedOut);
        }
        match self.grace_ends(terms, presence) {
            Some(at) if at <= now => self.lock.give_up(),
            _ => Vec::new(),
        }
    }

    /// When the lock of a holder that is away becomes free.
    pub fn grace_ends(&self, terms: &Terms, presence: &Presence) -> Option<Timestamp> {
        let holder = self.lock.holder.as_ref()?;
        // Who got it while away, such as an answer that waited for it, has the whole grace from then on.
        let away = presence.away_since(holder.id)?.max(self.lock.since);
        Some(away.plus(terms.lock_grace))
    }

    fn not_holder(&self, holder: &ClientInfo, refused: bool) -> Rejected {
        Rejected::NotHolder {
            session: self.id,
            holder: holder.label(),
            refused,
        }
    }

    /// It goes to a client that did not ask beforehand; whoever did must ask anew.
    fn take_for(&self, client: &ClientInfo) -> Vec<Draft> {
        let others = self.lock.asking.iter();
        let mut drafts: Vec<_> = others
            .map(|asking| {
                let granted = asking.by.id == client.id;
                let outcome = if granted {
                    LockOutcome::Granted
                } else {
                    LockOutcome::Refused
                };
                ended(&asking.by, outcome)
            })
            .collect();
        if !client.id.is_nil() {
            drafts.push(changed(Some(client)));
        }
        drafts
    }
}

/// True for a client that does one thing and is gone. One without an identity cannot hold anything either.
fn gives_back(client: &ClientInfo) -> bool {
    client.kind == ClientKind::OneShot || client.id.is_nil()
}

fn changed(holder: Option<&ClientInfo>) -> Draft {
    EventBody::InputLockChanged {
        holder: holder.cloned(),
    }
    .into()
}

fn requested(client: &ClientInfo, context: Context<'_>) -> Draft {
    EventBody::InputLockRequested {
        by: client.clone(),
        expires_at: context.now.plus(context.terms.lock_wait),
    }
    .into()
}

fn ended(by: &ClientInfo, outcome: LockOutcome) -> Draft {
    EventBody::InputLockRequestEnded {
        by: by.clone(),
        outcome,
    }
    .into()
}
