//! Any way of cutting a stream gives the same messages; nonsense is an error, the future is skipped.

use proptest::prelude::*;

use super::*;
use crate::protocol::{FromHost, ToHost};

fn from_host() -> impl Strategy<Value = FromHost> {
    prop_oneof![
        any::<(u32, u64, u64, bool, u32)>().prop_map(
            |(version, stdout_end, written, exited, pid)| FromHost::Hello {
                version,
                stdout_end,
                written,
                exited,
                pid
            }
        ),
        any::<u64>().prop_map(|end| FromHost::Appended { end }),
        any::<u64>().prop_map(|frame| FromHost::Written { frame }),
        any::<(Option<i32>, Option<i32>, u64)>().prop_map(|(code, signal, stdout_end)| {
            FromHost::Exited {
                code,
                signal,
                stdout_end,
            }
        }),
        any::<u64>().prop_map(|frame| FromHost::StdinClosed { frame }),
    ]
}

fn to_host() -> impl Strategy<Value = ToHost> {
    prop_oneof![
        any::<u32>().prop_map(|version| ToHost::Attach { version }),
        (any::<u64>(), prop::collection::vec(any::<u8>(), 0..300))
            .prop_map(|(number, bytes)| ToHost::Frame { number, bytes }),
        any::<u64>().prop_map(|offset| ToHost::Committed { offset }),
        any::<i32>().prop_map(|signal| ToHost::Signal { signal }),
        Just(ToHost::CloseStdin),
        any::<u32>().prop_map(|grace_ms| ToHost::Stop { grace_ms }),
        Just(ToHost::Finish),
    ]
}

/// Feeds the bytes cut at the given places and collects what comes out.
fn decode<M: Message>(bytes: &[u8], cuts: &[usize]) -> Result<Vec<M>, ProtocolError> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    let mut from = 0;
    for cut in cuts {
        decoder.push(&bytes[from..cut]);
        from = cut;
        while let Some(message) = decoder.pull()? {
            messages.push(message);
        }
    }
    Ok(messages)
}

proptest! {
    #[test]
    fn messages_of_the_host_survive_any_split(
        messages in prop::collection::vec(from_host(), 0..20),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut bytes = Vec::new();
        for message in &messages {
            message.encode(&mut bytes);
        }
        prop_assert_eq!(decode::<FromHost>(&bytes, &cuts), Ok(messages));
    }

    #[test]
    fn messages_of_the_daemon_survive_any_split(
        messages in prop::collection::vec(to_host(), 0..20),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut bytes = Vec::new();
        for message in &messages {
            message.encode(&mut bytes);
        }
        prop_assert_eq!(decode::<ToHost>(&bytes, &cuts), Ok(messages));
    }

    #[test]
    fn any_bytes_give_the_same_result_however_they_are_cut(
        bytes in prop::collection::vec(0u8..80, 0..200),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        prop_assert_eq!(decode::<ToHost>(&bytes, &cuts), decode::<ToHost>(&bytes, &[]));
    }

    #[test]
    fn bytes_after_the_known_fields_are_skipped(message in from_host(), extra in prop::collection::vec(any::<u8>(), 0..9)) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        bytes.extend_from_slice(&extra);
        let length = u32::try_from(bytes.len() - 4).unwrap();
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        FromHost::Appended { end: 7 }.encode(&mut bytes);
        prop_assert_eq!(decode::<FromHost>(&bytes, &[]), Ok(vec![message, FromHost::Appended { end: 7 }]));
    }
}

#[test]
fn an_unknown_type_is_passed_over_and_what_follows_is_read() {
    let mut bytes = vec![3, 0, 0, 0, 200, 1, 2];
    ToHost::Finish.encode(&mut bytes);
    assert_eq!(
        decode::<ToHost>(&bytes, &[]),
        Ok(vec![ToHost::Unknown(200), ToHost::Finish])
    );
}

#[test]
fn an_over_long_length_is_an_error_before_anything_is_allocated() {
    let mut decoder = Decoder::<ToHost>::new();
    decoder.push(&u32::MAX.to_le_bytes());
    assert_eq!(
        decoder.pull(),
        Err(ProtocolError::TooLong {
            length: u64::from(u32::MAX)
        })
    );
    assert_eq!(
        decoder.pull(),
        Err(ProtocolError::TooLong {
            length: u64::from(u32::MAX)
        })
    );
}

#[test]
fn a_known_message_that_ends_too_early_is_an_error() {
    assert_eq!(
        decode::<ToHost>(&[3, 0, 0, 0, 67, 1, 2], &[]),
        Err(ProtocolError::TooShort { kind: 67 })
    );
    assert_eq!(
        decode::<ToHost>(&[0, 0, 0, 0], &[]),
        Err(ProtocolError::Empty)
    );
}

#[test]
fn a_large_frame_leaves_no_large_buffer_behind() {
    let mut bytes = Vec::new();
    ToHost::encode_frame(1, &vec![7; 12 << 20], &mut bytes);
    let mut decoder = Decoder::<ToHost>::new();
    let mut frames = 0;
    for chunk in bytes.chunks(64 * 1024) {
        decoder.push(chunk);
        while let Some(message) = decoder.pull().unwrap() {
            assert!(
                matches!(message, ToHost::Frame { number: 1, ref bytes } if bytes.len() == 12 << 20)
            );
            frames += 1;
        }
    }
    assert_eq!(frames, 1);
    assert!(decoder.buffer.capacity() <= KEPT_CAPACITY);
}

/// A message of `fixtures/host-protocol/v1.txt`.
fn golden(name: &str) -> Vec<u8> {
    let text = include_str!("../../../../../fixtures/host-protocol/v1.txt");
    let hex: String = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .unwrap_or_else(|| panic!("no {name} in the golden file"))
        .split_whitespace()
        .collect();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn the_bytes_of_the_first_version_are_written_and_understood_for_ever() {
    let end = 0x0102_0304_0506_0708;
    let exited = |code, signal| FromHost::Exited {
        code,
        signal,
        stdout_end: end,
    };
    let hello = FromHost::Hello {
        version: 1,
        stdout_end: end,
        written: 7,
        exited: true,
        pid: 4321,
    };
    for (name, message) in [
        ("hello", hello),
        ("appended", FromHost::Appended { end }),
        ("written", FromHost::Written { frame: 9 }),
        ("exited-code", exited(Some(3), None)),
        ("exited-signal", exited(None, Some(9))),
        ("stdin-closed", FromHost::StdinClosed { frame: 10 }),
    ] {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes, golden(name), "{name}");
        assert_eq!(decode::<FromHost>(&bytes, &[]).unwrap(), [message]);
    }
    let frame = ToHost::Frame {
        number: 2,
        bytes: b"{}\n".to_vec(),
    };
    for (name, message) in [
        ("attach", ToHost::Attach { version: 1 }),
        ("frame", frame),
        ("committed", ToHost::Committed { offset: end }),
        ("signal", ToHost::Signal { signal: 2 }),
        ("close-stdin", ToHost::CloseStdin),
        ("stop", ToHost::Stop { grace_ms: 3000 }),
        ("finish", ToHost::Finish),
        ("window", ToHost::Window { bytes: 524_288 }),
    ] {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes, golden(name), "{name}");
        assert_eq!(decode::<ToHost>(&bytes, &[]).unwrap(), [message]);
    }
}
