//! Who looks: what one has said or decided oneself is not marked, and what others did says who it was.
//!
//! A client is a process, so what was there before this one began may be one's own as well: then the same program on the same
//! machine counts, whatever terminal it was in.

use betcode_core::event::ClientInfo;
use betcode_core::id::Sequence;

use crate::model::Model;

/// Who looks, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    me: ClientInfo,
    since: Sequence,
}

impl Viewer {
    /// Who looks at this.
    pub fn of(model: &Model) -> Self {
        Self {
            me: model.me.clone(),
            since: model.since,
        }
    }

    /// Somebody else, for people; none if it is who looks.
    pub fn other(&self, who: &ClientInfo, at: Sequence) -> Option<String> {
        let here = who.name == self.me.name && who.machine() == self.me.machine();
        let own =
            who.id == self.me.id || (here && (at <= self.since || who.place == self.me.place));
        (!own).then(|| who.label())
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::event::ClientKind;
    use betcode_core::id::ClientId;
    use uuid::Uuid;

    use super::*;

    fn client(id: u128, name: &str, place: &str) -> ClientInfo {
        ClientInfo {
            name: name.into(),
            place: place.into(),
            id: ClientId(Uuid::from_u128(id)),
            kind: ClientKind::Interactive,
        }
    }

    #[test]
    fn who_did_it_is_only_told_of_others() {
        let viewer = Viewer {
            me: client(1, "betcode", "vm, pts/3"),
            since: Sequence(10),
        };
        for (who, at, told) in [
            (client(1, "betcode", "vm, pts/3"), 20, None),
            (client(2, "betcode", "vm, pts/3"), 20, None),
            (
                client(2, "betcode", "vm, pts/4"),
                20,
                Some("betcode (vm, pts/4)"),
            ),
            (client(2, "betcode", "vm, pts/4"), 10, None),
            (client(2, "betcode", "vm"), 10, None),
            (
                client(2, "betcode", "far, pts/3"),
                10,
                Some("betcode (far, pts/3)"),
            ),
            (
                client(2, "betcode -p", "vm, pid 7"),
                10,
                Some("betcode -p (vm, pid 7)"),
            ),
        ] {
            let other = viewer.other(&who, Sequence(at));
            assert_eq!(other.as_deref(), told, "{who:?} at {at}");
        }
    }
}
