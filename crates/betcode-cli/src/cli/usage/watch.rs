//! `usage --watch`: what is known, and again whenever that changes.
//!
//! States of a watch: connecting (for the first time), watching, away (the daemon is gone).
//! Transitions: any end of a stream leads to away, and a connection from there to watching. After a daemon that has ended in good
//! order another one is waited for; one that has crashed is replaced.
//! Laws: the same text is never shown twice in a row; what changes by itself are times left, which are shown anew at most once a
//! minute; no loss of a daemon ends it, only a refusal that time does not heal.

use std::pin::Pin;
use std::time::Duration;

use betcode_client::{CallError, Connection, Connector as _, Occasion, UsageAccount};
use betcode_tui::runtime::signals::Signals;
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{interval, sleep};

use super::{Known, Look, Taste, overview, past, stage};
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::interactive::has_terminal;
use crate::link::{Link, Policy, block_on};
use crate::output::{Output, say};

/// How often times left are shown anew.
pub(super) const MINUTE: Duration = Duration::from_mins(1);
/// A watch that lasted this long was a good one: after it, one attempt is made at once.
const GOOD: Duration = Duration::from_secs(5);
/// The pauses between attempts, unless a daemon is there before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What there is to show.
pub(super) enum News {
    /// This is known.
    Known(Known),
    /// The sources are asked, or no more.
    Asking(bool),
    /// The daemon is gone, for this reason.
    Away(String),
}

/// What is to be watched.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    pub(super) look: Look,
    pub(super) taste: Taste,
    pub(super) zone: TimeZone,
    /// Whether the sources are asked at the beginning.
    pub(super) refresh: bool,
}

/// Shows what is known until somebody ends it.
pub(super) fn run(
    refresh: bool,
    look: Look,
    taste: Taste,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let errand = Errand {
        look,
        taste,
        zone: TimeZone::system(),
        refresh,
    };
    let link = Link::new(context, Policy::Start)?;
    if matches!(look, Look::Page { .. }) && has_terminal() {
        return stage::run(&link.quiet(), errand, context);
    }
    block_on(lines(link, errand, &mut context.output))
}

/// What changes, text after text.
async fn lines(link: Link, errand: Errand, output: &mut Output) -> Result<Exit, Failure> {
    let wrong = |error| Failure::io("cannot listen for signals", &error);
    let mut signals = Signals::listen().map_err(wrong)?;
    let (sender, mut news) = unbounded_channel();
    let (_wishes, wished) = unbounded_channel();
    let mut follow = std::pin::pin!(follow(link, errand.clone(), sender, wished));
    let mut minutes = interval(MINUTE);
    let mut closed = closed();
    let mut known: Option<Known> = None;
    let mut printed = Printed::default();
    let mut away = false;
    loop {
        tokio::select! {
            failure = &mut follow => return Err(failure),
            Some(new) = news.recv() => match new {
                News::Known(new) => {
                    if std::mem::take(&mut away) {
                        say("note: a daemon is there again");
                    }
                    known = Some(new);
                }
                News::Away(cause) => {
                    if !std::mem::replace(&mut away, true) {
                        say(&format!("note: waiting for the daemon: {cause}"));
                    }
                }
                News::Asking(_) => {}
            },
            _ = minutes.tick() => {}
            Ok(()) = &mut closed => return Err(Failure::output_closed()),
            number = signals.next() => return Ok(exit_of(number)),
        }
        if let Some(known) = &known {
            let text = known.text(errand.look, errand.taste, clock::now(), &errand.zone);
            let what = match errand.look {
                Look::Json => without_times(overview::json(&known.accounts)),
                _ => text.clone(),
            };
            if let Some(text) = printed.next(what, text, errand.look) {
                output.write(text.as_bytes())?;
                output.flush()?;
            }
        }
    }
}

/// That nobody will ever read what is printed. A thread waits for it: nothing is due meanwhile.
fn closed() -> oneshot::Receiver<()> {
    let (sender, closed) = oneshot::channel();
    std::thread::spawn(move || {
        let stdout = rustix::stdio::stdout();
        let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
        while let Err(Errno::INTR) = poll(&mut ends, None) {}
        // Nothing else is waited for.
        let _ = sender.send(());
    });
    closed
}

/// How a signal ends it.
pub(super) fn exit_of(number: i32) -> Exit {
    if number == Signal::INT.as_raw() {
        Exit::Interrupted
    } else {
        Exit::Terminated
    }
}

/// That a window was read again, and is as it was, is no change.
fn without_times(mut usage: Value) -> String {
    let readings = usage.get_mut("readings").and_then(Value::as_array_mut);
    for reading in readings.into_iter().flatten() {
        if let Some(reading) = reading.as_object_mut() {
            reading.remove("observed_at");
        }
    }
    usage.to_string()
}

