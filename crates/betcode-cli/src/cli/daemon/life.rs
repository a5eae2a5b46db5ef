//! Starting and ending the daemon.

use std::path::Path;
use std::time::Duration;

use betcode_client::ConnectError;
use betcode_core::endpoint::{ENDPOINT_FILE, Endpoint};
use betcode_daemon::lifecycle::doctor::has_no_room;
use betcode_daemon::settings::Settings;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use super::serve;
use super::status::{absent, ask, present};
use super::tray;
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on};
use crate::output::say;

/// How long a daemon may take to write what it has and end.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing is said meanwhile.
const SILENCE: Duration = Duration::from_secs(2);
/// How often a daemon of another version is replaced.
const ATTEMPTS: usize = 5;
/// How often it is looked whether it has.
const PAUSE: Duration = Duration::from_millis(5);

/// What is wrong with the settings that a daemon would begin with.
fn check_settings(context: &Context) -> Result<(), Failure> {
    let (_, complaints) = Settings::load(&serve::options(context, false, false)?);
    match complaints.split_first() {
        None => Ok(()),
        Some((first, others)) => {
            for other in others {
                say(&format!("warning: {other}"));
            }
            Err(Failure::invalid("CONFIG", first).hint("betcode config edit opens the file"))
        }
    }
}

/// Starts a daemon unless one runs, and the tray if it is wanted.
pub(super) fn start(context: &mut Context, tray: bool, json: bool) -> Result<Exit, Failure> {
    let never = Link::new(context, Policy::Never)?;
    let always = Link::new(context, Policy::Start)?.quiet();
    let (status, started) = block_on(async {
        if let Some(status) = ask(&never).await? {
            return Ok((Some(status), false));
        }
        check_settings(context)?;
        Ok((ask(&always).await?, true))
    })?;
    let Some(status) = status else {
        return Err(Failure::connection(
            "DAEMON_NOT_STARTED",
            "the daemon ended again right after its start",
        )
        .hint("betcode daemon logs shows why"));
    };
    let shown = if tray {
        tray::start(context).map(Some)
    } else {
        // Whoever only has it in the settings wanted a daemon, and has one.
        Ok(start_wanted_tray(context))
    };
    if json {
        let mut value = present(&status);
        add(&mut value, "started", started);
        if let (Some(object), Ok(Some(shown))) = (value.as_object_mut(), &shown) {
            object.insert("tray".to_owned(), shown.word().into());
        }
        context.output.json(&value)?;
    } else {
        let how = if started { "runs" } else { "runs already" };
        context
            .output
            .line(&format!("the daemon {how} (process {})", status.pid))?;
        if let Ok(Some(shown)) = &shown {
            context.output.line(&shown.line())?;
        }
    }
    shown.map(|_| Exit::Success)
}

fn start_wanted_tray(context: &Context) -> Option<tray::Tray> {
    let shown = match tray::is_wanted(context) {
        Ok(true) => tray::start(context),
        Ok(false) => return None,
        Err(failure) => Err(failure),
    };
    shown
        .inspect_err(|failure| {
            let told = failure.report.as_ref().map(|it| it.message.as_str());
            say(&format!(
                "warning: {}",
                told.unwrap_or("the tray was not started")
            ));
        })
        .ok()
}

/// Ends the daemon that runs.
pub(super) fn stop(context: &mut Context, agents: bool, json: bool) -> Result<Exit, Failure> {
    let link = Link::new(context, Policy::Never)?;
    let stopped = block_on(end(&link, agents))?;
    if json {
        let mut value = absent(link.profile());
        add(&mut value, "stopped", stopped);
        context.output.json(&value)?;
    } else {
        context.output.line(if stopped {
            "the daemon has ended"
        } else {
            "no daemon is running"
        })?;
    }
    Ok(Exit::Success)
}

/// Ends the daemon of a context and its agents, if they run, without a word.
pub(in crate::cli) fn stop_everything(context: &mut Context) -> Result<(), Failure> {
    let link = Link::new(context, Policy::Never)?.quiet();
    block_on(end(&link, true)).map(drop)
}

