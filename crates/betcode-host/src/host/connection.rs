//! One daemon's connection. What it is told is kept as the newest value of each kind, never as a queue: a daemon that
//! does not read costs nothing and finds the present when it does.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use crate::protocol::{Decoder, FromHost, ToHost};

/// A non-blocking connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    decoder: Decoder<ToHost>,
    due: Due,
    /// Encoded messages, of which `sent` bytes have gone.
    out: Vec<u8>,
    sent: usize,
}

/// The newest of what is not encoded yet, sent in this order.
#[derive(Debug, Default)]
struct Due {
    hello: Option<FromHost>,
    written: Option<FromHost>,
    stdin_closed: Option<FromHost>,
    appended: Option<FromHost>,
    exited: Option<FromHost>,
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            decoder: Decoder::new(),
            due: Due::default(),
            out: Vec::new(),
            sent: 0,
        })
    }

    /// Keeps a message to be sent by the next [`Connection::flush`].
    pub(crate) fn tell(&mut self, message: FromHost) {
        let slot = match message {
            FromHost::Hello { .. } => &mut self.due.hello,
            FromHost::Written { .. } => &mut self.due.written,
            FromHost::StdinClosed { .. } => &mut self.due.stdin_closed,
            FromHost::Appended { .. } => &mut self.due.appended,
            FromHost::Exited { .. } => &mut self.due.exited,
            FromHost::Unknown(_) => return,
        };
        *slot = Some(message);
    }

    /// Sends what the socket takes. An error means that the daemon is gone.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        loop {
            if self.sent == self.out.len() {
                self.out.clear();
                self.sent = 0;
                self.due.encode(&mut self.out);
                if self.out.is_empty() {
                    return Ok(());
                }
            }
            match self
                .stream
                .write(self.out.get(self.sent..).unwrap_or_default())
            {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether a [`Connection::flush`] left something behind.
    pub(crate) fn is_blocked(&self) -> bool {
        self.sent < self.out.len()
    }

    /// Reads once. `false`: nothing more will come.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> bool {
        match self.stream.read(buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.decoder.push(buffer.get(..count).unwrap_or_default());
                true
            }
            Err(error) => matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
            ),
        }
    }

    /// The next message that has been received. An error means that the connection has to be closed.
    pub(crate) fn pull(&mut self) -> io::Result<Option<ToHost>> {
        self.decoder.pull().map_err(io::Error::other)
    }
}

impl Due {
    fn encode(&mut self, out: &mut Vec<u8>) {
        let Self {
            hello,
            written,
            stdin_closed,
            appended,
            exited,
        } = self;
        for message in [hello, written, stdin_closed, appended, exited] {
            if let Some(message) = message.take() {
                message.encode(out);
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
