//! The messages between host and daemon, and their bytes. No I/O happens here.
//!
//! A frame is a `u32` length, a `u8` type and a payload; integers are little-endian. Everything is additive for ever:
//! an unknown type becomes `Unknown`, bytes after the known fields are skipped, a meaning never changes.

mod decoder;

pub use decoder::{Decoder, ProtocolError};

/// The version both sides name in their first message.
pub const VERSION: u32 = 1;

/// The longest frame either side accepts (type and payload). It bounds what a broken peer can make us allocate.
pub const MAX_LENGTH: usize = 256 * 1024 * 1024;

/// What a host tells its daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromHost {
    /// The first message, in answer to [`ToHost::Attach`].
    Hello {
        /// The host's protocol version.
        version: u32,
        /// The spool holds every byte below this offset.
        stdout_end: u64,
        /// The last stdin frame that was written in full; 0 when there is none.
        written: u64,
        /// Whether the agent has ended and its stdout has been read to the end.
        exited: bool,
        /// The agent's process id; 0 when it never ran.
        pid: u32,
    },
    /// The spool now holds every byte below `end`.
    Appended {
        /// The end of the stream so far.
        end: u64,
    },
    /// Every frame up to this one has been written to the agent's stdin, in full.
    Written {
        /// The frame's number.
        frame: u64,
    },
    /// The agent ended and its stdout has been read to the end. Neither code nor signal: it could not be started.
    Exited {
        /// The exit code, if it exited by itself.
        code: Option<i32>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
        /// The stream's final end.
        stdout_end: u64,
    },
    /// The agent's stdin is closed: this frame and later ones were not (wholly) written and never will be.
    StdinClosed {
        /// The first frame number that was not written.
        frame: u64,
    },
    /// A message of a later version, to be ignored.
    Unknown(u8),
}

/// What a daemon tells a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToHost {
    /// The first message of a connection.
    Attach {
        /// The daemon's protocol version.
        version: u32,
    },
    /// Bytes to be written to the agent's stdin, once.
    Frame {
        /// Numbers start at 1 and rise by one.
        number: u64,
        /// The exact bytes, newline included.
        bytes: Vec<u8>,
    },
    /// Everything below this offset is committed: its segments may go and the window moves.
    Committed {
        /// The committed end.
        offset: u64,
    },
    /// A signal for the agent process itself.
    Signal {
        /// The signal's number on this machine.
        signal: i32,
    },
    /// Close the agent's stdin after the frames accepted so far.
    CloseStdin,
    /// Close stdin now, SIGTERM the agent, SIGKILL the whole tree after the grace.
    Stop {
        /// The grace in milliseconds.
        grace_ms: u32,
    },
    /// Everything and the exit are committed: clean up and end.
    Finish,
    /// The window from now on. A line longer than the window could never be committed, so the daemon asks for more.
    Window {
        /// How many bytes may be in the spool beyond the last committed one.
        bytes: u64,
    },
    /// A message of a later version, to be ignored.
    Unknown(u8),
}

/// A set of messages that one side sends. Implemented by [`FromHost`] and [`ToHost`] only.
pub trait Message: Sized {
    /// The message in a frame, from its type and payload.
    fn decode(kind: u8, payload: &[u8]) -> Result<Self, ProtocolError>;
}

impl FromHost {
    /// Appends the message as one frame. `Unknown` appends nothing.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello {
                version,
                stdout_end,
                written,
                exited,
                pid,
            } => frame(out, 1, |out| {
                out.extend_from_slice(&version.to_le_bytes());
                out.extend_from_slice(&stdout_end.to_le_bytes());
                out.extend_from_slice(&written.to_le_bytes());
                out.push(u8::from(*exited));
                out.extend_from_slice(&pid.to_le_bytes());
            }),
            Self::Appended { end } => fixed(out, 2, &end.to_le_bytes()),
            Self::Written { frame: number } => fixed(out, 3, &number.to_le_bytes()),
            Self::Exited {
                code,
                signal,
                stdout_end,
            } => frame(out, 4, |out| {
                option(out, *code);
                option(out, *signal);
                out.extend_from_slice(&stdout_end.to_le_bytes());
            }),
            Self::StdinClosed { frame: number } => fixed(out, 5, &number.to_le_bytes()),
            Self::Unknown(_) => {}
        }
    }
}

