//! Messages of the kernel's routing socket: the questions, and what of the answers is of interest. No bytes make it fail.

use super::law::{Known, Way};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Links,
    Addresses,
    Routes,
}

impl Question {
    pub(super) const ALL: [Self; 3] = [Self::Links, Self::Addresses, Self::Routes];

    const fn number(self) -> u16 {
        match self {
            Self::Links => 18,
            Self::Addresses => 22,
            Self::Routes => 26,
        }
    }

    /// The question as bytes, with a number by which its answer is known.
    pub(super) fn message(self, sequence: u32) -> Vec<u8> {
        const REQUEST: u16 = 1;
        const DUMP: u16 = 0x300;
        // Any family, and everything else unsaid. All three begin with the family and are no longer than this.
        let body = [0_u8; 16];
        let length = u32::try_from(HEADER + body.len()).unwrap_or_default();
        let mut message = Vec::with_capacity(HEADER + body.len());
        message.extend(length.to_ne_bytes());
        message.extend(self.number().to_ne_bytes());
        message.extend((REQUEST | DUMP).to_ne_bytes());
        message.extend(sequence.to_ne_bytes());
        message.extend(0_u32.to_ne_bytes());
        message.extend(body);
        message
    }
}

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more.
    More,
    /// There is more, and something changed meanwhile.
    Torn,
    /// That was all.
    Done,
    /// That was all, and something changed meanwhile, so it may not fit together.
    Again,
    /// The kernel refuses.
    Refused,
}

const HEADER: usize = 16;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const INTERRUPTED: u16 = 0x10;

/// Takes in some messages that answer the question with this number.
pub(super) fn take(known: &mut Known, mut bytes: &[u8], sequence: u32) -> Progress {
    let mut progress = Progress::More;
    while let Some((message, rest)) = split(bytes) {
        bytes = rest;
        let Some((kind, flags, number, body)) = header(message) else {
            continue;
        };
        if number != sequence {
            continue;
        }
        if flags & INTERRUPTED != 0 {
            progress = Progress::Torn;
        }
        match kind {
            DONE if progress == Progress::Torn => return Progress::Again,
            DONE => return Progress::Done,
            ERROR => return Progress::Refused,
            NEW_LINK => link(known, body),
            NEW_ADDRESS => address(known, body),
            NEW_ROUTE => route(known, body),
            _ => {}
        }
    }
    progress
}

/// The first message, and what comes after it. Each begins at a multiple of four.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(*bytes.first_chunk()?)).ok()?;
    if length < HEADER {
        return None;
    }
    let message = bytes.get(..length)?;
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((message, rest))
}

fn header(message: &[u8]) -> Option<(u16, u16, u32, &[u8])> {
    let (header, body) = message.split_at_checked(HEADER)?;
    let rest = header.get(4..)?;
    let kind = u16::from_ne_bytes(*rest.first_chunk()?);
    let flags = u16::from_ne_bytes(*rest.get(2..)?.first_chunk()?);
    let sequence = u32::from_ne_bytes(*rest.get(4..)?.first_chunk()?);
    Some((kind, flags, sequence, body))
}

fn link(known: &mut Known, body: &[u8]) {
    const UP: u32 = 1;
    const LOOPBACK: u32 = 8;
    const RUNNING: u32 = 0x40;
    if let (Some(index), Some(flags)) = (word(body, 4), word(body, 8)) {
        let works = flags & (UP | RUNNING | LOOPBACK) == UP | RUNNING;
        known.links.insert(index, works);
    }
}

