//! `lock request`: gets the input lock and holds it.
//!
//! 1. Attach as a person's client: a lock that nobody holds is ours with that.
//! 2. Otherwise ask for it, and wait until the holder answers or the time is up.
//! 3. While it is ours, show who asks for it, and answer them as the person in front says.
//! 4. Ctrl-C or SIGTERM: give it back, or ask no more, and leave.

use std::pin::Pin;
use std::time::Duration;

use betcode_client::session::{End, Handle, Update};
use betcode_core::command::Action;
use betcode_core::event::{ClientInfo, ClientKind};
use betcode_core::id::SessionId;
use betcode_core::time::Timestamp;
use betcode_proto::status::reason;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Interval, interval, timeout};

use super::watch::{News, Over, Watch};
use crate::cli::find_session;
use crate::clock;
use crate::context::Context;
use crate::duration::until;
use crate::error::{Exit, Failure};
use crate::headless::{Cut, Interrupts};
use crate::link::{Link, Policy, block_on, client, command, from_now_on};
use crate::output::{Output, say, say_over, trouble_line};

/// How long giving it back may take.
const PARTING: Duration = Duration::from_secs(2);

/// Holds the lock until told to stop.
pub(super) fn request(id: &str, context: &mut Context) -> Result<Exit, Failure> {
    let link = Link::new(context, Policy::Start)?;
    let output = &mut context.output;
    block_on(async {
        let interrupts = Interrupts::listen()?;
        let daemon = link.connect().await?;
        let details = find_session(&daemon, id).await?;
        let session = details.summary.id;
        let me = client("betcode lock", ClientKind::Interactive);
        let open = from_now_on(&details, me.clone(), false);
        let mut holding = Holding {
            handle: Handle::on(daemon, link.watcher(), open),
            watch: Watch::new(me.id),
            session,
            me,
            lines: typed()?,
            interrupts,
            ticks: interval(Duration::from_secs(1)),
            counting: false,
        };
        let end = holding.run(output).await;
        holding.clear();
        holding.handle.leave(PARTING).await;
        end
    })
}

