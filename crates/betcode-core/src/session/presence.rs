//! Who is attached to a session, and since when nobody has heard of whom. Ephemeral: a daemon that starts knows of nobody, so
//! whoever held the input lock is away from that moment on and has the whole grace to come back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::ClientId;
use crate::time::Timestamp;

/// How long a client that has gone is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);
/// Those that are to be forgotten are looked for when so many more clients are known.
const FORGET_EVERY: usize = 64;

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
        self.forget(now);
    }

    /// A client has done something.
    pub fn heard(&mut self, client: ClientId, now: Timestamp) {
        let known = self.clients.len();
        self.seen(client, now).heard = now;
        // Clients that do one thing and are gone never leave a seat.
        if self.clients.len() > known && known.is_multiple_of(FORGET_EVERY) {
            self.forget(now);
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.clients
            .retain(|_, seen| seen.seats > 0 || now.since(seen.last()) < REMEMBERED);
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn clients_that_only_send_commands_are_forgotten_after_a_while_and_those_attached_are_not() {
        let mut presence = Presence::new(Timestamp(0));
        let attached = ClientId(Uuid::from_u128(u128::MAX));
        presence.arrived(attached, Timestamp(0));
        let mut now = Timestamp(0);
        for client in 1..10_000 {
            now = now.plus(Duration::from_mins(1));
            presence.heard(ClientId(Uuid::from_u128(client)), now);
            assert!(presence.clients.len() < 60 + 2 * FORGET_EVERY);
        }
        assert!(presence.is_here(attached));
        assert_eq!(presence.quiet_since(ClientId(Uuid::from_u128(9_999))), now);
    }
}
