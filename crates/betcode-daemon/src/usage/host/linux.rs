//! Listens to Linux. What it hears is only a reason to look: what the kernel knows is asked for anew each time, so nothing is
//! lost when it says more than we can take in.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::net::unix::pipe::Receiver;

use super::Signal;
use super::law::{Known, Network, Sleep};
use super::netlink::{Progress, Question, take};
use crate::clock::Clock;

/// Links, and addresses and routes of both families.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// The kernel puts no more into one message than this.
const LONGEST: usize = 32 << 10;
/// The kernel answers at once. This is for those that are not quite Linux.
const PATIENCE: Duration = Duration::from_secs(1);
/// So often it is asked again when something changes while it answers.
const TRIES: usize = 5;

/// What is listened to. What cannot be listened to is left out, and so is what turns out not to work.
#[derive(Debug)]
pub(super) struct Linux {
    network: Option<Routes>,
    sleep: Option<Nap>,
    said: VecDeque<Signal>,
}

impl Linux {
    pub(super) fn open(clock: &Clock) -> Self {
        let silent = |what: &'static str| {
            move |error: io::Error| {
                tracing::debug!(%error, "the host does not say {what}");
            }
        };
        Self {
            network: Routes::open()
                .map_err(silent("whether there is a network"))
                .ok(),
            sleep: Nap::open(clock).map_err(silent("that it wakes up")).ok(),
            said: VecDeque::new(),
        }
    }

    pub(super) async fn next(&mut self) -> Signal {
        loop {
            if let Some(signal) = self.said.pop_front() {
                return signal;
            }
            tokio::select! {
                heard = hear(self.network.as_ref().map(|it| &it.socket)) => {
                    self.look_at_network(heard);
                }
                heard = hear(self.sleep.as_ref().map(|it| &it.timer)) => {
                    self.look_at_sleep(heard);
                }
            }
        }
    }

    fn look_at_network(&mut self, heard: io::Result<()>) {
        let Some(routes) = &mut self.network else {
            return;
        };
        match heard.and_then(|()| routes.look()) {
            Ok(signal) => self.said.extend(signal),
            Err(error) => {
                tracing::debug!(%error, "the host no longer says whether there is a network");
                self.network = None;
            }
        }
    }

    fn look_at_sleep(&mut self, heard: io::Result<()>) {
        let Some(nap) = &mut self.sleep else {
            return;
        };
        match heard.and_then(|()| nap.look()) {
            Ok(signal) => self.said.extend(signal),
            Err(error) => {
                tracing::debug!(%error, "the host no longer says that it wakes up");
                self.sleep = None;
            }
        }
    }
}

/// Something that the kernel writes to. It is read like a pipe, and more is not done with it here.
type Source = Receiver;

/// Waits until there is something to hear; for ever where nothing can be.
async fn hear(source: Option<&Source>) -> io::Result<()> {
    match source {
        // That it is there stays known until somebody has read it all.
        Some(source) => source.readable().await,
        None => std::future::pending().await,
    }
}

/// Reads until there is nothing more, whatever it is.
fn drain(source: &Source) -> io::Result<()> {
    let mut buffer = [0; 4_096];
    loop {
        match source.try_read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => match Errno::from_io_error(&error) {
                // More than fits; the time of day was set.
                Some(Errno::NOBUFS | Errno::CANCELED | Errno::INTR) => {}
                _ => return Err(error),
            },
        }
    }
}

/// What the kernel says about routes.
#[derive(Debug)]
struct Routes {
    /// Says that something changed.
    socket: Source,
    /// Answers questions.
    answers: OwnedFd,
    sequence: u32,
    network: Network,
}

impl Routes {
    fn open() -> io::Result<Self> {
        let socket = |flags| {
            let flags = SocketFlags::CLOEXEC | flags;
            socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)
        };
        let listening = socket(SocketFlags::NONBLOCK)?;
        // First listen, then look: what changes in between is heard.
        bind(&listening, &SocketAddrNetlink::new(0, GROUPS))?;
        let answers = socket(SocketFlags::empty())?;
        bind(&answers, &SocketAddrNetlink::new(0, 0))?;
        set_socket_timeout(&answers, Timeout::Recv, Some(PATIENCE))?;
        let mut sequence = 0;
        let network = Network::new(ask(&answers, &mut sequence)?);
        Ok(Self {
            socket: Receiver::from_owned_fd_unchecked(listening)?,
            answers,
            sequence,
            network,
        })
    }

    fn look(&mut self) -> io::Result<Option<Signal>> {
        drain(&self.socket)?;
        let known = ask(&self.answers, &mut self.sequence)?;
        Ok(self.network.look(known))
    }
}