/// What was printed last.
#[derive(Default)]
struct Printed {
    last: Option<String>,
}

impl Printed {
    /// What to print now, if `what` it says is new: pages are apart from each other.
    fn next(&mut self, what: String, text: String, look: Look) -> Option<String> {
        if self.last.as_ref() == Some(&what) {
            return None;
        }
        let apart = matches!(look, Look::Page { .. }) && self.last.is_some();
        self.last = Some(what);
        Some(if apart { format!("\n{text}") } else { text })
    }
}

/// Connects again and again, and tells what there is to show. It ends only with a refusal.
pub(super) async fn follow(
    link: Link,
    mut errand: Errand,
    news: UnboundedSender<News>,
    mut wishes: UnboundedReceiver<()>,
) -> Failure {
    let mut starting = link.connector();
    let mut waiting = link.watcher();
    let mut occasion = Occasion::First;
    let mut pause = FIRST_PAUSE;
    // Whoever has ended the daemon in good order does not want it started anew.
    let mut starts = true;
    loop {
        let connecting = if starts {
            starting.connect(occasion)
        } else {
            waiting.connect(occasion)
        };
        let cause = match connecting.await {
            Ok(connection) => {
                let since = clock::moment();
                let end = watch(&connection, &mut errand, &news, &mut wishes).await;
                let cause = match end {
                    Ok(()) => {
                        (starts, occasion) = (false, Occasion::Left);
                        "it has ended".to_owned()
                    }
                    Err(CallError::Refused(refusal)) if refusal.is_unavailable() => {
                        (starts, occasion) = (false, Occasion::Left);
                        refusal.to_string()
                    }
                    Err(error @ (CallError::Refused(_) | CallError::Unreadable(_))) => {
                        return error.into();
                    }
                    Err(error @ (CallError::Lost(_) | CallError::Silent(_))) => {
                        (starts, occasion) = (true, Occasion::Lost);
                        error.to_string()
                    }
                };
                if since.elapsed() >= GOOD {
                    pause = FIRST_PAUSE;
                    let _ = news.send(News::Away(cause));
                    continue;
                }
                cause
            }
            Err(error) if occasion == Occasion::First || !error.is_temporary() => {
                return error.into();
            }
            Err(error) => {
                occasion = Occasion::Again;
                error.to_string()
            }
        };
        let _ = news.send(News::Away(cause));
        tokio::select! {
            () = waiting.returned() => {}
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<UsageAccount>, CallError>> + 'a>>;

/// Tells what comes on one connection, until that ends. A wish is that the sources be asked.
async fn watch(
    daemon: &Connection,
    errand: &mut Errand,
    news: &UnboundedSender<News>,
    wishes: &mut UnboundedReceiver<()>,
) -> Result<(), CallError> {
    let mut changes = std::pin::pin!(daemon.watch_usage().await?);
    let mut asking: Option<Answer<'_>> = None;
    loop {
        if std::mem::take(&mut errand.refresh) && asking.is_none() {
            asking = Some(Box::pin(daemon.refresh_usage("", "")));
            let _ = news.send(News::Asking(true));
        }
        tokio::select! {
            change = changes.next() => {
                let Some(accounts) = change else {
                    return Ok(());
                };
                let accounts = accounts?;
                let past = past(daemon, errand.look, &errand.zone).await;
                let _ = news.send(News::Known(Known { accounts, past }));
            }
            Some(()) = wishes.recv() => errand.refresh = true,
            // What the sources said comes as a change; what was refused (too early) is no news.
            _ = answered(&mut asking) => {
                asking = None;
                let _ = news.send(News::Asking(false));
            }
        }
    }
}

async fn answered(asking: &mut Option<Answer<'_>>) -> Result<Vec<UsageAccount>, CallError> {
    match asking {
        Some(answer) => answer.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use usage_core::format::Paint;

    use super::*;

    #[test]
    fn the_same_text_is_not_printed_twice_and_pages_are_apart() {
        let page = Look::Page {
            width: 80,
            paint: Paint::Plain,
        };
        let mut printed = Printed::default();
        let mut next = |text: &str, look| printed.next(text.to_owned(), text.to_owned(), look);
        assert_eq!(next("a\n", page).as_deref(), Some("a\n"));
        assert_eq!(next("a\n", page), None);
        assert_eq!(next("b\n", page).as_deref(), Some("\nb\n"));
        assert_eq!(next("a\n", Look::Json).as_deref(), Some("a\n"));
    }

    #[test]
    fn what_was_only_read_again_is_no_change() {
        let usage = |percent: f64, observed_at: &str| {
            without_times(json!({"state": "ok", "readings": [
                {"percent": percent, "observed_at": observed_at}]}))
        };
        assert_eq!(usage(1.0, "now"), usage(1.0, "then"));
        assert_ne!(usage(1.0, "now"), usage(2.0, "now"));
    }
}
