//! The connection to one agent host. It moves messages and knows nothing of what they mean.
//!
//! States: opening (the host is being started or looked for) → up → gone. Reading and writing never block the actor: what
//! cannot be written at once waits in a buffer, and the next look at the link goes on with it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_host::protocol::{Decoder, FromHost, ToHost, VERSION};
use tokio::net::UnixStream;

/// How long a host may take until its socket answers.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// The first pause between two tries to connect; it doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_micros(500);
const LAST_PAUSE: Duration = Duration::from_millis(20);

/// What looking for a host came to.
#[derive(Debug)]
pub(super) enum Opened {
    /// It answers.
    Up(Link),
    /// It is dead; what it left in its directory can be read.
    Dead,
    /// It never came to life.
    Failed(String),
}

/// Connects to the host in `directory`, waiting while it comes up.
pub(super) async fn open(directory: PathBuf) -> Opened {
    let mut pause = FIRST_PAUSE;
    let mut waited = Duration::ZERO;
    loop {
        match connect(&directory).await {
            Ok(link) => return Opened::Up(link),
            Err(error) => {
                if is_dead(&directory) {
                    return Opened::Dead;
                }
                if waited >= OPEN_LIMIT {
                    return Opened::Failed(format!("the agent host did not come up: {error}"));
                }
            }
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Whether a host has lived here and is gone. The order matters: a host takes its lock before it leaves any other trace, so
/// one that is coming up right now cannot have left a trace and then be without a lock.
fn is_dead(directory: &Path) -> bool {
    let started = betcode_host::remains::was_started(directory).unwrap_or(false);
    let ended = matches!(betcode_host::remains::read_exit(directory), Ok(Some(_)));
    (started || ended) && !betcode_host::remains::is_alive(directory).unwrap_or(true)
}

async fn connect(directory: &Path) -> io::Result<Link> {
    let stream = UnixStream::connect(betcode_host::socket_path(directory)?).await?;
    let mut link = Link {
        stream,
        decoder: Decoder::new(),
        outgoing: Vec::new(),
        sent: 0,
        unknown: Vec::new(),
    };
    link.send(&ToHost::Attach { version: VERSION });
    Ok(link)
}

/// A connection to a host.
#[derive(Debug)]
pub(super) struct Link {
    stream: UnixStream,
    decoder: Decoder<FromHost>,
    outgoing: Vec<u8>,
    sent: usize,
    /// The types of messages that this version does not know and that are in the log file already.
    unknown: Vec<u8>,
}

impl Link {
    /// Queues a message and writes what the socket takes.
    pub(super) fn send(&mut self, message: &ToHost) {
        message.encode(&mut self.outgoing);
        self.flush();
    }

    /// Queues a stdin frame and writes what the socket takes.
    pub(super) fn send_frame(&mut self, number: u64, bytes: &[u8]) {
        ToHost::encode_frame(number, bytes, &mut self.outgoing);
        self.flush();
    }

    /// Waits until the host has said something and gives all of it. An error means that the host is gone.
    /// Dropping the future loses nothing.
    pub(super) async fn receive(&mut self) -> io::Result<Vec<FromHost>> {
        loop {
            let interest = if self.outgoing.is_empty() {
                tokio::io::Interest::READABLE
            } else {
                tokio::io::Interest::READABLE | tokio::io::Interest::WRITABLE
            };
            let ready = self.stream.ready(interest).await?;
            if ready.is_writable() {
                self.flush();
            }
            if !ready.is_readable() {
                continue;
            }
            let mut buffer = [0_u8; 16 * 1024];
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.decoder.push(buffer.get(..count).unwrap_or_default());
                    let mut messages = Vec::new();
                    while let Some(message) = self.decoder.pull().map_err(io::Error::other)? {
                        match message {
                            FromHost::Unknown(kind) => self.pass_over(kind),
                            known => messages.push(known),
                        }
                    }
                    if !messages.is_empty() {
                        return Ok(messages);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A host of a later version says something that has no meaning here. It is in the log file once.
    fn pass_over(&mut self, kind: u8) {
        if !self.unknown.contains(&kind) {
            self.unknown.push(kind);
            tracing::info!(
                kind,
                "an agent's host is of a later version: messages of this type are passed over"
            );
        }
    }

    /// Writes what the socket takes. An error is not reported here: reading meets it too. But what cannot be written is
    /// dropped: a broken socket always counts as writable, so waiting to write to it would never end.
    fn flush(&mut self) {
        while let Some(rest) = self
            .outgoing
            .get(self.sent..)
            .filter(|rest| !rest.is_empty())
        {
            match self.stream.try_write(rest) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => break,
            }
        }
        self.outgoing.clear();
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_host_that_goes_away_while_there_is_something_to_write_is_noticed() {
        let (ended, end) = channel();
        // A loop that never yields would hold up any deadline of its own runtime, so the deadline is here.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .unwrap();
            let result = runtime.block_on(async {
                let (stream, host) = UnixStream::pair().unwrap();
                stream.writable().await.unwrap();
                let mut link = Link {
                    stream,
                    decoder: Decoder::new(),
                    outgoing: Vec::new(),
                    sent: 0,
                    unknown: Vec::new(),
                };
                drop(host);
                link.send(&ToHost::Finish);
                link.receive().await.map(drop)
            });
            ended.send(result.is_err())
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(20)), Ok(true));
    }
}