/// Ends the daemon, if one runs, and starts one. Agents live in their hosts and are taken over. With settings that are broken
/// the one that runs stays.
pub(super) fn restart(context: &mut Context, json: bool) -> Result<Exit, Failure> {
    check_settings(context)?;
    // What the one that ends has to say is over with it.
    let never = Link::new(context, Policy::Never)?.quiet();
    let quiet = Link::new(context, Policy::Start)?.quiet();
    let (stopped, status) = block_on(async {
        let mut stopped = false;
        for _ in 0..ATTEMPTS {
            stopped |= end(&never, false).await?;
            match ask(&quiet).await? {
                // A client of an older program was quicker, and started the daemon that it knows.
                Some(status) if status.version != env!("CARGO_PKG_VERSION") => {}
                status => return Ok((stopped, status)),
            }
        }
        Err(Failure::general(
            "DAEMON_VERSION",
            "clients of another version start their own daemon each time that this one is to begin",
        )
        .hint("end them, and try again"))
    })?;
    let Some(status) = status else {
        return Err(Failure::connection(
            "DAEMON_NOT_STARTED",
            "the daemon ended again right after its start",
        )
        .hint("betcode daemon logs shows why"));
    };
    if json {
        let mut value = present(&status);
        add(&mut value, "stopped", stopped);
        context.output.json(&value)?;
    } else {
        let how = if stopped {
            "was started anew"
        } else {
            "did not run and was started"
        };
        context
            .output
            .line(&format!("the daemon {how} (process {})", status.pid))?;
    }
    Ok(Exit::Success)
}

fn add(object: &mut Value, key: &str, flag: bool) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), flag.into());
    }
}

/// Asks the daemon to end and waits until it has. False when none runs.
async fn end(link: &Link, agents: bool) -> Result<bool, Failure> {
    let pid = match link.connect().await {
        Ok(daemon) => {
            let pid = daemon.status().await?.pid;
            daemon.shutdown(agents).await?;
            pid
        }
        Err(ConnectError::NotRunning { .. }) => return Ok(false),
        // A daemon of another version understands a signal.
        Err(ConnectError::Incompatible { .. }) => {
            let pid = endpoint(&link.profile().state_dir).ok_or_else(|| {
                Failure::connection(
                    "DAEMON_VERSION",
                    "the daemon is of another version and its process is not known",
                )
            })?;
            if let Some(pid) = process(pid) {
                kill_process(pid, Signal::TERM)
                    .map_err(|error| Failure::io("the daemon cannot be ended", &error.into()))?;
            }
            pid
        }
        Err(error) => return Err(error.into()),
    };
    let asked = clock::moment();
    let mut told = false;
    while is_alive(pid) {
        if !told && asked.elapsed() >= SILENCE {
            told = true;
            say(&waits_for(&link.profile().state_dir, agents));
        }
        if asked.elapsed() >= PATIENCE {
            return Err(Failure::general(
                "DAEMON_DOES_NOT_END",
                format!("the daemon (process {pid}) has not ended"),
            )
            .hint("betcode daemon logs shows what it is doing"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
}

/// What keeps a daemon from ending at once.
fn waits_for(state_dir: &Path, agents: bool) -> String {
    let most = PATIENCE.as_secs();
    let what = if has_no_room(state_dir) {
        format!(
            "it cannot write what it holds, because the disk of {} is full: make room there",
            state_dir.display()
        )
    } else if agents {
        "it ends its agents and writes what they said".to_owned()
    } else {
        "it writes what it holds".to_owned()
    };
    format!("note: the daemon has not ended yet: {what}; waiting for at most {most} s")
}

fn endpoint(state_dir: &Path) -> Option<u32> {
    let text = std::fs::read(state_dir.join(ENDPOINT_FILE)).ok()?;
    serde_json::from_slice::<Endpoint>(&text)
        .ok()
        .map(|endpoint| endpoint.pid)
}

fn process(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// A process that has ended and that nobody has waited for counts as gone.
fn is_alive(pid: u32) -> bool {
    let exists = process(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
    exists
        && !std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_zombie(&stat))
}

/// The state follows the name, which stands in parentheses and may hold anything.
fn is_zombie(stat: &str) -> bool {
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| matches!(rest.split_whitespace().next(), Some("Z" | "X")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_but_was_not_waited_for_counts_as_gone() {
        assert!(is_zombie("12 (a) Z) Z 1 12"));
        assert!(!is_zombie("12 (Z) S 1 12"));
        assert!(is_alive(std::process::id()));
    }
}