fn address(known: &mut Known, body: &[u8]) {
    const HEADER: usize = 8;
    const ADDRESS: u16 = 1;
    const FLAGS: u16 = 8;
    /// Good on this link only, on this machine only, nowhere.
    const NARROW: u8 = 253;
    /// Not yet known to be ours alone, or known not to be.
    const UNUSABLE: u32 = 0x40 | 0x08;
    let (Some(scope), Some(link)) = (body.get(3), word(body, 4)) else {
        return;
    };
    let attributes = body.get(HEADER..).unwrap_or_default();
    let flags = attribute(attributes, FLAGS).and_then(|flags| word(flags, 0));
    let address = attribute(attributes, ADDRESS);
    if let Some(address) = address
        && *scope < NARROW
        && flags.unwrap_or_default() & UNUSABLE == 0
    {
        known.ways.insert(Way::Address {
            link,
            address: address.to_vec(),
        });
    }
}

fn route(known: &mut Known, body: &[u8]) {
    const HEADER: usize = 12;
    const LINK: u16 = 4;
    const GATEWAY: u16 = 5;
    const TABLE: u16 = 15;
    const ORDINARY: u8 = 1;
    const CACHED: u32 = 0x200;
    let (Some(&[family, length, _, _, table, _, _, kind]), Some(flags)) =
        (body.first_chunk(), word(body, 8))
    else {
        return;
    };
    if length != 0 || kind != ORDINARY || flags & CACHED != 0 {
        return;
    }
    let attributes = body.get(HEADER..).unwrap_or_default();
    let number = |kind| attribute(attributes, kind).and_then(|value| word(value, 0));
    known.ways.insert(Way::Default {
        table: number(TABLE).unwrap_or(u32::from(table)),
        family,
        link: number(LINK),
        gateway: attribute(attributes, GATEWAY).unwrap_or_default().to_vec(),
    });
}

/// The number that stands there.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

/// The value of an attribute.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    const HEADER: usize = 4;
    /// Two bits say how the value is to be read.
    const KIND: u16 = 0x3fff;
    loop {
        let length = usize::from(u16::from_ne_bytes(*attributes.first_chunk()?));
        let kind = u16::from_ne_bytes(*attributes.get(2..)?.first_chunk()?);
        let value = attributes.get(HEADER..length)?;
        if kind & KIND == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        message.extend(u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend(sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(body);
        message
    }

    #[test]
    fn an_answer_that_was_interrupted_is_asked_for_again_and_a_refusal_ends_it() {
        let mut known = Known::default();
        let done = message(DONE, 0, 7, &[0; 4]);
        assert_eq!(take(&mut known, &done, 7), Progress::Done);
        assert_eq!(take(&mut known, &done, 8), Progress::More, "another's");
        let interrupted = message(DONE, INTERRUPTED, 7, &[0; 4]);
        assert_eq!(take(&mut known, &interrupted, 7), Progress::Again);
        let torn = message(NEW_LINK, INTERRUPTED, 7, &[0; 16]);
        assert_eq!(take(&mut known, &torn, 7), Progress::Torn);
        let refused = message(ERROR, 0, 7, &[0; 20]);
        assert_eq!(take(&mut known, &refused, 7), Progress::Refused);
    }

    #[test]
    fn routes_that_lead_nowhere_and_addresses_for_neighbours_are_no_ways() {
        let mut known = Known::default();
        let routes = [
            [10, 0, 0, 0, 254, 0, 0, 7, 0, 0, 0, 0],
            [2, 24, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0],
        ];
        for body in routes {
            take(&mut known, &message(NEW_ROUTE, 2, 1, &body), 1);
        }
        for scope in [253, 254, 255] {
            let body = [2, 24, 0, scope, 2, 0, 0, 0, 8, 0, 1, 0, 10, 0, 0, 1];
            take(&mut known, &message(NEW_ADDRESS, 2, 1, &body), 1);
        }
        assert_eq!(known, Known::default());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(
            kind in prop_oneof![Just(NEW_LINK), Just(NEW_ADDRESS), Just(NEW_ROUTE), any::<u16>()],
            body in proptest::collection::vec(any::<u8>(), 0..64),
            loose in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut known = Known::default();
            take(&mut known, &loose, 0);
            take(&mut known, &message(kind, 0, 1, &body), 1);
            prop_assert!(known.ways.len() <= 2);
        }
    }
}
