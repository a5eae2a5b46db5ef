//! What is told once it is written down: entries of the feed, and what was offered. Pure.

use std::collections::BTreeSet;

use betcode_core::id::Sequence;
use betcode_core::notify::{Effect, Notification, NotificationId};
use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::{FeedBody, FeedEntry};
use betcode_proto::v1::{self, feed_entry};

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// To clients.
    pub(super) feed: Vec<feed_entry::Body>,
    /// To what the user wants to be run.
    pub(super) offered: Vec<Notification>,
}

impl Told {
    /// What these effects come to. What is offered and over in the same moment concerns nobody.
    pub(super) fn of(effects: Vec<Effect>) -> Self {
        let moments = momentary(&effects);
        let mut told = Self::default();
        for effect in effects {
            if about(&effect).is_some_and(|id| moments.contains(&id)) {
                continue;
            }
            let body = match effect {
                Effect::Offer {
                    notification,
                    again,
                } => {
                    let body = FeedBody::NotificationOffered {
                        notification: (&notification).into(),
                        again,
                    };
                    if !again {
                        told.offered.push(notification);
                    }
                    body
                }
                Effect::Update(notification) => FeedBody::NotificationUpdated {
                    notification: (&notification).into(),
                },
                Effect::End(id) => FeedBody::NotificationEnded { id: id.0 },
                Effect::Pause(snooze) => FeedBody::NotificationPause {
                    snooze: snooze.map(Into::into),
                },
                // The client in which it was chosen does it.
                Effect::Do { .. } => continue,
            };
            let entry = v1::FeedEntry::from(FeedEntry {
                sequence: Sequence(0),
                timestamp: Timestamp(0),
                body,
            });
            told.feed.extend(entry.body);
        }
        told
    }
}

/// What begins and ends here. One that takes the place of another stays, so that the other goes.
fn momentary(effects: &[Effect]) -> BTreeSet<NotificationId> {
    let begun: BTreeSet<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Offer {
                notification,
                again: false,
            } if notification.replaces.is_none() => Some(notification.id),
            _ => None,
        })
        .collect();
    let ended = effects.iter().filter_map(|effect| match effect {
        Effect::End(id) => Some(*id),
        _ => None,
    });
    ended.filter(|id| begun.contains(id)).collect()
}

fn about(effect: &Effect) -> Option<NotificationId> {
    match effect {
        Effect::Offer { notification, .. } | Effect::Update(notification) => Some(notification.id),
        Effect::End(id) => Some(*id),
        Effect::Pause(_) | Effect::Do { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::notify::{Input, Kind, Notice, Notify};

    use super::*;

    fn raise(machine: &mut Notify, subject: &str) {
        let notice = Notice {
            subject: subject.into(),
            kind: Kind::Permission,
            session: None,
            request: None,
            title: String::new(),
            body: "x".into(),
            in_part: false,
        };
        machine.handle(Timestamp(1), Input::Raise(notice)).unwrap();
    }

    fn told(machine: &mut Notify) -> (usize, usize) {
        let told = Told::of(std::iter::from_fn(|| machine.poll_effect()).collect());
        (told.feed.len(), told.offered.len())
    }

    #[test]
    fn what_is_over_in_the_moment_in_which_it_begins_is_not_told() {
        let mut machine = Notify::default();
        let over = |subject: &str| Input::Withdraw {
            subject: subject.into(),
        };
        raise(&mut machine, "a");
        machine.handle(Timestamp(1), over("a")).unwrap();
        assert_eq!(told(&mut machine), (0, 0));
        raise(&mut machine, "b");
        assert_eq!(told(&mut machine), (1, 1));
        // Clients know the first one, and must hear that it is over.
        raise(&mut machine, "c");
        machine.handle(Timestamp(1), over("b")).unwrap();
        machine.handle(Timestamp(1), over("c")).unwrap();
        let (feed, _) = told(&mut machine);
        assert!(feed >= 2, "{feed}");
    }
}
