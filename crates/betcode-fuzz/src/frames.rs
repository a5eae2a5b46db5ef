//! The messages between daemon and host: any bytes, in pieces of any size. Laws:
//! - how the bytes are cut changes nothing; after an error the same error stays;
//! - a frame that is too long is refused as soon as its length is known;
//! - a message that was read is written and read again as the same.

use betcode_host::protocol::{Decoder, FromHost, MAX_LENGTH, Message, ProtocolError, ToHost};

use crate::Target;
use crate::input::Bytes;

/// See the file.
pub const TARGET: Target = Target {
    name: "frames",
    about: "the protocol between daemon and host: cuts, limits, round trips",
    run,
    seeds,
    longest: 4096,
};

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let (mut from, mut to) = (vec![0, 3], vec![1, 7]);
    for message in [
        FromHost::Hello {
            version: 1,
            stdout_end: 70_000,
            written: 3,
            exited: true,
            pid: 4711,
        },
        FromHost::Appended { end: u64::MAX },
        FromHost::Written { frame: 1 },
        FromHost::Exited {
            code: Some(-1),
            signal: None,
            stdout_end: 9,
        },
        FromHost::StdinClosed { frame: 2 },
    ] {
        message.encode(&mut from);
    }
    for message in [
        ToHost::Attach { version: 1 },
        ToHost::Frame {
            number: 1,
            bytes: b"{\"type\":\"user\"}\n".to_vec(),
        },
        ToHost::Committed { offset: 5 },
        ToHost::Signal { signal: 2 },
        ToHost::CloseStdin,
        ToHost::Stop { grace_ms: 3000 },
        ToHost::Finish,
        ToHost::Window { bytes: 1 << 20 },
    ] {
        message.encode(&mut to);
    }
    seeds.extend([from, to]);
    seeds.push(vec![0, 1, 0, 0, 0, 0]);
    seeds.push(vec![1, 1, 5, 0, 0, 0, 200, 1, 2, 3, 4, 1, 0, 0, 0, 69]);
    seeds.push(vec![1, 1, 0xff, 0xff, 0xff, 0xff, 66]);
    seeds
}

fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let (host, step) = (bytes.byte(), bytes.byte());
    if host % 2 == 0 {
        check(bytes.0, step, FromHost::encode, |message| {
            matches!(message, FromHost::Unknown(_))
        });
    } else {
        check(bytes.0, step, ToHost::encode, |message| {
            matches!(message, ToHost::Unknown(_))
        });
    }
}

fn check<M: Message + PartialEq + std::fmt::Debug>(
    stream: &[u8],
    step: u8,
    encode: fn(&M, &mut Vec<u8>),
    is_unknown: fn(&M) -> bool,
) {
    let (messages, error) = read::<M>(stream, stream.len().max(1));
    let cut = read::<M>(stream, usize::from(step).max(1));
    assert_eq!(
        (&messages, &error),
        (&cut.0, &cut.1),
        "the cuts change what is read"
    );
    if let Some(ProtocolError::TooLong { length }) = error {
        assert!(length > MAX_LENGTH as u64);
    }
    for message in &messages {
        let mut encoded = Vec::new();
        encode(message, &mut encoded);
        let expected: &[M] = if is_unknown(message) {
            &[]
        } else {
            std::slice::from_ref(message)
        };
        let (again, error) = read::<M>(&encoded, 5);
        assert_eq!((again.as_slice(), error), (expected, None));
    }
}

fn read<M: Message + PartialEq + std::fmt::Debug>(
    stream: &[u8],
    step: usize,
) -> (Vec<M>, Option<ProtocolError>) {
    let mut decoder = Decoder::<M>::new();
    let mut messages = Vec::new();
    for piece in stream.chunks(step) {
        decoder.push(piece);
        loop {
            match decoder.pull() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => {
                    decoder.push(&[0; 64]);
                    assert_eq!(decoder.pull(), Err(error.clone()), "an error goes away");
                    return (messages, Some(error));
                }
            }
        }
        assert!(
            messages.len() * 5 <= stream.len(),
            "more messages than bytes for them"
        );
    }
    (messages, None)
}