/// What is typed, line by line, when a person sits there.
fn typed() -> Result<Option<Receiver<String>>, Failure> {
    if !rustix::termios::isatty(rustix::stdio::stdin()) {
        return Ok(None);
    }
    let (send, lines) = channel(16);
    let read = move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if send.blocking_send(line).is_err() {
                break;
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(read);
    thread.map_err(|error| Failure::io("cannot start a thread", &error))?;
    Ok(Some(lines))
}

struct Holding {
    handle: Handle,
    watch: Watch,
    session: SessionId,
    me: ClientInfo,
    lines: Option<Receiver<String>>,
    interrupts: Interrupts,
    ticks: Interval,
    /// Whether a countdown stands on the last line of the terminal.
    counting: bool,
}

impl Holding {
    async fn run(&mut self, output: &mut Output) -> Result<Exit, Failure> {
        loop {
            let update = tokio::select! {
                biased;
                cut = self.interrupts.next() => return self.give_back(cut, output).await,
                line = next_line(&mut self.lines) => {
                    self.typed(line.as_deref());
                    continue;
                }
                _ = self.ticks.tick() => {
                    self.count();
                    continue;
                }
                update = self.handle.next() => update,
            };
            if let Some(end) = self.update(update, output)? {
                return end;
            }
        }
    }

    fn update(
        &mut self,
        update: Update,
        output: &mut Output,
    ) -> Result<Option<Result<Exit, Failure>>, Failure> {
        let mut news = Vec::new();
        match update {
            Update::Attached { standing, .. } => {
                news = self.watch.attached(&standing.lock);
                // After a lost connection the wish is forgotten and has to be said again.
                if !self.watch.holds() && self.watch.waits_until().is_none() {
                    self.send(Action::RequestLock);
                }
            }
            Update::Events(batch) => {
                for event in batch.events()? {
                    news.extend(self.watch.event(&event.body));
                }
            }
            Update::Outcome {
                outcome: Err(refusal),
                ..
            } => {
                // Whoever asked has gone meanwhile.
                if refusal.reason != reason::LOCK_NOT_REQUESTED {
                    return Err(refusal.into());
                }
            }
            Update::Reconnecting {
                attempt: 1, cause, ..
            } => self.say(&format!("note: reconnecting: {cause}")),
            Update::End(End::Refused(refusal)) => return Err(refusal.into()),
            Update::End(End::Failed(error)) => return Err(error.into()),
            Update::End(End::Complete) => {
                return Err(Failure::connection(
                    "CONNECTION_LOST",
                    "the daemon ended the stream",
                ));
            }
            Update::Trouble(trouble) => self.say(&trouble_line(trouble.as_deref())),
            Update::Outcome { .. }
            | Update::Reset { .. }
            | Update::Trimmed { .. }
            | Update::Reconnecting { .. } => {}
        }
        for one in news {
            if let News::Over(over) = one {
                self.clear();
                return Ok(Some(self.over(over, output)));
            }
            self.tell(&one, output)?;
        }
        Ok(None)
    }

    fn tell(&mut self, news: &News, output: &mut Output) -> Result<(), Failure> {
        let now = clock::now();
        match news {
            News::Holding => {
                self.clear();
                output.line(&format!(
                    "you hold the input lock of session {}; Ctrl-C gives it back",
                    self.session
                ))?;
                output.flush()?;
            }
            News::Waiting { holder, until: at } => self.say(&format!(
                "{holder} holds the input lock and was asked; it is yours {} at the latest unless they refuse",
                until(now, *at)
            )),
            News::Asked { by, until: at } => {
                let how = if self.lines.is_some() {
                    "y and Enter hands it over, n and Enter refuses"
                } else {
                    "Ctrl-C hands it over"
                };
                self.say(&format!(
                    "{by} asks for the input lock and gets it {}; {how}",
                    until(now, *at)
                ));
            }
            News::AsksNoMore(by) => self.say(&format!("{by} asks for it no more")),
            News::Kept(by) => self.say(&format!("{by} does not get it")),
            News::Lent(to) => self.say(&format!("{to} answers a request")),
            News::Back => self.say("the input lock is yours again"),
            News::Over(_) => {}
        }
        Ok(())
    }

    fn over(&self, over: Over, output: &mut Output) -> Result<Exit, Failure> {
        let session = self.session;
        match over {
            Over::Granted(to) => {
                output.line(&format!("the input lock is handed over to {to}"))?;
                Ok(Exit::Success)
            }
            Over::Lost(to) => Err(lock(
                "LOCK_LOST",
                format!("{to} has taken the input lock of session {session}"),
            )
            .hint(format!("betcode lock request {session} asks for it again"))),
            Over::Freed => Err(lock(
                "LOCK_LOST",
                format!("the input lock of session {session} is not yours any more"),
            )
            .hint(format!("betcode lock request {session} asks for it again"))),
            Over::Refused(by) => Err(lock(
                reason::LOCK_HELD,
                format!("{by} did not hand over the input lock of session {session}"),
            )),
            Over::Closed => Err(Failure::with(
                Exit::Failure,
                "NOT_FOUND",
                reason::SESSION_CLOSED,
                format!("session {session} was closed"),
            )),
        }
    }

    /// What the person says to whoever asks.
    fn typed(&mut self, line: Option<&str>) {
        let Some(line) = line else {
            self.lines = None;
            return;
        };
        // The terminal has shown what was typed, on a line of its own.
        self.counting = false;
        let grant = match line.trim().to_lowercase().as_str() {
            "y" | "yes" => true,
            "n" | "no" => false,
            _ => return,
        };
        let Some((by, _)) = self.watch.first_asking() else {
            say("nobody asks for the input lock");
            return;
        };
        let by = by.id;
        if grant {
            self.watch.grant(by);
        }
        self.send(Action::AnswerLock { client: by, grant });
    }

    /// A person sees the seconds go by.
    fn count(&mut self) {
        let now = clock::now();
        let left = |at: Timestamp| at.since(now).as_secs();
        let asked_of_us = self.watch.first_asking().map(|(_, at)| *at);
        let Some(at) = self.watch.waits_until().or(asked_of_us) else {
            return;
        };
        self.counting = say_over(&format!("{} s …", left(at)));
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.counting) {
            say_over("");
        }
    }

    fn say(&mut self, line: &str) {
        self.clear();
        say(line);
    }

    fn send(&mut self, action: Action) {
        let command = command(self.session, self.me.clone(), action);
        self.handle.send(command);
    }

    /// Ctrl-C gives back what is ours; before that it ends the wait.
    async fn give_back(&mut self, cut: Cut, output: &mut Output) -> Result<Exit, Failure> {
        self.clear();
        let held = self.watch.holds();
        let release = command(self.session, self.me.clone(), Action::ReleaseLock);
        let released: Pin<Box<_>> = Box::pin(self.handle.perform(release));
        // When nobody answers, leaving has the same effect a little later.
        let _late = timeout(PARTING, released).await;
        if held {
            output.line("the input lock is given back")?;
            return Ok(Exit::Success);
        }
        let exit = match cut {
            Cut::Terminated => Exit::Terminated,
            _ => Exit::Interrupted,
        };
        Err(Failure::with(
            exit,
            "CANCELLED",
            "INTERRUPTED",
            "the input lock was not yours yet; it is asked for no more",
        ))
    }
}

fn lock(reason: &str, message: String) -> Failure {
    Failure::with(Exit::Failure, "PERMISSION_DENIED", reason, message)
}

async fn next_line(lines: &mut Option<Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}
