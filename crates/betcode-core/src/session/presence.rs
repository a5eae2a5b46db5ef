//! Who is attached to a session, and since when nobody has heard of whom. Ephemeral: a daemon that starts knows of nobody, so
//! whoever held the input lock is away from that moment on and has the whole grace to come back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::ClientId;
use crate::time::Timestamp;

/// How long a client that has gone is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);

/// Who is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    begun: Timestamp,
    clients: BTreeMap<ClientId, Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    seats: u32,
    heard: Timestamp,
    left: Timestamp,
}

impl Seen {
    /// The last sign of it, while it is not attached.
    fn last(&self) -> Timestamp {
        self.left.max(self.heard)
    }
}

impl Presence {
    /// Nobody is here yet.
    pub fn new(now: Timestamp) -> Self {
        Self {
            begun: now,
            clients: BTreeMap::new(),
        }
    }

    /// A client has attached, perhaps not for the first time.
    pub fn arrived(&mut self, client: ClientId, now: Timestamp) {
        self.seen(client, now).seats += 1;
    }

    /// One of a client's attachments has ended.
    pub fn left(&mut self, client: ClientId, now: Timestamp) {
        let seen = self.seen(client, now);
        seen.seats = seen.seats.saturating_sub(1);
        seen.left = now;
        self.clients
            .retain(|_, seen| seen.seats > 0 || now.since(seen.last()) < REMEMBERED);
    }

    /// A client has done something.
    pub fn heard(&mut self, client: ClientId, now: Timestamp) {
        self.seen(client, now).heard = now;
    }

    /// True while it is attached.
    pub fn is_here(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(|seen| seen.seats > 0)
    }

    /// True while anybody is attached.
    pub fn is_anybody_here(&self) -> bool {
        self.clients.values().any(|seen| seen.seats > 0)
    }

    /// Since when it is away; none while it is here.
    pub fn away_since(&self, client: ClientId) -> Option<Timestamp> {
        match self.clients.get(&client) {
            None => Some(self.begun),
            Some(seen) if seen.seats > 0 => None,
            // What it does without being attached shows that it is still somewhere.
            Some(seen) => Some(seen.last()),
        }
    }

    /// Since when it has done nothing.
    pub fn quiet_since(&self, client: ClientId) -> Timestamp {
        self.clients
            .get(&client)
            .map_or(self.begun, |seen| seen.heard)
    }

    fn seen(&mut self, client: ClientId, now: Timestamp) -> &mut Seen {
        self.clients.entry(client).or_insert(Seen {
            seats: 0,
            heard: now,
            left: now,
        })
    }
}
