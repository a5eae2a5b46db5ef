//! Bytes as they come from a socket, cut into messages. It does no I/O and keeps at most one unfinished frame.

use std::marker::PhantomData;

use super::{MAX_LENGTH, Message};

/// Capacity that is kept between frames; a buffer that grew for a large frame is given back.
const KEPT_CAPACITY: usize = 64 * 1024;

/// Why a peer's bytes make no sense. The connection has to be closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A frame longer than [`MAX_LENGTH`].
    #[error("a frame of {length} bytes is over the limit")]
    TooLong {
        /// What the frame's head said.
        length: u64,
    },
    /// A frame of length zero: it has no type.
    #[error("a frame without a type")]
    Empty,
    /// A known message that ends before its last known field.
    #[error("a message of type {kind} ends too early")]
    TooShort {
        /// The message's type.
        kind: u8,
    },
}

/// Cuts a stream of bytes into messages: push what came, pull until `None`.
#[derive(Debug)]
pub struct Decoder<M> {
    buffer: Vec<u8>,
    start: usize,
    message: PhantomData<M>,
}

impl<M> Default for Decoder<M> {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            message: PhantomData,
        }
    }
}

impl<M: Message> Decoder<M> {
    /// A decoder at the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` until more bytes come. After an error the stream is lost: the same error
    /// is returned again.
    pub fn pull(&mut self) -> Result<Option<M>, ProtocolError> {
        let unread = self.buffer.get(self.start..).unwrap_or_default();
        let Some((head, rest)) = unread.split_first_chunk::<4>() else {
            self.compact();
            return Ok(None);
        };
        let length = u32::from_le_bytes(*head);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if size > MAX_LENGTH {
            return Err(ProtocolError::TooLong {
                length: u64::from(length),
            });
        }
        let Some(frame) = rest.get(..size) else {
            let missing = size - rest.len();
            self.compact();
            // Grow once for the frame instead of doubling through it, but never on the peer's word alone.
            if self.buffer.len() > KEPT_CAPACITY {
                self.buffer.reserve_exact(missing);
            }
            return Ok(None);
        };
        let (kind, payload) = frame.split_first().ok_or(ProtocolError::Empty)?;
        let message = M::decode(*kind, payload)?;
        self.start += 4 + size;
        Ok(Some(message))
    }

    /// Drops what has been read, so that the buffer holds at most the unfinished frame.
    fn compact(&mut self) {
        if self.start == 0 {
            return;
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.capacity() > KEPT_CAPACITY && self.buffer.len() < KEPT_CAPACITY {
            self.buffer.shrink_to(KEPT_CAPACITY);
        }
    }
}

#[cfg(test)]
mod tests;
