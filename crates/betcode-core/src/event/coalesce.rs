//! Coalescing for readers: deltas of one message that follow on each other become one event that covers them all.
//!
//! Laws: the numbers covered stay the same and without gaps; the text stays the same; nothing else is touched.

use super::{Event, EventBody};

/// The longest joined text. A longer message stays several events.
const LONGEST: usize = 256 * 1024;

/// Joins deltas that follow on each other.
pub fn coalesce(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut joined: Vec<Event> = Vec::new();
    for event in events {
        if let Some(last) = joined.last_mut()
            && let Some(text) = continuation(last, &event)
        {
            last.first_sequence.get_or_insert(last.sequence);
            last.sequence = event.sequence;
            last.timestamp = event.timestamp;
            if let EventBody::TextDelta(piece) | EventBody::ThinkingDelta(piece) = &mut last.body {
                piece.text.push_str(text);
            }
        } else {
            joined.push(event);
        }
    }
    joined
}

/// The text by which `next` continues `last`.
fn continuation<'a>(last: &Event, next: &'a Event) -> Option<&'a str> {
    let ((EventBody::TextDelta(before), EventBody::TextDelta(after))
    | (EventBody::ThinkingDelta(before), EventBody::ThinkingDelta(after))) =
        (&last.body, &next.body)
    else {
        return None;
    };
    let same = before.message_id == after.message_id
        && last.parent == next.parent
        && next.first_sequence.unwrap_or(next.sequence) == last.sequence.next()
        && before.text.len() + after.text.len() <= LONGEST;
    same.then_some(after.text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TextPiece;
    use crate::id::Sequence;
    use crate::time::Timestamp;

    fn delta(sequence: u64, message: &str, text: &str) -> Event {
        Event {
            sequence: Sequence(sequence),
            first_sequence: None,
            timestamp: Timestamp(0),
            parent: None,
            previews: Vec::new(),
            body: EventBody::TextDelta(TextPiece {
                message_id: message.into(),
                text: text.into(),
            }),
        }
    }

    #[test]
    fn deltas_of_one_message_become_one_event_that_covers_their_numbers() {
        let mut nested = delta(5, "b", "5");
        nested.parent = Some("t".into());
        let joined = coalesce([
            delta(1, "a", "1"),
            delta(2, "a", "2"),
            delta(3, "a", "3"),
            delta(4, "b", "4"),
            nested.clone(),
        ]);
        assert_eq!(joined.len(), 3);
        assert_eq!(
            (joined[0].first_sequence, joined[0].sequence),
            (Some(Sequence(1)), Sequence(3))
        );
        assert_eq!(joined[0].body, delta(0, "a", "123").body);
        assert_eq!(joined[1..], [delta(4, "b", "4"), nested]);
    }

    #[test]
    fn a_gap_or_a_very_long_text_is_not_joined() {
        assert_eq!(coalesce([delta(1, "a", "1"), delta(3, "a", "3")]).len(), 2);
        let long = "x".repeat(LONGEST);
        assert_eq!(
            coalesce([delta(1, "a", &long), delta(2, "a", "2")]).len(),
            2
        );
    }
}
