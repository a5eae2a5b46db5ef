//! A chunk: consecutive entries of one log, encoded once. The same bytes are stored, kept in memory and sent to clients.
//!
//! The bytes are an encoded `EventList` (or `FeedList`), which is the same as its records one after the other: the tag
//! `0x0A`, the length of the entry as a varint, the entry. Entries are numbered without gaps, so a part of a chunk is
//! found by counting records, and taking it copies nothing. What an entry means is nobody's business here.

use betcode_core::id::Sequence;
use betcode_proto::v1::{Event, FeedEntry};
use bytes::{Bytes, BytesMut};
use prost::Message;

/// Chunks longer than this are cut before they are stored, unless a single entry is longer.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Tag of field 1 with a length: what every record of the list begins with.
const RECORD_TAG: u8 = 0x0A;
/// Tag of field 1 as a varint: the sequence, which is never 0 and therefore always the first field of an entry.
const SEQUENCE_TAG: u8 = 0x08;

/// Consecutive entries of one log. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The number of its first entry.
    pub first: Sequence,
    /// The number of its last entry.
    pub last: Sequence,
    /// The encoded list.
    pub bytes: Bytes,
}

/// Bytes that are not a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not an encoded list of consecutive entries")]
pub struct BadChunk;

impl Chunk {
    /// Encodes events that are numbered without gaps; none for no events.
    pub fn encode(events: &[Event]) -> Option<Self> {
        encode(events, |event| event.sequence)
    }

    /// Encodes entries of the feed that are numbered without gaps; none for no entries.
    pub fn encode_feed(entries: &[FeedEntry]) -> Option<Self> {
        encode(entries, |entry| entry.sequence)
    }

    /// Takes stored bytes for what they say they are. Looks at the numbers of all entries, not at the rest of them.
    pub fn parse(bytes: Bytes) -> Result<Self, BadChunk> {
        let mut first = None;
        let mut last = 0_u64;
        let mut at = 0;
        while at < bytes.len() {
            let (start, end) = record(&bytes, at).ok_or(BadChunk)?;
            let sequence = bytes
                .get(start..end)
                .and_then(entry_sequence)
                .ok_or(BadChunk)?;
            if first.is_some() && sequence != last + 1 {
                return Err(BadChunk);
            }
            first.get_or_insert(sequence);
            last = sequence;
            at = end;
        }
        let first = Sequence(first.ok_or(BadChunk)?);
        Ok(Self {
            first,
            last: Sequence(last),
            bytes,
        })
    }

    /// How many entries it holds.
    pub const fn count(&self) -> u64 {
        self.last.0.saturating_sub(self.first.0) + 1
    }

    /// The part behind `sequence`; none when nothing is.
    pub fn after(&self, sequence: Sequence) -> Option<Self> {
        if sequence >= self.last {
            return None;
        }
        if sequence < self.first {
            return Some(self.clone());
        }
        let at = self.offset_behind(sequence.0 - self.first.0 + 1)?;
        Some(Self {
            first: sequence.next(),
            last: self.last,
            bytes: self.bytes.slice(at..),
        })
    }

    /// The part before `sequence`; none when nothing is.
    pub fn before(&self, sequence: Sequence) -> Option<Self> {
        if sequence <= self.first {
            return None;
        }
        if sequence > self.last {
            return Some(self.clone());
        }
        let at = self.offset_behind(sequence.0 - self.first.0)?;
        Some(Self {
            first: self.first,
            last: Sequence(sequence.0 - 1),
            bytes: self.bytes.slice(..at),
        })
    }

    /// The same entries in chunks of at most `limit` bytes, save entries that are longer by themselves.
    pub fn split(self, limit: usize) -> Vec<Self> {
        if self.bytes.len() <= limit {
            return vec![self];
        }
        let mut parts = Vec::new();
        let (mut first, mut start) = (self.first.0, 0);
        let (mut next, mut at) = (self.first.0, 0);
        while let Some((_, end)) = record(&self.bytes, at) {
            if end - start > limit && at > start {
                parts.push(Self {
                    first: Sequence(first),
                    last: Sequence(next - 1),
                    bytes: self.bytes.slice(start..at),
                });
                (first, start) = (next, at);
            }
            (next, at) = (next + 1, end);
        }
        parts.push(Self {
            first: Sequence(first),
            last: self.last,
            bytes: self.bytes.slice(start..),
        });
        parts
    }

    /// Where the record with this index begins, counted from 0.
    fn offset_behind(&self, records: u64) -> Option<usize> {
        let mut at = 0;
        for _ in 0..records {
            at = record(&self.bytes, at)?.1;
        }
        Some(at)
    }
}

fn encode<M: Message>(entries: &[M], sequence: impl Fn(&M) -> u64) -> Option<Chunk> {
    let first = sequence(entries.first()?);
    let last = sequence(entries.last()?);
    debug_assert!(
        entries
            .iter()
            .zip(first..)
            .all(|(entry, number)| sequence(entry) == number),
        "entries of a chunk follow on each other"
    );
    // One pass for the lengths and one for the bytes; a record has at most 10 bytes around its entry.
    let size = entries.iter().map(|entry| entry.encoded_len() + 10).sum();
    let mut bytes = BytesMut::with_capacity(size);
    for entry in entries {
        prost::encoding::message::encode(1, entry, &mut bytes);
    }
    Some(Chunk {
        first: Sequence(first),
        last: Sequence(last),
        bytes: bytes.freeze(),
    })
}

/// Where the entry of the record at `at` starts and ends.
fn record(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    if *bytes.get(at)? != RECORD_TAG {
        return None;
    }
    let (length, start) = varint(bytes, at + 1)?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= bytes.len()).then_some((start, end))
}

fn entry_sequence(entry: &[u8]) -> Option<u64> {
    if *entry.first()? != SEQUENCE_TAG {
        return None;
    }
    let (sequence, _) = varint(entry, 1)?;
    (sequence > 0).then_some(sequence)
}

/// The varint at `at`, and where it ends.
fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some((value, at));
        }
    }
    None
}