/// Everything that the kernel knows now.
fn ask(answers: &OwnedFd, sequence: &mut u32) -> io::Result<Known> {
    let mut known = Known::default();
    for question in Question::ALL {
        let mut tries = 0..TRIES;
        loop {
            let before = known.clone();
            match ask_once(answers, question, sequence, &mut known)? {
                Progress::Again if tries.next().is_some() => known = before,
                Progress::Refused => return Err(io::ErrorKind::PermissionDenied.into()),
                Progress::Again | Progress::Done | Progress::More | Progress::Torn => break,
            }
        }
    }
    Ok(known)
}

fn ask_once(
    answers: &OwnedFd,
    question: Question,
    sequence: &mut u32,
    known: &mut Known,
) -> io::Result<Progress> {
    *sequence = sequence.wrapping_add(1);
    let kernel = SocketAddrNetlink::new(0, 0);
    let message = question.message(*sequence);
    sendto(answers, &message, SendFlags::empty(), &kernel)?;
    let mut buffer = vec![0; LONGEST];
    let mut is_torn = false;
    loop {
        let length = match recv(answers, buffer.as_mut_slice(), RecvFlags::empty()) {
            Ok((_, length)) => length,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let bytes = buffer.get(..length).unwrap_or(&buffer);
        match take(known, bytes, *sequence) {
            Progress::More => {}
            // It goes on all the same, and must be read to its end.
            Progress::Torn => is_torn = true,
            Progress::Done if is_torn => return Ok(Progress::Again),
            end => return Ok(end),
        }
    }
}

/// What the kernel says about the time of day: that it was set, which it does itself when it wakes up.
#[derive(Debug)]
struct Nap {
    timer: Source,
    clock: Clock,
    sleep: Sleep,
}

impl Nap {
    fn open(clock: &Clock) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        arm(&timer)?;
        Ok(Self {
            timer: Receiver::from_owned_fd_unchecked(timer)?,
            clock: clock.clone(),
            sleep: Sleep::new(clock.slept()),
        })
    }

    fn look(&mut self) -> io::Result<Option<Signal>> {
        drain(&self.timer)?;
        arm(&self.timer)?;
        Ok(self.sleep.look(self.clock.slept()))
    }
}

/// A timer that never ends, and is cancelled when the time of day is set.
fn arm(timer: impl AsFd) -> io::Result<()> {
    /// In some two hundred years.
    const NEVER: i64 = 1 << 33;
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    let moment = |seconds| Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    let never = Itimerspec {
        it_interval: moment(0),
        it_value: moment(NEVER),
    };
    timerfd_settime(timer, flags, &never)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[tokio::test]
    async fn the_timer_is_one_that_is_cancelled_when_the_time_of_day_is_set_and_stays_so() {
        let mut nap = Nap::open(&Clock::new(None)).unwrap();
        for _ in 0..2 {
            let about = format!("/proc/self/fdinfo/{}", nap.timer.as_fd().as_raw_fd());
            let about = std::fs::read_to_string(about).unwrap();
            // Of the time of day; absolute, and cancelled.
            for line in ["clockid: 0", "settime flags: 03", "it_interval: (0, 0)"] {
                assert!(about.lines().any(|it| it == line), "{about}");
            }
            assert!(!about.contains("it_value: (0, 0)"), "it is armed: {about}");
            assert_eq!(nap.look().unwrap(), None);
        }
    }

    #[tokio::test]
    async fn what_turns_out_not_to_work_is_left_out_and_the_rest_goes_on() {
        let mut linux = Linux::open(&Clock::new(None));
        linux.look_at_sleep(Err(io::ErrorKind::Other.into()));
        linux.look_at_network(Err(io::ErrorKind::Other.into()));
        assert!(linux.sleep.is_none() && linux.network.is_none());
        linux.said.push_back(Signal::Woke);
        assert_eq!(linux.next().await, Signal::Woke);
        let never = tokio::time::timeout(Duration::from_millis(20), linux.next());
        assert!(never.await.is_err(), "and it does not spin");
    }
}
