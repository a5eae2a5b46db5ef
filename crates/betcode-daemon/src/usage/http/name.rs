//! A name out of a certificate, for people: "common name (organisation)". Anybody may have written it.
//!
//! Laws: no bytes make it fail; what it gives is one line of at most 120 characters without anything that steers a terminal.

use betcode_core::visible::visible;

const LONGEST: usize = 120;
const UNNAMED: &str = "an authority without a name";

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
/// What is in it is Latin-1 in practice.
const TELETEX_STRING: u8 = 0x14;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Reads the content of a distinguished name.
pub(super) fn read(name: &[u8]) -> String {
    let (mut common, mut organisation) = (None, None);
    for (kind, text) in attributes(name) {
        match kind {
            // The last one is the most particular.
            COMMON_NAME => common = Some(text),
            ORGANISATION => organisation = Some(text),
            _ => {}
        }
    }
    match (common, organisation) {
        (Some(common), Some(organisation)) if common != organisation => {
            shortened(&format!("{common} ({organisation})"))
        }
        (Some(name), _) | (None, Some(name)) => shortened(&name),
        (None, None) => UNNAMED.to_owned(),
    }
}

fn attributes(name: &[u8]) -> impl Iterator<Item = (&[u8], String)> {
    elements(name)
        .filter(|(tag, _)| *tag == SET)
        .flat_map(|(_, set)| elements(set))
        .filter(|(tag, _)| *tag == SEQUENCE)
        .filter_map(|(_, pair)| {
            let mut pair = elements(pair);
            let (tag, kind) = pair.next()?;
            let (string, bytes) = pair.next()?;
            let text = text(string, bytes);
            (tag == OBJECT && !text.is_empty()).then_some((kind, text))
        })
}

/// Tag and content, one after the other, as far as they can be read.
fn elements(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, first], behind) = rest.split_first_chunk()?;
        let (length, behind) = match first {
            0..=0x7f => (usize::from(first), behind),
            0x81 => {
                let (length, behind) = behind.split_first()?;
                (usize::from(*length), behind)
            }
            0x82 => {
                let (length, behind) = behind.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), behind)
            }
            _ => return None,
        };
        let (content, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some((tag, content))
    })
}

fn text(tag: u8, bytes: &[u8]) -> String {
    let text = if tag == BMP_STRING {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| {
                pair.iter()
                    .fold(0, |unit, byte| (unit << 8) | u16::from(*byte))
            })
            .collect();
        String::from_utf16_lossy(&units)
    } else if tag == TELETEX_STRING {
        bytes.iter().copied().map(char::from).collect()
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    let line = text.replace(['\n', '\r', '\t'], " ");
    visible(line.trim()).into_owned()
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut element = vec![tag, 0x82];
        element.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        element.extend(content);
        element
    }

    fn name(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let set = |(kind, tag, text): &(&[u8], u8, &[u8])| {
            let pair = [element(OBJECT, kind), element(*tag, text)].concat();
            element(SET, &element(SEQUENCE, &pair))
        };
        attributes.iter().flat_map(set).collect()
    }

    #[test]
    fn a_name_is_the_common_name_and_the_organisation() {
        let (common, organisation) = (COMMON_NAME, ORGANISATION);
        let utf8 = 0x0c;
        for (attributes, expected) in [
            (
                &[
                    (common, utf8, "Root é".as_bytes()),
                    (organisation, 0x13, b"Corp"),
                ][..],
                "Root é (Corp)",
            ),
            (&[(organisation, 0x13, b"Corp")], "Corp"),
            (
                &[(common, 0x13, b"Corp"), (organisation, 0x13, b"Corp")],
                "Corp",
            ),
            (&[(common, BMP_STRING, b"\0A\0B")], "AB"),
            (&[(common, TELETEX_STRING, b"caf\xe9")], "café"),
            (&[(common, utf8, b"")], UNNAMED),
            (&[], UNNAMED),
        ] {
            assert_eq!(read(&name(attributes)), expected);
        }
    }

    #[test]
    fn what_steers_a_terminal_is_written_out_and_too_much_is_cut() {
        let evil = read(&name(&[(
            COMMON_NAME,
            0x0c,
            "a\x1b[2J\nb\u{202e}".as_bytes(),
        )]));
        assert!(!evil.contains(['\x1b', '\n', '\u{202e}']), "{evil:?}");
        let long = read(&name(&[(COMMON_NAME, 0x0c, "é".repeat(500).as_bytes())]));
        assert_eq!(long.chars().count(), LONGEST);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes).chars().count() <= LONGEST);
            let wrapped = element(SET, &element(SEQUENCE, &bytes));
            prop_assert!(!read(&wrapped).is_empty());
        }
    }
}
