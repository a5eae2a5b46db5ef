//! The bytes of protocol version 1 as they were: `u32` length, `u8` type, payload, integers little-endian.

use std::io::{self, Read};

/// What the first daemon could say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FromDaemon {
    Attach,
    Frame { number: u64, bytes: Vec<u8> },
    Committed(u64),
    Signal(i32),
    CloseStdin,
    Stop { grace_ms: u32 },
    Finish,
    Window(u64),
    Unknown,
}

/// How the agent ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exited {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) stdout_end: u64,
}

/// The next message. An error ends the connection.
pub(super) fn read(stream: &mut impl Read) -> io::Result<FromDaemon> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let length = u32::from_le_bytes(head) as usize;
    if length == 0 || length > 256 * 1024 * 1024 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame)?;
    let (kind, mut payload) = frame.split_first().ok_or(io::ErrorKind::InvalidData)?;
    let fields = &mut payload;
    Ok(match kind {
        65 => {
            number::<4>(fields)?;
            FromDaemon::Attach
        }
        66 => FromDaemon::Frame {
            number: u64::from_le_bytes(number(fields)?),
            bytes: fields.to_vec(),
        },
        67 => FromDaemon::Committed(u64::from_le_bytes(number(fields)?)),
        68 => FromDaemon::Signal(i32::from_le_bytes(number(fields)?)),
        69 => FromDaemon::CloseStdin,
        70 => FromDaemon::Stop {
            grace_ms: u32::from_le_bytes(number(fields)?),
        },
        71 => FromDaemon::Finish,
        72 => FromDaemon::Window(u64::from_le_bytes(number(fields)?)),
        _ => FromDaemon::Unknown,
    })
}

fn number<const N: usize>(fields: &mut &[u8]) -> io::Result<[u8; N]> {
    let (first, rest) = fields
        .split_first_chunk::<N>()
        .ok_or(io::ErrorKind::InvalidData)?;
    *fields = rest;
    Ok(*first)
}

pub(super) fn hello(stdout_end: u64, written: u64, exited: bool, pid: u32) -> Vec<u8> {
    let (end, written) = (stdout_end.to_le_bytes(), written.to_le_bytes());
    let parts: [&[u8]; 5] = [
        &1_u32.to_le_bytes(),
        &end,
        &written,
        &[u8::from(exited)],
        &pid.to_le_bytes(),
    ];
    frame(1, &parts)
}

pub(super) fn appended(end: u64) -> Vec<u8> {
    frame(2, &[&end.to_le_bytes()])
}

pub(super) fn written(number: u64) -> Vec<u8> {
    frame(3, &[&number.to_le_bytes()])
}

pub(super) fn exited(exit: Exited) -> Vec<u8> {
    let Exited { code, signal, .. } = exit;
    let option = |value: Option<i32>| (u8::from(value.is_some()), value.unwrap_or(0).to_le_bytes());
    let (code, signal) = (option(code), option(signal));
    let end = exit.stdout_end.to_le_bytes();
    frame(4, &[&[code.0], &code.1, &[signal.0], &signal.1, &end])
}

pub(super) fn stdin_closed(number: u64) -> Vec<u8> {
    frame(5, &[&number.to_le_bytes()])
}

/// The same messages as a host of a later version might send them.
pub(super) fn of_a_later_version(messages: &[u8]) -> Vec<u8> {
    const FIELD: &[u8] = b"a field of a later version";
    let mut all = Vec::new();
    let mut rest = messages;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some(((kind, payload), next)) = after
            .split_at_checked(length)
            .and_then(|(message, next)| Some((message.split_first()?, next)))
        else {
            break;
        };
        all.extend(frame(200, &[b"a message of a later version"]));
        all.extend(frame(*kind, &[payload, FIELD]));
        rest = next;
    }
    all
}

fn frame(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], &[kind], &payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the golden file: a name, a colon, bytes in hexadecimal.
    fn golden(name: &str) -> Vec<u8> {
        let text = include_str!("../../../../fixtures/host-protocol/v1.txt");
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
    fn the_bytes_of_the_first_host_are_those_of_the_golden_file() {
        let end = |code, signal| Exited {
            code,
            signal,
            stdout_end: 0x0102_0304_0506_0708,
        };
        for (name, bytes) in [
            ("hello", hello(0x0102_0304_0506_0708, 7, true, 4321)),
            ("appended", appended(0x0102_0304_0506_0708)),
            ("written", written(9)),
            ("exited-code", exited(end(Some(3), None))),
            ("exited-signal", exited(end(None, Some(9)))),
            ("stdin-closed", stdin_closed(10)),
        ] {
            assert_eq!(bytes, golden(name), "{name}");
        }
    }

    #[test]
    fn the_first_host_understands_the_bytes_of_the_golden_file() {
        for (name, message) in [
            ("attach", FromDaemon::Attach),
            (
                "frame",
                FromDaemon::Frame {
                    number: 2,
                    bytes: b"{}\n".to_vec(),
                },
            ),
            ("committed", FromDaemon::Committed(0x0102_0304_0506_0708)),
            ("signal", FromDaemon::Signal(2)),
            ("close-stdin", FromDaemon::CloseStdin),
            ("stop", FromDaemon::Stop { grace_ms: 3000 }),
            ("finish", FromDaemon::Finish),
            ("window", FromDaemon::Window(524_288)),
        ] {
            assert_eq!(read(&mut &golden(name)[..]).unwrap(), message, "{name}");
        }
    }

    #[test]
    fn what_a_later_daemon_adds_is_passed_over() {
        let message = of_a_later_version(&frame(67, &[&5_u64.to_le_bytes()]));
        let stream = &mut &message[..];
        assert_eq!(read(stream).unwrap(), FromDaemon::Unknown);
        assert_eq!(read(stream).unwrap(), FromDaemon::Committed(5));
        assert!(stream.is_empty());
    }
}
