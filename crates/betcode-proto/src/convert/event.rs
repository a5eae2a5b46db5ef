//! Events: single ones, and lists of them as they are stored and sent.
//!
//! A list is the concatenation of *entries*, each one encoded event with its frame, so that stored entries are joined to
//! a batch by copying bytes. [`event_entries`] walks such a list without decoding what it passes over.

mod from_wire;
mod to_wire;

use betcode_core::event::{Event, EventBody};
use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;
use bytes::Buf as _;
use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};

use super::part::list;
use super::{Problem, WireError, filled};
use crate::v1;

/// The field number of `EventList.events`.
const EVENTS: u32 = 1;
/// The field number of `Event.sequence`.
const SEQUENCE: u32 = 1;

impl From<Event> for v1::Event {
    fn from(event: Event) -> Self {
        Self {
            sequence: event.sequence.0,
            first_sequence: event.first_sequence.unwrap_or_default().0,
            timestamp_us: event.timestamp.0,
            parent_tool_call_id: event.parent.map(|call| call.0).unwrap_or_default(),
            previews: list(event.previews),
            body: Some(event.body.into()),
        }
    }
}

/// An event as this version understands it. What it cannot read is `Unknown` with a note that says why.
pub fn event_from_wire(event: v1::Event) -> Event {
    let body = match event.body {
        Some(body) => body.try_into(),
        None => Err(WireError::new("body", Problem::UnknownKind)),
    };
    Event {
        sequence: Sequence(event.sequence),
        first_sequence: Some(Sequence(event.first_sequence)).filter(|first| first.0 != 0),
        timestamp: Timestamp(event.timestamp_us),
        parent: filled(event.parent_tool_call_id).map(Into::into),
        previews: list(event.previews),
        body: body.unwrap_or_else(|error| EventBody::Unknown {
            raw: format!("(this version cannot read this event: {error})"),
        }),
    }
}

/// Appends one entry to an encoded list.
pub fn append_event(event: Event, list: &mut Vec<u8>) {
    let event = v1::Event::from(event);
    let length = event.encoded_len();
    list.reserve(length + 8);
    encode_key(EVENTS, WireType::LengthDelimited, list);
    encode_varint(length as u64, list);
    event.encode_raw(list);
}

/// An encoded list of these events.
pub fn encode_event_list(events: impl IntoIterator<Item = Event>) -> Vec<u8> {
    let mut list = Vec::new();
    for event in events {
        append_event(event, &mut list);
    }
    list
}

/// The events of an encoded list.
pub fn decode_event_list(list: &[u8]) -> Result<Vec<Event>, WireError> {
    event_entries(list)
        .map(|entry| entry.and_then(|entry| entry.decode()))
        .collect()
}

/// The entries of an encoded list, one after the other, not decoded yet. Ends after the first error.
pub fn event_entries(list: &[u8]) -> Entries<'_> {
    Entries { rest: list }
}

/// See [`event_entries`].
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

/// One encoded event of a list.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    framed: &'a [u8],
    event: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.step() {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(error) => {
                    self.rest = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl<'a> Entries<'a> {
    /// The next field of the list; `None` when it is one that this version does not know.
    fn step(&mut self) -> Result<Option<Entry<'a>>, WireError> {
        let whole = self.rest;
        let mut at = whole;
        let (tag, kind) = decode_key(&mut at).map_err(malformed)?;
        if (tag, kind) != (EVENTS, WireType::LengthDelimited) {
            skip_field(
                kind,
                tag,
                &mut at,
                prost::encoding::DecodeContext::default(),
            )
            .map_err(malformed)?;
            self.rest = at;
            return Ok(None);
        }
        let length = decode_varint(&mut at).map_err(malformed)?;
        let length = usize::try_from(length).map_err(malformed)?;
        let (event, rest) = at.split_at_checked(length).ok_or(MALFORMED)?;
        let framed = whole.get(..whole.len() - rest.len()).ok_or(MALFORMED)?;
        self.rest = rest;
        Ok(Some(Entry { framed, event }))
    }
}

impl<'a> Entry<'a> {
    /// The entry with its frame: a list of one.
    pub const fn bytes(&self) -> &'a [u8] {
        self.framed
    }

    /// The event's number, found without decoding the rest.
    pub fn sequence(&self) -> Result<Sequence, WireError> {
        let mut at = self.event;
        while at.has_remaining() {
            let (tag, kind) = decode_key(&mut at).map_err(malformed)?;
            if (tag, kind) == (SEQUENCE, WireType::Varint) {
                return decode_varint(&mut at).map(Sequence).map_err(malformed);
            }
            skip_field(
                kind,
                tag,
                &mut at,
                prost::encoding::DecodeContext::default(),
            )
            .map_err(malformed)?;
        }
        Ok(Sequence(0))
    }

    /// The event.
    pub fn decode(&self) -> Result<Event, WireError> {
        v1::Event::decode(self.event)
            .map(event_from_wire)
            .map_err(malformed)
    }
}

const MALFORMED: WireError = WireError::new("events", Problem::Malformed);

fn malformed<E>(_: E) -> WireError {
    MALFORMED
}

#[cfg(test)]
mod tests;