impl Message for FromHost {
    fn decode(kind: u8, payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut fields = Fields {
            kind,
            rest: payload,
        };
        Ok(match kind {
            1 => Self::Hello {
                version: fields.u32()?,
                stdout_end: fields.u64()?,
                written: fields.u64()?,
                exited: fields.u8()? != 0,
                pid: fields.u32()?,
            },
            2 => Self::Appended { end: fields.u64()? },
            3 => Self::Written {
                frame: fields.u64()?,
            },
            4 => Self::Exited {
                code: fields.option()?,
                signal: fields.option()?,
                stdout_end: fields.u64()?,
            },
            5 => Self::StdinClosed {
                frame: fields.u64()?,
            },
            other => Self::Unknown(other),
        })
    }
}

impl ToHost {
    /// Appends the message as one frame. `Unknown` appends nothing.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Attach { version } => fixed(out, 65, &version.to_le_bytes()),
            Self::Frame { number, bytes } => Self::encode_frame(*number, bytes, out),
            Self::Committed { offset } => fixed(out, 67, &offset.to_le_bytes()),
            Self::Signal { signal } => fixed(out, 68, &signal.to_le_bytes()),
            Self::CloseStdin => fixed(out, 69, &[]),
            Self::Stop { grace_ms } => fixed(out, 70, &grace_ms.to_le_bytes()),
            Self::Finish => fixed(out, 71, &[]),
            Self::Window { bytes } => fixed(out, 72, &bytes.to_le_bytes()),
            Self::Unknown(_) => {}
        }
    }

    /// Appends a [`ToHost::Frame`] without owning its bytes.
    pub fn encode_frame(number: u64, bytes: &[u8], out: &mut Vec<u8>) {
        out.reserve(bytes.len() + 13);
        frame(out, 66, |out| {
            out.extend_from_slice(&number.to_le_bytes());
            out.extend_from_slice(bytes);
        });
    }
}

impl Message for ToHost {
    fn decode(kind: u8, payload: &[u8]) -> Result<Self, ProtocolError> {
        let mut fields = Fields {
            kind,
            rest: payload,
        };
        Ok(match kind {
            65 => Self::Attach {
                version: fields.u32()?,
            },
            66 => Self::Frame {
                number: fields.u64()?,
                bytes: fields.rest.to_vec(),
            },
            67 => Self::Committed {
                offset: fields.u64()?,
            },
            68 => Self::Signal {
                signal: fields.i32()?,
            },
            69 => Self::CloseStdin,
            70 => Self::Stop {
                grace_ms: fields.u32()?,
            },
            71 => Self::Finish,
            72 => Self::Window {
                bytes: fields.u64()?,
            },
            other => Self::Unknown(other),
        })
    }
}

/// Writes one frame; the length is filled in once the payload is known.
fn frame(out: &mut Vec<u8>, kind: u8, payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.push(kind);
    payload(out);
    // A payload beyond 4 GiB cannot be expressed; the receiver refuses everything above MAX_LENGTH anyway.
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(slot) = out.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
}

/// A frame whose payload is this and nothing else.
fn fixed(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    frame(out, kind, |out| out.extend_from_slice(payload));
}

fn option(out: &mut Vec<u8>, value: Option<i32>) {
    out.push(u8::from(value.is_some()));
    out.extend_from_slice(&value.unwrap_or(0).to_le_bytes());
}

/// The fields of a payload, in order.
struct Fields<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(ProtocolError::TooShort { kind: self.kind })?;
        self.rest = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, ProtocolError> {
        Ok(u8::from_le_bytes(self.take()?))
    }

    fn u32(&mut self) -> Result<u32, ProtocolError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn i32(&mut self) -> Result<i32, ProtocolError> {
        Ok(i32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64, ProtocolError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn option(&mut self) -> Result<Option<i32>, ProtocolError> {
        let present = self.u8()? != 0;
        let value = self.i32()?;
        Ok(present.then_some(value))
    }
}
