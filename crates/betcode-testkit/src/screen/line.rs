//! What is between a program and its terminal: nothing, or a slow line. Bytes come out of it in their order, after its latency
//! and no faster than its rate; it holds what is under way and one packet more, so whoever writes faster has to wait.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Seen;

/// So much is taken at once from a program behind a slow line.
pub(super) const PACKET: usize = 512;

/// A slow line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// How long a byte takes, in each direction.
    pub latency: Duration,
    /// How many bytes a second it takes from the program.
    pub rate: u32,
}

type Packet = (Instant, Vec<u8>);

/// Where what is drawn goes.
pub(super) enum Sink {
    Near(Arc<Mutex<Seen>>),
    Far {
        line: Line,
        free: Instant,
        packets: SyncSender<Packet>,
    },
}

impl Sink {
    pub(super) fn new(seen: Arc<Mutex<Seen>>, line: Option<Line>) -> Self {
        let Some(line) = line else {
            return Self::Near(seen);
        };
        let under_way = line.latency.as_millis() * u128::from(line.rate) / 1000;
        let under_way = usize::try_from(under_way).unwrap_or(usize::MAX);
        let (packets, arriving) = sync_channel(under_way / PACKET + 1);
        std::thread::spawn(move || deliver(&arriving, |bytes| show(&seen, bytes)));
        Self::Far {
            line,
            free: now(),
            packets,
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Near(seen) => show(seen, bytes),
            Self::Far {
                line,
                free,
                packets,
            } => {
                let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                *free = (*free).max(now()) + Duration::from_secs(1) * count / line.rate;
                // Whoever reads has gone with the screen.
                let _ = packets.send((*free + line.latency, bytes.to_vec()));
                sleep_until(*free);
            }
        }
    }
}

fn show(seen: &Mutex<Seen>, bytes: &[u8]) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.parser.process(bytes);
    seen.bytes += bytes.len();
    seen.raw.extend_from_slice(bytes);
}

/// Where what is typed goes.
pub(super) enum Keyboard {
    Near(OwnedFd),
    Far(Duration, Sender<Packet>),
    Gone,
}

impl Keyboard {
    pub(super) fn new(device: OwnedFd, line: Option<Line>) -> Self {
        let Some(line) = line else {
            return Self::Near(device);
        };
        let (keys, arriving) = channel();
        std::thread::spawn(move || deliver(&arriving, |bytes| write(&device, bytes)));
        Self::Far(line.latency, keys)
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        match self {
            Self::Near(device) => write(device, bytes),
            Self::Far(latency, keys) => {
                // Whoever writes has gone with the screen.
                let _ = keys.send((now() + *latency, bytes.to_vec()));
            }
            Self::Gone => {}
        }
    }
}

#[expect(clippy::expect_used, reason = "tests fail by panicking")]
fn write(device: &OwnedFd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let count = rustix::io::write(device, bytes).expect("the terminal takes it");
        bytes = bytes.get(count..).unwrap_or_default();
    }
}

/// Gives everything that comes at its time.
fn deliver(arriving: &Receiver<Packet>, mut give: impl FnMut(&[u8])) {
    for (due, bytes) in arriving {
        sleep_until(due);
        give(&bytes);
    }
}

#[expect(clippy::disallowed_methods, reason = "a line is slow in real time")]
fn now() -> Instant {
    Instant::now()
}

fn sleep_until(due: Instant) {
    // a pause, because: being slow is what this is for.
    std::thread::sleep(due.saturating_duration_since(now()));
}
